"""What people press: buttons, modals, the shortcut and the slash command. Who may is asked at that moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, NamedTuple

from app.channels.slack import agents, cards
from app.channels.slack.limits import refused
from app.channels.slack.people import external_id
from app.channels.slack.posting import Wired, language_of, whisper
from app.channels.slack.route import CHANNEL, Place, place
from app.errors import BadInput, NotFound, OwnRequest, Unavailable
from app.identity import slack_person
from app.models.conversation import Conversation
from app.models.people import Principal
from app.texts import language, say

log = logging.getLogger(__name__)

TRIAGE_S = 20.0
"""How long a thread may take to be read before the modal shows what there is."""


class Click(NamedTuple):
    user: str
    team: str
    """The clicker's own workspace."""
    channel: str
    thread: str | None
    value: str
    choice: str
    trigger: str
    view: str


Press = Callable[[Wired, Click], Coroutine[Any, Any, None]]


async def clicked(w: Wired, what: Mapping[str, Any]) -> None:
    pressed = (what.get("actions") or [{}])[0]
    container, message = what.get("container") or {}, what.get("message") or {}
    user = what.get("user") or {}
    channel = (what.get("channel") or {}).get("id") or container.get("channel_id") or ""
    click = Click(
        user=str(user.get("id")),
        team=str(user.get("team_id") or w.installed.team),
        channel=str(channel),
        thread=message.get("thread_ts") or container.get("thread_ts"),
        value=str(pressed.get("value") or ""),
        choice=str(pressed.get("action_id") or ""),
        trigger=str(what.get("trigger_id") or ""),
        view=str((what.get("view") or {}).get("id") or ""),
    )
    press = PRESSES.get(click.choice)
    if press is None:
        log.warning("nothing of ours is called %r", click.choice)
        return
    try:
        await press(w, click)
    except NotFound:
        await _refuse(w, click, "gone")
    except BadInput:
        await _refuse(w, click, "sent" if click.choice in ("send", "edit", "dismiss") else "decided")


async def _refuse(w: Wired, click: Click, why: str, lang: str | None = None) -> None:
    if click.channel:
        words = say(lang or await _language(w, click.user), f"slack.refused.{why}")
        await whisper(w, click.channel, click.thread, click.user, words)


async def _language(w: Wired, user: str) -> str:
    person = await w.people.find(user)
    return language((person.language if person else None) or "en")


async def _asker(w: Wired, click: Click, conversation_id: str) -> tuple[Conversation, Principal] | None:
    """The conversation and the clicker in it, where they are the one who asks there. Else they are told."""
    conversation = await w.store.conversation(conversation_id)
    if conversation is None:
        raise NotFound(f"no conversation {conversation_id}")
    principal = await w.people.principal(click.user, click.team)
    if dict(conversation.context).get("_user") != click.user:
        await _refuse(w, click, "asker")
        return None
    if conversation.principal.party != principal.party:
        await w.service.join(conversation.id, principal)  # linked since
    return conversation, principal


async def _agent(w: Wired, click: Click) -> Principal | None:
    """The clicker as one of ours, by what Slack says of them now. Else they are told."""
    found = await w.people.agent(click.user, now=True)
    if found is None:
        await _refuse(w, click, "agents")
    return found


# --- approvals ----------------------------------------------------------------------------------


async def _decide(w: Wired, click: Click) -> None:
    request_id, _, digest = click.value.partition(" ")
    request = await w.store.request(request_id)
    if request is None:
        raise NotFound(f"no action request {request_id}")
    if digest != request.digest[: cards.DIGEST] or not digest:
        await _refuse(w, click, "changed", request.lang)
        return
    also: tuple[Principal, ...] = ()
    addresses: tuple[str, ...] = ()
    if request.approval == "agent":
        by = await _agent(w, click)
        person = await w.people.find(click.user)
        also = (await w.people.principal(click.user, click.team),)
        addresses = (person.email,) if person is not None and person.email else ()
    else:
        by = await w.people.principal(click.user, click.team)
        if by.party != request.principal.party or by.kind != "customer":
            await _refuse(w, click, "asker", request.lang)
            return
    if by is None:
        return
    verdict: Literal["approve", "reject"] = "approve" if click.choice == "approve" else "reject"
    try:
        await w.service.decide_request(request_id, verdict, by, also=also, addresses=addresses)
    except OwnRequest:
        await _refuse(w, click, "own")
    except Unavailable:
        await _refuse(w, click, "not_now")


# --- what askers press --------------------------------------------------------------------------


async def _feedback(w: Wired, click: Click) -> None:
    message_id, _, said = click.value.partition(" ")
    message = await w.store.message(message_id)
    if message is None:
        raise NotFound(f"no message {message_id}")
    found = await _asker(w, click, message.conversation)
    if found is None:
        return
    conversation, by = found
    await w.service.feedback(conversation.id, message_id, said == "yes", None, by)
    if said == "no":
        lang = await language_of(w, conversation.id)
        await open_view(w, click.trigger, agents.reason_modal(conversation.id, message_id, lang))


async def _solved(w: Wired, click: Click) -> None:
    found = await _asker(w, click, click.value)
    if found is not None:
        await w.service.solved(found[0].id, click.choice == "solved", found[1])


async def _person(w: Wired, click: Click) -> None:
    found = await _asker(w, click, click.value)
    if found is not None:
        await w.service.ask_for_person(found[0].id)


async def _again(w: Wired, click: Click) -> None:
    found = await _asker(w, click, click.value)
    if found is None:
        return
    if not any(case.procedure for case in await w.store.cases_of(found[0].id)):
        await _refuse(w, click, "empty")
        return
    await w.service.look_again(found[0].id, found[1])


async def _link(w: Wired, click: Click) -> None:
    await open_view(w, click.trigger, agents.link_modal(click.value, await _language(w, click.user)))


# --- what agents press --------------------------------------------------------------------------


async def _send(w: Wired, click: Click) -> None:
    by = await _agent(w, click)
    if by is None:
        return
    sent = await w.service.send_suggestion(click.value, by)
    if click.view:
        lang = await language_of(w, sent.conversation)
        view = agents.done_modal(lang)
        await w.api.call("views_update", view_id=click.view, view=view)


async def _edit(w: Wired, click: Click) -> None:
    if await _agent(w, click) is None:
        return
    suggestion = await w.store.suggestion(click.value)
    if suggestion is None:
        raise NotFound(f"no suggestion {click.value}")
    lang = await language_of(w, suggestion.conversation)
    await open_view(w, click.trigger, agents.edit_modal(suggestion, lang))


async def _dismiss(w: Wired, click: Click) -> None:
    by = await _agent(w, click)
    if by is not None:
        await w.service.dismiss(click.value, by)


async def _take(w: Wired, click: Click) -> None:
    by = await _agent(w, click)
    if by is not None:
        person = await w.people.find(click.user)
        await w.service.take_over(click.value, by, person.name if person else None)


async def _give_back(w: Wired, click: Click) -> None:
    by = await _agent(w, click)
    if by is not None:
        await w.service.give_back(click.value, by)


PRESSES: Mapping[str, Press] = {
    "approve": _decide,
    "reject": _decide,
    "feedback": _feedback,
    "solved": _solved,
    "not_solved": _solved,
    "person": _person,
    "again": _again,
    "link": _link,
    "send": _send,
    "edit": _edit,
    "dismiss": _dismiss,
    "take": _take,
    "give_back": _give_back,
}


# --- modals -------------------------------------------------------------------------------------


async def open_view(w: Wired, trigger: str, view: Mapping[str, Any]) -> str | None:
    """A modal for whoever pressed; a click is good for three seconds, and then nobody waits for it."""
    from slack_sdk.errors import SlackApiError

    try:
        answer = await w.api.call("views_open", trigger_id=trigger, view=dict(view))
    except SlackApiError as error:
        if refused(error) in ("expired_trigger_id", "exchanged_trigger_id", "trigger_exchanged"):
            log.info("a click was too old for a modal")
            return None
        raise
    return str((answer.get("view") or {}).get("id") or "") or None


def _values(view: Mapping[str, Any]) -> dict[str, str]:
    states = ((view.get("state") or {}).get("values") or {}).values()
    return {name: str(each.get("value") or "") for block in states for name, each in block.items()}


async def checked(w: Wired, body: Mapping[str, Any]) -> dict[str, str] | None:
    """Errors of a modal, shown where it is open; None where it is taken."""
    view, user = body["view"], str(body["user"]["id"])
    lang = await _language(w, user)
    values = _values(view)
    match view.get("callback_id"):
        case "link":
            team = str(body["user"].get("team_id") or w.installed.team)
            found = await w.service.redeem(values.get("code", ""), external_id(team, user))
            return None if found is not None else {"code": say(lang, "slack.link.wrong")}
        case "edit":
            if await w.people.agent(user, now=True) is None:
                return {"text": say(lang, "slack.refused.agents")}
            suggestion = await w.store.suggestion(str(view.get("private_metadata")))
            if suggestion is None or suggestion.state not in ("open", "superseded"):
                return {"text": say(lang, "slack.refused.sent")}
    return None


async def submitted(w: Wired, what: Mapping[str, Any]) -> None:
    """What a modal was sent for, after it was stored."""
    view, user = what["view"], what["user"]
    about, values = str(view.get("private_metadata") or ""), _values(view)
    team = str(user.get("team_id") or w.installed.team)
    match view.get("callback_id"):
        case "link":
            await _linked(w, about, str(user["id"]), team)
        case "reason":
            conversation, _, message = about.partition(" ")
            by = await w.people.principal(str(user["id"]), team)
            await w.service.feedback(conversation, message, False, values.get("reason"), by)
        case "edit":
            by_agent = await w.people.agent(str(user["id"]), now=True)
            if by_agent is not None:
                await _edited(w, about, by_agent, values.get("text", ""))


async def _edited(w: Wired, suggestion: str, by: Principal, text: str) -> None:
    try:
        await w.service.send_suggestion(suggestion, by, text)
    except BadInput as error:  # somebody else was faster
        log.info("a suggestion was not sent: %s", error)


async def _linked(w: Wired, conversation_id: str, user: str, team: str) -> None:
    """What they said here becomes the proven customer's, and they hear so."""
    principal = await w.people.principal(user, team)
    await _join_all(w, user, team, principal)
    conversation = await w.store.conversation(conversation_id)
    if conversation is None:
        return
    where = place(conversation.id)
    words = say(await language_of(w, conversation.id), "slack.link.done")
    await whisper(w, where.channel, where.thread, user, words)


# --- the shortcut -------------------------------------------------------------------------------


async def triage(w: Wired, what: Mapping[str, Any]) -> None:
    """Summary, steps and next action of a thread, for agents; one that we were not in is read first."""
    from app.channels.slack.work import backfill

    user = str((what.get("user") or {}).get("id"))
    if what.get("callback_id") != "triage_thread":
        return
    lang = await _language(w, user)
    channel = str((what.get("channel") or {}).get("id"))
    message = what.get("message") or {}
    root = str(message.get("thread_ts") or message.get("ts") or what.get("message_ts"))
    if await w.people.agent(user, now=True) is None:
        thread = message.get("thread_ts")
        await whisper(w, channel, thread, user, say(lang, "slack.agents.triage.only_agents"))
        return
    view_id = await open_view(w, str(what.get("trigger_id")), agents.reading_modal(lang))
    if view_id is None:
        return
    where = Place(w.installed.team, channel, root)
    conversation = await w.store.conversation(where.id)
    id = conversation.id if conversation is not None else await backfill(w, channel, root)
    if id is not None:
        await _read(w, id)
    view = await agents.triage_modal(w, id or where.id, lang)
    await w.api.call("views_update", view_id=view_id, view=view)


async def _read(w: Wired, conversation_id: str) -> None:
    """Returns when nothing of it is left to be read, or when that takes too long."""
    try:
        async with asyncio.timeout(TRIAGE_S):
            after = 0
            while await w.store.to_do(conversation_id):
                after = await w.store.last_seq(conversation_id)
                await w.store.wait_for_events(conversation_id, after, 0.3)
    except TimeoutError:
        return


# --- the command --------------------------------------------------------------------------------


async def command(w: Wired, body: Mapping[str, Any]) -> str:
    """What `/stepfour ...` answers, to that person alone."""
    user, team = str(body.get("user_id")), str(body.get("team_id") or w.installed.team)
    lang = await _language(w, user)
    verb, _, rest = str(body.get("text") or "").strip().partition(" ")
    match verb.lower():
        case "" | "help":
            return say(lang, "slack.command.help")
        case "link":
            return await _redeemed(w, rest, user, team, lang)
        case "status" | "person":
            newest = await _newest(w, user, team)
            if newest is None:
                return say(lang, "slack.command.nothing")
            if verb.lower() == "person":
                await w.service.ask_for_person(newest.id)
                return say(lang, "slack.command.person")
            return say(lang, "slack.command.status", status=say(lang, f"slack.status.{newest.status}"))
    return say(lang, "slack.command.unknown")


async def _redeemed(w: Wired, code: str, user: str, team: str, lang: str) -> str:
    if not code.strip():
        return say(lang, "slack.command.code")
    found = await w.service.redeem(code, external_id(team, user))
    if found is None:
        return say(lang, "slack.link.wrong")
    await _join_all(w, user, team, found)
    return say(lang, "slack.link.done")


async def _join_all(w: Wired, user: str, team: str, principal: Principal) -> None:
    for conversation in await w.store.conversations_of(slack_person(team, user).party):
        await w.service.join(conversation.id, principal)


async def _newest(w: Wired, user: str, team: str) -> Conversation | None:
    principal = await w.people.principal(user, team)
    own = await w.store.conversations_of(principal.party)
    return next((each for each in own if each.channel == CHANNEL), None)
