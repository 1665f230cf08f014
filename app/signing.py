"""The proof that what another service gets is from us."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, stamp: int, body: bytes) -> str:
    """Value of `Stepfour-Signature`: when it was sent, and the proof that we sent this then."""
    proof = hmac.new(secret.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={proof}"
