"""Links that lead nowhere: to pages that a source does not hold, and to sections that a page does not have.

Nothing is fetched. Addresses from the root of a site are only judged where most of a source's lead to one
of its pages, so that we know how its addresses are made.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from knowledge.health.finding import Finding, finding_id
from knowledge.health.pages import PageText, body, place_of, prose
from knowledge.markdown import sections
from knowledge.model import Place
from knowledge.phrases import phrase

_LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\(\s*<?([^)>]+?)>?(?:\s+[\"'][^)]*)?\s*\)|<a\s[^>]*?href=[\"']([^\"']+)[\"']",
    re.IGNORECASE,
)
_CODE = re.compile(r"`[^`\n]*`")
_ROOT = re.compile(r"^\{\{[^}]*\}\}")
_ID = re.compile(r"(?:\bid|\bname)=[\"']([^\"']+)[\"']|\{#([\w.:-]+)|\{%\s*anchor[^%]*%\}\s*([^\n{]+)")
_PAGE_ENDINGS = ("", ".md", ".mdx", ".markdown", ".html", ".htm", ".txt")
_INDEX = frozenset({"index", "_index", "readme"})
KNOWN = 0.5
"""Share of a source's addresses from the root that lead to a page, before the others count as broken."""
MANY = 8
"""Addresses from the root that are needed to say so."""
MOST_PLACES = 12


class _Link(NamedTuple):
    page: int
    target: str
    line: str
    root: str | None
    """What stands before an address from the root of a site: nothing, or a variable. None where relative."""


def broken_links(pages: Sequence[PageText]) -> list[Finding]:
    """One finding for each target that is missing, with the pages that lead there."""
    by_path, by_end = _addresses(pages)
    links = [link for at, page in enumerate(pages) for link in _links(at, page)]
    rooted: dict[tuple[str, str], list[bool]] = defaultdict(list)
    reached = {}
    for link in links:
        found = _page(pages, link, by_path, by_end)
        reached[link] = found
        if link.root is not None and link.target.partition("#")[0].strip("/"):
            rooted[pages[link.page].document.source, link.root].append(found is not None)
    anchors: dict[int, frozenset[str]] = {}
    missing: dict[tuple[str, str], list[_Link]] = defaultdict(list)
    for link, found in reached.items():
        source = pages[link.page].document.source
        if found is None:
            tried = rooted[source, link.root or ""]
            known = len(tried) >= MANY and sum(tried) >= KNOWN * len(tried)
            if link.root is None or known:
                missing[source, link.target].append(link)
            continue
        anchor = unquote(link.target.partition("#")[2])
        if anchor:
            if found not in anchors:
                anchors[found] = _anchors(pages[found])
            if _squeezed(anchor) not in anchors[found] and anchor.lower() not in {"top", ""}:
                # A table of contents whose sections were all renamed is one matter.
                missing[source, f"{link.page} {found}"].append(link)
    return [_finding(pages, at, reached) for at in missing.values()]


def _finding(pages: Sequence[PageText], at: Sequence[_Link], reached: Mapping[_Link, int | None]) -> Finding:
    places = [_place(pages[link.page], link) for link in at]
    page = reached[at[0]]
    target, linking = at[0].target, {link.page for link in at}
    if page is None:
        why = phrase("link.no_page", target=target)
        todo = phrase("link.no_page.todo")
        confidence = 0.85 if at[0].root is None else 0.8
    else:
        told = {"page": pages[page].document.title, "section": target.partition("#")[2]}
        why = phrase("link.no_section", **told)
        if len(at) > 1:
            why = phrase("link.no_sections", more=len(at) - 1, **told)
        todo = phrase("link.no_section.todo")
        confidence = 0.8
    return Finding(
        id=finding_id("broken_link", *(link.target for link in at), at[0].line),
        kind="broken_link",
        confidence=confidence,
        place=places[0],
        also=tuple(places[1:MOST_PLACES]),
        why=(why, *((phrase("link.linked_by", pages=len(linking)),) if len(linking) > 1 else ())),
        todo=todo,
    )


def _place(page: PageText, link: _Link) -> Place:
    return place_of(page, link.line)


def _links(at: int, page: PageText) -> Iterator[_Link]:
    seen: set[str] = set()
    for line in prose(body(page.text)).split("\n"):
        for found in _LINK.finditer(_CODE.sub("", line)):
            given = found.group(1) or found.group(2)
            before = _ROOT.match(given)
            root = before.group() if before else "" if given.startswith("/") else None
            target = _ROOT.sub("", given)
            if (
                re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE)
                or not target
                or target[0] in "[<%$"
                or "{" in target
            ):
                continue
            ending = posixpath.splitext(target.partition("#")[0].partition("?")[0])[1].lower()
            if ending in _PAGE_ENDINGS and target not in seen:
                seen.add(target)
                yield _Link(at, target, line.strip(), root)


def _addresses(
    pages: Sequence[PageText],
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], list[int]]]:
    """Pages by their whole address, and by its last part, within their source."""
    by_path: dict[tuple[str, str], int] = {}
    by_end: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, page in enumerate(pages):
        address = _address(page.document.path)
        by_path[page.document.source, address] = at
        by_end[page.document.source, address.rsplit("/", 1)[-1]].append(at)
    return by_path, by_end


def _page(
    pages: Sequence[PageText],
    link: _Link,
    by_path: Mapping[tuple[str, str], int],
    by_end: Mapping[tuple[str, str], Sequence[int]],
) -> int | None:
    document = pages[link.page].document
    path = unquote(link.target.partition("#")[0].partition("?")[0])
    if not path.strip("/"):
        return link.page
    if link.root is None:
        # Renderers differ in whether a page's own name is a folder of its address.
        folder = posixpath.dirname(document.path)
        for base in (folder, posixpath.splitext(document.path)[0]):
            found = by_path.get((document.source, _address(posixpath.normpath(posixpath.join(base, path)))))
            if found is not None:
                return found
        return None
    address = _address(path)
    own = by_path.get((document.source, address))
    if own is not None:
        return own
    # The site's root is somewhere inside the source.
    ends = [
        at
        for at in by_end.get((document.source, address.rsplit("/", 1)[-1]), ())
        if f"/{_address(pages[at].document.path)}".endswith(f"/{address}")
    ]
    if not ends:
        return None
    near = Counter({at: len(posixpath.commonpath([pages[at].document.path, document.path])) for at in ends})
    return near.most_common(1)[0][0]


def _address(path: str) -> str:
    name = path.strip("/")
    for ending in _PAGE_ENDINGS[1:]:
        name = name.removesuffix(ending)
    folder, _, last = name.rpartition("/")
    return (folder if last.lower() in _INDEX else name).lower()


def _anchors(page: PageText) -> frozenset[str]:
    content = body(page.text)
    own = {text for s in sections(content) for text in (s.anchor, s.title)}
    given = {next(filter(None, found.groups()), "") for found in _ID.finditer(content)}
    return frozenset(_squeezed(anchor) for anchor in own | given if anchor)


def _squeezed(anchor: str) -> str:
    """Renderers make anchors in many ways: letters and digits decide."""
    return re.sub(r"[\W_]+", "", anchor.casefold())
