"""The page that looks like Chatwoot's dashboard, with the customer's widget beside it, and what it calls.

The frame of the dashboard app does as `components/widgets/DashboardApp/Frame.vue` does in Chatwoot: it is
made when its tab is first opened, told `appContext` as a JSON string to any origin when it has loaded, and
again when it posts the plain string `chatwoot-dashboard-app:fetch-info`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from evals.world.chatwoot.rules import Json
from evals.world.chatwoot.state import Conversation, Visitor

if TYPE_CHECKING:
    from evals.world.chatwoot.double import FakeChatwoot

FOLDER = Path(__file__).parent / "page"
FILES = {"desk.js": "text/javascript", "desk.css": "text/css"}


def pages(double: FakeChatwoot) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    @router.get("/app/accounts/{account}/conversations/{id}")
    async def dashboard(account: int = 1, id: int = 0) -> HTMLResponse:
        config = json.dumps({"app": double.app_url, "account": account, "conversation": id})
        page = (FOLDER / "desk.html").read_text(encoding="utf-8")
        return HTMLResponse(page.replace("{{config}}", config.replace("&", "&amp;").replace('"', "&quot;")))

    @router.get("/_desk/{name}.{kind}")
    async def file(name: str, kind: str) -> FileResponse:
        if f"{name}.{kind}" not in FILES:
            raise HTTPException(404)
        return FileResponse(FOLDER / f"{name}.{kind}", media_type=FILES[f"{name}.{kind}"])

    @router.get("/_desk/state")
    async def state() -> JSONResponse:
        found = [_seen(c) for c in double.state.conversations.values()]
        return JSONResponse(
            {"conversations": found, "agent": {**double.kim.push(), "email": double.kim.email}}
        )

    @router.post("/_desk/{move}")
    async def move(move: str, given: Json) -> JSONResponse:
        work = _MOVES.get(move)
        if work is None:
            raise HTTPException(404)
        return JSONResponse(await work(double, given))

    return router


def _seen(conversation: Conversation) -> Json:
    """What the dashboard's own store holds of a conversation."""
    shown = conversation.shown()
    shown["messages"] = [message.push() for message in conversation.messages]
    shown["assigned_to"] = conversation.assignee.name if conversation.assignee else None
    shown["visitor"] = conversation.visitor.id
    return shown


async def _customer(double: FakeChatwoot, given: Json) -> Json:
    """`{text, visitor?, identifier?}`: a new customer writes, or one who did before."""
    known: dict[int, Visitor] = {v.id: v for v in double.state.visitors}
    who = known.get(given.get("visitor") or 0)
    if who is None:
        who = double.visitor(given.get("name") or "quiet-field-820")
        if given.get("identifier"):
            double.identify(who, given["identifier"])
    message = await double.write(who, given["text"])
    return {"conversation": message.conversation.id, "visitor": who.id}


async def _reply(double: FakeChatwoot, given: Json) -> Json:
    private = bool(given.get("private"))
    message = await double.reply(double.kim, given["conversation"], given["text"], private=private)
    return {"message": message.id}


async def _status(double: FakeChatwoot, given: Json) -> Json:
    await double.set_status(double.kim, given["conversation"], given["status"])
    return {}


async def _choose(double: FakeChatwoot, given: Json) -> Json:
    messages = double.conversation(given["conversation"]).messages
    await double.choose(next(m for m in messages if m.id == given["message"]), given["value"])
    return {}


_MOVES: dict[str, Any] = {"customer": _customer, "reply": _reply, "status": _status, "choose": _choose}
