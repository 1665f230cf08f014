"""The help centre API of Zendesk: lists page by page, waits when told to, says what cannot be had and why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from ingest.sources.polite import Answer, Client, Net
from ingest.sources.source import Failed
from knowledge.addresses import PUBLIC, AddressPolicy

TOGETHER = 100
"""Articles in an answer: the most that the API gives."""
MOST_PAGES = 1_000
"""Answers for one list. Whoever goes on after them goes round."""
LARGEST = 50_000_000
"""Bytes of one answer."""
RATE = 5.0
"""Requests per second."""
TRIES = 4
LONGEST_WAIT = 60.0
"""Seconds that we wait when told to come back later; who says more is left for the next sync."""
LONGEST_IN_ALL = 600.0
"""Seconds of waiting in one listing."""

_BUSY = frozenset({429, 500, 502, 503, 504})


Fetch = Callable[[str, Mapping[str, str]], Answer]
"""Address and headers -> answer. Follows no redirect; raises `OSError` where there is no answer."""


def vetted(policy: AddressPolicy = PUBLIC, net: Net | None = None) -> Fetch:
    """Every connection goes to an address that was checked; ends after a minute or at `LARGEST` bytes."""
    client = Client(policy, net or Net(), RATE)

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        answer = client.once(url, headers, LARGEST)
        if isinstance(answer, Answer):
            return answer
        raise OSError(answer.reason if isinstance(answer, Failed) else answer)

    return fetch


class Refused(Exception):
    """A list could not be had; the message is for people."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


Kind = TypeVar("Kind", bound=BaseModel)


class Api:
    """The API at one address, as a visitor or with what `headers` prove."""

    def __init__(self, base: str, headers: Mapping[str, str], fetch: Fetch) -> None:
        self.base = base
        self._headers = {"Accept": "application/json", **headers}
        self._fetch = fetch
        self.pause: Callable[[float], None] = time.sleep
        self.waited = 0.0

    def all(
        self, path: str, key: str, kind: type[Kind], order: Mapping[str, str] | None = None
    ) -> Iterator[Kind]:
        """All of a list, page by page. The place of the next page is taken from an answer, its address never:
        our token goes nowhere else."""
        query = {**(order or {}), "page[size]": str(TOGETHER)}
        seen: set[str] = set()
        odd = ""
        for _ in range(MOST_PAGES):
            answer = self.one(path, query)
            items, meta = answer.get(key), answer.get("meta") or {}
            if not isinstance(items, list) or not isinstance(meta, dict):
                raise Refused(f"its answer holds no {key}. Check that this is the address of a help centre.")
            for item in items:
                try:
                    yield kind.model_validate(item)
                except ValidationError as error:
                    where = ".".join(str(part) for part in error.errors()[0]["loc"])
                    odd = odd or f"one of its {key} cannot be understood ({where}). Look at it there."
            if not meta.get("has_more"):
                break
            cursor = meta.get("after_cursor")
            if not isinstance(cursor, str) or not cursor or cursor in seen:
                raise Refused(f"its list of {key} goes round. The next sync tries again.")
            seen.add(cursor)
            query["page[after]"] = cursor
        else:
            raise Refused(f"its list of {key} does not end. Name fewer languages with the option `locales`.")
        if odd:
            raise Refused(odd)

    def one(self, path: str, query: Mapping[str, str]) -> dict[str, object]:
        url = f"{self.base}/api/v2/help_center/{path}" + (f"?{urlencode(query)}" if query else "")
        reason, status = "", 0
        for again in range(TRIES):
            wait = 2.0**again
            try:
                answer = self._fetch(url, self._headers)
            except OSError as error:
                reason = f"no answer ({error}). Check the address and the network."
            else:
                status = answer.status
                if status == 200 and (value := _object(answer.body)) is not None:
                    return value
                reason = self._why(answer)
                if status != 200 and status not in _BUSY:
                    break
                wait = _asked_to_wait(answer.headers) or wait
            if again + 1 == TRIES or wait > LONGEST_WAIT or self.waited + wait > LONGEST_IN_ALL:
                break
            self.waited += wait
            self.pause(wait)
        raise Refused(reason, status)

    def _why(self, answer: Answer) -> str:
        status = answer.status
        if status == 200:
            return (
                "its answer is not the JSON of a help centre. Check the address, and that it is not closed."
            )
        if status in {401, 403} and "Authorization" in self._headers:
            return "it does not take this e-mail and token. Check both, and that the agent may read articles."
        if status in {401, 403}:
            return "visitors may not read it. Give `email` and `token=env:NAME` of an agent."
        if status == 404:
            return "there is no help centre, or not in this language. Check the address and `locales`."
        if status == 429:
            return "it was asked too often for now. The next sync tries again."
        if 300 <= status < 400:
            host = urlsplit(answer.headers.get("location", "")).hostname or "another place"
            return f"it sends us to {host}. If that is right, give its address."
        return f"it answered {status}. The next sync tries again; if it goes on, look at its status page."


def _object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _asked_to_wait(headers: Mapping[str, str]) -> float:
    given = headers.get("retry-after", "").strip()
    if given.isdecimal() and len(given) < 10:
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
