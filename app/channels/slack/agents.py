"""The agents' private channel: suggestions, approvals and handoffs as cards that say what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import events as e
from app.channels.slack import blocks as b
from app.channels.slack import cards
from app.channels.slack.cards import Card
from app.channels.slack.posting import DOUBT, Wired, post_once, update
from app.channels.slack.posting import OUTLET as POSTS
from app.handoff import as_text
from app.links import case_link
from app.models.conversation import Conversation
from app.models.dossier import Dossier
from app.models.event import AGENTS, Event
from app.models.record import Suggestion
from app.shown import checklist
from app.texts import clean, place, say

OUTLET = "slack-agents"
LONGEST_SUGGESTION = 2_800


class AgentsOutlet:
    """Follows the agents' own log, whatever channel a conversation is held in."""

    name: str = OUTLET
    channel: str | None = None
    agents: bool = True

    def __init__(self, w: Wired, room: str) -> None:
        self._w = w
        self._room = room

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        if log != AGENTS:
            return
        for event in events:
            match e.parsed(event.type, event.payload):
                case e.AgentSuggestion(suggestion=id):
                    await self._suggestion(id)
                case e.AgentRequest(request=id):
                    await self._request(id, event)
                case e.AgentHandoff() as handoff:
                    await self._handoff(handoff, event)
                case e.AgentCase(conversation=id, what="status" | "resolution"):
                    await self._as_it_stands(id)
                case _:
                    continue

    async def _put(self, key: str, card: Card, *, only_known: bool = False) -> str | None:
        """Posts a card, or brings the one that is there up to date."""
        known = await self._w.store.posted(POSTS, key)
        if known is None and only_known:
            return None
        if known in (None, DOUBT):
            return await post_once(self._w, key, self._room, None, text=card.text, blocks=card.blocks)
        if known:
            await update(self._w, self._room, known, text=card.text, blocks=card.blocks)
        return known or None

    async def _suggestion(self, id: str) -> None:
        suggestion = await self._w.store.suggestion(id)
        if suggestion is None:
            return
        card = await suggestion_card(self._w, suggestion)
        await self._put(f"s:{id}", card, only_known=suggestion.state != "open")
        older = [
            s for s in await self._w.store.suggestions(suggestion.conversation) if s.state == "superseded"
        ]
        for each in older[-2:]:  # a newer one has taken its place without a word of its own
            await self._put(f"s:{each.id}", await suggestion_card(self._w, each), only_known=True)

    async def _request(self, id: str, event: Event) -> None:
        request = await self._w.store.request(id)
        if request is None or request.approval != "agent":
            return
        await cards.remember_decided(self._w, id, event.at)
        lang = self._w.settings.agents_language
        card = await cards.request_card(self._w, id, lang)
        if card is None:
            return
        who = say(lang, "slack.agents.request", **await where(self._w, request.conversation, lang))
        words = say(lang, "slack.agents.request", **await in_words(self._w, request.conversation, lang))
        about = b.context(who, opened(self._w, request.conversation, lang))
        whole = Card(f"{words}: {card.text}", [about, *card.blocks])
        await self._put(f"ag:{id}", whole, only_known=request.state != "proposed")

    async def _handoff(self, handoff: e.AgentHandoff, event: Event) -> None:
        """`turn` names its dossier; a handoff by a button has the newest one."""
        conversation = await self._w.store.conversation(handoff.conversation)
        if conversation is None:
            return
        dossiers = await self._w.store.dossiers(handoff.conversation)
        dossier = dict(dossiers).get(handoff.turn or "") or (dossiers[-1][1] if dossiers else None)
        card = await handoff_card(self._w, conversation, dossier, again=handoff.again)
        key = f"ho:{event.seq}"
        ts = await self._put(key, card)
        await self._w.store.mark_posted(POSTS, f"ho-of:{conversation.id}", f"{key} {int(handoff.again)}")
        if dossier is not None and ts:
            lang = self._w.settings.agents_language
            library = self._w.service.services.library
            procedure = await library.procedure(dossier.procedure, lang) if dossier.procedure else None
            text = as_text(dossier, lang, procedure=procedure)
            title = say(lang, "slack.agents.dossier")
            words = {"type": "markdown", "text": b.markdown(text, self._w.links)}
            body = [b.context(f"*{title}*"), words]
            await post_once(self._w, f"{key}:dossier", self._room, ts, text=title, blocks=body)

    async def _as_it_stands(self, conversation_id: str) -> None:
        """Who has it now, on the newest handoff card of a conversation."""
        kept = await self._w.store.posted(POSTS, f"ho-of:{conversation_id}")
        conversation = await self._w.store.conversation(conversation_id)
        if kept is None or conversation is None:
            return
        key, _, again = kept.partition(" ")
        dossiers = await self._w.store.dossiers(conversation_id)
        dossier = dossiers[-1][1] if dossiers else None
        card = await handoff_card(self._w, conversation, dossier, again=again == "1")
        await self._put(key, card, only_known=True)


# --- cards --------------------------------------------------------------------------------------


async def where(w: Wired, conversation_id: str, lang: str) -> dict[str, str]:
    """Who asks, and in which place, as this channel's readers see it."""
    conversation = await w.store.conversation(conversation_id)
    context = dict(conversation.context) if conversation is not None else {}
    who = await cards.mention(w, conversation_id)
    if conversation is not None and conversation.principal.account:
        who += f" ({b.escape(clean(conversation.principal.account, 60))})"
    there = context.get("_channel", "")
    spot = f"<#{there}>" if there.isalnum() and not there.startswith("D") else ""
    spot = spot or b.escape(place(conversation.channel if conversation is not None else "", lang))
    return {"who": who, "where": spot}


async def in_words(w: Wired, conversation_id: str, lang: str) -> dict[str, str]:
    """The same for notifications, which show no mentions."""
    conversation = await w.store.conversation(conversation_id)
    context = dict(conversation.context) if conversation is not None else {}
    known = conversation.principal.id if conversation is not None else "?"
    channel = conversation.channel if conversation is not None else ""
    return {"who": clean(context.get("_name", known), 60), "where": place(channel, lang)}


def opened(w: Wired, conversation_id: str, lang: str) -> str:
    """A link to the conversation on the agents' page."""
    address = case_link(w.own, conversation_id)
    return f"<{address}|{say(lang, 'slack.agents.open')}>"


async def summary_lines(w: Wired, conversation_id: str, lang: str) -> list[str]:
    from app.summary import summary

    turns = await w.store.turns(conversation_id)
    messages = await w.store.messages(conversation_id)
    return [b.mrkdwn(line.text, w.links, 900) for line in summary(turns, messages, lang)]


async def suggestion_card(w: Wired, suggestion: Suggestion) -> Card:
    lang = w.settings.agents_language
    title = say(lang, "slack.agents.suggestion")
    spot = say(lang, "slack.agents.suggestion_for", **await where(w, suggestion.conversation, lang))
    blocks: list[b.Block] = [
        {"type": "header", "text": b.plain_text(title, 150)},
        b.context(spot, opened(w, suggestion.conversation, lang)),
    ]
    lines = await summary_lines(w, suggestion.conversation, lang)
    if lines:
        blocks.append(b.section(f"*{say(lang, 'slack.agents.summary')}*\n" + "\n".join(lines)))
    blocks.append(b.section("*" + title + "*\n" + b.mrkdwn(suggestion.text, w.links, LONGEST_SUGGESTION)))
    notes = [say(lang, "slack.agents.reason", because=b.escape(clean(suggestion.decision.because, 300)))]
    notes += [say(lang, f"slack.agents.warning.{code}") for code in suggestion.warnings]
    blocks.append(b.context(*notes))
    if suggestion.state == "open":
        blocks.append(_suggestion_buttons(suggestion, lang))
    else:
        who = b.escape(suggestion.by or say(lang, "slack.agents.somebody"))
        blocks.append(b.context(say(lang, f"slack.agents.state.{suggestion.state}", who=who)))
    return Card(title, blocks)


def _suggestion_buttons(suggestion: Suggestion, lang: str) -> b.Block:
    words = {name: say(lang, f"slack.button.{name}") for name in ("send", "edit", "take", "dismiss")}
    return b.actions(
        b.button("send", words["send"], suggestion.id, style="primary"),
        b.button("edit", words["edit"], suggestion.id),
        b.button("take", words["take"], suggestion.conversation),
        b.button("dismiss", words["dismiss"], suggestion.id),
    )


async def handoff_card(w: Wired, conversation: Conversation, dossier: Dossier | None, *, again: bool) -> Card:
    lang = w.settings.agents_language
    title = say(lang, "slack.agents.handoff", **await where(w, conversation.id, lang))
    blocks: list[b.Block] = [b.section(f"*{title}*")]
    if again:
        blocks.append(b.context(f"*{say(lang, 'slack.agents.again')}*"))
    if dossier is not None:
        blocks.append(b.section(b.mrkdwn(dossier.summary, w.links)))
        move = b.mrkdwn(dossier.next_move, w.links, 900)
        blocks.append(b.section(say(lang, "slack.agents.next", move=f"*{move}*")))
    standing = _standing(conversation, await _who_has_it(w, conversation), lang)
    blocks.append(b.context(standing, opened(w, conversation.id, lang)))
    if conversation.status != "resolved":
        action, words = ("give_back", "give_back") if conversation.person_active else ("take", "take")
        blocks.append(b.actions(b.button(action, say(lang, f"slack.button.{words}"), conversation.id)))
    words = say(lang, "slack.agents.handoff", **await in_words(w, conversation.id, lang))
    return Card(words, blocks)


def _standing(conversation: Conversation, who: str, lang: str) -> str:
    if conversation.person_active:
        return say(lang, "slack.agents.state.with", who=b.escape(who))
    if conversation.status == "resolved":
        return say(lang, "slack.agents.state.solved")
    if conversation.status == "with_agents":
        return say(lang, "slack.agents.state.waiting")
    return say(lang, "slack.agents.state.back")


async def _who_has_it(w: Wired, conversation: Conversation) -> str:
    """The agent who joined last."""
    name: Any = None
    after = 0
    while events := await w.store.events(conversation.id, after):
        after = events[-1].seq
        for event in events:
            if event.type == "handoff" and event.payload.get("state") == "joined":
                name = event.payload.get("name")
    lang = w.settings.agents_language
    return clean(str(name), 60) if name else say(lang, "slack.agents.somebody")


# --- modals -------------------------------------------------------------------------------------


def modal(
    callback: str,
    title: str,
    blocks: list[b.Block],
    *,
    close: str,
    submit: str | None = None,
    about: str = "",
) -> b.Block:
    view: b.Block = {
        "type": "modal",
        "callback_id": callback,
        "title": b.plain_text(title, 24),
        "close": b.plain_text(close, 24),
        "blocks": blocks,
        "private_metadata": about,
    }
    return view | ({"submit": b.plain_text(submit, 24)} if submit else {})


def text_input(action: str, words: str, *, value: str = "", lines: bool = True) -> b.Block:
    element: b.Block = {"type": "plain_text_input", "action_id": action, "multiline": lines}
    element |= {"initial_value": value[:3000]} if value else {}
    return {"type": "input", "block_id": action, "label": b.plain_text(words, 150), "element": element}


def edit_modal(suggestion: Suggestion, lang: str) -> b.Block:
    field = text_input("text", say(lang, "slack.agents.edit_label"), value=suggestion.text)
    title, send = say(lang, "slack.agents.edit_title"), say(lang, "slack.reason.send")
    return modal(
        "edit", title, [field], close=say(lang, "slack.link.close"), submit=send, about=suggestion.id
    )


def reason_modal(conversation: str, message: str, lang: str) -> b.Block:
    field = text_input("reason", say(lang, "slack.reason.label"))
    title, send = say(lang, "slack.reason.title"), say(lang, "slack.reason.send")
    about = f"{conversation} {message}"
    return modal("reason", title, [field], close=say(lang, "slack.link.close"), submit=send, about=about)


def link_modal(conversation: str, lang: str) -> b.Block:
    field = text_input("code", say(lang, "slack.link.code"), lines=False)
    blocks = [b.section(b.escape(say(lang, "slack.link.how"))), field]
    title, enter = say(lang, "slack.link.title"), say(lang, "slack.link.enter")
    return modal("link", title, blocks, close=say(lang, "slack.link.close"), submit=enter, about=conversation)


def reading_modal(lang: str) -> b.Block:
    blocks = [b.section(say(lang, "slack.agents.triage.reading"))]
    return modal(
        "triage", say(lang, "slack.agents.triage.title"), blocks, close=say(lang, "slack.link.close")
    )


async def triage_modal(w: Wired, conversation_id: str, lang: str) -> b.Block:
    """Summary, steps and what to do next about one thread."""
    turns = await w.store.turns(conversation_id)
    title, close = say(lang, "slack.agents.triage.title"), say(lang, "slack.link.close")
    if not turns:
        return modal("triage", title, [b.section(say(lang, "slack.agents.triage.nothing"))], close=close)
    lang = turns[-1].reading.language
    facts = turns[-1].facts
    blocks = [b.section("\n".join(await summary_lines(w, conversation_id, lang)) or "…")]
    lines = [say(lang, "slack.agents.triage.no_steps")]
    if facts.procedure is not None:
        steps = checklist(facts, facts.procedure, None).steps
        lines = [
            f"• {b.escape(step.title)}: {b.mrkdwn(b.word(step, w.service.clock(), lang), w.links, 300)}"
            for step in steps
        ]
    blocks.append(b.section(f"*{say(lang, 'slack.agents.triage.steps')}*\n" + "\n".join(lines)[:2800]))
    open_ones = [s for s in await w.store.suggestions(conversation_id) if s.state == "open"]
    because = open_ones[-1].decision.because if open_ones else turns[-1].decision.because
    blocks.append(b.section(f"*{say(lang, 'slack.agents.triage.next')}*\n{b.escape(clean(because, 600))}"))
    if open_ones:
        words = f"*{say(lang, 'slack.agents.suggestion')}*\n{b.mrkdwn(open_ones[-1].text, w.links)}"
        post = b.button("send", say(lang, "slack.agents.triage.post"), open_ones[-1].id, style="primary")
        blocks += [b.section(words), b.actions(post)]
    return modal("triage", title, blocks, close=close, about=conversation_id)


def done_modal(lang: str) -> b.Block:
    blocks = [b.section(say(lang, "slack.agents.triage.posted"))]
    return modal(
        "triage", say(lang, "slack.agents.triage.title"), blocks, close=say(lang, "slack.link.close")
    )
