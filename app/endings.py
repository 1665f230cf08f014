"""How an action ended or why it waits: told to the customer, the agents and wherever it is spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from app import events
from app.announcing import action_text, action_words
from app.hours import Handover
from app.models.case import Case, CaseState, FollowUp
from app.models.conversation import Conversation, Message, Status
from app.models.event import NewEvent
from app.models.record import Record
from app.models.request import ActionRequest
from app.modes import mode_of
from app.ports import Services
from app.shown import handoff_event, message_event, request_event, request_notice, to_agents
from app.texts import say


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
        said.append(events.event_of(verified))
    said.append(events.event_of(events.ConversationStatus(status=status)))
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
            events.event_of(events.ConversationStatus(status=status)),
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
    changed: NewEvent = events.event_of(events.ConversationStatus(status=status))
    for place in dict.fromkeys((request.conversation, *places)):
        if place != conversation.id:
            news += ((place, request_event(request)), (place, changed))
    return news
