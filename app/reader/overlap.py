"""What a clause has in common with many texts, found for all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.reader.lexical import KIN, ROOT, by_root, kin

Array = NDArray[np.float32]
Places = NDArray[np.intp]


class Met(NamedTuple):
    """A clause held against a `Table`."""

    items: list[str]
    """The concepts of the clause that are in any of the texts."""
    had: Array
    """Per item and text: 1 where the text has it, `KIN` where it has a cognate."""
    told: Array
    """Per concept of the table, the same: whether the clause has it."""


class Table:
    """Which of all concepts each of some texts has."""

    def __init__(self, texts: Sequence[frozenset[str]]) -> None:
        every = frozenset().union(*texts)
        self.concepts = sorted(every)
        self.has = np.array([[item in text for item in self.concepts] for text in texts], dtype=np.float32)
        self._place = {item: place for place, item in enumerate(self.concepts)}
        self._roots = by_root(every)

    def met(self, own: Iterable[str]) -> Met:
        items, rows = [], []
        told = np.zeros(len(self.concepts), dtype=np.float32)
        for item in own:
            near = self._near(item)
            if near:
                places, values = np.array(list(near)), np.array(list(near.values()), dtype=np.float32)
                items.append(item)
                rows.append((self.has[:, places] * values).max(axis=1))
                told[places] = np.maximum(told[places], values)
        had = np.array(rows, dtype=np.float32).reshape(len(rows), len(self.has))
        return Met(items, had, told)

    def weighed(self, weight: Mapping[str, float], default: float) -> Array:
        """Per text and concept what it counts there."""
        values: Array = self.has * np.array(
            [weight.get(item, default) for item in self.concepts], dtype=np.float32
        )
        return values

    def _near(self, item: str) -> dict[int, float]:
        near = {self._place[other]: KIN for other in self._roots.get(item[:ROOT], ()) if kin(item, other)}
        if item in self._place:
            near[self._place[item]] = 1.0
        return near


class Grams:
    """Letters in common with each of some texts: `gram_cosine` for all of them."""

    def __init__(self, texts: Sequence[Counter[str]]) -> None:
        self._place = {gram: place for place, gram in enumerate(sorted(set().union(*texts)))}
        rows = np.array([[text[gram] for gram in self._place] for text in texts], dtype=np.float32)
        self._rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

    def cosines(self, own: Counter[str]) -> Array:
        found = [(self._place[gram], count) for gram, count in own.items() if gram in self._place]
        if not found:
            return np.zeros(len(self._rows), dtype=np.float32)
        places, counts = zip(*found, strict=True)
        size = sum(count * count for count in own.values()) ** 0.5
        cosines: Array = self._rows[:, places] @ np.array(counts, dtype=np.float32) / np.float32(size)
        return cosines


def owners(parts: Sequence[Sized]) -> Places:
    """The number of the part that each of their members is in."""
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def most(values: Array, owner: Places, default: Array) -> Array:
    """The greatest value of each owner along the last axis; `default` where it has none. `owner`: sorted."""
    found = default.copy()
    having, begins = np.unique(owner, return_index=True)
    if len(having):
        found[..., having] = np.maximum.reduceat(values, begins, axis=-1)
    return found


def gaps(score: Array) -> Array:
    """How far each along the last axis is from the best other."""
    if score.shape[-1] < 2:
        return score.copy()
    second, best = np.moveaxis(np.partition(score, -2, axis=-1)[..., -2:, None], -2, 0)
    first = np.arange(score.shape[-1]) == score.argmax(axis=-1)[..., None]
    result: Array = score - np.where(first, second, best)
    return result
