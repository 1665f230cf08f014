"""One call of a language model: every wait has an end, an answer has its final mark, a failure has a name.

Both roles (reader and writer) ask through one `Endpoint`, so that they share its rest after failures.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from app.errors import ConfigError, StepfourError
from app.spending import ANSWERED, Purse, Role

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

Failure = Literal[
    "timeout",
    "rate",
    "server",
    "truncated",
    "malformed",
    "refusal",
    "filtered",
    "auth",
    "unreachable",
    "rejected",
    "resting",
    "budget",
    "off",
]
"""`rejected`: it does not take what it is asked (address, model, parameter). The last three were not asked:
it rests after failures, a budget is used up, or a person has switched models off."""

FREE: frozenset[Failure] = frozenset({"unreachable", "auth", "rate", "rejected", "server"})
"""What nobody bills for. Of anything else the estimate stands."""

MOST_BYTES = 4_000_000
"""Of an answer: room for every token in an event of its own."""
MOST_ERROR_BYTES = 20_000
LAST_WORD_S = 1.0
"""After the final mark only the count of tokens is waited for."""

FAILURES_IN_A_ROW = 3
REST_S = 30.0
LONGEST_REST_S = 300.0

Told = Callable[[str], Awaitable[None]]


class ModelFailed(StepfourError):
    """The language model gave nothing that can be used."""

    def __init__(
        self, kind: Failure, detail: str = "", *, rest_s: float | None = None, by_text: bool = False
    ) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.rest_s = rest_s
        """For how long it asks to be left alone."""
        self.by_text = by_text
        """It comes of the text that was sent, and says nothing of the endpoint: nobody can have a model
        rest for others by what they write."""

    @property
    def level(self) -> int:
        """Of its line in the log: what was decided before is no news each time."""
        return logging.INFO if self.kind in ("resting", "budget", "off") else logging.WARNING


class Said(NamedTuple):
    """What a model answered, and what it says that this has cost; None where it does not say."""

    text: str
    tokens_in: int | None
    tokens_out: int | None


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

        now, answer = asyncio.get_running_loop().time, _Answer()
        client = self._client()
        try:
            async with (
                asyncio.timeout_at(min(until, now() + self.waits.first)) as pace,
                client,
                client.chat.completions.with_streaming_response.create(**body) as opened,
            ):
                async for piece in _pieces(opened.http_response):
                    answer.take(piece)
                    wait = LAST_WORD_S if answer.finished else self.waits.stall
                    pace.reschedule(min(until, now() + wait))
                    if told is not None and piece.words:
                        await told(answer.text)
        except APIConnectionError as error:
            cause = error.__cause__ or error
            raise cause if isinstance(cause, ModelFailed) else _named(cause) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValidationError, OSError) as error:
            if not answer.finished:  # after the final mark nothing can go wrong any more
                raise _named(error) from error
        return answer.whole()

    def _client(self) -> AsyncOpenAI:
        """The reference client, less what it does by itself: try again, follow redirects with our key, wait
        as long as it is told to, and read an error's body without a bound."""
        import httpx2
        from openai import AsyncOpenAI

        waits = httpx2.Timeout(None, connect=self.waits.connect)
        http = httpx2.AsyncClient(
            timeout=waits, verify=_authorities(), event_hooks={"response": [_accept]}, follow_redirects=False
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


@cache
def _authorities() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()


# --- what an endpoint sends -----------------------------------------------------------------------


class _Words(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None


class _Choice(BaseModel):
    finish_reason: str | None = None
    message: _Words = _Words()
    delta: _Words = _Words()


class _Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int = Field(0, ge=0)


class _Piece(BaseModel):
    """What we need of a completion or of a piece of one; an endpoint sends whatever JSON it likes."""

    choices: list[_Choice] = Field(default=[], max_length=1)
    usage: _Usage | None = None
    error: Any = None

    @property
    def words(self) -> str:
        return "".join((c.message.content or "") + (c.delta.content or "") for c in self.choices)


class _Answer:
    """An answer as it grows."""

    def __init__(self) -> None:
        self.text = ""
        self.usage: _Usage | None = None
        self._finish: str | None = None
        self._refused = self._called = False

    @property
    def finished(self) -> bool:
        return self._finish is not None

    def take(self, piece: _Piece) -> None:
        if piece.error is not None:
            raise ModelFailed("server", "it broke off with an error")
        self.usage = piece.usage or self.usage
        self.text += piece.words
        for choice in piece.choices:
            for words in (choice.message, choice.delta):
                self._refused |= bool(words.refusal)
                self._called |= bool(words.tool_calls or words.function_call)
            self._finish = choice.finish_reason or self._finish

    def whole(self) -> Said:
        """The answer, where it is whole and nothing but words; raises `ModelFailed`."""
        if self._finish is None:
            raise ModelFailed("truncated", "it ended without its final mark")
        if self._finish == "content_filter":
            raise ModelFailed("filtered", by_text=True)
        if self._refused:
            raise ModelFailed("refusal", by_text=True)
        if self._called or self._finish in ("tool_calls", "function_call"):
            raise ModelFailed("malformed", "it calls tools, and has none", by_text=True)
        if self._finish != "stop":
            raise ModelFailed("truncated", f"it ended by {self._finish[:40]!r}", by_text=True)
        if not self.text.strip():
            raise ModelFailed("malformed", "it is empty", by_text=True)
        usage = self.usage
        return Said(self.text, *((usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)))


async def _accept(response: httpx2.Response) -> None:
    """Raises `ModelFailed` for a status that is no yes."""
    status = response.status_code
    if status == 200:
        return
    if status in (401, 403):
        raise ModelFailed("auth", f"{status}")
    if status == 429:
        raise ModelFailed("rate", f"{status}", rest_s=_retry_after(response.headers.get("retry-after")))
    if status in (408, 504):
        raise ModelFailed("timeout", f"{status}")
    if status >= 500:
        raise ModelFailed("server", f"{status}", rest_s=_retry_after(response.headers.get("retry-after")))
    told = b""
    async for chunk in response.aiter_raw():
        told += chunk
        if len(told) > MOST_ERROR_BYTES:
            break
    kind: Failure = "filtered" if b"content_filter" in told[:MOST_ERROR_BYTES] else "rejected"
    raise ModelFailed(kind, f"{status}", by_text=status in (400, 413, 422))


def _retry_after(header: str | None) -> float | None:
    """Seconds, of the number or the date that the header holds."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if seconds > 0 else None


async def _pieces(response: httpx2.Response) -> AsyncIterator[_Piece]:
    """The pieces of a stream; of an endpoint that does not stream, the one whole answer."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        yield _Piece.model_validate_json(b"".join([chunk async for chunk in _bounded(response)]))
        return
    rest = b""
    async for chunk in _bounded(response):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if (piece := _piece(line)) is not None:
                yield piece
    if (piece := _piece(rest)) is not None:
        yield piece


async def _bounded(response: httpx2.Response) -> AsyncIterator[bytes]:
    seen = 0
    async for chunk in response.aiter_raw():
        seen += len(chunk)
        if seen > MOST_BYTES:
            raise ModelFailed("malformed", f"it is longer than {MOST_BYTES:,} bytes")
        yield chunk


def _piece(line: bytes) -> _Piece | None:
    """Of one line of server-sent events; comments keep a connection alive and say nothing."""
    name, _, value = line.partition(b":")
    if name.strip() != b"data" or not (value := value.strip()) or value == b"[DONE]":
        return None
    return _Piece.model_validate_json(value)


def _named(error: BaseException) -> ModelFailed:
    import httpx2

    kind: Failure = "unreachable"
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        # Where the connection alone takes so long, nobody is there.
        kind = "unreachable" if isinstance(error, httpx2.ConnectTimeout) else "timeout"
    elif isinstance(error, ValidationError | httpx2.DecodingError):
        kind = "malformed"
    elif isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        kind = "truncated"
    # What an endpoint sends may hold what it was sent: it stays out of the log.
    return ModelFailed(kind, type(error).__name__)
