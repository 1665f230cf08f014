"""Reads what is stored of a conversation, for the pictures that agents see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from app.channels.assist.core import Core, Store
from app.channels.assist.wire import CaseRow, Filter
from app.known import Earlier, Known, because, language_of, title, triage_of, waiting_since
from app.models.case import Case, CaseState
from app.models.conversation import Conversation
from app.models.event import AGENTS
from app.models.record import Turn
from app.models.request import ActionRequest, RequestState
from app.overview import open_suggestion

MOST_ROWS = 200
MOST_EARLIER = 5
STATES: dict[Filter, tuple[CaseState | None, ...]] = {
    "open": (None, "open", "waiting", "handed_off", "asked"),
    "waiting": ("waiting",),
    "handed_off": ("handed_off",),
    "solved": ("solved", "closed"),
    "all": (None, *get_args(CaseState)),
}
LATE = datetime.max.replace(tzinfo=UTC)


async def known_of(store: Store, conversation: Conversation) -> Known:
    """Everything that is stored of a conversation and of the case it is about now."""
    id = conversation.id
    seq = await store.last_seq(id)  # first: what comes in while we read is told again, never lost
    cases = await store.cases_of(id)
    case = next(iter(cases), None)
    turns = list(await store.turns(id))
    earlier: list[Earlier] = []
    if case is not None:
        turns = [turn for turn in turns if turn.case == case.id]
        earlier, before = await _earlier(store, case, id)
        turns = sorted((*before, *turns), key=_at)
    return Known(
        conversation=conversation,
        messages=tuple(await store.messages(id)),
        earlier=tuple(earlier),
        case=case,
        turns=tuple(turns),
        facts=tuple(await store.facts(case.id)) if case else (),
        watching=await store.watching(case.id) if case else None,
        suggestions=tuple(await store.suggestions(id)),
        requests=tuple(await store.requests(*get_args(RequestState), case=case.id)) if case else (),
        notes=tuple(await store.notes(id)),
        has_dossier=bool(await store.dossiers(id)),
        seq=seq,
    )


def _at(turn: Turn) -> datetime:
    return turn.at


async def _earlier(store: Store, case: Case, here: str) -> tuple[list[Earlier], list[Turn]]:
    """The other conversations of a case, oldest first, and its turns there."""
    found = [await store.conversation(id) for id in await store.spoken_in(case.id) if id != here]
    places = sorted((each for each in found if each is not None), key=lambda each: each.opened_at)
    earlier = [
        Earlier(conversation=each, messages=tuple(await store.messages(each.id)))
        for each in places[-MOST_EARLIER:]
    ]
    turns = [
        turn for each in earlier for turn in await store.turns(each.conversation.id) if turn.case == case.id
    ]
    return earlier, turns


# --- the list -----------------------------------------------------------------------------------


class Shelf:
    """What the lines of the list are made of, kept until the agents' log tells of news of it."""

    def __init__(self) -> None:
        self._kept: dict[str, Known] = {}
        self._seq: int | None = None
        # One at a time: who reads before a change must not keep what they read after another saw its news.
        self._reading = asyncio.Lock()

    async def rows(self, core: Core, wanted: Filter, lang: str) -> list[CaseRow]:
        """Those who wait longest first, then the newest. A case that went on elsewhere is listed there."""
        async with self._reading:
            found = [row(known, lang) for known in await self._briefs(core.store) if _shown(known, wanted)]
        # They come newest first, and sorting keeps that order among those who do not wait.
        return sorted(found, key=lambda each: each.waiting_since or LATE)

    async def _briefs(self, store: Store) -> list[Known]:
        await self._forget(store)
        asked = await store.requests("proposed")
        kept, before = {}, self._kept
        for conversation in await store.recent_conversations(MOST_ROWS):
            known = before.get(conversation.id)
            if known is None or known.conversation != conversation:
                known = await _brief(store, conversation)
            kept[conversation.id] = known
        self._kept = kept
        return [_with(known, asked) for known in kept.values()]

    async def _forget(self, store: Store) -> None:
        """Drops every conversation, and every case, that there is news of."""
        if self._seq is None:
            self._seq = await store.last_seq(AGENTS)
        while events := await store.events(AGENTS, self._seq):
            self._seq = events[-1].seq
            places = {event.payload.get("conversation") for event in events}
            cases = {event.payload.get("case") for event in events} - {None}
            self._kept = {
                id: known
                for id, known in self._kept.items()
                if id not in places and (known.case is None or known.case.id not in cases)
            }


def _shown(known: Known, wanted: Filter) -> bool:
    case = known.case
    if case is not None and case.conversation != known.conversation.id:
        return False
    return (case.state if case else None) in STATES[wanted]


async def _brief(store: Store, conversation: Conversation) -> Known:
    """As much of a conversation as its line needs."""
    case = next(iter(await store.cases_of(conversation.id)), None)
    turns = await store.turns(conversation.id)
    return Known(
        conversation=conversation,
        messages=tuple(await store.messages(conversation.id)),
        case=case,
        turns=tuple(turn for turn in turns if case is None or turn.case == case.id),
        suggestions=tuple(await store.suggestions(conversation.id)),
    )


def _with(known: Known, asked: Sequence[ActionRequest]) -> Known:
    mine = tuple(each for each in asked if known.case is not None and each.case == known.case.id)
    return known.model_copy(update={"requests": mine})


def row(known: Known, lang: str) -> CaseRow:
    conversation, case, found = known.conversation, known.case, triage_of(known)
    who = conversation.principal
    return CaseRow(
        conversation=conversation.id,
        case=case.id if case else None,
        channel=conversation.channel,
        title=title(known, lang),
        customer=who.id if who.kind == "customer" else "",
        account=who.account,
        triage=found.word,
        because=because(known, found, lang),
        status=conversation.status,
        state=case.state if case else None,
        waiting_since=waiting_since(known),
        person=conversation.person_active,
        suggestion=open_suggestion(known.suggestions) is not None,
        approval=any(request.approval == "agent" for request in known.requests),
        lang=language_of(known),
    )
