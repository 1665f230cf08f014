"""Takes a document out for good: no byte of its text or of a vector of it stays in the data folder.

Rows are deleted with their bytes, every file that had them is written anew, and the folder is read through
at the end: what says that it is erased has looked.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import re
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from knowledge import findings, notes, runs, stored
from knowledge.encoder.text import text_sha256
from knowledge.errors import KnowledgeError, NoRoom
from knowledge.index import broken, texts_of, windows
from knowledge.model import Value
from knowledge.quotes import sentences
from knowledge.tables import DOCUMENT, NOTE, PASSAGE, PROCEDURE, SOURCE, VERSION

if TYPE_CHECKING:
    from knowledge.store import Knowledge

SHORTEST = 12
"""Characters: a shorter line may be anybody's."""

LOOKED_FOR = 60
"""Lines and vectors that the folder is read through for."""

M_PERTURB = -6
"""Of `mallopt`: the complement of the value fills what is handed out."""

_MARKER = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>|#+)\s+")
_ANCHOR = re.compile(r"\s*\{#[\w.:-]+\}\s*$")


class Tombstone(Value):
    """What is still known of an erased document."""

    document: str
    title: str
    updated_at: datetime
    at: datetime
    by: str
    done: bool = True
    """False while vectors and free space may still hold something of it."""


class Traces(NamedTuple):
    """What a document can be found by, wherever something of it is left."""

    documents: tuple[str, ...]
    """Its id, and those that it had before it moved."""
    words: tuple[str, ...]
    """Lines and sentences of every version that stand in no other document, longest first."""
    vectors: tuple[bytes, ...]
    """Those that are of no other document."""


class _Kept(NamedTuple):
    """Where a version of it is kept."""

    document: str
    version: str


def tombstone(db: sa.Engine, document: str) -> Tombstone | None:
    kept = notes.get(db, f"erased {document}")
    return Tombstone.model_validate_json(kept) if kept else None


def known(db: sa.Engine, document: str) -> tuple[str, bool]:
    """(title, whether it is served now). Raises `KnowledgeError` where there is no such document."""
    with db.connect() as c:
        row = c.execute(sa.select(DOCUMENT).where(DOCUMENT.c.id == document)).first()
        moved = runs.moved_to(c, document)
    if row is None:
        gone = tombstone(db, document)
        if gone is not None and not gone.done:
            return gone.title, False
        why = f"was erased on {gone.at:%Y-%m-%d}" if gone else "is not known"
        raise KnowledgeError(f"`{document}` {why}. See: stepfour docs list")
    if moved is not None:
        raise KnowledgeError(f"`{document}` has moved. Erase it where it is now: `{moved}`")
    return row.title, row.removed_at is None


def traces(knowledge: Knowledge, document: str) -> Traces:
    """While it is still there."""
    with knowledge.db.connect() as c:
        kept = _kept(c, document)
        words = _words(c, kept)
        texts = _texts(c, kept)
    ids = tuple(sorted({document, *(each.document for each in kept)}))
    every = stored.every(knowledge.db)
    others = {text_sha256(t) for f in every if f.passage.document != document for t in windows(f.passage)}
    own = [text for text in texts if text_sha256(text) not in others]
    vectors = tuple(v.astype("<f4").tobytes() for v in knowledge.encoder.known("passage", own))
    return Traces(ids, words, vectors)


def erase_document(knowledge: Knowledge, document: str, *, by: str, at: datetime) -> Tombstone:
    """Every version of it, its passages, procedures, findings, vectors, and its uploaded file; what is kept
    of it from before it moved, too.

    Waits for a sync that runs. Done again after a crash it goes on, and what is erased stays as it is.
    Raises `KnowledgeError` where there is no such document.
    """
    with knowledge.syncing:
        db = knowledge.db
        with db.connect() as c:
            row = c.execute(sa.select(DOCUMENT).where(DOCUMENT.c.id == document)).first()
            names = _names(c, document)
        if row is not None:
            changed = datetime.fromisoformat(row.updated_at)
            stone = Tombstone(
                document=document, title=row.title, updated_at=changed, at=at, by=by, done=False
            )
            _drop_upload(db, document)
            with knowledge.swap():
                before = stored.current(db, documents=[document])
                _drop_rows(db, stone)
                knowledge.follow(before, ())
        elif (found := tombstone(db, document)) is not None:
            stone = found
        else:
            raise KnowledgeError(f"`{document}` is not known. See: stepfour docs list")
        if not stone.done:
            for name in names:
                findings.forget(db, document=name)
            forget_vectors(knowledge)
            stone = stone.model_copy(update={"done": True})
            notes.put(db, f"erased {document}", stone.model_dump_json())
        return stone


def forget_vectors(knowledge: Knowledge) -> None:
    """Keeps vectors of what the catalogue holds now and no other, wherever they lie."""
    _start_clean_memory()
    found = stored.every(knowledge.db)
    knowledge.encoder.forget({text_sha256(text) for f in found for text in windows(f.passage)})
    with knowledge.db.begin() as c:
        c.execute(sa.delete(NOTE).where(NOTE.c.key.startswith("mean ")))
        c.execute(sa.text("INSERT INTO stem(stem) VALUES ('optimize')"))
    try:
        knowledge.rebuild()
    except broken() as error:
        raise KnowledgeError(f"the vector index cannot be built anew ({error}). Erase again.") from error
    scrub(knowledge.folder / "knowledge.db")
    (knowledge.folder / "embeddings.damaged").unlink(missing_ok=True)


def _start_clean_memory() -> None:
    """From now on memory is cleared as it is handed out.

    Chroma writes its graph with whatever lay in the memory that it was given for more: in a process that
    has held a vector, that may be the vector. Only glibc has a switch for it; elsewhere `left` tells.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_PERTURB, 0xFF)


def scrub(file: Path) -> None:
    """Writes an SQLite file anew, so that nothing of deleted rows is left in it or in its log.

    Raises `KnowledgeError` where somebody reads it all the time.
    """
    db = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("VACUUM")
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            fix = "It is written anew once. Make room for as much again, and erase again."
            raise NoRoom(f"{file} holds what was deleted ({error}). {fix}") from error
        raise KnowledgeError(f"{file} cannot be written anew ({error}). Erase again.") from error
    finally:
        db.close()
    if busy:
        raise KnowledgeError(f"{file} is being read, and its log holds what was deleted. Erase again.")


def left(folder: Path, words: Sequence[str], vectors: Sequence[bytes] = ()) -> list[Path]:
    """Files under the folder that hold any of it, read byte by byte."""
    wanted = [*vectors[:LOOKED_FOR]]
    for word in words[:LOOKED_FOR]:
        wanted += {word.encode(), json.dumps(word)[1:-1].encode()}
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and wanted and _holds(file, wanted)]


# --- the rows of a document -----------------------------------------------------------------------


def _names(c: sa.Connection, document: str) -> list[str]:
    """Its id, and those that it had before it moved and that no other page has taken since."""
    before = dict.fromkeys(place for place, _ in runs.came_from(c, document))
    return [document, *(place for place in before if runs.moved_to(c, place) == document)]


def _kept(c: sa.Connection, document: str) -> frozenset[_Kept]:
    """Every version under its id; of the places that it moved from, those that were stored there by then.

    Another page may be at such a place since: what that says now is not ours.
    """
    of = sa.select(VERSION.c.document, VERSION.c.version)
    kept = {_Kept(*row) for row in c.execute(of.where(VERSION.c.document == document))}
    for place, until in runs.came_from(c, document):
        served = sa.select(DOCUMENT.c.version).where(DOCUMENT.c.id == place, DOCUMENT.c.removed_at.is_(None))
        there = of.where(VERSION.c.document == place, VERSION.c.stored_at < until)
        kept |= {_Kept(*row) for row in c.execute(there.where(VERSION.c.version.not_in(served)))}
    return frozenset(kept)


def _words(c: sa.Connection, kept: Collection[_Kept]) -> tuple[str, ...]:
    """Lines and sentences as they may have been quoted."""
    documents = {each.document for each in kept}
    mine = c.execute(sa.select(VERSION).where(VERSION.c.document.in_(documents))).all()
    own = {line for v in mine if (v.document, v.version) in kept for line in _lines(v.text)}
    own -= set(c.scalars(sa.select(DOCUMENT.c.title).where(DOCUMENT.c.id.in_(documents))))
    for v in c.execute(sa.select(VERSION)):
        if own and (v.document, v.version) not in kept:
            own -= set(_lines(v.text))
    return tuple(sorted((w for w in own if len(w) >= SHORTEST), key=lambda w: (-len(w), w)))


def _texts(c: sa.Connection, kept: Collection[_Kept]) -> list[str]:
    """Whatever of it has been embedded."""
    rows = c.execute(sa.select(PASSAGE).where(PASSAGE.c.document.in_({each.document for each in kept}))).all()
    mine = (row for row in rows if (row.document, row.version) in kept)
    return list(dict.fromkeys(t for r in mine for t in texts_of(r.title, json.loads(r.heading_path), r.text)))


def _lines(text: str) -> Iterable[str]:
    for row in text.split("\n"):
        line = _ANCHOR.sub("", _MARKER.sub("", row)).strip()
        for part in (line, *sentences(line)) if line else ():
            yield part
            plain = re.sub(r"[*`]", "", part)
            if plain != part:
                yield plain


def _drop_upload(db: sa.Engine, document: str) -> None:
    with db.connect() as c:
        row = c.execute(
            sa.select(SOURCE.c.kind, SOURCE.c.location, DOCUMENT.c.path)
            .join(DOCUMENT, DOCUMENT.c.source == SOURCE.c.id)
            .where(DOCUMENT.c.id == document)
        ).first()
    if row is not None and row.kind == "upload":
        (Path(row.location) / Path(row.path).name).unlink(missing_ok=True)


def _drop_rows(db: sa.Engine, stone: Tombstone) -> None:
    with db.begin() as c:
        c.execute(sa.text("PRAGMA secure_delete = ON"))
        for document, version in _kept(c, stone.document):
            mine = sa.and_(PASSAGE.c.document == document, PASSAGE.c.version == version)
            nums = c.scalars(sa.select(PASSAGE.c.num).where(mine)).all()
            if nums:
                c.execute(sa.text("DELETE FROM stem WHERE rowid = :num"), [{"num": num} for num in nums])
            for table in (PASSAGE, VERSION, PROCEDURE):
                c.execute(sa.delete(table).where(table.c.document == document, table.c.version == version))
        # A procedure has come along with all its versions, whichever page they were on.
        c.execute(sa.delete(PROCEDURE).where(PROCEDURE.c.document == stone.document))
        names = _names(c, stone.document)
        c.execute(sa.delete(DOCUMENT).where(DOCUMENT.c.id.in_(names)))
        # Who looks for it where it was finds that it is erased, too.
        stones = [stone, *(stone.model_copy(update={"document": n, "done": True}) for n in names[1:])]
        rows = [{"key": f"erased {each.document}", "value": each.model_dump_json()} for each in stones]
        c.execute(sa.insert(NOTE).prefix_with("OR REPLACE"), rows)


def _holds(file: Path, wanted: Sequence[bytes]) -> bool:
    try:
        with file.open("rb") as opened:
            if file.stat().st_size == 0:
                return False
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return any(content.find(each) >= 0 for each in wanted)
    except OSError:  # it went meanwhile
        return False
