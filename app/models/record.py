"""What one turn, or one step of an action, writes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.case import Case, FollowUp, Watching
from app.models.conversation import Message, Mode, Note, Status
from app.models.decision import Decision
from app.models.dossier import Dossier
from app.models.event import NewEvent
from app.models.facts import Facts
from app.models.people import Principal
from app.models.reading import Reading
from app.models.request import ActionRequest
from app.models.steps import LedgerFact
from knowledge.model import Citation, Value


class Stage(Value):
    """Seconds one stage of a turn took."""

    name: str
    seconds: float


class Turn(Value):
    """The one record of handling one message (or one resume): audit, explanation, evaluation row."""

    id: str
    trigger: str
    """Message id, or what resumed the case."""
    conversation: str
    case: str | None
    channel: str
    mode: Mode
    reading: Reading
    facts: Facts
    decision: Decision
    rule: str = ""
    """The rule of the policy that spoke; empty where none was asked."""
    passages: tuple[str, ...] = ()
    request: str | None = None
    """Id of the action request this turn made."""
    reply: str = ""
    """What was, or in shadow and suggest would have been, said."""
    dossier: Dossier | None = None
    stages: tuple[Stage, ...] = ()
    at: datetime


SuggestionState = Literal["open", "sent", "edited", "dismissed", "superseded"]


class Suggestion(Value):
    """A reply that an agent may send, edit or drop; its id is that of the turn that made it."""

    id: str
    conversation: str
    case: str | None
    decision: Decision
    text: str
    citations: tuple[Citation, ...] = ()
    warnings: tuple[str, ...] = ()
    """Why to look twice, as codes: `uncited`, `old_source`, `other_language`, `doubtful`."""
    request: str | None = None
    """The action request that waits for an agent."""
    state: SuggestionState = "open"
    by: str | None = None
    at: datetime


class Record(Value):
    """Everything one turn (or one step of an action) writes, in one transaction."""

    conversation: str
    turn: Turn | None = None
    covers: tuple[str, ...] = ()
    """Customer's messages that this turn has read."""
    case: Case | None = None
    facts: tuple[LedgerFact, ...] = ()
    replies: tuple[Message, ...] = ()
    events: tuple[NewEvent, ...] = ()
    request: ActionRequest | None = None
    watch: Watching | None = None
    unwatch: str | None = None
    """Case whose watch ends."""
    follow_up: FollowUp | None = None
    followed: str | None = None
    """Request that is not looked at any more."""
    dossier: Dossier | None = None
    status: Status | None = None
    person_active: bool | None = None
    suggestion: Suggestion | None = None
    note: Note | None = None
    elsewhere: tuple[tuple[str, NewEvent], ...] = ()
    """Events for other logs: the agents' own, or the conversation where a request was made."""
    by: Principal | None = None
    """Whose hand it was, where a person did it by button."""
