"""Embedding: one text one vector, embedded once, and nothing in a text or a file that breaks it."""

import sqlite3
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.embedding import (
    CachedEncoder,
    Encoder,
    LazyEncoder,
    centred,
    default_encoder,
    export_cache,
    import_cache,
    mean_of,
)

HTTPS = "Switch on HTTPS for tracking links"


class CountingEncoder:
    """Random but repeatable unit vectors; counts what it is asked for."""

    dimensions = 8

    def __init__(self, name: str = "toy@a") -> None:
        self.name = name
        self.computed: list[str] = []

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed("query: ", texts)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed("passage: ", texts)

    def _embed(self, prefix: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.computed += texts
        seeds = [zlib.crc32((prefix + text).encode()) for text in texts]
        rows = [np.random.default_rng(seed).normal(size=self.dimensions) for seed in seeds]
        vectors = np.array(rows, dtype=np.float32).reshape(-1, self.dimensions)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return default_encoder(tmp_path_factory.mktemp("encoder"))


def test_vectors_have_unit_length_and_queries_differ_from_passages(encoder: Encoder) -> None:
    query, passage = encoder.queries([HTTPS])[0], encoder.passages([HTTPS])[0]
    assert query.dtype == np.float32 and query.shape == (encoder.dimensions,)
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-4)
    assert 0.5 < query @ passage < 0.9999


def test_the_same_meaning_is_nearer_across_languages_than_another_meaning(encoder: Encoder) -> None:
    query = encoder.queries(["Como ativo HTTPS nos links de rastreamento?"])[0]
    near, far = encoder.passages([HTTPS, "Change the card that pays your monthly invoice"])
    assert query @ near > query @ far + 0.02


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "a\0b", "\ud83d", "🙂" * 3_000, "x" * 200_000, "\u202e\ufeff"]
)
def test_no_text_breaks_it(encoder: Encoder, text: str) -> None:
    vector = encoder.queries([text])[0]
    assert np.isfinite(vector).all() and np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.queries([]).shape == (0, encoder.dimensions)
    assert CachedEncoder(encoder).passages([]).shape == (0, encoder.dimensions)


def test_threads_share_one_encoder(encoder: Encoder) -> None:
    texts = [f"Verify the domain example{n}.com before you send" for n in range(12)]
    expected = encoder.passages(texts)
    seen: list[NDArray[np.float32]] = []
    threads = [threading.Thread(target=lambda: seen.append(encoder.passages(texts))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    for vectors in seen:
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_a_lazy_encoder_loads_once_whichever_thread_comes_first() -> None:
    loads: list[CountingEncoder] = []
    started = threading.Barrier(4)

    def load() -> CountingEncoder:
        loads.append(CountingEncoder())
        return loads[-1]

    def use() -> None:
        started.wait()
        lazy.queries(["a"])

    lazy = LazyEncoder(load, 8)
    assert not loads and lazy.dimensions == 8
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_a_text_is_embedded_once_ever(tmp_path: Path) -> None:
    today, tomorrow = CountingEncoder(), CountingEncoder()
    first = CachedEncoder(today, tmp_path / "embeddings.sqlite")
    before = first.passages(["one", "two", "one", "  one\n"])
    assert today.computed == ["one", "two"]
    first.close()

    again = CachedEncoder(tomorrow, tmp_path / "embeddings.sqlite")
    assert again.missing("passage", ["one", "two", "three"]) == 1
    np.testing.assert_array_equal(again.passages(["one", "two", "one", "one"]), before)
    assert tomorrow.computed == []


def test_a_query_and_a_passage_of_one_text_are_kept_apart(tmp_path: Path) -> None:
    cached = CachedEncoder(CountingEncoder(), tmp_path / "embeddings.sqlite")
    assert not np.allclose(cached.queries(["one"]), cached.passages(["one"]))
    assert not np.allclose(cached.queries(["one"]), cached.passages(["one"]))


def test_another_model_does_not_read_the_vectors_of_this_one(tmp_path: Path) -> None:
    CachedEncoder(CountingEncoder("toy@a"), tmp_path / "embeddings.sqlite").passages(["one"])
    other = CachedEncoder(CountingEncoder("toy@b"), tmp_path / "embeddings.sqlite")
    assert other.missing("passage", ["one"]) == 1


def test_memory_forgets_the_oldest_and_the_file_does_not(tmp_path: Path) -> None:
    counting = CountingEncoder()
    cached = CachedEncoder(counting, tmp_path / "embeddings.sqlite", remembered=10)
    texts = [f"text {n}" for n in range(1_200)]
    first = cached.passages(texts)
    np.testing.assert_array_equal(cached.passages(texts), first)
    assert len(counting.computed) == 1_200

    forgetful = CachedEncoder(CountingEncoder(), remembered=10)
    forgetful.passages(texts)
    assert forgetful.missing("passage", texts) == 1_190


def test_two_caches_write_one_file_at_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "embeddings.sqlite"
    caches = [CachedEncoder(CountingEncoder(), file) for _ in range(2)]
    jobs = [
        threading.Thread(target=cached.passages, args=([f"text {n}" for n in range(start, start + 300)],))
        for cached, start in zip(caches, (0, 150), strict=True)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert CachedEncoder(CountingEncoder(), file).missing("passage", [f"text {n}" for n in range(450)]) == 0


def test_a_damaged_cache_file_is_moved_aside(tmp_path: Path) -> None:
    file = tmp_path / "embeddings.sqlite"
    file.write_bytes(b"this is no database" * 500)
    cached = CachedEncoder(CountingEncoder(), file)
    assert cached.passages(["one"]).shape == (1, 8)
    assert (tmp_path / "embeddings.damaged").exists()
    assert sqlite3.connect(file).execute("SELECT count(*) FROM embedding").fetchone() == (1,)


def test_shipped_vectors_save_the_first_start_from_computing(tmp_path: Path) -> None:
    made = CachedEncoder(CountingEncoder("toy@fast"))
    assert export_cache(made, tmp_path / "pages.npz", ["one", "two", "one"], queries=["one"]) == 3

    slow = CountingEncoder("toy@slow")
    fresh = CachedEncoder(slow, tmp_path / "embeddings.sqlite")
    assert import_cache(fresh, tmp_path / "pages.npz") == 3
    np.testing.assert_allclose(fresh.passages(["two"]), made.passages(["two"]), atol=1e-3)
    np.testing.assert_allclose(fresh.queries(["one"]), made.queries(["one"]), atol=1e-3)
    assert slow.computed == []


def test_vectors_of_other_weights_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_cache(CachedEncoder(CountingEncoder("toy@a")), tmp_path / "pages.npz", ["one"])
    other = CachedEncoder(CountingEncoder("other@a"))
    assert import_cache(other, tmp_path / "pages.npz") == 0
    assert "export it again" in caplog.text and other.missing("passage", ["one"]) == 1


def test_centring_takes_out_what_all_texts_share() -> None:
    rng = np.random.default_rng(1)
    crowded = (rng.normal(size=(50, 16)) + 6).astype(np.float32)
    spread = centred(crowded, mean_of(crowded))
    np.testing.assert_allclose(np.linalg.norm(spread, axis=1), 1, atol=1e-5)
    assert abs((spread @ spread.T).mean()) < 0.05
    assert np.isfinite(centred(crowded[:1], crowded[0])).all()
    with pytest.raises(ValueError, match="at least one"):
        mean_of(np.empty((0, 16), dtype=np.float32))
