"""What a language model makes of a finding: a fact beside ours, and how far it moves what we think.

Codes of closed sets alone: nothing that a model writes is kept or shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from knowledge.model import Value

Verdict = Literal["holds", "does_not_hold", "unsure"]
Relation = Literal["contradiction", "superseded", "same_task", "none"]
"""What two lines are to each other."""

WHY_HOLDS = ("figures", "who", "rule", "place", "order", "one_goal")
WHY_NOT = ("other_case", "other_thing", "says_same", "example")
Reason = Literal[
    "figures",
    "who",
    "rule",
    "place",
    "order",
    "one_goal",
    "other_case",
    "other_thing",
    "says_same",
    "example",
    "too_little",
    "no_answer",
]
"""`no_answer` is ours: it refused, or what it gave was no verdict."""

RAISE, LOWER = 0.12, 0.3
"""How far a verdict may move a confidence."""
LEAST, MOST = 0.3, 0.97
"""And to where: what it lowers stays on record."""


class Judgement(Value):
    """A model's verdict on one finding as its lines stood then."""

    verdict: Verdict
    kind: Relation
    reason: Reason
    model: str
    at: datetime
    of: str
    """Digest of what it was shown: as long as that stays the same, it is not asked again."""
    counts: bool = True
    """False while models are off: it is known, and moves nothing."""


class Judging(Value):
    """What one look asked a model."""

    model: str
    at: datetime
    asked: int = 0
    known: int = 0
    """Findings whose lines were judged in a look before."""
    unanswered: int = 0
    """Of the asked: a refusal, or no verdict."""
    tokens: int = 0
    ended: str | None = None
    """Why it asked no more, by the name of the failure; None where all went well."""


def moved(confidence: float, judgement: Judgement | None, *, proven: bool) -> float:
    """The confidence with a model's verdict. What a machine has proved it cannot make less sure."""
    if judgement is None or not judgement.counts:
        return confidence
    match judgement.verdict:
        case "holds":
            return round(max(confidence, min(MOST, confidence + RAISE)), 3)
        case "does_not_hold" if not proven:
            return round(min(confidence, max(LEAST, confidence - LOWER)), 3)
    return confidence
