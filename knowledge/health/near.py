"""Which pages lie near each other by the meaning of their passages, without comparing all with all."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors

Rows = NDArray[np.intp]

EXACT = 2_000
"""Passages up to which all are compared: it takes no time."""
CELLS = 6
"""Cells that are looked through for each passage."""
TOGETHER = 512
"""Passages compared at once: those that all say the same lie in one cell, however many they are."""
NEIGHBOURS = 6
ALIKE = 0.35
"""Cosine after the mean is taken out, from which on two passages are on one matter."""


def near_pages(vectors: Vectors, owner: Sequence[int]) -> Mapping[tuple[int, int], float]:
    """Pairs of pages and how alike their nearest passages are (0..1). `owner`: by row, its page.

    Beyond `EXACT` rows each is compared with the rows of a few cells around root-n centres, so that the
    work grows with n times its root.
    """
    n = len(owner)
    if n < 2:
        return {}
    unit = _unit(vectors - vectors.mean(axis=0, keepdims=True))
    owners = np.asarray(owner)
    found: dict[tuple[int, int], float] = defaultdict(float)
    for rows, others in _blocks(unit):
        likeness = unit[rows] @ unit[others].T
        likeness[owners[rows][:, None] == owners[others][None, :]] = -1.0
        most = min(NEIGHBOURS, likeness.shape[1])
        nearest = np.argpartition(-likeness, most - 1, axis=1)[:, :most]
        for at, row in enumerate(rows):
            for column in nearest[at]:
                like = float(likeness[at, column])
                if like >= ALIKE:
                    pair = _pair(int(owners[row]), int(owners[others[column]]))
                    found[pair] = max(found[pair], like)
    return dict(found)


def _blocks(unit: Vectors) -> list[tuple[Rows, Rows]]:
    """(rows, rows to compare them with)."""
    n = len(unit)
    if n <= EXACT:
        return [(part, np.arange(n)) for part in _parts(np.arange(n))]
    centres = unit[np.random.default_rng(0).choice(n, int(math.sqrt(n)), replace=False)]
    for _ in range(3):
        cell = (unit @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, cell, unit)
        centres = _unit(sums)
    cell = (unit @ centres.T).argmax(axis=1)
    members = [np.flatnonzero(cell == c) for c in range(len(centres))]
    around = np.argsort(-(centres @ centres.T), axis=1)[:, :CELLS]
    return [
        (part, np.concatenate([members[c] for c in around[at]]))
        for at, rows in enumerate(members)
        for part in _parts(rows)
    ]


def _parts(rows: Rows) -> list[Rows]:
    return [rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER)]


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit


def _pair(one: int, two: int) -> tuple[int, int]:
    return (one, two) if one < two else (two, one)
