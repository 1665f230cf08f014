"""Which step is a clause about: embeddings and word overlap, judged against the other steps of the procedure."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.models import Procedure, Step
from app.reader.lexical import Bag, bag, gram_cosine, rarity, shared
from app.reader.text import fold
from knowledge.embedding import Encoder, centred

Array = NDArray[np.float32]

FEATURES = (
    "cos_title", "cos_body", "cos_says", "cos_z", "cos_gap", "cos_best",
    "lex_title", "lex_clause", "lex_body", "lex_says", "gram_title", "lex_z", "lex_gap", "lex_best",
    "length", "steps",
)  # fmt: skip
LEXICAL = tuple(name.startswith(("lex", "gram")) for name in FEATURES)
"""Left out where message and page share no language."""


class StepSide(NamedTuple):
    titles: tuple[Bag, ...]
    body: frozenset[str]
    says: tuple[Bag, ...]
    title_vectors: Array
    body_vectors: Array
    says_vectors: Array


class Side(NamedTuple):
    """A procedure made ready for comparing."""

    steps: tuple[StepSide, ...]
    weight: dict[str, float]
    languages: frozenset[str]


class Asked(NamedTuple):
    """A clause made ready for comparing."""

    bag: Bag
    vector: Array


_MARKUP = re.compile(r"```.*?```|^#+ .*$|[*_`>|]|\{#[\w-]+\}|\]\([^)]*\)|\[", re.S | re.M)
_KEPT = 64
_sides: OrderedDict[tuple[str, str], Side] = OrderedDict()
_lock = Lock()


def side_of(procedure: Procedure, encoder: Encoder, mean: Array) -> Side:
    key = (encoder.name, procedure.model_dump_json())
    with _lock:
        if key in _sides:
            _sides.move_to_end(key)
            return _sides[key]
    made = _make_side(procedure, encoder, mean)
    with _lock:
        _sides[key] = made
        while len(_sides) > _KEPT:
            _sides.popitem(last=False)
    return made


def _make_side(procedure: Procedure, encoder: Encoder, mean: Array) -> Side:
    lang = procedure.lang[:2]
    steps = tuple(_step_side(step, lang, encoder, mean) for step in procedure.steps)
    whole = [frozenset().union(*(b.concepts for b in side.titles), side.body) for side in steps]
    titled = [frozenset().union(*(b.concepts for b in side.titles)) for side in steps]
    weight = rarity(whole)
    # A word of one title only tells more than one that other pages' bodies mention as well.
    for item, value in rarity(titled).items():
        weight[item] = max(weight.get(item, 0.0), 0.5 * value)
    languages = {lang} | {code[:2] for step in procedure.steps for code, _ in step.titles}
    return Side(steps, weight, frozenset(languages))


def _step_side(step: Step, lang: str, encoder: Encoder, mean: Array) -> StepSide:
    titles = [(lang, step.title), *((code[:2], title) for code, title in step.titles)]
    says = [*step.says_done, *step.says_not_done]
    plain = _MARKUP.sub(" ", step.text)
    chunks = _chunks(plain)
    return StepSide(
        tuple(bag(fold(title), code) for code, title in titles),
        bag(fold(plain), lang).concepts,
        tuple(bag(fold(text), lang) for text in says),
        _vectors([title for _, title in titles], encoder, mean),
        _vectors(chunks, encoder, mean),
        _vectors(says, encoder, mean),
    )


def _chunks(plain: str, longest: int = 220, most: int = 5) -> list[str]:
    """The beginning of a step's text in a few pieces of about two sentences."""
    pieces: list[str] = []
    for sentence in re.split(r"(?<=[.!?:])\s+|\n{2,}", plain):
        words = " ".join(sentence.split())
        if not words:
            continue
        if pieces and len(pieces[-1]) + len(words) < longest:
            pieces[-1] += " " + words
        elif len(pieces) < most:
            pieces.append(words[: 2 * longest])
    return pieces


def _vectors(texts: Sequence[str], encoder: Encoder, mean: Array) -> Array:
    if not texts:
        return np.zeros((0, encoder.dimensions), dtype=np.float32)
    return centred(encoder.queries(list(texts)), mean)


def features(asked: Asked, side: Side) -> Array:
    """One row per step of the procedure, columns as in `FEATURES`."""
    rows = np.zeros((len(side.steps), len(FEATURES)), dtype=np.float32)
    own = sum(side.weight.get(item, 1.0) for item in asked.bag.concepts) or 1.0
    for number, step in enumerate(side.steps):
        rows[number, 0] = _best(asked.vector, step.title_vectors)
        rows[number, 1] = _best(asked.vector, step.body_vectors)
        rows[number, 2] = (
            _best(asked.vector, step.says_vectors) if len(step.says_vectors) else rows[number, 0]
        )
        rows[number, 6] = max(_share_of(one, asked.bag, side) for one in step.titles)
        titled = frozenset().union(*(one.concepts for one in step.titles))
        rows[number, 7] = shared(asked.bag.concepts, titled, side.weight, 1.0) / own
        rows[number, 8] = shared(asked.bag.concepts, step.body, side.weight, 1.0) / own
        rows[number, 9] = max(
            (_share_of(one, asked.bag, side) for one in step.says), default=rows[number, 6]
        )
        rows[number, 10] = max(gram_cosine(one.grams, asked.bag.grams) for one in step.titles)
    _compare(rows, rows[:, :3].max(axis=1) * 0.5 + rows[:, :3].mean(axis=1) * 0.5, 3)
    _compare(rows, rows[:, 6] + rows[:, 7] + 0.5 * rows[:, 8] + 0.5 * rows[:, 9], 11)
    rows[:, 14] = min(len(asked.bag.concepts), 12) / 12
    rows[:, 15] = min(len(side.steps), 12) / 12
    return rows


def _best(vector: Array, others: Array) -> float:
    return float((others @ vector).max()) if len(others) else 0.0


def _share_of(one: Bag, asked: Bag, side: Side) -> float:
    whole = sum(side.weight.get(item, 1.0) for item in one.concepts)
    return shared(one.concepts, asked.concepts, side.weight, 1.0) / whole if whole else 0.0


def _compare(rows: Array, score: Array, column: int) -> None:
    """z-score across steps, gap to the best other, and whether it is the best."""
    spread = float(score.std()) or 1.0
    rows[:, column] = (score - score.mean()) / max(spread, 0.05)
    for number in range(len(score)):
        others = np.delete(score, number)
        rows[number, column + 1] = score[number] - (others.max() if len(others) else 0.0)
    rows[:, column + 2] = score == score.max()
