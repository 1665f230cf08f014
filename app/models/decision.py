"""What to do next, and why: one of a closed set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from knowledge.model import Citation, Value


class Acknowledge(Value):
    kind: Literal["acknowledge"] = "acknowledge"
    because: str
    closes: bool = False
    """Thanks after the job is done closes the case."""


class Already(Value):
    kind: Literal["already"] = "already"
    because: str
    citations: tuple[Citation, ...] = ()
    """What the pages say to what is told or asked besides."""


class Answer(Value):
    kind: Literal["answer"] = "answer"
    because: str
    citations: tuple[Citation, ...]
    """Empty where no page answers what is asked in between: it is said plainly, and the case goes on."""
    back_to: str | None = None
    """The step that stays open while something else is answered."""


class Guide(Value):
    kind: Literal["guide"] = "guide"
    because: str
    step: str
    """The step, or the section of the page where `about` says so."""
    about: Literal["step", "advice"] = "step"
    another_way: bool = False
    """The step was explained before: say what is seen now instead of the same words."""
    brief: bool = False
    """The customer comes back to the matter: how it stands, in a line. It counts as no explanation."""
    watches: bool = False
    """A machine can see when it is done: we look again by ourselves and go on."""


class Ask(Value):
    kind: Literal["ask"] = "ask"
    because: str
    step: str
    """The step asked about, or the kind of subject, the procedure or the words where `about` says so."""
    about: Literal["step", "subject", "procedure", "words", "matter"] = "step"
    another_way: bool = False
    """It was asked before and nothing was said to it: in other words, once."""


class Watch(Value):
    kind: Literal["watch"] = "watch"
    because: str
    step: str


class Propose(Value):
    kind: Literal["propose"] = "propose"
    because: str
    action: str
    approval: Literal["customer", "agent"]


class Act(Value):
    kind: Literal["act"] = "act"
    because: str
    action: str


class Decline(Value):
    kind: Literal["decline"] = "decline"
    because: str
    reason: Literal["not_signed_in", "not_owner", "not_yours", "checks_needed"]
    step: str | None = None
    """The step that is missing, where one is."""


class HandOff(Value):
    kind: Literal["hand_off"] = "hand_off"
    because: str
    reason: Literal[
        "asked",
        "danger",
        "no_source",
        "cannot_check",
        "repeat",
        "action_failed",
        "standing_unknown",
        "way_ends",
    ]
    """`way_ends`: a branching procedure leads to a person, or knows no way for what was answered."""


class StaySilent(Value):
    kind: Literal["stay_silent"] = "stay_silent"
    because: str


Decision = Annotated[
    Acknowledge | Already | Answer | Guide | Ask | Watch | Propose | Act | Decline | HandOff | StaySilent,
    Field(discriminator="kind"),
]
