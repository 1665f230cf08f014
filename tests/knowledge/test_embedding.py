"""Embedding: one text one vector, embedded once, and nothing in a text or a file that breaks it."""

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
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

OnDisk = Callable[[Encoder], CachedEncoder]

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


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[OnDisk]:
    """Opens caches on one file and closes them in the end."""
    opened: list[CachedEncoder] = []

    def open_one(encoder: Encoder) -> CachedEncoder:
        opened.append(CachedEncoder(encoder, tmp_path / "embeddings.sqlite", remembered=10))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return default_encoder(tmp_path_factory.mktemp("encoder"))


def test_vectors_have_unit_length_and_queries_differ_from_passages(encoder: Encoder) -> None:
    query, passage = encoder.queries([HTTPS])[0], encoder.passages([HTTPS])[0]
    assert query.dtype == np.float32
    assert query.shape == (encoder.dimensions,)
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
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


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
    assert not loads
    assert lazy.dimensions == 8
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_a_text_is_embedded_once_ever(cache: OnDisk) -> None:
    today, tomorrow = CountingEncoder(), CountingEncoder()
    before = cache(today).passages(["one", "two", "one", "  one\n"])
    assert today.computed == ["one", "two"]

    again = cache(tomorrow)
    assert again.missing("passage", ["one", "two", "three"]) == 1
    np.testing.assert_array_equal(again.passages(["one", "two", "one", "one"]), before)
    assert tomorrow.computed == []


def test_a_query_and_a_passage_of_one_text_are_kept_apart(cache: OnDisk) -> None:
    cached = cache(CountingEncoder())
    for _ in range(2):
        assert not np.allclose(cached.queries(["one"]), cached.passages(["one"]))


def test_another_model_does_not_read_the_vectors_of_this_one(cache: OnDisk) -> None:
    cache(CountingEncoder("toy@a")).passages(["one"])
    assert cache(CountingEncoder("toy@b")).missing("passage", ["one"]) == 1


def test_memory_forgets_the_oldest_and_the_file_does_not(cache: OnDisk) -> None:
    counting = CountingEncoder()
    cached = cache(counting)
    texts = [f"text {n}" for n in range(1_200)]
    first = cached.passages(texts)
    np.testing.assert_array_equal(cached.passages(texts), first)
    assert len(counting.computed) == 1_200

    forgetful = CachedEncoder(CountingEncoder(), remembered=10)
    forgetful.passages(texts)
    assert forgetful.missing("passage", texts) == 1_190


def test_two_caches_write_one_file_at_the_same_time(cache: OnDisk) -> None:
    texts = [f"text {n}" for n in range(450)]
    parts = [(cache(CountingEncoder()), texts[:300]), (cache(CountingEncoder()), texts[150:])]
    jobs = [threading.Thread(target=cached.passages, args=(part,)) for cached, part in parts]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert cache(CountingEncoder()).missing("passage", texts) == 0


def test_a_stopped_run_keeps_what_it_has_done(cache: OnDisk) -> None:
    class Stopped(CountingEncoder):
        def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if len(self.computed) >= 128:
                raise KeyboardInterrupt
            return super().passages(texts)

    texts = [f"text {n}" for n in range(300)]
    with pytest.raises(KeyboardInterrupt):
        cache(Stopped()).passages(texts)
    assert cache(CountingEncoder()).missing("passage", texts) == 300 - 128


def test_a_damaged_cache_file_is_moved_aside(cache: OnDisk, tmp_path: Path) -> None:
    file = tmp_path / "embeddings.sqlite"
    file.write_bytes(b"this is no database" * 500)
    cache(CountingEncoder()).passages(["one"])
    assert (tmp_path / "embeddings.damaged").exists()
    assert cache(CountingEncoder()).missing("passage", ["one"]) == 0


def test_shipped_vectors_save_the_first_start_from_computing(cache: OnDisk, tmp_path: Path) -> None:
    made, slow = CachedEncoder(CountingEncoder("toy@fast")), CountingEncoder("toy@slow")
    assert export_cache(made, tmp_path / "pages.npz", ["one", "two", "one"], queries=["one"]) == 3

    fresh = cache(slow)
    assert import_cache(fresh, tmp_path / "pages.npz") == 3
    np.testing.assert_allclose(fresh.passages(["two"]), made.passages(["two"]), atol=1e-3)
    np.testing.assert_allclose(fresh.queries(["one"]), made.queries(["one"]), atol=1e-3)
    assert slow.computed == []


def test_vectors_of_other_weights_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_cache(CachedEncoder(CountingEncoder("toy@a")), tmp_path / "pages.npz", ["one"])
    other = CachedEncoder(CountingEncoder("other@a"))
    assert import_cache(other, tmp_path / "pages.npz") == 0
    assert "export it again" in caplog.text
    assert other.missing("passage", ["one"]) == 1


def test_centring_takes_out_what_all_texts_share() -> None:
    rng = np.random.default_rng(1)
    crowded = (rng.normal(size=(50, 16)) + 6).astype(np.float32)
    spread = centred(crowded, mean_of(crowded))
    np.testing.assert_allclose(np.linalg.norm(spread, axis=1), 1, atol=1e-5)
    assert abs((spread @ spread.T).mean()) < 0.05
    assert np.isfinite(centred(crowded[:1], crowded[0])).all()
    with pytest.raises(ValueError, match="at least one"):
        mean_of(np.empty((0, 16), dtype=np.float32))
