"""How search does as documents grow: three plots and a table, and a page of a run of the bench alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evals.bench import WANTED_MS, Bench, Grown, Row, number
from evals.summary.pieces import as_figure, as_table, document, safe
from evals.summary.plots import Curve, curves


def speed_page(found: Bench) -> str:
    machine = found.machine
    on = (
        f"{found.date} · {machine.cores} cores, {machine.processor}, {machine.memory_gb} GB, "
        f"Python {machine.python}, load {machine.load} at the start"
    )
    return document(
        "How fast Stepfour is",
        [
            f"<h1>How fast Stepfour is</h1><p class=small>{safe(on)}</p>",
            growth_section(found.growth),
            _figures(found.rows),
        ],
    )


def growth_section(grown: Sequence[Grown]) -> str:
    if not grown:
        return ""

    def curve(
        name: str, of: Callable[[Grown], float], *, beside: bool = False, dashed: bool = False
    ) -> Curve:
        return Curve(name, tuple((g.passages, of(g)) for g in grown), beside, dashed)

    time = curves(
        [
            curve("Stepfour, p95", lambda g: g.ours.cpu_p95),
            curve("Stepfour, median", lambda g: g.ours.cpu_p50, dashed=True),
            curve("plain, p95", lambda g: g.plain.cpu_p95, beside=True),
            curve("plain, median", lambda g: g.plain.cpu_p50, beside=True, dashed=True),
        ],
        "Processor time of a filtered search, by passages",
        unit="ms",
        aim=WANTED_MS,
    )
    memory = curves(
        [
            curve("Stepfour", lambda g: g.memory_mb),
            curve("while opening", lambda g: g.peak_mb, dashed=True),
            curve("plain", lambda g: g.plain_memory_mb, beside=True),
        ],
        "Memory, by passages",
        unit="MB",
    )
    disk = curves(
        [
            curve("Stepfour, all", lambda g: g.catalogue_mb + g.vectors_mb + g.index_mb),
            curve("the index of it", lambda g: g.index_mb, dashed=True),
            curve("plain", lambda g: g.plain_index_mb, beside=True),
        ],
        "Disk, by passages",
        unit="MB",
    )
    heads = (
        "passages", "documents", "search, median", "p95", "processor time, median", "p95",
        "plain: median", "p95", "processor time, median", "p95", "memory, MB", "plain", "disk, MB", "plain",
    )  # fmt: skip
    body = [[f"{g.passages:,}", f"{g.documents:,}", *map(number, _values(g))] for g in grown]
    notes = (
        f"{grown[-1].n} searches by audience, language and product at each size, milliseconds; the dashed "
        f"line is the {WANTED_MS:.0f} ms that we aim at. The passages are made of sentences of real pages, "
        "the questions are headings and questions of those pages, vectors are sums of words: embedding a "
        "question comes on top. Plain is LangChain with Chroma: vectors alone, with a filter on metadata."
    )
    return (
        f"<h2>Search as documents grow</h2><p class=small>{safe(notes)}</p>"
        f"{as_figure(time, 'Processor time of a filtered search: what a busy machine leaves alone.')}"
        f"{as_figure(memory, 'Memory of a process that has searched, without an encoder.')}"
        f"{as_figure(disk, 'Disk: catalogue with all texts and words, vectors, index.')}"
        f"{as_table(heads, body)}"
    )


def _values(g: Grown) -> list[float]:
    return [
        *(g.ours.p50, g.ours.p95, g.ours.cpu_p50, g.ours.cpu_p95),
        *(g.plain.p50, g.plain.p95, g.plain.cpu_p50, g.plain.cpu_p95),
        *(g.memory_mb, g.plain_memory_mb, g.catalogue_mb + g.vectors_mb + g.index_mb, g.plain_index_mb),
    ]


def _figures(rows: Sequence[Row]) -> str:
    def cell(value: float | None) -> str:
        return "" if value is None else number(value)

    heads = ("", "Stepfour", "p95", "plain LangChain", "p95", "unit", "n", "")
    body = [
        (
            safe(row.figure),
            *map(cell, (row.value, row.p95, row.beside, row.beside_p95)),
            safe(row.unit),
            "" if row.n is None else str(row.n),
            safe(row.note),
        )
        for row in rows
    ]
    return f"<h2>All figures</h2>{as_table(heads, body)}"
