"""A folder of documents as a source: what is there now, without reading it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from ingest.media import MARKDOWN, by_name
from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from knowledge.errors import KnowledgeError, SourceUnreadable

LARGEST = 50_000_000
"""Bytes. Nothing larger is read into memory."""

SETTLED_NS = 2_000_000_000
"""A file written while we looked may change again within the same clock tick, unseen."""

_PASSED_OVER = frozenset({"node_modules", "__pycache__"})


class Folder:
    """Option `glob`: only paths that match it, e.g. `*.md` or `guides/*`; `*` crosses folders."""

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        self._root = Path(location)
        self._glob = options.get("glob", "*")
        if unknown := sorted(options.keys() - {"glob"}):
            raise KnowledgeError(f"a folder has no option `{unknown[0]}`. There is: glob.")

    def listing(self, known: Mapping[str, str]) -> Listing:
        """Raises `SourceUnreadable` where there is nothing to list."""
        root = self._root
        there = Listing([], [], [])
        if root.is_file():
            there.found.append(Found(root.name, _stamp(root.stat())))
            return there
        if not root.is_dir():
            raise SourceUnreadable(f"{root} is not a folder. Check the path, and that its disk is mounted.")

        def noted(error: OSError) -> None:
            path = _inside(root, Path(error.filename or root))
            there.unreadable.append((path, f"{path}: cannot be read ({error.strerror}). Allow reading it."))

        for folder, names, files in os.walk(root, onerror=noted):
            names[:] = sorted(n for n in names if not n.startswith(".") and n not in _PASSED_OVER)
            for name in sorted(files):
                file = Path(folder, name)
                if name.startswith(".") or by_name(name) is None:
                    continue
                if not fnmatch(_inside(root, file), self._glob):
                    continue
                try:
                    _add(there, root, file)
                except OSError as error:
                    noted(error)
        return there

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        file = self._root if self._root.is_file() else self._root / found.path
        try:
            stat = file.stat()
            if stat.st_size > LARGEST:
                what = f"the file is too big ({stat.st_size:,} bytes; {LARGEST:,} at most)"
                return Failed(f"{found.path}: {what}. Split it, or take it out of the source.")
            raw = file.read_bytes()
        except FileNotFoundError:
            return Gone()
        except OSError as error:
            return Failed(f"{found.path}: cannot be read ({error.strerror}). Allow reading it.")
        modified = datetime.fromtimestamp(stat.st_mtime, UTC)
        return Fetched(raw, by_name(file.name) or MARKDOWN, modified)


def _add(there: Listing, root: Path, file: Path) -> None:
    path = _inside(root, file)
    if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
        # A link could publish any file of the machine.
        reason = f"{path}: a link to a place outside the source. Copy the file instead."
        there.refused.append((path, reason))
        return
    there.found.append(Found(path, _stamp(file.stat())))


def _stamp(stat: os.stat_result) -> str:
    settled = stat.st_mtime_ns < time.time_ns() - SETTLED_NS
    return f"{stat.st_size} {stat.st_mtime_ns}" if settled else ""


def _inside(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
