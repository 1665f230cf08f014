"""Passages in SQL: those that are current, and every one that a citation may name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from knowledge.model import Audience, Page, Passage
from knowledge.tables import DOCUMENT, PASSAGE

_CURRENT = sa.and_(
    PASSAGE.c.document == DOCUMENT.c.id,
    PASSAGE.c.version == DOCUMENT.c.version,
    DOCUMENT.c.removed_at.is_(None),
)

_ADD = insert(PASSAGE)

# What a source says beside the text (a title, a language) may change while the text and its ids stay.
_PUT = _ADD.on_conflict_do_update(
    index_elements=["id"], set_={name: _ADD.excluded[name] for name in ("title", "lang", "updated_at")}
)

READ_TOGETHER = 1_000
"""Passages in memory at once where all are read."""

_AT_VERSION = "@"


class Found(NamedTuple):
    """A current passage with what search needs beside it."""

    num: int
    passage: Passage
    audience: Audience
    group: str


def passage(db: sa.Engine, id: str) -> Passage | None:
    """Of any version, removed documents included: a citation must be checkable for good."""
    with db.connect() as c:
        row = c.execute(sa.select(PASSAGE).where(PASSAGE.c.id == id)).first()
    return _passage(row) if row else None


def current(
    db: sa.Engine,
    *,
    nums: Sequence[int] | None = None,
    ids: Sequence[str] | None = None,
    documents: Collection[str] | None = None,
) -> tuple[Found, ...]:
    """Current passages: those of the documents, or those with these numbers or ids."""
    with db.connect() as c:
        if documents is not None:
            return passages_of(c, list(documents))
        return tuple(
            _found(row)
            for query, given in ((_BY_NUM, nums or ()), (_BY_ID, ids or ()))
            for part in in_batches(given)
            for row in c.execute(query, {"given": part}).all()
        )


def collections(db: sa.Engine) -> dict[tuple[Audience, str], list[int]]:
    """Numbers of the current passages by audience and language, in order."""
    query = sa.select(DOCUMENT.c.audience, PASSAGE.c.lang, PASSAGE.c.num).join(PASSAGE, _CURRENT)
    found: dict[tuple[Audience, str], list[int]] = defaultdict(list)
    with db.connect() as c:
        for audience, lang, num in c.execute(query.order_by(PASSAGE.c.num)):
            found[(audience, lang)].append(num)
    return dict(found)


def in_parts(db: sa.Engine, nums: Sequence[int], size: int = READ_TOGETHER) -> Iterator[tuple[Found, ...]]:
    """Those of these passages that are still current, some at a time: 100,000 at once take 400 MB."""
    for start in range(0, len(nums), size):
        yield current(db, nums=nums[start : start + size])


def every(db: sa.Engine) -> Iterator[Found]:
    """All current passages, with no more than a part of them in memory."""
    for nums in collections(db).values():
        for part in in_parts(db, nums):
            yield from part


def texts_now(c: sa.Connection, document: str) -> list[str]:
    """Texts of a document's current passages; none where it is gone."""
    return [f.passage.text for f in passages_of(c, [document])]


def in_groups(db: sa.Engine, groups: Collection[str], lang: str) -> tuple[Found, ...]:
    """Current passages in that language of pages and their translations."""
    with db.connect() as c:
        query = _select_current().where(DOCUMENT.c.lang == lang).order_by(PASSAGE.c.num)
        return tuple(
            _found(row)
            for part in in_batches(sorted(groups))
            for row in c.execute(query.where(DOCUMENT.c.group.in_(part)))
        )


def numbers(db: sa.Engine) -> list[tuple[str, Audience, list[int]]]:
    """(id, audience, numbers of the current passages) of each document that has any."""
    query = (
        sa.select(DOCUMENT.c.id, DOCUMENT.c.audience, sa.func.group_concat(PASSAGE.c.num))
        .join(PASSAGE, _CURRENT)
        .group_by(DOCUMENT.c.id)
    )
    with db.connect() as c:
        rows = c.execute(query).all()
    return [(id, audience, [int(num) for num in nums.split(",")]) for id, audience, nums in rows]


def passage_counts(db: sa.Engine) -> dict[tuple[Audience, str], int]:
    """Current passages by audience and language."""
    by = (DOCUMENT.c.audience, DOCUMENT.c.lang)
    query = sa.select(*by, sa.func.count()).join(PASSAGE, _CURRENT).group_by(*by)
    with db.connect() as c:
        return {(row[0], row[1]): row[2] for row in c.execute(query)}


def document_of(passage: str) -> str:
    """The document of a passage, by its id."""
    return passage.rpartition(_AT_VERSION)[0]


def passages_of(c: sa.Connection, documents: Sequence[str]) -> tuple[Found, ...]:
    query = _select_current().order_by(PASSAGE.c.num)
    return tuple(
        _found(row)
        for part in in_batches(documents)
        for row in c.execute(query.where(PASSAGE.c.document.in_(part)))
    )


def put_passages(c: sa.Connection, document: str, page: Page) -> None:
    rows = [
        {
            "id": f"{document}{_AT_VERSION}{page.version[:10]}#{at}",
            "document": document,
            "version": page.version,
            "ord": at,
            "title": page.title,
            "path": page.path,
            "lang": page.lang,
            "heading_path": json.dumps(piece.heading_path, ensure_ascii=False),
            "anchor": piece.anchor,
            "text": piece.text,
            "updated_at": page.updated_at.isoformat(),
        }
        for at, piece in enumerate(page.pieces)
    ]
    c.execute(_PUT, rows)


def _select_current() -> sa.Select[Any]:
    return sa.select(PASSAGE, DOCUMENT.c.audience, DOCUMENT.c.group).join(DOCUMENT, _CURRENT)


def _found(row: Sequence[Any]) -> Found:
    """The columns of the passage, then those of its document."""
    return Found(row[0], _passage(row[:-2]), row[-2], row[-1])


def _passage(row: Sequence[Any]) -> Passage:
    """The columns as the table has them."""
    _, id, document, version, ord, title, path, lang, heading_path, anchor, text, updated_at = row
    return Passage(
        id=id,
        document=document,
        version=version,
        ord=ord,
        title=title,
        path=path,
        lang=lang,
        heading_path=tuple(json.loads(heading_path)),
        anchor=anchor,
        text=text,
        updated_at=datetime.fromisoformat(updated_at),
    )


_BY_NUM = _select_current().where(PASSAGE.c.num.in_(sa.bindparam("given", expanding=True)))

_BY_ID = _select_current().where(PASSAGE.c.id.in_(sa.bindparam("given", expanding=True)))

_AT_A_TIME = 400

_Item = TypeVar("_Item")


def in_batches(items: Sequence[_Item]) -> Iterable[Sequence[_Item]]:
    for start in range(0, len(items), _AT_A_TIME):
        yield items[start : start + _AT_A_TIME]
