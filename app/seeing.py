"""Findings and steps -> the words that people see: one sentence for what was seen and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from app.models.steps import Finding, StepState
from app.texts import catalogue, has, label, language, past, placeholders, say, shown
from knowledge.model import Step

MOST_SEEN = 3

_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows NT"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Macintosh"),
    ("Linux", r"Linux|X11"),
)


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
        case "evidenced" if attested(state):
            return say(lang, "word.attested")
        case word:
            return say(lang, f"word.{word}")


def attested(state: StepState) -> bool:
    """Evidence that rests on an agent's word instead of what the customer showed."""
    return state.claim is not None and state.claim.shown and not state.claim.quote


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


def browser(user_agent: str) -> str:
    """`Firefox 128, Windows` for a User-Agent; empty where it says nothing that we know."""
    names = [f"{name} {found[1]}" for name, pattern in _BROWSERS if (found := re.search(pattern, user_agent))]
    systems = [name for name, pattern in _SYSTEMS if re.search(pattern, user_agent)]
    return ", ".join((*names[:1], *systems[:1])) if names else ""
