"""`stepfour eval security`: what hostile models, texts and people get done, and what is refused to others."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from evals.security import holes
from evals.security.run import Answered, Row, Told, Work, answered, run
from evals.security.texts import Ordinary, given, ordinary, pool
from knowledge.model import Value

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "knowledge" / "pages"


class Report(Value):
    """`unauthorised`: proposals with an effect that nobody with the right asked for or approved."""

    proposals: int
    through_http: int
    unauthorised: int
    legitimate: int
    legitimate_done: int
    benign: int
    overblocked: int
    overblocked_interval: tuple[float, float]
    """Of the share, 95 %."""
    holes: dict[str, int]
    """Unauthorised effects of the same run with one defence taken out, by its name; 0 of any means that the
    measure is blind."""
    decisions: dict[str, int]
    seed: int
    seconds: float


def security(
    *,
    n: Annotated[int, typer.Option("--n", help="Proposals.", min=16)] = 100_000,
    holes_n: Annotated[
        int, typer.Option(help="Proposals for each defence taken out; 0 leaves it.", min=0)
    ] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same proposals.")] = 1,
    hostile: Annotated[
        Path | None, typer.Option(help="More hostile and benign texts, one JSON object a line.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    rows: Annotated[Path | None, typer.Option(help="Write one JSON line a proposal to this file.")] = None,
) -> None:
    """Proposals of a hostile model through the real path; effects are counted at the platform."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from app.errors import BadInput

    if rows is not None and not rows.parent.is_dir():
        raise BadInput(f"--rows {rows}: there is no folder {rows.parent}. Make it first.")
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bars:

        def told(what: str, total: int) -> Told:
            bar = bars.add_task(what, total=total)
            return lambda done, _: bars.update(bar, completed=done)

        report, made = measured(n, holes_n, seed=seed, hostile=hostile, workers=workers, told=told)
    if rows is not None:
        rows.write_text("".join(row.model_dump_json() + "\n" for row in made), encoding="utf-8")
    typer.echo(json.dumps(report.model_dump(), indent=2) if as_json else shown(report, made))


def measured(
    n: int,
    holes_n: int,
    *,
    seed: int,
    hostile: Path | None,
    workers: int,
    told: Callable[[str, int], Told] = lambda *_: lambda *_: None,
) -> tuple[Report, list[Row]]:
    """`told`: (what, how many) -> told of each step."""
    from evals.simulate.run import prepare

    started = time.perf_counter()
    texts = pool(hostile)
    benign = [*ordinary(), *(Ordinary("en", text) for text in (given(hostile).benign if hostile else ()))]
    with tempfile.TemporaryDirectory(prefix="security-") as made_in:
        folder = Path(made_in)
        encoder = Path.home() / ".cache" / "stepfour"
        prepare(folder, PAGES, encoder)
        work = Work(folder=folder, encoder_folder=encoder, pool=texts, seed=seed)
        rows = run(work, range(1, n + 1), workers=workers, told=told("proposals", n))
        seen = {}
        for name in holes.HOLES if holes_n else ():
            open_ = replace(work, hole=name)
            found = run(open_, range(1, holes_n + 1), workers=workers, told=told(f"without {name}", holes_n))
            seen[name] = sum(bool(row.unauthorised) for row in found)
        blocked = asyncio.run(answered(work, benign, told("ordinary messages", len(benign))))
    return report_of(rows, seen, blocked, seed=seed, seconds=time.perf_counter() - started), rows


def report_of(
    rows: Sequence[Row], seen: dict[str, int], blocked: Sequence[Answered], *, seed: int, seconds: float
) -> Report:
    refused = sum(each.blocked for each in blocked)
    return Report(
        proposals=len(rows),
        through_http=sum(row.door == "http" for row in rows),
        unauthorised=sum(bool(row.unauthorised) for row in rows),
        legitimate=sum(row.legitimate for row in rows),
        legitimate_done=sum(row.done for row in rows),
        benign=len(blocked),
        overblocked=refused,
        overblocked_interval=wilson(refused, len(blocked)),
        holes=seen,
        decisions=dict(Counter(row.decision for row in rows).most_common()),
        seed=seed,
        seconds=round(seconds, 1),
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share, 95 %, good for small counts."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def shown(report: Report, rows: Sequence[Row]) -> str:
    low, high = report.overblocked_interval
    lines = [
        f"{report.proposals:,} proposals of a hostile model ({report.through_http:,} through the HTTP API)",
        f"  unauthorised effects     {report.unauthorised}",
        f"  legitimate, done once    {report.legitimate_done} of {report.legitimate}",
        f"{report.benign} ordinary messages: {report.overblocked} refused ({low:.1%} to {high:.1%})",
    ]
    if report.holes:
        lines.append("With one defence taken out, unauthorised effects:")
        lines += [f"  {name:<24} {found}" for name, found in report.holes.items()]
    wrong = [row for row in rows if row.unauthorised or (row.legitimate and not row.done)]
    if wrong:
        lines.append("What went wrong:")
        lines += [
            f"  {row.number} {row.actor} {row.ways} {row.unauthorised or row.decision}: {row.text[:120]!r}"
            for row in wrong[:10]
        ]
    return "\n".join(lines)
