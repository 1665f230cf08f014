"""What agents read: lists of conversations and cases, suggestions, notes, dossiers, files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from app.adapters import tables as t
from app.adapters.conversations import conversation_of
from app.adapters.sql import Sql
from app.adapters.trail import tell
from app.audit import OPERATOR, Entry
from app.models.case import Case, CaseState
from app.models.conversation import Attachment, Conversation, Note
from app.models.dossier import Dossier
from app.models.people import Principal
from app.models.record import Suggestion

log = logging.getLogger(__name__)

FILES = "attachments"


class Desk(Sql):
    """The parts of the store that agents look at."""

    _seen: Mapping[str, frozenset[tuple[str, str]] | set[tuple[str, str]]] = MappingProxyType({})
    """Day -> (conversation, agent) that the trail knows of."""

    async def conversations_of(self, party: str) -> list[Conversation]:
        """A party's own, the newest first."""
        query = sa.select(t.conversation).where(t.conversation.c.party == party)
        return sorted(await self._conversations(query), key=lambda each: each.opened_at, reverse=True)

    async def recent_conversations(self, limit: int = 200) -> list[Conversation]:
        """Those in which something was said last, first."""
        last = (
            sa.select(t.message.c.conversation, sa.func.max(t.message.c.ord).label("last"))
            .group_by(t.message.c.conversation)
            .subquery()
        )
        query = (
            sa.select(t.conversation)
            .join(last, last.c.conversation == t.conversation.c.id)
            .order_by(last.c.last.desc())
            .limit(limit)
        )
        return await self._conversations(query)

    async def _conversations(self, query: sa.Select[tuple[object, ...]]) -> list[Conversation]:
        async with self._engine.connect() as c:
            rows = (await c.execute(query)).all()
        return [conversation_of(row) for row in rows]

    async def ids_under(self, root: str) -> list[str]:
        """The conversation with this id, and those whose ids go on from it: all askers of one thread."""
        id = t.conversation.c.id
        query = sa.select(id).where((id == root) | id.between(f"{root}-", f"{root}.")).order_by(id)
        return list(await self._all(query))

    async def cases(self, *states: CaseState, limit: int = 200) -> list[Case]:
        """Those in these states (none: in any), the newest first."""
        query = sa.select(t.case.c.value).order_by(t.case.c.updated_at.desc()).limit(limit)
        if states:
            query = query.where(t.case.c.state.in_(states))
        return [Case.model_validate_json(value) for value in await self._all(query)]

    async def cases_of(self, conversation: str) -> list[Case]:
        """Every case that was spoken of in a conversation, the newest first."""
        spoken = sa.select(t.turn.c.case_).where(t.turn.c.conversation == conversation)
        query = sa.select(t.case.c.value).where(t.case.c.id.in_(spoken)).order_by(t.case.c.updated_at.desc())
        return [Case.model_validate_json(value) for value in await self._all(query)]

    async def spoken_in(self, case: str) -> list[str]:
        """Conversations in which a case was spoken of, in no order."""
        query = sa.select(t.turn.c.conversation).where(t.turn.c.case_ == case).distinct()
        return list(await self._all(query))

    async def suggestion(self, id: str) -> Suggestion | None:
        value = await self._one(sa.select(t.suggestion.c.value).where(t.suggestion.c.id == id))
        return None if value is None else Suggestion.model_validate_json(value)

    async def suggestions(self, conversation: str) -> list[Suggestion]:
        query = sa.select(t.suggestion.c.value).where(t.suggestion.c.conversation == conversation)
        found = [Suggestion.model_validate_json(value) for value in await self._all(query)]
        return sorted(found, key=lambda each: each.at)

    async def notes(self, conversation: str) -> list[Note]:
        query = sa.select(t.note.c.value).where(t.note.c.conversation == conversation)
        found = [Note.model_validate_json(value) for value in await self._all(query)]
        return sorted(found, key=lambda each: each.at)

    async def dossiers(self, conversation: str) -> list[tuple[str, Dossier]]:
        """(key, dossier), the oldest first."""
        query = (
            sa.select(t.handoff.c.turn, t.handoff.c.dossier)
            .where(t.handoff.c.conversation == conversation)
            .order_by(t.handoff.c.at)
        )
        async with self._engine.connect() as c:
            rows = (await c.execute(query)).all()
        return [(row.turn, Dossier.model_validate_json(row.dossier)) for row in rows]

    async def handoff_waits(self, limit: int = 20) -> list[float]:
        """Seconds from asking for a person to one joining, of the newest handoffs that ended so."""
        query = (
            sa.select(t.event.c.conversation, t.event.c.at, t.event.c.payload)
            .where(t.event.c.type == "handoff")
            .order_by(t.event.c.at.desc())
            .limit(limit * 6)
        )
        async with self._engine.connect() as c:
            rows = (await c.execute(query)).all()
        return waits([(row.conversation, row.at, row.payload) for row in reversed(rows)])[-limit:]

    async def seen(self, conversation: str, by: Principal) -> None:
        """Tells the audit trail who of us opened a conversation; once a day, so that a list costs nothing."""
        now = self._clock()
        day = f"{now:%Y-%m-%d}"
        if (conversation, by.party) in self._seen.get(day, ()):
            return
        try:
            async with self._write() as c:
                await tell(c, now, [Entry(what="seen", who=by.party)], conversation=conversation)
        except sa.exc.SQLAlchemyError as error:  # who is asked for help reads on, on a full disk, too
            log.error("that %s was opened was not written down: %s", conversation, error)
            return
        self._seen = {day: {*self._seen.get(day, ()), (conversation, by.party)}}

    async def exported(self, parties: Sequence[str], by: Principal | None = None) -> None:
        """Tells the audit trail who was handed all that is kept of somebody."""
        who = by.party if by is not None else OPERATOR
        async with self._write() as c:
            entries = [Entry(what="exported", who=who, party=party) for party in parties]
            await tell(c, self._clock(), entries)

    # --- files ---

    async def keep_attachment(self, conversation: str, attachment: Attachment, content: bytes) -> None:
        """The bytes first: a row whose file is missing would be a promise that cannot be kept."""
        path = self.attachment_path(attachment.id)
        await asyncio.to_thread(_write_file, path, content)
        async with self._write() as c:
            await c.execute(
                insert(t.attachment)
                .values(id=attachment.id, conversation=conversation, value=attachment.model_dump_json())
                .on_conflict_do_nothing()
            )

    async def attachment(self, id: str) -> tuple[str, Attachment] | None:
        """(conversation, attachment); None where there is none."""
        row = await self._row(sa.select(t.attachment).where(t.attachment.c.id == id))
        return None if row is None else (row.conversation, Attachment.model_validate_json(row.value))

    def attachment_path(self, id: str) -> Path:
        """Where the bytes lie. `id` is one of ours: it names a file and never a folder."""
        return self._folder / FILES / Path(id).name


def waits(handoffs: Sequence[tuple[str, str, str]]) -> list[float]:
    """Seconds from `requested` to `joined`; (conversation, ISO time, payload), the oldest first."""
    import json
    from datetime import datetime

    asked: dict[str, datetime] = {}
    found = []
    for conversation, at, payload in handoffs:
        state = json.loads(payload)["state"]
        if state in ("requested", "queued"):
            asked.setdefault(conversation, datetime.fromisoformat(at))
        elif state == "ended":  # given up, or over
            asked.pop(conversation, None)
        elif state == "joined" and conversation in asked:
            found.append((datetime.fromisoformat(at) - asked.pop(conversation)).total_seconds())
    return found


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
