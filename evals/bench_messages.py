"""How long messages take through `handle`: one at a time, and many conversations at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.conversation import handle
from app.demo import MESSAGES, demo_net, demo_settings
from app.main import open_services, utc_now
from app.models.conversation import Message
from app.models.people import Principal
from app.models.record import Turn
from app.ports import Library, Services
from evals.bench import Row, Tell, spread
from evals.case import LabelledCase, read_all
from evals.memory import CaseAccounts, principal
from evals.run import in_its_world, said, settings_for
from knowledge.model import Address, Citation, Cited, Fate, Hit, Procedure
from knowledge.store import Knowledge

if TYPE_CHECKING:
    from evals.world.spec import Spec
    from evals.world.world import World

CASES = Path(__file__).parent / "cases"
WARM_UP = 5
STAGES = ("begin", "retrieve", "read", "verify", "decide", "carry out", "reply")


@dataclass(frozen=True)
class Setting:
    """What all message measurements share."""

    folder: Path
    knowledge: Knowledge
    cases: Sequence[LabelledCase]
    articles: dict[str, str]


@dataclass(frozen=True)
class Timed:
    """One message: what it led to, and when."""

    turn: Turn
    seconds: float
    """From accepted to done."""
    work: float = 0.0
    """Processor time of this process, which a busy machine does not stretch."""
    queue: float = 0.0
    """From accepted to begun."""


@contextmanager
def prepared(folder: Path, ours: Path, encoder_folder: Path, tell: Tell) -> Iterator[Setting]:
    """The pages taken in, and no sentence of a conversation embedded before, as in life."""
    from evals.cases_command import add_articles, fill
    from knowledge.embedding import CachedEncoder, default_encoder

    tell("taking the pages in")
    encoder = CachedEncoder(default_encoder(encoder_folder), folder / "embeddings.db")
    knowledge = Knowledge.open(folder / "knowledge", encoder=encoder)
    try:
        fill(knowledge, folder, ours, None)
        cases = read_all(sorted(CASES.glob("*.jsonl")))
        yield Setting(folder, knowledge, cases, add_articles(knowledge, folder / "articles", cases))
    finally:
        knowledge.close()


async def measure(
    setting: Setting, *, messages: int, founding: int, rounds: int, together: int, tell: Tell
) -> list[Row]:
    tell("one message at a time")
    some = picked(setting.cases, messages)
    alone = await _one_by_one(setting, some)
    # Other texts than before: what was embedded once would cost nothing now.
    fresh = [case for case in setting.cases if case not in some] + some
    with world(setting.folder / "world") as there:
        tell("the founding case with real probes")
        real = await _founding(setting, there, founding)
        tell(f"{together} conversations at once")
        rows = await _at_once(setting, there, fresh[: together * rounds], together)
    return [
        *_alone_rows("one message", alone, "alone; labelled cases, each in its own memory world"),
        *_alone_rows("founding case", real, "alone; real probes, HTTPS switched on, read back"),
        *rows,
    ]


def _alone_rows(figure: str, timed: Sequence[Timed], note: str) -> list[Row]:
    rows = [
        spread(figure, [t.seconds for t in timed], note=note),
        spread(f"{figure}, processor time", [t.work for t in timed]),
    ]
    for name in STAGES:
        seconds = [stage.seconds for t in timed for stage in t.turn.stages if stage.name == name]
        if seconds:
            rows.append(spread(f"{figure}, {name}", seconds))
    return rows


def picked(cases: Sequence[LabelledCase], count: int) -> list[LabelledCase]:
    """So many, taken evenly over all."""
    count = min(count, len(cases))
    return [cases[i * len(cases) // count] for i in range(count)]


# --- one at a time ------------------------------------------------------------------------------


async def _one_by_one(setting: Setting, cases: Sequence[LabelledCase]) -> list[Timed]:
    """The first few warm up and do not count: a service has read messages before."""
    from app.adapters.store import Store
    from app.reader.builtin import builtin_reader
    from app.reader.subjects import known_among

    procedures = setting.knowledge.procedures()
    store = await Store.open(setting.folder / "alone", utc_now)
    base = Services(
        settings=settings_for(procedures, setting.folder),
        clock=utc_now,
        store=store,
        library=None,  # type: ignore[arg-type]  # each case brings its own
        read=builtin_reader(setting.knowledge.encoder),
        accounts=None,  # type: ignore[arg-type]
        looks={},
        actions={},
        named=known_among,
    )
    try:
        others = [case for case in setting.cases if case not in cases]
        for case in (others or cases)[:WARM_UP]:
            again = case.model_copy(update={"id": f"warm-{case.id}"})
            await _in_memory(setting, again, base, procedures)
        return [await _in_memory(setting, case, base, procedures) for case in cases]
    finally:
        await store.close()


async def _in_memory(
    setting: Setting, case: LabelledCase, base: Services, procedures: Sequence[Procedure]
) -> Timed:
    documents = frozenset(procedure.document for procedure in procedures)
    documents |= {setting.articles[case.id]} if case.id in setting.articles else set()
    services = in_its_world(case, base, setting.knowledge, documents, CaseAccounts(case))
    last = await said(case, services.store, principal(case))
    return await _timed(services, last)


async def _timed(services: Services, message: Message) -> Timed:
    started, worked = time.perf_counter(), time.process_time()
    turn = await handle(services, message.id)
    return Timed(turn, time.perf_counter() - started, time.process_time() - worked)


# --- the real world -----------------------------------------------------------------------------


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The fictional platform in a process of its own, as a real one would be."""
    from evals.world.spec import Addresses
    from evals.world.world import World

    folder.mkdir()
    command = [sys.executable, "-m", "evals.world", "--state-dir", str(folder)]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    )
    try:
        assert process.stdout is not None
        there = World(Addresses.model_validate_json(process.stdout.readline()))
        try:
            yield there
        finally:
            there.close()
    finally:
        process.terminate()
        process.communicate(timeout=10)


async def _founding(setting: Setting, there: World, count: int) -> list[Timed]:
    """Steps 1 to 3 are done and HTTPS is asked for, by another customer each time."""
    languages = list(MESSAGES)
    timed = []
    async with _real_services(setting, there, "founding") as services:
        for number in range(count + 1):
            spec = _ready(there, f"f{number}")
            lang = languages[number % len(languages)]
            text = MESSAGES[lang][0].format(domain=spec.hosts[0].partition(".")[2])
            case = _conversation(f"f{number}", lang, text)
            last = await said(case, services.store, _owner(spec), "web")
            timed.append(await _timed(services, last))
            if len(there.effects(spec.account)) != 1:
                raise RuntimeError(f"the founding case was not solved: {timed[-1].turn.decision}")
    return timed[1:]


@asynccontextmanager
async def _real_services(setting: Setting, there: World, name: str) -> AsyncIterator[Services]:
    """Without the pause in which quick messages are collected: it is a wait, not work."""
    settings = demo_settings(there.addresses, setting.folder / name, port=0)
    settings = settings.model_copy(update={"pause_seconds": 0})
    async with open_services(settings, setting.knowledge, net=demo_net(there.addresses)) as services:
        yield services


def _ready(there: World, name: str) -> Spec:
    from evals.world import scenarios

    return there.load(scenarios.all_ready(account=f"bench-{name}", domain=f"{name}.example", label=name))


def _owner(spec: Spec) -> Principal:
    return Principal(kind="customer", id=spec.owner.user, account=spec.owner.account)


def _conversation(id: str, lang: str, text: str) -> LabelledCase:
    said = {"role": "customer", "text": text}
    expect = {"procedure": None, "decision": "act"}
    return LabelledCase.model_validate(
        {"id": id, "lang": lang, "messages": [said], "identity": "owner", "expect": expect}
    )


# --- many at once -------------------------------------------------------------------------------


async def _at_once(setting: Setting, there: World, cases: Sequence[LabelledCase], together: int) -> list[Row]:
    """So many people send at the same moment, each in a conversation of their own; then the next ones."""
    timed: list[Timed] = []
    busy = 0.0
    async with _real_services(setting, there, "at-once") as services:
        for first in range(0, len(cases), together):
            waiting = [
                await said(case, services.store, _owner(_ready(there, f"n{number}")), "web")
                for number, case in enumerate(cases[first : first + together], first)
            ]
            started = time.perf_counter()
            timed += await asyncio.gather(*(_queued(services, message, started) for message in waiting))
            busy += time.perf_counter() - started
    many = f"{together} at once"
    note = "real probes; all sent at the same moment, without the pause in which quick messages are collected"
    return [
        Row(
            figure=f"{many}, throughput", value=len(timed) / busy, unit="messages/s", n=len(timed), note=note
        ),
        spread(f"{many}, in queue", [t.queue for t in timed], note="accepted to begun"),
        spread(f"{many}, whole", [t.seconds for t in timed], note="accepted to done"),
    ]


async def _queued(services: Services, message: Message, accepted: float) -> Timed:
    watched = _Watched(services.library)
    turn = await handle(replace(services, library=watched), message.id)
    begin = next(stage.seconds for stage in turn.stages if stage.name == "begin")
    return Timed(turn, time.perf_counter() - accepted, queue=max(0.0, watched.asked - begin - accepted))


class _Watched:
    """A library that notes when it is first asked: right after `begin`."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.asked = 0.0

    async def candidates(self, messages: Sequence[Message]) -> tuple[Procedure, ...]:
        self.asked = self.asked or time.perf_counter()
        return await self._library.candidates(messages)

    async def procedure(self, id: str, lang: str) -> Procedure | None:
        return await self._library.procedure(id, lang)

    async def search(self, query: Sequence[tuple[str, float]], *, lang: str) -> list[Hit]:
        return await self._library.search(query, lang=lang)

    async def section(self, procedure: Procedure, step: str) -> Citation | None:
        return await self._library.section(procedure, step)

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        return await self._library.became(cited)

    async def addresses(self) -> Mapping[str, Address]:
        return await self._library.addresses()
