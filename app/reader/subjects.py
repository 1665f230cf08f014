"""Values the customer names: domains and hosts, and named things such as a workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.models import Input, Message
from app.reader.text import LONGEST, fold, parted

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
HOST = re.compile(
    rf"(?<![\w@.-])(?:(?P<scheme>https?)://)?(?P<host>(?:{_LABEL}\.)+(?P<top>xn--[a-z0-9-]{{2,}}|[^\W\d_]{{2,24}}))\.?(?![\w@-]|\.\w)(?P<path>/\S*)?",
    re.I,
)
_FILES = frozenset(
    [
        "md",
        "txt",
        "html",
        "htm",
        "pdf",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "csv",
        "json",
        "yaml",
        "yml",
        "js",
        "ts",
        "py",
        "conf",
        "log",
        "zip",
        "xml",
        "php",
        "css",
        "env",
        "exe",
    ]
)
_HOST_KINDS = frozenset({"domain", "host", "hostname", "site", "subdomain"})
_KIND_WORDS = {
    "workspace": "workspace|espaco de trabalho|espacio de trabajo|area de trabalho",
    "project": "project|projeto|proyecto",
    "team": "team|equipe|time|equipo",
    "account": "account|acct|conta|cuenta",
    "device": "device|aparelho|dispositivo|equipo",
    "user": "user|usuario",
    "order": "order|pedido",
    "subscription": "subscription|plan|assinatura|plano|suscripcion",
}


LONGEST_WORD = 300


def ascii_host(host: str) -> str | None:
    """Lower case and punycode; None where it cannot be a host name."""
    host = host.strip(".").lower()
    try:
        plain = host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode("ascii")
    except (UnicodeError, ValueError):
        return None
    return plain if len(plain) <= 253 and all(0 < len(label) <= 63 for label in plain.split(".")) else None


def hosts_in(text: str) -> list[tuple[str, str]]:
    """(normalised host, words as written), in order; the address of a page is not the name of a host."""
    found = []
    # Word by word, and no words longer than a name can be: a crafted one would take seconds.
    words = (word[0] for word in re.finditer(r"\S+", text) if "." in word[0] and len(word[0]) <= LONGEST_WORD)
    for match in (match for word in words for match in HOST.finditer(word)):
        path = match["path"] or ""
        if len(path.rstrip("/.,;)")) > 1 or match["top"].lower() in _FILES:
            continue
        host = ascii_host(match["host"])
        if host and not _sentence_slip(match["host"]):
            found.append((host, match["host"]))
    return found


def _sentence_slip(written: str) -> bool:
    """`done.Now` is two sentences, not a host."""
    parts = written.split(".")
    return len(parts) == 2 and parts[1][:1].isupper() and not parts[0].isupper() and not parts[1].isupper()


def subjects_of(
    messages: Sequence[Message], kinds: Sequence[str], ours: frozenset[str] = frozenset()
) -> tuple[Input, ...]:
    """What the customer named, first mention first. `ours`: hosts of our own pages, which nobody means."""
    kinds = kinds or ("domain",)
    found: dict[tuple[str, str], Input] = {}
    host_kind = next((kind for kind in kinds if kind in _HOST_KINDS), None)
    said = [_Said(m, *_spoken_and_pasted(m.text)) for m in messages if m.role == "customer"]
    if host_kind:
        named = [(one.message, host, as_written) for one in said for host, as_written in hosts_in(one.spoken)]
        # In pasted output other hosts stand beside the customer's own (servers, targets): the first counts.
        named = [one for one in named if one[1] not in ours] or [
            (one.message, *hosts[0]) for one in said for paste in one.pasted if (hosts := hosts_in(paste))
        ]
        for message, host, as_written in named:
            if host not in ours:
                item = Input(name=host_kind, value=host, message=message.id, quote=as_written)
                found.setdefault((host_kind, host), item)
    for one in said:
        for kind in kinds:
            for value in _named(one.spoken, kind) if kind not in _HOST_KINDS else ():
                item = Input(name=kind, value=value, message=one.message.id, quote=value)
                found.setdefault((kind, value.casefold()), item)
    return tuple(found.values())


class _Said(NamedTuple):
    message: Message
    spoken: str
    pasted: tuple[str, ...]


def _spoken_and_pasted(text: str) -> tuple[str, tuple[str, ...]]:
    """The message without what is pasted, quoted or forwarded, and the pastes."""
    kept = list(text[:LONGEST])
    pasted = []
    for kind, piece in parted(text).data:
        kept[piece.start : piece.end] = " " * (piece.end - piece.start)
        if kind == "paste":
            pasted.append(piece.text)
    return "".join(kept), tuple(pasted)


def _named(text: str, kind: str) -> Iterator[str]:
    """`workspace "Blue Team"`, `workspace: blue`, `the Blue workspace`."""
    folded = fold(text)
    word = _KIND_WORDS.get(kind, re.escape(kind.replace("-", " ").replace("_", " ")))
    after = re.compile(
        rf"(?<!\w)(?:{word})(?:s)?(?: (?:named|called|name|is|e|chamad[oa]|llamad[oa]|de destino|id"
        rf"|number|numero|no\.?|#))*\s*[:=#]?\s+"
        r"(?:\"(?P<quoted>[^\"\n]{1,60})\"|(?P<plain>[\w.-]{1,60}(?:[ -][\w.-]{1,60})?))"
    )
    for match in after.finditer(folded):
        group = "quoted" if match["quoted"] else "plain"
        start, end = match.span(group)
        value = text[start:end].strip(" .,;:")
        if group == "quoted" or _looks_named(value):
            first = value if group == "quoted" or _looks_named(value.split()[-1]) else value.split()[0]
            yield first.strip(" .,;:")
    before = re.compile(
        rf"(?:\"(?P<quoted>[^\"\n]{{1,60}})\"|(?<![\w.-])(?P<plain>[\w.-]{1, 60}))\s+(?:{word})(?!\w)"
    )
    for match in before.finditer(folded):
        group = "quoted" if match["quoted"] else "plain"
        start, end = match.span(group)
        value = text[start:end].strip(" .,;:")
        if group == "quoted" or (_looks_named(value) and start > 0 and text[start - 1 : start] == " "):
            yield value


def _looks_named(value: str) -> bool:
    """A name has a capital, a digit or a hyphen."""
    first = value.split(maxsplit=1)[0] if value.split() else ""
    return bool(first) and (
        first[0].isupper() or any(c.isdigit() for c in first) or "-" in first or "_" in first
    )
