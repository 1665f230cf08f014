"""Conversations, cases, turns, the ledger and action requests in SQL: what survives a crash."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.adapters import tables as t
from app.errors import ConfigError
from app.events import MessageDone, as_json, shown
from app.ids import new_id
from app.models import (
    ActionRequest,
    Case,
    Conversation,
    Dossier,
    Event,
    EventType,
    LedgerFact,
    Message,
    NewEvent,
    Principal,
    Record,
    RequestState,
    Role,
    Turn,
    Watching,
)
from app.ports import Clock

FILE = "stepfour.db"
MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Store:
    """One SQLite file. Writes go one after the other, each in one transaction; reads run beside them."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._writing = asyncio.Lock()  # SQLite has one writer: waiting here is fair and never times out
        self._news: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    @classmethod
    async def open(cls, folder: Path, clock: Clock) -> Store:
        """Opens the file in `folder`, creating and migrating it. Raises `ConfigError` on a newer schema."""
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / FILE}")
        sa.event.listen(engine.sync_engine, "connect", _configure)
        sa.event.listen(engine.sync_engine, "begin", _begin)
        try:
            folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  at start, before anything waits
            async with engine.execution_options(writes=True).begin() as connection:
                await connection.run_sync(_migrate)
        except (OSError, sa.exc.DatabaseError) as error:
            await engine.dispose()
            why = getattr(error, "orig", error)
            raise ConfigError(
                f"cannot open {folder / FILE}: {why}. Check that this user may write to that folder, "
                "and that the file is one of ours."
            ) from error
        except ConfigError:
            await engine.dispose()
            raise
        return cls(engine, clock)

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._writing, self._engine.execution_options(writes=True).begin() as connection:
            yield connection

    # --- conversations and messages ---

    async def remember_visitor(self, digest: str) -> None:
        async with self._write() as c:
            await c.execute(
                insert(t.visitor)
                .values(digest=digest, created_at=self._clock().isoformat())
                .on_conflict_do_nothing()
            )

    async def knows_visitor(self, digest: str) -> bool:
        return await self._one(sa.select(t.visitor.c.digest).where(t.visitor.c.digest == digest)) is not None

    async def open_conversation(
        self, principal: Principal, channel: str, *, context: Mapping[str, str], id: str | None = None
    ) -> str:
        value = Conversation(
            id=id or new_id("c"),
            channel=channel,
            principal=principal,
            context=tuple(context.items()),
            opened_at=self._clock(),
        )
        async with self._write() as c:
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
        self, conversation: str, role: Role, text: str, *, client_id: str, context: Mapping[str, str]
    ) -> tuple[Message, bool]:
        """Stores a message before anybody acknowledges it. False where it was stored before."""
        async with self._write() as c:
            known = await self._known(c, conversation, client_id)
            if known is not None:
                return known, False
            message = Message(
                id=new_id("m"),
                conversation=conversation,
                role=role,
                text=text,
                at=self._clock(),
                context=tuple(context.items()),
            )
            await c.execute(_message_row(message, client_id))
            done = MessageDone(message=shown(message, client_message_id=client_id))
            await self._append(c, conversation, [("message.done", as_json(done))])
        self._tell(conversation)
        return message, True

    async def _known(self, c: AsyncConnection, conversation: str, client_id: str) -> Message | None:
        query = sa.select(t.message.c.value).where(
            t.message.c.conversation == conversation, t.message.c.client_id == client_id
        )
        value = (await c.execute(query)).scalar_one_or_none()
        return None if value is None else Message.model_validate_json(value)

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

    async def turns(self, conversation: str) -> list[Turn]:
        query = sa.select(t.turn.c.value).where(t.turn.c.conversation == conversation).order_by(t.turn.c.at)
        return [Turn.model_validate_json(value) for value in await self._all(query)]

    async def facts(self, case: str) -> list[LedgerFact]:
        query = sa.select(t.fact.c.value).where(t.fact.c.case_ == case).order_by(t.fact.c.ord)
        return [LedgerFact.model_validate_json(value) for value in await self._all(query)]

    async def record(self, record: Record) -> list[Event]:
        """Writes all of it or nothing; tells whoever waits for the conversation's events."""
        async with self._write() as c:
            events = await self._write_record(c, record)
        if events:
            self._tell(record.conversation)
        return events

    async def _write_record(self, c: AsyncConnection, record: Record) -> list[Event]:
        if record.turn is not None:
            await self._write_turn(c, record.turn, record.covers)
        if record.case is not None:
            await c.execute(_upsert(t.case, "id", _case_row(record.case)))
        for fact in record.facts:
            await c.execute(sa.insert(t.fact).values(case_=fact.case, value=fact.model_dump_json()))
        if record.request is not None:
            await c.execute(_upsert(t.action_request, "id", _request_row(record.request)))
        if record.unwatch is not None:
            await c.execute(sa.delete(t.watch).where(t.watch.c.case_ == record.unwatch))
        if record.watch is not None:
            await c.execute(_upsert(t.watch, "case_", _watch_row(record.watch)))
        if record.dossier is not None and record.turn is not None:
            await c.execute(_handoff_row(record.turn, record.dossier))
        for reply in record.replies:
            await c.execute(_message_row(reply, reply.id).on_conflict_do_nothing())
        await self._write_status(c, record)
        return await self._append(c, record.conversation, record.events)

    async def _write_turn(self, c: AsyncConnection, turn: Turn, covers: Sequence[str]) -> None:
        await c.execute(
            sa.insert(t.turn).values(
                id=turn.id,
                trigger=turn.trigger,
                conversation=turn.conversation,
                case_=turn.case,
                at=turn.at.isoformat(),
                value=turn.model_dump_json(),
            )
        )
        if covers:
            await c.execute(sa.update(t.message).where(t.message.c.id.in_(covers)).values(turn=turn.id))

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

    def _tell(self, conversation: str) -> None:
        news = self._news.pop(conversation, None)
        if news is not None:
            news.set()

    # --- action requests and watches ---

    async def request(self, id: str) -> ActionRequest | None:
        value = await self._one(sa.select(t.action_request.c.value).where(t.action_request.c.id == id))
        return None if value is None else ActionRequest.model_validate_json(value)

    async def requests(self, *states: RequestState, case: str | None = None) -> list[ActionRequest]:
        query = sa.select(t.action_request.c.value).where(t.action_request.c.state.in_(states))
        if case is not None:
            query = query.where(t.action_request.c.case_ == case)
        return [ActionRequest.model_validate_json(value) for value in await self._all(query)]

    async def move(
        self,
        before: ActionRequest,
        state: RequestState,
        *,
        telling: Callable[[ActionRequest], Record] | None = None,
        **changes: Any,
    ) -> ActionRequest | None:
        """Moves a request on, if nobody moved it meanwhile; None where somebody did.

        `telling`: what is said and written of it in the same transaction.
        """
        after = before.model_copy(update={"state": state, **changes})
        async with self._write() as c:
            result = await c.execute(
                sa.update(t.action_request)
                .where(t.action_request.c.id == before.id, t.action_request.c.state == before.state)
                .values(state=state, value=after.model_dump_json())
            )
            if result.rowcount != 1:
                return None
            events = await self._write_record(c, telling(after)) if telling is not None else []
        if events:
            self._tell(after.conversation)
        return after

    async def watches(self, due: datetime | None = None) -> list[Watching]:
        query = sa.select(t.watch.c.value)
        if due is not None:
            query = query.where(t.watch.c.next_at <= due.isoformat())
        return [Watching.model_validate_json(v) for v in await self._all(query.order_by(t.watch.c.next_at))]

    async def watching(self, case: str) -> Watching | None:
        value = await self._one(sa.select(t.watch.c.value).where(t.watch.c.case_ == case))
        return None if value is None else Watching.model_validate_json(value)

    # --- reading ---

    async def _row(self, query: sa.Select[Any]) -> Any:
        async with self._engine.connect() as c:
            return (await c.execute(query)).first()

    async def _one(self, query: sa.Select[str]) -> str | None:
        async with self._engine.connect() as c:
            return (await c.execute(query)).scalar_one_or_none()

    async def _all(self, query: sa.Select[str]) -> Sequence[str]:
        async with self._engine.connect() as c:
            return (await c.execute(query)).scalars().all()


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would begin too late for reads
    cursor = connection.cursor()
    try:
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
    except sqlite3.DatabaseError:  # no file of ours: nobody else closes a connection that never got ready
        cursor.close()
        connection.close()
        raise
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """A writer asks for its turn at once: one that turns from reading to writing later cannot wait for it."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise ConfigError(
            f"the data folder was written by a newer Stepfour (schema {current}). Upgrade this installation, "
            "or set STEPFOUR_DATA_DIR to another folder."
        )
    command.upgrade(config, "head")


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


def _handoff_row(turn: Turn, dossier: Dossier) -> Any:
    return sa.insert(t.handoff).values(
        turn=turn.id,
        conversation=turn.conversation,
        at=turn.at.isoformat(),
        dossier=dossier.model_dump_json(),
    )


def _upsert(table: sa.Table, key: str, row: dict[str, Any]) -> Any:
    statement = insert(table).values(**row)
    return statement.on_conflict_do_update(
        index_elements=[key], set_={name: value for name, value in row.items() if name != key}
    )
