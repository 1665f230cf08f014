"""What surfaces see: one event for each thing that is shown, in the conversation's log and in the agents'."""

from __future__ import annotations

from collections.abc import Sequence

from app import events
from app.announcing import action_titles
from app.hours import Handover
from app.links import Places
from app.models.case import Watching
from app.models.conversation import Message
from app.models.decision import Decision
from app.models.event import AGENTS, NewEvent
from app.models.facts import Facts
from app.models.record import Suggestion
from app.models.request import ActionRequest
from app.models.steps import StepState
from app.seeing import check_title, seen
from knowledge.model import Citation, Procedure


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


def message_event(
    message: Message,
    decision: Decision | None,
    citations: Sequence[Citation] = (),
    places: Places | None = None,
) -> NewEvent:
    kind = decision.kind if decision else None
    shown = events.shown(message, decision=kind, citations=tuple(citations), places=places)
    return events.event_of(events.MessageDone(message=shown))


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
    return events.event_of(proposed)


def request_event(request: ActionRequest) -> NewEvent:
    _, progress, _ = action_titles(request.words, request.lang)
    state = events.ActionState(
        request=request.id,
        action=request.action,
        title=progress,
        state=request.state,
        by=request.approved_by,
    )
    return events.event_of(state)


def handoff_event(reason: str, handover: Handover | None) -> NewEvent:
    """People have it now; who, and when they are there."""
    who = handover or Handover()
    return events.event_of(
        events.Handoff(
            state="requested" if who.hours != "closed" else "queued",
            reason=reason,
            team=who.team,
            hours=who.hours,
            opens_at=who.opens_at,
            eta_s=who.eta_s,
        )
    )


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


def to_agents(*payloads: events.Payload) -> tuple[tuple[str, NewEvent], ...]:
    return tuple((AGENTS, events.event_of(payload)) for payload in payloads)


def checklist_elsewhere(news: Sequence[NewEvent], places: Sequence[str]) -> tuple[tuple[str, NewEvent], ...]:
    """The checklist is one wherever it is looked at: other places of the case get it, too."""
    return tuple((place, event) for place in places for event in news if event[0] == "steps")
