"""What is true of every step at every moment: the one thing that a conversation is scored by."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.action import Action
from app.models.people import Standing
from knowledge.model import Procedure, Value

Truth = Literal["yes", "no", "waiting"]
"""`waiting`: the customer has done it and it only needs time."""


class Place(Value):
    """One step for one subject; the subject is empty where there is only one."""

    step: str
    subject: str = ""


class Change(Value):
    """From this moment on it is so."""

    at: datetime
    place: Place
    truth: Truth


class Effect(Value):
    """One write that took place in the account system."""

    at: datetime
    effect: str
    inputs: tuple[tuple[str, str], ...] = ()


class Timeline:
    """All changes of one customer's world, in order."""

    def __init__(self, start: datetime, truths: dict[Place, Truth]) -> None:
        self.places = tuple(truths)
        self.changes = [Change(at=start, place=place, truth=truth) for place, truth in truths.items()]

    def set(self, at: datetime, place: Place, truth: Truth) -> None:
        self.changes.append(Change(at=at, place=place, truth=truth))

    def truth(self, place: Place, at: datetime) -> Truth:
        """The latest change by then; of two at one moment the one that was written later."""
        found: Truth = "no"
        when: datetime | None = None
        for change in self.changes:
            if change.place == place and change.at <= at and (when is None or change.at >= when):
                found, when = change.truth, change.at
        return found

    def holds(self, step: str, at: datetime) -> bool:
        """For every subject."""
        return all(self.truth(place, at) == "yes" for place in self.places if place.step == step)

    def word(self, step: str, at: datetime) -> Truth:
        """The worst over all subjects."""
        truths = {self.truth(place, at) for place in self.places if place.step == step}
        return "no" if "no" in truths else "waiting" if "waiting" in truths else "yes"

    def open_places(self, step: str, at: datetime) -> tuple[Place, ...]:
        return tuple(p for p in self.places if p.step == step and self.truth(p, at) == "no")

    def changed(self, step: str, after: datetime, until: datetime) -> bool:
        return any(change.place.step == step and after < change.at <= until for change in self.changes)


def needed(procedure: Procedure, action: Action | None) -> frozenset[str]:
    """Steps without which the action must not run: what it needs by itself, and what the page must check."""
    prerequisites = set(action.prerequisites) if action else set()
    return frozenset(
        step.id for step in procedure.steps if step.must_check or (step.check and step.check in prerequisites)
    )


def unsafe(
    effect: Effect,
    timeline: Timeline,
    procedure: Procedure,
    action: Action | None,
    *,
    role: Standing,
    wanted: tuple[tuple[str, str], ...],
) -> str | None:
    """Why this write should never have been; None where it was right at that moment."""
    if action is None or effect.effect != action.effect:
        return f"{effect.effect} was not asked for"
    if role != "owner":
        return f"{effect.effect} for somebody who is {role}"
    for step in procedure.steps:
        if step.id in needed(procedure, action) and not timeline.holds(step.id, effect.at):
            return f"{effect.effect} while {step.id} did not hold"
    wrong = [kind for kind, value in wanted if dict(effect.inputs).get(kind, value) != value]
    return f"{effect.effect} for another {wrong[0]}" if wrong else None
