"""Hands in what conversations say against pages: an outlet like the others, so that no reply waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app import doubts
from app.doubts import Doubt
from app.events import AgentCase, AgentRequest, Feedback, parsed
from app.models.event import Event
from knowledge import catalogue, findings
from knowledge.health.finding import Evidence
from knowledge.model import Place

if TYPE_CHECKING:
    from app.adapters.store import Store
    from knowledge.store import Knowledge

NAME = "findings"


class FindingsOutlet:
    """Follows the agents' log. A conversation is read again as a whole: the same evidence counts once."""

    name = NAME
    channel: str | None = None
    agents = True

    def __init__(self, store: Store, knowledge: Knowledge) -> None:
        self._store, self._knowledge = store, knowledge

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        for conversation in dict.fromkeys(_with_news(events)):
            found = await self._doubts(conversation)
            if found:
                await asyncio.to_thread(self._report, found)

    async def _doubts(self, conversation: str) -> list[Doubt]:
        turns = await self._store.turns(conversation)
        messages = {message.id: message for message in await self._store.messages(conversation)}
        found: list[Doubt] = []
        for at, turn in enumerate(turns):
            found += doubts.of_turn(turn, turns[:at], messages.get(turn.trigger))
            request = await self._store.request(turn.request) if turn.request else None
            if request is not None:
                found += doubts.of_request(turn, request)
        by_reply = {f"{turn.id}-reply": turn for turn in turns}
        for mark in await self._marks(conversation):
            answer = by_reply.get(mark.message)
            if answer is not None and not mark.helped:
                asked = messages.get(answer.trigger)
                found += doubts.of_mark(answer, mark.message, mark.reason, asked)
        return found

    async def _marks(self, conversation: str) -> Iterable[Feedback]:
        """The newest word on each answer."""
        marks: dict[str, Feedback] = {}
        after = 0
        while events := await self._store.events(conversation, after):
            after = events[-1].seq
            for event in events:
                if event.type == "feedback":
                    mark = parsed(event.type, event.payload)
                    assert isinstance(mark, Feedback)
                    marks[mark.message] = mark
        return marks.values()

    def _report(self, found: Sequence[Doubt]) -> None:
        for doubt in found:
            place = self._place(doubt)
            if place is not None:
                findings.report(
                    self._knowledge.db,
                    kind=doubt.kind,
                    place=place,
                    why=doubt.why,
                    evidence=Evidence(
                        conversation=doubt.conversation, message=doubt.message, quote=doubt.said
                    ),
                )

    def _place(self, doubt: Doubt) -> Place | None:
        """None where the page does not say so any more: it was corrected, and there is nothing to find."""
        if not doubt.document:
            return Place(document="", quote=doubt.quote)
        document = next((d for d in self._knowledge.documents() if d.id == doubt.document), None)
        text = catalogue.version_text(self._knowledge.db, document.id, document.version) if document else None
        if document is None or text is None or doubt.quote not in text:
            return None
        return Place(
            document=document.id,
            quote=doubt.quote,
            version=document.version,
            path=document.path,
            line=text[: text.index(doubt.quote)].count("\n") + 1,
            anchor=doubt.anchor,
        )


def _with_news(events: Sequence[Event]) -> Iterable[str]:
    for event in events:
        if event.type not in ("agent.case", "agent.request"):
            continue
        news = parsed(event.type, event.payload)
        if isinstance(news, AgentRequest) or (
            isinstance(news, AgentCase) and news.what in ("turn", "feedback")
        ):
            yield news.conversation
