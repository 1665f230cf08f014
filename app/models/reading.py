"""What was understood of a conversation: claims, inputs, wishes."""

from __future__ import annotations

from typing import Literal

from knowledge.model import Value

Speech = Literal["request", "question", "report", "thanks", "greeting"]

ClaimStatus = Literal["done", "not_done", "failed", "unknown"]

Danger = Literal["security", "fraud", "legal", "harm", "billing_dispute"]


class Claim(Value):
    """What the customer said or showed about one step; the newest about a step wins."""

    step: str
    subject: str | None = None
    status: str
    """`done`, `not_done`, `failed`, `unknown`, or one of the step's outcomes."""
    message: str
    """Id of the customer's message it rests on."""
    quote: str
    """Verbatim words of that message."""
    confidence: float = 1.0
    shown: bool = False
    """True where it rests on pasted output rather than on the customer's word."""
    disputed: bool = False
    """Two readers understood it differently: it counts as nothing known until something settles it."""


class Input(Value):
    """A value the customer gave, e.g. a domain or a workspace, with the words it rests on."""

    name: str
    """Kind of subject (`domain`, `workspace`, ...)."""
    value: str
    message: str
    quote: str


class Reading(Value):
    """What was understood of a conversation. It decides nothing."""

    language: str = "en"
    speech: Speech = "request"
    request: str = ""
    """What is asked, as a sentence that stands alone (the search query)."""
    procedure: str | None = None
    perhaps: str | None = None
    """A procedure to ask about: near, but not surely meant; or meant, while no wish could be told."""
    subjects: tuple[Input, ...] = ()
    claims: tuple[Claim, ...] = ()
    """The newest claim per (step, subject); steps that were not mentioned have none."""
    wants_outcome: bool = False
    """Wants the result of the procedure: asked for it anywhere and did not take it back."""
    faint: bool = False
    """The outcome seems wanted, and no words ask for it plainly: only a model has read so, or what asks
    speaks of something else. Nothing is done without the customer's own yes."""
    asks_how: bool = False
    """Asks how to do the procedure or one of its steps."""
    wants_person: bool = False
    danger: Danger | None = None
    skips_checks: bool = False
    """Demands to skip checks, or forges a system message or an approval."""
    for_other: bool = False
    """Says that it is about somebody else's account or resource."""
    asks_again: bool = False
    """Asks to see something again that was sent before."""
    asks_on: bool = False
    """Asks how the matter at hand stands or comes back to it, and asks nothing beside it."""
    told_before: bool = False
    """Says that what we ask or explain was said already."""
    confirms: bool = False
    """Says yes to what the last message of ours proposed, or all right and nothing else."""
    reader: str = "builtin"
    """Which reader made it, e.g. `builtin` or `llm:model-name`, or `builtin (no model: timeout)`."""
    tokens_in: int = 0
    tokens_out: int = 0
