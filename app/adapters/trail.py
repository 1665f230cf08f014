"""Writes the audit trail, in the transaction of the change that it tells of."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.audit import OPERATOR, Entry, Line, alias, canonical, digest, sealed

_HEAD = sa.select(
    *(
        sa.select(column).order_by(t.audit.c.seq.desc()).limit(1).scalar_subquery().label(column.name)
        for column in (t.audit.c.seq, t.audit.c.hash)
    ),
    sa.select(t.conversation.c.party)
    .where(t.conversation.c.id == sa.bindparam("conversation", type_=sa.String))
    .scalar_subquery()
    .label("owner"),
    sa.select(t.audit_salt.c.salt)
    .where(t.audit_salt.c.conversation == sa.bindparam("conversation", type_=sa.String))
    .scalar_subquery()
    .label("own"),
).subquery()
_NAMED = t.audit_name.c.party.in_(sa.bindparam("names", expanding=True)) | (
    t.audit_name.c.party == _HEAD.c.owner
)
_KNOWN = sa.select(_HEAD, t.audit_name.c.party, t.audit_name.c.salt).select_from(
    _HEAD.outerjoin(t.audit_name, _NAMED)
)
"""The head, whose conversation it is, and the salts of all who are named: in one query, built once."""
_ADD, _NAME, _SALT = sa.insert(t.audit), sa.insert(t.audit_name), sa.insert(t.audit_salt)


async def tell(
    c: AsyncConnection, at: datetime, entries: Sequence[Entry], *, conversation: str | None = None
) -> None:
    """Adds a line for each entry at the end of the chain.

    The connection writes, so nobody else adds a line meanwhile. What is in a conversation is its party's.
    """
    if not entries:
        return
    names = {name for e in entries for name in (e.who, e.party, e.was) if name and ":" in name}
    rows = (await c.execute(_KNOWN, {"names": sorted(names), "conversation": conversation})).all()
    seq, last, owner, own = rows[0].seq or 0, rows[0].hash or "", rows[0].owner, rows[0].own
    salts: dict[str, str] = {row.party: row.salt for row in rows if row.party is not None}
    new = [{"party": name, "salt": secrets.token_hex(16)} for name in {*names, owner} - {None, *salts}]
    if new:
        salts |= {row["party"]: row["salt"] for row in new}
        await c.execute(
            _NAME,
            [{**row, "alias": alias(row["party"], row["salt"]), "owner": row["party"]} for row in new],
        )

    if own is None and owner is not None and any(entry.words is not None for entry in entries):
        own = secrets.token_hex(16)
        await c.execute(_SALT, [{"conversation": conversation, "salt": own, "since": seq + 1}])

    def named(party: str) -> str:
        party = party or owner or ""
        return alias(party, salts[party]) if party in salts else party

    lines = []
    for entry in entries:
        party = entry.party or owner
        more = {**entry.more, "was": named(entry.was)} if entry.was else entry.more
        words = entry.words if party is not None else None
        line = Line(
            seq=seq + 1,
            at=at.isoformat(),
            what=entry.what,
            who=named(entry.who),
            party=named(party) if party else None,
            conversation=conversation,
            case_=entry.case,
            about=entry.about,
            code=entry.code,
            data=canonical(more),
            digest=digest(words, entry.about, salts[party] + (own or "")) if words is not None else None,
            before=last,
            hash="",
        )
        lines.append(sealed(line))
        seq, last = lines[-1].seq, lines[-1].hash
    await c.execute(_ADD, [line._asdict() for line in lines])
    for entry in entries:
        if entry.was is not None and entry.was.startswith("anonymous:"):
            # Who was nobody is somebody now, and is forgotten with them.
            mine = t.audit_name.c.owner == entry.was
            await c.execute(sa.update(t.audit_name).where(mine).values(owner=entry.party))


async def forget(
    c: AsyncConnection,
    at: datetime,
    party: str,
    gone: Mapping[str, int],
    *,
    who: str = OPERATOR,
    erasure: str | None = None,
) -> None:
    """Drops the names and salts of an erased customer, and tells of it: what is missing is accounted for.

    `erasure`: the id by which the list beside the backups knows it.
    """
    mine = (t.audit_name.c.party == party) | (t.audit_name.c.owner == party)
    names = (await c.execute(sa.select(t.audit_name.c.alias).where(mine))).scalars().all()
    more: dict[str, object] = {"names": sorted(names), **gone}
    more |= {"erasure": erasure} if erasure else {}
    await tell(c, at, [Entry(what="erased", who=who, code="customer", more=more)])
    await c.execute(sa.delete(t.audit_name).where(mine))


async def forget_conversation(c: AsyncConnection, at: datetime, id: str) -> None:
    """Tells that one conversation of somebody who stays is gone. Its salt goes with its rows."""
    await tell(c, at, [Entry(what="erased", code="conversation")], conversation=id)
