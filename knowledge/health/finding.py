"""Something wrong with one page, or with two: of which kind, how surely, and how much it matters."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal, get_args

from pydantic import field_validator

from knowledge.judging import Judgement, moved
from knowledge.model import Place, Value
from knowledge.phrases import AS_STORED, Phrase, phrase

RunKind = Literal[
    "same_text",
    "reworded",
    "same_task",
    "contradiction",
    "superseded",
    "gone_from_product",
    "dated",
    "translation_behind",
    "broken_link",
    "dead_end",
    "never_found",
    "no_page",
]
"""What a run over the pages finds."""

TalkKind = Literal["screen_missing", "probe_contradicts", "marked_wrong", "no_source"]
"""What comes up in conversations: a screen that a customer does not have, a page that a look at the
world contradicts, an answer marked wrong, a question without a source."""

Kind = Literal[RunKind, TalkKind]

State = Literal["open", "accepted", "dismissed", "task"]

Origin = Literal["run", "conversation"]

RUN_KINDS: tuple[str, ...] = get_args(RunKind)

KINDS: tuple[str, ...] = RUN_KINDS + get_args(TalkKind)

STATES: tuple[str, ...] = get_args(State)

MARKING: frozenset[str] = frozenset(
    {
        "contradiction",
        "superseded",
        "gone_from_product",
        "screen_missing",
        "probe_contradicts",
        "marked_wrong",
    }
)
"""Kinds that speak against the words of a passage."""

PROVEN: frozenset[str] = frozenset({"same_text", "gone_from_product", "broken_link", "probe_contradicts"})
"""Kinds that a machine has checked; so are two figures that differ."""

ONE_SIDED: frozenset[str] = frozenset({"superseded"})
"""Kinds that do not speak against their second place: it is what took the place of the others."""

SECOND = 1

HARM = {
    **dict.fromkeys(("contradiction", "probe_contradicts", "marked_wrong", "screen_missing"), 1.0),
    **dict.fromkeys(("gone_from_product", "dated", "dead_end"), 0.95),
    **dict.fromkeys(("translation_behind", "no_source", "no_page"), 0.85),
    "broken_link": 0.65,
    **dict.fromkeys(("superseded", "same_text", "reworded", "same_task"), 0.55),
    "never_found": 0.5,
}
"""How much a reader suffers, by kind: what is wrong comes before what is untidy."""

SURE = 0.75
"""From this confidence on a finding that nobody has looked at yet marks a passage."""

TOLD = {"screen_missing": 0.6, "probe_contradicts": 0.8, "marked_wrong": 0.6, "no_source": 0.6}
"""By kind: how much one conversation says."""


class Evidence(Value):
    """Words of a conversation that a finding rests on."""

    conversation: str
    message: str
    quote: str


class Finding(Value):
    """Something wrong with one page, or with two that do not go together."""

    id: str
    """Stable: made of the kind and the texts of the places."""
    kind: Kind
    confidence: float
    """0..1: how likely a person who reads both lines would agree, by our own judgement. Passages are marked
    by it alone: no line of a page can talk a model into what customers are told."""
    place: Place
    other: Place | None = None
    also: tuple[Place, ...] = ()
    """More pages that hold one of the two lines."""
    why: tuple[Phrase, ...]
    todo: Phrase
    cases: int | None = None
    """How many cases it caused, where that is known."""
    source: Origin = "run"
    evidence: tuple[Evidence, ...] = ()
    judged: Judgement | None = None
    state: State = "open"
    by: str | None = None
    note: str | None = None
    found_at: datetime | None = None
    closed_at: datetime | None = None

    @field_validator("why", mode="before")
    @classmethod
    def _why(cls, given: object) -> object:
        return (phrase(AS_STORED, text=given),) if isinstance(given, str) else given

    @field_validator("todo", mode="before")
    @classmethod
    def _todo(cls, given: object) -> object:
        return phrase(AS_STORED, text=given) if isinstance(given, str) else given

    @property
    def proven(self) -> bool:
        return self.kind in PROVEN or any(why.key == "contradiction.number" for why in self.why)

    @property
    def sure(self) -> float:
        """The confidence with what a model made of it."""
        return moved(self.confidence, self.judged, proven=self.proven)

    @property
    def strength(self) -> float:
        """What to look at first: how sure it is and how much it matters."""
        return self.sure * HARM[self.kind]


def finding_id(kind: str, *texts: str) -> str:
    """Spacing and the order of the texts do not matter."""
    parts = sorted(" ".join(text.split()) for text in texts)
    return hashlib.sha256("\0".join([kind, *parts]).encode()).hexdigest()[:12]
