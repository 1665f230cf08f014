"""decide(facts) -> Decision: pure and total; the only place that chooses.

The rules stand in their order; each returns a decision or None, and the first that speaks wins.
"""

from __future__ import annotations

from collections.abc import Callable

from app.models import (
    Acknowledge,
    Act,
    Already,
    Answer,
    Ask,
    Decision,
    Decline,
    Facts,
    Guide,
    HandOff,
    Propose,
    StaySilent,
    StepState,
    Watch,
)
from app.walk import End, Walk, walk

Rule = Callable[[Facts], Decision | None]

OPEN_WORDS = ("missing", "contradicted", "not_done", "failed")


def decide(facts: Facts) -> Decision:
    for rule in RULES:
        decision = rule(facts)
        if decision is not None:
            return never_twice(decision, facts)
    raise AssertionError("unreachable: the last rule always speaks")


def suggest(facts: Facts, decision: Decision) -> Decision | None:
    """What an agent may say or do instead of our silence; None where we are not silent for a person's sake.

    What would be done at once is only proposed: who is there decides.
    """
    if not (facts.person_active and isinstance(decision, StaySilent)):
        return None
    other = decide(facts.model_copy(update={"person_active": False}))
    if isinstance(other, Act):
        return Propose(because=other.because, action=other.action, approval="agent")
    if isinstance(other, Propose):
        return other.model_copy(update={"approval": "agent"})
    return None if isinstance(other, StaySilent | Acknowledge | HandOff) else other


def a_person_is_active(facts: Facts) -> Decision | None:
    if facts.person_active:
        return StaySilent(because="a person of our side is active in the conversation")
    return None


def a_person_is_needed(facts: Facts) -> Decision | None:
    if facts.reading.danger:
        kind = facts.reading.danger.replace("_", " ")
        return HandOff(because=f"it is about {kind}: a person has to look at it", reason="danger")
    if facts.reading.wants_person:
        return HandOff(because="the customer asks for a person", reason="asked")
    return None


def nothing_is_asked(facts: Facts) -> Decision | None:
    reading = facts.reading
    if facts.resumed:
        return None
    if not facts.addressed and reading.speech in ("thanks", "greeting"):
        return StaySilent(because="it was said to the room, and nothing is asked")
    if reading.speech == "report" and not works_on_procedure(facts) and _only_done(facts):
        return Acknowledge(because="the customer says what is done and asks for nothing")
    if reading.speech not in ("thanks", "greeting"):
        return None
    if reading.speech == "thanks":
        return Acknowledge(because="the customer says thanks", closes=facts.done_before)
    return Acknowledge(because="the customer says hello and asks nothing")


def _only_done(facts: Facts) -> bool:
    claims = facts.reading.claims
    return facts.procedure is not None and bool(claims) and all(claim.status == "done" for claim in claims)


def it_is_so_already(facts: Facts) -> Decision | None:
    """The read-back is of the customer's own account, so it says nothing about anybody else's."""
    if is_for_other(facts) or facts.standing not in ("owner", "member"):
        return None
    if facts.reading.wants_outcome and facts.outcome_holds:
        return Already(because="the outcome is wanted, and the read-back says that it holds already")
    return None


def it_may_not_be_asked(facts: Facts) -> Decision | None:
    """The outcome is wanted, but not by the proven owner, or for another's resource, or without checks."""
    reading = facts.reading
    if not reading.wants_outcome or facts.procedure is None or facts.procedure.action is None:
        return None
    if not (ends_in_action(facts) or reading.skips_checks or is_for_other(facts)):
        return None
    missing = first_open(facts)
    step = missing.step if missing else None
    if facts.standing == "anonymous":
        return Decline(because="the customer is not signed in", reason="not_signed_in")
    if is_for_other(facts) or facts.standing == "stranger":
        what = facts.foreign_subject or "what it is about"
        return Decline(because=f"{what} belongs to another account", reason="not_yours")
    if facts.standing == "member":
        return Decline(because="only the owner of the account may ask for it", reason="not_owner")
    if reading.skips_checks:
        return Decline(because="the customer asks to skip the checks", reason="checks_needed", step=step)
    return None


def a_subject_is_missing(facts: Facts) -> Decision | None:
    """Which workspace, which domain: asked only where no record and no message says so."""
    if facts.procedure is not None and facts.procedure.branches and not ends_in_action(facts):
        return None
    if not facts.reading.wants_outcome or facts.procedure is None or facts.missing_subject is None:
        return None
    kind = facts.missing_subject
    return Ask(
        because=f"nobody has said which {kind} it is about, and no record tells",
        step=kind,
        about="subject",
    )


def every_step_holds(facts: Facts) -> Decision | None:
    if not wants_action(facts) or not ends_in_action(facts, at_hand=True):
        return None
    assert facts.procedure is not None
    action = facts.procedure.action
    assert action is not None
    if facts.standing != "owner":
        return HandOff(
            because="every step holds, but the account system did not say whether the customer is the owner",
            reason="standing_unknown",
        )
    if facts.action_failed:
        return HandOff(
            because="the action was tried or rejected before: a person decides whether it is asked for again",
            reason="action_failed",
        )
    if facts.action_pending and (facts.resumed or facts.action_approval == "none"):
        return StaySilent(because="the action waits for its approval or runs already")
    if facts.action_pending:
        return Propose(
            because=f"the action was proposed and still waits for the {facts.action_approval}",
            action=action,
            approval=facts.action_approval,
        )
    if facts.action_approval == "none":
        return Act(because="the outcome is wanted and every step holds", action=action)
    return Propose(
        because=f"every step holds; the action needs the approval of the {facts.action_approval}",
        action=action,
        approval=facts.action_approval,
    )


def a_step_is_left(facts: Facts) -> Decision | None:
    """The first step that is not met, or unseen and said to be not done or failed, and only that one."""
    if not works_on_procedure(facts):
        return None
    state = first_open(facts)
    way = way_of(facts)
    if way is not None and (state is None or state.step != way.at):
        return None
    if state is None:
        return None
    because = f"step {state.step} is {state.word.replace('_', ' ')}{_seen(state)}"
    waits = [finding for finding in state.findings if finding.met is False]
    if waits and all(finding.needs_time for finding in waits):
        if facts.watch_over:
            return HandOff(because=f"{because}, and waiting has not helped", reason="cannot_check")
        return Watch(because=f"{because}, and it only needs time", step=state.step)
    return Guide(because=because, step=state.step, watches=bool(waits) and wants_action(facts))


def one_question(facts: Facts) -> Decision | None:
    """A step is unknown and the customer can settle it: ask about the first.

    Nobody is asked out of the blue because a look failed while we wait: it is looked at again.
    """
    if not works_on_procedure(facts):
        return None
    way = way_of(facts)
    if way is not None:
        return _question_on_the_way(facts, way)
    state = next((state for state in facts.steps if state.word == "unknown"), None)
    if state is None:
        return None
    if facts.resumed and state.checkable and not facts.watch_over:
        return Watch(because=f"step {state.step} could not be seen this time", step=state.step)
    return Ask(
        because=f"step {state.step} is not known, no check tells, and what comes next depends on it",
        step=state.step,
    )


def _question_on_the_way(facts: Facts, way: Walk) -> Decision | None:
    """The one question on which it depends how a branching procedure goes on."""
    id = way.at if isinstance(way.at, str) else next(iter(way.passed), None)
    if id is None or (isinstance(way.at, End) and way.at.kind != "action"):
        return None
    state = state_of(facts, id)
    if state.word != "unknown":
        return None
    if facts.resumed and state.checkable and not facts.watch_over:
        return Watch(because=f"step {id} could not be seen this time", step=id)
    if facts.reading.asks_how and id in facts.said.asked and id not in facts.said.guided:
        return Guide(because=f"step {id} was asked, and the customer asks how to tell", step=id)
    behind = "" if not way.path else f" after {', '.join(way.path)}"
    if way.passed:
        passed = ", ".join(way.passed)
        because = f"step {id} is open{behind}, and no check tells (passed over, by what was said: {passed})"
        if isinstance(way.at, End):
            because = f"only the action is left{behind}, but nobody has answered {passed}"
        return Ask(because=because, step=id)
    return Ask(because=f"step {id} is open{behind}, no check tells, and the way branches on it", step=id)


def the_way_ends(facts: Facts) -> Decision | None:
    """A branching procedure has come to its end: a section that says what to do, or a person."""
    way = way_of(facts)
    if way is None or not works_on_procedure(facts) or not isinstance(way.at, End):
        return None
    trail = f"what is known ({_answers(facts)})" if _answers(facts) else "the page"
    if way.at.kind == "advice" and way.at.advice is not None:
        return Guide(
            because=f"{trail} leads to the section {way.at.advice}", step=way.at.advice, about="advice"
        )
    if way.at.kind == "handoff":
        because = way.at.because or f"{trail} leads to a person"
        return HandOff(because=because, reason="way_ends")
    return None


def _answers(facts: Facts) -> str:
    return ", ".join(f"{state.step}: {state.outcome}" for state in facts.steps if state.outcome)


def a_check_is_missing(facts: Facts) -> Decision | None:
    """Everything was said, but a check that is needed could not be made."""
    if not facts.reading.wants_outcome or facts.procedure is None:
        return None
    way = way_of(facts)
    if way is not None and isinstance(way.at, End):
        return None
    state = next(
        (state for state in facts.steps if not state.holds and (way is None or state.step == way.at)), None
    )
    if state is None:
        return None
    because = f"step {state.step} must be checked and the check gives no answer{_seen(state)}"
    if state.checkable and not facts.watch_over and any(finding.met is None for finding in state.findings):
        return Watch(because=because, step=state.step)
    return HandOff(because=because, reason="cannot_check")


def the_documents_answer(facts: Facts) -> Decision | None:
    if facts.citations and not facts.resumed:
        return Answer(because="a document answers the question", citations=facts.citations)
    return None


def nothing_is_left(facts: Facts) -> Decision | None:
    """Everything holds, and only the way was asked for, or the steps alone bring the outcome."""
    way = way_of(facts)
    ended = way is None or (isinstance(way.at, End) and way.at.kind in ("action", "done"))
    if works_on_procedure(facts) and ended and facts.steps and all(state.holds for state in facts.steps):
        return Already(because="every step that it is about holds")
    return None


def nothing_answers(facts: Facts) -> Decision | None:
    if facts.resumed:
        return StaySilent(because="nothing new to say")
    if facts.reading.speech == "report" and facts.procedure is None and facts.done_before:
        return Acknowledge(because="the customer reports, and nothing is left to do")
    if not facts.addressed:
        return StaySilent(because="it was said to the room, and no source answers")
    return HandOff(because="no document answers the question", reason="no_source")


RULES: tuple[Rule, ...] = (
    a_person_is_active,
    a_person_is_needed,
    nothing_is_asked,
    it_is_so_already,
    it_may_not_be_asked,
    a_subject_is_missing,
    every_step_holds,
    a_step_is_left,
    one_question,
    the_way_ends,
    a_check_is_missing,
    the_documents_answer,
    nothing_is_left,
    nothing_answers,
)


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


def first_open(facts: Facts) -> StepState | None:
    return next((state for state in facts.steps if state.word in OPEN_WORDS), None)


def _seen(state: StepState) -> str:
    """What the check saw, as code and values: enough for an agent, and never words of the outside world."""
    finding = state.finding
    if finding is None or finding.met:
        return ""
    where = f" at {finding.where}" if finding.where else ""
    return f" ({finding.check} saw {finding.code}{where})"


# --- never twice --------------------------------------------------------------------------------


def never_twice(decision: Decision, facts: Facts) -> Decision:
    """What would be said a second time is said another way once, and then a person takes over."""
    if facts.reading.asks_again and not facts.resumed:
        return decision
    decision = _once(decision, facts)
    if isinstance(decision, HandOff) and _with_a_person(decision, facts):
        return StaySilent(because=f"{decision.because}; it was handed over before")
    return decision


def _once(decision: Decision, facts: Facts) -> Decision:
    said = facts.said
    match decision:
        case Guide(step=step) if step in said.guided and _asks_besides(facts):
            because = (
                f"{decision.because}; that was explained, and a document answers the question in between"
            )
            return _once(Answer(because=because, citations=facts.citations), facts)
        case Guide(step=step, about="advice") if step in said.guided:
            if facts.resumed:
                return StaySilent(because=f"{decision.because}; it was sent, and nobody has written since")
            return _enough(decision, "it was sent before and has not helped")
        case Guide(step=step) if step in said.guided:
            return _guide_again(decision, facts)
        case Ask(step=step) if step in said.asked and _asks_besides(facts):
            because = f"{decision.because}; that was asked, and a document answers the question in between"
            return _once(Answer(because=because, citations=facts.citations), facts)
        case Ask(step=step) if step in said.asked:
            return _enough(decision, "it was asked before and the answer did not settle it")
        case Decline(reason=reason) if reason in said.declined:
            return _enough(decision, "that was said before and did not settle it")
        case Already() if said.last == "already":
            return _enough(decision, "that was said just before, and the customer asks on")
        case Answer(citations=citations):
            fresh = tuple(c for c in citations if c.passage not in said.passages)
            if not fresh:
                return _enough(decision, "what the documents say to it was sent before and did not help")
            return decision.model_copy(update={"citations": fresh})
        case _:
            return decision


def _asks_besides(facts: Facts) -> bool:
    """Another question while a step is open: it is answered, and the step is not said again."""
    return facts.reading.speech == "question" and bool(facts.citations) and not facts.resumed


def _guide_again(decision: Guide, facts: Facts) -> Decision:
    """A step that was explained before: shown another way once, after that only where something is new."""
    seen = seen_against(state_of(facts, decision.step))
    news = bool(seen) and set(seen) != set(facts.said.last_seen)
    if facts.resumed and not news:
        if facts.watch_over:
            return StaySilent(
                because=f"{decision.because}; nothing has changed for so long that we stop looking"
            )
        return Watch(
            because=f"{decision.because}; explained before, and nothing new is seen", step=decision.step
        )
    if news or facts.said.guided.count(decision.step) == 1:
        because = f"{decision.because}; explained before, so only what is seen"
        return decision.model_copy(update={"another_way": True, "because": because})
    return _enough(decision, "it was explained and shown, and is still not there")


def seen_against(state: StepState) -> tuple[str, ...]:
    """What speaks against a step, as `code at subject`, so that the next turn knows what is new."""
    return tuple(f"{f.code} at {f.subject or ''}" for f in state.findings if f.met is False)


def _enough(decision: Decision, why: str) -> HandOff:
    return HandOff(because=f"{decision.because}; {why}", reason="repeat")


def _with_a_person(decision: HandOff, facts: Facts) -> bool:
    """A person has it already; a question is still answered with that, and danger gets its words once."""
    if decision.reason == "danger":
        return facts.said.warned
    return facts.said.handed_off and (facts.resumed or facts.reading.speech != "question")
