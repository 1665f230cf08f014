"""The tables of `knowledge.db`, as the migrations made them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

META = sa.MetaData()


def _table(name: str, *columns: str, key: Collection[str] = ()) -> sa.Table:
    """The columns as the migrations made them; SQLite numbers an integer key by itself."""
    counted = key if len(key) == 1 and name in {"passage", "sync_run", "change"} else ()
    return sa.Table(
        name,
        META,
        *(sa.Column(c, sa.Integer if c in counted else None, primary_key=c in key) for c in columns),
    )


SOURCE = _table(
    "source",
    *("id", "location", "procedures", "audience", "synced_at", "kind", "options", "every"),
    key={"id"},
)
FILE = _table(
    "file",
    *("source", "path", "stamp", "etag", "revision", "reason", "missed"),
    key={"source", "path"},
)
DOCUMENT = _table(
    "document",
    *(
        "id",
        "source",
        "path",
        "title",
        "lang",
        "audience",
        "group",
        "version",
        "updated_at",
        "metadata",
        "removed_at",
        "url",
    ),
    key={"id"},
)
VERSION = _table("version", "document", "version", "text", "stored_at", key={"document", "version"})
PASSAGE = _table(
    "passage",
    *("num", "id", "document", "version", "ord", "title", "path", "lang", "heading_path", "anchor", "text"),
    "updated_at",
    key={"num"},
)
PROCEDURE = _table(
    "procedure",
    *("id", "source", "version", "document", "machine", "body", "synced_at", "approved_by", "approved_at"),
    key={"id", "source", "version"},
)
SYNC_RUN = _table("sync_run", "id", "source", "started_at", "report", "finished_at", "state", key={"id"})
CHANGE = _table("change", "id", "run", "at", "document", "kind", "before", "after", "moved_from", key={"id"})
NOTE = _table("note", "key", "value", key={"key"})
