"""`stepfour eval crash`: what a process that is killed at every boundary and at any moment costs."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.bench import Machine, number, quantile, this_machine
from knowledge.model import Value

if TYPE_CHECKING:
    from evals.crash.child import Method
    from evals.crash.sweep import Passed, Random, Told
    from evals.crash.verdict import Verdict

AIM_READY_S = 5.0


class Ready(Value):
    """Seconds from the start of a killed service until it takes messages."""

    n: int
    p50: float
    p95: float
    most: float
    within_aim: float
    """Share of the starts."""


class Report(Value):
    date: str
    machine: Machine
    seed: int
    restarts: int
    """So often it dies at each boundary, where it is passed again after a restart."""
    boundaries: int
    deaths: int
    """At boundaries."""
    random_kills: int
    killed_before_ready: int
    stories: int
    """Customers, each from the wish to its end."""
    acknowledged: int
    """Messages that were answered 202."""
    approved: int
    """Requests whose yes was answered 200."""
    effects: int
    late: int
    """Cards that expired before the yes came through: void, and nothing done."""
    wrong: dict[str, int]
    """Stories that went wrong, by what."""
    held: bool
    trail: str | None
    """What is wrong with the audit trail."""
    ready: Ready | None
    told: float | None
    """The 95th percentile of the seconds from ready until the customer was told, after a boundary."""
    failures: tuple[str, ...]
    seconds: float


def crash(
    *,
    points: Annotated[bool, typer.Option("--points/--no-points", help="Die at every boundary.")] = True,
    restarts: Annotated[
        int, typer.Option(help="So often at each boundary, as far as it is passed again.", min=1)
    ] = 3,
    random: Annotated[int, typer.Option(help="Kills at any moment, after the boundaries.", min=0)] = 200,
    seed: Annotated[int, typer.Option(help="The same seed kills after the same times.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Kill the real service at every boundary and at any moment; then look at what was lost or done twice."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from evals.crash.points import POINTS

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        known: dict[str, object] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in known:
                known[what] = bars.add_task(what, total=total)
            bars.update(known[what], completed=done)  # type: ignore[arg-type]

        report = measured(POINTS if points else (), restarts=restarts, kills=random, seed=seed, told=told)
    print(json.dumps(report.model_dump(), indent=2) if as_json else shown(report))
    raise typer.Exit(0 if report.held else 1)


def measured(
    points: Sequence[str],
    *,
    restarts: int,
    kills: int,
    seed: int,
    told: Told = lambda *_: None,
    method: Method = "spawn",
    warm: Path | None = None,
) -> Report:
    """`warm`: a folder with the encoder and the vectors of our pages, so that the first start is short."""
    began, machine = time.monotonic(), this_machine()
    with tempfile.TemporaryDirectory(prefix="stepfour-crash-") as name:
        folder = Path(name)
        kept = warm or Path.home() / ".cache" / "stepfour"
        if kept.is_dir():
            shutil.copytree(kept, folder / "data")
        work = _swept(folder, points, restarts=restarts, kills=kills, seed=seed, told=told, method=method)
        passed, found, ready = asyncio.run(work)
    seconds = time.monotonic() - began
    return report_of(passed, found, ready, machine=machine, seed=seed, restarts=restarts, seconds=seconds)


async def _swept(
    folder: Path, points: Sequence[str], *, restarts: int, kills: int, seed: int, told: Told, method: Method
) -> tuple[list[Passed], Random, list[float]]:
    from evals.bench_messages import world
    from evals.crash.sweep import at_any_moment, at_points, set_up

    with world(folder / "world") as there:
        async with set_up(folder, there, method=method) as scene:
            passed = await at_points(scene, points, restarts=restarts, told=told)
            return passed, await at_any_moment(scene, kills, seed=seed, told=told), scene.ready


def report_of(
    passed: Sequence[Passed],
    found: Random,
    ready: Sequence[float],
    *,
    machine: Machine,
    seed: int,
    restarts: int,
    seconds: float,
) -> Report:
    all_verdicts = [*(each.verdict for each in passed), *found.verdicts]
    wrong = Counter(what for verdict in all_verdicts for what in verdict.wrong)
    trail = next((each.trail for each in passed if each.trail is not None), found.trail)
    unpassed = [f"{each.point}: it never died there" for each in passed if not each.deaths]
    failures = [
        *unpassed,
        *(f"{each.point}: {_why(each.verdict)}" for each in passed if each.verdict.wrong),
        *(f"at any moment: {_why(verdict)}" for verdict in found.verdicts if verdict.wrong),
    ]
    told = [each.seconds for each in passed]
    return Report(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        seed=seed,
        restarts=restarts,
        boundaries=len(passed),
        deaths=sum(each.deaths for each in passed),
        random_kills=found.kills,
        killed_before_ready=found.before_ready,
        stories=len(all_verdicts),
        acknowledged=sum(verdict.acknowledged for verdict in all_verdicts),
        approved=sum(verdict.approved for verdict in all_verdicts),
        effects=sum(verdict.effects for verdict in all_verdicts),
        late=sum(verdict.late for verdict in all_verdicts),
        wrong=dict(wrong),
        held=not failures and trail is None,
        trail=trail,
        ready=_ready(ready) if ready else None,
        told=quantile(told, 0.95) if told else None,
        failures=tuple(failures),
        seconds=round(seconds, 1),
    )


def _why(verdict: Verdict) -> str:
    return f"{verdict.kind} ({verdict.account}): {', '.join(verdict.wrong)}"


def _ready(seconds: Sequence[float]) -> Ready:
    return Ready(
        n=len(seconds),
        p50=round(quantile(seconds, 0.5), 2),
        p95=round(quantile(seconds, 0.95), 2),
        most=round(max(seconds), 2),
        within_aim=sum(each <= AIM_READY_S for each in seconds) / len(seconds),
    )


def shown(report: Report) -> str:
    lines = [
        f"{report.boundaries} boundaries, {report.deaths} deaths there (up to {report.restarts} each); "
        f"{report.random_kills} kills at any moment, {report.killed_before_ready} of them followed by one "
        f"more before it was ready. Seed {report.seed}.",
        f"  stories                  {report.stories}",
        f"  messages acknowledged    {report.acknowledged}",
        f"  yes acknowledged         {report.approved} ({report.late} cards had expired)",
        f"  effects                  {report.effects}",
        f"  stories that went wrong  {sum(report.wrong.values())}",
        f"  audit trail              {report.trail or 'whole'}",
    ]
    if report.ready is not None:
        one = report.ready
        lines.append(
            f"  ready again              {number(one.p50)} s, p95 {number(one.p95)} s, most "
            f"{number(one.most)} s; {one.within_aim:.0%} of {one.n} within {AIM_READY_S:g} s "
            f"(load {report.machine.load} at the start)"
        )
    lines += [f"  WRONG: {failure}" for failure in report.failures[:20]]
    return "\n".join(lines)
