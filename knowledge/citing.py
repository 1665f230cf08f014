"""What became of the pages that were cited: a quote stays readable, and says if its page changed, moved or
went."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from knowledge import runs
from knowledge.model import Cited, Fate
from knowledge.tables import DOCUMENT, NOTE, PASSAGE


class _Said(NamedTuple):
    """A passage of a page that is served."""

    path: str
    version: str
    text: str | None
    updated_at: str | None


def became(db: sa.Engine, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
    """Those whose page is not as it was when it was cited, or not where it was. A page that is not known at
    all is gone."""
    if not cited:
        return {}
    with db.connect() as c:
        served = _served(c, DOCUMENT.c.path.in_({each.path for each in cited}))
        return {
            each: _fate(c, each, here=any(said.path == each.path for said in served))
            for each in cited
            if not any(said.path == each.path and _stands(each, said) for said in served)
        }


def _fate(c: sa.Connection, cited: Cited, *, here: bool) -> Fate:
    """`here`: a page is served at its path, which may be another one by now."""
    was = list(c.scalars(sa.select(DOCUMENT.c.id).where(DOCUMENT.c.path == cited.path)))
    there = _served(c, DOCUMENT.c.id.in_({runs.went_to(c, id) for id in was} - {None}))
    for said in there:
        if _stands(cited, said) or _stood(c, cited, was, said.version):
            return Fate(became="moved", now_at=said.path)
    if here or there:
        return Fate(became="changed", now_at=None if here else there[0].path)
    return Fate(became="erased" if c.scalar(_stone(cited.path)) else "gone")


def _served(c: sa.Connection, which: sa.ColumnElement[bool]) -> Sequence[_Said]:
    current = sa.and_(PASSAGE.c.document == DOCUMENT.c.id, PASSAGE.c.version == DOCUMENT.c.version)
    rows = c.execute(
        sa.select(DOCUMENT.c.path, DOCUMENT.c.version, PASSAGE.c.text, PASSAGE.c.updated_at)
        .join(PASSAGE, current, isouter=True)
        .where(which, DOCUMENT.c.removed_at.is_(None))
    )
    return [_Said(*row) for row in rows]


def _stands(cited: Cited, said: _Said) -> bool:
    same = said.updated_at is not None and datetime.fromisoformat(said.updated_at) == cited.updated_at
    return same and said.text is not None and cited.quote in said.text


def _stood(c: sa.Connection, cited: Cited, was: Collection[str], version: str) -> bool:
    """That very text stood where the page was, on the day that was cited: moving may give it a new day."""
    rows = c.execute(
        sa.select(PASSAGE.c.path, PASSAGE.c.version, PASSAGE.c.text, PASSAGE.c.updated_at).where(
            PASSAGE.c.document.in_(was), PASSAGE.c.version == version
        )
    )
    return any(_stands(cited, _Said(*row)) for row in rows)


def _stone(path: str) -> sa.Select[tuple[str]]:
    end = f":{path}"
    ends = sa.func.substr(NOTE.c.key, -len(end)) == end
    return sa.select(NOTE.c.key).where(NOTE.c.key.startswith("erased "), ends).limit(1)
