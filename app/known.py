"""Everything that is stored of a conversation and its case, and what follows from it: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from app.handoff import dossier
from app.ledger import claims_of, step_states
from app.models.case import Case
from app.models.case import Watching as Watched
from app.models.conversation import Conversation, Message, Note
from app.models.decision import HandOff
from app.models.dossier import Dossier, PageSince, Place
from app.models.facts import Facts
from app.models.reading import Reading
from app.models.record import Suggestion, Turn
from app.models.request import ActionRequest
from app.models.steps import Finding, LedgerFact, StepState
from app.shelf import cited_key
from app.summary import title_of
from app.texts import label, language, say
from app.triage import Triage, newest, triage
from app.walk import on_the_way
from knowledge.model import Citation, Cited, Fate, Value


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
        findings=[(step, finding) for (step, _), finding in newest_findings(facts).items()],
        must_check=frozenset(step.check for step in procedure.steps if step.id in must and step.check),
        not_applicable=frozenset(fact.step for fact in facts if fact.kind == "not_applicable"),
        now=turn.at,
    )
    before = {state.step: state for state in turn.facts.steps}
    states = [state if state.step in changed else before.get(state.step, state) for state in afresh]
    return on_the_way(procedure, states)


def newest_findings(facts: Sequence[LedgerFact]) -> Mapping[tuple[str, str], Finding]:
    """The newest of each (step, subject)."""
    return {(fact.step, fact.subject): fact.finding for fact in facts if fact.finding is not None}


def cited_by(turn: Turn) -> tuple[Citation, ...]:
    return turn.decision.citations if turn.decision.kind == "answer" else ()


def cited_in(known: Known) -> frozenset[Cited]:
    """All that a view of it may name."""
    last = newest(known.turns)
    found = [*(c for turn in known.turns for c in cited_by(turn)), *(last.facts.citations if last else ())]
    found += [c for suggestion in known.suggestions for c in suggestion.citations]
    return frozenset(cited_key(each) for each in found)


def pages_since(known: Known, became: Mapping[Cited, Fate]) -> tuple[PageSince, ...]:
    """Pages that customers were sent words of and that are not as they were."""
    sent = {citation.title: cited_key(citation) for turn in known.turns for citation in cited_by(turn)}
    return tuple(
        PageSince(title=title, **became[key].model_dump()) for title, key in sent.items() if key in became
    )


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
