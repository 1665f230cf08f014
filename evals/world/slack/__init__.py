"""A faithful, strict local double of Slack: Web API, events, interactions, Socket Mode and a page."""

from evals.world.slack.slack import FakeSlack, Options
from evals.world.slack.state import (
    Answer,
    Call,
    Channel,
    Delivery,
    File,
    Message,
    Session,
    Stream,
    User,
    View,
    Violation,
)

__all__ = [
    "Answer",
    "Call",
    "Channel",
    "Delivery",
    "FakeSlack",
    "File",
    "Message",
    "Options",
    "Session",
    "Stream",
    "User",
    "View",
    "Violation",
]
