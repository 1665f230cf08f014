"""A turn's words for the customer, with what they need from outside: where pages are read, who takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app import dossiers, events, hours, output
from app.hours import Handover
from app.links import Places
from app.models.case import Watching
from app.models.decision import Act, Answer, Decision, HandOff, StaySilent, Watch
from app.models.dossier import Dossier
from app.ports import Progress, Services
from app.reply.rendering import render
from app.reply.settled import continued
from knowledge.model import Citation

if TYPE_CHECKING:
    from app.look import Draft


PIECE_S = 0.15
"""A model's words are shown in pieces of so long: each is a row, and nobody reads faster."""


async def reply_text(
    services: Services,
    draft: Draft,
    decision: Decision,
    *,
    guide: Citation | None,
    watch: Watching | None,
    handover: Handover | None = None,
    progress: Progress | None = None,
) -> str:
    """The customer's words for a decision; empty where nothing is to be said now.

    An action is told of when it has ended, so till then only where the matter was begun, if that was in
    another place; and a watched step that still needs time is no news.
    `progress`: shows a model's words while it writes them.
    """
    if isinstance(decision, StaySilent):
        return ""
    if isinstance(decision, Act):
        return continued(draft.facts, draft.facts.reading.language, services.clock())
    if isinstance(decision, Watch) and draft.facts.resumed:
        return ""
    lang = draft.facts.reading.language
    places = await places_of(services)
    written = None
    if isinstance(decision, Answer) and services.write is not None:
        lines = [citation.shown or citation.quote for citation in decision.citations]
        told = await _telling(services, draft, progress) if progress is not None else None
        written = await services.write(draft.facts.reading.request, lang, lines, told)
    text = render(
        decision,
        draft.facts,
        lang=lang,
        now=services.clock(),
        next_look=watch.next_at if watch else None,
        step_source=guide,
        written=written,
        link=places.page,
        handover=handover,
    )
    return output.plain(text, places.lead)


async def places_of(services: Services) -> Places:
    """Where pages are read by now."""
    return Places(services.settings, await services.library.addresses())


async def _telling(services: Services, draft: Draft, progress: Progress) -> Callable[[str], Awaitable[None]]:
    """Shows what a model has written so far, a piece at a time; the whole message takes its place."""
    message = f"{draft.turn}-reply"
    if await services.store.streamed(draft.conversation.id, message):  # by a try that a crash cut off
        await progress(events.event_of(events.MessageReset(message=message)))
    shown_so_far = 0
    last = 0.0

    async def told(text: str) -> None:
        nonlocal shown_so_far, last
        text = output.visible(text)
        now = asyncio.get_running_loop().time()
        if now - last < PIECE_S:
            return
        delta = events.MessageDelta(message=message, offset=shown_so_far, text=text[shown_so_far:])
        shown_so_far, last = len(text), now
        await progress(events.event_of(delta))

    return told


async def handover(services: Services, decision: Decision) -> Handover | None:
    """Who takes over and when, where people do."""
    if not isinstance(decision, HandOff):
        return None
    return await handover_for(services, decision.reason)


async def handover_for(services: Services, reason: str) -> Handover:
    waits = await services.store.handoff_waits()
    return hours.handover(services.settings.teams, reason, services.clock(), waits)


async def dossier_of(services: Services, draft: Draft, decision: Decision) -> Dossier | None:
    """Everything known, where people take over."""
    if not isinstance(decision, HandOff):
        return None
    return await dossiers.dossier_for(
        services,
        draft.facts,
        draft.conversation,
        draft.case,
        decision.because,
        decision=decision,
        news=draft.news,
    )
