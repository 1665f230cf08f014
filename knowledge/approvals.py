"""Which version of each procedure is followed: every version is kept, a person approves changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from knowledge.model import Procedure
from knowledge.procedures import machine_part
from knowledge.tables import DOCUMENT, PROCEDURE

Standing = Literal["active", "pending", "none"]
"""`none`: the page has no procedure."""


class Stored(NamedTuple):
    """A version of a procedure and where it stands."""

    procedure: Procedure
    source: str
    machine: str
    synced_at: str
    approved_by: str | None
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
            r.removed_at is None and r.now == r.version,
        )
        for r in rows
        if r.removed_at is None
    ]


def approve(db: sa.Engine, procedure: Procedure, source: str, by: str) -> None:
    with db.begin() as c:
        c.execute(
            sa.update(PROCEDURE)
            .where(
                PROCEDURE.c.id == procedure.id,
                PROCEDURE.c.source == source,
                PROCEDURE.c.version == procedure.version,
            )
            .values(approved_by=by, approved_at=datetime.now(UTC).isoformat())
        )


def put_procedure(
    c: sa.Connection, source: str, procedure: Procedure, approved_by: str | None, now: str, *, trusted: bool
) -> Standing:
    machine = machine_part(procedure)
    mine = sa.and_(PROCEDURE.c.id == procedure.id, PROCEDURE.c.source == source)
    _move(c, mine, procedure)
    followed = c.execute(
        sa.select(PROCEDURE.c.machine, PROCEDURE.c.approved_by)
        .where(mine, PROCEDURE.c.approved_by.is_not(None))
        .order_by(PROCEDURE.c.synced_at.desc())
        .limit(1)
    ).first()
    if followed is None and trusted and c.execute(sa.select(PROCEDURE.c.id).where(mine)).first() is None:
        approved_by = approved_by or "first sync"
    if followed and followed.machine == machine:
        # Only words changed: the approval still covers what machines do.
        approved_by = followed.approved_by
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
            approved_at=now if approved_by else None,
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
