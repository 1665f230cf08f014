"""A conversation's numbered events as server-sent events, from any number on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from random import randrange
from typing import Any, Protocol, TypeVar

from fastapi.responses import StreamingResponse

from app.models.event import Event
from app.ports import Clock

HEARTBEAT_S = 15.0
RETRY_MS, SPREAD_MS = 1_000, 2_000
T = TypeVar("T")


class Log(Protocol):
    """Events of conversations, and a way to wait for the next."""

    async def events(self, conversation: str, after: int, limit: int = 500) -> Sequence[Event]: ...
    async def last_seq(self, conversation: str) -> int: ...
    async def wait_for_events(self, conversation: str, after: int, timeout_s: float) -> None: ...


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


async def _yes() -> bool:
    return True


async def _as_stored(events: Sequence[Event]) -> Sequence[Event]:
    return events


async def _told(
    events: Sequence[Event], as_of_now: Callable[[Sequence[Event]], Awaitable[Sequence[Event]]]
) -> Sequence[Event]:
    return await as_of_now(events) if events else events


async def events_after(
    after: int,
    log: Log,
    conversation: str,
    *,
    clock: Clock,
    until: datetime | None,
    ending: asyncio.Event,
    still: Callable[[], Coroutine[Any, Any, bool]] = _yes,
    as_of_now: Callable[[Sequence[Event]], Awaitable[Sequence[Event]]] = _as_stored,
) -> AsyncIterator[str]:
    """Events with greater numbers than `after`, then new ones, until `until` or `ending`.

    Where the server ends, the last word is when to come back: not all of its readers at the same moment.

    `as_of_now`: what is added to events at the moment in which they are shown.
    `still`: whoever reads may still do so; asked before anything more is told, and at every heartbeat.
    """
    yield f"retry: {RETRY_MS}\n\n"
    while not ending.is_set() and (until is None or clock() < until):
        events = await _whole(log.events(conversation, after))
        if not await _whole(still()):
            return
        for event in await _whole(_told(events, as_of_now)):
            after = event.seq
            data = json.dumps(event.payload, separators=(",", ":"))
            yield f"id: {event.seq}\nevent: {event.type}\ndata: {data}\n\n"
        if not events:
            left = HEARTBEAT_S if until is None else (until - clock()).total_seconds()
            await _news(log, conversation, after, max(0.1, min(HEARTBEAT_S, left)), ending)
            if await _whole(log.last_seq(conversation)) <= after:
                yield ": still here\n\n"
    if ending.is_set():
        yield f"retry: {RETRY_MS + randrange(SPREAD_MS)}\n\n"  # noqa: S311  no secret


async def _whole(read: Coroutine[Any, Any, T]) -> T:
    """Lets a read end by itself: who leaves in the middle must not break a connection of the pool."""
    return await asyncio.shield(asyncio.ensure_future(read))


async def _news(log: Log, conversation: str, after: int, seconds: float, ending: asyncio.Event) -> None:
    """Waits for an event after `after`, for the end of the time, or for the end of the server."""
    news = asyncio.ensure_future(log.wait_for_events(conversation, after, seconds))
    end = asyncio.ensure_future(ending.wait())
    try:
        # Not cancelled for the same reason: it ends by itself when its time is over.
        await asyncio.wait({news, end}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
