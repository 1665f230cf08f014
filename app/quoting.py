"""Pieces of help pages inside a message: links that lead somewhere, whole blocks, numbered sources."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from app.texts import label

Link = Callable[[str, str | None], str | None]
"""(path of a page in its source, anchor) -> where the customer can read it; None where nobody can."""

LONGEST_SECTION = 3000
"""Characters of a step's section that fit into one message; the page has the rest."""


def page_link(path: str, anchor: str | None) -> str | None:
    return f"{path}#{anchor}" if anchor else path


def link_to(words: str, path: str, anchor: str | None, link: Link) -> str:
    target = link(path, anchor)
    return f"[{label(words)}]({target})" if target else label(words)


def without_heading(text: str) -> str:
    return re.sub(r"\A\s*#{1,6} [^\n]*\n", "", text).strip()


def linked(text: str, path: str, link: Link) -> str:
    """Relative links lead to where the page can be read; pictures become their words."""
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text)
    folder = posixpath.dirname(path)

    def absolute(match: re.Match[str]) -> str:
        words, target = match.groups()
        if re.match(r"[a-z][a-z0-9+.-]*:|/", target, re.IGNORECASE):
            return match.group()
        name, _, anchor = target.partition("#")
        place = posixpath.normpath(posixpath.join(folder, name)) if name else path
        published = link(place, anchor or None)
        return f"[{words}]({published})" if published else words

    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", absolute, text)


def cut(text: str) -> str:
    """Whole blocks up to the longest; a code block is never opened and left so."""
    if len(text) <= LONGEST_SECTION:
        return text
    kept, fenced, last_whole = 0, False, 0
    for line in text.splitlines(keepends=True):
        if kept + len(line) > LONGEST_SECTION:
            break
        kept += len(line)
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if not line.strip() and not fenced:
            last_whole = kept
    return text[: last_whole or kept].rstrip() + ("\n```" if fenced and not last_whole else "") + "\n\n…"
