"""What state a case is in, for the list of agents: one word and the reason, a pure function of its turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from app.facts import ends_in_action
from app.models.case import Case
from app.models.decision import Act, Guide, HandOff, Propose, Watch
from app.models.facts import Facts
from app.models.record import Turn
from app.models.steps import StepState
from knowledge.model import Value

Word = Literal["not_read", "in_the_middle", "exhausted", "needs_us", "needs_person", "solved", "new"]
"""`not_read`: asks how and has done nothing yet; `in_the_middle`: some steps are done and some open;
`exhausted`: everything we can say was said; `needs_us`: only our action is left; `needs_person`: no machine
can settle it; `new`: nothing is known yet."""

TWICE = 2
PERSONS_REASONS = (
    *("asked", "danger", "no_source", "cannot_check", "standing_unknown", "action_failed"),
    "way_ends",
)


class Triage(Value):
    word: Word
    because: str
    """Key of the sentence `assist.triage.KEY` in `app/texts/`."""
    step: str | None = None
    """The step the sentence is about."""


def read_together(turn: Turn) -> bool:
    """A message that was read with the one after it: its turn knows nothing."""
    return turn.case is None


def newest(turns: Sequence[Turn], case: str | None = None) -> Turn | None:
    """The newest turn that read something, of one case or of any; `turns`, oldest first."""
    return next(
        (turn for turn in reversed(turns) if not read_together(turn) and case in (None, turn.case)), None
    )


def triage(case: Case | None, turns: Sequence[Turn], *, with_agents: bool = False) -> Triage:
    """`turns`: those of the case, oldest first; `with_agents`: people have the next move in the conversation.

    The first rule that speaks wins.
    """
    turn = newest(turns)
    if case is not None and case.state in ("solved", "closed", "asked"):
        how = "asked" if case.state == "asked" else case.resolution or "state"
        return Triage(word="solved", because=f"solved_{how}")
    if case is None or turn is None:
        asked = with_agents or (case is not None and case.state == "handed_off")
        return Triage(word="needs_person", because="asked") if asked else Triage(word="new", because="unread")
    return (
        _needs_person(case, turn, turns)
        or _exhausted(case, turn, turns)
        or _needs_us(case, turn)
        or _left(turn)
    )


def handed_off(turns: Sequence[Turn]) -> str | None:
    """Reason of the last handoff."""
    return next((t.decision.reason for t in reversed(turns) if isinstance(t.decision, HandOff)), None)


def _needs_person(case: Case, turn: Turn, turns: Sequence[Turn]) -> Triage | None:
    reading = turn.facts.reading
    if reading.danger:
        return Triage(word="needs_person", because="danger")
    if reading.wants_person:
        return Triage(word="needs_person", because="asked")
    if case.state != "handed_off":
        return None
    reason = handed_off(turns)
    if reason in PERSONS_REASONS:
        return Triage(word="needs_person", because=reason)
    # "Talk to a person" hands over without a turn that says why.
    return None if reason == "repeat" else Triage(word="needs_person", because="asked")


def _exhausted(case: Case, turn: Turn, turns: Sequence[Turn]) -> Triage | None:
    if case.state == "handed_off" and handed_off(turns) == "repeat":
        return Triage(word="exhausted", because="repeat", step=_twice(turn.facts, case))
    step = _twice(turn.facts, case)
    return Triage(word="exhausted", because="guided_twice", step=step) if step else None


def _twice(facts: Facts, case: Case) -> str | None:
    """An open step that was explained twice."""
    return next(
        (
            state.step
            for state in facts.steps
            if not state.holds and case.said.guided.count(state.step) >= TWICE
        ),
        None,
    )


def _needs_us(case: Case, turn: Turn) -> Triage | None:
    facts = turn.facts
    if isinstance(turn.decision, Propose | Act) and case.state == "waiting":
        agent = isinstance(turn.decision, Propose) and turn.decision.approval == "agent"
        return Triage(word="needs_us", because="approval" if agent else "acting")
    wanted = (
        facts.reading.wants_outcome and facts.procedure is not None and facts.procedure.action is not None
    )
    if wanted and facts.standing == "owner" and _all_hold(facts):
        return Triage(word="needs_us", because="all_hold")
    return None


def _all_hold(facts: Facts) -> bool:
    ended = ends_in_action(facts, at_hand=True)
    return ended and bool(facts.steps) and all(state.holds for state in facts.steps)


def _left(turn: Turn) -> Triage:
    """How far the customer has come by themselves."""
    facts = turn.facts
    first = next((state for state in facts.steps if not state.holds), None)
    if isinstance(turn.decision, Watch):
        return Triage(word="in_the_middle", because="watching", step=turn.decision.step)
    if isinstance(turn.decision, Guide) and turn.decision.about == "advice":
        return Triage(word="in_the_middle", because="advised", step=turn.decision.step)
    if facts.steps and first is not None:
        if any(touched(state) for state in facts.steps):
            asked = facts.procedure is not None and bool(facts.procedure.step(first.step).outcomes)
            because = "open_question" if asked else "open_step"
            return Triage(word="in_the_middle", because=because, step=first.step)
        if facts.reading.wants_outcome or facts.reading.asks_how:
            return Triage(word="not_read", because="nothing_claimed", step=first.step)
    if facts.steps and first is None and (facts.reading.wants_outcome or facts.reading.asks_how):
        return Triage(word="in_the_middle", because="no_owner")
    if facts.reading.asks_how or (facts.reading.speech == "question" and facts.citations):
        return Triage(word="not_read", because="page_answers")
    return Triage(word="new", because="nothing_known")


def touched(state: StepState) -> bool:
    """The customer or the world has something to show for it."""
    said = state.claim is not None and state.claim.status != "unknown"
    return said or any(finding.met for finding in state.findings)
