"""What is different between two versions, for people: of a page's text, and of what machines follow."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from knowledge.model import Check, Procedure, Step

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


def of_procedures(before: Procedure | None, after: Procedure) -> list[str]:
    """One line for each thing that machines follow and that changed; then what changed in words alone."""
    if before is None:
        return [
            f"+ subjects: {_listed(after.subjects)}",
            *(f"+ step {step.id}: {step.title}{_facts(step)}" for step in after.steps),
            f"+ action: {after.action or 'none'}",
        ]
    return [*_followed(before, after), *_words(before, after)]


class Row(NamedTuple):
    """One thing that machines follow, in lines; none on the side where it is not there."""

    what: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def side_by_side(before: Procedure | None, after: Procedure) -> list[Row]:
    """All that machines follow, before and after, also what stays; steps that are gone where they stood."""
    old = {step.id: step for step in before.steps} if before else {}
    new = {step.id: step for step in after.steps}
    rows = [Row("subjects", before.subjects if before else (), after.subjects)]
    for id in _merged(list(old), list(new)):
        sides = (_lines_of(old[id]) if id in old else (), _lines_of(new[id]) if id in new else ())
        rows.append(Row(f"step {id}", *sides))
    order = tuple(id for id in old if id in new), tuple(id for id in new if id in old)
    if order[0] != order[1]:
        rows.append(Row("order of steps", *order))
    rows.append(Row("action", (before.action or "none",) if before else (), (after.action or "none",)))
    return rows


def _merged(old: Sequence[str], new: Sequence[str]) -> list[str]:
    merged = list(new)
    for at, id in enumerate(old):
        if id not in merged:
            merged.insert(merged.index(old[at - 1]) + 1 if at else 0, id)
    return merged


def _lines_of(step: Step) -> tuple[str, ...]:
    lines = [step.title, f"subject: {step.subject}", f"check: {_check(step.check)}"]
    lines += ["has to be checked"] if step.must_check else []
    lines += [f"outcome {name}: {to}" for name, to in step.outcomes]
    lines += [f"seen as {name}: {outcome}" for name, outcome in step.seen]
    return (*lines, *([f"next: {step.next}"] if step.next else []))


def _followed(before: Procedure, after: Procedure) -> Iterator[str]:
    if before.subjects != after.subjects:
        yield f"~ subjects: {_listed(before.subjects)} -> {_listed(after.subjects)}"
    old, new = {s.id: s for s in before.steps}, {s.id: s for s in after.steps}
    yield from (f"- step {id}: {step.title}{_facts(step)}" for id, step in old.items() if id not in new)
    yield from (f"+ step {id}: {step.title}{_facts(step)}" for id, step in new.items() if id not in old)
    order = [id for id in old if id in new], [id for id in new if id in old]
    if order[0] != order[1]:
        yield f"~ order of steps: {_listed(order[0])} -> {_listed(order[1])}"
    for id in order[1]:
        yield from (f"~ step {id}: {what}" for what in _of_steps(old[id], new[id]))
    if before.action != after.action:
        yield f"~ action: {before.action or 'none'} -> {after.action or 'none'}"


def _of_steps(before: Step, after: Step) -> Iterator[str]:
    if before.subject != after.subject:
        yield f"subject {before.subject} -> {after.subject}"
    if before.check != after.check:
        yield f"check {_check(before.check)} -> {_check(after.check)}"
    if before.must_check != after.must_check:
        yield "has to be checked from now on" if after.must_check else "need not be checked any more"
    if before.next != after.next:
        yield f"next {before.next or 'the step below'} -> {after.next or 'the step below'}"
    for what, old, new in (
        ("outcome", before.outcomes, after.outcomes),
        ("seen as", before.seen, after.seen),
    ):
        was, now = dict(old), dict(new)
        for name in [*was, *(name for name in now if name not in was)]:
            if was.get(name) != now.get(name):
                yield f"{what} {name}: {was.get(name, 'none')} -> {now.get(name, 'none')}"
        if was == now and list(was) != list(now):
            yield f"order of {what}s: {_listed(list(was))} -> {_listed(list(now))}"


def _words(before: Procedure, after: Procedure) -> list[str]:
    old = {step.id: (step.title, step.text) for step in before.steps}
    changed = [s.id for s in after.steps if s.id in old and old[s.id] != (s.title, s.text)]
    changed += [name for name in ("title", "when", "intro") if getattr(before, name) != getattr(after, name)]
    return [f"  words changed: {_listed(changed)}"] if changed else []


def _facts(step: Step) -> str:
    facts = [f"check {_check(step.check)}"] if step.check else []
    facts += ["has to be checked"] if step.must_check else []
    facts += [f"{name}: {to}" for name, to in step.outcomes]
    return f" ({'; '.join(facts)})" if facts else ""


def _check(check: Check | None) -> str:
    if check is None:
        return "none"
    params = ", ".join(f"{key}={value}" for key, value in check.params)
    return f"{check.name}({params})" if params else check.name


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items) or "none"
