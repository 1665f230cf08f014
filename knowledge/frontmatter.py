"""The YAML at the top of a page, or of a file, with the line of every key, so that an error can name it."""

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
    body_line = found.group(0).count("\n") + 1
    return _values(source, path, "front matter", 2)._replace(body=text[found.end() :], body_line=body_line)


def whole(text: str, path: str) -> FrontMatter:
    """A file that is YAML alone. Raises `PageError` where it is no mapping."""
    if len(text) > LONGEST:
        raise PageError(path, 1, f"the file is longer than {LONGEST} characters", "Split it.")
    if text.count("[") + text.count("{") > BRACKETS:
        raise PageError(path, 1, "the file nests too deeply", "Write lists as lines with a dash.")
    return _values(text, path, "file", 1)


def _values(source: str, path: str, what: str, first: int) -> FrontMatter:
    """`first`: the line of the file on which the source begins; the parser counts from 0."""
    lines: dict[Where, int] = {}
    repeated: list[Where] = []
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(source, Loader=yaml.SafeLoader)):
            # A few lines of aliases can stand for gigabytes.
            raise PageError(path, first, f"the {what} uses a YAML alias", "Write the value out instead.")
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + first if mark else first
        problem = getattr(error, "problem", None) or "it is not YAML"
        fix = 'Put a value that holds a colon or starts with a special character into "quotes".'
        raise PageError(path, line, f"the {what} cannot be read ({problem})", fix) from error
    except (ValueError, RecursionError) as error:
        raise PageError(path, first, f"the {what} cannot be read ({error})", "Correct the value.") from error
    if data is not None and not isinstance(data, dict):
        raise PageError(path, first, f"the {what} is not a list of `key: value` lines", "Write it so.")
    _note_lines(node, (), lines, repeated, first)
    values = {str(key): value for key, value in (data or {}).items()}
    return FrontMatter(values, lines, tuple(repeated), "", 1)


def _note_lines(
    node: yaml.Node | None, where: Where, lines: dict[Where, int], repeated: list[Where], first: int
) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*where, str(key.value))
            if place in lines:
                repeated.append(place)
            lines[place] = key.start_mark.line + first
            _note_lines(value, place, lines, repeated, first)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            place = (*where, index)
            lines[place] = value.start_mark.line + first
            _note_lines(value, place, lines, repeated, first)
