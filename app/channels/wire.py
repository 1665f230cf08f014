"""Bodies as they go over the wire; none that comes in has a field that says who somebody is."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, StringConstraints, create_model

from app.described import Described
from app.events import PAYLOADS, Payload, ShownAttachment
from app.models.conversation import Attachment, Conversation, Message, Role, Status
from app.models.event import EventType
from app.models.request import ActionRequest

MOST_ATTACHMENTS = 10

Page = Annotated[str, StringConstraints(max_length=2000)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Wire(Described):
    """A body as it goes over the wire; a field's docstring is its description in the API."""


class NothingIn(Wire):
    """An empty JSON object."""


class ConversationIn(Wire):
    page: Page | None = None
    """Address of the page the customer has open, where the Referer header does not say it."""


class MessageIn(Wire):
    client_message_id: ClientId
    """Made by the client once per message: the same id again changes nothing."""
    text: str
    """May be empty where there are attachments."""
    page: Page | None = None
    attachments: tuple[Id, ...] = Field((), max_length=MOST_ATTACHMENTS)
    """Ids of files uploaded to this conversation before."""


class FeedbackIn(Wire):
    message: Id
    """The answer that it is about."""
    helped: bool
    reason: Annotated[str, StringConstraints(max_length=2000)] | None = None


class SolvedIn(Wire):
    solved: bool


class DecisionIn(Wire):
    digest: Digest | None = None
    """What the card showed, from `action.proposed`: the decision counts for exactly that, or not at all."""


class VisitorOut(Wire):
    token: str
    """Send it as `Authorization: Bearer TOKEN`. We keep its digest only: it cannot be shown again."""


class ConversationOut(Wire):
    id: str
    channel: str
    status: Status
    person_active: bool
    opened_at: datetime


class ConversationsOut(Wire):
    conversations: tuple[ConversationOut, ...]
    """Newest first."""


class MessageOut(Wire):
    id: str
    role: Role
    name: str | None = None
    """Who speaks, where an agent is named."""
    text: str
    at: datetime
    attachments: tuple[ShownAttachment, ...] = ()


class ConversationWithMessages(ConversationOut):
    messages: tuple[MessageOut, ...]
    seq: int
    """Number of the newest event."""


class Accepted(Wire):
    message: MessageOut
    seq: int
    """What follows from the message has greater event numbers than this, unless it was seen before."""
    seen_before: bool


class LinkCodeOut(Wire):
    code: str
    """Entered in the other place, once: it joins what is said there to this customer."""
    expires_at: datetime


class RequestOut(Wire):
    id: str
    state: str


class Streamed(Wire):
    """One event of a stream: lines `id`, `event` and `data` (JSON)."""

    id: int
    """What to come back with, as `Last-Event-ID`."""


def _streamed(name: str, *, agents: bool) -> Any:
    """A union told apart by `event`, made from the list of payloads so that the two cannot differ."""
    kinds: list[Any] = [
        create_model(f"Streamed{shape.__name__}", __base__=Streamed, **_fields(type, shape))
        for type, shape in PAYLOADS.items()
        if type.startswith("agent.") == agents
    ]
    union: Any = Annotated[reduce(or_, kinds), Field(discriminator="event")]
    root: Any = RootModel
    return create_model(name, __base__=root[union])


def _fields(type: EventType, shape: type[Payload]) -> dict[str, Any]:
    return {"event": (Literal[type], ...), "data": (shape, ...)}


StreamedEvent = _streamed("StreamedEvent", agents=False)
StreamedAgentEvent = _streamed("StreamedAgentEvent", agents=True)


class Health(Wire):
    status: Literal["ok"] = "ok"


class Wrong(Wire):
    code: str
    message: str
    fix: str


class ErrorOut(Wire):
    error: Wrong


def refused(description: str) -> dict[str, Any]:
    """An error among the answers of a route. /readyz brings its shape into the description: built for every
    answer of every route, it would take a tenth of a start.
    """
    shape = {"$ref": f"#/components/schemas/{ErrorOut.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": shape}}}


def shown(conversation: Conversation) -> ConversationOut:
    return ConversationOut(
        id=conversation.id,
        channel=conversation.channel,
        status=conversation.status,
        person_active=conversation.person_active,
        opened_at=conversation.opened_at,
    )


def attached(attachment: Attachment) -> ShownAttachment:
    return ShownAttachment(
        id=attachment.id,
        name=attachment.name,
        type=attachment.type,
        size=attachment.size,
        image=attachment.image,
    )


def said(message: Message) -> MessageOut:
    return MessageOut(
        id=message.id,
        role=message.role,
        name=message.name,
        text=message.text,
        at=message.at,
        attachments=tuple(attached(a) for a in message.attachments),
    )


def decided(request: ActionRequest) -> RequestOut:
    return RequestOut(id=request.id, state=request.state)
