"""The bytes of a page -> `Page`: decoded, cleaned of what readers cannot see, described and cut."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from typing import cast, get_args

from ingest.chunk import pieces
from ingest.clean import plain_markdown, visible
from ingest.sources.source import Fetched
from knowledge.errors import PageError
from knowledge.frontmatter import FrontMatter, split
from knowledge.languages import detected, is_language, language_code, language_folder, translation_key
from knowledge.markdown import parser, plain
from knowledge.model import Audience, Page, Source
from knowledge.procedures import parse_procedure

REVISION = 2
"""Raise it when a page would come out differently: every page is read again at the next sync."""

LARGEST = 2_000_000
"""Bytes. What is larger is a log or a dump, not a page."""

_NOT_PROSE = re.compile(r"```.*?```|`[^`]*`|<[^<>]*>|[^\s/_={}]{0,80}[/_={}]\S{0,200}", re.DOTALL)

LONGEST_LINE = 20_000
"""Characters. Parsing takes longer than in proportion to the length of a line."""

SURE = 0.9
"""How sure the detector must be, on a long text, to overrule the folder a page lies in."""


def extract(
    fetched: Fetched,
    *,
    path: str,
    source: Source,
    checks: frozenset[str] | None,
    actions: frozenset[str] | None,
) -> Page:
    """Raises `PageError` with the reason and what to do about it."""
    text, _ = visible(_decoded(fetched.raw, path))
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            what = f"the line is longer than {LONGEST_LINE:,} characters"
            raise PageError(path, number, what, "Break it, or keep data out of the page.")
    front = split(text, path)
    digest = hashlib.sha256(f"{REVISION}\n{text}".encode()).hexdigest()
    procedure = None
    if source.procedures:
        procedure = parse_procedure(
            text,
            path=path,
            document=document_id(source, path),
            version=digest,
            checks=checks,
            actions=actions,
        )
    lang = language_code(fetched.lang) if fetched.lang and not _told(front) else _language(front, path)
    body = plain_markdown(front.body, lang, mdx=path.endswith(".mdx"))
    title = fetched.title if fetched.title and not front.data.get("title") else _title(front, body, path)
    parts = pieces(body, title)
    if not parts:
        raise PageError(path, front.body_line, "the page holds no text", "Write it, or take the file away.")
    original = front.data.get("translation_of") or fetched.translation_of or path
    return Page(
        path=path,
        title=title,
        lang=lang,
        updated_at=_updated(front) or fetched.modified or datetime.now(UTC),
        version=digest,
        audience=_audience(front, fetched.audience or source.audience, path),
        group=translation_key(original if isinstance(original, str) else path),
        text=text,
        metadata=json.dumps(front.data, default=str, ensure_ascii=False),
        pieces=tuple(parts),
        procedure=procedure,
        url=fetched.url,
    )


def document_id(source: Source, path: str) -> str:
    return f"{source.id}:{path}"


def _decoded(raw: bytes, path: str) -> str:
    if len(raw) > LARGEST:
        fix = "Split it, or take it out of the source."
        raise PageError(path, 1, f"the file is too big ({len(raw):,} bytes; {LARGEST:,} at most)", fix)
    if b"\0" in raw[:8_000]:
        raise PageError(path, 1, "the file is binary or UTF-16", "Save it as text in UTF-8.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PageError(path, line, f"byte {error.start} is not UTF-8", "Save the file as UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _told(front: FrontMatter) -> object:
    return front.data.get("lang") or front.data.get("language")


def _language(front: FrontMatter, path: str) -> str:
    given = _told(front)
    if is_language(given):
        return language_code(str(given))
    folder = language_folder(path)
    if folder and len(front.body) < 400:
        return folder
    seen, sure = detected(_NOT_PROSE.sub(" ", front.body[:6_000]))
    # Real help centres keep pages in the wrong folder, and one of them wins every search.
    return seen if sure >= SURE or not folder else folder


def _audience(front: FrontMatter, usual: Audience, path: str) -> Audience:
    given = front.data.get("audience", usual)
    if given not in get_args(Audience):
        fix = f"Use one of: {', '.join(get_args(Audience))}; or leave it out."
        raise PageError(path, front.line("audience"), f"`{given}` is no audience", fix)
    return cast(Audience, given)


def _title(front: FrontMatter, body: str, path: str) -> str:
    given = front.data.get("title")
    if given is not None and str(given).strip():
        return " ".join(str(given).split())
    tokens = parser().parse(body[:5_000])
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h1":
            return re.sub(r"\s*\{#[^}]*\}$", "", plain(tokens[at + 1])) or path
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return name.replace("-", " ").replace("_", " ").strip().capitalize() or path


def _updated(front: FrontMatter) -> datetime | None:
    for key in ("updated", "last_updated", "lastmod", "last_modified", "date"):
        given = front.data.get(key)
        if isinstance(given, str):
            try:
                given = datetime.fromisoformat(given)
            except ValueError:
                continue
        if isinstance(given, datetime):
            return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
        if isinstance(given, date):
            return datetime(given.year, given.month, given.day, tzinfo=UTC)
    return None
