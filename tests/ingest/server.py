"""A source in memory that behaves like a server, and an encoder that costs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from knowledge.embedding import Vectors
from knowledge.errors import SourceUnreadable


class Server:
    """Pages by path; what a test sets, it does."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self.pages = dict(pages)
        self.gone: set[str] = set()
        """Listed, and answered with 404."""
        self.no_page: dict[str, str] = {}
        """Listed, and no document of its own, with the reason."""
        self.failing: set[str] = set()
        self.unreadable: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []
        self.down = False
        self.conditional = True
        """Whether it tells and honours etags."""
        self.stamped = False
        """Whether its listing tells when a page may have changed."""
        self.fetched: list[str] = []
        self.told: dict[str, Fetched] = {}
        """What it says of a page beside its text."""

    def listing(self, known: Mapping[str, str]) -> Listing:
        if self.down:
            raise SourceUnreadable("the server is down. Try again later.")
        paths = sorted({*self.pages, *self.gone})
        stamps = {path: self._etag(path) if self.stamped else "" for path in paths}
        return Listing([Found(path, stamps[path]) for path in paths], self.unreadable, self.refused)

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        self.fetched.append(found.path)
        if found.path in self.gone:
            return Gone()
        if found.path in self.no_page:
            return Gone(self.no_page[found.path])
        if found.path in self.failing:
            return Failed(f"{found.path}: the server answered 500. It is tried again at the next sync.")
        etag = self._etag(found.path) if self.conditional else ""
        if stamp and stamp == etag:
            return Unchanged()
        page = Fetched(self.pages[found.path].encode(), "text/markdown", stamp=etag)
        told = self.told.get(found.path)
        return page if told is None else told._replace(raw=page.raw, stamp=etag)

    def _etag(self, path: str) -> str:
        return hashlib.sha256(self.pages.get(path, "").encode()).hexdigest()[:12]


class Digests:
    """Vectors from digests of the texts, in the shape of the default encoder's."""

    name = "digests"
    dimensions = 384

    def __init__(self) -> None:
        self.texts = 0

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
        rows = np.array([np.random.default_rng(seed).standard_normal(self.dimensions) for seed in seeds])
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit
