"""From Chatwoot to us: who writes, what was said, whose turn it is. A webhook only says where to look."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from weakref import WeakValueDictionary

from app.channels.chatwoot.api import Api
from app.channels.chatwoot.core import NAME, NO, YES, Core, came_from_there, log_of, opened_by_us, read_up_to
from app.channels.chatwoot.theirs import INCOMING, File, TheirConversation, TheirMessage
from app.errors import BadInput
from app.identity import chatwoot_agent, chatwoot_contact, chatwoot_stranger
from app.ids import new_id
from app.models.conversation import Attachment, Conversation, Mode
from app.models.people import Principal

log = logging.getLogger(__name__)

PROVES_SINCE = (4, 18)
"""Before 4.18.0 a visitor with a proven identifier could take another without proof (chatwoot PR #14884)."""
ASKED_AGAIN_S = 300.0
"""How long the answer counts whether an inbox enforces identity validation."""
LONGEST_TEXT = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Inbound:
    """Brings conversations of one Chatwoot account up to date in our store, from its API alone."""

    def __init__(self, service: Core, api: Api, account: int) -> None:
        self._service, self._api, self._account = service, api, account
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._enforced: dict[int, tuple[float, bool]] = {}
        self.unsettled: set[int] = set()
        """Conversations whose turn is open until Chatwoot has heard of a handoff of ours: look again soon."""

    async def bring_up_to_date(self, id: int, message: int | None = None) -> str | None:
        """Reads what is new of a conversation; its id with us, or None where Chatwoot has none so numbered.

        `message`: one that is read even where later ones were read before: webhooks overtake each other.
        """
        async with self._locks.setdefault(id, asyncio.Lock()):
            theirs = await self._api.conversation(id)
            if theirs is None:
                return None
            ours = log_of(self._account, id)
            principal = await self._who(theirs)
            known = await self._service.store.conversation(ours)
            if known is None:
                caution: Mode = "auto" if theirs.status == "pending" else "suggest"
                await self._service.store.open_conversation(
                    principal, NAME, context=theirs.context, id=ours, caution=caution
                )
            else:
                await self._identify(known, principal)
            theirs, to_start = await self._read(theirs, ours, message, new=known is None)
            if await self._about_to_change(ours):
                self.unsettled.add(id)
            else:
                self.unsettled.discard(id)
                await self._whose_turn(theirs, ours, new=known is None)
            for each in to_start:  # only now: whose turn it is decides who answers
                await self._service.start_message(each)
            return ours

    # --- who writes ---

    async def _who(self, theirs: TheirConversation) -> Principal:
        contact = theirs.meta.sender
        proven = bool(theirs.meta.hmac_verified) and await self._enforces(theirs.inbox_id)
        return chatwoot_contact(self._account, contact.id, identifier=contact.identifier, proven=proven)

    async def _enforces(self, inbox: int) -> bool:
        """Nobody gets an identifier at this inbox without the host site's signature for it."""
        asked, answer = self._enforced.get(inbox, (0.0, False))
        if asked and time.monotonic() - asked < ASKED_AGAIN_S:
            return answer
        version, found = await self._api.version(), await self._api.inbox(inbox)
        mandatory = found is not None and bool(found.hmac_mandatory)
        if mandatory and version < PROVES_SINCE:
            log.warning("Chatwoot is older than 4.18.0: customers stay anonymous. Upgrade it to know them.")
        self._enforced[inbox] = time.monotonic(), mandatory and version >= PROVES_SINCE
        return self._enforced[inbox][1]

    async def _identify(self, known: Conversation, principal: Principal) -> None:
        stranger = chatwoot_stranger(known.id)
        if known.principal in (principal, stranger):
            return
        if known.principal.kind == "anonymous" and principal.kind == "customer":
            await self._service.join(known.id, principal)
            return
        # What was proven is not proven any more, or it is somebody else: nothing more is done for either.
        now = principal if principal.kind == "anonymous" else stranger
        await self._service.store.change_principal(known.model_copy(update={"principal": now}))

    # --- whose turn it is ---

    async def _whose_turn(self, theirs: TheirConversation, ours: str, *, new: bool) -> None:
        """pending: ours; open, snoozed: a person's; resolved by one: the customer is asked."""
        conversation = await self._conversation(ours)
        by = self._assignee(theirs)
        match theirs.status:
            case "pending":
                if conversation.person_active:
                    await self._service.give_back(ours, by)
                await self._allow(ours, "auto")
            case "open" | "snoozed":
                await self._allow(ours, "suggest")
                by_us = await self._service.store.posted(NAME, opened_by_us(ours))
                if not (conversation.person_active or by_us):
                    await self._service.take_over(ours, by)
            case "resolved" if not new:
                await self._ended(conversation, by)

    async def _about_to_change(self, ours: str) -> bool:
        """A handoff of ours that Chatwoot has not heard of: its state is old, and changes in a moment."""
        store = self._service.store
        waiting = await store.events(ours, await store.delivered_up_to(NAME, ours))
        moves = [event.payload.get("name") for event in waiting if event.type == "handoff"]
        return any(name is None or not came_from_there(str(name)) for name in moves)

    async def _ended(self, conversation: Conversation, by: Principal) -> None:
        by_us = await self._service.store.posted(NAME, opened_by_us(conversation.id))
        if not (conversation.person_active or by_us):
            return  # we had it: nobody has to ask what is known
        await self._allow(conversation.id, "auto")
        try:
            await self._service.ask_solved(conversation.id, by)
        except BadInput:  # nothing was asked for in it
            await self._service.give_back(conversation.id, by)

    async def _allow(self, ours: str, caution: Mode) -> None:
        """What the place allows: in a conversation that people have, we only suggest."""
        conversation = await self._conversation(ours)
        if caution == "auto" and conversation.caution != "auto":
            await self._service.store.mark_posted(NAME, opened_by_us(ours), "")
        if conversation.caution != caution:
            await self._service.store.change_principal(conversation.model_copy(update={"caution": caution}))

    def _assignee(self, theirs: TheirConversation) -> Principal:
        person = theirs.meta.assignee
        return chatwoot_agent(person.id if person else None, person.name if person else None)

    async def _conversation(self, ours: str) -> Conversation:
        found = await self._service.store.conversation(ours)
        assert found is not None, ours
        return found

    # --- what was said ---

    async def _read(
        self, theirs: TheirConversation, ours: str, message: int | None, *, new: bool
    ) -> tuple[TheirConversation, list[str]]:
        """Stores what is new; the conversation as it stands then, and our ids of messages to be handled."""
        store = self._service.store
        after = int(await store.posted(NAME, read_up_to(ours)) or 0)
        found = {each.id: each for each in await self._api.messages(theirs.id, after)}
        if message is not None and message <= after:
            again = await self._api.message(theirs.id, message)
            found |= {} if again is None else {again.id: again}
        to_start: list[str] = []
        ordered = sorted(found.values(), key=lambda each: each.id)
        newest = max((each.id for each in ordered if each.said), default=0)
        for each in ordered:
            if each.message_type == INCOMING and each.said:
                to_start += await self._from_customer(each, theirs, ours)
            elif each.by_agent:
                takes = each.id == newest if new else each.id > after
                theirs = await self._from_agent(each, theirs, ours, takes=takes)
            elif each.by_bot:
                await self._chosen(each, ours)
        if found:
            await store.mark_posted(NAME, read_up_to(ours), str(max(after, *found)))
        # Of a history that we have just been shown only the end is gone on from, with all of it known.
        return theirs, to_start[-1:] if new else to_start

    async def _from_customer(self, message: TheirMessage, theirs: TheirConversation, ours: str) -> list[str]:
        store, client_id = self._service.store, _client_id(message)
        kept = [await self._keep(ours, file) for file in message.attachments]
        unread = [
            f"📎 {file.name}" for file, each in zip(message.attachments, kept, strict=True) if each is None
        ]
        text = "\n".join(filter(None, (_clean(message.content), *unread)))
        files = [each for each in kept if each is not None]
        if not text and not files:
            return []
        stored, _ = await store.accept(
            ours, "customer", text, client_id=client_id, context=theirs.context, attachments=files
        )
        return [stored.id]

    async def _keep(self, ours: str, file: File) -> Attachment | None:
        """A file as the customer would have sent it to us; None for one that we cannot or do not take."""
        from app.attachments import Taken, take_in

        most = self._service.settings.attachment_bytes
        content = await self._api.file(file.data_url, most) if file.data_url else None
        taken = await asyncio.to_thread(take_in, new_id("f"), file.name, content) if content else None
        if not isinstance(taken, Taken):
            return None
        await self._service.store.keep_attachment(ours, taken.attachment, taken.content)
        return taken.attachment

    async def _from_agent(
        self, message: TheirMessage, theirs: TheirConversation, ours: str, *, takes: bool
    ) -> TheirConversation:
        """What a person on our side said: they have the conversation from there on (`takes`).

        Chatwoot leaves a conversation of the bot's pending when an agent writes in it; then we open it.
        """
        sender = message.sender
        assert sender is not None
        if takes and theirs.status == "pending":
            await self._api.set_status(theirs.id, "open")
            theirs = theirs.model_copy(update={"status": "open"})
        text = _clean(message.content)
        by = chatwoot_agent(sender.id, sender.name)
        _, fresh = await self._service.store.accept(
            ours, "agent", text, client_id=_client_id(message), context={}, name=sender.name, by=by
        )
        if takes and fresh:
            await self._service.take_over(ours, by)
        return theirs

    async def _chosen(self, message: TheirMessage, ours: str) -> None:
        """The customer pressed an option under a question of ours: only Chatwoot's widget can set that."""
        chosen = message.content_attributes.get("submitted_values")
        first = chosen[0] if isinstance(chosen, list) and chosen else None
        value = first.get("value") if isinstance(first, dict) else None
        if value not in (YES, NO):
            return
        conversation = await self._conversation(ours)
        try:
            await self._service.solved(ours, value == YES, conversation.principal)
        except BadInput:
            log.info("%s: an answer to a question that is not asked any more", ours)


def _client_id(message: TheirMessage) -> str:
    return f"{NAME}-{message.id}"


def _clean(text: str | None) -> str:
    return _CONTROL.sub("", text or "").strip()[:LONGEST_TEXT]
