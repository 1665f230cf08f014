"""What a language model's endpoint sends: an answer is whole, or its failure has a name."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from app.errors import StepfourError

if TYPE_CHECKING:
    import httpx2

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


MOST_BYTES = 4_000_000
"""Of an answer: room for every token in an event of its own."""
MOST_ERROR_BYTES = 20_000


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


class Answer:
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


async def accept(response: httpx2.Response) -> None:
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


async def pieces(response: httpx2.Response) -> AsyncIterator[_Piece]:
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


def named(error: BaseException) -> ModelFailed:
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
