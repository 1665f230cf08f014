"""How Slack's calls come in: proven, stored, acknowledged. Nothing is worked off before that.

Bolt acknowledges an event before it runs a listener, so what it tells is stored in a middleware in front of
everything: a failed write answers 500, and Slack sends it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from app.channels.edge import Edge
from app.channels.slack.route import CHANNEL
from app.errors import BadInput, NotAuthentic

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.response import BoltResponse
    from slack_sdk.web.async_client import AsyncWebClient

    from app.adapters.store import Store

Body = Mapping[str, Any]
Command = Callable[[Body], Awaitable[str]]
"""A slash command -> what its acknowledgement says, to that person alone."""
Submitted = Callable[[Body], Awaitable[dict[str, str] | None]]
"""A modal -> errors by block, or None where it is taken."""

SAID = (None, "file_share", "thread_broadcast")
OTHER_EVENTS = ("app_home_opened", "agent_session_stopped", "app_uninstalled", "tokens_revoked")


class Installed:
    """The workspace that we are installed in, and who we are there: known from our start on."""

    team = ""
    enterprise = ""
    user = ""
    bot = ""


def slack_router(app: AsyncApp, signing_secret: str) -> APIRouter:
    """`POST /slack/events`: events, clicks, modals, shortcuts and commands."""
    from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
    from slack_sdk.signature import SignatureVerifier

    router = APIRouter(route_class=Edge)
    handler = AsyncSlackRequestHandler(app)
    verifier = SignatureVerifier(signing_secret)

    @router.post("/slack/events", include_in_schema=False)
    async def slack_events(request: Request) -> Response:
        if not signed(verifier.is_valid, await request.body(), request.headers):
            raise NotAuthentic("This call does not carry Slack's signature. Check the app's signing secret.")
        try:
            return await handler.handle(request)
        except (
            ValueError,
            AttributeError,
            TypeError,
        ) as error:  # Bolt reads the body before it guards itself
            raise BadInput("The body is nothing that Slack sends. Send JSON or a form.") from error

    return router


def signed(
    is_valid: Callable[[bytes, str | None, str | None], bool], body: bytes, headers: Mapping[str, str]
) -> bool:
    """Whether Slack signed it, a short while ago. The library raises for headers that no Slack sends."""
    try:
        return is_valid(body, headers.get("x-slack-request-timestamp"), headers.get("x-slack-signature"))
    except (ValueError, TypeError, OverflowError):
        return False


def bolt(
    client: AsyncWebClient,
    store: Store,
    installed: Installed,
    *,
    signing_secret: str,
    wake: asyncio.Event,
    command: Command,
    submitted: Submitted,
) -> AsyncApp:
    """The Bolt app for HTTP and Socket Mode alike."""
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.response import BoltResponse

    quiet = logging.getLogger("app.channels.slack.bolt")
    quiet.setLevel(logging.ERROR)  # below that it logs what people wrote

    async def keep(body: Body, next: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        if body.get("type") == "url_verification" or body.get("ssl_check"):
            await next()
            return None
        if not of_ours(body, installed):
            return BoltResponse(status=401, body="")
        if body.get("type") == "view_submission" or "command" in body:
            await next()
            return None
        found = told(body, installed.team)
        if found is not None:
            await store.receive(*found)
            wake.set()
        return BoltResponse(status=200, body="")

    app = AsyncApp(
        client=client,
        signing_secret=signing_secret or "unused where we call Slack",
        before_authorize=keep,
        logger=quiet,
        name="stepfour",
    )

    async def answer_command(body: Body, ack: Any) -> None:
        await ack(text=await command(body), response_type="ephemeral")

    async def answer_view(body: Body, ack: Any) -> None:
        errors = await submitted(body)
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        await store.receive(*view_told(body, installed.team))
        await ack()
        wake.set()

    app.command(re.compile(".*"))(answer_command)
    app.view(re.compile(".*"))(answer_view)
    return app


def of_ours(body: Body, installed: Installed) -> bool:
    """Whether it is meant for the workspace that we are installed in; a person's own may be another."""
    enterprise = body.get("enterprise_id") or (body.get("enterprise") or {}).get("id")
    if installed.enterprise and enterprise and enterprise != installed.enterprise:
        return False
    if "authorizations" in body:
        teams: Sequence[object] = [each.get("team_id") for each in body["authorizations"] or ()]
    else:
        teams = [body.get("team_id"), (body.get("team") or {}).get("id")]
    return bool(installed.team) and installed.team in teams


Told = tuple[str, str, dict[str, object]]
"""(key, channel, payload) as `store.receive` takes them."""


def told(body: Body, team: str) -> Told | None:
    """What a call tells, under the key of what it is about; None where it tells nothing to us."""
    match body.get("type"):
        case "event_callback":
            return _event(body, team)
        case "block_actions":
            return _click(body, team)
        case "message_action" | "shortcut":
            payload = _picked(body, "user", "channel", "message_ts", "message", "callback_id", "trigger_id")
            return _kept(team, f"shortcut:{body.get('trigger_id')}", "shortcut", payload)
    return None


def _event(body: Body, team: str) -> Told | None:
    event = body.get("event") or {}
    kind, subtype = event.get("type"), event.get("subtype")
    if kind in ("message", "app_mention"):
        inner = event.get("message") or event.get("previous_message") or {}
        if event.get("bot_id") or inner.get("bot_id"):
            return None
        if subtype in SAID:  # a mention comes twice, as itself and as a message, each with an id of its own
            return _kept(team, f"{event.get('channel')}:{event.get('ts')}", "event", event)
        if subtype in ("message_changed", "message_deleted"):
            return _kept(team, str(body.get("event_id")), "event", event)
        return None
    return _kept(team, str(body.get("event_id")), "event", event) if kind in OTHER_EVENTS else None


def _click(body: Body, team: str) -> Told | None:
    clicked = (body.get("actions") or [{}])[0]
    who = (body.get("user") or {}).get("id")
    key = f"click:{who}:{clicked.get('action_ts')}:{clicked.get('action_id')}:{body.get('trigger_id')}"
    payload = _picked(body, "user", "channel", "container", "actions", "trigger_id")
    payload["message"] = _picked(body.get("message") or {}, "ts", "thread_ts")
    payload["view"] = _picked(body.get("view") or {}, "id", "hash", "private_metadata", "callback_id")
    return _kept(team, key, "click", payload)


def view_told(body: Body, team: str) -> Told:
    view = body["view"]
    payload = _picked(body, "user")
    payload["view"] = _picked(view, "id", "private_metadata", "callback_id", "state")
    return _kept(team, f"view:{view['id']}:{view.get('hash')}", "view", payload)


def _picked(body: Body, *names: str) -> dict[str, Any]:
    return {name: body[name] for name in names if body.get(name) is not None}


def _kept(team: str, key: str, kind: str, what: Mapping[str, Any]) -> Told:
    if len(key) > 300:  # what comes from outside does not decide how long our keys are
        key = hashlib.sha256(key.encode()).hexdigest()
    return f"{CHANNEL}:{team}:{key}", CHANNEL, {"kind": kind, "what": dict(what)}
