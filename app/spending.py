"""What language models may cost: caps for a visitor, an account and a day, in tokens and in money.

A call is paid before it is made, by an estimate that is rather too high, and settled when the endpoint has
said what it took. The rows are the truth, so that a restart forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Literal, Protocol

from app.ids import new_id
from app.models.people import Principal
from app.ports import Clock
from app.switches import Switch
from knowledge.model import Value

Role = Literal["reader", "writer", "judge"]
Scope = Literal["visitor", "account", "day"]
Refused = Literal["off", "visitor", "account", "day"]
"""Switched off by a person, or that budget is used up."""
OPEN, ANSWERED = "open", "answered"

asking: ContextVar[Principal | None] = ContextVar("asking", default=None)
"""For whom a turn is made. Readers and writers know nobody, and spend all the same."""


class Caps(Value):
    """The most of a day (UTC); None is without a limit."""

    visitor: int | float | None = None
    account: int | float | None = None
    day: int | float | None = None


class Spent(Value):
    tokens: int = 0
    money: float = 0.0


class Prices(Value):
    """Of a million tokens."""

    sent: float = 0.0
    written: float = 0.0

    def of(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.sent + tokens_out * self.written) / 1e6


class Call(Value):
    """One call of a model, as it is kept. Nothing of what was said in it."""

    id: str
    at: datetime
    party: str | None
    account: str | None
    role: Role
    model: str
    tokens_in: int
    tokens_out: int
    money: float
    ended: str = OPEN
    """`answered`, or the name of its failure."""


def over(
    spent: Mapping[Scope, Spent], more: Call | None, *, tokens: Caps, money: Caps
) -> Literal["visitor", "account", "day"] | None:
    """The budget that one more call would go beyond; without a call, one that is used up."""
    some = (more.tokens_in + more.tokens_out, more.money) if more is not None else (0, 0.0)
    for scope, so_far in spent.items():
        for cap, now, comes in (
            (getattr(tokens, scope), so_far.tokens, some[0]),
            (getattr(money, scope), so_far.money, some[1]),
        ):
            if cap is not None and (now + comes > cap if more is not None else now >= cap):
                return scope
    return None


class Kept(Protocol):
    """What is kept of spending."""

    async def open_call(self, call: Call, *, tokens: Caps, money: Caps) -> Scope | None:
        """Keeps the call, or says which budget it would go beyond; in one transaction."""
        ...

    async def close_call(self, call: Call) -> None: ...

    async def switched_off(self, name: Literal["models", "actions"]) -> Switch | None: ...


class Purse:
    """Pays for calls of one installation's models."""

    def __init__(self, kept: Kept, clock: Clock, *, tokens: Caps, money: Caps, prices: Prices) -> None:
        self._kept, self._clock = kept, clock
        self._tokens, self._money, self._prices = tokens, money, prices

    async def open(self, role: Role, model: str, tokens_in: int, tokens_out: int) -> Call | Refused:
        """The call, paid for by this estimate; or why it may not be made."""
        if await self._kept.switched_off("models") is not None:
            return "off"
        who = asking.get()
        call = Call(
            id=new_id("l"),
            at=self._clock(),
            party=who.party if who is not None else None,
            account=who.account if who is not None else None,
            role=role,
            model=model,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            money=self._prices.of(tokens_in, tokens_out),
        )
        refused = await self._kept.open_call(call, tokens=self._tokens, money=self._money)
        return refused if refused is not None else call

    async def close(self, call: Call, ended: str, tokens_in: int, tokens_out: int) -> None:
        """What it took in the end."""
        await self._kept.close_call(
            call.model_copy(
                update={
                    "tokens_in": tokens_in,
                    "tokens_out": tokens_out,
                    "money": self._prices.of(tokens_in, tokens_out),
                    "ended": ended,
                }
            )
        )
