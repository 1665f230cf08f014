"""Erasing for good, behind the command line: a document or a customer, text and vectors alike."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from app.errors import BadInput
from knowledge import erasing, findings
from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.settings import Settings
    from knowledge.store import Knowledge

T = TypeVar("T")


def erase_document(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """A document, and its words in whatever was sent. Args: `document`, `by`, `sure`."""
    from app.main import utc_now
    from ingest.sources import mirror

    document = str(args["document"])
    try:
        title, served = erasing.known(knowledge.db, document)
        if served and not args.get("sure"):
            raise BadInput(
                f"`{document}` ({title}) is served now. Take it out of its source first, or erase it with "
                "--yes: then a later change of it there brings it back."
            )
        # First where it was sent: once the page is gone, nobody knows what to look for.
        words = erasing.own_words(knowledge.db, document)
        rows = _stored(settings, lambda store: store.erase_words(document, words))
        gone = erasing.erase_document(knowledge, document, by=str(args["by"]), at=utc_now())
        # A mirror of a repository holds it in packed form; the next sync makes it anew.
        shutil.rmtree(mirror(knowledge.folder, document.partition(":")[0]), ignore_errors=True)
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    left = erasing.left(settings.data_dir, gone.words, gone.vectors)
    if left:  # it was sent once more meanwhile
        rows += _stored(settings, lambda store: store.erase_words(document, gone.words))
        left = erasing.left(settings.data_dir, gone.words, gone.vectors)
    return {
        "document": document,
        "title": title,
        "rows": rows,
        "served": served,
        "left": [str(file.relative_to(settings.data_dir)) for file in left],
    }


def erase_customer(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """All that a customer wrote and was written to them. Args: `party`, `sure`."""
    party = str(args["party"])
    if not args.get("sure"):
        raise BadInput(f"everything of `{party}` would go for good. If that is right: --yes")
    gone = _stored(settings, lambda store: _erased(store, party))
    try:
        for conversation in gone.conversations:
            findings.forget(knowledge.db, conversation=conversation)
        erasing.forget_vectors(knowledge)
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    left = erasing.left(settings.data_dir, gone.words)
    return {
        "party": party,
        "conversations": len(gone.conversations),
        "cases": gone.cases,
        "files": len(gone.files),
        "left": [str(file.relative_to(settings.data_dir)) for file in left],
    }


async def _erased(store: Store, party: str) -> Any:
    gone = await store.erase_party(party)
    for id in gone.files:
        await asyncio.to_thread(store.attachment_path(id).unlink, missing_ok=True)
    return gone


def _stored(settings: Settings, do: Callable[[Store], Awaitable[T]]) -> T:
    from app.adapters.store import Store
    from app.main import utc_now

    async def done() -> T:
        store = await Store.open(settings.data_dir, utc_now)
        try:
            return await do(store)
        finally:
            await store.close()

    try:
        return asyncio.run(done())
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
