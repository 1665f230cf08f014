"""What a message of ours asks about or explains, as steps."""

from __future__ import annotations

from app.reader import wishes
from app.reader.book import Topic
from app.reader.heard import ABOUT_A_STEP, Heard, best_step, ours_asks, own_titles, place
from app.reader.pointing import asked_by_place
from app.reader.text import fold
from knowledge.model import Procedure

WORDS, NAMED = 3, 0.9
"""Fewer words of ours, such as `Good` or `message 5`, are about a step only if they plainly name it."""


def topic_of(heard: Heard, procedure: Procedure) -> Topic:
    """Which steps a message of ours asks about or explains. What it states is not the customer's word."""
    if any(wishes.IS_IT_THIS.search(sentence.piece.folded) for sentence in heard.parted.sentences):
        return Topic((), (), False)  # asks which matter it is, and of no step
    steps: list[int] = []
    labels: list[tuple[str, int]] = []
    asked: list[int] = []
    for sentence in heard.parted.sentences:
        folded = sentence.piece.folded
        counted = asked_by_place(folded, tuple(dict.fromkeys(steps))) if ours_asks(sentence) else ()
        titled = counted or _titled(folded, procedure)
        for clause in sentence.clauses:
            brief = len(clause.piece.folded.split()) < WORDS
            best = best_step(heard.scores.get(place(clause.piece)), NAMED if brief else ABOUT_A_STEP)
            found = titled or (() if best is None else (best,))
            steps += found
            if ours_asks(sentence):
                asked += found
            if clause.label and best is not None:
                labels.append((clause.label, best))
    # What else it says, such as what is in place already, is not what an answer is about.
    text = fold(heard.message.text)
    meant = asked or _titled(text, procedure, around="**") or _last_quoted(text, procedure) or steps
    return Topic(tuple(dict.fromkeys(meant)), tuple(labels), bool(asked))


def _titled(folded: str, procedure: Procedure, around: str = "") -> tuple[int, ...]:
    """The steps whose titles stand in the text, word for word."""
    return tuple(
        number
        for number, step in enumerate(procedure.steps)
        if any(" " in title and f"{around}{title}{around}" in folded for title in own_titles(step))
    )


def _last_quoted(folded: str, procedure: Procedure) -> tuple[int, ...]:
    """Of several steps by their titles the one at hand comes last; before it stands what is in place."""
    places = [
        (folded.rfind(f'"{title}"'), number)
        for number, step in enumerate(procedure.steps)
        for title in own_titles(step)
    ]
    last, number = max(places, default=(-1, 0))
    return (number,) if last >= 0 else ()
