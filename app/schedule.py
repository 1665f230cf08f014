"""Syncs sources that have a schedule, one at a time, in a thread beside the service."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from app.commands.sources import bring_up_to_date, next_at

if TYPE_CHECKING:
    from app.settings import Settings
    from ingest.report import Progress
    from knowledge.model import Source
    from knowledge.runs import Run
    from knowledge.store import Knowledge

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often we look whether a source is due."""

GRACE_S = 10.0
"""How long a running sync gets to come to the end of a document when the service stops."""


async def keep_in_step(knowledge: Knowledge, settings: Settings, *, look_s: float = LOOK_S) -> None:
    """Runs until it is cancelled; what a sync has taken in by then stays."""
    from app.main import utc_now

    ending = threading.Event()
    loop = asyncio.get_running_loop()
    with_one_thread = ThreadPoolExecutor(1, "schedule")
    try:
        while True:
            work = loop.run_in_executor(with_one_thread, _sync_next, knowledge, settings, utc_now(), ending)
            try:
                did = await asyncio.shield(work)
            except asyncio.CancelledError:
                ending.set()
                await asyncio.wait({work}, timeout=GRACE_S)
                raise
            if not did:
                await asyncio.sleep(look_s)
    finally:
        with_one_thread.shutdown(wait=False, cancel_futures=True)


def due(sources: Sequence[Source], last: Mapping[str, Run], now: datetime) -> Source | None:
    """The one that has waited longest for its time, if any has."""
    waiting = [(next_at(source, last.get(source.id)), source) for source in sources if source.every]
    ready = [pair for pair in waiting if pair[0] <= now]
    return min(ready, key=lambda pair: pair[0])[1] if ready else None


def _sync_next(knowledge: Knowledge, settings: Settings, now: datetime, ending: threading.Event) -> bool:
    from knowledge import runs
    from knowledge.errors import KnowledgeError, SyncEnded

    source = due(knowledge.sources(), runs.last(knowledge.db), now)
    if source is None:
        return False

    def watch(_: Progress) -> None:
        if ending.is_set():
            raise SyncEnded("the service stopped; the next sync goes on")

    try:
        report = bring_up_to_date(knowledge, settings, source, watch)
        log.info("%s", report)
        if report.stopped:
            log.warning("%s: %s", source.id, report.stopped)
    except KnowledgeError as error:
        log.warning("%s was not synced: %s", source.id, error)  # the run says so, too: `sources list`
    return True
