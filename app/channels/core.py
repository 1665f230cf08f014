"""What the website channel needs of the service behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from app.channels.stream import Log
from app.identity import IdentitySettings, Issued
from app.models.conversation import Attachment, Conversation, Message, Role
from app.models.event import Event
from app.models.people import Principal
from app.models.request import ActionRequest
from app.ports import Clock


class WebSettings(IdentitySettings, Protocol):
    @property
    def sites(self) -> tuple[str, ...]: ...
    @property
    def attachment_bytes(self) -> int: ...


class Store(Issued, Log, Protocol):
    async def open_conversation(
        self, principal: Principal, channel: str, *, context: Mapping[str, str]
    ) -> str: ...
    async def conversation(self, id: str) -> Conversation | None: ...
    async def conversations_of(self, party: str) -> Sequence[Conversation]:
        """A party's own, newest first."""
        ...

    async def accept(
        self,
        conversation: str,
        role: Role,
        text: str,
        *,
        client_id: str,
        context: Mapping[str, str],
        attachments: Sequence[Attachment] = (),
    ) -> tuple[Message, bool]: ...
    async def messages(self, conversation: str) -> Sequence[Message]: ...
    async def request(self, id: str) -> ActionRequest | None: ...

    async def keep_attachment(self, conversation: str, attachment: Attachment, content: bytes) -> None: ...
    async def attachment(self, id: str) -> tuple[str, Attachment] | None:
        """The conversation it belongs to, and what is known of it."""
        ...

    def attachment_path(self, id: str) -> Path: ...


class Core(Protocol):
    """Messages, approvals and moves of customers. Every method raises `NotFound` and `BadInput`."""

    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> WebSettings: ...
    async def as_of_now(self, events: Sequence[Event]) -> Sequence[Event]:
        """Events as they are shown now: old ones say what became of the pages that they cite."""
        ...

    @property
    def clock(self) -> Clock: ...

    def busy(self) -> int:
        """0 where there is room for one more message, or the seconds after which to send it again."""
        ...

    def taking_in(self) -> AbstractContextManager[int]:
        """Room for one more while it is stored: 0, or the seconds after which to send it again."""
        ...

    async def start_message(self, message_id: str) -> None:
        """Starts the durable work on a stored message and returns at once; again changes nothing."""
        ...

    async def ask_for_person(self, conversation_id: str) -> None: ...
    async def take_over(self, conversation_id: str, by: Principal) -> None: ...
    async def give_back(self, conversation_id: str, by: Principal) -> None: ...

    async def decide_request(
        self, request_id: str, decision: Literal["approve", "reject"], by: Principal
    ) -> ActionRequest:
        """`NotFound` for whoever may not know of it, `BadInput` where it cannot be decided now."""
        ...

    async def look_again(self, conversation_id: str, by: Principal) -> None:
        """A fresh look at what machines can see of the conversation's case, which goes on from there."""
        ...

    async def dispute(self, conversation_id: str, step: str, by: Principal) -> None:
        """ "That's not right": what was said of the step is turned round, and looked at again."""
        ...

    async def feedback(
        self, conversation_id: str, message_id: str, helped: bool, reason: str | None, by: Principal
    ) -> None: ...

    async def solved(self, conversation_id: str, solved: bool, by: Principal) -> None:
        """The customer's answer; a "no" reopens the case with everything known."""
        ...

    async def join(self, conversation_id: str, principal: Principal) -> None:
        """An anonymous conversation becomes a proven customer's; both proofs were held by the caller."""
        ...

    async def link_code(self, principal: Principal) -> tuple[str, datetime]: ...

    async def not_ready(self) -> str | None:
        """Why messages cannot be handled now; None when they can."""
        ...
