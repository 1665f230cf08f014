"""The dossier: everything known, for the person who takes over, so that nobody is asked or told twice.

`dossier` gathers it, `as_text` writes it down; as JSON it is the value itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from app.facts import ends_in_action
from app.models.conversation import Message, Note
from app.models.decision import Act, Decision, HandOff, Propose
from app.models.dossier import Dossier, Noted, PageSince, Place, Quoted, Tried
from app.models.facts import Facts
from app.models.people import Principal
from app.models.request import ActionRequest
from app.models.steps import LedgerFact, StepState
from app.seeing import browser, seen
from app.texts import clean, has, label, language, listed, place, say, shown
from knowledge.model import Citation, Procedure

LONGEST_QUOTE = 300
LONGEST_WORDS = 1000
MOST_WORDS = 10
"""Messages of the customer that a dossier holds: more is scrolling."""
LAST_WORDS = 3
MOST_AGENTS = 3
MOST_LEDGER = 60


def dossier(
    facts: Facts,
    principal: Principal,
    because: str,
    *,
    decision: Decision | None = None,
    sent: tuple[Citation, ...] = (),
    lang: str = "en",
    messages: Sequence[Message] = (),
    ledger: Sequence[LedgerFact] = (),
    requests: Sequence[ActionRequest] = (),
    places: Sequence[Place] = (),
    notes: Sequence[Note] = (),
    context: Iterable[tuple[str, str]] = (),
) -> Dossier:
    """What was wanted, what is known, what was sent, and the move that is left; in the agents' language.

    `sent`: citations of what was quoted before, so that their titles can be named. `messages`: everything
    that was said of the matter, in all its conversations; `ledger`, `requests`: of the case; `notes`: by
    agents for agents; `context`: what the client showed when the conversation began.
    """
    words, left_out = _words(facts, messages, ledger)
    procedure = facts.procedure
    return Dossier(
        summary="\n".join(_summary(facts, because, lang)),
        customer=principal,
        request=facts.reading.request,
        procedure=procedure.id if procedure else None,
        title=procedure.title if procedure else "",
        steps=facts.steps,
        sent=_sent(facts, sent, lang),
        because=because,
        next_move=_next_move(facts, decision, requests, lang),
        left=tuple(_title(state.step, procedure, lang) for state in facts.steps if not state.holds),
        words=words,
        words_left_out=left_out,
        agents=tuple(_quoted(m) for m in messages if m.role == "agent")[-MOST_AGENTS:],
        notes=tuple(
            Quoted(message=note.id, role="agent", name=note.by, at=note.at, text=note.text) for note in notes
        ),
        ledger=_ledger(ledger, lang),
        requests=tuple(_tried(request) for request in requests),
        attachments=tuple(a.name for m in messages if m.role == "customer" for a in m.attachments),
        context=_context(context, messages),
        places=tuple(places),
        lang=language(lang),
    )


# --- what was said ------------------------------------------------------------------------------


def _words(
    facts: Facts, messages: Sequence[Message], ledger: Sequence[LedgerFact]
) -> tuple[tuple[Quoted, ...], int]:
    """The customer's messages that matter, and how many are left out.

    First the newest and the one it began with, then those that something known rests on.
    """
    claims = [fact.claim for fact in ledger if fact.claim] + [s.claim for s in facts.steps if s.claim]
    rests_on = {claim.message for claim in claims} | {each.message for each in facts.reading.subjects}
    said = [m for m in messages if m.role == "customer" and (m.addressed or m.id in rests_on)]
    carrying = [m for m in said if m.id in rests_on or m.attachments]
    chosen = {m.id: m for m in (*said[-LAST_WORDS:], *said[:1], *reversed(carrying))}
    kept = sorted(list(chosen.values())[:MOST_WORDS], key=lambda m: m.at)
    return tuple(_quoted(m) for m in kept), len(said) - len(kept)


def _quoted(message: Message) -> Quoted:
    text = message.text
    return Quoted(
        message=message.id,
        role=message.role,
        name=message.name,
        at=message.at,
        text=text if len(text) <= LONGEST_WORDS else text[: LONGEST_WORDS - 1] + "…",
        attachments=tuple(attachment.name for attachment in message.attachments),
    )


def _context(began: Iterable[tuple[str, str]], messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """The newest of each thing that the client showed."""
    newest = dict(began)
    for message in messages:
        if message.role == "customer":
            newest |= dict(message.context)
    # What begins with `_` a channel keeps for itself.
    return tuple((key, value) for key, value in newest.items() if value and not key.startswith("_"))


# --- what was tried and seen --------------------------------------------------------------------


def _ledger(facts: Sequence[LedgerFact], lang: str) -> tuple[Noted, ...]:
    """The newest lines, oldest first; of looks that saw the same again only the last."""
    kept: list[Noted] = []
    later: dict[tuple[str, str, str], str] = {}
    oldest_first = sorted(facts, key=lambda fact: fact.at)
    for fact in reversed(oldest_first):
        if fact.finding is not None:
            key = (fact.step, fact.subject, fact.finding.check)
            if later.get(key) == fact.finding.code:
                continue
            later[key] = fact.finding.code
        kept.append(_noted(fact, lang))
    return tuple(reversed(kept[:MOST_LEDGER]))


def _noted(fact: LedgerFact, lang: str) -> Noted:
    claim, finding = fact.claim, fact.finding
    return Noted(
        step=fact.step,
        subject=fact.subject,
        kind=fact.kind,
        status=claim.status if claim else finding.code if finding else "",
        text=seen(finding, lang) if finding else claim.quote if claim and claim.quote else fact.note,
        by=fact.by,
        message=claim.message if claim else None,
        at=fact.at,
    )


def _tried(request: ActionRequest) -> Tried:
    return Tried(
        request=request.id,
        action=request.action,
        inputs=request.inputs,
        state=request.state,
        by=request.approved_by,
        detail=request.detail,
        at=request.created_at,
    )


def _summary(facts: Facts, because: str, lang: str) -> list[str]:
    """Three lines: who wants what, what is known so far, why it stands."""
    request = facts.reading.request
    wants = say(
        lang, "dossier.wants", request=shown(request, lang) if request else say(lang, "dossier.wants_unknown")
    )
    standing = say(lang, f"dossier.standing.{facts.standing}")
    danger = facts.reading.danger
    urgent = say(lang, "dossier.urgent", danger=say(lang, f"dossier.danger.{danger}")) if danger else ""
    first = " ".join(filter(None, (urgent, f"{wants} ({standing})")))
    known = {
        "in_place": [s for s in facts.steps if s.word == "verified"],
        "told": [s for s in facts.steps if s.holds and s.word not in ("verified", "not_applicable")],
        "open": [s for s in facts.steps if not s.holds],
    }
    parts = [
        say(
            lang,
            f"dossier.{key}",
            steps=listed([f"“{_title(s.step, facts.procedure, lang)}”" for s in states], lang),
        )
        for key, states in known.items()
        if states
    ]
    tried = "; ".join(parts) or say(lang, "dossier.tried_nothing")
    blocked = say(lang, "dossier.blocked", because=_plain(because))
    return [first, say(lang, "dossier.tried", tried=tried), blocked]


def _plain(text: str) -> str:
    """A reason may name what the customer named: one line in which Markdown means nothing."""
    return re.sub(r"[\\`*\[\]<>|~]", "", clean(text, LONGEST_QUOTE))


def _sent(facts: Facts, citations: tuple[Citation, ...], lang: str) -> tuple[str, ...]:
    """What the customer was told already: steps with their page, questions, pages."""
    said, procedure = facts.said, facts.procedure
    lines = []
    for step, times in Counter(said.guided).items():
        key = "dossier.sent_guided" if times == 1 else "dossier.sent_guided_times"
        lines.append(
            say(lang, key, step=_title(step, procedure, lang), n=str(times)) + _page(step, procedure)
        )
    lines += [
        say(lang, "dossier.sent_asked", step=_title(step, procedure, lang))
        for step in dict.fromkeys(said.asked)
    ]
    titles = [label(c.title) for c in citations if c.passage in said.passages]
    if titles:
        lines.append(say(lang, "dossier.sent_passages", titles=listed(list(dict.fromkeys(titles)), lang)))
    return tuple(lines)


def _page(step: str, procedure: Procedure | None) -> str:
    known = next((each for each in procedure.steps if each.id == step), None) if procedure else None
    return f" (`{procedure.path}#{known.anchor}`)" if procedure and known and known.anchor else ""


def _next_move(facts: Facts, decision: Decision | None, requests: Sequence[ActionRequest], lang: str) -> str:
    """The one move that is left, from what is known and from why it was handed over."""
    name = facts.procedure.action if facts.procedure else None
    action = f"`{name}`" if name else ""
    reason = decision.reason if isinstance(decision, HandOff) else None
    ended = {request.state for request in requests if request.action == name}
    left = next((state for state in facts.steps if not state.holds), None)
    wanted = facts.reading.wants_outcome and bool(action)
    move, step = "read", left.step if left else ""
    if facts.reading.danger or reason == "danger":
        move = "danger"
    elif isinstance(decision, Propose) or "proposed" in ended:
        move = "approve"
    elif action and (reason == "action_failed" or "needs_person" in ended):
        move = "reconcile"
    elif action and "done" in ended and left is None:
        move = "not_solved"
    elif wanted and facts.standing != "owner":
        move = "owner"
    elif left is not None and (facts.reading.wants_outcome or facts.reading.asks_how):
        blind = left.checkable and not any(finding.met is False for finding in left.findings)
        move = "check" if blind and left.word in ("claimed", "evidenced", "unknown") else "step"
    elif isinstance(decision, Act) or (wanted and facts.steps and ends_in_action(facts)):
        move = "act"
    elif reason == "no_source":
        move = "answer"
    elif facts.reading.wants_person or reason == "asked":
        move = "asked"
    title = f"“{_title(step, facts.procedure, lang)}”"
    return say(lang, f"dossier.move.{move}", action=action, step=title)


def _title(step: str, procedure: Procedure | None, lang: str) -> str:
    known = procedure.title_of(step, language(lang)) if procedure else None
    return label(known or step.replace("-", " "))


# --- as text ------------------------------------------------------------------------------------


def as_text(
    dossier: Dossier,
    lang: str,
    *,
    procedure: Procedure | None = None,
) -> str:
    """The dossier as a Markdown subset, e.g. for a note in the host desk; `procedure` gives titles.

    What a person needs first stands first: three lines, the next move, where to open it.
    """
    title = label(
        procedure.title_in(language(lang)) if procedure else dossier.title or dossier.procedure or ""
    )
    steps = [
        f"{n}. {_step(state, dossier, procedure, lang)}" for n, state in enumerate(dossier.steps, start=1)
    ]
    sent = dossier.sent or (say(lang, "dossier.sent_nothing"),)
    return "\n\n".join(
        filter(
            None,
            (
                dossier.summary,
                say(lang, "dossier.next", move=dossier.next_move),
                _section("dossier.places", [_place(each, lang) for each in dossier.places], lang),
                say(lang, "dossier.customer", who=_who(dossier.customer, lang)),
                _customers_words(dossier, lang),
                "\n".join([say(lang, "dossier.steps", title=title), *steps]) if steps else "",
                _section("dossier.sent", list(sent), lang),
                _section("dossier.since", [_since(page, lang) for page in dossier.since], lang),
                _section("dossier.agents", [_said(quoted, lang) for quoted in dossier.agents], lang),
                _section("dossier.notes", [_said(note, lang) for note in dossier.notes], lang),
                _section("dossier.requests", [_request(tried, lang) for tried in dossier.requests], lang),
                _section("dossier.files", [_code(name, LONGEST_QUOTE) for name in dossier.attachments], lang),
                _section("dossier.context", _shown_context(dossier.context, lang), lang),
            ),
        )
    )


def _since(page: PageSince, lang: str) -> str:
    became = say(lang, f"dossier.became.{page.became}", title=label(page.title))
    if page.now_at is None:
        return became
    return f"{became} {say(lang, 'dossier.now_at', place=_code(page.now_at, LONGEST_QUOTE))}"


def _section(key: str, lines: Sequence[str], lang: str) -> str:
    return "\n".join([say(lang, key), *(f"- {line}" for line in lines)]) if lines else ""


def _customers_words(dossier: Dossier, lang: str) -> str:
    lines = [_said(quoted, lang) for quoted in dossier.words]
    if lines and dossier.words_left_out > 0:
        lines.append(say(lang, "dossier.words_more", n=str(dossier.words_left_out)))
    return _section("dossier.words", lines, lang)


def _said(quoted: Quoted, lang: str) -> str:
    """One message: on its line, or below it where it has several, so that pasted output stays readable."""
    who = shown(quoted.name, lang) + ", " if quoted.name else ""
    files = listed([_code(name, LONGEST_QUOTE) for name in quoted.attachments], lang)
    with_files = f" {say(lang, 'dossier.with_files', files=files)}" if files else ""
    lines = quoted.text.strip().splitlines()
    if not lines:
        return f"{who}{_when(quoted.at)}:{with_files}"
    if len(lines) == 1:
        return f"{who}{_when(quoted.at)}: {_code(lines[0], LONGEST_WORDS)}{with_files}"
    block = "\n".join(clean(line, LONGEST_WORDS).replace("`", "'") for line in lines)
    return f"{who}{_when(quoted.at)}:{with_files}\n```\n{block}\n```"


def _step(state: StepState, dossier: Dossier, procedure: Procedure | None, lang: str) -> str:
    """A step, its word, and what that rests on: claims, what agents saw, what was looked at."""
    mine = [noted for noted in dossier.ledger if noted.step == state.step]
    parts = [f"{_title(state.step, procedure, lang)}: {say(lang, f'dossier.word.{state.word}')}"]
    told = [_told(noted, lang) for noted in mine if noted.kind != "finding"]
    if state.claim and state.claim.quote and not any(noted.text == state.claim.quote for noted in mine):
        key = "dossier.pasted" if state.claim.shown else "dossier.said"
        told.append(say(lang, key, quote=_code(state.claim.quote, LONGEST_QUOTE)))
    parts += told
    looked = [(seen(f, lang), f.at) for f in state.findings] or _last_looks(mine)
    parts += [say(lang, "dossier.looked", seen=sentence, when=_when(at)) for sentence, at in looked]
    return "\n   - ".join(parts)


def _told(noted: Noted, lang: str) -> str:
    """A line of the ledger that is no look: whose it is, when, and the words."""
    keys = {
        "claim": "said_at",
        "evidence": "pasted_at",
        "correction": "corrected",
        "not_applicable": "waived",
    }
    key = "noted" if noted.by and noted.kind == "evidence" else keys.get(noted.kind, "noted")
    by = shown(noted.by or "", lang)
    quote = _code(noted.text, LONGEST_QUOTE) if noted.text else say(lang, "dossier.no_words")
    return say(lang, f"dossier.{key}", quote=quote, by=by, when=_when(noted.at))


def _last_looks(mine: Sequence[Noted]) -> list[tuple[str, datetime]]:
    """What was seen last of each subject, where nothing that was seen counts any more."""
    last = {noted.subject: noted for noted in mine if noted.kind == "finding"}
    return [(noted.text, noted.at) for noted in last.values()]


def _request(tried: Tried, lang: str) -> str:
    inputs = listed([shown(value, lang) for _, value in tried.inputs], lang)
    state = say(lang, f"dossier.request.{tried.state}")
    about = say(lang, "action.subjects", subjects=inputs) if inputs else ""
    by = say(lang, "dossier.request_by", by=shown(tried.by, lang)) if tried.by else ""
    detail = f"; {_plain(tried.detail)}" if tried.detail else ""
    return f"`{tried.action}`{about}, {_when(tried.at)}: {state}{by}{detail}"


def _place(where: Place, lang: str) -> str:
    words = say(lang, "dossier.place", place=place(where.channel, lang), when=_when(where.at))
    return f"[{label(words)}]({where.url})" if where.url else words


def _shown_context(context: Sequence[tuple[str, str]], lang: str) -> list[str]:
    lines = []
    for key, value in context:
        name = say(lang, f"dossier.client.{key}") if has(lang, f"dossier.client.{key}") else label(key)
        words = browser(value) if key == "user_agent" else ""
        lines.append(f"{name}: {words or _code(value, LONGEST_QUOTE)}")
    return lines


def _code(text: str, longest: int) -> str:
    return "`" + (clean(text, longest).replace("`", "'") or "…") + "`"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _who(principal: Principal, lang: str) -> str:
    account = shown(principal.account or "", lang)
    return say(lang, f"dossier.who_{principal.kind}", id=shown(principal.id, lang), account=account)
