"""Works off what Slack told us, from the table where it was kept: a crash in between changes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.channels.slack import clicks, route
from app.channels.slack.blocks import escape
from app.channels.slack.files import attachments_of, most_mb
from app.channels.slack.posting import OUTLET, Wired, set_session, thread_messages, whisper
from app.channels.slack.route import CHANNEL, Deleted, Edited, Heard, Place, Thread
from app.conversation import leave_unanswered
from app.delivery import TryLater
from app.models.conversation import Message, Mode, Received
from app.models.people import Principal
from app.texts import language, say

if TYPE_CHECKING:
    from app.models.conversation import Conversation

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""News wakes us; this is for news that was missed, and for what is to be tried again."""
PAUSES_S = (0.5, 2.0, 8.0, 30.0)


async def work(w: Wired, wake: asyncio.Event) -> None:
    """Runs until it is cancelled: one thing at a time in each thread, threads beside each other."""
    lanes: dict[str, asyncio.Task[bool]] = {}
    over: set[str] = set()
    """Done while we were reading what is to do: it stands in what was read."""

    def ended(lane: str) -> Callable[[asyncio.Task[bool]], None]:
        def end(task: asyncio.Task[bool]) -> None:
            lanes.pop(lane, None)
            if not task.cancelled() and task.result():
                over.add(task.get_name())
            wake.set()

        return end

    try:
        while True:
            wake.clear()
            to_do = await w.store.received_to_do(CHANNEL)
            over &= {received.key for received in to_do}
            for received in to_do:
                lane = lane_of(received)
                if lane not in lanes and received.key not in over:
                    lanes[lane] = asyncio.create_task(_one(w, received), name=received.key)
                    lanes[lane].add_done_callback(ended(lane))
            try:
                async with asyncio.timeout(LOOK_S):
                    await wake.wait()
            except TimeoutError:
                continue
    finally:
        left = list(lanes.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def lane_of(received: Received) -> str:
    """What is told of one thread is worked off in the order it came."""
    what = _what(received)
    inner = what.get("message") or what.get("previous_message") or {}
    container = what.get("container") or {}
    channel = what.get("channel") or container.get("channel_id") or (what.get("user") or "")
    channel = channel.get("id", "") if isinstance(channel, Mapping) else channel
    root = inner.get("thread_ts") or inner.get("ts") or what.get("thread_ts") or what.get("ts") or ""
    return f"{channel} {root}"


def _what(received: Received) -> dict[str, Any]:
    found = received.payload.get("what")
    return found if isinstance(found, dict) else {}


async def _one(w: Wired, received: Received) -> bool:
    """True where it is done."""
    try:
        await work_off(w, received)
    except TryLater as wait:
        await asyncio.sleep(wait.seconds)
        return False
    except Exception:  # the channel's edge: one thing that breaks must not hold up the others
        over = await w.store.received_failed(received.key)
        log.exception("%s could not be worked off%s", received.key, "; it is left" if over else "")
        await asyncio.sleep(PAUSES_S[min(received.attempts, len(PAUSES_S) - 1)])
        return over
    await w.store.received_done(received.key)
    return True


async def work_off(w: Wired, received: Received) -> None:
    what = _what(received)
    if received.payload.get("kind") != "event":
        who = what.get("user")
        _paced(w, str(who.get("id", "") if isinstance(who, Mapping) else who))
    match received.payload.get("kind"):
        case "event":
            await _event(w, what)
        case "click":
            await clicks.clicked(w, what)
        case "view":
            await clicks.submitted(w, what)
        case "shortcut":
            await clicks.triage(w, what)


def _paced(w: Wired, user: str) -> None:
    """Whoever says or presses too much waits. Raises `TryLater`."""
    if (wait := w.limits.spend("slack", user, w.service.clock())) > 0:
        raise TryLater(wait)


async def _event(w: Wired, event: Mapping[str, Any]) -> None:
    match event.get("type"):
        case "message" | "app_mention":
            match route.read(event, w.installed.team, w.installed.user):
                case Heard() as heard:
                    await hear(w, heard)
                case Edited() as edited:
                    await amend(w, edited)
                case Deleted() as deleted:
                    await redact(w, deleted)
        case "app_home_opened" if event.get("tab") == "messages":
            await _prompts(w, event)
        case "agent_session_stopped":
            await _stop(w, event)
        case "app_uninstalled" | "tokens_revoked":
            log.error("Slack has taken the app's access away (%s). Install it again.", event["type"])


# --- what people say ----------------------------------------------------------------------------


async def hear(w: Wired, heard: Heard) -> None:
    ours = await w.people.agent(heard.user)
    thread, conversation = await thread_of(w, heard)
    settings = w.settings
    mode = route.mode_of(heard.channel, settings.slack_channels, agents_channel=settings.slack_agents_channel)
    match route.route(heard, mode, thread, ours=ours is not None):
        case "answer":
            await _take_in(w, heard, addressed=True, caution="suggest" if mode == "suggest" else "auto")
        case "overhear":
            await _take_in(w, heard, addressed=False, caution="suggest" if mode == "suggest" else "auto")
        case "take_over" if ours is not None and conversation is not None:
            await _taken_over(w, heard, conversation, ours)
        case "resume" if ours is not None and conversation is not None:
            await _said_by_ours(w, heard, conversation, ours)
            await w.service.give_back(conversation.id, ours)
            await w.service.look_again(conversation.id, ours)


async def thread_of(w: Wired, heard: Heard) -> tuple[Thread, Conversation | None]:
    """How the thread stands for the speaker, and the conversation that was begun in it first."""
    first = await w.store.conversation(heard.place.id)
    if first is None:
        return Thread(), None
    mine = first if _asker(first) == heard.user else None
    if mine is None:
        mine = await w.store.conversation(heard.place._replace(user=heard.user).id)
    if mine is None:
        return Thread(known=True), first
    said = await w.store.messages(mine.id)
    engaged = any(m.role == "bot" or (m.role == "customer" and m.addressed) for m in said)
    return Thread(known=True, mine=True, engaged=engaged), first


def _asker(conversation: Conversation) -> str:
    return dict(conversation.context).get("_user", "")


async def _take_in(w: Wired, heard: Heard, *, addressed: bool, caution: Mode) -> None:
    _paced(w, heard.user)
    conversation = await _open(w, heard, caution)
    if conversation.person_active and heard.mentions_us:
        await w.service.give_back(conversation.id, conversation.principal)
    attachments, unfit = await attachments_of(w, conversation.id, heard)
    context = dict(conversation.context)
    if not heard.text and not attachments and not unfit and not heard.direct and not heard.mentions_us:
        return
    message, _ = await w.store.accept(
        conversation.id,
        "customer",
        heard.text,
        client_id=client_id(heard.ts),
        context={"language": context["language"]} if "language" in context else {},
        attachments=attachments,
        addressed=addressed,
    )
    lang = language(context.get("language", "en"))
    for name in unfit:
        words = say(lang, "slack.file.unfit", name=f"`{escape(name)}`", mb=str(most_mb(w.settings)))
        await whisper(w, heard.channel, heard.thread, heard.user, words)
    await w.service.start_message(message.id)


def client_id(ts: str) -> str:
    return f"slack-{ts}"


async def _open(w: Wired, heard: Heard, caution: Mode) -> Conversation:
    """The speaker's conversation in this thread; whose it is proven to be may have changed since."""
    principal = await w.people.principal(heard.user, heard.user_team)
    first = await w.store.conversation(heard.place.id)
    where = heard.place if first is None or _asker(first) == heard.user else None
    where = where or heard.place._replace(user=heard.user)
    found = await w.store.conversation(where.id)
    if found is None:
        await w.store.open_conversation(
            principal, CHANNEL, context=await _context(w, heard), id=where.id, caution=caution
        )
    elif found.principal.party != principal.party:
        await w.service.join(found.id, principal)
    found = await w.store.conversation(where.id)
    assert found is not None, "it was opened just now"
    if found.caution != caution:  # the channel's mode was changed
        found = found.model_copy(update={"caution": caution})
        await w.store.change_principal(found)
    return found


async def _context(w: Wired, heard: Heard) -> dict[str, str]:
    """What begins with `_` is for ourselves, and shown to nobody."""
    person = await w.people.find(heard.user)
    context = {"_user": heard.user, "_team": heard.user_team, "_channel": heard.channel}
    if person is not None:
        context |= {"_name": person.name} | ({"language": person.language} if person.language else {})
    return context


async def _taken_over(w: Wired, heard: Heard, conversation: Conversation, ours: Principal) -> None:
    name = await _name(w, heard.user)
    await w.store.mark_posted(OUTLET, f"joined:{conversation.id}", name)
    await w.service.take_over(conversation.id, ours, name)
    await _said_by_ours(w, heard, conversation, ours)


async def _said_by_ours(w: Wired, heard: Heard, conversation: Conversation, ours: Principal) -> None:
    if not heard.text:
        return
    await w.store.accept(
        conversation.id,
        "agent",
        heard.text,
        client_id=client_id(heard.ts),
        context={},
        name=await _name(w, heard.user),
        by=ours,
    )


async def _name(w: Wired, user: str) -> str:
    person = await w.people.find(user)
    return person.name if person is not None else user


# --- what they take back ------------------------------------------------------------------------


async def _place_of(w: Wired, channel: str, ts: str, thread: str | None, team: str) -> list[str]:
    """Conversations that a message of this thread may stand in."""
    root = Place(team, channel, thread or ts)
    return await w.store.ids_under(root.id)


async def amend(w: Wired, edited: Edited) -> None:
    """Other words in the place of the first. Where they say something else and were read, we answer."""
    for id in await _place_of(w, edited.channel, edited.ts, edited.thread, edited.team):
        before = await w.store.message_of(id, client_id(edited.ts))
        if before is None or before.text == edited.text:
            continue
        read = await w.store.turn_of(before.id) is not None
        if before.role != "customer" or not read or not route.material(before.text, edited.text):
            await w.store.amend(id, client_id(edited.ts), edited.text)
            continue
        after, _ = await w.store.accept(
            id,
            "customer",
            edited.text,
            client_id=client_id(f"{edited.ts}-{edited.stamp}"),
            context=dict(before.context),
            addressed=before.addressed,
        )
        await w.service.start_message(after.id)


async def redact(w: Wired, deleted: Deleted) -> None:
    """The words go; what nobody has read yet is not answered any more."""
    for id in await _place_of(w, deleted.channel, deleted.ts, deleted.thread, deleted.team):
        message = await w.store.amend(id, client_id(deleted.ts), "")
        if message is not None and message.role == "customer":
            await leave_unanswered(w.service.services, message, "the customer took the message back")


# --- the rest -----------------------------------------------------------------------------------


async def _stop(w: Wired, event: Mapping[str, Any]) -> None:
    """The stop button of a session: what is under way ends without a word but this one."""
    root = Place(w.installed.team, str(event["channel"]), str(event.get("thread_ts") or ""))
    for id in await w.store.ids_under(root.id):
        conversation = await w.store.conversation(id)
        if conversation is not None and _asker(conversation) == event.get("user"):
            await w.service.stop(id)
    await set_session(w, root, "active")


async def _prompts(w: Wired, event: Mapping[str, Any]) -> None:
    person = await w.people.find(str(event["user"]))
    lang = language((person.language if person else None) or "en")
    prompts = [
        {name: say(lang, f"slack.prompts.{key}.{name}") for name in ("title", "message")}
        for key in ("setup", "docs", "person")
    ]
    await w.api.call(
        "assistant_threads_setSuggestedPrompts",
        channel_id=event["channel"],
        prompts=prompts,
        title=say(lang, "slack.prompts.title"),
    )


async def backfill(w: Wired, channel: str, root: str) -> str | None:
    """A thread that we were not in, read once: its first person is the asker. None where nobody asks."""
    messages = await thread_messages(w, channel, root)
    heard = [found for m in messages if isinstance(found := _in(w, m, channel), Heard)]
    if not heard:
        return None
    first = heard[0]
    conversation = await _open(w, first, "suggest")
    last: Message | None = None
    for each in heard:
        ours = await w.people.agent(each.user)
        if each.user == first.user:
            last, _ = await w.store.accept(
                conversation.id,
                "customer",
                each.text,
                client_id=client_id(each.ts),
                context={},
                addressed=True,
            )
        elif ours is not None:
            await _said_by_ours(w, each, conversation, ours)
    if last is not None:
        for message in await w.store.to_do(conversation.id):
            await w.service.start_message(message.id)
    return conversation.id


def _in(w: Wired, message: Mapping[str, Any], channel: str) -> object:
    return route.read({**message, "channel": channel}, w.installed.team, w.installed.user)
