"""decide(facts) -> Decision: pure and total; the only place that chooses.

The rules stand in their order; each returns a decision or None, and the first that speaks wins.
"""

from __future__ import annotations

from collections.abc import Callable

from app.facts import (
    answers,
    ends_in_action,
    first_open,
    is_for_other,
    named,
    stands,
    state_of,
    titles,
    tried,
    wants_action,
    way_of,
    works_on_procedure,
)
from app.models.decision import (
    Acknowledge,
    Act,
    Already,
    Answer,
    Ask,
    Decision,
    Decline,
    Guide,
    HandOff,
    Propose,
    StaySilent,
    Watch,
)
from app.models.facts import Facts
from app.models.steps import StepState
from app.twice import never_twice
from app.walk import End, Walk

Rule = Callable[[Facts], Decision | None]


def decide(facts: Facts) -> Decision:
    return never_twice(_first(facts)[1], facts)


def rule_of(facts: Facts) -> str:
    """The name of the rule that a decision comes from, and whether it would have been said twice."""
    name, decision = _first(facts)
    return name if never_twice(decision, facts) == decision else f"{name}, {never_twice.__name__}"


def _first(facts: Facts) -> tuple[str, Decision]:
    for rule in RULES:
        decision = rule(facts)
        if decision is not None:
            return rule.__name__, decision
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
    if reading.confirms and facts.done_before and not facts.action_pending:
        if facts.said.last == "acknowledge":
            return StaySilent(because="it is done, and the customer only nods again")
        return Acknowledge(because="it is done, and the customer nods", closes=True)
    if reading.speech == "report" and not works_on_procedure(facts) and _only_done(facts):
        return Acknowledge(because="the customer says what is done and asks for nothing")
    if reading.speech not in ("thanks", "greeting"):
        return None
    if reading.speech == "thanks" and tried(facts) and works_on_procedure(facts) and not facts.done_before:
        return None  # `thanks, that is done`: the matter goes on
    if reading.speech == "thanks":
        return Acknowledge(because="the customer says thanks", closes=facts.done_before)
    return Acknowledge(because="the customer says hello and asks nothing")


def _only_done(facts: Facts) -> bool:
    claims = facts.reading.claims
    return facts.procedure is not None and bool(claims) and all(claim.status == "done" for claim in claims)


def it_is_so_already(facts: Facts) -> Decision | None:
    """The read-back is of the customer's own account, so it says nothing about anybody else's.

    `It is on, and the links are still http` is no wish: what the pages say to that is told with it.
    """
    if is_for_other(facts) or facts.standing not in ("owner", "member"):
        return None
    if not (facts.reading.wants_outcome and facts.outcome_holds):
        return None
    because = "the outcome is wanted, and the read-back says that it holds already"
    wish = facts.resumed or facts.reading.speech == "request"
    besides = () if wish else facts.citations
    if besides and facts.done_before:
        return Answer(because=f"{because}; a document answers what is asked since", citations=besides)
    return Already(because=because, citations=besides)


def it_may_not_be_asked(facts: Facts) -> Decision | None:
    """The outcome is wanted, but not by the proven owner, or for another's resource, or without checks.

    That checks cannot be skipped is said once; then the case goes on, and its checks are made. Nothing is
    done on the very message that demands it.
    """
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
    told = "checks_needed" in facts.said.declined
    if reading.skips_checks and (not told or ends_in_action(facts, at_hand=True)):
        return Decline(because="the customer asks to skip the checks", reason="checks_needed", step=step)
    return None


def a_question_comes_first(facts: Facts) -> Decision | None:
    """Who asks something, and may only want to know, is answered before anything is offered."""
    reading = facts.reading
    only_asks = reading.speech == "question" and reading.faint and not reading.asks_how
    if facts.resumed or not only_asks or not facts.citations or not ends_in_action(facts, at_hand=True):
        return None
    return Answer(
        because="a document answers what is asked, and nobody asks for more", citations=facts.citations
    )


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
    if facts.action_sent:
        return HandOff(
            because="the request was sent before and cannot be read back: a person asks after it",
            reason="repeat",
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
    because = stands(facts, state)
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
    step = named(facts, state.step)
    if facts.resumed and state.checkable and not facts.watch_over:
        return Watch(because=f"{step} could not be seen this time{_why_unseen(state)}", step=state.step)
    blind = facts.missing_subject is not None and state.checkable and not state.findings
    if blind and facts.missing_subject is not None and facts.standing != "anonymous":
        because = f"{step} could be looked at if we knew which {facts.missing_subject} it is about"
        return Ask(because=because, step=facts.missing_subject, about="subject")
    if _does_not_know(state) and state.step not in facts.said.guided:
        return Guide(because=f"{step} may be done or not: the customer does not know", step=state.step)
    if state.claim is not None and state.claim.disputed:
        because = f"{step} was understood differently by two readers of the conversation, and no check tells"
        return Ask(because=because, step=state.step)
    return Ask(
        because=f"{step} is not known to be done, no check tells, and what comes next depends on it",
        step=state.step,
    )


def _does_not_know(state: StepState) -> bool:
    """They have said so: to ask them would bring nothing, to show them how may."""
    return state.claim is not None and state.claim.status == "unknown"


def _why_unseen(state: StepState) -> str:
    code = state.finding.code.replace("_", " ") if state.finding and state.finding.met is None else ""
    return f" ({code})" if code else ""


def _question_on_the_way(facts: Facts, way: Walk) -> Decision | None:
    """The one question on which it depends how a branching procedure goes on."""
    id = way.at if isinstance(way.at, str) else next(iter(way.passed), None)
    if id is None or (isinstance(way.at, End) and way.at.kind != "action"):
        return None
    state = state_of(facts, id)
    if state.word != "unknown":
        return None
    if facts.resumed and state.checkable and not facts.watch_over:
        return Watch(because=f"{named(facts, id)} could not be seen this time", step=id)
    question = named(facts, id)
    if facts.reading.asks_how and id in facts.said.asked and id not in facts.said.guided:
        return Guide(because=f"{question} was asked, and the customer asks how to tell", step=id)
    if _does_not_know(state) and id not in facts.said.guided:
        return Guide(because=f"{question} is open, and the customer does not know how to tell", step=id)
    behind = f" (known so far: {answers(facts)})" if answers(facts) else ""
    if way.passed:
        passed = titles(facts, way.passed)
        because = f"{question} is open, and no check tells{behind}; passed over, by what was said: {passed}"
        if isinstance(way.at, End):
            because = f"only the action is left{behind}, but nobody has answered {passed}"
        return Ask(because=because, step=id)
    return Ask(because=f"{question} is open, no check tells, and the way branches on it{behind}", step=id)


def the_way_ends(facts: Facts) -> Decision | None:
    """A branching procedure has come to its end: a section that says what to do, or a person."""
    way = way_of(facts)
    if way is None or not works_on_procedure(facts) or not isinstance(way.at, End):
        return None
    trail = f"What is known ({answers(facts)})" if answers(facts) else "The page"
    if way.at.kind == "advice" and way.at.advice is not None:
        return Guide(
            because=f"{trail} leads to the section {named(facts, way.at.advice)}",
            step=way.at.advice,
            about="advice",
        )
    if way.at.kind == "handoff":
        because = way.at.because or f"{trail} leads to a person"
        return HandOff(because=because, reason="way_ends")
    return None


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
    because = f"{stands(facts, state)}; it must be seen before anything is done"
    if state.checkable and not facts.watch_over and any(finding.met is None for finding in state.findings):
        return Watch(because=because, step=state.step)
    return HandOff(because=because, reason="cannot_check")


def what_it_is_about(facts: Facts) -> Decision | None:
    """Who begins with `it does not work` or `how is my request?` is asked what, before a person is."""
    new = facts.said.last in (None, "acknowledge") and not (facts.said.asked or facts.done_before)
    trouble = facts.vague and facts.reading.speech != "question"
    untold = (trouble or facts.reading.asks_on) and facts.procedure is None and facts.perhaps is None
    if not (new and untold and facts.addressed) or facts.resumed:
        return None
    return Ask(because="something is the matter, and no word tells of what", step="matter", about="matter")


def which_matter(facts: Facts) -> Decision | None:
    """Something is wanted, and one page is near but not surely meant: asked once, before a person is."""
    perhaps = facts.perhaps
    if perhaps is None or facts.resumed or works_on_procedure(facts) or not facts.addressed:
        return None
    if perhaps.id in facts.said.asked or facts.done_before:
        return None
    if facts.citations and facts.reading.speech == "question":
        return None
    because = f"it may be about “{perhaps.title}”, and the words alone do not tell"
    return Ask(because=because, step=perhaps.id, about="procedure")


def what_is_meant(facts: Facts) -> Decision | None:
    """A question about "this plan" where nobody has named a plan: asked back, never twice in a row."""
    if not facts.unclear or facts.procedure is not None or facts.resumed or not facts.addressed:
        return None
    if facts.unclear in facts.said.asked or facts.said.last == "ask":
        return None
    because = f"nobody has said what “{facts.unclear}” is, and no page surely answers"
    return Ask(because=because, step=facts.unclear, about="words")


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
    if _in_between(facts):
        return Answer(
            because="no document answers the question, and the matter before it goes on", citations=()
        )
    return HandOff(because="no document answers the question", reason="no_source")


def _in_between(facts: Facts) -> bool:
    """Something else is asked while a step is open; a person is offered, once a case."""
    said = facts.said
    open_still = bool(said.guided) and not (facts.done_before or said.handed_off or said.unanswered)
    return facts.procedure is None and facts.reading.speech in ("question", "request") and open_still


RULES: tuple[Rule, ...] = (
    a_person_is_active,
    a_person_is_needed,
    nothing_is_asked,
    it_is_so_already,
    it_may_not_be_asked,
    a_question_comes_first,
    a_subject_is_missing,
    every_step_holds,
    a_step_is_left,
    one_question,
    the_way_ends,
    a_check_is_missing,
    what_it_is_about,
    which_matter,
    what_is_meant,
    the_documents_answer,
    nothing_is_left,
    nothing_answers,
)
