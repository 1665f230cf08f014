"""How much it may do by itself in one conversation: the most careful of settings and place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.models.conversation import Conversation, Mode

if TYPE_CHECKING:
    from app.settings import Settings

ORDER: tuple[Mode, ...] = ("shadow", "suggest", "auto")
"""The most careful first."""


def mode_of(settings: Settings, conversation: Conversation, *names: str) -> Mode:
    """`names`: actions that it is about."""
    return min((settings.mode(conversation.channel, *names), conversation.caution), key=ORDER.index)
