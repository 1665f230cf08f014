"""What a conversation asks of the documents: its texts, each with how much it counts."""

from __future__ import annotations

from collections.abc import Sequence

HISTORY_WEIGHT = 0.5
"""A message counts half of the one after it, as retrieval measured best."""

REPLY_WEIGHT = 0.1
"""Our last reply: it holds the words for what "it" is."""

OLDEST = 4
"""Earlier messages that still count."""


def asked_of_documents(request: str, earlier: Sequence[str], reply: str = "") -> list[tuple[str, float]]:
    """`request` is what is asked now, `earlier` what the customer said before it, `reply` our last words."""
    before = [(text, HISTORY_WEIGHT**age) for age, text in enumerate(reversed(earlier[-OLDEST:]), 1)]
    texts = [(request, 1.0), *before, (reply, REPLY_WEIGHT)]
    return [(text, weight) for text, weight in texts if text.strip()]
