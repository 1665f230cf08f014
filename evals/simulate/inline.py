"""SQLite in the thread that asks: the same tables and statements, without another thread for each connection.

A service hands every statement to a thread, so that nobody waits for another's disk. A simulated conversation
is alone with its tables in memory; there most of the time went into handing over and back.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import aiosqlite

ROWS_AT_ONCE = 64

_Work = tuple[asyncio.Future[Any] | None, Callable[[], Any]]


class _AtOnce:
    """Stands where the queue to the thread stands: whatever is put in is done when it returns."""

    def put_nowait(self, work: _Work) -> None:
        future, function = work
        try:
            result = function()
        except Exception as error:  # noqa: BLE001  whoever waits gets it
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class Inline(aiosqlite.Connection):
    """A connection whose calls are over when they return; to be awaited like any other."""

    def __init__(self, file: Path) -> None:
        super().__init__(lambda: sqlite3.connect(file), ROWS_AT_ONCE)
        self._tx = _AtOnce()  # type: ignore[assignment]

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()


def inline(file: Path) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """Makes connections to this file."""

    async def connect() -> aiosqlite.Connection:
        return await Inline(file)

    return connect
