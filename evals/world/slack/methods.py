"""The Web API's methods about messages, conversations, people, files and reactions.

Each takes the double and checked arguments, and gives the answer or the rule that is broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evals.world.slack import blocks, rules, wire
from evals.world.slack.rules import METHOD_PAGE, Broken
from evals.world.slack.state import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    OUR_TEAM,
    Channel,
    Json,
    Message,
)

if TYPE_CHECKING:
    from evals.world.slack.slack import FakeSlack

type_of_channel = {"channel": "channels", "group": "groups", "im": "im"}


def own_channel(slack: FakeSlack, given: str, method: str) -> Channel | Broken:
    """The channel, if the bot may write there: docs.slack.dev/reference/methods/chat.postMessage#errors."""
    page = METHOD_PAGE + method
    channel = slack.state.channels.get(given) or slack.state.channels.get("D" + given[1:])
    if channel is None or (channel.kind != "channel" and BOT_USER not in channel.members):
        return Broken("channel_not_found", f"there is no channel {given} for the bot", page)
    if BOT_USER not in channel.members:
        return Broken("not_in_channel", f"the bot is not in {given}", page)
    if channel.is_archived:
        return Broken("is_archived", f"{given} is archived", page)
    return channel


def check_thread(slack: FakeSlack, channel: str, thread_ts: str | None, method: str) -> Broken | None:
    """A reply goes to a parent: docs.slack.dev/messaging/#threading (unconfirmed: the exact errors)."""
    if thread_ts is None:
        return None
    parent = slack.state.find(channel, thread_ts)
    page = METHOD_PAGE + method
    if parent is None or parent.ephemeral_to:
        gone = (channel, thread_ts) in slack.state.kept
        return Broken(
            "thread_not_found", f"there is no message {thread_ts} in {channel}", page, fault=not gone
        )
    if parent.thread_ts not in (None, parent.ts):
        return Broken("cannot_reply_to_message", f"{thread_ts} is itself a reply; use its parent's ts", page)
    return None


def check_content(args: Json, method: str, *, needs: bool) -> Broken | None:
    return (
        rules.check_text(args, needs=needs, page=METHOD_PAGE + method)
        or blocks.check_blocks(args.get("blocks"))
        or rules.check_metadata(args.get("metadata"))
    )


def post_message(slack: FakeSlack, args: Json) -> Json | Broken:
    channel = own_channel(slack, args["channel"], "chat.postMessage")
    if isinstance(channel, Broken):
        return channel
    broken = check_content(args, "chat.postMessage", needs=True) or check_thread(
        slack, channel.id, args.get("thread_ts"), "chat.postMessage"
    )
    if broken:
        return broken
    message = slack.state.put(_own(slack, channel.id, args))
    slack.emit_message(message)
    return {"channel": channel.id, "ts": message.ts, "message": wire.message_json(message, slack.state)}


def _own(slack: FakeSlack, channel: str, args: Json, ephemeral_to: str | None = None) -> Message:
    return Message(
        channel=channel,
        ts=slack.state.next_ts(),
        user=BOT_USER,
        team=OUR_TEAM,
        text=args.get("markdown_text") or args.get("text") or "",
        thread_ts=args.get("thread_ts"),
        blocks=wire.with_ids(args.get("blocks") or _markdown(args)),
        attachments=tuple(args.get("attachments") or ()),
        bot_id=BOT_ID,
        metadata=args.get("metadata"),
        ephemeral_to=ephemeral_to,
        subtype="ephemeral" if ephemeral_to else None,
    )


def _markdown(args: Json) -> list[Json]:
    text = args.get("markdown_text")
    return [{"type": "markdown", "text": text}] if text else []


def post_ephemeral(slack: FakeSlack, args: Json) -> Json | Broken:
    """docs.slack.dev/reference/methods/chat.postEphemeral: seen by one member, kept by nobody."""
    method = "chat.postEphemeral"
    channel = own_channel(slack, args["channel"], method)
    if isinstance(channel, Broken):
        return channel
    broken = check_content(args, method, needs=True)
    if broken:
        return broken
    if args["user"] not in channel.members:
        return Broken("user_not_in_channel", f"{args['user']} is not in {channel.id}", METHOD_PAGE + method)
    thread = args.get("thread_ts")
    if thread and len(slack.state.messages(channel.id, thread)) < 2:
        detail = "ephemeral replies show in threads that are active already; this one has no reply yet"
        slack.violate(Broken("", detail, METHOD_PAGE + method), method, args)
    message = slack.state.put(_own(slack, channel.id, args, args["user"]))
    return {"message_ts": message.ts}


def own_message(slack: FakeSlack, args: Json, method: str, refusal: str) -> Message | Broken:
    page = METHOD_PAGE + method
    message = slack.state.find(args["channel"], args["ts"])
    if message is None or message.ephemeral_to:
        gone = (args["channel"], args["ts"]) in slack.state.kept
        return Broken("message_not_found", f"there is no message {args['ts']}", page, fault=not gone)
    if message.bot_id != BOT_ID:
        return Broken(refusal, "only the bot's own messages", page)
    return message


def update(slack: FakeSlack, args: Json) -> Json | Broken:
    """docs.slack.dev/reference/methods/chat.update: text without blocks takes the old blocks away.

    Blocks stay only when neither text nor blocks are given; the mark of an edit shows for text only.
    """
    method = "chat.update"
    channel = own_channel(slack, args["channel"], method)
    if isinstance(channel, Broken):
        return channel
    message = own_message(slack, args | {"channel": channel.id}, method, "cant_update_message")
    if isinstance(message, Broken):
        return message
    broken = check_content(args, method, needs="blocks" not in args and "metadata" not in args)
    if broken:
        return broken
    if message.streaming == "in_progress":  # measured by others, on no page: (unconfirmed)
        return Broken("streaming_state_conflict", "a stream is changed by appending", METHOD_PAGE + method)
    changed = message.model_copy(update=_changes(message, args, slack.state.next_ts()))
    slack.state.put(changed)
    slack.emit_changed(changed, message)
    return {
        "channel": channel.id,
        "ts": changed.ts,
        "text": changed.text,
        "message": wire.message_json(changed, slack.state),
    }


def _changes(message: Message, args: Json, now: str) -> Json:
    changes: Json = {}
    speaks = "text" in args or "markdown_text" in args
    if speaks:
        changes["text"] = args.get("markdown_text") or args.get("text") or ""
    if speaks or args.get("blocks") is not None:
        changes["blocks"] = wire.with_ids(args.get("blocks") or _markdown(args))
        changes["edited"] = message.edited if args.get("blocks") else {"user": BOT_USER, "ts": now}
    if args.get("attachments") is not None:
        changes["attachments"] = tuple(args["attachments"])
    if "metadata" in args:
        changes["metadata"] = args["metadata"]
    return changes


def delete(slack: FakeSlack, args: Json) -> Json | Broken:
    message = own_message(slack, args, "chat.delete", "cant_delete_message")
    if isinstance(message, Broken):
        return message
    if message.streaming == "in_progress":  # measured by others: (unconfirmed)
        return Broken("cant_delete_message", "it is still streaming", METHOD_PAGE + "chat.delete")
    slack.drop(message)
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(slack: FakeSlack, args: Json) -> Json | Broken:
    if slack.state.find(args["channel"], args["message_ts"]) is None:
        return Broken("message_not_found", args["message_ts"], METHOD_PAGE + "chat.getPermalink")
    domain = slack.state.teams[OUR_TEAM].domain
    link = wire.permalink(domain, args["channel"], args["message_ts"])
    return {"channel": args["channel"], "permalink": link}


def readable(slack: FakeSlack, given: str, method: str, right: str) -> Channel | Broken:
    """docs.slack.dev/reference/methods/conversations.history: the scope of the channel's kind."""
    channel = own_channel(slack, given, method)
    if isinstance(channel, Broken):
        return channel
    scope = f"{type_of_channel[channel.kind]}:{right}"
    if scope not in slack.options.scopes:
        return Broken("missing_scope", f"needs {scope}", METHOD_PAGE + method)
    return channel


def _page(found: list[Message], slack: FakeSlack, args: Json) -> Json:
    if args.get("oldest"):
        found = [
            m for m in found if m.ts > args["oldest"] or (args.get("inclusive") and m.ts == args["oldest"])
        ]
    if args.get("latest"):
        found = [
            m for m in found if m.ts < args["latest"] or (args.get("inclusive") and m.ts == args["latest"])
        ]
    start, size = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 999)
    metadata = bool(args.get("include_all_metadata"))
    page: Json = {
        "messages": [
            wire.message_json(m, slack.state, metadata=metadata) for m in found[start : start + size]
        ],
        "has_more": len(found) > start + size,
    }
    if page["has_more"]:
        page["response_metadata"] = {"next_cursor": str(start + size)}
    return page


def replies(slack: FakeSlack, args: Json) -> Json | Broken:
    method = "conversations.replies"
    channel = readable(slack, args["channel"], method, "history")
    if isinstance(channel, Broken):
        return channel
    if slack.state.find(channel.id, args["ts"]) is None:
        gone = (channel.id, args["ts"]) in slack.state.kept
        return Broken("thread_not_found", args["ts"], METHOD_PAGE + method, fault=not gone)
    return _page(list(slack.state.messages(channel.id, args["ts"])), slack, args)


def history(slack: FakeSlack, args: Json) -> Json | Broken:
    channel = readable(slack, args["channel"], "conversations.history", "history")
    if isinstance(channel, Broken):
        return channel
    roots = [
        m
        for m in slack.state.messages(channel.id)
        if m.thread_ts in (None, m.ts) or m.subtype == "thread_broadcast"
    ]
    return _page(roots[::-1], slack, args)


def info(slack: FakeSlack, args: Json) -> Json | Broken:
    channel = readable(slack, args["channel"], "conversations.info", "read")
    return channel if isinstance(channel, Broken) else {"channel": wire.channel_json(channel)}


def members(slack: FakeSlack, args: Json) -> Json | Broken:
    channel = readable(slack, args["channel"], "conversations.members", "read")
    return channel if isinstance(channel, Broken) else {"members": sorted(channel.members)}


def open_conversation(slack: FakeSlack, args: Json) -> Json | Broken:
    people = args.get("users") or ""
    one = people if isinstance(people, str) else ",".join(people)
    channel = slack.state.channels.get("D" + one[1:])
    if one not in slack.state.users or channel is None:
        page = METHOD_PAGE + "conversations.open"
        return Broken("user_not_found", f"no person {one!r} (groups of people are not served)", page)
    return {"channel": {"id": channel.id}}


def users_info(slack: FakeSlack, args: Json) -> Json | Broken:
    """docs.slack.dev/reference/scopes/users.read.email: the address needs its own scope."""
    user = slack.state.users.get(args["user"])
    if user is None:
        return Broken("user_not_found", args["user"], METHOD_PAGE + "users.info")
    email = "users:read.email" in slack.options.scopes and not user.is_stranger
    found = wire.user_json(user, email=email)
    if not args.get("include_locale"):
        found.pop("locale", None)
    return {"user": found}


def lookup_by_email(slack: FakeSlack, args: Json) -> Json | Broken:
    for user in slack.state.users.values():
        if user.email and user.email.lower() == args["email"].lower() and not user.is_stranger:
            return {"user": wire.user_json(user, email=True)}
    page = METHOD_PAGE + "users.lookupByEmail"
    return Broken("users_not_found", args["email"], page, fault=False)


def file_info(slack: FakeSlack, args: Json) -> Json | Broken:
    file = slack.state.files.get(args["file"])
    if file is None:
        return Broken("file_not_found", args["file"], METHOD_PAGE + "files.info")
    return {"file": wire.file_json(file)}


def _reacted(slack: FakeSlack, args: Json, method: str) -> Message | Broken:
    page = METHOD_PAGE + method
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", str(args.get("name"))):
        return Broken("invalid_name", f"{args.get('name')!r}: a name without colons", page)
    channel = own_channel(slack, args["channel"], method)
    if isinstance(channel, Broken):
        return channel
    message = slack.state.find(channel.id, args["timestamp"])
    if message is None:
        gone = (channel.id, args["timestamp"]) in slack.state.kept
        return Broken("message_not_found", args["timestamp"], page, fault=not gone)
    return message


def add_reaction(slack: FakeSlack, args: Json) -> Json | Broken:
    message = _reacted(slack, args, "reactions.add")
    if isinstance(message, Broken):
        return message
    mine = (args["name"], BOT_USER)
    if mine in message.reactions:
        page = METHOD_PAGE + "reactions.add"
        return Broken("already_reacted", args["name"], page, fault=False)  # natural after a crash
    slack.state.put(message.model_copy(update={"reactions": (*message.reactions, mine)}))
    return {}


def remove_reaction(slack: FakeSlack, args: Json) -> Json | Broken:
    message = _reacted(slack, args, "reactions.remove")
    if isinstance(message, Broken):
        return message
    mine = (args["name"], BOT_USER)
    if mine not in message.reactions:
        return Broken("no_reaction", args["name"], METHOD_PAGE + "reactions.remove", fault=False)
    left = tuple(one for one in message.reactions if one != mine)
    slack.state.put(message.model_copy(update={"reactions": left}))
    return {}


def auth_test(slack: FakeSlack, _: Json) -> Json:
    team = slack.state.teams[OUR_TEAM]
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": slack.state.users[BOT_USER].name,
        "team_id": team.id,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def bots_info(slack: FakeSlack, args: Json) -> Json | Broken:
    if args.get("bot") not in (None, BOT_ID):
        return Broken("bot_not_found", str(args["bot"]), METHOD_PAGE + "bots.info")
    name = slack.state.users[BOT_USER].name
    return {"bot": {"id": BOT_ID, "deleted": False, "name": name, "app_id": APP_ID, "user_id": BOT_USER}}


def api_test(_: FakeSlack, args: Json) -> Json | Broken:
    if args.get("error"):
        return Broken(str(args["error"]), "as asked", METHOD_PAGE + "api.test", fault=False)
    return {"args": args}


def open_connection(slack: FakeSlack, _: Json) -> Json:
    return {"url": slack.sockets.new_url()}


SERVED: dict[str, Callable[[Any, Json], Json | Broken]] = {
    "api.test": api_test,
    "apps.connections.open": open_connection,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
    "conversations.history": history,
    "conversations.info": info,
    "conversations.members": members,
    "conversations.open": open_conversation,
    "conversations.replies": replies,
    "files.info": file_info,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
    "users.info": users_info,
    "users.lookupByEmail": lookup_by_email,
}
