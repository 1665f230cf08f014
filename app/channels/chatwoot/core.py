"""What the Chatwoot channel needs of the service, and the names that both of its halves share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from app.models.people import Principal

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.ports import Clock
    from app.settings import Settings

NAME = "chatwoot"
"""Of the channel, of the outlet, and of its marks in the store."""
YES, NO = "stepfour:solved:yes", "stepfour:solved:no"
"""Values of the options under the question whether it is solved."""
_THEIRS = re.compile(r"Chatwoot|.*\(Chatwoot \d+\)")


class Core(Protocol):
    """The service: every method of people raises `NotFound` and `BadInput`."""

    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...

    async def start_message(self, message_id: str) -> None: ...
    async def take_over(self, conversation_id: str, by: Principal) -> None: ...
    async def give_back(self, conversation_id: str, by: Principal) -> None: ...
    async def ask_solved(self, conversation_id: str, by: Principal) -> None: ...
    async def solved(self, conversation_id: str, solved: bool, by: Principal) -> None: ...
    async def join(self, conversation_id: str, principal: Principal) -> None: ...


def log_of(account: int, conversation: int) -> str:
    """Our id of a conversation of theirs."""
    return f"{NAME}-{account}-{conversation}"


def number_of(log: str, account: int) -> int | None:
    """Their number of a conversation; None for one of another place or account."""
    found = re.fullmatch(rf"{NAME}-{account}-(\d+)", log)
    return int(found[1]) if found else None


def came_from_there(name: str | None) -> bool:
    """A move that Chatwoot told us of is not told back: it may have been taken back meanwhile."""
    return _THEIRS.fullmatch(name or "") is not None


def opened_by_us(log: str) -> str:
    """Key of the mark that we opened a conversation: whom it is assigned to has not joined by that."""
    return f"opened:{log}"


def read_up_to(log: str) -> str:
    """Key of the mark how far we have read their messages."""
    return f"read:{log}"
