"""walk(procedure, states) -> Walk: where somebody stands in a procedure that branches. Pure.

What is known decides the way, in whatever order it was said: a question that was never asked is passed over
where an answer beyond it is known, and where its answer would change nothing. A thing to do is never passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from app.models.steps import StepState
from knowledge.model import Procedure, Step, Value

PASSED = 0.3
"""What passing over an open question costs, where an answer beyond it is worth 1: one carries over three.

Customers' openings jump over two to seven questions; the farther the jump, the likelier it was misread.
"""


class End(Value):
    """Where a way ends."""

    kind: Literal["action", "advice", "handoff", "done"]
    advice: str | None = None
    """Anchor of the section that says what to do."""
    because: str = ""
    """Why it ends, where the page does not say so itself."""


class Walk(Value):
    """The way through a procedure, as far as it is known."""

    path: tuple[str, ...]
    """Steps that are settled, from the start on."""
    at: str | End
    """The step that is next, or the end that is reached."""
    passed: tuple[str, ...] = ()
    """Questions on the way that were passed over because of what is known beyond them."""
    open: tuple[str, ...] = ()
    """Steps that may still come, the next one among them."""


class _Way(Value):
    """One way from a step on, and what speaks for it."""

    at: str | End
    path: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    worth: float = 0.0


def walk(procedure: Procedure, states: Sequence[StepState]) -> Walk:
    """The most likely way by what is known. Steps without a state are unknown."""
    known = {state.step: state for state in states}
    ways: dict[str, _Way] = {}
    steps = {step.id: step for step in procedure.steps}

    def way(target: str, above: frozenset[str]) -> _Way:
        if target not in steps:
            return _Way(at=_end(procedure, target))
        if target in above:  # refused when a page is read; a walk ends all the same
            return _Way(at=End(kind="handoff", because="the steps go in a circle"))
        if target not in ways:
            ways[target] = _from(steps[target], above | {target})
        return ways[target]

    def _from(step: Step, above: frozenset[str]) -> _Way:
        state = known.get(step.id)
        if not step.outcomes:
            if state is None or not state.holds:
                return _Way(at=step.id)
            return _settled(step, way(procedure.after(step), above))
        outcome = state.outcome if state is not None else None
        if outcome is not None:
            target = dict(step.outcomes).get(outcome)
            if target is None:
                none = f"the page says nothing for the answer “{outcome}” to {step.id}"
                return _Way(at=End(kind="handoff", because=none), path=(step.id,), worth=1.0)
            return _settled(step, way(target, above))
        if state is not None and state.word == "not_applicable":
            because = f"{step.id} does not apply here, and the page branches on it"
            return _Way(at=End(kind="handoff", because=because))
        return _undecided(step, [way(target, above) for _, target in step.outcomes])

    found = way(procedure.steps[0].id, frozenset())
    return Walk(path=found.path, at=found.at, passed=found.passed, open=_open(procedure, found.at))


def _settled(step: Step, rest: _Way) -> _Way:
    return rest.model_copy(update={"path": (step.id, *rest.path), "worth": rest.worth + 1})


def _undecided(step: Step, ways: Sequence[_Way]) -> _Way:
    """The open question itself, or the way past it that what is known speaks for."""
    best = max(ways, key=lambda each: each.worth)
    same = all(each.at == best.at and not each.passed for each in ways)
    if same and not (isinstance(best.at, End) and best.at.because):
        if best.worth == 0 and len(ways) == 1:  # a question with one answer is there to be asked
            return _Way(at=step.id)
        return best  # whatever is answered, the same comes next
    rivals = [each for each in ways if each.worth == best.worth and each.at != best.at]
    if best.worth <= PASSED or rivals:
        return _Way(at=step.id)
    return best.model_copy(update={"passed": (step.id, *best.passed), "worth": best.worth - PASSED})


def _end(procedure: Procedure, target: str) -> End:
    if target in ("action", "handoff", "done"):
        return End(kind=target)
    return End(kind="advice", advice=target)


def _open(procedure: Procedure, at: str | End) -> tuple[str, ...]:
    """Every step that can be reached from where the way stands, in the order of the page."""
    steps = {step.id: step for step in procedure.steps}
    found: set[str] = set()
    left = [at] if isinstance(at, str) else []
    while left:
        id = left.pop()
        if id in steps and id not in found:
            found.add(id)
            step = steps[id]
            left += [target for _, target in step.outcomes] or [procedure.after(step)]
    return tuple(step.id for step in procedure.steps if step.id in found)


def on_the_way(procedure: Procedure, states: Sequence[StepState]) -> tuple[StepState, ...]:
    """The states that count: of a branching procedure those behind and the one ahead, in order."""
    if not procedure.branches:
        return tuple(states)
    found = walk(procedure, states)
    by_step: Mapping[str, StepState] = {state.step: state for state in states}
    here = [*found.path, *([] if isinstance(found.at, End) else [found.at])]
    here += [state.step for state in states if state.word == "not_applicable" and state.step not in here]
    return tuple(by_step[id] for id in here if id in by_step)
