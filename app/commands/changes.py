"""What changed in the documents, told: to whoever asks, and by an event after each sync."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app import events
from app.errors import BadInput
from app.models.case import CaseState
from knowledge import changes
from knowledge.changes import WhatChanged
from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.models.case import Case
    from app.ports import Clock
    from app.settings import Settings
    from knowledge.store import Knowledge

LOOK_S = 5.0
"""How often the service looks whether a sync ended, its own or one of before it started."""

OUTLET, MARK = "changes", "announced"
"""Key of the newest sync that agents and webhooks were told of."""

OPEN: tuple[CaseState, ...] = ("open", "waiting", "handed_off", "asked")


def changed(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What changed, word for word, and what it touches. Args: `since`."""
    from app.adapters.store import Store
    from app.main import utc_now

    now = utc_now()
    try:
        since = changes.since_of(knowledge.db, str(args["since"]), now)
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    found = changes.what_changed(knowledge.db, since=since, now=now)

    async def touched() -> list[dict[str, Any]]:
        store = await Store.open(settings.data_dir, utc_now)
        try:
            return await open_cases(store, found)
        finally:
            await store.close()

    return {**found.model_dump(mode="json"), "cases": asyncio.run(touched())}


async def open_cases(store: Store, found: WhatChanged) -> list[dict[str, Any]]:
    """Cases under way that follow a changed procedure, or were sent words of a page that changed or went."""
    procedures = {p.procedure for p in found.procedures}
    documents = changes.documents_of(found)
    touched = []
    for case in await store.cases(*OPEN, limit=100_000):
        follows = case.procedure if case.procedure in procedures else None
        cited = _cited(case) & documents
        if follows or cited:
            touched.append(
                {
                    "case": case.id,
                    "conversation": case.conversation,
                    "state": case.state,
                    "procedure": follows,
                    "cited": sorted(cited),
                }
            )
    return touched


def _cited(case: Case) -> set[str]:
    """Documents whose words the case was sent: a passage's id is `DOCUMENT@VERSION#NUMBER`."""
    return {passage.rpartition("@")[0] for passage in case.said.passages}


async def of_run(knowledge: Knowledge, store: Store, run: int, now: datetime) -> dict[str, Any]:
    """What one sync changed, as the webhook tells it."""
    found = await asyncio.to_thread(changes.what_changed, knowledge.db, run=run, now=now)
    report = await asyncio.to_thread(changes.report_of, knowledge.db, run)
    return {
        **found.model_dump(mode="json", exclude={"since", "until"}),
        "cases": await open_cases(store, found),
        "run": run,
        "source": report["source"],
    }


async def announce(knowledge: Knowledge, store: Store, clock: Clock) -> None:
    """Runs until it is cancelled: an event in the agents' log for each sync that changed something, in order.

    What was taken in before the service first ran is no news.
    """
    while True:
        mark = await store.posted(OUTLET, MARK)
        if mark is None:
            newest = await asyncio.to_thread(changes.last_run, knowledge.db)
            await store.mark_posted(OUTLET, MARK, str(newest))
            continue
        for run in await asyncio.to_thread(changes.runs_after, knowledge.db, int(mark)):
            event = await _event(knowledge, store, run, clock())
            await store.tell_agents(event, mark=(OUTLET, MARK, str(run)))
        await asyncio.sleep(LOOK_S)


async def _event(knowledge: Knowledge, store: Store, run: int, now: datetime) -> events.AgentKnowledge:
    told = await of_run(knowledge, store, run, now)
    kinds = [page["kind"] for page in told["pages"]]
    return events.AgentKnowledge(
        run=run,
        source=told["source"],
        new=kinds.count("new"),
        changed=kinds.count("changed") + kinds.count("moved"),
        removed=kinds.count("removed"),
        procedures=tuple(p["procedure"] for p in told["procedures"]),
        cases=len(told["cases"]),
    )
