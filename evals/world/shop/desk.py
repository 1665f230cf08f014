"""The server of the example desk: somebody's helpdesk that shows the agents' page beside its conversations.

It speaks `triage-assist/1`: its own server signs for its agent, gets a one-time ticket, and its page hands
that to the frame. The page itself is built with Stepfour's others; here it gets an origin of its own.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
from fastapi import APIRouter, Body, HTTPException
from fastapi.responses import FileResponse, JSONResponse

from evals.world.chatwoot.running import running

FILES = {"host.html": "text/html", "host.js": "text/javascript", "host.css": "text/css"}
TOKEN_S = 60

Json = dict[str, Any]


class ExampleDesk:
    """`pages` is where its built files are; `app` is Stepfour's origin, known once it runs."""

    def __init__(
        self, pages: Path, *, secret: str, agent: str = "Kim", audience: str = "stepfour-agents"
    ) -> None:
        self.app = ""
        self._pages, self._secret, self._agent, self._audience = pages, secret, agent, audience
        self._http: httpx.AsyncClient

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Its address, until the end of the block, in the running loop."""
        async with (
            httpx.AsyncClient(trust_env=False, timeout=10) as self._http,
            running([self._routes()], port) as url,
        ):
            yield url

    async def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Calls Stepfour as the desk's agent."""
        claims = {"sub": self._agent, "aud": self._audience, "exp": int(time.time()) + TOKEN_S}
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        answer = await self._http.request(
            method, f"{self.app}{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        if answer.is_error:
            raise HTTPException(502, f"Stepfour said {answer.status_code} to {path}")
        found: Json = answer.json()
        return found

    async def _state(self) -> Json:
        """What its page reads: the conversations, and a ticket that counts once."""
        ticket = await self._ask("POST", "/v1/agent/tickets", {})
        cases = await self._ask("GET", "/v1/agent/cases?state=all")
        return {
            "app": self.app,
            "agent": self._agent,
            "ticket": ticket["ticket"],
            "reply": True,
            "conversations": [await self._talk(row) for row in cases["cases"]],
        }

    async def _talk(self, row: Json) -> Json:
        found = await self._ask("GET", f"/v1/agent/conversations/{row['conversation']}")
        names = {"bot": "Stepfour", "customer": row["customer"] or "Visitor"}
        return {
            "id": row["conversation"],
            "customer": names["customer"],
            "channel": row["channel"],
            "title": row["title"],
            "messages": [
                {"by": names.get(said["role"]) or said["name"] or "Agent", "text": said["text"]}
                for said in found["messages"]
            ],
        }

    def _routes(self) -> APIRouter:
        router = APIRouter()

        @router.get("/")
        async def page() -> FileResponse:
            policy = (
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                f"frame-src {self.app}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            )
            return FileResponse(
                self._pages / "host.html",
                media_type="text/html",
                headers={"content-security-policy": policy},
            )

        @router.get("/desk.json")
        async def state() -> JSONResponse:
            return JSONResponse(await self._state(), headers={"cache-control": "no-store"})

        @router.get("/{name}")
        async def file(name: str) -> FileResponse:
            if name not in FILES:
                raise HTTPException(404)
            return FileResponse(self._pages / name, media_type=FILES[name])

        @router.post("/reply")
        async def reply(given: Json = Body()) -> Json:  # noqa: B008 - so FastAPI is told where it comes from
            said = {"client_message_id": secrets.token_hex(8), "text": given["text"]}
            return await self._ask("POST", f"/v1/agent/conversations/{given['conversation']}/messages", said)

        return router
