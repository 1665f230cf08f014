"""What a conversation says against a page, by the words of the page and those of the customer: pure.

A screen, menu or setting that the customer does not have; a step that was done again as the page says while a
look at the world sees otherwise; an answer marked as no help; a question that no page answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from app.models.conversation import Message
from app.models.decision import Guide, HandOff
from app.models.record import Turn
from app.models.request import ActionRequest
from app.models.steps import StepState
from knowledge.model import Citation, Procedure, Value
from knowledge.phrases import Phrase, phrase
from knowledge.quotes import sentences

Kind = Literal["screen_missing", "probe_contradicts", "marked_wrong", "no_source"]

TRIES = 2
"""So often a customer has to have done a step after we explained it before its page is doubted."""

LOOKED_BACK = 3
"""Pages that were sent last: one of them is what the customer speaks of."""

MOST_MARKED = 3
"""Lines of one answer that a mark is put down to."""

LONGEST = 400
"""Characters of the customer that are kept as evidence."""

_DENIALS = re.compile(
    r"""\bthere(?:['’]s|\ is|\ are)\ (?:no|not\ an?y?)\b | \bthere\ (?:isn|aren)['’]?t\b
    | \b(?:can['’]?t|cannot|could\ ?n['’]?t|could\ not|don['’]?t|do\ not|unable\ to)
      \ (?:\w+\ )?(?:see|find|have|locate)\b
    | \b(?:doesn['’]?t|does\ not|didn['’]?t)\ (?:\w+\ )?(?:exist|appear|show\ up)\b
    | \bno\ such\b | \bis\ (?:missing|gone|not\ there)\b | \bisn['’]?t\ (?:there|anywhere)\b
    | \bn[ãa]o\ (?:\w+\ )?(?:existe|h[áa]|tem|tenho|vejo|encontr\w+|acho|achei|aparece\w*)\b
    | \bn[ãa]o\ (?:consigo|estou\ conseguindo)\ (?:ver|achar|encontrar)\b | \b(?:sumiu|desapareceu)\b
    | \bno\ (?:me\ |lo\ |la\ )?(?:existe|hay|tengo|veo|encuentr\w+|aparece\w*|sale)\b
    | \bno\ (?:logro|puedo|consigo)\ (?:ver|encontrar)\b | \bha\ desaparecido\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""How people say that something is not there, in English, Portuguese and Spanish."""

SCREEN = re.compile(
    r"""\b(?:buttons?|menus?|options?|settings?|tabs?|pages?|screens?|sections?|switch|toggle|fields?|checkbox|dropdown
    |bot[ãa]o|bot[õo]es|op[çc][ãa]o|op[çc][õo]es|aba|tela|p[áa]gina
    |configura[çc][ãa]o|configura[çc][õo]es|se[çc][ãa]o|campo
    |bot[óo]n|men[úu]|opci[óo]n|opciones|pesta[ñn]a|pantalla|ajustes?
    |configuraci[óo]n|secci[óo]n|interruptor|casilla)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Parts of a product that people look for."""
_LABEL = re.compile(r"\*\*(.+?)\*\*|__(.+?)__|[“\"]([^”\"]{2,60})[”\"]")


class Doubt(Value):
    """Something said against words of a page; `document` is empty where there is no page."""

    kind: Kind
    document: str = ""
    version: str = ""
    path: str = ""
    anchor: str | None = None
    quote: str
    why: Phrase
    conversation: str
    message: str
    said: str


class _Sent(Value):
    """A piece of a page that the customer was sent."""

    document: str
    version: str
    path: str
    anchor: str | None
    lines: tuple[str, ...]
    whole: bool
    """A step with all its lines, and not a quote of a line or two."""


def of_turn(turn: Turn, earlier: Sequence[Turn], message: Message | None) -> tuple[Doubt, ...]:
    """`earlier`: the turns of the conversation before it, oldest first; `message`: what started it."""
    found: list[Doubt] = []
    if message is not None and message.role == "customer":
        found += _screens(turn, earlier, message)
        found += _unanswered(turn, message)
        found += _otherwise(turn, message)
    return tuple(found)


def of_mark(turn: Turn, reply: str, reason: str | None, message: Message | None) -> tuple[Doubt, ...]:
    """An answer of ours was marked as no help: `reply` is the id of its message."""
    said = reason or (message.text if message else "")
    why = phrase("marked_wrong")
    return tuple(
        _doubt("marked_wrong", (sent, sent.lines[0]), why, turn, (reply, said))
        for sent in _sent(turn)[:MOST_MARKED]
        if sent.lines
    )


def of_request(turn: Turn, request: ActionRequest) -> tuple[Doubt, ...]:
    """All that a page asks for was there, the action was done, and reading back saw that it did not hold."""
    procedure = turn.facts.procedure
    if request.state != "undone" or procedure is None or procedure.action != request.action:
        return ()
    line = next((line for line in _lines(procedure.intro)), procedure.title)
    why = phrase("probe_contradicts.action", action=request.action)
    told = turn.trigger, request.detail or request.state
    return (_doubt("probe_contradicts", (_page(procedure), line), why, turn, told),)


def missing_screens(text: str) -> tuple[str, ...]:
    """Sentences that say that something is not there; what it is has still to be held against a page."""
    return tuple(each for row in text.split("\n") for each in sentences(row.strip()) if _DENIALS.search(each))


def _screens(turn: Turn, earlier: Sequence[Turn], message: Message) -> Iterable[Doubt]:
    denied = missing_screens(message.text)
    if not denied:
        return
    pages = [sent for before in reversed(earlier) for sent in _sent(before)][:LOOKED_BACK]
    for sentence in denied:
        place = _meant(sentence, pages)
        if place is not None:
            sent, line = place
            why = phrase("screen_missing")
            yield _doubt("screen_missing", (sent, line), why, turn, (message.id, sentence))


def _meant(sentence: str, pages: Sequence[_Sent]) -> tuple[_Sent, str] | None:
    """The line whose label the customer names; of a step that was explained, else the line with a label."""
    folded = f" {_words(sentence)} "
    for sent in pages:
        for line in sent.lines:
            if any(f" {label} " in folded for label in _labels(line)):
                return sent, line
    if pages and pages[0].whole and SCREEN.search(sentence):
        return next(((pages[0], line) for line in pages[0].lines if _labels(line)), None)
    return None


def _labels(line: str) -> list[str]:
    """What a line names of a screen, each part of a path through menus by itself."""
    found = [next(group for group in match if group) for match in _LABEL.findall(line)]
    parts = [part for label in found for part in re.split(r"\s*(?:>|→|»)\s*", label)]
    return [each for part in parts if len(each := _words(part)) > 2]


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _unanswered(turn: Turn, message: Message) -> Iterable[Doubt]:
    decision = turn.decision
    nothing = decision.kind == "answer" and not decision.citations
    if not nothing and not (isinstance(decision, HandOff) and decision.reason == "no_source"):
        return
    question = " ".join((turn.reading.request or message.text).split())[:LONGEST]
    if question:
        yield Doubt(
            kind="no_source",
            quote=question,
            why=phrase("no_source"),
            conversation=turn.conversation,
            message=message.id,
            said=message.text[:LONGEST],
        )


def _otherwise(turn: Turn, message: Message) -> Iterable[Doubt]:
    """Done again as the page says, and a look sees otherwise: more likely the page than the customer."""
    procedure = turn.facts.procedure
    if procedure is None:
        return
    tried = Counter(turn.facts.said.tried)
    if turn.decision.kind in ("guide", "hand_off"):
        tried.update(step for step, status in turn.facts.spoken if status in ("done", "failed"))
    for state in turn.facts.steps:
        against = _against(state)
        step = next((step for step in procedure.steps if step.id == state.step), None)
        if against is None or step is None or tried[state.step] < TRIES:
            continue
        if step.id not in turn.facts.said.guided:
            continue
        line = next(iter(_lines(step.text)), step.title)
        why = phrase("probe_contradicts.step", check=against)
        sent = _of_step(procedure, step.id)
        yield _doubt("probe_contradicts", (sent, line), why, turn, (message.id, message.text))


def _against(state: StepState) -> str | None:
    """What a look saw against a step, as `check: code`; not what only needs time."""
    finding = state.finding
    if finding is None or finding.met is not False or finding.needs_time:
        return None
    return f"{finding.check}: {finding.code}"


# --- what was sent --------------------------------------------------------------------------------


def _sent(turn: Turn) -> list[_Sent]:
    decision, procedure = turn.decision, turn.facts.procedure
    if decision.kind == "answer":
        return [_cited(citation) for citation in decision.citations]
    if isinstance(decision, Guide) and decision.about == "step" and procedure is not None:
        return [_of_step(procedure, decision.step)]
    return []


def _cited(citation: Citation) -> _Sent:
    return _Sent(
        document=citation.document,
        version=citation.version,
        path=citation.path,
        anchor=citation.anchor,
        lines=tuple(line.strip() for line in citation.quote.split("\n") if line.strip()),
        whole=False,
    )


def _of_step(procedure: Procedure, step: str) -> _Sent:
    page = _page(procedure)
    lines = tuple(_lines(procedure.step(step).text))
    return page.model_copy(update={"anchor": procedure.anchor_of(step), "lines": lines, "whole": True})


def _page(procedure: Procedure) -> _Sent:
    return _Sent(
        document=procedure.document,
        version=procedure.version,
        path=procedure.path,
        anchor=None,
        lines=(),
        whole=False,
    )


def _lines(text: str) -> Iterable[str]:
    """Verbatim, as they stand in the page, without what comes before the words."""
    for row in text.split("\n"):
        line = re.sub(r"^\s*(?:[-*+]|\d+[.)]|>)\s+", "", row).strip()
        if line:
            yield line


def _doubt(kind: Kind, place: tuple[_Sent, str], why: Phrase, turn: Turn, told: tuple[str, str]) -> Doubt:
    """`place`: a page and its words; `told`: id of the message that speaks against them, and its words."""
    sent, quote = place
    return Doubt(
        kind=kind,
        document=sent.document,
        version=sent.version,
        path=sent.path,
        anchor=sent.anchor,
        quote=quote,
        why=why,
        conversation=turn.conversation,
        message=told[0],
        said=" ".join(told[1].split())[:LONGEST],
    )
