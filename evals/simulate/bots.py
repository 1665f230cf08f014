"""The bots that simulated customers talk to, in this process: ours on its real path, and the plain ones."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.conversation import handle, resume
from app.errors import BadInput
from app.models.conversation import Mode
from app.models.decision import Decision
from app.models.people import Principal
from app.models.record import Turn
from app.ports import Services
from evals.simulate.customer import Customer, Plan
from evals.simulate.heard import from_events, place_of, step_of
from evals.simulate.machine import Heard
from evals.simulate.memory import Clock, MemoryWorld
from knowledge.model import Procedure
from knowledge.store import Knowledge

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.settings import Settings

CHANNELS = ("web", "slack")
"""Where a customer begins, and where they come back."""
AGENT = Principal(kind="agent", id="agent-of-the-simulation")
NO_MORE = "I have no further answer to this."


class Bot(Protocol):
    """Whoever answers a simulated customer."""

    @property
    def name(self) -> str: ...

    async def open(self, channel: str) -> None:
        """A new conversation of the same customer on a channel; `say` goes there from now on."""
        ...

    async def say(self, text: str) -> Heard:
        """Sends a message and waits for what comes of it."""
        ...

    async def until(self, at: datetime) -> Heard | None:
        """Lets time pass. What comes by itself is heard at once; None where nothing did."""
        ...

    async def press(self, request: str) -> Heard:
        """The customer's yes, by button."""
        ...

    async def close(self) -> None: ...


def principal(customer: Customer) -> Principal:
    if customer.role == "anonymous":
        return Principal(kind="anonymous", id=customer.id)
    return Principal(kind="customer", id=customer.id, account=customer.account)


def simulation_settings(actions: Mapping[str, object], folder: Path) -> Settings:
    """Everything runs by itself, but for what its own declaration gives to a person."""
    from app.settings import Settings

    modes: dict[str, Mode] = dict.fromkeys((*CHANNELS, *actions), "auto")
    return Settings(data_dir=folder, modes=modes, pause_seconds=0, _env_file=None)


# --- ours ---------------------------------------------------------------------------------------


class Ours:
    """Stepfour itself: `handle`, `resume` and an agent who approves, on tables of this customer's own."""

    name = "stepfour"

    def __init__(
        self, services: Services, world: MemoryWorld, customer: Customer, plan: Plan, procedure: Procedure
    ) -> None:
        from app.service import Service

        self._services, self._world = services, world
        self._service = Service(services)
        self._who, self._plan, self._procedure = principal(customer), plan, procedure
        self._conversations: list[str] = []
        self._seen: dict[str, int] = {}
        self._turns: set[str] = set()
        self._said = 0

    @classmethod
    async def start(
        cls,
        base: Services,
        *,
        world: MemoryWorld,
        customer: Customer,
        plan: Plan,
        procedure: Procedure,
        folder: Path,
    ) -> Ours:
        """`folder` holds tables already if it can: making them anew takes longer than a conversation."""
        from app.adapters.sql import FILE
        from app.adapters.store import Store
        from evals.simulate.inline import inline

        store: Store = await Store.open(folder, world.clock, connect=inline(folder / FILE))
        services = replace(base, clock=world.clock, store=store, accounts=world, looks=world.looks, locks={})
        return cls(services, world, customer, plan, procedure)

    async def close(self) -> None:
        await self._services.store.close()

    async def open(self, channel: str) -> None:
        id = await self._services.store.open_conversation(self._who, channel, context={})
        self._conversations.append(id)

    async def say(self, text: str) -> Heard:
        self._said += 1
        message, _ = await self._services.store.accept(
            self._conversations[-1], "customer", text, client_id=f"m{self._said}", context={}
        )
        await handle(self._services, message.id)
        return await self._news() or Heard(kind="nothing")

    async def press(self, request: str) -> Heard:
        await self._approve(request, self._who)
        return await self._news() or Heard(kind="nothing")

    async def _approve(self, request: str, who: Principal) -> None:
        """A button that came too late does nothing: they see that, and ask again."""
        try:
            await self._service.decide_request(request, "approve", who)
        except BadInput as error:
            if error.code not in ("expired", "decided"):
                raise
        await self._service.idle()

    async def until(self, at: datetime) -> Heard | None:
        """Watches come due and agents approve, each at its own moment."""
        clock = self._world.clock
        while True:
            due = await self._next(at)
            if due is None:
                clock.now = at
                return None
            when, case, request = due
            clock.now = max(clock.now, when)
            if request is not None:
                await self._approve(request, AGENT)
            elif case is not None:
                await resume(self._services, case, f"watch:{case}:{when.isoformat()}")
            heard = await self._news()
            if heard is not None:
                return heard

    async def _next(self, at: datetime) -> tuple[datetime, str | None, str | None] | None:
        """What happens next by itself, until then."""
        store = self._services.store
        wait = timedelta(seconds=self._plan.agent_s)
        found: list[tuple[datetime, str, str | None, str | None]] = []
        found += [(w.next_at, w.case, w.case, None) for w in await store.watches(due=at)]
        for request in await store.requests("proposed"):
            if request.approval == "agent" and request.created_at + wait <= at:
                found.append((request.created_at + wait, request.id, None, request.id))
        if not found:
            return None
        when, _, case, request_id = min(found, key=lambda each: each[:2])
        return when, case, request_id

    async def _news(self) -> Heard | None:
        """What the customer has been shown since, in any of their conversations."""
        store = self._services.store
        events: list[tuple[str, Mapping[str, Any]]] = []
        turns: list[Turn] = []
        for id in self._conversations:
            new = await store.events(id, self._seen.get(id, 0))
            if new:
                self._seen[id] = new[-1].seq
            events += [(event.type, event.payload) for event in new]
        if not events:  # most looks by ourselves come to nothing
            return None
        for id in self._conversations:
            turns += [t for t in await store.turns(id) if t.id not in self._turns]
        self._turns |= {turn.id for turn in turns}
        heard = from_events(events, self._procedure, [_step(t.decision) for t in turns if t.reply])
        if heard is None:
            return None
        last = next((turn for turn in reversed(turns) if turn.reply), turns[-1] if turns else None)
        if last is None:
            return heard
        if last.decision.kind == "already" and last.facts.outcome_holds and heard.kind == "answer":
            heard = heard.model_copy(update={"kind": "done"})
        return heard.model_copy(update={"because": last.decision.because})


def _step(decision: Decision) -> str | None:
    return decision.step if decision.kind in ("guide", "ask", "watch") else None


# --- plain retrieval ----------------------------------------------------------------------------


class Rag:
    """Sends the passages nearest to the last message. `fresh`: never one that it has sent before."""

    def __init__(
        self, knowledge: Knowledge, clock: Clock, customer: Customer, procedure: Procedure, *, fresh: bool
    ) -> None:
        self.name = "rag without repeats" if fresh else "rag"
        self._knowledge, self._clock, self._procedure = knowledge, clock, procedure
        self._lang, self._fresh = customer.lang, fresh
        self._sent: set[str] = set()

    async def open(self, channel: str) -> None:
        """It knows nothing of who writes, or where."""

    async def close(self) -> None: ...

    async def until(self, at: datetime) -> Heard | None:
        self._clock.now = at
        return None

    async def press(self, request: str) -> Heard:
        return Heard(kind="nothing")

    async def say(self, text: str) -> Heard:
        from evals.baseline import rag_chain

        documents = [document.id for document in self._knowledge.documents()]
        chain = rag_chain(self._knowledge, documents, self._lang, None)
        answered = await asyncio.to_thread(chain.invoke, {"question": text, "history": []})
        passages = [self._knowledge.passage(found.metadata["passage"]) for found in answered["context"]]
        there = [passage for passage in passages if passage is not None]
        if self._fresh:
            there = [passage for passage in there if passage.id not in self._sent]
        self._sent |= {passage.id for passage in there}
        if not there:
            return Heard(kind="hand_off", text=NO_MORE, because="nothing that it has not sent before")
        places = [place_of(passage.path, passage.anchor) for passage in there]
        words = "\n\n".join(passage.text for passage in there)
        step = step_of("", self._procedure, places)
        return Heard(kind="guide" if step else "answer", text=words, step=step, places=tuple(places))


def copied(template: Path, folder: Path) -> Path:
    shutil.copytree(template, folder)
    return folder
