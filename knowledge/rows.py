"""Tables in Markdown: a row says nothing without the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from knowledge.stems import stems

_EDGE = re.compile(r"(?<!\\)\|")
FENCE = re.compile("`{3,}|~{3,}")
"""Around code, where nothing is a table."""
_RULE = re.compile(r"[\s|:-]*-[\s|:-]*")


class Table(NamedTuple):
    """Lines of a text, verbatim: the row of names, and the rows below the rule."""

    head: str
    rows: tuple[str, ...]
    text: str
    """From the head to the last row."""


def is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def table_at(lines: Sequence[str], at: int) -> Table | None:
    """The table whose head stands there."""
    if at + 1 >= len(lines) or not (
        is_row(lines[at]) and is_row(lines[at + 1]) and _RULE.fullmatch(lines[at + 1])
    ):
        return None
    end = at + 2
    while end < len(lines) and is_row(lines[end]):
        end += 1
    rows = tuple(line.strip() for line in lines[at + 2 : end])
    return Table(lines[at].strip(), rows, "\n".join(lines[at:end]).strip())


def table_of(text: str, row: str) -> Table | None:
    """The table of a text in which that row stands."""
    lines = text.split("\n")
    tables = (table_at(lines, at) for at in range(len(lines)))
    return next((table for table in tables if table and (row in table.rows or row == table.text)), None)


def cells(row: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in _EDGE.split(row.strip().strip("|"))]


def in_words(head: str, rows: Sequence[str], asked: Collection[str] = (), lang: str = "") -> str:
    """An item a row: its first cell, then the others by the names of their columns; only the columns that
    `asked`, stems of a question, names, where it names some. In a narrow window and in a chat that knows no
    tables it is read alike."""
    names = cells(head)
    named = [n for n, name in enumerate(names) if n and not set(asked).isdisjoint(stems(name, lang))]
    columns = named or range(1, len(names))
    return "\n".join(_item(cells(row), names, columns) for row in rows)


def _item(values: Sequence[str], names: Sequence[str], columns: Collection[int]) -> str:
    first = values[0] or names[0]
    told = [
        f"{names[n]}: {values[n]}" if names[n] else values[n]
        for n in columns
        if n < len(values) and values[n] and n < len(names)
    ]
    return f"- **{first}** – {'; '.join(told)}" if told else f"- **{first}**"


def without_tables(text: str) -> str:
    """Every table of a text in words; what stands in a fence stays."""
    lines = text.split("\n")
    out: list[str] = []
    at, fence = 0, ""
    while at < len(lines):
        mark = FENCE.match(lines[at].strip())
        if mark and (not fence or lines[at].strip().startswith(fence)):
            fence = "" if fence else mark[0]
        table = None if fence else table_at(lines, at)
        if table is None:
            out.append(lines[at])
            at += 1
            continue
        room = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        out += [room + item for item in in_words(table.head, table.rows).split("\n")]
        at += len(table.rows) + 2
    return "\n".join(out)
