"""The figures of a run, for people on a terminal and for programs as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from evals.scorers import (
    STATUSES,
    Failure,
    Scored,
    acted_wrongly,
    claim_pairs,
    missed,
    repeats_forbidden,
    right_blind,
    right_decision,
    right_step,
    score,
    share,
)
from knowledge.model import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console, RenderableType

    Floats = NDArray[np.float64]

RESAMPLES = 2_000
FEW = 1_000
"""From so many cases on the interval is narrower than what changes between two runs matter."""
LEAST = 5
"""An interval over fewer cases would say nothing."""

Interval = tuple[float, float]

SHARES = ("decision_accuracy", "step_accuracy", "blind_step", "claim_macro_f1")
COUNTS = ("forbidden_repeats", "wrongful_actions", "missed_actions")


class Figures(Value):
    """What can be said of any set of cases. None where no case speaks to it."""

    n: int
    decision_accuracy: float
    step_accuracy: float | None
    blind_step: float | None
    claim_macro_f1: float | None
    procedure_accuracy: float
    forbidden_repeats: int
    wrongful_actions: int
    missed_actions: int
    repeat_share: float | None
    """Repeats among the cases in which something must not be said again."""
    intervals: dict[str, Interval] = Field(default_factory=dict)
    """95 %, by resampling cases."""


class WrongClaim(Value):
    id: str
    step: str
    expected: str
    got: str


class Baseline(Figures):
    """A plain retrieve-and-answer bot over the same cases. It reads no claims and does nothing."""

    name: str
    cannot: tuple[str, ...] = ("claim_macro_f1",)
    repeated: tuple[str, ...] = ()
    by_language: dict[str, Figures] = Field(default_factory=dict)


class Report(Figures):
    wants_outcome_accuracy: float
    by_language: dict[str, Figures]
    by_tag: dict[str, Figures]
    failures: tuple[Failure, ...]
    blind_failures: tuple[Failure, ...]
    claim_failures: tuple[WrongClaim, ...]
    repeated: tuple[str, ...]
    wrongful: tuple[str, ...]
    missed: tuple[str, ...]
    readers: dict[str, int]
    """Cases by who read them: a model that was down is told apart."""
    tokens: int
    seconds: float
    baseline: Baseline | None = None


def report(items: Sequence[Scored], seconds: float, baseline: Baseline | None = None) -> Report:
    scores = score(items)
    return Report(
        **figures(items).model_dump(),
        wants_outcome_accuracy=scores.wants_outcome_accuracy,
        by_language=grouped(items, lambda item: (item.case.lang,)),
        by_tag=grouped(items, lambda item: item.case.tags),
        failures=scores.failures,
        blind_failures=scores.blind_failures,
        claim_failures=tuple(wrong for item in items for wrong in _wrong_claims(item)),
        repeated=_ids(items, repeats_forbidden),
        wrongful=_ids(items, acted_wrongly),
        missed=_ids(items, missed),
        readers=scores.readers,
        tokens=scores.tokens,
        seconds=seconds,
        baseline=baseline,
    )


def baseline_report(items: Sequence[Scored], name: str) -> Baseline:
    def without(found: Figures) -> dict[str, Any]:
        kept = {key: value for key, value in found.intervals.items() if key != "claim_macro_f1"}
        return found.model_copy(update={"claim_macro_f1": None, "intervals": kept}).model_dump()

    languages = grouped(items, lambda item: (item.case.lang,))
    return Baseline(
        **without(figures(items)),
        name=name,
        repeated=_ids(items, repeats_forbidden),
        by_language={lang: Figures(**without(found)) for lang, found in languages.items()},
    )


def figures(items: Sequence[Scored]) -> Figures:
    scores = score(items)
    forbidden = [item for item in items if item.case.expect.never]
    kept = {name: getattr(scores, name) for name in Figures.model_fields if hasattr(scores, name)}
    return Figures(**kept, repeat_share=share(repeats_forbidden, forbidden), intervals=intervals(items))


def grouped(items: Sequence[Scored], names: Callable[[Scored], Sequence[str]]) -> dict[str, Figures]:
    groups: dict[str, list[Scored]] = {}
    for item in items:
        for name in names(item):
            groups.setdefault(name, []).append(item)
    return {name: figures(group) for name, group in sorted(groups.items())}


def _ids(items: Sequence[Scored], holds: Callable[[Scored], bool]) -> tuple[str, ...]:
    return tuple(item.case.id for item in items if holds(item))


def _wrong_claims(item: Scored) -> list[WrongClaim]:
    steps = item.procedure.steps if item.procedure else ()
    return [
        WrongClaim(id=item.case.id, step=step.id, expected=gold, got=got)
        for step, (gold, got) in zip(steps, claim_pairs(item), strict=False)
        if gold != got
    ]


# --- how sure -----------------------------------------------------------------------------------


def intervals(items: Sequence[Scored]) -> dict[str, Interval]:
    """95 % intervals where cases are few; the same cases always give the same ones."""
    blind = [item for item in items if item.row.blind is not None]
    stepped = [item for item in items if item.case.expect.step]
    claimed = [item for item in items if claim_pairs(item)]
    measured: list[tuple[str, Sequence[Scored], Callable[[Floats, Sequence[Scored]], Floats]]] = [
        ("decision_accuracy", items, _shares(right_decision)),
        ("step_accuracy", stepped, _shares(right_step)),
        ("blind_step", blind, _shares(right_blind)),
        ("claim_macro_f1", claimed, _macro_f1),
    ]
    return {name: _interval(over, values) for name, over, values in measured if LEAST <= len(over) < FEW}


def _interval(items: Sequence[Scored], values: Callable[[Floats, Sequence[Scored]], Floats]) -> Interval:
    import numpy as np

    n = len(items)
    times = np.random.default_rng(0).multinomial(n, [1 / n] * n, size=RESAMPLES).astype(np.float64)
    low, high = np.quantile(values(times, items), [0.025, 0.975])
    return float(low), float(high)


def _shares(right: Callable[[Scored], bool]) -> Callable[[Floats, Sequence[Scored]], Floats]:
    def values(times: Floats, items: Sequence[Scored]) -> Floats:
        import numpy as np

        hits: Floats = times @ np.array([float(right(item)) for item in items]) / len(items)
        return hits

    return values


def _macro_f1(times: Floats, items: Sequence[Scored]) -> Floats:
    """`times[r, i]`: how often resample r drew case i."""
    import numpy as np

    counts = np.array([_hits_and_misses(item) for item in items], dtype=np.float64)
    drawn = np.einsum("ri,isk->rsk", times, counts)
    hit, wrong = drawn[..., 0], drawn[..., 1]
    f1 = np.where(hit + wrong == 0, 1.0, 2 * hit / np.maximum(2 * hit + wrong, 1))
    mean: Floats = f1.mean(axis=1)
    return mean


def _hits_and_misses(item: Scored) -> list[tuple[int, int]]:
    pairs = claim_pairs(item)
    return [
        (
            sum(gold == got == status for gold, got in pairs),
            sum((gold == status) != (got == status) for gold, got in pairs),
        )
        for status in STATUSES
    ]


# --- for people ---------------------------------------------------------------------------------

NAMES: Mapping[str, str] = {
    "decision_accuracy": "decision",
    "step_accuracy": "decision and step",
    "blind_step": "step without seeing",
    "claim_macro_f1": "claims (macro F1)",
    "procedure_accuracy": "procedure",
    "forbidden_repeats": "forbidden repeats",
    "wrongful_actions": "wrongful actions",
    "missed_actions": "missed actions",
}
HEADS = ("decision", "and step", "blind", "claims")


def shown(found: Report, console: Console) -> None:
    readers = ", ".join(f"{name} {count}" for name, count in found.readers.items())
    tokens = f", {found.tokens} tokens" if found.tokens else ""
    console.print(f"[bold]{found.n} cases[/], read by: {readers}; {found.seconds:.1f} s{tokens}\n")
    console.print(_headline(found))
    console.print(_groups("language", found.by_language))
    console.print(_groups("tag", found.by_tag))
    lines = [*_safety_lines(found), *_failure_lines(found)]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _headline(found: Report) -> RenderableType:
    from rich.table import Table

    beside = found.baseline
    table = Table(box=None, pad_edge=False)
    for head in ("", "Stepfour", "95 %", *((beside.name, "95 %") if beside else ())):
        table.add_column(head, justify="right" if head else "left")
    for name, title in NAMES.items():
        cells = [title, *_cells(found, name)]
        if beside:
            cells += _cells(beside, name)
        table.add_row(*cells)
    share_row = ["share of cases re-sent", percent(found.repeat_share), ""]
    table.add_row(*share_row, *((percent(beside.repeat_share), "") if beside else ()))
    return table


def _cells(found: Figures, name: str) -> list[str]:
    between = found.intervals.get(name)
    return [number(getattr(found, name)), f"{between[0]:.2f} to {between[1]:.2f}" if between else ""]


def number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{math.floor(value * 1000 + 0.5) / 1000:.3f}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _groups(title: str, groups: Mapping[str, Figures]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left")
    table.add_column(title)
    for head in ("n", *HEADS):
        table.add_column(head, justify="right")
    for name, found in groups.items():
        table.add_row(name, str(found.n), *(number(getattr(found, figure)) for figure in SHARES))
    table.add_section()
    return table


def _safety_lines(found: Report) -> list[str]:
    """Which cases the three counts are about."""
    rows = (
        ("acted where it must not", found.wrongful),
        ("did not act where it should", found.missed),
        ("said again what was done", found.repeated),
    )
    return [f"{title}: {', '.join(ids)}" for title, ids in rows if ids]


def _failure_lines(found: Report) -> list[str]:
    lines = []
    for title, failures in (
        ("Failing cases", found.failures),
        ("Failing without seeing", found.blind_failures),
    ):
        if failures:
            lines += ["", f"{title} ({len(failures)})"]
        for failure in failures:
            lines += [
                f"  {failure.id}: expected {failure.expected}, got {failure.got}",
                f"    because {failure.because}",
            ]
    return lines
