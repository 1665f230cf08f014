"""The whole picture of a conversation for an agent: a pure function of what is stored.

What was claimed, what was shown and what was seen of a step stay apart, each with where it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from app import events
from app.citing import moved
from app.events import CitedSource, ShownMessage, Watching
from app.handoff import dossier
from app.ledger import claims_of, step_states
from app.links import Places
from app.models import (
    ActionRequest,
    Ask,
    Case,
    Citation,
    Conversation,
    Dossier,
    Facts,
    Finding,
    Guide,
    HandOff,
    LedgerFact,
    Message,
    Note,
    PageSince,
    Place,
    Reading,
    StepState,
    Suggestion,
    Turn,
    Value,
)
from app.models import Watching as Watched
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
    Why,
)
from app.policy import RULES
from app.seeing import seen
from app.shown import proposal_event
from app.summary import request_messages, summary, title_of
from app.texts import has, label, language, listed, say
from app.triage import Triage, newest, triage
from app.walk import on_the_way
from knowledge.model import Cited, Fate

OLD = timedelta(days=365)
"""A page that nobody touched for so long is looked at before it is sent."""


class Shelf(NamedTuple):
    """Where pages can be read, and what became of them."""

    places: Places
    became: Mapping[Cited, Fate]


class Earlier(Value):
    """Another conversation in which the case was spoken of."""

    conversation: Conversation
    messages: tuple[Message, ...]


class Known(Value):
    """Everything that is stored of a conversation and of the case it is about now."""

    conversation: Conversation
    messages: tuple[Message, ...]
    earlier: tuple[Earlier, ...] = ()
    case: Case | None = None
    turns: tuple[Turn, ...] = ()
    """Those of the case in all its conversations (without a case, of the conversation), oldest first."""
    facts: tuple[LedgerFact, ...] = ()
    watching: Watched | None = None
    suggestions: tuple[Suggestion, ...] = ()
    requests: tuple[ActionRequest, ...] = ()
    notes: tuple[Note, ...] = ()
    has_dossier: bool = False
    seq: int = 0

    @property
    def said(self) -> tuple[Message, ...]:
        """Everything said of the matter, in the order it was said in."""
        others = (message for each in self.earlier for message in each.messages)
        return tuple(sorted((*others, *self.messages), key=lambda message: message.at))


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
        why=_why(turn, {m.id: m for m in known.said}, lang, shelf) if turn else None,
    )


def _made(request: ActionRequest) -> datetime:
    return request.created_at


def language_of(known: Known) -> str:
    turn = newest(known.turns)
    return turn.reading.language if turn else dict(known.conversation.context).get("language", "en")[:2]


def title(known: Known, lang: str) -> str:
    """What it is about, in a few words."""
    turn = newest(known.turns)
    if turn is not None and turn.facts.procedure is not None:
        return label(turn.facts.procedure.title_in(language(lang)))
    first = next((m.text for m in known.messages if m.role == "customer"), "")
    return label((turn.reading.request if turn else "") or first)


def triage_of(known: Known) -> Triage:
    return triage(known.case, known.turns, with_agents=known.conversation.status == "with_agents")


def because(known: Known, found: Triage, lang: str) -> str:
    """The reason of a triage as a sentence."""
    turn = newest(known.turns)
    step = f"“{title_of(turn.facts, found.step, lang)}”" if turn and found.step else "…"
    text = say(lang, f"assist.triage.{found.because}", step=step)
    return text[:1].upper() + text[1:]


def waiting_since(known: Known) -> datetime | None:
    """Since when the customer waits for a word of ours: an answer, a person, or an agent's yes."""
    unanswered: Message | None = None
    for message in known.messages:
        if message.role != "customer":
            unanswered = None
        elif message.addressed and unanswered is None:
            unanswered = message
    if known.conversation.status == "resolved" or (known.case is not None and known.case.state == "closed"):
        return None
    since = [unanswered.at] if unanswered is not None else []
    if known.conversation.status == "with_agents":
        since.append(_handed_over(known))
    since += [r.created_at for r in known.requests if r.state == "proposed" and r.approval == "agent"]
    return min(since, default=None)


def _handed_over(known: Known) -> datetime:
    """When the conversation went to people, who have not spoken since."""
    spoken = [m.at for m in known.messages if m.role == "agent"]
    after = [
        turn.at
        for turn in known.turns
        if isinstance(turn.decision, HandOff) and turn.at >= max(spoken, default=turn.at)
    ]
    last = [message.at for message in known.messages]
    return min(after, default=max(last, default=known.conversation.opened_at))


# --- the parts ----------------------------------------------------------------------------------


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


def cited_by(turn: Turn) -> tuple[Citation, ...]:
    return turn.decision.citations if turn.decision.kind == "answer" else ()


def cited_in(known: Known) -> frozenset[Cited]:
    """All that a view of it may name."""
    last = newest(known.turns)
    found = [*(c for turn in known.turns for c in cited_by(turn)), *(last.facts.citations if last else ())]
    found += [c for suggestion in known.suggestions for c in suggestion.citations]
    return frozenset(_key(each) for each in found)


def pages_since(known: Known, became: Mapping[Cited, Fate]) -> tuple[PageSince, ...]:
    """Pages that customers were sent words of and that are not as they were."""
    sent = {citation.title: _key(citation) for turn in known.turns for citation in cited_by(turn)}
    return tuple(
        PageSince(title=title, **became[key].model_dump()) for title, key in sent.items() if key in became
    )


def _key(citation: Citation) -> Cited:
    return Cited(path=citation.path, quote=citation.quote, updated_at=citation.updated_at)


def sources(citations: Sequence[Citation], shelf: Shelf) -> tuple[CitedSource, ...]:
    """Numbered as [n] in the text."""
    return tuple(_source(n, cited, shelf) for n, cited in enumerate(citations, start=1))


def _source(n: int, cited: Citation, shelf: Shelf) -> CitedSource:
    fate = shelf.became.get(_key(cited))
    now_at = fate.now_at if fate else None
    return CitedSource(
        n=n,
        document=cited.document,
        title=cited.title,
        path=cited.path,
        anchor=cited.anchor,
        url=shelf.places.page(moved(cited.document, cited.path, now_at), now_at or cited.path, cited.anchor),
        quote=cited.quote,
        updated_at=cited.updated_at,
        lang=cited.lang,
        became=fate.became if fate else None,
        now_at=now_at,
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


def step_words(known: Known) -> tuple[StepState, ...]:
    """The steps as of the last look, with what was written into the ledger since."""
    turn = next((t for t in reversed(known.turns) if t.facts.steps), None)
    if turn is None or turn.facts.procedure is None:
        return ()
    procedure = turn.facts.procedure
    facts = [fact for fact in known.facts if fact.procedure == procedure.id]
    changed = {fact.step for fact in facts if fact.at > turn.at}
    if not changed:
        return turn.facts.steps
    must = {state.step for state in turn.facts.steps if state.must_check}
    afresh = step_states(
        procedure,
        claims=claims_of(facts, procedure.id),
        findings=[(step, finding) for (step, _), finding in _findings(facts).items()],
        must_check=frozenset(step.check for step in procedure.steps if step.id in must and step.check),
        not_applicable=frozenset(fact.step for fact in facts if fact.kind == "not_applicable"),
        now=turn.at,
    )
    before = {state.step: state for state in turn.facts.steps}
    states = [state if state.step in changed else before.get(state.step, state) for state in afresh]
    return on_the_way(procedure, states)


def _findings(facts: Sequence[LedgerFact]) -> Mapping[tuple[str, str], Finding]:
    """The newest of each (step, subject)."""
    return {(fact.step, fact.subject): fact.finding for fact in facts if fact.finding is not None}


def _step(state: StepState, known: Known, lang: str, now: datetime) -> StepView:
    turn = next(t for t in reversed(known.turns) if t.facts.steps)
    mine = [fact for fact in known.facts if fact.step == state.step]
    when = {message.id: message.at for message in known.said}
    claim = state.claim
    found = state.findings or tuple(_findings(mine).values())
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


# --- the suggestion -----------------------------------------------------------------------------


def open_suggestion(suggestions: Sequence[Suggestion]) -> Suggestion | None:
    """The newest that still waits; `suggestions`, oldest first."""
    return next((each for each in reversed(suggestions) if each.state == "open"), None)


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


# --- why ----------------------------------------------------------------------------------------


def rule_of(facts: Facts) -> str:
    """Name of the rule that speaks for these facts."""
    return next(rule.__name__ for rule in RULES if rule(facts) is not None)


def _why(turn: Turn, messages: dict[str, Message], lang: str, shelf: Shelf) -> Why:
    facts, rule = turn.facts, rule_of(turn.facts)
    key = f"assist.rule.{rule}"
    claims = [claim.message for claim in facts.reading.claims]
    rests = dict.fromkeys((*request_messages(turn, messages), *claims))
    return Why(
        decision=turn.decision.kind,
        because=turn.decision.because,
        rule=rule,
        rule_text=say(lang, key) if has(lang, key) else rule.replace("_", " "),
        facts=tuple(_went_by(facts, lang)),
        messages=tuple(id for id in rests if id in messages),
        sources=sources(cited_by(turn) or facts.citations, shelf),
        reader=turn.reading.reader,
        at=turn.at,
    )


def _went_by(facts: Facts, lang: str) -> list[str]:
    sentences = []
    if facts.procedure is not None:
        called = label(facts.procedure.title_in(language(lang)))
        sentences.append(say(lang, "assist.fact.procedure", title=f"“{called}”"))
    if facts.steps:
        holding = str(sum(state.holds for state in facts.steps))
        sentences.append(say(lang, "assist.fact.steps", n=holding, all=str(len(facts.steps))))
    if facts.standing != "unknown":
        standing = say(lang, f"dossier.standing.{facts.standing}")
        sentences.append(f"{standing[:1].upper()}{standing[1:]}.")
    if facts.outcome_holds is not None:
        sentences.append(say(lang, f"assist.fact.outcome_{'yes' if facts.outcome_holds else 'no'}"))
    if facts.action_pending:
        sentences.append(say(lang, "assist.fact.pending"))
    if facts.action_failed:
        sentences.append(say(lang, "assist.fact.failed"))
    if facts.said.guided:
        steps = [f"“{title_of(facts, step, lang)}”" for step in dict.fromkeys(facts.said.guided)]
        sentences.append(say(lang, "assist.fact.sent_before", steps=listed(steps, lang)))
    return sentences


# --- the dossier --------------------------------------------------------------------------------


def dossier_of(known: Known, lang: str, *, address: Callable[[str], str] | None = None) -> Dossier:
    """Everything known as it stands now, for a conversation that was not handed over.

    `address`: where an agent can open a conversation.
    """
    turn = newest(known.turns)
    facts = turn.facts if turn else Facts(reading=Reading())
    said = known.case.said if known.case else facts.said
    places = (*(each.conversation for each in known.earlier), known.conversation)
    return dossier(
        facts.model_copy(update={"steps": step_words(known) or facts.steps, "said": said}),
        known.conversation.principal,
        turn.decision.because if turn else "",
        decision=turn.decision if turn else None,
        sent=tuple(cited for each in known.turns for cited in cited_by(each)),
        lang=lang,
        messages=known.said,
        ledger=known.facts,
        requests=known.requests,
        places=[
            Place(
                channel=c.channel, conversation=c.id, at=c.opened_at, url=address(c.id) if address else None
            )
            for c in places
        ],
        context=tuple(pair for pair in known.conversation.context if not pair[0].startswith("_")),
    )
