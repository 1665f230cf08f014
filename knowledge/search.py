"""Hybrid, cross-lingual retrieval: the only way to read the knowledge base."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from knowledge import catalogue, quotes
from knowledge.catalogue import Found
from knowledge.embedding import Encoder, Vectors, centred
from knowledge.index import VectorIndex, windows
from knowledge.languages import KNOWN, detected
from knowledge.model import Audience, Hit
from knowledge.relevance import Model, Signs
from knowledge.stems import STOP, content_words, folded, stems

NEAREST = 40
"""Candidates that each collection and each sentence's words may bring."""

DENSE = 0.8
"""Weight of the dense z-score beside the lexical one."""

OTHER_LANGUAGE = 0.4
"""Words shared across languages are names and codes: they count, but less."""

SENTENCES = 6
"""Sentences of a query that are used, the weightiest."""


class Shelf(NamedTuple):
    """What a search reads from."""

    db: sa.Engine
    vectors: VectorIndex
    encoder: Encoder
    model: Model
    means: Mapping[str, Vectors]
    """Mean vector of the passages of each language."""


class Question(NamedTuple):
    """A query, ready to be compared."""

    texts: tuple[str, ...]
    weights: tuple[float, ...]
    lang: str
    direction: Vectors
    """Unit vector, the mean of all questions taken out."""
    words: Mapping[str, Mapping[str, float]]
    """By language: stem -> weight in the query times how rare it is."""


def search(
    shelf: Shelf,
    query: str | Sequence[tuple[str, float]],
    *,
    lang: str | None,
    audiences: Collection[Audience],
    limit: int,
    documents: Collection[str] | None,
) -> list[Hit]:
    """Best first; empty where there is nothing to compare."""
    there = [(audience, l) for audience, l in catalogue.collections(shelf.db) if audience in audiences]
    question = ask(shelf, query, lang, sorted({l for _, l in there}))
    if question is None or not there:
        return []
    words = _by_words(shelf, question, audiences, documents)
    if documents is not None:
        found = [f for f in catalogue.current(shelf.db, documents=documents) if f.audience in audiences]
    else:
        ids = set(words)
        for audience, l in there:
            ids |= {id for id, _ in shelf.vectors.nearest(question.direction, audience, l, NEAREST)}
        found = [f for f in catalogue.current(shelf.db, ids=ids) if f.audience in audiences]
    if not found:
        return []
    likeness = _likeness(shelf, question, found)
    return _hits(shelf, question, found, likeness, words, limit)


def ask(
    shelf: Shelf, query: str | Sequence[tuple[str, float]], lang: str | None, langs: Sequence[str]
) -> Question | None:
    """None where the query holds no text."""
    given = [(query, 1.0)] if isinstance(query, str) else list(query)
    given = sorted(((t, w) for t, w in given if t.strip() and w > 0), key=lambda pair: -pair[1])[:SENTENCES]
    if not given:
        return None
    texts, weights = tuple(t for t, _ in given), tuple(w for _, w in given)
    asked = lang or detected(texts[0])[0]
    vectors = centred(shelf.encoder.queries(texts), shelf.model.query_mean(shelf.encoder, shelf.means, asked))
    direction = np.asarray(weights, dtype=np.float32) @ vectors
    length = float(np.linalg.norm(direction)) or 1.0
    return Question(texts, weights, asked, direction / length, _weighed(shelf, given, asked, langs))


def _weighed(
    shelf: Shelf, given: Sequence[tuple[str, float]], asked: str, langs: Sequence[str]
) -> dict[str, dict[str, float]]:
    stop = STOP.get(asked, frozenset())
    raw: dict[str, dict[str, float]] = {l: defaultdict(float) for l in langs}
    for text, weight in given:
        for l in langs:
            for stem in {s for word, s in content_words(text, l) if folded(word) not in stop}:
                raw[l][stem] += weight
    counts = catalogue.word_counts(shelf.db, [f"{l}_{s}" for l, words in raw.items() for s in words])
    sizes = catalogue.passage_counts(shelf.db)
    return {
        l: {
            s: w * shelf.model.rarity(l, s, counts.get(f"{l}_{s}", 0), sizes.get(l, 0))
            for s, w in words.items()
        }
        for l, words in raw.items()
    }


def _by_words(
    shelf: Shelf, question: Question, audiences: Collection[Audience], documents: Collection[str] | None
) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    limit = NEAREST if documents is None else 5_000
    for text, weight in zip(question.texts, question.weights, strict=True):
        for l, known in question.words.items():
            words = {f"{l}_{s}" for s in stems(text, l) if s in known}
            scale = weight if l == question.lang else weight * OTHER_LANGUAGE
            for id, score in catalogue.by_words(shelf.db, words, audiences, limit):
                total[id] += scale * score
    return total


def _likeness(shelf: Shelf, question: Question, found: Sequence[Found]) -> Vectors:
    """Centred cosine of each passage, of its best window."""
    texts = [windows(f.passage) for f in found]
    flat = shelf.encoder.passages([text for parts in texts for text in parts])
    best = np.empty(len(found), dtype=np.float32)
    at = 0
    for row, (f, parts) in enumerate(zip(found, texts, strict=True)):
        mean = shelf.means.get(f.passage.lang)
        own = flat[at : at + len(parts)]
        at += len(parts)
        best[row] = float(np.max((own if mean is None else centred(own, mean)) @ question.direction))
    return best


def _hits(
    shelf: Shelf,
    question: Question,
    found: Sequence[Found],
    likeness: Vectors,
    words: Mapping[str, float],
    limit: int,
) -> list[Hit]:
    lexical = np.array([words.get(f.passage.id, 0.0) for f in found], dtype=np.float32)
    fused = _z(lexical, 1.0) + DENSE * _z(likeness, 0.03)
    order = sorted(range(len(found)), key=lambda at: -float(fused[at]))
    field = float(np.median(np.sort(likeness)[-20:]))
    ranked = [
        _Ranked(
            found[at],
            float(fused[at]),
            float(likeness[at]),
            _signs(shelf, question, found[at], float(likeness[at]), field),
        )
        for at in order[: limit * 3]
    ]
    hits = []
    for rank in _in_asked_language(shelf, question, ranked)[:limit]:
        f = rank.found
        lines = quotes.lines(f.passage.text, f.passage.lang)
        hits.append(
            Hit(
                passage=f.passage,
                score=rank.score,
                relevance=shelf.model.relevance(rank.signs),
                quotes=tuple(quotes.best(lines, question.words.get(f.passage.lang, {}))),
            )
        )
    return hits


class _Ranked(NamedTuple):
    found: Found
    score: float
    likeness: float
    signs: Signs


def _signs(shelf: Shelf, question: Question, f: Found, likeness: float, field: float) -> Signs:
    weight = question.words.get(f.passage.lang, {})
    total = sum(weight.values())
    inside = frozenset(stems(catalogue.word_text(f.passage), f.passage.lang))
    head = frozenset(stems(" ".join([f.passage.title, *f.passage.heading_path]), f.passage.lang))
    covered = sum(w for s, w in weight.items() if s in inside)
    best_line = max(
        (
            sum(w for s, w in weight.items() if s in line.words or s in head)
            for line in quotes.lines(f.passage.text, f.passage.lang)
        ),
        default=0.0,
    )
    missing = max((w for s, w in weight.items() if s not in inside), default=0.0)
    return Signs(
        same_language=f.passage.lang == question.lang,
        coverage=covered / total if total else 0.0,
        line=best_line / total if total else 0.0,
        missing=missing / total if total else 1.0,
        likeness=likeness,
        margin=likeness - field,
        words=math.log1p(len(weight)),
    )


def _in_asked_language(shelf: Shelf, question: Question, ranked: Sequence[_Ranked]) -> list[_Ranked]:
    """Where a passage has a translation in the asked language, that one stands in for it."""
    foreign = {r.found.group for r in ranked if r.found.passage.lang != question.lang}
    own: dict[str, list[Found]] = defaultdict(list)
    if foreign and question.lang in question.words:
        for f in catalogue.in_groups(shelf.db, foreign, question.lang):
            own[f.group].append(f)
    kept: dict[str, _Ranked] = {}
    for rank in ranked:
        twin = _twin(rank.found, own.get(rank.found.group, ()))
        rank = rank._replace(found=twin) if twin else rank
        before = kept.get(rank.found.passage.id)
        if before is None:
            kept[rank.found.passage.id] = rank
        elif rank.signs.same_language:
            kept[rank.found.passage.id] = rank._replace(score=before.score)
    return list(kept.values())


def _twin(f: Found, translated: Sequence[Found]) -> Found | None:
    same = [t for t in translated if t.audience == f.audience and t.passage.id != f.passage.id]
    if not same or f.passage.lang == same[0].passage.lang:
        return None
    if f.passage.anchor:
        for t in same:
            if t.passage.anchor == f.passage.anchor:
                return t
    return next((t for t in same if t.passage.ord == f.passage.ord), None)


def _z(values: Vectors, least: float) -> Vectors:
    spread = max(float(values.std()), least)
    z: Vectors = (values - values.mean()) / spread
    return z


def languages_of(shelf: Shelf) -> tuple[str, ...]:
    """Languages there are passages in, the known ones first."""
    have = {l for _, l in catalogue.collections(shelf.db)}
    return tuple(l for l in (*KNOWN, *sorted(have - set(KNOWN))) if l in have)
