"""Where a page or a case can be read, and so where links may lead: the one place that decides it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from knowledge.model import Address

OWN = "/help/"
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]`\"]+")


class LinkSettings(Protocol):
    @property
    def help_url(self) -> str | None: ...
    @property
    def public_url(self) -> str | None: ...


@dataclass(frozen=True)
class Places:
    """Where pages are read, and so where links of ours lead: below the help pages, and to the very addresses
    of pages on the company's own sites. What else such a site has at other addresses, nobody has read."""

    settings: LinkSettings
    addresses: Mapping[str, Address] = field(default_factory=dict)
    """Of the pages of sites, by document."""

    def page(self, document: str, path: str, anchor: str | None = None) -> str | None:
        """Where a page can be read, at that heading; None where its site has no such page any more."""
        address = self.addresses.get(document)
        if address is not None and address.url:
            return _of(address, anchor)
        if address is None and document.partition(":")[0] in self._sites:
            return None
        return help_link(self.settings, path, anchor)

    def lead(self, target: str) -> str | None:
        """Where a link may lead: as it is written, without a heading that its page has not; else nowhere."""
        if leads_to(target, self._bases):
            return target
        url, _, anchor = target.partition("#")
        address = self._at.get(url)
        return _of(address, unquote(anchor)) if address is not None else None

    def on_sites(self, text: str) -> tuple[str, ...]:
        """Addresses in a text that lead to pages of the company's own sites."""
        found = (each[0].rstrip(".,;:!?'\"*_") for each in _ADDRESS.finditer(text))
        return tuple(
            dict.fromkeys(each for each in found if each.partition("#")[0] in self._at and self.lead(each))
        )

    @cached_property
    def _bases(self) -> tuple[str, ...]:
        return help_bases(self.settings)

    @cached_property
    def _at(self) -> Mapping[str, Address]:
        return {address.url: address for address in self.addresses.values() if address.url}

    @cached_property
    def _sites(self) -> Collection[str]:
        return {document.partition(":")[0] for document in self.addresses}


def _of(address: Address, anchor: str | None) -> str:
    """Of a heading, where the page has it; else of the page."""
    return f"{address.url}#{quote(anchor)}" if anchor and anchor in address.anchors else address.url


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
