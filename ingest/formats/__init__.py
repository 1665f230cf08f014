"""Formats that are not Markdown become Markdown: one module each, bytes in, `Converted` out, no I/O.

They run in a process of their own (`apart.py`), because what they read may have been made to break them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

LONGEST_PARAGRAPH = 6_000
"""Characters. Reading Markdown takes longer than in proportion to the length of a line."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


class Converted(NamedTuple):
    """What a file says; empty or None where it does not say."""

    text: str
    """Markdown without front matter."""
    title: str = ""
    lang: str = ""
    modified: datetime | None = None
    hidden: int = 0
    """Pieces of text that readers of the file do not see: taken out."""


class Refused(Exception):
    """A file that cannot be read: what is wrong with it, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}. {fix}")
        self.what = what
        self.fix = fix


def moment(given: str) -> datetime | None:
    """An ISO 8601 time, or None for anything else."""
    try:
        when = datetime.fromisoformat(given.strip())
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def paragraphs(text: str) -> str:
    """`text` as Markdown paragraphs of a length that can be parsed: cut between sentences, else anywhere."""
    if len(text) <= LONGEST_PARAGRAPH:
        return text
    parts = [""]
    for sentence in _SENTENCE.split(text):
        for start in range(0, len(sentence), LONGEST_PARAGRAPH):
            piece = sentence[start : start + LONGEST_PARAGRAPH]
            if len(parts[-1]) + len(piece) < LONGEST_PARAGRAPH:
                parts[-1] = f"{parts[-1]} {piece}".strip()
            else:
                parts.append(piece)
    return "\n\n".join(part for part in parts if part)
