"""A Zendesk help centre as a source: its articles, in every language that it has.

The API lists articles with their text, a hundred at a time, so each listing reads all of them, and fetching
needs no request. Its incremental list would save nothing: it does not tell of articles that were archived or
taken back, so what is missing could not be known from it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast, get_args
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel

from ingest.sources.secret import secret
from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from ingest.sources.spool import Spool
from ingest.sources.zendesk_api import Api, Fetch, Refused, vetted
from knowledge.errors import KnowledgeError, SourceUnreadable
from knowledge.model import Audience

OPTIONS = frozenset({"locales", "email", "token", "restricted"})
_LOCALE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_HOST = re.compile(r"(?!-)[a-z0-9.-]+")


class _Article(BaseModel):
    id: int
    title: str = ""
    body: str | None = None
    locale: str
    source_locale: str
    section_id: int | None = None
    draft: bool = False
    html_url: str = ""
    updated_at: AwareDatetime | None = None
    edited_at: AwareDatetime | None = None
    user_segment_id: int | None = None
    user_segment_ids: list[int] | None = None
    outdated: bool = False
    outdated_locales: list[str] = []


class _Section(BaseModel):
    """A section, or a category: that has neither of the two."""

    id: int
    name: str = ""
    category_id: int | None = None
    parent_section_id: int | None = None


class _Segment(BaseModel):
    """Who may see an article."""

    id: int
    user_type: str
    group_ids: list[int] = []
    organization_ids: list[int] = []
    tags: list[str] = []
    or_tags: list[str] = []

    @property
    def audience(self) -> Audience:
        # Every customer may be told only what every customer may see.
        narrow = self.group_ids or self.organization_ids or self.tags or self.or_tags
        return "customer" if self.user_type == "signed_in_users" and not narrow else "internal"


class _Kept(NamedTuple):
    """An article of the last listing; its page is in the spool."""

    stamp: str
    article: _Article
    audience: Audience | None


class Zendesk:
    """`https://acme.zendesk.com`. Options: `locales` (`en-us,pt-br`; else all), `email` and `token`
    (`env:NAME`) of an agent, for what visitors do not see, and `restricted`, the audience of what only some
    may see (else the help centre is asked; `internal` where it does not say)."""

    def __init__(self, location: str, options: Mapping[str, str], fetch: Fetch | None = None) -> None:
        if unknown := sorted(options.keys() - OPTIONS):
            raise KnowledgeError(
                f"A Zendesk source has no option `{unknown[0]}`. It has {', '.join(sorted(OPTIONS))}."
            )
        self._locales = _named_locales(options.get("locales", ""))
        self._restricted = _audience(options.get("restricted"))
        self._api = Api(_base(location), _authorization(options), fetch or vetted())
        self._spool = Spool()
        self._kept: dict[str, _Kept] = {}

    def listing(self, known: Mapping[str, str]) -> Listing:
        self._api.waited = 0.0
        try:
            locales = self._locales or self._all_locales()
        except Refused as error:
            raise SourceUnreadable(f"{self._api.base}: {error}") from None
        self._spool.clear()
        self._kept = {}
        unreadable: list[tuple[str, str]] = []
        segments: dict[int, _Segment] | None = None
        for locale in locales:
            try:
                above = self._sections(locale)
                for article in self._articles(locale):
                    if _segments_of(article) and segments is None and self._restricted is None:
                        segments = self._segments()
                    self._keep(article, above.get(article.section_id, ()), segments or {})
            except Refused as error:
                unreadable.append((locale, f"{locale}: {error}"))
        if len(unreadable) == len(locales):
            raise SourceUnreadable(f"{self._api.base}: {unreadable[0][1]}")
        found = [Found(path, kept.stamp) for path, kept in self._kept.items()]
        return Listing(found, unreadable, [])

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        kept = self._kept.get(found.path)
        if kept is None:
            return Gone()
        if stamp == kept.stamp:
            return Unchanged()
        raw = self._spool.get(found.path)
        if raw is None:
            return Failed(f"{found.path}: could not be kept on disk. Make room, and sync again.")
        article = kept.article
        original = _path(article.id, article.source_locale)
        return Fetched(
            raw,
            "text/html",
            modified=article.edited_at or article.updated_at,
            stamp=kept.stamp,
            url=article.html_url if article.html_url.startswith("https://") else "",
            title=article.title.strip(),
            lang=article.locale,
            audience=kept.audience,
            translation_of=original if original != found.path and original in self._kept else "",
        )

    def _keep(self, article: _Article, above: tuple[str, ...], segments: Mapping[int, _Segment]) -> None:
        if article.draft:
            return
        path = _path(article.id, article.locale)
        audience = self._audience_of(article, segments)
        raw = _page(article, above).encode()
        # The time alone is not enough: a block that several articles share changes them without touching it.
        digest = hashlib.sha256(f"{audience}\n".encode() + raw).hexdigest()[:16]
        stamp = f"{article.updated_at.isoformat() if article.updated_at else ''} {digest}"
        about = article.model_copy(update={"body": None})
        self._spool.put(path, raw)
        self._kept[path] = _Kept(stamp, about, audience)

    def _audience_of(self, article: _Article, segments: Mapping[int, _Segment]) -> Audience | None:
        """None where everybody may read it: then the source says."""
        ids = _segments_of(article)
        if not ids or self._restricted:
            return self._restricted if ids else None
        allowed = [segments[id].audience for id in ids if id in segments]
        return "customer" if "customer" in allowed else "internal"

    def _all_locales(self) -> tuple[str, ...]:
        answer = self._api.one("locales.json", {})
        locales = answer.get("locales")
        if not isinstance(locales, list) or not all(isinstance(each, str) for each in locales):
            raise Refused("it did not tell its languages. Name them with the option `locales`.")
        ours = tuple(dict.fromkeys(each.lower() for each in locales if _LOCALE.fullmatch(each.lower())))
        if not ours or len(ours) != len(locales):
            raise Refused("it names languages that are none. Name them with the option `locales`.")
        return ours

    def _sections(self, locale: str) -> dict[int | None, tuple[str, ...]]:
        """Section -> names of what it lies in, outermost first."""
        all_categories = self._api.all(f"{locale}/categories.json", "categories", _Section)
        categories = {each.id: each for each in all_categories}
        sections = {each.id: each for each in self._api.all(f"{locale}/sections.json", "sections", _Section)}
        above: dict[int | None, tuple[str, ...]] = {}
        for section in sections.values():
            names: list[str] = []
            at: _Section | None = section
            while at and len(names) < 10:
                names.append(at.name.strip())
                category = at.category_id if not at.parent_section_id else None
                at = categories.get(category) if category else sections.get(at.parent_section_id or 0)
            above[section.id] = tuple(name for name in reversed(names) if name)
        return above

    def _articles(self, locale: str) -> Iterator[_Article]:
        # By creation: an edit while we read moves nothing to a page that we have read already.
        order = {"sort_by": "created_at", "sort_order": "asc"}
        for article in self._api.all(f"{locale}/articles.json", "articles", _Article, order):
            if article.locale.lower() == locale:
                original = article.source_locale.lower()
                yield article.model_copy(update={"locale": locale, "source_locale": original})

    def _segments(self) -> dict[int, _Segment]:
        """Empty where we may not see them: then what is restricted is internal."""
        try:
            return {each.id: each for each in self._api.all("user_segments.json", "user_segments", _Segment)}
        except Refused as error:
            if error.status in {401, 403}:
                return {}
            raise


def _path(id: int, locale: str) -> str:
    """Neither title nor section is in it: both are changed, and it is the same article."""
    return f"{locale}/articles/{id}"


def _segments_of(article: _Article) -> list[int]:
    one = [] if article.user_segment_id is None else [article.user_segment_id]
    return [*one, *(article.user_segment_ids or [])]


def _page(article: _Article, above: tuple[str, ...]) -> str:
    title = html.escape(article.title.strip())
    head = [f"<title>{title}</title>"]
    if above:
        head.append(f'<meta name="breadcrumbs" content="{html.escape(" > ".join(above))}">')
    if article.outdated or article.locale in [each.lower() for each in article.outdated_locales]:
        # Whoever translates has marked it as behind its original.
        head.append('<meta name="outdated" content="true">')
    lines = [
        "<!doctype html>",
        f'<html lang="{html.escape(article.locale)}">',
        f'<head><meta charset="utf-8">{"".join(head)}</head>',
        f"<body><article><h1>{title}</h1>",
        article.body or "",
        "</article></body></html>",
    ]
    return "\n".join(lines)


def _base(location: str) -> str:
    given = location if "://" in location else f"https://{location}"
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    # People copy the address of the page that they see.
    known = parts.path.strip("/") == "" or re.match(r"/(hc|api/v2/help_center)(/|$)", parts.path)
    if parts.scheme != "https" or not _HOST.fullmatch(host) or "." not in host or parts.username or not known:
        raise KnowledgeError(
            f"`{location}` is no help centre. Give its address, as https://acme.zendesk.com."
        )
    return f"https://{host}" + (f":{port}" if port else "")


def _named_locales(given: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    if wrong := [name for name in names if not _LOCALE.fullmatch(name)]:
        raise KnowledgeError(f"`{wrong[0]}` is no language of a help centre. Give them as `en-us,pt-br`.")
    return tuple(dict.fromkeys(names))


def _audience(given: str | None) -> Audience | None:
    if given is None:
        return None
    if given not in get_args(Audience):
        raise KnowledgeError(f"`restricted={given}` is no audience. Give customer, internal or public.")
    return cast(Audience, given)


def _authorization(options: Mapping[str, str]) -> dict[str, str]:
    email, token = options.get("email"), options.get("token")
    if not email and not token:
        return {}
    if not email or not token:
        raise KnowledgeError("An e-mail address and a token go together. Give `email` and `token=env:NAME`.")
    if ":" in email or not email.isprintable():
        raise KnowledgeError(f"`{email}` is no e-mail address. Give that of the agent whose token it is.")
    basic = base64.b64encode(f"{email}/token:{secret(token)}".encode()).decode()
    return {"Authorization": f"Basic {basic}"}
