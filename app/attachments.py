"""What a file is, by its bytes, and what of a text file may be read and kept: pure."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import NamedTuple

from app.models.conversation import Attachment

LONGEST_READ = 8_000
"""Characters of a text file that count as words of its message."""
LONGEST_NAME = 120
REMOVED = "[removed]"

_PICTURES = (
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF87a"),
    ("image/gif", b"GIF89a"),
)
_ENDINGS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
    "application/json": (".json", ".har"),
    "text/plain": (".txt", ".log", ".csv", ".md", ".yaml", ".yml", ".eml", ".zone", ".conf", ".ini"),
}
"""What a name may end in, so that whoever saves the file opens it as what it is."""
_TEXT_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ODD = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
"""What no text has: all of C0 but tabs, line ends, form feeds and the escape of coloured logs."""

_SECRETS = (
    re.compile(
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,10000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    ),
    re.compile(r"\bxox[a-z]-[\w-]{8,}"),
    re.compile(r"\bxapp-[\w-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:sk|rk|pk)[-_][\w-]{16,}"),
    re.compile(r"\bgh[a-z]_\w{30,}"),
    re.compile(r"\bAIza[\w-]{30,}"),
    re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"),
)
_AFTER = (
    re.compile(r"(?i)(\bBearer\s+)[\w.~+/=-]{8,}"),
    # A header in a log, a command or a dump: what stands behind the colon up to the line's or quote's end.
    re.compile(
        r"(?i)((?<![\w-])(?:proxy-)?(?:authorization|set-cookie2?|cookie|x-api-key|x-auth-token)"
        r"[\"']?[ \t]*[:=][ \t]*[\"']?)[^\r\n\"']{3,}"
    ),
    re.compile(
        r"(?i)((?:password|passwd|secret|api_?key|token)[\"'\\]{0,2}[ \t]*[:=][ \t]*[\"'\\]{0,2})"
        r"(?!\[removed\])[^\s\"'\\&,;]{4,}"
    ),
)
_SECRET_NAME = re.compile(
    r"(?i)(?:proxy-)?authorization|(?:set-)?cookie2?|x-api-key|x-auth-token|x-csrf-token"
    r"|.*(?:password|passwd|secret|api_?key|access_?token|refresh_?token|id_?token)"
)


class Taken(NamedTuple):
    """A file that we keep, without the secrets that were recognised in it."""

    attachment: Attachment
    content: bytes


class Unfit(NamedTuple):
    """A file that we do not take, and what would do."""

    code: str
    message: str
    fix: str


EMPTY = Unfit("empty_file", "The file is empty.", "Send one with something in it.")
UNKNOWN = Unfit(
    "unknown_file",
    "This is no kind of file that we take.",
    "Send a picture (PNG, JPEG, GIF, WebP), a PDF, or a text, log, JSON or HAR file.",
)


def take_in(id: str, name: str, content: bytes) -> Taken | Unfit:
    """The file as it is kept. The name and the sender's word for its type say nothing of what it is."""
    if not content:
        return EMPTY
    type, text = picture_or_pdf(content), ""
    if type is None:
        read = decoded(content)
        if read is None:
            return UNKNOWN
        type, whole, text = as_text(read)
        if whole != read:
            content = whole.encode()
    attachment = Attachment(id=id, name=safe_name(name, type), type=type, size=len(content), text=text)
    return Taken(attachment, content)


def picture_or_pdf(content: bytes) -> str | None:
    for type, start in _PICTURES:
        if content.startswith(start):
            return type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if content.startswith(b"%PDF-") else None


def decoded(content: bytes) -> str | None:
    """The characters of a text file; None for anything else."""
    encodings = [name for mark, name in _TEXT_MARKS if content.startswith(mark)] or ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _ODD.search(text):
            return None
        if encoding == "cp1252" and sum(char > "\x7f" for char in text) * 3 > len(text):
            return None  # any bytes are cp1252: mostly foreign letters is no text
        return text
    return None


def as_text(text: str) -> tuple[str, str, str]:
    """Type of a text, the text as it is kept, and the beginning that is read."""
    try:
        parsed = json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
    except (ValueError, RecursionError):
        parsed = None
    kept = text
    if parsed is not None:
        try:
            bare = _without_secrets(parsed)
        except RecursionError:
            return "text/plain", redacted(text), readable(redacted(text))
        if bare != parsed:
            kept = json.dumps(bare, ensure_ascii=False, indent=1)
    kept = redacted(kept)
    return ("text/plain" if parsed is None else "application/json"), kept, readable(kept)


def readable(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", text)[:LONGEST_READ]


def redacted(text: str) -> str:
    """Keys and credentials that we know by their looks are taken out."""
    for pattern in _SECRETS:
        text = pattern.sub(REMOVED, text)
    for pattern in _AFTER:
        text = pattern.sub(rf"\1{REMOVED}", text)
    return text


def _without_secrets(node: object) -> object:
    """JSON such as a HAR, which keeps a header as a name and a value beside each other."""
    if isinstance(node, list):
        return [_without_secrets(inner) for inner in node]
    if isinstance(node, str) and node[:1] in ("{", "["):
        return _inside(node)
    if not isinstance(node, dict):
        return node
    named = isinstance(node.get("name"), str) and _SECRET_NAME.fullmatch(node["name"]) is not None
    found: dict[str, object] = {}
    for key, value in node.items():
        if isinstance(value, str) and value and ((named and key == "value") or _SECRET_NAME.fullmatch(key)):
            found[key] = REMOVED
        elif key == "cookies" and isinstance(value, list):
            found[key] = [_cookie(inner) for inner in value]
        else:
            found[key] = _without_secrets(value)
    return found


def _inside(text: str) -> str:
    """JSON in a string, as a HAR keeps a body."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return text
    bare = _without_secrets(parsed)
    return text if bare == parsed else json.dumps(bare, ensure_ascii=False)


def _cookie(node: object) -> object:
    if isinstance(node, dict) and isinstance(node.get("value"), str):
        return node | {"value": REMOVED}
    return _without_secrets(node)


def safe_name(name: str, type: str) -> str:
    """A name to show and to save under: one line, no folders, and an ending that fits the bytes."""
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in last)
    last = re.sub(r'[<>:"|?*]', "_", " ".join(last.split())).strip(". ")
    endings = _ENDINGS[type]
    stem, _, ending = last.rpartition(".")
    if not last.lower().endswith(endings):
        stem, ending = last, endings[0].lstrip(".")
    stem = stem[: LONGEST_NAME - len(ending) - 1].rstrip() or "file"
    return f"{stem}.{ending}"
