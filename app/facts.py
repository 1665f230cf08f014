"""What facts say: the questions that several rules ask of them, and steps in words for an agent. Pure."""

from __future__ import annotations

from app.models.facts import Facts, Said
from app.models.steps import StepState
from app.walk import End, Walk, walk
from knowledge.model import Citation, Procedure, Step

OPEN_WORDS = ("missing", "contradicted", "not_done", "failed")

TRIES = ("done", "failed")
"""What a customer says who has tried what was explained."""

WORDS = {
    "missing": "is not done",
    "contradicted": "is not done, though the customer says so",
    "not_done": "is not done, as the customer says",
    "failed": "was tried without success, as the customer says",
    "unknown": "is not known to be done",
    "claimed": "is done by the customer's word alone",
    "evidenced": "is done by what the customer showed, and nothing else",
    "verified": "holds",
    "not_applicable": "does not apply",
}


def way_of(facts: Facts) -> Walk | None:
    """Where the case stands in a procedure that branches; None where steps are simply done in order."""
    if facts.procedure is None or not facts.procedure.branches:
        return None
    return walk(facts.procedure, facts.steps)


def ends_in_action(facts: Facts, *, at_hand: bool = False) -> bool:
    """Our action is what is left to come; `at_hand`: and everything before it holds."""
    way = way_of(facts)
    if way is None:
        return not at_hand or all(state.holds for state in facts.steps)
    here = isinstance(way.at, End) and way.at.kind == "action"
    return here and not (at_hand and way.passed)


def state_of(facts: Facts, step: str) -> StepState:
    found = next((state for state in facts.steps if state.step == step), None)
    return found or StepState(step=step, word="unknown", holds=False)


def wants_action(facts: Facts) -> bool:
    """The outcome is wanted, and an action of ours is what brings it."""
    return (
        facts.reading.wants_outcome
        and facts.procedure is not None
        and facts.procedure.action is not None
        and bool(facts.steps)
    )


def works_on_procedure(facts: Facts) -> bool:
    """The outcome is wanted, or it is asked how, so the steps are what the reply is about."""
    return facts.procedure is not None and (facts.reading.wants_outcome or facts.reading.asks_how)


def is_for_other(facts: Facts) -> bool:
    return facts.reading.for_other or facts.foreign_subject is not None


def tried(facts: Facts) -> bool:
    """They say that what was explained is done, or did not work."""
    return any(status in TRIES for _, status in facts.spoken)


def replies(facts: Facts) -> bool:
    """They say something after a question of ours, and ask nothing back."""
    after = facts.said.last == "ask" and bool(facts.said.asked) and not facts.resumed
    return after and (facts.reading.told_before or facts.reading.speech == "report")


def first_open(facts: Facts) -> StepState | None:
    return next((state for state in facts.steps if state.word in OPEN_WORDS), None)


# --- in words for an agent ----------------------------------------------------------------------


def named(facts: Facts, id: str) -> str:
    """A step as its page calls it: `Step 2, Validate the branded links`; a question by its own words."""
    steps = facts.procedure.steps if facts.procedure else ()
    place = next((number for number, step in enumerate(steps) if step.id == id), None)
    if place is None:
        title = facts.procedure.title_of(id, facts.procedure.lang) if facts.procedure else None
        return f"“{title or id}”"
    if steps[place].outcomes:
        return f"The question “{steps[place].title}”"
    return f"Step {place + 1}, {steps[place].title},"


def stands(facts: Facts, state: StepState) -> str:
    """Where a step stands, and what a look saw: `Step 2, ..., is not done: the check saw ...`."""
    return f"{named(facts, state.step)} {WORDS[state.word]}{_seen(state)}"


def _seen(state: StepState) -> str:
    """What the check saw, as code and values: enough for an agent, and never words of the outside world."""
    finding = state.finding
    if finding is None or finding.met:
        return ""
    where = f" at {finding.where}" if finding.where else ""
    if finding.met is None:
        return f": the check could not see it ({_plain(finding.code)}{where})"
    return f": the check saw “{_plain(finding.code)}”{where}"


def _plain(code: str) -> str:
    return code.replace("_", " ")


def answers(facts: Facts) -> str:
    """What is known of a branching procedure: `“Do the clicks ...?”: no`."""
    return ", ".join(
        f"{_title(facts, state.step)}: {_plain(state.outcome)}" for state in facts.steps if state.outcome
    )


def _title(facts: Facts, id: str) -> str:
    steps: tuple[Step, ...] = facts.procedure.steps if facts.procedure else ()
    return f"“{next((step.title for step in steps if step.id == id), id)}”"


def titles(facts: Facts, ids: tuple[str, ...]) -> str:
    return ", ".join(_title(facts, id) for id in ids)


def seen_against(state: StepState) -> tuple[str, ...]:
    """What speaks against a step, as `code at subject`, so that the next turn knows what is new."""
    return tuple(f"{f.code} at {f.subject or ''}" for f in state.findings if f.met is False)


# --- what was sent ------------------------------------------------------------------------------


def under_way(said: Said, procedure: Procedure | None) -> bool:
    """Something of the matter was explained, asked, looked at or answered: a hello begins nothing, nor does
    the question which matter it is."""
    asked = [what for what in said.asked if procedure is None or what != procedure.id]
    return bool(said.guided or asked) or said.last in ("answer", "watch")


def was_sent(citation: Citation, said: Said) -> bool:
    """These words, or the same section in another language. Of a passage that was quoted from, a line that
    was not is news."""
    if citation.passage not in said.passages:
        return citation.place in said.places
    before = {
        line for passage, text in said.quotes if passage == citation.passage for line in text.split("\n")
    }
    return not before or before.issuperset((citation.shown or citation.quote).split("\n"))
