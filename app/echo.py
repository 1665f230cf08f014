"""The last look before a reply goes out: whether nearly these words were sent before. The policy then has its
say again (`Facts.worn`), so that what is chosen is still a function of the facts.

What the rules of `twice.py` know is what was meant; this sees what it came to in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.look import Draft
from app.models.conversation import Message
from app.models.decision import Answer, Ask, Decision, Decline, Guide
from app.policy import decide
from app.ports import Services
from app.record import worded

ALIKE = 0.7
"""Two texts that share so many of their word triples are one text."""

FEW_WORDS = 8
"""Triples; a shorter text, such as `Tell me when it is done`, may come again."""

WORDINGS = 3
"""So many ways there are to say one thing: explained, shown another way, named in a line."""


async def unworn(services: Services, draft: Draft, history: Sequence[Message]) -> Draft:
    """The draft with `worn` counted up until what is decided has words of its own."""
    sent = [message.text for message in history if message.role == "bot"]
    if not sent or draft.facts.reading.asks_again:
        return draft
    for worn in range(WORDINGS):
        facts = draft.facts.model_copy(update={"worn": worn})
        decision = decide(facts)
        if not _is_wording(decision) or not await _repeats(services, draft, decision, sent):
            break
    return draft.model_copy(update={"facts": facts})


def _is_wording(decision: Decision) -> bool:
    """Small talk, a fresh look and what an action came to may be told in the same words."""
    if isinstance(decision, Answer):
        return not decision.citations
    return isinstance(decision, Guide | Ask | Decline)


async def _repeats(services: Services, draft: Draft, decision: Decision, sent: Sequence[str]) -> bool:
    text = await worded(services, draft, decision)
    return any(alike(text, before) for before in sent)


def alike(one: str, other: str) -> bool:
    first, second = _triples(one), _triples(other)
    if min(len(first), len(second)) < FEW_WORDS:
        return False
    return len(first & second) / len(first | second) >= ALIKE


def _triples(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}
