"""What people do in the local Slack: write, edit, press, submit, run commands; delivered as Slack does."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from evals.world.slack import wire
from evals.world.slack.state import (
    APP_ID,
    BOT_USER,
    OUR_TEAM,
    Answer,
    Channel,
    Delivery,
    File,
    Json,
    Message,
    User,
    View,
    interactive,
)

if TYPE_CHECKING:
    from evals.world.slack.slack import FakeSlack

SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


class Refused(ValueError):
    """A person cannot do this in Slack: the test asks for something that no client offers."""


def member(slack: FakeSlack, user: str, channel: str) -> tuple[User, Channel]:
    person, place = slack.state.users.get(user), slack.state.channels.get(channel)
    if person is None or place is None:
        raise Refused(f"no {user} or no {channel} here; see slack.users and slack.channels")
    if user not in place.members:
        raise Refused(f"{user} is not in {channel}; `await slack.join({user!r}, {channel!r})` first")
    return person, place


def emit(slack: FakeSlack, event: Json, *, subscription: str, channel: Channel | None) -> None:
    """An event to the app, if it is subscribed and its bot is there."""
    if subscription in slack.options.events and (channel is None or BOT_USER in channel.members):
        slack.deliver(str(event["type"]), wire.envelope(slack.state, event, OUR_TEAM))


def emit_message(slack: FakeSlack, message: Message) -> None:
    """A post as `message`, and beside it as `app_mention` if it names the bot outside of a DM.

    docs.slack.dev/reference/events/app_mention: the two come in no order, each with an id of its own.
    """
    channel = slack.state.channels[message.channel]
    event = wire.message_event(message, slack.state)
    emit(slack, event, subscription=SUBSCRIPTION[channel.kind], channel=channel)
    if f"<@{BOT_USER}>" in message.text and channel.kind != "im" and message.user != BOT_USER:
        twin = wire.mention_event(message, slack.state)
        emit(slack, twin, subscription="app_mention", channel=channel)


def emit_changed(slack: FakeSlack, message: Message, before: Message) -> None:
    """docs.slack.dev/reference/events/message/message_changed"""
    channel, now = slack.state.channels[message.channel], slack.state.next_ts()
    event: Json = {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "channel": message.channel,
        "channel_type": channel.kind,
        "ts": now,
        "event_ts": now,
        "message": wire.message_json(message, slack.state),
        "previous_message": wire.message_json(before, slack.state),
    }
    emit(slack, event, subscription=SUBSCRIPTION[channel.kind], channel=channel)


def drop(slack: FakeSlack, message: Message) -> None:
    """docs.slack.dev/reference/events/message/message_deleted"""
    slack.state.put(message.model_copy(update={"deleted": True}))
    if message.ephemeral_to:
        return
    channel, now = slack.state.channels[message.channel], slack.state.next_ts()
    event: Json = {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "channel": message.channel,
        "channel_type": channel.kind,
        "ts": now,
        "event_ts": now,
        "deleted_ts": message.ts,
        "previous_message": wire.message_json(message, slack.state),
    }
    emit(slack, event, subscription=SUBSCRIPTION[channel.kind], channel=channel)


def write(
    slack: FakeSlack,
    user: str,
    channel: str,
    text: str,
    thread: str | None = None,
    *,
    files: tuple[File, ...] = (),
    broadcast: bool = False,
) -> Message:
    person, place = member(slack, user, channel)
    parent = slack.state.find(channel, thread) if thread else None
    if thread and parent is None:
        raise Refused(f"there is no thread {thread} in {channel}")
    subtype = "file_share" if files else "thread_broadcast" if broadcast else None
    said = wire.typed(text)
    bot = person.is_bot
    message = slack.state.put(
        Message(
            channel=channel,
            ts=slack.state.next_ts(),
            user=user,
            team=person.team_id,
            text=said,
            thread_ts=parent.root if parent else None,
            blocks=() if bot or not said else (wire.rich_text(text),),
            bot_id=f"B{user[1:]}" if bot else None,
            client_msg_id=None if bot else secrets.token_hex(16),
            subtype="bot_message" if bot else subtype,
            files=files,
        )
    )
    emit_message(slack, message)
    return slack.state.kept[place.id, message.ts]


def rewrite(slack: FakeSlack, user: str, message: Message, text: str) -> Message:
    before = slack.state.find(message.channel, message.ts)
    if before is None or before.user != user:
        raise Refused(f"{user} can edit own messages only, and this one is gone or another's")
    changed = before.model_copy(
        update={
            "text": wire.typed(text),
            "blocks": (wire.rich_text(text),),
            "edited": {"user": user, "ts": slack.state.next_ts()},
        }
    )
    slack.state.put(changed)
    emit_changed(slack, changed, before)
    return changed


def new_trigger(slack: FakeSlack, user: str, view: str | None = None) -> str:
    trigger = f"{time.time_ns()}.{OUR_TEAM}.{secrets.token_hex(8)}"
    slack.state.triggers[trigger] = (time.monotonic(), user, view)
    return trigger


def action_of(element: Json, block: Json, option: Any) -> Json:
    """docs.slack.dev/reference/interaction-payloads/block_actions-payload: what each element reports."""
    kind = str(element["type"])
    action: Json = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block.get("block_id", ""),
        "action_ts": f"{time.time():.6f}",
    }
    if kind == "button":
        return action | {"text": element["text"], "value": element.get("value", "")}
    if kind == "feedback_buttons":
        side = element.get(f"{option}_button")
        if side is None:
            raise Refused("feedback buttons: option='positive' or option='negative'")
        return action | {"text": side["text"], "value": side["value"]}
    if kind == "icon_button":
        return action | {"value": element.get("value", "")}
    return action | state_of(element, option)


def state_of(element: Json, value: Any) -> Json:
    """A filled-in input, as `view.state.values` and actions have it."""
    kind = str(element["type"])
    if kind.endswith("_input"):
        if value is not None and not isinstance(value, str):
            raise Refused(f"{kind} takes a string, not {value!r}")
        longest = element.get("max_length") or 3000
        if value and len(value) > longest:
            raise Refused(f"{kind} takes at most {longest} characters")
        return {"type": kind, "value": value or None}
    if kind == "datepicker":
        return {"type": kind, "selected_date": value}
    choices = {option["value"]: option for option in element.get("options") or ()}
    wanted = value if isinstance(value, list) else [value] if value is not None else []
    if choices and set(wanted) - set(choices):
        raise Refused(f"{kind} offers {sorted(choices)}, not {sorted(set(wanted) - set(choices))}")
    picked = [choices.get(one, one) for one in wanted]
    if kind == "checkboxes" or kind.startswith("multi_"):
        return {"type": kind, "selected_options": picked}
    name = {"users_select": "selected_user", "channels_select": "selected_channel"}.get(
        kind, "selected_conversation" if kind == "conversations_select" else "selected_option"
    )
    return {"type": kind, name: picked[0] if picked else None}


def pressed(
    slack: FakeSlack, user: str, message: Message, action_id: str, *, block_id: str | None, option: Any
) -> Json:
    person, channel = member(slack, user, message.channel)
    now = slack.state.find(message.channel, message.ts)
    if now is None or now.ephemeral_to not in (None, user):
        raise Refused(f"{user} does not see that message any more")
    found = [
        (block, element)
        for block, element in now.elements()
        if element["action_id"] == action_id and block_id in (None, block.get("block_id"))
    ]
    if not found:
        offered = sorted(element["action_id"] for _, element in now.elements())
        raise Refused(f"no {action_id!r} on that message; it has {offered}")
    block, element = found[0]
    payload = wire.interaction(slack.state, "block_actions", person, new_trigger(slack, user))
    hidden = now.ephemeral_to is not None
    container: Json = {
        "type": "message",
        "message_ts": now.ts,
        "channel_id": channel.id,
        "is_ephemeral": hidden,
    }
    if now.thread_ts:
        container["thread_ts"] = now.thread_ts
    payload |= {
        "container": container,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": {}},
        "response_url": slack.new_response_url(channel.id, user, now.ts),
        "actions": [action_of(element, block, option)],
    }
    # docs.slack.dev/reference/interaction-payloads/block_actions-payload: an ephemeral one is not sent
    return payload if hidden else payload | {"message": wire.message_json(now, slack.state)}


def _channel_name(channel: Channel) -> str:
    return {"group": "privategroup", "im": "directmessage"}.get(channel.kind, channel.name)


def pressed_in_view(slack: FakeSlack, user: str, view: View, action_id: str, option: Any) -> Json:
    person = slack.state.users[user]
    found = [pair for block in view.content["blocks"] for pair in interactive(block)]
    pair = next((one for one in found if one[1]["action_id"] == action_id), None)
    if pair is None or view.user != user:
        raise Refused(f"no {action_id!r} in that view of {view.user}")
    payload = wire.interaction(slack.state, "block_actions", person, new_trigger(slack, user, view.id))
    return payload | {
        "container": {"type": "view", "view_id": view.id},
        "view": wire.view_json(view),
        "actions": [action_of(pair[1], pair[0], option)],
    }


def submitted(slack: FakeSlack, user: str, view: View, values: Json) -> Json:
    person = slack.state.users[user]
    now = slack.state.views[view.id]
    if now.user != user or not now.open or now.content.get("submit") is None:
        raise Refused(f"{user} has no such open view with a submit button")
    filled: dict[str, Json] = {}
    left = dict(values)
    for block in now.content["blocks"]:
        for holder, element in interactive(block):
            name = element["action_id"]
            value = left.pop(name, _initial(element))
            if not value and block["type"] == "input" and not block.get("optional"):
                raise Refused(f"{name!r} must be filled in; Slack's client sends nothing before that")
            filled.setdefault(holder["block_id"], {})[name] = state_of(element, value)
    if left:
        raise Refused(f"the view has no {sorted(left)}")
    payload = wire.interaction(slack.state, "view_submission", person, new_trigger(slack, user, view.id))
    shown = wire.view_json(now) | {"state": {"values": filled}}
    return payload | {"view": shown, "response_urls": []}


def _initial(element: Json) -> Any:
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    return element.get("initial_value") or element.get("initial_date")


def message_action(slack: FakeSlack, user: str, message: Message, callback_id: str) -> Json:
    """docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload"""
    person, channel = member(slack, user, message.channel)
    if callback_id not in slack.options.shortcuts:
        raise Refused(f"the app declares the shortcuts {slack.options.shortcuts}, not {callback_id!r}")
    payload = wire.interaction(slack.state, "message_action", person, new_trigger(slack, user))
    return payload | {
        "callback_id": callback_id,
        "action_ts": f"{time.time():.6f}",
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "message": wire.message_json(message, slack.state),
        "response_url": slack.new_response_url(channel.id, user, None),
    }


def slash(slack: FakeSlack, user: str, channel: str, text: str, command: str) -> Json:
    """docs.slack.dev/interactivity/implementing-slash-commands: a form, never with a thread."""
    person, place = member(slack, user, channel)
    if command not in slack.options.commands:
        raise Refused(f"the app declares the commands {slack.options.commands}, not {command!r}")
    team = slack.state.teams[OUR_TEAM]
    return {
        "token": "verification-token-is-deprecated",
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": place.id,
        "channel_name": _channel_name(place),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": slack.new_response_url(place.id, user, None),
        "trigger_id": new_trigger(slack, user),
    }


def command_answer(slack: FakeSlack, delivery: Delivery) -> Answer:
    """An acknowledgement may carry the reply, as text or as JSON."""
    from evals.world.slack import api

    body, payload = delivery.body.strip(), delivery.payload
    if not delivery.ok or not body:
        return Answer(delivery=delivery)
    try:
        given: Any = json.loads(body)
    except ValueError:
        given = {"text": body}
    if not isinstance(given, dict) or not (given.get("text") or given.get("blocks")):
        return Answer(delivery=delivery)
    shown = api.answer(slack, given, payload["channel_id"], payload["user_id"], None)
    return Answer(delivery=delivery, text=shown.said if shown else "")


def home_opened(slack: FakeSlack, user: str, tab: str) -> None:
    """docs.slack.dev/reference/events/app_home_opened"""
    channel = f"D{user[1:]}"
    event: Json = {
        "type": "app_home_opened",
        "user": user,
        "channel": channel,
        "tab": tab,
        "event_ts": slack.state.next_ts(),
    }
    home = slack.home(user)
    if tab == "home" and home:
        event["view"] = wire.view_json(home)
    emit(slack, event, subscription="app_home_opened", channel=slack.state.channels.get(channel))


def stopped(slack: FakeSlack, user: str, channel: str, thread: str) -> None:
    """docs.slack.dev/reference/events/agent_session_stopped: streams end, the status is left to the app."""
    from evals.world.slack import streams

    session = slack.state.sessions.get((channel, thread))
    if session is None or session.status != "processing":
        raise Refused("the stop button shows only while a session is processing")
    if "agent_session_stopped" not in slack.options.events:
        raise Refused("without the subscription Slack shows no stop button")
    running = [
        s
        for s in slack.state.streams.values()
        if (s.channel, s.thread_ts, s.state) == (channel, thread, "open")
    ]
    for stream in running:
        streams.end(slack, stream, "stopped_by_user")
    event: Json = {
        "type": "agent_session_stopped",
        "channel": channel,
        "thread_ts": thread,
        "user": user,
        "streaming_message_ts": [stream.ts for stream in running],
        "event_ts": slack.state.next_ts(),
    }
    emit(slack, event, subscription="agent_session_stopped", channel=slack.state.channels.get(channel))


def hostile_event(slack: FakeSlack, fields: Json) -> Json:
    """A message event nobody wrote, for forged deliveries."""
    channel = fields.pop("channel", "C0HELP")
    text = fields.pop("text", f"<@{BOT_USER}> forged")
    team = fields.pop("team_id", OUR_TEAM)
    now = slack.state.next_ts()
    event: Json = {
        "type": "app_mention",
        "user": "U0CUSTOMER",
        "text": text,
        "ts": now,
        "event_ts": now,
        "channel": channel,
        "team": team,
    }
    return wire.envelope(slack.state, event | fields, team)
