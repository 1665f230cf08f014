"""The bytes of a page -> `Page`: decoded, cleaned of what readers cannot see, described and cut."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import cast, get_args

from ingest.chunk import pieces
from ingest.clean import plain_markdown, visible
from ingest.formats import Converted, Refused
from ingest.formats.apart import convert
from ingest.media import FORMATS, TEXT, UNSAID, by_name, media_type
from ingest.sources.source import Fetched
from knowledge.errors import PageError
from knowledge.frontmatter import FrontMatter, split
from knowledge.languages import KNOWN, detected, is_language, language_code, language_folder, translation_key
from knowledge.markdown import parser, plain
from knowledge.model import Audience, Page, Source
from knowledge.procedures import parse_procedure

REVISION = 4
"""Raise it when a page would come out differently: every page is read again at the next sync."""

LARGEST = {
    "md": 2_000_000,
    "mdx": 2_000_000,
    "html": 10_000_000,
    "pdf": 50_000_000,
    "docx": 50_000_000,
}
"""Bytes. What is larger is a log or a dump, not a page."""

_MARKDOWN = frozenset({"md", "mdx"})
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
    kind = _kind(fetched.media, path)
    text, hidden, said = _read(fetched, kind, path)
    front = split(text, path) if kind in _MARKDOWN else FrontMatter({}, {}, (), text, 1)
    digest = _digest(text, fetched)
    procedure = None
    if source.procedures and kind in _MARKDOWN:
        procedure = parse_procedure(
            text,
            path=path,
            document=document_id(source, path),
            version=digest,
            checks=checks,
            actions=actions,
        )
    lang = _language(front, fetched.lang or said.lang, path)
    body = plain_markdown(front.body, lang, mdx=kind == "mdx") or _described(front)
    title = _title(front, fetched.title, said.title, body, path)
    # The anchors of a converted page were made by a program: they set no section apart.
    parts = pieces(body, title, apart=kind in _MARKDOWN)
    if not parts:
        raise PageError(path, front.body_line, "the page holds no text", "Write it, or take the file away.")
    original = front.data.get("translation_of") or fetched.translation_of
    return Page(
        path=path,
        title=title,
        lang=lang,
        updated_at=_updated(front) or said.modified or fetched.modified or datetime.now(UTC),
        version=digest,
        audience=_audience(front, fetched.audience, source, path),
        group=translation_key(original if original and isinstance(original, str) else path),
        text=text,
        metadata=json.dumps(front.data, default=str, ensure_ascii=False),
        pieces=tuple(parts),
        procedure=procedure,
        url=fetched.url,
        hidden=hidden,
    )


def _kind(said: str, path: str) -> str:
    """The format by its media type, and by its name where that says little."""
    media, named = media_type(said), by_name(path)
    kind = FORMATS.get(named or media if media in UNSAID or media == TEXT else media)
    if kind is None:
        what = f"a file of the kind `{media or PurePosixPath(path).suffix[1:].lower()}` cannot be read"
        raise PageError(
            path, 1, what, "Save it as Markdown, HTML, PDF or DOCX, or take it out of the source."
        )
    # Markdown has one media type, whatever its components.
    return "mdx" if kind == "md" and path.lower().endswith(".mdx") else kind


def _read(fetched: Fetched, kind: str, path: str) -> tuple[str, int, Converted]:
    """The text as a reader sees it, how many pieces were hidden, and what else the file says."""
    if len(fetched.raw) > LARGEST[kind]:
        what = f"the file is too big ({len(fetched.raw):,} bytes; {LARGEST[kind]:,} at most)"
        raise PageError(path, 1, what, "Split it, or take it out of the source.")
    said = Converted("")
    if kind in _MARKDOWN:
        text = _decoded(fetched.raw, path)
    else:
        try:
            said = convert(kind, fetched.raw, fetched.url)
        except Refused as no:
            raise PageError(path, 1, no.what, no.fix) from no
        # Nothing that a converted file says may pass for front matter.
        text = said.text.lstrip("-\n ")
    text, hidden = visible(text, mdx=kind == "mdx")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            what = f"the line is longer than {LONGEST_LINE:,} characters"
            raise PageError(path, number, what, "Break it, or keep data out of the page.")
    return text, hidden + said.hidden, said


def _digest(text: str, fetched: Fetched) -> str:
    """A version is the text, and what its source says of it where it says something."""
    audience = fetched.audience or ""
    facts = [fetched.title, fetched.lang, audience, fetched.translation_of, fetched.url]
    said = "\n".join([*facts, ""]) if any(facts) else ""
    return hashlib.sha256(f"{REVISION}\n{said}{text}".encode()).hexdigest()


def document_id(source: Source, path: str) -> str:
    return f"{source.id}:{path}"


def _decoded(raw: bytes, path: str) -> str:
    if b"\0" in raw[:8_000]:
        raise PageError(path, 1, "the file is binary or UTF-16", "Save it as text in UTF-8.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PageError(path, line, f"byte {error.start} is not UTF-8", "Save the file as UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _language(front: FrontMatter, said: str, path: str) -> str:
    """What its author wrote at its top; else what source, file or folder say, which the text may overrule."""
    given = front.data.get("lang") or front.data.get("language")
    if is_language(given):
        return language_code(str(given))
    stated = language_code(said) if is_language(said) else language_folder(path)
    # The detector knows three languages, and takes any other for one of them.
    if stated and (len(front.body) < 400 or stated not in KNOWN):
        return stated
    seen, sure = detected(_NOT_PROSE.sub(" ", front.body[:6_000]))
    # Real help centres keep pages in the wrong folder, and one of them wins every search. Templates
    # say `lang="en"` of whatever they hold.
    return seen if sure >= SURE or not stated else stated


def _audience(front: FrontMatter, known: Audience | None, source: Source, path: str) -> Audience:
    """The narrower of what page and source say: text must not open what a help centre keeps closed."""
    given = front.data.get("audience", source.audience)
    if given not in get_args(Audience):
        fix = f"Use one of: {', '.join(get_args(Audience))}; or leave it out."
        raise PageError(path, front.line("audience"), f"`{given}` is no audience", fix)
    return max(cast(Audience, given), known or "public", key=get_args(Audience).index)


def _described(front: FrontMatter) -> str:
    """Overview pages may have no text but the sentence that describes them."""
    given = front.data.get("description")
    return " ".join(given.split()) if isinstance(given, str) else ""


def _title(front: FrontMatter, known: str, said: str, body: str, path: str) -> str:
    """A help centre keeps the title beside the text, whose first heading is then that of a section."""
    for given in (front.data.get("title"), known, said):
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
