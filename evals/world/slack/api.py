"""The Web API over HTTP: tokens, limits, arguments, then the method; every call is kept."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse

from evals.world.slack import methods, rules, streams, views, wire
from evals.world.slack.rules import ERRORS_PAGE, Broken
from evals.world.slack.state import BOT_ID, BOT_USER, Call, Json, Message

if TYPE_CHECKING:
    from evals.world.slack.slack import FakeSlack

SERVED = methods.SERVED | streams.SERVED | views.SERVED
AS_JSON = {"blocks", "attachments", "metadata", "chunks", "view", "prompts", "loading_messages"}
USES_OF_RESPONSE_URL = 5
SECONDS_OF_RESPONSE_URL = 1800.0
"""docs.slack.dev/interactivity/handling-user-interaction/#message_responses: 5 times within 30 minutes."""


class Limits:
    """docs.slack.dev/apis/web-api/rate-limits: calls a minute and method; a post a second and channel."""

    def __init__(self) -> None:
        self.seen: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, method: str, args: Json, scale: float | None) -> int:
        """Seconds to wait before this call may come, 0 for none; counts it if so."""
        if scale is None:
            return 0
        most, window, key = rules.TIERS[rules.METHODS[method].tier] * scale, 60.0, method
        if method == "chat.postMessage":  # one a second, short bursts are fine
            most, window, key = 10 * scale, 10.0, f"{method} {args.get('channel')}"
        now, seen = time.monotonic(), self.seen[key]
        while seen and seen[0] <= now - window:
            seen.popleft()
        if len(seen) >= max(1, most):
            return max(1, math.ceil(seen[0] + window - now))
        seen.append(now)
        return 0


async def arguments(request: Request) -> tuple[Json, bool] | Broken:
    """The arguments of a call, and whether they came as JSON: docs.slack.dev/apis/web-api/#evaluating."""
    found: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method == "GET" or not (body := await request.body()):
        return found, False
    if kind == "application/json":
        try:
            given = json.loads(body)
        except ValueError:
            return Broken("invalid_json", "the body is no JSON", ERRORS_PAGE)
        if not isinstance(given, dict):
            return Broken("json_not_object", "the body is no object", ERRORS_PAGE)
        return found | given, True
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return Broken("invalid_post_type", f"no Content-Type {kind!r}", ERRORS_PAGE)
    form = await request.form()
    return found | {key: value for key, value in form.items() if isinstance(value, str)}, False


def check_token(slack: FakeSlack, method: str, token: str | None) -> Broken | None:
    if method == "api.test":
        return None
    if not token:
        return Broken("not_authed", "no token", ERRORS_PAGE)
    wanted, other = slack.options.bot_token, slack.options.app_token
    if method == "apps.connections.open":
        wanted, other = other, wanted
    if token == other:
        return Broken("not_allowed_token_type", f"{method} takes the other kind of token", ERRORS_PAGE)
    if not slack.installed:
        return Broken("account_inactive", "the app was uninstalled", ERRORS_PAGE, fault=False)
    return None if token == wanted else Broken("invalid_auth", "an unknown token", ERRORS_PAGE)


def parsed_strings(given: Json) -> Json:
    """Blocks and the like may come as a string of JSON, in JSON bodies too."""
    found = dict(given)
    for key in AS_JSON & given.keys():
        value = given[key]
        if isinstance(value, str) and value[:1] in ("[", "{"):
            found[key] = rules._parsed(value)
    return found


def judge(slack: FakeSlack, method: str, args: Json, token: str | None) -> Broken | None:
    if rules.signature_of(method) is None:
        return Broken("unknown_method", f"there is no method {method}", ERRORS_PAGE)
    broken = check_token(slack, method, token)
    if broken:
        return broken
    if method not in SERVED:
        return Broken("fatal_error", f"the double does not serve {method}: add it to SERVED", ERRORS_PAGE)
    granted = slack.options.scopes | {"connections:write"}
    needed = rules.missing_scope(method, granted)
    if needed:
        return Broken("missing_scope", f"needs {needed}", rules.METHOD_PAGE + method)
    return rules.check_arguments(method, args)


def answered(
    slack: FakeSlack, method: str, args: Json, token: str | None
) -> tuple[int, Json, dict[str, str]]:
    """Status, body and headers for a call, after it was carried out."""
    failing = slack.take_failure(method)
    if failing and failing[0] == "ratelimited":
        return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(failing[1])}
    if failing and failing[0] != "drop":
        return 200, {"ok": False, "error": failing[0]}, {}
    found: Json | Broken | None = judge(slack, method, args, token)
    if found is None:
        wait = slack.limits.wait(method, args, slack.options.rate_scale)
        if wait:
            return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(wait)}
        found = SERVED[method](slack, {key: value for key, value in args.items() if value is not None})
    if isinstance(found, Broken):
        if found.fault:
            slack.violate(found, method, args)
        body: Json = {"ok": False, "error": found.error}
        if found.error.startswith("invalid_"):
            body["response_metadata"] = {"messages": [f"[ERROR] {found.detail}"]}
        if found.error == "missing_scope":
            body |= {"needed": found.detail.removeprefix("needs "), "provided": _granted(slack)}
        return 200, body, {}
    return (-1 if failing else 200), {"ok": True} | found, {}


def _granted(slack: FakeSlack) -> str:
    return ",".join(sorted(slack.options.scopes))


async def call(slack: FakeSlack, method: str, request: Request) -> Response:
    given = await arguments(request)
    args, as_json = ({}, True) if isinstance(given, Broken) else given
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    spoken = token if scheme == "Bearer" else args.pop("token", None)
    args = parsed_strings(args) if as_json else rules.coerced(method, args)
    status, headers = 200, dict[str, str]()
    body: Json
    if isinstance(given, Broken):
        slack.violate(given, method, {})
        body = {"ok": False, "error": given.error}
    else:
        status, body, headers = answered(slack, method, args, spoken)
    slack.state.calls.append(
        Call(
            method=method,
            arguments=args,
            user_agent=request.headers.get("user-agent", ""),
            at=time.time(),
            status=status,
            response=body,
        )
    )
    slack.state.touch()
    if status == -1:  # the work is done, the answer gets lost
        request.scope["state"]["transport"].abort()
        return Response(status_code=500)
    headers |= {"X-OAuth-Scopes": _granted(slack)}
    return JSONResponse(body, status, headers)


async def respond(slack: FakeSlack, ticket: str, request: Request) -> Response:
    """`response_url`: docs.slack.dev/interactivity/handling-user-interaction/#message_responses."""
    hook = slack.state.hooks.get(ticket)
    page = "docs.slack.dev/interactivity/handling-user-interaction"
    if hook is None:
        return Response("invalid_url", 404)
    if hook["uses"] >= USES_OF_RESPONSE_URL or time.monotonic() > hook["until"]:
        slack.violate(Broken("used_url", "5 times within 30 minutes", page), "response_url", {})
        return JSONResponse({"ok": False, "error": "used_url"}, 404)
    given = json.loads(await request.body())
    broken = methods.check_content(given, "chat.postMessage", needs=not given.get("delete_original"))
    if broken:
        slack.violate(broken, "response_url", given)
        return Response(broken.error, 400)
    hook["uses"] += 1
    slack.state.calls.append(
        Call(
            method="response_url",
            arguments=given,
            user_agent=request.headers.get("user-agent", ""),
            at=time.time(),
            status=200,
            response={"ok": True},
        )
    )
    answer(slack, given, hook["channel"], hook["user"], hook["message"])
    return Response("ok")


def answer(slack: FakeSlack, given: Json, channel: str, user: str, original: str | None) -> Message | None:
    """What a response URL or a slash command's acknowledgement shows."""
    message = slack.state.kept.get((channel, original)) if original else None
    if message and given.get("delete_original"):
        slack.drop(message)
        return None
    if message and given.get("replace_original"):
        changes = {"text": given.get("text") or "", "blocks": wire.with_ids(given.get("blocks"))}
        changed = slack.state.put(message.model_copy(update=changes))
        if not message.ephemeral_to:
            slack.emit_changed(changed, message)
        return changed
    for_all = given.get("response_type") == "in_channel"
    shown = slack.state.put(
        Message(
            channel=channel,
            ts=slack.state.next_ts(),
            user=BOT_USER,
            text=given.get("text") or "",
            blocks=wire.with_ids(given.get("blocks")),
            thread_ts=given.get("thread_ts"),
            bot_id=BOT_ID,
            ephemeral_to=None if for_all else user,
            subtype=None if for_all else "ephemeral",
        )
    )
    if for_all:
        slack.emit_message(shown)
    return shown


def file_answer(slack: FakeSlack, file_id: str, authorization: str) -> Response:
    """docs.slack.dev/messaging/working-with-files: without the token comes a sign-in page, no error."""
    file = slack.state.files.get(file_id)
    allowed = authorization == f"Bearer {slack.options.bot_token}" and "files:read" in slack.options.scopes
    if not allowed:
        return Response("<html><title>Sign in</title></html>", 200, media_type="text/html")
    if file is None:
        return Response("not found", 404)
    return Response(file.data, media_type=file.mimetype)


def build_api(slack: FakeSlack) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def web_api(method: str, request: Request) -> Response:
        return await call(slack, method, request)

    async def hook(ticket: str, request: Request) -> Response:
        return await respond(slack, ticket, request)

    async def file(file_id: str, request: Request) -> Response:
        return file_answer(slack, file_id, request.headers.get("authorization", ""))

    async def link(websocket: WebSocket) -> None:
        await slack.sockets.serve(websocket)

    app.add_api_route("/api/{method}", web_api, methods=["GET", "POST"], response_model=None)
    app.add_api_route("/actions/{ticket}", hook, methods=["POST"], response_model=None)
    app.add_api_route("/files-pri/{file_id}/{name:path}", file, methods=["GET"], response_model=None)
    app.add_api_websocket_route("/link/", link)
    return app


def new_response_url(slack: FakeSlack, channel: str, user: str, message: str | None) -> str:
    import secrets

    ticket = secrets.token_urlsafe(16)
    until = time.monotonic() + SECONDS_OF_RESPONSE_URL
    slack.state.hooks[ticket] = {
        "channel": channel,
        "user": user,
        "message": message,
        "uses": 0,
        "until": until,
    }
    return f"{slack.base_url}/actions/{ticket}"
