"""The dossier: everything known, for the person who takes over, so that nobody is asked or told twice."""

from __future__ import annotations

from app.models import (
    Act,
    Citation,
    Decision,
    Dossier,
    Facts,
    HandOff,
    Principal,
    Procedure,
    Propose,
    StepState,
)
from app.seeing import seen
from app.texts import clean, label, language, listed, say, shown

LONGEST_QUOTE = 300


def dossier(
    facts: Facts,
    principal: Principal,
    because: str,
    *,
    decision: Decision | None = None,
    sent: tuple[Citation, ...] = (),
    lang: str = "en",
) -> Dossier:
    """What was wanted, what is known, what was sent, and the move that is left; in the agents' language.

    `sent`: citations of what was quoted before, so that their titles can be named.
    """
    return Dossier(
        summary="\n".join(_summary(facts, because, lang)),
        customer=principal,
        request=facts.reading.request,
        procedure=facts.procedure.id if facts.procedure else None,
        steps=facts.steps,
        sent=_sent(facts, sent, lang),
        because=because,
        next_move=_next_move(facts, decision, lang),
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
    return [first, say(lang, "dossier.tried", tried=tried), say(lang, "dossier.blocked", because=because)]


def _sent(facts: Facts, citations: tuple[Citation, ...], lang: str) -> tuple[str, ...]:
    said, procedure = facts.said, facts.procedure
    lines = [
        say(lang, key, step=_title(step, procedure, lang))
        for key, steps in (("dossier.sent_guided", said.guided), ("dossier.sent_asked", said.asked))
        for step in dict.fromkeys(steps)
    ]
    titles = [label(c.title) for c in citations if c.passage in said.passages]
    if titles:
        lines.append(say(lang, "dossier.sent_passages", titles=listed(list(dict.fromkeys(titles)), lang)))
    return tuple(lines)


def _next_move(facts: Facts, decision: Decision | None, lang: str) -> str:
    """The one move that is left, from what is known and from why it was handed over."""
    action = f"`{facts.procedure.action}`" if facts.procedure and facts.procedure.action else ""
    reason = decision.reason if isinstance(decision, HandOff) else None
    left = next((state for state in facts.steps if not state.holds), None)
    move, step = "read", left.step if left else ""
    if facts.reading.danger or reason == "danger":
        move = "danger"
    elif isinstance(decision, Propose):
        move = "approve"
    elif reason == "action_failed" and action:
        move = "reconcile"
    elif facts.reading.wants_outcome and action and facts.standing != "owner":
        move = "owner"
    elif left is not None and (facts.reading.wants_outcome or facts.reading.asks_how):
        blind = left.checkable and not any(finding.met is False for finding in left.findings)
        move = "check" if blind and left.word in ("claimed", "evidenced", "unknown") else "step"
    elif isinstance(decision, Act) or (facts.reading.wants_outcome and action and facts.steps):
        move = "act"
    elif reason == "no_source":
        move = "answer"
    elif facts.reading.wants_person or reason == "asked":
        move = "asked"
    title = f"“{_title(step, facts.procedure, lang)}”"
    return say(lang, f"dossier.move.{move}", action=action, step=title)


def as_text(dossier: Dossier, lang: str, *, procedure: Procedure | None = None) -> str:
    """The dossier as a Markdown subset, e.g. for a note in the host desk; `procedure` gives titles."""
    title = label(procedure.title) if procedure else (dossier.procedure or "")
    steps = [f"{n}. {_step(state, procedure, lang)}" for n, state in enumerate(dossier.steps, start=1)]
    checklist = "\n".join([say(lang, "dossier.steps", title=title), *steps]) if steps else ""
    sent = dossier.sent or (say(lang, "dossier.sent_nothing"),)
    return "\n\n".join(
        filter(
            None,
            (
                dossier.summary,
                say(lang, "dossier.customer", who=_who(dossier.customer, lang)),
                checklist,
                "\n".join([say(lang, "dossier.sent"), *(f"- {line}" for line in sent)]),
                say(lang, "dossier.next", move=dossier.next_move),
            ),
        )
    )


def _step(state: StepState, procedure: Procedure | None, lang: str) -> str:
    parts = [f"{_title(state.step, procedure, lang)}: {say(lang, f'dossier.word.{state.word}')}"]
    if state.claim:
        key = "dossier.pasted" if state.claim.shown else "dossier.said"
        quote = clean(state.claim.quote, LONGEST_QUOTE).replace("`", "'")
        parts.append(say(lang, key, quote=f"`{quote}`"))
    parts += [
        say(lang, "dossier.looked", seen=seen(f, lang), when=f"{f.at:%Y-%m-%d %H:%M} UTC")
        for f in state.findings
    ]
    return "\n   - ".join(parts)


def _title(step: str, procedure: Procedure | None, lang: str) -> str:
    known = next((each for each in procedure.steps if each.id == step), None) if procedure else None
    return label(known.title_in(language(lang)) if known else step.replace("-", " "))


def _who(principal: Principal, lang: str) -> str:
    account = shown(principal.account or "", lang)
    return say(lang, f"dossier.who_{principal.kind}", id=shown(principal.id, lang), account=account)
