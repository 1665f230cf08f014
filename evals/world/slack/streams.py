"""The Web API's methods for agents: streamed messages, sessions, prompts and the status line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evals.world.slack import blocks, rules, wire
from evals.world.slack.methods import check_thread, own_channel
from evals.world.slack.rules import METHOD_PAGE, Broken
from evals.world.slack.state import BOT_ID, BOT_USER, Channel, Json, Message, Session, Stream

if TYPE_CHECKING:
    from evals.world.slack.slack import FakeSlack

DISPLAYS = ("timeline", "plan", "dense")  # `dense` is named by others only (unconfirmed)


def _content(args: Json, page: str) -> Broken | None:
    text = args.get("markdown_text")
    if text is not None and len(text) > 12_000:
        return Broken("msg_too_long", f"markdown_text has {len(text)} of at most 12000 characters", page)
    return blocks.check_chunks(args.get("chunks"))


def _mode(args: Json, before: str | None, page: str) -> str | Broken | None:
    """A stream keeps the form it was opened with; measured by others, on no page (unconfirmed)."""
    given = {"markdown_text": "text", "chunks": "chunks"}
    modes = {mode for key, mode in given.items() if args.get(key)}
    if len(modes) > 1:
        return Broken("invalid_arguments", "markdown_text or chunks, not both", page)
    mode = modes.pop() if modes else None
    if before and mode and mode != before:
        detail = f"opened with {before}, it takes no {mode}"
        return Broken("streaming_mode_mismatch", detail, page)
    return before or mode


def _recipient(slack: FakeSlack, channel: Channel, args: Json, page: str) -> Broken | None:
    """docs.slack.dev/reference/methods/chat.startStream: both are required when streaming to channels."""
    if channel.kind == "im":
        return None
    for name in ("recipient_team_id", "recipient_user_id"):
        if not args.get(name):
            return Broken(f"missing_{name}", f"{name} is required outside of a DM", page)
    user = slack.state.users.get(args["recipient_user_id"])
    if args["recipient_team_id"] not in slack.state.teams:
        return Broken("team_not_found", str(args["recipient_team_id"]), page)
    if user is None or user.team_id != args["recipient_team_id"]:
        return Broken("user_not_found", f"{args['recipient_user_id']} is not of that team", page)
    return None


def start_stream(slack: FakeSlack, args: Json) -> Json | Broken:
    method = "chat.startStream"
    page = METHOD_PAGE + method
    channel = own_channel(slack, args["channel"], method)
    if isinstance(channel, Broken):
        return channel
    if args.get("task_display_mode", "timeline") not in DISPLAYS:
        return Broken("invalid_arguments", f"task_display_mode is none of {DISPLAYS}", page)
    mode = _mode(args, None, page)
    if isinstance(mode, Broken):
        return mode
    broken = (
        check_thread(slack, channel.id, args["thread_ts"], method)
        or _recipient(slack, channel, args, page)
        or _content(args, page)
    )
    if broken:
        return broken
    stream = Stream(
        channel=channel.id,
        ts=slack.state.next_ts(),
        thread_ts=args["thread_ts"],
        mode=mode,
        display=args.get("task_display_mode", "timeline"),
        opened=time.monotonic(),
        recipient=args.get("recipient_user_id"),
    )
    message = Message(
        channel=channel.id,
        ts=stream.ts,
        user=BOT_USER,
        thread_ts=stream.thread_ts,
        bot_id=BOT_ID,
        streaming="in_progress",
    )
    slack.state.put(message)
    _grow(slack, stream, args)
    # What the Events API says while a stream grows is on no page (unconfirmed): one event at its
    # start, one `message_changed` at its end.
    slack.emit_message(slack.state.kept[channel.id, stream.ts])
    return {"channel": channel.id, "ts": stream.ts}


def _grow(slack: FakeSlack, stream: Stream, args: Json) -> Stream:
    grown = stream.model_copy(
        update={
            "chunks": (*stream.chunks, *(args.get("chunks") or ())),
            "text": stream.text + (args.get("markdown_text") or ""),
        }
    )
    slack.state.put_stream(grown)
    message = slack.state.kept[stream.channel, stream.ts]
    slack.state.put(message.model_copy(update={"text": said(grown), "blocks": tuple(drawn(grown))}))
    return grown


def said(stream: Stream) -> str:
    parts = [chunk["text"] for chunk in stream.chunks if chunk["type"] == "markdown_text"]
    return stream.text + "".join(parts)


def drawn(stream: Stream) -> list[Json]:
    """The blocks that a stream shows: a plan with all tasks, or tasks between the words.

    A task's title and status replace, its details grow (measured by others, unconfirmed).
    """
    title, tasks, found = "", dict[str, Json](), list[Json]()
    for chunk in stream.chunks:
        kind = chunk["type"]
        if kind == "plan_update":
            title = chunk["title"]
        elif kind == "blocks":
            found += chunk["blocks"]
        elif kind == "task_update":
            if chunk["id"] not in tasks:
                tasks[chunk["id"]] = {"type": "task_card", "task_id": chunk["id"]}
                found += [tasks[chunk["id"]]] if stream.display != "plan" else []
            _merge(tasks[chunk["id"]], chunk)
        elif found and found[-1]["type"] == "markdown":
            found[-1] = {"type": "markdown", "text": found[-1]["text"] + chunk["text"]}
        else:
            found.append({"type": "markdown", "text": chunk["text"]})
    if stream.display == "plan" and (tasks or title):
        plan = [{key: value for key, value in task.items() if key != "type"} for task in tasks.values()]
        found.insert(0, {"type": "plan", "title": title or "Working on it", "tasks": plan})
    return ([{"type": "markdown", "text": stream.text}] if stream.text else []) + found


def _merge(task: Json, chunk: Json) -> None:
    task |= {"title": chunk["title"], "status": chunk["status"]}
    for key in ("details", "output"):
        if chunk.get(key):
            before = task[key]["elements"][0]["elements"][0]["text"] if key in task else ""
            words = before + chunk[key] if key == "details" else chunk[key]
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": words}]}
            task[key] = {"type": "rich_text", "elements": [section]}
    if chunk.get("sources"):
        task["sources"] = chunk["sources"]


def _open(slack: FakeSlack, args: Json, method: str) -> Stream | Broken:
    """The stream, if it takes more: docs.slack.dev/reference/methods/chat.appendStream#errors."""
    page = METHOD_PAGE + method
    channel = own_channel(slack, args["channel"], method)
    if isinstance(channel, Broken):
        return channel
    message = slack.state.find(channel.id, args["ts"])
    if message is None:
        gone = (channel.id, args["ts"]) in slack.state.kept
        return Broken("message_not_found", args["ts"], page, fault=not gone)
    if message.bot_id != BOT_ID:
        return Broken("message_not_owned_by_app", args["ts"], page)
    stream = slack.state.streams.get((channel.id, args["ts"]))
    if stream and stream.state == "open" and time.monotonic() - stream.opened > slack.options.stream_seconds:
        stream = end(slack, stream, "expired")
    if stream and stream.state == "stopped_by_user":
        return Broken("stopped_by_user", "the person pressed stop", page, fault=False)
    if stream is None or stream.state != "open":
        fault = stream is None or stream.state != "expired"
        return Broken("message_not_in_streaming_state", args["ts"], page, fault=fault)
    return stream


def end(slack: FakeSlack, stream: Stream, state: str) -> Stream:
    ended = stream.model_copy(update={"state": state})
    slack.state.put_stream(ended)
    message = slack.state.kept[stream.channel, stream.ts]
    slack.state.put(message.model_copy(update={"streaming": "completed"}))
    return ended


def append_stream(slack: FakeSlack, args: Json) -> Json | Broken:
    method = "chat.appendStream"
    page = METHOD_PAGE + method
    stream = _open(slack, args, method)
    if isinstance(stream, Broken):
        return stream
    if not args.get("markdown_text") and not args.get("chunks"):
        return Broken("no_text", "nothing to append: neither markdown_text nor chunks", page)
    mode = _mode(args, stream.mode, page)
    if isinstance(mode, Broken):
        return mode
    broken = _content(args, page)
    if broken:
        return broken
    _grow(slack, stream.model_copy(update={"mode": mode}), args)
    return {"channel": stream.channel, "ts": stream.ts}


def stop_stream(slack: FakeSlack, args: Json) -> Json | Broken:
    method = "chat.stopStream"
    page = METHOD_PAGE + method
    stream = _open(slack, args, method)
    if isinstance(stream, Broken):
        return stream
    mode = _mode(args, stream.mode, page)
    if isinstance(mode, Broken):
        return mode
    broken = (
        _content(args, page)
        or blocks.check_blocks(args.get("blocks"))
        or rules.check_metadata(args.get("metadata"))
        or rules.check_session_status(args.get("session_status"), page)
        or _together(stream, args)
    )
    if broken:
        return broken
    end(slack, _grow(slack, stream, args), "stopped")
    before = slack.state.kept[stream.channel, stream.ts]
    message = before.model_copy(
        update={
            "blocks": (*before.blocks, *wire.with_ids(args.get("blocks"))),
            "metadata": args.get("metadata") or before.metadata,
        }
    )
    slack.state.put(message)
    _set_after(slack, stream, args.get("session_status"))
    slack.emit_changed(message, before)
    return {
        "channel": stream.channel,
        "ts": stream.ts,
        "message": wire.message_json(message, slack.state),
    }


def _together(stream: Stream, args: Json) -> Broken | None:
    """The streamed blocks and the ones at the end make one message: plan and task_card exclude each other."""
    whole = stream.model_copy(update={"chunks": (*stream.chunks, *(args.get("chunks") or ()))})
    kinds = {block["type"] for block in (*drawn(whole), *(args.get("blocks") or ()))}
    if {"plan", "task_card"} <= kinds:
        detail = "plan and task_card exclude each other"
        return Broken("invalid_blocks", detail, blocks.BLOCK_PAGE + "plan-block")
    return None


def _set_after(slack: FakeSlack, stream: Stream, status: str | None) -> None:
    session = slack.state.sessions.get((stream.channel, stream.thread_ts))
    if session or status:
        base = session or Session(channel=stream.channel, thread_ts=stream.thread_ts, status="active")
        slack.state.put_session(base.model_copy(update={"status": status or "active"}))


def set_session_status(slack: FakeSlack, args: Json) -> Json | Broken:
    """docs.slack.dev/reference/methods/agents.sessions.setStatus"""
    method = "agents.sessions.setStatus"
    page = METHOD_PAGE + method
    channel = own_channel(slack, args["channel_id"], method)
    if isinstance(channel, Broken):
        return channel
    thread, initiator = args.get("thread_ts"), args.get("initiator_user_id")
    if thread is None:
        return Broken("invalid_arguments", "thread_ts is required in channels and DMs", page)
    broken = (
        rules.check_session_status(args["status"], page)
        or rules.check_title(args.get("title"), page)
        or check_thread(slack, channel.id, thread, method)
    )
    if broken:
        return broken
    if initiator is not None and initiator not in channel.members:
        return Broken("user_not_in_channel", f"{initiator} is not in {channel.id}", page)
    session = slack.state.sessions.get((channel.id, thread)) or Session(
        channel=channel.id,
        thread_ts=thread,
        status=args["status"],
        title=args.get("title") or "",
        initiator=initiator,
    )
    session = session.model_copy(update={"status": args["status"]})
    slack.state.put_session(session)
    answer = {"status": session.status, "agent_status": session.status, "title": session.title}
    if "agent_session_stopped" not in slack.options.events:
        answer["warning"] = "missing_agent_session_stopped_event_subscription"
    return answer


def rename_session(slack: FakeSlack, args: Json) -> Json | Broken:
    page = METHOD_PAGE + "agents.sessions.rename"
    session = slack.state.sessions.get((args["channel_id"], str(args.get("thread_ts"))))
    if session is None:
        return Broken("session_not_found", "set its status first", page)
    broken = rules.check_title(args["title"], page)
    if broken:
        return broken
    slack.state.put_session(session.model_copy(update={"title": args["title"]}))
    return {"title": args["title"]}


def set_status(slack: FakeSlack, args: Json) -> Json | Broken:
    """docs.slack.dev/reference/methods/assistant.threads.setStatus: the line under a thread; "" clears it."""
    method = "assistant.threads.setStatus"
    channel = own_channel(slack, args["channel_id"], method)
    if isinstance(channel, Broken):
        return channel
    broken = check_thread(slack, channel.id, args["thread_ts"], method)
    if broken:
        return broken
    if len(args.get("loading_messages") or ()) > 10:
        return Broken("invalid_arguments", "at most 10 loading_messages", METHOD_PAGE + method)
    slack.state.statuses[channel.id, args["thread_ts"]] = args["status"]
    slack.state.touch()
    return {}


def set_title(slack: FakeSlack, args: Json) -> Json | Broken:
    channel = own_channel(slack, args["channel_id"], "assistant.threads.setTitle")
    return channel if isinstance(channel, Broken) else {}


def set_prompts(slack: FakeSlack, args: Json) -> Json | Broken:
    method = "assistant.threads.setSuggestedPrompts"
    channel = own_channel(slack, args["channel_id"], method)
    if isinstance(channel, Broken):
        return channel
    broken = rules.check_prompts(args)
    if broken and broken.error:
        return broken
    if broken:  # the page says that Slack answers ok and does nothing
        slack.violate(broken, method, args)
        return {}
    if channel.kind != "im":
        return Broken("channel_not_found", "prompts belong in the app's messages tab", METHOD_PAGE + method)
    slack.state.prompts[channel.id] = {"title": args.get("title") or "", "prompts": args["prompts"]}
    slack.state.touch()
    return {}


SERVED: dict[str, Callable[[Any, Json], Json | Broken]] = {
    "agents.sessions.rename": rename_session,
    "agents.sessions.setStatus": set_session_status,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setSuggestedPrompts": set_prompts,
    "assistant.threads.setTitle": set_title,
    "chat.appendStream": append_stream,
    "chat.startStream": start_stream,
    "chat.stopStream": stop_stream,
}
