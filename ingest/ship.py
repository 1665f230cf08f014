"""Writes `knowledge/shipped/pages.npz`, so that a first start embeds nothing: `python -m ingest.ship`.

Run it after a page in `knowledge/pages` changed; a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path

from ingest.extract import extract
from ingest.sources.folder import listing
from ingest.sources.source import Fetched
from knowledge.embedding import CachedEncoder, default_encoder, export_cache, import_cache
from knowledge.index import texts_of
from knowledge.model import Source
from knowledge.store import DEFAULT_SOURCE, SHIPPED, sketches

PAGES = SHIPPED.parents[1] / "pages"


def shipped_texts(pages: Path = PAGES) -> list[str]:
    """Every text that taking in these pages and choosing between their procedures embeds."""
    source = Source(id=DEFAULT_SOURCE, location=str(pages), procedures=True)
    texts: dict[str, None] = {}
    for found in listing(str(pages)).files:
        page = extract(
            Fetched(found.file.read_bytes(), "text/markdown"),
            path=found.path,
            source=source,
            checks=None,
            actions=None,
        )
        for piece in page.pieces:
            texts |= dict.fromkeys(texts_of(page.title, piece.heading_path, piece.text))
        if page.procedure:
            texts |= dict.fromkeys(text for _, text in sketches(page.procedure))
    return list(texts)


def ship(cached: CachedEncoder, file: Path = SHIPPED) -> int:
    """Computes what is new and drops what is gone; returns how many vectors there are."""
    if file.is_file():
        import_cache(cached, file)
    return export_cache(cached, file, shipped_texts())


if __name__ == "__main__":
    encoder = CachedEncoder(default_encoder(Path.home() / ".cache" / "stepfour"))
    print(f"{SHIPPED}: {ship(encoder)} vectors, {SHIPPED.stat().st_size // 1024} KiB")
