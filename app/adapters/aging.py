"""Which conversations are older than they are kept, and taking them out for good."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.adapters import tables as t
from app.adapters.erasing import RUNNING, Belongings, Erasing, ids_of, lines_of, words_of
from app.adapters.sql import FILE
from app.adapters.trail import forget, forget_conversation, tell
from app.audit import OURSELVES, Entry
from app.models.event import AGENTS
from knowledge.erasing import scrub
from knowledge.model import Value

ENDED = ("solved", "closed")
ANSWERED = (*RUNNING, "proposed")
"""States of a request in which somebody may still say yes to it, or it runs."""


class Aged(Value):
    """What is older than it is kept."""

    theirs: tuple[Belongings, ...]
    """One for each customer, without words."""
    words: tuple[str, ...]
    """Lines that stand in these conversations and in no other, longest first."""
    stays_open: int
    """Conversations that are old enough and stay, because something in them is open."""

    @property
    def conversations(self) -> tuple[str, ...]:
        return tuple(id for each in self.theirs for id in each.conversations)


class _Known(NamedTuple):
    """Conversations of before the day, the cases spoken of in them, and what of it is over."""

    party: Mapping[str, str]
    """Of each old conversation and of each case."""
    cases: Mapping[str, frozenset[str]]
    """Conversation -> cases, of all conversations that share a case with an old one."""
    over: frozenset[str]
    """Old conversations and cases in which nothing is open."""


class Aging(Erasing):
    """The part of the store that keeps nothing for longer than it should."""

    async def aged(self, before: datetime, abandoned: datetime | None) -> Aged:
        """Whole matters in which nothing was said or done since `before`.

        `abandoned`: an open case counts as ended when nothing happened in it since then; None: it never does.
        """
        async with self._engine.connect() as c:
            theirs, stays = await _aged(c, before, abandoned)
            gone = {id for each in theirs for id in each.conversations}
            return Aged(theirs=theirs, words=await words_of(c, gone), stays_open=stays)

    async def erase_aged(self, aged: Aged, before: datetime, abandoned: datetime | None) -> tuple[str, ...]:
        """Takes out what is still as old as it was when it was looked for; the conversations that went.

        Somebody may have written meanwhile. What is gone already changes nothing.
        """
        wanted, now = set(aged.conversations), self._clock()
        async with self._write() as c:
            await c.execute(sa.text("PRAGMA secure_delete = ON"))
            found, _ = await _aged(c, before, abandoned, only=wanted)
            for each in found:
                if not each.whole:
                    for id in each.conversations:
                        await forget_conversation(c, now, id)
                await self.take_out(c, each)
                if each.whole:
                    await forget(c, now, each.party, each.numbers, who=OURSELVES)
            await _drop_stale(c, before, now)
        await asyncio.to_thread(scrub, self._folder / FILE)
        return tuple(id for each in found for id in each.conversations)

    async def drop_stale(self, before: datetime) -> None:
        """What goes by its age alone, where no conversation does."""
        async with self._write() as c:
            await _drop_stale(c, before, self._clock())

    async def put_back(self, told: Entry) -> None:
        """An old copy is in use again: nobody is signed in by what may have ended since it was made."""
        async with self._write() as c:
            for table in (t.session, t.one_time, t.agent_role):
                await c.execute(sa.delete(table))
            await tell(c, self._clock(), [told])

    async def said_no_more(self, words: Sequence[str]) -> tuple[str, ...]:
        """Of lines, those that stand in no message any more."""
        async with self._engine.connect() as c:
            texts = (await c.execute(sa.select(t.message.c.value))).scalars().all()
        said = {line for text in texts for line in lines_of(text)}
        return tuple(word for word in words if word not in said)


async def _aged(
    c: AsyncConnection, before: datetime, abandoned: datetime | None, *, only: Collection[str] | None = None
) -> tuple[tuple[Belongings, ...], int]:
    """(what is over, how many conversations are old and stay).

    A matter goes as a whole: a conversation stays while a case of it stays, a case while it was spoken of in
    a conversation that stays.
    """
    known = await _known(c, before, abandoned)
    old = [id for id in known.cases if id in known.party]
    gone = {id for id in old if id in known.over and (only is None or id in only)}
    spoken = defaultdict(set)
    for id, cases in known.cases.items():
        for case in cases:
            spoken[case].add(id)
    while True:
        stays = {id for id in gone if any(c not in known.over or spoken[c] - gone for c in known.cases[id])}
        if not stays:
            break
        gone -= stays
    by_party: dict[str, set[str]] = defaultdict(set)
    for id in gone:
        by_party[known.party[id]].add(id)
    found = tuple([await _of(c, party, ids, known) for party, ids in sorted(by_party.items())])
    return found, len(old) - len(gone)


async def _of(c: AsyncConnection, party: str, ids: Collection[str], known: _Known) -> Belongings:
    cases = {case for id in ids for case in known.cases[id]}
    sent = sa.select(t.attachment.c.id).where(t.attachment.c.conversation.in_(ids))
    more = [sa.select(t.conversation.c.id).where(t.conversation.c.party == party)]
    more.append(sa.select(t.case.c.id).where(t.case.c.party == party))
    stays = set.union(*[await ids_of(c, query) for query in more]) - set(ids) - cases
    return Belongings(
        party=party,
        conversations=tuple(sorted(ids)),
        cases=tuple(sorted(cases)),
        files=tuple(sorted(await ids_of(c, sent))),
        words=(),
        whole=not stays,
    )


async def _known(c: AsyncConnection, before: datetime, abandoned: datetime | None) -> _Known:
    day, left = before.isoformat(), abandoned.isoformat() if abandoned is not None else ""
    at = sa.func.max(t.event.c.at)
    last = sa.select(t.event.c.conversation, at.label("at")).group_by(t.event.c.conversation).subquery()
    opened = sa.func.json_extract(t.conversation.c.value, "$.opened_at")
    newest = sa.func.max(sa.func.coalesce(last.c.at, ""), opened)
    query = sa.select(
        t.conversation.c.id, t.conversation.c.party, t.conversation.c.status, newest.label("at")
    ).join(last, last.c.conversation == t.conversation.c.id, isouter=True)
    rows = (await c.execute(query.add_columns(t.conversation.c.person_active))).all()
    old = {row.id: row for row in rows if row.at < day}
    unread = await ids_of(
        c,
        sa.select(t.message.c.conversation).where(t.message.c.turn.is_(None), t.message.c.role == "customer"),
    )
    attended = {id for id, row in old.items() if row.person_active and not row.at < left}
    cases, party, over = defaultdict(set), {id: row.party for id, row in old.items()}, set(old)
    over -= unread | attended
    busy = await _busy(c)
    resolved = {row.id for row in rows if row.status == "resolved"}
    place = sa.func.json_extract(t.case.c.value, "$.conversation").label("place")
    columns = (t.case.c.id, t.case.c.party, t.case.c.state, t.case.c.updated_at, place)
    for row in (await c.execute(sa.select(*columns))).all():
        cases[row.place].add(row.id)
        party[row.id] = row.party
        ended = row.state in ENDED or (row.state == "handed_off" and row.place in resolved)
        if row.id not in busy and row.updated_at < day and (ended or row.updated_at < left):
            over.add(row.id)
    spoken = sa.select(t.turn.c.conversation, t.turn.c.case_).where(t.turn.c.case_.is_not(None)).distinct()
    for conversation, case in await c.execute(spoken):
        cases[conversation].add(case)
    return _Known(
        party=party,
        cases={id: frozenset(cases.get(id, ())) for id in {*old, *cases}},
        over=frozenset(over),
    )


async def _busy(c: AsyncConnection) -> set[str]:
    """Cases in which something waits for somebody or for its time."""
    waiting = sa.select(t.action_request.c.case_).where(t.action_request.c.state.in_(ANSWERED))
    followed = sa.select(t.action_request.c.case_).join(
        t.follow_up, t.follow_up.c.request == t.action_request.c.id
    )
    return await ids_of(c, sa.union(waiting, followed, sa.select(t.watch.c.case_)))


async def _drop_stale(c: AsyncConnection, before: datetime, now: datetime) -> None:
    """What nobody can use any more: proofs that ended, visitors who never wrote, old news for agents, and
    whose the old calls of a model were."""
    for table in (t.one_time, t.session, t.agent_role):
        await c.execute(sa.delete(table).where(table.c.until < now.isoformat()))
    wrote = sa.select(t.conversation.c.party)
    unknown = (sa.literal("anonymous::") + t.visitor.c.digest).not_in(wrote)
    await c.execute(sa.delete(t.visitor).where(t.visitor.c.created_at < before.isoformat(), unknown))
    # What a call cost stays, and not whose it was: budgets are of a day.
    calls = sa.update(t.model_call).where(t.model_call.c.at < before.isoformat())
    await c.execute(calls.values(party=None, account=None))
    newest = sa.select(sa.func.max(t.event.c.seq)).where(t.event.c.conversation == AGENTS).scalar_subquery()
    old: sa.ColumnElement[Any] = (t.event.c.conversation == AGENTS) & (t.event.c.at < before.isoformat())
    await c.execute(sa.delete(t.event).where(old, t.event.c.seq < newest))  # numbers go on from the newest
