"""What `env:NAME` stands for. Files and settings name secrets; their values are looked up here alone."""

from __future__ import annotations

import os
from collections.abc import Callable

from pydantic import SecretStr

from app.errors import ConfigError
from app.settings import PREFIX, Settings

References = Callable[[str], str]
"""The value of a reference; what is none stands for itself. Raises `ConfigError` where it is not set."""


def references(settings: Settings) -> References:
    """From the environment, and a setting of ours from wherever it was set."""

    def value(reference: str) -> str:
        if not reference.startswith("env:"):
            return reference
        name = reference.removeprefix("env:")
        found = _setting(settings, name) or os.environ.get(name, "").strip()
        if not found:
            raise ConfigError(f"the environment variable {name} is not set. Set it, or correct its name.")
        if not found.isascii() or not found.isprintable():
            raise ConfigError(f"the environment variable {name} holds more than one line of plain text.")
        return found

    return value


def _setting(settings: Settings, name: str) -> str:
    field = name.removeprefix(PREFIX).lower()
    if not name.startswith(PREFIX) or field not in type(settings).model_fields:
        return ""
    value = getattr(settings, field)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
