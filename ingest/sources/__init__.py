"""The one list of kinds of sources; each is loaded when it is used.

A kind of one's own is not listed: it is named by where it is, `package.module:Class`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

from ingest.sources.source import Connector
from knowledge.errors import KnowledgeError
from knowledge.model import Source

Opened = Callable[[str, Mapping[str, str]], Connector]


class Kind(NamedTuple):
    """Where its class is, constructed with the location and the options."""

    where: str
    exact: bool = False
    """What it does not list is not there: a deleted file is gone. A server may only have left it out."""
    mirrored: bool = False
    """It keeps a copy between syncs, in the folder that its option `cache` names."""


KINDS: Mapping[str, Kind] = {
    "folder": Kind("ingest.sources.folder:Folder", exact=True),
    "upload": Kind("ingest.sources.upload:Upload", exact=True),
    "git": Kind("ingest.sources.git:Git", exact=True, mirrored=True),
    "website": Kind("ingest.sources.website:Website"),
    "zendesk": Kind("ingest.sources.zendesk:Zendesk"),
    "openapi": Kind("ingest.sources.openapi:OpenApi"),
}


def exact(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].exact


def mirror(data: Path, source: str) -> Path:
    """Where the copy that a source keeps is: it may be deleted, and holds old versions, too."""
    return data / "mirrors" / hashlib.sha256(source.encode()).hexdigest()[:16]


def opened(source: Source, data: Path | None = None) -> Connector:
    """`data`: the data folder. Raises `KnowledgeError` for a kind, location or option that cannot be used."""
    options = dict(source.options)
    if data and source.kind in KINDS and KINDS[source.kind].mirrored:
        options.setdefault("cache", str(mirror(data, source.id)))
    return _class(source.kind)(source.location, options)


def _class(kind: str) -> Opened:
    where = KINDS[kind].where if kind in KINDS else kind
    module, _, name = where.partition(":")
    if not name:
        there = ", ".join(KINDS)
        raise KnowledgeError(
            f"there is no kind of source `{kind}`. There is {there}; or package.module:Class."
        )
    try:
        return cast(Opened, getattr(import_module(module), name))
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        fix = "Check the name, and that it is installed beside Stepfour."
        raise KnowledgeError(f"the kind of source `{kind}` cannot be loaded ({error}). {fix}") from error
