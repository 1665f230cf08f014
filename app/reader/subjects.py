"""Values the customer names: domains and hosts, and named things such as a workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.asking import ends_in_question
from app.models.conversation import Message
from app.models.reading import Input
from app.reader import wishes
from app.reader.cues import either, listed
from app.reader.text import LONGEST_MESSAGE, fold, parted, without

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
HOST_KINDS = frozenset({"domain", "host", "hostname", "site", "subdomain"})
_KIND_WORDS = {
    "workspace": "workspace|espaco(?: de trabalho)?|espacio(?: de trabajo)?|area de trabalho",
    "project": "project|projeto|proyecto",
    "team": "team|equipe|time|equipo",
    "account": "account|acct|conta|cuenta",
    "device": "device|aparelho|dispositivo|equipo",
    "user": "user|usuario",
    "order": "order|pedido",
    "subscription": "subscription|plan|assinatura|plano|suscripcion",
}

_LETTERED = frozenset(_KIND_WORDS) - {"workspace", "project", "team"}
"""Kinds whose things have numbers and addresses rather than names: a plain word beside them is no name."""
_WORD = r"[^\W_][\w-]{0,59}(?:\.[\w-]+)*"
_TOWARDS = (
    r"(?:to|into|onto|in|inside|under|for|as|a|al|ao|para|pra|pro|p/|no|na|en|dentro d[eo]|por)"
    r"(?:[ \t]+(?:the|our|my|a|o|el|la|um|un|nosso|nossa|nuestr[oa]|meu|minha|mi))?"
)
_OURS = r"(?:the|our|my)"
_CALLED = r"(?:named|called|name|is|e|chamad[oa]|llamad[oa]|de destino|id|number|numero|no\.?|#)"
_NAMELESS = frozenset(listed("nameless")) | frozenset(listed("stop"))
_POINTING = re.compile("|".join((either("pointing"), *_KIND_WORDS.values())))


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


_NAMED = re.compile(r"(?: (?:for|on|in|at|the|o|a|no|na|em|para|pra|en|el|la))* ?\S+\.\S+")


def _without_left_out(text: str) -> str:
    """What is named to be left out is not what it is about."""
    plain = fold(text)
    for cue in reversed(list(wishes.EXCEPT.finditer(plain))):
        named = _NAMED.match(plain, cue.end())
        if named is not None:
            text = f"{text[: cue.start()]} {text[named.end() :]}"
    return text


def subjects_of(
    messages: Sequence[Message], kinds: Sequence[str], ours: frozenset[str] = frozenset()
) -> tuple[Input, ...]:
    """What the customer named, first mention first. `ours`: hosts of our own pages, which nobody means."""
    kinds = kinds or ("domain",)
    found: dict[tuple[str, str], Input] = {}
    host_kind = next((kind for kind in kinds if kind in HOST_KINDS), None)
    said = [_Said(m, without(m.text), pastes(m.text)) for m in messages if m.role == "customer"]
    if host_kind:
        named = [
            (one.message, host, as_written)
            for one in said
            for host, as_written in hosts_in(_without_left_out(one.spoken))
        ]
        # In pasted output other hosts stand beside the customer's own (servers, targets): the first counts.
        named = [one for one in named if one[1] not in ours] or [
            (one.message, *hosts[0]) for one in said for paste in one.pasted if (hosts := hosts_in(paste))
        ]
        for message, host, as_written in named:
            if host not in ours:
                item = Input(name=host_kind, value=host, message=message.id, quote=as_written)
                found.setdefault((host_kind, host), item)
    asked = _asked_before(messages)
    for kind in (kind for kind in kinds if kind not in HOST_KINDS):
        for item in _things(said, kind, asked):
            found.setdefault((kind, item.value.casefold()), item)
    return tuple(found.values())


class _Said(NamedTuple):
    message: Message
    spoken: str
    pasted: tuple[str, ...]


def _asked_before(messages: Sequence[Message]) -> dict[str, str]:
    """Message of the customer -> our last words before it, folded, where they ask something."""
    asked: dict[str, str] = {}
    ours = ""
    for message in messages:
        if message.role != "customer":
            ours = fold(message.text[:LONGEST_MESSAGE])
        elif ends_in_question(ours):
            asked[message.id] = ours
    return asked


def _things(said: Sequence[_Said], kind: str, asked: dict[str, str]) -> list[Input]:
    """Named things of one kind; an answer to our question which one it is settles what was named before."""
    found: list[Input] = []
    for one in said:
        values = list(_named(one.spoken, kind))
        if not values and _asks_which(asked.get(one.message.id, ""), kind):
            values = list(_answered(one.spoken))
            found = [] if values else found
        found += [Input(name=kind, value=v, message=one.message.id, quote=v) for v in values]
    return found


def known_among(names: Sequence[str], messages: Sequence[Message], kind: str) -> tuple[str, ...]:
    """Which of the names that an account has the customer says; those of the newest message that has any.

    A name may be an everyday word: it counts where something is moved to it (`over to marketing`, `no
    marketing`), beside the word for its kind, and in an answer to the question which one it is.
    """
    asked = _asked_before(messages)
    for message in reversed(messages):
        if message.role != "customer":
            continue
        spoken = without(message.text)
        answers = _asks_which(asked.get(message.id, ""), kind)
        found = tuple(name for name in names if _is_meant(name, fold(spoken), kind, answers=answers))
        if found:
            return found
    return ()


def _is_meant(name: str, folded: str, kind: str, *, answers: bool) -> bool:
    written = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", fold(name))))
    whole = rf"(?<![\w.-]){written}(?![\w-]|\.\w)"
    if answers:
        return re.search(whole, folded) is not None
    word = rf"(?<!\w)(?:{_kind_word(kind)})s?(?!\w)"
    near = rf"{word}(?:[ \t,:]+\w+){{0,6}}[^\w.!?\n]+{whole}|{whole}(?:[ \t]+\w+)?[ \t]+{word}"
    return re.search(rf"(?<!\w){_TOWARDS}\W+{whole}|(?:->|=>|→)\s*{whole}|{near}", folded) is not None


def _kind_word(kind: str) -> str:
    return _KIND_WORDS.get(kind, re.escape(kind.replace("-", " ").replace("_", " ")))


_OF_IT = r"(?:is|e|es|the|o|a|el|la|your|seu|su|nome|name|nombre|do|da|del|de|of)"


def _asks_which(ours: str, kind: str) -> bool:
    """`Which workspace is this about?`; a question how far they are names the kind and asks for no name."""
    which = rf"(?:which|what|que|qual|cual)(?:[ \t]+{_OF_IT})*[ \t]+(?:{_kind_word(kind)})(?!\w)"
    return any(re.search(which, part) for part in re.findall(r"[^.!\n]*\?", ours))


def _answered(text: str) -> Iterator[str]:
    """The name in a short answer: what is left of it without words that only point to it."""
    if len(text.split()) > 9 or "?" in text:
        return
    folded = fold(text)
    if quoted := re.search(r"\"([^\"\n]{1,60})\"", folded):
        yield text[slice(*quoted.span(1))].strip()
        return
    left = [
        match
        for match in re.finditer(rf"{_WORD}(?:'[a-z]+)?", folded)
        if match[0] not in _NAMELESS and not _POINTING.fullmatch(match[0])
    ]
    if len(left) == 1 or (len(left) == 2 and not text[left[0].end() : left[1].start()].strip()):
        yield text[left[0].start() : left[-1].end()]


def pastes(text: str) -> tuple[str, ...]:
    return tuple(piece.text for kind, piece in parted(text).data if kind in ("paste", "code"))


def _named(text: str, kind: str) -> Iterator[str]:
    """`workspace "Blue Team"`, `workspace: blue`, `the Blue workspace`, `into workspace blue`."""
    folded = fold(text)
    for match in _after(kind).finditer(folded):
        if match["quoted"]:
            yield text[slice(*match.span("quoted"))].strip(" .,;:")
            continue
        value = text[slice(*match.span("plain"))]
        more = text[slice(*match.span("more"))] if match["more"] else ""
        if _looks_named(value):
            yield f"{value}{more}" if more and _looks_named(more.strip(" -")) else value
        elif match["colon"] or (match["towards"] and not match["called"]):
            yield from (value for _ in range(_may_be_plain(value, kind)))
    for match in _before(kind).finditer(folded):
        group = "quoted" if match["quoted"] else "plain"
        start, end = match.span(group)
        value = text[start:end].strip(" .,;:")
        named = _looks_named(value) and start > 0 and text[start - 1 : start] == " "
        if group == "quoted" or named or (match["ours"] and _may_be_plain(value, kind)):
            yield value


def _after(kind: str) -> re.Pattern[str]:
    # Blanks only: a name does not go on in the next line or sentence.
    return re.compile(
        rf"(?:(?<!\w)(?P<towards>{_TOWARDS})[ \t]+)?(?<!\w)(?:{_kind_word(kind)})s?"
        rf"(?P<called>(?: {_CALLED})*)"
        rf"(?:[ \t]*(?P<colon>[:=])[ \t]*|[ \t]*#?[ \t]+)"
        rf"(?:\"(?P<quoted>[^\"\n]{{1,60}})\"|(?P<plain>{_WORD})(?P<more>[ -]{_WORD})?)"
    )


def _before(kind: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?<!\w)(?P<ours>{_TOWARDS}[ \t]+|{_OURS}[ \t]+))?"
        rf"(?:\"(?P<quoted>[^\"\n]{{1,60}})\"|(?<![\w.-])(?P<plain>{_WORD}))[ \t]+"
        rf"(?:{_kind_word(kind)})(?!\w)"
    )


def _may_be_plain(value: str, kind: str) -> bool:
    """`into workspace campaigns`: a word in small letters that is no general word is a name there."""
    return kind not in _LETTERED and len(value) > 2 and fold(value) not in _NAMELESS


def _looks_named(value: str) -> bool:
    """A name has a capital, a digit or a hyphen, and is no word that only begins a sentence."""
    first = value.split(maxsplit=1)[0] if value.split() else ""
    if not first or fold(first) in _NAMELESS:
        return False
    return first[0].isupper() or any(c.isdigit() for c in first) or "-" in first or "_" in first
