"""Phrases as sentences, in the language of whoever reads them: findings, and changes of procedures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app.texts import clean, has, listed, say
from knowledge.phrases import Phrase

if TYPE_CHECKING:
    from knowledge.differences import Change
    from knowledge.health.finding import Finding
    from knowledge.judging import Judgement, Judging


def worded(told: str | int | Phrase | Sequence[Phrase], lang: str) -> str:
    """A phrase in words; what is in words already stays as it is."""
    if isinstance(told, str | int):
        return str(told)
    if isinstance(told, Phrase):
        slots = {name: worded(slot, lang) for name, slot in told.slots.items()}
        return say(lang, f"phrase.{told.key}", **slots)
    return listed([worded(each, lang) for each in told], lang)


def sentences(told: Iterable[Phrase], lang: str) -> str:
    return " ".join(worded(each, lang) for each in told)


def judged(finding: Finding, by: Judgement, lang: str) -> str:
    """`Judged by qwen on 2026-12-01: it holds (two parties for one act). Before it was asked: 80% sure.`"""
    reason = say(lang, f"documents.judged.reason.{by.reason}")
    verdict = say(lang, f"documents.judged.verdict.{by.verdict}", reason=reason)
    told = [say(lang, "documents.judged.by", model=clean(by.model), day=f"{by.at:%Y-%m-%d}", verdict=verdict)]
    if by.verdict == "does_not_hold" and by.kind != "none":
        told.append(say(lang, "documents.judged.rather", kind=say(lang, f"documents.kind.{by.kind}.one")))
    if by.verdict == "does_not_hold" and finding.proven:
        told.append(say(lang, "documents.judged.proven"))
    if finding.sure != finding.confidence:
        told.append(say(lang, "documents.judged.alone", share=f"{100 * finding.confidence:.0f}"))
    return " ".join(told)


def judging(of: Judging, lang: str) -> str:
    """What a look asked a model, and why it asked no more."""
    if of.ended == "off" and not of.asked:
        return say(lang, "documents.judging.off")
    counts = {"asked": str(of.asked), "known": str(of.known)}
    told = [say(lang, "documents.judging.asked", model=clean(of.model), **counts)]
    if of.unanswered:
        told.append(say(lang, "documents.judging.unanswered", n=str(of.unanswered)))
    if of.ended:
        key = f"documents.judging.ended.{of.ended}"
        why = say(lang, key if has(lang, key) else "documents.judging.ended.failed", name=of.ended)
        told.append(say(lang, "documents.judging.no_more", why=why))
    return " ".join(told)


def change(of: Change, lang: str) -> str:
    """`~ step pull: check none -> click_tracking_on`."""
    facts = f" ({'; '.join(worded(each, lang) for each in of.facts)})" if of.facts else ""
    return f"{of.sign} {worded(of.what, lang)}{facts}"
