"""Hybrid, cross-lingual retrieval: the only way to read the knowledge base."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from knowledge import catalogue, quotes
from knowledge.catalogue import Found
from knowledge.embedding import Encoder, Vectors, centred
from knowledge.endpoint import Reranker
from knowledge.errors import EndpointDown
from knowledge.index import Nearest, windows
from knowledge.languages import KNOWN, detected
from knowledge.model import Audience, Hit, Passage
from knowledge.quotes import sentences
from knowledge.relevance import Model, Signs
from knowledge.stems import STOP, content_words, folded, stems

log = logging.getLogger(__name__)

NEAREST = 40
"""Candidates that each collection and each sentence's words may bring."""

DENSE = 1.2
"""Weight of the dense z-score beside the lexical one."""

NEWEST = 1.5
"""Weight of the first text's meaning beside its words: it asks, the others say what about."""

OTHER_LANGUAGE = 0.4
"""Words shared across languages are names and codes: they count, but less."""

BY_MEANING = 2
"""Hits whose lines are compared by meaning where words cannot tell them apart; each line is embedded."""

LINES = 20
"""Lines of a passage that are compared by meaning."""

TEXTS = 6
"""Texts of a query that are used, the weightiest."""

REPEATED = (1, 2, 3, 5)
"""A word counts once more from so many sentences of a text on."""

USUAL = 0.4
"""Likeness of a passage whose best line holds every word, for when it cannot be measured."""

SHORTLIST = 24
"""Candidates whose lines are looked at."""

EMBEDDED = 0.2
"""A text that counts less brings its words alone: embedding it would take longer than it is worth."""

LINE = 0.5
"""Weight of the best line's words: a passage may hold all words of a question and answer it nowhere."""

ALIKE = 0.9
"""Share of words from which on two passages say the same."""


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
    reranker: Reranker | None = None


class Question(NamedTuple):
    """A query, ready to be compared."""

    texts: tuple[str, ...]
    weights: tuple[float, ...]
    lang: str
    direction: Vectors | None
    """Unit vector, the mean of all questions taken out; None where the encoder is out of reach."""
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
    langs: Collection[str] | None = None,
) -> list[Hit]:
    """Best first; empty where there is nothing to compare.

    `documents` and `langs` limit what is looked at before anything is ranked.
    """
    question = ask(shelf, query, lang)
    if question is None:
        return []
    ranked = rank(shelf, question, audiences=audiences, most=limit * 3, documents=documents, langs=langs)
    if langs is None or question.lang in langs:
        ranked = _in_asked_language(shelf, question, ranked, documents)
    shown = _reranked(shelf, question, _folded(ranked))[:limit]
    return [
        _hit(shelf, question, r, twins, by_meaning=at < BY_MEANING) for at, (r, twins) in enumerate(shown)
    ]


def ask(shelf: Shelf, query: str | Sequence[tuple[str, float]], lang: str | None) -> Question | None:
    """None where the query holds no text."""
    given = [(query, 1.0)] if isinstance(query, str) else list(query)
    given = sorted(((t, w) for t, w in given if t.strip() and w > 0), key=lambda pair: -pair[1])[:TEXTS]
    if not given:
        return None
    texts, weights = tuple(t for t, _ in given), tuple(w for _, w in given)
    asked = lang or detected(texts[0])[0]
    return Question(texts, weights, asked, _direction(shelf, given, asked), _weighed(shelf, given, asked))


def _direction(shelf: Shelf, given: Sequence[tuple[str, float]], asked: str) -> Vectors | None:
    told = [(text, weight) for text, weight in given if weight >= EMBEDDED * given[0][1]]
    try:
        mean = shelf.model.query_mean(shelf.encoder, shelf.means, asked)
        vectors = centred(shelf.encoder.queries([text for text, _ in told]), mean)
    except EndpointDown as error:
        log.warning("searching by words alone: %s", error)
        return None
    weights = np.asarray([weight for _, weight in told], dtype=np.float32)
    weights[0] *= NEWEST
    direction: Vectors = weights @ vectors
    return direction / (float(np.linalg.norm(direction)) or 1.0)


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
        found = catalogue.current(shelf.db, documents=documents)
    else:
        ids = set(words)
        direction = question.direction
        for audience, lang in catalogue.collections(shelf.db) if direction is not None else ():
            if audience in audiences and (langs is None or lang in langs):
                near = shelf.vectors.nearest(direction, audience, lang, NEAREST, documents)
                ids |= {id for id, _ in near}
        found = catalogue.current(shelf.db, ids=ids)
    found = tuple(f for f in found if f.audience in audiences and (langs is None or f.passage.lang in langs))
    if not found:
        return []
    likeness = _likeness(shelf, question, [f.passage for f in found])
    lexical = np.array([words.get(f.passage.id, 0.0) for f in found], dtype=np.float32)
    own = np.array([f.passage.lang == question.lang for f in found])
    fused = np.zeros(len(found), dtype=np.float32)
    # Each language by itself: one page in the language of the question shares words with every question.
    for rows, weight in ((own, 1.0), (~own, OTHER_LANGUAGE)):
        if rows.any():
            fused[rows] = weight * _z(lexical[rows], 1.0) + DENSE * _z(likeness[rows], 0.03)
    order = np.argsort(-fused, kind="stable")[: max(most, SHORTLIST)]
    ranked = [
        Ranked(f, float(fused[at]), _signs(question, f.passage, float(likeness[at])))
        for at, f in ((at, found[at]) for at in order)
    ]
    return _by_lines(ranked[:SHORTLIST])[:most] + ranked[SHORTLIST:]


def signs_of(shelf: Shelf, question: Question, passages: Sequence[Passage]) -> list[Signs]:
    """What speaks for each passage as the answer to that question."""
    likeness = _likeness(shelf, question, passages)
    return [_signs(question, p, float(like)) for p, like in zip(passages, likeness, strict=True)]


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
    shelf: Shelf,
    question: Question,
    audiences: Collection[Audience],
    documents: Collection[str] | None,
    langs: Collection[str] | None,
) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    limit = NEAREST if documents is None or len(documents) > FEW else ALL
    for text, weight in zip(question.texts, question.weights, strict=True):
        for lang, known in question.words.items():
            if langs is not None and lang not in langs:
                continue
            for words in _as_often(text, lang, known):
                for id, score in catalogue.by_words(shelf.db, words, audiences, limit, documents):
                    total[id] += weight * score
    return total


def _as_often(text: str, lang: str, known: Collection[str]) -> Iterator[set[str]]:
    """All words of a text, then those said in two sentences and more: what it comes back to is its topic."""
    said = Counter(stem for sentence in sentences(text) for stem in set(stems(sentence, lang)))
    for least in REPEATED:
        words = {f"{lang}_{stem}" for stem, times in said.items() if times >= least and stem in known}
        if not words:
            return
        yield words


def _likeness(shelf: Shelf, question: Question, passages: Sequence[Passage]) -> Vectors:
    """Centred cosine of each passage, of its best window."""
    best = np.zeros(len(passages), dtype=np.float32)
    if question.direction is None:
        return best
    texts = [windows(p) for p in passages]
    try:
        flat = shelf.encoder.passages([text for parts in texts for text in parts])
    except EndpointDown as error:
        log.warning("comparing by words alone: %s", error)
        return best
    at = 0
    for row, (p, parts) in enumerate(zip(passages, texts, strict=True)):
        mean = shelf.means.get(p.lang)
        own = flat[at : at + len(parts)]
        at += len(parts)
        best[row] = float(np.max((own if mean is None else centred(own, mean)) @ question.direction))
    return best


def _by_lines(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Ordered anew by what the best line holds, compared with other passages of the same language."""
    gains = np.zeros(len(ranked), dtype=np.float32)
    for same, weight in ((True, LINE), (False, LINE * OTHER_LANGUAGE)):
        rows = [at for at, r in enumerate(ranked) if r.signs.same_language is same]
        if rows:
            gains[rows] = weight * _z(
                np.array([ranked[at].signs.line for at in rows], dtype=np.float32), 0.05
            )
    better = [r._replace(score=r.score + float(gain)) for r, gain in zip(ranked, gains, strict=True)]
    return sorted(better, key=lambda r: -r.score)


def _signs(question: Question, p: Passage, likeness: float) -> Signs:
    weight = question.words.get(p.lang, {})
    total = sum(weight.values()) or 1.0
    head = frozenset(stems(" ".join([p.title, *p.heading_path]), p.lang))
    lines = quotes.lines(p.text, p.lang)
    inside = head.union(*(line.words for line in lines))
    by_line = [sum(w for s, w in weight.items() if s in line.words or s in head) for line in lines]
    line = max(by_line, default=0.0) / total
    return Signs(
        same_language=p.lang == question.lang,
        coverage=sum(w for s, w in weight.items() if s in inside) / total,
        line=line,
        missing=max((w for s, w in weight.items() if s not in inside), default=0.0) / total,
        likeness=likeness if question.direction is not None else USUAL * line,
    )


_Folded = tuple[Ranked, tuple[str, ...]]
"""A candidate with the paths of those it stands for."""


def _reranked(shelf: Shelf, question: Question, folded: list[_Folded]) -> list[_Folded]:
    """In the order of the reranker where there is one; it reads no more than the shortlist."""
    if shelf.reranker is None or len(folded) < 2:
        return folded
    first = folded[:SHORTLIST]
    # The newest message comes last, as in a conversation.
    query = "\n".join(reversed(question.texts))
    try:
        scores = shelf.reranker.scores(query, [windows(r.found.passage)[0] for r, _ in first])
    except EndpointDown as error:
        log.warning("not reranked: %s", error)
        return folded
    order = sorted(range(len(first)), key=lambda at: -scores[at])
    return [first[at] for at in order] + folded[SHORTLIST:]


def _folded(ranked: Sequence[Ranked]) -> list[_Folded]:
    """A passage that says what a better one says is only named by it."""
    kept: list[tuple[Ranked, frozenset[str], list[str]]] = []
    for r in ranked:
        words = _said(r.found.passage)
        first = next((k for k in kept if _same(k[0].found, r.found) and _alike(k[1], words)), None)
        if first is None:
            kept.append((r, words, []))
        elif r.found.passage.path not in (first[0].found.passage.path, *first[2]):
            first[2].append(r.found.passage.path)
    return [(r, tuple(twins)) for r, _, twins in kept]


def _same(one: Found, other: Found) -> bool:
    return one.audience == other.audience and one.passage.lang == other.passage.lang


@lru_cache(maxsize=5_000)
def _said(passage: Passage) -> frozenset[str]:
    """Its words with those above it: the same steps for two products are not the same."""
    head = stems(" ".join([passage.title, *passage.heading_path]), passage.lang)
    return frozenset(head).union(*(line.words for line in quotes.lines(passage.text, passage.lang)))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    if shared < ALIKE * (len(one) + len(other) - shared):
        return False
    # Another number is another limit, price or port: these disagree.
    return not any(char.isdigit() for word in one ^ other for char in word)


def _hit(
    shelf: Shelf, question: Question, ranked: Ranked, twins: tuple[str, ...], *, by_meaning: bool
) -> Hit:
    passage = ranked.found.passage
    lines = quotes.lines(passage.text, passage.lang)
    weight = question.words.get(passage.lang, {})
    words_tell = passage.lang == question.lang and any(
        word in weight for line in lines for word in line.words
    )
    likeness = None
    if by_meaning and not words_tell and 1 < len(lines) <= LINES:
        likeness = _line_likeness(shelf, question, passage.lang, [line.text for line in lines])
    return Hit(
        passage=passage,
        score=ranked.score,
        relevance=shelf.model.relevance(ranked.signs),
        quotes=tuple(quotes.best(lines, weight, likeness)),
        twins=twins,
    )


def _line_likeness(shelf: Shelf, question: Question, lang: str, lines: Sequence[str]) -> Vectors | None:
    if question.direction is None:
        return None
    try:
        vectors = shelf.encoder.passages(lines)
    except EndpointDown as error:
        log.warning("quoting by words alone: %s", error)
        return None
    mean = shelf.means.get(lang)
    likeness: Vectors = (vectors if mean is None else centred(vectors, mean)) @ question.direction
    return likeness


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
