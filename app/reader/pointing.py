"""`With the third, ...`, `lo primero, sí`: a step named by its place in a list, for what follows."""

from __future__ import annotations

import re

from app.reader.amounts import NTH, NUMBERS, THING

_BEFORE = (
    r"(?:(?:and|but|so|e|mas|y|pero|ja|ya)\s+)?"
    r"(?:(?:with|as for|as to|about|on|regarding|com|quanto|sobre|em relacao|con|en cuanto|respecto)\s+)?"
    r"(?:the|a|o|ao|no|na|do|da|el|la|lo|al|del|en el|en la)\s+"
)
_ALONE = re.compile(rf"{_BEFORE}(?P<nth>{NTH})(?:\s+{THING})?\W*")
_WITHIN = re.compile(rf"(?<!\w)(?:the|a|o|el|la|lo) (?P<nth>{NTH})(?:\s+{THING})?(?= (?!time|vez)\w|\W*$)")


def place_in_list(folded: str) -> int | None:
    """Which of a list a clause names that names nothing else; 1 is the first, -1 the last."""
    match = _ALONE.fullmatch(folded.strip())
    return NUMBERS[match["nth"]] if match else None


def asked_by_place(folded: str, steps: tuple[int, ...]) -> tuple[int, ...]:
    """`Is the first in place?`, after a list of steps."""
    match = _WITHIN.search(folded) if len(steps) > 1 else None
    return at(NUMBERS[match["nth"]], steps) if match else ()


def at(place: int, steps: tuple[int, ...]) -> tuple[int, ...]:
    """The step there, or nothing where the list is not that long."""
    if place > len(steps) or not steps:
        return ()
    return (steps[place - 1 if place > 0 else place],)
