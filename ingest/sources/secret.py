"""Secrets of sources, by reference: stored is the name of an environment variable, never its value."""

from __future__ import annotations

import os

from knowledge.errors import KnowledgeError


def secret(reference: str) -> str:
    """What `env:NAME` stands for."""
    name = reference.removeprefix("env:")
    if not reference.startswith("env:") or not name:
        raise KnowledgeError(
            "A token is not written down here. Put it into an environment variable, and give token=env:NAME."
        )
    value = os.environ.get(name, "").strip()
    if not value:
        raise KnowledgeError(f"The environment variable {name} is not set. Set it to the token.")
    if not value.isascii() or not value.isprintable():
        raise KnowledgeError(f"The environment variable {name} holds more than a token. Set it to the token.")
    return value
