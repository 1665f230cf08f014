"""Never twice: a decision is held against all that the case was sent before it goes out. Pure."""

from __future__ import annotations

from app.facts import replies, seen_against, state_of, tried, under_way, was_sent
from app.models.decision import (
    Acknowledge,
    Already,
    Answer,
    Ask,
    Decision,
    Decline,
    Guide,
    HandOff,
    StaySilent,
    Watch,
)
from app.models.facts import Facts, Said
from knowledge.model import Citation

REMINDERS = 2
"""How often an open step is only named to who asks on without a try; then it is shown another way."""

TRIES = 2
"""How often a step that was shown another way and tried in vain is still answered with what is seen; after
that a person takes over."""

UNANSWERED = 2
"""How often it is said that no page answers what is asked in between, the second time in other words; then a
person answers."""

PATIENCE = 2
"""How often in a row we say that we have heard it and wait for the step; then we only wait."""

WHOLE_QUESTION = 4
"""Words; fewer ask how the matter at hand stands: "and now?", "any news?"."""


def never_twice(decision: Decision, facts: Facts) -> Decision:
    """What would be said a second time is said another way once, and then a person takes over."""
    if facts.reading.asks_again and not facts.resumed:
        return _asked_for(decision, facts)
    decision = _once(decision, facts)
    for _ in range(facts.worn):
        decision = _reworded(decision, facts)
    if isinstance(decision, HandOff) and _with_a_person(decision, facts):
        return StaySilent(because=f"{decision.because}; it was handed over before")
    return decision


def _asked_for(decision: Decision, facts: Facts) -> Decision:
    """Right after it was sent it is sent again whole; after other talk, or elsewhere, in a line. A question
    that did not get through once is put in other words."""
    match decision:
        case Guide(step=step, about="step") if step in facts.said.guided and _was_left(facts):
            return _briefly(decision)
        case Guide(step=step, about="step") if step in facts.said.guided and _only_seen(step, facts):
            because = f"{decision.because}; its section was not sent yet"
            return decision.model_copy(update={"another_way": True, "because": because})
        case Ask(step=step) if step in facts.said.asked:
            return _in_other_words(decision)
        case _:
            return decision


def _only_seen(step: str, facts: Facts) -> bool:
    """Who said that it is done was told what is seen, and not yet how it is done."""
    return state_of(facts, step).word == "contradicted" and step not in facts.cited


def _was_left(facts: Facts) -> bool:
    """Something else was talked of since, or the customer is back in another place."""
    return facts.said.last in ("answer", "acknowledge", "decline") or facts.continued is not None


def _reworded(decision: Decision, facts: Facts) -> Decision:
    """The next way to say it, where these words were sent before; news that come by themselves stay news."""
    match decision:
        case Guide(about="step", another_way=False):
            because = f"{decision.because}; these words were sent before"
            return decision.model_copy(update={"another_way": True, "because": because})
        case Guide(about="step", brief=False):
            return _briefly(decision)
        case Ask(another_way=False):
            return _in_other_words(decision)
        case Ask(about="step", step=step) if not _branching(facts) and step not in facts.said.guided:
            return _shown(decision, "it was asked in these words before, so it is shown")
        case Guide(about="step", step=step) if not facts.resumed and _not_yet(step, facts):
            because = f"{decision.because}; these words were sent before, and the customer is at it"
            return Acknowledge(because=because)
        case Guide() | Ask() | Decline() | Answer(citations=()) if not facts.resumed:
            return _enough(decision, "these words were sent before")
        case _:
            return decision


def _briefly(decision: Guide) -> Guide:
    because = f"{decision.because}; it was explained, and the customer comes back to it"
    return decision.model_copy(update={"another_way": True, "brief": True, "because": because})


def _once(decision: Decision, facts: Facts) -> Decision:
    said = facts.said
    match decision:
        case Guide(step=step) if step in said.guided:
            return _guide_again(decision, facts)
        case Ask(step=step) if step in said.asked:
            return _ask_again(decision, facts)
        case Guide() | Ask() if (other := _first_answered(decision, facts)) is not None:
            return other
        case Guide(step=step, about="step") if step in facts.cited:
            because = f"{decision.because}; its section was sent as an answer before"
            return decision.model_copy(update={"another_way": True, "because": because})
        case Watch() if said.watching and facts.reading.speech == "question":
            return _besides(decision, facts) or decision
        case Decline(reason=reason) if reason in said.declined:
            return _besides(decision, facts) or _enough(
                decision, "that was said before and did not settle it"
            )
        case Already():
            return _holds_again(decision, facts)
        case Answer(citations=citations) if citations:
            fresh = _fresh(citations, said)
            if not fresh:
                return _enough(decision, "what the documents say to it was sent before and did not help")
            return decision.model_copy(update={"citations": fresh})
        case _:
            return decision


def _fresh(citations: tuple[Citation, ...], said: Said) -> tuple[Citation, ...]:
    return tuple(citation for citation in citations if not was_sent(citation, said))


def _holds_again(decision: Already, facts: Facts) -> Decision:
    """That it holds is said once; who asks on gets what the pages say to it, or a person."""
    said = facts.said
    asks = facts.reading.speech == "question" or not said.handed_off
    fresh = _fresh(decision.citations, said) if asks else ()
    if not (said.last == "already" or (said.already and said.handed_off)):
        return decision.model_copy(update={"citations": fresh})
    if fresh:
        because = f"{decision.because}, as was said; a document answers the rest"
        return Answer(because=because, citations=fresh)
    return _enough(decision, "that was said before, and the customer asks on")


# --- what a customer does while a step is open --------------------------------------------------


def _besides(decision: Guide | Ask | Watch | Decline, facts: Facts) -> Answer | HandOff | None:
    """Another question while a step is open: it is answered, and the step only named."""
    fresh = _fresh(facts.citations, facts.said)
    if facts.resumed or not _asks(facts):
        return None
    if facts.reading.speech == "request" and facts.continued is not None:
        return None  # who comes back and asks for something asks for the matter
    named = not isinstance(decision, Ask) or decision.about == "step" or decision.step in facts.said.asked
    back = decision.step if named else None
    if fresh:
        because = f"a document answers the question in between; {decision.because}, as was said before"
        return Answer(because=because, citations=fresh, back_to=back)
    asks_a_way = isinstance(decision, Ask) and _branching(facts)
    if not (isinstance(decision, Watch) or asks_a_way) and _asks_something_else(facts):
        if facts.said.unanswered >= UNANSWERED:
            because = f"no document answers what is asked in between, the third time; {decision.because}"
            return HandOff(because=because, reason="no_source")
        because = f"no document answers the question in between; {decision.because}, as was said before"
        return Answer(because=because, citations=(), back_to=back)
    return None


def _asks(facts: Facts) -> bool:
    """By what it does; or by its words, where they name something else: whatever else that sounds like."""
    return facts.reading.speech in ("question", "request") or (facts.beside and facts.asks)


def _first_answered(decision: Guide | Ask, facts: Facts) -> Answer | HandOff | None:
    """Another question, once the matter is under way, comes before the next step; what they begin with does
    not, and where answers lead the way any question may be one."""
    if not under_way(facts.said, facts.procedure) or facts.reading.speech != "question" or _branching(facts):
        return None
    if facts.spoken or facts.on_the_matter or facts.continued:
        return None
    return _besides(decision, facts)


def _asks_something_else(facts: Facts) -> bool:
    """A question that says nothing of the steps: a whole one right after they were spoken of, or one that
    names something else.

    The page at hand answers how the matter stands, and so does who comes back to it in another place.
    """
    reading = facts.reading
    if facts.spoken or facts.on_the_matter or facts.continued is not None:
        return False
    if reading.told_before or reading.skips_checks:
        return False
    if reading.speech != "question":
        return facts.beside and facts.asks and facts.said.unanswered < UNANSWERED
    whole = len(reading.request.split()) >= WHOLE_QUESTION
    return facts.beside or (whole and facts.said.last != "answer")


def _waits(decision: Guide | Ask, facts: Facts) -> Acknowledge | StaySilent | None:
    """They say that they are at it, or nothing of the step: no try has failed, nothing is explained again.

    Who only nods, promises or speaks of something else is asked once what is in the way, and then we wait.
    Who says more, or comes back to the matter, is told where it stands. A question gets its patience only
    where they speak of its step, or where the step was shown instead.
    """
    reading, said = facts.reading, facts.said
    if facts.resumed or reading.speech != "report" or tried(facts):
        return None
    planned = "planned" in [status for _, status in facts.spoken]
    turns_to_it = reading.asks_on or reading.told_before or reading.skips_checks or facts.continued
    if turns_to_it and not planned:
        return None
    shown = decision.step in said.guided and said.last != "ask"
    if isinstance(decision, Ask) and not shown and (decision.step, "planned") not in facts.spoken:
        return None
    idle = planned or reading.confirms or (facts.beside and not _speaks_of(decision.step, facts))
    if not idle and (said.noted or said.last == "answer"):
        return None
    because = f"{decision.because}; it was explained, and nobody says yet that it was tried"
    if said.noted >= PATIENCE:
        return StaySilent(because=f"{because}; we have said that we wait for it, and what to do otherwise")
    return Acknowledge(because=because)


def _not_yet(step: str, facts: Facts) -> bool:
    """They say themselves that it is not done, and ask nothing."""
    told = {status for spoken, status in facts.spoken if spoken == step}
    return facts.reading.speech == "report" and told == {"not_done"}


def _speaks_of(step: str, facts: Facts) -> bool:
    return any(spoken == step for spoken, _ in facts.spoken)


def _hardly_tried(decision: Guide, facts: Facts) -> Acknowledge | None:
    """What they say names something else and only sounds like a try, and nothing of it is seen."""
    reading, said = facts.reading, facts.said
    if facts.resumed or not facts.beside or said.noted or reading.speech != "report" or reading.asks_on:
        return None
    if state_of(facts, decision.step).word != "contradicted" or (decision.step, "failed") in facts.spoken:
        return None
    return Acknowledge(because=f"{decision.because}; it was explained, and a look does not see it yet")


# --- a step again, a question again -------------------------------------------------------------


def _guide_again(decision: Guide, facts: Facts) -> Decision:
    """A step that was explained before: shown another way once, after that only where something is new."""
    other = _besides(decision, facts)
    if other is not None:
        return other
    if decision.about == "advice":
        if facts.resumed:
            return StaySilent(because=f"{decision.because}; it was sent, and nobody has written since")
        return _enough(decision, "it was sent before and has not helped")
    news = _news(decision, facts)
    if facts.resumed and not news:
        if facts.watch_over:
            return StaySilent(
                because=f"{decision.because}; nothing has changed for so long that we stop looking"
            )
        return Watch(
            because=f"{decision.because}; explained before, and nothing new is seen", step=decision.step
        )
    if not news and not facts.resumed:
        waits = _waits(decision, facts) or _hardly_tried(decision, facts)
        if waits is not None:
            return waits
        of_it = _speaks_of(decision.step, facts)
        if not (tried(facts) and of_it) and facts.said.reminded.count(decision.step) < REMINDERS:
            return _briefly(decision)
    if news or facts.said.guided.count(decision.step) == 1:
        because = f"{decision.because}; explained before, so only what is seen"
        return decision.model_copy(
            update={
                "another_way": True,
                "brief": facts.resumed and facts.said.guided.count(decision.step) > 1,
                "because": because,
            }
        )
    if _moved_on(facts):
        because = f"{decision.because}; explained before, and another step is in place since"
        return decision.model_copy(update={"another_way": True, "brief": True, "because": because})
    if tried(facts) and facts.said.tried.count(decision.step) < TRIES:
        because = f"{decision.because}; explained before, and tried in vain: only what is seen"
        return decision.model_copy(update={"another_way": True, "brief": True, "because": because})
    return _enough(decision, "it was explained and shown, and is still not there")


def _moved_on(facts: Facts) -> bool:
    """They did something, if not what was explained: a check sees a step that it did not see before."""
    return any(state.word == "verified" and state.step not in facts.said.held for state in facts.steps)


def _news(decision: Guide, facts: Facts) -> bool:
    """Something else is seen than when this step was last explained."""
    seen = seen_against(state_of(facts, decision.step))
    before = dict(facts.said.shown).get(decision.step, ())
    return bool(seen) and set(seen) != set(before)


def _ask_again(decision: Ask, facts: Facts) -> Decision:
    """A question that got no answer: another time in other words, and then a person.

    Once the step was shown, or they answered in words that we could not read, nothing is asked again: it is
    shown. Another question or a wish is no answer, and neither is what they say after other talk.
    """
    other = _besides(decision, facts)
    if other is not None:
        return other
    if facts.resumed:
        return StaySilent(because=f"{decision.because}; it was asked, and nobody has written since")
    waits = _waits(decision, facts)
    if waits is not None:
        return waits
    answered = any(step == decision.step and status != "unknown" for step, status in facts.spoken)
    if answered and decision.about == "step" and state_of(facts, decision.step).must_check:
        return _enough(decision, "it was answered, and the answer cannot settle it")
    once = facts.said.asked.count(decision.step) == 1
    can_be_shown = decision.about == "step" and not (_branching(facts) or facts.said.handed_off)
    was_shown = decision.step in facts.said.guided
    replied = facts.reading.told_before or replies(facts) or decision.step in facts.said.replied
    if once and not (can_be_shown and (was_shown or replied)):
        return _in_other_words(decision)
    if can_be_shown and not was_shown:
        why = "what they answered could not be read" if once else "it was asked twice without an answer"
        return _shown(decision, f"{why}, so it is shown")
    named = facts.said.reminded.count(decision.step)
    if can_be_shown and (once or facts.continued is not None) and named < REMINDERS:
        return _briefly(Guide(because=decision.because, step=decision.step))
    return _enough(decision, "it was asked twice, and no answer settled it")


def _branching(facts: Facts) -> bool:
    return facts.procedure is not None and facts.procedure.branches


def _shown(decision: Ask, why: str) -> Guide:
    return Guide(because=f"{decision.because}; {why}", step=decision.step)


def _in_other_words(decision: Ask) -> Ask:
    because = f"{decision.because}; it was asked, and nothing was said to it"
    return decision.model_copy(update={"another_way": True, "because": because})


def _enough(decision: Decision, why: str) -> HandOff:
    return HandOff(because=f"{decision.because}; {why}", reason="repeat")


def _with_a_person(decision: HandOff, facts: Facts) -> bool:
    """A person has it already; a question is still answered with that, and danger gets its words once."""
    if decision.reason == "danger":
        return facts.said.warned
    return facts.said.handed_off and (facts.resumed or facts.reading.speech != "question")
