"""Small letters without accents, character by character, so that places in a text stay the same."""

from __future__ import annotations

import unicodedata

_LOOKALIKE = {"’": "'", "‘": "'", "´": "'", "`": "'", "“": '"', "”": '"', "«": '"', "»": '"'}


class _Folded(dict[int, str]):
    """Code point -> folded character; fills itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        plain = _LOOKALIKE.get(char, char)
        self[code] = (unicodedata.normalize("NFD", plain)[0].lower() or plain)[0]
        return self[code]


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Lower case without accents, of the same length."""
    return text.translate(_FOLDED)
