"""From us to Chatwoot: replies, private notes for agents, and whose turn it is."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from app import events
from app.announcing import action_titles, solved_question
from app.channels.chatwoot.api import Api
from app.channels.chatwoot.core import NAME, Core, came_from_there, log_of, number_of, opened_by_us
from app.channels.chatwoot.theirs import CHOICE_CHANNELS, TheirMessage
from app.channels.chatwoot.wording import (
    agents_page,
    approval_note,
    by_name,
    dossier_note,
    ended_note,
    options,
    safe,
    suggestion_note,
)
from app.delivery import TryLater
from app.errors import BadInput, ConfigError
from app.handoff import as_text
from app.models.dossier import Dossier
from app.models.event import AGENTS, Event

logger = logging.getLogger(__name__)

SENDING = "?"
"""Mark of a message that is about to be written: where it stays, we look before writing again."""
REFUSED_WAIT_S = 60.0
"""Our token does not hold: somebody has to change it, and nothing is lost until then."""
ENDED = ("done", "sent", "undone", "needs_person", "refused", "expired")


class ChatwootOutlet:
    """Follows the logs of Chatwoot's conversations, and the agents' for notes on them."""

    name = NAME
    channel: str | None = NAME
    agents = True

    def __init__(self, service: Core, api: Api, account: int) -> None:
        self._service, self._api, self._account = service, api, account

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        """Raises `TryLater` where our token is refused; what else it raises is tried again, too."""
        try:
            if log == AGENTS:
                for event in events:
                    await self._for_agents(event)
            else:
                await self._for_customer(log, events)
        except ConfigError as error:
            logger.error("%s", error)
            raise TryLater(REFUSED_WAIT_S) from error

    # --- a conversation's own log ---

    async def _for_customer(self, ours: str, happened: Sequence[Event]) -> None:
        number = number_of(ours, self._account)
        if number is None:  # of an account that was set before
            return
        for event in happened:
            match events.parsed(event.type, event.payload):
                case events.MessageDone(message=message):
                    await self._message(number, ours, event, message)
                case events.Handoff(state="joined" | "ended" as state, name=name):
                    # "requested" is in the agents' log, too, where the dossier goes first.
                    if not came_from_there(name):
                        await self._follow_person(number, ours, joined=state == "joined")
                case events.Resolved(state="asked"):
                    await self._ask(number, ours, event)
                case events.Resolved(state="confirmed" | "silent"):
                    await self._resolve(number)

    async def _message(self, number: int, ours: str, event: Event, message: events.ShownMessage) -> None:
        if message.role == "customer" or (message.client_message_id or "").startswith(f"{NAME}-"):
            return  # it came from there
        if message.role == "bot" and await self._is_question(ours, event):
            return  # it is written with its options
        text = message.text if message.role == "bot" else by_name(message.name, message.text)
        await self._write(number, f"message:{message.id}", event, text, also=message.leads())

    async def _is_question(self, ours: str, event: Event) -> bool:
        (following, *_) = [*await self._service.store.events(ours, event.seq, limit=1), None]
        return following is not None and _asks(following)

    async def _ask(self, number: int, ours: str, event: Event) -> None:
        """The question whether it is solved, with options where the customer's channel can show them."""
        store = self._service.store
        before = await store.events(ours, event.seq - 2, limit=1) if event.seq > 1 else []
        said = events.parsed(before[0].type, before[0].payload) if before else None
        lang = await self._language(ours)
        own = isinstance(said, events.MessageDone) and said.message.role == "bot"
        message = said.message if isinstance(said, events.MessageDone) and own else None
        text, also = (message.text, message.leads()) if message else (solved_question(lang), frozenset[str]())
        theirs = await self._api.conversation(number)
        select = theirs is not None and theirs.meta.channel in CHOICE_CHANNELS
        more: dict[str, Any] = (
            {"content_type": "input_select", "content_attributes": {"items": options(lang)}} if select else {}
        )
        await self._write(number, f"asked:{ours}:{event.seq}", event, text, also=also, **more)

    async def _follow_person(self, number: int, ours: str, *, joined: bool) -> None:
        """An agent took it or gave it back in our own page; only what still holds is told."""
        conversation = await self._service.store.conversation(ours)
        theirs = await self._api.conversation(number)
        if conversation is None or theirs is None or conversation.person_active != joined:
            return
        if joined and theirs.status != "open":
            await self._api.set_status(number, "open")
        elif not joined and theirs.status == "open":
            await self._service.store.mark_posted(NAME, opened_by_us(ours), "")
            await self._api.set_status(number, "pending")

    async def _open(self, number: int, ours: str) -> None:
        """Puts it before people. Marked first: whom Chatwoot assigns it to has not joined by that."""
        theirs = await self._api.conversation(number)
        if theirs is None or theirs.status == "open":
            return
        await self._service.store.mark_posted(NAME, opened_by_us(ours), "yes")
        await self._api.set_status(number, "open")

    async def _resolve(self, number: int) -> None:
        theirs = await self._api.conversation(number)
        if theirs is not None and theirs.status == "pending":
            await self._api.set_status(number, "resolved")

    # --- the agents' log ---

    async def _for_agents(self, event: Event) -> None:
        payload = events.parsed(event.type, event.payload)
        if not isinstance(payload, events.AgentSuggestion | events.AgentRequest | events.AgentHandoff):
            return
        number = number_of(payload.conversation, self._account)
        if number is None:
            return
        match payload:
            case events.AgentSuggestion(state="open"):
                await self._suggest(number, event, payload)
            case events.AgentRequest():
                await self._request(number, event, payload)
            case events.AgentHandoff():
                await self._pass_on(number, event, payload)

    async def _suggest(self, number: int, event: Event, news: events.AgentSuggestion) -> None:
        suggestion = await self._service.store.suggestion(news.suggestion)
        if suggestion is None or suggestion.state != "open":
            return  # it was sent, dropped or followed by a newer one meanwhile
        text = suggestion_note(
            suggestion.text,
            suggestion.citations,
            suggestion.decision.because,
            lang=await self._language(news.conversation),
            page=self._page(news.conversation),
        )
        await self._note(number, f"suggestion:{suggestion.id}", event, text)
        await self._open(number, news.conversation)  # where only people may speak, they have to see it

    async def _request(self, number: int, event: Event, news: events.AgentRequest) -> None:
        request = await self._service.store.request(news.request)
        if request is None or request.approval == "none":
            return
        title = action_titles(request.words, request.lang).command
        if news.state == "proposed" and request.state == "proposed":
            by_customer = request.approval == "customer"
            page = self._page(news.conversation)
            text = approval_note(title, by_customer=by_customer, lang=request.lang, page=page)
            await self._note(number, f"request:{request.id}", event, text)
        elif news.state in ENDED and await self._service.store.posted(NAME, f"request:{request.id}"):
            text = ended_note(title, news.state, news.by, lang=request.lang)
            await self._note(number, f"request:{request.id}:{news.state}", event, text)

    async def _pass_on(self, number: int, event: Event, news: events.AgentHandoff) -> None:
        """Everything known as a note, then the conversation before people: they never see it bare."""
        dossier = await self._dossier(news)
        if dossier is not None:
            lang = dossier.lang
            text = dossier_note(
                as_text(dossier, lang), again=news.again, lang=lang, page=self._page(news.conversation)
            )
            await self._note(number, f"dossier:{event.seq}", event, text)
        await self._open(number, news.conversation)

    async def _dossier(self, news: events.AgentHandoff) -> Dossier | None:
        kept = await self._service.store.dossiers(news.conversation)
        found = dict(kept).get(news.turn or "")
        return found or (kept[-1][1] if kept else None)

    def _page(self, ours: str) -> str:
        return agents_page(self._service.settings, ours)

    async def _language(self, ours: str) -> str:
        cases = await self._service.store.cases_of(ours)
        return cases[0].reading.language if cases else "en"

    # --- once ---

    async def _note(self, number: int, key: str, event: Event, text: str) -> None:
        await self._write(number, key, event, text, private=True)

    async def _write(
        self,
        number: int,
        key: str,
        event: Event,
        text: str,
        *,
        also: Collection[str] = (),
        **more: Any,
    ) -> None:
        """Writes a message once, whatever breaks between writing and knowing of it.

        `also`: where its links may lead besides.
        """
        store = self._service.store
        marked = await store.posted(NAME, key)
        if marked not in (None, SENDING):
            return
        # Chatwoot keeps no key of ours; it does keep this moment, which with the words is as good.
        body = {
            "content": safe(text, self._service.settings, also),
            "message_type": "outgoing",
            "private": False,
            "external_created_at": int(event.at.timestamp()),
            **more,
        }
        written = await self._written(number, body) if marked == SENDING else None
        if written is None:
            await store.mark_posted(NAME, key, SENDING)
            try:
                written = await self._api.write(number, body)
            except BadInput as error:
                logger.error("%s in %s is not written: %s", key, log_of(self._account, number), error)
                written = 0
        await store.mark_posted(NAME, key, str(written or 0))

    async def _written(self, number: int, body: dict[str, Any]) -> int | None:
        for message in reversed(await self._api.messages(number, 0)):
            if _same(message, body):
                return message.id
        return None


def _same(message: TheirMessage, body: dict[str, Any]) -> bool:
    return (
        message.by_bot
        and message.private == body["private"]
        and message.content_attributes.get("external_created_at") == body["external_created_at"]
        and (message.content or "").strip() == body["content"].strip()
    )


def _asks(event: Event) -> bool:
    return event.type == "resolution" and event.payload.get("state") == "asked"
