"""The company's account system over HTTP: reads what is asked at that moment, writes once per key.

To put another platform behind Stepfour, write the routes of this file anew; nothing else knows them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from app.errors import BadInput, ConfigError, OutcomeUnknown, Unavailable
from app.identity import account_user
from app.models import Principal, Standing

# A read is part of a turn, so it gives up early; a write may take its time, since a lost answer costs more.
READ_TIMES = httpx.Timeout(5.0, connect=2.0)
WRITE_TIMES = httpx.Timeout(10.0, connect=3.0)
READ_TOTAL_S, WRITE_TOTAL_S = 8.0, 20.0

_LISTS = {"branded_links": "branded-links", "domains": "domains"}
"""Parts of the account's record that have a route of their own."""
_IDS = ("id", "name", "host")
"""What an element of a list is called by in a path."""


@dataclass(frozen=True)
class Write:
    """One request that changes something; `{...}` stands for an input."""

    method: str
    route: str
    body: Mapping[str, object] | None = None


WRITES: Mapping[str, Write] = {
    "enable_https": Write("PATCH", "settings", {"https_tracking": True}),
    "disable_https": Write("PATCH", "settings", {"https_tracking": False}),
    "assign_dedicated_ip": Write("PUT", "dedicated-ip", {"ip": "auto"}),
    "release_dedicated_ip": Write("PUT", "dedicated-ip", {"ip": None}),
    "resume_sending": Write("POST", "sending/resume"),
    "pause_sending": Write("POST", "sending/pause", {"reason": "undone by support"}),
    "move_domain": Write("PUT", "domains/{domain}/workspace", {"workspace": "{workspace}"}),
}


class Platform:
    """`Accounts` of the company's API. Close it, or use it in `async with`."""

    def __init__(self, url: str, token: str | None) -> None:
        self._base = f"{url.rstrip('/')}/v1/accounts/"
        self._people = f"{url.rstrip('/')}/v1/people"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._reads = self._client(READ_TIMES, keep=10)
        except (httpx.InvalidURL, ValueError) as error:
            raise ConfigError(f"STEPFOUR_PLATFORM_URL {url!r} is no address: {error}") from error
        if self._reads.base_url.scheme not in ("http", "https") or not self._reads.base_url.host:
            raise ConfigError(f"STEPFOUR_PLATFORM_URL {url!r} is no address; write https://...")

    def _client(self, times: httpx.Timeout, *, keep: int) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=keep)
        return httpx.AsyncClient(
            base_url=self._base, headers=self._headers, timeout=times, limits=limits, trust_env=False
        )

    async def aclose(self) -> None:
        await self._reads.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def standing(self, principal: Principal) -> Standing:
        """Owner, member or stranger of the account, as the account system says now."""
        if principal.kind != "customer" or not principal.account:
            return "anonymous"
        try:
            user = await self._read(_route(principal.account, "users", principal.id))
        except BadInput:
            return "stranger"
        except Unavailable:
            return "unknown"
        if not isinstance(user, Mapping):
            return "stranger"
        return "owner" if user.get("role") == "owner" else "member"

    async def field(self, account: str, path: str) -> object:
        """Value at a dotted path: `plan`, `settings.click_tracking`, `domains.acme.com.workspace`."""
        first, *rest = path.split(".")
        if first in _LISTS:
            record = await self._read(_route(account, _LISTS[first]))
            return at(record, rest)
        return at(as_record(await self._read(_route(account))), [first, *rest])

    async def subjects(self, account: str, kind: str) -> tuple[str, ...]:
        """`domain`: branded link hosts, else sending domains. Also `sending_domain` and `workspace`."""
        if kind == "workspace":
            record = as_record(await self._read(_route(account)))
            return _called(at(record, ["workspaces"]))
        links = _called(await self.field(account, "branded_links")) if kind == "domain" else ()
        if kind in ("domain", "sending_domain"):
            return links or _called(await self.field(account, "domains"))
        return ()

    async def person_by_email(self, email: str) -> Principal | None:
        """Whose address it is, where it is exactly one user's: an address of several proves none of them."""
        try:
            record = await self._read(f"{self._people}?email={quote(email, safe='')}")
        except BadInput:
            return None
        found = record.get("people") if isinstance(record, Mapping) else None
        if not isinstance(found, Sequence) or len(found) != 1 or not isinstance(found[0], Mapping):
            return None
        return account_user(found[0].get("account"), found[0].get("user"))

    async def change(self, account: str, effect: str, inputs: Mapping[str, str], key: str) -> None:
        """Performs one of `WRITES`, once per key.

        Raises `BadInput` where the platform refuses it, `Unavailable` when nothing was sent or it was put
        off, `OutcomeUnknown` when it was sent and no clear answer came.
        """
        method, route, body = _filled(effect, inputs)
        url = _route(account) + "/" + route
        # A connection of its own: one from a pool may have been closed by the other side, which looks the
        # same as an answer that was lost.
        async with self._client(WRITE_TIMES, keep=0) as client:
            try:
                async with asyncio.timeout(WRITE_TOTAL_S):
                    response = await client.request(method, url, json=body, headers={"Idempotency-Key": key})
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise Unavailable(
                    f"The account system cannot be reached for {effect}; nothing was sent. Try again later."
                ) from error
            except (httpx.HTTPError, TimeoutError) as error:
                raise OutcomeUnknown(
                    f"{effect} was sent with key {key} and its answer was lost ({type(error).__name__}); "
                    "look at the account before doing anything again."
                ) from error
        _judge_write(effect, key, response)

    async def _read(self, url: str) -> object:
        """JSON at a route; None where the platform has nothing there."""
        try:
            async with asyncio.timeout(READ_TOTAL_S):
                response = await self._get(url)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(
                f"The account system does not answer ({type(error).__name__}); try again later."
            ) from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.is_success:
            try:
                body: object = response.json()
            except ValueError as error:
                raise Unavailable("The account system sent no JSON; look at its address.") from error
            return body
        if response.status_code in (401, 403):
            raise Unavailable("The account system refuses our token; set STEPFOUR_PLATFORM_TOKEN anew.")
        raise Unavailable(f"The account system answered {response.status_code}; try again later.")

    async def _get(self, url: str) -> httpx.Response:
        try:
            return await self._reads.get(url)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            # An idle connection that the other side had closed; a read may be repeated.
            return await self._reads.get(url)


def _route(account: str, *parts: str) -> str:
    """Path of an account's resource; an id never reaches beyond its own segment."""
    for part in (account, *parts):
        # Escaping is not enough for a slash: servers decode it before they route.
        if part in ("", ".", "..") or "/" in part:
            raise BadInput(f"{part!r} cannot be an id; use the one in the dashboard's address.")
    return "/".join(quote(part, safe="") for part in (account, *parts))


def _filled(effect: str, inputs: Mapping[str, str]) -> tuple[str, str, Mapping[str, object] | None]:
    if effect not in WRITES:
        raise BadInput(f"The account system has no write {effect!r}; it has {', '.join(sorted(WRITES))}.")
    write = WRITES[effect]
    try:
        route = "/".join(_route(part.format(**inputs)) for part in write.route.split("/"))
        body = write.body and {
            name: value.format(**inputs) if isinstance(value, str) else value
            for name, value in write.body.items()
        }
    except KeyError as error:
        raise BadInput(f"{effect} needs a value for {error}; ask for it first.") from error
    return write.method, route, body


def _judge_write(effect: str, key: str, response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Unavailable(f"The account system put {effect} off: too many requests. Try again later.")
    if response.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
        raise BadInput(f"The account system refused {effect} ({status}): {_reason(response)}")
    # A gateway may say 5xx after the platform has done it.
    raise OutcomeUnknown(
        f"The account system answered {status} to {effect} with key {key}; look at the account before "
        "doing anything again."
    )


def _reason(response: httpx.Response) -> str:
    """The platform's own words, short."""
    try:
        body = response.json()
    except ValueError:
        return response.text[:300]
    return str(body.get("detail", body) if isinstance(body, dict) else body)[:300]


def as_record(account: object) -> object:
    """The account's record in the shape that pages and actions name fields by."""
    if not isinstance(account, Mapping):
        return None
    workspaces = account.get("workspaces") or ()
    address = account.get("dedicated_ip")
    return {
        **account,
        # The platform lists workspaces in use by their bare ids.
        "workspaces": [
            {"id": each, "status": "active"} if isinstance(each, str) else each for each in workspaces
        ],
        "dedicated_ip": {"assigned": address is not None, "address": address},
    }


def at(value: object, path: Sequence[str]) -> object:
    """Walks a dotted path; a list's element is found by its id, name or host, which may have dots itself."""
    if not path:
        return value
    for taken in range(len(path), 0, -1):
        key = ".".join(path[:taken])
        if isinstance(value, Mapping) and key in value:
            return at(value[key], path[taken:])
        if isinstance(value, list | tuple):
            for each in value:
                if isinstance(each, Mapping) and key in (each.get(name) for name in _IDS):
                    return at(each, path[taken:])
    return None


def _called(rows: object) -> tuple[str, ...]:
    """What the elements of a list are called: a link by its host, a domain by its name."""
    if not isinstance(rows, list | tuple):
        return ()
    names = ("host", "name", "id")
    return tuple(
        next((str(row[name]) for name in names if row.get(name)), "")
        for row in rows
        if isinstance(row, Mapping)
    )
