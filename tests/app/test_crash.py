"""kill -9 at every boundary: after a restart one effect, one reply, nothing lost, no number missing.

A child process runs the service on a data folder beside an account system that keeps its ledger in a file.
The points where it dies are in the doubles and in a store that counts its commits: none is in the service.
`stepfour eval crash` does the same to the real service beside the real platform, over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import signal
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app import anchor
from app.adapters import trail
from app.adapters.memory import MemoryAccounts, Sight
from app.adapters.sql import FILE, MIGRATIONS
from app.models.conversation import Message as Said
from app.models.conversation import Mode
from app.models.people import Principal
from app.models.reading import Reading
from app.models.steps import Finding
from app.ports import NO_SUBJECTS
from app.service import Service
from app.trail import verify
from evals.crash.points import Crash, DyingStore
from knowledge.model import Procedure
from tests.app import world as worlds
from tests.app.world import ANN, MODES, PLEASE, ZOE, World, open_world, wants

CONVERSATION = "c_one"


class FileAccounts(MemoryAccounts):
    """Its ledger is a file: what was written stays written, whoever dies."""

    def __init__(self, file: Path, crash: Crash) -> None:
        super().__init__()
        self._file, self._crash = file, crash

    def written(self) -> list[dict[str, str]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return [json.loads(line) for line in lines]

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        return bool(self.written()) and self.written()[-1]["effect"] == "enable_https"

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> None:
        self._crash.at("before the write")
        if key not in [line["key"] for line in self.written()]:
            with self._file.open("a") as file:
                file.write(json.dumps({"account": account, "effect": effect, "key": key}) + "\n")
        self._crash.at("after the write")


# --- the child ----------------------------------------------------------------------------------

Work = Callable[[World], Coroutine[Any, Any, None]]

CHILDREN = multiprocessing.get_context("forkserver")
"""Forked from a process of one thread: threads of this one may hold locks that a fork would wait for."""
CHILDREN.set_forkserver_preload([__name__])


def run(
    folder: Path,
    work: Work,
    crash: Crash | None = None,
    modes: Mapping[str, Mode] = MODES,
    certificate: Sight = "met",
) -> int:
    """Runs the service in a child until its work is done; returns how the child ended (-9: killed)."""
    child = CHILDREN.Process(target=_child, args=(folder, work, crash or Crash(), modes, certificate))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _child(folder: Path, work: Work, crash: Crash, modes: Mapping[str, Mode], certificate: Sight) -> None:
    asyncio.run(_serve(folder, work, crash, modes, certificate))


async def _serve(
    folder: Path, work: Work, crash: Crash, modes: Mapping[str, Mode], certificate: Sight
) -> None:
    worlds.__dict__["Store"] = DyingStore  # in this child alone
    async with open_world(folder / "data", modes) as world:
        accounts = FileAccounts(folder / "ledger", crash)
        accounts.roles, accounts.owned = world.accounts.roles, world.accounts.owned
        world.looks._accounts = accounts
        world.see(certificate_presented=certificate)

        async def read(messages: Sequence[Said], procedures: Sequence[Procedure]) -> Reading:
            crash.at("reading")
            return wants()

        DyingStore.crash = crash
        world.service = Service(replace(world.services, read=read, accounts=accounts))
        await world.service.start()
        await world.service.idle()
        await work(world)
        await world.service.idle()


async def restart(world: World) -> None:
    """Nothing but what a start does by itself."""


async def write(world: World) -> None:
    """A customer opens a conversation and writes, as a channel does; again it is a redelivery."""
    await world.store.open_conversation(ANN, "web", context={}, id=CONVERSATION)
    message, _ = await world.store.accept(CONVERSATION, "customer", PLEASE, client_id="1", context={})
    await world.service.start_message(message.id)


async def write_as_before(world: World) -> None:
    """Conversations had no salt of their own then, which an empty one comes to."""
    trail.__dict__["secrets"] = SimpleNamespace(token_hex=lambda _: "")  # in this child alone
    await write(world)


async def approve(world: World) -> None:
    (request,) = await world.store.requests("proposed")
    await world.service.decide_request(request.id, "approve", ZOE)


async def reject(world: World) -> None:
    (request,) = await world.store.requests("proposed")
    await world.service.decide_request(request.id, "reject", ZOE)


async def due(world: World) -> None:
    (watch,) = await world.store.watches()
    world.at = watch.next_at
    await world.service._resume(watch.case, f"watch:{watch.case}:{watch.next_at.isoformat()}")


# --- what must be so afterwards -----------------------------------------------------------------


class After:
    """What is in the folder, read by somebody who was not there."""

    def __init__(self, folder: Path) -> None:
        self.effects = [line["effect"] for line in FileAccounts(folder / "ledger", Crash()).written()]
        asyncio.run(self._look(folder))
        assert verify(folder / "data", folder / anchor.FILE).fault is None, "what is written is told, once"

    async def _look(self, folder: Path) -> None:
        async with open_world(folder / "data") as world:
            messages = await world.store.messages(CONVERSATION)
            self.replies = [message.text for message in messages if message.role == "bot"]
            self.said = [message.id for message in messages if message.role == "customer"]
            self.turns = await world.store.turns(CONVERSATION)
            self.to_do = await world.store.to_do()
            self.seqs = [event.seq for event in await world.store.events(CONVERSATION, 0)]
            done = await world.events(CONVERSATION, "message.done")
            self.shown = [e.payload["message"]["id"] for e in done]  # type: ignore[index]
            self.running = await world.store.requests("proposed", "approved", "executing", "verifying")
            ended = await world.store.requests("done", "undone", "needs_person", "refused")
            self.states = [request.state for request in ended]
            self.untold = [request.id for request in ended if not request.told]
            self.status = await world.status(CONVERSATION)


def is_whole(folder: Path, *, replies: int = 1) -> None:
    after = After(folder)
    assert after.effects == ["enable_https"]
    assert after.states == ["done"]
    assert after.running == []
    assert after.untold == []
    assert len(after.replies) == replies
    assert after.replies[-1].startswith("HTTPS is now on")
    assert after.to_do == []
    assert [turn.trigger for turn in after.turns] == after.said
    assert after.seqs == list(range(1, len(after.seqs) + 1))
    assert len(after.shown) == len(set(after.shown)) == len(after.said) + replies
    assert after.status == "resolved"


POINTS = [
    "reading",
    "before executing",
    "after executing",
    "before the write",
    "after the write",
    "before verifying",
    "after verifying",
    "before done",
    "after done",
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_once_the_restart_goes_on_by_itself(tmp_path: Path, point: str) -> None:
    assert run(tmp_path, write, Crash(point)) == -signal.SIGKILL
    for _ in range(2):  # the second start finds nothing left
        assert run(tmp_path, restart) == 0
        is_whole(tmp_path)


@pytest.mark.parametrize("point", ["after the write", "after done", "reading"])
def test_killed_again_and_again_at_the_same_point(tmp_path: Path, point: str) -> None:
    assert run(tmp_path, write, Crash(point)) == -signal.SIGKILL
    for _ in range(2):
        again = run(tmp_path, restart, Crash(point))
        assert again == (0 if point == "after done" else -signal.SIGKILL)
    assert run(tmp_path, restart) == 0
    is_whole(tmp_path)


class Counting(Crash):
    """Kills nobody."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.passed = file, 0

    def at(self, point: str) -> None:
        if point == "after a commit":
            self.passed += 1
            self.file.write_text(str(self.passed))


def commits(folder: Path) -> int:
    """How many commits a whole case takes."""
    assert run(folder, write, Counting(folder / "commits")) == 0
    is_whole(folder)
    return int((folder / "commits").read_text())


@pytest.mark.slow
def test_killed_at_every_commit_before_it_and_after_it(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    most = commits(whole)
    assert most >= 8
    for side in ("before a commit", "after a commit"):
        for nth in range(1, most + 1):
            folder = tmp_path / f"{side[:5].strip()}-{nth}"
            folder.mkdir()
            assert run(folder, write, Crash(side, nth)) == -signal.SIGKILL, (side, nth)
            # A client that heard nothing sends again; whose message was stored has nothing to do.
            accepted = nth > 2 or (nth == 2 and side.startswith("after"))
            assert run(folder, restart if accepted else write) == 0, (side, nth)
            is_whole(folder)


AGENTS: Mapping[str, Mode] = {**MODES, "enable_https": "suggest"}


@pytest.mark.parametrize("point", ["after approved", "after the write", "after done"])
def test_a_yes_survives_and_is_used_once(tmp_path: Path, point: str) -> None:
    assert run(tmp_path, write, modes=AGENTS) == 0
    assert run(tmp_path, approve, Crash(point), modes=AGENTS) == -signal.SIGKILL
    assert run(tmp_path, restart, modes=AGENTS) == 0
    is_whole(tmp_path, replies=2)


@pytest.mark.parametrize(("point", "told"), [("before a commit", False), ("after a commit", True)])
def test_a_no_and_its_telling_are_one_commit(tmp_path: Path, point: str, told: bool) -> None:
    assert run(tmp_path, write, modes=AGENTS) == 0
    assert run(tmp_path, reject, Crash(point), modes=AGENTS) == -signal.SIGKILL
    assert run(tmp_path, restart, modes=AGENTS) == 0
    after = After(tmp_path)
    assert after.effects == []
    assert len(after.replies) == (2 if told else 1)
    assert after.states == (["refused"] if told else [])
    assert len(after.running) == (0 if told else 1), "and where it was lost, it can be decided again"
    assert after.untold == []


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
def test_refused_before_the_effect_and_killed_on_the_way_to_telling_it(tmp_path: Path, nth: int) -> None:
    assert run(tmp_path, write, modes=AGENTS) == 0
    late = Crash("after a commit", nth)
    assert run(tmp_path, approve, late, modes=AGENTS, certificate="not_met") == -signal.SIGKILL
    assert run(tmp_path, restart, modes=AGENTS, certificate="not_met") == 0
    after = After(tmp_path)
    assert after.effects == []
    assert after.states == ["refused"]
    assert after.untold == []
    assert [turn.decision.kind for turn in after.turns] == ["propose", "guide"], "decided anew, once"
    assert len(after.replies) == 2


def test_a_watch_survives(tmp_path: Path) -> None:
    assert run(tmp_path, write, certificate="waiting") == 0
    assert run(tmp_path, due, Crash("after the write")) == -signal.SIGKILL
    assert run(tmp_path, restart) == 0
    after = After(tmp_path)
    assert after.effects == ["enable_https"]
    assert len(after.replies) == 2
    assert after.untold == []


def turned_back(folder: Path) -> tuple[str, str]:
    """Makes the data folder what the version before the newest migration would have left; from and to."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    assert head is not None
    before = scripts.get_revision(head).down_revision
    assert isinstance(before, str)
    now, old = folder / FILE, folder / "old.db"
    engine = sa.create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before)
    engine.dispose()
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute("ATTACH ? AS now", (str(now),))
        triggers = db.execute("SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:  # they would refuse the lines of the audit trail
            db.execute(f"DROP TRIGGER main.{name}")
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'alembic%'"
        for (table,) in db.execute(tables).fetchall():
            ours = [row[1] for row in db.execute(f"PRAGMA main.table_info({table})")]
            theirs = [row[1] for row in db.execute(f"PRAGMA now.table_info({table})")]
            columns = ", ".join(f'"{name}"' for name in ours if name in theirs)
            if columns:
                db.execute(f"DELETE FROM main.{table}")
                db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
        for _, statement in triggers:
            db.execute(statement)
    for leftover in folder.glob(f"{FILE}*"):
        leftover.unlink()
    old.replace(now)
    return before, head


@pytest.mark.parametrize("point", ["reading", "before executing", "after the write", "after done"])
def test_an_upgrade_with_work_in_flight_goes_on(tmp_path: Path, point: str) -> None:
    assert run(tmp_path, write_as_before, Crash(point)) == -signal.SIGKILL
    before, head = turned_back(tmp_path / "data")
    assert revision(tmp_path / "data") == before
    assert run(tmp_path, restart) == 0
    assert revision(tmp_path / "data") == head
    is_whole(tmp_path)


def revision(folder: Path) -> str:
    with closing(sqlite3.connect(folder / FILE)) as db:
        return str(db.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_a_child_that_is_not_killed_ends_well(tmp_path: Path) -> None:
    """So that a child killed for another reason is seen."""
    assert run(tmp_path, write, Crash("a point that is never passed")) == 0
    is_whole(tmp_path)
    assert Principal(kind="customer", id="ann", account="acme") == ANN
