"""Nothing is kept for longer than the settings say, and what is open is not cut off."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import anchor
from app.adapters.sql import FILE as DB
from app.erasing import erase_customer
from app.errors import BadInput
from app.models.conversation import Attachment
from app.models.people import Principal
from app.models.reading import Reading
from app.retention import erase_aged
from app.spending import Call, Caps
from app.trail import verify
from knowledge.erasing import left
from tests.app.test_erasing import Office, killed, open_office, started
from tests.app.world import ANN, BOB, VISITOR, wants
from tests.knowledge.letters import Letters

OLD = "The old violin lies in the attic, under the blue blanket, número 3."
NEW = "A new trumpet has come, and it is much louder than the other one."
OTHERS = "Whoever plays the drums does so on Sundays, at the other end of town."
FILE = b"\x89PNG\r\n\x1a\nviolin in the attic"
THANKS = Reading(speech="thanks")
AGED: tuple[Any, dict[str, Any]] = (erase_aged, {})


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Its clock stands where the test's does: what is old was said 100 days ago."""
    async with open_office(tmp_path / "data") as made:
        made.world.settings = made.world.settings.model_copy(update={"keep_days": 90.0})
        made.world.at = datetime.now(UTC) - timedelta(days=100)
        yield made


async def said(office: Office, who: Principal, text: str, channel: str = "web") -> str:
    here = await office.world.talk(who, channel)
    await office.world.say(here, text, THANKS)
    await ended(office)
    return here


async def ended(office: Office) -> None:
    """Every case that there is has ended."""
    with closing(sqlite3.connect(office.folder / DB)) as db, db:
        db.execute("UPDATE case_ SET state = 'closed', value = json_set(value, '$.state', 'closed')")


async def aged(office: Office, **args: Any) -> dict[str, Any]:
    return await office.do(erase_aged, **args)


def holds(office: Office) -> None:
    assert verify(office.folder, office.folder / anchor.FILE).fault is None


async def test_what_is_old_goes_with_its_file_and_its_vector_and_the_rest_stays(office: Office) -> None:
    old = await said(office, ANN, OLD)
    file = Attachment(id="f1", name="v.png", type="image/png", size=len(FILE))
    await office.world.store.keep_attachment(old, file, FILE)
    office.knowledge.search(OLD)
    others = await said(office, BOB, OTHERS)
    office.world.at = datetime.now(UTC)
    new = await said(office, ANN, NEW)
    await office.world.say(others, "And on Mondays, too.", THANKS)

    would = await aged(office, dry=True)
    assert (would["conversations"], would["files"], would["forgotten"]) == ([old], 1, 0)
    assert office.holds(OLD), "a dry run takes nothing"
    went = await aged(office)
    assert (went["conversations"], went["left"]) == ([old], [])
    vector = Letters().queries([OLD])[0].astype("<f4").tobytes()
    assert left(office.folder, [OLD, "violin in the attic"], [vector]) == []
    assert (await office.world.store.messages(new))[0].text == NEW
    assert office.holds(OTHERS), "somebody wrote there lately"
    holds(office)
    assert (await aged(office))["conversations"] == []


async def test_the_salt_of_a_conversation_goes_with_it_and_its_customer_keeps_theirs(office: Office) -> None:
    old = await said(office, ANN, OLD)
    office.world.at = datetime.now(UTC)
    new = await said(office, ANN, NEW)
    await aged(office)
    with closing(sqlite3.connect(office.folder / DB)) as db:
        assert db.execute("SELECT conversation FROM audit_salt").fetchall() == [(new,)]
        assert db.execute("SELECT party FROM audit_name").fetchall() == [(ANN.party,)]
        lines = db.execute("SELECT code FROM audit WHERE what = 'erased' AND conversation = ?", [old])
        assert lines.fetchall() == [("conversation",)]
    holds(office)
    with closing(sqlite3.connect(office.folder / DB)) as db, db:
        db.execute("DELETE FROM message WHERE conversation = ?", [new])
    found = verify(office.folder, office.folder / anchor.FILE).fault
    assert found is not None
    assert found.wrong == "words", "nothing else may go like that"


def call(who: Principal, at: datetime) -> Call:
    return Call(
        id=f"l_{at:%j}_{who.id}", at=at, party=who.party, account=who.account, role="reader", model="m",
        tokens_in=9, tokens_out=1, money=0.5,
    )  # fmt: skip


@pytest.mark.parametrize("others", [True, False])
async def test_what_old_calls_of_a_model_cost_stays_and_not_whose_they_were(
    office: Office, others: bool
) -> None:
    store, now = office.world.store, datetime.now(UTC)
    old, new = call(ANN, now - timedelta(days=100)), call(ANN, now)
    for each in (old, new):
        await store.open_call(each, tokens=Caps(), money=Caps())
    if others:  # a conversation that goes with them
        await said(office, BOB, OLD)
    await aged(office)
    kept = {each.id: each for each in await store.calls()}
    assert (kept[old.id].party, kept[old.id].account, kept[old.id].money) == (None, None, 0.5)
    assert kept[new.id] == new


async def test_a_call_that_ends_after_its_customer_was_erased_names_them_no_more(office: Office) -> None:
    store = office.world.store
    await said(office, ANN, OLD)
    open_one = call(ANN, datetime.now(UTC))
    await store.open_call(open_one, tokens=Caps(), money=Caps())
    await office.do(erase_customer, party=ANN.party, sure=True)
    await store.close_call(open_one.model_copy(update={"tokens_in": 5, "ended": "answered"}))
    (ended,) = await store.calls()
    assert (ended.party, ended.account, ended.tokens_in, ended.ended) == (None, None, 5, "answered")


async def test_who_has_nothing_left_is_forgotten(office: Office) -> None:
    await said(office, VISITOR, OLD)
    went = await aged(office)
    assert (went["customers"], went["forgotten"]) == (1, 1)
    with closing(sqlite3.connect(office.folder / DB)) as db:
        assert db.execute("SELECT count(*) FROM audit_name").fetchone() == (0,)
    holds(office)


@pytest.mark.parametrize("what", ["open", "asked", "waiting", "handed_off"])
async def test_an_open_case_keeps_all_that_was_said_of_it(office: Office, what: str) -> None:
    here = await office.world.talk()
    await office.world.say(here, OLD, wants())
    with closing(sqlite3.connect(office.folder / DB)) as db, db:
        db.execute("UPDATE case_ SET state = ?, value = json_set(value, '$.state', ?)", [what, what])
        db.execute("DELETE FROM watch")
        db.execute("UPDATE action_request SET state = 'refused'")
        db.execute("DELETE FROM follow_up")
        db.execute("UPDATE conversation SET status = 'with_agents'")
    kept = await aged(office)
    assert (kept["conversations"], kept["stays_open"]) == ([], 1)
    settings = office.world.settings.model_copy(update={"keep_open_days": 95.0})
    office.world.settings = settings
    assert (await aged(office))["conversations"] == [here], "and goes once nothing happens in it for so long"


async def test_what_waits_for_a_yes_is_open_whatever_the_settings_say(office: Office) -> None:
    office.world.settings = office.world.settings.model_copy(update={"keep_open_days": 1.0})
    here = await office.world.talk()
    await office.world.say(here, OLD, wants())
    await ended(office)
    (request,) = await office.world.store.requests()
    with closing(sqlite3.connect(office.folder / DB)) as db, db:
        db.execute("DELETE FROM watch")
        db.execute("DELETE FROM follow_up")
        db.execute("UPDATE action_request SET state = 'proposed' WHERE id = ?", [request.id])
    assert (await aged(office))["conversations"] == []


async def test_a_message_that_nobody_read_yet_keeps_its_conversation(office: Office) -> None:
    here = await office.world.talk()
    await office.world.accept(here, OLD)
    assert (await aged(office))["conversations"] == []


async def test_a_matter_goes_as_a_whole(office: Office) -> None:
    """A case that was spoken of in two places: the old place stays while the new one does."""
    first = await office.world.talk()
    await office.world.say(first, OLD, wants())
    office.world.at = datetime.now(UTC)
    second = await office.world.talk(ANN, "slack")
    await office.world.say(second, NEW, wants())
    await ended(office)
    with closing(sqlite3.connect(office.folder / DB)) as db, db:
        db.execute("DELETE FROM follow_up")
        spoken = db.execute("SELECT count(DISTINCT case_) FROM turn").fetchone()
    assert spoken == (1,)
    assert (await aged(office))["conversations"] == []
    assert office.holds(OLD)


async def test_who_writes_while_it_is_looked_for_keeps_what_they_wrote(office: Office) -> None:
    here, there = await said(office, ANN, OLD), await said(office, BOB, OTHERS)
    store = office.world.store
    before = datetime.now(UTC) - timedelta(days=90)
    found = await store.aged(before, None)
    assert set(found.conversations) == {here, there}
    office.world.at = datetime.now(UTC)
    await office.world.accept(here, "I am here again.")
    assert await store.erase_aged(found, before, None) == (there,)
    assert await store.said_no_more([OLD, OTHERS]) == (OTHERS,)
    assert (await store.messages(here))[0].text == OLD


async def test_proofs_that_ended_and_old_news_go_too(office: Office) -> None:
    store, at = office.world.store, office.world.at
    await said(office, ANN, OLD)
    await store.keep_session("a" * 64, "zoe", "link", at + timedelta(hours=12))
    await store.keep_one_time("b" * 64, "link", BOB, at + timedelta(minutes=10))
    await store.remember_visitor("c" * 64)
    last = await store.last_seq("agents")
    await aged(office)
    with closing(sqlite3.connect(office.folder / DB)) as db:
        for table in ("session", "one_time", "visitor", "conversation", "message", "turn"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert await store.last_seq("agents") == last, "numbers go on"


async def test_without_a_setting_everything_is_kept(office: Office) -> None:
    office.world.settings = office.world.settings.model_copy(update={"keep_days": None})
    with pytest.raises(BadInput, match="STEPFOUR_KEEP_DAYS"):
        await aged(office)


@pytest.mark.parametrize(
    "point",
    [
        ("after", "app.erasing:_write_down"),
        ("before", "app.adapters.aging:_drop_stale"),  # rows are deleted, nothing is committed
        ("before", "app.adapters.aging:scrub"),
        ("after", "app.erasing:_erase_aged"),
        ("before", "knowledge.store:Knowledge.rebuild"),
        ("before", "knowledge.erasing:left"),
    ],
    ids=" ".join,
)
def test_cut_off_anywhere_it_is_gone_on_with(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"

    async def fill() -> None:
        async with open_office(data) as made:
            made.world.at = datetime.now(UTC) - timedelta(days=100)
            old = await said(made, ANN, OLD)
            file = Attachment(id="f1", name="v.png", type="image/png", size=len(FILE))
            await made.world.store.keep_attachment(old, file, FILE)
            made.knowledge.search(OLD)
            made.world.at = datetime.now(UTC)
            await said(made, BOB, OTHERS)

    asyncio.run(fill())
    monkeypatch.setenv("STEPFOUR_KEEP_DAYS", "90")
    killed(data, AGED, point, keep_days=90.0)
    started(data)
    vector = Letters().queries([OLD])[0].astype("<f4").tobytes()
    assert left(data, [OLD, "violin in the attic"], [vector]) == []
    assert left(data, [OTHERS])
    assert verify(data, data / anchor.FILE).fault is None
    assert not (data / "erasing.json").exists()
