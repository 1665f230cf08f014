"""Chatwoot's API for agents and bots, as far as a support bot needs it, strict where Chatwoot is."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from evals.world.chatwoot import rules
from evals.world.chatwoot.rules import BOT_MAY, SOURCES, STATUSES, Json, Refused
from evals.world.chatwoot.state import ACCOUNT, Bot, Conversation, Message, User

if TYPE_CHECKING:
    from evals.world.chatwoot.double import FakeChatwoot

VERSION = "4.18.0"
PAGE = 20
"""Messages of one answer: app/finders/message_finder.rb."""


@dataclass(frozen=True)
class Call:
    """One request to the API and what it got."""

    action: str
    who: str
    arguments: Json
    status: int
    answer: Any
    at: float


@dataclass(frozen=True)
class Violation:
    """Something that Chatwoot refuses or quietly does otherwise than its caller means."""

    rule: str
    source: str
    action: str
    detail: str


class Refusal(Exception):
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.body)
        self.refused = refused


Work = Callable[[Json], Awaitable[Any]]


def routes(double: FakeChatwoot) -> APIRouter:
    router = APIRouter()

    @router.get("/api")
    async def version() -> Json:
        """api_controller.rb"""
        return {"version": double.version, "queue_services": "ok", "data_services": "ok"}

    base = "/api/v1/accounts/{account}"
    table: tuple[tuple[str, str, str, str], ...] = (
        ("GET", "/conversations/{id}", "conversations", "show"),
        ("POST", "/conversations/{id}/toggle_status", "conversations", "toggle_status"),
        ("POST", "/conversations/{id}/toggle_typing_status", "conversations", "toggle_typing_status"),
        ("POST", "/conversations/{id}/custom_attributes", "conversations", "custom_attributes"),
        ("GET", "/conversations/{id}/messages", "messages", "index"),
        ("POST", "/conversations/{id}/messages", "messages", "create"),
        ("POST", "/conversations/{id}/assignments", "assignments", "create"),
        ("GET", "/inboxes/{id}", "inboxes", "show"),
        ("GET", "/contacts/{id}", "contacts", "show"),
    )
    for method, path, controller, action in table:
        router.add_api_route(base + path, _route(double, controller, action), methods=[method])

    @router.get("/rails/active_storage/blobs/{key}/{name}")
    async def file(key: str, name: str) -> Response:
        found = double.state.files.get(key)
        if found is None:
            return JSONResponse({"error": "not found"}, 404)
        return Response(found[1], media_type=found[0])

    @router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def unknown(request: Request, path: str) -> Response:
        double.violate("unknown_route", path, f"{request.method} /api/{path} is no route of the double")
        return JSONResponse({"error": "Resource could not be found"}, 404)

    return router


def _route(double: FakeChatwoot, controller: str, action: str) -> Callable[..., Awaitable[Response]]:
    work: Work = globals()[f"_{controller}_{action}"]
    name = f"{controller}.{action}"

    async def route(request: Request, account: str, id: str) -> Response:
        arguments: Json = dict(request.query_params) if request.method == "GET" else await _body(request)
        who = "nobody"
        fault = double.take_fault(name)
        if fault is not None and fault.status:
            double.record(name, who, arguments, fault.status, None)
            return JSONResponse({"error": "fault"}, fault.status, headers=fault.headers)
        try:
            caller = _authenticate(double, request, account, controller, action)
            who = caller.name
            call = {"double": double, "caller": caller, "id": id, "arguments": arguments}
            answer = await work(call)
            status = 200
        except Refusal as no:
            answer, status = no.refused.body, no.refused.status
            double.violate(no.refused.rule, name, str(no.refused.body))
        double.record(name, who, arguments, status, answer)
        if fault is not None:  # it was done, and nobody hears of it
            request.state.transport.abort()
        return JSONResponse(answer, status)

    return route


async def _body(request: Request) -> Json:
    try:
        found = await request.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _authenticate(
    double: FakeChatwoot, request: Request, account: str, controller: str, action: str
) -> User | Bot:
    token = request.headers.get("api_access_token", "")
    owners: list[User | Bot] = [*double.state.users, double.state.bot]
    caller = next((o for o in owners if token and hmac.compare_digest(o.token, token)), None)
    if caller is None:
        raise Refusal(rules.unauthorised("token", "Invalid Access Token"))
    if isinstance(caller, Bot) and (controller, action) not in BOT_MAY:
        raise Refusal(rules.unauthorised("bot_may_not", "Access to this endpoint is not authorized for bots"))
    if account != str(ACCOUNT["id"]):
        # Account.find comes first: an account that is not there is a 404, one of others a 401.
        raise Refusal(rules.not_found())
    return caller


def _conversation(call: Json) -> Conversation:
    found: Conversation | None = call["double"].state.conversations.get(_number(call["id"]))
    if found is None:
        raise Refusal(rules.not_found())
    return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else -1


# --- one function per action ---


async def _conversations_show(call: Json) -> Json:
    return _conversation(call).shown()


async def _conversations_toggle_status(call: Json) -> Json:
    """conversations_controller.rb: a bot's pending -> open is its handoff; an agent who opens takes it."""
    conversation, wanted = _conversation(call), call["arguments"].get("status")
    if wanted is None:
        wanted = "resolved" if conversation.status == "open" else "open"
    if wanted not in STATUSES:
        call["double"].violate("status", "conversations.toggle_status", f"{wanted!r} is no status")
        raise Refusal(Refused("status", 500, {"error": f"'{wanted}' is not a valid status"}))
    caller, state = call["caller"], call["double"].state
    state.set_status(conversation, wanted, activity=f"Conversation was marked {wanted} by {caller.name}")
    if wanted == "open" and isinstance(caller, User):
        state.assign(conversation, caller)
    return {
        "meta": {},
        "payload": {
            "success": True,
            "conversation_id": conversation.id,
            "current_status": conversation.status,
            "snoozed_until": None,
        },
    }


async def _conversations_toggle_typing_status(call: Json) -> Json:
    _conversation(call)
    return {}


async def _conversations_custom_attributes(call: Json) -> Json:
    conversation = _conversation(call)
    conversation.custom_attributes = dict(call["arguments"].get("custom_attributes") or {})
    return {"custom_attributes": conversation.custom_attributes}


async def _messages_index(call: Json) -> Json:
    """app/finders/message_finder.rb"""
    conversation, arguments = _conversation(call), call["arguments"]
    after, before = arguments.get("after"), arguments.get("before")
    found = sorted(conversation.messages, key=lambda each: each.id)
    if after and before:
        found = [m for m in found if int(after) <= m.id < int(before)][:1000]
    elif before:
        found = [m for m in found if m.id < int(before)][-PAGE:]
    elif after:
        found = [m for m in found if m.id > int(after)][:100]
    else:
        found = found[-PAGE:]
    meta = {"labels": [], "contact": conversation.visitor.contact.push(), "additional_attributes": {}}
    return {"meta": meta, "payload": [message.push() for message in found]}


async def _messages_create(call: Json) -> Json:
    conversation, given, double = _conversation(call), call["arguments"], call["double"]
    channel = conversation.visitor.inbox.channel_type
    no = rules.refused_message(given, channel)
    if no is None and _flooded(conversation, double.messages_a_minute):
        no = rules.unprocessable("too_many_messages", "Validation failed: Too many messages")
    if no is not None:
        raise Refusal(no)
    for rule, detail in rules.doubtful_message(given, channel):
        double.violate(rule, "messages.create", detail)
    attributes = {
        key: value
        for key, value in (given.get("content_attributes") or {}).items()
        if key in rules.KEPT_ATTRIBUTES
    }
    if given.get("external_created_at"):
        attributes["external_created_at"] = given["external_created_at"]
    message = double.state.add(
        conversation,
        given.get("content"),
        given.get("message_type", "outgoing"),
        call["caller"],
        private=bool(given.get("private")),
        content_type=given.get("content_type") or "text",
        content_attributes=attributes,
        source_id=given.get("source_id"),
    )
    double.state.announce(message)
    return {**message.push(), **({"echo_id": given["echo_id"]} if "echo_id" in given else {})}


def _flooded(conversation: Conversation, most: int) -> bool:
    since = time.time() - 60
    recent: list[Message] = [m for m in conversation.messages if m.created_at >= since]
    return len(recent) >= most


async def _assignments_create(call: Json) -> Any:
    conversation, given, state = _conversation(call), call["arguments"], call["double"].state
    if given.get("assignee_type") == "AgentBot":
        conversation.bot_owned, conversation.assignee = True, None
        state.set_status(conversation, "pending")
        return state.bot.push()
    user = next((u for u in state.users if u.id == given.get("assignee_id")), None)
    state.assign(conversation, user)
    return user.push() if user else None


async def _inboxes_show(call: Json) -> Json:
    for inbox in call["double"].state.inboxes:
        if inbox.id == _number(call["id"]):
            shown: Json = inbox.shown()
            return shown
    raise Refusal(rules.not_found())


async def _contacts_show(call: Json) -> Json:
    for contact in call["double"].state.contacts:
        if contact.id == _number(call["id"]):
            return {"payload": contact.push()}
    raise Refusal(rules.not_found())


def source_of(rule: str) -> str:
    return SOURCES[rule]
