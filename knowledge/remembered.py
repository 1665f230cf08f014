"""What searches have read of the catalogue since it last changed: the next state of it has another.

Numbers are kept as arrays by the number of a passage (`num`), and every cache has an end: a catalogue of
100,000 passages takes some tens of megabytes here, however long the service runs.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from knowledge import catalogue, lexicon, stored
from knowledge.embedding import Encoder, Vectors
from knowledge.index import windows
from knowledge.lexicon import Numbers
from knowledge.model import Audience
from knowledge.stored import Found

K1, B = 1.2, 0.75
LEAST_RARE = 1e-6
"""A word that half of the passages hold still tells a little."""

PASSAGES = 4_000
"""Passages kept with their vectors: some 20 MB."""

PLACES = 3_000_000
"""Places of words kept, five bytes each."""

WORDS = 50_000
"""Words whose count is kept."""

FILTERS = 50
"""Choices of documents kept, a byte for each passage."""


class _Places(NamedTuple):
    """Which passages hold a word, and how often."""

    nums: Numbers
    times: NDArray[np.uint8]


class _Passages(NamedTuple):
    """The current passages, in arrays that a passage's number leads into; -1 and 0 where there is none."""

    documents: tuple[str, ...]
    document: Numbers
    audiences: NDArray[np.str_]
    """Of each document."""
    room: Vectors
    """What BM25 makes of a passage's length."""
    total: int


class Remembered:
    """Safe to use from several threads: what two read at once is read twice."""

    def __init__(self, db: sa.Engine) -> None:
        self._db = db
        self._reading = threading.Lock()
        self._sizes: dict[tuple[Audience, str], int] | None = None
        self._passages: _Passages | None = None
        self._counts: dict[str, int] = {}
        self._places: dict[str, _Places] = {}
        self._kept_places = 0
        self._for: dict[tuple[str | None, str | None], frozenset[str]] = {}
        self._naming: dict[str, dict[str, set[str]]] = {}
        self._filters: dict[tuple[frozenset[str], frozenset[str] | None], NDArray[np.bool_]] = {}
        self._found: dict[int, Found] = {}
        self._nums: dict[str, int] = {}
        self._vectors: dict[int, Vectors] = {}

    @property
    def sizes(self) -> dict[tuple[Audience, str], int]:
        """Passages of each audience and language."""
        if self._sizes is None:
            self._sizes = stored.passage_counts(self._db)
        return self._sizes

    def documents_for(self, product: str | None, version: str | None) -> frozenset[str]:
        """Documents for that product and version: those that name it, and those that name none."""
        key = (product, version)
        found = self._for.get(key)
        if found is None:
            found = frozenset(self._there().documents)
            if product is not None:
                found = _of(found, self._named("product"), product)
            if version is not None:
                found = _of(found, self._named("version"), version)
            if len(self._for) >= FILTERS:
                self._for = {}
            self._for[key] = found
        return found

    def _named(self, what: Literal["product", "version"]) -> dict[str, set[str]]:
        if what not in self._naming:
            self._naming[what] = catalogue.naming(self._db, what)
        return self._naming[what]

    # --- words ------------------------------------------------------------------------------------

    def counts(self, words: Collection[str]) -> dict[str, int]:
        """In how many passages each of these words (`en_stem`) is; none for a word that is in no passage."""
        known = {word: count for word in words if (count := self._counts.get(word)) is not None}
        unknown = [word for word in words if word not in known]
        if unknown:
            read = lexicon.word_counts(self._db, unknown)
            known |= {word: read.get(word, 0) for word in unknown}
            if len(self._counts) > WORDS:
                self._counts = {}
            self._counts.update((word, known[word]) for word in unknown)
        return {word: count for word, count in known.items() if count}

    def by_words(
        self,
        words: Collection[str],
        audiences: Collection[str],
        limit: int,
        documents: Collection[str] | None = None,
    ) -> list[tuple[int, float]]:
        """(number, BM25) of the passages that hold any of these words, best first."""
        there = self._there()
        scores = np.zeros(len(there.document))
        # In one order, so that the same words always come to the same sum.
        for places in self._places_of(sorted(words), len(scores)):
            have = len(places.nums)
            rare = max(math.log((max(0, there.total - have) + 0.5) / (have + 0.5)), LEAST_RARE)
            times = places.times.astype(np.float64)
            scores[places.nums] += rare * times * (K1 + 1) / (times + there.room[places.nums])
        found = np.flatnonzero(scores)
        found = found[self._allowed(audiences, documents)[found]]
        if len(found) > limit:
            least = np.partition(scores[found], -limit)[-limit]
            found = found[scores[found] >= least]
        order = found[np.argsort(-scores[found], kind="stable")][:limit]
        return list(zip(order.tolist(), scores[order].tolist(), strict=True))

    def _places_of(self, words: Sequence[str], size: int) -> list[_Places]:
        known = {word: places for word in words if (places := self._places.get(word)) is not None}
        unknown = [word for word in words if word not in known]
        for word, every in (lexicon.places(self._db, unknown) if unknown else {}).items():
            # A page that was taken in since then has numbers that lead nowhere.
            nums, times = np.unique(every[every < size], return_counts=True)
            known[word] = places = _Places(nums, np.minimum(times, 255).astype(np.uint8))
            if self._kept_places + len(nums) > PLACES:
                self._places, self._kept_places = {}, 0
            self._places[word] = places
            self._kept_places += len(nums)
        return [known[word] for word in words if word in known]

    def _there(self) -> _Passages:
        with self._reading:
            if self._passages is None:
                self._passages = _read(self._db)
            return self._passages

    def _allowed(self, audiences: Collection[str], documents: Collection[str] | None) -> NDArray[np.bool_]:
        key = (frozenset(audiences), None if documents is None else frozenset(documents))
        allowed = self._filters.get(key)
        if allowed is None:
            there, (of, named) = self._there(), key
            may = np.zeros(len(there.documents), dtype=bool)
            for audience in of:
                may |= there.audiences == audience
            if named is not None:
                may &= np.fromiter((id in named for id in there.documents), dtype=bool, count=len(may))
            # The last place is that of -1: numbers that are no current passage's.
            allowed = np.append(may, False)[there.document]
            if len(self._filters) >= FILTERS:
                self._filters = {}
            self._filters[key] = allowed
        return allowed

    # --- passages ---------------------------------------------------------------------------------

    def numbers(self, audiences: Collection[str], documents: Collection[str]) -> list[int]:
        """Of all current passages of these documents."""
        nums: list[int] = np.flatnonzero(self._allowed(audiences, documents)).tolist()
        return nums

    def found(self, nums: Iterable[int], ids: Iterable[str] = ()) -> list[Found]:
        """Current passages with these numbers or ids, in the order of their numbers."""
        wanted, unnamed = set(nums), []
        for id in ids:
            num = self._nums.get(id)
            if num is None:
                unnamed.append(id)
            else:
                wanted.add(num)
        known = {num: f for num in wanted if (f := self._found.get(num)) is not None}
        unknown = [num for num in wanted if num not in known]
        if unknown or unnamed:
            read = {f.num: f for f in stored.current(self._db, nums=unknown, ids=unnamed)}
            known |= read
            if len(self._found) > PASSAGES:
                self._found, self._nums, self._vectors = {}, {}, {}
            self._found |= read
            self._nums.update((f.passage.id, f.num) for f in read.values())
        return [known[num] for num in sorted(known)]

    def vectors(self, encoder: Encoder, found: Sequence[Found]) -> list[Vectors]:
        """For each passage a row per window. Raises `EndpointDown`."""
        known = {f.num: v for f in found if (v := self._vectors.get(f.num)) is not None}
        unknown = [f for f in found if f.num not in known]
        if unknown:
            texts = [windows(f.passage) for f in unknown]
            rows = encoder.passages([text for parts in texts for text in parts])
            ends = np.cumsum([len(parts) for parts in texts])
            read = dict(zip((f.num for f in unknown), np.split(rows, ends[:-1]), strict=True))
            known |= read
            if len(self._vectors) > PASSAGES:
                self._vectors = {}
            self._vectors |= read
        return [known[f.num] for f in found]


def _of(documents: frozenset[str], named: Mapping[str, set[str]], asked: str) -> frozenset[str]:
    wanted = asked.lower()
    return frozenset(id for id in documents if id not in named or wanted in named[id])


def _read(db: sa.Engine) -> _Passages:
    documents = stored.numbers(db)
    lengths = lexicon.lengths(db)
    size = 1 + max([0, *(num for num, _ in lengths), *(max(nums) for _, _, nums in documents)])
    document = np.full(size, -1, dtype=np.int32)
    for at, (_, _, nums) in enumerate(documents):
        document[nums] = at
    length = np.zeros(size, dtype=np.float32)
    if lengths:
        nums, words = np.array(lengths, dtype=np.int32).T
        length[nums] = words
    usual = float(length.sum(dtype=np.float64)) / max(1, len(lengths))
    return _Passages(
        documents=tuple(id for id, _, _ in documents),
        document=document,
        audiences=np.array([audience for _, audience, _ in documents], dtype=np.str_),
        room=K1 * (1 - B + B * length / max(usual, 1e-9)),
        total=len(lengths),
    )
