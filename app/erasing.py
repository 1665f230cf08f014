"""Erasing for good, behind the command line: a document, a customer, or what is older than it is kept; text
and vectors alike.

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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app import erased
from app.adapters.aging import Aged
from app.adapters.erasing import Belongings
from app.backups import gone_by
from app.errors import BadInput, StepfourError
from app.ids import new_id
from knowledge import erasing, findings, notes
from knowledge.errors import KnowledgeError
from knowledge.model import Value

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
    erasure: str
    """Under which id it is in the list beside the backups."""

    @property
    def id(self) -> str:
        return self.document


class OfCustomer(Value):
    """A customer who is being erased; of their words only those that are looked for."""

    kind: Literal["customer"] = "customer"
    theirs: Belongings
    erasure: str

    @property
    def id(self) -> str:
        return self.theirs.party


class OfAge(Value):
    """What is older than it is kept, while it is taken out."""

    kind: Literal["age"] = "age"
    aged: Aged
    before: datetime
    abandoned: datetime | None

    @property
    def id(self) -> str:
        return f"what is of before {self.before:%Y-%m-%d}"


Erasure = OfDocument | OfCustomer | OfAge
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
        return of_document(knowledge, document, by=str(args["by"]), at=utc_now(), erasure=new_id("e"))

    return _erase(knowledge, settings, document, found)


def erase_customer(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """All that a customer wrote and was written to them. Args: `party`, `sure`."""
    party = str(args["party"])
    if not args.get("sure"):
        raise BadInput(f"everything of `{party}` would go for good. If that is right: --yes")

    def found() -> Erasure:
        return of_customer(settings, party, new_id("e"))

    return _erase(knowledge, settings, party, found)


def go_on(knowledge: Knowledge, settings: Settings) -> None:
    """For the start of the service: what was cut off is carried out to its end, and so is what an old copy
    of the folder has brought back."""
    from app.erased import again

    with _ONE:
        try:
            _end_cut_off(knowledge, settings)
            again(knowledge, settings)
        except StepfourError as error:  # the service serves all the same
            log.error("what was being erased is not gone yet: %s", error)


def of_document(knowledge: Knowledge, document: str, *, by: str, at: datetime, erasure: str) -> OfDocument:
    """Raises `KnowledgeError` where there is no such document."""
    title, served = erasing.known(knowledge.db, document)
    traces = erasing.traces(knowledge, document)
    return OfDocument(
        document=document,
        title=title,
        served=served,
        by=by,
        at=at,
        documents=traces.documents,
        words=traces.words,
        vectors=traces.vectors[: erasing.LOOKED_FOR],
        erasure=erasure,
    )


def of_customer(settings: Settings, party: str, erasure: str) -> OfCustomer:
    theirs = stored(settings, lambda store: store.belongings(party))
    theirs = theirs.model_copy(update={"words": theirs.words[: erasing.LOOKED_FOR]})
    return OfCustomer(theirs=theirs, erasure=erasure)


def _list(settings: Settings, kind: erased.Kind, names: Sequence[str], id: str) -> None:
    """On the list when this returns: else an old copy would bring it back for good."""
    from app.main import utc_now

    try:
        erased.note(settings, kind, names, utc_now(), id=id)
    except OSError as error:
        raise BadInput(
            f"the list of what was erased cannot be written ({error}), so nothing has gone yet. Set "
            "STEPFOUR_BACKUP_DIR to a folder that can be written to, and erase again."
        ) from error


def _erase(knowledge: Knowledge, settings: Settings, id: str, found: Callable[[], Erasure]) -> dict[str, Any]:
    with _ONE:
        before = _end_cut_off(knowledge, settings)
        if before is not None and before[0] == id:
            return before[1]
        try:
            erasure = found()
        except KnowledgeError as error:
            raise BadInput(str(error)) from error
        return carry_out(knowledge, settings, erasure)


@contextmanager
def alone(knowledge: Knowledge, settings: Settings) -> Iterator[None]:
    """Nobody else erases meanwhile, and nothing is left of what was cut off."""
    with _ONE:
        _end_cut_off(knowledge, settings)
        yield


def carry_out(knowledge: Knowledge, settings: Settings, erasure: Erasure) -> dict[str, Any]:
    """Writes down what is erased, and erases it. Whoever calls sees to it that nobody else does meanwhile."""
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
                result = _carry_out_customer(knowledge, settings, erasure)
            case OfAge():
                result = _carry_out_age(knowledge, settings, erasure)
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        why = getattr(error, "orig", error)
        raise BadInput(f"{erasure.id} is not gone yet ({why}). Mend that, and erase again.") from error
    (settings.data_dir / FILE).unlink()
    until = gone_by(settings)
    return result | ({"backups_until": until.isoformat()} if until is not None else {})


def _carry_out_document(knowledge: Knowledge, settings: Settings, erasure: OfDocument) -> dict[str, Any]:
    from ingest.sources import mirror

    document, words = erasure.document, erasure.words
    _list(settings, "document", erasure.documents, erasure.erasure)
    rows = stored(settings, lambda store: store.erase_words(erasure.documents, words))
    erasing.erase_document(knowledge, document, by=erasure.by, at=erasure.at)
    notes.put(knowledge.db, f"erasure {erasure.erasure}", erasure.at.isoformat())
    # A mirror of a repository holds it in packed form; the next sync makes it anew.
    shutil.rmtree(mirror(knowledge.folder, document.partition(":")[0]), ignore_errors=True)
    left = _left(settings, words, erasure.vectors)
    if left:  # it was sent once more meanwhile
        rows += stored(settings, lambda store: store.erase_words(erasure.documents, words))
        left = _left(settings, words, erasure.vectors)
    return {
        "document": document,
        "title": erasure.title,
        "rows": rows,
        "served": erasure.served,
        "left": left,
    }


def _carry_out_customer(knowledge: Knowledge, settings: Settings, erasure: OfCustomer) -> dict[str, Any]:
    theirs = erasure.theirs
    _list(settings, "customer", [theirs.party], erasure.erasure)
    stored(settings, lambda store: _erase_theirs(store, theirs, erasure.erasure))
    _forget_read(knowledge, theirs.conversations)
    return {
        "party": theirs.party,
        "conversations": len(theirs.conversations),
        "cases": len(theirs.cases),
        "files": len(theirs.files),
        "left": _left(settings, theirs.words),
    }


def _carry_out_age(knowledge: Knowledge, settings: Settings, erasure: OfAge) -> dict[str, Any]:
    aged = erasure.aged
    gone = stored(settings, lambda store: _erase_aged(store, erasure))
    _forget_read(knowledge, gone)
    words = aged.words
    if len(gone) < len(aged.conversations):  # somebody wrote meanwhile, and their words stay
        words = stored(settings, lambda store: store.said_no_more(words))
    return told_of_age(aged, erasure.before, gone, _left(settings, words))


def told_of_age(aged: Aged, before: datetime, gone: Sequence[str], left: Sequence[str]) -> dict[str, Any]:
    """What went, or would go."""
    went = [each for each in aged.theirs if set(each.conversations) <= set(gone)]
    return {
        "before": before.isoformat(),
        "conversations": sorted(gone),
        "cases": sum(len(each.cases) for each in went),
        "files": sum(len(each.files) for each in went),
        "customers": len(went),
        "forgotten": sum(each.whole for each in went),
        "stays_open": aged.stays_open,
        "left": list(left),
    }


def _forget_read(knowledge: Knowledge, conversations: Sequence[str]) -> None:
    """What the documents' side knows of conversations: findings that quote them, vectors of questions."""
    with knowledge.syncing:
        for conversation in conversations:
            findings.forget(knowledge.db, conversation=conversation)
        erasing.forget_vectors(knowledge)


async def _erase_theirs(store: Store, theirs: Belongings, erasure: str) -> None:
    await store.erase(theirs, erasure)
    for id in theirs.files:
        await asyncio.to_thread(store.attachment_path(id).unlink, missing_ok=True)


async def _erase_aged(store: Store, erasure: OfAge) -> tuple[str, ...]:
    """The conversations that are gone, now or when this was cut off."""
    await store.erase_aged(erasure.aged, erasure.before, erasure.abandoned)
    for each in erasure.aged.theirs:
        for id in each.files:
            if await store.attachment(id) is None:
                await asyncio.to_thread(store.attachment_path(id).unlink, missing_ok=True)
    wanted = erasure.aged.conversations
    return tuple([id for id in wanted if await store.conversation(id) is None])


def _left(settings: Settings, words: tuple[str, ...], vectors: tuple[bytes, ...] = ()) -> list[str]:
    """Files of the data folder that hold any of it; our own note of it goes last."""
    found = erasing.left(settings.data_dir, words, vectors)
    return [name for file in found if (name := str(file.relative_to(settings.data_dir))) != FILE]


def stored(settings: Settings, do: Callable[[Store], Awaitable[T]]) -> T:
    from app.adapters.store import Store
    from app.main import utc_now

    async def done() -> T:
        store = await Store.open(settings.data_dir, utc_now)
        try:
            return await do(store)
        finally:
            await store.close()

    return asyncio.run(done())
