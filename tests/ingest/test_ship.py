"""The shipped vectors are those of the pages as they are now."""

from pathlib import Path

import numpy as np

from ingest.ship import shipped_texts
from ingest.sync import sync
from knowledge.embedding import CachedEncoder, LazyEncoder, default_encoder
from knowledge.encoder.text import text_sha256
from knowledge.model import Source
from knowledge.store import SHIPPED, Knowledge

PAGES = SHIPPED.parents[1] / "pages"


def test_every_text_of_the_pages_has_its_vector_and_no_other() -> None:
    with np.load(SHIPPED, allow_pickle=False) as shipped:
        there = {row.tobytes() for row in shipped["sha256"]}
    wanted = {text_sha256(text) for text in shipped_texts()}
    assert there == wanted, "a page changed: run `python -m ingest.ship`"
    assert SHIPPED.stat().st_size < 1_000_000


def test_a_first_start_embeds_no_page(tmp_path: Path) -> None:
    class NothingToEmbed(LazyEncoder):
        def passages(self, texts: object) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
            raise AssertionError(f"embedded: {texts}")

    real = default_encoder()
    encoder = CachedEncoder(
        NothingToEmbed(lambda: real, real.dimensions), tmp_path / "data" / "embeddings.db"
    )
    knowledge = Knowledge.open(tmp_path / "data", encoder=encoder)
    report = sync(
        knowledge, Source(id="pages", location=str(PAGES), procedures=True), checks=None, actions=None
    )
    assert report.failed == ()
    assert len(report.added) == len(knowledge.documents()) > 50
    assert {p.id for p in knowledge.candidates("https nos links de rastreamento", limit=9)} == {
        p.id for p in knowledge.procedures()
    }
    knowledge.close()
