"""Everything known of a case, for the person who takes over."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.conversation import Role
from app.models.people import Principal
from app.models.steps import StepState
from knowledge.model import Fate, Value


class Quoted(Value):
    """A message as it was written, for a dossier."""

    message: str
    role: Role
    name: str | None = None
    at: datetime
    text: str
    """Verbatim; only what is very long is cut."""
    attachments: tuple[str, ...] = ()
    """Names of the files that came with it."""


class Noted(Value):
    """One line of the ledger in words, for a dossier."""

    step: str
    subject: str = ""
    kind: Literal["claim", "evidence", "finding", "not_applicable", "note", "correction"]
    status: str = ""
    """Of a claim; of a finding its code."""
    text: str
    """The quote or the agent's note, verbatim; of a finding a sentence in the agents' language."""
    by: str | None = None
    """The agent, where a person wrote it."""
    message: str | None = None
    at: datetime


class Tried(Value):
    """An action request and how it ended, for a dossier."""

    request: str
    action: str
    inputs: tuple[tuple[str, str], ...] = ()
    state: str
    by: str | None = None
    detail: str = ""
    at: datetime


class Place(Value):
    """A conversation in which the matter was spoken of."""

    channel: str
    conversation: str
    at: datetime
    url: str | None = None
    """Where an agent can open it."""


class PageSince(Fate):
    """A page that was quoted, and what became of it."""

    title: str


class Dossier(Value):
    """Everything known, for the person who takes over."""

    summary: str
    """Three lines: who wants what, what is known so far, why it stands."""
    customer: Principal
    request: str
    procedure: str | None
    title: str = ""
    """Title of the procedure."""
    steps: tuple[StepState, ...]
    sent: tuple[str, ...]
    """What was explained or asked so far, so that nobody does it again."""
    because: str
    next_move: str
    left: tuple[str, ...] = ()
    """Titles of the steps that do not hold."""
    words: tuple[Quoted, ...] = ()
    """The customer's messages that matter, oldest first."""
    words_left_out: int = 0
    """How many more the customer wrote."""
    agents: tuple[Quoted, ...] = ()
    """What agents told the customer last."""
    notes: tuple[Quoted, ...] = ()
    """What agents wrote down for each other."""
    ledger: tuple[Noted, ...] = ()
    requests: tuple[Tried, ...] = ()
    attachments: tuple[str, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    """What the client showed: page, browser, language. Nobody has to ask for it."""
    places: tuple[Place, ...] = ()
    since: tuple[PageSince, ...] = ()
    """Pages quoted to the customer that are not as they were, or where they were, when this is read."""
    lang: str = "en"
    """Language of our words; the customer's stay as they are."""
