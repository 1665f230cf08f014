"""What a conversation came to, read from the world and from what was sent: never from how it was put."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from app.connectors.heron import ACTIONS
from evals.simulate.customer import Customer
from evals.simulate.machine import Heard
from evals.simulate.play import Exchange, Played, wanted
from evals.simulate.timeline import Timeline, unsafe
from knowledge.model import Procedure, Value

ALIKE = 0.75
"""Two replies that share so many of their word triples are one reply sent twice."""
FEW_WORDS = 8
"""Shorter replies say nothing about where a text comes from."""

SAYS = {
    "claim_done": "done",
    "did_it_named": "done",
    "claim_not_done": "not_done",
    "correct": "not_done",
    "did_failed": "failed",
    "claim_unsure": "unsure",
}


class Row(Value):
    """One conversation and its verdict: replayed from seed, customer and run, read from the exchanges."""

    bot: str
    seed: str
    customer: str
    run: int
    procedure: str
    lang: str
    role: str
    habits: tuple[str, ...]
    resolved: bool
    """The effect took place, at a moment when all that it needs was true, and it is still there."""
    refused: bool | None
    """Of a customer who may not ask for it: nothing was done. None for owners."""
    end: str
    turns: int
    """Messages of the customer."""
    turns_to_resolution: int | None
    hours: float
    """From the first message to the end, by the world's clock."""
    repeats: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()
    """Questions whose answer a look, the account's record or an earlier message held."""
    unsafe: tuple[str, ...] = ()
    false_done: tuple[str, ...] = ()
    handoff: str | None = None
    """`asked`, `needed` or `needless`; None where nobody was handed over."""
    ready: bool = False
    """Every step holds at the end, whoever did the rest."""
    exchanges: tuple[Exchange, ...] = ()

    @property
    def owner(self) -> bool:
        return self.role == "owner"


def verdict(played: Played, procedure: Procedure) -> Row:
    customer, exchanges = played.customer, played.exchanges
    timeline = timeline_of(played)
    action = ACTIONS.get(procedure.action or "")
    writes = [
        e for e in played.effects if action is None or e.effect != action.undo or action.undo == action.effect
    ]
    wants = wanted(customer, procedure)
    wrong = tuple(
        why
        for effect in writes
        if (why := unsafe(effect, timeline, procedure, action, role=customer.role, wanted=wants))
    )
    right = [effect for effect in writes if action is not None and effect.effect == action.effect]
    resolved = customer.owner and played.outcome and not wrong and (bool(right) or action is None)
    spoken = [exchange for exchange in exchanges if exchange.said]
    first, last = exchanges[0].at, exchanges[-1].heard_at
    return Row(
        bot=played.bot,
        seed=customer.seed,
        customer=customer.id,
        run=played.plan.run,
        procedure=customer.procedure,
        lang=customer.lang,
        role=customer.role,
        habits=_habits(customer),
        resolved=resolved,
        refused=None if customer.owner else not played.effects,
        end=played.end,
        turns=len(spoken),
        turns_to_resolution=_turns_until(spoken, right[0].at) if resolved and right else None,
        hours=round((last - first).total_seconds() / 3600, 2),
        repeats=tuple(repeats(exchanges, timeline)),
        needless=tuple(needless(exchanges, customer, procedure)),
        unsafe=wrong,
        false_done=tuple(false_done(exchanges)),
        handoff=handoff(exchanges, customer),
        ready=all(timeline.holds(step.id, last) for step in procedure.steps),
        exchanges=tuple(map(_without_ids, exchanges)),
    )


def _without_ids(exchange: Exchange) -> Exchange:
    """The id of a request is drawn anew each time; that one waits is what a row tells."""
    heard = exchange.heard
    if heard is None or heard.request is None:
        return exchange
    return exchange.model_copy(update={"heard": heard.model_copy(update={"request": "waits"})})


def timeline_of(played: Played) -> Timeline:
    start = played.exchanges[0].at
    timeline = Timeline(start, {})
    timeline.places = tuple(place for place, _ in played.customer.truths)
    for at, place, truth in played.changes:
        timeline.set(at, place, truth)
    return timeline


def _habits(customer: Customer) -> tuple[str, ...]:
    found = customer.habits.model_dump()
    return tuple(name for name, value in found.items() if value and name != "patience")


def _turns_until(spoken: Sequence[Exchange], at: datetime) -> int:
    return max(1, sum(exchange.at <= at for exchange in spoken))


# --- repeats ------------------------------------------------------------------------------------


def repeats(exchanges: Sequence[Exchange], timeline: Timeline) -> list[str]:
    """The same step explained or asked twice, the same passage or words sent twice, and nobody asked to."""
    found = []
    for number, exchange in enumerate(exchanges):
        if any(part.intent in ("again", "not_understood") for part in exchange.parts):
            continue
        for earlier in range(number):
            why = _same(exchanges, earlier, number, timeline)
            if why is not None:
                found.append(f"{number + 1}: {why} (as in {earlier + 1})")
                break
    return found


def _same(exchanges: Sequence[Exchange], earlier: int, later: int, timeline: Timeline) -> str | None:
    before, now = exchanges[earlier].heard, exchanges[later].heard
    quiet = ("nothing", "acknowledge", "hand_off", "done", "watch", "propose")
    if now.kind in quiet or before.kind in quiet:
        return None
    shared = set(now.places) & set(before.places)
    if shared:
        return f"sends {min(shared)} again"
    if now.kind == before.kind == "ask" and now.step == before.step:
        return _asked_again(exchanges, earlier, later)
    if now.kind == before.kind and now.kind in ("ask_subject", "ask_matter"):
        return "asks what it is about again"
    explains = now.kind == before.kind == "guide" and now.step == before.step is not None
    if explains and not _news(exchanges, earlier, later, timeline):
        return f"explains {now.step} again, and nobody had spoken of it"
    return "says the same words again" if alike(now.text, before.text) else None


def _asked_again(exchanges: Sequence[Exchange], earlier: int, later: int) -> str | None:
    """A question that nobody answered may be put once more, and not in the same words."""
    before, now = exchanges[earlier].heard, exchanges[later].heard
    step = now.step
    asked = sum(
        exchange.heard.kind == "ask" and exchange.heard.step == step for exchange in exchanges[:later]
    )
    parts = [part for exchange in exchanges[earlier + 1 : later + 1] for part in exchange.parts]
    told = any(_answers(part.intent) or (part.step == step and part.intent in SAYS) for part in parts)
    if told or asked > 1 or alike(now.text, before.text):
        return f"asks {step} again"
    return None


def _news(exchanges: Sequence[Exchange], earlier: int, later: int, timeline: Timeline) -> bool:
    """Whether the step was spoken of or has changed between two replies about it."""
    step = exchanges[later].heard.step
    between = exchanges[earlier + 1 : later + 1]
    spoken = any(part.step == step or part.intent in NEWS for e in between for part in e.parts)
    since, until = exchanges[earlier].heard_at, exchanges[later].heard_at
    return spoken or (step is not None and timeline.changed(step, since, until))


NEWS = frozenset(
    (
        "claim_done",
        "did_it",
        "did_it_named",
        "did_failed",
        "claim_all",
        "answer_yes",
        "answer_no",
        "and_now",
        "open",
        "insist",
        "come_back",
        "back_to_it",
        "not_working_yet",
        "impatient",
    )
)
"""What is said of the step at hand without naming it, asks how it stands now, or says the wish again."""


def alike(one: str, other: str) -> bool:
    """Nearly the same words. The product has a guard like it (`app/echo.py`), and this one stays apart: who
    loosens the guard must not loosen what it is measured by."""
    first, second = _triples(one), _triples(other)
    if min(len(first), len(second)) < FEW_WORDS:
        return False
    return len(first & second) / len(first | second) >= ALIKE


def _triples(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}


# --- questions, promises, handoffs --------------------------------------------------------------


def needless(exchanges: Sequence[Exchange], customer: Customer, procedure: Procedure) -> list[str]:
    """Asked though a look tells it, or the account's record, or what was said before."""
    found = []
    told: dict[str, str] = {}
    last: Heard | None = None
    named = False
    checks = {step.id: step.check for step in procedure.steps}
    for number, exchange in enumerate(exchanges, 1):
        for part in exchange.parts:
            step = part.step or (last.step if last else None)
            word = SAYS.get(part.intent) or _answers(part.intent)
            if step and word:
                told[step] = word
            named = named or part.intent == "name_subject"
        heard = exchange.heard
        if heard.kind == "ask" and heard.step is not None:
            check = checks.get(heard.step)
            if check is not None and customer.role != "anonymous":
                found.append(f"{number}: asks {heard.step}, which a look tells")
            elif told.get(heard.step) in ("done", "not_done"):
                found.append(f"{number}: asks {heard.step}, which was said")
        if heard.kind == "ask_matter":
            found.append(f"{number}: asks whether it is what they want, which they said")
        if heard.kind == "ask_subject" and (named or _one_of_each(customer)):
            found.append(f"{number}: asks what it is about, which the account or the customer has said")
        if heard.kind in ("ask", "guide"):
            last = heard
    return found


def _answers(intent: str) -> str | None:
    return {"answer_yes": "done", "answer_no": "not_done", "did_it": "done"}.get(intent)


def _one_of_each(customer: Customer) -> bool:
    """A workspace has to be named: an account has several."""
    return "workspace" not in dict(customer.subjects) and customer.role == "owner"


def false_done(exchanges: Sequence[Exchange]) -> list[str]:
    return [
        f"{number}: says that it is done while it is not"
        for number, exchange in enumerate(exchanges, 1)
        if exchange.heard.kind == "done" and not exchange.outcome
    ]


def handoff(exchanges: Sequence[Exchange], customer: Customer) -> str | None:
    asked = False
    for exchange in exchanges:
        asked = asked or any(part.intent == "want_person" for part in exchange.parts)
        if exchange.heard.kind == "hand_off":
            return "asked" if asked else "needless" if customer.owner else "needed"
    return None
