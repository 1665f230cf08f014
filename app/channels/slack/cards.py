"""Cards with buttons: an approval, the question whether it is solved, and what became of either."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app import events as e
from app import shown
from app.channels.slack.blocks import (
    Block,
    Links,
    actions,
    button,
    context,
    escape,
    mrkdwn,
    plain_text,
    section,
)
from app.channels.slack.posting import OUTLET, Wired
from app.channels.slack.route import CHANNEL
from app.models.request import ActionRequest, RequestState
from app.texts import clean, clock, label, past, say
from app.texts import shown as shown_value

DIGEST = 12
"""So many characters of a request's digest stand in its buttons: enough to see that a card is out of date."""
REJECTED = "rejected by "
"""How a request's detail names whoever turned it down."""
TASK_STATE: Mapping[RequestState, str] = {
    "proposed": "pending",
    "approved": "in_progress",
    "executing": "in_progress",
    "verifying": "in_progress",
    "done": "complete",
    "sent": "complete",
}


class Card(NamedTuple):
    text: str
    """For notifications."""
    blocks: list[Block]


class Decided(NamedTuple):
    """Who decided a request, and when."""

    by: str
    at: datetime


def card_of(
    request: ActionRequest, decided: Decided | None, *, asker: str, lang: str, now: datetime, links: Links
) -> Card:
    """`asker`: as Slack names them, or in words. Buttons stand on it only while it can be decided."""
    _, payload = shown.proposal_event(request, lang)
    proposed = e.ActionProposed.model_validate(payload)
    inputs = ", ".join(clean(value) for _, value in proposed.inputs)
    command = label(proposed.title)
    title = say(lang, "slack.card.title", command=command, inputs=inputs) if inputs else command
    blocks: list[Block] = [{"type": "header", "text": plain_text(title, 150)}]
    if proposed.inputs:
        lines = [f"{escape(label(kind))}: {_value(value, lang)}" for kind, value in proposed.inputs]
        blocks.append(section(f"*{say(lang, 'slack.card.inputs')}*\n" + "\n".join(lines)[:2800]))
    seen = [f"• {_prerequisite(each, lang, now, links)}" for each in proposed.prerequisites]
    seen = seen or [say(lang, "slack.card.none")]
    blocks.append(section(f"*{say(lang, 'slack.card.seen')}*\n" + "\n".join(seen)[:2800]))
    if proposed.undo:
        blocks.append(section(f"*{say(lang, 'slack.card.undo')}*\n{mrkdwn(proposed.undo, links)}"))
    blocks += _open(proposed, request, asker, lang, now) if request.state == "proposed" else []
    if request.state != "proposed":
        blocks.append(context(*_outcome(request, decided, lang, now)))
    return Card(title, blocks)


def _value(value: str, lang: str) -> str:
    return escape(shown_value(value, lang))


def _prerequisite(seen: e.ShownPrerequisite, lang: str, now: datetime, links: Links) -> str:
    key = {True: "met", False: "not_met", None: "unknown"}[seen.met]
    when = past(seen.at, now, lang) if seen.at else say(lang, "when.just_now")
    said = mrkdwn(seen.seen or "", links, 400)
    return say(lang, f"slack.card.{key}", title=escape(label(seen.title)), seen=said, when=when)


def _open(
    proposed: e.ActionProposed, request: ActionRequest, asker: str, lang: str, now: datetime
) -> list[Block]:
    value = f"{request.id} {request.digest[:DIGEST]}"
    who = "slack.card.who_customer" if proposed.approval == "customer" else "slack.card.who_agent"
    until = say(lang, "slack.card.expires", when=clock(request.expires_at, now, lang))
    return [
        actions(
            button("approve", label(proposed.title), value, style="primary"),
            button("reject", say(lang, "slack.button.not_now"), value),
        ),
        context(say(lang, who, who=asker), until, f"`{request.id}`"),
    ]


def _outcome(request: ActionRequest, decided: Decided | None, lang: str, now: datetime) -> list[str]:
    """Who, when, and what came of it."""
    _, payload = shown.request_event(request)
    progress = escape(label(str(payload["title"])))
    lines = []
    if decided is not None:
        key = "slack.card.rejected" if request.rejected else "slack.card.approved"
        lines.append(say(lang, key, who=escape(decided.by), when=clock(decided.at, now, lang)))
    if not request.rejected:
        lines.append(say(lang, f"slack.card.state.{request.state}", progress=progress))
    return lines


def solved_buttons(conversation: str, lang: str) -> Block:
    return actions(
        button("solved", say(lang, "solved.answer_yes"), conversation, style="primary"),
        button("not_solved", say(lang, "solved.answer_no"), conversation),
    )


# --- with what is stored ------------------------------------------------------------------------


async def request_card(w: Wired, request_id: str, lang: str) -> Card | None:
    """The card as it stands now."""
    request = await w.store.request(request_id)
    if request is None:
        return None
    asker = await mention(w, request.conversation)
    decided = await _decided(w, request)
    return card_of(request, decided, asker=asker, lang=lang, now=w.service.clock(), links=w.links)


async def mention(w: Wired, conversation_id: str) -> str:
    """The asker as Slack shows a person, made of their id alone; in words where they ask in another place."""
    conversation = await w.store.conversation(conversation_id)
    if conversation is None:
        return "?"
    user = dict(conversation.context).get("_user", "")
    if conversation.channel == CHANNEL and user.isalnum():
        return f"<@{user}>"
    return escape(clean(conversation.principal.id, 60))


async def remember_decided(w: Wired, request_id: str, at: datetime) -> None:
    """Who decided and when; the first word of it counts."""
    key = f"decided:{request_id}"
    request = await w.store.request(request_id)
    if request is None or await w.store.posted(OUTLET, key) is not None:
        return
    by = request.approved_by or (request.detail.removeprefix(REJECTED) if request.rejected else None)
    if by and request.approval != "none":
        await w.store.mark_posted(OUTLET, key, f"{at.isoformat()} {by}")


async def _decided(w: Wired, request: ActionRequest) -> Decided | None:
    kept = await w.store.posted(OUTLET, f"decided:{request.id}")
    if kept is None:
        return None
    at, _, by = kept.partition(" ")
    return Decided(by, datetime.fromisoformat(at))
