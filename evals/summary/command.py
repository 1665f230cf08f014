"""`stepfour eval all`: gathers what the page shows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.errors import BadInput
from evals.summary.evidence import Evidence, Simulated, cases_of, turns_of, worst_cases, worst_played
from evals.summary.page import as_page

if TYPE_CHECKING:
    from evals.bench import Grown, Machine
    from evals.report import Report
    from evals.scorers import Scored
    from evals.simulate.score import Row

RUNS = 4
"""Runs of each simulated customer."""
FLODIAL = {
    "flowcharts": "flowcharts",
    "dialogs": "dialogs_dev.json",
    "first": "first_turn_dev.jsonl",
    "upfront": "upfront_dev.jsonl",
    "off": "offprocedure_dev.jsonl",
}


def evidence(
    sets: Mapping[str, tuple[Sequence[Scored], Report]],
    *,
    machine: Machine,
    reader: str,
    simulated: tuple[dict[str, Any], list[Row]] | None,
    branching: dict[str, Any] | None,
    growth: tuple[Grown, ...],
) -> Evidence:
    absent = []
    if simulated is None:
        absent.append(("Simulated customers", "left out (--simulate 0, or a model reads)."))
    if branching is None:
        absent.append(("Branching procedures on FloDial", "no --flodial folder was named."))
    talks = [talk for items, _ in sets.values() for talk in worst_cases(items)]
    simulation = None
    if simulated is not None:
        report, rows = simulated
        simulation = Simulated(report=report, turns=turns_of(rows))
        talks += worst_played([row for row in rows if row.bot == "stepfour"], reader)
    return Evidence(
        at=datetime.now(UTC).isoformat(timespec="minutes"),
        version=version("stepfour"),
        commit=_commit(),
        machine=f"{machine.cores} cores, {machine.processor}, {machine.memory_gb} GB, load {machine.load}",
        reader=reader,
        cases=tuple(
            cases_of(title, report.model_dump(mode="json"), items) for title, (items, report) in sets.items()
        ),
        simulation=simulation,
        flodial=branching,
        growth=growth,
        talks=tuple(talks),
        absent=tuple(absent),
    )


def simulation(n: int, pages: Path, *, seed: int = 1) -> tuple[dict[str, Any], list[Row]]:
    from evals.simulate.command import played

    report, rows = played(n=n, seed=seed, k=RUNS, pages=pages)
    return report.model_dump(mode="json"), rows


def flodial_files(folder: Path) -> dict[str, Path]:
    """The five parts by the names that the set gives them."""
    files = {part: folder / name for part, name in FLODIAL.items()}
    missing = [str(file) for file in files.values() if not file.exists()]
    if missing:
        raise BadInput(f"--flodial {folder}: there is no {missing[0]}. Name the folder of the set's parts.")
    return files


def page_again(file: Path) -> Path:
    """The page of an earlier run; raises `BadInput` where the file holds none."""
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
        found = Evidence.model_validate(whole["evidence"])
    except OSError as error:
        raise BadInput(
            f"--from {file}: {error.strerror}. Name a JSON file of `stepfour eval all`."
        ) from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise BadInput(f"--from {file}: no results of `stepfour eval all` in it. Measure anew.") from error
    page = file.with_suffix(".html")
    page.write_text(as_page(found), encoding="utf-8")
    return page


def _commit() -> str:
    """Of the working tree that is measured; an installed copy has none."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607  whichever git there is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "no commit known"
    return done.stdout.strip()
