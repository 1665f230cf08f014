"""What became of it: `I set it up, but the page keeps saying unverified` tells that it failed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from app.reader import words
from app.reader.heard import Part
from app.reader.status import DONE, FAILED, NOT_DONE
from app.reader.text import Sentence, fold
from knowledge.model import Procedure

OWN_MATTER = 0.9
"""From here on a clause is about its own step, whatever the clause before was about."""

DOUBT = 0.45
"""A claim of this strength is a question: it opens nothing."""


def tried(sentence: Sentence, parts: Sequence[Part]) -> list[Part]:
    """`I tried to save it, but the page spins`: what follows tells that it failed, whatever its words."""
    result = list(parts)
    for number, part in enumerate(parts):
        piece = part.clause.piece
        if not part.steps or part.clause.question or not words.TRIED_TO.search(piece.folded):
            continue
        after = sentence.piece.folded[piece.end - sentence.piece.start :]
        if words.SETTLED.search(after) or words.SETTLED.search(piece.folded):
            continue
        sure = 0.9 if words.ADVERSATIVE.search(after) or words.FAIL.search(after) else 0.7
        said = part.said._replace(status=FAILED, strength=sure, backed=True, open=False)
        result[number] = part._replace(said=said)
        # How it went wrong is told next, and is no other step's state.
        for later in range(number + 1, len(parts)):
            if parts[later].sureness < OWN_MATTER:
                result[later] = parts[later]._replace(steps=(), said=parts[later].said._replace(status=None))
    return result


def went_wrong(sentence: Sentence, parts: Sequence[Part]) -> list[Part]:
    """What was done, and then an effect that should not be: the same step, and it failed."""
    result = list(parts)
    for number in range(1, len(parts)):
        here = parts[number]
        if here.clause.question or here.said.planned or words.SETTLED.search(here.clause.piece.folded):
            continue
        before = _last_named(result[:number])
        if before is None or (before.said.status not in (DONE, FAILED) and not _attempt(before)):
            continue
        if here.steps and here.steps != before.steps and here.sureness >= OWN_MATTER:
            continue
        if _bad_effect(here, contrasted(sentence, parts, number)):
            said = here.said._replace(status=FAILED, strength=0.8, backed=True, open=False, planned=False)
            result[number] = here._replace(steps=before.steps, said=said, sureness=0.8)
    return result


def brought(sentence: Sentence, parts: Sequence[Part], procedure: Procedure) -> list[Part]:
    """`We mailed an old list, and you stopped our account`: what brought them here tells of no step, neither
    of one that was done nor of one that failed. Where a step is to stop something, it may tell of that."""
    halts = {n for n, step in enumerate(procedure.steps) if words.HALTS.match(fold(step.title))}
    result = list(parts)
    for number, part in enumerate(parts):
        own = part.sureness >= OWN_MATTER and halts.intersection(part.steps)
        if own or not words.BROUGHT.search(part.clause.piece.folded):
            continue
        result[number] = part._replace(steps=(), said=part.said._replace(status=None))
        if number and _joined(sentence, parts[number - 1], part):
            before = parts[number - 1]
            result[number - 1] = before._replace(steps=(), said=before.said._replace(status=None))
    return result


def _joined(sentence: Sentence, before: Part, here: Part) -> bool:
    """A word or a comma stands between: the second clause goes on with the first."""
    offset = sentence.piece.start
    between = sentence.piece.folded[before.clause.piece.end - offset : here.clause.piece.start - offset]
    return bool(between.strip())


def announced(sentence: Sentence, parts: Sequence[Part]) -> list[Part]:
    """`One snag: I added the line, and now ...`: what was done there is what went wrong."""
    if not words.TROUBLE.match(sentence.piece.folded):
        return list(parts)
    return [
        part._replace(said=part.said._replace(status=FAILED, strength=0.8, backed=True))
        if part.steps and part.said.status == DONE
        else part
        for part in parts
    ]


def qualified(sentence: Sentence, parts: Sequence[Part]) -> list[Part]:
    """`We took them out, but the sync put them back`: after a `but` about the same step, done is doubtful."""
    result = list(parts)
    for number in range(1, len(parts)):
        before, here = result[number - 1], parts[number]
        same = before.steps and before.steps == here.steps and before.said.status == here.said.status == DONE
        if (
            same
            and contrasted(sentence, parts, number)
            and not words.SETTLED.search(here.clause.piece.folded)
        ):
            result[number - 1] = before._replace(said=before.said._replace(strength=DOUBT))
            result[number] = here._replace(said=here.said._replace(strength=DOUBT))
    return result


def contrasted(sentence: Sentence, parts: Sequence[Part], number: int) -> bool:
    """`but`, or a word like it, stands before the clause or at its beginning."""
    here = parts[number].clause.piece
    before = parts[number - 1].clause.piece.end if number else sentence.piece.start
    between = sentence.piece.folded[before - sentence.piece.start : here.start - sentence.piece.start]
    alone = number > 1 and words.CONTRAST.fullmatch(parts[number - 1].clause.piece.folded.strip(" ,."))
    return bool(words.ADVERSATIVE.search(between) or words.CONTRAST.match(here.folded) or alone)


def _last_named(parts: Sequence[Part]) -> Part | None:
    return next((part for part in reversed(parts) if part.steps), None)


def _attempt(part: Part) -> bool:
    """`Every time I press save`: told as what they do, not as what is done."""
    return not part.clause.question and words.WHENEVER.search(part.clause.piece.folded) is not None


def _bad_effect(part: Part, contrast: bool) -> bool:
    folded = part.clause.piece.folded
    symptom = words.SYMPTOM.search(folded) is not None
    if part.said.status == FAILED:
        return contrast or symptom or not part.steps
    if part.said.status == NOT_DONE:
        return symptom
    return contrast and symptom


def effect_of_trying(parts: Sequence[Part]) -> list[Part]:
    """`When I reload it is off again`: who sees that has done it, and it does not hold."""
    result = list(parts)
    for number, (before, here) in enumerate(pairwise(parts), 1):
        whenever = words.WHENEVER.search(before.clause.piece.folded) or words.WHENEVER.search(
            here.clause.piece.folded
        )
        if here.said.status == NOT_DONE and not here.said.planned and whenever:
            result[number] = here._replace(said=here.said._replace(status=FAILED))
    return result
