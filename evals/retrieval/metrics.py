"""Figures of rankings, with intervals over the queries."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

RESAMPLED = 2_000
SEED = 11


class Figure(BaseModel):
    """A mean with the range that 95 of 100 resamplings of the queries stay in."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float


class Scores(NamedTuple):
    """Of one ranking."""

    r1: float
    r5: float
    r10: float
    ndcg10: float
    mrr: float


def scores(ranking: Sequence[str], relevant: Collection[str]) -> Scores:
    """Recall is the share of the needed documents that are among the first ones."""
    gains = [1.0 if id in relevant else 0.0 for id in ranking]
    best = sum(1 / math.log2(at + 2) for at in range(min(10, len(relevant))))
    first = next((at for at, gain in enumerate(gains, 1) if gain), None)
    r1, r5, r10 = (sum(gains[:k]) / len(relevant) for k in (1, 5, 10))
    return Scores(
        r1=r1,
        r5=r5,
        r10=r10,
        ndcg10=sum(gain / math.log2(at + 2) for at, gain in enumerate(gains[:10])) / best,
        mrr=1 / first if first else 0.0,
    )


def figures(rows: Sequence[Scores]) -> dict[str, Figure]:
    values = np.array(rows, dtype=np.float64)
    picked = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLED, len(values)))
    means = values[picked].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5), axis=0)
    return {name: figure(values[:, at].mean(), low[at], high[at]) for at, name in enumerate(Scores._fields)}


def resampled(count: int, of: Callable[[Sequence[int]], float]) -> Figure:
    """For a figure that is no mean of rows. `of` takes the rows that count."""
    dice = np.random.default_rng(SEED)
    values = [of(dice.integers(0, count, count).tolist()) for _ in range(RESAMPLED // 4)]
    low, high = np.percentile(values, (2.5, 97.5))
    return figure(of(range(count)), low, high)


def figure(value: float, low: float, high: float) -> Figure:
    return Figure(value=round(float(value), 4), low=round(float(low), 4), high=round(float(high), 4))


def macro_f1(pairs: Sequence[tuple[str, str]], kinds: Sequence[str]) -> float:
    """`pairs`: (right, given). A kind that nobody asked for and nobody gave is left out."""
    found = [f1 for kind in kinds if (f1 := f1_of(pairs, kind)) is not None]
    return sum(found) / len(found) if found else 0.0


def f1_of(pairs: Sequence[tuple[str, str]], kind: str) -> float | None:
    both = sum(right == given == kind for right, given in pairs)
    either = sum((right == kind) + (given == kind) for right, given in pairs)
    return 2 * both / either if either else None


def confused(pairs: Sequence[tuple[str, str]], kinds: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    return {right: {given: pairs.count((right, given)) for given in kinds} for right in kinds}
