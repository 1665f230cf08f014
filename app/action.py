"""Something that changes the world, as it is declared once: no page can leave a prerequisite out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from app.models.request import ActionRequest
from app.models.steps import Finding
from knowledge.model import Check, Value


class Action(Value):
    """Something that changes the world, declared once: no page can leave a prerequisite out."""

    name: str
    describe: str
    """What it does, for an agent."""
    effect: str
    """The account system's name for the write."""
    undo: str | None
    inputs: tuple[str, ...] = ()
    """Kinds of subject it needs a value of."""
    prerequisites: tuple[Check, ...] = ()
    """Looked at again at the moment of execution; every one must be met."""
    only_before: frozenset[Check] = frozenset()
    """Those that the action itself changes; all others have to hold afterwards, too."""
    read_back: Check | None
    """What says that it is so; None where nothing can be read: then it is sent, and never called done."""
    approval: Literal["none", "customer", "agent"] = "agent"
    repeatable: bool = True
    """The account system does it once per key, so that a try whose answer was lost may be sent again."""
    takes_back: bool = False
    """It is the undo of another: its read-back has to say that the change is gone."""

    @property
    def lasting(self) -> tuple[Check, ...]:
        """Prerequisites that have to hold after it, too."""
        return tuple(check for check in self.prerequisites if check not in self.only_before)


def wanted(actions: Mapping[str, Action], request: ActionRequest) -> Action | None:
    """The action as the request wants it; None where the files that declared it say otherwise by now.

    Taking back rests on the same looks, the read-back among them: whatever they saw when it was proposed has
    to be so still.
    """
    action = actions.get(request.action)
    if request.undoes is None or action is None:
        return action
    if action.read_back is None or not can_be_undone(action):
        return None
    return action.model_copy(
        update={
            "effect": action.undo,
            "undo": None,
            "prerequisites": (action.read_back, *action.lasting),
            "takes_back": True,
        }
    )


def can_be_undone(action: Action) -> bool:
    """By its own undo; what would undo a move is another move, and needs to know where from."""
    return action.undo not in (None, action.effect)


def in_effect(action: Action, back: Finding) -> bool:
    """What its read-back saw; unknown is not yes, and not the opposite either."""
    return back.met is not None and back.met is not action.takes_back
