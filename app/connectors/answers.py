"""What a platform's answer says, by the paths of connector files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from app.connectors.model import Answer, Read, Source

_IDS = ("id", "name", "host")
"""What an element of a list is called by in a path."""


def shaped(answer: object, read: Read) -> object:
    """An answer in the shape that pages and actions name its fields by."""
    return None if answer is None else _with(at(answer, path_of(read.take)), read.fields)


def _with(value: object, fields: Sequence[tuple[str, Source]]) -> object:
    if not fields:
        return value
    if isinstance(value, list):
        return [_with(each, fields) for each in value]
    # A bare element of a list is called by itself.
    row: dict[str, object] = dict(value) if isinstance(value, Mapping) else {"id": value}
    for name, source in fields:
        if (found := _taken(value, source)) is not None:
            _put(row, name.split("."), found)
    return row


def _taken(value: object, source: Source) -> object:
    if source.value is not None:
        return source.value
    found = at(value, path_of(source.path))
    if source.is_set:
        return found is not None
    if source.each:
        return [_with(each, source.fields) for each in found] if isinstance(found, list) else []
    return found


def _put(row: dict[str, object], path: Sequence[str], value: object) -> None:
    *above, last = path
    for name in above:
        inner = row.get(name)
        row[name] = dict(inner) if isinstance(inner, Mapping) else {}
        row = cast("dict[str, object]", row[name])
    row[last] = value


def path_of(text: str) -> list[str]:
    return text.split(".") if text else []


def says(value: object, answer: Answer) -> bool:
    found = at(value, path_of(answer.field))
    # For Python `True == 1`; for a platform they are two things.
    return any(found == each and isinstance(found, bool) == isinstance(each, bool) for each in answer.equals)


def at(value: object, path: Sequence[str]) -> object:
    """Walks a dotted path; a list's element is found by its id, name or host, which may have dots itself."""
    if not path:
        return value
    for taken in range(len(path), 0, -1):
        key = ".".join(path[:taken])
        if isinstance(value, Mapping) and key in value:
            return at(value[key], path[taken:])
        if isinstance(value, list | tuple):
            for each in value:
                if each == key or (isinstance(each, Mapping) and key in (each.get(name) for name in _IDS)):
                    return at(each, path[taken:])
    return None


def called(rows: object) -> tuple[str, ...]:
    """What the elements of a list are called: a link by its host, a domain by its name."""
    if not isinstance(rows, list | tuple):
        return ()
    names = ("host", "name", "id")
    return tuple(
        str(row)
        if not isinstance(row, Mapping)
        else next((str(row[name]) for name in names if row.get(name)), "")
        for row in rows
    )
