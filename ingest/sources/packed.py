"""gzip, unpacked in steps."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

STEP = 256 * 1024
"""Bytes unpacked at a time."""


def unpacked(pieces: Iterable[bytes]) -> Iterable[bytes | str]:
    """Of gzip, in steps: a bomb is met with its first bytes. Ends with a text where it is damaged."""
    unpacker, anything = zlib.decompressobj(16 + zlib.MAX_WBITS), False
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker.eof:  # several files in one, or padding
                    if not rest.startswith(b"\x1f"):
                        return
                    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
                anything = True
                yield unpacker.decompress(rest, STEP)
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        # What zlib held back comes out now.
        while anything and not unpacker.eof:
            more = unpacker.decompress(b"", STEP)
            if not more:
                yield "packed, and the end is missing. Sync again."
                return
            yield more
    except zlib.error:
        yield "packed, and damaged. Sync again; if it stays so, see the server's compression."
