"""Where a process dies: every boundary of a message, an approval and an action. None of it is in the service.

To add a point: call `crash.at` in a part that wraps one of the service's own, and name it in `POINTS`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters.platform import Platform
from app.adapters.store import Store
from app.models.conversation import Message
from app.models.event import Event
from app.models.reading import Reading
from app.models.record import Record
from app.models.request import ActionRequest, RequestState
from app.models.steps import Finding
from app.ports import Reader
from knowledge.model import Procedure

ANSWER_LOST = "the platform did it, and its answer is on the way"
"""Nothing in the process can see this moment: whoever sees the platform's ledger kills it."""

POINTS: tuple[str, ...] = (
    "after a message",
    "reading",
    "before the turn",
    "after the turn",
    "before approved",
    "after approved",
    "before executing",
    "after executing",
    "before the call",
    ANSWER_LOST,
    "after the call",
    "before verifying",
    "after verifying",
    "before done",
    "after done",
    "before telling",
    "after telling",
    "before expired",
    "after expired",
)
"""In the order in which a request passes them; the last two where nobody presses its card."""

FEW: tuple[str, ...] = (
    "after a message",
    "after the turn",
    "after approved",
    "before the call",
    ANSWER_LOST,
    "after done",
)
"""What a test has time for."""


class Crash:
    """Kills this process, without a last word, when a point is passed for the nth time."""

    def __init__(self, point: str = "", nth: int = 1) -> None:
        self.point, self.left = point, nth

    def at(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Ordered(Crash):
    """Kills this process at the point that a file names, once for each time that it is written."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def at(self, point: str) -> None:
        if self.file.exists() and self.file.read_text() == point:
            self.file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(Store):
    crash: ClassVar[Crash] = Crash()

    @asynccontextmanager
    async def _write(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        async with super()._write(urgent=urgent) as connection:
            yield connection
            self.crash.at("before a commit")
        self.crash.at("after a commit")

    async def accept(self, *args: Any, **fields: Any) -> tuple[Message, bool]:
        accepted = await super().accept(*args, **fields)
        self.crash.at("after a message")
        return accepted

    async def record(self, record: Record) -> list[Event]:
        told = record.request is not None and record.request.told
        of = "the turn" if record.turn else "telling" if told else "another record"
        self.crash.at(f"before {of}")
        events = await super().record(record)
        self.crash.at(f"after {of}")
        return events

    async def move(self, before: ActionRequest, state: RequestState, **changes: Any) -> ActionRequest | None:
        self.crash.at(f"before {state}")
        moved = await super().move(before, state, **changes)
        self.crash.at(f"after {state}")
        return moved


class DyingPlatform(Platform):
    crash: ClassVar[Crash] = Crash()

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> str | None:
        self.crash.at("before the call")
        answer = await super().change(account, effect, inputs, key, evidence)
        self.crash.at("after the call")
        return answer


def dying(read: Reader, crash: Crash) -> Reader:
    async def reading(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        if messages[0].conversation != "c":  # the first is read to warm the reader up
            crash.at("reading")
        return await read(messages, procedures)

    return reading
