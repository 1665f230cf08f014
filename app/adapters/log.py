"""Events, numbered per log without a gap: written with what they tell of, replayed and waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.sql import Sql
from app.events import Payload, event_of
from app.models.event import AGENTS, Event, NewEvent


class Log(Sql):
    """The numbered events of each conversation, and those of the agents."""

    async def _append(self, c: AsyncConnection, conversation: str, events: Sequence[NewEvent]) -> list[Event]:
        if not events:
            return []
        query = sa.select(sa.func.coalesce(sa.func.max(t.event.c.seq), 0)).where(
            t.event.c.conversation == conversation
        )
        last = (await c.execute(query)).scalar_one()
        now = self._clock()
        written = [
            Event(conversation=conversation, seq=last + n, type=type, payload=payload, at=now)
            for n, (type, payload) in enumerate(events, 1)
        ]
        rows = [
            {
                "conversation": e.conversation,
                "seq": e.seq,
                "type": e.type,
                "payload": json.dumps(e.payload),
                "at": e.at.isoformat(),
            }
            for e in written
        ]
        await c.execute(sa.insert(t.event), rows)
        return written

    async def tell_agents(self, payload: Payload, *, mark: tuple[str, str, str]) -> None:
        """An event in the agents' log and (outlet, key, value) of how far it was told, in one transaction."""
        outlet, key, value = mark
        statement = insert(t.posted).values(outlet=outlet, key=key, value=value)
        async with self._write() as c:
            await self._append(c, AGENTS, [event_of(payload)])
            await c.execute(
                statement.on_conflict_do_update(index_elements=["outlet", "key"], set_={"value": value})
            )
        self._tell(AGENTS)

    async def events(self, conversation: str, after: int, limit: int = 500) -> list[Event]:
        query = (
            sa.select(t.event)
            .where(t.event.c.conversation == conversation, t.event.c.seq > after)
            .order_by(t.event.c.seq)
            .limit(limit)
        )
        async with self._engine.connect() as c:
            rows = (await c.execute(query)).all()
        return [
            Event(
                conversation=row.conversation,
                seq=row.seq,
                type=row.type,
                payload=json.loads(row.payload),
                at=datetime.fromisoformat(row.at),
            )
            for row in rows
        ]

    async def streamed(self, conversation: str, message: str) -> bool:
        """Whether pieces of a message were shown, which a try that a crash cut off leaves behind."""
        query = sa.select(t.event.c.seq).where(
            t.event.c.conversation == conversation,
            t.event.c.type == "message.delta",
            t.event.c.payload.contains(f'"{message}"'),
        )
        return await self._row(query.limit(1)) is not None

    async def last_seq(self, conversation: str) -> int:
        """Number of the newest event; 0 where there is none."""
        query = sa.select(sa.func.coalesce(sa.func.max(t.event.c.seq), 0)).where(
            t.event.c.conversation == conversation
        )
        async with self._engine.connect() as c:
            return int((await c.execute(query)).scalar_one())

    async def wait_for_events(self, conversation: str, after: int, timeout_s: float) -> None:
        """Returns when there may be an event after `after`, or when the time is over."""
        news = self._news[conversation]
        if await self.events(conversation, after, limit=1):
            return
        try:
            await asyncio.wait_for(news.wait(), timeout_s)
        except TimeoutError:
            return
