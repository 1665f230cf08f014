"""Tells other services what is new: each outlet follows numbered logs and remembers how far it came.

At least once: a crash between telling and remembering tells again, so an outlet posts under a key that the
other side (or `store.posted`) knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from app.models.event import AGENTS, Event

if TYPE_CHECKING:
    from app.adapters.store import Store

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""How long after the first, second ... failure in a row it is tried again."""
AGAIN_AFTER_S = 5.0
LOOK_AGAIN_S = 60.0
"""News wakes us; this is for news that was missed."""


class TryLater(Exception):
    """The other side wants to be left alone for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class Outlet(Protocol):
    """A surface that we push to."""

    @property
    def name(self) -> str:
        """Key of its marks."""
        ...

    @property
    def channel(self) -> str | None:
        """Conversations of this channel are followed, those whose ids start with `channel-`."""
        ...

    @property
    def agents(self) -> bool:
        """The agents' own log is followed, too."""
        ...

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        """Tells of events of one log, in order. Raises `TryLater`, or anything: then it is tried again."""
        ...


async def follow(store: Store, outlets: Sequence[Outlet]) -> None:
    """Runs until it is cancelled: one task for each outlet and log with news."""
    tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
    again: set[tuple[str, str]] = set()

    def start(outlet: Outlet, followed: str) -> None:
        key = outlet.name, followed
        if key in tasks:
            again.add(key)  # it may have read the log just before this was written
            return
        tasks[key] = asyncio.create_task(_catch_up(store, outlet, followed), name=" ".join(key))
        tasks[key].add_done_callback(lambda task: ended(task, outlet, followed))

    def ended(task: asyncio.Task[None], outlet: Outlet, followed: str) -> None:
        key = outlet.name, followed
        del tasks[key]
        if key in again and not task.cancelled():
            again.discard(key)
            start(outlet, followed)

    try:
        with store.listening() as news:
            while True:
                for outlet in outlets:
                    for log_id in await store.undelivered(outlet.name, outlet.channel, agents=outlet.agents):
                        start(outlet, log_id)
                try:
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        while True:
                            log_id = await news.get()
                            for outlet in outlets:
                                if follows(outlet, log_id):
                                    start(outlet, log_id)
                except TimeoutError:
                    continue
    finally:
        left = list(tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Runs work that never ends by itself; what breaks it is logged, and it starts again from its tables."""
    while True:
        try:
            await run()
        except Exception:  # one surface that breaks must not stop the others, nor the service
            log.exception("%s broke off; it starts again in %s s", name, AGAIN_AFTER_S)
        await asyncio.sleep(AGAIN_AFTER_S)


def follows(outlet: Outlet, log_id: str) -> bool:
    if log_id == AGENTS:
        return outlet.agents
    return outlet.channel is not None and log_id.startswith(f"{outlet.channel}-")


async def _catch_up(store: Store, outlet: Outlet, log_id: str) -> None:
    """Delivers until nothing is left; what the other side refuses is tried again, in order."""
    failures = 0
    while True:
        after = await store.delivered_up_to(outlet.name, log_id)
        events = await store.events(log_id, after)
        if not events:
            return
        try:
            await outlet.deliver(log_id, events)
        except TryLater as wait:
            await asyncio.sleep(wait.seconds)
        except (
            Exception
        ):  # the one edge to whatever client an outlet uses; nothing is lost, all is said again
            pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
            failures += 1
            log.exception(
                "%s: events of %s after %s are told again in %s s", outlet.name, log_id, after, pause
            )
            await asyncio.sleep(pause)
        else:
            failures = 0
            await store.mark_delivered(outlet.name, log_id, events[-1].seq)
