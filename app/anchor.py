"""The anchor of the audit trail: its head, written outside of the database.

A trail that was cut, or a data folder that was put back to an old backup, is sound in itself; only what was
written elsewhere tells. One line of JSON is one anchor; the file only grows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from app.audit import Anchor
from app.errors import ConfigError, StepfourError

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.settings import Settings

log = logging.getLogger(__name__)

FILE = "audit-anchor.jsonl"
EVERY_S = 3600
LOOKS = 24
"""So many anchors later the whole chain is looked at again."""


def place(settings: Settings) -> Path:
    """Raises `ConfigError` for a folder that is not there: it may be a disk that is not mounted."""
    folder = settings.audit_anchor_dir
    if folder is not None and not folder.is_dir():
        raise ConfigError(
            f"STEPFOUR_AUDIT_ANCHOR_DIR: there is no folder {folder}. Make it, or mount it, and start again."
        )
    return (folder or settings.data_dir) / FILE


def anchors(file: Path) -> list[Anchor]:
    """All that were written; a line that a crash cut off is none."""
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else ():
        with suppress(ValidationError):
            found.append(Anchor.model_validate_json(line))
    return found


def write(file: Path, anchor: Anchor) -> None:
    """Adds an anchor, unless the head is where it was."""
    known = anchors(file)
    if known and (known[-1].seq, known[-1].hash) == (anchor.seq, anchor.hash):
        return
    text = json.dumps(anchor.model_dump(mode="json"), sort_keys=True) + "\n"
    with file.open("ab+") as out:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            text = text if out.read(1) == b"\n" else f"\n{text}"
        out.write(text.encode())
        out.flush()
        os.fsync(out.fileno())


@asynccontextmanager
async def anchored(store: Store, settings: Settings) -> AsyncIterator[None]:
    """Anchors the trail at the start, every hour and at the end, and looks at the whole chain every day."""
    file = place(settings)
    await store.tell_start({"modes": dict(settings.modes), "slack": dict(settings.slack_channels)})
    try:
        await _anchor(store, file)
    except OSError as error:
        raise ConfigError(
            f"STEPFOUR_AUDIT_ANCHOR_DIR: {file} cannot be written ({error.strerror}). Allow writing there."
        ) from error
    ending = threading.Event()
    task = asyncio.create_task(_keep(store, settings, file, ending), name="audit")
    try:
        yield
    finally:
        ending.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _try(store, file)


async def _keep(store: Store, settings: Settings, file: Path, ending: threading.Event) -> None:
    from app.trail import Stopped, verify

    while True:
        try:
            found = await asyncio.to_thread(verify, settings.data_dir, file, ending=ending, rows=False)
        except Stopped:
            return
        except StepfourError as error:
            log.error("the audit trail could not be looked at: %s", error)
        else:
            if found.fault is not None:
                log.error("the audit trail does not hold: %s. See: stepfour audit verify", found.fault.detail)
        for _ in range(LOOKS):
            await asyncio.sleep(EVERY_S)
            await _try(store, file)


async def _try(store: Store, file: Path) -> None:
    try:
        await _anchor(store, file)
    except OSError as error:
        log.error("the audit trail was not anchored: %s cannot be written (%s)", file, error.strerror)


async def _anchor(store: Store, file: Path) -> None:
    head = await store.audit_head()
    if head is not None:
        await asyncio.to_thread(write, file, head)
