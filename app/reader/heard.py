"""A message made ready for reading: its language, its pieces, and what the trained heads make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.asking import ends_in_question
from app.models.conversation import Message
from app.reader.status import Said
from app.reader.text import Clause, Parted, Piece, Sentence, fold
from knowledge.model import Procedure, Step

Place = tuple[int, int]
"""Start and end in the message."""

Others = tuple[tuple[Place, str], ...]
"""Sentences in another language than the rest of their message."""

ABOUT_A_STEP = 0.46
"""Below this a piece is about no step: nothing rather than a guess."""

PASTE = 500
"""Characters of a piece that are looked at; what is longer is pasted output."""


def place(piece: Piece) -> Place:
    return piece.start, piece.end


def key(piece: Piece) -> str:
    """What a piece is embedded and judged by: the same words are the same wherever they stand."""
    return piece.text[:PASTE]


def titles_of(procedures: Sequence[Procedure]) -> tuple[str, ...]:
    """Folded titles of all steps, in every language they are given in."""
    found = (title for p in procedures for step in p.steps for title in own_titles(step))
    return tuple(dict.fromkeys(found))


def own_titles(step: Step) -> tuple[str, ...]:
    return tuple(fold(title).rstrip(".") for title in (step.title, *(title for _, title in step.titles)))


def titled_in(step: Step) -> list[tuple[str, str]]:
    """Language and title."""
    codes = ("en", *(code[:2] for code, _ in step.titles))
    return list(zip(codes, own_titles(step), strict=True))


class Voice(NamedTuple):
    """A message, its language, its pieces."""

    message: Message
    lang: str
    parted: Parted
    others: Others = ()

    @property
    def tongues(self) -> tuple[Voice, ...]:
        """The message once for each language in it, with the sentences that are in that language."""
        if not self.others:
            return (self,)
        spoken: dict[str, list[Sentence]] = {self.lang: []}
        for sentence in self.parted.sentences:
            spoken.setdefault(lang_of(self, sentence.piece), []).append(sentence)
        return tuple(
            Voice(self.message, lang, Parted(tuple(own), self.parted.data if lang == self.lang else ()))
            for lang, own in spoken.items()
        )


class Heard(NamedTuple):
    """One message with what every piece of it may be about and may say."""

    message: Message
    lang: str
    parted: Parted
    scores: dict[Place, list[float]]
    """Clause, sentence or paste -> probability per step."""
    states: dict[Place, list[float]]
    """Clause -> probability per status, in the order of `heads.STATUSES`."""
    acts: dict[Place, list[float]]
    """Sentence -> probability per act, in the order of `heads.ACTS`."""
    others: Others = ()


def ours_asks(sentence: Sentence) -> bool:
    """A sentence of ours is a question, also where mark-up hides its end: `**Is it on?**`"""
    return sentence.question or ends_in_question(sentence.piece.text)


def lang_of(one: Voice | Heard, piece: Piece) -> str:
    """The language of a piece of a message."""
    return next((lang for (start, end), lang in one.others if start <= piece.start < end), one.lang)


def in_its_tongue(heard: Heard, sentence: Sentence) -> Heard:
    """The message as far as one sentence of it goes, in the language of that sentence."""
    return heard._replace(lang=lang_of(heard, sentence.piece)) if heard.others else heard


def best_step(scores: Sequence[float] | None, least: float = ABOUT_A_STEP) -> int | None:
    """The step that a piece is most about, if it is."""
    if not scores:
        return None
    top = max(range(len(scores)), key=scores.__getitem__)
    return top if scores[top] >= least else None


class Part(NamedTuple):
    """A clause with what it is about and what it says."""

    clause: Clause
    steps: tuple[int, ...]
    sureness: float
    said: Said

    def quote(self, sentence: Sentence) -> Piece:
        """The clause, or the sentence where the clause alone would not be understood."""
        return self.clause.piece if len(self.clause.piece.text.split()) >= 3 else sentence.piece
