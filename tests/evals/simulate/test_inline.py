"""SQLite without another thread: the same words, and the same errors."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from evals.simulate.inline import inline


async def test_everything_runs_in_the_thread_that_asks(tmp_path: Path) -> None:
    before = threading.active_count()
    connection = await inline(tmp_path / "a.db")()
    await connection.execute("CREATE TABLE one (word TEXT)")
    await connection.execute("INSERT INTO one VALUES (?)", ("done",))
    rows = await connection.execute_fetchall("SELECT word FROM one")
    assert list(rows) == [("done",)]
    assert threading.active_count() == before
    await connection.close()


async def test_an_error_reaches_whoever_waits_and_the_connection_goes_on(tmp_path: Path) -> None:
    connection = await inline(tmp_path / "a.db")()
    with pytest.raises(sqlite3.OperationalError):
        await connection.execute("SELECT word FROM nowhere")
    assert list(await connection.execute_fetchall("SELECT 1")) == [(1,)]
    await connection.close()
