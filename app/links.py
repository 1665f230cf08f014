"""Where a help page or a case can be read: the one place that makes addresses."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote

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


def case_link(base: str | None, conversation: str) -> str:
    """Where an agent can open a conversation: from our own root, where nobody says our address."""
    return f"{(base or '').rstrip('/')}/assist#/c/{quote(conversation, safe='')}"
