"""Bytes that a listing had to load, kept on disk until `fetch` asks for them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

MOST = 1_000_000_000
"""Bytes. What comes after them is loaded a second time."""


class Spool:
    """A temporary folder that goes with its owner."""

    def __init__(self, most: int = MOST) -> None:
        self._left = most
        self._folder: Path | None = None
        self._files: dict[str, Path] = {}

    def put(self, name: str, raw: bytes) -> None:
        if name in self._files or len(raw) > self._left:
            return
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="stepfour-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        file = self._folder / str(len(self._files))
        try:
            file.write_bytes(raw)
        except OSError:
            self._left = 0  # the disk is full; reading goes on without
            return
        self._left -= len(raw)
        self._files[name] = file

    def take(self, name: str) -> bytes | None:
        """Once."""
        file = self._files.get(name)
        if file is None or not file.exists():
            return None
        raw = file.read_bytes()
        file.unlink()
        self._left += len(raw)
        return raw
