"""A real help centre of 475 files: every page is in, or named with its reason."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.chunk import LARGE, tokens_in
from ingest.extract import extract
from ingest.sources.folder import listing
from ingest.sources.source import Fetched
from knowledge.errors import PageError
from knowledge.model import Page, Source

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "sendgrid-2021"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the measurement pages are not at {CORPUS}"),
]


def read(path: str, raw: bytes) -> Page:
    source = Source(id="real", location=str(CORPUS))
    fetched = Fetched(raw, "text/markdown", datetime(2021, 6, 1, tzinfo=UTC))
    return extract(fetched, path=path, source=source, checks=None, actions=None)


def test_every_page_is_in_or_named_and_nothing_raises_anything_else() -> None:
    pages, reasons = [], {}
    for found in listing(str(CORPUS)).files:
        try:
            pages.append(read(found.path, found.file.read_bytes()))
        except PageError as error:
            reasons[found.path] = str(error)
    assert len(pages) + len(reasons) > 470
    assert all(reason.startswith(path) and reason.endswith(".") for path, reason in reasons.items())
    assert len(reasons) <= 2
    assert {page.lang for page in pages} == {"en"}
    sizes = [tokens_in(piece.text) for page in pages for piece in page.pieces]
    assert sum(size <= LARGE * 1.2 for size in sizes) / len(sizes) > 0.95
    assert sum(size < 40 for size in sizes) / len(sizes) < 0.06
    # Text that a reader would take for rubbish: tags of components, comments, template variables in links.
    visible = "\n".join(p.text for page in pages for p in page.pieces if "```" not in p.text)
    assert "<call-out" not in visible
    assert "<td" not in visible
    assert "]({{root_url}}" not in visible
