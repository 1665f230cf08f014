"""The YAML at the top of a page, with the line of every key, so that an error can name it."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from knowledge.errors import PageError

LONGEST = 64_000
"""Characters. What is longer is not front matter."""

BRACKETS = 500
"""Opening brackets; thousands of them keep the YAML parser busy for minutes."""

_CLOSED = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_OPENED = re.compile(r"\A---[ \t]*\n[A-Za-z_][\w-]*:")

Where = tuple[str | int, ...]
"""Place of a value, e.g. ("steps", 0, "check")."""


class FrontMatter(NamedTuple):
    """Values, lines and the text below."""

    data: dict[str, object]
    lines: dict[Where, int]
    """Line of each key and list item in the file, from 1."""
    repeated: tuple[Where, ...]
    """Keys that are given twice."""
    body: str
    body_line: int
    """Line of the file on which the body starts, from 1."""

    def line(self, *where: str | int) -> int:
        """Line of the place, or of the nearest thing around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def split(text: str, path: str) -> FrontMatter:
    """Raises `PageError` where the front matter is not a YAML mapping."""
    found = _CLOSED.match(text)
    if not found:
        if _OPENED.match(text):
            raise PageError(
                path, 1, "the front matter is never closed", "End it with a line of three dashes."
            )
        return FrontMatter({}, {}, (), text, 1)
    source = found.group(1)
    if len(source) > LONGEST:
        raise PageError(path, 1, f"the front matter is longer than {LONGEST} characters", "Shorten it.")
    if source.count("[") + source.count("{") > BRACKETS:
        raise PageError(path, 2, "the front matter nests too deeply", "Write lists as lines with a dash.")
    lines: dict[Where, int] = {}
    repeated: list[Where] = []
    data = _values(source, path, lines, repeated)
    body_line = found.group(0).count("\n") + 1
    return FrontMatter(data, lines, tuple(repeated), text[found.end() :], body_line)


def _values(source: str, path: str, lines: dict[Where, int], repeated: list[Where]) -> dict[str, object]:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(source, Loader=yaml.SafeLoader)):
            # A few lines of aliases can stand for gigabytes.
            raise PageError(path, 2, "the front matter uses a YAML alias", "Write the value out instead.")
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        problem = getattr(error, "problem", None) or "it is not YAML"
        fix = 'Put a value that holds a colon or starts with a special character into "quotes".'
        raise PageError(path, line, f"the front matter cannot be read ({problem})", fix) from error
    except (ValueError, RecursionError) as error:
        raise PageError(
            path, 2, f"the front matter cannot be read ({error})", "Correct the value."
        ) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise PageError(path, 2, "the front matter is not a list of `key: value` lines", "Write it so.")
    _note_lines(node, (), lines, repeated)
    return {str(key): value for key, value in data.items()}


def _note_lines(node: yaml.Node | None, where: Where, lines: dict[Where, int], repeated: list[Where]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*where, str(key.value))
            if place in lines:
                repeated.append(place)
            # The file has one line, the dashes, before the YAML; marks count from 0.
            lines[place] = key.start_mark.line + 2
            _note_lines(value, place, lines, repeated)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            place = (*where, index)
            lines[place] = value.start_mark.line + 2
            _note_lines(value, place, lines, repeated)
