"""Ids that nobody can guess, with a prefix that says what they name."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(12)}"


def id_of(prefix: str, *parts: str) -> str:
    """The one id for what `parts` name: made again after a crash, it is the same."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return f"{prefix}_{base64.urlsafe_b64encode(digest[:12]).decode()}"
