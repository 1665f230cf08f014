"""The fast encoder says the same as the engine whose weights it uses, or is not used."""

import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import knowledge.encoder
from knowledge.embedding import default_encoder
from knowledge.encoder.fast import CannotBuild, FastEncoder, build, load_fast, session, signed_is_exact
from knowledge.encoder.graph import EXTREME, INPUT, OUTPUT, extreme_graph, unsigned
from knowledge.encoder.native import NativeEncoder, alone, threads_allowed
from knowledge.encoder.text import prepared
from knowledge.encoder.tokens import Tokenizer
from knowledge.encoder.weights import ModelFile, model_path, read_model

TEXTS = [
    "Track clicks and opens",
    "O certificado já está no ar nos dois domínios; podem ligar o HTTPS?",
    "¿Cuánto tarda en propagarse el registro CNAME?",
    "links.example.com. 300 IN CNAME u123.platform.example.",
    "日本語のリンク、🙂 e não só: ½ ﬁ Ⅳ",
    "<s> <mask> </s> <unk>",
    "Привет, ไทยภาษา, العربية",
    "",
    "a" * 500,
]
LONG = " ".join(f"Passo {n}: vá ao domínio d{n}.com.br; copie o CNAME." for n in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fast")
    load_fast(folder)
    return folder


@pytest.fixture(scope="module")
def fast(folder: Path) -> FastEncoder:
    return load_fast(folder)


@pytest.fixture(scope="module")
def native() -> NativeEncoder:
    return NativeEncoder()


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return read_model(model_path())


def test_it_agrees_with_the_native_engine(fast: FastEncoder, native: NativeEncoder) -> None:
    for old, new in ((native.queries, fast.queries), (native.passages, fast.passages)):
        assert (old(TEXTS) * new(TEXTS)).sum(axis=1).min() > 0.995


def test_a_text_longer_than_the_model_takes_is_read_in_windows(
    fast: FastEncoder, native: NativeEncoder, model: ModelFile
) -> None:
    assert len(Tokenizer(model).numbers(prepared(LONG))) > model.shape.positions
    assert (native.passages([LONG]) * fast.passages([LONG])).sum() > 0.995


def test_tokens_are_those_of_the_engine(model: ModelFile, native: NativeEncoder) -> None:
    tokens = Tokenizer(model)
    for text in [*map(prepared, TEXTS), prepared(LONG)]:
        counted = native._engine.token_count(text, True)  # type: ignore[attr-defined]
        assert len(tokens.numbers("query: " + text)) + 2 == counted


def test_tokens_join_to_the_text(model: ModelFile) -> None:
    pieces = list(model.pieces())
    text = "Já configurei o domínio links.example.com"
    assert (
        "".join(pieces[number] for number in Tokenizer(model).numbers(text)).replace("\u2581", " ").strip()
        == text
    )


def test_many_texts_give_the_same_vectors_with_more_threads(
    fast: FastEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one = np.vstack([fast.passages([text]) for text in TEXTS])
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    np.testing.assert_array_equal(fast.passages(TEXTS), one_by_one)


def test_every_core_embeds_for_who_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with alone():
        assert threads_allowed() == os.cpu_count()
    assert threads_allowed() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with alone():
        assert threads_allowed() == 3
    assert threads_allowed() == 3


def test_it_is_built_once_and_leaves_nothing_else_behind(folder: Path) -> None:
    (file,) = folder.iterdir()
    assert file.stat().st_size < 30_000_000
    written = file.stat().st_mtime_ns
    load_fast(folder)
    assert [file.stat().st_mtime_ns for file in folder.iterdir()] == [written]


def test_a_cpu_where_signed_products_overflow_gets_the_same_vectors(
    folder: Path, model: ModelFile, fast: FastEncoder
) -> None:
    if not signed_is_exact():
        pytest.skip("this CPU runs the unsigned graph already")
    (file,) = folder.iterdir()
    other = FastEncoder(model, session(unsigned(onnx.load(str(file)))))
    np.testing.assert_array_equal(other.queries(TEXTS), fast.queries(TEXTS))


def test_the_largest_products_are_right_without_a_sign() -> None:
    values = np.ones((16, EXTREME), np.float32)
    made = session(unsigned(extreme_graph())).run([OUTPUT], {INPUT: values})[0]
    np.testing.assert_allclose(made, 127 * EXTREME, rtol=1e-3)


def test_the_product_that_is_tried_at_the_start_is_the_one_that_is_written_here() -> None:
    file = Path(knowledge.encoder.__file__).with_name("extreme.onnx")
    assert onnx.load(str(file)) == extreme_graph()


@pytest.mark.parametrize("damage", [b"", b"half a file"])
def test_a_damaged_file_is_built_again(
    folder: Path, tmp_path: Path, damage: bytes, fast: FastEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    (sound,) = folder.iterdir()
    (tmp_path / sound.name).write_bytes(damage)
    rebuilt = load_fast(tmp_path)
    assert "built again" in caplog.text
    assert (tmp_path / sound.name).stat().st_size == sound.stat().st_size
    np.testing.assert_array_equal(rebuilt.queries(TEXTS[:2]), fast.queries(TEXTS[:2]))


def test_a_graph_that_disagrees_is_not_kept(model: ModelFile, tmp_path: Path) -> None:
    places = dict(model.places)
    places["l3.q.w"], places["l3.fi.w"] = places["l4.k.w"], places["l7.fi.w"]
    with pytest.raises(CannotBuild, match="cosine"):
        build(replace(model, places=places), tmp_path / "wrong.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_falls_back_to_the_native_engine(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    encoder = default_encoder(tmp_path / "file" / "cache")
    assert encoder.name.endswith("@native")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "slower native engine" in caplog.text


def test_another_model_file_is_refused_with_its_kind(tmp_path: Path) -> None:
    for content in (b"", b"E5S1", b"GGUF" + bytes(100)):
        (tmp_path / "model.bin").write_bytes(content)
        with pytest.raises(ValueError, match="not a model file"):
            read_model(tmp_path / "model.bin")


def test_a_cut_model_file_is_refused(tmp_path: Path) -> None:
    shutil.copy(model_path(), tmp_path / "model.bin")
    os.truncate(tmp_path / "model.bin", 2_000_000)
    with pytest.raises(ValueError, match="not a model file"):
        read_model(tmp_path / "model.bin")
