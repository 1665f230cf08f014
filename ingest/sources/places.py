"""Addresses of pages: one page has one path, however its address is written."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from knowledge.addresses import hostname

LONGEST = 2_000
"""Characters of an address; a longer one is a trap or carries data."""

_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"[A-Za-z0-9._~-]")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_SESSION = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)
_FRONT = re.compile(r"/+(?:index\.html?)?$", re.IGNORECASE)
_TRACKING = re.compile(
    r"utm_.*|mtm_.*|pk_.*|hsa_.*|_hs.*|hsctatracking|gclid|gbraid|wbraid|dclid|fbclid|msclkid|yclid|twclid"
    r"|ttclid|igshid|li_fat_id|mc_[ce]id|mkt_tok|_gl|_ga|phpsessid|jsessionid",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """Where a page is."""

    origin: str
    """`https://help.acme.com`, with a port only where it is not the usual one."""
    path: str
    """What the page is called: the same for every way to write its address."""
    ask: str
    """Path and query to ask the server for, as the site writes them."""

    @property
    def url(self) -> str:
        return self.origin + self.ask

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]

    @property
    def scheme(self) -> str:
        return self.origin.partition("://")[0]


def place(url: str, base: str = "") -> Place | None:
    """None for what is not an address of a page on the web: another scheme, a user, an IP address."""
    url = re.sub(r"[\t\r\n]", "", url).strip()
    try:
        parts = urlsplit(urljoin(base, url))
        port = parts.port
    except ValueError:
        return None
    host = hostname(parts.hostname or "", record=True)
    if len(url) > LONGEST or parts.scheme not in _PORTS or host is None or "@" in parts.netloc:
        return None
    usual = port is None or port == _PORTS[parts.scheme]
    origin = f"{parts.scheme}://{host}" + ("" if usual else f":{port}")
    path = _without_dots(_SESSION.sub("", _escaped(parts.path.replace("\\", "/")))) or "/"
    query = [_escaped(part) for part in parts.query.split("&") if part]
    query = [part for part in query if not _TRACKING.fullmatch(part.partition("=")[0])]
    name = _FRONT.sub("", path) or "/"
    return Place(origin, _with(name, sorted(query)), _with(path, query))


def within(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether one of them leads to the path; `/docs` leads to `/docs/a` and not to `/docs-old`."""
    bare = path.partition("?")[0]
    return any(bare == prefix.rstrip("/") or bare.startswith(prefix.rstrip("/") + "/") for prefix in prefixes)


def _with(path: str, query: list[str]) -> str:
    return f"{path}?{'&'.join(query)}" if query else path


def _escaped(text: str) -> str:
    """Percent-encoding in one form: what needs none has none, the rest has capitals."""

    def one(found: re.Match[str]) -> str:
        if not found[1]:
            return "%25"
        char = chr(int(found[1], 16))
        return char if _PLAIN.fullmatch(char) else f"%{found[1].upper()}"

    return _PERCENT.sub(one, quote(text, safe="%/:@!$&'()*+,;=?~", errors="replace"))


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/")[1:]:
        if part == "..":
            kept[-1:] = []
        elif part != ".":
            kept.append(part)
    folder = path.endswith(("/.", "/.."))
    return "/" + "/".join(kept) + ("/" if folder and kept else "")
