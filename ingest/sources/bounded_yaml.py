"""YAML of strangers: read in one pass, without building anything that is larger than what was written.

Aliases share what they name, keys are text (`200:` is "200"), and only what JSON has too becomes something
other than text, so that `no`, `on` and dates stay as they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 100
MOST_NODES = 3_000_000
MOST_MERGED = 200_000
"""Entries that `<<` may bring in, in all."""

_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True,
          "false": False, "False": False}  # fmt: skip
_INTEGER = re.compile(r"[-+]?\d{1,18}")
_NUMBER = re.compile(r"[-+]?\d{1,18}\.\d{0,18}(?:[eE][-+]?\d{1,3})?")


class YamlRefused(ValueError):
    """It is no YAML, or more than we take; says at which line."""


@dataclass
class _Open:
    """A list or a mapping that has not ended."""

    value: Any
    anchor: str | None
    key: str | None = None


@dataclass
class _Reader:
    open: list[_Open] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    merged: int = 0
    result: Any = None
    ended: bool = False

    def take(self, value: Any, anchor: str | None) -> None:
        """A value is complete."""
        if anchor is not None:
            # Only now: inside itself an alias names nothing, so nothing goes round.
            self.named[anchor] = value
        if not self.open:
            self.result, self.ended = value, True
            return
        top = self.open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            if not isinstance(value, str):
                raise YamlRefused("a key that is no text")
            top.key = value
        else:
            top.value[top.key] = value
            top.key = None

    def close(self) -> None:
        done = self.open.pop()
        if isinstance(done.value, dict) and "<<" in done.value:
            done.value = self._with_merged(done.value)
        self.take(done.value, done.anchor)

    def _with_merged(self, value: dict[str, Any]) -> dict[str, Any]:
        given = value.pop("<<")
        for other in given if isinstance(given, list) else [given]:
            if not isinstance(other, dict):
                raise YamlRefused("`<<` with something that has no keys")
            self.merged += len(other)
            if self.merged > MOST_MERGED:
                raise YamlRefused("too much is merged by `<<`")
            value = {**other, **value}
        return value


def load(text: str) -> Any:
    """The first document. Raises `YamlRefused`."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader, nodes, line = _Reader(), 0, 0
    try:
        for event in yaml.parse(text, Loader=loader):
            nodes += 1
            line = event.start_mark.line + 1 if event.start_mark else line
            if nodes > MOST_NODES or len(reader.open) > DEEPEST:
                raise YamlRefused("it is too large or too deep")
            _step(reader, event)
            if reader.ended:
                break
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = mark.line + 1 if mark else line
        raise YamlRefused(f"line {where}: {getattr(error, 'problem', None) or 'no YAML'}") from None
    except YamlRefused as error:
        raise YamlRefused(f"line {line}: {error}") from None
    return reader.result


def _step(reader: _Reader, event: Any) -> None:
    import yaml

    if isinstance(event, yaml.ScalarEvent):
        key = reader.open and isinstance(reader.open[-1].value, dict) and reader.open[-1].key is None
        plain = event.implicit[0] and not key
        reader.take(_scalar(event.value) if plain else event.value, event.anchor)
    elif isinstance(event, yaml.MappingStartEvent):
        reader.open.append(_Open({}, event.anchor))
    elif isinstance(event, yaml.SequenceStartEvent):
        reader.open.append(_Open([], event.anchor))
    elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
        reader.close()
    elif isinstance(event, yaml.AliasEvent):
        if event.anchor not in reader.named:
            raise YamlRefused(f"`*{str(event.anchor)[:40]}` names nothing before it")
        reader.take(reader.named[event.anchor], None)


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
