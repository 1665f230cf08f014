"""One matter of one party, and what of it is looked at later."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.facts import Said
from app.models.reading import Reading
from knowledge.model import Value

CaseState = Literal["open", "waiting", "solved", "handed_off", "asked", "closed"]
"""`waiting`: something is watched or waits for approval; `solved`: the action was done and read back;
`asked`: an agent is finished, and the customer was asked whether it is solved."""

Resolution = Literal["verified", "confirmed", "silent"]
"""How a case ended well: read back by us, confirmed by the customer, or nobody said otherwise."""


class Case(Value):
    """One matter of one party; it lives across conversations and channels."""

    id: str
    party: str
    conversation: str
    """The conversation it was last spoken of in: where news of it goes."""
    procedure: str | None = None
    version: str | None = None
    """Version of the procedure it follows."""
    state: CaseState = "open"
    resolution: Resolution | None = None
    asked_solved_at: datetime | None = None
    """When the customer was asked whether it is solved, until they answer."""
    said: Said = Said()
    reading: Reading = Reading()
    """The last reading: what a resume goes on from."""
    opened_at: datetime
    updated_at: datetime


class Watching(Value):
    """A step that only needs time, and when we look next."""

    case: str
    conversation: str
    step: str
    looks: int
    since: datetime
    next_at: datetime


class FollowUp(Value):
    """A change that was done, and when we look whether it lasts."""

    request: str
    since: datetime
    """When it was read back."""
    looks: int = 0
    """Looks since then that saw something."""
    unseen: int = 0
    """Looks in a row that saw nothing."""
    next_at: datetime
