"""Reads the front matter of one page value by value, and fails at the line where a value stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from knowledge.errors import PageError
from knowledge.frontmatter import Where
from knowledge.languages import language_code
from knowledge.model import Check
from knowledge.yaml_reader import NAME, YamlReader, near

SAYS_KEYS = frozenset({"done", "not_done"})
SEEN_KEYS = frozenset({"met", "not_met"})
ENDS = frozenset({"action", "handoff"})
"""Where an outcome may lead besides a step or another section of the page (an advice)."""

NO_OUTCOMES = frozenset({"done", "not_done", "failed", "unknown"})
"""Statuses of a claim: as outcomes they would say two things."""


def _yes_no(name: object) -> str:
    """YAML reads a bare yes and no as true and false."""
    return {True: "yes", False: "no"}[name] if isinstance(name, bool) else str(name)


class PageReader(YamlReader):
    """One page while it is read."""

    def fail_at(self, body_line: int, what: str, fix: str) -> NoReturn:
        raise PageError(self.path, self.page.body_line + body_line, what, fix)

    def subjects(self) -> tuple[str, ...]:
        value = self.page.data.get("subject")
        kinds = value if isinstance(value, list) else [value]
        if not kinds or not all(isinstance(kind, str) and NAME.fullmatch(kind) for kind in kinds):
            fix = "Write e.g. `subject: domain` or `subject: [domain, workspace]`."
            self.fail(("subject",), "`subject` does not say what the procedure is about", fix)
        if len(set(kinds)) != len(kinds):
            self.fail(("subject",), "`subject` names the same kind twice", "Keep one of them.")
        return tuple(kinds)

    def says(self, where: Where, value: object, outcomes: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(where, "`says` cannot be read", "Write `says: {done: [...], not_done: [...]}`.")
        value = {_yes_no(key): examples for key, examples in value.items()}
        self.known_keys(where, value, frozenset(outcomes) | SAYS_KEYS)
        for key, examples in value.items():
            if not isinstance(examples, list) or not all(isinstance(e, str) and e.strip() for e in examples):
                self.fail(
                    (*where, key), f"`{key}` is not a list of sentences", "Write `[sentence, sentence]`."
                )
        return {key: tuple(examples) for key, examples in value.items()}

    def titles(self, where: Where, value: object) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        fix = "Write e.g. `titles: {pt: ..., es: ...}`."
        if not isinstance(value, dict):
            self.fail(where, "`titles` cannot be read", fix)
        for lang, title in value.items():
            if not isinstance(title, str) or not title.strip():
                self.fail((*where, str(lang)), f"the title for `{lang}` is not a text", fix)
        return tuple((language_code(str(lang)), title) for lang, title in value.items())

    def labels(
        self, where: Where, value: object, outcomes: Sequence[str]
    ) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        if value is None:
            return ()
        if not isinstance(value, dict) or not outcomes:
            fix = "Write e.g. `labels: {spam: {pt: no spam, es: en spam}}` beside `outcomes:`."
            self.fail(where, "`labels` cannot be read", fix)
        value = {_yes_no(key): titles for key, titles in value.items()}
        self.known_keys(where, value, frozenset(outcomes))
        return tuple((name, self.titles((*where, name), titles)) for name, titles in value.items())

    def seen(
        self, where: Where, value: object, outcomes: Sequence[str], check: Check | None
    ) -> tuple[tuple[str, str], ...]:
        """Which outcome a look stands for; for `yes` and `no` it needs no word."""
        if value is None:
            if check is None or not outcomes:
                return ()
            if set(outcomes) == {"yes", "no"}:
                return (("met", "yes"), ("not_met", "no"))
        fix = f"Write e.g. `seen: {{met: {outcomes[0]}, not_met: {outcomes[-1]}}}`." if outcomes else ""
        if value is None or not isinstance(value, dict) or check is None or not outcomes:
            what = "`seen` is for a step with a check and outcomes"
            if check is not None and outcomes:
                what = "nothing says which outcome the check stands for"
            self.fail(where, what, fix or "Leave it out.")
        self.known_keys(where, value, SEEN_KEYS)
        pairs = tuple((str(key), _yes_no(name)) for key, name in value.items())
        for key, name in pairs:
            if name not in outcomes:
                self.fail((*where, key), f"`{name}` is no outcome of the step", fix)
        if {key for key, _ in pairs} != SEEN_KEYS:
            self.fail(where, "`seen` needs both `met` and `not_met`", fix)
        return pairs

    def target(self, where: Where, value: object, step: str, places: set[str]) -> str | None:
        if value is None:
            return None
        if value == step:
            self.fail(where, f"step `{step}` leads back to itself", "Name the next one.")
        if not isinstance(value, str) or value not in places | ENDS:
            fix = near(str(value), places | ENDS) or f"Use one of: {', '.join(sorted(places | ENDS))}."
            self.fail(where, f"step `{step}` leads to `{value}`, which is not there", fix)
        return value

    def outcomes(
        self, where: Where, value: object, step: str, places: set[str]
    ) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        if not isinstance(value, dict) or not value:
            self.fail(
                where, "`outcomes` cannot be read", "Write e.g. `outcomes: {yes: adapter, no: outlet}`."
            )
        pairs = []
        for name, target in value.items():
            outcome = _yes_no(name)
            if not NAME.fullmatch(outcome) or outcome in NO_OUTCOMES:
                fix = "Use small letters, digits and dashes, e.g. `no-answer`; not a status such as `done`."
                self.fail((*where, outcome), f"`{outcome}` cannot be an outcome", fix)
            if target == step:
                self.fail(
                    (*where, outcome), f"outcome `{outcome}` leads back to its own step", "Name the next one."
                )
            if not isinstance(target, str) or target not in places | ENDS:
                fix = near(str(target), places | ENDS) or f"Use one of: {', '.join(sorted(places | ENDS))}."
                self.fail(
                    (*where, outcome), f"outcome `{outcome}` leads to `{target}`, which is not there", fix
                )
            pairs.append((outcome, target))
        return tuple(pairs)
