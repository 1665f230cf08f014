"""The sentences and lines of a passage that speak to a question, word for word."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge.awaited import Kind, gives
from knowledge.embedding import Vectors
from knowledge.rows import FENCE, Table, cells, in_words, is_row, table_at, table_of
from knowledge.stems import stem_sets, stems

_MARKER = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>)\s+")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\S")
_STEP = re.compile(r"\s*\d+[.)]\s+\S")
_SENTENCE = re.compile(r"[.!?:][\"')*_]*\s+(?=[\"'(*_`¿¡\[]*[A-ZÀ-Ý0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|p\.ex|ex|sr|sra|no|vol|fig)|\b[A-Z])\.$", re.IGNORECASE)
_NOT_WORDS = re.compile(r"^[\s|:*_\-=~`\[\]().!#>]*$")
_PICTURE = re.compile(r"^\[[^\]]*\]$")


LONGEST_LIST = 900
"""Characters of a list that are quoted as a whole."""

LONGEST_TABLE = 1_200
"""Characters of a table that may be quoted as a whole."""

ABOVE = 0.4
"""How much a word of the question counts that stands above all lines."""

LIKE = 0.6
"""Weight of a line's likeness beside its words."""

AS_ANOTHER = 0.7
"""How much a word counts that is said by another of the same meaning."""

EARLY = 0.08
"""What the first line gains, the second half of it ...: what matters most is told first. Twice as much where
all of the question stands above."""

TELLS = 0.45
"""A row stands for itself where it holds so much of what the names of its columns do not."""

TRANSLATED = ":"
"""Between a stem and its language, where it is a word of another one."""

OF_KIND = 0.5
"""What a line gains that is of the kind that the question waits for."""


class Line(NamedTuple):
    """A sentence, list item, table row or line of code, verbatim."""

    text: str
    words: frozenset[str]
    """Its stems; those of the names of its columns among them, where it is a row."""
    step: bool = False
    """It belongs to a numbered step."""
    read: str = ""
    """How a row is read, with the names of its columns."""
    table: bool = False
    """It is a whole table."""
    first: frozenset[str] = frozenset()
    """Stems of a row's first cell, which says what the row is about."""


@lru_cache(maxsize=5_000)
def lines(text: str, lang: str) -> tuple[Line, ...]:
    """In order; headings, fences and lines without words are left out. A table is a line, and so is each of
    its rows; its head alone says nothing."""
    found: list[Line] = []
    fence = ""
    raws = text.split("\n")
    table: Table | None = None
    for at, raw in enumerate(raws):
        mark = FENCE.match(raw.strip())
        if mark and (not fence or raw.strip().startswith(fence)):
            fence = "" if fence else mark[0]
            continue
        if fence:
            units = [raw.strip()]
        elif is_row(raw):
            begun = table_at(raws, at)
            if begun:
                table = begun
                found += _table(table, lang)
            units = [] if table else [raw.strip()]
        else:
            table = None
            units = [] if raw.lstrip().startswith("#") else _sentences(_MARKER.sub("", raw).strip())
        step = bool(_STEP.match(raw))
        found += [
            Line(u, frozenset(), step) for u in units if not _NOT_WORDS.match(u) and not _PICTURE.match(u)
        ]
    plain = [at for at, one in enumerate(found) if not (one.table or one.read)]
    for at, words in zip(plain, stem_sets([found[at].text for at in plain], lang), strict=True):
        found[at] = found[at]._replace(words=words)
    return tuple(found)


def _table(table: Table, lang: str) -> list[Line]:
    names = frozenset(stems(table.head, lang))
    rows = [
        Line(
            text=row,
            words=names.union(stems(row, lang)),
            read=in_words(table.head, [row]),
            first=frozenset(stems(cells(row)[0], lang)),
        )
        for row in table.rows
    ]
    whole = Line(table.text, names, table=True)
    return [whole, *rows] if len(table.text) <= LONGEST_TABLE else rows


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


def best(
    found: Sequence[Line],
    weight: Mapping[str, float],
    likeness: Vectors | None = None,
    *,
    kind: Kind | None = None,
    head: Collection[str] = (),
    alike: Mapping[str, frozenset[str]] | None = None,
) -> list[str]:
    """Up to three, best first: by the weighted words they share with the question, by likeness, and by
    whether they are of the kind that it waits for. `head`: words that stand above every line tell none of
    them from another."""
    if not found:
        return []
    below = {word: w * (ABOVE if word in head else 1.0) for word, w in weight.items()}
    total = sum(below.values()) or 1.0
    above = sum(w for word, w in weight.items() if word in head) / (sum(weight.values()) or 1.0)
    scored = []
    for at, line in enumerate(found):
        share = sum(shared(below, line.words, alike or {}).values()) / total
        # A long line shares words by chance; a line of two words says nothing.
        short = min(1.0, len(line.text) / 25)
        score = share * short * (40 / max(40, len(line.words))) ** 0.3
        if likeness is not None:
            score += LIKE * float(likeness[at]) * short
        score += EARLY * (1 + above) / (1 + at)
        if kind is not None and of_kind(line, kind):
            score += OF_KIND
        scored.append((score, -at))
    scored.sort(reverse=True)
    top = scored[0][0]
    kept = [found[-at] for score, at in scored[:3] if score > 0 and score >= 0.5 * top] or [found[0]]
    first = _row_or_table(found, kept[0], weight, alike or {})
    return list(dict.fromkeys([first.text, *(line.text for line in kept)]))


def _row_or_table(
    found: Sequence[Line], row: Line, weight: Mapping[str, float], alike: Mapping[str, frozenset[str]]
) -> Line:
    """The table in which the row stands, where the question tells its rows hardly apart: "can they see
    billing?" asks for a column."""
    table = next((line for line in found if line.table and row.text in line.text.split("\n")), None)
    if table is None:
        return row
    named = shared(weight, table.words, alike)
    beside = {word: w for word, w in weight.items() if word not in named}
    # Where a column is asked for, what stands in the others tells nothing.
    told = sum(shared(beside, row.first if named else row.words, alike).values())
    return row if told > 0 and told >= TELLS * sum(beside.values()) else table


def shared(
    weight: Mapping[str, float], words: Collection[str], alike: Mapping[str, frozenset[str]]
) -> dict[str, float]:
    """What of the weights is found among words; a word that means the same counts a little less, one that
    stands for a word of another language as much."""
    found = {}
    for stem, w in weight.items():
        if stem in words:
            found[stem] = w
        elif stem in alike and not alike[stem].isdisjoint(words):
            found[stem] = w if TRANSLATED in stem else AS_ANOTHER * w
    return found


def of_kind(line: Line, kind: Kind) -> bool:
    return (kind == "way" and line.step) or gives(line.read or line.text, kind)


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


def shown(text: str, quote: str, asked: Collection[str], lang: str) -> str:
    """The quote as a reply shows it: rows of a table in words, with the names of the columns that were asked
    for. Empty where it is shown as it is."""
    table = table_of(text, quote) if is_row(quote) else None
    if table is None:
        return ""
    return in_words(table.head, table.rows if quote == table.text else [quote], asked, lang)


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
