"""Which of English, Portuguese and Spanish a conversation is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from app.models import Message
from app.reader.text import Parted, parted

_CODES = {"ENGLISH": "en", "PORTUGUESE": "pt", "SPANISH": "es"}


@cache
def _detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    names = (Language.ENGLISH, Language.PORTUGUESE, Language.SPANISH)
    return LanguageDetectorBuilder.from_languages(*names).build()


def _plain(text: str) -> str:
    """Words alone: a host or an address is in no language."""
    return re.sub(r"\S*[@/.]\S+|[^\w\s'’]", " ", text)


def detect(text: str) -> str | None:
    """None where there is too little to tell."""
    plain = _plain(text)
    if len(plain.split()) < 3:
        return None
    found = _detector().detect_language_of(plain)
    return _CODES.get(found.name) if found else None


def languages_of(messages: Sequence[Message], pieces: Sequence[Parted] | None = None) -> list[str]:
    """Language of each message; short ones keep that of the conversation. `pieces`: the messages parted."""
    pieces = pieces if pieces is not None else [parted(message.text) for message in messages]
    own = [detect(" ".join(sentence.piece.text for sentence in one.sentences)) for one in pieces]
    known = next((lang for lang, m in zip(own, messages, strict=True) if lang and m.role == "customer"), None)
    known = known or next((lang for lang in own if lang), None) or _of_client(messages) or "en"
    result = []
    for lang, message in zip(own, messages, strict=True):
        if lang and (message.role != "customer" or len(message.text.split()) >= 5 or lang == known):
            known = lang
        result.append(known)
    return result


WORDS = 4
"""A sentence of fewer words may be in any language."""
CLEAR = 0.75
APART = 0.6
"""How likely another language has to be, and how much likelier than that of the message."""


def other_languages(pieces: Parted, lang: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Places of the sentences that are clearly in another language than the message as a whole."""
    for sentence in pieces.sentences:
        likely = _likely(_plain(sentence.piece.text))
        own = next((code for code, value in likely if value >= CLEAR), lang)
        if own != lang and dict(likely)[own] - dict(likely)[lang] >= APART:
            yield (sentence.piece.start, sentence.piece.end), own


@lru_cache(maxsize=5_000)
def _likely(plain: str) -> tuple[tuple[str, float], ...]:
    if len(plain.split()) < WORDS:
        return ()
    values = _detector().compute_language_confidence_values(plain)
    return tuple((_CODES[one.language.name], one.value) for one in values)


def _of_client(messages: Sequence[Message]) -> str | None:
    shown = [
        value[:2].lower() for message in messages for name, value in message.context if name == "language"
    ]
    return shown[-1] if shown and shown[-1] in _CODES.values() else None
