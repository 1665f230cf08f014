"""What agents see of a conversation: claim, evidence and finding apart, each clause with its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.channels.assist.views import known_of
from app.conversation import handle
from app.handoff import as_text
from app.known import Known, dossier_of, language_of, waiting_since
from app.links import Places
from app.models.conversation import Message
from app.models.decision import Answer, Ask, Decision, Guide, HandOff
from app.models.reading import Input, Reading
from app.models.record import Record, Suggestion
from app.models.request import ActionRequest
from app.models.steps import LedgerFact, StepState
from app.overview import view, warnings
from app.picture import View
from app.policy import RULES
from app.summary import SummaryLine, summary
from app.texts import LANGUAGES, catalogue
from app.why import rule_of
from knowledge.model import Citation
from tests.app.world import ANN, PLEASE, VISITOR, World, claim, open_world, wants

HOST = "links.acme.example"
LEFT = "ssl-certificate"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data") as made:
        made.see(click_tracking_on="met", branded_link_set_up="met", certificate_presented="not_met")
        yield made


async def founding(world: World) -> tuple[str, Message]:
    """The customer says what is done and asks for the rest."""
    conversation = await world.talk()
    message = await world.accept(conversation, f"I switched tracking on for {HOST}. {PLEASE}")
    said = claim("link-tracking", message=message.id, quote="I switched tracking on")
    about = Input(name="domain", value=HOST, message=message.id, quote=HOST)
    world.readings[message.text] = wants(claims=(said,), subjects=(about,))
    await handle(world.services, message.id)
    return conversation, message


async def known(world: World, id: str) -> Known:
    conversation = await world.store.conversation(id)
    assert conversation is not None
    return await known_of(world.store, conversation)


def seen_by(world: World, it: Known, lang: str = "en") -> View:
    return view(it, lang=lang, now=world.clock(), places=Places(world.settings))


async def picture(world: World, id: str, lang: str = "en") -> View:
    return seen_by(world, await known(world, id), lang)


# --- the steps ---


async def test_claim_and_finding_of_a_step_stay_apart(world: World) -> None:
    id, message = await founding(world)
    steps = {step.id: step for step in (await picture(world, id)).steps}
    first, last = steps["link-tracking"], steps[LEFT]
    assert first.claim is not None
    assert (first.claim.quote, first.claim.message, first.claim.at) == (
        "I switched tracking on",
        message.id,
        message.at,
    )
    assert [(f.subject, f.met, f.expired) for f in first.findings] == [(HOST, True, False)]
    assert (first.word, first.holds, first.evidence) == ("verified", True, ())
    assert (last.word, last.holds, last.claim, last.checkable) == ("missing", False, None, True)
    assert last.findings[0].seen.endswith(".")


async def test_a_word_is_of_the_last_look_and_an_old_finding_says_so(world: World) -> None:
    id, _ = await founding(world)
    world.later(hours=3)
    step = (await picture(world, id)).steps[0]
    assert step.word == "verified"
    assert [finding.expired for finding in step.findings] == [True]


async def test_what_an_agent_saw_is_evidence_with_a_name_and_never_verified(world: World) -> None:
    id, _ = await founding(world)
    it = await known(world, id)
    assert it.case is not None
    world.later(minutes=1)
    shown = claim(LEFT, message="", quote="", shown=True)
    fact = LedgerFact(
        case=it.case.id,
        procedure="https-tracking-links",
        step=LEFT,
        kind="note",
        claim=shown,
        note="seen in the panel",
        by="zoe",
        at=world.clock(),
    )
    await world.store.record(Record(conversation=id, facts=(fact,)))
    step = (await picture(world, id)).steps[-1]
    assert [(e.note, e.by) for e in step.evidence] == [("seen in the panel", "zoe")]
    assert step.word == "contradicted", "the finding still says that it is not there"
    assert not step.holds


async def test_a_step_that_does_not_apply_says_so_at_once(world: World) -> None:
    id, _ = await founding(world)
    it = await known(world, id)
    assert it.case is not None
    world.later(seconds=1)
    fact = LedgerFact(
        case=it.case.id,
        procedure="https-tracking-links",
        step=LEFT,
        kind="not_applicable",
        note="no CDN here",
        by="zoe",
        at=world.clock(),
    )
    await world.store.record(Record(conversation=id, facts=(fact,)))
    steps = (await picture(world, id)).steps
    assert (steps[-1].word, steps[-1].applicable) == ("not_applicable", False)
    assert [step.word for step in steps[:2]] == ["verified", "verified"], "the others stay as they were"


# --- three lines ---


async def test_three_lines_whose_clauses_name_the_messages_they_come_from(world: World) -> None:
    id, message = await founding(world)
    problem, tried, blocked = (await picture(world, id)).summary
    reply = (await world.store.messages(id))[-1]
    assert [line.kind for line in (problem, tried, blocked)] == ["problem", "tried", "blocked"]
    by_text = {clause.text: clause.messages for line in (problem, tried, blocked) for clause in line.clauses}
    assert by_text == {
        "wants “HTTPS for tracking links”": (message.id,),
        f"for `{HOST}`": (message.id,),
        "owner of the account": (),
        "“Switch on click tracking”: checked": (message.id,),
        "“Set up a branded link”: checked": (),
        "we explained “Put a certificate in front of the branded link”": (reply.id,),
        "“Put a certificate in front of the branded link” is open: I looked, and it is not in place": (
            reply.id,
        ),
    }
    assert problem.text == "Wants “HTTPS for tracking links”; for `links.acme.example`; owner of the account."


async def test_the_lines_are_in_the_agents_language_and_name_the_same_messages(world: World) -> None:
    id, _ = await founding(world)
    pictures = [await picture(world, id, lang) for lang in LANGUAGES]
    assert len({line.text for each in pictures for line in each.summary}) == 9
    assert len({tuple(line.messages for line in each.summary) for each in pictures}) == 1


async def test_every_message_that_is_named_can_be_found(world: World) -> None:
    """Also when the case began in another conversation."""
    first, message = await founding(world)
    world.later(minutes=5)
    second = await world.talk(channel="slack")
    await world.say(second, "And now?", wants(request="And now?"))
    it = await known(world, second)
    shown = seen_by(world, it)
    there = {m.id for m in shown.messages} | {m.id for each in shown.earlier for m in each.messages}
    named = {id for line in shown.summary for id in line.messages}
    assert [each.id for each in shown.earlier] == [first]
    assert message.id in there
    assert named <= there
    assert it.case is not None
    assert it.case.conversation == second


async def test_nothing_is_told_before_anything_was_read(world: World) -> None:
    id = await world.talk()
    await world.accept(id, "hello")
    shown = await picture(world, id)
    assert (shown.summary, shown.steps, shown.case, shown.why) == ((), (), None, None)
    assert [m.text for m in shown.messages] == ["hello"]


def blocked(lines: Sequence[SummaryLine]) -> str:
    return lines[-1].text


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        ({"wants_person": True}, "The customer wants a person."),
        ({"danger": "fraud"}, "A person has to look at it, because something serious is at stake."),
        ({"for_other": True}, "It belongs to another account."),
        ({"skips_checks": True}, "The customer wants the checks to be skipped."),
    ],
)
async def test_says_what_it_is_blocked_on(world: World, reading: dict[str, Any], sentence: str) -> None:
    id = await world.talk()
    turn = await world.say(id, PLEASE, wants(**reading))
    lines = summary([turn], await world.store.messages(id), "en")
    assert blocked(lines) == sentence
    assert lines[-1].messages, "it names the message that it comes from"


async def test_danger_is_the_first_thing_said(world: World) -> None:
    id = await world.talk()
    await world.say(id, PLEASE, wants(danger="security"))
    first = (await picture(world, id)).summary[0].clauses[0]
    assert first.text == "urgent: security incident"


async def test_what_customers_write_cannot_become_markup_in_a_line(world: World) -> None:
    id = await world.talk(VISITOR)
    evil = "[click](javascript:alert(1)) <img src=x onerror=alert(1)> `code` **bold**"
    await world.say(id, evil, Reading(request=evil, speech="question"))
    text = (await picture(world, id)).summary[0].text
    assert not set("[]<>*`") & set(text)


# --- who waits ---


async def test_waits_since_the_oldest_message_that_nobody_answered(world: World) -> None:
    id = await world.talk()
    await world.accept(id, "hello")
    since = world.clock()
    world.later(minutes=2)
    await world.accept(id, "anybody?")
    assert waiting_since(await known(world, id)) == since


async def test_nobody_waits_after_an_answer(world: World) -> None:
    id, _ = await founding(world)
    assert waiting_since(await known(world, id)) is None


async def test_after_a_handoff_the_customer_waits_for_a_person_whatever_the_bot_said(world: World) -> None:
    id, _ = await founding(world)
    world.later(minutes=10)
    await world.say(id, "A person, please.", wants(wants_person=True))
    since = world.clock()
    world.later(minutes=10)
    it = await known(world, id)
    assert it.messages[-1].role == "bot"
    assert waiting_since(it) == since


async def test_an_approval_of_ours_is_waited_for(world: World) -> None:
    id, _ = await founding(world)
    asked = ActionRequest(
        id="a_1",
        case="k",
        conversation=id,
        action="enable_https",
        inputs=(),
        principal=ANN,
        evidence=(),
        digest="0" * 64,
        approval="agent",
        state="proposed",
        created_at=world.clock(),
        expires_at=world.clock() + timedelta(hours=1),
    )
    it = (await known(world, id)).model_copy(update={"requests": (asked,)})
    assert waiting_since(it) == asked.created_at
    done = asked.model_copy(update={"state": "done"})
    assert waiting_since(it.model_copy(update={"requests": (done,)})) is None


async def test_what_is_said_to_the_room_waits_for_nobody(world: World) -> None:
    id = await world.talk()
    message = await world.accept(id, "lunch?")
    it = await known(world, id)
    aside = it.model_copy(update={"messages": (message.model_copy(update={"addressed": False}),)})
    assert waiting_since(it) == message.at
    assert waiting_since(aside) is None


# --- the suggestion ---


def cited(at: datetime, lang: str = "en") -> Citation:
    return Citation(
        passage="p",
        document="d",
        version="1",
        title="T",
        path="en/t.md",
        anchor=None,
        quote="q",
        updated_at=at,
        lang=lang,
    )


def suggested(at: datetime, decision: Decision, text: str = "This. [1]", **fields: Any) -> Suggestion:
    base = {"id": "t", "conversation": "c", "case": "k", "decision": decision, "text": text, "at": at}
    return Suggestion(**base | fields)


async def test_warns_of_what_an_agent_should_look_at_twice(world: World) -> None:
    id, _ = await founding(world)
    it, now = await known(world, id), world.clock()
    fresh, old = cited(now - timedelta(days=300)), cited(now - timedelta(days=400))
    states = (StepState(step="link-tracking", word="verified", holds=True),)

    def codes(decision: Decision, text: str = "This. [1]", **fields: Any) -> tuple[str, ...]:
        return warnings(suggested(now, decision, text, **fields), states, it.turns, now)

    answer = Answer(because="b", citations=(fresh,))
    assert codes(answer, citations=(fresh,)) == ()
    assert codes(answer, "This.", citations=(fresh,)) == ("uncited",)
    assert codes(answer) == ("uncited",)
    assert codes(answer, citations=(old,)) == ("old_source",)
    assert codes(answer, citations=(cited(now, "pt"),)) == ("other_language",)
    assert codes(Guide(because="b", step="link-tracking")) == ("contradicts_verified",)
    assert codes(Ask(because="b", step="link-tracking")) == ("contradicts_verified",)
    assert codes(Guide(because="b", step=LEFT)) == ()
    assert codes(Guide(because="b", step=LEFT), warnings=("doubtful",)) == ("doubtful",)


async def test_shows_the_newest_suggestion_that_waits(tmp_path: Path) -> None:
    async with open_world(tmp_path / "data", {"web": "suggest"}) as world:
        world.see(click_tracking_on="met", branded_link_set_up="met", certificate_presented="not_met")
        id, _ = await founding(world)
        shown = await picture(world, id)
        assert shown.suggestion is not None
        assert (shown.suggestion.decision, shown.suggestion.state) == ("guide", "open")
        assert "certificate" in shown.suggestion.text
        assert [m.role for m in shown.messages] == ["customer"], "nothing was sent"


# --- why ---


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_rule_of_the_policy_has_its_sentence_and_no_other_has(lang: str) -> None:
    prefix = "assist.rule."
    told = {key.removeprefix(prefix) for key in catalogue(lang) if key.startswith(prefix)}
    assert told == {rule.__name__ for rule in RULES}


async def test_says_which_rule_spoke_and_what_it_went_by(world: World) -> None:
    id, message = await founding(world)
    why = (await picture(world, id)).why
    assert why is not None
    assert (why.decision, why.rule) == ("guide", "a_step_is_left")
    assert why.messages == (message.id,)
    assert "Steps that hold: 2 of 3" in why.facts
    turns = await world.store.turns(id)
    assert rule_of(turns[-1].facts) == "a_step_is_left"


async def test_the_card_of_an_action_is_the_customers_with_the_account_it_would_change(world: World) -> None:
    world.see(certificate_presented="met")
    world.settings = world.settings.model_copy(update={"modes": {"web": "auto", "enable_https": "suggest"}})
    world.services = type(world.services)(**{**vars(world.services), "settings": world.settings})
    id, _ = await founding(world)
    (card,) = (await picture(world, id)).requests
    assert (card.state, card.approval, card.account, card.customer) == ("proposed", "agent", "acme", "ann")
    assert card.title == "Switch HTTPS on"
    assert [p.met for p in card.prerequisites] == [True] * len(card.prerequisites)
    assert card.prerequisites
    assert (await known(world, id)).case is not None


# --- the dossier ---


async def test_a_dossier_can_be_made_for_what_was_not_handed_over(world: World) -> None:
    id, message = await founding(world)
    it = await known(world, id)
    made = dossier_of(it, "en")
    assert (it.has_dossier, made.procedure, made.customer) == (False, "https-tracking-links", ANN)
    text = as_text(made, "en")
    assert message.text in text
    assert "explained: Put a certificate in front" in text or "explained: ssl certificate" in text


async def test_a_dossier_of_nothing_is_empty_and_no_error(world: World) -> None:
    id = await world.talk()
    made = dossier_of(await known(world, id), "pt")
    assert (made.procedure, made.steps, made.words) == (None, (), ())
    assert language_of(await known(world, id)) == "en"


def test_a_handoff_is_a_handoff() -> None:
    """The reasons that the summary has words for are all that there are."""
    reasons = HandOff.model_fields["reason"].annotation.__args__  # type: ignore[union-attr]
    for lang in LANGUAGES:
        for reason in reasons:
            assert f"assist.summary.blocked_handoff.{reason}" in catalogue(lang)
            assert reason == "repeat" or f"assist.triage.{reason}" in catalogue(lang)
