"""The pages that replies rest on, as an agent sees them: where they are read, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.citing import moved
from app.events import CitedSource
from app.links import Places
from knowledge.model import Citation, Cited, Fate


class Shelf(NamedTuple):
    """Where pages can be read, and what became of them."""

    places: Places
    became: Mapping[Cited, Fate]


def sources(citations: Sequence[Citation], shelf: Shelf) -> tuple[CitedSource, ...]:
    """Numbered as [n] in the text."""
    return tuple(_source(n, cited, shelf) for n, cited in enumerate(citations, start=1))


def _source(n: int, cited: Citation, shelf: Shelf) -> CitedSource:
    fate = shelf.became.get(cited_key(cited))
    now_at = fate.now_at if fate else None
    return CitedSource(
        n=n,
        document=cited.document,
        title=cited.title,
        path=cited.path,
        anchor=cited.anchor,
        url=shelf.places.page(moved(cited.document, cited.path, now_at), now_at or cited.path, cited.anchor),
        quote=cited.quote,
        updated_at=cited.updated_at,
        lang=cited.lang,
        became=fate.became if fate else None,
        now_at=now_at,
    )


def cited_key(citation: Citation) -> Cited:
    return Cited(path=citation.path, quote=citation.quote, updated_at=citation.updated_at)
