"""Serves the Slack-like page and lets it do what people do; the page holds no state of its own."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from evals.world.slack.people import Refused
from evals.world.slack.state import BOT_USER, OUR_TEAM, Channel, Json, Message, User, View

if TYPE_CHECKING:
    from evals.world.slack.slack import FakeSlack

PAGE = Path(__file__).parent / "page"
FILES = {"": "index.html", "page.js": "page.js", "draw.js": "draw.js", "page.css": "page.css"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def person(user: User) -> Json:
    tags = {
        "app": user.id == BOT_USER,
        "bot": user.is_bot and user.id != BOT_USER,
        "guest": user.is_restricted,
        "external": user.is_stranger,
    }
    return {
        "id": user.id,
        "name": user.real_name or user.name,
        "team": user.team_id,
        "tag": next((name for name, is_so in tags.items() if is_so), ""),
        "playable": not user.is_bot,
    }


def place(channel: Channel, me: str) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "shared": channel.is_ext_shared,
        "topic": channel.topic,
        "members": len(channel.members),
        "with_bot": BOT_USER in channel.members,
        "mine": me in channel.members,
    }


def seen(message: Message) -> Json:
    return {
        "ts": message.ts,
        "root": message.root,
        "user": message.user,
        "text": message.text,
        # what a person typed is drawn from its text; blocks of people say the same again
        "blocks": [] if message.client_msg_id else list(message.blocks),
        "attachments": list(message.attachments),
        "hidden": message.ephemeral_to is not None,
        "edited": message.edited is not None and not message.blocks,
        "streaming": message.streaming == "in_progress",
        "reactions": [name for name, _ in message.reactions],
        "files": [
            {"name": file.name, "url": f"/ui/file/{file.id}", "image": file.mimetype.startswith("image/")}
            for file in message.files
        ],
    }


def opened(view: View | None) -> Json | None:
    return {"id": view.id, "content": view.content} if view else None


def snapshot(slack: FakeSlack, me: str, channel: str) -> Json:
    """All that one person sees, with one channel open."""
    mine = [c for c in slack.channels.values() if me in c.members]
    here = slack.channels.get(channel)
    allowed = here is not None and me in here.members
    views = slack.open_views(me)
    return {
        "version": slack.state.version,
        "team": slack.state.teams[OUR_TEAM].name,
        "bot": BOT_USER,
        "commands": list(slack.options.commands),
        "shortcuts": list(slack.options.shortcuts),
        "people": [person(user) for user in slack.users.values()],
        "channels": [place(c, me) for c in mine],
        "messages": [seen(m) for m in slack.messages(channel, user=me)] if allowed else [],
        "prompts": slack.prompts.get(channel) if allowed else None,
        "sessions": {
            s.thread_ts: {"status": s.status, "title": s.title}
            for s in slack.sessions.values()
            if s.channel == channel and allowed
        },
        "lines": {thread: line for (c, thread), line in slack.statuses.items() if c == channel and allowed},
        "modal": opened(views[-1] if views else None),
        "home": opened(slack.home(me)),
    }


async def act(slack: FakeSlack, given: Json) -> Json:
    """One thing that a person does on the page."""
    user, channel = str(given.get("user")), str(given.get("channel"))
    thread = given.get("thread") or None
    match given.get("do"):
        case "post":
            await slack.post(user, channel, str(given["text"]), thread)
        case "upload":
            data = base64.b64decode(given["data"])
            kind = str(given.get("mimetype") or "application/octet-stream")
            comment = str(given.get("text", ""))
            await slack.upload(user, channel, str(given["name"]), data, kind, comment=comment, thread=thread)
        case "command":
            name, _, rest = str(given["text"]).partition(" ")
            answer = await slack.command(user, channel, rest, name)
            return _acked(answer.delivery.ok, f"{name} did not respond")
        case "home":
            await slack.open_home(user, str(given["tab"]))
        case "stop":
            await slack.stop_session(user, channel, str(given["thread"]))
        case "close":
            await slack.close(user, slack.views[given["view"]])
        case "submit":
            answer = await slack.submit(user, slack.views[given["view"]], given["values"])
            return _acked(answer.delivery.ok, "the app did not respond") | {"errors": answer.errors}
        case "press_view":
            view = slack.views[given["view"]]
            pressed = await slack.press_view(user, view, given["action_id"], option=given.get("option"))
            return _acked(pressed.ok, "the app did not respond")
        case _:
            return await _on_message(slack, user, channel, given)
    return {"ok": True}


def _acked(ok: bool, otherwise: str) -> Json:
    return {"ok": True} if ok else {"ok": False, "error": otherwise}


async def _on_message(slack: FakeSlack, user: str, channel: str, given: Json) -> Json:
    message = slack.state.find(channel, str(given.get("ts")))
    if message is None:
        raise Refused("that message is gone")
    match given.get("do"):
        case "press":
            pressed = await slack.press(
                user,
                message,
                given["action_id"],
                block_id=given.get("block_id"),
                option=given.get("option"),
            )
            return _acked(pressed.ok, "the app did not respond")
        case "shortcut":
            return _acked((await slack.shortcut(user, message)).ok, "the app did not respond")
        case "edit":
            await slack.edit(user, message, str(given["text"]))
        case "delete":
            await slack.delete(user, message)
        case unknown:
            raise Refused(f"nobody can {unknown!r} on this page")
    return {"ok": True}


async def changes(slack: FakeSlack) -> AsyncIterator[str]:
    """The version, whenever something changed; a comment now and then, to notice who left."""
    sent = -1
    while slack.serving:
        if slack.state.version != sent:
            sent = slack.state.version
            yield f"data: {sent}\n\n"
        changed = slack.state.changed
        try:
            async with asyncio.timeout(10):
                await changed.wait()
            await asyncio.sleep(0.03)  # what comes in one burst is drawn once
        except TimeoutError:
            yield ": still here\n\n"


def own_page(slack: FakeSlack, request: Request) -> bool:
    """Only our page may act: its header makes a foreign page ask first, and it is never allowed to."""
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    return request.headers.get("x-slack-page") == "1" and origin in (None, f"http://{host}")


def add_page(slack: FakeSlack, app: FastAPI) -> None:
    async def page(name: str = "") -> Response:
        if name == "favicon.ico":
            return Response(status_code=204)
        if name not in FILES:
            return Response("not found", 404)
        return FileResponse(PAGE / FILES[name], headers=HEADERS)

    async def state(user: str, channel: str) -> Response:
        return JSONResponse(snapshot(slack, user, channel), headers=HEADERS)

    async def events() -> Response:
        return StreamingResponse(changes(slack), media_type="text/event-stream", headers=HEADERS)

    async def do(request: Request) -> Response:
        if not own_page(slack, request):
            return JSONResponse({"ok": False, "error": "only this page may act"}, 403)
        given: Any = await request.json()
        try:
            return JSONResponse(await act(slack, given))
        except (Refused, KeyError, binascii.Error) as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400)

    async def file(file_id: str) -> Response:
        found = slack.state.files.get(file_id)
        if found is None:
            return Response("not found", 404)
        kind = found.mimetype if found.mimetype in ("image/png", "image/jpeg", "image/gif") else "text/plain"
        return Response(found.data, media_type=kind, headers=HEADERS)

    app.add_api_route("/ui/state", state, methods=["GET"], response_model=None)
    app.add_api_route("/ui/events", events, methods=["GET"], response_model=None)
    app.add_api_route("/ui/act", do, methods=["POST"], response_model=None)
    app.add_api_route("/ui/file/{file_id}", file, methods=["GET"], response_model=None)
    app.add_api_route("/", page, methods=["GET"], response_model=None)
    app.add_api_route("/{name}", page, methods=["GET"], response_model=None)
