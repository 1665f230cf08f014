"""Facts for a decision: the ledger, the world, the documents, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from app.actions import Action, standing_of
from app.ledger import claims_of, new_claims, step_states
from app.models import (
    Case,
    Citation,
    Conversation,
    Facts,
    LedgerFact,
    Message,
    Mode,
    Procedure,
    Reading,
    Standing,
    StepState,
    Value,
    cite,
)
from app.ports import Services
from app.verify import Seen, Subjects, subjects_of, verify
from knowledge.model import Hit

RELEVANT = 0.5
"""A passage answers from this relevance on; set by `stepfour eval cases` on the cases of our own."""

MOST_QUOTES = 2
HISTORY_WEIGHT = 0.5  # an older message counts half of the one after it, as retrieval measured best


class Draft(Value):
    """What a turn knows before it decides."""

    conversation: Conversation
    case: Case
    procedure: Procedure | None
    action: Action | None
    facts: Facts
    seen: Seen
    subjects: Subjects
    hits: tuple[Hit, ...]
    news: tuple[LedgerFact, ...]
    mode: Mode


async def look(
    services: Services,
    conversation: Conversation,
    case: Case,
    reading: Reading,
    history: Sequence[Message],
    *,
    resumed: bool,
) -> Draft:
    """Facts for the decision: the ledger, the world, the documents and what was said before."""
    procedure = (
        await services.library.procedure(reading.procedure, reading.language) if reading.procedure else None
    )
    action = services.actions.get(procedure.action) if procedure and procedure.action else None
    known = await services.store.facts(case.id)
    now = services.clock()
    news: tuple[LedgerFact, ...] = ()
    if procedure is not None:
        news = new_claims(reading, known, case=case.id, procedure=procedure.id, at=now)
        case = case.model_copy(update={"version": procedure.version})
    subjects, seen, standing = Subjects(), Seen(), await _standing(services, conversation, reading)
    hits: list[Hit] = []
    if procedure is not None and (reading.wants_outcome or reading.asks_how):
        subjects = await subjects_of(procedure, action, reading, conversation, services)
        seen = await verify(procedure, action, subjects, conversation, services)
        news += seen.ledger(case, procedure, now)
    besides = reading.speech == "question" and bool(case.said.guided)
    if not resumed and besides:  # a question in between: for itself, the matter at hand left out
        hits = await services.library.search([(reading.request, 1.0)], lang=reading.language)
        hits = [hit for hit in hits if procedure is None or hit.passage.document != procedure.document]
    elif not resumed and _asks_documents(reading, procedure):
        hits = await services.library.search(_query(reading, history), lang=reading.language)
    steps: tuple[StepState, ...] = ()
    if procedure is not None:
        steps = step_states(
            procedure,
            claims=claims_of([*known, *news], procedure.id),
            findings=seen.by_step,
            must_check=frozenset(action.prerequisites) if action else frozenset(),
            not_applicable=frozenset(f.step for f in known if f.kind == "not_applicable"),
            now=now,
        )
    watching = await services.store.watching(case.id)
    facts = Facts(
        reading=reading,
        person_active=conversation.person_active,
        standing=standing,
        missing_subject=subjects.missing,
        foreign_subject=subjects.foreign,
        procedure=procedure,
        outcome_holds=seen.read_back.met if seen.read_back else None,
        steps=steps,
        action_approval=_approval(services, conversation, action),
        action_pending=bool(
            await services.store.requests("proposed", "approved", "executing", "verifying", case=case.id)
        ),
        action_failed=await _failed_before(services, case),
        done_before=case.state == "solved",
        citations=citations_of(hits),
        said=case.said.model_copy(update={"watching": watching is not None}),
        resumed=resumed,
        watch_over=watching is not None
        and (now - watching.since).total_seconds() >= services.settings.watch_for_seconds,
    )
    return Draft(
        conversation=conversation,
        case=case,
        procedure=procedure,
        action=action,
        facts=facts,
        seen=seen,
        subjects=subjects,
        hits=tuple(hits),
        news=news,
        mode=services.settings.mode(conversation.channel),
    )


async def _standing(services: Services, conversation: Conversation, reading: Reading) -> Standing:
    """Asked of the account system, and only where something hangs on it."""
    if conversation.principal.kind == "anonymous":
        return "anonymous"
    if not reading.wants_outcome:
        return "unknown"
    return await standing_of(services, conversation.principal)


async def _failed_before(services: Services, case: Case) -> bool:
    ended = await services.store.requests("undone", "needs_person", "refused", case=case.id)
    return any(request.state != "refused" or request.rejected for request in ended)


def _approval(
    services: Services, conversation: Conversation, action: Action | None
) -> Literal["none", "customer", "agent"]:
    if action is None:
        return "none"
    mode = services.settings.mode(conversation.channel, action.name)
    return "agent" if mode == "suggest" else action.approval


def _asks_documents(reading: Reading, procedure: Procedure | None) -> bool:
    """A procedure at hand says by itself what is left; what no procedure brings, a document may explain."""
    works = reading.wants_outcome and procedure is not None
    return not works and reading.speech not in ("thanks", "greeting")


def _query(reading: Reading, history: Sequence[Message]) -> list[tuple[str, float]]:
    said = [message.text for message in history if message.role == "customer"][:-1]
    earlier = [(text, HISTORY_WEIGHT**age) for age, text in enumerate(reversed(said[-3:]), 1)]
    return [(reading.request, 1.0), *earlier] if reading.request else earlier


def citations_of(hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The lines that answer, with where they stand; empty where no passage is relevant enough."""
    return tuple(
        cite(hit.passage, quote) for hit in hits if hit.relevance >= RELEVANT for quote in hit.quotes[:1]
    )[:MOST_QUOTES]
