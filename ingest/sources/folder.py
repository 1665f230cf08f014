"""A folder of Markdown files as a source: what is there now, without reading it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from knowledge.errors import SourceUnreadable

PAGES = frozenset({".md", ".mdx", ".markdown", ".txt"})
_PASSED_OVER = frozenset({"node_modules", "__pycache__"})


class Found(NamedTuple):
    """A file of the source."""

    path: str
    file: Path
    size: int
    mtime_ns: int


class Listing(NamedTuple):
    """All pages of the source, and what could not be looked at: where that is something, nothing is gone."""

    files: list[Found]
    unreadable: list[tuple[str, str]]
    refused: list[tuple[str, str]]
    """Files that are there and are not taken."""


def listing(location: str) -> Listing:
    """Raises `SourceUnreadable` where there is nothing to list."""
    root = Path(location)
    if root.is_file():
        stat = root.stat()
        return Listing([Found(root.name, root, stat.st_size, stat.st_mtime_ns)], [], [])
    if not root.is_dir():
        raise SourceUnreadable(f"{location} is not a folder. Check the path, and that its disk is mounted.")
    files: list[Found] = []
    unreadable: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []

    def noted(error: OSError) -> None:
        path = _inside(root, Path(error.filename or location))
        unreadable.append((path, f"{path}: cannot be read ({error.strerror}). Allow reading it."))

    for folder, names, found in os.walk(root, onerror=noted):
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in _PASSED_OVER)
        for name in sorted(found):
            file = Path(folder, name)
            if name.startswith(".") or file.suffix.lower() not in PAGES:
                continue
            try:
                _add(files, refused, root, file)
            except OSError as error:
                noted(error)
    return Listing(files, unreadable, refused)


def _add(files: list[Found], refused: list[tuple[str, str]], root: Path, file: Path) -> None:
    path = _inside(root, file)
    if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
        # A link could publish any file of the machine.
        refused.append((path, f"{path}: a link to a place outside the source. Copy the file instead."))
        return
    stat = file.stat()
    files.append(Found(path, file, stat.st_size, stat.st_mtime_ns))


def _inside(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
