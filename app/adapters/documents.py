"""The documents as people look after them: what is wrong with them, and procedures that wait for a yes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from app.errors import NotFound
from app.phrases import judged, judging, sentences, worded
from knowledge import approvals, findings, notes
from knowledge.approvals import Compared
from knowledge.errors import KnowledgeError
from knowledge.judging import Judging

if TYPE_CHECKING:
    from knowledge.findings import Replaced
    from knowledge.health.finding import Finding, State
    from knowledge.store import Knowledge

ALSO = 4
"""More places of a finding that are shown; the data folder keeps them all."""

LAST_JUDGING = "last judging"

MOST = 2_000
"""Findings of one answer: the strongest."""


class KnowledgeDocuments:
    """What agents see and decide of the documents, over one `Knowledge`.

    `look`: looks at all pages anew and keeps what it finds.
    """

    def __init__(self, knowledge: Knowledge, look: Callable[[], Replaced]) -> None:
        self._knowledge = knowledge
        self._look = look
        self._looking = asyncio.Lock()

    async def health(self, lang: str) -> dict[str, Any]:
        return await asyncio.to_thread(stored, self._knowledge, lang)

    async def look(self) -> Replaced | None:
        """None while another look is under way."""
        if self._looking.locked():
            return None
        async with self._looking:
            return await asyncio.to_thread(self._look)

    async def settle(self, id: str, state: State, *, by: str, note: str | None, lang: str) -> dict[str, Any]:
        try:
            found = await asyncio.to_thread(findings.settle, self._knowledge.db, id, state, by=by, note=note)
        except KnowledgeError as error:
            raise NotFound(str(error)) from error
        return shown(found, lang)

    async def procedures(self) -> Sequence[Compared]:
        return await asyncio.to_thread(approvals.compared, self._knowledge.db)

    async def approve(self, id: str, by: str, *, source: str, version: str) -> bool:
        """False where its page does not say any more what was looked at."""
        approve = self._knowledge.approve
        try:
            await asyncio.to_thread(approve, id, by, source=source, version=version)
        except KnowledgeError:
            return False
        return True


def stored(
    knowledge: Knowledge,
    lang: str,
    *,
    kinds: Collection[str] | None = None,
    states: Collection[str] | None = None,
    min_confidence: float = 0.0,
    closed: bool = False,
) -> dict[str, Any]:
    """What the last look and conversations have found, as JSON, with the pages that it is about."""
    found = findings.findings(
        knowledge.db, kinds=kinds, states=states, min_confidence=min_confidence, closed=closed
    )
    documents = knowledge.documents()
    asked = last_judging(knowledge)
    return {
        "total": len(found),
        "findings": [shown(f, lang) for f in found[:MOST]],
        "documents": dict(Counter(d.source for d in documents)),
        "ages": [(d.source, d.updated_at.year) for d in documents],
        "judging": asked and {**asked.model_dump(mode="json"), "said": judging(asked, lang)},
    }


def keep_judging(knowledge: Knowledge, told: Judging | None) -> None:
    """What the last look asked a model; None where it had none to ask."""
    notes.put(knowledge.db, LAST_JUDGING, told.model_dump_json() if told else "")


def last_judging(knowledge: Knowledge) -> Judging | None:
    told = notes.get(knowledge.db, LAST_JUDGING)
    return Judging.model_validate_json(told) if told else None


def shown(finding: Finding, lang: str) -> dict[str, Any]:
    """One finding as JSON, with its sentences in a language."""
    whole = finding.model_dump(mode="json", exclude={"also", "why", "todo"})
    whole |= {"why": sentences(finding.why, lang), "todo": worded(finding.todo, lang)}
    whole |= {"confidence": finding.sure, "judged": _judged(finding, lang)}
    more = [place.model_dump(mode="json") for place in finding.also[:ALSO]]
    return whole | {"also": more, "also_count": len(finding.also), "strength": round(finding.strength, 3)}


def _judged(finding: Finding, lang: str) -> dict[str, Any] | None:
    by = finding.judged
    if by is None or not by.counts:
        return None
    facts = by.model_dump(mode="json", exclude={"of", "counts"})
    return {**facts, "alone": finding.confidence, "said": judged(finding, by, lang)}
