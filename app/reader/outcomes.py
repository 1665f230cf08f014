"""What a customer answers to the questions of a procedure that branches, read jointly over its ways.

Each sentence may speak of a few questions (`answering.py`); the way through the procedure that explains most
of what was said decides between them (`ways.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.models.reading import Claim, Input
from app.reader import words
from app.reader.answering import lines_of
from app.reader.book import Book
from app.reader.heard import Heard
from app.reader.relate import Array, Side
from app.reader.ways import answers_on_best_way
from knowledge.model import Procedure


def outcome_claims(
    heard: Sequence[Heard],
    procedure: Procedure,
    side: Side,
    vectors: Mapping[str, Array],
    subjects: Sequence[Input] = (),
) -> tuple[Claim, ...]:
    """The newest answer to each question; a newer one takes an older one back."""
    lines = list(lines_of(heard, procedure, side, vectors))
    chosen = answers_on_best_way(lines, procedure)
    book = Book(procedure, subjects)
    newest: dict[int, Claim] = {}
    for line, told in zip(lines, chosen, strict=True):
        if told is None:
            continue
        known = newest.get(told.step)
        same = known is not None and known.message == line.heard.message.id
        if same and told.step == line.asked and not words.ADVERSATIVE.match(line.piece.folded):
            continue  # what follows an answer explains it
        if same and known is not None and told.step != line.asked and known.confidence > told.sure:
            continue
        newest[told.step] = Claim(
            step=procedure.steps[told.step].id,
            subject=book.subject(told.step, line.piece.text),
            status=told.outcome,
            message=line.heard.message.id,
            quote=line.piece.text,
            confidence=round(min(1.0, told.sure), 2),
        )
    return tuple(newest.values())
