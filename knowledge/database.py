"""Opens `knowledge.db`: one SQLite file in WAL mode, brought to the newest schema."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from knowledge.errors import KnowledgeError, NoRoom, SchemaTooNew

SCHEMA = "0003"
"""Newest migration; a test holds it equal to the newest file in `migrations/versions`."""

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(file: Path) -> sa.Engine:
    """Raises `SchemaTooNew`, or `KnowledgeError` where the file is not a database."""
    engine = sa.create_engine(f"sqlite:///{file}")
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "handle_error", _no_room)
    try:
        with engine.connect() as connection:
            have = _schema(connection)
            if have != SCHEMA:
                _migrate(connection, have, file)
    except sa.exc.DatabaseError as error:
        engine.dispose()
        fix = "Move it away and sync again: it can be built anew from the sources."
        raise KnowledgeError(f"{file} cannot be read ({error.orig}). {fix}") from error
    except SchemaTooNew:
        engine.dispose()
        raise
    return engine


def _set_up(connection: object, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _no_room(context: sa.engine.ExceptionContext) -> NoRoom | None:
    error = context.original_exception
    if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):
        fix = (
            "Nothing of this step was written and all that was there is readable. Make room and run it again."
        )
        return NoRoom(f"the disk of the data folder is full ({error}). {fix}")
    return None


def _schema(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    have: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return have


def _migrate(connection: sa.Connection, have: str | None, file: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if have is not None and have not in known:
        fix = "Start the Stepfour that wrote it, or a newer one; or use another data folder."
        raise SchemaTooNew(f"{file} has schema {have}, newer than this Stepfour knows ({SCHEMA}). {fix}")
    command.upgrade(config, "head")
    connection.commit()
