"""Documents in SQL, changed a whole version at a time: the truth that everything else is built from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from knowledge import runs
from knowledge.approvals import Standing, put_procedure
from knowledge.intake import FileSeen
from knowledge.lexicon import drop_stems, put_stems
from knowledge.model import Document, Page, Source
from knowledge.stored import Found, in_batches, passages_of, put_passages
from knowledge.tables import DOCUMENT, FILE, VERSION


class Swap(NamedTuple):
    """What a change of a document took away and put in its place."""

    before: tuple[Found, ...]
    after: tuple[Found, ...]
    procedure: Standing = "none"


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
        before = passages_of(c, [document] if old is None else [document, old])
        drop_stems(c, before)
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
        put_passages(c, document, page)
        after = passages_of(c, [document])
        put_stems(c, after)
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
        before = passages_of(c, ids)
        drop_stems(c, before)
        for part in in_batches(ids):
            there = sa.and_(DOCUMENT.c.id.in_(part), DOCUMENT.c.removed_at.is_(None))
            for document in c.scalars(sa.select(DOCUMENT.c.id).where(there)).all():
                runs.note(c, document, run=run, after=None, at=now)
            c.execute(sa.update(DOCUMENT).where(there).values(removed_at=now))
        for part in in_batches(list(paths)):
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


def _now() -> str:
    return datetime.now(UTC).isoformat()
