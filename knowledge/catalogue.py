"""Sources, documents, versions and passages in SQL: the truth that everything else is built from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.sqlite import insert

from knowledge import runs
from knowledge.approvals import Standing, put_procedure
from knowledge.model import Audience, Document, Page, Passage, Source
from knowledge.stems import stems
from knowledge.tables import DOCUMENT, FILE, NOTE, PASSAGE, SOURCE, VERSION

_CURRENT = sa.and_(
    PASSAGE.c.document == DOCUMENT.c.id,
    PASSAGE.c.version == DOCUMENT.c.version,
    DOCUMENT.c.removed_at.is_(None),
)
_STEM_AT_A_TIME = 400

READ_TOGETHER = 1_000
"""Passages in memory at once where all are read."""

_PLACE = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.stem_place USING fts5vocab(main, stem, instance)"
_AT_VERSION = "@"

Numbers = NDArray[np.int32]
"""Of passages."""

_Item = TypeVar("_Item")

# What a source says beside the text (a title, a language) may change while the text and its ids stay.
_PUT_PASSAGE = insert(PASSAGE)
_PUT_PASSAGE = _PUT_PASSAGE.on_conflict_do_update(
    index_elements=["id"],
    set_={name: _PUT_PASSAGE.excluded[name] for name in ("title", "lang", "updated_at")},
)


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


class Found(NamedTuple):
    """A current passage with what search needs beside it."""

    num: int
    passage: Passage
    audience: Audience
    group: str


class Swap(NamedTuple):
    """What a change of a document took away and put in its place."""

    before: tuple[Found, ...]
    after: tuple[Found, ...]
    procedure: Standing = "none"


# --- sources and files ----------------------------------------------------------------------------


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


# --- documents ------------------------------------------------------------------------------------


def put_page(
    db: sa.Engine,
    source: Source,
    page: Page,
    file: FileSeen,
    *,
    run: int | None = None,
    moved_from: str | None = None,
    approved_by: str | None,
    trusted: bool,
) -> Swap:
    """Replaces the document by this version in one transaction: nobody sees half of it.

    `moved_from` is the path that the page was at before; that document goes with the same stroke.
    `approved_by` approves the page's procedure in that name. In a `trusted` source a procedure that
    was never there before needs no approval.
    """
    document = f"{source.id}:{page.path}"
    old = f"{source.id}:{moved_from}" if moved_from is not None else None
    now = _now()
    with db.begin() as c:
        before = _passages(c, [document] if old is None else [document, old])
        _drop_stems(c, before)
        runs.note(c, document, run=run, after=page.version, at=now, moved_from=old)
        if moved_from is not None:
            c.execute(sa.update(DOCUMENT).where(DOCUMENT.c.id == old).values(removed_at=now))
            c.execute(sa.delete(FILE).where(FILE.c.source == source.id, FILE.c.path == moved_from))
        c.execute(
            sa.insert(DOCUMENT)
            .prefix_with("OR REPLACE")
            .values(
                id=document,
                source=source.id,
                path=page.path,
                title=page.title,
                lang=page.lang,
                audience=page.audience,
                group=page.group,
                version=page.version,
                updated_at=page.updated_at.isoformat(),
                metadata=page.metadata,
                url=page.url,
            )
        )
        c.execute(
            sa.insert(VERSION)
            .prefix_with("OR IGNORE")
            .values(document=document, version=page.version, text=page.text, stored_at=now)
        )
        c.execute(_PUT_PASSAGE, _passage_rows(document, page))
        after = _passages(c, [document])
        _put_stems(c, after)
        state: Standing = "none"
        if page.procedure:
            state = put_procedure(c, source.id, page.procedure, approved_by, now, trusted=trusted)
        c.execute(sa.insert(FILE).prefix_with("OR REPLACE").values(source=source.id, **file._asdict()))
    return Swap(before, after, state)


def remove(db: sa.Engine, source: Source, paths: Sequence[str], run: int | None = None) -> Swap:
    """Takes documents out of search; their passages stay for the citations that name them."""
    ids = [f"{source.id}:{path}" for path in paths]
    now = _now()
    with db.begin() as c:
        before = _passages(c, ids)
        _drop_stems(c, before)
        for part in _parts(ids):
            there = sa.and_(DOCUMENT.c.id.in_(part), DOCUMENT.c.removed_at.is_(None))
            for document in c.scalars(sa.select(DOCUMENT.c.id).where(there)).all():
                runs.note(c, document, run=run, after=None, at=now)
            c.execute(sa.update(DOCUMENT).where(there).values(removed_at=now))
        for part in _parts(list(paths)):
            c.execute(sa.delete(FILE).where(FILE.c.source == source.id, FILE.c.path.in_(part)))
    return Swap(before, ())


def documents(db: sa.Engine, source: str | None = None) -> list[Document]:
    query = sa.select(DOCUMENT).where(DOCUMENT.c.removed_at.is_(None)).order_by(DOCUMENT.c.id)
    if source is not None:
        query = query.where(DOCUMENT.c.source == source)
    with db.connect() as c:
        rows = c.execute(query).all()
    return [
        Document(
            id=r.id,
            source=r.source,
            path=r.path,
            title=r.title,
            lang=r.lang,
            audience=r.audience,
            version=r.version,
            updated_at=datetime.fromisoformat(r.updated_at),
            group=r.group,
            url=r.url,
        )
        for r in rows
    ]


def document_ids(db: sa.Engine) -> list[str]:
    """Of all that are known, those that were removed, too."""
    with db.connect() as c:
        return list(c.scalars(sa.select(DOCUMENT.c.id).order_by(DOCUMENT.c.id)))


def naming(db: sa.Engine, what: Literal["product", "version"]) -> dict[str, set[str]]:
    """The products (or versions) that each document names, in small letters; none for one that names none."""
    query = sa.text(
        "SELECT d.id AS id, CAST(n.value AS TEXT) AS said"
        " FROM document AS d, json_each(d.metadata, :path) AS n"
        " WHERE d.removed_at IS NULL AND n.value IS NOT NULL"
    )
    named: dict[str, set[str]] = defaultdict(set)
    with db.connect() as c:
        for row in c.execute(query, {"path": f"$.{what}"}):
            named[row.id].add(row.said.lower())
    return dict(named)


def version_text(db: sa.Engine, document: str, version: str) -> str | None:
    query = sa.select(VERSION.c.text).where(VERSION.c.document == document, VERSION.c.version == version)
    with db.connect() as c:
        text: str | None = c.scalar(query)
    return text


def document_of(passage: str) -> str:
    """The document of a passage, by its id."""
    return passage.rpartition(_AT_VERSION)[0]


# --- passages -------------------------------------------------------------------------------------


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
            return _passages(c, list(documents))
        return tuple(
            _found(row)
            for query, given in ((_BY_NUM, nums or ()), (_BY_ID, ids or ()))
            for part in _parts(given)
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
    return [f.passage.text for f in _passages(c, [document])]


def in_groups(db: sa.Engine, groups: Collection[str], lang: str) -> tuple[Found, ...]:
    """Current passages in that language of pages and their translations."""
    with db.connect() as c:
        query = _select_current().where(DOCUMENT.c.lang == lang).order_by(PASSAGE.c.num)
        return tuple(
            _found(row)
            for part in _parts(sorted(groups))
            for row in c.execute(query.where(DOCUMENT.c.group.in_(part)))
        )


# --- words ----------------------------------------------------------------------------------------


def places(db: sa.Engine, words: Collection[str]) -> dict[str, Numbers]:
    """For each stem that is there the number of the passage that holds it, once for every time it does."""
    # One text for all of them: a row for each would take several times as long to hand over.
    query = "SELECT group_concat(doc) FROM temp.stem_place WHERE term = ?"
    with db.connect() as c:
        c.exec_driver_sql(_PLACE)
        texts = {word: c.exec_driver_sql(query, (word,)).scalar() for word in words}
    return {word: np.fromstring(text, dtype=np.int32, sep=",") for word, text in texts.items() if text}


def lengths(db: sa.Engine) -> list[tuple[int, int]]:
    """(number, stems) of every passage whose words can be looked up."""
    # FTS5 keeps them as numbers of seven bits a byte, in a table that its documentation describes.
    with db.connect() as c:
        rows = c.exec_driver_sql("SELECT id, sz FROM stem_docsize")
        return [(num, sz[0] if sz[0] < 0x80 else _of_bytes(sz)) for num, sz in rows]


def _of_bytes(sz: bytes) -> int:
    number = 0
    for byte in sz:
        number = number << 7 | byte & 0x7F
    return number


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


def word_counts(db: sa.Engine, words: Collection[str]) -> dict[str, int]:
    """In how many current passages each stem occurs."""
    query = sa.text("SELECT term, doc FROM stem_count WHERE term IN :words").bindparams(
        sa.bindparam("words", expanding=True)
    )
    with db.connect() as c:
        return {row.term: row.doc for row in c.execute(query, {"words": sorted(words)})}


def passage_counts(db: sa.Engine) -> dict[tuple[Audience, str], int]:
    """Current passages by audience and language."""
    by = (DOCUMENT.c.audience, DOCUMENT.c.lang)
    query = sa.select(*by, sa.func.count()).join(PASSAGE, _CURRENT).group_by(*by)
    with db.connect() as c:
        return {(row[0], row[1]): row[2] for row in c.execute(query)}


def word_text(passage: Passage) -> str:
    """What of a passage the words are taken from."""
    return "\n".join([passage.title, *passage.heading_path, passage.text])


# --- notes ----------------------------------------------------------------------------------------


def note(db: sa.Engine, key: str) -> str | None:
    with db.connect() as c:
        value: str | None = c.scalar(sa.select(NOTE.c.value).where(NOTE.c.key == key))
    return value


def put_note(db: sa.Engine, key: str, value: str) -> None:
    with db.begin() as c:
        c.execute(sa.insert(NOTE).prefix_with("OR REPLACE").values(key=key, value=value))


# --- rows to values -------------------------------------------------------------------------------


def _source(row: sa.Row[tuple[object, ...]]) -> Source:
    values = row._mapping
    options = tuple((key, value) for key, value in json.loads(values["options"]))
    given = {name: values[name] for name in ("id", "location", "procedures", "audience", "kind", "every")}
    return Source.model_validate({**given, "options": options})


def _select_current() -> sa.Select[Any]:
    return sa.select(PASSAGE, DOCUMENT.c.audience, DOCUMENT.c.group).join(DOCUMENT, _CURRENT)


def _passages(c: sa.Connection, documents: Sequence[str]) -> tuple[Found, ...]:
    query = _select_current().order_by(PASSAGE.c.num)
    return tuple(
        _found(row)
        for part in _parts(documents)
        for row in c.execute(query.where(PASSAGE.c.document.in_(part)))
    )


def _passage_rows(document: str, page: Page) -> list[dict[str, object]]:
    return [
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


def _put_stems(c: sa.Connection, found: Sequence[Found]) -> None:
    rows = [
        {
            "num": f.num,
            "words": " ".join(f"{f.passage.lang}_{s}" for s in stems(word_text(f.passage), f.passage.lang)),
        }
        for f in found
    ]
    if rows:
        c.execute(sa.text("INSERT INTO stem(rowid, words) VALUES (:num, :words)"), rows)


def _drop_stems(c: sa.Connection, found: Sequence[Found]) -> None:
    if found:
        c.execute(sa.text("DELETE FROM stem WHERE rowid = :num"), [{"num": f.num} for f in found])


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


def _parts(items: Sequence[_Item]) -> Iterable[Sequence[_Item]]:
    for start in range(0, len(items), _STEM_AT_A_TIME):
        yield items[start : start + _STEM_AT_A_TIME]


def _now() -> str:
    return datetime.now(UTC).isoformat()
