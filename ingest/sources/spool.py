"""Pages that a listing has read already, kept in a temporary file until they are fetched."""

from __future__ import annotations

import tempfile
import weakref
from typing import NamedTuple


class Place(NamedTuple):
    start: int
    size: int


class Spool:
    """Goes with its source."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def put(self, raw: bytes) -> Place:
        start = self._file.seek(0, 2)
        self._file.write(raw)
        return Place(start, len(raw))

    def get(self, place: Place) -> bytes:
        self._file.seek(place.start)
        return self._file.read(place.size)
