"""Hybrid, cross-lingual retrieval: the only way to read the knowledge base."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from knowledge import catalogue, quotes
from knowledge.catalogue import Found
from knowledge.embedding import Encoder, Vectors, centred
from knowledge.index import Nearest, windows
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

BY_MEANING = 2
"""Hits whose lines are compared by meaning where words cannot tell them apart; each line is embedded."""

LINES = 20
"""Lines of a passage that are compared by meaning."""

SENTENCES = 6
"""Sentences of a query that are used, the weightiest."""


class Shelf(NamedTuple):
    """What a search reads from."""

    db: sa.Engine
    vectors: Nearest
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


class Ranked(NamedTuple):
    """A candidate with what speaks for it."""

    found: Found
    score: float
    signs: Signs


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
    question = ask(shelf, query, lang)
    if question is None:
        return []
    ranked = rank(shelf, question, audiences=audiences, most=limit * 3, documents=documents)
    shown = _in_asked_language(shelf, question, ranked, documents)[:limit]
    return [_hit(shelf, question, r, by_meaning=at < BY_MEANING) for at, r in enumerate(shown)]


def ask(shelf: Shelf, query: str | Sequence[tuple[str, float]], lang: str | None) -> Question | None:
    """None where the query holds no text."""
    given = [(query, 1.0)] if isinstance(query, str) else list(query)
    given = sorted(((t, w) for t, w in given if t.strip() and w > 0), key=lambda pair: -pair[1])[:SENTENCES]
    if not given:
        return None
    texts, weights = tuple(t for t, _ in given), tuple(w for _, w in given)
    asked = lang or detected(texts[0])[0]
    mean = shelf.model.query_mean(shelf.encoder, shelf.means, asked)
    direction = np.asarray(weights, dtype=np.float32) @ centred(shelf.encoder.queries(texts), mean)
    length = float(np.linalg.norm(direction)) or 1.0
    return Question(texts, weights, asked, direction / length, _weighed(shelf, given, asked))


def rank(
    shelf: Shelf,
    question: Question,
    *,
    audiences: Collection[Audience],
    most: int,
    documents: Collection[str] | None = None,
) -> list[Ranked]:
    """Current passages, best first, each in the language it is written in."""
    words = _by_words(shelf, question, audiences, documents)
    if documents is None:
        ids = set(words)
        for audience, lang in catalogue.collections(shelf.db):
            if audience in audiences:
                ids |= {id for id, _ in shelf.vectors.nearest(question.direction, audience, lang, NEAREST)}
        found = catalogue.current(shelf.db, ids=ids)
    else:
        found = catalogue.current(shelf.db, documents=documents)
    found = tuple(f for f in found if f.audience in audiences)
    if not found:
        return []
    likeness = _likeness(shelf, question, found)
    lexical = np.array([words.get(f.passage.id, 0.0) for f in found], dtype=np.float32)
    fused = _z(lexical, 1.0) + DENSE * _z(likeness, 0.03)
    order = np.argsort(-fused, kind="stable")[:most]
    return [
        Ranked(found[at], float(fused[at]), _signs(question, found[at], float(likeness[at]))) for at in order
    ]


def languages_of(shelf: Shelf) -> tuple[str, ...]:
    """Languages there are passages in, the known ones first."""
    have = {lang for _, lang in catalogue.collections(shelf.db)}
    return tuple(lang for lang in (*KNOWN, *sorted(have - set(KNOWN))) if lang in have)


def _weighed(shelf: Shelf, given: Sequence[tuple[str, float]], asked: str) -> dict[str, dict[str, float]]:
    stop = STOP.get(asked, frozenset())
    raw: dict[str, dict[str, float]] = {lang: defaultdict(float) for lang in languages_of(shelf)}
    for text, weight in given:
        for lang, words in raw.items():
            for stem in {stem for word, stem in content_words(text, lang) if folded(word) not in stop}:
                words[stem] += weight
    counts = catalogue.word_counts(
        shelf.db, [f"{lang}_{stem}" for lang, words in raw.items() for stem in words]
    )
    sizes = catalogue.passage_counts(shelf.db)
    weighed: dict[str, dict[str, float]] = {}
    for lang, words in raw.items():
        weighed[lang] = {}
        for stem, weight in words.items():
            count = counts.get(f"{lang}_{stem}", 0)
            # A word that another language does not know is a foreign word, not a missing one.
            if count or lang == asked:
                weighed[lang][stem] = weight * shelf.model.rarity(lang, stem, count, sizes.get(lang, 0))
    return weighed


def _by_words(
    shelf: Shelf, question: Question, audiences: Collection[Audience], documents: Collection[str] | None
) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    limit = NEAREST if documents is None else 5_000
    for text, weight in zip(question.texts, question.weights, strict=True):
        for lang, known in question.words.items():
            words = {f"{lang}_{stem}" for stem in stems(text, lang) if stem in known}
            scale = weight if lang == question.lang else weight * OTHER_LANGUAGE
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


def _signs(question: Question, f: Found, likeness: float) -> Signs:
    weight = question.words.get(f.passage.lang, {})
    total = sum(weight.values()) or 1.0
    head = frozenset(stems(" ".join([f.passage.title, *f.passage.heading_path]), f.passage.lang))
    lines = quotes.lines(f.passage.text, f.passage.lang)
    inside = head.union(*(line.words for line in lines))
    by_line = [sum(w for s, w in weight.items() if s in line.words or s in head) for line in lines]
    return Signs(
        same_language=f.passage.lang == question.lang,
        coverage=sum(w for s, w in weight.items() if s in inside) / total,
        line=max(by_line, default=0.0) / total,
        missing=max((w for s, w in weight.items() if s not in inside), default=0.0) / total,
        likeness=likeness,
    )


def _hit(shelf: Shelf, question: Question, ranked: Ranked, *, by_meaning: bool) -> Hit:
    passage = ranked.found.passage
    lines = quotes.lines(passage.text, passage.lang)
    weight = question.words.get(passage.lang, {})
    words_tell = passage.lang == question.lang and any(
        word in weight for line in lines for word in line.words
    )
    likeness = None
    if by_meaning and not words_tell and 1 < len(lines) <= LINES:
        mean = shelf.means.get(passage.lang)
        vectors = shelf.encoder.passages([line.text for line in lines])
        likeness = (vectors if mean is None else centred(vectors, mean)) @ question.direction
    return Hit(
        passage=passage,
        score=ranked.score,
        relevance=shelf.model.relevance(ranked.signs),
        quotes=tuple(quotes.best(lines, weight, likeness)),
    )


def _in_asked_language(
    shelf: Shelf, question: Question, ranked: Sequence[Ranked], documents: Collection[str] | None
) -> list[Ranked]:
    """Where a passage has a translation in the asked language, that one stands in for it."""
    foreign = {r.found.group for r in ranked if r.found.passage.lang != question.lang}
    own: dict[str, list[Found]] = defaultdict(list)
    if foreign and question.lang in question.words:
        for f in catalogue.in_groups(shelf.db, foreign, question.lang):
            if documents is None or f.passage.document in documents:
                own[f.group].append(f)
    kept: dict[str, Ranked] = {}
    for r in ranked:
        twin = _twin(r.found, own.get(r.found.group, ()))
        shown = r._replace(found=twin) if twin else r
        before = kept.get(shown.found.passage.id)
        if before is None:
            kept[shown.found.passage.id] = shown
        elif shown.signs.same_language:
            # The original came first: its place, and the signs of what is shown.
            kept[shown.found.passage.id] = shown._replace(score=before.score)
    return list(kept.values())


def _twin(f: Found, translated: Sequence[Found]) -> Found | None:
    same = [t for t in translated if t.audience == f.audience and t.passage.lang != f.passage.lang]
    for t in same:
        if f.passage.anchor and t.passage.anchor == f.passage.anchor:
            return t
    return next((t for t in same if t.passage.ord == f.passage.ord), None)


def _z(values: Vectors, least: float) -> Vectors:
    z: Vectors = (values - values.mean()) / max(float(values.std()), least)
    return z
