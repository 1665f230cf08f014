"""Everyday words that mean the same in questions to a support team and on help pages, across languages:
who asks to add a colleague is answered by how somebody is invited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from knowledge.stems import stems

FILE = Path(__file__).with_name("same_meaning.tsv")
LANGS = ("en", "pt", "es")

_Groups = tuple[Mapping[str, frozenset[str]], ...]


@cache
def _groups() -> _Groups:
    """Of each row, the stems in each language. A word of several stems is left to them."""
    rows = (line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines())
    return tuple(
        {
            lang: frozenset(
                found[0] for word in words.split() if "-" not in word and (found := stems(word, lang))
            )
            for lang, words in zip(LANGS, row, strict=True)
        }
        for row in rows
    )


@cache
def _known(lang: str) -> Mapping[str, tuple[int, ...]]:
    at: dict[str, list[int]] = defaultdict(list)
    for n, group in enumerate(_groups()):
        for stem in group.get(lang, ()):
            at[stem].append(n)
    return {stem: tuple(rows) for stem, rows in at.items()}


def alike(stem: str, lang: str, other: str) -> frozenset[str]:
    """Stems in the language `other` that mean the same; itself left out."""
    rows = _known(lang).get(stem, ())
    return frozenset(s for n in rows for s in _groups()[n].get(other, ()) if lang != other or s != stem)
