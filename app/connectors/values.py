"""Single values of a connector file: times, names, secrets, addresses, what a field has to equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args
from urllib.parse import urlsplit

from app.connectors.fill import PLACE
from app.connectors.keys import ANSWER
from app.connectors.model import Answer, Equals
from knowledge.frontmatter import Where
from knowledge.yaml_reader import NAME, YamlReader

LONGEST_S = 120.0
REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
"""A secret, by the variable that holds it."""
HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


class Values(YamlReader):
    """A file, value by value."""

    def _name(self, where: Where, name: str) -> None:
        if not NAME.fullmatch(name):
            fix = "Use small letters, digits and `_`, e.g. `enable_https`."
            self.fail(where, f"`{name}` cannot be a name", fix)

    def _pairs(self, where: Where) -> dict[str, object]:
        value = self.at(where)
        if value is None:
            return {}
        if not isinstance(value, dict):
            fix = f"Write e.g. `{where[-1]}: {{key: value}}`, or lines below it."
            self.fail(where, f"`{where[-1]}` has no `key: value` lines", fix)
        return {str(key): inner for key, inner in value.items()}

    def _keys_at(self, where: Where) -> set[str]:
        value = self.at(where)
        return {str(key) for key in value} if isinstance(value, dict) else set()

    def _one_of(self, where: Where, keys: tuple[str, ...], beside: Mapping[str, str] | None = None) -> str:
        given = [key for key in keys if key in self._keys_at(where)]
        given = [key for key in given if key not in {(beside or {}).get(other) for other in given}]
        if len(given) != 1:
            what = " and ".join(f"`{key}`" for key in given) if given else "none of them"
            self.fail(where, f"it has {what}", f"Write exactly one of: {', '.join(keys)}.")
        return given[0]

    def _only_with(self, where: Where, key: str, what: str) -> None:
        if key in self._keys_at(where):
            self.fail((*where, key), f"`{key}` is for `{what}`", "Leave it out.")

    def _seconds(self, where: Where, usual: float) -> float:
        value = self.at((*where, "timeout"))
        if value is None:
            return usual
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_S:
            fix = f"Write seconds, at most {LONGEST_S:.0f}."
            self.fail((*where, "timeout"), f"`{value}` is no time to wait", fix)
        return float(value)

    def _reference(self, where: Where) -> str:
        value = self.word(where)
        if not REFERENCE.fullmatch(value):
            # The value is not repeated: it may be the secret itself.
            fix = "Put the secret into an environment variable, and write `env:NAME`."
            self.fail(where, f"`{where[-1]}` is no reference to a secret", fix)
        return value

    def _address(self, where: Where) -> str:
        value = self.word(where)
        if REFERENCE.fullmatch(value):
            return value
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname:
            fix = "Write `https://...`, or `env:NAME` for a variable that holds it."
            self.fail(where, f"`{value}` is no https address", fix)
        if parts.username is not None or parts.password is not None:
            fix = "Write `credential: env:NAME`."
            self.fail(where, "an address holds no name and password", fix)
        if parts.query or parts.fragment or PLACE.search(value):
            fix = "What changes from call to call belongs in paths."
            self.fail(where, "an address ends before its `?`, and has no places", fix)
        return value

    def _header_of_credential(self) -> tuple[str, str]:
        if self.page.data.get("header") is None:
            return "Authorization", "Bearer"
        name, _, scheme = self.word(("header",)).partition(":")
        if not HEADER.fullmatch(name.strip()):
            fix = 'Write e.g. `header: X-Api-Key`, or `header: "Authorization: Bearer"`.'
            self.fail(("header",), f"`{name}` is no name of a header", fix)
        return name.strip(), scheme.strip()

    def _answer(self, where: Where) -> Answer:
        self.known_keys(where, self._pairs(where), ANSWER)
        value = self.at((*where, "equals"))
        equals = value if isinstance(value, list) else [value]
        if not equals or not all(isinstance(each, get_args(Equals)) for each in equals):
            fix = "Write e.g. `{field: role, equals: owner}`; a list of values means any of them."
            self.fail(where, f"`{where[-1]}` does not say what it equals", fix)
        return Answer(field=self.word((*where, "field")), equals=tuple(equals))

    def _equal(self, where: Where) -> Equals:
        value = self.at(where)
        if not isinstance(value, str | bool | int | float):
            self.fail(where, f"`{where[-1]}` is neither a text nor a number", "Write e.g. `equals: true`.")
        return value
