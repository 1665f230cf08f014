"""Hybrid, cross-lingual retrieval: the only way to read the knowledge base."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np

from knowledge import quotes, stored
from knowledge.awaited import awaited
from knowledge.embedding import Vectors, centred
from knowledge.errors import EndpointDown
from knowledge.index import windows
from knowledge.languages import KNOWN, detected
from knowledge.meanings import alike
from knowledge.model import Audience, Hit, Passage
from knowledge.quotes import sentences
from knowledge.ranking import SHORTLIST, Question, Ranked, Shelf, rank
from knowledge.stems import STOP, content_words, folded, stems
from knowledge.stored import Found

log = logging.getLogger(__name__)

NEWEST = 1.5
"""Weight of the first text's meaning beside its words: it asks, the others say what about."""

EMBEDDED = 0.2
"""A text that counts less brings its words alone: embedding it would take longer than it is worth."""

_NUMBER = re.compile(r"\d+")

ALIKE = 0.9
"""Share of words from which on two passages say the same."""

BY_MEANING = 2
"""Hits whose lines are compared by meaning beside their words; each line is embedded."""

LINES = 20
"""Lines of a passage that are compared by meaning."""

PARTS, PART_WORDS, LONGEST = 4, 4, 2_000
"""A text of two to so many questions of so many words is looked up question by question."""

LEANING = 0.6
"""How much the question counts that a short one is joined to: it says what about."""

_JOINED = re.compile(
    r"[,;]?\s+(?:and|e|y)\s+(?=(?:how|what|where|when|why|who|como|cómo|quanto|cuánto|onde|dónde|quando"
    r"|cuándo|qual|cuál|quem|quién)\b)",
    re.IGNORECASE,
)

TEXTS = 6
"""Texts of a query that are used, the weightiest."""


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

    def ranked(asked: Question) -> list[Ranked]:
        found = rank(shelf, asked, audiences=audiences, most=limit * 3, documents=documents, langs=langs)
        if langs is None or asked.lang in langs:
            return _in_asked_language(shelf, asked, found, documents)
        return found

    shown = _reranked(shelf, question, _folded(ranked(question)))
    leading = []
    beside = list(zip(question.texts, question.weights, strict=True))[1:]
    for part, before in _parts(question.texts[0]):
        weight = question.weights[0]
        context = [(before, weight * LEANING), *beside]
        asked = ask(shelf, [(part, weight), *context], question.lang)
        leading += [(r, asked) for r in ranked(asked)[:1]] if asked else []
    led = _led(question, shown, leading)[:limit]
    titled = _titled(shelf, question, [r.found.passage.title for r, _, _ in led])
    return [
        _hit(shelf, asked, r, twins, by_meaning=at < BY_MEANING).model_copy(update={"titled": near})
        for at, ((r, twins, asked), near) in enumerate(zip(led, titled, strict=True))
    ]


def ask(shelf: Shelf, query: str | Sequence[tuple[str, float]], lang: str | None) -> Question | None:
    """None where the query holds no text."""
    given = [(query, 1.0)] if isinstance(query, str) else list(query)
    given = sorted(((t, w) for t, w in given if t.strip() and w > 0), key=lambda pair: -pair[1])[:TEXTS]
    if not given:
        return None
    texts, weights = tuple(t for t, _ in given), tuple(w for _, w in given)
    asked = lang or detected(texts[0])[0]
    words, counts, same = _weighed(shelf, given, asked)
    kind = awaited(texts[0], asked)
    return Question(texts, weights, asked, _direction(shelf, given, asked), words, counts, same, kind)


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


def _parts(text: str) -> list[tuple[str, str]]:
    """The questions of a text that asks several things, each with what a short one leans on ("what is the
    limit, and how do I raise it?"); none where it asks one, or too many to tell."""
    asked: list[tuple[str, str]] = []
    for sentence in sentences(text[:LONGEST]):
        joined = _JOINED.split(sentence)
        if not sentence.endswith("?") and len(joined) < 2:
            continue
        for at, part in enumerate(joined):
            if len(part.split()) >= PART_WORDS:
                asked.append((part, ""))
            elif at:
                asked.append((part, joined[at - 1]))
    return asked if 2 <= len(asked) <= PARTS else []


def _led(
    question: Question, shown: Sequence[_Folded], leading: Sequence[tuple[Ranked, Question]]
) -> list[tuple[Ranked, tuple[str, ...], Question]]:
    """What answers a part comes first, each with the question that it answers."""
    led: dict[str, tuple[Ranked, tuple[str, ...], Question]] = {}
    twins = {r.found.passage.id: paths for r, paths in shown}
    for r, asked in leading:
        id = r.found.passage.id
        led.setdefault(id, (r._replace(score=shown[0][0].score), twins.get(id, ()), asked))
    rest = ((r, paths, question) for r, paths in shown if r.found.passage.id not in led)
    return [*led.values(), *rest]


def languages_of(shelf: Shelf) -> tuple[str, ...]:
    """Languages there are passages in, the known ones first."""
    have = {lang for _, lang in shelf.sizes}
    return tuple(lang for lang in (*KNOWN, *sorted(have - set(KNOWN))) if lang in have)


_Words = dict[str, dict[str, float]]
_Alike = dict[str, dict[str, frozenset[str]]]


def _weighed(
    shelf: Shelf, given: Sequence[tuple[str, float]], asked: str
) -> tuple[_Words, dict[str, int], _Alike]:
    """The words of a query by language, how many passages hold each, and what means the same."""
    stop = STOP.get(asked, frozenset())
    raw: _Words = {lang: defaultdict(float) for lang in languages_of(shelf)}
    same: _Alike = {lang: {} for lang in raw}
    for text, weight in given:
        own = {lang: content_words(text, lang) for lang in {asked, *raw}}
        for lang, words in raw.items():
            for stem in dict.fromkeys(stem for word, stem in own[lang] if folded(word) not in stop):
                words[stem] += weight
            for stem in dict.fromkeys(stem for _, stem in own[asked]):
                if means := alike(stem, asked, lang):
                    # Written alike in both languages it is found as it is.
                    own_word = lang == asked or (stem in means and stem in words)
                    key = stem if own_word else f"{stem}{quotes.TRANSLATED}{asked}"
                    same[lang][key] = means
                    if not own_word:
                        words[key] += weight
    names = {f"{lang}_{stem}" for lang, words in raw.items() for stem in {*words}.union(*same[lang].values())}
    counts = shelf.remembered.counts(sorted(names))
    sizes: Counter[str] = Counter()
    for (_, lang), count in shelf.sizes.items():
        sizes[lang] += count
    weighed: _Words = {}
    for lang, words in raw.items():
        weighed[lang] = {}
        for stem, weight in words.items():
            count = counts.get(f"{lang}_{stem}", 0)
            means = same[lang].get(stem, frozenset())
            if lang != asked and means:
                count = max(counts.get(f"{lang}_{one}", 0) for one in means)
            # A word that another language does not know is a foreign word, not a missing one.
            if count or lang == asked:
                weighed[lang][stem] = weight * shelf.model.rarity(lang, stem, count, sizes[lang])
    return weighed, counts, same


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
        first = next((k for k in kept if _alike(k[1], words) and _same(k[0].found, r.found)), None)
        if first is None:
            kept.append((r, words, []))
        elif r.found.passage.path not in (first[0].found.passage.path, *first[2]):
            first[2].append(r.found.passage.path)
    return [(r, tuple(twins)) for r, _, twins in kept]


def _same(one: Found, other: Found) -> bool:
    return one.audience == other.audience and one.passage.lang == other.passage.lang


def _said(p: Passage) -> frozenset[str]:
    """Its words with those above it: the same steps for two products are not the same."""
    return _with_numbers(p.title, p.heading_path, p.text, p.lang)


@lru_cache(maxsize=5_000)
def _with_numbers(title: str, heading_path: tuple[str, ...], text: str, lang: str) -> frozenset[str]:
    words = quotes.said(title, heading_path, text, lang).words
    return words.union(*(_NUMBER.findall(each) for each in (title, *heading_path, text)))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < ALIKE * max(len(one), len(other)):
        return False
    shared = len(one & other)
    if shared < ALIKE * (len(one) + len(other) - shared):
        return False
    # Another number is another limit, price or port: these disagree.
    return not any(char.isdigit() for word in one ^ other for char in word)


def _hit(
    shelf: Shelf, question: Question, ranked: Ranked, twins: tuple[str, ...], *, by_meaning: bool
) -> Hit:
    passage = ranked.found.passage
    said = quotes.said(passage.title, passage.heading_path, passage.text, passage.lang)
    lines, weight = said.lines, question.words.get(passage.lang, {})
    likeness = None
    if by_meaning and 1 < len(lines) <= LINES:
        likeness = _line_likeness(shelf, question, passage.lang, [line.read or line.text for line in lines])
    kind, same = question.kind, question.alike.get(passage.lang, {})
    chosen = quotes.best(lines, weight, likeness, kind=kind, head=said.head, alike=same)
    return Hit(
        passage=passage,
        score=ranked.score,
        relevance=shelf.model.relevance(ranked.signs),
        quotes=tuple(chosen),
        asked=_asked(question, passage.lang),
        fits=kind is None or any(quotes.of_kind(line, kind) for line in lines if line.text == chosen[0]),
        twins=twins,
    )


def _titled(shelf: Shelf, question: Question, titles: Sequence[str]) -> list[float]:
    """How near each title is to what is asked, compared as two questions are: both name a matter."""
    if question.direction is None or not titles:
        return [0.0] * len(titles)
    try:
        mean = shelf.model.query_mean(shelf.encoder, shelf.means, question.lang)
        vectors = centred(shelf.encoder.queries(list(titles)), mean)
    except EndpointDown as error:
        log.warning("titles are not compared: %s", error)
        return [0.0] * len(titles)
    return [float(near) for near in vectors @ question.direction]


def _asked(question: Question, lang: str) -> frozenset[str]:
    """Stems of the newest text in that language."""
    own = frozenset(stems(question.texts[0], lang))
    means = (alike(stem, question.lang, lang) for stem in stems(question.texts[0], question.lang))
    return own.union(*means)


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
        for f in stored.in_groups(shelf.db, foreign, question.lang):
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
