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
from app.models.facts import Facts

REMINDERS = 2
"""How often an open step is only named to who asks on without a try; then it is shown another way."""

TRIES = 2
"""How often a step that was shown another way and tried in vain is still answered with what is seen; after
that a person takes over."""

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
            return _enough(decision, "that was said before and did not settle it")
        case Already() if said.last == "already":
            return _enough(decision, "that was said just before, and the customer asks on")
        case Answer(citations=citations) if citations:
            fresh = tuple(c for c in citations if not was_sent(c, said))
            if not fresh:
                return _enough(decision, "what the documents say to it was sent before and did not help")
            return decision.model_copy(update={"citations": fresh})
        case _:
            return decision


# --- what a customer does while a step is open --------------------------------------------------


def _besides(decision: Guide | Ask | Watch, facts: Facts) -> Answer | None:
    """Another question while a step is open: it is answered, and the step only named."""
    fresh = tuple(c for c in facts.citations if not was_sent(c, facts.said))
    if facts.resumed or facts.reading.speech not in ("question", "request"):
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
        because = f"no document answers the question in between; {decision.because}, as was said before"
        return Answer(because=because, citations=(), back_to=back)
    return None


def _first_answered(decision: Guide | Ask, facts: Facts) -> Answer | None:
    """Another question, once the matter is under way, comes before the next step; what they begin with does
    not, and where answers lead the way any question may be one."""
    if not under_way(facts.said, facts.procedure) or facts.reading.speech != "question" or _branching(facts):
        return None
    if facts.spoken or facts.on_the_matter or facts.continued:
        return None
    return _besides(decision, facts)


def _asks_something_else(facts: Facts) -> bool:
    """A whole question that says nothing of the steps, right after they were spoken of; once a case.

    The page at hand answers how the matter stands, and so does who comes back to it in another place.
    """
    reading = facts.reading
    whole = reading.speech == "question" and len(reading.request.split()) >= WHOLE_QUESTION
    other = not facts.spoken and not facts.on_the_matter and facts.continued is None
    return whole and other and facts.said.last != "answer" and not facts.said.unanswered


def _promises(decision: Guide | Ask, facts: Facts) -> Acknowledge | None:
    """They say that they are at it, or nothing of the step: no try has failed, nothing is explained again.

    Once in a row; a question gets its patience only where they speak of its step, or where the step was
    shown instead. Whoever comes back to the matter, after something else or elsewhere, and promises nothing
    is told where it stands.
    """
    if facts.resumed or facts.reading.speech != "report" or facts.said.last == "acknowledge":
        return None
    statuses = [status for _, status in facts.spoken]
    if tried(facts):
        return None
    shown = facts.said.last == "guide" and decision.step in facts.said.guided
    if isinstance(decision, Ask) and not shown and (decision.step, "planned") not in facts.spoken:
        return None
    if "planned" not in statuses and (facts.said.last == "answer" or facts.continued is not None):
        return None
    return Acknowledge(because=f"{decision.because}; it was explained, and nobody says yet that it was tried")


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
        waits = _promises(decision, facts)
        if waits is not None:
            return waits
        of_it = any(step == decision.step for step, _ in facts.spoken)
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
    waits = _promises(decision, facts)
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
