"""What a page of HTML says of itself, and where it leads. Read tag by tag: no tree is built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from ingest.sources.robots import AGENT, directives
from ingest.sources.sitemap import moment

MOST_TAGS = 100_000
"""What a page has more of is not looked at: a page of nothing but tags costs a second, not an hour."""
PIECE = 16 * 1024

_REFRESH = re.compile(r"\s*(\d+)(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?['\"]?([^'\"]+)", re.IGNORECASE)
SOON = 10
"""Seconds. A page that leads on later than that is meant to be read."""


@dataclass
class Head:
    lang: str = ""
    canonical: str = ""
    alternates: dict[str, str] = field(default_factory=dict)
    """Language -> address of the same page in it; `x-default` is the one for everybody else."""
    base: str = ""
    leads_on: str = ""
    """Where a page sends its reader at once, without a word of its own."""
    robots: frozenset[str] = frozenset()
    modified: datetime | None = None
    links: list[str] = field(default_factory=list)


def head(raw: bytes) -> Head:
    """Of a page in UTF-8."""
    from lxml import etree

    reader = _Reader()
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=False)
    try:
        for at in range(0, len(raw), PIECE):
            parser.feed(raw[at : at + PIECE])
            if reader.tags > MOST_TAGS:
                break
        parser.close()
    except etree.LxmlError:
        pass  # what was read until there is all there is
    return reader.head


class _Reader:
    """Called by the parser for every tag."""

    def __init__(self) -> None:
        self.head = Head()
        self.tags = 0
        self._inside = True
        """Still in the head: what a text of the page quotes speaks for nobody."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tags += 1
        if tag == "body":
            self._inside = False
        given = {name.lower(): value for name, value in attributes.items()}
        if tag == "html":
            self.head.lang = given.get("lang", given.get("xml:lang", "")).strip()
        elif tag in ("a", "area") and "href" in given:
            if "nofollow" not in given.get("rel", "").lower().split():
                self.head.links.append(given["href"])
        elif tag == "meta":
            self._meta(given)
        elif self._inside and tag == "link":
            self._link(given)
        elif self._inside and tag == "base" and not self.head.base:
            self.head.base = given.get("href", "")

    def end(self, tag: str) -> None: ...

    def data(self, data: str) -> None: ...

    def close(self) -> None: ...

    def _meta(self, given: dict[str, str]) -> None:
        name, content = given.get("name", given.get("property", "")).lower(), given.get("content", "")
        if name in ("robots", AGENT.lower()):
            self.head.robots |= directives(content)
        elif name == "article:modified_time" and self._inside:
            self.head.modified = moment(content)
        elif given.get("http-equiv", "").lower() == "refresh" and self._inside:
            found = _REFRESH.match(content)
            if found and int(found[1]) <= SOON:
                self.head.leads_on = found[2].strip()

    def _link(self, given: dict[str, str]) -> None:
        rel, href = given.get("rel", "").lower().split(), given.get("href", "").strip()
        if not href:
            return
        if "canonical" in rel and not self.head.canonical:
            self.head.canonical = href
        elif "alternate" in rel and given.get("hreflang", "").strip():
            self.head.alternates[given["hreflang"].strip()] = href


_ONE = re.compile(r"<([^<>]{1,2000})>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]+))*)")
_PARAMETER = re.compile(r"([\w*-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))")


def from_header(header: str) -> Head:
    """The same of a Link header, which files and some sites use."""
    found = Head()
    for href, rest in _ONE.findall(header):
        given = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        rel = given.get("rel", "").lower().split()
        if "canonical" in rel:
            found.canonical = href
        elif "alternate" in rel and "hreflang" in given:
            found.alternates[given["hreflang"]] = href
    return found
