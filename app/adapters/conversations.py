"""Conversations and their messages: stored before anybody acknowledges them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.log import Log
from app.adapters.trail import tell
from app.audit import of_message
from app.events import AgentCase, MessageDone, as_json, event_of, shown
from app.ids import id_of, new_id
from app.models.conversation import Attachment, Conversation, Message, Mode, Role
from app.models.event import AGENTS
from app.models.people import Principal


class Conversations(Log):
    """Conversations, messages, and visitors who have proven nothing."""

    async def remember_visitor(self, digest: str) -> None:
        async with self._write(urgent=True) as c:
            await c.execute(
                insert(t.visitor)
                .values(digest=digest, created_at=self._clock().isoformat())
                .on_conflict_do_nothing()
            )

    async def knows_visitor(self, digest: str) -> bool:
        return await self._one(sa.select(t.visitor.c.digest).where(t.visitor.c.digest == digest)) is not None

    async def open_conversation(
        self,
        principal: Principal,
        channel: str,
        *,
        context: Mapping[str, str],
        id: str | None = None,
        caution: Mode = "auto",
    ) -> str:
        """Opens one; with an `id` that is known already nothing is changed."""
        value = Conversation(
            id=id or new_id("c"),
            channel=channel,
            principal=principal,
            caution=caution,
            context=tuple(context.items()),
            opened_at=self._clock(),
        )
        async with self._write(urgent=True) as c:
            await c.execute(
                insert(t.conversation)
                .values(
                    id=value.id,
                    party=principal.party,
                    status=value.status,
                    person_active=False,
                    value=value.model_dump_json(),
                )
                .on_conflict_do_nothing()
            )
        return value.id

    async def conversation(self, id: str) -> Conversation | None:
        row = await self._row(sa.select(t.conversation).where(t.conversation.c.id == id))
        return None if row is None else conversation_of(row)

    async def accept(
        self,
        conversation: str,
        role: Role,
        text: str,
        *,
        client_id: str,
        context: Mapping[str, str],
        attachments: Sequence[Attachment] = (),
        name: str | None = None,
        addressed: bool = True,
        by: Principal | None = None,
    ) -> tuple[Message, bool]:
        """Stores a message before anybody acknowledges it. False where it was stored before.

        `by`: the agent who said it; a customer's is by whom the conversation is with.
        """
        async with self._write(urgent=True) as c:
            known = await self._known(c, conversation, client_id)
            if known is not None:
                return known, False
            message = Message(
                id=id_of("m", conversation, client_id),  # told once more, it is the same in an old copy, too
                conversation=conversation,
                role=role,
                text=text,
                at=self._clock(),
                context=tuple(context.items()),
                attachments=tuple(attachments),
                name=name,
                addressed=addressed,
            )
            await c.execute(message_row(message, client_id))
            done = MessageDone(message=shown(message, client_message_id=client_id))
            await self._append(c, conversation, [event_of(done)])
            news = AgentCase(conversation=conversation, what="message")
            await self._append(c, AGENTS, [event_of(news)])
            entry = of_message(message, message.model_dump_json(), by)
            await tell(c, message.at, [entry], conversation=conversation)
        self._tell(conversation)
        self._tell(AGENTS)
        return message, True

    async def message_of(self, conversation: str, client_id: str) -> Message | None:
        """The message that the other side knows under an id of its own."""
        value = await self._one(_under(conversation, client_id))
        return None if value is None else Message.model_validate_json(value)

    async def amend(self, conversation: str, client_id: str, text: str) -> Message | None:
        """Puts other words in the place of a message's, in its log, too; empty ones take its files as well.

        Whoever follows the log is told. None where there is no such message.
        """
        async with self._write() as c:
            known = await self._known(c, conversation, client_id)
            if known is None or known.text == text:
                return known
            after = known.model_copy(update={"text": text} | ({} if text else {"attachments": ()}))
            where = t.message.c.id == known.id
            await c.execute(sa.update(t.message).where(where).values(value=after.model_dump_json()))
            entry = of_message(after, after.model_dump_json(), what="amended")
            await tell(c, self._clock(), [entry], conversation=conversation)
            done = as_json(MessageDone(message=shown(after, client_message_id=client_id)))
            logged = sa.select(t.event.c.seq, t.event.c.payload).where(
                t.event.c.conversation == conversation, t.event.c.type == "message.done"
            )
            for seq, payload in (await c.execute(logged)).all():
                if json.loads(payload)["message"]["id"] == known.id:
                    row = (t.event.c.conversation == conversation) & (t.event.c.seq == seq)
                    await c.execute(sa.update(t.event).where(row).values(payload=json.dumps(done)))
            await self._append(c, conversation, [("message.done", done)])
            news = AgentCase(conversation=conversation, what="message")
            await self._append(c, AGENTS, [event_of(news)])
        self._tell(conversation)
        self._tell(AGENTS)
        return after

    async def message(self, id: str) -> Message | None:
        value = await self._one(sa.select(t.message.c.value).where(t.message.c.id == id))
        return None if value is None else Message.model_validate_json(value)

    async def messages(self, conversation: str) -> list[Message]:
        query = (
            sa.select(t.message.c.value)
            .where(t.message.c.conversation == conversation)
            .order_by(t.message.c.ord)
        )
        return [Message.model_validate_json(value) for value in await self._all(query)]

    async def to_do(self, conversation: str | None = None) -> list[Message]:
        """Customers' messages that no turn has read yet, oldest first."""
        query = sa.select(t.message.c.value).where(t.message.c.turn.is_(None), t.message.c.role == "customer")
        if conversation is not None:
            query = query.where(t.message.c.conversation == conversation)
        return [Message.model_validate_json(v) for v in await self._all(query.order_by(t.message.c.ord))]

    async def _known(self, c: AsyncConnection, conversation: str, client_id: str) -> Message | None:
        value = (await c.execute(_under(conversation, client_id))).scalar_one_or_none()
        return None if value is None else Message.model_validate_json(value)


def _under(conversation: str, client_id: str) -> sa.Select[str]:
    return sa.select(t.message.c.value).where(
        t.message.c.conversation == conversation, t.message.c.client_id == client_id
    )


def conversation_of(row: Any) -> Conversation:
    value = Conversation.model_validate_json(row.value)
    return value.model_copy(update={"status": row.status, "person_active": row.person_active})


def message_row(message: Message, client_id: str) -> Any:
    return insert(t.message).values(
        id=message.id,
        conversation=message.conversation,
        role=message.role,
        client_id=client_id,
        turn=None,
        value=message.model_dump_json(),
    )
