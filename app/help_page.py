"""A help page's Markdown as HTML for its readers: same anchors as its passages, no markup of its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from app.links import OWN
from knowledge.markdown import sections
from knowledge.model import Value

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_GIVEN = re.compile(r"\s*\{#[\w.:-]+\}\s*$")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


class Published(Value):
    """A page as everyone may read it."""

    path: str
    title: str
    lang: str
    updated_at: datetime
    text: str
    """Markdown, without what stands before it for machines."""


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def as_html(text: str, path: str) -> str:
    """`path` is the page's place in its source: what its relative links start from."""
    renderer = _renderer()
    tokens = renderer.parse(text)
    anchors = {section.line: section.anchor for section in sections(text) if section.level}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            anchor = anchors.get(token.map[0]) if token.map else None
            if anchor:
                token.attrSet("id", anchor)
            _without_given(tokens[at + 1])
        if token.children:
            token.children = list(_readable(token.children, path))
    html: str = renderer.renderer.render(tokens, renderer.options, {})
    return html


def _without_given(inline: Token) -> None:
    """`{#anchor}` behind a heading is for machines."""
    for child in reversed(inline.children or []):
        if child.type == "text" and child.content:
            child.content = _GIVEN.sub("", child.content)
            return


def _readable(tokens: Sequence[Token], path: str) -> Iterator[Token]:
    for token in tokens:
        if token.type == "image":
            yield _picture(token)
        else:
            if token.type == "link_open":
                _lead(token, path)
            yield token


def _picture(token: Token) -> Token:
    """One of our own, or its words: a foreign one would tell its host who reads."""
    source = str(token.attrGet("src") or "")
    if source.startswith("/") and not source.startswith("//"):
        return token
    return token.copy(type="text", tag="", attrs={}, children=None)


def _lead(token: Token, path: str) -> None:
    target = str(token.attrGet("href") or "")
    if _ELSEWHERE.match(target):
        token.attrSet("rel", "noopener noreferrer nofollow")
        return
    name, hash, anchor = target.partition("#")
    if name and not name.startswith("/"):
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)).removesuffix(".md")
        token.attrSet("href", "#" if place.startswith("..") else f"{OWN}{place}{hash}{anchor}")
