"""What we say in Chatwoot: notes for agents, and replies whose links lead to pages of ours alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Protocol

from app.announcing import solved_answers
from app.channels.chatwoot.core import NO, YES
from app.links import case_link, leads_to
from app.texts import label, say
from knowledge.model import Citation

LONGEST = 20_000
"""Of a message: a note that nobody can scroll through helps nobody."""
_PIECE = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]+`)"
    r"|!\[(?P<alt>[^\]\n]*)\]\([^)\n]*\)"
    r"|\[(?P<words>[^\[\]\n]*)\]\((?P<target>[^)\s]+)(?:\s+\"[^\"\n]*\")?\)"
    r"|(?P<url>(?:https?|ftp|file|javascript|data):[^\s<>()\[\]`]+)",
    re.DOTALL | re.IGNORECASE,
)


class Places(Protocol):
    """Settings that say where we and our pages are reached."""

    @property
    def public_url(self) -> str | None: ...
    @property
    def help_url(self) -> str | None: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


def public_url(places: Places) -> str:
    return (places.public_url or f"http://{places.host}:{places.port}").rstrip("/")


def agents_page(places: Places, conversation: str) -> str:
    """Where an agent sees everything about a conversation, and decides."""
    return case_link(public_url(places), conversation)


def safe(text: str, places: Places, also: Collection[str] = ()) -> str:
    """Markdown whose links lead to our help pages, to us or to `also`, absolute; no image, code stays code.

    What a page or a customer wrote may stand in it, and Chatwoot would make any address a link to press.
    """
    bases = [public_url(places), *([places.help_url.rstrip("/")] if places.help_url else [])]

    def leads(target: str) -> bool:
        return target in also or leads_to(target, bases)

    def piece(found: re.Match[str]) -> str:
        if found["code"]:
            return found["code"]
        if found["alt"] is not None:
            return found["alt"]
        if found["url"]:
            return found["url"] if leads(found["url"]) else f"`{found['url'].replace('`', '')}`"
        target = found["target"]
        if target.startswith("/") and not target.startswith("//"):
            target = f"{bases[0]}{target}"
        return f"[{found['words']}]({target})" if leads(target) else found["words"]

    return _PIECE.sub(piece, text)[:LONGEST]


def options(lang: str) -> list[dict[str, str]]:
    """Items of the question whether it is solved."""
    yes, no = solved_answers(lang)
    return [{"title": yes, "value": YES}, {"title": no, "value": NO}]


def suggestion_note(text: str, citations: Sequence[Citation], because: str, *, lang: str, page: str) -> str:
    """A reply that waits for an agent, as a private note."""
    sources = [f"- {label(each.title)}: {label(each.quote)}" for each in citations]
    parts = (
        f"**{say(lang, 'chatwoot.suggestion')}**",
        text,
        "\n".join([f"{say(lang, 'chatwoot.sources')}:", *sources]) if sources else "",
        say(lang, "chatwoot.because", because=label(because)),
        f"[{say(lang, 'chatwoot.send_it')}]({page})",
    )
    return "\n\n".join(filter(None, parts))


def approval_note(title: str, *, by_customer: bool, lang: str, page: str) -> str:
    """Something waits for a yes, which nobody can say in a chat."""
    key = "chatwoot.approval_customer" if by_customer else "chatwoot.approval"
    return f"**{say(lang, key, title=label(title))}**\n\n[{say(lang, 'chatwoot.look')}]({page})"


def ended_note(title: str, state: str, by: str | None, *, lang: str) -> str:
    """How something that waited for a yes ended."""
    said = say(lang, f"dossier.request.{state}")
    return f"**{label(title)}**: {said}{f' ({label(by)})' if by else ''}"


def dossier_note(text: str, *, again: bool, lang: str, page: str) -> str:
    first = say(lang, "chatwoot.reopened" if again else "chatwoot.handoff")
    return f"**{first}**\n\n{text}\n\n[{say(lang, 'chatwoot.look')}]({page})"


def by_name(name: str | None, text: str) -> str:
    """An agent's words, which the bot carries over: the customer sees whose they are."""
    return f"**{label(name)}:** {text}" if name else text
