"""Asking for one action, and how far it is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.people import Principal
from app.models.steps import Finding
from knowledge.model import Value

RequestState = Literal[
    "proposed",
    "approved",
    "executing",
    "verifying",
    "done",
    "sent",
    "undone",
    "needs_person",
    "refused",
    "expired",
]
"""`sent`: taken by another system that cannot be read back, so nobody here says that it is done."""


class ActionRequest(Value):
    """Asking for one action with exactly these inputs and this evidence."""

    id: str
    case: str
    conversation: str
    action: str
    inputs: tuple[tuple[str, str], ...]
    principal: Principal
    evidence: tuple[Finding, ...]
    digest: str
    """SHA-256 over canonical inputs and evidence: an approval is for this digest alone."""
    approval: Literal["none", "customer", "agent"]
    state: RequestState
    approved_by: str | None = None
    created_at: datetime
    expires_at: datetime
    detail: str = ""
    """Why it stands as it does, for an agent."""
    by_hand: bool = False
    """A person has to send it: `detail` is what, word for word."""
    lang: str = "en"
    told: bool = False
    """The customer (or the agents, where we only suggest) know how it ended."""
    undoes: str | None = None
    """The request whose change this one takes back."""

    @property
    def words(self) -> str:
        """What its texts are called by: taking a change back has words of its own."""
        return f"undo_{self.action}" if self.undoes else self.action

    @property
    def rejected(self) -> bool:
        """A person said no; any other refusal is the world's."""
        return self.state == "refused" and self.approval != "none" and self.approved_by is None
