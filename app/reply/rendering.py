"""Decision -> the customer's message; the one entry."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from app.hours import Handover
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
from app.quoting import Link, answer, page_link
from app.reply.acting import already, decline, do_words, propose, ready, subject_words
from app.reply.guiding import another_way, guide
from app.reply.questions import ask, ask_again
from app.reply.scene import Scene, blocks, joined
from app.reply.settled import picked_up
from app.reply.waiting import acknowledge, hand_off, watch
from app.seeing import against, say_seen
from app.texts import language
from knowledge.model import Citation


def render(
    decision: Decision,
    facts: Facts,
    *,
    lang: str,
    now: datetime,
    next_look: datetime | None = None,
    step_source: Citation | None = None,
    written: str | None = None,
    link: Link = page_link,
    handover: Handover | None = None,
) -> str:
    """The customer's message for a decision, as a Markdown subset; empty where we stay silent.

    Where the matter is picked up from another place it says so first; what we cannot read is told last.

    `step_source`: where the section of the guided step stands, in the customer's language where the page
    has a translation. `written`: a model's verified words for an answer; [n] is the n-th citation.
    `handover`: who takes over, where the decision hands it over.
    """
    if facts.resumed or facts.reading.speech == "thanks":  # nobody waits for where it was begun
        facts = facts.model_copy(update={"continued": None})
    scene = Scene(facts, language(lang), now, next_look, step_source, written, link, handover)
    words = _words(decision, scene)
    if not words:
        return ""
    return blocks(picked_up(decision, scene), words, _pictures(decision, scene))


def _words(decision: Decision, scene: Scene) -> str:
    match decision:
        case Acknowledge():
            return acknowledge(decision, scene)
        case Already():
            found = answer(decision.citations, scene.lang, scene.link) if decision.citations else ""
            return blocks(already(scene), found)
        case Answer():
            if not decision.citations:
                return _not_answered(decision, scene)
            found = answer(decision.citations, scene.lang, scene.link, written=scene.written)
            return blocks(found, _back_to(decision.back_to, scene))
        case Guide():
            return another_way(decision, scene) if decision.another_way else guide(decision, scene)
        case Ask():
            return ask_again(decision, scene) if decision.another_way else ask(decision, scene)
        case Watch():
            return watch(decision, scene)
        case Propose():
            return propose(decision, scene)
        case Act():
            do = do_words(decision.action, scene)
            return joined(ready(scene), scene.say("act.now", do=do, subjects=subject_words(scene)))
        case Decline():
            return decline(decision, scene)
        case HandOff():
            return hand_off(decision, scene)
        case StaySilent():
            return ""
    assert_never(decision)


def _not_answered(decision: Answer, scene: Scene) -> str:
    """No page answers what was asked in between; what is open is told with what is seen of it now. The second
    time it is said in other words, and nothing else."""
    if scene.facts.said.unanswered:
        return scene.say("answer.none_again")
    if _asked_only(decision.back_to, scene):
        return blocks(scene.say("answer.none"), scene.say("answer.back_question"))
    opposing = against(scene.state(decision.back_to))
    now = say_seen(scene.lang, "guide.seen_now", opposing) if opposing else ""
    still = scene.say("guide.open", step=scene.title(decision.back_to)) if decision.back_to else ""
    return blocks(scene.say("answer.none"), joined(still, now))


def _back_to(step: str | None, scene: Scene) -> str:
    """What stays open, in one line, and a question not in its own words again."""
    if step is None:
        return ""
    if _asked_only(step, scene):
        return scene.say("answer.back_question")
    return scene.say("answer.back", step=scene.title(step))


def _asked_only(step: str | None, scene: Scene) -> bool:
    said = scene.facts.said
    return step in said.asked and step not in said.guided


def tells_of_pictures(decision: Decision, facts: Facts) -> bool:
    """Whether the reply says that we cannot read pictures: once a case."""
    return facts.unread_images and not facts.said.pictures and not isinstance(decision, StaySilent)


def _pictures(decision: Decision, scene: Scene) -> str:
    if not tells_of_pictures(decision, scene.facts):
        return ""
    return scene.say("pictures.person" if isinstance(decision, HandOff) else "pictures.paste")
