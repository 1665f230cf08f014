"""Whether what the heads were trained on and what is measured share any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files

from knowledge.model import Value

WORDS = 6
"""Words in a row that count as the same text."""
PATTERNS = "bank.py"
"""Beside the texts of the folder: sentence patterns."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Overlap(Value):
    """What training text and measured text share."""

    words: int = WORDS
    trained: int
    """Different runs of so many words in the training texts."""
    measured: int
    shared: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    """Whole training sentences, three words or more, that are a measured sentence, too."""


def overlap(trained: Iterable[str], measured: Iterable[str], words: int = WORDS) -> Overlap:
    """Runs of words and whole sentences that both have, whatever their case and punctuation."""
    ours, theirs = list(trained), list(measured)
    mine = {run for text in ours for run in _runs(text, words)}
    other = {run for text in theirs for run in _runs(text, words)}
    same = {line for line in _sentences(ours) & _sentences(theirs) if line.count(" ") >= 2}
    return Overlap(
        words=words,
        trained=len(mine),
        measured=len(other),
        shared=tuple(sorted(mine & other)),
        sentences=tuple(sorted(same)),
    )


def training_texts() -> tuple[str, ...]:
    """Every sentence and pattern that the heads of the built-in reader were trained on."""
    folder = files("app.reader.train")
    return tuple(
        part
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".txt") or file.name == PATTERNS
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
        for part in re.split(r'[;|"]', line)
    )


def _runs(text: str, words: int) -> Iterator[str]:
    found = [word.casefold() for word in _WORD.findall(text)]
    yield from (" ".join(found[at : at + words]) for at in range(len(found) - words + 1))


def _sentences(texts: Iterable[str]) -> set[str]:
    return {
        " ".join(word.casefold() for word in _WORD.findall(part))
        for text in texts
        for part in re.split(r"(?<=[.!?])\s+", re.sub(r"^\w+:\s", "", text.strip()))
    }
