"""Which language a page or a sentence is in: what it says, else where it lies, else what it looks like."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingua import LanguageDetector

KNOWN = ("en", "pt", "es")

_CODE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?")
_FOLDERS = frozenset(
    {*KNOWN, "pt-br", "pt-pt", "pt_br", "en-us", "en-gb", "es-es", "es-mx", "es-la", "fr", "de", "it"}
)


def language_code(given: str) -> str:
    """`pt-BR` as `pt`."""
    return re.split(r"[-_]", given.strip().lower())[0]


def is_language(given: object) -> bool:
    return isinstance(given, str) and bool(_CODE.fullmatch(given.strip()))


def language_folder(path: str) -> str | None:
    """The language that a folder of the path names."""
    for folder in path.split("/")[:-1]:
        if folder.lower() in _FOLDERS:
            return language_code(folder)
    return None


def translation_key(path: str) -> str:
    """The same for `en/a.md` and `pt-BR/a.md`: what a page shares with its translations."""
    *folders, name = path.split("/")
    kept = [folder for folder in folders if folder.lower() not in _FOLDERS]
    return "/".join([*kept, re.sub(r"\.(md|mdx|markdown|txt)$", "", name)])


def detected(text: str) -> tuple[str, float]:
    """The likeliest of the known languages and how sure that is (0..1)."""
    values = _detector().compute_language_confidence_values(text[:2_000])
    if not values:
        return "en", 0.0
    return values[0].language.iso_code_639_1.name.lower(), values[0].value


@cache
def _detector() -> LanguageDetector:
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(
        Language.ENGLISH, Language.PORTUGUESE, Language.SPANISH
    ).build()
