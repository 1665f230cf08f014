"""The one list of kinds of sources; each is loaded when it is used.

A kind of one's own is not listed: it is named by where it is, `package.module:Class`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple, cast

from ingest.sources.source import Connector
from knowledge.errors import KnowledgeError
from knowledge.model import Source

Opened = Callable[[str, Mapping[str, str]], Connector]

FROM_ENVIRONMENT = "env:"
"""An option `env:NAME` is read from the environment when the source is opened: secrets need not be stored."""


class Kind(NamedTuple):
    """Where its class is, constructed with the location and the options."""

    where: str
    exact: bool = False
    """What it does not list is not there: a deleted file is gone. A server may only have left it out."""


KINDS: Mapping[str, Kind] = {
    "folder": Kind("ingest.sources.folder:Folder", exact=True),
    "upload": Kind("ingest.sources.upload:Upload", exact=True),
    "git": Kind("ingest.sources.git:Git", exact=True),
    "website": Kind("ingest.sources.website:Website"),
    "zendesk": Kind("ingest.sources.zendesk:Zendesk"),
    "openapi": Kind("ingest.sources.openapi:OpenApi"),
}


def exact(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].exact


def opened(source: Source) -> Connector:
    """Raises `KnowledgeError` for a kind, a location or an option that cannot be used."""
    return _class(source.kind)(source.location, {key: _value(value) for key, value in source.options})


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


def _value(given: str) -> str:
    if not given.startswith(FROM_ENVIRONMENT):
        return given
    name = given.removeprefix(FROM_ENVIRONMENT)
    if name not in os.environ:
        raise KnowledgeError(
            f"an option is to come from {name}, which is not set. Set it where Stepfour runs."
        )
    return os.environ[name]
