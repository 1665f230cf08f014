"""Erased is erased: the data folder of a service that talked is read byte by byte."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import pkgutil
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from app import anchor
from app.erasing import FILE, erase_customer, erase_document, go_on
from app.errors import BadInput, NotFound
from app.main import running
from app.models.conversation import Attachment
from app.models.reading import Reading
from app.settings import Settings
from app.trail import verify
from ingest.sync import sync
from knowledge import findings
from knowledge.erasing import left
from knowledge.health.finding import Evidence
from knowledge.model import Place, Source, cite
from knowledge.phrases import phrase
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


@asynccontextmanager
async def open_office(data: Path) -> AsyncIterator[Office]:
    knowledge = await asyncio.to_thread(Knowledge.open, data, encoder=Letters())
    try:
        async with open_world(data) as world:
            yield Office(data, world, knowledge)
    finally:
        await asyncio.to_thread(knowledge.close)


def write_pages(docs: Path) -> None:
    docs.mkdir()
    (docs / "walrus.md").write_text(f"# Walrus\n\n{RULE}\n")
    (docs / "bees.md").write_text("# Bees\n\nBees dance on Mondays only.\n")


async def learn(office: Office, docs: Path) -> None:
    write_pages(docs)
    source = Source(id="docs", location=str(docs))
    await asyncio.to_thread(sync, office.knowledge, source, checks=None, actions=None)
    office.world.library.hits = office.knowledge.search(QUESTION)  # whatever is asked, they say that


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path / "data") as office:
        await learn(office, tmp_path / "docs")
        yield office


async def asked(office: Office, who: Any = ANN, question: str = QUESTION) -> str:
    conversation = await office.world.talk(who)
    reading = Reading(speech="question", request=question)
    turn = await office.world.say(conversation, question, reading)
    assert turn.decision.kind == "answer"
    return conversation


async def told(office: Office) -> tuple[str, str]:
    """Ann's words are wherever words can be; Bob wrote, too. Their conversations."""
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
        why=phrase("marked_wrong"),
        evidence=Evidence(conversation=mine, message="m", quote=PRIVATE),
    )
    return mine, theirs


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
    mine, theirs = await told(office)
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


# --- cut off --------------------------------------------------------------------------------------

CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload([__name__])

Point = tuple[Literal["before", "after"], str]
"""Where the process dies: before or after the first call of a function."""

EVERYWHERE: tuple[Point, ...] = (
    ("before", "app.erasing:_write_down"),
    ("after", "app.erasing:_write_down"),
    ("before", "app.adapters.erasing:scrub"),
    ("after", "app.adapters.erasing:scrub"),
    ("after", "knowledge.findings:forget"),
    ("after", "knowledge.embedding:CachedEncoder.forget"),
    ("before", "knowledge.store:Knowledge.rebuild"),
    ("after", "knowledge.store:Knowledge.rebuild"),
    ("after", "knowledge.erasing:scrub"),
    ("before", "knowledge.erasing:left"),
    ("after", "knowledge.erasing:left"),
)
OF_CUSTOMERS: tuple[Point, ...] = (
    ("before", "app.adapters.erasing:_forget_proofs"),  # rows are deleted, nothing is committed
    ("after", "app.erasing:_erase_theirs"),
)
OF_DOCUMENTS: tuple[Point, ...] = (
    ("before", "knowledge.erasing:_drop_upload"),
    ("after", "knowledge.erasing:_drop_rows"),
    ("after", "knowledge.erasing:erase_document"),
)
CUSTOMER = (erase_customer, {"party": ANN.party, "sure": True})
DOCUMENT = (erase_document, {"document": ID, "by": "zoe", "sure": True})


def killed(data: Path, what: Any, point: Point, **settings: Any) -> None:
    """A process that erases is killed at a point. Settings are handed over: it is forked from one that may
    have begun before they were in the environment."""
    child = CHILDREN.Process(target=_erase_and_die, args=(data, *what, point, settings))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL, f"{point} was never passed"


def _erase_and_die(
    data: Path, command: Any, args: dict[str, Any], point: Point, settings: dict[str, Any]
) -> None:
    when, name = point
    owner, _, last = name.replace(":", ".").rpartition(".")
    holder = pkgutil.resolve_name(owner)
    original = getattr(holder, last)

    def dying(*given: Any, **named: Any) -> Any:
        if when == "before":
            _die()
        result = original(*given, **named)
        return _die_after(result) if asyncio.iscoroutine(result) else _die()

    setattr(holder, last, dying)
    knowledge = Knowledge.open(data, encoder=Letters())
    command(knowledge, Settings(_env_file=None, data_dir=data, **settings), args, lambda _: None)


async def _die_after(work: Coroutine[Any, Any, Any]) -> None:
    await work
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which Ann and Bob were answered from a page; to be copied."""
    made = tmp_path_factory.mktemp("office")

    async def fill() -> None:
        async with open_office(made / "data") as office:
            await learn(office, made / "docs")
            await told(office)

    asyncio.run(fill())
    return made / "data"


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "data")


def started(data: Path) -> None:
    """What a start of the service does about it."""
    knowledge = Knowledge.open(data, encoder=Letters())
    try:
        go_on(knowledge, Settings(_env_file=None, data_dir=data))
    finally:
        knowledge.close()


def again(data: Path, what: Any) -> dict[str, Any]:
    """The command, given once more."""
    command, args = what
    knowledge = Knowledge.open(data, encoder=Letters())
    try:
        result: dict[str, Any] = command(
            knowledge, Settings(_env_file=None, data_dir=data), args, lambda _: None
        )
        return result
    finally:
        knowledge.close()


def of_ann(data: Path) -> list[str]:
    vector = Letters().queries([PRIVATE])[0].astype("<f4").tobytes()
    return [file.name for file in left(data, [PRIVATE], [vector])]


def of_the_walrus(data: Path) -> list[str]:
    vector = Letters().passages([f"Walrus\n{RULE}"])[0].astype("<f4").tobytes()
    return [file.name for file in left(data, [RULE], [vector])]


@pytest.mark.parametrize("point", [*EVERYWHERE, *OF_CUSTOMERS], ids=" ".join)
def test_erasing_a_customer_is_gone_on_with_at_the_next_start(data: Path, point: Point) -> None:
    killed(data, CUSTOMER, point)
    started(data)
    if point == EVERYWHERE[0]:  # nothing had been written down, so nothing has gone
        assert {"stepfour.db", "f1"} <= set(of_ann(data))
    else:
        assert of_ann(data) == []
        assert left(data, [OTHERS]), "Bob's is as it was"
    assert not (data / FILE).exists()


@pytest.mark.parametrize("point", [*EVERYWHERE, *OF_DOCUMENTS], ids=" ".join)
def test_erasing_a_document_is_gone_on_with_at_the_next_start(data: Path, point: Point) -> None:
    killed(data, DOCUMENT, point)
    started(data)
    if point == EVERYWHERE[0]:
        assert {"stepfour.db", "knowledge.db"} <= set(of_the_walrus(data))
    else:
        assert of_the_walrus(data) == []
        assert left(data, [PRIVATE]), "what the customer wrote is as it was"
    assert not (data / FILE).exists()


@pytest.mark.parametrize(
    "point", [("after", "app.erasing:_write_down"), ("before", "knowledge.erasing:left")]
)
def test_the_command_given_once_more_goes_on(data: Path, point: Point) -> None:
    killed(data, CUSTOMER, point)
    result = again(data, CUSTOMER)
    assert result == {"party": ANN.party, "conversations": 1, "cases": 1, "files": 1, "left": []}
    assert of_ann(data) == []
    with pytest.raises(NotFound, match="no customer"):
        again(data, CUSTOMER)


@pytest.mark.parametrize("full", ["knowledge.store:Knowledge.rebuild", "app.adapters.erasing:_forget_proofs"])
def test_what_cannot_be_ended_stops_no_start_and_is_ended_later(
    data: Path, full: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    killed(data, CUSTOMER, ("after", "app.erasing:_write_down"))
    with monkeypatch.context() as without_room:
        without_room.setattr(full.replace(":", "."), fail)
        started(data)
        assert "not gone yet" in caplog.text
        assert "disk is full" in caplog.text
        with pytest.raises(BadInput, match=r"disk is full\)\. (?:Mend that, and e|E)rase again"):
            again(data, DOCUMENT)
    assert (data / FILE).exists()
    started(data)
    assert of_ann(data) == []
    assert not (data / FILE).exists()


async def test_the_service_goes_on_with_it_before_it_serves(
    data: Path, filled: Callable[..., Path], tmp_path: Path
) -> None:
    killed(data, CUSTOMER, ("before", "knowledge.store:Knowledge.rebuild"))
    served = filled(tmp_path / "served", encoder_only=True)
    shutil.copytree(data, served, dirs_exist_ok=True)
    write_pages(tmp_path / "pages")
    settings = Settings(_env_file=None, data_dir=served, pages=tmp_path / "pages")
    async with running(settings):
        assert of_ann(served) == []
        assert not (served / FILE).exists()


def test_another_command_first_goes_on_with_what_was_cut_off(data: Path) -> None:
    killed(data, CUSTOMER, ("before", "app.adapters.erasing:scrub"))
    killed(data, DOCUMENT, ("before", "knowledge.erasing:_drop_upload"))
    assert of_ann(data) == []
    assert of_the_walrus(data), "and this is cut off now"
    with pytest.raises(BadInput, match="is not known"):
        again(data, (erase_document, {"document": "docs:nobody.md", "by": "zoe"}))
    assert of_the_walrus(data) == []


def test_the_note_is_for_its_owner_alone_and_holds_few_words(data: Path) -> None:
    killed(data, CUSTOMER, ("after", "app.erasing:_write_down"))
    assert (data / FILE).stat().st_mode & 0o777 == 0o600
    kept = json.loads((data / FILE).read_text())
    assert set(kept["theirs"]) == {"party", "conversations", "cases", "files", "words", "whole"}
    assert kept["theirs"]["words"] == [PRIVATE]


def test_a_note_that_was_cut_off_itself_is_nothing(data: Path) -> None:
    killed(data, CUSTOMER, ("after", "app.erasing:_write_down"))
    (data / FILE).write_bytes((data / FILE).read_bytes()[:-20])
    started(data)
    assert not (data / FILE).exists()
    assert of_ann(data), "nothing had gone by then"


def test_a_note_that_nobody_can_read_stops_the_next_but_not_the_service(data: Path) -> None:
    (data / FILE).write_text('{"kind": "planet"}')
    started(data)
    with pytest.raises(BadInput, match=r"erasing\.json is of another version\. Erase with that one"):
        again(data, CUSTOMER)
    assert of_ann(data)
