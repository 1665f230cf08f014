"""One call of a language model: every wait has an end, an answer has its final mark, a failure has a name.

Reader and writer ask through one `Endpoint`, so that they share its rest after failures.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError

from app.completion import Answer, Failure, ModelFailed, Said, accept, named, pieces
from app.errors import ConfigError
from app.spending import ANSWERED, Purse, Role

if TYPE_CHECKING:
    from openai import AsyncOpenAI

FREE: frozenset[Failure] = frozenset({"unreachable", "auth", "rate", "rejected", "server"})
"""What nobody bills for. Of anything else the estimate stands."""

LAST_WORD_S = 1.0
"""After the final mark only the count of tokens is waited for."""

FAILURES_IN_A_ROW = 3
REST_S = 30.0
LONGEST_REST_S = 300.0

Told = Callable[[str], Awaitable[None]]


class Waits(NamedTuple):
    """Seconds that each part of a call may take."""

    total: float = 45.0
    first: float = 10.0
    """Until the first token."""
    stall: float = 10.0
    """Between tokens."""
    connect: float = 5.0


class Breaker:
    """Leaves an endpoint alone after some failures in a row; when the rest is over, one call tries it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed = 0
        self._rests_until = 0.0
        self._trying = False

    @property
    def rests(self) -> float:
        """Seconds that it is still left alone for; 0 where it is asked."""
        if self._failed < FAILURES_IN_A_ROW:
            return 0.0
        return max(0.0, self._rests_until - self._clock())

    def enter(self) -> bool:
        """Whether a call may be made; each that may ends in `succeeded`, `failed` or `left`."""
        if self._failed < FAILURES_IN_A_ROW:
            return True
        if self.rests or self._trying:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        self._failed, self._trying = 0, False

    def failed(self, rest_s: float | None = None) -> None:
        self._failed += 1
        if rest_s is not None:
            self._failed = max(self._failed, FAILURES_IN_A_ROW)
        self._rests_until = self._clock() + min(rest_s or REST_S, LONGEST_REST_S)
        self._trying = False

    def left(self) -> None:
        """The call was given up before it told anything."""
        self._trying = False


class Endpoint:
    """An OpenAI-compatible endpoint and the model that is asked there.

    Raises `ConfigError` for an address or a key that cannot be one.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str | None = None,
        *,
        waits: Waits | None = None,
        breaker: Breaker | None = None,
        purse: Purse | None = None,
    ) -> None:
        self.url = _address(url)
        self.model = model
        self.waits = waits or Waits()
        self.breaker = breaker or Breaker()
        self.purse = purse
        self._key = _secret(key)
        self._options = True
        """Whether it takes `stream_options`: most do, some refuse what they do not know."""

    def deadline(self) -> float:
        """When a call that begins now has to be over, in the loop's time."""
        return asyncio.get_running_loop().time() + self.waits.total

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        role: Role,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        told: Told | None = None,
        until: float | None = None,
    ) -> Said:
        """The whole answer; raises `ModelFailed` by the deadline at the latest.

        `told` gets the words so far as they come. `until`: a deadline that is already running.
        """
        until = until or self.deadline()
        body = self._body(messages, max_tokens, schema)
        if not self.breaker.enter():
            raise ModelFailed("resting", f"it failed before; asked again in {self.breaker.rests:.0f} s")
        try:
            said = await self._paid(body, role, told, until)
        except ModelFailed as error:
            if error.by_text:
                self.breaker.succeeded()
            elif error.kind in ("budget", "off"):
                self.breaker.left()
            else:
                self.breaker.failed(error.rest_s)
            raise
        except BaseException:
            self.breaker.left()
            raise
        self.breaker.succeeded()
        return said

    async def _paid(self, body: dict[str, Any], role: Role, told: Told | None, until: float) -> Said:
        """What it takes is put down before the call, and settled after it; a call that is given up in the
        middle costs what was put down."""
        if self.purse is None:
            return await self._asked(body, told, until)
        most_in, most_out = at_most(body), int(body["max_tokens"])
        call = await self.purse.open(role, self.model, most_in, most_out)
        if isinstance(call, str):
            kind: Failure = "off" if call == "off" else "budget"
            raise ModelFailed(kind, "models are switched off" if call == "off" else f"of the {call}")
        try:
            said = await self._asked(body, told, until)
        except ModelFailed as error:
            took = (0, 0) if error.kind in FREE else (most_in, most_out)
            await self.purse.close(call, error.kind, *took)
            raise
        taken_in = most_in if said.tokens_in is None else said.tokens_in
        taken_out = at_most(said.text) if said.tokens_out is None else said.tokens_out
        await self.purse.close(call, ANSWERED, taken_in, taken_out)
        return said

    def _body(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{name: _whole_characters(text) for name, text in each.items()} for each in messages],
            "temperature": 0,
            "max_tokens": max_tokens,
            "stream": True,
        }
        if schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": dict(schema)}
        return body

    async def _asked(self, body: dict[str, Any], told: Told | None, until: float) -> Said:
        if self._options:
            try:
                return await self._call(body | {"stream_options": {"include_usage": True}}, told, until)
            except ModelFailed as error:
                if not (error.kind == "rejected" and error.by_text):
                    raise
            said = await self._call(body, told, until)
            self._options = False
            return said
        return await self._call(body, told, until)

    async def _call(self, body: dict[str, Any], told: Told | None, until: float) -> Said:
        import httpx2
        from openai import APIConnectionError

        now, answer = asyncio.get_running_loop().time, Answer()
        client = self._client()
        try:
            async with (
                asyncio.timeout_at(min(until, now() + self.waits.first)) as pace,
                client,
                client.chat.completions.with_streaming_response.create(**body) as opened,
            ):
                async for piece in pieces(opened.http_response):
                    answer.take(piece)
                    wait = LAST_WORD_S if answer.finished else self.waits.stall
                    pace.reschedule(min(until, now() + wait))
                    if told is not None and piece.words:
                        await told(answer.text)
        except APIConnectionError as error:
            cause = error.__cause__ or error
            raise cause if isinstance(cause, ModelFailed) else named(cause) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValidationError, OSError) as error:
            if not answer.finished:  # after the final mark nothing can go wrong any more
                raise named(error) from error
        return answer.whole()

    def _client(self) -> AsyncOpenAI:
        """The reference client, less what it does by itself: try again, follow redirects with our key, wait
        as long as it is told to, and read an error's body without a bound."""
        import httpx2
        from openai import AsyncOpenAI

        waits = httpx2.Timeout(None, connect=self.waits.connect)
        http = httpx2.AsyncClient(
            timeout=waits, verify=_authorities(), event_hooks={"response": [accept]}, follow_redirects=False
        )
        return AsyncOpenAI(
            base_url=self.url,
            api_key=self._key,
            max_retries=0,
            timeout=waits,
            http_client=http,
            # What is packed could be a thousand times what it seems; a bound on bytes is one on what is sent.
            default_headers={"accept-encoding": "identity"},
        )


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(char.isspace() for char in url):
        raise ConfigError(f"{url!r} is no address of a model. Name one such as https://llm.example.com/v1.")
    return url.rstrip("/")


def _secret(key: str | None) -> str:
    key = key or "none"
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("the model's key holds characters that no key has. Copy it again, on one line.")
    return key


def _whole_characters(text: str) -> str:
    """Half of a character cannot be sent."""
    return text.encode("utf-8", "replace").decode()


def at_most(value: object) -> int:
    """Tokens, rather too many: a token of any script has three bytes or more, of nearly every text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode("utf-8", "replace")) // 3 + 1


def load() -> None:
    """Imports the client, for which the first call may have no time."""
    import openai  # noqa: F401

    _authorities()


@cache
def _authorities() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()
