"""What a Chatwoot account holds, how it changes, and the events that its agent bot is told of."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from evals.world.chatwoot.rules import MESSAGE_TYPES, Json, identifier_hash

ACCOUNT = {"id": 1, "name": "Heron Mail"}
Status = Literal["open", "resolved", "pending", "snoozed"]
Emit = Callable[[str, Json], None]


@dataclass
class User:
    """An agent; `token` is their API access token."""

    id: int
    name: str
    email: str
    token: str
    role: str = "agent"

    def push(self) -> Json:
        return {"id": self.id, "name": self.name, "available_name": self.name, "type": "user"}


@dataclass
class Bot:
    id: int
    name: str
    token: str
    secret: str

    def push(self) -> Json:
        return {"id": self.id, "name": self.name, "type": "agent_bot"}


@dataclass
class Inbox:
    id: int
    name: str
    channel_type: str = "Channel::WebWidget"
    hmac_mandatory: bool = True
    hmac_token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    bot_active: bool = True

    def shown(self) -> Json:
        """app/views/api/v1/models/_inbox.json.jbuilder, for an agent who is no administrator."""
        return {
            "id": self.id,
            "name": self.name,
            "channel_type": self.channel_type,
            "hmac_mandatory": self.hmac_mandatory,
        }


@dataclass
class Contact:
    id: int
    name: str
    email: str | None = None
    identifier: str | None = None
    custom_attributes: Json = field(default_factory=dict)

    def push(self) -> Json:
        return {
            "additional_attributes": {},
            "custom_attributes": dict(self.custom_attributes),
            "email": self.email,
            "id": self.id,
            "identifier": self.identifier,
            "name": self.name,
            "phone_number": None,
            "thumbnail": "",
            "blocked": False,
            "type": "contact",
        }


@dataclass
class Visitor:
    """A contact inbox: one browser at one inbox."""

    id: int
    contact: Contact
    inbox: Inbox
    source_id: str
    hmac_verified: bool = False

    def push(self) -> Json:
        return {
            "id": self.id,
            "contact_id": self.contact.id,
            "inbox_id": self.inbox.id,
            "source_id": self.source_id,
            "hmac_verified": self.hmac_verified,
        }


Sender = User | Bot | Contact | None


@dataclass
class Message:
    id: int
    conversation: Conversation
    content: str | None
    message_type: str
    sender: Sender
    private: bool = False
    content_type: str = "text"
    content_attributes: Json = field(default_factory=dict)
    source_id: str | None = None
    status: str = "sent"
    attachments: list[Json] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)

    def push(self) -> Json:
        """app/views/api/v1/models/_message.json.jbuilder"""
        data: Json = {
            "id": self.id,
            "content": self.content,
            "inbox_id": self.conversation.visitor.inbox.id,
            "account_id": ACCOUNT["id"],
            "conversation_id": self.conversation.id,
            "message_type": MESSAGE_TYPES.index(self.message_type),
            "content_type": self.content_type,
            "status": self.status,
            "content_attributes": dict(self.content_attributes),
            "created_at": int(self.created_at),
            "private": self.private,
            "source_id": self.source_id,
        }
        if self.sender is not None:
            data["sender"] = self.sender.push()
        if self.attachments:
            data["attachments"] = self.attachments
        return data

    def webhook(self) -> Json:
        """app/models/message.rb, webhook_data"""
        inbox = self.conversation.visitor.inbox
        data = {
            "account": ACCOUNT,
            "additional_attributes": {},
            "content_attributes": dict(self.content_attributes),
            "content_type": self.content_type,
            "content": self.content,
            "conversation": self.conversation.webhook(),
            "created_at": datetime.fromtimestamp(self.created_at, UTC).isoformat(),
            "id": self.id,
            "inbox": {"id": inbox.id, "name": inbox.name},
            "message_type": self.message_type,
            "private": self.private,
            "sender": self.sender.push() if self.sender else None,
            "source_id": self.source_id,
        }
        return data | ({"attachments": self.attachments} if self.attachments else {})


@dataclass
class Conversation:
    id: int
    visitor: Visitor
    status: Status
    additional_attributes: Json
    assignee: User | None = None
    bot_owned: bool = False
    """It was assigned to the bot itself, not only to an inbox with one."""
    custom_attributes: Json = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)

    def _meta(self) -> Json:
        return {
            "sender": self.visitor.contact.push(),
            "channel": self.visitor.inbox.channel_type,
            "assignee": {**self.assignee.push(), "email": self.assignee.email} if self.assignee else None,
            "assignee_type": "User" if self.assignee else "AgentBot" if self.bot_owned else None,
            "team": None,
            "hmac_verified": self.visitor.hmac_verified,
        }

    def _common(self) -> Json:
        chat = [m for m in self.messages if m.message_type != "activity" and not m.private]
        return {
            "meta": self._meta(),
            "id": self.id,
            "messages": [chat[-1].push()] if chat else [],
            "additional_attributes": dict(self.additional_attributes),
            "can_reply": True,
            "custom_attributes": dict(self.custom_attributes),
            "inbox_id": self.visitor.inbox.id,
            "labels": [],
            "snoozed_until": None,
            "status": self.status,
            "created_at": int(self.created_at),
            "timestamp": int(self.updated_at),
            "priority": None,
        }

    def shown(self) -> Json:
        """app/views/api/v1/conversations/partials/_conversation.json.jbuilder"""
        return {**self._common(), "account_id": ACCOUNT["id"], "muted": False}

    def webhook(self) -> Json:
        """app/presenters/conversations/event_data_presenter.rb"""
        return {
            **self._common(),
            "channel": self.visitor.inbox.channel_type,
            "contact_inbox": self.visitor.push(),
            "updated_at": self.updated_at,
        }


class State:
    """One account with one bot. Every change that a bot hears of goes through `emit`."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._ids = count(1)
        self._message_ids = count(1001)
        self.bot = Bot(1, "Stepfour", secrets.token_urlsafe(18), secrets.token_urlsafe(18))
        self.users = [
            User(1, "Kim", "kim@heron.example", secrets.token_urlsafe(18)),
            User(2, "Lea", "lea@heron.example", secrets.token_urlsafe(18), role="administrator"),
            User(3, "Stepfour reader", "reader@heron.example", secrets.token_urlsafe(18)),
        ]
        self.inboxes = [
            Inbox(1, "Website"),
            Inbox(2, "Shop without proof", hmac_mandatory=False),
            Inbox(3, "WhatsApp", channel_type="Channel::Whatsapp"),
        ]
        self.contacts: list[Contact] = []
        self.visitors: list[Visitor] = []
        self.conversations: dict[int, Conversation] = {}
        self.files: dict[str, tuple[str, bytes]] = {}

    def tell(self, event: str, conversation: Conversation, payload: Json, **more: object) -> None:
        if conversation.visitor.inbox.bot_active:
            self._emit(event, {**payload, "event": event, **more})

    # --- customers ---

    def new_visitor(self, inbox: Inbox, name: str) -> Visitor:
        contact = Contact(next(self._ids), name)
        visitor = Visitor(next(self._ids), contact, inbox, secrets.token_hex(12))
        self.contacts.append(contact)
        self.visitors.append(visitor)
        if inbox.bot_active:
            event = "webwidget_triggered"
            self._emit(event, {**visitor.push(), "account": ACCOUNT, "event": event, "event_info": {}})
        return visitor

    def identify(self, visitor: Visitor, identifier: str, given: str | None) -> bool:
        """`setUser`: widget/contacts_controller.rb. False where it is refused."""
        inbox = visitor.inbox
        proven = given == identifier_hash(inbox.hmac_token, identifier)
        if (given is not None or inbox.hmac_mandatory) and not proven:
            return False
        visitor.hmac_verified = visitor.hmac_verified or proven
        visitor.contact.identifier = identifier
        return True

    def write(
        self, visitor: Visitor, content: str, files: list[Json], additional: Json, *, new: bool = False
    ) -> Message:
        """The customer writes in the widget: into their last conversation, or into a new one."""
        own = [c for c in self.conversations.values() if c.visitor is visitor]
        conversation = own[-1] if own and not new else self._open(visitor, additional)
        message = self.add(conversation, content, "incoming", visitor.contact, attachments=files)
        if conversation.status == "snoozed":
            self.set_status(conversation, "open")
        elif conversation.status == "resolved":
            # app/models/message.rb, reopen_resolved_conversation
            self.set_status(conversation, "pending" if visitor.inbox.bot_active else "open")
        self.announce(message)
        return message

    def _open(self, visitor: Visitor, additional: Json) -> Conversation:
        status: Status = "pending" if visitor.inbox.bot_active else "open"  # determine_conversation_status
        made = Conversation(len(self.conversations) + 1, visitor, status, additional)
        self.conversations[made.id] = made
        return made

    def choose(self, message: Message, value: str) -> None:
        """The customer presses an option: widget/messages_controller.rb, submitted_values."""
        item = next(i for i in message.content_attributes["items"] if i["value"] == value)
        message.content_attributes["submitted_values"] = [dict(item)]
        self.tell("message_updated", message.conversation, message.webhook())

    # --- messages and states ---

    def add(
        self, conversation: Conversation, content: str | None, kind: str, sender: Sender, **more: object
    ) -> Message:
        message = Message(next(self._message_ids), conversation, content, kind, sender, **more)  # type: ignore[arg-type]
        conversation.messages.append(message)
        conversation.updated_at = time.time()
        return message

    def announce(self, message: Message) -> None:
        if message.message_type != "activity":  # webhook_sendable?
            self.tell("message_created", message.conversation, message.webhook())

    def set_status(self, conversation: Conversation, status: Status, *, activity: str | None = None) -> None:
        before = conversation.status
        if before == status:
            return
        conversation.status, conversation.updated_at = status, time.time()
        if activity:
            self.add(conversation, activity, "activity", None)
        changed = [{"status": {"previous_value": before, "current_value": status}}]
        old = {"open": "conversation_opened", "resolved": "conversation_resolved"}.get(status)
        if old is not None:
            self.tell(old, conversation, conversation.webhook())
        for event in ("conversation_status_changed", "conversation_updated"):  # #14002, #14001
            self.tell(event, conversation, conversation.webhook(), changed_attributes=changed)

    def assign(self, conversation: Conversation, user: User | None, *, opens: bool = False) -> None:
        """app/services/conversations/assignment_service.rb; with `opens` as in #9277: one event only."""
        before, was = conversation.assignee, conversation.status
        if user is not None and was == "pending" and (opens or conversation.bot_owned):
            conversation.status = "open"
        conversation.assignee, conversation.bot_owned = user, conversation.bot_owned and user is None
        conversation.updated_at = time.time()
        changed: list[Json] = [
            {
                "assignee_id": {
                    "previous_value": before.id if before else None,
                    "current_value": user.id if user else None,
                }
            }
        ]
        if conversation.status != was:
            changed.append({"status": {"previous_value": was, "current_value": conversation.status}})
        self.tell("conversation_updated", conversation, conversation.webhook(), changed_attributes=changed)
