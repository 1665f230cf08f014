"""Phrases as sentences, in the language of whoever reads them: findings, and changes of procedures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app.texts import listed, say
from knowledge.phrases import Phrase

if TYPE_CHECKING:
    from knowledge.differences import Change


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


def change(of: Change, lang: str) -> str:
    """`~ step pull: check none -> click_tracking_on`."""
    facts = f" ({'; '.join(worded(each, lang) for each in of.facts)})" if of.facts else ""
    return f"{of.sign} {worded(of.what, lang)}{facts}"
