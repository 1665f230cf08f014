"""Which of English, Portuguese and Spanish a conversation is in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from app.models.conversation import Message
from app.reader.text import Parted, fold, parted
from knowledge.stems import STOP

_CODES = {"ENGLISH": "en", "PORTUGUESE": "pt", "SPANISH": "es"}


@cache
def _detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    names = (Language.ENGLISH, Language.PORTUGUESE, Language.SPANISH)
    return LanguageDetectorBuilder.from_languages(*names).build()


SHORT_TEXT = 5
"""Words; what is shorter may be a name or look like another language."""


def _plain(text: str) -> str:
    """Words alone: a host or an address is in no language."""
    return re.sub(r"\S*[@/.]\S+|[^\w\s'’]", " ", text)


_SMALL_WORDS = {
    lang: words - frozenset().union(*(STOP[other] for other in STOP if other != lang))
    for lang, words in STOP.items()
}
"""Of one language alone: `the cloudflare` and `o cloudflare` differ by them."""
_LETTERS = {
    "pt": re.compile(r"[ãõçêô]|(?<!\w)(?:já|é|à|às)(?!\w)", re.I),
    "es": re.compile(r"[ñ¿¡]|(?<!\w)(?:ya|qué|cómo)(?!\w)", re.I),
}
_COURTESY = {
    "en": frozenset(["hi", "hello", "hey", "thanks", "morning", "evening", "good", "afternoon"]),
    "pt": frozenset(
        ["oi", "oie", "ola", "opa", "obrigado", "obrigada", "obg", "bom", "boa", "tarde", "noite"]
    ),
    "es": frozenset(["hola", "buenas", "buenos", "gracias", "tardes", "noches"]),
}
"""What two words may tell a language by."""
_LEAST = 0.02
"""What the detector gives a language at least: names of products look like English to it."""
_BROWSER = 0.3
"""What the browser's language counts beside a small word's 1: many who write Portuguese browse in English."""


def detect(text: str, client: str | None = None) -> str | None:
    """None where there is too little to tell. `client`: the language that the customer's browser is in.

    Small words and letters of one language count beside what the detector makes of it: of 4,912 phrases of
    `evals/simulate` that training sees, 37 are taken for another language, and 84 by the detector alone; 23
    where the browser is in their language, 39 where it is in English.
    """
    plain = _plain(text)
    told = fold(plain).split()
    if len(told) < 3:
        return next((lang for lang, words in _COURTESY.items() if words.intersection(told)), None)
    values = _detector().compute_language_confidence_values(plain)
    likely = {
        lang: math.log(max(value, _LEAST))
        + sum(word in _SMALL_WORDS[lang] for word in told)
        + (len(_LETTERS[lang].findall(text)) if lang in _LETTERS else 0)
        + _BROWSER * (lang == client)
        for lang, value in ((_CODES[one.language.name], one.value) for one in values)
    }
    return max(likely, key=likely.__getitem__) if any(one.value for one in values) else None


def languages_of(messages: Sequence[Message], pieces: Sequence[Parted] | None = None) -> list[str]:
    """Language of each message; short ones keep that of the customer. `pieces`: the messages parted.

    What we say does not change it: an answer may quote a page in another language.
    """
    pieces = pieces if pieces is not None else [parted(message.text) for message in messages]
    client = _of_client(messages)
    own = [detect(" ".join(sentence.piece.text for sentence in one.sentences), client) for one in pieces]
    known = next((lang for lang, m in zip(own, messages, strict=True) if lang and m.role == "customer"), None)
    known = known or next((lang for lang in own if lang), None) or client or "en"
    result = []
    for lang, message in zip(own, messages, strict=True):
        if message.role != "customer":
            result.append(lang or known)
            continue
        if lang and (len(message.text.split()) >= SHORT_TEXT or lang == known):
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
