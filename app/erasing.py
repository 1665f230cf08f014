"""Erasing for good, behind the command line: a document or a customer, text and vectors alike.

What is being erased is written to a file before anything of it goes, with what it is looked for by at the
end: whatever ends the work, the next start of the service or the next `erase` goes on with it. The file goes
last.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.adapters.erasing import Belongings
from app.errors import BadInput, StepfourError
from app.models import Value
from knowledge import erasing, findings
from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.settings import Settings
    from knowledge.store import Knowledge

T = TypeVar("T")
log = logging.getLogger(__name__)

FILE = "erasing.json"
"""In the data folder while something is erased."""

_ONE = threading.Lock()
"""One is erased at a time: there is one file."""


class OfDocument(Value):
    """A document that is being erased."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    kind: Literal["document"] = "document"
    document: str
    title: str
    served: bool
    by: str
    at: datetime
    documents: tuple[str, ...]
    words: tuple[str, ...]
    """All of them: once the page is gone, nobody else knows what to take out of what was sent."""
    vectors: tuple[bytes, ...]

    @property
    def id(self) -> str:
        return self.document


class OfCustomer(Value):
    """A customer who is being erased; of their words only those that are looked for."""

    kind: Literal["customer"] = "customer"
    theirs: Belongings

    @property
    def id(self) -> str:
        return self.theirs.party


Erasure = OfDocument | OfCustomer
_ERASURE: TypeAdapter[Erasure] = TypeAdapter(Annotated[Erasure, Field(discriminator="kind")])


def erase_document(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """A document, and its words in whatever was sent. Args: `document`, `by`, `sure`."""
    from app.main import utc_now

    document = str(args["document"])

    def found() -> Erasure:
        title, served = erasing.known(knowledge.db, document)
        if served and not args.get("sure"):
            raise BadInput(
                f"`{document}` ({title}) is served now. Take it out of its source first, or erase it with "
                "--yes: then a later change of it there brings it back."
            )
        traces = erasing.traces(knowledge, document)
        return OfDocument(
            document=document,
            title=title,
            served=served,
            by=str(args["by"]),
            at=utc_now(),
            documents=traces.documents,
            words=traces.words,
            vectors=traces.vectors[: erasing.LOOKED_FOR],
        )

    return _erase(knowledge, settings, document, found)


def erase_customer(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """All that a customer wrote and was written to them. Args: `party`, `sure`."""
    party = str(args["party"])
    if not args.get("sure"):
        raise BadInput(f"everything of `{party}` would go for good. If that is right: --yes")

    def found() -> Erasure:
        theirs = _stored(settings, lambda store: store.belongings(party))
        return OfCustomer(theirs=theirs.model_copy(update={"words": theirs.words[: erasing.LOOKED_FOR]}))

    return _erase(knowledge, settings, party, found)


def go_on(knowledge: Knowledge, settings: Settings) -> None:
    """For the start of the service: what was cut off is carried out to its end."""
    with _ONE:
        try:
            _end_cut_off(knowledge, settings)
        except StepfourError as error:  # the service serves all the same
            log.error("what was being erased is not gone yet: %s", error)


def _erase(knowledge: Knowledge, settings: Settings, id: str, found: Callable[[], Erasure]) -> dict[str, Any]:
    with _ONE:
        before = _end_cut_off(knowledge, settings)
        if before is not None and before[0] == id:
            return before[1]
        try:
            erasure = found()
        except KnowledgeError as error:
            raise BadInput(str(error)) from error
        _write_down(settings.data_dir / FILE, erasure)
        return _carry_out(knowledge, settings, erasure)


def _end_cut_off(knowledge: Knowledge, settings: Settings) -> tuple[str, dict[str, Any]] | None:
    """(what was being erased when that was cut off, what came of it)."""
    file = settings.data_dir / FILE
    try:
        written = file.read_bytes()
        json.loads(written)
        erasure = _ERASURE.validate_json(written)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise BadInput(f"{file} is of another version. Erase with that one, or remove the file.") from error
    except ValueError:  # cut off while it was written: nothing had gone yet
        file.unlink()
        return None
    log.warning("erasing %s was cut off: it is carried out to its end", erasure.id)
    result = _carry_out(knowledge, settings, erasure)
    if result["left"]:
        log.warning("words of %s are still in: %s", erasure.id, ", ".join(result["left"]))
    return erasure.id, result


def _write_down(file: Path, erasure: Erasure) -> None:
    """On the disk when this returns, readable by its owner alone."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(_ERASURE.dump_json(erasure))
            out.flush()
            os.fsync(out.fileno())
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise BadInput(f"{file} cannot be written ({error}). Make room, and erase again.") from error


def _carry_out(knowledge: Knowledge, settings: Settings, erasure: Erasure) -> dict[str, Any]:
    """Whatever of it is done already changes nothing."""
    try:
        match erasure:
            case OfDocument():
                result = _carry_out_document(knowledge, settings, erasure)
            case OfCustomer():
                result = _carry_out_customer(knowledge, settings, erasure.theirs)
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        why = getattr(error, "orig", error)
        raise BadInput(f"{erasure.id} is not gone yet ({why}). Mend that, and erase again.") from error
    (settings.data_dir / FILE).unlink()
    return result


def _carry_out_document(knowledge: Knowledge, settings: Settings, erasure: OfDocument) -> dict[str, Any]:
    from ingest.sources import mirror

    document, words = erasure.document, erasure.words
    rows = _stored(settings, lambda store: store.erase_words(erasure.documents, words))
    erasing.erase_document(knowledge, document, by=erasure.by, at=erasure.at)
    # A mirror of a repository holds it in packed form; the next sync makes it anew.
    shutil.rmtree(mirror(knowledge.folder, document.partition(":")[0]), ignore_errors=True)
    left = _left(settings, words, erasure.vectors)
    if left:  # it was sent once more meanwhile
        rows += _stored(settings, lambda store: store.erase_words(erasure.documents, words))
        left = _left(settings, words, erasure.vectors)
    return {
        "document": document,
        "title": erasure.title,
        "rows": rows,
        "served": erasure.served,
        "left": left,
    }


def _carry_out_customer(knowledge: Knowledge, settings: Settings, theirs: Belongings) -> dict[str, Any]:
    _stored(settings, lambda store: _erase_theirs(store, theirs))
    with knowledge.syncing:
        for conversation in theirs.conversations:
            findings.forget(knowledge.db, conversation=conversation)
        erasing.forget_vectors(knowledge)
    return {
        "party": theirs.party,
        "conversations": len(theirs.conversations),
        "cases": len(theirs.cases),
        "files": len(theirs.files),
        "left": _left(settings, theirs.words),
    }


async def _erase_theirs(store: Store, theirs: Belongings) -> None:
    await store.erase(theirs)
    for id in theirs.files:
        await asyncio.to_thread(store.attachment_path(id).unlink, missing_ok=True)


def _left(settings: Settings, words: tuple[str, ...], vectors: tuple[bytes, ...] = ()) -> list[str]:
    """Files of the data folder that hold any of it; our own note of it goes last."""
    found = erasing.left(settings.data_dir, words, vectors)
    return [name for file in found if (name := str(file.relative_to(settings.data_dir))) != FILE]


def _stored(settings: Settings, do: Callable[[Store], Awaitable[T]]) -> T:
    from app.adapters.store import Store
    from app.main import utc_now

    async def done() -> T:
        store = await Store.open(settings.data_dir, utc_now)
        try:
            return await do(store)
        finally:
            await store.close()

    return asyncio.run(done())
