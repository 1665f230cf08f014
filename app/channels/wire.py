"""Bodies as they go over the wire; none that comes in has a field that says who somebody is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints

from app.events import Payload
from app.models import ActionRequest, Conversation, EventType, Message, Role, Status
from knowledge.model import Value

Page = Annotated[str, StringConstraints(max_length=2000)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Wire(Value):
    """A body as it goes over the wire; a field's docstring is its description in the API."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class NothingIn(Wire):
    """An empty JSON object."""


class ConversationIn(Wire):
    page: Page | None = None
    """Address of the page the customer has open, where the Referer header does not say it."""


class MessageIn(Wire):
    client_message_id: ClientId
    """Made by the client once per message: the same id again changes nothing."""
    text: str
    page: Page | None = None


class VisitorOut(Wire):
    token: str
    """Send it as `Authorization: Bearer TOKEN`. We keep its digest only: it cannot be shown again."""


class ConversationOut(Wire):
    id: str
    status: Status
    person_active: bool


class MessageOut(Wire):
    id: str
    role: Role
    text: str
    at: datetime


class ConversationWithMessages(ConversationOut):
    messages: tuple[MessageOut, ...]
    seq: int
    """Number of the newest event."""


class Accepted(Wire):
    message: MessageOut
    seq: int
    """What follows from the message has greater event numbers than this, unless it was seen before."""
    seen_before: bool


class RequestOut(Wire):
    id: str
    state: str


class StreamedEvent(Wire):
    """One event of the stream: lines `id`, `event` and `data` (JSON). Its `id` is what to come back with."""

    id: int
    event: EventType
    data: Payload


class Health(Wire):
    status: Literal["ok"] = "ok"


class Wrong(Wire):
    code: str
    message: str
    fix: str


class ErrorOut(Wire):
    error: Wrong


def shown(conversation: Conversation) -> ConversationOut:
    return ConversationOut(
        id=conversation.id, status=conversation.status, person_active=conversation.person_active
    )


def said(message: Message) -> MessageOut:
    return MessageOut(id=message.id, role=message.role, text=message.text, at=message.at)


def decided(request: ActionRequest) -> RequestOut:
    return RequestOut(id=request.id, state=request.state)
