"""What survives: events without gaps, messages accepted once, requests moved once, schemas that fit."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from app.adapters.sql import FILE, MIGRATIONS, SCHEMA
from app.adapters.store import Store
from app.adapters.tables import metadata
from app.errors import ConfigError
from app.models.case import Case, Watching
from app.models.conversation import Message
from app.models.decision import Acknowledge
from app.models.event import NewEvent
from app.models.facts import Facts
from app.models.people import Principal
from app.models.reading import Reading
from app.models.record import Record, Turn
from app.models.request import ActionRequest

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
ANN = Principal(kind="customer", id="ann", account="acme")


def clock() -> datetime:
    return NOW


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", clock)
    yield opened
    await opened.close()


async def talk(store: Store) -> str:
    return await store.open_conversation(ANN, "web", context={"page": "/settings"})


def event(n: int) -> NewEvent:
    return "conversation.status", {"n": n}


async def test_whoever_waits_for_an_answer_is_stored_before_what_only_follows(store: Store) -> None:
    conversation, order = await talk(store), list[str]()

    async def write(name: str, work: Awaitable[object]) -> None:
        await work
        order.append(name)

    def turn(n: int) -> Awaitable[object]:
        return store.record(Record(conversation=conversation, events=(event(n),)))

    message = store.accept(conversation, "customer", "Hello", client_id="1", context={})
    works = [("turn", turn(1)), ("next turn", turn(2)), ("visitor", store.remember_visitor("x"))]
    works += [("conversation", talk(store)), ("message", message)]
    await asyncio.gather(*(write(*work) for work in works))
    assert order == ["turn", "visitor", "conversation", "message", "next turn"]


def turn(conversation: str, trigger: str, **fields: Any) -> Turn:
    made: dict[str, Any] = {
        "id": f"t-{trigger}",
        "trigger": trigger,
        "conversation": conversation,
        "case": None,
        "channel": "web",
        "mode": "auto",
        "reading": Reading(),
        "facts": Facts(reading=Reading()),
        "decision": Acknowledge(because="said thanks"),
        "at": NOW,
    }
    return Turn(**made | fields)


def request(conversation: str, **fields: Any) -> ActionRequest:
    made: dict[str, Any] = {
        "id": "a1",
        "case": "k1",
        "conversation": conversation,
        "action": "enable_https",
        "inputs": (),
        "principal": ANN,
        "evidence": (),
        "digest": "",
        "approval": "agent",
        "state": "proposed",
        "created_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return ActionRequest(**made | fields)


# --- events -------------------------------------------------------------------------------------


async def test_events_are_numbered_per_conversation_from_one(store: Store) -> None:
    one, two = await talk(store), await talk(store)
    await store.record(Record(conversation=one, events=(event(1), event(2))))
    await store.record(Record(conversation=two, events=(event(1),)))
    await store.record(Record(conversation=one, events=(event(3),)))
    assert [(e.seq, e.payload["n"]) for e in await store.events(one, 0)] == [(1, 1), (2, 2), (3, 3)]
    assert [e.seq for e in await store.events(two, 0)] == [1]
    assert [e.seq for e in await store.events(one, 2)] == [3]
    assert [e.seq for e in await store.events(one, 0, limit=2)] == [1, 2]
    assert (await store.last_seq(one), await store.last_seq("nobody's")) == (3, 0)


async def test_many_writers_leave_no_gap_and_no_double(store: Store) -> None:
    conversation = await talk(store)

    async def write(n: int) -> None:
        if n % 3:
            await store.record(Record(conversation=conversation, events=(event(n), event(n))))
        else:
            await store.accept(conversation, "customer", "hi", client_id=str(n), context={})

    await asyncio.gather(*(write(n) for n in range(60)))
    assert [e.seq for e in await store.events(conversation, 0)] == list(range(1, 101))


async def test_whoever_waits_is_told(store: Store) -> None:
    conversation = await talk(store)
    waiting = asyncio.create_task(store.wait_for_events(conversation, 0, 20))
    await asyncio.sleep(0.02)
    await store.record(Record(conversation=conversation, events=(event(1),)))
    await asyncio.wait_for(waiting, 2)
    await asyncio.wait_for(store.wait_for_events(conversation, 0, 20), 2)  # there already
    await store.wait_for_events(conversation, 1, 0.01)  # nothing: the time is over


# --- messages -----------------------------------------------------------------------------------


async def test_a_message_is_accepted_once(store: Store) -> None:
    conversation = await talk(store)
    first, new = await store.accept(conversation, "customer", "hi", client_id="1", context={"page": "/"})
    again, new_again = await store.accept(conversation, "customer", "other", client_id="1", context={})
    assert (new, new_again) == (True, False)
    assert again == first
    assert await store.message(first.id) == first
    assert [m.id for m in await store.messages(conversation)] == [first.id]
    assert [e.type for e in await store.events(conversation, 0)] == ["message.done"]


async def test_fifty_deliveries_at_once_are_one_message(store: Store) -> None:
    conversation = await talk(store)
    delivered = [store.accept(conversation, "customer", "hi", client_id="1", context={}) for _ in range(50)]
    accepted = await asyncio.gather(*delivered)
    assert sum(new for _, new in accepted) == 1
    assert len({message.id for message, _ in accepted}) == 1


async def test_the_same_client_id_in_another_conversation_is_another_message(store: Store) -> None:
    one, two = await talk(store), await talk(store)
    await store.accept(one, "customer", "hi", client_id="1", context={})
    _, new = await store.accept(two, "customer", "hi", client_id="1", context={})
    assert new


async def test_a_message_is_to_do_until_a_turn_has_read_it(store: Store) -> None:
    conversation = await talk(store)
    message, _ = await store.accept(conversation, "customer", "hi", client_id="1", context={})
    await store.accept(conversation, "agent", "hello", client_id="2", context={})
    assert (
        [m.id for m in await store.to_do()] == [m.id for m in await store.to_do(conversation)] == [message.id]
    )
    done = turn(conversation, message.id)
    await store.record(Record(conversation=conversation, turn=done, covers=(message.id,)))
    assert await store.to_do() == []
    assert await store.turn_of(message.id) == done
    assert await store.turns(conversation) == [done]


# --- all or nothing -----------------------------------------------------------------------------


async def test_a_message_has_one_turn_and_what_comes_with_a_second_is_not_written(store: Store) -> None:
    conversation = await talk(store)
    await store.record(Record(conversation=conversation, turn=turn(conversation, "m1")))
    case = Case(id="k1", party=ANN.party, conversation=conversation, opened_at=NOW, updated_at=NOW)
    second = Record(
        conversation=conversation,
        turn=turn(conversation, "m1", id="t-second"),
        case=case,
        events=(event(1),),
        status="with_agents",
    )
    with pytest.raises(sa.exc.IntegrityError):
        await store.record(second)
    assert await store.case("k1") is None
    assert await store.events(conversation, 0) == []
    known = await store.conversation(conversation)
    assert known is not None
    assert known.status == "awaiting_customer"


async def test_a_reply_is_written_once(store: Store) -> None:
    conversation = await talk(store)
    reply = Message(id="t1-reply", conversation=conversation, role="bot", text="Done.", at=NOW)
    for _ in range(2):
        await store.record(Record(conversation=conversation, replies=(reply,)))
    assert await store.messages(conversation) == [reply]


async def test_conversations_and_cases_come_back_as_they_were(store: Store) -> None:
    conversation = await talk(store)
    known = await store.conversation(conversation)
    assert known is not None
    assert (known.principal, known.channel, dict(known.context)) == (ANN, "web", {"page": "/settings"})
    await store.record(Record(conversation=conversation, status="human_active", person_active=True))
    known = await store.conversation(conversation)
    assert known is not None
    assert (known.status, known.person_active) == ("human_active", True)

    old = Case(id="k1", party=ANN.party, conversation=conversation, opened_at=NOW, updated_at=NOW)
    new = old.model_copy(update={"id": "k2", "updated_at": NOW + timedelta(minutes=1)})
    shut = old.model_copy(update={"id": "k3", "state": "closed"})
    for case in (new, old, shut):
        await store.record(Record(conversation=conversation, case=case))
    assert await store.open_cases(ANN.party) == [new, old]
    assert await store.open_cases("customer:other:ann") == []


async def test_a_watch_comes_due_is_renewed_and_ends(store: Store) -> None:
    conversation = await talk(store)
    watch = Watching(case="k1", conversation=conversation, step="dns", looks=0, since=NOW, next_at=NOW)
    await store.record(Record(conversation=conversation, watch=watch))
    assert await store.watches(due=NOW) == [watch]
    later = watch.model_copy(update={"looks": 1, "next_at": NOW + timedelta(minutes=2)})
    await store.record(Record(conversation=conversation, watch=later))
    assert await store.watches(due=NOW) == []
    assert await store.watching("k1") == later
    await store.record(Record(conversation=conversation, unwatch="k1"))
    assert await store.watches() == []


# --- action requests ----------------------------------------------------------------------------


async def test_a_request_is_moved_by_one_of_many(store: Store) -> None:
    conversation = await talk(store)
    made = request(conversation)
    await store.record(Record(conversation=conversation, request=made))
    moved = await asyncio.gather(*(store.move(made, "approved", approved_by=f"agent{n}") for n in range(10)))
    winners = [after for after in moved if after is not None]
    assert len(winners) == 1
    assert await store.request("a1") == winners[0]
    assert await store.requests("proposed") == []
    assert await store.requests("approved", case="k1") == winners
    assert await store.requests("approved", case="k2") == []


async def test_what_is_told_of_a_move_is_written_with_it_or_not_at_all(store: Store) -> None:
    conversation = await talk(store)
    made = request(conversation)
    await store.record(Record(conversation=conversation, request=made))

    def telling(moved: ActionRequest) -> Record:
        return Record(conversation=conversation, request=moved, events=(event(1),))

    assert await store.move(made, "expired", told=True, telling=telling) is not None
    assert await store.move(made, "refused", told=True, telling=telling) is None
    known = await store.request("a1")
    assert known is not None
    assert (known.state, known.told) == ("expired", True)
    assert len(await store.events(conversation, 0)) == 1


# --- the file -----------------------------------------------------------------------------------


async def test_it_is_all_there_after_a_restart(tmp_path: Path) -> None:
    first = await Store.open(tmp_path, clock)
    conversation = await talk(first)
    await first.accept(conversation, "customer", "hi", client_id="1", context={})
    await first.close()
    second = await Store.open(tmp_path, clock)
    assert [m.text for m in await second.messages(conversation)] == ["hi"]
    assert await second.last_seq(conversation) == 1
    await second.close()


async def test_the_schema_that_needs_no_migration_is_the_newest(tmp_path: Path) -> None:
    newest = sorted(file.stem for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))[-1]
    assert newest.startswith(f"{SCHEMA}_")
    await (await Store.open(tmp_path, clock)).close()
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == (SCHEMA,)
    db.close()


async def test_a_folder_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, clock)
    await store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(ConfigError, match=r"newer Stepfour .*9999.* Upgrade this installation"):
        await Store.open(tmp_path, clock)


@pytest.mark.parametrize("kind", ["not a database", "a folder", "a file for a folder"])
async def test_what_cannot_be_opened_is_said_with_what_to_do(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data"
    if kind == "a file for a folder":
        folder.write_text("")
    else:
        folder.mkdir()
        if kind == "a folder":
            (folder / FILE).mkdir()
        else:
            (folder / FILE).write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(ConfigError, match=r"stepfour\.db.*Check that"):
        await Store.open(folder, clock)
    await asyncio.sleep(0.1)  # the thread of the failed connection still says goodbye


async def test_every_connection_waits_for_the_disk(store: Store) -> None:
    wanted = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}
    async with AsyncExitStack() as open_ones:
        several = [await open_ones.enter_async_context(store._engine.connect()) for _ in range(8)]
        several.append(await open_ones.enter_async_context(store._write()))
        for connection in several:
            assert wanted == {
                name: (await connection.execute(sa.text(f"PRAGMA {name}"))).scalar_one() for name in wanted
            }


async def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, clock)
    await store.close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / FILE}")
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
        indexes = {index["name"] for index in sa.inspect(connection).get_indexes("message")}
    engine.dispose()
    assert found == []
    assert "message_to_do" in indexes


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from app.adapters.store import Store
from app.models.record import Record

async def main(folder: str, conversation: str, events: int) -> None:
    store = await Store.open(Path(folder), lambda: datetime.now(UTC))
    for n in range(events):
        await store.record(Record(conversation=conversation, events=(("conversation.status", {"n": n}),)))
    await store.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_a_second_process_on_the_same_file_leaves_no_gap_either(tmp_path: Path) -> None:
    """Nobody should run two; whoever does by accident loses no event and no number."""
    store = await Store.open(tmp_path, clock)
    conversation = await talk(store)
    arguments = [sys.executable, "-c", WRITER, str(tmp_path), conversation, "40"]
    other = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    written = 0
    while other.returncode is None or written < 40:
        await store.record(Record(conversation=conversation, events=(event(written),)))
        written += 1
        await asyncio.sleep(0.01)
    _, errors = await other.communicate()
    assert other.returncode == 0, errors.decode()
    seqs = [e.seq for e in await store.events(conversation, 0, limit=10_000)]
    assert seqs == list(range(1, written + 41))
    await store.close()
