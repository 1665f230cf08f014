"""Syncs as they were, and what each changed: written with the change itself, so no crash loses a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from knowledge.tables import CHANGE, DOCUMENT, SOURCE, SYNC_RUN

State = Literal["running", "complete", "incomplete", "stopped", "failed", "interrupted"]
"""`incomplete`: part of the source could not be listed. `stopped`: too much would have gone."""

Kind = Literal["added", "changed", "moved", "removed"]


class Run(NamedTuple):
    """One sync of one source."""

    id: int
    source: str
    started_at: datetime
    finished_at: datetime | None
    state: State
    report: dict[str, Any]


class Change(NamedTuple):
    """What became of a document, and which of its versions it had before and after."""

    id: int
    run: int | None
    at: datetime
    document: str
    kind: Kind
    before: str | None
    after: str | None
    moved_from: str | None
    """The document that it was before it moved."""


def begin(db: sa.Engine, source: str) -> int:
    """Only one sync runs at a time: whatever else still runs by its row was killed."""
    now = datetime.now(UTC).isoformat()
    with db.begin() as c:
        c.execute(sa.update(SYNC_RUN).where(SYNC_RUN.c.state == "running").values(state="interrupted"))
        row = {"source": source, "started_at": now, "state": "running", "report": "{}"}
        made = c.execute(sa.insert(SYNC_RUN).values(row)).inserted_primary_key
    assert made is not None
    return int(made[0])


def end(db: sa.Engine, run: int, state: State, report: dict[str, Any]) -> None:
    now = datetime.now(UTC).isoformat()
    text = json.dumps(report, ensure_ascii=False)
    mine = sa.select(SYNC_RUN.c.source).where(SYNC_RUN.c.id == run).scalar_subquery()
    with db.begin() as c:
        c.execute(
            sa.update(SYNC_RUN).where(SYNC_RUN.c.id == run).values(state=state, finished_at=now, report=text)
        )
        if state == "complete":
            c.execute(sa.update(SOURCE).where(SOURCE.c.id == mine).values(synced_at=now))


def last(db: sa.Engine) -> dict[str, Run]:
    """The newest run of each source."""
    newest = sa.select(sa.func.max(SYNC_RUN.c.id)).group_by(SYNC_RUN.c.source)
    return {run.source: run for run in _runs(db, sa.select(SYNC_RUN).where(SYNC_RUN.c.id.in_(newest)))}


def runs(db: sa.Engine, source: str, limit: int = 20) -> list[Run]:
    """Newest first."""
    query = sa.select(SYNC_RUN).where(SYNC_RUN.c.source == source)
    return _runs(db, query.order_by(SYNC_RUN.c.id.desc()).limit(limit))


def changes(
    db: sa.Engine, *, run: int | None = None, document: str | None = None, since: datetime | None = None
) -> list[Change]:
    """Oldest first, those of one run, of one document, since a time, or all."""
    query = sa.select(CHANGE).order_by(CHANGE.c.id)
    if run is not None:
        query = query.where(CHANGE.c.run == run)
    if document is not None:
        query = query.where(sa.or_(CHANGE.c.document == document, CHANGE.c.moved_from == document))
    if since is not None:
        query = query.where(CHANGE.c.at >= since.astimezone(UTC).isoformat())
    with db.connect() as c:
        rows = c.execute(query).all()
    return [Change(*row)._replace(at=datetime.fromisoformat(row.at)) for row in rows]


def note(
    c: sa.Connection,
    document: str,
    *,
    run: int | None,
    after: str | None,
    at: str,
    moved_from: str | None = None,
) -> Kind:
    """Before the document's row is written: what it says now is what it was."""
    was = sa.select(DOCUMENT.c.version).where(
        DOCUMENT.c.id == (moved_from or document), DOCUMENT.c.removed_at.is_(None)
    )
    before: str | None = c.scalar(was)
    kind: Kind = "removed" if after is None else "moved" if moved_from else "changed" if before else "added"
    row = {"run": run, "at": at, "document": document, "kind": kind, "before": before, "after": after}
    c.execute(sa.insert(CHANGE).values(**row, moved_from=moved_from))
    return kind


def went_to(c: sa.Connection, document: str) -> str | None:
    """What the page is now that moved away from there last; another one may have taken its place."""
    away = sa.select(CHANGE.c.id, CHANGE.c.document).limit(1)
    row = c.execute(away.where(CHANGE.c.moved_from == document).order_by(CHANGE.c.id.desc())).first()
    now = None
    while row is not None:
        now = str(row.document)
        onwards = away.where(CHANGE.c.moved_from == now, CHANGE.c.id > row.id)
        row = c.execute(onwards.order_by(CHANGE.c.id)).first()
    return now


def moved_to(c: sa.Connection, document: str) -> str | None:
    """What it is now; None where it did not move, or another page has taken its place."""
    of_it = sa.or_(CHANGE.c.document == document, CHANGE.c.moved_from == document)
    last = sa.select(CHANGE.c.document).where(of_it).order_by(CHANGE.c.id.desc()).limit(1)
    return None if c.scalar(last) in (document, None) else went_to(c, document)


def came_from(c: sa.Connection, document: str) -> list[tuple[str, str]]:
    """(document, until when) that it was before it moved, the latest first."""
    found: list[tuple[str, str]] = []
    moved = sa.select(CHANGE.c.moved_from, CHANGE.c.at).where(CHANGE.c.moved_from.is_not(None))
    until = "9"  # later than any time
    while True:
        into = moved.where(CHANGE.c.document == document, CHANGE.c.at < until)
        row = c.execute(into.order_by(CHANGE.c.id.desc()).limit(1)).first()
        if row is None:
            return found
        document, until = row
        found.append((document, until))


def _runs(db: sa.Engine, query: sa.Select[Any]) -> list[Run]:
    with db.connect() as c:
        rows = c.execute(query).all()
    return [
        Run(
            r.id,
            r.source,
            datetime.fromisoformat(r.started_at),
            datetime.fromisoformat(r.finished_at) if r.finished_at else None,
            r.state,
            json.loads(r.report),
        )
        for r in rows
    ]
