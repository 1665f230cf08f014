"""What the listing of a website comes to, within its limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.sources.places import Place
from ingest.sources.sitemap import Entry
from ingest.sources.source import Found, Listing

MOST_REFUSED = 100
"""Refusals named one by one."""


@dataclass
class Survey:
    """What a listing has come to so far."""

    most: int
    pages: dict[str, Entry] = field(default_factory=dict)
    """Path -> how the list names it."""
    places: dict[str, Place] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    more_refused: int = 0
    full: bool = False

    def add(self, there: Place, entry: Entry) -> None:
        if there.path in self.pages or self.full:
            return
        if len(self.pages) >= self.most:
            self.stop(there.path)
            return
        self.pages[there.path] = entry
        self.places[there.path] = there

    def stop(self, path: str) -> None:
        self.full = True
        fix = "Raise `pages`, or say with `include` and `exclude` what belongs to it."
        self.unreadable.append(
            (path, f"the site has more than {self.most} pages, the rest is not read. {fix}")
        )

    def refuse(self, path: str, reason: str) -> None:
        if len(self.refused) < MOST_REFUSED:
            self.refused.append((path[:200], reason))
        else:
            self.more_refused += 1

    def listing(self) -> Listing:
        if self.more_refused:
            self.refused.append(("", f"and {self.more_refused} more, not named here."))
        return Listing([Found(path, "") for path in self.pages], self.unreadable, self.refused)
