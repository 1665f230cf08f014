"""What we know, off the event loop: embedding and searching take processor time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.models import Citation, Message, Procedure, cite
from knowledge.model import Audience, Hit
from knowledge.store import Knowledge

PUBLIC: frozenset[Audience] = frozenset({"public"})
MOST_CANDIDATES = 5


class KnowledgeLibrary:
    """The service's `Library` over one `Knowledge`; `documents` limits what it may see (evaluations)."""

    def __init__(self, knowledge: Knowledge, documents: frozenset[str] | None = None) -> None:
        self._knowledge = knowledge
        self._documents = documents

    async def candidates(self, messages: Sequence[Message]) -> tuple[Procedure, ...]:
        return await asyncio.to_thread(self._candidates, messages)

    def _candidates(self, messages: Sequence[Message]) -> tuple[Procedure, ...]:
        every = self._knowledge.procedures()
        if len(every) <= MOST_CANDIDATES:  # all of them, so nothing has to be embedded to rank them
            return every
        said = [message.text for message in messages if message.role == "customer"]
        query = [(text, 0.5**age) for age, text in enumerate(reversed(said[-4:]))]
        return self._knowledge.candidates(query, limit=MOST_CANDIDATES)

    async def procedure(self, id: str, lang: str) -> Procedure | None:
        return await asyncio.to_thread(self._knowledge.procedure, id, lang=lang)

    async def search(self, query: Sequence[tuple[str, float]], *, lang: str) -> list[Hit]:
        return await asyncio.to_thread(
            self._knowledge.search, query, lang=lang, audiences=PUBLIC, documents=self._documents
        )

    async def section(self, procedure: Procedure, step: str) -> Citation | None:
        return await asyncio.to_thread(self._section, procedure, step)

    def _section(self, procedure: Procedure, step: str) -> Citation | None:
        passage = self._knowledge.section(procedure.document, procedure.step(step).anchor)
        if passage is None:
            return None
        lines = (line for line in passage.text.splitlines() if line.strip())
        return cite(passage, next(lines, passage.text))
