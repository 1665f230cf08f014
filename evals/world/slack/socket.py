"""Socket Mode: the websockets that `apps.connections.open` hands out, with envelopes and acknowledgements.

docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from typing import TYPE_CHECKING, Any

from evals.world.slack.rules import Broken
from evals.world.slack.state import APP_ID, Json

if TYPE_CHECKING:
    from fastapi import WebSocket

    from evals.world.slack.slack import FakeSlack

PAGE = "docs.slack.dev/apis/events-api/using-socket-mode"
MOST_CONNECTIONS = 10


def envelope_type(kind: str, payload: Json) -> str:
    if payload.get("type") == "event_callback":
        return "events_api"
    return "slash_commands" if kind == "command" else "interactive"


class Sockets:
    """The open connections of the app, and the envelopes that wait for their acknowledgement."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack
        self.tickets: set[str] = set()
        self.open: list[WebSocket] = []
        self.waiting: dict[str, asyncio.Future[Json]] = {}
        self.turns = itertools.count()

    def new_url(self) -> str:
        ticket = secrets.token_urlsafe(12)
        self.tickets.add(ticket)
        return f"{self.slack.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, socket: WebSocket) -> None:
        from starlette.websockets import WebSocketDisconnect

        ticket = socket.query_params.get("ticket", "")
        if ticket not in self.tickets or len(self.open) >= MOST_CONNECTIONS:
            await socket.close(1008)
            return
        self.tickets.remove(ticket)  # a URL is good for one connection
        await socket.accept()
        if not self.slack.options.socket_mode:
            await socket.send_json({"type": "disconnect", "reason": "link_disabled"})
            await socket.close()
            return
        self.open.append(socket)
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self.open),
                "debug_info": {"host": "applink-double", "approximate_connection_time": 18060},
                "connection_info": {"app_id": APP_ID},
            }
        )
        self.slack.state.touch()
        try:
            while True:
                self._receive(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            if socket in self.open:
                self.open.remove(socket)
            self.slack.state.touch()

    def _receive(self, text: str) -> None:
        try:
            given: Any = json.loads(text)
        except ValueError:
            given = None
        envelope = given.get("envelope_id") if isinstance(given, dict) else None
        if not isinstance(envelope, str):
            broken = Broken("", "an acknowledgement is JSON with the envelope_id", PAGE)
            self.slack.violate(broken, "socket", {"text": text[:200]})
            return
        future = self.waiting.get(envelope)
        if future and not future.done():
            future.set_result(given)

    async def send(
        self, kind: str, payload: Json, number: int, reason: str | None
    ) -> tuple[int | None, str, str | None]:
        """An envelope to one of the connections, and what came back for it within the time."""
        if not self.open:
            return None, "", "connection_failed"
        socket = self.open[next(self.turns) % len(self.open)]
        envelope = secrets.token_hex(16)
        sent: Json = {
            "envelope_id": envelope,
            "type": envelope_type(kind, payload),
            "payload": payload,
            "accepts_response_payload": payload.get("type") != "event_callback",
        }
        if sent["type"] == "events_api":
            sent |= {"retry_attempt": number, "retry_reason": "timeout" if number else ""}
        answer = self.waiting[envelope] = asyncio.get_running_loop().create_future()
        try:
            await socket.send_json(sent)
            async with asyncio.timeout(self.slack.options.ack_seconds):
                given = await answer
        except TimeoutError:
            return None, "", "http_timeout"
        except RuntimeError:  # the connection closed under our hands
            return None, "", "connection_failed"
        finally:
            del self.waiting[envelope]
        back = given.get("payload")
        return 200, back if isinstance(back, str) else json.dumps(back) if back else "", None

    async def disconnect(self, reason: str) -> None:
        """Tells every connection; `warning` stays open for a while, the others are closed."""
        for socket in tuple(self.open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "double"}})
            if reason != "warning":
                self.open.remove(socket)
                await socket.close()
        self.slack.state.touch()
