"""Files that people handed over: a folder of our own, changed by `put` and `take` alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ingest.media import BY_SUFFIX
from ingest.sources.folder import LARGEST, Folder
from ingest.sources.source import Listing
from knowledge.errors import KnowledgeError


class Upload(Folder):
    """The folder is made with the first file; no option."""

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        if options:
            raise KnowledgeError(f"uploaded files have no option `{min(options)}`. Leave it out.")
        super().__init__(location, {})

    def listing(self, known: Mapping[str, str]) -> Listing:
        """Raises `SourceUnreadable` where the folder went away with files that were known."""
        return super().listing(known) if self._root.is_dir() or known else Listing([], [], [])


def put(file: Path, folder: Path) -> str:
    """Copies it in whole or not at all, over one of the same name; returns its path in the source."""
    if file.suffix.lower() not in BY_SUFFIX or file.name.startswith("."):
        raise KnowledgeError(f"{file.name}: no kind of document. There is {', '.join(sorted(BY_SUFFIX))}.")
    try:
        if file.stat().st_size > LARGEST:
            raise KnowledgeError(f"{file.name}: larger than {LARGEST:,} bytes. Split it.")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as out:
            try:
                with file.open("rb") as given:
                    shutil.copyfileobj(given, out)
                out.flush()
                os.fsync(out.fileno())
                Path(out.name).replace(folder / file.name)
            except BaseException:
                Path(out.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise KnowledgeError(
            f"{file}: cannot be taken in ({error.strerror}). Check the path, the disk and who may read it."
        ) from error
    return file.name


def take(path: str, folder: Path) -> None:
    """Raises `KnowledgeError` where there is no such file."""
    if path not in {file.name for file in folder.glob("*")}:
        raise KnowledgeError(f"no uploaded file {path}. See: stepfour docs list")
    (folder / path).unlink()
