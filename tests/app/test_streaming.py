"""A reply that is shown while it is written, and looks that are shown while they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import saying
from app.conversation import handle
from app.models.reading import Reading
from app.models.steps import Finding
from knowledge.model import Check, Hit, Passage
from tests.app.world import ZOE, World, open_world

ANSWER = "Point the CNAME at track.heron.example [1]."
QUESTION = Reading(speech="question", request="Where does the CNAME point?")
Told = Callable[[str], Awaitable[None]] | None


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(saying, "PIECE_S", 0)
    async with open_world(tmp_path / "data") as made:
        made.library.hits = [hit("The CNAME points at track.heron.example.")]
        made.readings["Where?"] = QUESTION
        yield made


def hit(text: str) -> Hit:
    passage = Passage(
        id="p",
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
    return Hit(passage=passage, score=1.0, relevance=0.9, quotes=(text,))


def writing(world: World, *pieces: str, result: str | None, breaks: bool = False) -> None:
    async def write(question: str, lang: str, lines: Sequence[str], told: Told = None) -> str | None:
        assert told is not None
        for n in range(len(pieces)):
            await told("".join(pieces[: n + 1]))
        if breaks:
            raise asyncio.CancelledError  # the process is killed in the middle
        return result

    object.__setattr__(world.services, "write", write)


async def drafted(world: World, conversation: str) -> tuple[str, str]:
    """What a page that follows the log has as a draft of the last message, and its id."""
    id = text = ""
    for event in await world.events(conversation):
        if event.type == "message.reset" and event.payload["message"] == id:
            text = ""
        elif event.type == "message.delta":
            id, offset = str(event.payload["message"]), event.payload["offset"]
            assert offset == len(text), "no gap and no doubled piece"
            text += str(event.payload["text"])
    return id, text


async def test_the_pieces_are_shown_and_the_whole_message_takes_their_place(world: World) -> None:
    writing(world, ANSWER[:10], ANSWER[10:], result=ANSWER)
    conversation = await world.talk()
    turn = await world.say(conversation, "Where?")
    id, text = await drafted(world, conversation)
    assert text == ANSWER
    done = (await world.events(conversation, "message.done"))[-1].payload["message"]
    assert isinstance(done, dict)
    assert (done["id"], done["text"]) == (id, turn.reply)
    assert ANSWER in turn.reply


async def test_killed_in_the_middle_it_starts_anew_and_the_text_is_the_stored_one(world: World) -> None:
    writing(world, ANSWER[:10], result=None, breaks=True)
    conversation = await world.talk()
    message = await world.accept(conversation, "Where?")
    with pytest.raises(asyncio.CancelledError):
        await handle(world.services, message.id)
    assert (await drafted(world, conversation))[1] == ANSWER[:10]
    writing(world, "Point ", "elsewhere", result=None)
    await handle(world.services, message.id)
    assert (await drafted(world, conversation))[1] == "Point elsewhere"
    done = (await world.events(conversation, "message.done"))[-1].payload["message"]
    stored = (await world.store.messages(conversation))[-1]
    assert isinstance(done, dict)
    assert (done["id"], done["text"]) == (stored.id, stored.text)
    assert "elsewhere" not in stored.text, "words that nobody could check are not kept"
    assert len(await world.replies(conversation)) == 1


async def test_where_a_person_has_taken_over_nothing_is_streamed(world: World) -> None:
    async def write(question: str, lang: str, lines: Sequence[str], told: Told = None) -> str | None:
        assert told is None
        return ANSWER

    object.__setattr__(world.services, "write", write)
    conversation = await world.talk()
    await world.service.take_over(conversation, ZOE)
    await world.say(conversation, "Where?")
    assert await world.events(conversation, "message.delta") == []
    assert await world.events(conversation, "task") == []


async def test_looks_are_shown_as_they_are_taken_and_end_complete(world: World) -> None:
    conversation = await world.talk()
    slow = dict(world.services.looks)
    quick = slow["certificate_presented"]

    async def waits(check: Check, **about: object) -> Finding:
        await asyncio.sleep(0.6)
        return await quick(check, **about)  # type: ignore[arg-type]

    object.__setattr__(world.services, "looks", {**slow, "certificate_presented": waits})
    await world.say(conversation)
    states = [
        (str(event.payload["task"]), str(event.payload["state"]))
        for event in await world.events(conversation, "task")
    ]
    assert states[:3] == [
        (step, "in_progress") for step in ("link-tracking", "branded-link", "ssl-certificate")
    ]
    early = states[3:5]
    assert sorted(early) == [("branded-link", "complete"), ("link-tracking", "complete")]
    assert dict(states) == dict.fromkeys(("link-tracking", "branded-link", "ssl-certificate"), "complete")


async def test_a_look_that_could_not_be_taken_ends_in_error(world: World) -> None:
    world.see(certificate_presented="unknown")
    conversation = await world.talk()
    await world.say(conversation)
    last = {e.payload["task"]: e.payload["state"] for e in await world.events(conversation, "task")}
    assert last["ssl-certificate"] == "error"
