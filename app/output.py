"""What may leave in a reply: a Markdown subset without images and markup; `links.py` says where links lead.

A model's words and a document's lines stand in replies. Every surface shows them through here first; what a
surface does besides (blocks of Slack, elements of a page) is its own second look. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Lead = Callable[[str], str | None]
"""Where a link of a text may lead; None for nowhere. What it gives leads to itself."""

_PASSES = 5
"""What is taken out may leave something in its place that has to go as well."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What nobody sees, or what turns or hides what others see. Joiners and the mark of emoji stay."""

_URL = (
    r"(?:https?|ftps?|file|slack|wss?)://[^\s<>()\[\]]+|\b(?:javascript|vbscript|data|blob|file):[^\s<>()\[\]]+"
    r"|www\.[^\s<>()\[\]]+"
)
_PIECE = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]+`)"
    r"|!\[(?P<alt>[^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])"
    r"|\[(?P<words>[^\[\]\n]*)\]\(\s*(?P<target>[^)\s]*)[^)\n]*\)"
    r"|(?P<definition>\]:)"
    r"|<(?P<auto>[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\s]*)>"
    r"|(?P<markup><!--.*?(?:-->|\Z)|<[/!?]?[A-Za-z][^<>]*>?)"
    rf"|(?P<url>{_URL})",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESS = re.compile(_URL, re.IGNORECASE)
_ENDS = ".,;:!?'\"*_"
"""What ends a sentence and not an address."""


def visible(text: str) -> str:
    """Without characters that hide, turn or control."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def plain(text: str, lead: Lead) -> str:
    """The text as it may be shown to people. An address that may not be pressed is code, and can be read.

    What a reader of Markdown would still make more of than that is shown as code as a whole.
    """
    text = visible(text)
    for _ in range(_PASSES):
        before, text = text, _PIECE.sub(lambda found: _piece(found, lead), text)
        if text == before:
            break
    if harmless(text, lead):
        return text
    return "```\n" + re.sub("[`~]", "'", text) + "\n```"


def _piece(found: re.Match[str], lead: Lead) -> str:
    if found["code"]:
        return found["code"]
    if found["alt"] is not None:
        return found["alt"]
    if found["definition"]:
        return "] :"
    if found["target"] is not None:
        words, target = found["words"], found["target"]
        if to := lead(target):
            return f"[{words}]({to})"
        return f"{words} {_code(target)}".strip() if re.match(r"https?:", target, re.IGNORECASE) else words
    if found["auto"]:
        return lead(found["auto"]) or _code(found["auto"])
    return _bare(found, lead) if found["url"] else _code(found["markup"])


def _bare(found: re.Match[str], lead: Lead) -> str:
    """An address as it stands in a sentence. What opens right behind it could be read as more of it."""
    address: str = found["url"]
    if found.string[found.end() : found.end() + 1] in ("(", "["):
        return _code(address)
    ended = address.rstrip(_ENDS)
    if to := lead(address):
        return to
    to = lead(ended)
    return f"{to}{address[len(ended) :]}" if to else _code(address)


def _code(text: str) -> str:
    return f"`{' '.join(text.replace('`', '').split())}`"


def harmless(text: str, lead: Lead) -> bool:
    """Whether a reader of all of Markdown finds no image, no markup and no address but ours."""
    for token in _tokens(_reader().parse(text)):
        if token.type in ("image", "html_inline", "html_block"):
            return False
        if token.type == "link_open" and not _leads(lead, str(token.attrGet("href"))):
            return False
        if token.type == "text" and not all(
            _leads(lead, found[0].rstrip(_ENDS)) for found in _ADDRESS.finditer(token.content)
        ):
            return False
    return True


def _leads(lead: Lead, address: str) -> bool:
    return lead(address) == address


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable("table")


def _tokens(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()
