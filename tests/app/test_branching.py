"""A procedure that branches, message by message: what is asked, what is not, and where it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.models.decision import Answer, Ask, Guide, HandOff
from app.models.reading import Reading
from app.models.record import Turn
from knowledge.model import Hit, Passage
from tests.app.world import ANN, VISITOR, World, claim, open_world, page

SPAM = "spam-folder"
TROUBLE = "Our mails land in the spam folder."


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as made:
        made.library.procedures += [page("spam-folder"), page("missing-clicks")]
        yield made


def told(procedure: str = SPAM, speech: str = "report", **answers: str) -> Reading:
    """`told(whose_inbox="everywhere")`: what was said so far."""
    claims = tuple(claim(step.replace("_", "-"), status) for step, status in answers.items())
    return Reading(procedure=procedure, wants_outcome=True, request=TROUBLE, speech=speech, claims=claims)


async def say(world: World, talk: str, text: str, reading: Reading) -> Turn:
    return await world.say(talk, text, reading)


async def test_the_first_question_is_looked_at_and_the_second_asked(world: World) -> None:
    talk = await world.talk()
    turn = await say(world, talk, TROUBLE, told())
    assert isinstance(turn.decision, Ask)
    assert turn.decision.step == "whose-inbox"
    assert "“Is a DMARC record published for the domain?”: yes" in turn.decision.because
    assert "In whose inboxes does it happen?" in turn.reply
    assert "with one provider" in turn.reply, "what can be answered is named"
    assert "one-provider" not in turn.reply, "in words, not ids"


async def test_what_a_machine_sees_decides_a_branch(world: World) -> None:
    world.see(dns_record="not_met")
    turn = await say(world, await world.talk(), TROUBLE, told(dmarc_record="yes"))
    assert isinstance(turn.decision, Guide)
    assert (turn.decision.step, turn.decision.about) == ("publish-dmarc", "advice")
    assert "v=DMARC1; p=none" in turn.reply
    assert "spam-folder.md#publish-dmarc" in turn.reply or "publish-dmarc" in turn.reply


async def test_what_no_machine_sees_is_asked(world: World) -> None:
    world.see(dns_record="unknown")
    turn = await say(world, await world.talk(), TROUBLE, told())
    assert isinstance(turn.decision, Ask)
    assert turn.decision.step == "dmarc-record"


async def test_each_answer_leads_on_and_to_an_advice(world: World) -> None:
    talk = await world.talk()
    steps: list[Any] = []
    so_far: dict[str, str] = {}
    for text, more in (
        (TROUBLE, {}),
        ("with all of them", {"whose_inbox": "everywhere"}),
        ("no, for years", {"new_domain": "no"}),
        ("we bought it", {"asked_for": "no"}),
    ):
        so_far |= more
        turn = await say(world, talk, text, told(**so_far))
        steps.append(getattr(turn.decision, "step", None))
    assert steps == ["whose-inbox", "new-domain", "asked-for", "ask-first"]
    assert "Take out everybody who has not asked" in turn.reply
    helpless = await say(world, talk, "that did not help", told(**so_far))
    assert isinstance(helpless.decision, HandOff), "the same advice is not sent twice"


async def test_several_answers_at_once_ask_nothing_that_was_said(world: World) -> None:
    turn = await say(world, await world.talk(), TROUBLE, told(new_domain="no", asked_for="yes"))
    assert isinstance(turn.decision, Ask)
    assert turn.decision.step == "complaints"
    assert "In whose inboxes does it happen?" in turn.decision.because, "what was passed over is named"


async def test_a_correction_reopens_the_branch_and_keeps_the_facts(world: World) -> None:
    talk = await world.talk()
    await say(world, talk, TROUBLE, told(whose_inbox="everywhere", new_domain="no", asked_for="yes"))
    other = await say(
        world, talk, "sorry, only Gmail", told(whose_inbox="one-provider", new_domain="no", asked_for="yes")
    )
    assert getattr(other.decision, "step", None) == "one-provider-only"
    assert [state.step for state in other.facts.steps] == ["dmarc-record", "whose-inbox"]
    back = await say(
        world, talk, "no, all of them", told(whose_inbox="everywhere", new_domain="no", asked_for="no")
    )
    assert getattr(back.decision, "step", None) == "ask-first", "what was said beyond it still holds"


async def test_the_page_may_lead_to_a_person(world: World) -> None:
    turn = await say(
        world,
        await world.talk(),
        TROUBLE,
        told(whose_inbox="everywhere", new_domain="no", asked_for="yes", complaints="no"),
    )
    assert isinstance(turn.decision, HandOff)
    assert turn.decision.reason == "way_ends"
    assert "“Is the complaint rate above 0.1 %?”: no" in turn.decision.because
    assert turn.dossier is not None


async def test_a_question_in_between_is_answered_and_the_step_not_said_twice(world: World) -> None:
    talk = await world.talk()
    await say(world, talk, TROUBLE, told())
    passage = Passage(
        id="p1", document="d", version="v", ord=0, title="Plans", path="plans.md", lang="en", heading_path=(),
        anchor=None, text="The Team plan costs 40 a month.", updated_at=world.at,
    )  # fmt: skip
    world.library.hits = [Hit(passage=passage, score=1, relevance=0.9, quotes=(passage.text,))]
    asked = "By the way, what does the Team plan cost a month?"
    between = await say(world, talk, asked, told(speech="question"))
    assert isinstance(between.decision, Answer)
    assert "40 a month" in between.reply
    assert "inboxes" not in between.reply
    world.library.hits = []
    on = await say(world, talk, "only Outlook", told(whose_inbox="one-provider"))
    assert getattr(on.decision, "step", None) == "one-provider-only"


async def test_who_asks_how_to_tell_is_shown_how(world: World) -> None:
    talk = await world.talk()
    await say(world, talk, TROUBLE, told())
    how = told(speech="question").model_copy(update={"asks_how": True})
    turn = await say(world, talk, "How do I find that out?", how)
    assert isinstance(turn.decision, Guide)
    assert turn.decision.step == "whose-inbox"
    assert "test addresses at three or more providers" in turn.reply
    again = await say(world, talk, "And how?", how)
    assert again.reply != turn.reply


async def test_an_answer_that_cannot_be_read_is_asked_for_once_more_in_other_words(world: World) -> None:
    talk = await world.talk()
    first = await say(world, talk, TROUBLE, told())
    second = await say(world, talk, "purple", told())
    assert (second.decision.kind, getattr(second.decision, "step", None)) == ("ask", "whose-inbox")
    assert second.reply not in first.reply
    assert isinstance((await say(world, talk, "green", told())).decision, HandOff)


async def test_a_visitor_is_helped_as_far_as_the_pages_go(world: World) -> None:
    talk = await world.talk(VISITOR)
    turn = await say(world, talk, TROUBLE, told(dmarc_record="yes", whose_inbox="own-company"))
    assert getattr(turn.decision, "step", None) == "own-filter"


async def test_a_doubtful_answer_decides_nothing(world: World) -> None:
    doubtful = told().model_copy(update={"claims": (claim("whose-inbox", "everywhere", confidence=0.3),)})
    turn = await say(world, await world.talk(), TROUBLE, doubtful)
    assert getattr(turn.decision, "step", None) == "whose-inbox"


async def test_thats_not_right_turns_an_answer_round(world: World) -> None:
    talk = await world.talk()
    await say(world, talk, TROUBLE, told(whose_inbox="everywhere", new_domain="no"))
    await world.service.dispute(talk, "new-domain", ANN)
    await world.service.idle()
    facts = await world.store.facts((await world.store.open_cases(ANN.party))[0].id)
    corrected = [fact.claim.status for fact in facts if fact.kind == "correction" and fact.claim]
    assert corrected == ["yes"]


async def test_the_checklist_shows_the_way_and_not_the_other_branches(world: World) -> None:
    talk = await world.talk()
    await say(world, talk, TROUBLE, told(whose_inbox="everywhere"))
    shown = (await world.events(talk, "steps"))[-1].payload["steps"]
    assert isinstance(shown, list)
    assert [(step["id"], step["holds"]) for step in shown] == [
        ("dmarc-record", True), ("whose-inbox", True), ("new-domain", False),
    ]  # fmt: skip
