"""Reads YAML value by value, and fails at the line where a value stands."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import NoReturn

from knowledge.errors import PageError
from knowledge.frontmatter import FrontMatter, Where
from knowledge.model import Check

NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean `{close[0]}`?" if close else ""


class YamlReader:
    """One file, or the top of one page, while it is read."""

    def __init__(self, page: FrontMatter, path: str) -> None:
        self.page = page
        self.path = path
        if page.repeated:
            where = page.repeated[0]
            self.fail(where, f"`{where[-1]}` is given twice", "Keep one of them.")

    def fail(self, where: Where, what: str, fix: str) -> NoReturn:
        raise PageError(self.path, self.page.line(*where), what, fix)

    def at(self, where: Where) -> object:
        value: object = self.page.data
        for part in where:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
        return value

    def word(self, where: Where) -> str:
        value = self.at(where)
        if not isinstance(value, str) or not value.strip():
            self.fail(where, f"`{where[-1]}` is missing or not a text", f"Add `{where[-1]}: ...`.")
        return value.strip()

    def optional_word(self, where: Where) -> str | None:
        return None if self.at(where) is None else self.word(where)

    def name(self, where: Where) -> str:
        value = self.word(where)
        if not NAME.fullmatch(value):
            fix = "Use small letters, digits and dashes, e.g. `ssl-certificate`."
            self.fail(where, f"`{value}` cannot be an id", fix)
        return value

    def mapping(self, where: Where, value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            self.fail(where, "a step is not a list of `key: value` pairs", "Write e.g. `- {id: first-step}`.")
        return {str(key): inner for key, inner in value.items()}

    def known_keys(self, where: Where, given: dict[str, object], known: frozenset[str]) -> None:
        for key in given:
            if key not in known:
                fix = near(key, known) or f"Known here: {', '.join(sorted(known))}."
                self.fail((*where, key), f"`{key}` is not known here", fix)

    def known_name(self, where: Where, name: str, known: Collection[str] | None, kind: str) -> None:
        if known is not None and name not in known:
            fix = near(name, known) or f"This installation has: {', '.join(sorted(known)) or 'none'}."
            self.fail(where, f"there is no {kind} `{name}`", fix)

    def check(self, where: Where, given: object, known: Collection[str] | None) -> Check | None:
        if given is None:
            return None
        if isinstance(given, str):
            self.known_name(where, given, known, "check")
            return Check(name=given)
        fix = "Write `check: NAME` or `check: {NAME: {parameter: value}}`."
        if not isinstance(given, dict) or len(given) != 1:
            self.fail(where, "the check cannot be read", fix)
        name, params = next(iter(given.items()))
        self.known_name(where, str(name), known, "check")
        if params is None:
            return Check(name=str(name))
        if not isinstance(params, dict):
            self.fail(where, f"the parameters of `{name}` are not `key: value` pairs", fix)
        for key, value in params.items():
            if not isinstance(value, str | bool | int | float):
                self.fail((*where, str(name), str(key)), f"`{key}` is neither a text nor a number", fix)
        return Check(name=str(name), params=tuple((str(key), value) for key, value in params.items()))
