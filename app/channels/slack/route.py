"""What to do about what is said in Slack: pure, from event, mode of the channel and how the thread stands."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from app.settings import SlackMode
from knowledge.model import Value

CHANNEL = "slack"
Move = Literal["ignore", "answer", "overhear", "take_over", "resume"]
"""`overhear`: take it in as said to nobody of us; `take_over`: a person of ours answers; `resume`: they ask
us to go on."""


class Place(NamedTuple):
    """Where a conversation is held. Its id is made of this, so that any event finds it."""

    team: str
    channel: str
    thread: str
    user: str | None = None
    """A second asker in somebody else's thread."""

    @property
    def id(self) -> str:
        return "-".join(part for part in (CHANNEL, *self) if part)


def place(conversation_id: str) -> Place:
    _, team, channel, thread, *user = conversation_id.split("-")
    return Place(team, channel, thread, user[0] if user else None)


class HeardFile(Value):
    id: str
    name: str
    url: str
    size: int


class Heard(Value):
    """A message that a person sent."""

    team: str
    channel: str
    user: str
    user_team: str
    ts: str
    thread: str | None
    text: str
    """As plain text, without the mention of us."""
    direct: bool
    mentions_us: bool
    files: tuple[HeardFile, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.team, self.channel, self.thread or self.ts)


class Edited(Value):
    team: str
    channel: str
    ts: str
    thread: str | None
    text: str
    stamp: str


class Deleted(Value):
    team: str
    channel: str
    ts: str
    thread: str | None


class Thread(Value):
    """How a thread stands, seen by the person who speaks."""

    known: bool = False
    """A conversation of ours is held in it."""
    mine: bool = False
    """The speaker asks in it."""
    engaged: bool = False
    """We were spoken to in the speaker's conversation, or have answered there."""


def read(event: Mapping[str, Any], team: str, us: str) -> Heard | Edited | Deleted | None:
    """A `message` or `app_mention` event as what it tells; None where no person said anything to anybody."""
    subtype = event.get("subtype")
    match subtype:
        case "message_changed":
            return _edited(event, team, us)
        case "message_deleted":
            before = event.get("previous_message") or {}
            if before.get("bot_id"):
                return None
            return Deleted(
                team=team,
                channel=event["channel"],
                ts=str(event.get("deleted_ts") or before.get("ts") or ""),
                thread=_thread(before),
            )
        case None | "file_share" | "thread_broadcast":
            return _heard(event, team, us)
    return None


def _heard(event: Mapping[str, Any], team: str, us: str) -> Heard | None:
    user = event.get("user")
    if event.get("bot_id") or not user or user in (us, "USLACKBOT") or not event.get("ts"):
        return None
    text = str(event.get("text") or "")
    files = tuple(
        HeardFile(
            id=str(file["id"]),
            name=str(file.get("name") or "file"),
            url=str(file["url_private"]),
            size=int(file.get("size") or 0),
        )
        for file in event.get("files") or ()
        if file.get("url_private") and not file.get("is_external")
    )
    return Heard(
        team=team,
        channel=event["channel"],
        user=user,
        user_team=str(event.get("user_team") or event.get("team") or team),
        ts=event["ts"],
        thread=_thread(event),
        text=plain(text, us),
        direct=event["channel"].startswith("D"),
        mentions_us=mentions(text, us),
        files=files,
    )


def _edited(event: Mapping[str, Any], team: str, us: str) -> Edited | Deleted | None:
    now, before = event.get("message") or {}, event.get("previous_message") or {}
    if now.get("bot_id") or now.get("user") == us or not now.get("ts"):
        return None
    if now.get("subtype") == "tombstone":  # deleted, but others had replied
        return Deleted(team=team, channel=event["channel"], ts=now["ts"], thread=_thread(now))
    stamp = str((now.get("edited") or {}).get("ts") or "")
    if not stamp or now.get("text") == before.get("text"):  # a link was unfurled, a reply was counted
        return None
    return Edited(
        team=team,
        channel=event["channel"],
        ts=now["ts"],
        thread=_thread(now),
        text=plain(str(now.get("text") or ""), us),
        stamp=stamp,
    )


def _thread(message: Mapping[str, Any]) -> str | None:
    thread = message.get("thread_ts")
    return str(thread) if thread and thread != message.get("ts") else None


def mode_of(channel: str, modes: Mapping[str, SlackMode], *, agents_channel: str | None) -> SlackMode:
    """The agents' own channel is never one of the customers'."""
    if channel == agents_channel:
        return "off"
    return modes.get(channel, modes.get("*", "mention"))


def route(heard: Heard, mode: SlackMode, thread: Thread, *, ours: bool) -> Move:
    """`ours`: the speaker is a person on our side."""
    if heard.direct:
        return "answer"
    if mode == "off":
        return "ignore"
    if ours and thread.known and not thread.mine:
        return "resume" if heard.mentions_us else "take_over"
    if heard.mentions_us:
        return "answer"
    if heard.thread is not None:
        if not thread.mine:
            return "ignore"
        return "answer" if thread.engaged else "overhear"
    if ours or mode == "mention":
        return "ignore"
    return "overhear"


# --- words --------------------------------------------------------------------------------------

_CONTROL = re.compile(r"<([^<>\n]*)>")


def mentions(text: str, us: str) -> bool:
    return re.search(rf"<@{re.escape(us)}(?:\|[^>]*)?>", text) is not None


def plain(text: str, us: str) -> str:
    """What a person typed: Slack's links and mentions as words, escapes undone, the mention of us gone."""

    def word(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target == f"@{us}":
            return ""
        if target.startswith(("@", "#")):
            return target[0] + (label or target[1:])
        if target.startswith("!"):
            return "@" + (label or target[1:].partition("^")[0]).lstrip("@")
        if label and target.removeprefix("mailto:").split("://")[-1] == label:
            return label  # Slack made a link of a bare name or address
        return f"{label} ({target})" if label else target

    text = re.sub(rf"<@{re.escape(us)}(?:\|[^>]*)?>\s*", "", text)
    return html.unescape(_CONTROL.sub(word, text)).strip()


_TYPO = 2
"""So many changed letters in a word of four or more are a typing mistake put right."""


def material(before: str, after: str) -> bool:
    """Whether an edit says something else. Case, punctuation and mended words do not; a name does."""
    old, new = _terms(before), _terms(after)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            continue
        gone, come = old[i:j], new[k:m]
        if len(gone) != len(come) or not all(map(_mended, gone, come)):
            return True
    return False


def _terms(text: str) -> Sequence[str]:
    words = (word.strip(".,;:!?…()[]\"'“”") for word in text.casefold().split())
    return [word for word in words if any(char.isalnum() for char in word)]


def _mended(before: str, after: str) -> bool:
    if min(len(before), len(after)) < 4 or not (before.isalpha() and after.isalpha()):
        return False
    return _distance(before, after) <= _TYPO and before[0] == after[0]


def _distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]
