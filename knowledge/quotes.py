"""The sentences and lines of a passage that speak to a question, word for word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge.embedding import Vectors
from knowledge.stems import stem_sets, stems

_MARKER = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>)\s+")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\S")
_STEP = re.compile(r"\s*\d+[.)]\s+\S")
_SENTENCE = re.compile(r"[.!?:][\"')*_]*\s+(?=[\"'(*_`¿¡\[]*[A-ZÀ-Ý0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|p\.ex|ex|sr|sra|no|vol|fig)|\b[A-Z])\.$", re.IGNORECASE)
_FENCE = re.compile("`{3,}|~{3,}")
_NOT_WORDS = re.compile(r"^[\s|:*_\-=~`\[\]().!#>]*$")
_PICTURE = re.compile(r"^\[[^\]]*\]$")


LONGEST_LIST = 900
"""Characters of a list that are quoted as a whole."""


class Line(NamedTuple):
    """A sentence, list item, table row or line of code, verbatim."""

    text: str
    words: frozenset[str]


@lru_cache(maxsize=5_000)
def lines(text: str, lang: str) -> tuple[Line, ...]:
    """In order; headings, fences and lines without words are left out."""
    found: list[str] = []
    fence = ""
    for row in map(str.strip, text.split("\n")):
        mark = _FENCE.match(row)
        if mark and (not fence or row.startswith(fence)):
            fence = "" if fence else mark[0]
            continue
        if fence or row.startswith("|"):
            units = [row]
        else:
            units = [] if row.startswith("#") else _sentences(_MARKER.sub("", row))
        found += [u for u in units if not _NOT_WORDS.match(u) and not _PICTURE.match(u)]
    return tuple(map(Line, found, stem_sets(found, lang)))


class Said(NamedTuple):
    """What a passage says, in stems."""

    head: frozenset[str]
    """Of its title and the headings above it."""
    lines: tuple[Line, ...]
    words: frozenset[str]
    """Of all of it."""


@lru_cache(maxsize=5_000)
def said(title: str, heading_path: tuple[str, ...], text: str, lang: str) -> Said:
    head = frozenset(stems(" ".join([title, *heading_path]), lang))
    found = lines(text, lang)
    return Said(head, found, head.union(*(line.words for line in found)))


def best(found: Sequence[Line], weight: Mapping[str, float], likeness: Vectors | None = None) -> list[str]:
    """Up to three, best first: by the weighted words they share with the question, and by likeness."""
    if not found:
        return []
    total = sum(weight.values()) or 1.0
    scored = []
    for at, line in enumerate(found):
        shared = sum(w for word, w in weight.items() if word in line.words) / total
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


def with_list(text: str, line: str) -> str:
    """The line, verbatim; with the whole list where it leads one in or is a numbered step of it: "do this:"
    says nothing, and one step of four is no answer. One that is too long, or holds a table, stays where it
    is."""
    rows = text.split("\n")
    at = text.count("\n", 0, max(0, text.find(line)))
    leads = line.endswith(":")
    if line not in text or not (leads or _STEP.match(rows[at])):
        return line
    first, end = at, at + 1
    while not leads and first > 0 and _in_list(rows[first - 1]):
        first -= 1
    if not leads and first > 0 and rows[first - 1].rstrip().endswith(":"):
        first -= 1
    while end < len(rows) and _in_list(rows[end]):
        end += 1
    whole = "\n".join(rows[first:end]).strip()
    if leads:
        whole = whole[whole.index(line) :]
    table = any(row.lstrip().startswith("|") for row in rows[first:end])
    return line if table or len(whole) > LONGEST_LIST else whole


def _in_list(row: str) -> bool:
    """An item, what is set in below one, or the room between two."""
    return not row.strip() or bool(_ITEM.match(row)) or row.startswith(("  ", "\t"))


def sentences(text: str) -> list[str]:
    """The sentences of each line, verbatim."""
    return [part for line in text.split("\n") for part in _sentences(line.strip())]


def _sentences(line: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for found in _SENTENCE.finditer(line):
        if _ABBREVIATION.search(line[start : found.start() + 1]):
            continue
        parts.append(line[start : found.end()].strip())
        start = found.end()
    parts.append(line[start:].strip())
    return [part for part in parts if part]
