"""What a turn or an action shows: the reply, the checklist and the events that surfaces replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app import dossiers, events, hours, output
from app.announcing import action_text, action_titles, action_words
from app.hours import Handover
from app.links import Places
from app.models import (
    AGENTS,
    Act,
    ActionRequest,
    Already,
    Answer,
    Case,
    CaseState,
    Citation,
    Conversation,
    Decision,
    Dossier,
    Facts,
    FollowUp,
    Guide,
    HandOff,
    Message,
    NewEvent,
    Procedure,
    Propose,
    Record,
    Status,
    StaySilent,
    StepState,
    Suggestion,
    Turn,
    Watch,
    Watching,
)
from app.modes import mode_of
from app.ports import Progress, Services
from app.reply.guiding import sends_section
from app.reply.rendering import render
from app.reply.settled import continued
from app.seeing import check_title, seen
from app.texts import language, say

if TYPE_CHECKING:
    from app.look import Draft

PIECE_S = 0.15
"""A model's words are shown in pieces of so long: each is a row, and nobody reads faster."""


async def reply_text(
    services: Services,
    draft: Draft,
    decision: Decision,
    *,
    guide: Citation | None,
    watch: Watching | None,
    handover: Handover | None = None,
    progress: Progress | None = None,
) -> str:
    """The customer's words for a decision; empty where nothing is to be said now.

    An action is told of when it has ended, so till then only where the matter was begun, if that was in
    another place; and a watched step that still needs time is no news.
    `progress`: shows a model's words while it writes them.
    """
    if isinstance(decision, StaySilent):
        return ""
    if isinstance(decision, Act):
        return continued(draft.facts, draft.facts.reading.language, services.clock())
    if isinstance(decision, Watch) and draft.facts.resumed:
        return ""
    lang = draft.facts.reading.language
    places = await places_of(services)
    written = None
    if isinstance(decision, Answer) and services.write is not None:
        lines = [citation.shown or citation.quote for citation in decision.citations]
        told = await _telling(services, draft, progress) if progress is not None else None
        written = await services.write(draft.facts.reading.request, lang, lines, told)
    text = render(
        decision,
        draft.facts,
        lang=lang,
        now=services.clock(),
        next_look=watch.next_at if watch else None,
        step_source=guide,
        written=written,
        link=places.page,
        handover=handover,
    )
    return output.plain(text, places.lead)


async def places_of(services: Services) -> Places:
    """Where pages are read by now."""
    return Places(services.settings, await services.library.addresses())


async def _telling(services: Services, draft: Draft, progress: Progress) -> Callable[[str], Awaitable[None]]:
    """Shows what a model has written so far, a piece at a time; the whole message takes its place."""
    message = f"{draft.turn}-reply"
    if await services.store.streamed(draft.conversation.id, message):  # by a try that a crash cut off
        await progress(("message.reset", events.as_json(events.MessageReset(message=message))))
    shown_so_far = 0
    last = 0.0

    async def told(text: str) -> None:
        nonlocal shown_so_far, last
        text = output.visible(text)
        now = asyncio.get_running_loop().time()
        if now - last < PIECE_S:
            return
        delta = events.MessageDelta(message=message, offset=shown_so_far, text=text[shown_so_far:])
        shown_so_far, last = len(text), now
        await progress(("message.delta", events.as_json(delta)))

    return told


async def handover(services: Services, decision: Decision) -> Handover | None:
    """Who takes over and when, where people do."""
    if not isinstance(decision, HandOff):
        return None
    return await handover_for(services, decision.reason)


async def handover_for(services: Services, reason: str) -> Handover:
    waits = await services.store.handoff_waits()
    return hours.handover(services.settings.teams, reason, services.clock(), waits)


async def dossier_of(services: Services, draft: Draft, decision: Decision) -> Dossier | None:
    """Everything known, where people take over."""
    if not isinstance(decision, HandOff):
        return None
    return await dossiers.dossier_for(
        services,
        draft.facts,
        draft.conversation,
        draft.case,
        decision.because,
        decision=decision,
        news=draft.news,
    )


# --- events of a turn ---------------------------------------------------------------------------


def outgoing(
    draft: Draft,
    decision: Decision,
    turn: Turn,
    *,
    sent: Sequence[Citation],
    watch: Watching | None,
    request: ActionRequest | None,
    handover: Handover | None = None,
    places: Places | None = None,
) -> dict[str, Any]:
    """The replies, events and status of a turn's record, as the channel's mode allows."""
    if draft.mode == "suggest":
        status: Status = "with_agents"
        event = events.ConversationStatus(status=status, reason="suggested")
        return {"status": status, "events": (("conversation.status", events.as_json(event)),)}
    facts, out = draft.facts, []
    replies = _replies(turn)
    if not facts.resumed and not facts.person_active:
        out += [_ended(state, draft) for state in facts.steps if state.findings]
    if facts.procedure is not None and facts.steps and decision.kind not in ("acknowledge", "answer"):
        out.append(("steps", events.as_json(checklist(facts, facts.procedure, watch))))
    out += [message_event(message, decision, sent, places) for message in replies]
    if request is not None and isinstance(decision, Propose):
        out.append(proposal_event(request, facts.reading.language))
    if isinstance(decision, HandOff):
        out.append(handoff_event(decision.reason, handover))
    status_now = status_after(decision, draft, watch)
    out.append(("conversation.status", events.as_json(events.ConversationStatus(status=status_now))))
    return {"status": status_now, "events": tuple(out), "replies": replies}


def for_agents(
    turn: Turn, request: ActionRequest | None, suggestion: Suggestion | None, handover: Handover | None
) -> tuple[tuple[str, NewEvent], ...]:
    """What the agents' log says of a turn."""
    payloads: list[events.Payload] = [
        events.AgentCase(conversation=turn.conversation, case=turn.case, what="turn")
    ]
    if suggestion is not None:
        payloads.append(suggestion_notice(suggestion))
    if request is not None:
        payloads.append(request_notice(request))
    if isinstance(turn.decision, HandOff):
        payloads.append(
            events.AgentHandoff(
                conversation=turn.conversation,
                case=turn.case,
                turn=turn.id,
                reason=turn.decision.reason,
                team=handover.team if handover else None,
            )
        )
    return to_agents(*payloads)


def checklist_elsewhere(news: Sequence[NewEvent], places: Sequence[str]) -> tuple[tuple[str, NewEvent], ...]:
    """The checklist is one wherever it is looked at: other places of the case get it, too."""
    return tuple((place, event) for place in places for event in news if event[0] == "steps")


def to_agents(*payloads: events.Payload) -> tuple[tuple[str, NewEvent], ...]:
    return tuple((AGENTS, (events.event_type(payload), events.as_json(payload))) for payload in payloads)


def suggestion_notice(suggestion: Suggestion) -> events.AgentSuggestion:
    return events.AgentSuggestion(
        suggestion=suggestion.id,
        conversation=suggestion.conversation,
        case=suggestion.case,
        state=suggestion.state,
    )


def request_notice(request: ActionRequest) -> events.AgentRequest:
    return events.AgentRequest(
        request=request.id,
        conversation=request.conversation,
        case=request.case,
        state=request.state,
        by=request.approved_by,
    )


def handoff_event(reason: str, handover: Handover | None) -> NewEvent:
    """People have it now; who, and when they are there."""
    who = handover or Handover()
    return "handoff", events.as_json(
        events.Handoff(
            state="requested" if who.hours != "closed" else "queued",
            reason=reason,
            team=who.team,
            hours=who.hours,
            opens_at=who.opens_at,
            eta_s=who.eta_s,
        )
    )


def _ended(state: StepState, draft: Draft) -> NewEvent:
    """The look at a step is over; it is the last word on its task, whatever was told before."""
    assert draft.procedure is not None
    title = draft.procedure.step(state.step).title_in(draft.facts.reading.language)
    over: events.TaskState = "error" if any(f.met is None for f in state.findings) else "complete"
    task = events.Task(turn=draft.turn, task=state.step, title=title, state=over)
    return "task", events.as_json(task)


def _replies(turn: Turn) -> tuple[Message, ...]:
    if not turn.reply:
        return ()
    message = Message(
        id=f"{turn.id}-reply", conversation=turn.conversation, role="bot", text=turn.reply, at=turn.at
    )
    return (message,)


def citations_sent(decision: Decision, facts: Facts, guide: Citation | None) -> tuple[Citation, ...]:
    """The passages whose words a reply carries."""
    if isinstance(decision, Answer | Already):
        return decision.citations
    if isinstance(decision, Guide) and guide is not None and sends_section(decision, facts, guide):
        return (guide,)
    return ()


def message_event(
    message: Message,
    decision: Decision | None,
    citations: Sequence[Citation] = (),
    places: Places | None = None,
) -> NewEvent:
    kind = decision.kind if decision else None
    shown = events.shown(message, decision=kind, citations=tuple(citations), places=places)
    return "message.done", events.as_json(events.MessageDone(message=shown))


def status_after(decision: Decision, draft: Draft, watch: Watching | None) -> Status:
    match decision.kind:
        case "act":
            return "bot_working"
        case "propose":
            return "awaiting_approval"
        case "hand_off":
            return "with_agents"
        case "already":
            return "resolved"
        case "watch" | "acknowledge" | "answer" | "stay_silent":
            return _status_as_it_stands(draft, watch)
        case _:
            return "awaiting_customer"


def _status_as_it_stands(draft: Draft, watch: Watching | None) -> Status:
    """Small talk, other questions and a look that saw nothing new: who had the next move has it still."""
    if draft.conversation.person_active:
        return "human_active"
    if draft.case.state == "handed_off":
        return "with_agents"
    if draft.facts.action_pending:
        return "awaiting_approval"
    if watch is not None:
        return "watching"
    return "resolved" if draft.case.state in ("solved", "closed") else "awaiting_customer"


def checklist(facts: Facts, procedure: Procedure, watch: Watching | None) -> events.Steps:
    """The steps as the customer sees them: a word for each, and what it rests on."""
    lang = facts.reading.language
    return events.Steps(
        procedure=procedure.id,
        title=procedure.title,
        steps=tuple(_step(state, procedure, lang) for state in facts.steps),
        watching=events.Watching(step=watch.step, next_look_at=watch.next_at) if watch else None,
    )


def _step(state: StepState, procedure: Procedure, lang: str) -> events.ShownStep:
    finding, claim = state.finding, state.claim
    quote = events.StepQuote(message=claim.message, text=claim.quote) if claim and claim.quote else None
    return events.ShownStep(
        id=state.step,
        title=procedure.step(state.step).title_in(lang),
        word=state.word,
        claim=claim.status if claim else None,
        subject=finding.where if finding else None,
        seen=seen(finding, lang) if finding else None,
        at=finding.at if finding else None,
        until=finding.until if finding else None,
        quote=quote,
        checkable=state.checkable,
        holds=state.holds,
    )


# --- actions ------------------------------------------------------------------------------------


def proposal_event(request: ActionRequest, lang: str) -> NewEvent:
    command, _, undo = action_titles(request.words, lang)
    proposed = events.ActionProposed(
        request=request.id,
        action=request.action,
        title=command,
        inputs=request.inputs,
        digest=request.digest,
        undo=undo,
        prerequisites=tuple(
            events.ShownPrerequisite(title=check_title(f.check, lang), met=f.met, seen=seen(f, lang), at=f.at)
            for f in request.evidence
        ),
        approval="customer" if request.approval == "customer" else "agent",
        expires_at=request.expires_at,
    )
    return "action.proposed", events.as_json(proposed)


def request_event(request: ActionRequest) -> NewEvent:
    _, progress, _ = action_titles(request.words, request.lang)
    state = events.ActionState(
        request=request.id,
        action=request.action,
        title=progress,
        state=request.state,
        by=request.approved_by,
    )
    return "action.state", events.as_json(state)


def ending(
    services: Services,
    request: ActionRequest,
    conversation: Conversation,
    case: Case,
    *,
    handover: Handover | None = None,
    places: Sequence[str] = (),
) -> Record:
    """Tells how an action ended: done only where the read-back saw it, else a person goes on.

    `conversation` is where the case is spoken of now; `places` are the others, whose cards and status follow.
    One that nobody approved in time is the customer's to ask for again.
    """
    done = request.state == "done" and request.undoes is None
    now = services.clock()
    lasting: tuple[CaseState, Status] = ("handed_off", "with_agents")
    if done:
        lasting = "solved", "resolved"
    elif request.state in ("expired", "sent") and request.undoes is None:
        lasting = "open", "awaiting_customer"
    state, status = lasting
    with_person = state == "handed_off"
    said_now = case.said.model_copy(update={"handed_off": case.said.handed_off or with_person})
    changed = case.model_copy(
        update={
            "state": state,
            "resolution": "verified" if done else case.resolution,
            "said": said_now,
            "updated_at": now,
        }
    )
    record = Record(
        conversation=conversation.id,
        request=request,
        case=changed,
        unwatch=case.id,
        follow_up=first_follow_up(request, services.settings.after_seconds, now) if done else None,
        elsewhere=_ending_elsewhere(request, changed, handover, conversation=conversation, places=places),
    )
    if mode_of(services.settings, conversation) != "auto":
        return record.model_copy(update={"status": status})
    if conversation.person_active:  # the person who is there tells; the card shows it
        return record.model_copy(update={"events": (request_event(request),)})
    message = Message(
        id=f"{request.id}-reply",
        conversation=conversation.id,
        role="bot",
        text=_ending_text(request),
        at=now,
    )
    said: list[NewEvent] = [request_event(request), message_event(message, None)]
    if handover is not None:
        said.append(handoff_event("action_failed", handover))
    if done:
        verified = events.Resolved(case=case.id, state="verified")
        said.append(("resolution", events.as_json(verified)))
    said.append(("conversation.status", events.as_json(events.ConversationStatus(status=status))))
    return record.model_copy(update={"replies": (message,), "events": tuple(said), "status": status})


def held(request: ActionRequest, conversation: Conversation, now: datetime) -> Record:
    """An approved request waits, because actions are switched off."""
    do = say(request.lang, "action.held", do=action_words(request.words, "do", request.lang))
    message = Message(id=f"{request.id}-held", conversation=conversation.id, role="bot", text=do, at=now)
    status: Status = "human_active" if conversation.person_active else "with_agents"
    return Record(
        conversation=conversation.id,
        replies=(message,),
        status=status,
        events=(
            request_event(request),
            message_event(message, None),
            ("conversation.status", events.as_json(events.ConversationStatus(status=status))),
        ),
        elsewhere=to_agents(request_notice(request)),
    )


def first_follow_up(request: ActionRequest, waits: Sequence[int], now: datetime) -> FollowUp | None:
    if not waits:
        return None
    return FollowUp(request=request.id, since=now, next_at=now + timedelta(seconds=waits[0]))


def _ending_text(request: ActionRequest) -> str:
    done, declined = request.state == "done", request.rejected
    return action_text(
        request.words,
        request.state,
        request.lang,
        readback=done,
        subjects=[value for _, value in request.inputs],
        approval=request.approval,
        declined=declined,
        findings=() if done or declined else request.evidence,
        by_hand=request.by_hand,
    )


def _ending_elsewhere(
    request: ActionRequest,
    case: Case,
    handover: Handover | None,
    *,
    conversation: Conversation,
    places: Sequence[str],
) -> tuple[tuple[str, NewEvent], ...]:
    news = to_agents(request_notice(request))
    if handover is not None:
        told = events.AgentHandoff(
            conversation=conversation.id, case=case.id, reason="action_failed", team=handover.team
        )
        news += to_agents(told)
    status: Status = "awaiting_customer"
    if case.state in ("solved", "handed_off"):
        status = "resolved" if case.state == "solved" else "with_agents"
    changed: NewEvent = "conversation.status", events.as_json(events.ConversationStatus(status=status))
    for place in dict.fromkeys((request.conversation, *places)):
        if place != conversation.id:
            news += ((place, request_event(request)), (place, changed))
    return news


def failure(message: Message) -> Record:
    """A turn that broke: the customer is told that the message is kept and what they can do."""
    error = events.ErrorShown(
        code="failed",
        message=say(language(dict(message.context).get("language", "en")), "system.failed"),
        retryable=True,
    )
    return Record(conversation=message.conversation, events=(("error", events.as_json(error)),))
