"""Copies while the service runs, gone by age; put back, nobody returns and nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import anchor, backups, erased
from app.adapters.sql import FILE as DB
from app.adapters.store import Store
from app.backups import MANIFEST
from app.backups import backups as kept
from app.commands.keys import KEYS
from app.erasing import erase_customer, erase_document, go_on
from app.errors import BadInput, ConfigError
from app.main import utc_now
from app.models.conversation import Mode
from app.settings import Settings
from app.trail import exported, verify
from knowledge.erasing import left
from knowledge.store import Knowledge
from tests.app.test_erasing import ID, OTHERS, PRIVATE, RULE, learn, open_office, told
from tests.app.world import ANN, BOB, MODES, PLEASE, ZOE, World, open_world
from tests.knowledge.letters import Letters

AGENTS: dict[str, Mode] = {**MODES, "enable_https": "suggest"}
LATER = timedelta(seconds=5)


def settings(data: Path, **fields: Any) -> Settings:
    return Settings(_env_file=None, data_dir=data, **fields)


def letters(of: Settings) -> Knowledge:
    return Knowledge.open(of.data_dir, encoder=Letters())


def restore(data: Path, name: str | None = None) -> backups.Restored:
    of = settings(data)
    return backups.restore(of, backups.named(of, name), utc_now(), opened=letters)


def of_ann(folder: Path) -> list[str]:
    vector = Letters().queries([PRIVATE])[0].astype("<f4").tobytes()
    return [str(file.relative_to(folder)) for file in left(folder, [PRIVATE], [vector])]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder in which Ann and Bob were answered from a page, with one backup of it."""

    async def fill() -> None:
        async with open_office(tmp_path / "data") as office:
            await learn(office, tmp_path / "docs")
            await told(office)
            anchor.write(office.folder / anchor.FILE, await head(office.world.store))

    asyncio.run(fill())
    backups.create(settings(tmp_path / "data"), datetime.now(UTC) - timedelta(days=1))
    return tmp_path / "data"


async def head(store: Store) -> Any:
    found = await store.audit_head()
    assert found is not None
    return found


def erase(data: Path, command: Any = erase_customer, **args: Any) -> dict[str, Any]:
    knowledge = letters(settings(data))
    try:
        args = args or {"party": ANN.party}
        result: dict[str, Any] = command(knowledge, settings(data), {**args, "sure": True}, lambda _: None)
        return result
    finally:
        knowledge.close()


# --- copies -------------------------------------------------------------------------------------


def test_a_copy_is_whole_private_and_without_caches(data: Path) -> None:
    (made,) = kept(settings(data))
    assert set(made.files) == {DB, "knowledge.db", "attachments/f1"}
    assert backups.check(settings(data), made) == []
    folder = erased.folder(settings(data)) / made.name
    assert {f.stat().st_mode & 0o077 for f in folder.rglob("*")} == {0}
    with closing(sqlite3.connect(folder / DB)) as db:
        assert db.execute("SELECT count(*) FROM message").fetchone() != (0,)


@pytest.mark.parametrize("harm", ["changed", "gone", "added", "manifest"])
def test_a_copy_that_is_not_as_it_was_is_known(data: Path, harm: str) -> None:
    (made,) = kept(settings(data))
    folder = erased.folder(settings(data)) / made.name
    match harm:
        case "changed":
            (folder / "attachments" / "f1").write_bytes(b"something else")
        case "gone":
            (folder / DB).unlink()
        case "added":
            (folder / "attachments" / "f2").write_bytes(b"more")
        case "manifest":
            (folder / MANIFEST).write_text("{")
            assert kept(settings(data)) == [], "half of a copy is none"
            return
    assert backups.check(settings(data), made)
    with pytest.raises(BadInput, match="cannot be put back"):
        restore(data)
    assert of_ann(data), "and the folder is as it was"


async def test_it_is_of_one_moment_while_everybody_writes(tmp_path: Path) -> None:
    """Every message of a copy has its line in the trail, and the chain holds: 5 copies amid writes."""
    async with open_world(tmp_path / "data") as world:
        here, ending = await world.talk(), asyncio.Event()

        async def write() -> int:
            count = 0
            while not ending.is_set():
                await world.accept(here, f"word {count}", client_id=str(count))
                count += 1
            return count

        writing = asyncio.create_task(write())
        await world.store.wait_for_events(here, 0, 5)
        made = []
        for n in range(5):
            at = datetime(2026, 9, 1, 12, 0, n, tzinfo=UTC)
            made.append(await asyncio.to_thread(backups.create, world.settings, at))
        ending.set()
        written = await writing
        counts = []
        for each in made:
            assert await asyncio.to_thread(backups.check, world.settings, each) == []
            with closing(sqlite3.connect(erased.folder(world.settings) / each.name / DB)) as db:
                counts += db.execute("SELECT count(*) FROM message").fetchone()
    assert counts == sorted(counts)
    assert 0 < counts[0] <= counts[-1] <= written


def test_copies_go_by_age_and_the_list_with_the_last_that_needs_it(data: Path) -> None:
    of = settings(data, backup_days=10)
    now = datetime.now(UTC)
    old = backups.create(of, now - timedelta(days=11))
    half = erased.folder(of) / "2026-01-01T000000Z.part"
    half.mkdir()
    os.utime(half, (0, 0))
    erase(data)
    assert len(erased.entries(of)) == 1
    assert backups.prune(of, now) == [old.name]
    assert not half.exists()
    assert [each.name for each in kept(of)] != []
    assert backups.prune(of, now + timedelta(days=10)) != []
    assert kept(of) == []
    assert left(erased.folder(of), [PRIVATE]) == [], "what was erased is in none of them"
    assert erased.entries(of), "the erasure is as young as a copy may be"
    backups.prune(of, now + timedelta(days=11))
    assert erased.entries(of) == []


def test_a_disk_without_room_leaves_no_half_of_a_copy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_copy", full)
    with pytest.raises(ConfigError, match=r"No space left.*Make room"):
        backups.create(settings(data), datetime.now(UTC))
    assert len(kept(settings(data))) == 1
    assert list(erased.folder(settings(data)).glob("*.part")) == []


# --- back again ---------------------------------------------------------------------------------


def test_erasing_says_until_when_a_copy_holds_it(data: Path) -> None:
    (made,) = kept(settings(data))
    until = datetime.fromisoformat(erase(data)["backups_until"])
    assert until == made.made_at + timedelta(days=30)


def test_nobody_returns_from_the_dead(data: Path) -> None:
    erase(data)
    assert of_ann(data) == []
    found = restore(data)
    assert found.erased_again == 1
    assert of_ann(data) == []
    assert left(data, [OTHERS]), "Bob's is back"
    assert verify(data, data / anchor.FILE).fault is None
    assert restore(data).erased_again == 1, "each time that the copy is put back"
    names = (erased.folder(settings(data)) / erased.FILE).read_text()
    assert "ann" not in names
    assert "acme" not in names


def test_an_erasure_is_written_down_after_a_line_that_a_crash_cut_off(data: Path) -> None:
    file = erased.folder(settings(data)) / erased.FILE
    file.write_text('{"id": "a", "at"')
    erase(data)
    assert len(erased.entries(settings(data))) == 1
    restore(data)
    assert of_ann(data) == []


def test_what_was_set_aside_in_the_same_second_stays(data: Path) -> None:
    of, now = settings(data), utc_now()
    put_back = [backups.restore(of, backups.named(of, None), now, opened=letters) for _ in range(2)]
    aside = {each.replaced for each in put_back} | {each.anchor for each in put_back} - {None}
    assert len({each.replaced for each in put_back}) == 2
    assert all(each is not None and Path(each).exists() for each in aside)


def test_nor_a_document(data: Path) -> None:
    erase(data, erase_document, document=ID, by="zoe")
    assert restore(data).erased_again == 1
    assert left(data, [RULE]) == []


def test_who_comes_back_after_their_erasure_is_somebody_new(data: Path) -> None:
    """Also where the copy is of before they first wrote."""
    erase(data)

    async def again(text: str) -> None:
        async with open_office(data) as office:
            await office.world.say(await office.world.talk(ANN), text)

    asyncio.run(again("I am here again, and this is mine."))
    knowledge = letters(settings(data))
    go_on(knowledge, settings(data))
    knowledge.close()
    assert left(data, ["I am here again, and this is mine."])


def test_an_old_folder_that_was_put_back_by_hand_loses_them_at_the_start(data: Path) -> None:
    shutil.copytree(data, data.with_name("by hand"))
    erase(data)
    shutil.rmtree(data)
    data.with_name("by hand").rename(data)
    assert of_ann(data)
    for _ in range(2):
        knowledge = letters(settings(data))
        go_on(knowledge, settings(data))
        knowledge.close()
        assert of_ann(data) == []
    assert left(data, [OTHERS])


def test_what_let_somebody_in_and_ended_since_lets_nobody_in(tmp_path: Path) -> None:
    data = tmp_path / "data"
    of = settings(data)

    async def fill() -> None:
        async with open_world(data) as world:
            until = datetime.now(UTC) + timedelta(hours=12)
            await world.store.keep_session("a" * 64, "zoe", "link", until)
            await world.store.keep_one_time("b" * 64, "sign-in", ZOE, until)

    asyncio.run(fill())
    KEYS["api_key_new"](None, of, {"name": "crm", "scopes": ["notes:write"]}, None)
    KEYS["api_key_new"](None, of, {"name": "other", "scopes": ["notes:write"]}, None)
    letters(of).close()
    backups.create(of, datetime.now(UTC))
    KEYS["api_key_revoke"](None, of, {"name": "crm"}, None)
    restore(data)
    keys = KEYS["api_keys"](None, of, {}, None)["keys"]
    assert {key["name"]: key["revoked_at"] is not None for key in keys} == {"crm": True, "other": False}
    with closing(sqlite3.connect(data / DB)) as db:
        assert db.execute("SELECT count(*) FROM session").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM one_time").fetchone() == (0,)


def test_a_restore_is_in_the_trail_and_the_trail_goes_on(data: Path) -> None:
    """The anchor sees an old copy that was put back by hand; a restore says so and begins a new one."""
    (made,) = kept(settings(data))

    async def more() -> None:
        async with open_office(data) as office:
            await office.world.accept(await office.world.talk(BOB), "Something newer than the copy.")
            anchor.write(data / anchor.FILE, await head(office.world.store))

    asyncio.run(more())
    newest = anchor.anchors(data / anchor.FILE)[-1]
    source = erased.folder(settings(data)) / made.name
    by_hand = shutil.copytree(source, data.with_name("by hand"))
    fault = verify(by_hand, data / anchor.FILE).fault
    assert fault is not None
    assert fault.wrong == "older"
    found = restore(data)
    assert verify(data, data / anchor.FILE).fault is None
    line = next(line for line in exported(data) if line.what == "restored")
    assert line.more == {
        "backup": made.name,
        "head": made.head.seq if made.head else 0,
        "anchored": [newest.seq, newest.hash],
    }
    assert found.replaced is not None
    assert left(Path(found.replaced), ["Something newer than the copy."])


def test_an_anchor_elsewhere_is_set_aside_and_kept(data: Path) -> None:
    elsewhere = data.with_name("anchors")
    elsewhere.mkdir()
    shutil.move(data / anchor.FILE, elsewhere)
    of = settings(data, audit_anchor_dir=elsewhere)
    found = backups.restore(of, backups.named(of, None), utc_now(), opened=letters)
    assert found.anchor is not None
    assert anchor.anchors(Path(found.anchor))
    assert not (elsewhere / anchor.FILE).exists(), "the next start begins a new one"


def test_nothing_is_put_back_under_a_running_service(data: Path) -> None:
    knowledge = letters(settings(data))
    try:
        with pytest.raises(BadInput, match="in use by process"):
            restore(data)
    finally:
        knowledge.close()
    assert of_ann(data)


# --- nothing is done twice ----------------------------------------------------------------------


async def until_today(world: World) -> None:
    world.see(certificate_presented="met", click_tracking_on="met", branded_link_set_up="met")


async def redelivered(world: World) -> None:
    """What Slack sends again today: the message, and the agent's press of the button."""
    message, _ = await world.store.accept("slack-T1-C1-1.0", "customer", PLEASE, client_id="1.0", context={})
    await world.service.start_message(message.id)
    await world.service.idle()
    for request in await world.store.requests("proposed"):
        await world.service.decide_request(request.id, "approve", ZOE)
    await world.service.idle()


@pytest.mark.parametrize("copied", ["before the message", "before the yes", "in the middle"])
@pytest.mark.parametrize("readable", [True, False])
def test_yesterdays_copy_and_todays_redeliveries_are_no_second_effect(
    tmp_path: Path, copied: str, readable: bool
) -> None:
    """`readable`: whether the account system shows, when it is asked again, that the change is made."""
    data, accounts = tmp_path / "data", []

    async def today() -> None:
        async with open_world(data, AGENTS) as world:
            await until_today(world)
            accounts.append(world.accounts)
            await world.store.open_conversation(ANN, "slack", context={}, id="slack-T1-C1-1.0")
            if copied == "before the message":
                await asyncio.to_thread(backups.create, world.settings, datetime.now(UTC))
            message, _ = await world.store.accept(
                "slack-T1-C1-1.0", "customer", PLEASE, client_id="1.0", context={}
            )
            await world.service.start_message(message.id)
            await world.service.idle()
            if copied == "before the yes":
                await asyncio.to_thread(backups.create, world.settings, datetime.now(UTC))
            (request,) = await world.store.requests("proposed")
            if copied == "in the middle":
                await world.store.move(request, "approved", approved_by="zoe")
                await asyncio.to_thread(backups.create, world.settings, datetime.now(UTC))
                await world.service.start()
            else:
                await world.service.decide_request(request.id, "approve", ZOE)
            await world.service.idle()
            assert len(world.effects) == 1
            if not readable:
                world.accounts.fields["acme", "settings.https_tracking"] = False

    async def tomorrow() -> None:
        async with open_world(data, AGENTS) as world:
            await until_today(world)
            world.services = replace(world.services, accounts=accounts[0])
            world.looks._accounts = accounts[0]
            world.service = type(world.service)(world.services)
            await world.service.start()
            await world.service.idle()
            for _ in range(2):
                await redelivered(world)
            done = [effect for _, effect in accounts[0].effects]
            assert done.count("enable_https") == 1, accounts[0].sent

    asyncio.run(today())
    letters(settings(data)).close()
    restore(data)
    asyncio.run(tomorrow())


def test_the_commands_do_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from app.cli import app

    monkeypatch.setenv("STEPFOUR_DATA_DIR", str(data))
    runner = CliRunner()

    def run(*args: str) -> str:
        done = runner.invoke(app, args)
        assert done.exit_code == 0, done.output + repr(done.exception)
        return done.output

    assert "files" in run("backup", "create")
    listed = json.loads(run("backup", "list", "--json"))
    assert len(listed) == 2
    assert "whole" in run("backup", "check")
    assert "Nothing is too old." in run("backup", "prune")
    assert runner.invoke(app, ["backup", "restore"]).exit_code != 0, "not without --yes"
    file = data.with_name("a.zip")
    assert "1 conversations" in run("customers", "export", ANN.party, "--to", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert runner.invoke(app, ["customers", "export", ANN.party, "--to", str(file)]).exit_code != 0
