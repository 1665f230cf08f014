"""Calls of language models and what they cost, and what is switched off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.sql import Sql
from app.adapters.trail import tell
from app.audit import OPERATOR, Entry
from app.spending import Call, Caps, Scope, Spent, over
from app.switches import Switch, SwitchName

_TOKENS = sa.func.coalesce(sa.func.sum(t.model_call.c.tokens_in + t.model_call.c.tokens_out), 0)
_MONEY = sa.func.coalesce(sa.func.sum(t.model_call.c.money), 0.0)


class Spending(Sql):
    """The part of the store that knows what models cost, and whether they may be asked at all."""

    async def open_call(self, call: Call, *, tokens: Caps, money: Caps) -> Scope | None:
        async with self._write() as c:
            spent = {scope: await _spent(c, scope, call) for scope in _scopes(call)}
            refused = over(spent, call, tokens=tokens, money=money)
            if refused is None:
                await c.execute(sa.insert(t.model_call).values(**_row(call)))
        return refused

    async def close_call(self, call: Call) -> None:
        """Whose it was stays as it is kept: they may have been erased since it was opened."""
        took = call.model_dump(include={"tokens_in", "tokens_out", "money", "ended"})
        async with self._write() as c:
            await c.execute(sa.update(t.model_call).where(t.model_call.c.id == call.id).values(**took))

    async def calls(self, since: datetime | None = None) -> list[Call]:
        """Oldest first."""
        query = sa.select(t.model_call).order_by(t.model_call.c.at)
        if since is not None:
            query = query.where(t.model_call.c.at >= since.isoformat())
        async with self._engine.connect() as c:
            rows = (await c.execute(query)).all()
        return [Call.model_validate(dict(row._mapping)) for row in rows]

    async def spent_today(self) -> Spent:
        call = sa.select(_TOKENS.label("tokens"), _MONEY.label("money"))
        row = await self._row(call.where(t.model_call.c.at >= _midnight(self._clock())))
        return Spent(tokens=row.tokens, money=row.money)

    # --- what is switched off ---

    async def switched_off(self, name: SwitchName) -> Switch | None:
        return next((switch for switch in await self.switches() if switch.name == name), None)

    async def switches(self) -> list[Switch]:
        """Everything that is off."""
        return [switch for switch in await self.last_switched() if switch.off]

    async def last_switched(self) -> list[Switch]:
        """How each switch that was ever touched stands, and who did it last."""
        query = sa.select(t.switched_off.c.value).order_by(t.switched_off.c.name)
        return [Switch.model_validate_json(value) for value in await self._all(query)]

    async def switch_off(self, switch: Switch, who: str = OPERATOR) -> bool:
        """False where it was off already: then nothing of it changes."""
        return await self._switch(switch, who)

    async def switch_on(self, name: SwitchName, who: str = OPERATOR, *, by: str = OPERATOR) -> bool:
        """False where it was on already. `by`: the name that the others read."""
        return await self._switch(Switch(name=name, since=self._clock(), by=by, off=False), who)

    async def _switch(self, switch: Switch, who: str) -> bool:
        row = {"name": switch.name, "value": switch.model_dump_json()}
        async with self._write(urgent=True) as c:
            query = sa.select(t.switched_off.c.value).where(t.switched_off.c.name == switch.name)
            before = (await c.execute(query)).scalar()
            was_off = before is not None and Switch.model_validate_json(before).off
            if was_off == switch.off:
                return False
            put = insert(t.switched_off).values(row)
            await c.execute(put.on_conflict_do_update(index_elements=["name"], set_={"value": row["value"]}))
            await tell(c, self._clock(), [_switched(switch.name, "off" if switch.off else "on", who)])
        return True


def _switched(name: SwitchName, state: str, who: str) -> Entry:
    return Entry(what="switched", who=who, code=f"{name} {state}")


def _midnight(now: datetime) -> str:
    return now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat()


def _scopes(call: Call) -> Sequence[Scope]:
    """Whose budgets it goes against."""
    whose: list[Scope] = ["day"]
    if call.account is not None:
        whose.append("account")
    elif call.party is not None and call.party.startswith("anonymous:"):
        whose.append("visitor")
    return whose


async def _spent(c: AsyncConnection, scope: Scope, call: Call) -> Spent:
    query = sa.select(_TOKENS.label("tokens"), _MONEY.label("money"))
    query = query.where(t.model_call.c.at >= _midnight(call.at))
    if scope != "day":
        mine: Any = t.model_call.c.account if scope == "account" else t.model_call.c.party
        query = query.where(mine == (call.account if scope == "account" else call.party))
    row = (await c.execute(query)).one()
    return Spent(tokens=row.tokens, money=row.money)


def _row(call: Call) -> dict[str, Any]:
    return {**call.model_dump(exclude={"at"}), "at": call.at.isoformat()}
