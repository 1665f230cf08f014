"""Which passages come first for a question: words, meaning, spelling and the best line, together."""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from knowledge import lexicon, quotes
from knowledge.awaited import Kind
from knowledge.embedding import Encoder, Vectors, centred
from knowledge.endpoint import Reranker
from knowledge.errors import EndpointDown
from knowledge.index import Nearest
from knowledge.model import Audience
from knowledge.quotes import Line, sentences
from knowledge.relevance import Model, Signs
from knowledge.remembered import Remembered
from knowledge.spelling import spelled_alike
from knowledge.stems import stems
from knowledge.stored import Found

log = logging.getLogger(__name__)

NEAREST = 40
"""Candidates that each collection and each sentence's words may bring."""

DENSE = 1.2
"""Weight of the dense z-score beside the lexical one."""

OTHER_LANGUAGE = 0.4
"""Words shared across languages are names and codes: they count, but less."""

REPEATED = (1, 2, 3, 5)
"""A word counts once more from so many sentences of a text on."""

USUAL = 0.4
"""Likeness of a passage whose best line holds every word, for when it cannot be measured."""

SHORTLIST = 24
"""Candidates whose lines are looked at."""

LINE = 0.5
"""Weight of the best line's words: a passage may hold all words of a question and answer it nowhere."""

FEW_VALUES = 2
"""Values from which on a group stands rather for itself: a lone page is not its own measure."""

SPELLING = 0.45
"""Weight of the spelling of passages in other languages."""

LEADING, LED = 3, 0.4
"""So many first passages lead the second look, and how much."""

MEETING = 3
"""So many first passages of a language say how likely it has the answer."""

OWN = 1.0
"""By so much likelier (in log odds) another language has to be to come before the question's own."""

FITS = 0.6
"""Weight of the best line of the awaited kind beside that of the best line of any."""

LEADING_KINDS = ("price", "time", "way")
"""What few lines are: most hold a number, and a reason may be told in any words."""

ALIKE = 0.4
"""Weight of words that mean the same as those of the question."""

READ = 10_000
"""Passages that a text's words may bring before the best of them are taken."""

FEW = 50
"""So many documents are compared as a whole, instead of looking for candidates among them."""

ALL = 5_000
"""Passages that so few documents may have."""


class Shelf(NamedTuple):
    """What a search reads from."""

    db: sa.Engine
    vectors: Nearest
    encoder: Encoder
    model: Model
    means: Mapping[str, Vectors]
    """Mean vector of the passages of each language."""
    remembered: Remembered
    reranker: Reranker | None = None

    @property
    def sizes(self) -> Mapping[tuple[Audience, str], int]:
        """Passages of each audience and language."""
        return self.remembered.sizes


class Question(NamedTuple):
    """A query, ready to be compared."""

    texts: tuple[str, ...]
    weights: tuple[float, ...]
    lang: str
    direction: Vectors | None
    """Unit vector, the mean of all questions taken out; None where the encoder is out of reach."""
    words: Mapping[str, Mapping[str, float]]
    """By language: stem -> weight in the query times how rare it is."""
    counts: Mapping[str, int] = {}
    """How many passages hold each stem, by `en_stem`."""
    alike: Mapping[str, Mapping[str, frozenset[str]]] = {}
    """By language: stem -> stems that mean the same."""
    kind: Kind | None = None
    """What kind of line it waits for."""


class Ranked(NamedTuple):
    """A candidate with what speaks for it."""

    found: Found
    score: float
    signs: Signs
    fits: float = 0.0
    """Share of the question's words that one line of the awaited kind holds."""


def rank(
    shelf: Shelf,
    question: Question,
    *,
    audiences: Collection[Audience],
    most: int,
    documents: Collection[str] | None = None,
    langs: Collection[str] | None = None,
) -> list[Ranked]:
    """Current passages, best first, each in the language it is written in."""
    words = _by_words(shelf, question, audiences, documents, langs)
    if documents is not None and len(documents) <= FEW:
        found = shelf.remembered.found(shelf.remembered.numbers(audiences, documents))
    else:
        near = _near(shelf, question.direction, audiences, documents, langs)
        found = shelf.remembered.found(words, near)
    found = [f for f in found if f.audience in audiences and (langs is None or f.passage.lang in langs)]
    if not found:
        return []
    pictured = _pictured(shelf, question, found)
    likeness = pictured.likeness(question.direction)
    lexical = np.array([words.get(f.num, 0.0) for f in found], dtype=np.float32)
    own = np.array([f.passage.lang == question.lang for f in found])
    fused = _fused(lexical, likeness, own)
    first = np.argsort(-fused, kind="stable")[:LEADING]
    if question.direction is not None and own[first].all():
        # What the first ones are about is looked for in the others; other languages' would lead astray.
        about = question.direction + LED * _unit(pictured.best(question.direction)[first].sum(axis=0))
        fused = _fused(lexical, pictured.likeness(_unit(about)), own)
    order = np.argsort(-fused, kind="stable")[: max(most, SHORTLIST)]
    ranked = [
        _ranked(question, f, float(fused[at]), float(likeness[at]))
        for at, f in ((at, found[at]) for at in order)
    ]
    return met(shelf.model, _looked_at(question, ranked[:SHORTLIST])[:most] + ranked[SHORTLIST:])


def _fused(lexical: Vectors, likeness: Vectors, own: NDArray[np.bool_]) -> Vectors:
    """Each language by itself: one page in the language of the question shares words with every question."""
    fused = np.zeros(len(lexical), dtype=np.float32)
    for rows, weight in ((own, 1.0), (~own, OTHER_LANGUAGE)):
        if rows.any():
            fused[rows] = weight * _z(lexical[rows], 1.0) + DENSE * _z(likeness[rows], 0.03, likeness)
    return fused


def _near(
    shelf: Shelf,
    direction: Vectors | None,
    audiences: Collection[Audience],
    documents: Collection[str] | None,
    langs: Collection[str] | None,
) -> set[str]:
    """Ids of the passages that each collection has nearest; none where the encoder is out of reach."""
    if direction is None:
        return set()
    return {
        id
        for audience, lang in shelf.sizes
        if audience in audiences and (langs is None or lang in langs)
        for id, _ in shelf.vectors.nearest(direction, audience, lang, NEAREST, documents)
    }


def _by_words(
    shelf: Shelf,
    question: Question,
    audiences: Collection[Audience],
    documents: Collection[str] | None,
    langs: Collection[str] | None,
) -> dict[int, float]:
    total: dict[int, float] = defaultdict(float)
    limit = NEAREST if documents is None or len(documents) > FEW else ALL
    for text, weight in zip(question.texts, question.weights, strict=True):
        for lang, known in question.words.items():
            if langs is not None and lang not in langs:
                continue
            for words in _as_often(text, lang, _affordable(question, lang, known)):
                for num, score in shelf.remembered.by_words(words, audiences, limit, documents):
                    total[num] += weight * score
    for lang, same in question.alike.items():
        if langs is not None and lang not in langs:
            continue
        means = {stem for stems_ in same.values() for stem in stems_}
        words = {f"{lang}_{stem}" for stem in _affordable(question, lang, means)}
        if words:
            for num, score in shelf.remembered.by_words(words, audiences, limit, documents):
                total[num] += ALIKE * score
    return total


def _affordable(question: Question, lang: str, known: Collection[str]) -> Collection[str]:
    """The rarest words: in a large catalogue the common ones cost much and choose nothing."""
    rarest = sorted(known, key=lambda stem: question.counts.get(f"{lang}_{stem}", 0))
    spent = accumulate(question.counts.get(f"{lang}_{stem}", 0) for stem in rarest)
    return {stem for at, (stem, cost) in enumerate(zip(rarest, spent, strict=True)) if at < 1 or cost <= READ}


def _as_often(text: str, lang: str, known: Collection[str]) -> Iterator[set[str]]:
    """All words of a text, then those said in two sentences and more: what it comes back to is its topic."""
    said = Counter(stem for sentence in sentences(text) for stem in set(stems(sentence, lang)))
    for least in REPEATED:
        words = {f"{lang}_{stem}" for stem, times in said.items() if times >= least and stem in known}
        if not words:
            return
        yield words


class _Pictured(NamedTuple):
    """Centred vectors of the windows of some passages; none where the encoder is out of reach."""

    vectors: Vectors
    starts: NDArray[np.int64]
    """Where each passage's windows begin."""

    def likeness(self, direction: Vectors | None) -> Vectors:
        """Cosine of each passage, of its best window."""
        if direction is None or not len(self.vectors):
            return np.zeros(len(self.starts), dtype=np.float32)
        best: Vectors = np.maximum.reduceat(self.vectors @ direction, self.starts)
        return best

    def best(self, direction: Vectors) -> Vectors:
        """Of each passage the vector of its best window."""
        if not len(self.vectors):
            return np.zeros((len(self.starts), len(direction)), dtype=np.float32)
        near = self.vectors @ direction
        ends = [*self.starts[1:], len(near)]
        rows = [start + int(near[start:end].argmax()) for start, end in zip(self.starts, ends, strict=True)]
        return self.vectors[rows]


def _pictured(shelf: Shelf, question: Question, found: Sequence[Found]) -> _Pictured:
    nothing = _Pictured(np.zeros((0, 0), dtype=np.float32), np.zeros(len(found), dtype=np.int64))
    if question.direction is None:
        return nothing
    try:
        rows = shelf.remembered.vectors(shelf.encoder, found)
    except EndpointDown as error:
        log.warning("comparing by words alone: %s", error)
        return nothing
    counts = [len(each) for each in rows]
    vectors = np.concatenate(rows)
    langs = np.repeat([f.passage.lang for f in found], counts)
    for lang, mean in shelf.means.items():
        of = langs == lang
        if of.any():
            vectors[of] = centred(vectors[of], mean)
    return _Pictured(vectors, np.cumsum([0, *counts])[:-1])


def _looked_at(question: Question, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Ordered anew by the best line, and in other languages by spelling; each language by itself."""
    gains = np.zeros(len(ranked), dtype=np.float32)
    own = np.array([r.signs.same_language for r in ranked], dtype=bool)
    for rows, weight in ((own, LINE), (~own, LINE * OTHER_LANGUAGE)):
        if rows.any():
            lines = np.array([r.signs.line for r in ranked], dtype=np.float32)
            gains[rows] = weight * _z(lines[rows], 0.05)
            if question.kind in LEADING_KINDS:
                fits = np.array([r.fits for r in ranked], dtype=np.float32)
                gains[rows] += weight * FITS * _z(fits[rows], 0.05)
    foreign = [r.found.passage for r in ranked if not r.signs.same_language]
    if foreign:
        told = list(zip(question.texts, question.weights, strict=True))
        gains[~own] += SPELLING * _z(spelled_alike(told, [lexicon.word_text(p) for p in foreign]), 1.0)
    better = [r._replace(score=r.score + float(gain)) for r, gain in zip(ranked, gains, strict=True)]
    return sorted(better, key=lambda r: -r.score)


def met(model: Model, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Each language in its own order, and between them the one that likelier answers: three pages in the
    language of the question that are about something else would else be first for every question."""
    met: list[Ranked] = []
    for own in (True, False):
        group = [r for r in ranked if r.signs.same_language is own]
        if group:
            likely = max(model.relevance(r.signs) for r in group[:MEETING])
            level = math.log(likely / (1 - likely)) + own * OWN - group[0].score
            met += [r._replace(score=r.score + level) for r in group]
    return sorted(met, key=lambda r: -r.score)


def _ranked(question: Question, f: Found, score: float, likeness: float) -> Ranked:
    p = f.passage
    weight, same = question.words.get(p.lang, {}), question.alike.get(p.lang, {})
    total = sum(weight.values()) or 1.0
    said = quotes.said(p.title, p.heading_path, p.text, p.lang)
    # Few words of a question have others that mean the same; all others are only counted.
    few = {s: w for s, w in weight.items() if s in same}
    held = {s: w for s, w in weight.items() if s not in few and s in said.words}
    head = sum(w for s, w in held.items() if s in said.head)
    more = [(s, w) for s, w in held.items() if s not in said.head]
    near = quotes.shared(few, said.words, same)

    def told(line: Line) -> float:
        by_meaning = quotes.shared({s: few[s] for s in near}, line.words | said.head, same) if near else {}
        return (head + sum(w for s, w in more if s in line.words) + sum(by_meaning.values())) / total

    by_line = [told(line) for line in said.lines]
    best = max(by_line, default=0.0)
    held |= near
    kind = question.kind
    fitting = (by for by, one in zip(by_line, said.lines, strict=True) if kind and quotes.of_kind(one, kind))
    signs = Signs(
        same_language=p.lang == question.lang,
        coverage=sum(held.values()) / total,
        line=best,
        missing=max((w - held.get(s, 0.0) for s, w in weight.items()), default=0.0) / total,
        likeness=likeness if question.direction is not None else USUAL * best,
    )
    return Ranked(f, score, signs, max(fitting, default=0.0))


def _unit(vector: Vectors) -> Vectors:
    unit: Vectors = vector / (float(np.linalg.norm(vector)) or 1.0)
    return unit


def _z(values: Vectors, least: float, every: Vectors | None = None) -> Vectors:
    """Compared with their mean and spread; those of `every` count where the values are few."""
    mean, spread = values.mean(), values.std()
    if every is not None:
        own = len(values) / (len(values) + FEW_VALUES)
        mean = own * mean + (1 - own) * every.mean()
        spread = own * spread + (1 - own) * every.std()
    z: Vectors = ((values - mean) / max(float(spread), least)).astype(np.float32)
    return z
