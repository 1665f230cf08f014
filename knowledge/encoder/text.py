"""What every encoder does to a text first, so that one text has one vector and one cache key."""

import hashlib
import unicodedata

LONGEST = 2_000
"""Characters. Longer texts cost seconds each and say little more about what the text is about."""


def prepared(text: str) -> str:
    """The text as encoders see it: compatibility forms and white space folded, capped, no NUL.

    The cap comes before the folding, so that a huge message costs nothing.
    """
    folded = unicodedata.normalize("NFKC", text[: 4 * LONGEST].replace("\0", " "))
    # A lone surrogate (half an emoji cut off by a client) cannot be written as UTF-8.
    printable = folded.encode("utf-8", "replace").decode("utf-8")
    return " ".join(printable.split())[:LONGEST]


def text_sha256(text: str) -> bytes:
    return hashlib.sha256(prepared(text).encode("utf-8")).digest()
