"""Bytes that a listing had to load, kept on disk until `fetch` asks for them."""

from __future__ import annotations

import tempfile
import weakref

MOST = 1_000_000_000
"""Bytes. What comes after them is not kept."""


class Spool:
    """A temporary file that goes with its owner."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._places: dict[str, tuple[int, int]] = {}
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def clear(self) -> None:
        self._places.clear()
        self._file.seek(0)
        self._file.truncate()

    def put(self, name: str, raw: bytes) -> None:
        """Keeps it where there is room; a full disk stops nothing."""
        start = self._file.seek(0, 2)
        if start + len(raw) > self._most:
            return
        try:
            self._file.write(raw)
            self._file.flush()
        except OSError:
            self._most = 0
            return
        self._places[name] = (start, len(raw))

    def get(self, name: str) -> bytes | None:
        """None where it was not kept."""
        if name not in self._places:
            return None
        start, size = self._places[name]
        self._file.seek(start)
        return self._file.read(size)
