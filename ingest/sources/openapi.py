"""OpenAPI files as a source: one page for each operation, and its stamp is the hash of that page."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ingest.sources.bounded_yaml import YamlRefused, load
from ingest.sources.openapi_page import Operation, operations, page
from ingest.sources.openapi_schema import Json
from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from ingest.sources.spool import Spool
from knowledge.errors import KnowledgeError, SourceUnreadable
from knowledge.model import Audience

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
LARGEST = 20_000_000
"""Bytes of a file."""
MOST_OPERATIONS = 5_000
LONGEST = 30.0
"""Seconds for one file."""
_PASSED_OVER = frozenset({"node_modules", "__pycache__"})


class _Unusable(Exception):
    """A file that cannot be read now; the message is for people."""


class _Kept(NamedTuple):
    stamp: str
    title: str
    url: str
    audience: Audience | None
    modified: datetime


class OpenApi:
    """A file (OpenAPI 3.0, 3.1 or Swagger 2.0, YAML or JSON), or a folder of them. No options.

    Pages of a folder lie below the name of their file. What a file refers to outside itself is not loaded.
    """

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        if options:
            raise KnowledgeError(f"An OpenAPI source has no option `{min(options)}`. Leave it out.")
        if not location or "://" in location:
            raise KnowledgeError(
                f"`{location}` is no file or folder. Save the OpenAPI file, and give its path."
            )
        self._root = Path(location)
        self._spool = Spool()
        self._kept: dict[str, _Kept] = {}

    def listing(self, known: Mapping[str, str]) -> Listing:
        self._spool.clear()
        self._kept = {}
        if self._root.is_file():
            try:
                refused = self._take(self._root, "", alone=True)
            except _Unusable as error:
                raise SourceUnreadable(f"{self._root}: {error}") from None
            return Listing(self._found(), [], refused)
        if not self._root.is_dir():
            raise SourceUnreadable(
                f"{self._root} is not there. Check the path, and that its disk is mounted."
            )
        unreadable: list[tuple[str, str]] = []
        refused = []
        for file in _files(self._root, unreadable):
            name = file.relative_to(self._root).as_posix()
            if file.is_symlink() and not file.resolve().is_relative_to(self._root.resolve()):
                refused.append(
                    (name, f"{name}: a link to a place outside the source. Copy the file instead.")
                )
                continue
            try:
                refused += self._take(file, f"{name.rpartition('.')[0]}/", alone=False)
            except _Unusable as error:
                unreadable.append((name, f"{name}: {error}"))
        return Listing(self._found(), unreadable, refused)

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        kept = self._kept.get(found.path)
        if kept is None:
            return Gone()
        if stamp == kept.stamp:
            return Unchanged()
        raw = self._spool.get(found.path)
        if raw is None:
            return Failed(f"{found.path}: could not be kept on disk. Make room, and sync again.")
        return Fetched(
            raw,
            "text/markdown",
            modified=kept.modified,
            stamp=kept.stamp,
            url=kept.url,
            title=kept.title,
            audience=kept.audience,
        )

    def _found(self) -> list[Found]:
        return [Found(path, kept.stamp) for path, kept in self._kept.items()]

    def _take(self, file: Path, folder: str, *, alone: bool) -> list[tuple[str, str]]:
        """Makes the pages of a file; returns what of it is refused."""
        until = time.monotonic() + LONGEST
        document, modified = _document(file)
        if not {"openapi", "swagger"} & document.keys():
            if alone:
                raise _Unusable("no OpenAPI file: it has neither `openapi` nor `swagger`. Give another one.")
            return []
        version = str(document.get("openapi") or document.get("swagger"))
        if not version.startswith("3.") and version != "2.0":
            raise _Unusable(f"version {version[:20]} of OpenAPI is not known. Convert it to 3.1.")
        refused = []
        for number, operation in enumerate(operations(document), 1):
            if number > MOST_OPERATIONS or time.monotonic() > until:
                raise _Unusable(
                    "it holds more than can be read in half a minute. Split it into several files."
                )
            path = f"{folder}{operation.method}{operation.path}"
            if len(path) > 400 or not path.isprintable():
                name = "".join(char for char in path[:80] if char.isprintable())
                refused.append((name, f"{name}: a path that is too long or no plain text. Change it."))
                continue
            self._keep(path, document, operation, modified)
        return refused

    def _keep(self, path: str, document: Json, operation: Operation, modified: datetime) -> None:
        raw = page(document, operation).encode(errors="replace")
        hidden = operation.value.get("x-internal") is True
        stamp = hashlib.sha256(raw + (b"internal" if hidden else b"")).hexdigest()
        more = operation.value.get("externalDocs")
        url = more.get("url") if isinstance(more, Mapping) else ""
        self._spool.put(path, raw)
        self._kept[path] = _Kept(
            stamp,
            operation.title,
            url if isinstance(url, str) and url.startswith("https://") else "",
            "internal" if hidden else None,
            modified,
        )


def _document(file: Path) -> tuple[Json, datetime]:
    try:
        stat = file.stat()
        if stat.st_size > LARGEST:
            raise _Unusable(f"larger than {LARGEST // 1_000_000} MB. Split it into several files.")
        raw = file.read_bytes()
    except OSError as error:
        raise _Unusable(f"cannot be read ({error.strerror}). Allow reading it.") from None
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text) if file.suffix.lower() == ".json" else load(text)
    except YamlRefused as error:
        raise _Unusable(f"{error}. Correct it there.") from None
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: " if isinstance(error, json.JSONDecodeError) else ""
        raise _Unusable(f"{where}no {file.suffix[1:].upper()} in UTF-8. Correct it.") from None
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return (value if isinstance(value, Mapping) else {}), modified


def _files(root: Path, unreadable: list[tuple[str, str]]) -> Iterator[Path]:
    def noted(error: OSError) -> None:
        name = Path(error.filename or root).name
        unreadable.append((name, f"{name}: cannot be read ({error.strerror}). Allow reading it."))

    for folder, names, files in os.walk(root, onerror=noted):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _PASSED_OVER)
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder, name)
