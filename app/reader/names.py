"""Names in a sentence, taken out before its meaning is measured: one host means no more than another."""

from __future__ import annotations

import re

HOST = "example.com"
"""What every host becomes; a word that the encoder knows as a host and as nothing else."""

_ADDRESS = re.compile(r"https?://\S*[^\s.,;:!?)\]}'\"]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w.@-])(?:[\w-]+\.)+[a-z]{2,}(?![\w@-])", re.IGNORECASE)
_NUMBER = re.compile(r"\b(?=\w*\d)[0-9a-f]{8,}\b", re.IGNORECASE)


_FOR_WHOM = re.compile(rf"(?<=\w) (?:for|of|de|do|da|del|para) {re.escape(HOST)}(?=[.?!]?$)", re.IGNORECASE)
"""At the end of a sentence: what it is asked for says nothing of what is asked."""


def masked(text: str) -> str:
    """The text with one name for all hosts and addresses, and one for all long identifiers.

    Two sentences that differ by such names alone become the same, and are judged the same.
    """
    plain = _NUMBER.sub("1", _NAME.sub(HOST, _ADDRESS.sub(HOST, text)))
    return _FOR_WHOM.sub("", plain)
