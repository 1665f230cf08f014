"""Refuses what would only wait before anything of it is read.

With much more than can be read, nearly all requests are such: each of them costs a fraction of one that is
proven, looked up and parsed first, and those that were let in do not wait behind them.
"""

from __future__ import annotations

import re
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from app.channels.edge import Refusal, answer

BEGINS = re.compile(r"/v1/conversations(?:/[^/]+/messages)?")
"""Where a message begins. Who has no conversation yet opens one for the message that they have written."""


class _Core(Protocol):
    def busy(self) -> int: ...


class Door:
    """In front of the routes; a service that has room is asked nothing else."""

    def __init__(self, app: ASGIApp, core: _Core) -> None:
        self._app = app
        self._core = core

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and BEGINS.fullmatch(scope["path"]):
            seconds = self._core.busy()
            if seconds:
                await answer(busy(seconds))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def busy(seconds: int) -> Refusal:
    return Refusal(
        503,
        "busy",
        "More was sent than we can read just now.",
        f"Send it again in {seconds} seconds.",
        headers={"Retry-After": str(seconds)},
    )
