"""`stepfour eval bench`: how fast and how large the service is on this machine.

Beside what the plain LangChain way takes for the same, in the same run, where there is one.
"""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from knowledge.model import Value

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from evals.bench_load import Load

Tell = Callable[[str], None]
Part = Literal["messages", "sync", "cold", "growth", "embedding", "load"]
PARTS: tuple[Part, ...] = tuple(part for part in get_args(Part) if part != "load")
"""What is measured where nobody names parts. Load is of use on an idle machine only, and takes minutes."""

WANTED_MS = 60.0
"""The 95th percentile of a filtered search that we aim at, with the largest number of passages."""


class Row(Value):
    """One figure: of several measurements the median, and the 95th percentile."""

    figure: str
    value: float
    unit: str
    p95: float | None = None
    n: int | None = None
    """Of how many measurements."""
    beside: float | None = None
    """The same done the plain LangChain way."""
    beside_p95: float | None = None
    note: str = ""


class Machine(Value):
    cores: int
    processor: str
    memory_gb: float
    python: str
    system: str
    load: float
    """Average of the last minute before the run: above 0 others were at work too."""


class Times(Value):
    """Of one search, in milliseconds."""

    p50: float
    p95: float
    cpu_p50: float
    cpu_p95: float
    """Time of the processor: what a busy machine leaves alone."""


class Grown(Value):
    """One size: how search does there, and what it takes."""

    passages: int
    documents: int
    n: int
    """Searches."""
    ours: Times
    plain: Times
    take_s: float
    """Into catalogue and index, what this size has more than the one before it; reading of files and
    embedding left out."""
    take_cpu_s: float
    plain_take_s: float
    plain_take_cpu_s: float
    memory_mb: float
    """Of a process that has searched; no encoder is loaded."""
    plain_memory_mb: float
    peak_mb: float
    """While the index was opened and checked."""
    catalogue_mb: float
    vectors_mb: float
    """The cache of embeddings."""
    index_mb: float
    plain_index_mb: float


class Bench(Value):
    date: str
    machine: Machine
    seconds: float
    rows: tuple[Row, ...]
    growth: tuple[Grown, ...] = ()
    """Search at each size, the smallest first."""


def measure(
    *,
    ours: Path,
    encoder_folder: Path,
    pages: Path | None = None,
    texts: Sequence[Path] = (),
    parts: Collection[Part] = PARTS,
    tell: Tell = lambda _: None,
    messages: int = 72,
    founding: int = 20,
    together: int = 20,
    rounds: int = 3,
    generated: int = 475,
    largest: int = 10_000,
    cold: int = 24,
    load: Load | None = None,
) -> Bench:
    """About five minutes on two idle cores. In a fresh process, or peak memory is not the service's.

    `texts`: folders whose sentences the passages of growing search are made of, up to `largest`; else our
    pages. `cold`: pages of the first sync with real embedding; 0: all.
    """
    from evals import bench_growth, bench_sync

    began, date, machine = time.perf_counter(), datetime.now(UTC), this_machine()
    rows: list[Row] = []
    grown: tuple[Grown, ...] = ()
    with tempfile.TemporaryDirectory(prefix="stepfour-bench-") as name:
        folder = Path(name)
        if "messages" in parts:
            rows += _message_rows(folder, ours, encoder_folder, tell, (messages, founding, rounds, together))
        if "sync" in parts:
            rows += bench_sync.generated_rows(folder / "generated", generated, tell)
            if pages is not None:
                rows += bench_sync.sync_rows(pages, folder / "given", tell)
        if "cold" in parts and pages is not None:
            rows += bench_sync.cold_rows(pages, folder / "cold", encoder_folder, cold, tell)
        if "growth" in parts:
            grown = bench_growth.growth(folder / "growth", texts or [ours], largest, tell)
            rows += bench_growth.growth_rows(grown)
    if "load" in parts:
        from evals.bench_load import load_rows

        rows += load_rows(encoder_folder, tell, sizes=load)
    if "embedding" in parts:
        tell("embedding")
        rows += embedding_rows()
    return Bench(
        date=date.isoformat(timespec="seconds"),
        machine=machine,
        seconds=time.perf_counter() - began,
        rows=tuple(rows),
        growth=grown,
    )


def _message_rows(
    folder: Path, ours: Path, encoder_folder: Path, tell: Tell, sizes: tuple[int, int, int, int]
) -> list[Row]:
    from evals import bench_messages, bench_sync

    messages, founding, rounds, together = sizes
    with bench_messages.prepared(folder, ours, encoder_folder, tell) as setting:
        work = bench_messages.measure(
            setting, messages=messages, founding=founding, rounds=rounds, together=together, tell=tell
        )
        rows = [*asyncio.run(work), peak_row()]
        tell("search")
        return [*rows, *bench_sync.search_rows(setting.knowledge, bench_sync.questions(ours))]


def this_machine() -> Machine:
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        load=round(os.getloadavg()[0], 1),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")


def peak_row() -> Row:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / 2**20 if platform.system() == "Darwin" else peak / 1024
    note = "own pages synced, then all messages above; the encoder loaded, no model"
    return Row(figure="peak memory", value=megabytes, unit="MB", note=note)


def embedding_rows() -> list[Row]:
    from evals.bench_embedding import measure as measure_embedding

    found = measure_embedding()
    return [
        Row(
            figure=f"embedding, passages, {form}",
            value=found[f"embedding_{form}_passages_per_cpu_second"],
            unit="passages/cpu s",
            note="900 characters each, one core",
        )
        for form in ("fast", "native")
    ] + [
        Row(
            figure=f"embedding, one query, {form}",
            value=found[f"embedding_{form}_query_cpu_ms"],
            unit="cpu ms",
        )
        for form in ("fast", "native")
    ]


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest measured value: no figure that never happened."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def spread(figure: str, seconds: Sequence[float], *, note: str = "") -> Row:
    """Median and 95th percentile in milliseconds."""
    p50, p95 = (1000 * quantile(seconds, q) for q in (0.5, 0.95))
    return Row(figure=figure, value=p50, p95=p95, unit="ms", n=len(seconds), note=note)


# --- for people ---------------------------------------------------------------------------------


def shown(found: Bench, console: Console) -> None:
    machine = found.machine
    console.print(
        f"{machine.cores} cores, {machine.processor}, {machine.memory_gb} GB, Python {machine.python}, "
        f"load {machine.load} at the start; {found.date}; took {found.seconds:.0f} s\n",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_table(found.rows))
    for row in found.rows:
        if row.note:
            console.print(f"{row.figure}: {row.note}", highlight=False, soft_wrap=True)


def _table(rows: Sequence[Row]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for head in ("Stepfour", "p95", "plain LangChain", "p95"):
        table.add_column(head, justify="right")
    table.add_column("")
    table.add_column("n", justify="right")
    for row in rows:
        values = (row.value, row.p95, row.beside, row.beside_p95)
        cells = ("" if value is None else number(value) for value in values)
        table.add_row(row.figure, *cells, row.unit, "" if row.n is None else str(row.n))
    return table


def number(value: float) -> str:
    """Three digits say all that one run can."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
