"""After an export, an erasure and the days that things are kept, every byte on disk is read: logs, too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import anchor, backups, erased
from app.erasing import erase_customer
from app.exporting import export
from app.models.conversation import Attachment, Mode
from app.models.people import Principal
from app.models.reading import Reading
from app.retention import erase_aged
from app.trail import verify
from knowledge.erasing import left
from tests.app.test_erasing import Office, learn, open_office
from tests.app.world import BOB, MODES, ZOE, claim, wants
from tests.knowledge.letters import Letters

NAME, ADDRESS = "Annabel Quist", "annabel.quist@customer.example"
ANNABEL = Principal(kind="customer", id=ADDRESS, account="acme")
LONG = "The violin of my great-aunt lies in the attic, número 3, under a blue blanket."
SHORT = "violin, ok?"
ASKED = "Where does the walrus keep the violin of my aunt?"
FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(7, 250)) * 3
TEXT_FILE = "the log says: violin string E4 broke at noon"
NOTED = "She sounded sad about the broken violin string."
BOBS = "The drums are mine, and they stay where they are, thank you very much."
AGENTS: dict[str, Mode] = {**MODES, "enable_https": "suggest"}

WORDS = (LONG, SHORT, ASKED, NAME, ADDRESS, TEXT_FILE, NOTED, "violin", "Annabel", "annabel")


def vectors() -> list[bytes]:
    return [Letters().queries([each])[0].astype("<f4").tobytes() for each in (LONG, SHORT, ASKED)]


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    """What a service writes to its log, in a file."""
    file = tmp_path / "logs" / "stepfour.log"
    file.parent.mkdir()
    handler = logging.FileHandler(file)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield file.parent
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


async def played(office: Office) -> None:
    """Annabel writes in two places, is answered, acts, sends files, is noted about; Bob writes beside her."""
    world, store = office.world, office.world.store
    world.accounts.roles["acme", ADDRESS] = "owner"
    world.see(certificate_presented="met", click_tracking_on="met", branded_link_set_up="met")
    context = {"_user": "U0ANNABEL", "_name": NAME, "_channel": "C1"}
    there = await store.open_conversation(ANNABEL, "slack", context=context, id="slack-T1-C1-1.0")
    await store.link("slack:T1:U0ANNABEL", ANNABEL, "slack_email")
    await world.service.link_code(ANNABEL)
    await store.receive("k1", "slack", {"event": {"text": SHORT, "user": "U0ANNABEL"}, "name": NAME})
    await store.received_done("k1")
    await store.receive("k2", "slack", {"event": {"text": "hm", "user": "U0ANNABEL"}, "name": NAME})
    for _ in range(5):  # it cannot be worked off, and is left for a person
        await store.received_failed("k2")
    here = await world.talk(ANNABEL)
    said = claim("link-tracking", quote="lies in the attic")
    await world.say(here, LONG, wants(claims=(said,)))
    for request in await store.requests("proposed"):
        await world.service.decide_request(request.id, "approve", ZOE)
    await world.service.idle()
    await world.say(there, SHORT, Reading(speech="thanks"))
    await world.say(there, ASKED, Reading(speech="question", request=ASKED))
    for text in (LONG, SHORT, ASKED):
        office.knowledge.search(text)
    for id, name, content in (("f1", "violin.png", FILE), ("f2", "a.txt", TEXT_FILE.encode())):
        type = "image/png" if id == "f1" else "text/plain"
        file = Attachment(id=id, name=name, type=type, size=len(content))
        await store.keep_attachment(here, file, content)
    await world.service.take_over(here, ZOE)
    await world.service.send_as_agent(here, f"Hello {NAME}, this is Zoe.", ZOE, client_id="z")
    await world.service.note(here, NOTED, ZOE)
    await world.service.give_back(here, ZOE)
    await world.service.ask_for_person(there)
    await store.seen(here, ZOE)
    await world.say(await world.talk(BOB), BOBS, Reading(speech="thanks"))


def nothing_of_her(*folders: Path) -> None:
    for folder in folders:
        pieces = [FILE, FILE[8:250], *vectors()]
        assert [str(file) for file in left(folder, WORDS, pieces)] == []


@pytest.mark.parametrize("way", ["erased", "too old"])
async def test_no_byte_of_her_is_left(tmp_path: Path, logs: Path, way: str) -> None:
    data = tmp_path / "data"
    async with open_office(data) as office:
        await learn(office, tmp_path / "docs")
        office.world.settings = office.world.settings.model_copy(
            update={"modes": AGENTS, "keep_days": 30.0, "keep_open_days": 30.0}
        )
        if way == "too old":
            office.world.at = datetime.now(UTC) - timedelta(days=40)
        await played(office)
        assert len(left(data, WORDS)) >= 2, "tables and a file"
        assert left(data, (), vectors())
        with (tmp_path / "annabel.zip").open("wb") as out:
            found = export(data, ANNABEL.party, out, office.world.clock())
        assert (found.conversations, found.files) == (2, 2)
        before = backups.create(office.world.settings, datetime.now(UTC) - timedelta(days=29))
        result = await gone(office, way)
        assert result["left"] == []
        nothing_of_her(data, logs)
        list_of_erased = erased.folder(office.world.settings) / erased.FILE
        if way == "erased":
            nothing_of_her(list_of_erased.parent / "nowhere")
            assert not any(word.encode() in list_of_erased.read_bytes() for word in WORDS)
            assert left(data, [BOBS]), "Bob's is as it was"
        assert verify(data, data / anchor.FILE).fault is None
        # A copy of before holds her until its time is over.
        copy = erased.folder(office.world.settings) / before.name
        assert left(copy, [LONG])
        assert backups.prune(office.world.settings, datetime.now(UTC) + timedelta(days=2)) == [before.name]
        nothing_of_her(erased.folder(office.world.settings))
    nothing_of_her(data, logs)


async def gone(office: Office, way: str) -> dict[str, Any]:
    if way == "erased":
        return await office.do(erase_customer, party=ANNABEL.party, sure=True)
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(office.folder / "stepfour.db")) as db, db:
        db.execute("DELETE FROM follow_up")  # the looks after the change have come and gone
    result = await office.do(erase_aged)
    assert result["customers"] == 2, "Bob has said nothing for as long"
    return result
