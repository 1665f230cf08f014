"""The sentences and lines of a passage that speak to a question, word for word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge.embedding import Vectors
from knowledge.stems import stems

_MARKER = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>)\s+")
_SENTENCE = re.compile(r"(?<=[.!?:])[\"')*_]*\s+(?=[\"'(*_`¿¡\[]*[A-ZÀ-Ý0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|p\.ex|ex|sr|sra|no|vol|fig)|\b[A-Z])\.$", re.IGNORECASE)
_NOT_WORDS = re.compile(r"^[\s|:*_\-=~`\[\]().!#>]*$")
_PICTURE = re.compile(r"^\[[^\]]*\]$")


class Line(NamedTuple):
    """A sentence, list item, table row or line of code, verbatim."""

    text: str
    words: frozenset[str]


@lru_cache(maxsize=5_000)
def lines(text: str, lang: str) -> tuple[Line, ...]:
    """In order; headings, fences and lines without words are left out."""
    found = []
    fence = ""
    for raw in text.split("\n"):
        mark = re.match(r"\s*(`{3,}|~{3,})", raw)
        if mark and (not fence or raw.strip().startswith(fence)):
            fence = "" if fence else mark.group(1)
            continue
        if fence:
            units = [raw.strip()]
        elif raw.lstrip().startswith("#") or raw.lstrip().startswith("|"):
            units = [raw.strip()] if raw.lstrip().startswith("|") else []
        else:
            units = sentences(_MARKER.sub("", raw).strip())
        found += [
            Line(u, frozenset(stems(u, lang)))
            for u in units
            if not _NOT_WORDS.match(u) and not _PICTURE.match(u)
        ]
    return tuple(found)


def best(found: Sequence[Line], weight: Mapping[str, float], likeness: Vectors | None = None) -> list[str]:
    """Up to three, best first: by the weighted words they share with the question, and by likeness."""
    if not found:
        return []
    total = sum(weight.values()) or 1.0
    scored = []
    for at, line in enumerate(found):
        shared = sum(weight[w] for w in line.words if w in weight) / total
        # A long line shares words by chance; a line of two words says nothing.
        short = min(1.0, len(line.text) / 25)
        score = shared * short * (40 / max(40, len(line.words))) ** 0.3
        if likeness is not None:
            score += 0.8 * float(likeness[at]) * short
        scored.append((score, -at, line.text))
    scored.sort(reverse=True)
    top = scored[0][0]
    kept = [text for score, _, text in scored[:3] if score > 0 and score >= 0.5 * top]
    return kept or [found[0].text]


def sentences(text: str) -> list[str]:
    """The sentences of each line, verbatim."""
    return [part for line in text.split("\n") for part in _sentences(line.strip())]


def _sentences(line: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for found in _SENTENCE.finditer(line):
        if _ABBREVIATION.search(line[start : found.start()]):
            continue
        parts.append(line[start : found.end()].strip())
        start = found.end()
    parts.append(line[start:].strip())
    return [part for part in parts if part]
