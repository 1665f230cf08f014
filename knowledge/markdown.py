"""The shape of a Markdown text: its sections and blocks as line ranges, so that text stays verbatim."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

_ID = re.compile(r"\s*\{#([\w.:-]+)\}\s*$")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]+")
_NUMBER = re.compile(r"^\d+[.)]\s+")


class Section(NamedTuple):
    """A heading and what stands under it up to the next heading."""

    level: int
    """0 for the text before the first heading."""
    title: str
    anchor: str | None
    explicit: bool
    """The page gives the anchor itself, as `{#anchor}`."""
    numbered: bool
    """The heading starts with a number: `## 1. ...`."""
    path: tuple[str, ...]
    """Titles from the outermost heading to this one."""
    line: int
    """Line of the heading, from 0."""
    start: int
    end: int
    """Lines of the content, end exclusive."""


class Block(NamedTuple):
    """A paragraph, list, table, code block ... that must not be cut."""

    kind: str
    start: int
    end: int
    goes_on: bool = False
    """An ordered list that does not start at 1: it continues the steps above it."""


@cache
def parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def sections(text: str, tokens: list[Token] | None = None) -> list[Section]:
    """All sections in order; the first is the text before any heading, which may be empty."""
    tokens = parser().parse(text) if tokens is None else tokens
    headings = [
        (int(token.tag[1]), tokens[at + 1], token.map)
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    last = len(text.split("\n"))
    bounds = [lines[0] for _, _, lines in headings] + [last]
    found = [Section(0, "", None, False, False, (), 0, 0, bounds[0])]
    above: list[tuple[int, str]] = []
    taken: dict[str, int] = {}
    for at, (level, inline, lines) in enumerate(headings):
        title, anchor, numbered = _heading(inline)
        above = [*[pair for pair in above if pair[0] < level], (level, title)]
        explicit = anchor is not None
        anchor = anchor or _unique(slug(title), taken)
        path = tuple(t for _, t in above)
        found.append(
            Section(level, title, anchor, explicit, numbered, path, lines[0], lines[1], bounds[at + 1])
        )
    return found


def blocks(text: str, tokens: list[Token] | None = None) -> list[Block]:
    """Blocks in order. A bullet list is given as its items: between them it may be cut."""
    tokens = parser().parse(text) if tokens is None else tokens
    found: list[Block] = []
    in_bullets = False
    for token in tokens:
        if token.map is None or token.nesting < 0 or token.type in {"heading_open", "inline"}:
            continue
        start, end = token.map
        if token.level == 0:
            in_bullets = token.type == "bullet_list_open"
            if not in_bullets:
                goes_on = token.type == "ordered_list_open" and token.attrGet("start") is not None
                found.append(Block(token.type.removesuffix("_open"), start, end, goes_on))
        elif in_bullets and token.level == 1 and token.type == "list_item_open":
            found.append(Block("item", start, end))
    return found


def plain(inline: Token) -> str:
    """The words of inline Markdown, without its marks."""
    parts: list[str] = []
    for child in inline.children or []:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type == "image":
            parts.append(plain(child))
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
    return " ".join("".join(parts).split())


def slug(title: str) -> str:
    """The anchor most renderers give a heading: accents stay, punctuation goes."""
    words = _NOT_IN_SLUG.sub("", unicodedata.normalize("NFC", title).lower())
    return words.strip().replace(" ", "-")


def _heading(inline: Token) -> tuple[str, str | None, bool]:
    title = plain(inline)
    given = _ID.search(title)
    if given:
        title = title[: given.start()].strip()
    number = _NUMBER.match(title)
    return title, given.group(1) if given else None, bool(number)


def without_number(title: str) -> str:
    """`1. Switch on ...` as `Switch on ...`."""
    return _NUMBER.sub("", title)


def _unique(anchor: str, taken: dict[str, int]) -> str | None:
    if not anchor:
        return None
    seen = taken.get(anchor, 0)
    taken[anchor] = seen + 1
    return f"{anchor}-{seen}" if seen else anchor
