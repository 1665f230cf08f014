"""Facts for a decision: the ledger, the world, the documents, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from app.action import Action
from app.asking import asks, vague
from app.ledger import claims_of, new_claims, step_states
from app.models.case import Case
from app.models.conversation import Conversation, Message, Mode
from app.models.facts import Continued, Facts
from app.models.people import Standing
from app.models.reading import Reading
from app.models.request import ActionRequest
from app.models.steps import LedgerFact, StepState
from app.modes import mode_of
from app.passages import Found, names_something_else, newest_words, passages_for, since_us
from app.ports import Progress, Services
from app.proposing import standing_of
from app.quotable import citations_of, unclear_of
from app.verify import Seen, Subjects, subjects_of, tell_tasks, verify
from app.walk import on_the_way
from knowledge.languages import translation_key
from knowledge.model import Hit, Procedure, Value


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
    turn: str
    """Id of the turn it is for."""


async def look(
    services: Services,
    conversation: Conversation,
    case: Case,
    reading: Reading,
    history: Sequence[Message],
    *,
    message: Message | None,
    turn: str,
    continued: Continued | None = None,
    progress: Progress | None = None,
) -> Draft:
    """Facts for the decision: the ledger, the world, the documents and what was said before.

    `message`: what started the turn; None where it goes on by itself.
    """
    procedure = (
        await services.library.procedure(reading.procedure, reading.language) if reading.procedure else None
    )
    action = services.actions.get(procedure.action) if procedure and procedure.action else None
    perhaps = await services.library.procedure(reading.perhaps, reading.language) if reading.perhaps else None
    known = await services.store.facts(case.id)
    news: tuple[LedgerFact, ...] = ()
    subjects, seen = Subjects(), Seen()
    if procedure is not None:
        case = case.model_copy(update={"version": procedure.version})
        said_at = {message.id: message.at for message in history}
        news = new_claims(
            reading, known, case=case.id, procedure=procedure.id, at=services.clock(), said_at=said_at
        )
        if reading.wants_outcome or reading.asks_how:
            subjects = await subjects_of(procedure, action, reading, conversation, services, said=history)
            telling = tell_tasks(progress, turn, procedure, reading.language) if progress else None
            seen = await verify(procedure, action, subjects, conversation, services, telling=telling)
            news += seen.ledger(case, procedure, services.clock())
    found = Found()
    if message is not None:
        holds = bool(seen.read_back and seen.read_back.met)
        found = await passages_for(services, procedure, case, reading, history, holds=holds)
    draft = Draft(
        conversation=conversation,
        case=case,
        procedure=procedure,
        action=action,
        facts=Facts(reading=reading),
        seen=seen,
        subjects=subjects,
        hits=found.hits,
        news=news,
        mode=mode_of(services.settings, conversation),
        turn=turn,
    )
    spoken = _spoken(reading, history) if message is not None else ()
    facts = await _facts(services, draft, known, message=message, spoken=spoken)
    more = {
        "continued": continued,
        "on_the_matter": found.on_the_matter,
        "asks_way": found.asks_way,
        "perhaps": perhaps,
        "unclear": "" if message is None else _unclear(reading, history, found.hits),
        "vague": message is not None and vague(newest_words(history), reading.language),
        "asks": message is not None and asks(newest_words(history)),
        "beside": message is not None and names_something_else(procedure, reading, history),
    }
    return draft.model_copy(update={"facts": facts.model_copy(update=more)})


def _spoken(reading: Reading, history: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """What the words since our last reply say of steps; not what was said before it."""
    newest = {message.id for message in since_us(history)}
    return tuple((claim.step, claim.status) for claim in reading.claims if claim.message in newest)


def words_of(message: Message) -> Message:
    """A message with the words of the text files that came with it: they are part of what was said."""
    files = [attachment.text for attachment in message.attachments if attachment.text]
    if not files:
        return message
    return message.model_copy(update={"text": "\n\n".join(filter(None, (message.text, *files)))})


async def _facts(
    services: Services,
    draft: Draft,
    known: Sequence[LedgerFact],
    *,
    message: Message | None,
    spoken: tuple[tuple[str, str], ...],
) -> Facts:
    """Everything that `decide` may look at. `known`: the ledger of before this turn."""
    case, reading, now = draft.case, draft.facts.reading, services.clock()
    watching = await services.store.watching(case.id)
    pending = await services.store.requests("proposed", "approved", "executing", "verifying", case=case.id)
    approval = _approval(services, draft.conversation, draft.action, reading)
    standing = await _standing(services, draft.conversation, reading)
    return Facts(
        reading=reading,
        person_active=draft.conversation.person_active,
        standing=standing,
        missing_subject=draft.subjects.missing,
        among=draft.subjects.among if standing in ("owner", "member") else (),
        foreign_subject=draft.subjects.foreign,
        procedure=draft.procedure,
        outcome_holds=draft.seen.read_back.met if draft.seen.read_back else None,
        steps=_steps(draft, known, now),
        action_approval=approval,
        action_pending=any(_waits(request, draft, approval) for request in pending),
        action_failed=await _failed_before(services, case),
        action_sent=bool(await services.store.requests("sent", case=case.id)),
        done_before=case.state in ("solved", "asked"),
        citations=citations_of(draft.hits),
        cited=_cited(draft.procedure, case.said.places),
        said=case.said.model_copy(update={"watching": watching is not None}),
        spoken=spoken,
        resumed=message is None,
        addressed=message is None or message.addressed,
        unread_images=message is not None and any(file.image for file in message.attachments),
        # Whoever writes starts a fresh watch: only a look by ourselves can be the last one.
        watch_over=message is None
        and watching is not None
        and (now - watching.since).total_seconds() >= services.settings.watch_for_seconds,
    )


def _steps(draft: Draft, known: Sequence[LedgerFact], now: datetime) -> tuple[StepState, ...]:
    if draft.procedure is None:
        return ()
    states = step_states(
        draft.procedure,
        claims=claims_of([*known, *draft.news], draft.procedure.id),
        findings=draft.seen.by_step,
        must_check=frozenset(draft.action.prerequisites) if draft.action else frozenset(),
        not_applicable=frozenset(fact.step for fact in known if fact.kind == "not_applicable"),
        now=now,
    )
    return on_the_way(draft.procedure, states)


async def _standing(services: Services, conversation: Conversation, reading: Reading) -> Standing:
    """Asked of the account system, and only where something hangs on it."""
    if conversation.principal.kind == "anonymous":
        return "anonymous"
    if not reading.wants_outcome:
        return "unknown"
    return await standing_of(services, conversation.principal)


_LEVELS = ("none", "customer", "agent")


def _waits(request: ActionRequest, draft: Draft, approval: Literal["none", "customer", "agent"]) -> bool:
    """Not one that was laid before somebody whose yes is not needed any more: an agent who has left since, a
    customer who has now said plainly what they want."""
    too_careful = request.state == "proposed" and _LEVELS.index(request.approval) > _LEVELS.index(approval)
    return not too_careful or draft.conversation.person_active


async def _failed_before(services: Services, case: Case) -> bool:
    ended = await services.store.requests("undone", "needs_person", "refused", case=case.id)
    return any(request.state != "refused" or request.rejected for request in ended)


def _approval(
    services: Services, conversation: Conversation, action: Action | None, reading: Reading
) -> Literal["none", "customer", "agent"]:
    if action is None:
        return "none"
    mode = mode_of(services.settings, conversation, action.name)
    if mode == "suggest":
        return "agent"
    return "customer" if reading.faint and action.approval == "none" else action.approval


def _unclear(reading: Reading, history: Sequence[Message], hits: Sequence[Hit]) -> str:
    """In the customer's words since our last reply; what was said before them names things."""
    before = [message.text for message in history[: len(history) - len(since_us(history))]]
    return unclear_of(newest_words(history), before, hits, reading.language)


def _cited(procedure: Procedure | None, places: Sequence[str]) -> tuple[str, ...]:
    if procedure is None:
        return ()
    page = translation_key(procedure.path)
    return tuple(step.id for step in procedure.steps if f"{page}#{step.anchor}" in places)
