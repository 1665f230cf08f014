"""What can be asked of a data folder: each a plain function from arguments to a JSON result."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.commands import documents, sources
from app.commands.changes import changed
from app.commands.health import HEALTH
from app.commands.keys import KEYS
from app.commands.switches import SWITCH, today
from app.erasing import erase_customer, erase_document
from app.quotable import citations_of
from app.retention import erase_aged

if TYPE_CHECKING:
    from app.settings import Settings
    from knowledge.model import Hit
    from knowledge.store import Knowledge

Command = Callable[
    ["Knowledge", "Settings", dict[str, Any], Callable[[dict[str, Any]], None]], dict[str, Any]
]

NO_SOURCE = "No source answers this."


def search(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Passages for a query, best first. Args: `query`, `lang`, `limit`."""
    hits = knowledge.search(args["query"], lang=args.get("lang"), limit=int(args.get("limit", 8)))
    return {"hits": [_hit(hit) for hit in hits]}


def ask(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """The documents' answer to a question: quoted lines with their sources, or none. Args: `question`."""
    from app.reader.language import detect

    question = args["question"]
    hits = knowledge.search(question, lang=detect(question))
    citations = citations_of(hits)
    return {
        "answer": [citation.shown or citation.quote for citation in citations],
        "citations": [
            {
                "n": n,
                "title": citation.title,
                "path": citation.path,
                "anchor": citation.anchor,
                "quote": citation.quote,
                "updated_at": citation.updated_at.isoformat(),
                "lang": citation.lang,
                "doubt": citation.doubt,
            }
            for n, citation in enumerate(citations, 1)
        ],
        "nearest": [_hit(hit) for hit in hits[:3]],
    }


def _hit(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "path": passage.path,
        "anchor": passage.anchor,
        "title": passage.title,
        "heading": " > ".join(passage.heading_path),
        "lang": passage.lang,
        "relevance": round(hit.relevance, 3),
        "quote": hit.quotes[0] if hit.quotes else passage.text[:200],
    }


def status(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What the folder holds, and which process answers."""
    standing = knowledge.index.look()
    return {
        "pid": os.getpid(),
        "documents": len(knowledge.documents()),
        "procedures": [procedure.id for procedure in knowledge.procedures()],
        "waiting": [procedure.id for procedure in knowledge.pending()],
        "index": {**standing._asdict(), "text": str(standing)},
    }


def usage(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Tokens and cost of everything that was read in this folder."""
    import asyncio

    from app.adapters.store import Store
    from app.main import utc_now
    from app.usage import by_role
    from app.usage import usage as counted

    async def found() -> dict[str, Any]:
        store = await Store.open(settings.data_dir, utc_now)
        try:
            turns, resolved = await store.every_turn(), await store.resolved_cases()
            calls, spent = await store.calls(), await today(store, settings)
        finally:
            await store.close()
        made = counted(turns, resolved, price_in=settings.llm_price_in, price_out=settings.llm_price_out)
        return {**made.model_dump(mode="json"), "calls": by_role(calls), "today": spent}

    return asyncio.run(found())


COMMANDS: Mapping[str, Command] = {
    "sync": sources.sync,
    "search": search,
    "ask": ask,
    "approve": documents.approve,
    "status": status,
    **KEYS,
    **SWITCH,
    "usage": usage,
    "sources": sources.sources,
    "source_runs": sources.source_runs,
    "source_add": sources.source_add,
    "source_remove": sources.source_remove,
    "docs": documents.docs,
    "doc_show": documents.doc_show,
    "doc_history": documents.doc_history,
    "doc_diff": documents.doc_diff,
    "doc_add": documents.doc_add,
    "doc_remove": documents.doc_remove,
    "procedures": documents.procedures,
    "procedure_diff": documents.procedure_diff,
    **HEALTH,
    "changes": changed,
    "erase_document": erase_document,
    "erase_customer": erase_customer,
    "erase_aged": erase_aged,
}
