"""Labelled conversations through the real `handle`, each in a world of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from app.conversation import handle
from app.models.conversation import Message
from app.models.people import Principal
from app.models.reading import Reading
from app.models.record import Turn
from app.ports import Library, Reader, Services
from app.settings import Settings
from evals.case import LabelledCase
from evals.memory import CaseAccounts, CaseLibrary, actions_for, looks_for, principal
from knowledge.model import Procedure, Value
from knowledge.store import Knowledge

if TYPE_CHECKING:
    from app.adapters.store import Store

CHANNEL = "eval"


class BlindRow(Value):
    decision: str
    step: str | None


class CaseRow(Value):
    """What happened in one case: everything that the scores are computed from."""

    id: str
    procedure: str | None
    claims: dict[str, str]
    confidences: dict[str, float] = Field(default_factory=dict)
    """Of the claim that gave each status, between 0 and 1."""
    decision: str
    step: str | None
    because: str
    passages: tuple[str, ...]
    cited: tuple[str, ...] = ()
    """Anchors of the sections that the reply cites, as `path#anchor`."""
    reply: str
    effects: tuple[str, ...]
    blind: BlindRow | None = None
    wants_outcome: bool = False
    wants_human: bool = False
    reader: str = "builtin"
    tokens_in: int = 0
    tokens_out: int = 0


def settings_for(procedures: Iterable[Procedure], folder: Path) -> Settings:
    """Everything runs by itself: what is measured is the decision, not a mode."""
    modes = {CHANNEL: "auto", **{p.action: "auto" for p in procedures if p.action}}
    return Settings(data_dir=folder, modes=modes, pause_seconds=0, _env_file=None)


async def run_cases(
    cases: Sequence[LabelledCase],
    base: Services,
    knowledge: Knowledge,
    articles: Mapping[str, str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[CaseRow]:
    """A row per case. `articles`: document id of each case's article; `base.read` is the reader measured."""
    pages = frozenset(procedure.document for procedure in knowledge.procedures())
    read = remembered(base.read)
    rows = []
    for number, case in enumerate(cases, 1):
        documents = pages | ({articles[case.id]} if case.id in articles else frozenset())
        row = await _run(case, replace(base, read=read), knowledge, documents)
        if case.blind:
            unseen = case.model_copy(
                update={"id": f"{case.id}-blind", "world": dict.fromkeys(case.world, "unknown")}
            )
            again = await _run(unseen, replace(base, read=read), knowledge, documents)
            row = row.model_copy(update={"blind": BlindRow(decision=again.decision, step=again.step)})
        rows.append(row)
        if progress:
            progress(number, len(cases))
    return rows


def remembered(read: Reader) -> Reader:
    """The same conversation is read once: the blind run differs in the world alone, which no reader sees."""
    known: dict[tuple[tuple[str, str], ...], Reading] = {}

    async def reader(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        key = tuple((message.role, message.text) for message in messages)
        if key not in known:
            known[key] = await read(messages, procedures)
        # A quote names the message it stands in, and ids are new in every run.
        return known[key]

    return reader


async def _run(
    case: LabelledCase,
    base: Services,
    knowledge: Knowledge,
    documents: frozenset[str],
) -> CaseRow:
    accounts = CaseAccounts(case)
    services = in_its_world(case, base, knowledge, documents, accounts)
    last = await said(case, services.store, principal(case))
    turn = await handle(services, last.id)
    messages = await services.store.messages(last.conversation)
    return as_row(case, turn, [message for message in messages if message.role == "bot"], accounts)


def in_its_world(
    case: LabelledCase,
    base: Services,
    knowledge: Knowledge,
    documents: frozenset[str],
    accounts: CaseAccounts,
) -> Services:
    """The real parts, with the case's own world around them."""
    from app.adapters.library import KnowledgeLibrary

    procedures = knowledge.procedures()
    library: Library = CaseLibrary(KnowledgeLibrary(knowledge, documents), case)
    return replace(
        base,
        library=library,
        accounts=accounts,
        looks=looks_for(case, procedures, accounts),
        actions=actions_for(procedures),
        locks={},
    )


async def said(case: LabelledCase, store: Store, who: Principal, channel: str = CHANNEL) -> Message:
    """Stores the conversation as that person's; returns its last message, which nobody has handled yet."""
    conversation = await store.open_conversation(who, channel, context={})
    for number, earlier in enumerate(case.messages[:-1]):
        await store.accept(conversation, earlier.role, earlier.text, client_id=str(number), context={})
    last, _ = await store.accept(
        conversation, "customer", case.messages[-1].text, client_id="last", context={}
    )
    return last


def as_row(case: LabelledCase, turn: Turn, replies: Sequence[Message], accounts: CaseAccounts) -> CaseRow:
    decision, reading = turn.decision, turn.reading
    citations = decision.citations if decision.kind == "answer" else ()
    return CaseRow(
        id=case.id,
        procedure=reading.procedure,
        claims=claimed(reading),
        confidences=confidences(reading),
        decision=decision.kind,
        step=getattr(decision, "step", None) if decision.kind in ("guide", "ask", "watch") else None,
        because=decision.because,
        passages=turn.passages,
        cited=tuple(f"{c.path}#{c.anchor}" for c in citations),
        reply="\n\n".join(message.text for message in replies),
        effects=tuple(accounts.effects),
        wants_outcome=reading.wants_outcome,
        wants_human=reading.wants_person,
        reader=reading.reader,
        tokens_in=reading.tokens_in,
        tokens_out=reading.tokens_out,
    )


def confidences(reading: Reading) -> dict[str, float]:
    """How sure the reader was of the status that `claimed` names."""
    status = claimed(reading)
    found: dict[str, float] = {}
    for claim in reading.claims:
        if claim.status == status[claim.step]:
            found[claim.step] = max(claim.confidence, found.get(claim.step, 0.0))
    return found


def claimed(reading: Reading) -> dict[str, str]:
    """One status per step over its subjects: what is not done outweighs what is."""
    status: dict[str, str] = {}
    for claim in reading.claims:
        if status.get(claim.step) not in ("not_done", "failed"):
            status[claim.step] = claim.status
    return status
