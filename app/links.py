"""Where a help page or a case can be read: the one place that makes addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote, urlsplit

OWN = "/help/"


class LinkSettings(Protocol):
    @property
    def help_url(self) -> str | None: ...
    @property
    def public_url(self) -> str | None: ...


def help_link(settings: LinkSettings, path: str, anchor: str | None = None) -> str:
    """Address of a page (by its place in its source) and of a heading in it.

    Where the site publishes its pages, else our own /help/: absolute where `public_url` is set, else from
    the root of wherever we were reached at.
    """
    base = settings.help_url or f"{(settings.public_url or '').rstrip('/')}{OWN}"
    place = quote(path.removesuffix(".md").lstrip("/"), safe="/")
    return f"{base.rstrip('/')}/{place}{f'#{quote(anchor)}' if anchor else ''}"


def leads_to(target: str, bases: Sequence[str]) -> bool:
    """Whether an address is at or below one of these; the only places that links of ours lead to.

    A base from our own root (`/help/`) takes addresses from there. What browsers read in another way than it
    is written leads nowhere; nor does a host alone: the next letter in the text could become part of it.
    """
    if re.search(r"[\s\\<>\"'`|\x00-\x20\x7f]", target):
        return False
    try:
        at = urlsplit(target)
    except ValueError:
        return False
    for base in bases:
        ours = urlsplit(base)
        inside = at.path == ours.path != "" or at.path.startswith(f"{ours.path.rstrip('/')}/")
        if (at.scheme, at.netloc) == (ours.scheme, ours.netloc) and inside and ".." not in at.path:
            return True
    return False


def help_bases(settings: LinkSettings) -> tuple[str, ...]:
    """Where help pages can be read: what links of a reply may lead to."""
    own = f"{(settings.public_url or '').rstrip('/')}{OWN}"
    return tuple(dict.fromkeys((OWN, own, *([settings.help_url] if settings.help_url else []))))


def case_link(base: str | None, conversation: str) -> str:
    """Where an agent can open a conversation: from our own root, where nobody says our address."""
    return f"{(base or '').rstrip('/')}/assist#/c/{quote(conversation, safe='')}"
