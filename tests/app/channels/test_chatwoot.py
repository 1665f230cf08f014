"""The Chatwoot bot: what is heard, believed, said and left alone, against a strict local Chatwoot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.channels.chatwoot import chatwoot_channel
from app.channels.chatwoot.core import NO, YES
from app.channels.chatwoot.wording import safe
from app.errors import ConfigError
from app.identity import chatwoot_contact
from app.models.people import Principal
from app.models.reading import Reading
from app.settings import Settings
from evals.world.chatwoot.state import Message as TheirMessage
from evals.world.chatwoot.state import Status
from tests.app.channels.desk import AUTO, SECRET, Played, played
from tests.app.world import PLEASE, ZOE, claim, wants

PERSON = "I want to talk to a person."
HELLO = "Hello!"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0)
    monkeypatch.setattr("app.actions.WRITE_WAIT_S", 0)
    monkeypatch.setattr("app.delivery.PAUSES_S", (0.05,))
    monkeypatch.setattr("app.channels.chatwoot.channel.LOOK_AGAIN_S", 0.1)
    monkeypatch.setattr("app.channels.chatwoot.channel.OUT_OF_REACH_S", 0.05)


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Played]:
    async with played(tmp_path / "data") as made:
        made.world.readings[PERSON] = Reading(wants_person=True, request=PERSON)
        made.world.readings[HELLO] = Reading(speech="greeting")
        yield made


def select(play: Played, number: int = 1) -> TheirMessage:
    (found,) = [m for m in play.desk.conversation(number).messages if m.content_type == "input_select"]
    return found


# --- heard and answered ---


async def test_a_message_is_answered_once_by_the_bot(play: Played) -> None:
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.settle()
    assert [m.role for m in await play.messages(1)] == ["customer", "bot"]
    assert len(play.desk.said(1)) == 1
    assert play.desk.said(1)[0] == (await play.messages(1))[-1].text.replace(
        "](/help/", "](http://127.0.0.1:8080/help/"
    )
    assert play.desk.conversation(1).status == "pending"
    assert play.desk.violations == []
    assert dict((await play.messages(1))[0].context)["language"] == "en"


async def test_the_same_webhook_ten_times_and_at_once_is_one_answer(play: Played) -> None:
    play.desk.tell_twice(3)
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.settle()
    (first, *_) = [d for d in play.desk.deliveries if d.event == "message_created"]
    assert set(await play.desk.send_again(first, 5)) == {200}
    await asyncio.gather(*(play.desk.send_again(first) for _ in range(5)))
    await play.settle()
    assert len(await play.messages(1)) == 2
    assert len(play.desk.said(1)) == 1


async def test_webhooks_out_of_order_leave_nothing_out(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    play.desk.hold()
    for text in (HELLO, "first", "second"):
        await play.desk.write(ana, text)
    play.desk.release(backwards=True)
    await play.settle()
    said = [m.text for m in await play.messages(1) if m.role == "customer"]
    assert said == [HELLO, "first", "second"]


async def test_a_message_that_was_overtaken_is_still_read(play: Played) -> None:
    """Its number is lower than what was read already: the row became visible later."""
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    late = play.desk.state.add(play.desk.conversation(1), "late", "incoming", ana.contact)
    late.id = 900
    play.desk.state.announce(late)
    await play.settle()
    assert "late" in [m.text for m in await play.messages(1)]


async def test_it_is_stored_before_it_is_acknowledged_and_a_crash_loses_nothing(play: Played) -> None:
    await play.stop()
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.desk.until(lambda: [d for d in play.desk.deliveries if d.ok and d.event == "message_created"])
    assert play.desk.calls == []
    assert len(await play.store.received_to_do("chatwoot")) == 1
    play.renew()
    play.start()
    await play.settle()
    assert len(play.desk.said(1)) == 1


async def test_chatwoot_out_of_reach_costs_no_message(play: Played) -> None:
    play.desk.fail_next("conversations.show", 503, n=9)
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.settle()
    assert len(play.desk.said(1)) == 1


@pytest.mark.parametrize("fault", ["dropped", "failed"])
async def test_a_reply_whose_fate_is_unknown_is_not_written_twice(play: Played, fault: str) -> None:
    if fault == "dropped":
        play.desk.drop_next("messages.create")
    else:
        play.desk.fail_next("messages.create", 500)
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.settle()
    assert len(play.desk.said(1)) == 1


async def test_a_crash_between_writing_and_knowing_writes_nothing_twice(play: Played) -> None:
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.settle()
    await play.stop()
    (reply,) = [m for m in await play.messages(1) if m.role == "bot"]
    await play.store.mark_posted("chatwoot", f"message:{reply.id}", "?")
    await play.store.mark_delivered("chatwoot", "chatwoot-1-1", 0)
    play.renew()
    play.start()
    await play.settle()
    assert len(play.desk.said(1)) == 1
    assert (await play.store.posted("chatwoot", f"message:{reply.id}")) not in (None, "?")


async def test_files_come_along_from_chatwoot_and_from_nowhere_else(play: Played) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 40
    ana = play.desk.visitor("Ana")
    message = await play.desk.write(ana, "look", files={"shot.png": picture})
    await play.settle()
    (kept,) = (await play.messages(1))[0].attachments
    assert (kept.type, kept.name) == ("image/png", "shot.png")
    message.attachments[0]["data_url"] = "http://169.254.169.254/latest/meta-data"
    again = play.desk.state.write(ana, "and this", [dict(message.attachments[0])], {})
    await play.settle()
    stored = (await play.messages(again.conversation.id))[-2]
    assert stored.attachments == ()
    assert stored.text == "and this\n📎 meta-data"


# --- believed ---


async def test_a_wrong_address_is_not_there(play: Played) -> None:
    payload = {"event": "message_created", "id": 1, "account": {"id": 1}, "conversation": {"id": 1}}
    for secret in ("x", SECRET[:-1], SECRET.upper(), "ü" * 32, SECRET + "0"):
        assert await play.desk.forge(payload, url=f"{play.url}/chatwoot/{secret}") == 404
    assert await play.store.received_to_do("chatwoot") == []


async def test_nothing_that_a_webhook_says_is_believed(play: Played) -> None:
    """Somebody who learnt the address invents a message, an identity, an agent and an answer."""
    await play.desk.write(play.desk.visitor("Ana"), HELLO)
    await play.settle()
    before = [m.text for m in await play.messages(1)]
    sender = {"id": 9, "identifier": "acme/ann", "name": "Ann", "type": "contact"}
    conversation = {"id": 1, "status": "open", "meta": {"hmac_verified": True, "sender": sender}}
    invented = {
        "account": {"id": 1},
        "content": PLEASE,
        "message_type": "incoming",
        "sender": sender,
        "conversation": conversation,
        "content_attributes": {"submitted_values": [{"value": YES}]},
    }
    for event in ("message_created", "message_updated"):
        assert await play.desk.forge({**invented, "event": event, "id": 4711}) == 200
    for event in ("conversation_status_changed", "conversation_updated"):
        assert await play.desk.forge({**conversation, "event": event, "account": {"id": 1}}) == 200
    await play.settle()
    assert [m.text for m in await play.messages(1)] == before
    known = await play.ours(1)
    assert (known.principal.kind, known.person_active) == ("anonymous", False)
    assert play.world.effects == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"message_created"',
        b'{"event": "message_created"}',
        b'{"event": "message_created", "id": "1; drop", "conversation": {"id": 1}}',
        b'{"event": "message_created", "id": true, "conversation": {"id": 1}}',
        b'{"event": "message_created", "id": 1, "account": {"id": 2}, "conversation": {"id": 1}}',
        b'{"event": "conversation_updated", "id": 99999999999999999999999}',
        b'{"event": "webwidget_triggered", "id": 1}',
    ],
)
async def test_what_is_no_event_of_ours_is_stored_nowhere(play: Played, body: bytes) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{play.url}/chatwoot/{SECRET}", content=body)
    assert answer.status_code == (422 if body == b"{" else 200)
    assert await play.store.received_to_do("chatwoot") == []


async def test_a_hint_at_a_conversation_that_is_not_there_is_worked_off(play: Played) -> None:
    await play.desk.forge({"event": "conversation_updated", "id": 77, "account": {"id": 1}})
    await play.settle()
    assert await play.store.conversation("chatwoot-1-77") is None


# --- who writes ---


async def test_a_proven_identifier_is_a_customer_who_may_act(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    assert play.desk.identify(ana, "acme/ann")
    play.world.see(click_tracking_on="met", branded_link_set_up="met", certificate_presented="met")
    await play.desk.write(ana, PLEASE)
    await play.settle()
    assert (await play.ours(1)).principal == Principal(kind="customer", id="ann", account="acme")
    assert play.world.effects == ["enable_https"]
    assert "HTTPS is now on" in play.desk.said(1)[-1]


async def test_an_unsigned_identifier_stays_a_visitor(play: Played) -> None:
    play.world.see(click_tracking_on="met", branded_link_set_up="met", certificate_presented="met")
    eve = play.desk.visitor("Eve", play.desk.unproven)
    assert not play.desk.identify(play.desk.visitor("Eve"), "acme/ann", signed=False), "Chatwoot refuses it"
    assert play.desk.identify(eve, "acme/ann", signed=False), "where it is not enforced, Chatwoot takes it"
    await play.desk.write(eve, PLEASE)
    await play.settle()
    assert (await play.ours(1)).principal.kind == "anonymous"
    assert play.world.effects == []


async def test_a_proof_at_an_inbox_that_takes_unproven_ones_is_none(play: Played) -> None:
    """There a visitor proves themselves once, and takes any other identifier afterwards."""
    eve = play.desk.visitor("Eve", play.desk.unproven)
    play.desk.identify(eve, "other/eve")
    play.desk.identify(eve, "acme/ann", signed=False)
    assert eve.hmac_verified
    await play.desk.write(eve, PLEASE)
    await play.settle()
    assert (await play.ours(1)).principal.kind == "anonymous"


async def test_an_old_chatwoot_proves_nobody(tmp_path: Path) -> None:
    async with played(tmp_path / "data", version="4.17.2") as play:
        ana = play.desk.visitor("Ana")
        play.desk.identify(ana, "acme/ann")
        await play.desk.write(ana, PLEASE)
        await play.settle()
        assert (await play.ours(1)).principal.kind == "anonymous"


async def test_a_visitor_who_signs_in_becomes_the_customer_and_back(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, PLEASE)
    await play.settle()
    assert (await play.ours(1)).principal == Principal(kind="anonymous", id=f"chatwoot:1:{ana.contact.id}")
    play.desk.identify(ana, "acme/ann")
    await play.desk.write(ana, "And now?")
    await play.settle()
    assert (await play.ours(1)).principal.party == "customer:acme:ann"
    ana.contact.identifier = "other/eve"
    await play.desk.write(ana, "Again?")
    await play.settle()
    assert (await play.ours(1)).principal.kind == "anonymous", "nobody slips into another's conversation"


@pytest.mark.parametrize(
    ("identifier", "party"),
    [
        ("acme/ann", "customer:acme:ann"),
        ("acme/ann/7", "customer:acme:ann/7"),
        ("ann@acme.example", None),
        ("acme/", None),
        ("/ann", None),
        ("a:b/ann", None),
        ("acme/ann\n", None),
        (" acme/ann", None),
        (f"acme/{'x' * 201}", None),
        ("", None),
        (None, None),
    ],
)
def test_only_an_account_and_a_user_are_an_identifier(identifier: str | None, party: str | None) -> None:
    found = chatwoot_contact(1, 5, identifier=identifier, proven=True).party
    assert found == (party or "anonymous::chatwoot:1:5")
    assert chatwoot_contact(1, 5, identifier=identifier, proven=False).kind == "anonymous"


# --- whose turn it is ---


async def test_an_agents_reply_silences_the_bot(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    said = len(play.desk.said(1))
    await play.desk.reply(play.desk.kim, 1, "Hi Ana, this is Kim.")
    await play.settle()
    known = await play.ours(1)
    assert known.person_active
    (message,) = [m for m in await play.messages(1) if m.role == "agent"]
    assert (message.text, message.name) == ("Hi Ana, this is Kim.", "Kim")
    await play.desk.write(ana, PLEASE)
    await play.settle()
    assert len(play.desk.said(1)) == said
    assert any("Suggested reply" in note for note in play.desk.said(1, private=True))


async def test_a_private_note_of_an_agent_silences_nobody(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    await play.desk.reply(play.desk.kim, 1, "She is a VIP.", private=True)
    await play.desk.write(ana, PLEASE)
    await play.settle()
    assert not (await play.ours(1)).person_active
    assert "VIP" not in " ".join(m.text for m in await play.messages(1))


async def test_opening_takes_over_and_pending_gives_back(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    await play.desk.set_status(play.desk.kim, 1, "open")
    await play.settle()
    assert (await play.ours(1)).person_active
    await play.desk.set_status(play.desk.kim, 1, "pending")
    await play.settle()
    assert not (await play.ours(1)).person_active
    before = len(play.desk.said(1))
    await play.desk.write(ana, PLEASE)
    await play.settle()
    assert len(play.desk.said(1)) == before + 1
    assert play.desk.conversation(1).status == "pending", "what Chatwoot told us is not told back"


async def test_an_assignment_that_opens_is_heard_of_by_its_update_alone(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    before = len(play.desk.deliveries)
    await play.desk.open_by_assignment(play.desk.kim, 1)
    await play.settle()
    assert [d.event for d in play.desk.deliveries[before:]] == ["conversation_updated"]
    assert (await play.ours(1)).person_active
    said = len(play.desk.said(1))
    await play.desk.write(ana, PLEASE)
    await play.settle()
    assert len(play.desk.said(1)) == said


async def test_asking_for_a_person_hands_over_with_everything_known(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, PLEASE)
    await play.settle()
    await play.desk.write(ana, PERSON)
    await play.settle()
    there = play.desk.conversation(1)
    assert there.status == "open"
    (note,) = [text for text in play.desk.said(1, private=True) if "Handed over" in text]
    assert "Next move" in note
    assert "/assist#/c/chatwoot-1-1" in note
    kinds = ["note" if m.private else m.message_type for m in there.messages]
    assert kinds.index("note") < kinds.index("activity"), "people never see it without its dossier"
    known = await play.ours(1)
    assert not known.person_active, "nobody has joined yet"
    assert known.caution == "suggest"
    said = len(play.desk.said(1))
    await play.desk.write(ana, "Is somebody there?")
    await play.settle()
    assert len(play.desk.said(1)) == said, "what people have is theirs"
    await play.desk.assign(play.desk.kim, 1)
    await play.settle()
    joined = [e for e in await play.store.events("chatwoot-1-1", 0) if e.payload.get("state") == "joined"]
    assert joined == [], "an automatic assignment is nobody who reads"
    await play.desk.reply(play.desk.kim, 1, "I am here.")
    await play.settle()
    assert (await play.ours(1)).person_active


async def test_resolved_by_an_agent_asks_and_no_reopens_with_everything_known(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, PLEASE)
    await play.desk.write(ana, PERSON)
    await play.settle()
    await play.desk.reply(play.desk.kim, 1, "Done!")
    await play.desk.set_status(play.desk.kim, 1, "resolved")
    await play.settle()
    question = select(play)
    assert [item["value"] for item in question.content_attributes["items"]] == [YES, NO]
    assert question.content is not None
    assert play.desk.said(1).count(question.content) == 1, "asked once, with its options"
    assert not (await play.ours(1)).person_active
    assert play.desk.conversation(1).status == "resolved"
    handoffs = await play.handoffs()
    await play.desk.choose(question, NO)
    await play.settle()
    assert await play.handoffs() == handoffs + 1
    assert play.desk.conversation(1).status == "open"
    assert any("not solved" in note for note in play.desk.said(1, private=True))


async def test_yes_closes_it_and_a_second_press_changes_nothing(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, PLEASE)
    await play.settle()
    await play.desk.reply(play.desk.kim, 1, "Done!")
    await play.settle()
    await play.desk.set_status(play.desk.kim, 1, "resolved")
    await play.settle()
    for value in (YES, YES, NO):
        await play.desk.choose(select(play), value)
        await play.settle()
    (case,) = await play.store.cases_of("chatwoot-1-1")
    assert (case.state, case.resolution) == ("closed", "confirmed")
    assert play.desk.conversation(1).status == "resolved"


async def test_an_option_of_somebody_elses_bot_means_nothing(play: Played) -> None:
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.settle()
    attributes = {"items": [{"title": "x", "value": YES}], "submitted_values": [{"value": YES}]}
    ana = play.desk.conversation(1).visitor.contact
    forged = play.desk.state.add(
        play.desk.conversation(1),
        "x",
        "incoming",
        ana,
        content_type="input_select",
        content_attributes=attributes,
    )
    play.desk.state.announce(forged)
    await play.settle()
    (case,) = await play.store.cases_of("chatwoot-1-1")
    assert case.resolution is None


async def test_a_customer_who_cannot_press_is_asked_in_words(play: Played) -> None:
    bo = play.desk.visitor("Bo", play.desk.whatsapp)
    await play.desk.write(bo, PLEASE)
    await play.settle()
    await play.desk.reply(play.desk.kim, 1, "Done!")
    await play.settle()
    await play.desk.set_status(play.desk.kim, 1, "resolved")
    await play.settle()
    assert [m for m in play.desk.conversation(1).messages if m.content_type == "input_select"] == []
    assert "solved" in play.desk.said(1)[-1].lower()
    assert play.desk.violations == []


# --- agents in our own page ---


async def test_taking_over_and_giving_back_in_our_page_moves_the_conversation_there(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    await play.world.service.send_as_agent("chatwoot-1-1", "Hello from our page.", ZOE, client_id="z1")
    await play.settle()
    assert play.desk.conversation(1).status == "open"
    assert play.desk.said(1)[-1] == "**zoe:** Hello from our page."
    assert len([m for m in await play.messages(1) if m.role == "agent"]) == 1, "our own echo is nobody's word"
    await play.world.service.give_back("chatwoot-1-1", ZOE)
    await play.settle()
    assert play.desk.conversation(1).status == "pending"
    assert not (await play.ours(1)).person_active


async def test_moves_in_quick_succession_end_where_the_last_one_says(play: Played) -> None:
    ana = play.desk.visitor("Ana")
    await play.desk.write(ana, HELLO)
    await play.settle()
    moves: tuple[Status, ...] = ("open", "pending", "open", "pending")
    for status in moves:
        await play.desk.set_status(play.desk.kim, 1, status)
        await asyncio.sleep(0.02)
    await play.settle()
    assert play.desk.conversation(1).status == "pending"
    assert not (await play.ours(1)).person_active
    await play.world.service.take_over("chatwoot-1-1", ZOE)
    await play.world.service.give_back("chatwoot-1-1", ZOE)
    await play.world.service.take_over("chatwoot-1-1", ZOE)
    await play.settle()
    assert play.desk.conversation(1).status == "open"
    assert (await play.ours(1)).person_active


async def test_an_approval_is_a_note_with_a_link_and_never_a_word_in_the_chat(tmp_path: Path) -> None:
    async with played(tmp_path / "data", {**AUTO, "enable_https": "suggest"}) as play:
        ana = play.desk.visitor("Ana")
        play.desk.identify(ana, "acme/ann")
        play.world.see(click_tracking_on="met", branded_link_set_up="met", certificate_presented="met")
        await play.desk.write(ana, PLEASE)
        await play.settle()
        (note,) = [text for text in play.desk.said(1, private=True) if "Waits for your decision" in text]
        assert "/assist#/c/chatwoot-1-1" in note
        await play.desk.reply(play.desk.kim, 1, "yes, approve")
        await play.desk.write(ana, "yes, I approve")
        await play.settle()
        assert play.world.effects == []
        (request,) = await play.store.requests("proposed")
        await play.world.service.decide_request(request.id, "approve", ZOE)
        await play.settle()
        assert play.world.effects == ["enable_https"]
        assert "done and read back" in play.desk.said(1, private=True)[-1]


async def test_where_it_only_suggests_people_get_to_see_the_conversation(tmp_path: Path) -> None:
    async with played(tmp_path / "data", {**AUTO, "chatwoot": "suggest"}) as play:
        await play.desk.write(play.desk.visitor("Ana"), PLEASE)
        await play.settle()
        assert play.desk.said(1) == []
        (note,) = play.desk.said(1, private=True)
        assert "Suggested reply" in note
        assert play.desk.conversation(1).status == "open"
        (suggestion,) = await play.store.suggestions("chatwoot-1-1")
        await play.world.service.send_suggestion(suggestion.id, ZOE)
        await play.settle()
        assert len(play.desk.said(1)) == 1


# --- the dashboard app ---


async def test_a_conversation_from_before_is_opened_with_its_history_once(play: Played) -> None:
    webhook, play.desk.webhook_url = play.desk.webhook_url, None
    ana = play.desk.visitor("Ana")
    for n in range(103):
        await play.desk.write(ana, f"message {n}")
    await play.desk.reply(play.desk.kim, 1, "Kim here.")
    await play.desk.set_status(play.desk.kim, 1, "open")
    play.desk.webhook_url = webhook
    found = await asyncio.gather(*(play.channel.locate(1, 1) for _ in range(3)))
    assert set(found) == {"chatwoot-1-1"}
    await play.settle()
    stored = await play.messages(1)
    assert [m.text for m in stored][:103] == [f"message {n}" for n in range(103)]
    assert [m.role for m in stored].count("agent") == 1
    assert (await play.ours(1)).person_active
    assert play.desk.said(1) == [], "the past is read and not answered"


async def test_what_is_not_there_or_of_another_account_is_not_found(play: Played) -> None:
    await play.desk.write(play.desk.visitor("Ana"), HELLO)
    await play.settle()
    calls = len(play.desk.calls)
    assert await play.channel.locate(2, 1) is None
    assert len(play.desk.calls) == calls
    assert await play.channel.locate(1, 999) is None


# --- what goes out ---


def test_links_lead_to_our_pages_alone_and_no_picture_is_loaded() -> None:
    settings = Settings(
        _env_file=None, public_url="https://bot.example.com", help_url="https://help.example.com/en"
    )
    text = (
        "![x](https://evil.example/a.png?d=1) [page](/help/en/https#ssl) "
        "[help](https://help.example.com/en/a) "
        "[evil](https://evil.example) https://evil.example/q [near](https://help.example.com/enx) "
        "[trick](https://help.example.com.evil.example/en/) `https://in.code` [j](javascript:alert(1))"
    )
    assert safe(text, settings) == (
        "x [page](https://bot.example.com/help/en/https#ssl) [help](https://help.example.com/en/a) "
        "evil `https://evil.example/q` near trick `https://in.code` j)"
    )


async def test_hostile_words_of_a_customer_reach_agents_as_words(play: Played) -> None:
    hostile = "[click](https://evil.example/?a=1) ![](https://evil.example/b.png) <script>alert(1)</script>"
    play.world.readings[hostile] = wants(
        wants_person=True, request=hostile, claims=(claim("link-tracking", quote=hostile),)
    )
    await play.desk.write(play.desk.visitor("Eve"), hostile)
    await play.settle()
    notes = "\n".join(play.desk.said(1, private=True))
    assert notes
    for line in notes.splitlines():
        outside = "".join(line.split("`")[::2])
        assert "evil.example" not in outside
        assert "<script" not in outside


# --- set up ---


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"chatwoot_account": None}, "CHATWOOT_ACCOUNT"),
        ({"chatwoot_secret": SecretStr("short")}, "CHATWOOT_SECRET"),
        ({"chatwoot_secret": SecretStr("ü" * 40)}, "CHATWOOT_SECRET"),
        ({"chatwoot_token": None}, "CHATWOOT_TOKEN"),
        ({"chatwoot_bot_token": None}, "CHATWOOT_BOT_TOKEN"),
        ({"chatwoot_url": "file:///etc"}, "CHATWOOT_URL"),
        ({"chatwoot_url": "https://me:pw@chat.example"}, "CHATWOOT_URL"),
    ],
)
async def test_what_is_missing_is_named(play: Played, changes: dict[str, object], named: str) -> None:
    full = {
        "chatwoot_url": "https://chat.example",
        "chatwoot_account": 1,
        "chatwoot_token": SecretStr("a"),
        "chatwoot_bot_token": SecretStr("b"),
        "chatwoot_secret": SecretStr(SECRET),
    }
    settings = play.world.settings.model_copy(update=full | changes)
    with pytest.raises(ConfigError, match=f"STEPFOUR_{named} "):
        chatwoot_channel(play.world.service, settings)
    assert chatwoot_channel(play.world.service, play.world.settings) is None


async def test_a_refused_token_stops_nothing_for_good(play: Played) -> None:
    good, play.desk.state.bot.token = play.desk.state.bot.token, "changed"
    await play.desk.write(play.desk.visitor("Ana"), PLEASE)
    await play.until(lambda: any(call.status == 401 for call in play.desk.calls))
    play.desk.state.bot.token = good
    await play.stop()  # instead of the minute that it waits
    play.renew()
    play.start()
    await play.settle()
    assert len(play.desk.said(1)) == 1


async def test_a_large_body_is_refused_before_it_is_read(play: Played) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{play.url}/chatwoot/{SECRET}", content=json.dumps({"a": "x" * 1_100_000})
        )
    assert answer.status_code == 413


async def test_a_conversation_that_is_told_of_too_often_is_read_later_and_whole(play: Played) -> None:
    limits = play.channel._limits
    while limits.spend("chatwoot", "1", play.world.clock()) == 0:
        pass
    ana = play.desk.visitor("Ana")
    for text in (HELLO, "first", "second"):
        await play.desk.write(ana, text)
    await asyncio.sleep(0.5)
    assert await play.messages(1) == [], "not read yet"
    play.world.later(minutes=1)
    await play.settle()
    assert [m.text for m in await play.messages(1) if m.role == "customer"] == [HELLO, "first", "second"]
