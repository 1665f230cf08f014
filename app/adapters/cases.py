"""Cases and what belongs to them: turns, the ledger, action requests, what is looked at later."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.adapters import tables as t
from app.adapters.sql import Sql
from app.models.case import Case, FollowUp, Watching
from app.models.record import Turn
from app.models.request import ActionRequest, RequestState
from app.models.steps import LedgerFact


class Cases(Sql):
    """What is read of cases; `records.py` writes it."""

    async def open_cases(self, party: str) -> list[Case]:
        """Cases of a party that are not closed, the one spoken of last first."""
        query = (
            sa.select(t.case.c.value)
            .where(t.case.c.party == party, t.case.c.state != "closed")
            .order_by(t.case.c.updated_at.desc())
        )
        return [Case.model_validate_json(value) for value in await self._all(query)]

    async def case(self, id: str) -> Case | None:
        value = await self._one(sa.select(t.case.c.value).where(t.case.c.id == id))
        return None if value is None else Case.model_validate_json(value)

    async def turn_of(self, trigger: str) -> Turn | None:
        value = await self._one(sa.select(t.turn.c.value).where(t.turn.c.trigger == trigger))
        return None if value is None else Turn.model_validate_json(value)

    async def turn(self, id: str) -> Turn | None:
        value = await self._one(sa.select(t.turn.c.value).where(t.turn.c.id == id))
        return None if value is None else Turn.model_validate_json(value)

    async def turns(self, conversation: str) -> list[Turn]:
        query = sa.select(t.turn.c.value).where(t.turn.c.conversation == conversation).order_by(t.turn.c.at)
        return [Turn.model_validate_json(value) for value in await self._all(query)]

    async def every_turn(self) -> list[Turn]:
        """Of all conversations, oldest first."""
        return [
            Turn.model_validate_json(value)
            for value in await self._all(sa.select(t.turn.c.value).order_by(t.turn.c.at))
        ]

    async def resolved_cases(self) -> frozenset[str]:
        """Cases whose resolution is on record, however it was seen."""
        cases = [Case.model_validate_json(value) for value in await self._all(sa.select(t.case.c.value))]
        return frozenset(case.id for case in cases if case.resolution is not None)

    async def facts(self, case: str) -> list[LedgerFact]:
        query = sa.select(t.fact.c.value).where(t.fact.c.case_ == case).order_by(t.fact.c.ord)
        return [LedgerFact.model_validate_json(value) for value in await self._all(query)]

    async def request(self, id: str) -> ActionRequest | None:
        value = await self._one(sa.select(t.action_request.c.value).where(t.action_request.c.id == id))
        return None if value is None else ActionRequest.model_validate_json(value)

    async def requests(self, *states: RequestState, case: str | None = None) -> list[ActionRequest]:
        """Those in these states (none: in any)."""
        query = sa.select(t.action_request.c.value)
        if states:
            query = query.where(t.action_request.c.state.in_(states))
        if case is not None:
            query = query.where(t.action_request.c.case_ == case)
        return [ActionRequest.model_validate_json(value) for value in await self._all(query)]

    async def watches(self, due: datetime | None = None) -> list[Watching]:
        query = sa.select(t.watch.c.value)
        if due is not None:
            query = query.where(t.watch.c.next_at <= due.isoformat())
        return [Watching.model_validate_json(v) for v in await self._all(query.order_by(t.watch.c.next_at))]

    async def watching(self, case: str) -> Watching | None:
        value = await self._one(sa.select(t.watch.c.value).where(t.watch.c.case_ == case))
        return None if value is None else Watching.model_validate_json(value)

    async def follow_ups(self, due: datetime) -> list[FollowUp]:
        query = sa.select(t.follow_up.c.value).where(t.follow_up.c.next_at <= due.isoformat())
        return [
            FollowUp.model_validate_json(v) for v in await self._all(query.order_by(t.follow_up.c.next_at))
        ]

    async def follow_up(self, request: str) -> FollowUp | None:
        value = await self._one(sa.select(t.follow_up.c.value).where(t.follow_up.c.request == request))
        return None if value is None else FollowUp.model_validate_json(value)
