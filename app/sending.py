"""What a turn sends: its replies, events and status, to the conversation and to the agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app import events
from app.hours import Handover
from app.links import Places
from app.models.case import Watching
from app.models.conversation import Message, Status
from app.models.decision import Already, Answer, Decision, Guide, HandOff, Propose
from app.models.event import NewEvent
from app.models.facts import Facts
from app.models.record import Record, Suggestion, Turn
from app.models.request import ActionRequest
from app.models.steps import StepState
from app.reply.guiding import sends_section
from app.texts import language, say
from knowledge.model import Citation

if TYPE_CHECKING:
    from app.look import Draft
from app.shown import (
    checklist,
    handoff_event,
    message_event,
    proposal_event,
    request_notice,
    suggestion_notice,
    to_agents,
)


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
        return {"status": status, "events": (events.event_of(event),)}
    facts, out = draft.facts, []
    replies = _replies(turn)
    if not facts.resumed and not facts.person_active:
        out += [_ended(state, draft) for state in facts.steps if state.findings]
    if facts.procedure is not None and facts.steps and decision.kind not in ("acknowledge", "answer"):
        out.append(events.event_of(checklist(facts, facts.procedure, watch)))
    out += [message_event(message, decision, sent, places) for message in replies]
    if request is not None and isinstance(decision, Propose):
        out.append(proposal_event(request, facts.reading.language))
    if isinstance(decision, HandOff):
        out.append(handoff_event(decision.reason, handover))
    status_now = status_after(decision, draft, watch)
    out.append(events.event_of(events.ConversationStatus(status=status_now)))
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


def _ended(state: StepState, draft: Draft) -> NewEvent:
    """The look at a step is over; it is the last word on its task, whatever was told before."""
    assert draft.procedure is not None
    title = draft.procedure.step(state.step).title_in(draft.facts.reading.language)
    over: events.TaskState = "error" if any(f.met is None for f in state.findings) else "complete"
    task = events.Task(turn=draft.turn, task=state.step, title=title, state=over)
    return events.event_of(task)


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


def failure(message: Message) -> Record:
    """A turn that broke: the customer is told that the message is kept and what they can do."""
    error = events.ErrorShown(
        code="failed",
        message=say(language(dict(message.context).get("language", "en")), "system.failed"),
        retryable=True,
    )
    return Record(conversation=message.conversation, events=(events.event_of(error),))
