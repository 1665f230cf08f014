"""The numbered events of a log."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from knowledge.model import Value

EventType = Literal[
    "conversation.status",
    "task",
    "message.delta",
    "message.done",
    "message.reset",
    "steps",
    "action.proposed",
    "action.state",
    "handoff",
    "feedback",
    "resolution",
    "error",
    "agent.case",
    "agent.suggestion",
    "agent.request",
    "agent.handoff",
    "agent.knowledge",
]
"""`agent.*` stand in the agents' own log, `AGENTS`, and never in a conversation's."""

AGENTS = "agents"
"""Id of the log that tells agents what is new in any conversation."""


class Event(Value):
    """One numbered line of a conversation's log; `payload` is JSON, shapes in `app/events.py`."""

    conversation: str
    seq: int
    type: EventType
    payload: dict[str, object]
    at: datetime


NewEvent = tuple[EventType, dict[str, object]]
