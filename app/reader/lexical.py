"""Words as concepts: stems, joined across English, Portuguese and Spanish by a general glossary."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from app.reader.cues import listed
from app.reader.text import fold
from knowledge.stems import snowball

LANGUAGES = ("en", "pt", "es")
_WORD = re.compile(r"=[a-z_-]+|[a-z0-9][a-z0-9+#]*(?:[._][a-z0-9]+)*")

STOP = frozenset(listed("stop"))
"""Words that tell nothing of a topic: function words, times, and what says how far something is."""


class Bag(NamedTuple):
    """The concepts of a text and its character trigrams."""

    concepts: frozenset[str]
    grams: Counter[str]


@cache
def glossary() -> tuple[dict[str, frozenset[str]], dict[str, re.Pattern[str]], dict[str, str]]:
    """Word or stem -> concepts; a pattern per language for entries of several words; those -> their token.

    One line of the file is one concept: English | Portuguese | Spanish.
    """
    concepts: dict[str, set[str]] = {}
    phrases: dict[str, str] = {}
    by_lang: dict[str, list[str]] = {lang: [] for lang in LANGUAGES}
    text = files("app.reader").joinpath("glossary.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        columns = [[fold(word.strip()) for word in part.split(",")] for part in line.split("|")]
        name = "=" + columns[0][0].replace(" ", "_")
        for lang, entries in zip(LANGUAGES, columns, strict=True):
            for entry in entries:
                if " " in entry:
                    phrases.setdefault(entry, name)
                    by_lang[lang].append(entry)
                    continue
                for form in (entry, snowball(entry, lang)):
                    concepts.setdefault(f"{lang}:{form}", set()).add(name)
    found = {
        lang: re.compile(
            r"(?<!\w)(?:" + "|".join(sorted(map(re.escape, entries), key=len, reverse=True)) + r")(?!\w)"
        )
        for lang, entries in by_lang.items()
    }
    return {form: frozenset(names) for form, names in concepts.items()}, found, phrases


@lru_cache(maxsize=50_000)
def concepts_of(word: str, lang: str) -> frozenset[str]:
    """What a word may mean; its own stem where the glossary does not know it."""
    if word[0] == "=":
        return frozenset((word,))
    known = glossary()[0]
    for other in (lang, *(one for one in LANGUAGES if one != lang)):
        found = known.get(f"{other}:{word}") or known.get(f"{other}:{snowball(word, other)}")
        if found:
            return found
    return frozenset((snowball(word, lang),))


def without_phrases(folded: str, lang: str) -> str:
    """Terms of several words taken out, so that `sem fio` (wireless) negates nothing."""
    return glossary()[1][lang].sub("x", folded)


def words(folded: str) -> list[str]:
    return [word for word in _WORD.findall(folded) if word not in STOP and len(word) > 1]


def bag(folded: str, lang: str) -> Bag:
    return _short_bag(folded, lang) if len(folded) <= LONGEST_REMEMBERED else _bag(folded, lang)


LONGEST_REMEMBERED = 300
"""Characters; what is longer is hardly ever met twice, and would fill the memory."""


@lru_cache(maxsize=2_000)
def _short_bag(folded: str, lang: str) -> Bag:
    return _bag(folded, lang)


def _bag(folded: str, lang: str) -> Bag:
    kept = words(folded)
    padded = f" {' '.join(kept)} "
    _, patterns, phrases = glossary()
    joined = patterns[lang].sub(lambda match: phrases[match[0]], folded.replace("-", " "))
    found = frozenset().union(*(concepts_of(word, lang) for word in words(joined)), _acronyms(folded))
    return Bag(found, Counter(padded[i : i + 3] for i in range(len(padded) - 2)))


def _acronyms(folded: str) -> frozenset[str]:
    """`purchase order` may be called PO, `end of day` EOD: initials of texts as short as a title."""
    plain = re.findall(r"[a-z0-9]+", folded)
    named = frozenset(f"~{word}" for word in plain if 2 <= len(word) <= 4 and word not in STOP)
    if not 2 <= len(plain) <= 8:
        return named
    initials = "".join(word[0] for word in plain)
    return named | {f"~{initials[i : i + n]}" for n in (2, 3, 4) for i in range(len(initials) - n + 1)}


@cache
def plain_concepts() -> frozenset[str]:
    """What steps of all kinds begin with or speak of."""
    return frozenset().union(*(concepts_of(word, "en") for word in listed("plain")))


@cache
def loose_concepts() -> frozenset[str]:
    """What is said of anything: that it works, that somebody needs it, that it is fine."""
    return frozenset().union(
        *(concepts_of(fold(word), lang) for word in listed("of_anything") for lang in LANGUAGES)
    )


def gram_cosine(one: Counter[str], other: Counter[str]) -> float:
    if not one or not other:
        return 0.0
    shared = sum(count * other[gram] for gram, count in one.items() if gram in other)
    return shared / math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))


KIN = 0.8
"""What a cognate counts for beside the word itself."""


def kin(one: str, other: str) -> bool:
    """Cognates and typing slips: `certificat` and `certifie`, `validac` and `validat`."""
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    return shared >= ROOT and shared >= 0.7 * min(len(one), len(other))


ROOT = 5
"""Letters that cognates begin with."""


@lru_cache(maxsize=5_000)
def by_root(concepts: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """First letters -> stems that may have cognates; looked up, as comparing all with all takes longest."""
    found: dict[str, tuple[str, ...]] = {}
    for item in concepts:
        if len(item) >= ROOT and item[0] not in "=~":
            found[item[:ROOT]] = (*found.get(item[:ROOT], ()), item)
    return found


def shared(one: Iterable[str], other: frozenset[str], weight: dict[str, float], default: float) -> float:
    """Weight of the concepts of `one` that `other` has too; a cognate counts for most of it."""
    total = 0.0
    roots = by_root(other)
    for item in one:
        if item in other:
            total += weight.get(item, default)
        elif (near := roots.get(item[:ROOT])) and any(kin(item, candidate) for candidate in near):
            total += KIN * weight.get(item, default)
    return total


def rarity(bags: Sequence[frozenset[str]]) -> dict[str, float]:
    """How much a concept tells one of the texts from the others: 0 where all have it."""
    return dict(_rarity(tuple(bags)))


@lru_cache(maxsize=100)
def _rarity(bags: tuple[frozenset[str], ...]) -> dict[str, float]:
    count = Counter(item for one in bags for item in one)
    return {item: math.log((len(bags) + 0.5) / n) / math.log(len(bags) + 0.5) for item, n in count.items()}
