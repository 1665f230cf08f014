"""Cuts the text of a page into passages along its headings; a block is never cut, lines stay verbatim."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from knowledge.markdown import Block, Section, blocks, parser, sections, without_number
from knowledge.model import Piece

SMALL = 200
"""Tokens. A section below this takes in the section after it while both fit."""
LARGE = 450
"""Tokens. A section above this is cut between two blocks; encoders read about 500."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý\"'(¿¡])")


class _Span(NamedTuple):
    section: Section
    start: int
    end: int
    rest: bool = False
    """It is not the start of its section."""


def pieces(body: str, title: str = "", *, apart: bool = True) -> list[Piece]:
    """The passages of a page in order. `title` is dropped from heading paths that only repeat it.

    `apart`: a section with an anchor of its own (`{#anchor}`) shares no passage with another.
    """
    lines = body.split("\n")
    tokens = parser().parse(body)
    found, laid_out = sections(body, tokens), blocks(body, tokens)
    if not apart:
        found = [section._replace(explicit=False) for section in found]
    spans = _merged([span for s in found for span in _cut(s, laid_out, lines)], lines)
    return [
        Piece(heading_path=_heading_path(span.section, title), anchor=span.section.anchor, text=text)
        for span in spans
        for text in _long_paragraph(_text(lines, span))
    ]


def tokens_in(text: str) -> int:
    """An estimate that needs no tokenizer: within a tenth of the encoder's count for prose."""
    return max(len(text) // 4, len(text.split()) * 5 // 4)


def _cut(section: Section, laid_out: Sequence[Block], lines: list[str]) -> Iterator[_Span]:
    first = bisect_left(laid_out, section.start, key=lambda block: block.start)
    inside = laid_out[first : bisect_left(laid_out, section.end, key=lambda block: block.start)]
    if not inside:
        return
    start, size, rest = inside[0].start, 0, False
    fixed = _beside_steps(inside)
    for at, block in enumerate(inside):
        own = tokens_in("\n".join(lines[block.start : block.end]))
        if size and size + own > LARGE and at not in fixed and not _leads_in(inside[at - 1], lines):
            yield _Span(section, start, block.start, rest)
            start, size, rest = block.start, 0, True
        size += own
    yield _Span(section, start, section.end, rest)


def _merged(spans: list[_Span], lines: list[str]) -> list[_Span]:
    kept: list[_Span] = []
    for span in spans:
        if kept and _belong(kept[-1], span) and _fit(kept[-1], span, lines):
            kept[-1] = kept[-1]._replace(end=span.end)
        else:
            kept.append(span)
    return kept


def _belong(first: _Span, second: _Span) -> bool:
    if first.section == second.section:
        return True
    # A section that the page itself gives an anchor is a place of its own, and the rest of a section
    # that was cut would lend its heading to the next one.
    if first.section.explicit or second.section.explicit or first.rest or second.rest:
        return False
    return second.section.path[: len(first.section.path) - 1] == first.section.path[:-1]


def _fit(first: _Span, second: _Span, lines: list[str]) -> bool:
    one, two = tokens_in(_text(lines, first)), tokens_in(_text(lines, second))
    if first.section == second.section:
        # The rest of a cut section: too small to stand alone.
        return two < SMALL / 4 and one + two < LARGE * 1.2
    return min(one, two) < SMALL and one + two <= LARGE


def _beside_steps(inside: Sequence[Block]) -> set[int]:
    """What stands between two numbered steps, a picture say, stays with the step above it."""
    fixed: set[int] = set()
    since: int | None = None
    for at, block in enumerate(inside):
        if block.kind == "ordered_list":
            if block.goes_on and since is not None:
                fixed.update(range(since, at))
            since = at + 1
    return fixed


def _leads_in(block: Block, lines: list[str]) -> bool:
    """`Then run:` belongs to what follows it."""
    return block.kind == "paragraph" and lines[block.end - 1].rstrip().endswith(":")


def _text(lines: list[str], span: _Span) -> str:
    return "\n".join(lines[span.start : span.end]).strip("\n").rstrip()


def _heading_path(section: Section, title: str) -> tuple[str, ...]:
    path = tuple(without_number(heading) for heading in section.path)
    return path[1:] if path and path[0].casefold() == title.casefold() else path


def _long_paragraph(text: str) -> list[str]:
    """A single paragraph far above the limit is cut between sentences; anything else stays whole."""
    if tokens_in(text) <= LARGE * 2 or "\n\n" in text or re.match(r"\s*([-*+|>`~]|\d+[.)])", text):
        return [text]
    parts: list[str] = []
    for sentence in _SENTENCE.split(text):
        if parts and tokens_in(parts[-1]) + tokens_in(sentence) <= LARGE:
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            parts.append(sentence)
    return parts
