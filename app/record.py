"""Carries a decision out as far as the modes allow, and writes down everything of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from app import proposing, saying, sending, shown
from app.facts import replies, seen_against, state_of, tried
from app.look import Draft
from app.models.case import Case, CaseState, Resolution, Watching
from app.models.conversation import Message, Mode
from app.models.decision import (
    Acknowledge,
    Act,
    Already,
    Answer,
    Ask,
    Decision,
    Decline,
    Guide,
    HandOff,
    Propose,
    StaySilent,
    Watch,
)
from app.models.facts import Facts, Said
from app.models.record import Record, Suggestion, Turn
from app.models.request import ActionRequest
from app.modes import mode_of
from app.ports import Progress, Services
from app.quotable import placed
from knowledge.model import Citation


def mode_for(services: Services, draft: Draft, decision: Decision) -> Mode:
    """The channel's mode; where the action may not even be asked for, the customer is told nothing of it."""
    if isinstance(decision, Act | Propose) and draft.mode == "auto" and _shadowed(services, draft):
        return "suggest"
    return draft.mode


def _shadowed(services: Services, draft: Draft) -> bool:
    names = (draft.action.name,) if draft.action else ()
    return mode_of(services.settings, draft.conversation, *names) == "shadow"


async def carry_out(
    services: Services, draft: Draft, decision: Decision, trigger: str
) -> ActionRequest | None:
    """The action request a decision asks for; none in shadow, and no second one for what waits already."""
    if not isinstance(decision, Act | Propose) or draft.action is None:
        return None
    if _shadowed(services, draft) or draft.facts.action_pending:
        return None
    await _withdraw(services, draft)
    return await proposing.new_request(
        draft.action,
        case=draft.case,
        conversation=draft.conversation,
        subjects=draft.subjects.first(),
        approval=decision.approval if isinstance(decision, Propose) else "none",
        services=services,
        lang=draft.facts.reading.language,
        trigger=trigger,
    )


async def _withdraw(services: Services, draft: Draft) -> None:
    """What was only laid before an agent gives way to a request that needs no agent."""
    for request in await services.store.requests("proposed", case=draft.case.id):

        def telling(moved: ActionRequest) -> Record:
            return Record(
                conversation=moved.conversation, elsewhere=shown.to_agents(shown.request_notice(moved))
            )

        await services.store.move(
            request, "expired", detail="a newer request took its place", told=True, telling=telling
        )


async def worded(services: Services, draft: Draft, decision: Decision) -> str:
    """What would go out for a decision, before anything is written down; a model is not asked for words."""
    watch = await _watch(services, draft, decision, services.clock())
    guide = await _section(services, draft, decision)
    return await saying.reply_text(services, draft, decision, guide=guide, watch=watch)


async def write_down(
    services: Services,
    draft: Draft,
    decision: Decision,
    request: ActionRequest | None,
    *,
    suggested: Decision | None,
    trigger: str,
    message: Message | None,
    progress: Progress | None = None,
) -> tuple[Turn, Record]:
    """The turn and all that it writes. `suggested`: what an agent may say while we are silent."""
    now = services.clock()
    draft = draft.model_copy(update={"mode": mode_for(services, draft, decision)})
    watch = await _watch(services, draft, decision, now)
    guide = await _section(services, draft, decision)
    sent = sending.citations_sent(decision, draft.facts, guide)
    handover = await saying.handover(services, decision)
    text = await saying.reply_text(
        services, draft, decision, guide=guide, watch=watch, handover=handover, progress=progress
    )
    turn = Turn(
        id=draft.turn,
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
        dossier=await saying.dossier_of(services, draft, decision),
        at=now,
    )
    state = _case_state(draft, decision, request)
    case = draft.case.model_copy(
        update={
            "state": state,
            "resolution": _resolution(draft.case, decision, state),
            # What only agents were told has not been said to the customer.
            "said": draft.case.said if draft.mode == "suggest" else said_after(draft.facts, decision, sent),
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
    suggestion = await _suggestion(services, draft, suggested, turn, request=request, sent=sent)
    outgoing = sending.outgoing(
        draft,
        decision,
        turn,
        sent=sent,
        watch=watch,
        request=request or await _card_again(services, draft, decision),
        handover=handover,
        places=await saying.places_of(services),
    )
    elsewhere = sending.for_agents(turn, request, suggestion, handover)
    if any(type == "steps" for type, _ in outgoing["events"]):
        others = set(await services.store.spoken_in(draft.case.id)) - {draft.conversation.id}
        elsewhere += shown.checklist_elsewhere(outgoing["events"], sorted(others))
    return turn, record.model_copy(
        update={
            "watch": watch,
            "unwatch": draft.case.id if watch is None and draft.facts.said.watching else None,
            "suggestion": suggestion,
            "elsewhere": elsewhere,
            **outgoing,
        }
    )


async def _card_again(services: Services, draft: Draft, decision: Decision) -> ActionRequest | None:
    """The card of what waits already, for a customer who has come to another place, or who says yes in words:
    only the button counts, so it stands where they look."""
    if not isinstance(decision, Propose) or not draft.facts.action_pending:
        return None
    if draft.facts.continued is None and decision.approval != "customer":
        return None
    return next(iter(await services.store.requests("proposed", case=draft.case.id)), None)


async def _suggestion(
    services: Services,
    draft: Draft,
    suggested: Decision | None,
    turn: Turn,
    *,
    request: ActionRequest | None,
    sent: Sequence[Citation],
) -> Suggestion | None:
    """What an agent may send: our own reply where we may only suggest, or one for whoever has taken over."""
    decision, text = turn.decision, turn.reply
    if suggested is not None:
        guide = await _section(services, draft, suggested)
        sent = sending.citations_sent(suggested, draft.facts, guide)
        decision = suggested
        text = await saying.reply_text(services, draft, suggested, guide=guide, watch=None)
    elif draft.mode != "suggest":
        return None
    if not text:
        return None
    return Suggestion(
        id=turn.id,
        conversation=turn.conversation,
        case=turn.case,
        decision=decision,
        text=text,
        citations=tuple(sent),
        request=request.id if request else None,
        at=turn.at,
    )


def _resolution(case: Case, decision: Decision, state: CaseState) -> Resolution | None:
    if isinstance(decision, Already):
        return "verified"
    if state == "closed":
        return case.resolution or "silent"
    return case.resolution


async def _watch(services: Services, draft: Draft, decision: Decision, now: datetime) -> Watching | None:
    """When we look next, if we go on looking: soon, then seldom, and the first time no later than what was
    seen counts."""
    if draft.mode == "shadow":
        return None
    before = await services.store.watching(draft.case.id)
    if not isinstance(decision, Watch) and not (isinstance(decision, Guide) and decision.watches):
        return _kept(services, before, draft.facts, decision, now)
    if before is not None and before.step != decision.step:
        before = None
    looks = before.looks + 1 if before and draft.facts.resumed else 0
    wait = _wait(services, looks)
    state = state_of(draft.facts, decision.step)
    expires = [(finding.until - now).total_seconds() for finding in state.findings if not finding.met]
    if looks == 0 and expires:
        wait = max(1, min(wait, int(min(expires))))
    return Watching(
        case=draft.case.id,
        conversation=draft.conversation.id,
        step=decision.step,
        looks=looks,
        since=before.since if before and draft.facts.resumed else now,
        next_at=now + timedelta(seconds=wait),
    )


def _wait(services: Services, looks: int) -> int:
    waits = services.settings.watch_seconds
    return waits[looks] if looks < len(waits) else services.settings.watch_then_seconds


def _kept(
    services: Services, before: Watching | None, facts: Facts, decision: Decision, now: datetime
) -> Watching | None:
    """Small talk and other questions end no watch; a look that found a person active comes again later."""
    match decision:
        case Acknowledge(closes=False) | Answer() if before is not None:
            return before
        case StaySilent() if before is not None and not facts.resumed:
            return before
        case StaySilent() if before is not None and facts.person_active and not facts.watch_over:
            looks = before.looks + 1
            later = now + timedelta(seconds=_wait(services, looks))
            return before.model_copy(update={"looks": looks, "next_at": later})
        case _:
            return None


async def _section(services: Services, draft: Draft, decision: Decision) -> Citation | None:
    if not isinstance(decision, Guide) or draft.procedure is None:
        return None
    section = await services.library.section(draft.procedure, decision.step)
    return placed(section) if section is not None else None


def _case_state(draft: Draft, decision: Decision, request: ActionRequest | None) -> CaseState:
    before = draft.case.state
    match decision:
        case Act() | Propose():
            return "waiting" if request or draft.facts.action_pending else before
        case Watch():
            return before if before == "handed_off" else "waiting"  # a person waits for it, whatever we see
        case HandOff():
            return "handed_off"
        case Acknowledge(closes=True):
            return "closed"
        case Already():
            return "solved"
        case Acknowledge() | Answer() | StaySilent():
            return before
        case _:
            return before if before in ("solved", "handed_off") else "open"


def _says_nothing(facts: Facts, decision: Decision) -> bool:
    """Silence, and a look by ourselves that found nothing new, leave our last words what they were."""
    return isinstance(decision, StaySilent) or (isinstance(decision, Watch) and facts.resumed)


def _quoted(said: Said, decision: Decision, sent: Sequence[Citation]) -> tuple[tuple[str, str], ...]:
    """The lines that answers were; a section that was sent as a whole has none of its own any more."""
    if isinstance(decision, Answer | Already):
        return tuple(dict.fromkeys((*said.quotes, *((one.passage, one.shown or one.quote) for one in sent))))
    whole = {citation.passage for citation in sent}
    return tuple((passage, text) for passage, text in said.quotes if passage not in whole)


def said_after(facts: Facts, decision: Decision, sent: Sequence[Citation] = ()) -> Said:
    """What the case has been sent once this decision is carried out."""
    said = facts.said
    passages = dict.fromkeys((*said.passages, *(citation.passage for citation in sent)))
    places = dict.fromkeys((*said.places, *(citation.place for citation in sent if citation.place)))
    changes: dict[str, object] = {
        "last": said.last if _says_nothing(facts, decision) else decision.kind,
        "passages": tuple(passages),
        "places": tuple(places),
        "quotes": _quoted(said, decision, sent),
        "already": said.already or decision.kind == "already",
        "pictures": said.pictures or (facts.unread_images and decision.kind != "stay_silent"),
    }
    holding = {state.step for state in facts.steps if state.holds}
    shown_now = {step: seen for step, seen in said.shown if step not in holding}
    if replies(facts) and said.asked[-1] not in said.replied:
        changes["replied"] = (*said.replied, said.asked[-1])
    match decision:
        case Guide(step=step):
            seen = seen_against(state_of(facts, step))
            changes |= {"last_seen": seen, "held": tuple(sorted(holding)), "noted": 0}
            if step in said.guided and tried(facts):
                changes["tried"] = (*said.tried, step)
            shown_now[step] = seen
            if decision.brief:
                changes |= {"last": "reminder", "reminded": (*said.reminded, step)}
            else:
                changes["guided"] = (*said.guided, step)
        case Answer(citations=()):
            changes["unanswered"] = said.unanswered + 1
        case Acknowledge(closes=False) if facts.reading.speech == "report":
            changes["noted"] = said.noted + 1
        case Ask(step=step):
            changes["asked"] = (*said.asked, step)
        case Decline(reason=reason):
            changes["declined"] = (*said.declined, reason)
        case HandOff(reason=reason):
            changes |= {"handed_off": True, "warned": said.warned or reason == "danger"}
        case Watch():
            changes["looks"] = said.looks + 1
    changes["shown"] = tuple(shown_now.items())
    return said.model_copy(update=changes)
