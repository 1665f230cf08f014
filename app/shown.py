"""What a turn or an action shows: the reply, the checklist and the events that surfaces replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app import events, reply
from app.announcing import action_text, action_titles
from app.handoff import dossier
from app.models import (
    Act,
    ActionRequest,
    Answer,
    Case,
    CaseState,
    Citation,
    Conversation,
    Decision,
    Dossier,
    Facts,
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
    Turn,
    Watch,
    Watching,
)
from app.ports import Services
from app.seeing import check_title, seen
from app.texts import language, say

if TYPE_CHECKING:
    from app.look import Draft


async def reply_text(
    services: Services, draft: Draft, decision: Decision, *, guide: Citation | None, watch: Watching | None
) -> str:
    """The customer's words for a decision; empty where nothing is to be said now.

    An action is told of when it has ended, and a watched step that still needs time is no news.
    """
    if isinstance(decision, Act | StaySilent):
        return ""
    if isinstance(decision, Watch) and draft.facts.resumed:
        return ""
    lang = draft.facts.reading.language
    written = None
    if isinstance(decision, Answer) and services.write is not None:
        lines = [citation.quote for citation in decision.citations]
        written = await services.write(draft.facts.reading.request, lang, lines)
    return reply.render(
        decision,
        draft.facts,
        lang=lang,
        now=services.clock(),
        next_look=watch.next_at if watch else None,
        step_source=guide,
        written=written,
    )


def dossier_of(draft: Draft, decision: Decision) -> Dossier | None:
    if not isinstance(decision, HandOff):
        return None
    lang = draft.facts.reading.language
    principal = draft.conversation.principal
    return dossier(draft.facts, principal, decision.because, decision=decision, lang=lang)


# --- events of a turn ---------------------------------------------------------------------------


def outgoing(
    draft: Draft,
    decision: Decision,
    turn: Turn,
    *,
    sent: Sequence[Citation],
    watch: Watching | None,
    request: ActionRequest | None,
) -> dict[str, Any]:
    """The replies, events and status of a turn's record, as the channel's mode allows."""
    if draft.mode == "suggest":
        status: Status = "with_agents"
        event = events.ConversationStatus(status=status, reason="suggested")
        return {"status": status, "events": (("conversation.status", events.as_json(event)),)}
    facts, out = draft.facts, []
    replies = _replies(turn)
    if facts.procedure is not None and facts.steps and decision.kind not in ("acknowledge", "answer"):
        out.append(("steps", events.as_json(checklist(facts, facts.procedure, watch))))
    out += [message_event(message, decision, sent) for message in replies]
    if request is not None and isinstance(decision, Propose):
        out.append(proposal_event(request, facts.reading.language))
    if isinstance(decision, HandOff):
        out.append(("handoff", events.as_json(events.Handoff(state="requested", reason=decision.reason))))
    status_now = status_after(decision, draft, watch)
    out.append(("conversation.status", events.as_json(events.ConversationStatus(status=status_now))))
    return {"status": status_now, "events": tuple(out), "replies": replies}


def _replies(turn: Turn) -> tuple[Message, ...]:
    if not turn.reply:
        return ()
    message = Message(
        id=f"{turn.id}-reply", conversation=turn.conversation, role="bot", text=turn.reply, at=turn.at
    )
    return (message,)


def citations_sent(decision: Decision, facts: Facts, guide: Citation | None) -> tuple[Citation, ...]:
    """The passages whose words a reply carries."""
    if isinstance(decision, Answer):
        return decision.citations
    if isinstance(decision, Guide) and guide is not None and reply.sends_section(decision, facts, guide):
        return (guide,)
    return ()


def message_event(
    message: Message, decision: Decision | None, citations: Sequence[Citation] = ()
) -> NewEvent:
    kind = decision.kind if decision else None
    shown = events.shown(message, decision=kind, citations=tuple(citations))
    return "message.done", events.as_json(events.MessageDone(message=shown))


def status_after(decision: Decision, draft: Draft, watch: Watching | None) -> Status:
    match decision.kind:
        case "act":
            return "bot_working"
        case "propose":
            return "awaiting_approval"
        case "watch":
            return "watching"
        case "hand_off":
            return "with_agents"
        case "already":
            return "resolved"
        case "acknowledge" | "answer" | "stay_silent":
            return _status_as_it_stands(draft, watch)
        case _:
            return "awaiting_customer"


def _status_as_it_stands(draft: Draft, watch: Watching | None) -> Status:
    """Small talk and other questions move nothing: who had the next move has it still."""
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
    quote = events.StepQuote(message=claim.message, text=claim.quote) if claim else None
    return events.ShownStep(
        id=state.step,
        title=procedure.step(state.step).title_in(lang),
        word=state.word,
        claim=claim.status if claim else None,
        subject=finding.subject if finding else None,
        seen=seen(finding, lang) if finding else None,
        at=finding.at if finding else None,
        until=finding.until if finding else None,
        quote=quote,
    )


# --- actions ------------------------------------------------------------------------------------


def proposal_event(request: ActionRequest, lang: str) -> NewEvent:
    command, _, undo = action_titles(request.action, lang)
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
    _, progress, _ = action_titles(request.action, request.lang)
    state = events.ActionState(
        request=request.id,
        action=request.action,
        title=progress,
        state=request.state,
    )
    return "action.state", events.as_json(state)


def ending(services: Services, request: ActionRequest, conversation: Conversation, case: Case) -> Record:
    """Tells how an action ended: done only where the read-back saw it, else a person goes on.

    One that nobody approved in time is the customer's to ask for again.
    """
    done = request.state == "done"
    declined = request.rejected
    text = action_text(
        request.action,
        request.state,
        request.lang,
        readback=done,
        subjects=[value for _, value in request.inputs],
        approval=request.approval,
        declined=declined,
        findings=() if done or declined else request.evidence,
    )
    now = services.clock()
    message = Message(id=f"{request.id}-reply", conversation=conversation.id, role="bot", text=text, at=now)
    lasting: tuple[CaseState, Status] = ("handed_off", "with_agents")
    if done:
        lasting = "solved", "resolved"
    elif request.state == "expired":
        lasting = "open", "awaiting_customer"
    state, status = lasting
    with_person = state == "handed_off"
    said_now = case.said.model_copy(update={"handed_off": case.said.handed_off or with_person})
    mode = services.settings.mode(conversation.channel)
    said: Sequence[NewEvent] = ()
    if mode == "auto":
        said = (
            request_event(request),
            message_event(message, None),
            *((_handoff_event("action_failed"),) if with_person else ()),
            ("conversation.status", events.as_json(events.ConversationStatus(status=status))),
        )
    return Record(
        conversation=conversation.id,
        request=request,
        case=case.model_copy(update={"state": state, "said": said_now, "updated_at": now}),
        replies=(message,) if mode == "auto" else (),
        events=tuple(said),
        status=status,
        unwatch=case.id,
    )


def _handoff_event(reason: str) -> NewEvent:
    return "handoff", events.as_json(events.Handoff(state="requested", reason=reason))


def failure(message: Message) -> Record:
    """A turn that broke: the customer is told that the message is kept and what they can do."""
    error = events.ErrorShown(
        code="failed",
        message=say(language(dict(message.context).get("language", "en")), "system.failed"),
        retryable=True,
    )
    return Record(conversation=message.conversation, events=(("error", events.as_json(error)),))
