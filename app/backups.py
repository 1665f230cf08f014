"""Backups: copies of what the caches are made from, as of one moment, while the service runs; and back again.

A copy is a folder with a manifest of digests. Copies go by age, so that what was erased leaves them, too. A
copy that is put back is told to the audit trail, loses what was erased since, and lets nobody in whose right
ended since. What it does not know of effects, the platform does: each was sent under a key of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from app import anchor, erased
from app.adapters import sql
from app.adapters.desk import FILES
from app.audit import Anchor, Entry
from app.errors import BadInput, ConfigError
from knowledge.model import Value

if TYPE_CHECKING:
    from app.settings import Settings
    from knowledge.store import Knowledge

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
DATABASES = (sql.FILE, "knowledge.db")
"""The service's first: what it cites stands in the other for good."""
FOLDERS = (FILES, "uploads")
SINGLE = ("manifest.yaml",)
PART = ".part"
PIECE = 1 << 20


class Kept(Value):
    """A file of a copy."""

    size: int
    sha256: str


class Backup(Value):
    """One copy."""

    name: str
    made_at: datetime
    head: Anchor | None
    """The last line of the audit trail in it."""
    files: Mapping[str, Kept]
    scheduled: bool = False
    """Made by the clock: `STEPFOUR_BACKUP_MOST` counts these."""

    @property
    def size(self) -> int:
        return sum(each.size for each in self.files.values())


class Restored(Value):
    """What came of putting a copy back."""

    backup: str
    made_at: datetime
    erased_again: int
    replaced: str | None
    """Where the folder of before is now."""
    anchor: str | None
    """Where the anchor of before is now."""


# --- making one ---------------------------------------------------------------------------------


def create(settings: Settings, now: datetime, *, scheduled: bool = False) -> Backup:
    """Raises `ConfigError` where there is nothing to copy, or no room."""
    data, into = settings.data_dir, erased.folder(settings)
    if not (data / sql.FILE).exists():
        raise ConfigError(
            f"there is no {data / sql.FILE}. Set STEPFOUR_DATA_DIR to the data folder of a Stepfour."
        )
    name = f"{now:%Y-%m-%dT%H%M%SZ}"
    if (into / name).exists():
        raise BadInput(f"there is a backup of this very second already: {into / name}")
    part = into / f"{name}{PART}"
    try:
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.mkdir(mode=0o700)
        files = {}
        for file in _to_copy(data):
            with suppress(FileNotFoundError):  # erased meanwhile
                files[file] = _copied(data / file, part / file)
        head = _head(part / sql.FILE)
        made = Backup(name=name, made_at=now, head=head, files=files, scheduled=scheduled)
        _write(part / MANIFEST, made.model_dump_json(indent=1).encode())
        part.rename(into / name)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise ConfigError(
            f"no backup was made in {into}: {error}. Make room, or set STEPFOUR_BACKUP_DIR."
        ) from error
    return made


def _to_copy(data: Path) -> Iterator[str]:
    """Names of files, the databases first: a file that is in one is on the disk already."""
    yield from (name for name in DATABASES if (data / name).exists())
    yield from (name for name in SINGLE if (data / name).exists())
    for folder in FOLDERS:
        for file in sorted((data / folder).rglob("*")):
            if file.is_file() and not file.name.endswith(".part"):
                yield str(file.relative_to(data))


def _copied(source: Path, target: Path) -> Kept:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if source.name in DATABASES and source.parent.name not in FOLDERS:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as db:
            _new(target).close()
            with closing(sqlite3.connect(target)) as copy:
                db.backup(copy)  # in one go: everything in it is of one moment, and writers write on
                copy.execute("PRAGMA journal_mode = DELETE")
        return _digested(target)
    return _copy(source, target)


def _new(file: Path) -> IO[bytes]:
    """For its owner alone from the first byte on; takes nothing's place."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _copy(source: Path, target: Path) -> Kept:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as kept, _new(target) as out:
        while piece := kept.read(PIECE):
            digest.update(piece)
            size += len(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return Kept(size=size, sha256=digest.hexdigest())


def _digested(file: Path) -> Kept:
    with file.open("rb") as kept:
        os.fsync(kept.fileno())
        digest = hashlib.file_digest(kept, "sha256")
    return Kept(size=file.stat().st_size, sha256=digest.hexdigest())


def _write(file: Path, content: bytes) -> None:
    with _new(file) as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _head(file: Path) -> Anchor | None:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            row = db.execute("SELECT seq, hash, at FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # of before there was a trail
            return None
    return Anchor(seq=row[0], hash=row[1], at=datetime.fromisoformat(row[2])) if row else None


# --- what there is ------------------------------------------------------------------------------


def backups(settings: Settings) -> list[Backup]:
    """All whole copies, the newest first."""
    found = []
    for file in erased.folder(settings).glob(f"*/{MANIFEST}"):
        with suppress(ValidationError, OSError):
            made = Backup.model_validate_json(file.read_text(encoding="utf-8"))
            if made.name == file.parent.name:
                found.append(made)
    return sorted(found, key=lambda each: each.made_at, reverse=True)


def named(settings: Settings, name: str | None) -> Backup:
    """None: the newest. Raises `BadInput` where there is none."""
    there = backups(settings)
    found = next((each for each in there if name in (None, each.name)), None)
    if found is None:
        known = ", ".join(each.name for each in there) or "none yet; make one: stepfour backup create"
        raise BadInput(f"there is no backup {name or ''} in {erased.folder(settings)}. There is {known}.")
    return found


def check(settings: Settings, made: Backup) -> list[str]:
    """What is wrong with a copy; nothing where it can be relied on."""
    from app import trail

    folder, wrong = erased.folder(settings) / made.name, []
    for name, kept in made.files.items():
        file = folder / name
        if not file.is_file():
            wrong.append(f"{name} is not there")
        elif _digested(file) != kept:
            wrong.append(f"{name} is not as it was when it was copied")
    strange = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()} - {*made.files, MANIFEST}
    wrong += [f"{name} is no part of it" for name in sorted(strange)]
    if wrong:
        return wrong
    for name in DATABASES:
        if name in made.files:
            with closing(
                sqlite3.connect(f"{(folder / name).resolve().as_uri()}?immutable=1", uri=True)
            ) as db:
                (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
            wrong += [f"{name}: {said}"] if said != "ok" else []
    if made.head is not None and not wrong:
        found = trail.verify(folder, folder / "no-anchor")
        if found.fault is not None:
            wrong.append(f"its audit trail does not hold at line {found.fault.seq}: {found.fault.detail}")
    return wrong


def prune(settings: Settings, now: datetime) -> list[str]:
    """Deletes copies that are too old, those by the clock that are too many, and halves of a crash; names of
    copies."""
    place = erased.folder(settings)
    until = now - timedelta(days=settings.backup_days)
    there = backups(settings)
    most = settings.backup_most if settings.backup_most is not None else len(there)
    too_many = [each for each in there if each.scheduled][most:]
    old = [each for each in there if each.made_at < until or each in too_many]
    for each in old:
        shutil.rmtree(place / each.name)
    for part in place.glob(f"*{PART}"):
        if datetime.fromtimestamp(part.stat().st_mtime, now.tzinfo) < now - timedelta(days=1):
            shutil.rmtree(part, ignore_errors=True)
    oldest = min((each.made_at for each in backups(settings)), default=until)
    erased.forget(settings, min(oldest, until))
    return [each.name for each in old]


def gone_by(settings: Settings) -> datetime | None:
    """Until when what is erased now is still in a copy; None where there is none."""
    newest = next(iter(backups(settings)), None)
    return newest.made_at + timedelta(days=settings.backup_days) if newest is not None else None


# --- back again ---------------------------------------------------------------------------------


def restore(
    settings: Settings, made: Backup, now: datetime, *, opened: Callable[[Settings], Knowledge]
) -> Restored:
    """Puts a copy in the place of the data folder, and carries out what was erased since it was made.

    `opened`: opens the knowledge in it. The folder of before is kept beside it. Raises `BadInput` while a
    service runs on it, or where the copy is not whole.
    """
    from app.erasing import alone

    _not_in_use(settings)
    if wrong := check(settings, made):
        raise BadInput(f"{made.name} cannot be put back: {'; '.join(wrong[:3])}. Take another one.")
    data, source = settings.data_dir, erased.folder(settings) / made.name
    fresh = data.absolute().with_name(f"{data.absolute().name}.restoring")
    stamp = f"{now:%Y-%m-%dT%H%M%SZ}"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        for name, kept in made.files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _copy(source / name, fresh / name) != kept:
                raise BadInput(f"{name} changed while it was put back. Check the disk, and try again.")
        aside = _set_aside(data.absolute(), f"{data.absolute().name}.replaced-{stamp}")
        fresh.rename(data.absolute())
    except OSError as error:
        fix = "Make room, or move what is in the data folder away yourself, and try again."
        raise ConfigError(f"{made.name} was not put back: {error}. {fix}") from error
    file = anchor.place(settings)
    known = anchor.anchors(file) or (anchor.anchors(aside / anchor.FILE) if aside else [])
    before = _set_aside(file, f"{file.name}.replaced-{stamp}")
    asyncio.run(_tell(settings, made, known[-1] if known else None))
    knowledge = opened(settings)
    try:
        with alone(knowledge, settings):
            again = erased.again(knowledge, settings)
    finally:
        knowledge.close()
    return Restored(
        backup=made.name,
        made_at=made.made_at,
        erased_again=len(again),
        replaced=str(aside) if aside else None,
        anchor=str(before) if before else None,
    )


def _not_in_use(settings: Settings) -> None:
    from app.commands.admin import answers
    from knowledge.errors import KnowledgeInUse
    from knowledge.store import owned

    if not settings.data_dir.exists():
        return
    if answers(settings):
        raise BadInput(f"a service runs on {settings.data_dir}. Stop it, and put the copy back then.")
    try:
        owned(settings.data_dir).close()
    except KnowledgeInUse as error:
        raise BadInput(str(error)) from error


def _set_aside(path: Path, name: str) -> Path | None:
    """Where it is now; what was set aside before, in the same second, stays."""
    if not path.exists():
        return None
    names = itertools.chain([name], (f"{name}.{number}" for number in itertools.count(2)))
    aside = next(aside for each in names if not (aside := path.with_name(each)).exists())
    path.rename(aside)
    return aside


async def _tell(settings: Settings, made: Backup, last: Anchor | None) -> None:
    """The trail goes on from the copy with a line that says so, and which line was the last one before."""
    from app.adapters.store import Store
    from app.main import utc_now

    head = made.head.seq if made.head is not None else 0
    more: dict[str, object] = {"backup": made.name, "head": head}
    if last is not None:
        more["anchored"] = [last.seq, last.hash]
    store = await Store.open(settings.data_dir, utc_now)
    try:
        await store.put_back(Entry(what="restored", who="operator", more=more))
    finally:
        await store.close()


def as_json(made: Backup) -> dict[str, object]:
    return {
        **json.loads(made.model_dump_json(exclude={"files"})),
        "files": len(made.files),
        "bytes": made.size,
    }
