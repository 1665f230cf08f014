"""Likeness of spelling between languages: names, codes, and the many words that differ by an ending."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.stems import folded

LENGTHS = (4, 5)
"""Characters of a piece."""

PLACES = 1 << 18
"""Pieces are told apart by a number below this; that two share one is rare and harmless."""

READ = 2_000
"""Characters of a text that are looked at."""

K1, B = 1.2, 0.5
_NO_WORD = re.compile(r"[\W_]+")

Pieces = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The different pieces of a text, and how often each is there."""


def spelled_alike(texts: Sequence[tuple[str, float]], passages: Sequence[str]) -> Vectors:
    """For each passage, how much of the weighted texts' spelling it holds: BM25 over pieces of words."""
    found = [pieces(passage[:READ]) for passage in passages]
    asked = np.zeros(PLACES, dtype=np.float32)
    for text, weight in texts:
        asked[pieces(text[:READ])[0]] += weight
    wanted = np.flatnonzero(asked)
    have = np.zeros(PLACES, dtype=np.float32)
    for ids, _ in found:
        have[ids] += 1
    asked[wanted] *= np.log(1 + (len(found) - have[wanted] + 0.5) / (have[wanted] + 0.5))
    lengths = np.array([times.sum() for _, times in found], dtype=np.float32)
    room = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean())))
    return np.array(
        [
            float((asked[ids] * times * (K1 + 1) / (times + own)).sum())
            for (ids, times), own in zip(found, room, strict=True)
        ],
        dtype=np.float32,
    )


@lru_cache(maxsize=5_000)
def pieces(text: str) -> Pieces:
    plain = f" {_NO_WORD.sub(' ', folded(text.lower())).strip()} "
    codes = np.frombuffer(plain.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    every = [_numbers(codes, length) for length in LENGTHS if len(codes) >= length]
    if not every:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    ids, times = np.unique(np.concatenate(every), return_counts=True)
    return ids.astype(np.int64), times.astype(np.int64)


def _numbers(codes: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    total = np.zeros(len(codes) - length + 1, dtype=np.uint64)
    for at in range(length):
        total = total * np.uint64(1_000_003) + codes[at : len(codes) - length + 1 + at]
    return (total ^ (total >> np.uint64(20))) % np.uint64(PLACES)
