"""Which step is a clause about: embeddings and word overlap, judged against the other steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.reader.kept import Kept
from app.reader.lexical import Bag, bag, loose_concepts, plain_concepts, rarity, shared
from app.reader.overlap import Grams, Places, Table, gaps, most, owners
from app.reader.text import fold
from knowledge.embedding import Encoder, centred
from knowledge.model import Procedure, Step

Array = NDArray[np.float32]

FEATURES = (
    "cos_title", "cos_body", "cos_says", "cos_z", "cos_gap", "cos_best",
    "lex_title", "lex_clause", "lex_body", "lex_says", "lex_hit", "lex_hit_gap", "gram_title", "lex_z",
    "lex_gap", "lex_best",
    "length", "known", "steps",
)  # fmt: skip
_COLUMN = {name: number for number, name in enumerate(FEATURES)}
_COSINES = slice(_COLUMN["cos_title"], _COLUMN["cos_says"] + 1)
_SHARED = slice(_COLUMN["lex_title"], _COLUMN["lex_says"] + 1)
"""The columns of `COUNTS`, in its order."""

PLAIN_WEIGHT = 0.3
"""Weight of a word that any step may begin with (`add`, `set up`): it hardly tells which step is meant."""

GOAL_WEIGHT = 0.7
"""Weight of a word of the procedure's own title: it is said of the whole as often as of a step."""


UNKNOWN_WEIGHT = 0.7
"""Weight of a word that no step has."""


class StepSide(NamedTuple):
    titles: tuple[Bag, ...]
    titled: frozenset[str]
    """Concepts of all titles and of the step's id."""
    body: frozenset[str]
    says: tuple[Bag, ...]
    title_vectors: Array
    body_vectors: Array
    says_vectors: Array
    told: dict[str, tuple[tuple[str, str, Array], ...]]
    """Of a branching step: how each outcome is told, as text, language and vector."""


class Words(NamedTuple):
    """The words of all steps and of the goal, which is the last: each title, all of them, text, `says`."""

    table: Table
    steps: tuple[Places, Places, Places, Places]
    """Which step each text of a kind is of."""
    own: Array
    """Per text and concept of the table what the concept counts; `hits`: the same where it is rare."""
    hits: Array
    whole: Array
    """Per text what all its words come to."""
    grams: Grams


class Side(NamedTuple):
    """A procedure made ready for comparing."""

    steps: tuple[StepSide, ...]
    goal: StepSide
    """The whole: what the procedure is for, as if it were one more step."""
    weight: dict[str, float]
    languages: frozenset[str]
    words: Words
    vectors: tuple[tuple[Array, Places], ...]
    """Titles, text and `says` of all steps and of the goal, with the step that each is of."""


class Asked(NamedTuple):
    """A clause made ready for comparing."""

    bag: Bag
    vector: Array


_MARKUP = re.compile(r"```.*?```|^#+ .*$|[*_`>|]|\{#[\w-]+\}|\]\([^)]*\)|\[", re.S | re.M)
_sides: Kept[tuple[str, str], Side] = Kept(200)


def spoken_of(procedures: Sequence[Procedure]) -> dict[str, frozenset[str]]:
    """All that pages speak of, short words and initials left out, for the languages that all are told in."""
    if not procedures:
        return {}
    found = frozenset[str]().union(*(_concepts(*text) for p in procedures for text in _texts(p)))
    plain = frozenset(item for item in found if item[0] != "~")
    told = [{lang for _, lang in _texts(procedure)} for procedure in procedures]
    return dict.fromkeys(set.intersection(*told), plain)


def _texts(procedure: Procedure) -> Iterator[tuple[str, str]]:
    """What a page says of itself and of its steps, with the language."""
    lang = procedure.lang[:2]
    yield f"{procedure.title} {procedure.when}", lang
    for step in procedure.steps:
        told = (step.title, step.text, *step.says_done, *step.says_not_done)
        yield " ".join((*told, *(text for _, texts in step.says for text in texts))), lang
        yield from ((title, code[:2]) for code, title in step.titles)


@lru_cache(maxsize=1_000)
def _concepts(text: str, lang: str) -> frozenset[str]:
    return bag(fold(text), lang).concepts


def side_of(procedure: Procedure, encoder: Encoder, mean: Array) -> Side:
    key = (encoder.name, procedure.model_dump_json())
    return _sides.get(key, lambda: _make_side(procedure, encoder, mean))


def _make_side(procedure: Procedure, encoder: Encoder, mean: Array) -> Side:
    lang = procedure.lang[:2]
    steps = tuple(_step_side(step, lang, encoder, mean) for step in procedure.steps)
    weight = rarity([side.titled | side.body for side in steps])
    # A concept of one title tells that step from the others even where their texts mention it too.
    for item, value in rarity([side.titled for side in steps]).items():
        weight[item] = max(weight.get(item, 0.0), 0.8 * value)
    goal = bag(fold(f"{procedure.title} {procedure.when}"), lang).concepts
    for item in weight:
        if item in plain_concepts():
            weight[item] *= PLAIN_WEIGHT
        elif item in goal:
            weight[item] *= GOAL_WEIGHT
    languages = {lang} | {code[:2] for step in procedure.steps for code, _ in step.titles}
    goal_side = _goal_side(procedure, lang, encoder, mean)
    every = (*steps, goal_side)
    vectors = tuple(
        (np.vstack(rows), owners(rows))
        for rows in (
            [side.title_vectors for side in every],
            [side.body_vectors for side in every],
            [side.says_vectors for side in every],
        )
    )
    return Side(steps, goal_side, weight, frozenset(languages), _words(every, weight), vectors)


def _words(sides: Sequence[StepSide], weight: dict[str, float]) -> Words:
    kinds: tuple[list[list[frozenset[str]]], ...] = (
        [[one.concepts for one in side.titles] for side in sides],
        [[side.titled] for side in sides],
        [[side.body] for side in sides],
        [[one.concepts for one in side.says] for side in sides],
    )
    texts = [text for kind in kinds for side in kind for text in side]
    table = Table(texts)
    own = table.weighed(weight, UNKNOWN_WEIGHT)
    plain = np.array([item[0] != "~" for item in table.concepts], dtype=np.float32)
    titles, titled, body, says = map(owners, kinds)
    return Words(
        table,
        (titles, titled, body, says),
        own,
        table.weighed(weight, 0.0),
        own @ plain,
        Grams([one.grams for side in sides for one in side.titles]),
    )


def _goal_side(procedure: Procedure, lang: str, encoder: Encoder, mean: Array) -> StepSide:
    whole = Step(
        id="goal",
        title=procedure.title,
        text=procedure.when,
        anchor="",
        subject="",
        titles=procedure.titles,
    )
    return _step_side(whole, lang, encoder, mean)


def _step_side(step: Step, lang: str, encoder: Encoder, mean: Array) -> StepSide:
    titles = [(lang, step.title), *((code[:2], title) for code, title in step.titles)]
    says = [*step.says_done, *step.says_not_done, *(text for _, texts in step.says for text in texts)]
    plain = _MARKUP.sub(" ", step.text)
    chunks = _chunks(plain)
    named = tuple(bag(fold(title), code) for code, title in titles)
    return StepSide(
        named,
        frozenset().union(
            *(one.concepts for one in named), bag(fold(re.sub(r"[-_]", " ", step.id)), "en").concepts
        ),
        bag(fold(step.text), lang).concepts,
        tuple(bag(fold(text), lang) for text in says),
        _vectors([title for _, title in titles], encoder, mean),
        _vectors(chunks, encoder, mean),
        _vectors(says, encoder, mean),
        {name: _told(step, name, lang, encoder, mean) for name, _ in step.outcomes},
    )


def _told(
    step: Step, outcome: str, lang: str, encoder: Encoder, mean: Array
) -> tuple[tuple[str, str, Array], ...]:
    """An outcome by its name, its labels and its examples."""
    texts = [(re.sub(r"[-_]", " ", outcome), lang)]
    texts += [(text, code) for name, labels in step.labels if name == outcome for code, text in labels]
    texts += [(text, lang) for name, examples in step.says if name == outcome for text in examples]
    rows = _vectors([text for text, _ in texts], encoder, mean)
    return tuple((text, code, row) for (text, code), row in zip(texts, rows, strict=True))


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
    rows: Array = compared(likeness([asked], side)[:, :-1])[0]
    return rows


def likeness(clauses: Sequence[Asked], side: Side) -> Array:
    """For every clause a row of `FEATURES` per step and one for the goal, each for itself."""
    rows = np.zeros((len(clauses), len(side.steps) + 1, len(FEATURES)), dtype=np.float32)
    asked = np.array([clause.vector for clause in clauses])
    title, body, says = ((asked @ others.T, steps) for others, steps in side.vectors)
    none = np.zeros(rows.shape[:2], dtype=np.float32)
    rows[..., 0] = most(*title, none)
    rows[..., 1] = most(*body, none)
    rows[..., 2] = most(*says, rows[..., 0])
    grams = np.array([side.words.grams.cosines(clause.bag.grams) for clause in clauses])
    rows[..., _COLUMN["gram_title"]] = most(grams, side.words.steps[0], none)
    known = np.array([_known(clause.bag, side) for clause in clauses], dtype=np.float32)[:, None]
    _in_words(clauses, side, rows, known)
    rows[..., _COLUMN["length"]] = [[min(len(clause.bag.concepts), 12) / 12] for clause in clauses]
    rows[..., _COLUMN["known"]] = np.minimum(known, 3.0) / 3
    return rows


def _known(said: Bag, side: Side) -> float:
    """The weight of what the procedure speaks of, too."""
    return sum(side.weight.get(item, 0.0) for item in said.concepts if item[0] != "~") or 1.0


def _in_words(clauses: Sequence[Asked], side: Side, rows: Array, known: Array) -> None:
    titles, titled, body, says = side.words.steps
    cuts = np.cumsum([len(titles), len(titled), len(body)])
    met = [side.words.table.met(clause.bag.concepts) for clause in clauses]
    had = np.array([_weights(one.items, side) @ one.had for one in met])
    told = np.array([one.told for one in met])
    share = np.zeros_like(had)
    np.divide(told @ side.words.own.T, side.words.whole, out=share, where=side.words.whole > 0)
    covered = most(share[:, : cuts[0]], titles, np.zeros_like(rows[..., 0]))
    rows[..., _COLUMN["lex_title"]] = covered
    rows[..., _COLUMN["lex_clause"]] = np.minimum(1.0, had[:, cuts[0] : cuts[1]] / known)
    rows[..., _COLUMN["lex_body"]] = np.minimum(1.0, had[:, cuts[1] : cuts[2]] / known)
    rows[..., _COLUMN["lex_says"]] = most(share[:, cuts[2] :], says, covered)
    hits = side.words.hits[cuts[0] : cuts[1]] * (told == 1)[:, None]
    rows[..., _COLUMN["lex_hit"]] = hits.max(axis=-1, initial=0.0)


def _weights(items: Sequence[str], side: Side) -> Array:
    return np.array([side.weight.get(item, UNKNOWN_WEIGHT) for item in items], dtype=np.float32)


def compared(rows: Array) -> Array:
    """The same with the columns that tell how each row stands beside the others."""
    rows = rows.copy()
    near, words = rows[..., _COSINES], rows[..., _SHARED]
    hits = rows[..., _COLUMN["lex_hit"]]
    rows[..., _COLUMN["lex_hit_gap"]] = gaps(hits)
    _compare(rows, near.max(axis=-1) * 0.5 + near.mean(axis=-1) * 0.5, _COLUMN["cos_z"])
    _compare(rows, words @ COUNTS + hits, _COLUMN["lex_z"])
    rows[..., _COLUMN["steps"]] = min(rows.shape[-2], 12) / 12
    return rows


COUNTS = np.array([1, 1, 0.5, 0.5], dtype=np.float32)
"""What words in common count by where they are: title, all titles, text, `says`."""


def _compare(rows: Array, score: Array, column: int) -> None:
    """z-score across steps, gap to the best other, and whether it is the best."""
    spread = np.maximum(score.std(axis=-1, keepdims=True), 0.05)
    rows[..., column] = (score - score.mean(axis=-1, keepdims=True)) / spread
    rows[..., column + 1] = gaps(score)
    rows[..., column + 2] = score == score.max(axis=-1, keepdims=True)


REPEATED = 1.7
"""What likeness, words in common and letters in common add up to where a clause repeats a question."""


def agreement(asked: Asked, rows: Array, side: Side) -> Array:
    """How much of a clause and of each step's title is the same, 0..1. `rows` of `features`.

    The pair head tells steps from each other. A story that happens to share a word with one is told from
    an answer by what is left over on both sides.
    """
    found = np.zeros(len(side.steps), dtype=np.float32)
    weight = {
        item: value * (PLAIN_WEIGHT if item in loose_concepts() else 1) for item, value in side.weight.items()
    }
    own = [item for item in asked.bag.concepts if item[0] != "~"]
    said = sum(weight.get(item, 0.7) for item in own)
    for number, step in enumerate(side.steps):
        common = 0.0
        for title in (*step.titles, *step.says):
            whole = sum(weight.get(item, 0.7) for item in title.concepts if item[0] != "~")
            both = shared(own, title.concepts, weight, 0.7)
            common = max(common, 2 * both / (whole + said) if whole + said else 0.0)
        row = rows[number]
        near = max(row[_COLUMN["cos_title"]], row[_COLUMN["cos_says"]])
        found[number] = (near + common + row[_COLUMN["gram_title"]]) / REPEATED
    return found.clip(0, 1)


def of_its_own(said: Bag, side: Side) -> frozenset[int]:
    """The steps with which a clause shares more than what the whole page is about.

    `My display is not working` is what brought the customer here, and no answer to `is the lamp of the
    display working?`.
    """
    goal = side.goal.titled | side.goal.body
    common = loose_concepts() | goal
    if not said.concepts & goal - loose_concepts():
        return frozenset(range(len(side.steps)))
    own = [item for item in said.concepts if item[0] != "~" and item not in common]
    return frozenset(number for number, step in enumerate(side.steps) if _shares(own, step, common))


def in_its_words(said: Bag, side: Side) -> frozenset[int]:
    """The steps with which a clause shares a word that is not said of anything."""
    loose = loose_concepts()
    own = [item for item in said.concepts if item[0] != "~" and item not in loose]
    return frozenset(number for number, step in enumerate(side.steps) if _shares(own, step, loose))


def _shares(own: Sequence[str], step: StepSide, common: frozenset[str]) -> bool:
    told = (step.titled, *(one.concepts for one in step.says))
    return any(shared(own, frozenset(each - common), {}, 1.0) > 0 for each in told)
