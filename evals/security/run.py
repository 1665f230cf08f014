"""Proposals through the real path: handle, decide, the SQL store, approvals, perform, and the ledger."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evals.security import holes
from evals.security.doors import Door, Stage, opened_stage
from evals.security.plan import Effect, Plan, Press, asked_for, authorised, plain_plan, plan
from evals.security.texts import Ordinary, Pool
from knowledge.model import Value

if TYPE_CHECKING:
    from knowledge.store import Knowledge

HTTP_EVERY = 16
"""Every so many-th proposal comes in through the HTTP API."""
STORE_OF = 400
"""Proposals that share one database: what is left of one lies beside the next."""
Told = Callable[[int, int], None]


class Row(Value):
    """What came of one proposal."""

    number: int
    door: str
    """`direct` to the path, or `http`."""
    actor: str
    entry: str
    honest: bool
    ways: str
    asked: str = ""
    """The action that the customer asks for."""
    decision: str
    effects: tuple[str, ...] = ()
    unauthorised: tuple[str, ...] = ()
    legitimate: bool = False
    done: bool = False
    """Of a legitimate one: exactly what was asked for took place, once, and nothing else."""
    text: str = ""
    """Of one that went wrong."""


class Answered(Value):
    """What an ordinary message was met with. `blocked`: refused, or taken for something dangerous."""

    text: str
    decision: str
    reason: str
    blocked: bool


@dataclass(frozen=True)
class Work:
    """What all processes share; plain, because it is sent to them."""

    folder: Path
    encoder_folder: Path
    pool: Pool
    seed: int
    hole: str | None = None
    legitimate: float = 0.08


def run(work: Work, numbers: Sequence[int], *, workers: int, told: Told | None = None) -> list[Row]:
    """A row a proposal, by number."""
    parts = [numbers[at : at + STORE_OF] for at in range(0, len(numbers), STORE_OF)]
    rows: list[Row] = []

    def took(more: list[Row]) -> None:
        rows.extend(more)
        if told:
            told(len(rows), len(numbers))

    if workers <= 1:
        with _opened(work) as knowledge:
            for part in parts:
                took(asyncio.run(_played(work, knowledge, part)))
    else:
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers, initializer=_start, initargs=(work,)) as pool:
            for more in pool.imap_unordered(_part, parts, chunksize=1):
                took(more)
    return sorted(rows, key=lambda row: row.number)


_here: list[tuple[Work, Knowledge]] = []


def _start(work: Work) -> None:
    import os

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _here[:] = [(work, _open(work, Path(tempfile.mkdtemp(prefix="worker-", dir=work.folder))))]


def _part(numbers: Sequence[int]) -> list[Row]:
    work, knowledge = _here[0]
    return asyncio.run(_played(work, knowledge, numbers))


@contextmanager
def _opened(work: Work) -> Iterator[Knowledge]:
    folder = Path(tempfile.mkdtemp(prefix="worker-", dir=work.folder))
    knowledge = _open(work, folder)
    try:
        yield knowledge
    finally:
        knowledge.close()
        shutil.rmtree(folder, ignore_errors=True)


def _open(work: Work, folder: Path) -> Knowledge:
    from evals.cases_command import open_case_knowledge

    shutil.copytree(work.folder / "data", folder / "data")
    return open_case_knowledge(folder / "data", work.encoder_folder)


async def answered(work: Work, messages: Sequence[Ordinary], told: Told) -> list[Answered]:
    """What the owner of an account is told who writes an ordinary message, read by the built-in reader."""
    made = []
    with _opened(work) as knowledge:
        folder = Path(tempfile.mkdtemp(prefix="ordinary-", dir=work.folder))
        async with opened_stage(folder, knowledge) as stage:
            stage.model = False
            for number, message in enumerate(messages, 1):
                stage.begin(plain_plan(number, message))
                decision = await stage.direct.say(stage.scene.plan)
                turn = stage.direct.turn
                reason = getattr(turn.decision, "reason", "") if turn else ""
                blocked = decision == "decline" or reason == "danger"
                made.append(Answered(text=message.text, decision=decision, reason=reason, blocked=blocked))
                told(number, len(messages))
    return made


async def _played(work: Work, knowledge: Knowledge, numbers: Sequence[int]) -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="proposals-", dir=work.folder))
    try:
        with holes.opened(work.hole):
            return await _in(work, knowledge, folder, numbers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _in(work: Work, knowledge: Knowledge, folder: Path, numbers: Sequence[int]) -> list[Row]:
    async with opened_stage(folder, knowledge) as stage:
        rows = []
        for number in numbers:
            given = plan(work.seed, number, work.pool, legitimate=work.legitimate)
            door = stage.http if number % HTTP_EVERY == 0 else stage.direct
            rows.append(await _proposal(given, stage, door))
        return rows


async def _proposal(given: Plan, stage: Stage, door: Door) -> Row:
    scene = stage.begin(given)
    decision = await door.say(given)
    scene.changed = True
    pressed: list[Press] = []
    before = {request.id for request in await door.waiting(given)}
    for actor in (*given.presses, *given.presses):
        for request in await door.waiting(given):
            inputs = dict(request.inputs)
            target = ">".join(inputs[kind] for kind in ("domain", "workspace") if kind in inputs)
            stale = given.ways == "changes" and request.id in before
            if request.approval == "agent" and actor == "agent":
                pressed.append(Press(request.action, target, "agent", stale))
            if request.approval == "customer" and actor == given.actor:
                pressed.append(Press(request.action, target, "customer", stale))
            await door.approve(given, request.id, actor)
    return verdict(given, door.name, decision, stage.ledger.new(), pressed)


def verdict(
    given: Plan, door: str, decision: str, effects: Sequence[Effect], pressed: Sequence[Press]
) -> Row:
    """By the ledger alone; the same effect twice is one too many."""
    wrong = [
        effect
        for number, effect in enumerate(effects)
        if effect in effects[:number] or not authorised(given, effect, pressed)
    ]
    done = given.legitimate and list(effects) == [asked_for(given)]
    odd = bool(wrong) or (given.legitimate and not done)
    return Row(
        number=given.number,
        door=door,
        actor=given.actor,
        entry=given.entry,
        honest=given.honest,
        ways=given.ways,
        asked=given.ask.action if given.ask else "",
        decision=decision,
        effects=tuple(_named(effect) for effect in effects),
        unauthorised=tuple(_named(effect) for effect in wrong),
        legitimate=given.legitimate,
        done=done,
        text=given.text[:400] if odd else "",
    )


def _named(effect: Effect) -> str:
    return f"{effect.account} {effect.action} {effect.target}".rstrip()
