"""The word lists of `cues.txt` as patterns. New words go into that file."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

LEAD = (
    r"^(?:(?:ah|oh|h?m+|now|ja|ya|agora|ahora|well|ok|okay|bom|bueno|pues|oi|entao|so|and|e|y"
    r"|that's a|it's a)[, ]+)*"
)
"""What people say before they answer."""


@cache
def _sections() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in files("app.reader").joinpath("cues.txt").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[([\w.]+)\]", line):
            name = heading[1]
            found[name] = []
        elif line and not line.startswith("#"):
            found[name].append(line.strip())
    return {
        name: tuple(part for part in " ".join(lines).split(" ; ") if part) for name, lines in found.items()
    }


def listed(name: str) -> tuple[str, ...]:
    return _sections()[name]


def either(name: str) -> str:
    return "|".join(part.strip(" ;") for part in listed(name))


def anywhere(name: str) -> re.Pattern[str]:
    """Matches whole words anywhere."""
    return re.compile(rf"(?<!\w)(?:{either(name)})(?!\w)")


def opening(*names: str, lead: str = LEAD) -> re.Pattern[str]:
    """Matches where a clause begins with one of it."""
    return re.compile(rf"{lead}(?:{'|'.join(map(either, names))})(?=$|[\s,.!?:;])")


def by_language(name: str) -> dict[str, re.Pattern[str]]:
    return {lang: anywhere(f"{name}.{lang}") for lang in ("en", "pt", "es")}
