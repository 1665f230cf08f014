"""Gathers what a dossier is made of: the edge around `handoff.dossier`."""

from __future__ import annotations

from collections.abc import Sequence

from app.handoff import dossier
from app.links import case_link
from app.models.case import Case
from app.models.conversation import Conversation, Message, Note
from app.models.decision import Decision
from app.models.dossier import Dossier, Place
from app.models.facts import Facts
from app.models.steps import LedgerFact
from app.ports import Services
from knowledge.model import Citation


async def dossier_for(
    services: Services,
    facts: Facts,
    conversation: Conversation,
    case: Case | None,
    because: str,
    *,
    decision: Decision | None = None,
    news: Sequence[LedgerFact] = (),
) -> Dossier:
    """The dossier of a case as it stands. `news`: lines of the ledger that this turn is about to write."""
    store = services.store
    spoken = {conversation.id: conversation}
    for id in await store.spoken_in(case.id) if case else ():
        found = await store.conversation(id)
        if found is not None:
            spoken[id] = found
    messages: list[Message] = []
    sent: list[Citation] = []
    notes: list[Note] = []
    for id in spoken:
        messages += await store.messages(id)
        notes += await store.notes(id)
        sent += [cited for turn in await store.turns(id) for cited in turn.facts.citations]
    return dossier(
        facts,
        conversation.principal,
        because,
        decision=decision,
        sent=tuple(sent),
        lang=services.settings.agents_language,
        messages=sorted(messages, key=lambda each: each.at),
        ledger=[*(await store.facts(case.id)), *news] if case else [],
        requests=await store.requests(case=case.id) if case else [],
        places=[
            Place(
                channel=each.channel,
                conversation=each.id,
                at=each.opened_at,
                url=case_link(services.settings.public_url, each.id),
            )
            for each in sorted(spoken.values(), key=lambda each: each.opened_at)
        ],
        notes=sorted(notes, key=lambda each: each.at),
        context=conversation.context,
    )
