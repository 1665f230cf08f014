"""Findings and steps -> the words that people see: one sentence for what was seen and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.models import Finding, Step, StepState
from app.texts import catalogue, has, label, language, past, placeholders, say, shown

MOST_SEEN = 3


def seen(finding: Finding, lang: str) -> str:
    """One sentence of what was seen and what was expected; a general one for a code we have no words for."""
    general = {True: "any_met", False: "any_not_met", None: "any_unknown"}[finding.met]
    sentence = catalogue(language(lang)).get(f"finding.{finding.code}")
    values = {name: shown(value, lang) for name, value in finding.seen}
    if "kind" in values:
        values["kind"] = kind_word(dict(finding.seen)["kind"], lang)
    if sentence is None or placeholders(sentence) - values.keys():
        return say(lang, f"finding.{general}")
    return sentence.format_map(values)


def step_word(state: StepState, lang: str, now: datetime) -> str:
    """The word that people see beside a step."""
    finding = state.finding
    match state.word:
        case "verified":
            oldest = min((finding.at for finding in state.findings), default=now)
            return say(lang, "word.verified", when=past(oldest, now, lang))
        case "contradicted" | "missing":
            key = "word.needs_time" if finding and finding.needs_time else f"word.{state.word}"
            words = seen(finding, lang) if finding else say(lang, "finding.any_not_met")
            return say(lang, key, seen=words)
        case word:
            return say(lang, f"word.{word}")


def watch_turned(
    step: Step | None, finding: Finding | None, lang: str, *, goes_on: bool, step_id: str = ""
) -> str:
    """What we say when a watched step turned met; `goes_on` where we act or propose right after."""
    title = f"“{label(step.title_in(language(lang)) if step else step_id.replace('-', ' '))}”"
    turned = (
        say(lang, "watch.turned", step=title, seen=seen(finding, lang))
        if finding
        else say(lang, "watch.turned_plain", step=title)
    )
    return f"{turned} {say(lang, 'watch.going_on')}" if goes_on else turned


def kind_word(kind: str, lang: str) -> str:
    key = f"general.kind.{kind}"
    return say(lang, key) if has(lang, key) else shown(kind, lang)


def check_title(check: str, lang: str) -> str:
    """Short name of a check, for a card or a progress line."""
    key = f"check.{check}"
    return say(lang, key if has(lang, key) else "check.other")


def against(state: StepState | None) -> tuple[Finding, ...]:
    """Findings that speak against the step, or those that could not look where none does."""
    if state is None:
        return ()
    return tuple(f for f in state.findings if f.met is False) or tuple(
        f for f in state.findings if f.met is None
    )


def sentences(findings: Iterable[Finding], lang: str) -> list[str]:
    return list(dict.fromkeys(seen(finding, lang) for finding in findings))[:MOST_SEEN]


def say_seen(lang: str, key: str, findings: Iterable[Finding], **values: str) -> str:
    """A sentence that ends with what was seen: one thing inline, several as a list."""
    lines = sentences(findings, lang)
    if len(lines) == 1:
        return say(lang, key, seen=lines[0], **values)
    return "\n".join([say(lang, key, seen="", **values).rstrip(), *(f"- {line}" for line in lines)])
