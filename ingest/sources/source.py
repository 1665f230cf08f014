"""What every kind of source says of itself: what is there now, and the bytes of one document.

A kind of source is a class with `listing` and `fetch`. A sync calls `listing` once, then `fetch` for what
is new or may have changed, one document at a time, in one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from knowledge.model import Audience


class Found(NamedTuple):
    """A document that the source has now."""

    path: str
    """Its place inside the source, with forward slashes: the same at every listing, named by citations."""
    stamp: str
    """Changes when the document may have changed (a tree hash, an update time, size and time of a file).
    Empty: it has to be fetched to know."""


class Listing(NamedTuple):
    """All that the source has now."""

    found: list[Found]
    unreadable: list[tuple[str, str]]
    """(path, reason) of what could not be looked at. Where there is something, nothing is missing."""
    refused: list[tuple[str, str]]
    """(path, reason) of what is there and is not taken."""


class Fetched(NamedTuple):
    """The bytes of a document with what its source knows of it; empty or None is not known."""

    raw: bytes
    media: str
    """Media type without parameters: `text/markdown`, `text/html`, `application/pdf` ..."""
    modified: datetime | None = None
    stamp: str = ""
    """The stamp of these bytes, where fetching told it (an ETag): compared before the next fetch."""
    url: str = ""
    """Where people read it."""
    title: str = ""
    lang: str = ""
    audience: Audience | None = None
    translation_of: str = ""
    """`path` of the page in this source that it translates."""


class Unchanged(NamedTuple):
    """It is as it was when it had the stamp that `fetch` was given."""


class Gone(NamedTuple):
    """The source says that it is no more (404, 410): it leaves every answer at once."""


class Failed(NamedTuple):
    """It is there and could not be had: the version before it stays."""

    reason: str
    """For people, with what to do next."""


class Connector(Protocol):
    """A kind of source, opened at one location."""

    def listing(self, known: Mapping[str, str]) -> Listing:
        """`known` is path -> stamp of the last sync. Raises `SourceUnreadable` if nothing can be listed."""

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        """`stamp` is what `Fetched.stamp` was last time, or empty. Never raises for what a server does."""
