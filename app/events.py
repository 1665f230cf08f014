"""Shapes of the numbered events' payloads: what every surface may rely on.

Every payload is typed and is the newest word about what it names: a surface that replays a conversation
from any number on ends in the same state. Sentences are in the conversation's language; a surface brings
its own words for closed sets (`StepWord`, states, reasons).

To add an event: name it in `models/event.py`, give it a payload here, and list it in `PAYLOADS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from app.described import Described
from app.links import Places
from app.models.conversation import Message, Role, Status
from app.models.event import EventType, NewEvent
from app.models.reading import ClaimStatus
from app.models.request import RequestState
from app.models.steps import StepWord
from knowledge.model import Became, Citation

TaskState = Literal["pending", "in_progress", "complete", "error"]
HandoffState = Literal["requested", "queued", "joined", "ended"]


class Shape(Described):
    """A payload or a part of one; a field's docstring is its description in the API."""


class ConversationStatus(Shape):
    status: Status
    reason: str | None = None


class Task(Shape):
    """A look or a move under way; the title is a sentence for the customer."""

    turn: str
    task: str
    title: str
    state: TaskState


class MessageDelta(Shape):
    """A piece of a reply being written. `offset` makes a replay harmless: drop what you already have."""

    message: str
    offset: int
    text: str


class CitedSource(Shape):
    n: int
    """The number that [n] in the text refers to."""
    document: str = ""
    """The page's id; empty in what was sent before it was kept."""
    title: str
    path: str
    anchor: str | None = None
    url: str | None = None
    """Where the page can be read now; None where it is not published."""
    quote: str
    updated_at: datetime
    lang: str
    became: Became | None = None
    """What became of the page since it was cited: `changed`, `moved`, `gone`, or `erased` with its words."""
    now_at: str | None = None
    """Path of the page now, where it is at another one than when it was cited."""


class ShownAttachment(Shape):
    id: str
    name: str
    type: str
    size: int
    image: bool


class ShownMessage(Shape):
    id: str
    role: Role
    name: str | None = None
    """Who speaks, where an agent wants to be named."""
    text: str
    at: datetime
    client_message_id: str | None = None
    """On a customer's message: the id the client gave it."""
    decision: str | None = None
    """On ours: kind of the decision it carries out, never to be read from the text."""
    citations: tuple[CitedSource, ...] = ()
    links: tuple[str, ...] = ()
    """Addresses in the text that lead to pages of your own sites. Beside these, what is cited and our help
    pages, show no address as a link."""
    attachments: tuple[ShownAttachment, ...] = ()

    def leads(self) -> frozenset[str]:
        """Where it may lead beside our help pages, as was decided when it was said."""
        return frozenset(self.links).union(cited.url for cited in self.citations if cited.url)


class MessageDone(Shape):
    """A whole message; it replaces every delta with its id."""

    message: ShownMessage


class MessageReset(Shape):
    """What was streamed of this message does not count."""

    message: str


class StepQuote(Shape):
    message: str
    text: str


class ShownStep(Shape):
    id: str
    title: str
    word: StepWord
    claim: ClaimStatus | str | None = None
    subject: str | None = None
    """The subject the word is about, where one decides it."""
    seen: str | None = None
    """What a probe saw, as a sentence."""
    at: datetime | None = None
    until: datetime | None = None
    quote: StepQuote | None = None
    """The customer's words the claim rests on."""
    checkable: bool = False
    """A machine can look: "check again" makes sense."""
    holds: bool = False
    """Nothing is left to do about it."""


class Watching(Shape):
    step: str
    next_look_at: datetime


class Steps(Shape):
    """The whole checklist; the newest one counts."""

    procedure: str
    title: str
    steps: tuple[ShownStep, ...]
    watching: Watching | None = None


class ShownPrerequisite(Shape):
    title: str
    met: bool | None
    seen: str | None = None
    at: datetime | None = None


class ActionProposed(Shape):
    request: str
    action: str
    title: str
    """What will be done, as a command for a button: "Switch HTTPS on"."""
    inputs: tuple[tuple[str, str], ...] = ()
    digest: str
    """An approval is for exactly this."""
    undo: str | None = None
    """How it can be undone, as a sentence."""
    prerequisites: tuple[ShownPrerequisite, ...] = ()
    approval: Literal["customer", "agent"]
    expires_at: datetime


class ActionState(Shape):
    request: str
    action: str
    title: str
    """What is done, as a progress line: "Switching HTTPS on"."""
    state: RequestState
    detail: str | None = None
    """What a customer may know of why it stands so, as a sentence."""
    by: str | None = None
    """Who approved or rejected it, where a person did."""


class Handoff(Shape):
    state: HandoffState
    reason: str | None = None
    name: str | None = None
    """The agent who joined."""
    team: str | None = None
    hours: Literal["open", "closed"] | None = None
    opens_at: datetime | None = None
    """When somebody is there again, where nobody is now."""
    eta_s: int | None = None
    """How long it took lately, in seconds; None where we do not know."""


class Feedback(Shape):
    message: str
    helped: bool
    reason: str | None = None


class Resolved(Shape):
    """Whether the matter is solved: asked of the customer, or how it is known."""

    case: str
    state: Literal["asked", "verified", "confirmed", "silent", "denied", "lost"]
    """`lost`: it was verified, and looked at again it does not hold any more."""


# --- the agents' own log ---


class AgentCase(Shape):
    """Something is new in a conversation: its view is to be read again."""

    conversation: str
    case: str | None = None
    what: Literal["message", "turn", "status", "note", "feedback", "resolution"]


class AgentSuggestion(Shape):
    """A reply that waits for an agent, or what became of it."""

    suggestion: str
    conversation: str
    case: str | None = None
    state: Literal["open", "sent", "edited", "dismissed", "superseded"]


class AgentRequest(Shape):
    """An action request that an agent may decide, or what became of it."""

    request: str
    conversation: str
    case: str
    state: RequestState
    by: str | None = None


class AgentHandoff(Shape):
    """A case was handed to people. `turn` is the key of its dossier, which is stored already."""

    conversation: str
    case: str | None = None
    turn: str | None = None
    reason: str
    team: str | None = None
    again: bool = False
    """The customer said that it is not solved after all."""


class AgentKnowledge(Shape):
    """A sync changed documents: how many pages, and what of ours follows them."""

    run: int
    """Number of the sync; `stepfour changes --since NUMBER` shows it word for word."""
    source: str
    new: int
    changed: int
    removed: int
    procedures: tuple[str, ...] = ()
    cases: int = 0
    """Open cases that follow such a procedure, or were sent words of such a page."""


class ErrorShown(Shape):
    code: str
    message: str
    """For the customer: what happened and what to do."""
    retryable: bool = False
    retry_after_s: int | None = None


Payload = (
    ConversationStatus
    | Task
    | MessageDelta
    | MessageDone
    | MessageReset
    | Steps
    | ActionProposed
    | ActionState
    | Handoff
    | Feedback
    | Resolved
    | ErrorShown
    | AgentCase
    | AgentSuggestion
    | AgentRequest
    | AgentHandoff
    | AgentKnowledge
)

PAYLOADS: Mapping[EventType, type[Payload]] = {
    "conversation.status": ConversationStatus,
    "task": Task,
    "message.delta": MessageDelta,
    "message.done": MessageDone,
    "message.reset": MessageReset,
    "steps": Steps,
    "action.proposed": ActionProposed,
    "action.state": ActionState,
    "handoff": Handoff,
    "feedback": Feedback,
    "resolution": Resolved,
    "error": ErrorShown,
    "agent.case": AgentCase,
    "agent.suggestion": AgentSuggestion,
    "agent.request": AgentRequest,
    "agent.handoff": AgentHandoff,
    "agent.knowledge": AgentKnowledge,
}
_TYPES: Mapping[type[Payload], EventType] = {shape: type for type, shape in PAYLOADS.items()}


def event_type(payload: Payload) -> EventType:
    return _TYPES[type(payload)]


def as_json(payload: Payload) -> dict[str, object]:
    """The payload as an event row keeps it."""
    return payload.model_dump(mode="json")


def event_of(payload: Payload) -> NewEvent:
    return event_type(payload), as_json(payload)


def parsed(type: EventType, payload: Mapping[str, object]) -> Payload:
    """A stored payload as its typed value. Raises `ValidationError` for one that does not fit."""
    return PAYLOADS[type].model_validate(payload)


def shown(
    message: Message,
    *,
    client_message_id: str | None = None,
    name: str | None = None,
    decision: str | None = None,
    citations: tuple[Citation, ...] = (),
    places: Places | None = None,
) -> ShownMessage:
    """A message as surfaces see it: without its client context; sources numbered as cited in its text."""
    return ShownMessage(
        id=message.id,
        role=message.role,
        name=name or message.name,
        text=message.text,
        at=message.at,
        client_message_id=client_message_id,
        decision=decision,
        attachments=tuple(
            ShownAttachment(id=a.id, name=a.name, type=a.type, size=a.size, image=a.image)
            for a in message.attachments
        ),
        citations=tuple(
            CitedSource(
                n=n,
                document=cited.document,
                title=cited.title,
                path=cited.path,
                anchor=cited.anchor,
                url=places.page(cited.document, cited.path, cited.anchor) if places else None,
                quote=cited.quote,
                updated_at=cited.updated_at,
                lang=cited.lang,
            )
            for n, cited in enumerate(citations, start=1)
        ),
        links=places.on_sites(message.text) if places else (),
    )
