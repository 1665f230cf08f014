"""Erased is erased: the data folder of a service that talked is read byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app import anchor
from app.erasing import erase_customer, erase_document
from app.errors import BadInput, NotFound
from app.models import Attachment, Reading
from app.trail import verify
from ingest.sync import sync
from knowledge import findings
from knowledge.erasing import left
from knowledge.findings import Evidence
from knowledge.model import Place, Source, cite
from knowledge.store import Knowledge
from tests.app.world import ANN, BOB, World, open_world
from tests.knowledge.letters import Letters

RULE = "The walrus keeps its savings under the third lighthouse."
ID = "docs:walrus.md"
QUESTION = "Where does the walrus keep what it saved, tell me?"
PRIVATE = "My grandmother's bicycle stands behind the blue greenhouse, número 7."
OTHERS = "And bees, do they dance on Sundays as well, please?"


class Office:
    def __init__(self, folder: Path, world: World, knowledge: Knowledge) -> None:
        self.folder, self.world, self.knowledge = folder, world, knowledge

    def holds(self, *words: str) -> list[str]:
        return [str(file.relative_to(self.folder)) for file in left(self.folder, words)]

    async def do(self, command: Any, **args: Any) -> dict[str, Any]:
        result: dict[str, Any] = await asyncio.to_thread(
            command, self.knowledge, self.world.settings, args, lambda _: None
        )
        return result


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "walrus.md").write_text(f"# Walrus\n\n{RULE}\n")
    (docs / "bees.md").write_text("# Bees\n\nBees dance on Mondays only.\n")
    knowledge = await asyncio.to_thread(Knowledge.open, tmp_path / "data", encoder=Letters())
    source = Source(id="docs", location=str(docs))
    await asyncio.to_thread(sync, knowledge, source, checks=None, actions=None)
    async with open_world(tmp_path / "data") as world:
        world.library.hits = knowledge.search(QUESTION)  # what the documents say to whatever is asked
        yield Office(tmp_path / "data", world, knowledge)
    await asyncio.to_thread(knowledge.close)


async def asked(office: Office, who: Any = ANN, question: str = QUESTION) -> str:
    conversation = await office.world.talk(who)
    reading = Reading(speech="question", request=question)
    turn = await office.world.say(conversation, question, reading)
    assert turn.decision.kind == "answer"
    return conversation


async def test_an_erased_document_is_in_no_reply_and_no_record(office: Office) -> None:
    conversation = await asked(office)
    assert any(RULE in text for text in await office.world.replies(conversation))
    assert any(name.startswith("stepfour.db") for name in office.holds(RULE))
    with pytest.raises(BadInput, match=r"is served now\. Take it out of its source first, or .* --yes"):
        await office.do(erase_document, document=ID, by="zoe")
    result = await office.do(erase_document, document=ID, by="zoe", sure=True)
    assert (result["left"], result["title"]) == ([], "Walrus")
    assert result["rows"] >= 3, "the turn, the message and its event"
    assert office.holds(RULE) == []
    [reply] = await office.world.replies(conversation)
    assert "[erased]" in reply
    assert verify(office.folder, office.folder / anchor.FILE).fault is None, "and the trail knows of it"
    # What the customer wrote stays, and the conversation goes on.
    assert (await office.world.store.messages(conversation))[0].text == QUESTION
    done = (await office.world.events(conversation, "message.done"))[-1]
    assert "Walrus" in str(done.payload), "its title is still named"


async def test_an_erased_customer_is_nowhere_and_the_others_are_as_they_were(office: Office) -> None:
    world = office.world
    mine, theirs = await asked(office, question=PRIVATE), await asked(office, BOB, OTHERS)
    file = Attachment(id="f1", name="note.txt", type="text/plain", size=5, text=PRIVATE)
    await world.store.keep_attachment(mine, file, PRIVATE.encode())
    await world.store.receive("k1", "slack", {"event": {"text": f"> {PRIVATE}"}})
    office.knowledge.search(PRIVATE)  # its vector is cached
    passage = office.knowledge.search(RULE)[0].passage
    findings.report(
        office.knowledge.db,
        kind="marked_wrong",
        place=Place(document=ID, quote=cite(passage, RULE).quote),
        why="the customer said so",
        evidence=Evidence(conversation=mine, message="m", quote=PRIVATE),
    )
    vector = Letters().queries([PRIVATE])[0].astype("<f4").tobytes()
    assert left(office.folder, (), [vector])
    assert len(office.holds(PRIVATE)) >= 3

    with pytest.raises(BadInput, match="--yes"):
        await office.do(erase_customer, party=ANN.party)
    result = await office.do(erase_customer, party=ANN.party, sure=True)
    assert (result["left"], result["conversations"], result["files"]) == ([], 1, 1)
    assert office.holds(PRIVATE) == []
    assert left(office.folder, (), [vector]) == []
    assert await world.store.conversation(mine) is None
    assert verify(office.folder, office.folder / anchor.FILE).fault is None
    assert await world.store.received_to_do("slack") == []
    assert not await world.store.receive("k1", "slack", {}), "a retry of it is no news"
    assert findings.findings(office.knowledge.db) == []
    # Bob's is as it was, and so is what the documents say.
    assert (await world.store.messages(theirs))[0].text == OTHERS
    assert (await world.say(theirs, "Thanks a lot!", Reading(speech="thanks"))).decision is not None
    assert office.knowledge.search(RULE)[0].passage.document == ID
    with pytest.raises(NotFound, match="no customer"):
        await office.do(erase_customer, party=ANN.party, sure=True)


async def test_nobody_is_erased_while_an_action_runs_for_them(office: Office) -> None:
    world = office.world
    conversation = await world.talk()
    await world.say(conversation)
    [request] = await world.store.requests()
    await world.store.move(request, "executing")
    with pytest.raises(BadInput, match="an action runs for this customer"):
        await office.do(erase_customer, party=ANN.party, sure=True)
    assert await world.store.conversation(conversation) is not None
