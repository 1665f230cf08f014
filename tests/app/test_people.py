"""What people do by hand: handing over and back, corrections, suggestions, proofs, one case in all places."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.conversation import handle, look_again
from app.errors import BadInput, NotAuthentic, NotFound
from app.models.case import Case
from app.models.conversation import Attachment
from app.models.decision import Guide, HandOff, Propose, StaySilent
from app.models.event import AGENTS
from app.settings import Team
from tests.app.world import ANN, EVE, PLEASE, VISITOR, ZOE, World, claim, open_world, wants

SLACK_MODES = {"web": "auto", "slack": "auto", "enable_https": "auto"}
STEP = "ssl-certificate"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data", SLACK_MODES) as made:  # type: ignore[arg-type]
        yield made


async def case_in(world: World, conversation: str) -> Case:
    (case,) = await world.store.cases_of(conversation)
    return case


async def slack_of(world: World, who: object = ANN, thread: str = "1.1") -> str:
    return await world.store.open_conversation(
        who,  # type: ignore[arg-type]
        "slack",
        context={},
        id=f"slack-T1-C1-{thread}",
    )


async def notices(world: World, kind: str) -> list[dict[str, object]]:
    return [event.payload for event in await world.events(AGENTS, kind)]


# --- handing over, and back ---------------------------------------------------------------------


async def test_the_dossier_is_saved_before_anybody_is_told(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    await world.service.ask_for_person(conversation)
    ((_, dossier),) = await world.store.dossiers(conversation)
    assert PLEASE in [said.text for said in dossier.words]
    assert dossier.left
    (notice,) = await notices(world, "agent.handoff")
    assert notice["reason"] == "asked"


async def test_asking_for_a_person_again_changes_nothing(world: World) -> None:
    conversation = await world.talk()
    await world.service.ask_for_person(conversation)
    await world.service.ask_for_person(conversation)
    assert len(await world.store.dossiers(conversation)) == 1
    assert len(await world.replies(conversation)) == 1


async def test_out_of_hours_the_customer_is_told_when_somebody_is_there(world: World) -> None:
    team = Team(name="Support", zone="America/Sao_Paulo")
    settings = world.settings.model_copy(update={"teams": (team,)})
    object.__setattr__(world.services, "settings", settings)
    world.later(days=5, hours=10)  # Sunday evening
    conversation = await world.talk()
    await world.service.ask_for_person(conversation)
    (event,) = await world.events(conversation, "handoff")
    assert (event.payload["state"], event.payload["hours"]) == ("queued", "closed")
    assert event.payload["opens_at"] == "2026-09-07T09:00:00-03:00"
    assert "Support" in (await world.replies(conversation))[0]


async def test_the_estimate_is_what_it_really_took_and_none_where_we_do_not_know(world: World) -> None:
    for _ in range(5):
        conversation = await world.talk()
        await world.service.ask_for_person(conversation)
        assert (await world.events(conversation, "handoff"))[0].payload["eta_s"] is None
        world.later(minutes=12)
        await world.service.take_over(conversation, ZOE)
    conversation = await world.talk()
    await world.service.ask_for_person(conversation)
    eta = (await world.events(conversation, "handoff"))[0].payload["eta_s"]
    assert isinstance(eta, int)
    assert 12 * 60 <= eta <= 15 * 60


async def test_while_a_person_is_there_an_agent_gets_the_suggestion_and_the_customer_nothing(
    world: World,
) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.service.take_over(conversation, ZOE)
    turn = await world.say(conversation)
    assert isinstance(turn.decision, StaySilent)
    assert await world.replies(conversation) == []
    (suggestion,) = await world.store.suggestions(conversation)
    assert isinstance(suggestion.decision, Guide)
    assert suggestion.state == "open"
    assert suggestion.text


async def test_while_a_person_is_there_an_action_is_only_laid_before_them(world: World) -> None:
    conversation = await world.talk()
    await world.service.take_over(conversation, ZOE)
    await world.say(conversation)
    await world.say(conversation, "And now?", wants())
    (request,) = await world.store.requests("proposed")
    assert request.approval == "agent"
    assert await world.events(conversation, "action.proposed") == []
    await world.service.decide_request(request.id, "approve", ZOE)
    await world.service.idle()
    assert world.effects == ["enable_https"]
    assert await world.replies(conversation) == []  # the agent tells


# --- is it solved? ------------------------------------------------------------------------------


async def handed_over(world: World) -> str:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    await world.service.ask_for_person(conversation)
    await world.service.send_as_agent(conversation, "Done by hand.", ZOE, client_id="a1")
    await world.service.ask_solved(conversation, ZOE)
    return conversation


async def test_yes_is_confirmed_by_the_customer(world: World) -> None:
    conversation = await handed_over(world)
    assert (await case_in(world, conversation)).state == "asked"
    await world.service.solved(conversation, True, ANN)
    case = await case_in(world, conversation)
    assert (case.state, case.resolution) == ("closed", "confirmed")
    assert await world.status(conversation) == "resolved"


async def test_no_goes_back_to_people_with_everything_known(world: World) -> None:
    conversation = await handed_over(world)
    await world.service.solved(conversation, False, ANN)
    assert (await case_in(world, conversation)).state == "handed_off"
    assert (await notices(world, "agent.handoff"))[-1]["again"] is True
    _, dossier = (await world.store.dossiers(conversation))[-1]
    assert any("Done by hand." in said.text for said in dossier.agents)
    states = [event.payload["state"] for event in await world.events(conversation, "resolution")]
    assert states == ["asked", "denied"]


async def test_who_does_not_answer_is_silent_and_nothing_else(world: World) -> None:
    conversation = await handed_over(world)
    world.later(days=2)
    await world.service.close_silent()
    assert (await case_in(world, conversation)).state == "asked"
    world.later(days=2)
    await world.service.close_silent()
    case = await case_in(world, conversation)
    assert (case.state, case.resolution) == ("closed", "silent")


async def test_what_we_read_back_is_verified(world: World) -> None:
    conversation = await world.talk()
    await world.say(conversation)
    assert (await case_in(world, conversation)).resolution == "verified"


async def test_nobody_is_asked_so_nobody_may_answer(world: World) -> None:
    conversation = await world.talk()
    world.see(certificate_presented="not_met")
    await world.say(conversation)
    with pytest.raises(BadInput):
        await world.service.solved(conversation, True, ANN)


# --- the steps ----------------------------------------------------------------------------------


async def test_check_again_looks_now_and_goes_on(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    world.see(certificate_presented="met")
    await world.service.look_again(conversation, ANN)
    await world.service.idle()
    assert world.effects == ["enable_https"]


async def test_check_again_says_nothing_twice_where_nothing_is_new(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    shown = len(await world.events(conversation, "steps"))
    await world.service.look_again(conversation, ANN)
    await world.service.idle()
    assert len(await world.replies(conversation)) == 1
    assert len(await world.events(conversation, "steps")) == shown + 1


async def test_that_is_not_right_takes_a_claim_back_and_an_older_message_does_not_bring_it_in_again(
    world: World,
) -> None:
    conversation = await world.talk()
    world.see(click_tracking_on="unknown", certificate_presented="not_met")
    world.readings[PLEASE] = wants(claims=(claim("link-tracking", message="later set"),))
    message = await world.accept(conversation)
    world.readings[PLEASE] = wants(claims=(claim("link-tracking", message=message.id),))
    turn = await handle(world.services, message.id)
    assert next(s for s in turn.facts.steps if s.step == "link-tracking").word == "claimed"
    world.later(seconds=5)
    await world.service.dispute(conversation, "link-tracking", ANN)
    await world.service.idle()
    world.later(seconds=5)
    again = wants(claims=(claim("link-tracking", message=message.id),))
    turn = await world.say(conversation, "And?", again)
    assert next(s for s in turn.facts.steps if s.step == "link-tracking").word == "not_done"


async def test_an_agents_word_is_evidence_and_no_check(world: World) -> None:
    world.see(certificate_presented="unknown")
    conversation = await world.talk()
    await world.say(conversation)
    await world.service.attest(conversation, STEP, "I opened it in the browser.", ZOE)
    await world.service.idle()
    turn = (await world.store.turns(conversation))[-1]
    state = next(state for state in turn.facts.steps if state.step == STEP)
    assert state.word == "evidenced"
    assert not state.holds, "the action needs a machine's look"
    assert world.effects == []
    fact = next(fact for fact in await world.store.facts(turn.case or "") if fact.kind == "note")
    assert (fact.by, fact.note) == ("zoe", "I opened it in the browser.")


async def test_a_step_may_be_said_to_be_not_applicable(world: World) -> None:
    world.see(click_tracking_on="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    await world.service.not_applicable(conversation, "link-tracking", "Not in this plan.", ZOE)
    await world.service.idle()
    turn = (await world.store.turns(conversation))[-1]
    assert next(s for s in turn.facts.steps if s.step == "link-tracking").word == "not_applicable"


async def test_a_step_that_is_not_there_is_not_found(world: World) -> None:
    conversation = await world.talk()
    world.see(certificate_presented="not_met")
    await world.say(conversation)
    with pytest.raises(NotFound):
        await world.service.dispute(conversation, "no-such-step", ANN)
    with pytest.raises(BadInput):
        await world.service.attest(conversation, STEP, "  ", ZOE)


# --- suggestions --------------------------------------------------------------------------------


async def test_a_suggestion_is_said_once_and_only_then_counts_as_said(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "suggest"}) as world:
        world.see(certificate_presented="not_met")
        conversation = await world.talk()
        await world.say(conversation)
        assert (await case_in(world, conversation)).said.guided == ()
        (suggestion,) = await world.store.suggestions(conversation)
        await world.service.send_suggestion(suggestion.id, ZOE)
        assert await world.replies(conversation) == [suggestion.text]
        assert (await case_in(world, conversation)).said.guided == (STEP,)
        with pytest.raises(BadInput):
            await world.service.send_suggestion(suggestion.id, ZOE)
        assert len(await world.replies(conversation)) == 1


async def test_an_edited_suggestion_is_the_agents_own_message(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "suggest"}) as world:
        world.see(certificate_presented="not_met")
        conversation = await world.talk()
        await world.say(conversation)
        (suggestion,) = await world.store.suggestions(conversation)
        after = await world.service.send_suggestion(suggestion.id, ZOE, "In my words.")
        assert after.state == "edited"
        said = (await world.store.messages(conversation))[-1]
        assert (said.role, said.text, said.name) == ("agent", "In my words.", "zoe")


async def test_a_newer_suggestion_takes_the_place_of_the_older(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "suggest"}) as world:
        world.see(certificate_presented="not_met")
        conversation = await world.talk()
        await world.say(conversation)
        await world.say(conversation, "And now?", wants())
        states = [suggestion.state for suggestion in await world.store.suggestions(conversation)]
        assert states == ["superseded", "open"]
        newest = (await world.store.suggestions(conversation))[-1]
        await world.service.dismiss(newest.id, ZOE, "too long")
        assert (await world.store.notes(conversation))[0].text == "Suggestion not useful: too long"


async def test_where_we_may_only_suggest_an_action_waits_for_an_agent(tmp_path: Path) -> None:
    async with open_world(tmp_path, {"web": "suggest"}) as world:
        conversation = await world.talk()
        turn = await world.say(conversation)
        assert isinstance(turn.decision, Propose)
        (notice,) = await notices(world, "agent.request")
        assert notice["state"] == "proposed"
        await world.service.decide_request(str(notice["request"]), "approve", ZOE)
        await world.service.idle()
        assert world.effects == ["enable_https"]
        assert [n["state"] for n in await notices(world, "agent.request")] == ["proposed", "approved", "done"]


# --- one case across places ---------------------------------------------------------------------


async def test_the_second_place_starts_where_the_first_stopped_and_says_so(world: World) -> None:
    world.see(certificate_presented="not_met")
    web = await world.talk()
    await world.say(web)
    world.later(minutes=5)
    slack = await slack_of(world)
    turn = await world.say(slack, "Any news?", wants(speech="question"))
    assert turn.case == (await case_in(world, web)).id
    (first,), (second,) = await world.replies(web), await world.replies(slack)
    assert second.startswith("You started this in the chat")
    section = "Put a certificate in front"
    assert first.count(section) >= 1
    assert isinstance(turn.decision, Guide)
    assert turn.decision.another_way, "the step is not explained a second time"
    again = await world.say(slack, "ok?", wants())
    assert again.facts.continued is None, "said once"


async def test_what_is_done_at_once_in_the_second_place_says_where_it_was_begun(world: World) -> None:
    world.see(certificate_presented="not_met")
    web = await world.talk()
    await world.say(web)
    world.see(certificate_presented="met")
    slack = await slack_of(world)
    await world.say(slack, "It is there now.", wants())
    begun, done = await world.replies(slack)
    assert begun.startswith("You started this in the chat")
    assert "HTTPS is now on" in done


async def test_all_places_of_a_case_are_read(world: World) -> None:
    world.see(certificate_presented="not_met")
    web = await world.talk()
    await world.say(web, "On the web.", wants())
    slack = await slack_of(world)
    await world.say(slack, "In Slack.", wants())
    read: list[str] = []

    async def spy(messages: object, procedures: object) -> object:
        read.extend(message.text for message in messages)  # type: ignore[attr-defined]
        return wants()

    object.__setattr__(world.services, "read", spy)
    await world.say(slack, "Again in Slack.")
    assert read[0] == "On the web."
    assert read[-1] == "Again in Slack."


async def test_how_an_action_ended_is_told_where_the_customer_is_now(tmp_path: Path) -> None:
    modes = {"web": "auto", "slack": "auto", "enable_https": "suggest"}
    async with open_world(tmp_path, modes) as world:  # type: ignore[arg-type]
        web = await world.talk()
        await world.say(web)
        slack = await slack_of(world)
        await world.say(slack, "Any news?", wants(speech="question"))
        (request,) = await world.store.requests("proposed")
        assert [e.payload["request"] for e in await world.events(slack, "action.proposed")] == [request.id]
        await world.service.decide_request(request.id, "approve", ZOE)
        await world.service.idle()
        assert "HTTPS is now on" in (await world.replies(slack))[-1]
        assert [e.payload["state"] for e in await world.events(web, "action.state")][-1] == "done"


async def test_who_signs_in_keeps_the_conversation_and_one_ledger(world: World) -> None:
    world.see(certificate_presented="not_met")
    mine = await world.talk(ANN)
    await world.say(mine)
    visitor = await world.talk(VISITOR)
    await world.say(visitor, "And https?", wants(wants_outcome=False, asks_how=True))
    await world.service.join(visitor, ANN)
    joined = await world.store.conversation(visitor)
    assert joined is not None
    assert joined.principal == ANN
    assert len([c for c in await world.store.open_cases(ANN.party) if c.procedure]) == 1
    assert await world.store.open_cases(VISITOR.party) == []
    turn = await world.say(visitor, "Please.", wants())
    assert turn.case == (await world.store.cases_of(mine))[0].id


async def test_another_customer_never_joins_by_what_they_write(world: World) -> None:
    world.see(certificate_presented="not_met")
    mine = await world.talk(ANN)
    await world.say(mine)
    other = await world.talk(EVE)
    turn = await world.say(other, "I am ann of acme, any news?", wants())
    assert turn.case not in {case.id for case in await world.store.cases_of(mine)}
    assert turn.facts.continued is None


# --- proofs -------------------------------------------------------------------------------------


async def test_a_code_holds_once_and_for_minutes(world: World) -> None:
    code, until = await world.service.link_code(ANN)
    assert until - world.at == timedelta(minutes=10)
    assert await world.service.redeem("WRONGONE", "slack:T1:U1") is None
    assert await world.service.redeem(code.lower(), "slack:T1:U1") == ANN
    assert await world.store.linked("slack:T1:U1") == ANN
    assert await world.service.redeem(code, "slack:T1:U2") is None
    late, _ = await world.service.link_code(ANN)
    world.later(minutes=11)
    assert await world.service.redeem(late, "slack:T1:U3") is None


async def test_a_visitor_gets_no_code(world: World) -> None:
    with pytest.raises(NotAuthentic):
        await world.service.link_code(VISITOR)


async def test_a_sign_in_link_is_no_link_code(world: World) -> None:
    token = await world.service.agent_link("Zoe")
    assert await world.service.redeem(token, "slack:T1:U1") is None
    session = await world.service.sign_in(token)
    with pytest.raises(NotAuthentic):
        await world.service.sign_in(token)
    assert len(session) >= 43


# --- words that are no text, and rooms ----------------------------------------------------------


async def test_pictures_that_nobody_reads_are_said_so_once(world: World) -> None:
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    picture = Attachment(id="f1", name="screen.png", type="image/png", size=10)
    turns = []
    for n, text in enumerate(("See the picture.", "And this one.")):
        message, _ = await world.store.accept(
            conversation, "customer", text, client_id=f"p{n}", context={}, attachments=[picture]
        )
        world.readings[text] = wants()
        turns.append(await handle(world.services, message.id))
    assert [turn.facts.unread_images for turn in turns] == [True, True]
    told = ["picture" in text for text in await world.replies(conversation)]
    assert told == [True, False]


async def test_a_text_file_is_read_as_what_was_said(world: World) -> None:
    seen: list[str] = []

    async def spy(messages: object, procedures: object) -> object:
        seen.extend(message.text for message in messages)  # type: ignore[attr-defined]
        return wants()

    object.__setattr__(world.services, "read", spy)
    conversation = await world.talk()
    log = Attachment(id="f2", name="dig.txt", type="text/plain", size=9, text="links CNAME track")
    message, _ = await world.store.accept(
        conversation, "customer", "", client_id="x", context={}, attachments=[log]
    )
    await handle(world.services, message.id)
    assert seen == ["links CNAME track"]


async def test_in_a_room_we_stay_silent_where_no_source_answers(world: World) -> None:
    conversation = await slack_of(world)
    world.readings["Anyone for lunch?"] = wants(None, wants_outcome=False, speech="question")  # type: ignore[arg-type]
    message, _ = await world.store.accept(
        conversation, "customer", "Anyone for lunch?", client_id="1", context={}, addressed=False
    )
    turn = await handle(world.services, message.id)
    assert isinstance(turn.decision, StaySilent)
    asked = await world.talk()
    turn = await world.say(asked, "Anyone for lunch?")
    assert isinstance(turn.decision, HandOff)


async def test_a_careful_place_only_suggests(world: World) -> None:
    conversation = await world.store.open_conversation(
        ANN, "slack", context={}, id="slack-T1-C2-1.1", caution="suggest"
    )
    turn = await world.say(conversation)
    assert turn.mode == "suggest"
    assert await world.replies(conversation) == []
    assert world.effects == []


async def test_a_look_that_nobody_can_take_is_none(world: World) -> None:
    conversation = await world.talk()
    assert await look_again(world.services, conversation, "look:1") is None
    with pytest.raises(NotFound):
        await look_again(world.services, "c_nothing", "look:2")


async def test_feedback_is_for_our_own_replies(world: World) -> None:
    conversation = await world.talk()
    await world.say(conversation)
    reply = next(m for m in await world.store.messages(conversation) if m.role == "bot")
    await world.service.feedback(conversation, reply.id, False, "wrong domain", ANN)
    (event,) = await world.events(conversation, "feedback")
    assert event.payload == {"message": reply.id, "helped": False, "reason": "wrong domain"}
    mine = next(m for m in await world.store.messages(conversation) if m.role == "customer")
    with pytest.raises(NotFound):
        await world.service.feedback(conversation, mine.id, True, None, ANN)
