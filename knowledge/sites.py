"""Where the pages of a company's own site are read: each at its exact address, on the host of its source.

An address comes from a page that somebody else may have written. Only what every program reads in the same
way counts, and nothing that hands its reader on to another address.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from knowledge.addresses import hostname
from knowledge.model import Address, Source
from knowledge.tables import DOCUMENT, PASSAGE

KINDS = frozenset({"website", "zendesk"})

_ENCODED = {"(": "%28", ")": "%29", "'": "%27"}
"""What ends an address for readers of Markdown; a server reads both as the same."""
_WRITTEN = re.compile(r"(https?)://([a-z0-9._:-]+)(/[A-Za-z0-9._~!$&*+,;=:@%/-]*)(?:\?([^?#]*))?")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&*+,;=%-]*")
_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")


def addresses(db: sa.Engine, sources: Sequence[Source]) -> Mapping[str, Address]:
    """Of every public page of a site, by its document's id; without a URL where it is not on its own host."""
    hosts = {source.id: origin(source.location) for source in sources if source.kind in KINDS}
    if not hosts:
        return {}
    which = sa.and_(
        DOCUMENT.c.source.in_(hosts), DOCUMENT.c.removed_at.is_(None), DOCUMENT.c.audience == "public"
    )
    current = sa.and_(PASSAGE.c.document == DOCUMENT.c.id, PASSAGE.c.version == DOCUMENT.c.version)
    anchors = defaultdict[str, set[str]](set)
    with db.connect() as c:
        pages = c.execute(sa.select(DOCUMENT.c.id, DOCUMENT.c.source, DOCUMENT.c.url).where(which)).all()
        named = sa.select(PASSAGE.c.document, PASSAGE.c.anchor).join(DOCUMENT, current).distinct()
        for document, anchor in c.execute(named.where(which, PASSAGE.c.anchor.is_not(None))):
            anchors[document].add(anchor)
    return {
        id: Address(url=exact(url, hosts[source]), anchors=frozenset(anchors[id]))
        for id, source, url in pages
    }


def origin(location: str) -> str:
    """`https://help.acme.com`, with a port where it is not the usual one; empty where there is none to trust.

    Plain HTTP is for this very machine alone, as in tests.
    """
    try:
        parts = urlsplit(location if "://" in location else f"https://{location}")
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        return ""
    here = _is_here(host)
    name = host if here else hostname(host, record=True)
    if name is None or "@" in parts.netloc or parts.scheme not in (("http", "https") if here else ("https",)):
        return ""
    usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + ("" if usual else f":{port}")


def exact(url: str, own: str) -> str:
    """A page's address without its anchor, where it is at `own` and says nothing in two ways; else empty."""
    url = "".join(_ENCODED.get(char, char) for char in url.partition("#")[0])
    found = _WRITTEN.fullmatch(url)
    if found is None or not own or f"{found[1]}://{found[2]}" != own or _ESCAPED.search(url):
        return ""
    path, query = unquote(unquote(found[3])), found[4] or ""
    if any(part in (".", "..") for part in re.split(r"[/\\]", path)) or "//" in path or "\\" in path:
        return ""
    # `?next=` and its kind lead away from the page that was read.
    if not _QUERY.fullmatch(query) or re.search(r"[/\\:]", unquote(unquote(query))):
        return ""
    return url


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
