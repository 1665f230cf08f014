"""What other services told us and how far we told them, and the proofs by which people are known."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.sql import Sql
from app.adapters.trail import tell
from app.audit import OPERATOR, Entry
from app.models.conversation import Conversation, Received
from app.models.event import AGENTS
from app.models.people import ApiKey, Principal, Way

MOST_TRIES = 5
"""What could not be worked off in so many tries is left for a person to look at, and stops nothing else."""


class Outside(Sql):
    """The parts of the store that concern other services and proofs."""

    # --- what others told us ---

    async def receive(self, key: str, channel: str, payload: dict[str, object]) -> bool:
        """Stores what was told before anybody acknowledges it. False where it was stored before."""
        value = Received(key=key, channel=channel, payload=payload, at=self._clock())
        async with self._write(urgent=True) as c:  # somebody waits for our acknowledgement
            result = await c.execute(
                insert(t.received)
                .values(key=key, channel=channel, done=False, value=value.model_dump_json())
                .on_conflict_do_nothing()
            )
        return bool(result.rowcount == 1)

    async def received_to_do(self, channel: str) -> list[Received]:
        """What is still to be worked off, the oldest first."""
        query = (
            sa.select(t.received.c.value)
            .where(t.received.c.done.is_(False), t.received.c.channel == channel)
            .order_by(t.received.c.ord)
        )
        return [Received.model_validate_json(value) for value in await self._all(query)]

    async def received_done(self, key: str) -> None:
        """What it said is kept where it belongs; here its key is enough, so that a retry is no news."""
        async with self._write() as c:
            mine = t.received.c.key == key
            value = (await c.execute(sa.select(t.received.c.value).where(mine))).scalar_one_or_none()
            if value is not None:
                emptied = json.dumps({**json.loads(value), "payload": {}})
                await c.execute(sa.update(t.received).where(mine).values(done=True, value=emptied))

    async def received_failed(self, key: str) -> bool:
        """One try more; True where it was the last."""
        async with self._write() as c:
            query = sa.select(t.received.c.value).where(t.received.c.key == key)
            value = Received.model_validate_json((await c.execute(query)).scalar_one())
            value = value.model_copy(update={"attempts": value.attempts + 1})
            over = value.attempts >= MOST_TRIES
            await c.execute(
                sa.update(t.received)
                .where(t.received.c.key == key)
                .values(done=over, value=value.model_dump_json())
            )
        return over

    # --- how far we told others ---

    async def delivered_up_to(self, outlet: str, log: str) -> int:
        query = sa.select(t.delivered.c.seq).where(t.delivered.c.outlet == outlet, t.delivered.c.log == log)
        async with self._engine.connect() as c:
            return (await c.execute(query)).scalar_one_or_none() or 0

    async def mark_delivered(self, outlet: str, log: str, seq: int) -> None:
        statement = insert(t.delivered).values(outlet=outlet, log=log, seq=seq)
        async with self._write() as c:
            await c.execute(
                statement.on_conflict_do_update(index_elements=["outlet", "log"], set_={"seq": seq})
            )

    async def undelivered(self, outlet: str, channel: str | None, *, agents: bool) -> list[str]:
        """Logs with events after the mark: of a channel whose ids start with its name, and the agents'."""
        own = t.event.c.conversation == AGENTS if agents else sa.false()
        if channel is not None:
            own = own | t.event.c.conversation.between(f"{channel}-", f"{channel}.")  # "." follows "-"
        last = (
            sa.select(t.event.c.conversation.label("log"), sa.func.max(t.event.c.seq).label("seq"))
            .where(own)
            .group_by(t.event.c.conversation)
            .subquery()
        )
        marks = sa.select(t.delivered).where(t.delivered.c.outlet == outlet).subquery()
        query = (
            sa.select(last.c.log)
            .join(marks, marks.c.log == last.c.log, isouter=True)
            .where(last.c.seq > sa.func.coalesce(marks.c.seq, 0))
        )
        return list(await self._all(query))

    async def posted(self, outlet: str, key: str) -> str | None:
        """What the other side calls what we posted under a key."""
        return await self._one(
            sa.select(t.posted.c.value).where(t.posted.c.outlet == outlet, t.posted.c.key == key)
        )

    async def mark_posted(self, outlet: str, key: str, value: str) -> None:
        statement = insert(t.posted).values(outlet=outlet, key=key, value=value)
        async with self._write() as c:
            await c.execute(
                statement.on_conflict_do_update(index_elements=["outlet", "key"], set_={"value": value})
            )

    # --- proofs ---

    async def linked(self, external: str) -> Principal | None:
        """Who a person of another service was proven to be."""
        value = await self._one(sa.select(t.link.c.principal).where(t.link.c.external == external))
        return None if value is None else Principal.model_validate_json(value)

    async def link(self, external: str, principal: Principal, proof: str) -> None:
        row = {
            "proof": proof,
            "principal": principal.model_dump_json(),
            "at": self._clock().isoformat(),
        }
        statement = insert(t.link).values(external=external, **row)
        async with self._write() as c:
            await c.execute(statement.on_conflict_do_update(index_elements=["external"], set_=row))
            await tell(c, self._clock(), [Entry(what="linked", who=principal.party, code=proof)])

    async def keep_one_time(self, digest: str, purpose: str, principal: Principal, until: datetime) -> None:
        async with self._write() as c:
            await c.execute(
                sa.insert(t.one_time).values(
                    digest=digest,
                    purpose=purpose,
                    principal=principal.model_dump_json(),
                    until=until.isoformat(),
                )
            )
            await tell(c, self._clock(), [Entry(what="one_time_made", who=principal.party, code=purpose)])

    async def take_one_time(self, digest: str, purpose: str, now: datetime) -> Principal | None:
        """Whom a code stands for, once; None for one that is unknown, used, late or for something else."""
        async with self._write() as c:
            row = (await c.execute(sa.select(t.one_time).where(t.one_time.c.digest == digest))).first()
            if row is None or row.purpose != purpose:
                return None
            await c.execute(sa.delete(t.one_time).where(t.one_time.c.digest == digest))
            principal = Principal.model_validate_json(row.principal)
            late = datetime.fromisoformat(row.until) <= now
            more: dict[str, object] = {"late": True} if late else {}
            used = Entry(what="one_time_used", who=principal.party, code=purpose, more=more)
            await tell(c, now, [used])
        return None if late else principal

    async def keep_session(self, digest: str, agent: str, way: Way, until: datetime) -> None:
        row = {"digest": digest, "agent": agent, "way": way, "until": until.isoformat()}
        async with self._write() as c:
            await c.execute(sa.insert(t.session).values(**row))
            await tell(c, self._clock(), [Entry(what="signed_in", who=f"agent::{agent}")])

    async def session(self, digest: str, now: datetime) -> tuple[str, Way] | None:
        """The agent whose session it is, while it lasts, and how they signed in."""
        row = await self._row(sa.select(t.session).where(t.session.c.digest == digest))
        return None if row is None or datetime.fromisoformat(row.until) <= now else (row.agent, row.way)

    async def keep_roles(self, agent: str, roles: Collection[str], until: datetime) -> None:
        """What the provider says of an agent now takes the place of what it said before, in every session."""
        row = {"roles": json.dumps(sorted(roles)), "until": until.isoformat()}
        statement = insert(t.agent_role).values(agent=agent, **row)
        async with self._write() as c:
            before = (await c.execute(sa.select(t.agent_role).where(t.agent_role.c.agent == agent))).first()
            await c.execute(statement.on_conflict_do_update(index_elements=["agent"], set_=row))
            if roles or before is not None:
                more: dict[str, object] = {"roles": sorted(roles)}
                await tell(c, self._clock(), [Entry(what="roles", who=f"agent::{agent}", more=more)])

    async def roles_of(self, agent: str, now: datetime) -> frozenset[str]:
        """What the provider said of an agent when they signed in last, while that counts."""
        row = await self._row(sa.select(t.agent_role).where(t.agent_role.c.agent == agent))
        if row is None or datetime.fromisoformat(row.until) <= now:
            return frozenset()
        return frozenset(json.loads(row.roles))

    async def drop_session(self, digest: str) -> None:
        mine = t.session.c.digest == digest
        async with self._write() as c:
            agent = (await c.execute(sa.select(t.session.c.agent).where(mine))).scalar_one_or_none()
            if agent is None:
                return
            await c.execute(sa.delete(t.session).where(mine))
            await tell(c, self._clock(), [Entry(what="signed_out", who=f"agent::{agent}")])

    async def sign_agent_out(self, agent: str) -> tuple[int, int]:
        """Ends every session of an agent and every link, ticket and pass that nobody used yet: how many."""
        async with self._write() as c:
            ended = await c.execute(sa.delete(t.session).where(t.session.c.agent == agent))
            await c.execute(sa.delete(t.agent_role).where(t.agent_role.c.agent == agent))
            rows = (await c.execute(sa.select(t.one_time.c.digest, t.one_time.c.principal))).all()
            unused = [row.digest for row in rows if _is_agent(row.principal, agent)]
            await c.execute(sa.delete(t.one_time).where(t.one_time.c.digest.in_(unused)))
            if ended.rowcount or unused:
                ended_by = Entry(what="signed_out", who=f"agent::{agent}", code="operator")
                await tell(c, self._clock(), [ended_by])
        return ended.rowcount, len(unused)

    # --- API keys ---

    async def keep_api_key(self, digest: str, key: ApiKey) -> bool:
        """False where there is, or was, a key of that name."""
        row = {"name": key.name, "digest": digest, "value": key.model_dump_json()}
        async with self._write() as c:
            kept = await c.execute(insert(t.api_key).values(**row).on_conflict_do_nothing())
            if kept.rowcount:
                more: dict[str, object] = {"scopes": sorted(key.scopes)}
                made = Entry(what="key_made", who=OPERATOR, about=key.name, more=more)
                await tell(c, self._clock(), [made])
        return bool(kept.rowcount == 1)

    async def api_key(self, digest: str) -> ApiKey | None:
        value = await self._one(sa.select(t.api_key.c.value).where(t.api_key.c.digest == digest))
        return None if value is None else ApiKey.model_validate_json(value)

    async def api_keys(self) -> list[ApiKey]:
        """All that ever were, by name."""
        query = sa.select(t.api_key.c.value).order_by(t.api_key.c.name)
        return [ApiKey.model_validate_json(value) for value in await self._all(query)]

    async def revoke_api_key(self, name: str) -> ApiKey | None:
        """The key, which counts no longer; None where there is none of that name."""
        async with self._write() as c:
            query = sa.select(t.api_key.c.value).where(t.api_key.c.name == name)
            value = (await c.execute(query)).scalar_one_or_none()
            if value is None:
                return None
            key = ApiKey.model_validate_json(value)
            key = key.model_copy(update={"revoked_at": key.revoked_at or self._clock()})
            changed = sa.update(t.api_key).where(t.api_key.c.name == name)
            await c.execute(changed.values(value=key.model_dump_json()))
            await tell(c, self._clock(), [Entry(what="key_revoked", who=OPERATOR, about=name)])
        return key

    # --- one party out of two ---

    async def change_principal(self, conversation: Conversation) -> None:
        """Writes who a conversation is with, and what its place allows."""
        mine = t.conversation.c.id == conversation.id
        party = conversation.principal.party
        async with self._write() as c:
            was = (await c.execute(sa.select(t.conversation.c.party).where(mine))).scalar_one_or_none()
            values = {"party": party, "value": conversation.model_dump_json()}
            await c.execute(sa.update(t.conversation).where(mine).values(**values))
            if was is not None and was != party:
                entry = Entry(what="identified", who=party, party=party, was=was)
                await tell(c, self._clock(), [entry], conversation=conversation.id)

    async def join(
        self, conversation: Conversation, principal: Principal, merged: Sequence[tuple[str, str]]
    ) -> None:
        """Gives a conversation and its cases to a proven principal; `merged`: (case, the case it is part of).

        In one transaction: nobody ever sees half of a person.
        """
        before, after = conversation.principal.party, principal.party
        value = conversation.model_copy(update={"principal": principal})
        async with self._write() as c:
            await c.execute(
                sa.update(t.conversation)
                .where(t.conversation.c.id == conversation.id)
                .values(party=after, value=value.model_dump_json())
            )
            spoken = sa.select(t.turn.c.case_).where(t.turn.c.conversation == conversation.id)
            query = sa.select(t.case).where(t.case.c.party == before, t.case.c.id.in_(spoken))
            for row in (await c.execute(query)).all():
                data = {**json.loads(row.value), "party": after}
                into = dict(merged).get(row.id)
                if into is not None:
                    data["state"] = "closed"
                    await self._merge(c, row.id, into)
                await c.execute(
                    sa.update(t.case)
                    .where(t.case.c.id == row.id)
                    .values(party=after, state=data["state"], value=json.dumps(data))
                )
            more: dict[str, object] = {"cases": [list(pair) for pair in merged]}
            entry = Entry(what="identified", who=after, party=after, was=before, more=more)
            await tell(c, self._clock(), [entry], conversation=conversation.id)

    async def _merge(self, c: AsyncConnection, case: str, into: str) -> None:
        """One ledger out of two: the facts, turns and requests of a case become another's."""
        for table in (t.fact, t.action_request):
            rows = (await c.execute(sa.select(table).where(table.c.case_ == case))).all()
            key = table.c.ord if table is t.fact else table.c.id
            for row in rows:
                value = json.dumps({**json.loads(row.value), "case": into})
                await c.execute(
                    sa.update(table)
                    .where(key == (row.ord if table is t.fact else row.id))
                    .values(case_=into, value=value)
                )
        await c.execute(sa.update(t.turn).where(t.turn.c.case_ == case).values(case_=into))
        await c.execute(sa.delete(t.watch).where(t.watch.c.case_ == case))


def _is_agent(principal: str, name: str) -> bool:
    found = Principal.model_validate_json(principal)
    return found.kind == "agent" and found.id == name
