"""Nothing is kept for longer than the settings say: by the clock, and by `stepfour erase aged`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app import erased
from app.adapters.aging import Aged
from app.erasing import OfAge, alone, carry_out, stored, told_of_age
from app.errors import BadInput, StepfourError
from knowledge.erasing import LOOKED_FOR

if TYPE_CHECKING:
    from app.settings import Settings
    from knowledge.store import Knowledge

log = logging.getLogger(__name__)

DAY_S = 24 * 3600.0
SOON_S = 60.0
"""A start has better things to do first."""


def erase_aged(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What is older than `STEPFOUR_KEEP_DAYS`. Args: `dry` (only says what would go)."""
    from app.main import utc_now

    if settings.keep_days is None:
        raise BadInput("nothing is too old: STEPFOUR_KEEP_DAYS is not set, so conversations are kept.")
    now, open_days = utc_now(), settings.keep_open_days
    before = now - timedelta(days=settings.keep_days)
    abandoned = now - timedelta(days=open_days) if open_days is not None else None
    with alone(knowledge, settings):
        aged: Aged = stored(settings, lambda store: store.aged(before, abandoned))
        if args.get("dry") or not aged.theirs:
            if not args.get("dry"):
                stored(settings, lambda store: store.drop_stale(before))
            return told_of_age(aged, before, aged.conversations, ())
        aged = aged.model_copy(update={"words": aged.words[:LOOKED_FOR]})
        return carry_out(knowledge, settings, OfAge(aged=aged, before=before, abandoned=abandoned))


async def keep_no_longer(
    knowledge: Knowledge, settings: Settings, *, first_s: float = SOON_S, every_s: float = DAY_S
) -> None:
    """Runs until it is cancelled: what is too old goes every day, and so do old backups."""
    await asyncio.sleep(first_s)
    while True:
        await asyncio.to_thread(tidy, knowledge, settings)
        await asyncio.sleep(every_s)


def tidy(knowledge: Knowledge, settings: Settings) -> None:
    """One day's work; what cannot be done today is told, and tried again tomorrow."""
    from app.backups import prune
    from app.main import utc_now

    try:
        if settings.keep_days is not None:
            found = erase_aged(knowledge, settings, {}, lambda _: None)
            if found["conversations"]:
                log.info(
                    "%d conversations of before %s are erased", len(found["conversations"]), found["before"]
                )
            if found["left"]:
                log.warning("words of erased conversations are still in: %s", ", ".join(found["left"]))
        if erased.folder(settings).is_dir():
            prune(settings, utc_now())
    except StepfourError as error:
        log.error("not everything that is too old is gone: %s", error)
