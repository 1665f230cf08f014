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
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from knowledge import catalogue, findings
from knowledge.encoder.text import text_sha256
from knowledge.errors import KnowledgeError, NoRoom
from knowledge.index import texts_of, windows
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


class Erased(NamedTuple):
    """What went, for whoever has to look for it elsewhere."""

    tombstone: Tombstone
    words: tuple[str, ...]
    """Lines and sentences that stood in no other document, longest first."""
    vectors: tuple[bytes, ...]


def tombstone(db: sa.Engine, document: str) -> Tombstone | None:
    kept = catalogue.note(db, f"erased {document}")
    return Tombstone.model_validate_json(kept) if kept else None


def known(db: sa.Engine, document: str) -> tuple[str, bool]:
    """(title, whether it is served now). Raises `KnowledgeError` where there is no such document."""
    with db.connect() as c:
        row = c.execute(sa.select(DOCUMENT).where(DOCUMENT.c.id == document)).first()
    if row is None:
        gone = tombstone(db, document)
        if gone is not None and not gone.done:
            return gone.title, False
        why = f"was erased on {gone.at:%Y-%m-%d}" if gone else "is not known"
        raise KnowledgeError(f"`{document}` {why}. See: stepfour docs list")
    return row.title, row.removed_at is None


def erase_document(knowledge: Knowledge, document: str, *, by: str, at: datetime) -> Erased:
    """Every version of it, its passages, procedures, findings, vectors, and its uploaded file.

    Waits for a sync that runs. Done again after a crash it goes on, without words to look for any more.
    """
    with knowledge.syncing:
        db = knowledge.db
        title, _ = known(db, document)
        stone = tombstone(db, document)
        words, vectors = own_words(db, document), _vectors(knowledge, document)
        if stone is None or _is_there(db, document):
            with db.connect() as c:
                updated = c.scalar(sa.select(DOCUMENT.c.updated_at).where(DOCUMENT.c.id == document))
            changed = datetime.fromisoformat(str(updated))
            stone = Tombstone(document=document, title=title, updated_at=changed, at=at, by=by, done=False)
            _drop_upload(db, document)
            with knowledge.swap():
                before = catalogue.current(db, documents=[document])
                _drop_rows(db, document, stone)
                knowledge.follow(before, ())
        findings.forget(db, document=document)
        stone = stone.model_copy(update={"done": True})
        forget_vectors(knowledge)
        catalogue.put_note(db, f"erased {document}", stone.model_dump_json())
        return Erased(stone, words, vectors)


def _is_there(db: sa.Engine, document: str) -> bool:
    with db.connect() as c:
        return c.scalar(sa.select(DOCUMENT.c.id).where(DOCUMENT.c.id == document)) is not None


def forget_vectors(knowledge: Knowledge) -> None:
    """Keeps vectors of what the catalogue holds now and no other, wherever they lie."""
    _start_clean_memory()
    found = catalogue.current(knowledge.db)
    knowledge.encoder.forget({text_sha256(text) for f in found for text in windows(f.passage)})
    with knowledge.db.begin() as c:
        c.execute(sa.delete(NOTE).where(NOTE.c.key.startswith("mean ")))
        c.execute(sa.text("INSERT INTO stem(stem) VALUES ('optimize')"))
    knowledge.rebuild()
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


def own_words(db: sa.Engine, document: str) -> tuple[str, ...]:
    """Its lines and sentences, in every version, as they may have been quoted; longest first."""
    with db.connect() as c:
        mine = c.scalars(sa.select(VERSION.c.text).where(VERSION.c.document == document)).all()
        title = c.scalar(sa.select(DOCUMENT.c.title).where(DOCUMENT.c.id == document))
        others = sa.select(VERSION.c.text).where(VERSION.c.document != document)
        own = {line for text in mine for line in _lines(text)} - {str(title or "")}
        for text in c.scalars(others):
            if own:
                own -= set(_lines(text))
    return tuple(sorted((w for w in own if len(w) >= SHORTEST), key=lambda w: (-len(w), w)))


def _lines(text: str) -> Iterable[str]:
    for row in text.split("\n"):
        line = _ANCHOR.sub("", _MARKER.sub("", row)).strip()
        for part in (line, *sentences(line)) if line else ():
            yield part
            plain = re.sub(r"[*`]", "", part)
            if plain != part:
                yield plain


def _vectors(knowledge: Knowledge, document: str) -> tuple[bytes, ...]:
    """Vectors that are of this document alone."""
    every = catalogue.current(knowledge.db)
    others = {text_sha256(t) for f in every if f.passage.document != document for t in windows(f.passage)}
    with knowledge.db.connect() as c:
        rows = c.execute(sa.select(PASSAGE).where(PASSAGE.c.document == document)).all()
    texts = [t for r in rows for t in texts_of(r.title, json.loads(r.heading_path), r.text)]
    texts = [t for t in dict.fromkeys(texts) if text_sha256(t) not in others]
    return tuple(v.astype("<f4").tobytes() for v in knowledge.encoder.known("passage", texts))


def _drop_upload(db: sa.Engine, document: str) -> None:
    with db.connect() as c:
        row = c.execute(
            sa.select(SOURCE.c.kind, SOURCE.c.location, DOCUMENT.c.path)
            .join(DOCUMENT, DOCUMENT.c.source == SOURCE.c.id)
            .where(DOCUMENT.c.id == document)
        ).first()
    if row is not None and row.kind == "upload":
        (Path(row.location) / Path(row.path).name).unlink(missing_ok=True)


def _drop_rows(db: sa.Engine, document: str, stone: Tombstone) -> None:
    with db.begin() as c:
        c.execute(sa.text("PRAGMA secure_delete = ON"))
        nums = c.scalars(sa.select(PASSAGE.c.num).where(PASSAGE.c.document == document)).all()
        if nums:
            c.execute(sa.text("DELETE FROM stem WHERE rowid = :num"), [{"num": num} for num in nums])
        for table in (PASSAGE, VERSION, PROCEDURE):
            c.execute(sa.delete(table).where(table.c.document == document))
        c.execute(sa.delete(DOCUMENT).where(DOCUMENT.c.id == document))
        row = {"key": f"erased {document}", "value": stone.model_dump_json()}
        c.execute(sa.insert(NOTE).prefix_with("OR REPLACE"), row)


def _holds(file: Path, wanted: Sequence[bytes]) -> bool:
    try:
        with file.open("rb") as opened:
            if file.stat().st_size == 0:
                return False
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return any(content.find(each) >= 0 for each in wanted)
    except OSError:  # it went meanwhile
        return False
