"""Conversations, cases, turns, the ledger and action requests in SQL: what survives a crash."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.aging import Aging
from app.adapters.desk import Desk
from app.adapters.outside import Outside
from app.adapters.spending import Spending
from app.adapters.trail import tell
from app.audit import Anchor, Entry, canonical, of_message, of_people, of_request, of_turn
from app.events import AgentCase, MessageDone, Payload, as_json, event_type, shown
from app.ids import id_of, new_id
from app.models import (
    AGENTS,
    ActionRequest,
    Attachment,
    Case,
    Conversation,
    Event,
    EventType,
    Finding,
    FollowUp,
    LedgerFact,
    Message,
    Mode,
    NewEvent,
    Note,
    Principal,
    Record,
    RequestState,
    Role,
    Suggestion,
    Turn,
    Watching,
)


class Store(Desk, Outside, Spending, Aging):
    """Conversations, cases, turns, the ledger, action requests, watches and the numbered events."""

    # --- conversations and messages ---

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
        if row is None:
            return None
        value = Conversation.model_validate_json(row.value)
        return value.model_copy(update={"status": row.status, "person_active": row.person_active})

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
            await c.execute(_message_row(message, client_id))
            done = MessageDone(message=shown(message, client_message_id=client_id))
            await self._append(c, conversation, [("message.done", as_json(done))])
            news = AgentCase(conversation=conversation, what="message")
            await self._append(c, AGENTS, [("agent.case", as_json(news))])
            entry = of_message(message, message.model_dump_json(), by)
            await tell(c, message.at, [entry], conversation=conversation)
        self._tell(conversation)
        self._tell(AGENTS)
        return message, True

    async def _known(self, c: AsyncConnection, conversation: str, client_id: str) -> Message | None:
        query = sa.select(t.message.c.value).where(
            t.message.c.conversation == conversation, t.message.c.client_id == client_id
        )
        value = (await c.execute(query)).scalar_one_or_none()
        return None if value is None else Message.model_validate_json(value)

    async def message_of(self, conversation: str, client_id: str) -> Message | None:
        """The message that the other side knows under an id of its own."""
        query = sa.select(t.message.c.value).where(
            t.message.c.conversation == conversation, t.message.c.client_id == client_id
        )
        value = await self._one(query)
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
            await self._append(c, AGENTS, [("agent.case", as_json(news))])
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

    # --- cases, turns, ledger ---

    async def open_cases(self, party: str) -> list[Case]:
        """Cases of a party that are not closed, the one spoken of last first."""
        query = (
            sa.select(t.case.c.value)
            .where(t.case.c.party == party, t.case.c.state != "closed")
            .order_by(t.case.c.updated_at.desc())
        )
        return [Case.model_validate_json(value) for value in await self._all(query)]

    async def case(self, id: str) -> Case | None:
        value = await self._one(sa.select(t.case.c.value).where(t.case.c.id == id))
        return None if value is None else Case.model_validate_json(value)

    async def turn_of(self, trigger: str) -> Turn | None:
        value = await self._one(sa.select(t.turn.c.value).where(t.turn.c.trigger == trigger))
        return None if value is None else Turn.model_validate_json(value)

    async def turn(self, id: str) -> Turn | None:
        value = await self._one(sa.select(t.turn.c.value).where(t.turn.c.id == id))
        return None if value is None else Turn.model_validate_json(value)

    async def turns(self, conversation: str) -> list[Turn]:
        query = sa.select(t.turn.c.value).where(t.turn.c.conversation == conversation).order_by(t.turn.c.at)
        return [Turn.model_validate_json(value) for value in await self._all(query)]

    async def every_turn(self) -> list[Turn]:
        """Of all conversations, oldest first."""
        return [
            Turn.model_validate_json(value)
            for value in await self._all(sa.select(t.turn.c.value).order_by(t.turn.c.at))
        ]

    async def resolved_cases(self) -> frozenset[str]:
        """Cases whose resolution is on record, however it was seen."""
        cases = [Case.model_validate_json(value) for value in await self._all(sa.select(t.case.c.value))]
        return frozenset(case.id for case in cases if case.resolution is not None)

    async def facts(self, case: str) -> list[LedgerFact]:
        query = sa.select(t.fact.c.value).where(t.fact.c.case_ == case).order_by(t.fact.c.ord)
        return [LedgerFact.model_validate_json(value) for value in await self._all(query)]

    async def record(self, record: Record) -> list[Event]:
        """Writes all of it or nothing; tells whoever waits for the conversation's events."""
        async with self._write() as c:
            events = await self._write_record(c, record)
        self._tell_of(record, events)
        return events

    def _tell_of(self, record: Record, events: Sequence[Event]) -> None:
        if events:
            self._tell(record.conversation)
        for log in dict.fromkeys(log for log, _ in record.elsewhere):
            self._tell(log)

    async def _write_record(
        self, c: AsyncConnection, record: Record, told: Sequence[Entry] = ()
    ) -> list[Event]:
        """`told`: what the audit trail is told besides."""
        entries = [*told]
        if record.turn is not None:
            value = await self._write_turn(c, record.turn, record.covers)
            entries.append(of_turn(record, record.turn, value))
        if record.case is not None:
            await c.execute(_upsert(t.case, "id", _case_row(record.case)))
        for fact in record.facts:
            await c.execute(sa.insert(t.fact).values(case_=fact.case, value=fact.model_dump_json()))
        if record.request is not None:
            entries += await self._write_request(c, record.request, record.by)
        await self._write_looks(c, record)
        if record.dossier is not None:
            key = record.turn.id if record.turn is not None else new_id("h")
            await c.execute(self._handoff_row(key, record))
        entries += await self._write_replies(c, record)
        if record.suggestion is not None:
            await self._write_suggestion(c, record.suggestion)
        if record.note is not None:
            await c.execute(_note_row(record.note))
        await self._write_status(c, record)
        for log, event in record.elsewhere:
            if event[0] == "conversation.status":
                changed = sa.update(t.conversation).where(t.conversation.c.id == log)
                await c.execute(changed.values(status=event[1]["status"]))
            await self._append(c, log, [event])
        entries += of_people(record)
        await tell(c, self._clock(), entries, conversation=record.conversation)
        return await self._append(c, record.conversation, record.events)

    async def _write_looks(self, c: AsyncConnection, record: Record) -> None:
        """What is to be looked at later, and what is not any more."""
        if record.unwatch is not None:
            await c.execute(sa.delete(t.watch).where(t.watch.c.case_ == record.unwatch))
        if record.watch is not None:
            await c.execute(_upsert(t.watch, "case_", _watch_row(record.watch)))
        if record.followed is not None:
            await c.execute(sa.delete(t.follow_up).where(t.follow_up.c.request == record.followed))
        if record.follow_up is not None:
            await c.execute(_upsert(t.follow_up, "request", _follow_up_row(record.follow_up)))

    async def _write_replies(self, c: AsyncConnection, record: Record) -> list[Entry]:
        entries = []
        for reply in record.replies:
            written = await c.execute(_message_row(reply, reply.id).on_conflict_do_nothing())
            if written.rowcount:  # it was not there before
                entries.append(of_message(reply, reply.model_dump_json(), record.by))
        return entries

    async def _write_request(
        self, c: AsyncConnection, request: ActionRequest, by: Principal | None
    ) -> list[Entry]:
        """What is new of it for the audit trail: nothing where only its telling was marked."""
        known = sa.select(t.action_request.c.state).where(t.action_request.c.id == request.id)
        before = (await c.execute(known)).scalar_one_or_none()
        row = _request_row(request)
        await c.execute(_upsert(t.action_request, "id", row))
        return [] if before == request.state else [of_request(request, row["value"], by)]

    async def _write_suggestion(self, c: AsyncConnection, suggestion: Suggestion) -> None:
        """The newest suggestion of a conversation is the one that counts."""
        if suggestion.state == "open":
            query = sa.select(t.suggestion.c.value).where(
                t.suggestion.c.conversation == suggestion.conversation, t.suggestion.c.state == "open"
            )
            for value in (await c.execute(query)).scalars().all():
                old = Suggestion.model_validate_json(value).model_copy(update={"state": "superseded"})
                await c.execute(_upsert(t.suggestion, "id", _suggestion_row(old)))
        await c.execute(_upsert(t.suggestion, "id", _suggestion_row(suggestion)))

    def _handoff_row(self, key: str, record: Record) -> Any:
        assert record.dossier is not None
        return sa.insert(t.handoff).values(
            turn=key,
            conversation=record.conversation,
            at=self._clock().isoformat(),
            dossier=record.dossier.model_dump_json(),
        )

    async def _write_turn(self, c: AsyncConnection, turn: Turn, covers: Sequence[str]) -> str:
        value = turn.model_dump_json()
        await c.execute(
            sa.insert(t.turn).values(
                id=turn.id,
                trigger=turn.trigger,
                conversation=turn.conversation,
                case_=turn.case,
                at=turn.at.isoformat(),
                value=value,
            )
        )
        if covers:
            await c.execute(sa.update(t.message).where(t.message.c.id.in_(covers)).values(turn=turn.id))
        return value

    async def _write_status(self, c: AsyncConnection, record: Record) -> None:
        values: dict[str, Any] = {}
        if record.status is not None:
            values["status"] = record.status
        if record.person_active is not None:
            values["person_active"] = record.person_active
        if values:
            await c.execute(
                sa.update(t.conversation).where(t.conversation.c.id == record.conversation).values(**values)
            )

    # --- events ---

    async def _append(self, c: AsyncConnection, conversation: str, events: Sequence[NewEvent]) -> list[Event]:
        if not events:
            return []
        query = sa.select(sa.func.coalesce(sa.func.max(t.event.c.seq), 0)).where(
            t.event.c.conversation == conversation
        )
        last = (await c.execute(query)).scalar_one()
        now = self._clock()
        written = [
            Event(conversation=conversation, seq=last + n, type=type, payload=payload, at=now)
            for n, (type, payload) in enumerate(events, 1)
        ]
        rows = [
            {
                "conversation": e.conversation,
                "seq": e.seq,
                "type": e.type,
                "payload": json.dumps(e.payload),
                "at": e.at.isoformat(),
            }
            for e in written
        ]
        await c.execute(sa.insert(t.event), rows)
        return written

    async def emit(self, conversation: str, type: EventType, payload: dict[str, object]) -> None:
        """One event outside of a record: progress that may be seen at once and again."""
        await self.record(Record(conversation=conversation, events=((type, payload),)))

    async def tell_agents(self, payload: Payload, *, mark: tuple[str, str, str]) -> None:
        """An event in the agents' log and (outlet, key, value) of how far it was told, in one transaction."""
        outlet, key, value = mark
        statement = insert(t.posted).values(outlet=outlet, key=key, value=value)
        async with self._write() as c:
            await self._append(c, AGENTS, [(event_type(payload), as_json(payload))])
            await c.execute(
                statement.on_conflict_do_update(index_elements=["outlet", "key"], set_={"value": value})
            )
        self._tell(AGENTS)

    async def events(self, conversation: str, after: int, limit: int = 500) -> list[Event]:
        query = (
            sa.select(t.event)
            .where(t.event.c.conversation == conversation, t.event.c.seq > after)
            .order_by(t.event.c.seq)
            .limit(limit)
        )
        async with self._engine.connect() as c:
            rows = (await c.execute(query)).all()
        return [
            Event(
                conversation=row.conversation,
                seq=row.seq,
                type=row.type,
                payload=json.loads(row.payload),
                at=datetime.fromisoformat(row.at),
            )
            for row in rows
        ]

    async def streamed(self, conversation: str, message: str) -> bool:
        """Whether pieces of a message were shown, which a try that a crash cut off leaves behind."""
        query = sa.select(t.event.c.seq).where(
            t.event.c.conversation == conversation,
            t.event.c.type == "message.delta",
            t.event.c.payload.contains(f'"{message}"'),
        )
        return await self._row(query.limit(1)) is not None

    async def last_seq(self, conversation: str) -> int:
        """Number of the newest event; 0 where there is none."""
        query = sa.select(sa.func.coalesce(sa.func.max(t.event.c.seq), 0)).where(
            t.event.c.conversation == conversation
        )
        async with self._engine.connect() as c:
            return int((await c.execute(query)).scalar_one())

    async def wait_for_events(self, conversation: str, after: int, timeout_s: float) -> None:
        """Returns when there may be an event after `after`, or when the time is over."""
        news = self._news[conversation]
        if await self.events(conversation, after, limit=1):
            return
        try:
            await asyncio.wait_for(news.wait(), timeout_s)
        except TimeoutError:
            return

    # --- action requests and watches ---

    async def request(self, id: str) -> ActionRequest | None:
        value = await self._one(sa.select(t.action_request.c.value).where(t.action_request.c.id == id))
        return None if value is None else ActionRequest.model_validate_json(value)

    async def requests(self, *states: RequestState, case: str | None = None) -> list[ActionRequest]:
        """Those in these states (none: in any)."""
        query = sa.select(t.action_request.c.value)
        if states:
            query = query.where(t.action_request.c.state.in_(states))
        if case is not None:
            query = query.where(t.action_request.c.case_ == case)
        return [ActionRequest.model_validate_json(value) for value in await self._all(query)]

    async def move(
        self,
        before: ActionRequest,
        state: RequestState,
        *,
        telling: Callable[[ActionRequest], Record] | None = None,
        by: Principal | None = None,
        looks: Sequence[Finding] = (),
        **changes: Any,
    ) -> ActionRequest | None:
        """Moves a request on, if nobody moved it meanwhile; None where somebody did.

        `telling`: what is said and written of it in the same transaction. `by`: who decided it. `looks`:
        what was seen for it, where that is not its evidence.
        """
        after = before.model_copy(update={"state": state, **changes})
        value = after.model_dump_json()
        async with self._write(urgent=True) as c:  # what was begun goes before what only waits
            result = await c.execute(
                sa.update(t.action_request)
                .where(t.action_request.c.id == before.id, t.action_request.c.state == before.state)
                .values(state=state, value=value)
            )
            if result.rowcount != 1:
                return None
            record = telling(after) if telling is not None else Record(conversation=after.conversation)
            events = await self._write_record(c, record, [of_request(after, value, by, looks)])
        self._tell_of(record, events)
        return after

    # --- the audit trail ---

    async def tell_start(self, settings: dict[str, object]) -> None:
        """With which settings we start, and whether they are others than the last time."""
        query = sa.select(t.audit.c.data).where(t.audit.c.what == "started").order_by(t.audit.c.seq.desc())
        async with self._write() as c:
            before = (await c.execute(query.limit(1))).scalar_one_or_none()
            code = "first" if before is None else "same" if before == canonical(settings) else "changed"
            await tell(c, self._clock(), [Entry(what="started", code=code, more=settings)])

    async def audit_head(self) -> Anchor | None:
        """The last line of the trail, now; None where somebody has emptied it."""
        row = await self._row(
            sa.select(t.audit.c.seq, t.audit.c.hash).order_by(t.audit.c.seq.desc()).limit(1)
        )
        return None if row is None else Anchor(seq=row.seq, hash=row.hash, at=self._clock())

    async def watches(self, due: datetime | None = None) -> list[Watching]:
        query = sa.select(t.watch.c.value)
        if due is not None:
            query = query.where(t.watch.c.next_at <= due.isoformat())
        return [Watching.model_validate_json(v) for v in await self._all(query.order_by(t.watch.c.next_at))]

    async def watching(self, case: str) -> Watching | None:
        value = await self._one(sa.select(t.watch.c.value).where(t.watch.c.case_ == case))
        return None if value is None else Watching.model_validate_json(value)

    async def follow_ups(self, due: datetime) -> list[FollowUp]:
        query = sa.select(t.follow_up.c.value).where(t.follow_up.c.next_at <= due.isoformat())
        return [
            FollowUp.model_validate_json(v) for v in await self._all(query.order_by(t.follow_up.c.next_at))
        ]

    async def follow_up(self, request: str) -> FollowUp | None:
        value = await self._one(sa.select(t.follow_up.c.value).where(t.follow_up.c.request == request))
        return None if value is None else FollowUp.model_validate_json(value)


def _message_row(message: Message, client_id: str) -> Any:
    return insert(t.message).values(
        id=message.id,
        conversation=message.conversation,
        role=message.role,
        client_id=client_id,
        turn=None,
        value=message.model_dump_json(),
    )


def _case_row(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "party": case.party,
        "procedure": case.procedure,
        "state": case.state,
        "updated_at": case.updated_at.isoformat(),
        "value": case.model_dump_json(),
    }


def _request_row(request: ActionRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "case_": request.case,
        "state": request.state,
        "value": request.model_dump_json(),
    }


def _watch_row(watch: Watching) -> dict[str, Any]:
    return {"case_": watch.case, "next_at": watch.next_at.isoformat(), "value": watch.model_dump_json()}


def _follow_up_row(follow_up: FollowUp) -> dict[str, Any]:
    return {
        "request": follow_up.request,
        "next_at": follow_up.next_at.isoformat(),
        "value": follow_up.model_dump_json(),
    }


def _suggestion_row(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "id": suggestion.id,
        "conversation": suggestion.conversation,
        "state": suggestion.state,
        "value": suggestion.model_dump_json(),
    }


def _note_row(note: Note) -> Any:
    return insert(t.note).values(id=note.id, conversation=note.conversation, value=note.model_dump_json())


def _upsert(table: sa.Table, key: str, row: dict[str, Any]) -> Any:
    statement = insert(table).values(**row)
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: value for name, value in row.items() if name != key}
    )
