"""Which version of each procedure is followed: every version is kept, a person approves changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from knowledge.errors import KnowledgeError
from knowledge.model import Procedure
from knowledge.procedures import machine_part
from knowledge.tables import DOCUMENT, PROCEDURE

FIRST_SYNC = "first sync"
"""Who approved what a trusted source brought along when it was new."""

Standing = Literal["active", "pending", "none"]
"""`none`: the page has no procedure."""


class Stored(NamedTuple):
    """A version of a procedure and where it stands."""

    procedure: Procedure
    source: str
    machine: str
    synced_at: str
    approved_by: str | None
    approved_at: str | None
    current: bool
    """It is what its page says now."""


def procedures(db: sa.Engine) -> list[Stored]:
    """All versions, newest sync first."""
    query = (
        sa.select(PROCEDURE, DOCUMENT.c.version.label("now"), DOCUMENT.c.removed_at)
        .join(DOCUMENT, DOCUMENT.c.id == PROCEDURE.c.document)
        .order_by(PROCEDURE.c.synced_at.desc())
    )
    with db.connect() as c:
        rows = c.execute(query).all()
    return [
        Stored(
            Procedure.model_validate_json(r.body),
            r.source,
            r.machine,
            r.synced_at,
            r.approved_by,
            r.approved_at,
            r.removed_at is None and r.now == r.version,
        )
        for r in rows
        if r.removed_at is None
    ]


class Compared(NamedTuple):
    """A procedure of one source: the version that is followed, and what its page says now if that waits."""

    followed: Stored | None
    waiting: Stored | None

    @property
    def newest(self) -> Stored:
        newest = self.waiting or self.followed
        assert newest is not None
        return newest


def compared(db: sa.Engine) -> list[Compared]:
    """Every procedure that is followed or waits for a person, by id and source."""
    found: dict[tuple[str, str], Compared] = {}
    for stored in procedures(db):  # newest first
        key = stored.procedure.id, stored.source
        followed, waiting = found.get(key, (None, None))
        if stored.approved_by is not None:
            followed = followed or stored
        elif stored.current:
            waiting = stored
        found[key] = Compared(followed, waiting)
    return [found[key] for key in sorted(found) if any(found[key])]


def waiting(db: sa.Engine, id: str, source: str | None = None) -> Compared:
    """The change of a procedure that waits for approval. Raises `KnowledgeError` where it is not just one."""
    every = [each for each in compared(db) if each.waiting]
    found = [e for e in every if e.newest.procedure.id == id and source in (None, e.newest.source)]
    if len(found) == 1:
        return found[0]
    if found:
        sources = ", ".join(each.newest.source for each in found)
        raise KnowledgeError(f"changes of `{id}` wait in {len(found)} sources. Say which: --source {sources}")
    there = ", ".join(each.newest.procedure.id for each in every) or "none"
    raise KnowledgeError(f"no change of `{id}` waits for approval. Waiting: {there}.")


def approve(db: sa.Engine, procedure: Procedure, source: str, by: str) -> bool:
    """False where its page does not say this any more, or somebody approved it before: nothing is changed."""
    mine = sa.and_(
        PROCEDURE.c.id == procedure.id,
        PROCEDURE.c.source == source,
        PROCEDURE.c.version == procedure.version,
        PROCEDURE.c.approved_by.is_(None),
    )
    # Asked in the same statement: a sync may swap the page at any moment.
    said_now = sa.exists().where(
        DOCUMENT.c.id == PROCEDURE.c.document,
        DOCUMENT.c.version == PROCEDURE.c.version,
        DOCUMENT.c.removed_at.is_(None),
    )
    now = datetime.now(UTC).isoformat()
    with db.begin() as c:
        changed = c.execute(
            sa.update(PROCEDURE).where(mine, said_now).values(approved_by=by, approved_at=now)
        )
    return bool(changed.rowcount)


def put_procedure(
    c: sa.Connection, source: str, procedure: Procedure, approved_by: str | None, now: str, *, trusted: bool
) -> Standing:
    machine = machine_part(procedure)
    mine = sa.and_(PROCEDURE.c.id == procedure.id, PROCEDURE.c.source == source)
    _move(c, mine, procedure)
    followed = c.execute(
        sa.select(PROCEDURE.c.machine, PROCEDURE.c.approved_by, PROCEDURE.c.approved_at)
        .where(mine, PROCEDURE.c.approved_by.is_not(None))
        .order_by(PROCEDURE.c.synced_at.desc())
        .limit(1)
    ).first()
    if followed is None and trusted and c.execute(sa.select(PROCEDURE.c.id).where(mine)).first() is None:
        approved_by = approved_by or FIRST_SYNC
    approved_at = now if approved_by else None
    if followed and followed.machine == machine:
        # Only words changed: the approval still covers what machines do.
        approved_by, approved_at = followed.approved_by, followed.approved_at
    c.execute(
        sa.insert(PROCEDURE)
        .prefix_with("OR REPLACE")
        .values(
            id=procedure.id,
            source=source,
            version=procedure.version,
            document=procedure.document,
            machine=machine,
            body=procedure.model_dump_json(),
            synced_at=now,
            approved_by=approved_by,
            approved_at=approved_at,
        )
    )
    return "active" if approved_by else "pending"


def _move(c: sa.Connection, mine: sa.ColumnElement[bool], procedure: Procedure) -> None:
    """All its versions go with it to the page that it is on now: what was approved stays followed there."""
    elsewhere = sa.and_(mine, PROCEDURE.c.document != procedure.document)
    for row in c.execute(sa.select(PROCEDURE.c.version, PROCEDURE.c.body).where(elsewhere)).all():
        moved = Procedure.model_validate_json(row.body).model_copy(
            update={"document": procedure.document, "path": procedure.path}
        )
        c.execute(
            sa.update(PROCEDURE)
            .where(mine, PROCEDURE.c.version == row.version)
            .values(document=moved.document, body=moved.model_dump_json())
        )
