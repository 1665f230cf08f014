"""A message made ready for reading: its language, its pieces, and what the trained heads make of each piece."""

from __future__ import annotations

from typing import NamedTuple

from app.models import Message
from app.reader.text import Parted

Place = tuple[int, int]
"""Start and end in the message."""


class Voice(NamedTuple):
    """A message, its language, its pieces."""

    message: Message
    lang: str
    parted: Parted


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
