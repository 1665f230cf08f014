"""`stepfour eval flodial`: what is printed and written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import BadInput
from app.ports import Reader
from evals.flodial.baseline import next_by_plain_means
from evals.flodial.data import Turn, turns_of
from evals.flodial.overlap import Overlap, overlap, training_texts
from evals.flodial.pages import charts_in
from evals.flodial.run import Row, run
from evals.flodial.score import Figure, scores, state_scores

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = (
    "first_skip_exact",
    "first_false_skip",
    "upfront_next",
    "upfront_redundant",
    "next_node",
    "offprocedure_handoff",
    "offprocedure_false_handoff",
)
"""The figures that stand at the top of the JSON, each with its `n_` beside it."""


def load(
    flowcharts: Path, *, dialogs: Path, first: Path, upfront: Path, off: Path
) -> tuple[dict[str, dict[str, Any]], list[Turn]]:
    """Everything that is read from files, so that bad input is told before anything heavy is loaded."""
    if not flowcharts.is_dir():
        raise BadInput(f"--flowcharts {flowcharts}: there is no such folder.")
    charts = charts_in(flowcharts)
    return charts, turns_of(charts, dialogs=dialogs, first=first, upfront=upfront, off=off)


def sampled(turns: Sequence[Turn], most: int | None) -> list[Turn]:
    """At most so many turns of each kind, spread evenly over the file."""
    if most is None:
        return list(turns)
    kept: list[Turn] = []
    for kind in dict.fromkeys(turn.kind for turn in turns):
        of_kind = [turn for turn in turns if turn.kind == kind]
        step = max(1.0, len(of_kind) / most)
        kept += [of_kind[int(place * step)] for place in range(min(most, len(of_kind)))]
    return kept


def measure(
    charts: dict[str, dict[str, Any]],
    turns: Sequence[Turn],
    read: Reader,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    rows = asyncio.run(run(turns, charts, read, progress=progress))
    beside = []
    for turn, row in zip(turns, rows, strict=True):
        node, hands_off = next_by_plain_means(turn, charts[turn.chart])
        beside.append(row.model_copy(update={"baseline": node, "baseline_hands_off": hands_off}))
    return beside


def report(
    rows: Sequence[Row], charts: dict[str, dict[str, Any]], reader: str, turns: Sequence[Turn] = ()
) -> dict[str, Any]:
    """`turns`: those that were measured; what they share with the training texts is told, too."""
    found = scores(rows, {name: next(iter(chart["edges"])) for name, chart in charts.items()})
    top: dict[str, Any] = {name: found[name].value for name in NAMES}
    top |= {f"n_{name}": found[name].n for name in NAMES}
    return {
        **top,
        "reader": reader,
        "tokens": sum(row.tokens for row in rows),
        "upfront_state": state_scores(rows),
        "figures": {name: figure.model_dump() for name, figure in found.items() if figure.n},
        "flowcharts": _by_chart(rows),
        "training_overlap": with_training(charts, turns).model_dump(),
    }


def with_training(charts: Mapping[str, Mapping[str, Any]], turns: Sequence[Turn]) -> Overlap:
    """What the turns and the questions of the charts share with the texts that the heads were trained on."""
    said = [text for turn in turns for _, text in turn.said]
    asked = [str(node["utterance"]) for chart in charts.values() for node in chart["nodes"].values()]
    return overlap(training_texts(), [*said, *asked])


def _by_chart(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for chart in sorted({row.chart for row in rows}):
        mine = [row for row in rows if row.chart == chart]
        found[chart] = {
            kind: round(sum(row.next == row.gold for row in those) / len(those), 3)
            for kind in ("first", "upfront", "next", "clean")
            if (those := [row for row in mine if row.kind == kind])
        }
    return found


def shown(made: dict[str, Any], console: Any) -> None:
    from rich.table import Table

    table = Table(title=f"Branching procedures on FloDial, reader: {made['reader']}", title_justify="left")
    for name in ("figure", "value", "95 % interval", "n", "BM25 + negation words", "start at 1"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for name, values in made["figures"].items():
        figure = Figure.model_validate(values)
        beside = ["" if x is None else f"{x:.3f}" for x in (figure.baseline, figure.start_at_1)]
        interval = f"{figure.low:.3f} to {figure.high:.3f}"
        table.add_row(name, f"{figure.value:.3f}", interval, str(figure.n), *beside)
    console.print(table)
    same = made["training_overlap"]
    console.print(
        f"Shared with the training texts: {len(same['shared'])} of {same['measured']} runs of {same['words']}"
        f" words, {len(same['sentences'])} whole sentences."
    )


def write_rows(rows: Sequence[Row], file: Path) -> None:
    try:
        file.write_text("".join(f"{row.model_dump_json()}\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--rows {file}: {error.strerror}. Name a file that can be written.") from error


def as_json(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=2, ensure_ascii=False)
