"""What was said, and where: messages with their files, conversations, notes of agents."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.people import Principal
from knowledge.model import Value

Mode = Literal["shadow", "suggest", "auto"]

Role = Literal["customer", "agent", "bot"]

Status = Literal[
    "bot_working",
    "awaiting_customer",
    "awaiting_approval",
    "watching",
    "with_agents",
    "human_active",
    "resolved",
]


class Attachment(Value):
    """A file that came with a message; its bytes lie in the data folder, by id."""

    id: str
    name: str
    type: str
    """Media type as sniffed from the bytes, never as claimed."""
    size: int
    """Bytes."""
    text: str = ""
    """What a text file says, as far as it is read: part of the words of its message."""

    @property
    def image(self) -> bool:
        return self.type.startswith("image/")


class Message(Value):
    """One thing said. `agent` is a person on our side, `bot` is us."""

    id: str
    conversation: str
    role: Role
    text: str
    at: datetime
    context: tuple[tuple[str, str], ...] = ()
    """What the client showed without being asked: user_agent, page, language."""
    attachments: tuple[Attachment, ...] = ()
    name: str | None = None
    """Who speaks, where an agent is named to the customer."""
    addressed: bool = True
    """False where it was said in a room and to nobody of us."""


class Conversation(Value):
    """All messages with one party on one channel about what they wrote there."""

    id: str
    channel: str
    principal: Principal
    status: Status = "awaiting_customer"
    person_active: bool = False
    caution: Mode = "auto"
    """The most that the place it is held in allows, whatever the settings of its channel allow."""
    context: tuple[tuple[str, str], ...] = ()
    opened_at: datetime


class Note(Value):
    """What an agent wrote down for the other agents."""

    id: str
    conversation: str
    by: str
    text: str
    at: datetime


class Received(Value):
    """What another service told us, stored before it was acknowledged, until it is worked off."""

    key: str
    channel: str
    payload: dict[str, object]
    attempts: int = 0
    at: datetime
