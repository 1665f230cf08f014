"""Tells a Slack thread what is new in its conversation: a streamed plan, then the answer, then cards.

At least once comes in, once goes out: each message stands under a key, and a stream that a crash tore off is
finished or put right in the same message.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import events as e
from app.channels.slack import blocks as b
from app.channels.slack import cards
from app.channels.slack.limits import refused
from app.channels.slack.posting import (
    DOUBT,
    OUTLET,
    Wired,
    key_of,
    language_of,
    metadata,
    ours_in,
    post_once,
    set_session,
    update,
)
from app.channels.slack.route import CHANNEL, Place, place
from app.errors import OutcomeUnknown
from app.models.conversation import Conversation
from app.models.event import Event
from app.texts import clean, say

log = logging.getLogger(__name__)

STATUS: Mapping[str, str] = {"bot_working": "processing", "human_active": "suspended"}
"""Our statuses as Slack's sessions have them; every other one is `active`."""


@dataclass
class Stream:
    """The message of a turn under way."""

    ts: str
    whole: bool = True
    """False once we cannot know what it shows: then its end is written anew."""
    steps: e.Steps | None = None


@dataclass
class Scene:
    """One batch of a conversation's events, and what it is told with."""

    conversation: Conversation
    place: Place
    lang: str
    steps: e.Steps | None = None
    chunks: list[b.Block] = field(default_factory=list)

    @property
    def log(self) -> str:
        return self.conversation.id

    @property
    def asker(self) -> tuple[str, str]:
        """(user, their workspace)"""
        context = dict(self.conversation.context)
        return context.get("_user", ""), context.get("_team", self.place.team)


class ThreadOutlet:
    """Follows the conversations that are held in Slack."""

    name: str = OUTLET
    channel: str | None = CHANNEL
    agents: bool = False

    def __init__(self, w: Wired) -> None:
        self._w = w
        self._streams: dict[str, Stream] = {}
        self._sessions: dict[str, str] = {}

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        conversation = await self._w.store.conversation(log)
        if conversation is None:
            return
        scene = Scene(conversation, place(log), await language_of(self._w, log))
        parsed = [(event, e.parsed(event.type, event.payload)) for event in events]
        for number, (event, payload) in enumerate(parsed):
            await self._tell(scene, event, payload, [later for _, later in parsed[number + 1 :]])

    async def _tell(self, scene: Scene, event: Event, payload: e.Payload, later: Sequence[e.Payload]) -> None:
        match payload:
            case e.ConversationStatus(status=status):
                await self._status(scene, status, later)
            case e.Task():
                await self._task(scene, payload, later)
            case e.Steps():
                await self._steps(scene, payload, later)
            case e.MessageDone(message=message):
                await self._message(scene, message, later)
            case e.ActionProposed():
                await self._card(scene, payload.request)
            case e.ActionState():
                await self._action(scene, event, payload)
            case e.Handoff():
                await self._handoff(scene, event, payload)
            case e.Resolved():
                await self._resolved(scene, payload)
            case e.ErrorShown():
                await self._failed(scene, event, payload)
            case _:
                return

    # --- progress ---

    async def _status(self, scene: Scene, status: str, later: Sequence[e.Payload]) -> None:
        if any(isinstance(payload, e.ConversationStatus) for payload in later):
            return  # the newest word counts
        wanted = STATUS.get(status, "active")
        if status != "bot_working":
            await self._let_go(scene)
        if self._sessions.get(scene.log, "") == wanted:
            return
        user, team = scene.asker
        title = clean(scene.steps.title, 200) if scene.steps else ""
        asker = user if team == self._w.installed.team else ""
        shown = await set_session(self._w, scene.place, wanted, title=title, asker=asker)
        self._sessions[scene.log] = wanted if shown else "active"

    async def _task(self, scene: Scene, task: e.Task, later: Sequence[e.Payload]) -> None:
        """Tasks that come together go out together; those that an answer follows stand in its plan."""
        done = [payload for payload in later if isinstance(payload, e.MessageDone)]
        posted = [f"m:{task.turn}-reply", *(f"m:{payload.message.id}" for payload in done)]
        for key in posted:
            if await self._w.store.posted(OUTLET, key) not in (None, DOUBT):
                return  # told again: it was answered before
        if any(isinstance(payload, e.Steps) for payload in later):
            return
        title = clean(task.title, b.LONGEST_CHUNK)
        scene.chunks.append({"type": "task_update", "id": task.task, "title": title, "status": task.state})
        if later and isinstance(later[0], e.Task):
            return
        chunks, scene.chunks = scene.chunks, []
        stream = self._streams.get(scene.log)
        if stream is None:
            working = {"type": "plan_update", "title": say(scene.lang, "slack.working")}
            first = [working, *chunks]
            open_ones = any(chunk["status"] != "complete" for chunk in chunks)
            stream = await self._stream(scene, may_start=open_ones, first=first)
            if stream is None or stream.whole:
                return
        await self._append(scene, stream, chunks)

    async def _steps(self, scene: Scene, steps: e.Steps, later: Sequence[e.Payload]) -> None:
        """Kept for the answer that follows; where none does and nothing is open, nothing is news."""
        scene.steps = steps
        stream = await self._stream(scene, may_start=False)
        if stream is None:
            return
        stream.steps = steps
        if not any(isinstance(payload, e.MessageDone) for payload in later):
            await self._append(scene, stream, self._plan(scene, steps, None))

    def _plan(self, scene: Scene, steps: e.Steps, message: e.ShownMessage | None) -> list[b.Block]:
        links = b.also(self._w.links, message) if message else self._w.links
        cited = message.citations if message else ()
        return b.plan_chunks(steps, self._w.service.clock(), scene.lang, links, cited)

    def _plain_plan(self, scene: Scene, steps: e.Steps) -> b.Block:
        return b.plan_text(steps, self._w.service.clock(), scene.lang, self._w.links)

    # --- the stream ---

    async def _stream(self, scene: Scene, *, may_start: bool, first: Sequence[b.Block] = ()) -> Stream | None:
        """The open stream of a conversation, one that a crash tore off, or a new one."""
        from slack_sdk.errors import SlackApiError

        known = self._streams.get(scene.log)
        if known is not None:
            return known
        key = f"stream:{scene.log}"
        ts = await self._w.store.posted(OUTLET, key)
        if ts == DOUBT:
            ts = await self._lost_stream(scene)
        if ts:
            stream = self._streams[scene.log] = Stream(ts, whole=False)
            await self._w.store.mark_posted(OUTLET, key, ts)
            return stream
        if not may_start:
            return None
        await self._w.store.mark_posted(OUTLET, key, DOUBT)
        user, team = scene.asker
        arguments: dict[str, Any] = {"channel": scene.place.channel, "thread_ts": scene.place.thread}
        arguments |= {"recipient_user_id": user, "recipient_team_id": team}
        chunks = list(first) or [{"type": "plan_update", "title": say(scene.lang, "slack.working")}]
        try:
            answer = await self._w.api.call(
                "chat_startStream", **arguments, task_display_mode="plan", chunks=chunks
            )
        except SlackApiError as error:
            log.warning("Slack opens no stream: %s", refused(error))
            await self._w.store.mark_posted(OUTLET, key, "")
            return None
        stream = self._streams[scene.log] = Stream(str(answer["ts"]))
        await self._w.store.mark_posted(OUTLET, key, stream.ts)
        return stream

    async def _lost_stream(self, scene: Scene) -> str | None:
        """A stream whose start was answered to nobody: a message of ours there that no key names yet."""
        found = await ours_in(self._w, scene.place.channel, scene.place.thread)
        lost = [m for m in found if m.get("streaming_state") != "completed" and key_of(m) is None]
        return str(lost[-1]["ts"]) if lost else None

    async def _append(self, scene: Scene, stream: Stream, chunks: Sequence[b.Block]) -> None:
        from slack_sdk.errors import SlackApiError

        if not stream.whole:
            return
        try:
            await self._w.api.call(
                "chat_appendStream", channel=scene.place.channel, ts=stream.ts, chunks=list(chunks)
            )
        except SlackApiError as error:
            log.info("the stream %s takes no more: %s", stream.ts, refused(error))
            stream.whole = False
        except OutcomeUnknown:  # whether it shows there nobody knows
            stream.whole = False

    async def _let_go(self, scene: Scene) -> None:
        """A turn that ended without a word leaves no open stream."""
        stream = await self._stream(scene, may_start=False)
        if stream is not None:
            await self._end(scene, stream, blocks=(), key=None)
            await self._forget(scene)

    async def _end(
        self,
        scene: Scene,
        stream: Stream,
        *,
        blocks: Sequence[b.Block],
        key: str | None,
        chunks: Sequence[b.Block] = (),
    ) -> bool:
        """Stops the stream with its last pieces; False where Slack did not take them."""
        from slack_sdk.errors import SlackApiError

        arguments: dict[str, Any] = {"channel": scene.place.channel, "ts": stream.ts}
        arguments |= ({"chunks": list(chunks)} if chunks else {}) | (
            {"blocks": list(blocks)} if blocks else {}
        )
        arguments |= {"metadata": metadata(key)} if key else {}
        try:
            await self._w.api.call("chat_stopStream", **arguments, session_status="active")
        except SlackApiError as error:
            log.info("the stream %s was over: %s", stream.ts, refused(error))
            return False
        except OutcomeUnknown:
            return False
        self._sessions[scene.log] = "active"
        return True

    async def _forget(self, scene: Scene) -> None:
        self._streams.pop(scene.log, None)
        await self._w.store.mark_posted(OUTLET, f"stream:{scene.log}", "")

    # --- messages ---

    async def _message(self, scene: Scene, message: e.ShownMessage, later: Sequence[e.Payload]) -> None:
        if message.role == "customer" or (message.client_message_id or "").startswith("slack-"):
            return  # it was said here
        key = f"m:{message.id}"
        known = await self._w.store.posted(OUTLET, key)
        if known and known != DOUBT:
            return
        if message.role == "agent":
            name = message.name or say(scene.lang, "slack.agents.somebody")
            says = say(scene.lang, "slack.says", name=b.escape(clean(name)))
            body = [b.context(says), self._said(message)]
            await post_once(self._w, key, *self._thread(scene), text=message.text, blocks=body)
            return
        solved = any(isinstance(payload, e.Resolved) and payload.state == "asked" for payload in later)
        below = self._below(scene, message, solved=solved)
        ts = await self._answer(scene, message, key, below)
        if solved and ts:
            await self._w.store.mark_posted(OUTLET, f"solved:{scene.log}", f"{ts} {message.id}")

    def _below(self, scene: Scene, message: e.ShownMessage, *, solved: bool) -> list[b.Block]:
        if solved:
            return [cards.solved_buttons(scene.log, scene.lang)]
        anonymous = scene.conversation.principal.kind == "anonymous"
        links = b.also(self._w.links, message)
        return b.under(message, scene.log, scene.lang, links, steps=scene.steps, anonymous=anonymous)

    def _words(self, text: str) -> b.Block:
        return {"type": "markdown", "text": b.markdown(text, self._w.links)}

    def _said(self, message: e.ShownMessage) -> b.Block:
        return {"type": "markdown", "text": self._markdown(message)}

    def _markdown(self, message: e.ShownMessage) -> str:
        return b.markdown(message.text, b.also(self._w.links, message))

    def _thread(self, scene: Scene) -> tuple[str, str]:
        return scene.place.channel, scene.place.thread

    async def _answer(
        self, scene: Scene, message: e.ShownMessage, key: str, below: list[b.Block]
    ) -> str | None:
        """In the turn's stream, where there is one or a plan to show; else as a message."""
        steps = scene.steps
        plan = self._plan(scene, steps, message) if steps is not None else []
        stream = await self._stream(scene, may_start=bool(plan), first=plan)
        if stream is None:
            lines = [self._plain_plan(scene, steps)] if steps is not None else []
            body = [*lines, self._said(message), *below]
            return await post_once(self._w, key, *self._thread(scene), text=message.text, blocks=body)
        text = {"type": "markdown_text", "text": self._markdown(message)}
        ended = stream.whole and await self._end(scene, stream, blocks=below, key=key, chunks=[*plan, text])
        if not ended:
            await self._put_right(scene, stream, message, key, below)
        await self._w.store.mark_posted(OUTLET, key, stream.ts)
        await self._forget(scene)
        return stream.ts

    async def _put_right(
        self, scene: Scene, stream: Stream, message: e.ShownMessage, key: str, below: list[b.Block]
    ) -> None:
        """Writes the whole message in the place of what a broken stream shows."""
        there = next(
            (m for m in await ours_in(self._w, *self._thread(scene)) if m.get("ts") == stream.ts), None
        )
        if there is not None and key_of(there) == key:
            return  # its end arrived, and only the answer to it was lost
        if there is None:
            await post_once(
                self._w,
                key,
                *self._thread(scene),
                text=message.text,
                blocks=[self._said(message), *below],
            )
            return
        if there.get("streaming_state") == "in_progress":
            await self._end(scene, stream, blocks=(), key=None)
        steps = scene.steps or stream.steps
        plan = [self._plain_plan(scene, steps)] if steps else []
        await update(
            self._w,
            scene.place.channel,
            stream.ts,
            text=message.text,
            blocks=[*plan, self._said(message), *below],
            key=key,
        )

    async def _failed(self, scene: Scene, event: Event, error: e.ErrorShown) -> None:
        await self._let_go(scene)
        await post_once(
            self._w,
            f"e:{scene.log}:{event.seq}",
            *self._thread(scene),
            text=error.message,
            blocks=[self._words(error.message)],
        )

    # --- cards ---

    async def _card(self, scene: Scene, request_id: str) -> None:
        card = await cards.request_card(self._w, request_id, scene.lang)
        if card is not None:
            await post_once(
                self._w, f"a:{request_id}", *self._thread(scene), text=card.text, blocks=card.blocks
            )

    async def _action(self, scene: Scene, event: Event, state: e.ActionState) -> None:
        await cards.remember_decided(self._w, state.request, event.at)
        ts = await self._w.store.posted(OUTLET, f"a:{state.request}")
        if ts and ts != DOUBT:
            card = await cards.request_card(self._w, state.request, scene.lang)
            if card is not None:
                await update(self._w, scene.place.channel, ts, text=card.text, blocks=card.blocks)
        stream = await self._stream(scene, may_start=False)
        if stream is not None:
            chunk = {
                "type": "task_update",
                "id": f"action-{state.request}",
                "title": clean(state.title, b.LONGEST_CHUNK),
                "status": cards.TASK_STATE.get(state.state, "error"),
            }
            await self._append(scene, stream, [chunk])

    async def _handoff(self, scene: Scene, event: Event, handoff: e.Handoff) -> None:
        """Who takes over our last message says; who came from elsewhere, and that they left, is said here."""
        if handoff.state == "joined":
            here = await self._w.store.posted(OUTLET, f"joined:{scene.log}")
            if here == handoff.name:
                return  # the thread has just heard them
            name = handoff.name or say(scene.lang, "slack.agents.somebody")
            text = say(scene.lang, "slack.joined", name=b.escape(clean(name)))
        elif handoff.state == "ended":
            await self._w.store.mark_posted(OUTLET, f"joined:{scene.log}", "")
            text = say(scene.lang, "slack.ended")
        else:
            return
        await post_once(
            self._w, f"h:{scene.log}:{event.seq}", *self._thread(scene), text=text, blocks=[b.context(text)]
        )

    async def _resolved(self, scene: Scene, resolved: e.Resolved) -> None:
        """The question loses its buttons once it is answered."""
        asked = await self._w.store.posted(OUTLET, f"solved:{scene.log}")
        if resolved.state == "asked" or not asked:
            return
        ts, _, message_id = asked.partition(" ")
        question = await self._w.store.message(message_id)
        text = question.text if question is not None else ""
        answer = say(scene.lang, f"slack.solved.{resolved.state}")
        body = ([self._words(text)] if text else []) + [b.context(answer)]
        await update(self._w, scene.place.channel, ts, text=f"{text} {answer}", blocks=body)
        await self._w.store.mark_posted(OUTLET, f"solved:{scene.log}", "")
