"""What people can switch off at once: the language models, and everything that changes the world."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from knowledge.model import Value

SwitchName = Literal["models", "actions"]
Off = Literal["models", "actions", "budget"]
SWITCHES: tuple[SwitchName, ...] = ("models", "actions")


class Switch(Value):
    """Something that was switched: since when it is so, by whom and why."""

    name: SwitchName
    since: datetime
    by: str
    because: str = ""
    off: bool = True
