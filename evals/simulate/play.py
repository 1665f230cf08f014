"""One conversation: a customer, a bot and a world, until one of them is through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from app.connectors.heron import ACTIONS
from evals.simulate.bots import CHANNELS, Bot
from evals.simulate.customer import Customer, Plan, rng
from evals.simulate.machine import NUDGE_S, Heard, Known, Move, Part, State, begin, opening, react
from evals.simulate.phrases import Phrases, typed
from evals.simulate.timeline import Effect, Place, Timeline, Truth
from knowledge.model import Procedure, Value


class World(Protocol):
    """Where the customer does their steps, and where scoring looks."""

    @property
    def timeline(self) -> Timeline: ...

    async def set(self, place: Place, truth: Truth, at: datetime | None = None) -> None: ...

    async def outcome(self) -> bool: ...

    async def written(self) -> tuple[Effect, ...]: ...


class Exchange(Value):
    """What the customer did and said, and what came back; `parts` are what the words mean."""

    at: datetime
    channel: str
    did: tuple[Place, ...] = ()
    parts: tuple[Part, ...] = ()
    said: str = ""
    heard: Heard
    heard_at: datetime
    outcome: bool
    """Whether the world had it when the reply came."""


class Played(Value):
    """A whole conversation, to be scored."""

    customer: Customer
    plan: Plan
    bot: str
    exchanges: tuple[Exchange, ...]
    changes: tuple[tuple[datetime, Place, Truth], ...]
    effects: tuple[Effect, ...]
    outcome: bool
    end: str


async def play(
    customer: Customer,
    plan: Plan,
    bot: Bot,
    world: World,
    *,
    phrases: Phrases,
    pages: Mapping[str, Procedure],
    clock: Clocked,
) -> Played:
    """Plays it to its end. The same customer and plan against the same bot go the same way.

    `pages`: the procedure in each language that it is written in; the customer's is always there.
    """
    talk = _Talk(customer, plan, bot, world, phrases=phrases, pages=pages, clock=clock)
    end = await talk.whole()
    return Played(
        customer=customer,
        plan=plan,
        bot=bot.name,
        exchanges=tuple(talk.exchanges),
        changes=tuple((c.at, c.place, c.truth) for c in world.timeline.changes),
        effects=await world.written(),
        outcome=await world.outcome(),
        end=end,
    )


class Clocked(Protocol):
    """Now, by the clock of the world."""

    def __call__(self) -> datetime: ...


class _Talk:
    """The state of one conversation under way."""

    def __init__(
        self,
        customer: Customer,
        plan: Plan,
        bot: Bot,
        world: World,
        *,
        phrases: Phrases,
        pages: Mapping[str, Procedure],
        clock: Clocked,
    ) -> None:
        self.customer, self.plan, self.bot, self.world = customer, plan, bot, world
        self.phrases, self.pages, self.clock = phrases, pages, clock
        self.procedure = pages[customer.lang]
        self.exchanges: list[Exchange] = []
        self.used: frozenset[str] = frozenset()
        self.channel = CHANNELS[0]
        self.broken = False

    async def whole(self) -> str:
        await self.bot.open(self.channel)
        state, move = opening(begin(self.customer), self.customer, self.plan)
        while True:
            state, heard = await self._carry_out(state, move)
            if move.ends is not None:
                return move.ends
            await self._break(state)
            state, move = react(
                state,
                heard,
                await self._known(),
                customer=self.customer,
                plan=self.plan,
                procedure=self.procedure,
            )

    async def _carry_out(self, state: State, move: Move) -> tuple[State, Heard]:
        """Time passes first; whatever news come meanwhile are heard, and what was begun is done."""
        at = self.clock()
        if move.ends is not None and not move.says:
            return state, Heard(kind="nothing")
        news = await self.bot.until(at + timedelta(seconds=move.wait_s)) if move.wait_s else None
        await self._do(move.does)
        if news is not None and not move.leaves and move.ends is None:
            await self._note(at, move.does, (), "", news)
            return state, news
        if news is not None:
            await self._note(at, move.does, (), "", news)
            if await self.world.outcome():
                return state, news
            await self._rest(move)
        if move.leaves:
            self.channel = CHANNELS[1]
            await self.bot.open(self.channel)
        if move.presses is not None:
            heard = await self.bot.press(move.presses)
            await self._note(at, (), (), "", heard)
            return state, heard
        if not move.says:
            return state, await self._lurk(at, move)
        text = self._words(state, move.says)
        said_at = self.clock()
        heard = await self.bot.say(text)
        await self._note(said_at, move.does, move.says, text, heard)
        return state, heard

    async def _rest(self, move: Move) -> None:
        """The rest of the two days, whatever else comes."""
        ends = self.clock() + timedelta(seconds=move.wait_s)
        while self.clock() < ends:
            news = await self.bot.until(ends)
            if news is None:
                return
            await self._note(self.clock(), (), (), "", news)

    async def _lurk(self, at: datetime, move: Move) -> Heard:
        """Nothing is said; news should come by themselves."""
        news = await self.bot.until(self.clock() + timedelta(seconds=NUDGE_S))
        heard = news or Heard(kind="nothing")
        await self._note(at, move.does, (), "", heard)
        return heard

    async def _do(self, places: Sequence[Place]) -> None:
        """Account settings hold at once; what others must see or issue needs its time."""
        now = self.clock()
        for place in places:
            check = self.procedure.step(place.step).check
            slow = check is not None and check.name not in ("click_tracking_on", "account_field")
            if self.world.timeline.truth(place, now) != "no":
                continue
            if not slow:
                await self.world.set(place, "yes")
                continue
            await self.world.set(place, "waiting")
            await self.world.set(place, "yes", now + timedelta(seconds=self.plan.issue_s))

    async def _break(self, state: State) -> None:
        """Somebody undoes a step behind everybody's back, once, if it held."""
        step = self.customer.habits.breaks
        now = self.clock()
        if step is None or self.broken or state.turn + 1 < self.plan.breaks_at:
            return
        if await self.world.outcome() or not self.world.timeline.holds(step, now):
            return
        self.broken = True
        first = next(place for place in self.world.timeline.places if place.step == step)
        await self.world.set(first, "no")

    async def _note(
        self, at: datetime, did: tuple[Place, ...], parts: tuple[Part, ...], said: str, heard: Heard
    ) -> None:
        self.exchanges.append(
            Exchange(
                at=at,
                channel=self.channel,
                did=did,
                parts=parts,
                said=said,
                heard=heard,
                heard_at=self.clock(),
                outcome=await self.world.outcome(),
            )
        )

    async def _known(self) -> Known:
        now, timeline = self.clock(), self.world.timeline
        steps = [step.id for step in self.procedure.steps]
        return Known(
            outcome=await self.world.outcome(),
            words=tuple((step, timeline.word(step, now)) for step in steps),
            open=tuple(place for step in steps for place in timeline.open_places(step, now)),
        )

    # --- words ---

    def _words(self, state: State, parts: Sequence[Part]) -> str:
        """The parts as this customer would type them, each phrase rather once."""
        slots = slots_of(self.customer)
        said = []
        for number, part in enumerate(parts):
            draw = rng(self.plan.seed, "words", state.turn, number)
            values = dict(slots)
            if part.step:
                values["step"] = self._title(part.step, state.lang)
            if part.kind is not None:
                values["subject"] = slots.get(part.kind, slots.get("subject", ""))
                values = {name: values[name] for name in (part.kind, "subject") if name in values}
            values["goal"] = self._goal(state.lang, slots)
            phrase = self.phrases.pick(
                part.intent,
                state.lang,
                draw,
                procedure=self.procedure.id,
                step=part.step,
                slots=frozenset(values),
                used=self.used,
            )
            self.used |= {phrase.text}
            said.append(phrase.text.format_map(values))
        return typed(_joined(said), self.customer.style)

    def _title(self, step: str, lang: str) -> str:
        """As the page in that language calls it, where there is one."""
        return self.pages.get(lang, self.procedure).step(step).title_in(lang)

    def _goal(self, lang: str, slots: Mapping[str, str]) -> str:
        """One customer calls what they want by one name."""
        pool = [
            p
            for p in self.phrases.all
            if (p.intent, p.lang, p.procedure) == ("goal", lang, self.procedure.id)
        ]
        fitting = [phrase for phrase in pool if phrase.slots <= frozenset(slots)]
        if not fitting:
            return self.pages.get(lang, self.procedure).title
        return rng(self.plan.seed, "goal", lang).choice(fitting).text.format_map(slots)


def slots_of(customer: Customer) -> dict[str, str]:
    """What can be filled in: each kind of subject, and all of the main kind as `subject`."""
    kinds = {kind: values[0] for kind, values in customer.subjects if values}
    main = next((values for _, values in customer.subjects if values), ())
    conjunction = {"pt": "e", "es": "y"}.get(customer.lang, "and")
    return kinds | ({"subject": f" {conjunction} ".join(main)} if main else {})


def _joined(parts: Sequence[str]) -> str:
    """One message: what ends without a point is followed by one, mostly."""
    ended = [part if part[-1] in ".!?,;:" else f"{part}." for part in parts[:-1]]
    return " ".join((*ended, parts[-1])) if parts else ""


def wanted(customer: Customer, procedure: Procedure) -> tuple[tuple[str, str], ...]:
    """The inputs that the action must have for this customer."""
    action = ACTIONS.get(procedure.action or "")
    values = {kind: values[0] for kind, values in customer.subjects if values}
    return tuple((kind, values[kind]) for kind in (action.inputs if action else ()) if kind in values)
