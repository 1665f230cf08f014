"""What we know, off the event loop: embedding and searching take processor time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from app.help_page import Published
from app.models.conversation import Message
from knowledge import citing
from knowledge.frontmatter import split
from knowledge.model import Address, Audience, Citation, Cited, Document, Fate, Hit, Procedure, cite
from knowledge.store import DEFAULT_SOURCE, Knowledge

PUBLIC: frozenset[Audience] = frozenset({"public"})
MOST_CANDIDATES = 8


class KnowledgeLibrary:
    """The service's `Library` over one `Knowledge`; `documents` limits what it may see (evaluations).

    `plain`: (text, language) -> Markdown alone, as a sync reads a page that has other markup in it.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        documents: frozenset[str] | None = None,
        *,
        plain: Callable[[str, str], str] | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._documents = documents
        self._plain = plain

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
        passage = self._knowledge.section(procedure.document, procedure.anchor_of(step))
        if passage is None:
            return None
        lines = (line for line in passage.text.splitlines() if line.strip())
        return cite(passage, next(lines, passage.text))

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        return await asyncio.to_thread(citing.became, self._knowledge.db, cited)

    async def addresses(self) -> Mapping[str, Address]:
        return await asyncio.to_thread(self._knowledge.addresses)

    async def page(self, path: str) -> Published | None:
        """The newest version of the public page at a path, with or without its `.md`."""
        return await asyncio.to_thread(self._page, path)

    def _page(self, path: str) -> Published | None:
        found = [d for d in self._knowledge.documents() if d.audience in PUBLIC]
        there = [d for d in found if d.path == path] or [d for d in found if d.path == f"{path}.md"]
        document = max(there, key=_first_of_yours, default=None)
        text = self._knowledge.text(document) if document is not None else None
        if document is None or text is None:
            return None
        body = split(text, document.path).body
        return Published(
            path=document.path,
            title=document.title,
            lang=document.lang,
            updated_at=document.updated_at,
            text=self._plain(body, document.lang) if self._plain else body,
        )


def _first_of_yours(document: Document) -> tuple[bool, str]:
    """A source of your own comes before ours, and the newest page first."""
    return document.source != DEFAULT_SOURCE, document.updated_at.isoformat()
