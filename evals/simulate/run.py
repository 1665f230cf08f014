"""All conversations, spread over processes; the same rows for a seed, whatever the order of running."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.connectors.heron import ACTIONS
from app.errors import BadInput
from app.ports import Services
from evals.simulate.bots import Bot, Ours, Rag, simulation_settings
from evals.simulate.customer import Customer, Plan, customers, plan
from evals.simulate.memory import Clock, MemoryWorld
from evals.simulate.phrases import LANGUAGES, Half, Phrases, load
from evals.simulate.play import play
from evals.simulate.score import Row, verdict
from evals.simulate.timeline import Timeline
from knowledge.model import Procedure

if TYPE_CHECKING:
    from knowledge.store import Knowledge

BEGIN = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
BOTS = ("stepfour", "rag", "rag without repeats")
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """Everything a worker needs; it is sent to another process, so it is plain."""

    number: int
    customer: Customer
    plan: Plan
    bot: str


@dataclass(frozen=True)
class Work:
    """What all workers share."""

    folder: Path
    """Holds `data` (knowledge), `tables` (an empty database) and one folder a worker."""
    encoder_folder: Path
    phrases: Path
    half: Half


def tasks(
    procedures: Sequence[Procedure],
    languages: Sequence[str],
    bots: Sequence[str],
    *,
    seed: int,
    n: int,
    k: int,
) -> list[Task]:
    """`n` conversations a bot: `n / k` customers, `k` runs each."""
    if k < 1 or n < k:
        raise BadInput(f"--n {n} --k {k}: there must be one customer at least, so n is k or more.")
    known = [procedure for procedure in procedures if simulated(procedure)]
    if not known:
        raise BadInput("no procedure of these pages can be simulated. Name a folder with procedure pages.")
    people = customers(seed, -(-n // k), known, languages)
    made = [(person, plan(person, run), bot) for bot in bots for person in people for run in range(k)]
    per_bot = [task for bot in bots for task in [t for t in made if t[2] == bot][:n]]
    return [Task(number, person, when, bot) for number, (person, when, bot) in enumerate(per_bot)]


def simulated(procedure: Procedure) -> bool:
    """Steps done in their order, whose effect an action of ours brings: what the twin knows to be true."""
    return not procedure.branches and procedure.action in ACTIONS


def pages_of(knowledge: Knowledge) -> dict[str, dict[str, Procedure]]:
    """Every procedure in the words of its page in each language, by its id."""
    return {
        procedure.id: {lang: knowledge.procedure(procedure.id, lang=lang) or procedure for lang in LANGUAGES}
        for procedure in knowledge.procedures()
    }


def prepare(folder: Path, pages: Path, encoder_folder: Path) -> dict[str, dict[str, Procedure]]:
    """Knowledge and empty tables, made once for all workers; the procedures by id and language."""
    from evals.cases_command import fill, open_case_knowledge

    (folder / "data").mkdir(parents=True)
    knowledge = open_case_knowledge(folder / "data", encoder_folder)
    try:
        fill(knowledge, folder / "data", pages, None)
        procedures = pages_of(knowledge)
    finally:
        knowledge.close()
    asyncio.run(_tables(folder / "tables"))
    return procedures


async def _tables(folder: Path) -> None:
    from app.adapters.store import Store

    store = await Store.open(folder, Clock(BEGIN))
    await store.close()


def run(work: Work, todo: Sequence[Task], *, workers: int, told: Told | None = None) -> list[Row]:
    """A row a task, in the tasks' order."""
    rows: dict[int, Row] = {}
    if workers <= 1:
        _start(work)
        for task in todo:
            rows[task.number] = _run(task)[1]
            if told:
                told(len(rows), len(todo))
        _end()
        return [rows[task.number] for task in todo]
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start, initargs=(work,)) as pool:
        for number, row in pool.imap_unordered(_run, todo, chunksize=1):
            rows[number] = row
            if told:
                told(len(rows), len(todo))
    return [rows[task.number] for task in todo]


# --- one process --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Here:
    """What one process keeps between its conversations."""

    work: Work
    own: Path
    knowledge: Knowledge
    pages: dict[str, dict[str, Procedure]]
    """A procedure by its id and each language."""
    phrases: Phrases
    base: Services
    loop: asyncio.AbstractEventLoop


_here: list[_Here] = []


def _start(work: Work) -> None:
    import os

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from app.adapters.library import KnowledgeLibrary
    from app.reader.builtin import builtin_reader
    from app.reader.subjects import known_among
    from evals.cases_command import open_case_knowledge

    own = Path(tempfile.mkdtemp(prefix="worker-", dir=work.folder))
    shutil.copytree(work.folder / "data", own / "data")
    knowledge = open_case_knowledge(own / "data", work.encoder_folder)
    base = Services(
        settings=simulation_settings(ACTIONS, own),
        clock=Clock(BEGIN),
        store=None,  # type: ignore[arg-type]  # each conversation brings its own
        library=KnowledgeLibrary(knowledge),
        read=builtin_reader(knowledge.encoder),
        accounts=None,  # type: ignore[arg-type]
        looks={},
        actions=ACTIONS,
        named=known_among,
    )
    _here[:] = [
        _Here(
            work=work,
            own=own,
            knowledge=knowledge,
            pages=pages_of(knowledge),
            phrases=load(work.phrases).in_half(work.half),
            base=base,
            loop=asyncio.new_event_loop(),
        )
    ]


def _end() -> None:
    for here in _here:
        here.loop.run_until_complete(here.loop.shutdown_default_executor())
        here.loop.close()
        here.knowledge.close()
    _here.clear()


def _run(task: Task) -> tuple[int, Row]:
    return task.number, _here[0].loop.run_until_complete(_conversation(_here[0], task))


async def _conversation(here: _Here, task: Task) -> Row:
    customer = task.customer
    pages = here.pages[customer.procedure]
    procedure = pages[customer.lang]
    clock = Clock(BEGIN + timedelta(minutes=task.plan.run))
    world = MemoryWorld(customer, procedure, Timeline(clock(), dict(customer.truths)), clock)
    folder = here.own / f"t{task.number}"
    bot = await _bot(here, task, world, procedure, folder)
    try:
        played = await play(customer, task.plan, bot, world, phrases=here.phrases, pages=pages, clock=clock)
    finally:
        await bot.close()
        shutil.rmtree(folder, ignore_errors=True)
    return verdict(played, procedure)


async def _bot(here: _Here, task: Task, world: MemoryWorld, procedure: Procedure, folder: Path) -> Bot:
    if task.bot != "stepfour":
        fresh = task.bot != "rag"
        return Rag(here.knowledge, world.clock, task.customer, procedure, fresh=fresh)
    shutil.copytree(here.work.folder / "tables", folder)
    base = replace(here.base, settings=here.base.settings.model_copy(update={"data_dir": folder}))
    return await Ours.start(
        base, world=world, customer=task.customer, plan=task.plan, procedure=procedure, folder=folder
    )
