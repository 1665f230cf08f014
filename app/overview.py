"""The whole picture of a conversation for an agent: a pure function of what is stored.

What was claimed, what was shown and what was seen of a step stay apart, each with where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app import events
from app.events import ShownMessage, Watching
from app.known import (
    Earlier,
    Known,
    because,
    cited_by,
    language_of,
    newest_findings,
    step_words,
    title,
    triage_of,
    waiting_since,
)
from app.links import Places
from app.models.conversation import Message
from app.models.decision import Ask, Guide
from app.models.record import Suggestion, Turn
from app.models.request import ActionRequest
from app.models.steps import Finding, LedgerFact, StepState
from app.picture import (
    CaseView,
    ClaimView,
    ConversationView,
    EarlierView,
    EvidenceView,
    FindingView,
    RequestView,
    StepView,
    SuggestionView,
    View,
)
from app.seeing import seen
from app.shelf import Shelf, sources
from app.shown import proposal_event
from app.summary import summary, title_of
from app.triage import newest
from app.why import why_of
from knowledge.model import Cited, Fate

OLD = timedelta(days=365)
"""A page that nobody touched for so long is looked at before it is sent."""


def view(
    known: Known, *, lang: str, now: datetime, places: Places, became: Mapping[Cited, Fate] | None = None
) -> View:
    """Everything an agent sees of a conversation; our words in `lang`, what people wrote as it is.

    `became`: of the pages of `cited_in`, those that are not as they were.
    """
    shelf = Shelf(places, became or {})
    turn = newest(known.turns)
    states = step_words(known)
    return View(
        conversation=_conversation(known, turn),
        messages=_messages(known.messages, known.turns, shelf),
        earlier=tuple(_earlier(each, known.turns, shelf) for each in known.earlier),
        seq=known.seq,
        case=_case(known, lang),
        summary=summary(known.turns, known.said, lang),
        steps=tuple(_step(state, known, lang, now) for state in states),
        watching=Watching(step=known.watching.step, next_look_at=known.watching.next_at)
        if known.watching
        else None,
        suggestion=_suggestion(known, states, shelf, now),
        requests=tuple(_request(r, lang) for r in sorted(known.requests, key=_made, reverse=True)),
        dossier=known.has_dossier,
        notes=known.notes,
        why=why_of(turn, {m.id: m for m in known.said}, lang, shelf) if turn else None,
    )


def _conversation(known: Known, turn: Turn | None) -> ConversationView:
    conversation, who = known.conversation, known.conversation.principal
    return ConversationView(
        id=conversation.id,
        channel=conversation.channel,
        status=conversation.status,
        person_active=conversation.person_active,
        opened_at=conversation.opened_at,
        customer=who.id if who.kind != "anonymous" else "",
        account=who.account,
        proven=who.kind == "customer",
        context=_context(known),
        waiting_since=waiting_since(known),
        danger=turn.reading.danger if turn else None,
        lang=language_of(known),
    )


def _context(known: Known) -> dict[str, str]:
    """The newest of each thing that the client showed."""
    shown = dict(known.conversation.context)
    for message in known.messages:
        if message.role == "customer":
            shown |= dict(message.context)
    return {key: value for key, value in shown.items() if not key.startswith("_")}


def _messages(messages: Sequence[Message], turns: Sequence[Turn], shelf: Shelf) -> tuple[ShownMessage, ...]:
    by_reply = {f"{turn.id}-reply": turn for turn in turns}
    shown = []
    for message in messages:
        turn = by_reply.get(message.id) if message.role == "bot" else None
        cited = cited_by(turn) if turn else ()
        plain = events.shown(message, decision=turn.decision.kind if turn else None)
        links = shelf.places.on_sites(message.text) if turn else ()
        shown.append(plain.model_copy(update={"citations": sources(cited, shelf), "links": links}))
    return tuple(shown)


def _earlier(each: Earlier, turns: Sequence[Turn], shelf: Shelf) -> EarlierView:
    return EarlierView(
        id=each.conversation.id,
        channel=each.conversation.channel,
        opened_at=each.conversation.opened_at,
        messages=_messages(each.messages, turns, shelf),
    )


def _case(known: Known, lang: str) -> CaseView | None:
    case = known.case
    if case is None:
        return None
    found = triage_of(known)
    return CaseView(
        id=case.id,
        procedure=case.procedure,
        title=title(known, lang),
        state=case.state,
        resolution=case.resolution,
        triage=found.word,
        because=because(known, found, lang),
        opened_at=case.opened_at,
    )


def _step(state: StepState, known: Known, lang: str, now: datetime) -> StepView:
    turn = next(t for t in reversed(known.turns) if t.facts.steps)
    mine = [fact for fact in known.facts if fact.step == state.step]
    when = {message.id: message.at for message in known.said}
    claim = state.claim
    found = state.findings or tuple(newest_findings(mine).values())
    return StepView(
        id=state.step,
        title=title_of(turn.facts, state.step, lang),
        word=state.word,
        holds=state.holds,
        checkable=state.checkable,
        applicable=state.word != "not_applicable",
        claim=ClaimView(
            status=claim.status,
            quote=claim.quote,
            message=claim.message,
            at=when.get(claim.message),
            shown=claim.shown,
        )
        if claim
        else None,
        evidence=tuple(_evidence(fact) for fact in mine if _is_evidence(fact)),
        findings=tuple(_finding(finding, lang, now) for finding in found),
    )


def _is_evidence(fact: LedgerFact) -> bool:
    return fact.kind in ("evidence", "note", "not_applicable", "correction")


def _evidence(fact: LedgerFact) -> EvidenceView:
    words = fact.note or (fact.claim.quote if fact.claim else "")
    return EvidenceView(note=words, by=fact.by, at=fact.at)


def _finding(finding: Finding, lang: str, now: datetime) -> FindingView:
    return FindingView(
        subject=finding.subject,
        met=finding.met,
        seen=seen(finding, lang),
        at=finding.at,
        until=finding.until,
        expired=finding.until <= now,
    )


def _request(request: ActionRequest, lang: str) -> RequestView:
    _, card = proposal_event(request, lang)
    more = {
        "account": request.principal.account,
        "customer": request.principal.id if request.principal.kind == "customer" else "",
        "state": request.state,
        "by": request.approved_by,
        "detail": request.detail,
    }
    return RequestView.model_validate(card | more)


def _made(request: ActionRequest) -> datetime:
    return request.created_at


def _suggestion(
    known: Known, states: Sequence[StepState], shelf: Shelf, now: datetime
) -> SuggestionView | None:
    found = open_suggestion(known.suggestions)
    if found is None:
        return None
    return SuggestionView(
        id=found.id,
        text=found.text,
        decision=found.decision.kind,
        because=found.decision.because,
        citations=sources(found.citations, shelf),
        warnings=warnings(found, states, known.turns, now),
        request=found.request,
        state=found.state,
        at=found.at,
    )


def open_suggestion(suggestions: Sequence[Suggestion]) -> Suggestion | None:
    """The newest that still waits; `suggestions`, oldest first."""
    return next((each for each in reversed(suggestions) if each.state == "open"), None)


def warnings(
    suggestion: Suggestion, states: Sequence[StepState], turns: Sequence[Turn], now: datetime
) -> tuple[str, ...]:
    """Why an agent should look twice before sending it, as codes."""
    turn = next((turn for turn in turns if turn.id == suggestion.id), None)
    last = newest(turns)
    lang = last.reading.language if last else None
    written = turn.reading.language if turn else lang
    holds = {state.step for state in states if state.word == "verified"}
    decision = suggestion.decision
    cited = decision.kind == "answer" and suggestion.citations and "[1]" in suggestion.text
    tests = {
        "uncited": decision.kind == "answer" and not cited,
        "old_source": any(now - cited.updated_at > OLD for cited in suggestion.citations),
        "contradicts_verified": isinstance(decision, Guide | Ask) and decision.step in holds,
        "other_language": lang is not None
        and (written != lang or any(cited.lang[:2] != lang for cited in suggestion.citations)),
    }
    return tuple(dict.fromkeys((*suggestion.warnings, *(code for code, so in tests.items() if so))))
