"""Lists of pages that a site publishes: sitemaps, lists with one address a line, llms.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ingest.sources.packed import unpacked

LARGEST = 52_428_800
"""Bytes of a sitemap, unpacked: by the standard."""
PIECE = 64 * 1024
DEEPEST = 32
"""Elements inside each other; a sitemap has three."""


class Entry(NamedTuple):
    """A page that a list names."""

    url: str
    modified: datetime | None = None
    """A hint only: many sites write the time of the last deploy."""
    alternates: Mapping[str, str] = {}
    """Language -> address of the same page in it."""


@dataclass
class Sitemap:
    entries: list[Entry] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Sitemaps that this one names."""
    kind: str = ""
    """`urlset`, `sitemapindex`, or empty where it is neither."""
    broken: str = ""
    """Where reading ended before the end, and why."""


def sitemap(raw: bytes) -> Sitemap:
    """What can be read of it: an error in the middle leaves what stood before it."""
    from lxml import etree

    found = Sitemap()
    # No entity is replaced and nothing is loaded, from the disk or from the network.
    parser = etree.XMLPullParser(
        ("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    depth = 0
    try:
        for at in range(0, len(raw), PIECE):
            parser.feed(raw[at : at + PIECE])
            depth = _take(parser.read_events(), found, depth)
            if found.broken or not found.kind:
                return found
        parser.close()
    except etree.XMLSyntaxError as error:
        _take(parser.read_events(), found, depth)
        found.broken = f"line {error.lineno}: {error.msg}"
    return found


def unpacked_sitemap(body: bytes, *, plain: bool) -> Sitemap:
    """Of what a server sent: packed as a file or not; XML or, where it is `plain`, one address a line."""
    broken = ""
    if body.startswith(b"\x1f\x8b"):
        whole = bytearray()
        for piece in unpacked([body]):
            if isinstance(piece, str) or len(whole) > LARGEST:
                broken = (
                    piece if isinstance(piece, str) else f"larger than {LARGEST // 1_000_000} MB unpacked"
                )
                break
            whole += piece
        body = bytes(whole)
    if plain and not body.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        return Sitemap(lines(body.decode("utf-8", "replace")), kind="urlset", broken=broken)
    found = sitemap(body)
    found.broken = broken or found.broken
    return found


def _take(events: Iterator[tuple[str, Any]], found: Sitemap, depth: int) -> int:
    for event, element in events:
        name = _local(element)
        if event == "start":
            depth += 1
            if depth == 1 and name in ("urlset", "sitemapindex"):
                found.kind = name
            if depth > DEEPEST:
                found.broken = f"elements lie more than {DEEPEST} deep"
                return depth
            continue
        depth -= 1
        if depth == 1 and name in ("url", "sitemap"):
            _add(element, found)
            # What has been read is let go of, or 50,000 addresses stay in memory as a tree.
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return depth


def _add(element: Any, found: Sitemap) -> None:
    url, modified, alternates = "", None, {}
    for child in element:
        name, text = _local(child), (child.text or "").strip()
        if name == "loc":
            url = text
        elif name == "lastmod":
            modified = moment(text)
        elif name == "link" and child.get("hreflang"):
            alternates[child.get("hreflang").strip()] = (child.get("href") or "").strip()
    if url and found.kind == "sitemapindex":
        found.others.append(url)
    elif url:
        found.entries.append(Entry(url, modified, alternates))


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def lines(text: str) -> list[Entry]:
    """One address a line; empty lines and lines that begin with # are passed over."""
    rows = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [Entry(row) for row in rows if row and not row.startswith("#")]


_LINK = re.compile(
    r"\[[^\[\]]{0,500}\]\(\s*<?([^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)?)>?(?:\s+\"[^\"\n]*\")?\s*\)"
)


def llms(text: str) -> list[Entry]:
    """The links of an llms.txt, which is a Markdown page."""
    return [Entry(url) for url in _LINK.findall(text)]


def moment(text: str) -> datetime | None:
    """A time as sitemaps and pages write it."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
