"""Carries a decision out as far as the modes allow, and writes down everything of a turn."""

from __future__ import annotations

from datetime import datetime, timedelta

from app import actions, shown
from app.ids import new_id
from app.look import Draft
from app.models import (
    Act,
    ActionRequest,
    Answer,
    Ask,
    Case,
    CaseState,
    Citation,
    Decision,
    Facts,
    Guide,
    HandOff,
    Message,
    Propose,
    Record,
    Said,
    Turn,
    Watch,
    Watching,
)
from app.ports import Services


async def carry_out(services: Services, draft: Draft, decision: Decision) -> ActionRequest | None:
    """The action request a decision asks for; in shadow nothing is asked for."""
    if not isinstance(decision, Act | Propose) or draft.mode == "shadow" or draft.action is None:
        return None
    if services.settings.mode(draft.conversation.channel, draft.action.name) == "shadow":
        return None
    return await actions.new_request(
        draft.action,
        case=draft.case,
        conversation=draft.conversation,
        subjects=draft.subjects.first(),
        approval=decision.approval if isinstance(decision, Propose) else "none",
        services=services,
        lang=draft.facts.reading.language,
    )


async def write_down(
    services: Services,
    draft: Draft,
    decision: Decision,
    request: ActionRequest | None,
    *,
    trigger: str,
    message: Message | None,
) -> tuple[Turn, Record]:
    now = services.clock()
    watch = await _watch(services, draft, decision, now)
    guide = await _section(services, draft, decision)
    text = await shown.reply_text(services, draft, decision, guide=guide, watch=watch)
    turn_id = new_id("t")
    turn = Turn(
        id=turn_id,
        trigger=trigger,
        conversation=draft.conversation.id,
        case=draft.case.id,
        channel=draft.conversation.channel,
        mode=draft.mode,
        reading=draft.facts.reading,
        facts=draft.facts,
        decision=decision,
        passages=tuple(hit.passage.id for hit in draft.hits),
        request=request.id if request else None,
        reply=text,
        dossier=shown.dossier_of(draft, decision),
        at=now,
    )
    case = draft.case.model_copy(
        update={
            "state": _case_state(draft.case, decision),
            "said": said_after(draft.facts, decision),
            "updated_at": now,
        }
    )
    record = Record(
        conversation=draft.conversation.id,
        covers=(message.id,) if message else (),
        case=case,
        facts=draft.news,
        request=request,
        dossier=turn.dossier if draft.mode != "shadow" else None,
    )
    if draft.mode == "shadow":
        return turn, record
    return turn, record.model_copy(
        update={
            "watch": watch,
            "unwatch": draft.case.id if watch is None and draft.facts.said.watching else None,
            **shown.outgoing(draft, decision, turn, guide=guide, watch=watch, request=request),
        }
    )


async def _watch(services: Services, draft: Draft, decision: Decision, now: datetime) -> Watching | None:
    """When we look next: soon, then seldom, and the first time no later than what was seen counts."""
    if draft.mode == "shadow" or not isinstance(decision, Watch | Guide):
        return None
    if isinstance(decision, Guide) and not decision.watches:
        return None
    before = await services.store.watching(draft.case.id)
    looks = before.looks + 1 if before and draft.facts.resumed else 0
    waits = services.settings.watch_seconds
    wait = waits[looks] if looks < len(waits) else services.settings.watch_then_seconds
    state = next(state for state in draft.facts.steps if state.step == decision.step)
    expires = [(finding.until - now).total_seconds() for finding in state.findings if not finding.met]
    if looks == 0 and expires:
        wait = max(1, min(wait, int(min(expires))))
    return Watching(
        case=draft.case.id,
        conversation=draft.conversation.id,
        step=decision.step,
        looks=looks,
        since=before.since if before else now,
        next_at=now + timedelta(seconds=wait),
    )


async def _section(services: Services, draft: Draft, decision: Decision) -> Citation | None:
    if not isinstance(decision, Guide) or draft.procedure is None:
        return None
    return await services.library.section(draft.procedure, decision.step)


def _case_state(case: Case, decision: Decision) -> CaseState:
    match decision:
        case Act() | Propose() | Watch():
            return "waiting"
        case HandOff():
            return "handed_off"
        case _ if decision.kind == "acknowledge" and decision.closes:
            return "closed"
        case _ if decision.kind == "already":
            return "solved"
        case _:
            return case.state if case.state in ("solved", "handed_off") else "open"


def said_after(facts: Facts, decision: Decision) -> Said:
    """What the case has been sent once this decision is carried out."""
    said = facts.said
    changes: dict[str, object] = {"last": decision.kind}
    match decision:
        case Guide(step=step):
            state = next(state for state in facts.steps if state.step == step)
            code = (state.finding.code,) if state.finding else ()
            changes |= {"guided": (*said.guided, step), "last_seen": code}
        case Ask(step=step):
            changes["asked"] = (*said.asked, step)
        case Answer(citations=citations):
            changes["passages"] = (*said.passages, *(citation.passage for citation in citations))
        case HandOff():
            changes["handed_off"] = True
        case Watch():
            changes["looks"] = said.looks + 1
    return said.model_copy(update=changes)
