"""The list of what was erased, kept beside the backups: what an old copy brings back goes again.

Nobody is named in it: an entry has a digest, by which whatever a copy holds can be recognised as erased. A
copy's own audit trail says which erasures it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from app.errors import NotFound
from knowledge import catalogue, notes
from knowledge.errors import KnowledgeError
from knowledge.model import Value

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.settings import Settings
    from knowledge.store import Knowledge

log = logging.getLogger(__name__)

FILE = "erased.jsonl"


Kind = Literal["customer", "document", "key"]


class Erased(Value):
    """One erasure, or the end of an API key."""

    id: str
    at: datetime
    kind: Kind
    salt: str
    digests: tuple[str, ...]

    def meant(self, names: Sequence[str]) -> list[str]:
        """Those of the names that it was of."""
        return [name for name in names if _digest(self.salt, name) in self.digests]


def folder(settings: Settings) -> Path:
    """Where backups and this list lie: outside of the data folder, which a restore replaces."""
    data = settings.data_dir.absolute()
    return settings.backup_dir or data.with_name(f"{data.name}-backups")


def note(settings: Settings, kind: Kind, names: Sequence[str], at: datetime, *, id: str) -> None:
    """Writes an erasure down before anything of it goes, once. Raises `OSError`."""
    if id in {entry.id for entry in entries(settings)}:
        return
    salt = secrets.token_hex(16)
    digests = tuple(_digest(salt, name) for name in names)
    entry = Erased(id=id, at=at, kind=kind, salt=salt, digests=digests)
    file = folder(settings) / FILE
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    torn = file.exists() and not file.read_bytes().endswith(b"\n")  # by a crash: it ends here
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as out:
        out.write(b"\n" * torn + json.dumps(entry.model_dump(mode="json")).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())


def entries(settings: Settings) -> list[Erased]:
    """All that were written; a line that a crash cut off is none: nothing had gone yet."""
    found = []
    try:
        text = (folder(settings) / FILE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    for line in text.splitlines():
        with suppress(ValidationError):
            found.append(Erased.model_validate_json(line))
    return found


def forget(settings: Settings, before: datetime) -> None:
    """Entries that no copy is older than have done their work."""
    kept = [entry for entry in entries(settings) if entry.at >= before]
    file = folder(settings) / FILE
    if not file.exists() or len(kept) == len(entries(settings)):
        return
    beside = file.with_name(f".{FILE}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for entry in kept:
            out.write(json.dumps(entry.model_dump(mode="json")).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def _digest(salt: str, name: str) -> str:
    return hmac.digest(bytes.fromhex(salt), name.encode(), hashlib.sha256).hex()


# --- what an old copy brought back ----------------------------------------------------------------


def again(knowledge: Knowledge, settings: Settings) -> list[str]:
    """Carries out the erasures that this folder knows nothing of; the ids of those that found something.

    Whoever calls sees to it that nobody else erases meanwhile.
    """
    from app.erasing import stored

    listed = entries(settings)
    if not listed:
        return []
    known = stored(settings, lambda store: store.erasures())
    owed = [entry for entry in listed if entry.id not in known]
    owed = [entry for entry in owed if notes.get(knowledge.db, f"erasure {entry.id}") is None]
    return [entry.id for entry in owed if _again(knowledge, settings, entry)]


def _again(knowledge: Knowledge, settings: Settings, entry: Erased) -> bool:
    match entry.kind:
        case "customer":
            return _customer(knowledge, settings, entry)
        case "document":
            return _document(knowledge, settings, entry)
        case "key":
            return _key(knowledge, settings, entry)


def _document(knowledge: Knowledge, settings: Settings, entry: Erased) -> bool:
    from app.erasing import carry_out, of_document
    from app.main import utc_now

    back = entry.meant(catalogue.document_ids(knowledge.db))
    for id in back:
        log.warning("an old copy of the folder was put back: %s is erased again", id)
        with suppress(KnowledgeError):  # it had moved, and is erased where it was then
            carry_out(
                knowledge, settings, of_document(knowledge, id, by="stepfour", at=utc_now(), erasure=entry.id)
            )
    notes.put(knowledge.db, f"erasure {entry.id}", utc_now().isoformat())
    return bool(back)


def _customer(knowledge: Knowledge, settings: Settings, entry: Erased) -> bool:
    from app.erasing import carry_out, of_customer, stored

    back = entry.meant(stored(settings, lambda store: store.parties()))
    for party in back:
        try:
            erasure = of_customer(settings, party, entry.id)
        except NotFound:  # nothing but a name is left
            stored(settings, partial(_forget, party=party, erasure=entry.id))
        else:
            log.warning("an old copy of the folder was put back: a customer is erased again (%s)", entry.id)
            carry_out(knowledge, settings, erasure)
    if not back:
        # Whoever comes back later under that name is somebody new: this entry is done with.
        stored(settings, partial(_forget, party="", erasure=entry.id))
    return bool(back)


def _key(knowledge: Knowledge, settings: Settings, entry: Erased) -> bool:
    from app.erasing import stored
    from app.main import utc_now

    ended = stored(settings, partial(_revoke, entry=entry))
    notes.put(knowledge.db, f"erasure {entry.id}", utc_now().isoformat())
    return ended


async def _revoke(store: Store, *, entry: Erased) -> bool:
    counts = [key.name for key in await store.api_keys() if key.revoked_at is None]
    ended = entry.meant(counts)
    for name in ended:
        await store.revoke_api_key(name)
    return bool(ended)


async def _forget(store: Store, *, party: str, erasure: str) -> None:
    await store.forget_anew(party, erasure)
