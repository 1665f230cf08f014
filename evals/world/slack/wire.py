"""The shapes Slack sends: messages, events, interactions and people as JSON. Pure."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import quote

from evals.world.slack.state import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    OUR_TEAM,
    Channel,
    Json,
    Message,
    State,
    User,
    View,
)

# docs.slack.dev/messaging/formatting-message-text: what a person types arrives escaped and linked.
# Slack links bare hosts of real top-level domains only; the list of those is cut down here.
_TOKEN = re.compile(r"<(?:@[UW]|#C|!)[^>]*>")
_LINK = re.compile(
    r"(?P<url>https?://[^\s<>|]+)|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w@.-])(?P<host>(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|app|br|de|es|pt)(?:/[^\s<>|]*)?)(?![\w-])",
    re.IGNORECASE,
)


def typed(text: str) -> str:
    """What a person typed, as the API hands it out."""
    out: list[str] = []
    at = 0
    text = text.replace("@bot", f"<@{BOT_USER}>")
    for token in _TOKEN.finditer(text):
        out += [_linked(text[at : token.start()]), token.group()]
        at = token.end()
    return "".join([*out, _linked(text[at:])])


def _linked(text: str) -> str:
    def link(found: re.Match[str]) -> str:
        word = _escaped(found.group())
        if found["url"]:
            return f"<{word}>"
        return f"<mailto:{word}|{word}>" if found["mail"] else f"<http://{word}|{word}>"

    out: list[str] = []
    at = 0
    for found in _LINK.finditer(text):
        out += [_escaped(text[at : found.start()]), link(found)]
        at = found.end()
    return "".join([*out, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rich_text(text: str) -> Json:
    """The block that Slack's composer adds to what people type; plain words only."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "block_id": secrets.token_hex(3), "elements": [section]}


def with_ids(blocks: Any) -> tuple[Json, ...]:
    """Slack names the blocks that come without a name."""
    return tuple({"block_id": secrets.token_hex(3)} | block for block in blocks or ())


def message_json(message: Message, state: State, *, metadata: bool = True) -> Json:
    found: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    found["team"] = message.team
    extras: Json = {
        "client_msg_id": message.client_msg_id,
        "subtype": message.subtype,
        "thread_ts": message.thread_ts,
        "blocks": list(message.blocks) or None,
        "attachments": list(message.attachments) or None,
        "edited": message.edited,
        "metadata": message.metadata if metadata else None,
        "files": [file_json(file) for file in message.files] or None,
        "streaming_state": message.streaming,
        "parent_user_id": _parent_user(message, state),
    }
    found |= {key: value for key, value in extras.items() if value is not None}
    if message.bot_id:
        found |= {"bot_id": message.bot_id}
        found |= {"app_id": APP_ID} if message.bot_id == BOT_ID else {}
    if message.reactions:
        names = sorted({name for name, _ in message.reactions})
        found["reactions"] = [
            {
                "name": name,
                "users": (who := [u for n, u in message.reactions if n == name]),
                "count": len(who),
            }
            for name in names
        ]
    replies = [m for m in state.messages(message.channel, message.ts) if m.ts != message.ts]
    if replies and message.thread_ts in (None, message.ts):
        found |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
    return found


def _parent_user(message: Message, state: State) -> str | None:
    if message.thread_ts is None or message.thread_ts == message.ts:
        return None
    parent = state.kept.get((message.channel, message.thread_ts))
    return parent.user if parent else None


def file_json(file: Any) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "title": file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2],
        "user": file.user,
        "size": len(file.data),
        "mode": "hosted",
        "is_external": False,
        "url_private": file.url,
        "url_private_download": file.url + "?download=1",
    }


def user_json(user: User, *, email: bool) -> Json:
    profile: Json = {"real_name": user.real_name, "display_name": user.name, "team": user.team_id}
    if email and user.email:
        profile["email"] = user.email
    found: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "tz": user.tz,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "profile": profile,
    }
    if user.is_stranger:  # docs.slack.dev/apis/slack-connect: only what the other side shares
        return found | {"is_stranger": True}
    return found | {
        "locale": user.locale,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "updated": 1_790_000_000,
    }


def channel_json(channel: Channel) -> Json:
    found: Json = {
        "id": channel.id,
        "created": 1_790_000_000,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_private": channel.kind != "channel",
        "is_archived": channel.is_archived,
        "is_ext_shared": channel.is_ext_shared,
        "is_member": BOT_USER in channel.members,
    }
    if channel.kind == "im":
        return found | {"user": next(iter(channel.members - {BOT_USER}), BOT_USER)}
    return found | {
        "name": channel.name,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
    }


def envelope(state: State, event: Json, team: str) -> Json:
    """docs.slack.dev/apis/events-api: the outer event."""
    channel = state.channels.get(str(event.get("channel", "")))
    return {
        "token": "verification-token-is-deprecated",
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": state.next_id("Ev"),
        "event_time": int(float(str(event["event_ts"]))),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
        "event_context": "4-" + secrets.token_hex(8),
    }


def message_event(message: Message, state: State) -> Json:
    """docs.slack.dev/reference/events/message"""
    channel = state.channels[message.channel]
    author = state.users.get(message.user)
    event = message_json(message, state)
    for key in ("reply_count", "latest_reply", "reactions"):
        event.pop(key, None)
    if message.thread_ts is None:
        event.pop("thread_ts", None)
    event |= {"channel": message.channel, "channel_type": channel.kind, "event_ts": message.ts}
    if author and author.is_stranger:
        event |= {"user_team": author.team_id, "source_team": author.team_id}
    return event


def mention_event(message: Message, state: State) -> Json:
    """docs.slack.dev/reference/events/app_mention"""
    event = message_event(message, state)
    event.pop("channel_type")
    return event | {"type": "app_mention"}


def interaction(state: State, kind: str, user: User, trigger_id: str) -> Json:
    """docs.slack.dev/reference/interaction-payloads: what all of them carry.

    `team` is the workspace that installed the app; whose workspace the person is of says `user.team_id`.
    (For people met in a shared channel this split is not confirmed by the page.)
    """
    team = state.teams[OUR_TEAM]
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": APP_ID,
        "token": "verification-token-is-deprecated",
        "trigger_id": trigger_id,
        "team": {"id": team.id, "domain": team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def view_json(view: View) -> Json:
    content = view.content
    return {
        "id": view.id,
        "team_id": OUR_TEAM,
        "type": content.get("type"),
        "blocks": content.get("blocks", []),
        "private_metadata": content.get("private_metadata", ""),
        "callback_id": content.get("callback_id", ""),
        "external_id": content.get("external_id", ""),
        "state": {"values": {}},
        "hash": view.hash,
        "title": content.get("title"),
        "close": content.get("close"),
        "submit": content.get("submit"),
        "clear_on_close": content.get("clear_on_close", False),
        "notify_on_close": content.get("notify_on_close", False),
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": APP_ID,
        "app_installed_team_id": OUR_TEAM,
        "bot_id": BOT_ID,
    }


def permalink(domain: str, channel: str, ts: str) -> str:
    return f"https://{domain}.slack.com/archives/{channel}/p{quote(ts.replace('.', ''))}"
