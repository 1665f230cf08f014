"""The one path, message by message: what is done, what is said, and what is never done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from app.conversation import finish, handle, resume
from app.errors import BadInput, NotFound, OutcomeUnknown, Unavailable
from app.models.conversation import Message
from app.models.decision import Act, Answer, Decline, Guide, HandOff, Propose, StaySilent
from app.models.people import Principal
from app.models.reading import Input, Reading
from app.models.record import Turn
from app.models.request import ActionRequest
from app.models.steps import Finding
from knowledge.model import Check, Hit, Passage, Procedure
from tests.app.world import ANN, BOB, EVE, HOSTS, MODES, PLEASE, VISITOR, ZOE, World, claim, open_world, wants


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0)
    monkeypatch.setattr("app.actions.WRITE_WAIT_S", 0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data") as made:
        yield made


async def the_request(world: World) -> ActionRequest:
    found = await world.store.requests(
        "proposed",
        "approved",
        "executing",
        "verifying",
        "done",
        "undone",
        "needs_person",
        "refused",
        "expired",
    )
    assert len(found) == 1
    return found[0]


# --- the founding case --------------------------------------------------------------------------


async def test_the_founding_case_is_done_once_on_the_first_message(world: World) -> None:
    conversation = await world.talk()
    turn = await world.say(conversation)
    assert isinstance(turn.decision, Act)
    assert world.effects == ["enable_https"]
    (reply,) = await world.replies(conversation)
    assert reply.startswith("HTTPS is now on")
    assert (await the_request(world)).state == "done"
    assert await world.status(conversation) == "resolved"


async def test_done_is_said_after_the_read_back_and_never_before(world: World) -> None:
    """What is shown until the read-back says that it is under way, and nothing else."""
    heard: list[list[str]] = []
    conversation = await world.talk()
    field = world.accounts.field

    async def reading_back(*asked: Any) -> object:
        heard.append(await world.replies(conversation))
        return await field(*asked)

    world.accounts.field = reading_back  # type: ignore[method-assign, assignment]
    await world.say(conversation)
    assert heard
    assert all(replies == [] for replies in heard)
    states = [event.payload["state"] for event in await world.events(conversation, "action.state")]
    assert states == ["executing", "done"]


async def test_a_redelivered_message_changes_nothing(world: World) -> None:
    conversation = await world.talk()
    message = await world.accept(conversation, client_id="once")
    first = await handle(world.services, message.id)
    events = await world.events(conversation)
    again = await world.accept(conversation, client_id="once")
    assert again.id == message.id
    turns = await asyncio.gather(*(handle(world.services, message.id) for _ in range(5)))
    assert {turn.id for turn in turns} == {first.id}
    assert world.effects == ["enable_https"]
    assert await world.events(conversation) == events


async def test_two_messages_in_quick_succession_are_one_reply_and_two_turns(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    one = await world.accept(conversation, "Hello")
    two = await world.accept(conversation)
    first, second = await asyncio.gather(handle(world.services, one.id), handle(world.services, two.id))
    assert isinstance(first.decision, StaySilent)
    assert isinstance(second.decision, Guide)
    assert len(await world.replies(conversation)) == 1
    assert await world.store.to_do() == []


async def test_one_message_of_a_party_at_a_time(world: World) -> None:
    running: list[str] = []
    most: list[int] = []

    async def read(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        running.append(messages[-1].conversation)
        most.append(len(running))
        await asyncio.sleep(0.02)
        running.remove(messages[-1].conversation)
        return Reading(speech="greeting")

    world.services = replace(world.services, read=read)
    messages = [await world.accept(await world.talk(), "hi") for _ in range(3)]
    await asyncio.gather(*(handle(world.services, message.id) for message in messages))
    assert most == [1, 1, 1]


async def test_parties_are_handled_side_by_side(world: World) -> None:
    all_of_them = asyncio.Barrier(3)

    async def read(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        async with asyncio.timeout(20):
            await all_of_them.wait()
        return Reading(speech="greeting")

    world.services = replace(world.services, read=read)
    parties = [Principal(kind="anonymous", id=str(n)) for n in range(3)]
    messages = [await world.accept(await world.talk(who), "hi") for who in parties]
    await asyncio.gather(*(handle(world.services, message.id) for message in messages))


async def test_an_unknown_message_is_a_clear_error(world: World) -> None:
    with pytest.raises(NotFound, match="no message m_nothing"):
        await handle(world.services, "m_nothing")
    with pytest.raises(NotFound, match="no action request"):
        await finish(world.services, "a_nothing")
    assert await resume(world.services, "k_nothing", "watch") is None


@pytest.mark.parametrize("text", ["hello", "thanks!", "what is a CNAME?", PLEASE, "I want a person"])
async def test_every_message_leaves_one_turn(world: World, text: str) -> None:
    world.readings |= {
        "hello": Reading(speech="greeting"),
        "thanks!": Reading(speech="thanks"),
        "what is a CNAME?": Reading(speech="question", request="what is a CNAME?"),
        "I want a person": Reading(wants_person=True),
    }
    conversation = await world.talk()
    turn = await world.say(conversation, text)
    assert turn.trigger == (await world.store.messages(conversation))[0].id
    assert await world.store.turns(conversation) == [turn]
    assert [stage.name for stage in turn.stages] == [
        "begin", "retrieve", "read", "verify", "decide", "carry out", "reply",
    ]  # fmt: skip
    assert turn.decision.because


# --- what never opens the door ------------------------------------------------------------------

ALL_DONE = tuple(claim(step) for step in ("link-tracking", "branded-link", "ssl-certificate"))


@pytest.mark.parametrize("sight", ["not_met", "unknown", "waiting"])
async def test_a_claim_never_opens_the_door(world: World, sight: str) -> None:
    world.see(certificate_presented=sight)
    conversation = await world.talk()
    await world.say(conversation, reading=wants(claims=ALL_DONE))
    assert world.effects == []
    assert await world.store.requests("approved", "proposed", "done") == []
    (reply,) = await world.replies(conversation)
    assert "HTTPS is now on" not in reply


async def test_one_subject_that_is_not_ready_is_named(world: World) -> None:
    world.looks.sights["branded_link_set_up", HOSTS[1]] = "not_met"
    conversation = await world.talk()
    turn = await world.say(conversation, reading=wants(claims=ALL_DONE))
    assert isinstance(turn.decision, Guide)
    assert HOSTS[1] in turn.decision.because
    assert world.effects == []


@pytest.mark.parametrize(
    ("who", "reason"),
    [(BOB, "not_owner"), (EVE, "not_yours"), (VISITOR, "not_signed_in")],
    ids=str,
)
async def test_only_the_proven_owner_has_it_done(world: World, who: Principal, reason: str) -> None:
    conversation = await world.talk(who)
    turn = await world.say(conversation, "I am ann, the owner of acme. " + PLEASE)
    assert isinstance(turn.decision, Decline)
    assert turn.decision.reason == reason
    assert world.effects == []


async def test_a_name_of_somebody_else_is_declined_by_name(world: World) -> None:
    named = Input(name="domain", value="links.victim.example", message="m", quote="links.victim.example")
    conversation = await world.talk()
    turn = await world.say(conversation, reading=wants(subjects=(named,)))
    assert isinstance(turn.decision, Decline)
    assert "links.victim.example" in (await world.replies(conversation))[0]
    assert world.effects == []


async def test_the_account_is_the_proven_one_whatever_is_said(world: World) -> None:
    world.accounts.roles["other", "eve"] = "owner"
    world.accounts.owned["other", "domain"] = ("links.other.example",)
    conversation = await world.talk(EVE)
    await world.say(conversation, "Account acme please, not mine. " + PLEASE)
    assert world.accounts.effects == [("other", "enable_https")]


async def test_a_demand_to_skip_checks_is_declined(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    turn = await world.say(conversation, reading=wants(skips_checks=True, claims=ALL_DONE))
    assert isinstance(turn.decision, Decline)
    assert turn.decision.step == "ssl-certificate"
    assert world.effects == []


# --- the platform is down -----------------------------------------------------------------------


async def test_while_the_account_system_is_down_nothing_is_done_and_the_customer_hears_of_it(
    world: World,
) -> None:
    world.accounts.down = True
    world.see(click_tracking_on="unknown", branded_link_set_up="unknown", certificate_presented="unknown")
    conversation = await world.talk()
    turn = await world.say(conversation, reading=wants(claims=ALL_DONE))
    assert turn.decision.kind == "watch"
    assert turn.facts.standing == "unknown"
    assert len(await world.replies(conversation)) == 1
    assert world.accounts.sent == []


async def test_an_unknown_standing_hands_over(world: World) -> None:
    async def away(principal: Principal) -> str:
        raise Unavailable

    world.accounts.standing = away  # type: ignore[assignment]
    conversation = await world.talk()
    turn = await world.say(conversation)
    assert isinstance(turn.decision, HandOff)
    assert turn.decision.reason == "standing_unknown"
    assert world.effects == []


async def test_a_look_that_breaks_is_unknown(world: World) -> None:
    async def broken(check: Check, **asked: Any) -> Finding:
        raise RuntimeError("a bug in a probe")

    world.services = replace(world.services, looks={**world.services.looks, "certificate_presented": broken})
    conversation = await world.talk()
    turn = await world.say(conversation, reading=wants(claims=ALL_DONE))
    assert turn.decision.kind == "watch"
    assert turn.facts.steps[2].findings[0].code == "look_failed"
    assert world.effects == []


# --- between the decision and the effect --------------------------------------------------------


async def test_what_stopped_holding_before_the_effect_is_refused_and_told(world: World) -> None:
    looks = world.services.looks
    seen = 0

    async def flips(check: Check, **asked: Any) -> Finding:
        nonlocal seen
        seen += 1
        if seen > 1:
            world.see(certificate_presented="not_met")
        return await looks["certificate_presented"](check, **asked)

    world.services = replace(world.services, looks={**looks, "certificate_presented": flips})
    conversation = await world.talk()
    await world.say(conversation)
    request = await the_request(world)
    assert (request.state, request.told) == ("refused", True)
    assert "certificate_presented does not hold now" in request.detail
    assert world.accounts.sent == []
    turns = await world.store.turns(conversation)
    assert [turn.decision.kind for turn in turns] == ["act", "guide"]
    assert turns[1].trigger == f"refused:{request.id}"
    assert len(await world.replies(conversation)) == 1


async def test_a_world_that_flickers_ends_with_a_person(world: World) -> None:
    looks = world.services.looks
    count = 0

    async def flickers(check: Check, **asked: Any) -> Finding:
        nonlocal count
        count += 1
        world.see(certificate_presented="met" if count % 2 else "not_met")
        return await looks["certificate_presented"](check, **asked)

    world.services = replace(world.services, looks={**looks, "certificate_presented": flickers})
    conversation = await world.talk()
    await world.say(conversation)
    assert len(await world.store.requests("refused")) == 3
    assert world.accounts.sent == []
    assert await world.status(conversation) == "with_agents"
    assert len(await world.replies(conversation)) == 1


async def test_an_owner_who_lost_the_role_meanwhile_is_refused(world: World) -> None:
    standing = world.accounts.standing
    asked = 0

    async def demoted(principal: Principal) -> str:
        nonlocal asked
        asked += 1
        return await standing(principal) if asked == 1 else "member"

    world.accounts.standing = demoted  # type: ignore[assignment]
    conversation = await world.talk()
    await world.say(conversation)
    assert world.accounts.sent == []
    kinds = [turn.decision.kind for turn in await world.store.turns(conversation)]
    assert kinds == ["act", "decline"]


# --- answers that get lost ----------------------------------------------------------------------


async def test_a_lost_answer_leads_to_one_effect(world: World) -> None:
    world.accounts.after = [OutcomeUnknown("the answer was lost")]
    conversation = await world.talk()
    await world.say(conversation)
    assert world.effects == ["enable_https"]
    assert len(set(world.accounts.sent)) == 1, "always the same key"
    assert (await the_request(world)).state == "done"
    assert (await world.replies(conversation))[0].startswith("HTTPS is now on")


async def test_every_answer_lost_the_read_back_tells(world: World) -> None:
    world.accounts.after = [OutcomeUnknown(), OutcomeUnknown(), OutcomeUnknown()]
    await world.say(await world.talk())
    assert world.effects == ["enable_https"]
    assert (await the_request(world)).state == "done"


async def test_a_busy_platform_is_asked_again_with_the_same_key(world: World) -> None:
    world.accounts.before = [Unavailable("429"), Unavailable("429")]
    await world.say(await world.talk())
    assert world.effects == ["enable_https"]
    assert len(world.accounts.sent) == 3
    assert len(set(world.accounts.sent)) == 1


async def test_nothing_was_sent_and_a_person_is_told_so(world: World) -> None:
    world.accounts.before = [Unavailable("down")] * 3
    conversation = await world.talk()
    await world.say(conversation)
    request = await the_request(world)
    assert request.state == "needs_person"
    assert request.detail.startswith("nothing was changed")
    assert world.effects == []
    assert await world.status(conversation) == "with_agents"


async def test_a_refusal_by_the_platform_is_for_a_person(world: World) -> None:
    world.accounts.before = [BadInput("plan too small")]
    await world.say(await world.talk())
    request = await the_request(world)
    assert (request.state, len(world.accounts.sent)) == ("needs_person", 1)
    assert "plan too small" in request.detail


async def test_where_the_outcome_is_unknown_a_later_refusal_proves_nothing(world: World) -> None:
    """The write took place, its answer was lost, and the platform refuses the second as a repeat."""
    world.accounts.after = [OutcomeUnknown()]
    world.accounts.before = [None, BadInput("already on")]
    await world.say(await world.talk())
    assert (await the_request(world)).state == "done"


async def test_a_read_back_that_fails_is_undone_and_told(world: World) -> None:
    change = world.accounts.change

    async def without_effect(*asked: Any) -> None:
        await change(*asked)
        world.accounts.fields["acme", "settings.https_tracking"] = False

    world.accounts.change = without_effect  # type: ignore[method-assign, assignment]
    conversation = await world.talk()
    await world.say(conversation)
    assert world.effects == ["enable_https", "disable_https"]
    request = await the_request(world)
    assert request.state == "undone"
    (reply,) = await world.replies(conversation)
    assert "took the change back" in reply
    assert await world.status(conversation) == "with_agents"


async def test_what_breaks_by_the_change_is_undone(world: World) -> None:
    change = world.accounts.change

    async def breaks(*asked: Any) -> None:
        await change(*asked)
        world.see(certificate_presented="not_met")

    world.accounts.change = breaks  # type: ignore[method-assign, assignment]
    await world.say(await world.talk())
    assert world.effects == ["enable_https", "disable_https"]
    assert "after the change certificate_presented" in (await the_request(world)).detail


async def test_an_undo_that_fails_is_for_a_person(world: World) -> None:
    world.accounts.before = [None, *[Unavailable("down")] * 3]
    change = world.accounts.change

    async def breaks(*asked: Any) -> None:
        await change(*asked)
        world.see(certificate_presented="not_met")

    world.accounts.change = breaks  # type: ignore[method-assign, assignment]
    conversation = await world.talk()
    await world.say(conversation)
    request = await the_request(world)
    assert request.state == "needs_person"
    assert "the undo failed too" in request.detail
    assert "cannot confirm" in (await world.replies(conversation))[0]


async def test_after_a_failure_it_is_not_tried_again_by_itself(world: World) -> None:
    world.accounts.before = [BadInput("no")]
    conversation = await world.talk()
    await world.say(conversation)
    turn = await world.say(conversation, "Well?", wants())
    assert turn.decision.kind == "stay_silent"
    assert len(world.accounts.sent) == 1
    assert await world.status(conversation) == "with_agents"


# --- watching -----------------------------------------------------------------------------------


async def due(world: World) -> str:
    (watch,) = await world.store.watches()
    world.at = watch.next_at
    return f"watch:{watch.case}:{watch.next_at.isoformat()}"


async def watching(world: World) -> tuple[str, str]:
    """A conversation whose certificate needs time; its case."""
    world.see(certificate_presented="waiting")
    conversation = await world.talk()
    turn = await world.say(conversation)
    assert turn.decision.kind == "watch"
    assert turn.case is not None
    return conversation, turn.case


async def test_a_watch_that_turned_met_goes_on_by_itself(world: World) -> None:
    conversation, case = await watching(world)
    assert await world.status(conversation) == "watching"
    world.see(certificate_presented="met")
    turn = await resume(world.services, case, await due(world))
    assert turn is not None
    assert isinstance(turn.decision, Act)
    assert world.effects == ["enable_https"]
    replies = await world.replies(conversation)
    assert len(replies) == 2
    assert replies[1].startswith("HTTPS is now on")
    assert await world.store.watches() == []


async def test_the_same_occasion_twice_is_one_turn(world: World) -> None:
    _, case = await watching(world)
    world.see(certificate_presented="met")
    occasion = await due(world)
    turns = await asyncio.gather(*(resume(world.services, case, occasion) for _ in range(5)))
    assert len({turn.id for turn in turns if turn}) == 1
    assert world.effects == ["enable_https"]


async def test_a_look_that_sees_no_news_says_nothing_and_comes_later_each_time(world: World) -> None:
    conversation, case = await watching(world)
    waits = []
    for _ in range(5):
        before = world.at
        occasion = await due(world)
        waits.append((world.at - before).total_seconds())
        await resume(world.services, case, occasion)
    assert waits == [120, 600, 1800, 3600, 3600]
    assert len(await world.replies(conversation)) == 1


async def test_after_two_days_a_person_takes_over(world: World) -> None:
    conversation, case = await watching(world)
    world.later(days=2)
    turn = await resume(world.services, case, "watch:late")
    assert turn is not None
    assert isinstance(turn.decision, HandOff)
    assert turn.dossier is not None
    assert await world.store.watches() == []
    assert await world.status(conversation) == "with_agents"


async def test_and_now_gets_a_fresh_look(world: World) -> None:
    conversation, _ = await watching(world)
    taken = len(world.looks.taken)
    still = await world.say(conversation, "And now?", wants(speech="question"))
    assert still.decision.kind == "watch"
    assert len(world.looks.taken) > taken
    world.see(certificate_presented="met")
    turn = await world.say(conversation, "Now?", wants(speech="question"))
    assert isinstance(turn.decision, Act)
    assert world.effects == ["enable_https"]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("Thank you!", wants(speech="thanks")),
        ("Thanks", Reading(speech="thanks")),
        ("Hello?", Reading(speech="greeting")),
    ],
)
async def test_small_talk_ends_no_watch(world: World, text: str, reading: Reading) -> None:
    conversation, case = await watching(world)
    turn = await world.say(conversation, text, reading)
    assert turn.decision.kind == "acknowledge"
    assert await world.status(conversation) == "watching"
    world.see(certificate_presented="met")
    resumed = await resume(world.services, case, await due(world))
    assert resumed is not None
    assert isinstance(resumed.decision, Act)


async def test_another_question_ends_no_watch(world: World) -> None:
    world.library.hits = [hit("A CNAME is an alias of a name.")]
    conversation, case = await watching(world)
    turn = await world.say(conversation, "What is a CNAME?", Reading(speech="question", request="CNAME?"))
    assert turn.decision.kind == "answer"
    world.see(certificate_presented="met")
    resumed = await resume(world.services, case, await due(world))
    assert resumed is not None
    assert isinstance(resumed.decision, Act)


async def test_a_watch_that_somebody_ended_meanwhile_says_nothing(world: World) -> None:
    conversation, case = await watching(world)
    occasion = await due(world)
    world.see(certificate_presented="met")
    await world.say(conversation, "And now?", wants())
    assert await resume(world.services, case, occasion) is None
    assert world.effects == ["enable_https"]
    assert len(await world.replies(conversation)) == 2


async def test_a_guided_step_is_watched_and_not_nagged_about(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    turn = await world.say(conversation)
    assert isinstance(turn.decision, Guide)
    assert turn.case is not None
    for _ in range(3):
        await resume(world.services, turn.case, await due(world))
    assert len(await world.replies(conversation)) == 1
    world.see(certificate_presented="met")
    await resume(world.services, turn.case, await due(world))
    assert world.effects == ["enable_https"]


async def test_a_look_that_fails_while_we_wait_asks_nobody(world: World) -> None:
    conversation, case = await watching(world)
    world.see(click_tracking_on="unknown")
    turn = await resume(world.services, case, await due(world))
    assert turn is not None
    assert turn.decision.kind == "watch"
    assert len(await world.replies(conversation)) == 1


# --- people -------------------------------------------------------------------------------------


async def test_while_a_person_is_active_we_are_silent_and_still_write_the_turn(world: World) -> None:
    conversation = await world.talk()
    await world.service.take_over(conversation, ZOE)
    turn = await world.say(conversation)
    assert isinstance(turn.decision, StaySilent)
    assert world.effects == []
    assert await world.replies(conversation) == []
    assert await world.status(conversation) == "human_active"
    await world.service.give_back(conversation, ZOE)
    await world.say(conversation, "Go on, please.", wants())
    assert world.effects == ["enable_https"]


async def test_a_watch_that_comes_due_while_a_person_is_active_waits_on(world: World) -> None:
    conversation, case = await watching(world)
    await world.service.take_over(conversation, ZOE)
    world.see(certificate_presented="met")
    turn = await resume(world.services, case, await due(world))
    assert turn is not None
    assert isinstance(turn.decision, StaySilent)
    assert world.effects == []
    await world.service.give_back(conversation, ZOE)
    await resume(world.services, case, await due(world))
    assert world.effects == ["enable_https"]


async def test_a_wish_that_only_a_model_has_read_waits_for_the_customers_button(world: World) -> None:
    conversation = await world.talk()
    turn = await world.say(conversation, reading=wants(faint=True))
    assert isinstance(turn.decision, Propose)
    assert turn.decision.approval == "customer"
    assert world.effects == []
    await world.say(conversation, "Yes, switch https on, I said.", wants())
    assert world.effects == ["enable_https"], "plain words need no button"
    assert [request.state for request in await world.store.requests()] == ["expired", "done"]


@pytest.mark.parametrize(
    ("lang", "yes"), [("en", "yes, press it"), ("pt", "pode apertar o botão"), ("es", "sí, apriétalo")]
)
async def test_a_yes_in_words_gets_the_button_again_and_not_the_same_words(
    world: World, lang: str, yes: str
) -> None:
    conversation = await world.talk()
    asked = await world.say(conversation, reading=wants(faint=True, language=lang))
    turn = await world.say(conversation, yes, wants(faint=True, confirms=True, language=lang))
    assert turn.decision.kind == "propose"
    assert turn.reply != asked.reply
    assert world.effects == [], "words are no button"
    first, again = await world.events(conversation, "action.proposed")
    assert first.payload == again.payload
    assert len(await world.store.requests("proposed")) == 1
    await world.service.decide_request(str(again.payload["request"]), "approve", ANN)
    await world.service.idle()
    assert world.effects == ["enable_https"]


async def test_who_waits_for_an_agents_yes_gets_no_second_card(tmp_path: Path) -> None:
    async with open_world(tmp_path, {**MODES, "enable_https": "suggest"}) as world:
        conversation = await world.talk()
        await world.say(conversation)
        await world.say(conversation, "and now?", wants(speech="question"))
        assert len(await world.events(conversation, "action.proposed")) == 1


@pytest.mark.parametrize("seen", ["waiting", "not_met"])
async def test_who_waits_for_a_person_waits_on_when_we_look_again(
    world: World, seen: Literal["waiting", "not_met"]
) -> None:
    world.see(certificate_presented=seen)
    conversation = await world.talk()
    turn = await world.say(conversation)
    assert turn.case is not None
    await world.service.ask_for_person(conversation)
    assert await resume(world.services, turn.case, await due(world)) is not None
    assert await world.status(conversation) == "with_agents"
    case = await world.store.case(turn.case)
    assert case is not None
    assert case.state == "handed_off"


async def test_handing_over_gives_the_whole_picture_once(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    turn = await world.say(conversation, "I want a person.", wants(wants_person=True))
    assert isinstance(turn.decision, HandOff)
    assert turn.dossier is not None
    assert any("certificate" in line.lower() for line in turn.dossier.sent)
    assert await world.status(conversation) == "with_agents"
    again = await world.say(conversation, "Hello? A person!", wants(wants_person=True))
    assert isinstance(again.decision, StaySilent)
    assert await world.status(conversation) == "with_agents"
    assert len(await world.events(conversation, "handoff")) == 1


async def test_thanks_after_done_closes_the_case(world: World) -> None:
    conversation = await world.talk()
    turn = await world.say(conversation)
    await world.say(conversation, "Thanks!", wants(speech="thanks"))
    assert turn.case is not None
    case = await world.store.case(turn.case)
    assert case is not None
    assert case.state == "closed"
    assert await world.status(conversation) == "resolved"


# --- never twice --------------------------------------------------------------------------------


async def test_a_step_is_explained_once_then_another_way_then_a_person_helps(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    first = await world.say(conversation)
    second = await world.say(conversation, "I did that.", wants(claims=(claim("ssl-certificate"),)))
    third = await world.say(conversation, "I really did.", wants(claims=(claim("ssl-certificate"),)))
    fourth = await world.say(conversation, "And again.", wants(claims=(claim("ssl-certificate"),)))
    kinds = [turn.decision.kind for turn in (first, second, third, fourth)]
    assert kinds == ["guide", "guide", "guide", "hand_off"]
    replies = await world.replies(conversation)
    section = "Let it obtain a certificate that covers exactly this name."
    assert [section in reply for reply in replies] == [True, False, False, False]
    assert len(set(replies)) == 4
    assert isinstance(third.decision, Guide)
    assert third.decision.brief


async def test_the_same_case_goes_on_in_another_conversation(world: World) -> None:
    world.see(certificate_presented="not_met")
    first = await world.say(await world.talk())
    second = await world.say(await world.talk(), "Hi again, is it on now?", wants(speech="question"))
    assert second.case == first.case
    assert isinstance(second.decision, Guide)
    assert second.decision.another_way


async def test_an_anonymous_visitor_shares_no_case_with_anybody(world: World) -> None:
    world.see(certificate_presented="not_met")
    first = await world.say(await world.talk(), reading=wants())
    second = await world.say(await world.talk(VISITOR), "How?", Reading(procedure="https-tracking-links"))
    assert second.case != first.case


# --- modes --------------------------------------------------------------------------------------


async def test_in_shadow_nothing_is_done_and_nothing_is_said(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "shadow", "enable_https": "auto"}) as world:
        conversation = await world.talk()
        turn = await world.say(conversation)
        assert isinstance(turn.decision, Act)
        assert turn.mode == "shadow"
        assert world.accounts.sent == []
        assert await world.store.requests("proposed", "approved") == []
        assert await world.replies(conversation) == []
        assert [event.type for event in await world.events(conversation)] == ["message.done"]


async def test_what_shadow_would_have_said_is_on_the_record(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "shadow"}) as world:
        world.see(certificate_presented="waiting")
        conversation = await world.talk()
        turn = await world.say(conversation)
        assert turn.reply
        assert await world.replies(conversation) == []
        assert await world.store.watches() == []


async def test_in_suggest_the_agents_decide(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "suggest", "enable_https": "auto"}) as world:
        conversation = await world.talk()
        turn = await world.say(conversation)
        assert turn.decision.kind == "propose"
        assert world.accounts.sent == []
        assert await world.replies(conversation) == []
        assert (await the_request(world)).approval == "agent"
        assert await world.status(conversation) == "with_agents"


async def test_an_action_on_suggest_in_a_channel_on_auto_is_proposed_and_told(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "auto"}) as world:
        conversation = await world.talk()
        turn = await world.say(conversation)
        assert turn.decision.kind == "propose"
        assert world.accounts.sent == []
        assert len(await world.replies(conversation)) == 1
        (proposed,) = await world.events(conversation, "action.proposed")
        assert proposed.payload["approval"] == "agent"
        assert await world.status(conversation) == "awaiting_approval"


async def test_an_action_in_shadow_promises_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "auto", "enable_https": "shadow"}) as world:
        conversation = await world.talk()
        await world.say(conversation)
        assert await world.store.requests("proposed", "approved", "done") == []
        assert await world.replies(conversation) == []
        assert await world.status(conversation) == "with_agents"


# --- answers ------------------------------------------------------------------------------------


def hit(text: str, relevance: float = 0.9) -> Hit:
    passage = Passage(
        id=f"p-{text}",
        document="d",
        version="v",
        ord=0,
        title="Names",
        path="names.md",
        lang="en",
        heading_path=(),
        anchor="cname",
        text=text,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Hit(passage=passage, score=1.0, relevance=relevance, quotes=(text,))


async def test_a_question_is_answered_with_its_source_and_not_twice(world: World) -> None:
    world.library.hits = [hit("A CNAME is an alias.")]
    conversation = await world.talk(VISITOR)
    asks = Reading(speech="question", request="What is a CNAME?")
    turn = await world.say(conversation, "What is a CNAME?", asks)
    assert turn.decision.kind == "answer"
    assert turn.passages == ("p-A CNAME is an alias.",)
    (reply,) = await world.replies(conversation)
    assert "A CNAME is an alias." in reply
    (_, told) = await world.events(conversation, "message.done")
    again = await world.say(conversation, "But what is a CNAME?", asks)
    assert isinstance(again.decision, HandOff)
    assert told.payload["message"]["citations"][0]["quote"] == "A CNAME is an alias."  # type: ignore[index]


@pytest.mark.parametrize(
    ("lang", "asked"),
    [
        ("en", "other question, where can I make a new api key"),
        ("pt", "outra dúvida, onde eu crio uma nova chave de api"),
        ("es", "otra duda, dónde puedo crear una nueva clave de api"),
    ],
)
async def test_what_the_page_at_hand_only_mentions_is_answered_by_the_page_about_it(
    world: World, lang: str, asked: str
) -> None:
    here = hit("The keys of the links go along.", relevance=0.6)
    here = here.model_copy(
        update={"passage": here.passage.model_copy(update={"path": "en/https-tracking-links.md"})}
    )
    world.library.hits = [here, hit("Keys are made under Settings.", relevance=0.8)]
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation, reading=wants(language=lang))
    side = await world.say(conversation, asked, wants(language=lang, speech="question", request=asked))
    assert side.decision.kind == "answer"
    assert "Keys are made under Settings." in side.reply
    assert "go along" not in side.reply


@pytest.mark.parametrize(
    ("lang", "asked", "back"),
    [
        ("en", "where is that?", "They want an API key of me. "),
        ("pt", "onde é que isso fica?", "O moço do nosso site quer de mim uma tal de chave de api. "),
        ("es", "¿dónde está eso?", "Me piden una clave de api. "),
    ],
)
async def test_what_a_question_points_at_may_stand_before_it_in_the_message(
    world: World, lang: str, asked: str, back: str
) -> None:
    world.library.hits = [hit("Keys are made under Settings.", relevance=0.8)]
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation, reading=wants(language=lang))
    asks = wants(language=lang, speech="question", request=asked)
    side = await world.say(conversation, back + asked, asks)
    assert side.decision.kind == "answer"
    assert (await world.say(conversation, asked, asks)).decision.kind == "guide"


async def test_a_passage_that_is_not_relevant_answers_nothing(world: World) -> None:
    world.library.hits = [hit("Something else.", relevance=0.2)]
    turn = await world.say(await world.talk(), "What?", Reading(speech="question", request="What?"))
    assert isinstance(turn.decision, HandOff)
    assert turn.decision.reason == "no_source"


# --- inputs -------------------------------------------------------------------------------------


def named(kind: str, *values: str) -> tuple[Input, ...]:
    return tuple(Input(name=kind, value=value, message="m", quote=value) for value in values)


@pytest.mark.parametrize(
    ("subjects", "asked"),
    [
        (named("domain", "acme.example"), "workspace"),
        (named("domain", "acme.example") + named("workspace", "blue", "green"), "workspace"),
        (named("workspace", "blue"), "domain"),
        (named("domain", "acme.example", "news.acme.example") + named("workspace", "blue"), "domain"),
    ],
)
async def test_an_action_is_never_for_a_guessed_value(
    world: World, subjects: tuple[Input, ...], asked: str
) -> None:
    conversation = await world.talk()
    turn: Turn = await world.say(conversation, reading=wants("move-domain", subjects=subjects))
    assert turn.decision.model_dump()["step"] == asked
    assert world.accounts.sent == []


async def test_an_action_is_for_exactly_what_was_named(world: World) -> None:
    subjects = named("domain", "acme.example") + named("workspace", "blue")
    world.accounts.fields["acme", "workspaces.blue.status"] = "active"
    await world.say(
        await world.talk(),
        reading=wants("move-domain", subjects=subjects, claims=(claim("campaigns-paused"),)),
    )
    request = await the_request(world)
    assert dict(request.inputs) == {"domain": "acme.example", "workspace": "blue"}
    assert request.state == "done"
    assert world.accounts.fields["acme", "domains.acme.example.workspace"] == "blue"


@pytest.mark.parametrize(
    ("titled", "reading", "answered"),
    [
        (0.7, {}, True),
        (0.2, {}, False),
        (0.6, {}, True),
        (0.7, {"wants_outcome": True}, False),
        (0.7, {"claims": (claim("branded-link"),)}, False),
    ],
    ids=[
        "another page is called that",
        "the page at hand is",
        "one that answers nothing is more so",
        "it is wanted",
        "a step was told of",
    ],
)
async def test_who_asks_how_is_answered_from_the_page_that_is_called_that(
    world: World, titled: float, reading: dict[str, Any], answered: bool
) -> None:
    other = hit("Add the domain, publish its records.", 0.9)
    own = hit("Links can use https once three things are in place.", 0.8)
    path = world.library.procedures[0].path
    own = own.model_copy(update={"titled": 0.5, "passage": own.passage.model_copy(update={"path": path})})
    beside = hit("Nothing of it.", 0.3).model_copy(update={"titled": 0.65})
    world.library.hits = [own, other.model_copy(update={"titled": titled}), beside]
    fields: dict[str, Any] = {"wants_outcome": False, "asks_how": True, "speech": "question"}
    asks = wants(**fields | reading)
    turn = await world.say(await world.talk(), "how do I set it up?", asks)
    assert (turn.reading.procedure is None) == answered
    assert isinstance(turn.decision, Answer) or not answered


@pytest.mark.parametrize(
    ("text", "relevance", "kind"),
    [("and webhooks?", 0.9, "answer"), ("and webhooks?", 0.2, "answer"), ("and now?", 0.9, "guide")],
)
async def test_a_short_question_is_answered_where_it_names_what_a_page_is_about(
    world: World, text: str, relevance: float, kind: str
) -> None:
    world.see(certificate_presented="not_met")
    talk = await world.talk()
    assert (await world.say(talk)).decision.kind == "guide"
    world.library.hits = [hit("A webhook tells your program what happened.", relevance)]
    turn = await world.say(talk, text, wants(speech="question", request=text))
    assert turn.decision.kind == kind
