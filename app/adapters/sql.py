"""One SQLite file: opened, migrated, written by one at a time, read beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.errors import ConfigError
from app.ports import Clock

FILE = "stepfour.db"
SCHEMA = "0007"
"""Newest migration; a test holds it equal to the newest file in `migrations/versions`."""
CONNECTIONS = 15
"""Open at once, each with a thread of its own."""
Connect = Callable[[], Awaitable[Any]]
MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Turns:
    """One at a time, in the order they came; whoever is in a hurry goes before those who only wait."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())

    @asynccontextmanager
    async def taken(self, urgent: bool) -> AsyncIterator[None]:
        if self._busy:
            turn = asyncio.get_running_loop().create_future()
            self._waiting[0 if urgent else 1].append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # it was our turn already
                    self._pass_on()
                raise
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        for queue in self._waiting:
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)  # still busy: nobody slips in between
                    return
        self._busy = False


class Sql:
    """One SQLite file. Writes go one after the other, each in one transaction; reads run beside them."""

    def __init__(self, engine: AsyncEngine, clock: Clock, folder: Path) -> None:
        self._engine = engine
        self._clock = clock
        self._folder = folder
        self._writing = Turns()  # SQLite has one writer: waiting here is fair and never times out
        self._news: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._listeners: set[asyncio.Queue[str]] = set()

    @classmethod
    async def open(cls, folder: Path, clock: Clock, *, connect: Connect | None = None) -> Self:
        """Opens the file in `folder`, creating and migrating it. Raises `ConfigError` on a newer schema.

        `connect`: makes the connections, instead of `aiosqlite.connect`.
        """
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{folder / FILE}",
            async_creator=connect,
            pool_size=CONNECTIONS,
            max_overflow=0,  # one that is closed after use costs a thread and four commands the next time
            hide_parameters=True,  # an error's text would hold what people wrote
        )
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
        return cls(engine, clock, folder)

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _write(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """`urgent`: somebody outside waits for an answer that this write comes before."""
        writing = self._engine.execution_options(writes=True)
        async with self._writing.taken(urgent), writing.begin() as connection:
            yield connection

    async def _row(self, query: sa.Select[Any]) -> Any:
        async with self._engine.connect() as c:
            return (await c.execute(query)).first()

    async def _one(self, query: sa.Select[str]) -> str | None:
        async with self._engine.connect() as c:
            return (await c.execute(query)).scalar_one_or_none()

    async def _all(self, query: sa.Select[str]) -> Sequence[str]:
        async with self._engine.connect() as c:
            return (await c.execute(query)).scalars().all()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[str]]:
        """Ids of logs as something is written to them, from now on."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def _tell(self, log: str) -> None:
        news = self._news.pop(log, None)
        if news is not None:
            news.set()
        for queue in self._listeners:
            queue.put_nowait(log)


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


def _schema(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    have: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return have


def _migrate(connection: sa.Connection) -> None:
    current = _schema(connection)
    if current == SCHEMA:
        return
    # Imported where there is something to do: reading Alembic takes a tenth of a start.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise ConfigError(
            f"the data folder was written by a newer Stepfour (schema {current}). Upgrade this installation, "
            "or set STEPFOUR_DATA_DIR to another folder."
        )
    command.upgrade(config, "head")
