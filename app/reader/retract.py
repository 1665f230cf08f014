"""What is said and taken back in one breath: `it is connected, no wait, it isn't`."""

from __future__ import annotations

from collections.abc import Sequence

from app.reader import words
from app.reader.cues import anywhere
from app.reader.heard import Part
from app.reader.lexical import words as lexical_words
from app.reader.status import DONE, NOT_DONE
from app.reader.text import Piece, Sentence

AGAIN = anywhere("second_thought")
"""`Wait`, `or rather`: what follows replaces what was said before."""
IS_SO = anywhere("is_so")
"""Words of a clause that only says that it is so, or not."""


def taken_back(sentence: Sentence, parts: Sequence[Part], lang: str) -> list[Part]:
    """What is done and then denied is not done; where it stays unclear what holds, nothing was said."""
    result = list(parts)
    for number, part in enumerate(parts):
        if part.said.status != DONE or part.clause.question:
            continue
        tail = _tail(parts[number + 1 :], lang)
        verdict = _verdict([each.clause.piece.folded for each in tail], lang)
        if verdict is None or not (verdict or _denies_it(part, tail)):
            continue
        status = NOT_DONE if verdict else None
        result[number] = part._replace(
            clause=part.clause._replace(piece=_joined(sentence, part, tail[-1])),
            said=part.said._replace(status=status, strength=0.85, backed=True, open=status is None),
        )
        for place in range(number + 1, number + 1 + len(tail)):
            unsaid = result[place].said._replace(status=None, short=None)
            result[place] = result[place]._replace(steps=(), sureness=0.0, said=unsaid)
    return result


BRIEF_DENIAL = 4


def _denies_it(part: Part, tail: Sequence[Part]) -> bool:
    """`That one is with others, and they haven't started` takes nothing back; `it is on, it isn't` does."""
    return bool(part.steps) and all(len(each.clause.piece.folded.split()) <= BRIEF_DENIAL for each in tail)


def _joined(sentence: Sentence, first: Part, last: Part) -> Piece:
    """What was said together with what takes it back."""
    start, end = first.clause.piece.start, last.clause.piece.end
    here = slice(start - sentence.piece.start, end - sentence.piece.start)
    return Piece(sentence.piece.text[here], sentence.piece.folded[here], start, end)


def takes_back(parts: Sequence[Part], lang: str) -> bool:
    """A sentence that does nothing but deny what stands before it: `No wait, it isn't.`"""
    texts = [part.clause.piece.folded for part in parts]
    second = any(AGAIN.search(text) for text in texts)
    return second and len(_tail(parts, lang)) == len(parts) and bool(_verdict(texts, lang))


def _tail(parts: Sequence[Part], lang: str) -> list[Part]:
    """The clauses that speak of nothing but whether it is so."""
    found: list[Part] = []
    for part in parts:
        if part.clause.question or part.clause.label or _matter(part.clause.piece.folded, lang):
            break
        found.append(part)
    return found


def _matter(folded: str, lang: str) -> bool:
    rest = words.NEUTRAL.sub(" fine ", folded)
    for pattern in (AGAIN, words.RETRACT, words.NEGATION[lang], words.COMPLETE, IS_SO):
        rest = pattern.sub(" ", rest)
    return bool(lexical_words(rest))


def _verdict(tail: Sequence[str], lang: str) -> bool | None:
    """True: taken back. False: said so and otherwise. None: not denied at all."""
    texts = [words.NEUTRAL.sub(" fine ", text) for text in tail]
    if not any(words.NEGATION[lang].search(text) for text in texts):
        return None
    said = [denied for text in texts if (denied := _denied(text, lang)) is not None]
    second = any(AGAIN.search(text) for text in texts)
    return bool(said) and said[-1] and (second or said.count(True) > 1)


def _denied(folded: str, lang: str) -> bool | None:
    """None where a clause says neither: `no wait` only stops."""
    rest = AGAIN.sub(" ", folded)
    if words.NEGATION[lang].search(rest):
        return True
    return False if words.COMPLETE.search(rest) or IS_SO.search(rest) else None
