"""Pieces of help pages inside a message: links that lead somewhere, whole blocks, numbered sources."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Protocol

from app.texts import label, language, say
from knowledge.model import Citation


class Link(Protocol):
    """Where the customer can read a page, by its document and its path in the source; None for nowhere."""

    def __call__(self, document: str, path: str, anchor: str | None = None) -> str | None: ...


LONGEST_SECTION = 3000
"""Characters of a step's section that fit into one message; the page has the rest."""


def page_link(document: str, path: str, anchor: str | None = None) -> str | None:
    return f"{path}#{anchor}" if anchor else path


def link_to(words: str, target: str | None) -> str:
    return f"[{label(words)}]({target})" if target else label(words)


def without_heading(text: str) -> str:
    return re.sub(r"\A\s*#{1,6} [^\n]*\n", "", text).strip()


def linked(text: str, document: str, path: str, link: Link) -> str:
    """Relative links lead to where pages of the same source can be read; pictures become their words."""
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text)
    folder = posixpath.dirname(path)

    def absolute(match: re.Match[str]) -> str:
        words, target = match.groups()
        from_root = target.startswith("/") and not target.startswith("//") and path.startswith("/")
        if re.match(r"[a-z][a-z0-9+.-]*:|/", target, re.IGNORECASE) and not from_root:
            return match.group()
        name, _, anchor = target.partition("#")
        place = posixpath.normpath(posixpath.join(folder, name)) if name else path
        published = link(f"{document.removesuffix(path)}{place}", place, anchor or None)
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


# --- an answer from the pages -------------------------------------------------------------------


def answer(citations: Sequence[Citation], lang: str, link: Link, *, written: str | None = None) -> str:
    """The quoted lines, or a model's verified words for them, and where they stand."""
    counted = list(enumerate(citations, start=1))
    if written:
        marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", written)}
        cited = [each for each in counted if each[0] in marks]
        return "\n\n".join([written.strip(), *_doubts(cited, lang), _sources(cited, lang, link)])
    quotes = [_quoted(citation, n, link) for n, citation in counted]
    tongues = {language(citation.lang) for citation in citations}
    other = []
    if len(tongues) == 1 and language(lang) not in tongues:
        name = say(lang, f"general.the_language.{next(iter(tongues))}")
        other = [say(lang, "answer.other_language", language=name)]
    doubts = _doubts(counted, lang)
    return "\n\n".join([say(lang, "answer.intro"), *quotes, *other, *doubts, _sources(counted, lang, link)])


def _doubts(counted: Sequence[tuple[int, Citation]], lang: str) -> list[str]:
    """One sentence where something speaks against what is quoted, the gravest."""
    doubts = {citation.doubt for _, citation in counted}
    return [say(lang, f"answer.{doubt}") for doubt in ("contradicted", "outdated") if doubt in doubts][:1]


def _sources(counted: Sequence[tuple[int, Citation]], lang: str, link: Link) -> str:
    """One line a section, with the numbers of all that is quoted from it."""
    lines: dict[tuple[str, str | None], tuple[list[int], Citation]] = {}
    for n, citation in counted:
        lines.setdefault((citation.document, citation.anchor), ([], citation))[0].append(n)
    marks = [
        f"- {' '.join(f'[{n}]' for n in ns)} {_source(citation, lang, link)}"
        for ns, citation in lines.values()
    ]
    return f"{say(lang, 'answer.sources')}:\n" + "\n".join(marks)


def _quoted(citation: Citation, n: int, link: Link) -> str:
    quote = linked((citation.shown or citation.quote).strip(), citation.document, citation.path, link)
    if "\n" in quote or quote.startswith(("-", "```")):
        return f"{quote}\n\n[{n}]"
    return f"{quote} [{n}]"


def _source(citation: Citation, lang: str, link: Link) -> str:
    words = " › ".join(filter(None, (citation.title, citation.section)))
    to = link_to(words, link(citation.document, citation.path, citation.anchor))
    return say(lang, "answer.source", link=to, date=f"{citation.updated_at:%Y-%m-%d}")
