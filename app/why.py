"""Why a turn decided as it did, in words for an agent."""

from __future__ import annotations

from app.known import cited_by
from app.models.conversation import Message
from app.models.facts import Facts
from app.models.record import Turn
from app.picture import Why
from app.policy import RULES
from app.shelf import Shelf, sources
from app.summary import request_messages, title_of
from app.texts import has, label, language, listed, say


def rule_of(facts: Facts) -> str:
    """Name of the rule that speaks for these facts."""
    return next(rule.__name__ for rule in RULES if rule(facts) is not None)


def why_of(turn: Turn, messages: dict[str, Message], lang: str, shelf: Shelf) -> Why:
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
