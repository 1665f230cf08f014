"""An answer of a site as a document: its bytes in a form that needs no header, and what it says of itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ingest.media import FORMATS, HTML, MARKDOWN, TEXT, UNSAID, by_name, media_type
from ingest.sources import links
from ingest.sources.charset import utf8
from ingest.sources.links import Head
from ingest.sources.places import Place, place
from ingest.sources.robots import AGENT, directives
from ingest.sources.site import Loaded, Refused
from ingest.sources.source import Failed, Gone, Unchanged

ACCEPT = "text/html,application/xhtml+xml,text/markdown,text/plain;q=0.9,application/pdf;q=0.8,*/*;q=0.5"

_FILES = re.compile(
    r"\.(avif|bmp|css|csv|dmg|eot|exe|gif|gz|ico|jpe?g|js|json|m4[av]|map|mov|mp[34]|msi|ogg|otf|png|pptx?|rar|rss"
    r"|svg|tar|tgz|tiff?|ttf|wasm|wav|web[mp]|woff2?|xlsx?|xml|ya?ml|zip)$",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(html?|xhtml|mdx?|markdown|php|aspx?|jsp|pdf|docx)$", re.IGNORECASE)
_SIGN_IN = re.compile(r"/(log-?in|sign-?in|sign_in|sso|saml|oauth2?|auth)([/?.]|$)", re.IGNORECASE)


def is_page(path: str) -> bool:
    """False for what the name says is an image, a download, a feed ..."""
    return not _FILES.search(path.partition("?")[0])


def folder_of(path: str) -> str:
    """`/help` for `/help/start.html`; what is named as no file is a folder."""
    bare = path.partition("?")[0]
    return (bare.rpartition("/")[0] or "/") if _FILE.search(bare) else bare


@dataclass(frozen=True)
class WebPage:
    place: Place
    """Where it was in the end."""
    media: str
    raw: bytes
    """Text is UTF-8, whatever it came in."""
    digest: str
    etag: str
    last_modified: str
    lang: str
    modified: datetime | None
    head: Head
    noindex: bool
    nofollow: bool

    @property
    def stamp(self) -> str:
        return f"{self.etag}|{self.last_modified}|{self.digest}"

    def with_raw(self, raw: bytes) -> WebPage:
        return replace(self, raw=raw)

    def without_raw(self) -> WebPage:
        return replace(self, raw=b"")

    def at(self, href: str) -> Place | None:
        """Where a link of the page leads."""
        base = place(self.head.base, self.place.url) if self.head.base else None
        return place(href, (base or self.place).url)


def conditions(stamp: str) -> dict[str, str]:
    """Headers that ask for the page only if it is not what it was."""
    etag, last_modified, _ = _parts(stamp)
    asked = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in asked.items() if value}


def same(page: WebPage, stamp: str) -> bool:
    """Whether the bytes are those of the stamp, also where the server made up a new ETag for them."""
    return page.digest == _parts(stamp)[2]


def _parts(stamp: str) -> tuple[str, str, str]:
    etag, last_modified, digest = stamp.rsplit("|", 2) if stamp.count("|") >= 2 else ("", "", "")
    return etag, last_modified, digest


def web_page(
    loaded: Loaded | Refused | Failed, asked: Place
) -> WebPage | Refused | Gone | Unchanged | Failed:
    """`asked` is what was asked for, before redirects."""
    if not isinstance(loaded, Loaded):
        return loaded
    (status, headers, body), there = loaded
    if status in (404, 410):
        return Gone()
    if status == 304:
        return Unchanged()
    if _SIGN_IN.search(there.path) and not _SIGN_IN.search(asked.path):
        why = f"asks to sign in, at {there.path}. Make it public, or exclude it."
        return Refused(f"{asked.url}: {why}", perhaps=True)
    if status in (401, 403):
        return Refused(f"{asked.url}: answers {status}. Let {AGENT} read it, or exclude it.", perhaps=True)
    if status != 200:
        return Refused(f"{asked.url}: answers {status}. See the site's log, or exclude it.", perhaps=True)
    media, charset = _media(headers.get("content-type", ""), there.path, body)
    if media is None:
        what = headers.get("content-type") or "of no type"
        return Refused(
            f"{asked.url}: is {what[:80]}; read are HTML, Markdown, text, PDF and DOCX. Exclude it."
        )
    if media.startswith("text/"):
        body = utf8(body, charset, html=media == "text/html")
    return _described(there, media, body, headers)


def _described(there: Place, media: str, raw: bytes, headers: Mapping[str, str]) -> WebPage:
    head = links.head(raw) if media == "text/html" else Head()
    said = links.from_header(headers.get("link", ""))
    head.canonical = head.canonical or said.canonical
    head.alternates = {**said.alternates, **head.alternates}
    robots = head.robots | directives(headers.get("x-robots-tag", ""))
    language = headers.get("content-language", "")
    return WebPage(
        place=there,
        media=media,
        raw=raw,
        digest=hashlib.sha256(raw).hexdigest()[:32],
        etag=_sent_back(headers.get("etag", "")),
        last_modified=_sent_back(headers.get("last-modified", "")),
        lang=head.lang or ("" if "," in language else language.strip()),
        modified=head.modified or _http_date(headers.get("last-modified", "")),
        head=head,
        noindex="noindex" in robots,
        nofollow="nofollow" in robots,
    )


def _media(header: str, path: str, body: bytes) -> tuple[str | None, str]:
    """What it is, and its charset; a server that does not know leaves it to the name and the first bytes."""
    parameters = (part.strip() for part in header.split(";")[1:])
    charset = next((p[8:].strip("\"' ") for p in parameters if p.lower().startswith("charset=")), "")
    media, named = media_type(header), by_name(path.partition("?")[0])
    if media == TEXT and named == MARKDOWN:
        return named, charset
    if media not in UNSAID:
        return media if media in FORMATS else None, charset
    if body[:1024].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return HTML, charset
    return named, charset


def _sent_back(value: str) -> str:
    """A validator as it can be sent back; one that no header can hold is none."""
    return value if len(value) <= 300 and value.isascii() and value.isprintable() else ""


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def original(alternates: Mapping[str, str], path: str) -> str:
    """The page that the others translate, the same for all of them; empty for itself."""
    languages = {lang.lower(): there for lang, there in alternates.items() if lang.lower() != "x-default"}
    if path not in languages.values() or len(set(languages.values())) < 2:
        return ""
    default = {lang.lower(): there for lang, there in alternates.items()}.get("x-default")
    if default not in languages.values():  # a page to choose a language on is no original
        english = sorted(lang for lang in languages if lang.partition("-")[0] == "en")
        default = languages[(english or sorted(languages))[0]]
    return "" if default == path or default is None else default
