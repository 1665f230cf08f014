"""What one turn, or one step of an action, writes: all of it in one transaction, with what it tells of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.conversations import message_row
from app.adapters.log import Log
from app.adapters.trail import tell
from app.audit import Entry, of_message, of_people, of_request, of_turn
from app.ids import new_id
from app.models.case import Case, FollowUp, Watching
from app.models.conversation import Note
from app.models.event import Event, EventType
from app.models.people import Principal
from app.models.record import Record, Suggestion, Turn
from app.models.request import ActionRequest, RequestState
from app.models.steps import Finding


class Records(Log):
    """The writes of turns and of actions."""

    async def record(self, record: Record) -> list[Event]:
        """Writes all of it or nothing; tells whoever waits for the conversation's events."""
        async with self._write() as c:
            events = await self._write_record(c, record)
        self._tell_of(record, events)
        return events

    async def emit(self, conversation: str, type: EventType, payload: dict[str, object]) -> None:
        """One event outside of a record: progress that may be seen at once and again."""
        await self.record(Record(conversation=conversation, events=((type, payload),)))

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

    async def _write_request(
        self, c: AsyncConnection, request: ActionRequest, by: Principal | None
    ) -> list[Entry]:
        """What is new of it for the audit trail: nothing where only its telling was marked."""
        known = sa.select(t.action_request.c.state).where(t.action_request.c.id == request.id)
        before = (await c.execute(known)).scalar_one_or_none()
        row = _request_row(request)
        await c.execute(_upsert(t.action_request, "id", row))
        return [] if before == request.state else [of_request(request, row["value"], by)]

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

    def _handoff_row(self, key: str, record: Record) -> Any:
        assert record.dossier is not None
        return sa.insert(t.handoff).values(
            turn=key,
            conversation=record.conversation,
            at=self._clock().isoformat(),
            dossier=record.dossier.model_dump_json(),
        )

    async def _write_replies(self, c: AsyncConnection, record: Record) -> list[Entry]:
        entries = []
        for reply in record.replies:
            written = await c.execute(message_row(reply, reply.id).on_conflict_do_nothing())
            if written.rowcount:  # it was not there before
                entries.append(of_message(reply, reply.model_dump_json(), record.by))
        return entries

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
