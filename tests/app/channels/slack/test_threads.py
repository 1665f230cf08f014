"""Who is answered in a thread, who is not, and what becomes of edits, deletions and files."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest


async def engaged(house: Any, channel: str = "C0HELP", user: str = "U0CUSTOMER") -> Any:
    asked = await house.slack.post(user, channel, "@bot how do I get https?")
    await house.answered(asked)
    return asked


async def texts(house: Any, asked: Any, role: str) -> list[str]:
    messages = await house.store.messages(await house.conversation(asked))
    return [message.text for message in messages if message.role == role]


async def test_a_follow_up_needs_no_mention_once_we_are_in_the_thread(house: Any) -> None:
    asked = await engaged(house)
    await house.slack.post("U0CUSTOMER", "C0HELP", "and for the other domain?", thread=asked.ts)
    assert len(await house.answered(asked, 2)) == 2


async def test_talk_in_a_channel_where_we_answer_mentions_alone_is_not_ours(house: Any) -> None:
    said = await house.slack.post("U0CUSTOMER", "C0HELP", "is anybody here?")
    await house.slack.post("U0PARTNER", "C0HELP", "me!", thread=said.ts)
    await house.quiet()
    assert house.ours(said) == ()
    assert await house.store.ids_under(f"slack-T0HERON-C0HELP-{said.ts}") == []


async def test_we_are_silent_while_a_person_of_ours_answers_and_go_on_when_mentioned(house: Any) -> None:
    asked = await engaged(house)
    await house.slack.post("U0SUPPORT", "C0HELP", "I have a look, one moment.", thread=asked.ts)
    await house.quiet()
    await house.slack.post("U0CUSTOMER", "C0HELP", "thank you, it is links.acme.example", thread=asked.ts)
    await house.quiet()
    assert len(house.ours(asked)) == 1
    assert await texts(house, asked, "agent") == ["I have a look, one moment."]
    conversation = await house.store.conversation(await house.conversation(asked))
    assert conversation.person_active
    assert house.slack.state.sessions["C0HELP", asked.ts].status == "suspended"

    await house.slack.post("U0CUSTOMER", "C0HELP", "@bot please go on", thread=asked.ts)
    answers = await house.answered(asked, 3)
    assert "answer here again" in answers[1].said
    assert not (await house.store.conversation(conversation.id)).person_active


async def test_people_talking_in_a_thread_get_no_answer_but_the_asker_does(house: Any) -> None:
    asked = await engaged(house)
    await house.slack.post("U0PARTNER", "C0HELP", "I had the same problem", thread=asked.ts)
    await house.slack.post("U0GUEST", "C0HELP", "me too", thread=asked.ts)
    await house.quiet()
    assert len(house.ours(asked)) == 1
    assert await texts(house, asked, "customer") == ["how do I get https?"]

    await house.slack.post("U0PARTNER", "C0HELP", "@bot and mine?", thread=asked.ts)
    await house.answered(asked, 2)
    ids = await house.store.ids_under(f"slack-T0HERON-C0HELP-{asked.ts}")
    assert [id.rpartition("-")[2] for id in ids][1:] == ["U0PARTNER"]
    await house.slack.post("U0PARTNER", "C0HELP", "it is go.acme.example", thread=asked.ts)
    assert len(await house.answered(asked, 3)) == 3


async def test_other_bots_and_our_own_words_are_not_heard(house: Any) -> None:
    await house.slack.post("U0OTHERBOT", "C0HELP", "@bot deploy done")
    await house.quiet()
    assert not [m for m in house.slack.messages("C0HELP") if m.bot_id == house.slack.bot_id]
    await engaged(house)
    conversations = await house.store.recent_conversations()
    assert len(conversations) == 1


async def test_a_direct_message_is_answered(house: Any) -> None:
    asked = await house.slack.post("U0CUSTOMER", "D0CUSTOMER", "how do I get https?")
    assert len(await house.answered(asked)) == 1


async def test_the_agents_channel_is_no_place_for_questions(house: Any) -> None:
    await house.slack.post("U0SUPPORT", "C0AGENTS", "@bot hello")
    await house.quiet()
    assert house.in_agents()[1:] == ()


@pytest.mark.parametrize("mode", ["off", "suggest", "auto"])
async def test_a_channel_has_its_mode(slack: Any, kit: Any, tmp_path: Any, mode: str) -> None:
    house = kit.house(slack, tmp_path / "data", slack_channels={"C0HELP": mode})
    await house.start()
    try:
        said = await slack.post("U0CUSTOMER", "C0HELP", "how do I get https?")
        await house.quiet()
        assert house.ours(said) == ()  # nobody of us was spoken to
        ids = await house.store.ids_under(f"slack-T0HERON-C0HELP-{said.ts}")
        assert bool(ids) == (mode != "off")
        if ids:
            (message,) = await house.store.messages(ids[0])
            assert not message.addressed
            conversation = await house.store.conversation(ids[0])
            assert conversation.caution == ("suggest" if mode == "suggest" else "auto")
        asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot how do I get https?")
        await house.quiet()
        assert len(house.ours(asked)) == (1 if mode == "auto" else 0)
    finally:
        await house.stop()


# --- edits and deletions ------------------------------------------------------------------------


async def test_an_edit_that_says_the_same_is_written_down_and_not_answered(house: Any) -> None:
    asked = await engaged(house)
    await house.slack.edit("U0CUSTOMER", asked, "@bot How do I get HTTPS?!")
    await house.slack.until(lambda: len(house.slack.deliveries) >= 3)
    await house.quiet()
    assert len(house.ours(asked)) == 1
    assert await texts(house, asked, "customer") == ["How do I get HTTPS?!"]


async def test_an_edit_that_names_another_domain_is_answered_once(house: Any) -> None:
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot is links.acme.example ready?")
    await house.answered(asked)
    edited = await house.slack.edit("U0CUSTOMER", asked, "@bot is go.acme.example ready?")
    await house.slack.until(lambda: len(house.ours(asked)) == 2)
    events = [d for d in house.slack.deliveries if d.payload["event"].get("subtype") == "message_changed"]
    theirs = [d for d in events if not d.payload["event"]["message"].get("bot_id")]
    await house.slack.send_again(theirs[0], times=3)
    await house.quiet()
    assert len(house.ours(edited)) == 2


async def test_an_edit_before_the_answer_is_what_is_answered(house: Any) -> None:
    go = asyncio.Event()

    async def slow(service: Any, message: Any) -> None:
        await go.wait()
        fresh = await service.store.message(message.id)
        await service.say(message, f"You said: {fresh.text}")

    house.play = slow
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot is links.acme.example ready?")
    await house.slack.settle()
    await house.slack.edit("U0CUSTOMER", asked, "@bot is go.acme.example ready?")
    await house.slack.settle()
    await asyncio.sleep(0.3)
    go.set()
    (answer,) = await house.answered(asked)
    assert "go.acme.example" in answer.said


async def test_a_deleted_message_is_forgotten(house: Any) -> None:
    asked = await engaged(house)
    secret = await house.slack.post("U0CUSTOMER", "C0HELP", "my password is hunter2", thread=asked.ts)
    await house.answered(asked, 2)
    await house.slack.delete("U0CUSTOMER", secret)
    await house.slack.settle()
    await house.quiet()
    id = await house.conversation(asked)
    assert "hunter2" not in str(await house.store.messages(id))
    assert "hunter2" not in str(await house.store.events(id, 0))
    assert len(house.ours(asked)) == 2


async def test_a_message_deleted_before_we_read_it_is_not_answered(
    slack: Any, kit: Any, tmp_path: Any
) -> None:
    house = kit.house(slack, tmp_path / "data")
    house.works = False
    await house.start()
    try:
        asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
        await slack.settle()
        await slack.delete("U0CUSTOMER", asked)
        await slack.settle()
        house.works = True
        await house.restart()
        await house.quiet()
        conversation = await house.conversation(asked)
        assert [m.text for m in await house.store.messages(conversation) if m.role == "customer"] == [""]
    finally:
        await house.stop()


# --- files --------------------------------------------------------------------------------------


async def test_a_text_file_is_part_of_what_is_said(house: Any) -> None:
    asked = await house.slack.upload(
        "U0CUSTOMER",
        "D0CUSTOMER",
        "dig.txt",
        b"links.acme.example CNAME nowhere",
        "text/plain",
        comment="see",
    )
    await house.answered(asked)
    (message, *_) = await house.store.messages(await house.conversation(asked))
    (file,) = message.attachments
    assert file.name == "dig.txt"
    assert "CNAME nowhere" in file.text
    assert house.store.attachment_path(file.id).is_file()


async def test_a_file_that_is_none_of_ours_is_named(house: Any) -> None:
    program = b"MZ\x90\x00\x03\x00\x00\x00\xff\xfe" * 9
    asked = await house.slack.upload("U0CUSTOMER", "D0CUSTOMER", "tool.exe", program, comment="run it")
    await house.answered(asked)
    (whisper,) = house.slack.ephemerals("U0CUSTOMER")
    assert "tool.exe" in whisper.text
    (message, *_) = await house.store.messages(await house.conversation(asked))
    assert message.attachments == ()


# --- the rest -----------------------------------------------------------------------------------


async def test_the_stop_button_ends_the_turn_and_says_so(house: Any) -> None:
    async def endless(service: Any, message: Any) -> None:
        await service.working(message, "Link tracking")
        await asyncio.sleep(60)

    house.play = endless
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot please look")
    await house.slack.until(lambda: house.slack.state.streams)
    await house.slack.settle()
    await house.slack.stop_session("U0CUSTOMER", "C0HELP", asked.ts)
    (answer,) = await house.answered(asked)
    assert "I have stopped here" in answer.said
    assert house.slack.state.sessions["C0HELP", asked.ts].status == "active"
    assert not await house.store.to_do()


async def test_opening_the_messages_tab_offers_what_to_ask(house: Any) -> None:
    await house.slack.open_home("U0CUSTOMER", tab="messages")
    await house.slack.until(lambda: house.slack.state.prompts)
    (call,) = house.slack.calls_of("assistant.threads.setSuggestedPrompts")
    assert call.arguments["prompts"][0]["title"] == "Check my setup"


async def test_who_writes_too_often_is_read_later_and_nobody_else_waits(house: Any) -> None:
    limits = house.channel._w.limits
    while limits.spend("slack", "U0CUSTOMER", house.service.clock()) == 0:
        pass
    waits = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot how do I get https?")
    other = await house.slack.post("U0PARTNER", "C0HELP", "@bot and how do I?")
    await house.answered(other)
    await house.answered(waits)
    assert await texts(house, waits, "customer") == ["how do I get https?"]
