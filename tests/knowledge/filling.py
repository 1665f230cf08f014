"""Pages as files, and a `Knowledge` that has taken them in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ingest.report import SyncReport
from ingest.sync import sync
from knowledge.embedding import Encoder
from knowledge.model import Source
from knowledge.store import Knowledge


def written(folder: Path, pages: Mapping[str, str]) -> Path:
    for path, text in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def take_in(knowledge: Knowledge, docs: Path) -> SyncReport:
    """The pages of the folder as source `docs`."""
    return sync(knowledge, Source(id="docs", location=str(docs)), checks=None, actions=None)


def opened(data: Path, docs: Path, encoder: Encoder) -> Knowledge:
    """On a data folder that has taken in the pages."""
    knowledge = Knowledge.open(data, encoder=encoder)
    take_in(knowledge, docs)
    return knowledge
