"""What the Web API lets through: methods, arguments, types, scopes and tiers, with their pages. Pure.

Arguments are read off the signatures of `slack_sdk`'s client, so a new method of the SDK is known at once;
`METHODS` holds what a signature cannot say. A page that says nothing firm is marked "(unconfirmed)".
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from functools import cache
from typing import Any, Literal, NamedTuple

from evals.world.slack.state import Json

Tier = Literal[1, 2, 3, 4, 5]
TIERS: dict[int, int] = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}
"""Calls a minute: docs.slack.dev/apis/web-api/rate-limits ("special" ones sit in `api.py`)."""

METHOD_PAGE = "docs.slack.dev/reference/methods/"
ERRORS_PAGE = "docs.slack.dev/apis/web-api/#errors"


class Broken(NamedTuple):
    """A rule that a call breaks, and what Slack answers to it."""

    error: str
    detail: str
    doc: str
    fault: bool = True
    """Whether the app did wrong; an expired stream or an injected failure is nobody's mistake."""


class Method(NamedTuple):
    tier: Tier
    scopes: tuple[str, ...] = ()
    """All of these; a tuple's item `a|b` asks for either."""
    required: tuple[str, ...] = ()
    """Beyond what the SDK's signature requires."""


HISTORY = "channels:history|groups:history|im:history"
READ = "channels:read|groups:read|im:read"
METHODS: dict[str, Method] = {
    "agents.sessions.rename": Method(3, ("chat:write",)),
    "agents.sessions.setStatus": Method(3, ("chat:write", "assistant:write")),
    "api.test": Method(4),
    "apps.connections.open": Method(1, ("connections:write",)),
    "assistant.threads.setStatus": Method(5, ("chat:write|assistant:write",)),
    "assistant.threads.setSuggestedPrompts": Method(4, ("assistant:write",)),
    "assistant.threads.setTitle": Method(2, ("assistant:write",)),
    "auth.test": Method(5),
    "bots.info": Method(3, ("users:read",)),
    "chat.appendStream": Method(4, ("chat:write",)),
    "chat.delete": Method(3, ("chat:write",)),
    "chat.getPermalink": Method(5),
    "chat.postEphemeral": Method(4, ("chat:write",)),
    "chat.postMessage": Method(5, ("chat:write",)),
    "chat.startStream": Method(2, ("chat:write",), ("thread_ts",)),
    "chat.stopStream": Method(2, ("chat:write",)),
    "chat.update": Method(3, ("chat:write",)),
    "conversations.history": Method(3, (HISTORY,)),
    "conversations.info": Method(3, (READ,)),
    "conversations.members": Method(4, (READ,)),
    "conversations.open": Method(3, ("im:write",)),
    "conversations.replies": Method(3, (HISTORY,)),
    "files.info": Method(4, ("files:read",)),
    "reactions.add": Method(3, ("reactions:write",)),
    "reactions.remove": Method(2, ("reactions:write",)),
    "users.info": Method(4, ("users:read",)),
    "users.lookupByEmail": Method(3, ("users:read.email",)),
    "views.open": Method(4),
    "views.publish": Method(4),
    "views.push": Method(4),
    "views.update": Method(4),
}
"""The methods that the double serves; others of the SDK are known, and answered as a gap of the double."""

DEFAULT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "groups:history",
        "im:history",
        "im:read",
        "im:write",
        "chat:write",
        "commands",
        "reactions:write",
        "files:read",
        "users:read",
        "users:read.email",
    }
)
DEFAULT_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "agent_session_stopped",
        "app_uninstalled",
        "tokens_revoked",
    }
)


def missing_scope(method: str, granted: frozenset[str]) -> str | None:
    """What a call still needs: docs.slack.dev/reference/methods, "missing_scope"."""
    for wanted in METHODS[method].scopes:
        if not granted & set(wanted.split("|")):
            return wanted.replace("|", ",")
    return None


@cache
def signature_of(method: str) -> dict[str, tuple[frozenset[str], bool]] | None:
    """Argument -> kinds of JSON it takes and whether it is required; None for a method nobody knows."""
    from slack_sdk.web.async_client import AsyncWebClient

    function = getattr(AsyncWebClient, method.replace(".", "_"), None)
    if function is None or method not in function.__code__.co_consts:  # helpers of the SDK call others
        return None
    hints = typing.get_type_hints(function, _names())
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in ("self", "kwargs"):
            required = parameter.default is inspect.Parameter.empty
            found[name] = frozenset(_kinds(hints.get(name, str))), required
    return found


def _names() -> dict[str, Any]:
    from slack_sdk.web import async_client

    return vars(async_client)


def _kinds(hint: Any) -> set[str]:
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if hint is type(None):
        return set()
    if origin is typing.Union:
        return {kind for each in arguments for kind in _kinds(each)}
    simple = {str: {"string"}, bool: {"boolean"}, int: {"number"}, float: {"number"}}
    if hint in simple:
        return simple[hint]
    base = origin or hint
    if isinstance(base, type) and issubclass(base, list | tuple):
        return {"array"}
    return {"array"} if "Sequence" in str(base) else {"object"}


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def coerced(method: str, given: Json) -> Json:
    """Form and query values are strings; what should be something else is read out of them."""
    signature = signature_of(method) or {}
    found: Json = {}
    for name, value in given.items():
        kinds = signature.get(name, (frozenset({"string"}), False))[0]
        found[name] = value
        if not isinstance(value, str):
            continue
        if "boolean" in kinds and value.lower() in ("1", "0", "true", "false"):
            found[name] = value.lower() in ("1", "true")
        elif "number" in kinds and re.fullmatch(r"-?\d+", value):
            found[name] = int(value)
        elif kinds & {"array", "object"} and value[:1] in ("[", "{"):
            found[name] = _parsed(value)
    return found


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def check_arguments(method: str, given: Json) -> Broken | None:
    """docs.slack.dev/reference/methods: missing and wrongly typed ones are `invalid_arguments`.

    (unconfirmed: Slack lets most unknown arguments pass; here they are mistakes.)
    """
    signature = signature_of(method)
    if signature is None:
        return Broken("unknown_method", f"there is no method {method}", ERRORS_PAGE)
    page = METHOD_PAGE + method
    needed = [name for name, (_, required) in signature.items() if required]
    needed += [n for n in METHODS.get(method, Method(3)).required if n not in needed]
    needed = [name for name in needed if name != "app_token"]  # comes as the header
    for name in needed:
        if given.get(name) is None:
            return Broken("invalid_arguments", f"missing required field: {name}", page)
    for name, value in given.items():
        if name in ("token", "app_token", "team_id"):  # the SDK adds the workspace's id to every call
            continue
        if name not in signature:
            return Broken("invalid_arguments", f"unknown argument: {name}", page)
        kinds, kind = signature[name][0], kind_of(value)
        if kind != "null" and kind not in kinds:
            wanted = " or ".join(sorted(kinds))
            return Broken("invalid_arguments", f"{name} must be {wanted}, not {kind}", page)
    return _check_timestamps(given, page)


TIMESTAMP = re.compile(r"\d{10}\.\d{6}")


def _check_timestamps(given: Json, page: str) -> Broken | None:
    for name in ("ts", "thread_ts", "message_ts", "timestamp"):
        value = given.get(name)
        if value is not None and not TIMESTAMP.fullmatch(value):
            return Broken("invalid_arguments", f"{name} is no message timestamp: {value!r}", page)
    return None


def check_text(given: Json, *, needs: bool, page: str) -> Broken | None:
    """docs.slack.dev/reference/methods/chat.postMessage: lengths of text and markdown_text."""
    text, markdown = given.get("text"), given.get("markdown_text")
    if markdown is not None and (text is not None or given.get("blocks")):
        return Broken("markdown_text_conflict", "markdown_text goes with neither text nor blocks", page)
    if markdown is not None and len(markdown) > 12_000:
        return Broken("msg_too_long", f"markdown_text has {len(markdown)} of at most 12000 characters", page)
    if text is not None and len(text) > 40_000:
        return Broken("msg_too_long", f"text has {len(text)} of at most 40000 characters", page)
    if needs and not (text or markdown or given.get("blocks") or given.get("attachments")):
        return Broken("no_text", "nothing to say: no text, blocks, attachments or markdown_text", page)
    return None


def check_metadata(metadata: Any) -> Broken | None:
    """docs.slack.dev/messaging/message-metadata"""
    page = "docs.slack.dev/messaging/message-metadata"
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        return Broken("invalid_metadata_format", "metadata needs event_type, a string", page)
    if not isinstance(metadata.get("event_payload"), dict):
        return Broken("invalid_metadata_format", "metadata needs event_payload, an object", page)
    if set(metadata) - {"event_type", "event_payload"}:
        return Broken("invalid_metadata_schema", f"metadata has unknown keys: {sorted(metadata)}", page)
    nested = [key for key, value in metadata["event_payload"].items() if isinstance(value, dict)]
    if nested:  # "only simple types": (unconfirmed for arrays, which pass here)
        return Broken("invalid_metadata_schema", f"event_payload.{nested[0]} is nested", page)
    return None


def check_prompts(given: Json, *, agent_view: bool = True) -> Broken | None:
    """docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts: up to four."""
    page = METHOD_PAGE + "assistant.threads.setSuggestedPrompts"
    prompts = given["prompts"]
    if not 1 <= len(prompts) <= 4:
        return Broken("invalid_arguments", f"{len(prompts)} prompts, 1 to 4 are allowed", page)
    for prompt in prompts:
        if not isinstance(prompt, dict) or set(prompt) != {"title", "message"} or not all(prompt.values()):
            return Broken("invalid_arguments", "a prompt has a title and a message and nothing else", page)
    if agent_view and given.get("thread_ts") is not None:
        return Broken("", "thread_ts makes the call fail silently for an app with agent_view", page)
    return None


def check_title(title: str | None, page: str) -> Broken | None:
    if title is not None and len(title) > 200:
        return Broken("invalid_arguments", f"title has {len(title)} of at most 200 characters", page)
    return None


SESSION_STATUSES = ("active", "processing", "suspended", "closed")


def check_session_status(status: str | None, page: str) -> Broken | None:
    if status is not None and status not in SESSION_STATUSES:
        return Broken("invalid_arguments", f"status {status!r} is none of {SESSION_STATUSES}", page)
    return None
