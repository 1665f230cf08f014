"""The audit trail: what is told, in the change's own transaction, and that nothing of it goes unseen."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app import anchor, trail
from app.adapters import sql
from app.adapters.sql import FILE
from app.adapters.store import Store
from app.audit import Anchor, Fault, Line, canonical, of_turn, sealed
from app.audit_words import in_words, verdict
from app.commands import audit_cli, doctor
from app.errors import BadInput, ConfigError
from app.models.conversation import Attachment, Mode
from app.models.decision import Ask
from app.models.people import Principal
from app.models.record import Record
from knowledge.erasing import left
from tests.app.adapters.test_store import turn
from tests.app.test_delivery import until
from tests.app.world import ANN, BOB, MODES, VISITOR, ZOE, World, open_world

SECRET = "My grandmother's bicycle stands behind the blue greenhouse."
HELLO = "Good morning, this is Zoe speaking."
AGENTS: Mapping[str, Mode] = {**MODES, "enable_https": "suggest"}


async def played(folder: Path) -> None:
    """A case with an approval and a person in it, and a visitor who signs in; anchored in between."""
    async with open_world(folder, AGENTS) as world, anchor.anchored(world.store, world.settings):
        world.see(certificate_presented="met", click_tracking_on="met", branded_link_set_up="met")
        conversation = await world.talk()
        await world.say(conversation, SECRET)
        (request,) = await world.store.requests()
        await world.service.decide_request(request.id, "approve", ZOE)
        await world.service.idle()
        anchor.write(folder / anchor.FILE, await head(world.store))
        await world.service.take_over(conversation, ZOE)
        await world.service.send_as_agent(conversation, HELLO, ZOE, client_id="z")
        await world.service.give_back(conversation, ZOE)
        other = await world.talk(VISITOR)
        await world.accept(other, "May I?")
        await world.service.join(other, BOB)
        code, _ = await world.service.link_code(BOB)
        assert await world.service.redeem(code, "slack:T1:U1") == BOB
        token = await world.service.agent_link("zoe")
        await world.service.sign_in(token)


async def head(store: Store) -> Anchor:
    found = await store.audit_head()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "data"
    asyncio.run(played(folder))
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to do harm to."""
    return shutil.copytree(whole, tmp_path / "data")


@contextmanager
def forging(folder: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who may write to the file, and takes the triggers away first."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        yield db


def lines(folder: Path) -> list[Line]:
    with closing(sqlite3.connect(folder / FILE)) as db:
        rows = db.execute(f"SELECT {', '.join(Line._fields)} FROM audit ORDER BY seq")
        return [Line(*row) for row in rows]


def put(db: sqlite3.Connection, line: Line) -> None:
    db.execute(f"INSERT INTO audit VALUES ({', '.join('?' * len(line))})", line)


def fault(folder: Path) -> Fault | None:
    return trail.verify(folder, folder / anchor.FILE).fault


def found(folder: Path) -> tuple[int, str] | None:
    wrong = fault(folder)
    return None if wrong is None else (wrong.seq, wrong.wrong)


# --- what is told -------------------------------------------------------------------------------


def test_a_case_is_told_from_the_message_to_the_effect(whole: Path) -> None:
    told = [(each.what, each.code, each.who) for each in trail.exported(whole)]
    us, ann, bob, zoe = "stepfour", ANN.party, BOB.party, ZOE.party
    assert told == [
        ("began", "new", us),
        ("started", "first", us),
        ("message", "customer", ann),
        ("turn", "propose", us),
        ("request", "proposed", us),
        ("message", "bot", us),
        ("request", "approved", zoe),
        ("request", "executing", us),
        ("request", "verifying", us),
        ("request", "done", us),
        ("message", "bot", us),
        ("case", "solved", us),
        ("taken_over", "", zoe),
        ("message", "agent", zoe),
        ("given_back", "", zoe),
        ("message", "customer", VISITOR.party),
        ("identified", "", bob),
        ("one_time_made", "link", bob),
        ("one_time_used", "link", bob),
        ("linked", "code", bob),
        ("one_time_made", "sign-in", zoe),
        ("one_time_used", "sign-in", zoe),
        ("signed_in", "", zoe),
    ]
    assert fault(whole) is None


def test_a_decision_names_its_rule_and_an_action_what_it_rests_on(whole: Path) -> None:
    by = {(each.what, each.code): each for each in trail.exported(whole)}
    decided = by["turn", "propose"]
    assert decided.more["rule"] == "every_step_holds"
    assert decided.more["decision"] == {"action": "enable_https", "approval": "agent"}
    assert decided.more["steps"]["ssl-certificate"][0] == "verified"
    assert by["request", "executing"].more["seen"] == [["certificate_presented", "simulated_met", True]]
    readback = by["request", "done"].more["seen"]
    assert readback[0] == ["account_field", "simulated_met", True], "the read-back comes first"
    assert by["identified", ""].more["was"] == VISITOR.party


def test_the_chain_has_no_word_and_no_name(whole: Path) -> None:
    text = "\n".join(canonical(line) for line in lines(whole))
    for word in (SECRET, HELLO, "acme", "links.acme.example", '"ann"', "zoe", "somebody", "slack:T1:U1"):
        assert word not in text, word


def test_a_person_reads_who_did_what_when_and_why(whole: Path) -> None:
    text = "\n".join(in_words(each) for each in trail.exported(whole))
    for said in (
        f"ann of acme wrote\n    {SECRET}",
        "Stepfour decided: propose (action enable_https, approval agent), by the rule “every step holds”\n"
        "    because every step holds; the action needs the approval of the agent",
        "zoe (agent) approved the action enable_https",
        f"zoe (agent) wrote\n    {HELLO}",
        "bob of acme now holds a conversation that was with a visitor (somebody)",
    ):
        assert said in text


def test_an_export_is_of_a_party_of_a_case_and_since_a_moment(whole: Path) -> None:
    case = next(each.case for each in trail.exported(whole) if each.case)
    bobs = list(trail.exported(whole, party=BOB.party))
    assert [each.what for each in bobs][:2] == ["message", "identified"], "also from before he was known"
    assert {each.who for each in bobs} == {BOB.party, VISITOR.party}
    around = list(trail.exported(whole, case=case))
    assert {each.what for each in around} >= {"message", "turn", "request", "taken_over", "case"}
    assert not [each for each in around if each.who == BOB.party]
    at = datetime(2026, 9, 1, 12, tzinfo=UTC)
    assert list(trail.exported(whole, since=at + timedelta(days=365))) == []
    with pytest.raises(BadInput, match="knows nobody called `customer:acme:nobody`"):
        list(trail.exported(whole, party="customer:acme:nobody"))
    with pytest.raises(BadInput, match="has no case `k_none`"):
        list(trail.exported(whole, case="k_none"))


# --- harm ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE audit SET code = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT seq + 1000, at, what, who, party, conversation, case_, about, code, data, "
        "digest, before, hash FROM audit WHERE seq = 3",
    ],
)
def test_the_table_refuses_all_but_a_line_at_its_end(folder: Path, harm: str) -> None:
    with closing(sqlite3.connect(folder / FILE)) as db, pytest.raises(sqlite3.IntegrityError, match="append"):
        db.execute(harm)
    assert fault(folder) is None


@pytest.mark.parametrize("column", [name for name in Line._fields if name != "seq"])
def test_any_byte_of_any_column_of_any_line_is_missed(folder: Path, column: str) -> None:
    with forging(folder) as db:
        for line in lines(folder):
            before = getattr(line, column)
            for changed in _altered(before):
                db.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (changed, line.seq))
                assert found(folder) == (line.seq, "changed"), (column, changed)
            db.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (before, line.seq))
    assert fault(folder) is None, "and what was put back is right again"


def _altered(value: str | None) -> list[object]:
    """Its first, middle and last byte; and of another kind."""
    if not value:
        return ["x", b"\xff"]
    places = {0, len(value) // 2, len(value) - 1}
    return [value[:n] + ("x" if value[n] != "x" else "y") + value[n + 1 :] for n in places] + [b"\xff"]


def test_a_number_that_was_changed_is_out_of_order(folder: Path) -> None:
    with forging(folder) as db:
        db.execute("UPDATE audit SET seq = 500 WHERE seq = 7")
    assert found(folder) == (7, "reordered")


@pytest.mark.parametrize("seq", [1, 2, 9])
def test_a_line_that_was_taken_out(folder: Path, seq: int) -> None:
    with forging(folder) as db:
        db.execute("DELETE FROM audit WHERE seq = ?", (seq,))
        assert found(folder) == (seq, "missing")
        _shift(db, seq, -1)  # and the gap is closed
    assert found(folder) == (seq, "missing")


def _shift(db: sqlite3.Connection, after: int, by: int) -> None:
    db.execute("UPDATE audit SET seq = -seq WHERE seq > ?", (after - (by > 0),))
    db.execute("UPDATE audit SET seq = -seq + ? WHERE seq < 0", (by,))


def test_all_lines_taken_out(folder: Path) -> None:
    with forging(folder) as db:
        db.execute("DELETE FROM audit")
    assert found(folder) == (1, "cut")


@pytest.mark.parametrize(("one", "other"), [(5, 6), (4, 12), (1, 2)])
def test_lines_that_changed_places(folder: Path, one: int, other: int) -> None:
    with forging(folder) as db:
        for before, after in ((one, -1), (other, one), (-1, other)):
            db.execute("UPDATE audit SET seq = ? WHERE seq = ?", (after, before))
    assert found(folder) == (one, "reordered")


@pytest.mark.parametrize("seal", [True, False])
@pytest.mark.parametrize("many", [1, 3])
def test_lines_that_were_put_in(folder: Path, seal: bool, many: int) -> None:
    known = lines(folder)
    with forging(folder) as db:
        _shift(db, 8, many)
        before = known[6].hash
        for n in range(many):
            forged = known[5]._replace(seq=8 + n, code="forged", before=before)
            forged = sealed(forged) if seal else forged
            put(db, forged)
            before = forged.hash
    assert found(folder) == (8, "inserted")


def test_a_line_in_the_place_of_another(folder: Path) -> None:
    with forging(folder) as db:
        db.execute("DELETE FROM audit WHERE seq = 9")
        put(db, lines(folder)[2]._replace(seq=9))
    assert found(folder) == (9, "changed")


def test_a_line_changed_and_sealed_anew(folder: Path) -> None:
    line = sealed(lines(folder)[6]._replace(code="refused"))
    with forging(folder) as db:
        db.execute("UPDATE audit SET code = ?, hash = ? WHERE seq = 7", (line.code, line.hash))
    assert found(folder) == (7, "changed")


def test_a_whole_trail_written_anew_is_seen_by_its_anchor(folder: Path) -> None:
    known = lines(folder)
    anchored = [each.seq for each in anchor.anchors(folder / anchor.FILE)]
    assert anchored[0] < 7 < anchored[1]
    with forging(folder) as db:
        before = known[5].hash
        for line in known[6:]:
            anew = line._replace(before=before, code="refused" if line.seq == 7 else line.code)
            before = sealed(anew).hash
            db.execute("DELETE FROM audit WHERE seq = ?", (line.seq,))
            put(db, sealed(anew))
    wrong = fault(folder)
    assert wrong is not None
    assert (wrong.seq, wrong.wrong) == (anchored[0] + 1, "rewritten")
    assert f"number {anchored[1]} is not the line that was anchored" in wrong.detail
    (folder / anchor.FILE).unlink()
    assert found(folder) is None, "nothing but the anchor tells"


def test_a_tail_that_was_cut(folder: Path) -> None:
    end = len(lines(folder))
    with forging(folder) as db:
        db.execute("DELETE FROM audit WHERE seq > 9")
    wrong = fault(folder)
    assert wrong is not None
    assert (wrong.seq, wrong.wrong) == (10, "cut")
    assert f"{end - 9} lines" in wrong.detail
    (folder / anchor.FILE).unlink()
    wrong = fault(folder)
    assert wrong is not None
    assert wrong.wrong == "untold", "what was written meanwhile tells without an anchor"


@pytest.mark.parametrize("left", [20, 22])
def test_a_tail_without_a_message_that_was_cut(folder: Path, left: int) -> None:
    """Sign-ins alone: with their names still there it is a cut; nothing tells where nothing is left."""
    with forging(folder) as db:
        db.execute("DELETE FROM audit WHERE seq > ?", (left,))
    assert found(folder) == (left + 1, "older")
    with forging(folder) as db:
        db.execute("DELETE FROM audit WHERE seq > 9")
        db.execute("UPDATE message SET turn = NULL")
        db.execute("DELETE FROM message WHERE ord > 2")
    wrong = fault(folder)
    assert wrong is not None
    assert (wrong.seq, wrong.wrong) == (10, "cut")
    assert "the name p_" in wrong.detail


async def test_an_old_backup_that_was_put_back(whole: Path, tmp_path: Path) -> None:
    folder, backup = tmp_path / "data", tmp_path / "backup"
    outside = tmp_path / anchor.FILE
    async with open_world(folder) as world:
        conversation = await world.talk()
        await world.say(conversation)
        anchor.write(outside, await head(world.store))
    shutil.copytree(folder, backup)
    async with open_world(folder) as world:
        await world.say(conversation, "And now?")
        anchor.write(outside, await head(world.store))
    last, newest = [each.seq for each in anchor.anchors(outside)]
    assert trail.verify(folder, outside).fault is None

    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    wrong = trail.verify(folder, outside).fault
    assert wrong is not None
    assert (wrong.seq, wrong.wrong) == (last + 1, "older")
    assert "older than its anchor" in verdict(trail.verify(folder, outside), outside)

    async with open_world(folder) as world:  # and the service goes on with it
        while (await head(world.store)).seq <= newest:
            await world.say(conversation, "Hello again?")
    wrong = trail.verify(folder, outside).fault
    assert wrong is not None
    assert (wrong.seq, wrong.wrong) == (last + 1, "rewritten")


def test_whom_a_name_stands_for_cannot_be_changed(folder: Path) -> None:
    with forging(folder) as db:
        db.execute("UPDATE audit_name SET party = 'agent::mallory' WHERE party = 'agent::zoe'")
        assert found(folder) == (7, "names"), "the approval is the first line of hers"
        db.execute("DELETE FROM audit_name WHERE party = 'agent::mallory'")
        assert found(folder) == (7, "names"), "nor go without being erased"
        db.execute("UPDATE audit_name SET salt = 'no salt'")
    assert found(folder) == (3, "names")


def test_words_that_were_changed_and_rows_that_no_line_tells_of(folder: Path) -> None:
    with forging(folder) as db:
        db.execute("UPDATE message SET value = replace(value, 'bicycle', 'tricycle')")
        assert found(folder) == (3, "words")
        db.execute("UPDATE message SET value = replace(value, 'tricycle', 'bicycle')")
        assert found(folder) is None
        db.execute("UPDATE action_request SET value = replace(value, '\"zoe\"', '\"eve\"')")
        assert found(folder) == (10, "words"), "the newest line of a request counts"
        db.execute("UPDATE action_request SET value = replace(value, '\"eve\"', '\"zoe\"')")
        db.execute("CREATE TABLE kept AS SELECT * FROM turn")
        db.execute("DELETE FROM turn")
        assert found(folder) == (4, "words"), "nor does a row go without being erased"
        db.execute("INSERT INTO turn SELECT * FROM kept")
        db.execute(
            "INSERT INTO message (id, conversation, role, client_id, value) "
            "SELECT 'm_forged', conversation, role, 'forged', value FROM message LIMIT 1"
        )
    assert found(folder) == (len(lines(folder)) + 1, "untold")


# --- in the change's own transaction ------------------------------------------------------------


def tellings(folder: Path) -> list[str]:
    return [line.what for line in lines(folder)]


async def test_what_is_not_written_is_not_told(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        conversation = await world.talk()
        await world.store.record(Record(conversation=conversation, turn=turn(conversation, "m1")))
        told = tellings(tmp_path)
        second = turn(conversation, "m1", id="t-second")
        with pytest.raises(sa.exc.IntegrityError):
            await world.store.record(Record(conversation=conversation, turn=second))
        message = await world.accept(conversation)
        again, new = await world.store.accept(
            conversation, "customer", message.text, client_id="c0", context={}
        )
        assert (again, new) == (message, False)
        assert tellings(tmp_path) == [*told, "message"]


async def test_eight_writers_make_one_chain(tmp_path: Path) -> None:
    stores = [await Store.open(tmp_path, lambda: datetime.now(UTC)) for _ in range(8)]
    try:

        async def write(store: Store, n: int) -> None:
            who = Principal(kind="customer", id=f"u{n % 3}", account="acme")
            conversation = await store.open_conversation(who, "web", context={})
            for each in range(10):
                await store.accept(conversation, "customer", "hi", client_id=f"{each}", context={})

        await asyncio.gather(*(write(store, n) for n, store in enumerate(stores)))
    finally:
        for store in stores:
            await store.close()
    assert [line.seq for line in lines(tmp_path)] == list(range(1, 82))
    assert fault(tmp_path) is None
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        assert db.execute("SELECT COUNT(*) FROM audit_name").fetchone() == (3,)


# --- erasing ------------------------------------------------------------------------------------


async def test_an_erased_customer_leaves_a_chain_that_holds_and_says_nothing(tmp_path: Path) -> None:
    unique = Principal(kind="customer", id="ann-of-the-lighthouse", account="acme")
    visitor = Principal(kind="anonymous", id="visitor-of-the-lighthouse")
    async with open_world(tmp_path) as world:
        world.accounts.roles["acme", unique.id] = "owner"
        conversation = await world.talk(visitor)
        file = Attachment(id="f1", name="greenhouse.txt", type="text/plain", size=5, text=SECRET)
        await world.store.accept(
            conversation, "customer", SECRET, client_id="1", context={}, attachments=(file,)
        )
        await world.service.join(conversation, unique)
        await world.say(conversation)
        await world.say(await world.talk(BOB), "And mine?")
        mine = [each for each in trail.exported(tmp_path, party=unique.party) if each.words]
        assert SECRET in str(mine[0].words)
        with closing(sqlite3.connect(tmp_path / FILE)) as db:
            salts = [salt for (salt,) in db.execute("SELECT salt FROM audit_name WHERE owner LIKE '%house'")]
        assert len(salts) == 2, "of before they were known as well"
        await world.store.erase(await world.store.belongings(unique.party))
        assert fault(tmp_path) is None
        words = [SECRET, "greenhouse", "lighthouse", *salts]
        assert left(tmp_path, words) == []
        told = list(trail.exported(tmp_path))
        assert told[-1].more["conversations"] == 1
        (name, *_) = [each.who for each in told if each.who in told[-1].more["names"]]
        assert next(trail.exported(tmp_path, party=name)).what == "message"
        text = "\n".join(in_words(each) for each in told)
        assert "somebody who was erased (p_" in text
        assert "(the words were erased)" in text
        assert "bob of acme wrote\n    And mine?" in text
        # Who comes back is somebody new to the trail.
        await world.say(await world.talk(unique), "Hello again")
        assert fault(tmp_path) is None


async def test_words_that_are_asked_back_stand_in_no_line(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        decided = await world.say(await world.talk())
    asked = decided.model_copy(update={"decision": Ask(because="b", step="esse pacote", about="words")})
    assert "pacote" not in canonical(of_turn(Record(conversation="c"), asked, "").more)
    step = decided.model_copy(update={"decision": Ask(because="b", step="branded-link")})
    assert "branded-link" in canonical(of_turn(Record(conversation="c"), step, "").more)


async def test_a_message_that_was_amended_is_told_with_its_new_words(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        conversation = await world.talk()
        await world.accept(conversation, SECRET, client_id="1")
        await world.store.amend(conversation, "1", "Never mind.")
        assert fault(tmp_path) is None
        assert tellings(tmp_path)[-2:] == ["message", "amended"]


# --- folders of before, starts, anchors, commands -----------------------------------------------


async def test_a_folder_of_before_gets_a_trail_that_says_so(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(sql.MIGRATIONS))
    engine = sa.create_engine(f"sqlite:///{tmp_path / FILE}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for n in (1, 2):
            connection.execute(
                sa.text(
                    "INSERT INTO message (id, conversation, role, client_id, value) "
                    "VALUES (:id, 'c_old', 'customer', :id, '{}')"
                ),
                {"id": f"m_{n}"},
            )
        connection.execute(
            sa.text("INSERT INTO conversation VALUES ('c_old', 'customer:acme:ann', 'resolved', 0, '{}')")
        )
    engine.dispose()
    with pytest.raises(ConfigError, match=r"no audit trail yet\. Start the service once"):
        trail.verify(tmp_path, tmp_path / anchor.FILE)
    async with open_world(tmp_path) as world:
        await world.accept(await world.talk())
    (first, second) = lines(tmp_path)
    assert (first.what, first.code, json.loads(first.data)) == ("began", "existing", {"last_message": 2})
    assert second.what == "message"
    assert "the data folder was in use before" in in_words(next(trail.exported(tmp_path)))
    assert fault(tmp_path) is None


async def test_a_start_tells_its_modes_and_whether_they_changed(tmp_path: Path) -> None:
    for modes in (MODES, MODES, AGENTS):
        async with open_world(tmp_path, modes) as world, anchor.anchored(world.store, world.settings):
            pass
    codes = [each.code for each in trail.exported(tmp_path) if each.what == "started"]
    assert codes == ["first", "same", "changed"]
    kept = anchor.anchors(tmp_path / anchor.FILE)
    assert [each.seq for each in kept] == [2, 3, 4], (
        "one for each start; the end adds none where it is the same"
    )


async def test_a_running_service_anchors_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchor, "EVERY_S", 0.01)
    async with open_world(tmp_path) as world, anchor.anchored(world.store, world.settings):
        await world.accept(await world.talk())
        newest = await head(world.store)
        await until(lambda: anchor.anchors(tmp_path / anchor.FILE)[-1].seq >= newest.seq)


async def test_a_trail_that_does_not_hold_is_in_the_log_of_the_next_start(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with forging(folder) as db:
        db.execute("UPDATE audit SET code = 'refused' WHERE seq = 7")
    async with open_world(folder) as world, anchor.anchored(world.store, world.settings):
        await until(lambda: "does not hold" in caplog.text)
    assert "stepfour audit verify" in caplog.text


def test_an_anchor_that_was_cut_off_is_none_and_the_next_is_whole(tmp_path: Path) -> None:
    file = tmp_path / anchor.FILE
    at = datetime(2026, 9, 1, tzinfo=UTC)
    anchor.write(file, Anchor(seq=1, hash="a", at=at))
    with file.open("a") as out:
        out.write('{"seq": 2, "ha')
    anchor.write(file, Anchor(seq=3, hash="c", at=at))
    assert [each.seq for each in anchor.anchors(file)] == [1, 3]


def test_a_folder_for_the_anchor_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = World(tmp_path, MODES).settings.model_copy(update={"audit_anchor_dir": tmp_path / "mounted"})
    with pytest.raises(ConfigError, match=r"STEPFOUR_AUDIT_ANCHOR_DIR: there is no folder .*Make it"):
        anchor.place(settings)
    (tmp_path / "mounted").mkdir()
    assert anchor.place(settings) == tmp_path / "mounted" / anchor.FILE


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    from typer.testing import CliRunner

    monkeypatch.chdir(tmp_path)

    def run(folder: Path, *args: str) -> Any:
        return CliRunner().invoke(audit_cli.audit, args, env={"STEPFOUR_DATA_DIR": str(folder)})

    return run


def test_the_command_says_whether_it_holds(folder: Path, audit: Callable[..., Any]) -> None:
    ended = audit(folder, "verify")
    assert ended.exit_code == 0
    assert "The audit trail holds: 23 lines" in ended.output
    assert "It agrees with its anchors: 3, the newest at line 23." in ended.output
    with forging(folder) as db:
        db.execute("UPDATE audit SET code = 'refused' WHERE seq = 7")
    ended = audit(folder, "verify")
    assert ended.exit_code == 1
    assert "does not hold at line 7 (changed): its content is not what it was sealed with." in ended.output
    ended = audit(folder, "verify", "--json")
    assert (ended.exit_code, json.loads(ended.stdout)["fault"]["seq"]) == (1, 7)


async def test_the_command_exports_beside_a_running_service(
    tmp_path: Path, audit: Callable[..., Any]
) -> None:
    async with open_world(tmp_path / "data") as world:
        conversation = await world.talk()
        await world.say(conversation, SECRET)
        ended = await asyncio.to_thread(audit, tmp_path / "data", "export", "--party", ANN.party, "--json")
        assert ended.exit_code == 0
        rows = [json.loads(line) for line in ended.stdout.splitlines()]
        assert (rows[0]["what"], rows[0]["who"], rows[0]["words"]) == ("message", ANN.party, SECRET)
        ended = await asyncio.to_thread(audit, tmp_path / "data", "export", "--since", "2026-08-01")
        assert f"ann of acme wrote\n    {SECRET}" in ended.stdout
        await world.say(conversation, "It went on meanwhile.")


async def test_the_doctor_looks_at_it(folder: Path) -> None:
    settings = World(folder, MODES).settings
    row = await doctor._audit(settings)
    assert (row.state, row.found[:16]) == ("OK", "holds, 23 lines;")
    with forging(folder) as db:
        db.execute("DELETE FROM audit WHERE seq = 7")
    row = await doctor._audit(settings)
    assert (row.state, row.fix) == ("FAIL", "See: stepfour audit verify")
    row = await doctor._audit(settings.model_copy(update={"data_dir": folder / "new"}))
    assert (row.state, row.found) == ("OK", "begins with the first start")


def test_a_moment_is_a_date_or_a_while_back() -> None:
    now = datetime(2026, 9, 10, 12, tzinfo=UTC)
    assert audit_cli.moment_of("2026-09-01", now) == datetime(2026, 9, 1, tzinfo=UTC)
    assert audit_cli.moment_of("12h", now) == now - timedelta(hours=12)
    for bad in ("soon", "7w", "999999d"):
        with pytest.raises(BadInput, match="write a date"):
            audit_cli.moment_of(bad, now)


def test_a_folder_that_is_none_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*STEPFOUR_DATA_DIR"):
        trail.verify(tmp_path, tmp_path / anchor.FILE)
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(ConfigError, match="cannot be read"):
        trail.verify(tmp_path, tmp_path / anchor.FILE)
