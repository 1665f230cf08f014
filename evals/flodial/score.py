"""Figures of the rows, each with its n and an interval over clusters."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from evals.flodial.run import Row
from knowledge.model import Value

DRAWS = 1_000
SEED = 7


class Figure(Value):
    value: float
    n: int
    low: float
    high: float
    baseline: float | None = None
    start_at_1: float | None = None


Hit = Callable[[Row], bool]


def figure(rows: Sequence[Row], hit: Hit, *, plain: Hit | None = None, start: Hit | None = None) -> Figure:
    """A share, with the 95 % interval of drawing whole clusters anew."""
    low, high = _interval(rows, hit)
    return Figure(
        value=_share(rows, hit),
        n=len(rows),
        low=low,
        high=high,
        baseline=None if plain is None else _share(rows, plain),
        start_at_1=None if start is None else _share(rows, start),
    )


def _share(rows: Sequence[Row], hit: Hit) -> float:
    return round(sum(hit(row) for row in rows) / len(rows), 4) if rows else 0.0


def _interval(rows: Sequence[Row], hit: Hit) -> tuple[float, float]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(hit(row))
    sums = [(sum(found), len(found)) for found in groups.values()]
    if not sums:
        return 0.0, 0.0
    chance = random.Random(SEED)
    drawn = []
    for _ in range(DRAWS):
        picked = chance.choices(sums, k=len(sums))
        drawn.append(sum(right for right, _ in picked) / sum(n for _, n in picked))
    drawn.sort()
    return round(drawn[int(0.025 * DRAWS)], 4), round(drawn[int(0.975 * DRAWS) - 1], 4)


def scores(rows: Sequence[Row], first_of: dict[str, str]) -> dict[str, Figure]:
    """`first_of`: the first node of each chart."""

    def of(kind: str) -> list[Row]:
        return [row for row in rows if row.kind == kind]

    def right(row: Row) -> bool:
        return row.next == row.gold

    def plain(row: Row) -> bool:
        return row.baseline == row.gold

    def at_first(row: Row) -> bool:
        return first_of[row.chart] == row.gold

    def hands_off(row: Row) -> bool:
        return row.decision == "hand_off"

    opening, upfront, off = of("first"), of("upfront"), of("off")
    skipping = [row for row in opening if row.skips]
    staying = [row for row in opening if not row.skips]
    cut = [row for row in off if row.off_kind == "coverage_gap"]

    def beside(row: Row) -> bool:
        return row.next != first_of[row.chart]

    return {
        "first_skip_exact": figure(skipping, right, plain=plain, start=at_first),
        "first_false_skip": figure(
            staying, beside, plain=lambda r: r.baseline != first_of[r.chart], start=lambda r: False
        ),
        "upfront_next": figure(upfront, right, plain=plain, start=at_first),
        "upfront_redundant": figure(
            upfront,
            lambda r: r.next in r.answered,
            plain=lambda r: r.baseline in r.answered,
            start=lambda r: first_of[r.chart] in r.answered,
        ),
        "next_node": figure(of("next"), right, plain=plain),
        "offprocedure_handoff": figure(cut, hands_off, plain=lambda r: r.baseline_hands_off),
        "offprocedure_false_handoff": figure(of("clean"), hands_off, plain=lambda r: r.baseline_hands_off),
        "offprocedure_handoff_all": figure(off, hands_off, plain=lambda r: r.baseline_hands_off),
        **{
            f"offprocedure_handoff_{kind}": figure(
                [row for row in off if row.off_kind == kind], hands_off, plain=lambda r: r.baseline_hands_off
            )
            for kind in sorted({row.off_kind for row in off} - {"coverage_gap"})
        },
        "clean_next": figure(of("clean"), right, plain=plain),
        "recognised": figure(list(rows), lambda r: r.recognised),
    }


def state_scores(rows: Sequence[Row]) -> dict[str, Any]:
    """Precision and recall of (node, answer) in the up-front reports, and how often the polarity is right."""
    told = gold = both = nodes = 0
    for row in rows:
        if row.kind == "upfront":
            told, gold = told + len(row.claims), gold + len(row.answered)
            both += len(row.claims.items() & row.answered.items())
            nodes += len(row.claims.keys() & row.answered.keys())
    return {
        "precision": round(both / max(1, told), 4),
        "recall": round(both / max(1, gold), 4),
        "polarity": round(both / max(1, nodes), 4),
        "n": gold,
    }
