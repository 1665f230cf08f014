"""Which questions of a procedure a sentence may answer, with which outcome, and how surely."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.models.steps import StepState
from app.reader import heads, polarity, wishes, words
from app.reader.heard import Heard, in_its_tongue, place
from app.reader.lexical import Bag, bag, gram_cosine, loose_concepts, shared
from app.reader.relate import Array, Side, in_its_words, of_its_own
from app.reader.text import Piece, Sentence, fold
from app.walk import walk
from knowledge.model import Procedure

MAY_ANSWER = 0.3
"""From here on a sentence may be about a question, if the way speaks for it."""

MAY_FOLLOW = 0.05
"""From here on a sentence may be about the question that follows on what was answered before it."""

ANSWERS_ANOTHER = 0.9
"""From here on a sentence beside the answer to our question answers another one."""

BRIEF_ANSWER = 6
"""Words; a shorter sentence after a question of ours is an answer, whatever it sounds like."""

SHORT_ANSWER_SURE = 0.85
"""How sure a short answer is about the question that it follows."""

NEXT_BONUS = 0.35
"""How much more likely a question of ours is the one that comes next by what was answered before."""

LONGEST_ANSWER = 500
"""Characters of a sentence that were embedded."""

LEFT_OUT = re.compile(r"(?:it|they|those|el[ea]s?|ell[oa]s?)\b")

ALIKE = (0.35, 0.55)
"""From here on a sentence tells an outcome that has a name of its own: when asked for it, and unasked."""


class Scope(NamedTuple):
    """What a sentence is read against."""

    procedure: Procedure
    side: Side
    vectors: Mapping[str, Array]
    asked: int | None
    """The step that our message before it asked about."""


class Told(NamedTuple):
    """One sentence as an answer to one question."""

    step: int
    outcome: str
    sure: float
    own: bool = True
    """It shares more with the question than what the whole page is about."""
    named: bool = True
    """It shares a word with the question that is not said of anything."""


class Line(NamedTuple):
    """A sentence and all that it may answer."""

    heard: Heard
    piece: Piece
    may: tuple[Told, ...]
    asked: int | None = None
    """The step that it was said in answer to."""


def lines_of(
    heard: Sequence[Heard], procedure: Procedure, side: Side, vectors: Mapping[str, Array]
) -> Iterator[Line]:
    asked: int | None = None
    aside = False
    told: dict[int, str] = {}
    for one in heard:
        if one.message.role != "customer":
            found = _asked(one, procedure, told)
            # Our answer to a question in between leaves our own question open.
            asked = asked if found is None and aside else found
            continue
        sentences = one.parted.sentences
        aside = any(each.question or words.ASKING.match(each.piece.folded) for each in sentences)
        scope = Scope(procedure, side, vectors, asked)
        if asked is not None and not _stays(one, scope):
            scope = scope._replace(asked=None)
        answered = False
        for number, sentence in enumerate(sentences):
            again = number > 0 and bool(words.ADVERSATIVE.match(sentence.piece.folded))
            here = scope if not answered or again else scope._replace(asked=None)
            may = _may_answer(one, sentence, here, answered=answered)
            if may:
                answered = answered or any(each.step == scope.asked for each in may)
                told[may[0].step] = may[0].outcome
                yield Line(one, sentence.piece, may, scope.asked)
        asked = None if answered else asked


def _asked(heard: Heard, procedure: Procedure, told: Mapping[int, str]) -> int | None:
    """The question that a message of ours ends with."""
    expected = _expected(procedure, told)
    found = None
    for sentence in heard.parted.sentences:
        folded = sentence.piece.folded
        if polarity.ABILITY.search(folded) and not _entitled(folded, procedure):
            found = None
            continue
        scores = _scores(heard, sentence, len(procedure.steps))
        if expected is not None and scores[expected] >= MAY_ANSWER / 2:
            scores[expected] += NEXT_BONUS
        best = int(np.argmax(scores))
        named = fold(procedure.steps[best].title).strip(" ?.!") in folded
        if (scores[best] >= 0.35 or named) and (found is None or sentence.question or named):
            found = best
    return found


def _entitled(folded: str, procedure: Procedure) -> bool:
    """The message puts a question of the page in the page's own words."""
    return any(fold(step.title).strip(" ?.!") in folded for step in procedure.steps)


def _expected(procedure: Procedure, told: Mapping[int, str]) -> int | None:
    states = [
        StepState(step=procedure.steps[number].id, word="claimed", holds=True, outcome=outcome)
        for number, outcome in told.items()
    ]
    at = walk(procedure, states).at
    return next((n for n, step in enumerate(procedure.steps) if step.id == at), None)


def _stays(heard: Heard, scope: Scope) -> bool:
    """A message answers what we asked, unless it tells a story of its own that is not near the question."""
    sentences = heard.parted.sentences
    if not sentences or scope.asked is None:
        return True
    first = sentences[0].piece.folded
    if _short(first) or len(sentences) == 1:
        return True
    near = max(_scores(heard, each, len(scope.procedure.steps))[scope.asked] for each in sentences)
    brief = len(first.split()) <= 9 and bool(words.PRONOUN.search(first))
    return near >= MAY_ANSWER or brief or not any(_wishes(heard, each) for each in sentences)


def _scores(heard: Heard, sentence: Sentence, steps: int) -> list[float]:
    """How much a sentence is about each step: as a whole, or by its clearest clause."""
    pieces = [sentence.piece]
    for clause in sentence.clauses:
        pieces += [clause.piece, *([clause.head] if clause.head else [])]
    rows = [row for piece in pieces if (row := heard.scores.get(place(piece)))]
    return [max(column) for column in zip(*rows, strict=True)] if rows else [0.0] * steps


def _may_answer(heard: Heard, sentence: Sentence, scope: Scope, *, answered: bool) -> tuple[Told, ...]:
    """`answered`: our question was answered earlier in the message, so what follows mostly explains that."""
    heard, asked = in_its_tongue(heard, sentence), scope.asked
    if not _states(sentence, asked is not None):
        return ()
    scores = _scores(heard, sentence, len(scope.procedure.steps))
    near = asked is not None and scores[asked] >= MAY_ANSWER
    short = _short(sentence.piece.folded)
    brief = asked is not None and len(sentence.piece.folded.split()) <= BRIEF_ANSWER
    if not (near or short or brief) and _wishes(heard, sentence):
        return ()
    least = ANSWERS_ANOTHER if answered else MAY_ANSWER if asked is not None else MAY_FOLLOW
    if asked is None and not answered and (short or _elliptic(sentence.piece.folded)):
        scores = [max(score, MAY_FOLLOW) for score in scores]
    sure = {step: score for step, score in enumerate(scores) if score >= least}
    if asked is not None and _answers(sentence, scores, asked, scope.side, heard.lang):
        best = max(scores)
        # Another question has to be named clearly to be meant instead of the one that was asked.
        sure = {step: score for step, score in sure.items() if score >= 0.9 and scores[asked] < MAY_ANSWER}
        sure[asked] = SHORT_ANSWER_SURE if not sure else max(scores[asked], SHORT_ANSWER_SURE - best / 2)
        sure[asked] = max(sure[asked], scores[asked])
    found = []
    said = bag(sentence.piece.folded, heard.lang)
    own, named = of_its_own(said, scope.side), in_its_words(said, scope.side)
    for step, how_sure in sure.items():
        told = _outcome(step, sentence, heard.lang, scope)
        if told is not None:
            found.append(Told(step, told[0], how_sure * told[1], short or near or step in own, step in named))
    found.sort(key=lambda told: -told.sure)
    return (*found[:4], *(told for told in found[4:] if told.sure < MAY_ANSWER))


def _elliptic(folded: str) -> bool:
    """`It's not too hot.` leaves what it speaks of to the sentence before it."""
    return len(folded.split()) <= BRIEF_ANSWER and bool(LEFT_OUT.match(folded))


def _short(folded: str) -> bool:
    return bool(words.YES.match(folded) or words.NO.match(folded))


def _states(sentence: Sentence, answering: bool) -> bool:
    """A statement, or the answer to a question of ours; not a question, a wish or a plan."""
    folded = sentence.piece.folded
    if wishes.THANKS.search(wishes.plain(folded)) and len(folded.split()) <= 3 and not _short(folded):
        return False
    if wishes.FORGED.search(folded) or wishes.HOLD.search(folded) or wishes.PERSON.search(folded):
        return False
    if sentence.question and not (answering and _short(folded)):
        return False
    told = re.match(r"(?:when|quando|cuando) .*\w", folded) and not sentence.question
    if words.ASKING.match(folded) and not told and not _short(folded):
        return False
    return polarity.tells(folded)


def _wishes(heard: Heard, sentence: Sentence) -> bool:
    """What somebody wants, hopes or tries tells nothing of how things are."""
    folded = sentence.piece.folded
    if words.WISH.search(folded) or words.TRIED_TO.match(folded):
        return True
    acts = dict(zip(heads.ACTS, heard.acts.get(place(sentence.piece), ()), strict=False))
    return sum(acts.get(act, 0.0) for act in ("want", "how", "ask", "chat", "person")) > 0.7


def _answers(sentence: Sentence, scores: Sequence[float], asked: int, side: Side, lang: str) -> bool:
    """The sentence follows our question and can be its answer: it need not name what it is about."""
    folded = sentence.piece.folded
    if _short(folded) or scores[asked] >= MAY_ANSWER / 2:
        return True
    own = bag(folded, lang).concepts
    step = side.steps[asked]
    said = [item for item in own if item[0] != "~"]
    common = shared(own, step.titled | step.body, side.weight, 0.7)
    if common > 0.3:
        return True
    short = len(folded.split()) <= 7 or len(said) <= 2
    elsewhere = max(scores) >= 0.75
    return not elsewhere and (bool(words.PRONOUN.search(folded)) or short) and len(said) <= 4


def _outcome(number: int, sentence: Sentence, lang: str, scope: Scope) -> tuple[str, float] | None:
    """Which outcome the sentence tells, and how clearly. A thing to do is read elsewhere."""
    step = scope.procedure.steps[number]
    if not step.outcomes:
        return None
    if {name for name, _ in step.outcomes} <= {"yes", "no"}:
        return polarity.yes_or_no(sentence.piece.text, step, lang)
    return _named(number, sentence, lang, scope)


def _named(number: int, sentence: Sentence, lang: str, scope: Scope) -> tuple[str, float] | None:
    """By how people say each outcome: its name, its labels, the examples of the page."""
    step = scope.procedure.steps[number]
    own = bag(sentence.piece.folded, lang)
    vector = scope.vectors.get(sentence.piece.text[:LONGEST_ANSWER])
    names = [name for name, _ in step.outcomes]
    alike = [
        max((_alike(own, vector, told) for told in scope.side.steps[number].told.get(name, ())), default=0.0)
        for name in names
    ]
    top = int(np.argmax(alike))
    rest = max((value for place, value in enumerate(alike) if place != top), default=0.0)
    if names[top] in ("yes", "no") or alike[top] < ALIKE[0]:
        plain, clear = polarity.yes_or_no(sentence.piece.text, step, lang)
        short = _short(sentence.piece.folded)
        return (plain, clear * 0.8) if plain in names and short else None
    if number != scope.asked and alike[top] < ALIKE[1]:
        return None
    return names[top], min(0.95, 0.55 + 2 * (alike[top] - rest))


def _alike(own: Bag, vector: Array | None, told: tuple[str, str, Array]) -> float:
    text, lang, row = told
    other = bag(fold(text), lang)
    whole = len([item for item in other.concepts if item[0] != "~"]) or 1
    lexical = min(1.0, shared(other.concepts, own.concepts, dict.fromkeys(other.concepts, 1.0), 1.0) / whole)
    near = float(row @ vector) if vector is not None else 0.0
    return 0.6 * lexical + 0.6 * near + 0.2 * gram_cosine(other.grams, own.grams)


def asks_about(heard: Sequence[Heard], procedure: Procedure, side: Side) -> bool:
    """The customer's last message asks how something of the procedure is done or found out."""
    last = heard[-1]
    for sentence in last.parted.sentences:
        folded = sentence.piece.folded
        if not (sentence.question or words.ASKING.match(folded) or polarity.UNTOLD.search(folded)):
            continue
        own = {item for item in bag(folded, last.lang).concepts if item[0] != "~"}
        ours = frozenset().union(*(step.titled for step in side.steps))
        loose = loose_concepts()
        if max(_scores(last, sentence, len(procedure.steps))) >= MAY_ANSWER or not own - loose:
            return True
        if len(own - loose) <= 1 and words.PRONOUN.search(folded):
            return True
        if len((own - loose) & ours) >= 2:
            return True
    return False
