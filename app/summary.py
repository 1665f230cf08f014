"""A conversation in three lines: the problem, what was tried, what it is blocked on.

Nothing is written freely: each clause is a sentence of the catalogue about one fact, with the messages
that the fact rests on. A clause without messages is something a machine or the account system knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from app.events import Shape
from app.models.conversation import Message
from app.models.decision import Ask, Decline, Guide, HandOff, Propose, StaySilent, Watch
from app.models.facts import Facts
from app.models.record import Turn
from app.models.steps import StepState
from app.seeing import against, kind_word, seen
from app.texts import has, label, language, listed, say, shown
from app.triage import newest
from knowledge.model import Citation

Kind = Literal["problem", "tried", "blocked"]


class Clause(Shape):
    text: str
    """Part of a sentence; what stands in backticks is a value."""
    messages: tuple[str, ...] = ()
    """Messages it comes from, oldest first; none where a machine knows it."""


class SummaryLine(Shape):
    kind: Kind
    text: str
    """The clauses as one line."""
    messages: tuple[str, ...] = ()
    """Every message that the line comes from."""
    clauses: tuple[Clause, ...]


def summary(turns: Sequence[Turn], messages: Sequence[Message], lang: str) -> tuple[SummaryLine, ...]:
    """`turns` of the case and `messages` of its conversations, both oldest first; empty before any turn."""
    turn = newest(turns)
    if turn is None:
        return ()
    said = {message.id: message for message in messages}
    return (
        _line("problem", _problem(turn, said, lang)),
        _line("tried", _tried(turn.facts, turns, said, lang) or [_clause(lang, "tried_nothing")]),
        _line("blocked", [_blocked(turns, said, lang)]),
    )


def title_of(facts: Facts, step: str, lang: str) -> str:
    known = facts.procedure.title_of(step, language(lang)) if facts.procedure else None
    return label(known or step.replace("-", " "))


def request_messages(turn: Turn, messages: dict[str, Message]) -> tuple[str, ...]:
    """Where the customer said what is asked: in those words, else in the message that was read last."""
    request = " ".join(turn.reading.request.casefold().split())
    own = [m for m in messages.values() if m.role == "customer"]
    found = [m.id for m in own if request and request in " ".join(m.text.casefold().split())]
    if found:
        return tuple(found)
    if turn.trigger in messages:
        return (turn.trigger,)
    before = [m.id for m in own if m.at <= turn.at]
    return tuple(before[-1:])


# --- the lines ----------------------------------------------------------------------------------


def _line(kind: Kind, clauses: Sequence[Clause]) -> SummaryLine:
    text = "; ".join(clause.text.rstrip(".") for clause in clauses)
    ids = dict.fromkeys(id for clause in clauses for id in clause.messages)
    return SummaryLine(
        kind=kind, text=f"{text[:1].upper()}{text[1:]}.", messages=tuple(ids), clauses=tuple(clauses)
    )


def _clause(lang: str, key: str, messages: Sequence[str] = (), **values: str) -> Clause:
    return Clause(text=say(lang, f"assist.summary.{key}", **values), messages=tuple(dict.fromkeys(messages)))


def _problem(turn: Turn, said: dict[str, Message], lang: str) -> list[Clause]:
    facts = turn.facts
    reading, asked = facts.reading, request_messages(turn, said)
    clauses = []
    if reading.danger:
        danger = say(lang, f"dossier.danger.{reading.danger}")
        clauses.append(_clause(lang, "danger", asked, danger=danger))
    if facts.procedure is not None:
        key = "wants" if reading.wants_outcome else "asks_how" if reading.asks_how else "about"
        clauses.append(_clause(lang, key, asked, what=f"“{label(facts.procedure.title_in(language(lang)))}”"))
    elif reading.request:
        clauses.append(_clause(lang, "asks", asked, what=f"“{label(reading.request)}”"))
    else:
        clauses.append(_clause(lang, "unclear", asked))
    clauses += [
        _clause(
            lang, "subject", [each.message] if each.message in said else [], subject=shown(each.value, lang)
        )
        for each in reading.subjects
    ]
    files = [m for m in said.values() if m.role == "customer" and m.attachments]
    if files:
        count = sum(len(m.attachments) for m in files)
        clauses.append(_clause(lang, "files", [m.id for m in files], n=str(count)))
    if reading.wants_outcome or facts.standing in ("anonymous", "stranger"):
        clauses.append(Clause(text=say(lang, f"dossier.standing.{facts.standing}")))
    return clauses


def _tried(facts: Facts, turns: Sequence[Turn], said: dict[str, Message], lang: str) -> list[Clause]:
    steps = [_step(state, facts, said, lang) for state in facts.steps]
    clauses = [clause for clause in steps if clause is not None]
    for kind, key in ((Guide, "explained"), (Ask, "asked")):
        for step, replies in _sent(turns, kind, said).items():
            clauses.append(_clause(lang, key, replies, step=f"“{title_of(facts, step, lang)}”"))
    pages = _pages(turns, said)
    if pages:
        titles = listed([f"“{title}”" for title in pages], lang)
        clauses.append(_clause(lang, "quoted", [id for ids in pages.values() for id in ids], titles=titles))
    return clauses


def _there(message: str, said: dict[str, Message]) -> list[str]:
    return [message] if message in said else []


def _step(state: StepState, facts: Facts, said: dict[str, Message], lang: str) -> Clause | None:
    """What was said and seen of one step, where anything was."""
    claimed = state.claim is not None and state.claim.status != "unknown"
    if not claimed and not any(finding.met for finding in state.findings):
        return None
    rests = _there(state.claim.message, said) if state.claim is not None else []
    word = say(lang, f"dossier.word.{state.word}")
    return _clause(lang, "step", rests, step=f"“{title_of(facts, state.step, lang)}”", word=word)


def _sent(
    turns: Sequence[Turn], kind: type[Guide] | type[Ask], said: dict[str, Message]
) -> dict[str, list[str]]:
    """Step -> the replies of ours that explained it or asked about it."""
    found: dict[str, list[str]] = {}
    for turn in turns:
        decision, reply = turn.decision, _reply(turn)
        if isinstance(decision, kind) and reply in said:
            found.setdefault(decision.step, []).append(reply)
    return found


def _pages(turns: Sequence[Turn], said: dict[str, Message]) -> dict[str, list[str]]:
    """Title of a page -> the replies of ours that quoted it."""
    found: dict[str, list[str]] = {}
    for turn in turns:
        if _reply(turn) in said:
            for citation in _citations(turn):
                found.setdefault(label(citation.title), []).append(_reply(turn))
    return found


def _citations(turn: Turn) -> tuple[Citation, ...]:
    return turn.decision.citations if turn.decision.kind == "answer" else ()


def _reply(turn: Turn) -> str:
    return f"{turn.id}-reply"


def _blocked(turns: Sequence[Turn], said: dict[str, Message], lang: str) -> Clause:
    """What the next move hangs on: the last decision that was more than silence."""
    turn = next((t for t in reversed(turns) if t.case and not isinstance(t.decision, StaySilent)), None)
    now = newest(turns)
    if turn is None or now is None:
        return _clause(lang, "blocked_on_us")
    reply, trigger = _there(_reply(turn), said), _there(turn.trigger, said)
    match turn.decision:
        case Guide(step=step) | Watch(step=step):
            return _open_step(now.facts, step, turn, reply, lang)
        case Ask(step=step, about="step"):
            return _clause(lang, "blocked_ask", reply, step=f"“{title_of(now.facts, step, lang)}”")
        case Ask(step=step, about="words"):
            return _clause(lang, "blocked_ask", reply, step=f"“{label(step)}”")
        case Ask(about="matter"):
            return _clause(lang, "blocked_matter", reply)
        case Ask(step=step):
            return _clause(lang, "blocked_subject", reply, subject=kind_word(step, lang))
        case Propose(approval=who):
            return _clause(lang, f"blocked_approval_{who}", reply)
        case HandOff(reason=reason):
            return _clause(lang, f"blocked_handoff.{reason}", trigger)
        case Decline(reason=reason):
            return _clause(lang, f"blocked_decline.{reason}", [*trigger, *reply])
        case decision:
            key = f"blocked_{decision.kind}"
            return _clause(lang, key if has(lang, f"assist.summary.{key}") else "blocked_on_us", reply)


def _open_step(facts: Facts, step: str, turn: Turn, reply: Sequence[str], lang: str) -> Clause:
    state = next((each for each in facts.steps if each.step == step), None)
    title = f"“{title_of(facts, step, lang)}”"
    if isinstance(turn.decision, Guide) and turn.decision.about == "advice":
        return _clause(lang, "blocked_advice", reply, step=title)
    if state is not None and state.holds:
        return _clause(lang, "blocked_on_us")
    finding = next(iter(against(state)), None)
    key = "blocked_watch" if isinstance(turn.decision, Watch) else "blocked_step"
    if finding is None:
        return _clause(lang, f"{key}_unseen", reply, step=title)
    return _clause(lang, key, reply, step=title, seen=seen(finding, lang).rstrip("."))
