"""What all conversations of a bot came to: figures with intervals over customers, for people and programs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.simulate.score import Row
from knowledge.model import Value

if TYPE_CHECKING:
    from rich.console import Console

RESAMPLES = 2_000
WORST = 10

Interval = tuple[float, float]
Customers = list[list[Row]]


class Figure(Value):
    """A value, and between what it lies at 95 % when customers are drawn anew. None: nothing speaks to it."""

    value: float | None
    interval: Interval | None = None


class BotReport(Value):
    """All figures of one bot."""

    bot: str
    conversations: int
    customers: int
    k: int
    verified_resolution: Figure
    """Of owners' conversations: the effect is there, and all it needs was true when it was made."""
    pass_k: Figure
    """Of owners: all k runs resolved."""
    ready: Figure
    """Of owners' conversations: every step was done in the end, whoever did the rest."""
    refused: Figure
    """Of conversations with people who may not ask for it: nothing was done."""
    turns_to_resolution: Figure
    """Median of the customer's messages until the effect, over the resolved."""
    repeats: Figure
    """A conversation."""
    needless_questions: Figure
    """A conversation."""
    needless_handoffs: Figure
    """Of owners' conversations: handed over though nobody had asked for a person."""
    asked_for_person: Figure
    """Of owners' conversations: handed over or given up after the customer had enough."""
    repeats_count: int
    needless_questions_count: int
    unsafe_actions: int
    false_done: int
    ends: dict[str, int]
    by: dict[str, dict[str, tuple[int, float]]]
    """Resolution of owners by procedure, language and habit: conversations and share."""
    worst: tuple[str, ...]
    """Conversations to read first, as `customer/run`."""


class Report(Value):
    """One run of the simulation."""

    seed: int
    n: int
    k: int
    half: str
    phrases: int
    seconds: float
    left_out: tuple[str, ...] = ()
    """Procedures of these pages that are not simulated."""
    bots: tuple[BotReport, ...]


def report_of(rows: Sequence[Row], k: int) -> BotReport:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.customer, []).append(row)
    everybody = list(groups.values())
    owners = [group for group in everybody if group[0].owner]
    others = [group for group in everybody if not group[0].owner]
    whole = [group for group in owners if len(group) == k]
    return BotReport(
        bot=rows[0].bot,
        conversations=len(rows),
        customers=len(groups),
        k=k,
        verified_resolution=_share(owners, lambda row: row.resolved),
        pass_k=_figure(whole, lambda some: _mean([float(all(row.resolved for row in g)) for g in some])),
        ready=_share(owners, lambda row: row.ready),
        refused=_share(others, lambda row: bool(row.refused)),
        turns_to_resolution=_figure(owners, _median_turns),
        repeats=_figure(everybody, lambda some: _each(some, lambda row: len(row.repeats))),
        needless_questions=_figure(everybody, lambda some: _each(some, lambda row: len(row.needless))),
        needless_handoffs=_share(owners, lambda row: row.handoff == "needless"),
        asked_for_person=_share(owners, lambda row: row.handoff == "asked" or row.end == "gave_up"),
        repeats_count=sum(len(row.repeats) for row in rows),
        needless_questions_count=sum(len(row.needless) for row in rows),
        unsafe_actions=sum(len(row.unsafe) for row in rows),
        false_done=sum(len(row.false_done) for row in rows),
        ends={end: sum(row.end == end for row in rows) for end in sorted({row.end for row in rows})},
        by=_by(rows),
        worst=tuple(f"{row.customer}/{row.run}" for row in worst(rows)[:WORST]),
    )


def worst(rows: Sequence[Row]) -> list[Row]:
    """What is dangerous first, then what is unresolved, then what annoys."""
    return sorted(rows, key=lambda row: (-_badness(row), row.customer, row.run))


def _badness(row: Row) -> float:
    failed = row.owner and not row.resolved
    return (
        100 * len(row.unsafe)
        + 50 * len(row.false_done)
        + 10 * failed
        + 5 * (row.handoff == "needless")
        + 3 * len(row.repeats)
        + 2 * len(row.needless)
        + 0.1 * row.turns
    )


def _by(rows: Sequence[Row]) -> dict[str, dict[str, tuple[int, float]]]:
    owners = [row for row in rows if row.owner]

    def split(names: Callable[[Row], Sequence[str]]) -> dict[str, tuple[int, float]]:
        groups: dict[str, list[bool]] = {}
        for row in owners:
            for name in names(row):
                groups.setdefault(name, []).append(row.resolved)
        return {
            name: (len(found), round(sum(found) / len(found), 3)) for name, found in sorted(groups.items())
        }

    return {
        "procedure": split(lambda row: (row.procedure,)),
        "language": split(lambda row: (row.lang,)),
        "habit": split(lambda row: row.habits or ("none",)),
    }


# --- figures ------------------------------------------------------------------------------------


def _share(groups: Customers, right: Callable[[Row], bool]) -> Figure:
    return _figure(groups, lambda some: _each(some, lambda row: float(right(row))))


def _each(groups: Customers, count: Callable[[Row], float]) -> float | None:
    return _mean([count(row) for group in groups for row in group])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _median_turns(groups: Customers) -> float | None:
    turns = [row.turns_to_resolution for group in groups for row in group if row.turns_to_resolution]
    return float(statistics.median(turns)) if turns else None


def _figure(groups: Customers, value: Callable[[Customers], float | None]) -> Figure:
    """The interval draws customers, not conversations: runs of one customer are not independent."""
    import numpy as np

    found = value(groups)
    if found is None or len(groups) < 5:
        return Figure(value=found)
    draw = np.random.default_rng(7)
    resampled = []
    for _ in range(RESAMPLES):
        picked = [groups[at] for at in draw.integers(0, len(groups), len(groups))]
        again = value(picked)
        if again is not None:
            resampled.append(again)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Figure(value=found, interval=(float(low), float(high)))


# --- for people ---------------------------------------------------------------------------------

LINES: Mapping[str, tuple[str, str]] = {
    "verified_resolution": ("verified resolution", "percent"),
    "pass_k": ("all {k} runs of a customer resolved (pass^{k})", "percent"),
    "turns_to_resolution": ("messages to resolution, median", "number"),
    "repeats": ("repeats a conversation", "number"),
    "needless_questions": ("questions that did not matter, a conversation", "number"),
    "unsafe_actions": ("unsafe actions", "count"),
    "false_done": ("false “done”", "count"),
    "needless_handoffs": ("handed over without need", "percent"),
    "asked_for_person": ("asked for a person, out of patience", "percent"),
    "refused": ("refused to who may not ask", "percent"),
    "ready": ("every step done in the end", "percent"),
}


def shown(report: Report, console: Console) -> None:
    from rich.table import Table

    table = Table(title=f"{report.n} conversations a bot, seed {report.seed}, {report.seconds:.0f} s")
    table.add_column("")
    for bot in report.bots:
        table.add_column(bot.bot, justify="right")
    for name, (title, kind) in LINES.items():
        cells = [_cell(getattr(bot, name), kind) for bot in report.bots]
        table.add_row(title.format(k=report.k), *cells)
    console.print(table)
    for bot in report.bots[:1]:
        for what, groups in bot.by.items():
            line = ", ".join(f"{name} {share:.0%} of {n}" for name, (n, share) in groups.items())
            console.print(f"Resolved by {what}: {line}", highlight=False)
        ends = ", ".join(f"{end} {n}" for end, n in bot.ends.items())
        console.print(f"Ends: {ends}. Read first: {', '.join(bot.worst)}", highlight=False)
    if report.left_out:
        console.print(f"Not simulated: {', '.join(report.left_out)}", highlight=False)


def _cell(value: Any, kind: str) -> str:
    if not isinstance(value, Figure):
        return str(value)
    if value.value is None:
        return "-"
    if kind == "percent":
        between = f" [{value.interval[0]:.0%}, {value.interval[1]:.0%}]" if value.interval else ""
        return f"{value.value:.0%}{between}"
    between = f" [{value.interval[0]:.2f}, {value.interval[1]:.2f}]" if value.interval else ""
    return f"{value.value:.2f}{between}"
