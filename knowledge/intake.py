"""Sources, and what a sync has seen of their files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from knowledge.model import Source
from knowledge.tables import FILE, SOURCE


class FileSeen(NamedTuple):
    """What a sync knew of a document when it last looked."""

    path: str
    stamp: str
    """What the listing said of it; empty where it has to be fetched to know."""
    etag: str
    """What fetching said of it."""
    revision: int
    reason: str | None = None
    """Why it could not be taken in."""
    missed: int = 0
    """In how many complete listings in a row it was absent."""


def put_source(db: sa.Engine, source: Source) -> None:
    """Where more than its schedule is new, every document of it is read again."""
    row = {**source.model_dump(exclude={"options"}), "options": json.dumps(source.options)}
    with db.begin() as c:
        before = c.execute(sa.select(SOURCE).where(SOURCE.c.id == source.id)).first()
        if before is None:
            c.execute(sa.insert(SOURCE).values(row))
            return
        c.execute(sa.update(SOURCE).where(SOURCE.c.id == source.id).values(row))
        if _source(before).model_copy(update={"every": source.every}) != source:
            c.execute(sa.update(FILE).where(FILE.c.source == source.id).values(stamp="", etag=""))


def drop_source(db: sa.Engine, source: str) -> None:
    """Its documents are taken out before; what became of them stays on record."""
    with db.begin() as c:
        c.execute(sa.delete(FILE).where(FILE.c.source == source))
        c.execute(sa.delete(SOURCE).where(SOURCE.c.id == source))


def sources(db: sa.Engine) -> list[Source]:
    with db.connect() as c:
        rows = c.execute(sa.select(SOURCE).order_by(SOURCE.c.id)).all()
    return [_source(row) for row in rows]


def _source(row: sa.Row[tuple[object, ...]]) -> Source:
    values = row._mapping
    options = tuple((key, value) for key, value in json.loads(values["options"]))
    given = {name: values[name] for name in ("id", "location", "procedures", "audience", "kind", "every")}
    return Source.model_validate({**given, "options": options})


def files(db: sa.Engine, source: str) -> dict[str, FileSeen]:
    columns = [FILE.c[name] for name in FileSeen._fields]
    with db.connect() as c:
        rows = c.execute(sa.select(*columns).where(FILE.c.source == source)).all()
    return {row.path: FileSeen(*row) for row in rows}


def put_files(db: sa.Engine, source: str, seen: Iterable[FileSeen]) -> None:
    rows = [{"source": source, **file._asdict()} for file in seen]
    if rows:
        with db.begin() as c:
            c.execute(sa.insert(FILE).prefix_with("OR REPLACE"), rows)
