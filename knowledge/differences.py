"""What is different between two versions, for people: of a page's text, and of what machines follow."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from knowledge.model import Check, Procedure, Step
from knowledge.phrases import Phrase, phrase

LONG_LINE = 120
"""Characters. A paragraph on one line is compared sentence by sentence: else all of it would be new."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")


def of_texts(before: str, after: str, *, names: tuple[str, str], context: int = 2) -> str:
    """Unified diff; empty where nothing is different."""
    rows = difflib.unified_diff(_lines(before), _lines(after), *names, lineterm="", n=context)
    return "\n".join(rows)


def _lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        lines += _SENTENCE.split(line) if len(line) > LONG_LINE else [line]
    return lines


class Change(NamedTuple):
    """One thing that is new, gone or otherwise than before; ` ` where machines do not follow it."""

    sign: Literal["+", "-", "~", " "]
    what: Phrase
    facts: tuple[str | Phrase, ...] = ()
    """What else there is to know of a step that is new or gone."""


def of_procedures(before: Procedure | None, after: Procedure) -> list[Change]:
    """All that machines follow and that changed; then what changed in words alone."""
    if before is None:
        return [
            Change("+", phrase("procedure.subjects.are", subjects=_listed(after.subjects))),
            *(_step("+", step) for step in after.steps),
            Change("+", phrase("procedure.action.is", action=_or_none(after.action))),
        ]
    return [*_followed(before, after), *_words(before, after)]


class Row(NamedTuple):
    """One thing that machines follow, in lines; none on the side where it is not there."""

    what: Phrase
    before: tuple[str | Phrase, ...]
    after: tuple[str | Phrase, ...]


def side_by_side(before: Procedure | None, after: Procedure) -> list[Row]:
    """All that machines follow, before and after, also what stays; steps that are gone where they stood."""
    old = {step.id: step for step in before.steps} if before else {}
    new = {step.id: step for step in after.steps}
    rows = [Row(phrase("procedure.subjects"), before.subjects if before else (), after.subjects)]
    for id in _merged(list(old), list(new)):
        sides = (_lines_of(old[id]) if id in old else (), _lines_of(new[id]) if id in new else ())
        rows.append(Row(phrase("procedure.step", id=id), *sides))
    order = tuple(id for id in old if id in new), tuple(id for id in new if id in old)
    if order[0] != order[1]:
        rows.append(Row(phrase("procedure.order"), *order))
    actions = (_or_none(before.action),) if before else (), (_or_none(after.action),)
    rows.append(Row(phrase("procedure.action"), *actions))
    return rows


def _merged(old: Sequence[str], new: Sequence[str]) -> list[str]:
    merged = list(new)
    for at, id in enumerate(old):
        if id not in merged:
            merged.insert(merged.index(old[at - 1]) + 1 if at else 0, id)
    return merged


def _lines_of(step: Step) -> tuple[str | Phrase, ...]:
    lines: list[str | Phrase] = [
        step.title,
        phrase("procedure.subject", subject=step.subject),
        phrase("procedure.check", check=_check(step.check)),
    ]
    lines += [phrase("procedure.must_check")] if step.must_check else []
    lines += [phrase("procedure.outcome", name=name, to=to) for name, to in step.outcomes]
    lines += [phrase("procedure.seen", name=name, to=outcome) for name, outcome in step.seen]
    lines += [phrase("procedure.next", next=step.next)] if step.next else []
    return tuple(lines)


def _followed(before: Procedure, after: Procedure) -> Iterator[Change]:
    if before.subjects != after.subjects:
        subjects = {"before": _listed(before.subjects), "after": _listed(after.subjects)}
        yield Change("~", phrase("procedure.subjects.were", **subjects))
    old, new = {s.id: s for s in before.steps}, {s.id: s for s in after.steps}
    yield from (_step("-", step) for id, step in old.items() if id not in new)
    yield from (_step("+", step) for id, step in new.items() if id not in old)
    order = [id for id in old if id in new], [id for id in new if id in old]
    if order[0] != order[1]:
        yield Change("~", phrase("procedure.order.was", before=_listed(order[0]), after=_listed(order[1])))
    for id in order[1]:
        for what in _of_steps(old[id], new[id]):
            yield Change("~", phrase("procedure.step.changed", id=id, what=what))
    if before.action != after.action:
        actions = {"before": _or_none(before.action), "after": _or_none(after.action)}
        yield Change("~", phrase("procedure.action.was", **actions))


def _of_steps(before: Step, after: Step) -> Iterator[Phrase]:
    if before.subject != after.subject:
        yield phrase("procedure.subject.was", before=before.subject, after=after.subject)
    if before.check != after.check:
        yield phrase("procedure.check.was", before=_check(before.check), after=_check(after.check))
    if before.must_check != after.must_check:
        yield phrase("procedure.must_check.now" if after.must_check else "procedure.must_check.no_more")
    if before.next != after.next:
        below = phrase("procedure.step_below")
        yield phrase("procedure.next.was", before=before.next or below, after=after.next or below)
    for what, old, new in (
        ("outcome", before.outcomes, after.outcomes),
        ("seen", before.seen, after.seen),
    ):
        was, now = dict(old), dict(new)
        for name in [*was, *(name for name in now if name not in was)]:
            if was.get(name) != now.get(name):
                sides = {"before": _or_none(was.get(name)), "after": _or_none(now.get(name))}
                yield phrase(f"procedure.{what}.was", name=name, **sides)
        if was == now and list(was) != list(now):
            order = {"before": _listed(list(was)), "after": _listed(list(now))}
            yield phrase(f"procedure.{what}.order", **order)


def _words(before: Procedure, after: Procedure) -> list[Change]:
    old = {step.id: (step.title, step.text) for step in before.steps}
    steps = [s.id for s in after.steps if s.id in old and old[s.id] != (s.title, s.text)]
    changed = [phrase("procedure.step", id=id) for id in steps]
    changed += [
        phrase(f"procedure.{name}")
        for name in ("title", "when", "intro")
        if getattr(before, name) != getattr(after, name)
    ]
    return [Change(" ", phrase("procedure.words", names=tuple(changed)))] if changed else []


def _step(sign: Literal["+", "-"], step: Step) -> Change:
    facts: list[str | Phrase] = []
    facts += [phrase("procedure.check", check=_check(step.check))] if step.check else []
    facts += [phrase("procedure.must_check")] if step.must_check else []
    facts += [f"{name}: {to}" for name, to in step.outcomes]
    return Change(sign, phrase("procedure.step.is", id=step.id, title=step.title), tuple(facts))


def _check(check: Check | None) -> str | Phrase:
    if check is None:
        return phrase("procedure.none")
    params = ", ".join(f"{key}={value}" for key, value in check.params)
    return f"{check.name}({params})" if params else check.name


def _or_none(name: str | None) -> str | Phrase:
    return name or phrase("procedure.none")


def _listed(items: Sequence[str]) -> str | Phrase:
    return _or_none(", ".join(items))
