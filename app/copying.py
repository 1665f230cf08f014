"""Backups by the clock: the service makes one when the newest is old enough, and says where it failed.

What there is in the folder says when the next is due, so a restart changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from app.backups import backups, create, prune
from app.errors import StepfourError
from knowledge.model import Value

if TYPE_CHECKING:
    from app.settings import Settings

log = logging.getLogger(__name__)

FILE = "backup-failed.json"
"""In the data folder from a try that failed until one that did not."""

LOOK_S = 60.0
AGAIN = timedelta(hours=1)
"""After a try that failed: copying much takes long, and what is wrong is seldom gone at once."""


class Failed(Value):
    """The last try."""

    at: datetime
    why: str


async def keep_copied(settings: Settings, *, look_s: float = LOOK_S) -> None:
    """Runs until it is cancelled; a start has better things to do first."""
    from app.main import utc_now

    while True:
        await asyncio.sleep(look_s)
        now = utc_now()
        if await asyncio.to_thread(due, settings, now):
            await _copied(settings, now)


def due(settings: Settings, now: datetime) -> bool:
    """Whether a copy has to be made now. One that somebody made by hand counts, too."""
    if settings.backup_every_hours is None:
        return False
    failed = last_failure(settings)
    if failed is not None and now < failed.at + AGAIN:
        return False
    newest = next(iter(backups(settings)), None)
    return newest is None or now >= newest.made_at + timedelta(hours=settings.backup_every_hours)


async def _copied(settings: Settings, now: datetime) -> None:
    """In a thread that nobody waits for at the end: half a copy is no copy, and is taken away later."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def work() -> None:
        try:
            copy(settings, now)
        finally:
            with suppress(RuntimeError):  # the service has stopped meanwhile
                loop.call_soon_threadsafe(over.set)

    threading.Thread(target=work, name="backup", daemon=True).start()
    await over.wait()


def copy(settings: Settings, now: datetime) -> None:
    """One copy, and those that are too old or too many go; a failure is logged, and kept for the doctor."""
    file = settings.data_dir / FILE
    try:
        made = create(settings, now, scheduled=True)
        log.info("backup %s: %d files, %.1f MB", made.name, len(made.files), made.size / 1e6)
        prune(settings, now)
        file.unlink(missing_ok=True)
    except (StepfourError, OSError) as error:
        log.error("the backup that was due failed, and is tried again in an hour: %s", error)
        with suppress(OSError):  # it is in the log
            file.write_text(Failed(at=now, why=str(error)).model_dump_json(), encoding="utf-8")


def last_failure(settings: Settings) -> Failed | None:
    try:
        return Failed.model_validate_json((settings.data_dir / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
