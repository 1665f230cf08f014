"""Takes words of an erased document, or everything of a customer, out of the service's tables for good."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.sql import FILE, Sql
from app.adapters.trail import forget, tell
from app.audit import OPERATOR, Entry, lasting
from app.errors import BadInput, NotFound
from app.models.conversation import Message
from app.models.people import Principal
from knowledge.erasing import scrub
from knowledge.model import Value

MARK = "[erased]"

RUNNING = ("approved", "executing", "verifying")
"""States of an action request in which something is under way for the customer."""

SHORTEST = 20
"""Characters: a shorter line may be anybody's."""

_OF_CONVERSATION = (t.turn, t.message, t.event, t.suggestion, t.handoff, t.note)
_OF_CASE = (t.fact, t.action_request, t.watch)
_IN_THE_TRAIL = (t.turn, t.message, t.action_request)
"""Rows whose words the audit trail has digests of."""
_TEXT = {t.event: "payload", t.handoff: "dossier"}
"""Column with the JSON; `value` where nothing else is said."""


class Belongings(Value):
    """What there is of a customer."""

    party: str
    conversations: tuple[str, ...]
    cases: tuple[str, ...]
    files: tuple[str, ...]
    """Ids of attachments."""
    words: tuple[str, ...]
    """Lines that the customer wrote and nobody else, longest first."""
    whole: bool = True
    """All that there is of them; else only what is named, and they stay."""

    @property
    def numbers(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in ("conversations", "cases", "files")}


class Erasing(Sql):
    """The part of the store that forgets."""

    async def erase_words(self, documents: Collection[str], words: Sequence[str]) -> int:
        """Puts a mark in the place of a document's words, wherever they were sent; in how many rows.

        `documents`: its id, and those that it had before it moved.
        """
        if not words:
            return 0
        pattern = re.compile("|".join(re.escape(word) for word in words))
        changed, now = 0, self._clock()
        async with self._write() as c:
            await c.execute(sa.text("PRAGMA secure_delete = ON"))
            conversations = await _naming(c, t.turn.c.conversation, t.turn.c.value, documents)
            cases = await _naming(c, t.case.c.id, t.case.c.value, documents)
            cases |= await _naming(c, t.turn.c.case_, t.turn.c.value, documents)
            for table in _OF_CONVERSATION:
                changed += await _cleaned(c, table, table.c.conversation.in_(conversations), pattern, now)
            for table, key in ((t.case, t.case.c.id), *((each, each.c.case_) for each in _OF_CASE)):
                changed += await _cleaned(c, table, key.in_(cases), pattern, now)
            more: dict[str, object] = {"documents": sorted(documents), "rows": changed}
            await tell(c, now, [Entry(what="erased", who=OPERATOR, code="document", more=more)])
        await asyncio.to_thread(scrub, self._folder / FILE)
        return changed

    async def belongings(self, party: str) -> Belongings:
        """Raises `NotFound` where there is no such customer, `BadInput` while an action runs for them."""
        async with self._engine.connect() as c:
            mine = t.conversation.c.party == party
            conversations = await ids_of(c, sa.select(t.conversation.c.id).where(mine))
            cases = await ids_of(c, sa.select(t.case.c.id).where(t.case.c.party == party))
            if not conversations and not cases:
                raise NotFound(f"there is no customer `{party}`. They are named like customer:ACCOUNT:USER.")
            await _refuse_running(c, cases)
            sent = sa.select(t.attachment.c.id).where(t.attachment.c.conversation.in_(conversations))
            return Belongings(
                party=party,
                conversations=tuple(sorted(conversations)),
                cases=tuple(sorted(cases)),
                files=tuple(sorted(await ids_of(c, sent))),
                words=await words_of(c, conversations),
            )

    async def erase(self, theirs: Belongings, erasure: str | None = None) -> None:
        """Every row of it; what is gone already changes nothing. Raises `BadInput` while an action runs.

        `erasure`: under which id the trail tells of it.
        """
        async with self._write() as c:
            await c.execute(sa.text("PRAGMA secure_delete = ON"))
            await _refuse_running(c, theirs.cases)
            await self.take_out(c, theirs)
            await forget(c, self._clock(), theirs.party, theirs.numbers, erasure=erasure)
        await asyncio.to_thread(scrub, self._folder / FILE)

    async def parties(self) -> list[str]:
        """Everybody of whom anything is kept."""
        query = sa.union(
            sa.select(t.conversation.c.party),
            sa.select(t.case.c.party),
            sa.select(t.audit_name.c.party),
        )
        async with self._engine.connect() as c:
            return sorted(await ids_of(c, query))

    async def erasures(self) -> frozenset[str]:
        """Ids of the erasures that the trail tells of."""
        query = sa.select(t.audit.c.data).where(t.audit.c.what == "erased")
        told = [json.loads(data).get("erasure") for data in await self._all(query)]
        return frozenset(id for id in told if id)

    async def forget_anew(self, party: str, erasure: str) -> None:
        """Nothing or only a name is left of them: an erasure of before is carried out here, too."""
        async with self._write() as c:
            nothing = {"conversations": 0, "cases": 0, "files": 0}
            await forget(c, self._clock(), party, nothing, erasure=erasure)

    async def take_out(self, c: AsyncConnection, theirs: Belongings) -> None:
        """Deletes every row of it, in a transaction of whoever tells the trail of it."""
        await _empty_received(c, theirs)
        for table in (*_OF_CONVERSATION, t.attachment, t.audit_salt):
            await c.execute(sa.delete(table).where(table.c.conversation.in_(theirs.conversations)))
        requests = sa.select(t.action_request.c.id).where(t.action_request.c.case_.in_(theirs.cases))
        await c.execute(sa.delete(t.follow_up).where(t.follow_up.c.request.in_(requests)))
        for table in (t.turn, *_OF_CASE):
            await c.execute(sa.delete(table).where(table.c.case_.in_(theirs.cases)))
        await c.execute(sa.delete(t.case).where(t.case.c.id.in_(theirs.cases)))
        await c.execute(sa.delete(t.conversation).where(t.conversation.c.id.in_(theirs.conversations)))
        # A thread of another service goes on under the same id: its log begins anew, and so do these.
        await c.execute(sa.delete(t.delivered).where(t.delivered.c.log.in_(theirs.conversations)))
        cards = [f"ho-of:{id}" for id in theirs.conversations]
        await c.execute(sa.delete(t.posted).where(t.posted.c.key.in_(cards)))
        if theirs.whole:
            await _forget_proofs(c, theirs.party)
            # What it cost stays, and nobody's name with it.
            mine = t.model_call.c.party == theirs.party
            await c.execute(sa.update(t.model_call).where(mine).values(party=None, account=None))


async def _naming(c: AsyncConnection, key: Any, value: Any, documents: Collection[str]) -> set[str]:
    """Keys of rows whose JSON names any of the documents."""
    ways = {json.dumps(each, ensure_ascii=ascii)[1:-1] for each in documents for ascii in (True, False)}
    query = sa.select(key).where(sa.or_(*(sa.func.instr(value, way) > 0 for way in ways)), key.is_not(None))
    return await ids_of(c, query)


async def ids_of(c: AsyncConnection, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> set[str]:
    return set((await c.execute(query)).scalars())


async def _cleaned(
    c: AsyncConnection, table: sa.Table, where: Any, pattern: re.Pattern[str], now: datetime
) -> int:
    column = table.c[_TEXT.get(table, "value")]
    keys = list(table.primary_key.columns)
    changed = 0
    for row in (await c.execute(sa.select(*keys, column.label("text")).where(where))).all():
        before = json.loads(row.text)
        after = _without(before, pattern)
        if after != before:
            mine = sa.and_(*(key == row._mapping[key.name] for key in keys))
            text = json.dumps(after)
            await c.execute(sa.update(table).where(mine).values({column.name: text}))
            if table in _IN_THE_TRAIL:
                words = lasting(text) if table is t.action_request else text
                entry = Entry(what="cleaned", who=OPERATOR, about=after["id"], words=words)
                await tell(c, now, [entry], conversation=after["conversation"])
            changed += 1
    return changed


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    match value:
        case str():
            return pattern.sub(MARK, value)
        case list():
            return [_without(each, pattern) for each in value]
        case dict():
            return {key: _without(each, pattern) for key, each in value.items()}
        case _:
            return value


async def _refuse_running(c: AsyncConnection, cases: Collection[str]) -> None:
    query = sa.select(t.action_request.c.id).where(
        t.action_request.c.case_.in_(cases), t.action_request.c.state.in_(RUNNING)
    )
    running = await ids_of(c, query)
    if running:
        raise BadInput(f"an action runs for this customer ({min(running)}). Erase again when it has ended.")


async def words_of(c: AsyncConnection, conversations: Collection[str]) -> tuple[str, ...]:
    query = sa.select(t.message.c.conversation, t.message.c.value).where(t.message.c.role == "customer")
    mine: set[str] = set()
    others: set[str] = set()
    for row in await c.execute(query):
        (mine if row.conversation in conversations else others).update(lines_of(row.value))
    return tuple(sorted(mine - others, key=lambda w: (-len(w), w)))


def lines_of(value: str) -> Iterable[str]:
    message = Message.model_validate_json(value)
    texts = [message.text, *(attachment.text for attachment in message.attachments)]
    return (line.strip() for text in texts for line in text.split("\n") if len(line.strip()) >= SHORTEST)


async def _forget_proofs(c: AsyncConnection, party: str) -> None:
    for table, key in ((t.link, t.link.c.external), (t.one_time, t.one_time.c.digest)):
        for row in (await c.execute(sa.select(key.label("key"), table.c.principal))).all():
            if Principal.model_validate_json(row.principal).party == party:
                await c.execute(sa.delete(table).where(key == row.key))
    kind, _, digest = party.partition("::")
    if kind == "anonymous":
        await c.execute(sa.delete(t.visitor).where(t.visitor.c.digest == digest))


async def _empty_received(c: AsyncConnection, theirs: Belongings) -> None:
    """What another service told us of them and could not be worked off; its key stays, so that a retry of it
    is no news."""
    told_us = sa.select(t.received).where(sa.func.json_extract(t.received.c.value, "$.payload") != "{}")
    rows = (await c.execute(told_us)).all()
    if not rows:  # as nearly always: what was worked off is empty already
        return
    names = await _known_as(c, theirs)
    words = await words_of(c, theirs.conversations)
    whole = {text for text in await _texts_of(c, theirs.conversations) if text}
    for row in rows:
        value = json.loads(row.value)
        strings = set(_strings(value["payload"]))
        told = "\n".join(strings)
        # What is still to be worked off is somebody's message: a short word or a name may be anybody's.
        if (row.done and strings & (names | whole)) or any(word in told for word in words):
            emptied = json.dumps({**value, "payload": {}})
            await c.execute(
                sa.update(t.received).where(t.received.c.ord == row.ord).values(value=emptied, done=True)
            )


async def _known_as(c: AsyncConnection, theirs: Belongings) -> set[str]:
    """What other services call them, where all of them goes: user ids, names, addresses."""
    if not theirs.whole:
        return set()
    names = {theirs.party.split(":", 2)[2]}
    for row in (await c.execute(sa.select(t.link))).all():
        if Principal.model_validate_json(row.principal).party == theirs.party:
            names.add(row.external.rpartition(":")[2])
    contexts = sa.select(t.conversation.c.value).where(t.conversation.c.id.in_(theirs.conversations))
    for value in (await c.execute(contexts)).scalars():
        context = dict(json.loads(value)["context"])
        names |= {context[key] for key in ("_user", "_name", "_email") if context.get(key)}
    return names


async def _texts_of(c: AsyncConnection, conversations: Collection[str]) -> set[str]:
    mine = (t.message.c.role == "customer") & t.message.c.conversation.in_(conversations)
    query = sa.select(t.message.c.value).where(mine)
    return {json.loads(value)["text"] for value in (await c.execute(query)).scalars()}


def _strings(value: Any) -> Iterable[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _strings(each)
        case dict():
            for each in value.values():
                yield from _strings(each)
