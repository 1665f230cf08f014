"""What the local Slack holds: people, channels, messages, streams, sessions and views, all frozen values.

A change replaces a value; `State` is the one place that does so, and it tells whoever waits.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

OUR_TEAM = "T0HERON"
OTHER_TEAM = "T0ACME"
BOT_USER = "U0BOT"
BOT_ID = "B0BOT"
APP_ID = "A0STEPFOUR"

Json = dict[str, Any]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Team(Value):
    id: str
    name: str
    domain: str


class User(Value):
    id: str
    name: str
    team_id: str = OUR_TEAM
    real_name: str = ""
    email: str = ""
    locale: str = "en-US"
    tz: str = "Europe/Lisbon"
    is_restricted: bool = False
    """A guest of several channels, or with `is_ultra_restricted` of one."""
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    """Of another workspace, met in a shared channel."""
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False


class Channel(Value):
    id: str
    name: str
    kind: Literal["channel", "group", "im"] = "channel"
    members: frozenset[str] = frozenset()
    is_ext_shared: bool = False
    is_archived: bool = False
    topic: str = ""


class File(Value):
    id: str
    name: str
    mimetype: str
    data: bytes
    user: str
    url: str


class Message(Value):
    channel: str
    ts: str
    user: str
    team: str = OUR_TEAM
    text: str = ""
    thread_ts: str | None = None
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    bot_id: str | None = None
    metadata: Json | None = None
    subtype: str | None = None
    files: tuple[File, ...] = ()
    edited: Json | None = None
    deleted: bool = False
    ephemeral_to: str | None = None
    streaming: Literal["in_progress", "completed"] | None = None
    client_msg_id: str | None = None
    reactions: tuple[tuple[str, str], ...] = ()
    """Pairs of emoji and user."""

    @property
    def root(self) -> str:
        return self.thread_ts or self.ts

    @property
    def said(self) -> str:
        """Every word a person would see of it: text, blocks and attachments."""
        if self.client_msg_id:  # a person's blocks say the text once more
            return self.text
        parts = [self.text, *_words(self.blocks), *_words(self.attachments)]
        return "\n".join(part for part in parts if part)

    def elements(self) -> list[tuple[Json, Json]]:
        """Each interactive element with the block that holds it."""
        return [pair for block in self.blocks for pair in interactive(block)]

    def button(self, action_id: str) -> Json | None:
        return next((e for _, e in self.elements() if e.get("action_id") == action_id), None)


def interactive(block: Json) -> list[tuple[Json, Json]]:
    held = list(block.get("elements", ()) if block.get("type") in ("actions", "context_actions") else ())
    held += [block[key] for key in ("accessory", "element") if isinstance(block.get(key), dict)]
    held += block.get("actions", ()) if block.get("type") == "card" else ()
    found = [(block, element) for element in held if isinstance(element, dict) and "action_id" in element]
    for inner in block.get("child_blocks", ()) if block.get("type") == "container" else ():
        found += interactive(inner)
    return found


SEEN_KEYS = ("text", "title", "details", "output", "alt_text", "name", "subtitle", "body", "label", "hint")


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return [word for item in value for word in _words(item)]
    if not isinstance(value, dict):
        return []
    nested = [item for key, item in value.items() if isinstance(item, list | dict) and key not in SEEN_KEYS]
    return [word for key in SEEN_KEYS if key in value for word in _words(value[key])] + _words(nested)


class Stream(Value):
    channel: str
    ts: str
    thread_ts: str
    state: Literal["open", "stopped", "expired", "stopped_by_user"] = "open"
    mode: Literal["text", "chunks"] | None = None
    display: str = "timeline"
    opened: float
    chunks: tuple[Json, ...] = ()
    text: str = ""
    recipient: str | None = None


class Session(Value):
    channel: str
    thread_ts: str
    status: str
    title: str = ""
    initiator: str | None = None


class View(Value):
    id: str
    hash: str
    user: str
    content: Json
    root_id: str
    previous_id: str | None = None
    open: bool = True
    home: bool = False
    channel: str | None = None


class Call(Value):
    method: str
    arguments: Json
    user_agent: str
    at: float
    status: int
    response: Json


class Violation(Value):
    rule: str
    doc: str
    method: str
    detail: str
    arguments: Json


class Delivery(Value):
    kind: str
    """The event's type, or `block_actions`, `view_submission`, `view_closed`, `message_action`, `command`."""
    payload: Json
    attempt: int
    status: int | None
    seconds: float
    ok: bool
    reason: str | None = None
    body: str = ""


class Ack(Value):
    kind: str
    seconds: float


class Answer(Value):
    """What came of a modal's submission or of a slash command."""

    delivery: Delivery
    text: str = ""
    errors: dict[str, str] = {}
    closed: bool = False


def default_teams() -> list[Team]:
    return [
        Team(id=OUR_TEAM, name="Heron Mail", domain="heron-mail"),
        Team(id=OTHER_TEAM, name="Acme", domain="acme"),
    ]


def default_users() -> list[User]:
    kalahari, heron = "@kalahari.example", "@heronmail.example"
    return [
        User(id=BOT_USER, name="stepfour", real_name="Stepfour", is_bot=True),
        User(id="U0CUSTOMER", name="ana", real_name="Ana Prado", email="ana" + kalahari),
        User(id="U0SUPPORT", name="kim", real_name="Kim Weiss", email="kim" + heron),
        User(id="U0LEAD", name="lea", real_name="Lea Brandt", email="lea" + heron, is_admin=True),
        User(
            id="U0GUEST",
            name="gil",
            real_name="Gil Guest",
            email="gil@guests.example",
            is_restricted=True,
            is_ultra_restricted=True,
        ),
        User(
            id="U0PARTNER",
            name="pia",
            real_name="Pia Partner",
            email="pia@partner.example",
            is_restricted=True,
        ),
        User(
            id="U0STRANGER",
            name="sam",
            real_name="Sam Stone",
            email="sam@acme.example",
            team_id=OTHER_TEAM,
            is_stranger=True,
        ),
        User(id="U0OTHERBOT", name="deploybot", real_name="Deploy Bot", is_bot=True),
    ]


def default_channels(users: list[User]) -> list[Channel]:
    ours = frozenset(user.id for user in users if not user.is_stranger)
    people = [user for user in users if not user.is_bot]
    return [
        Channel(id="C0HELP", name="help", members=ours, topic="Questions about Heron Mail"),
        Channel(
            id="C0SHARED",
            name="heron-acme",
            members=frozenset({"U0STRANGER", "U0CUSTOMER", "U0SUPPORT", BOT_USER}),
            is_ext_shared=True,
            topic="Acme and Heron Mail",
        ),
        Channel(
            id="C0AGENTS",
            name="agents",
            kind="group",
            members=frozenset({"U0SUPPORT", "U0LEAD", BOT_USER}),
            topic="Support only",
        ),
        Channel(id="C0RANDOM", name="random", members=ours - {BOT_USER, "U0GUEST"}),
        *(
            Channel(id=f"D{user.id[1:]}", name=user.name, kind="im", members=frozenset({user.id, BOT_USER}))
            for user in people
        ),
    ]


class State:
    """Everything that exists; each write goes through a method here and wakes whoever waits for a change."""

    def __init__(self) -> None:
        users = default_users()
        self.teams = {team.id: team for team in default_teams()}
        self.users = {user.id: user for user in users}
        self.channels = {channel.id: channel for channel in default_channels(users)}
        self.kept: dict[tuple[str, str], Message] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.views: dict[str, View] = {}
        self.files: dict[str, File] = {}
        self.prompts: dict[str, Json] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self.triggers: dict[str, tuple[float, str, str | None]] = {}
        self.hooks: dict[str, Json] = {}
        self.calls: list[Call] = []
        self.violations: list[Violation] = []
        self.deliveries: list[Delivery] = []
        self.version = 0
        self.changed = asyncio.Event()
        self._last_ts = 0
        self._counters: dict[str, int] = defaultdict(int)

    def touch(self) -> None:
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()

    def next_ts(self) -> str:
        """Unique in the whole double, growing, with the six digits that Slack's have."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        self._counters[prefix] += 1
        return f"{prefix}{self._counters[prefix]:08d}"

    def put(self, message: Message) -> Message:
        self.kept[message.channel, message.ts] = message
        self.touch()
        return message

    def put_channel(self, channel: Channel) -> None:
        self.channels[channel.id] = channel
        self.touch()

    def put_stream(self, stream: Stream) -> None:
        self.streams[stream.channel, stream.ts] = stream
        self.touch()

    def put_session(self, session: Session) -> None:
        self.sessions[session.channel, session.thread_ts] = session
        self.touch()

    def put_view(self, view: View) -> View:
        self.views[view.id] = view
        self.touch()
        return view

    def messages(
        self, channel: str, thread: str | None = None, user: str | None = None
    ) -> tuple[Message, ...]:
        """Live messages, oldest first; an ephemeral one only for the `user` who sees it."""
        return tuple(
            message
            for message in sorted(self.kept.values(), key=lambda one: one.ts)
            if message.channel == channel
            and not message.deleted
            and message.ephemeral_to in (None, user)
            and (thread is None or message.root == thread)
        )

    def find(self, channel: str, ts: str) -> Message | None:
        message = self.kept.get((channel, ts))
        return None if message is None or message.deleted else message
