"""What is written to the index is found in it at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromadb import Collection

from knowledge.embedding import Vectors
from knowledge.index import VectorIndex
from knowledge.model import Passage
from knowledge.stored import Found

LENGTH = 64


class Drawn:
    """Unit vectors around one mean, as those of an encoder are; the same for the same text."""

    name, dimensions = "drawn", LENGTH

    def passages(self, texts: Sequence[str]) -> Vectors:
        drawn = [np.random.default_rng(list(text.encode())).normal(size=LENGTH) + 2 for text in texts]
        return np.array([one / np.linalg.norm(one) for one in drawn], dtype=np.float32)

    queries = passages


class Nothing(Drawn):
    def passages(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), LENGTH), dtype=np.float32)

    queries = passages


def found(lang: str, number: int, text: str = "") -> Found:
    passage = Passage(
        id=f"pages:{lang}.md@1#{number}",
        document=f"{lang}.md",
        version="1",
        ord=number,
        path=f"{lang}.md",
        title="Page",
        lang=lang,
        heading_path=(),
        anchor=None,
        updated_at=datetime(2026, 11, 1, tzinfo=UTC),
        text=text or f"words of {lang} {number}",
    )
    return Found(number, passage, "public", lang)


def itself(index: VectorIndex, one: Found) -> list[str]:
    [vector] = index.encoder.passages([f"Page\n{one.passage.text}"])
    return [id for id, _ in index.nearest(vector, "public", one.passage.lang, 1)]


def test_what_chroma_loses_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, and nothing leads to it: here it is not there at all, which a search cannot tell apart."""
    lost = {"pages:en.md@1#3~0", "pages:en.md@1#7~0"}
    upsert = Collection.upsert

    def forgetful(self: Collection, **columns: Any) -> None:
        kept = [at for at, id in enumerate(columns["ids"]) if id not in lost]
        lost.clear()
        upsert(self, **{name: [rows[at] for at in kept] for name, rows in columns.items()})

    monkeypatch.setattr(Collection, "upsert", forgetful)
    index = VectorIndex(tmp_path, Drawn())
    pages = [found("en", number) for number in range(20)]
    index.add(pages)
    assert [itself(index, one) for one in pages] == [[one.passage.id] for one in pages]
    index.close()


def test_twins_and_vectors_of_no_length_are_written_once_and_for_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = VectorIndex(tmp_path / "twins", Drawn())
    index.add([found("en", number, "the same words") for number in range(20)])
    assert index.counts() == {("public", "en"): 20}
    assert not caplog.records
    index.close()
    blank = VectorIndex(tmp_path / "blank", Nothing())
    blank.add([found("en", number) for number in range(20)])
    assert blank.counts() == {("public", "en"): 20}
    blank.close()
