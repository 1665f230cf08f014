"""The claims of one conversation while it is read: the newest statement about a step and subject wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.models.reading import Claim, Input
from app.reader import words
from app.reader.heard import Heard
from app.reader.status import DONE, FAILED
from app.reader.text import Piece
from knowledge.model import Procedure

LEAST_CLAIMED = 0.4
"""Claims below this are not made: on our own conversations most of them were wrong."""


class Topic(NamedTuple):
    """What our last message was about."""

    steps: tuple[int, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()
    """List markers in it and the steps they stand for."""
    asked: bool = False


class Book:
    """Mutable, but only while one conversation is read. Steps are numbered as in the procedure."""

    def __init__(self, procedure: Procedure, subjects: Sequence[Input]) -> None:
        self.procedure = procedure
        self.topic = Topic()
        self.raised: tuple[int, ...] = ()
        """What the customer's own last short question named: `The code? Never got one.`"""
        self.pointed: int | None = None
        """What was named without saying how far it is: `the record, look:` and then what is pasted."""
        self.last = ("", "")
        """Message and status of the last claim."""
        self.order: list[int] = []
        """Steps by when they were last spoken of."""
        self._subjects = subjects
        self._newest: dict[tuple[int, str | None], Claim] = {}

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(self._newest.values())

    @property
    def every(self) -> tuple[int, ...]:
        return tuple(range(len(self.procedure.steps)))

    @property
    def focus(self) -> int | None:
        return self.order[-1] if self.order else None

    def status(self, step: int) -> str | None:
        known = self._known(step)
        return known.status if known else None

    def subject(self, step: int, text: str) -> str | None:
        """The one value in the text of the kind that the step is about."""
        kind = self.procedure.steps[step].subject
        low = text.casefold()
        named = {one.value for one in self._subjects if one.name == kind and one.quote.casefold() in low}
        return named.pop() if len(named) == 1 else None

    def note(
        self,
        step: int,
        status: str,
        heard: Heard,
        piece: Piece,
        confidence: float,
        *,
        subject: str | None = None,
        shown: bool = False,
        weak: bool = False,
    ) -> bool:
        """False where the claim does not count. `weak`: the step is inferred, not named."""
        claim = Claim(
            step=self.procedure.steps[step].id,
            subject=subject,
            status=status,
            message=heard.message.id,
            quote=piece.text,
            confidence=round(min(1.0, max(0.0, confidence)), 2),
            shown=shown,
        )
        known = self._known(step)
        if confidence < LEAST_CLAIMED or (
            known and not self._replaces(known, claim, step, piece.folded, weak=weak)
        ):
            return False
        if subject is None or self._one_only(step):
            for key in [key for key in self._newest if key[0] == step]:
                del self._newest[key]
        self._newest[step, subject] = claim
        if step in self.order:
            self.order.remove(step)
        self.order.append(step)
        return True

    def _known(self, step: int) -> Claim | None:
        found = [claim for (number, _), claim in self._newest.items() if number == step]
        return found[-1] if found else None

    def _one_only(self, step: int) -> bool:
        kind = self.procedure.steps[step].subject
        return len({one.value for one in self._subjects if one.name == kind}) < 2

    def _replaces(self, known: Claim, claim: Claim, step: int, folded: str, *, weak: bool) -> bool:
        same_message = known.message == claim.message
        done_after_failed = known.status == FAILED and claim.status == DONE
        if same_message and done_after_failed and claim.subject in {None, known.subject}:
            # `It won't validate. I put the record in on Monday.` tells how it failed.
            return bool(words.SETTLED.search(folded))
        if not weak or same_message or known.status == claim.status or step in self.topic.steps:
            return True
        return bool(words.RETRACT.search(folded)) or claim.confidence >= known.confidence - 0.1
