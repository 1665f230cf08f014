"""Words of a text as stems, the same for a question and for the passage that answers it."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_WORD = re.compile(r"[^\W_]+")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)|https?://[^\s)>]+")
_STEMMERS = {
    "en": "english",
    "pt": "portuguese",
    "es": "spanish",
    "fr": "french",
    "de": "german",
    "it": "italian",
}

# Typed without accents, the endings of a whole family of nouns would stem to something else.
_RESTORED = {
    "pt": (
        ("coes", "ções"),
        ("cao", "ção"),
        ("soes", "sões"),
        ("sao", "são"),
        ("avel", "ável"),
        ("encia", "ência"),
    ),
    "es": (("ciones", "ciones"), ("cion", "ción"), ("sion", "sión")),
}

_FOREIGN_PLURAL = re.compile("[bcdfghkmnpt]s$")
"""`links`, `tokens`, `webhooks`: Snowball knows no plural like it in Portuguese or Spanish."""

STOP: dict[str, frozenset[str]] = {
    lang: frozenset(words.split())
    for lang, words in json.loads(Path(__file__).with_name("stop_words.json").read_text("utf-8")).items()
}
"""Words that say nothing about the topic, without accents, by language."""

_NONE = frozenset({""})
"""What a stop word leaves."""

_lock = threading.Lock()


def stems(text: str, lang: str) -> list[str]:
    """In order, with repeats; stop words left out. `lang` chooses the stemmer."""
    return [stem for word in _words(text) if (stem := _content(word, lang))]


def stem_sets(lines: Sequence[str], lang: str) -> list[frozenset[str]]:
    """The different stems of each line; made ready for it together, which takes half as long."""
    parts = _plain("\n".join(lines)).split("\n") if lines else []
    return [frozenset([_content(word, lang) for word in set(_WORD.findall(part))]) - _NONE for part in parts]


def content_words(text: str, lang: str) -> list[tuple[str, str]]:
    """(word, stem) of the words that are not stop words; for questions."""
    return [(word, stem) for word in _words(text) if (stem := _content(word, lang))]


def _words(text: str) -> list[str]:
    return _WORD.findall(_plain(text))


def _plain(text: str) -> str:
    return _LINK_TARGET.sub("]", unicodedata.normalize("NFKC", text)).lower()


@lru_cache(maxsize=100_000)
def _content(word: str, lang: str) -> str:
    """Its stem; empty where it is a stop word."""
    return "" if folded(word) in STOP.get(lang, frozenset()) else _stem(word, lang)


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """Without accents."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _stem(word: str, lang: str) -> str:
    if len(word) < 2 or len(word) > 40:
        return ""
    for plain, accented in _RESTORED.get(lang, ()):
        if word.endswith(plain):
            word = word[: -len(plain)] + accented
            break
    if lang in {"pt", "es"} and len(word) > 3 and _FOREIGN_PLURAL.search(word):
        word = word[:-1]
    return folded(snowball(word, lang)) if lang in _STEMMERS and word.isalpha() else folded(word)


@lru_cache(maxsize=50_000)
def snowball(word: str, lang: str) -> str:
    """What Snowball leaves of it. `lang` is one that it knows: en, pt, es, fr, de, it."""
    with _lock:  # a stemmer keeps its word between calls
        return str(_stemmer(lang).stemWord(word))


@cache
def _stemmer(lang: str) -> Any:
    from Stemmer import Stemmer

    return Stemmer(_STEMMERS[lang])
