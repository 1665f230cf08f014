"""Puts a message where it belongs, once: what may have been posted before a crash is looked for first."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.channels.limits import Limits
from app.channels.slack.blocks import Block, Links, as_plain, escape
from app.channels.slack.limits import PATIENCE_S, Api, refused
from app.channels.slack.people import People
from app.channels.slack.receive import Installed
from app.channels.slack.route import Place
from app.delivery import TryLater

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

    from app.adapters.store import Store
    from app.service import Service
    from app.settings import Settings

log = logging.getLogger(__name__)

OUTLET = "slack"
DOUBT = "?"
"""Posted, or about to be: Slack knows, we do not."""
KIND = "stepfour_post"
NOTHING_TO_DO = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "account_inactive",
        "cannot_reply_to_message",
        "thread_not_found",
        "message_not_found",
        "restricted_action",
        "restricted_action_thread_locked",
        "user_not_in_channel",
        "cant_update_message",
        "edit_window_closed",
    }
)
"""The place is gone or closed to us: trying again would hold everything else up for nothing."""
MOST_PAGES = 5


@dataclass(frozen=True)
class Wired:
    """What the parts of this channel share."""

    service: Service
    store: Store
    settings: Settings
    api: Api
    people: People
    links: Links
    installed: Installed
    own: str
    """Our own address, for links to the agents' page."""
    limits: Limits = field(default_factory=Limits)


def notice(text: str) -> str:
    """What notifications and screen readers say."""
    return escape(as_plain(text, 2000)) or "…"


def metadata(key: str) -> dict[str, Any]:
    return {"event_type": KIND, "event_payload": {"key": key}}


def key_of(message: Mapping[str, Any]) -> str | None:
    found = message.get("metadata") or {}
    return (found.get("event_payload") or {}).get("key") if found.get("event_type") == KIND else None


async def post_once(
    w: Wired, key: str, channel: str, thread: str | None, *, text: str, blocks: Sequence[Block]
) -> str | None:
    """The timestamp of the message under this key, posted now if it was not before. None: nobody takes it."""
    from slack_sdk.errors import SlackApiError

    known = await w.store.posted(OUTLET, key)
    if known == DOUBT:
        known = await find_posted(w, key, channel, thread)
        if known is not None:
            await w.store.mark_posted(OUTLET, key, known)
    if known is not None:
        return known or None
    await w.store.mark_posted(OUTLET, key, DOUBT)
    arguments: dict[str, Any] = {
        "channel": channel,
        "text": notice(text),
        "blocks": list(blocks),
        "metadata": metadata(key),
    }
    if thread is not None:
        arguments["thread_ts"] = thread
    try:
        ts = str((await w.api.call("chat_postMessage", **arguments))["ts"])
    except SlackApiError as error:
        ts = given_up(error, key)
    await w.store.mark_posted(OUTLET, key, ts)
    return ts or None


def given_up(error: SlackApiError, what: str) -> str:
    """Nothing, where the place does not take it any more. Raises the error where it may yet."""
    if refused(error) in NOTHING_TO_DO:
        log.warning("Slack does not take %s: %s", what, refused(error))
        return ""
    raise error


async def update(
    w: Wired, channel: str, ts: str, *, text: str, blocks: Sequence[Block], key: str | None = None
) -> None:
    from slack_sdk.errors import SlackApiError

    arguments: dict[str, Any] = {"channel": channel, "ts": ts, "text": notice(text)}
    arguments |= {"blocks": list(blocks)} | ({"metadata": metadata(key)} if key else {})
    try:
        await w.api.call("chat_update", **arguments)
    except SlackApiError as error:
        given_up(error, f"an update of {ts}")


async def whisper(w: Wired, channel: str, thread: str | None, user: str, text: str) -> None:
    """Words for one person. They may get lost, and nothing rests on them."""
    from slack_sdk.errors import SlackApiError

    arguments: dict[str, Any] = {"channel": channel, "user": user, "text": text}
    arguments |= {"thread_ts": thread} if thread else {}
    try:
        await w.api.call("chat_postEphemeral", **arguments)
    except SlackApiError as error:
        log.warning("Slack did not show %s a word: %s", user, refused(error))


async def find_posted(w: Wired, key: str, channel: str, thread: str | None) -> str | None:
    """A message of ours with this key, in its thread or among a channel's newest."""
    for message in await ours_in(w, channel, thread):
        if key_of(message) == key:
            return str(message["ts"])
    return None


async def ours_in(w: Wired, channel: str, thread: str | None) -> list[Mapping[str, Any]]:
    messages = await thread_messages(w, channel, thread) if thread else await _newest(w, channel)
    return [message for message in messages if message.get("bot_id") == w.installed.bot]


async def thread_messages(w: Wired, channel: str, thread: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        arguments: dict[str, Any] = {"channel": channel, "ts": thread, "limit": 200}
        arguments |= {"include_all_metadata": True} | ({"cursor": cursor} if cursor else {})
        page = await w.api.call("conversations_replies", **arguments)
        found += page.get("messages") or []
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            break
    return found


async def _newest(w: Wired, channel: str) -> list[Mapping[str, Any]]:
    page = await w.api.call("conversations_history", channel=channel, limit=100, include_all_metadata=True)
    return list(page.get("messages") or [])


async def set_session(w: Wired, where: Place, status: str, *, title: str = "", asker: str = "") -> bool:
    """What Slack shows of our work in a thread. That we work is an extra, and waits for nothing."""
    from slack_sdk.errors import SlackApiError

    arguments: dict[str, Any] = {"channel_id": where.channel, "thread_ts": where.thread, "status": status}
    arguments |= ({"title": title} if title else {}) | ({"initiator_user_id": asker} if asker else {})
    patience = 0.0 if status == "processing" else PATIENCE_S
    try:
        await w.api.call("agents_sessions_setStatus", patience_s=patience, **arguments)
    except SlackApiError as error:
        log.warning("Slack does not show that we are %s: %s", status, refused(error))
    except TryLater:
        if status != "processing":
            raise
        return False
    return True


async def language_of(w: Wired, conversation: str) -> str:
    """The language that a conversation is held in."""
    cases = await w.store.cases_of(conversation)
    if cases:
        return cases[0].reading.language
    found = await w.store.conversation(conversation)
    return dict(found.context).get("language", "en") if found is not None else "en"
