"""Bodies of the agents' routes. What the picture of a conversation is made of stands in `app/overview.py`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, StringConstraints

from app.channels.wire import Digest, Wire
from app.events import ShownMessage
from app.models import CaseState, Status, SuggestionState
from app.triage import Word

LONGEST_TEXT = 20_000
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def _seen(text: object) -> object:
    """Without characters that no one can see."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")) if isinstance(text, str) else text


Clean = BeforeValidator(_seen)
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT), Clean]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Clean]
ConversationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
Filter = Literal["open", "waiting", "handed_off", "solved", "all"]
"""`open`: everything that is not over. `waiting`: something is watched or waits for an approval."""


class MeOut(Wire):
    name: str | None
    """The signed-in agent; None for whoever is not signed in."""
    oidc: bool
    """Signing in with the company's own accounts is possible: GET /assist/oidc/start."""
    provider: str | None
    """Host of the provider, for the button."""
    hosts: tuple[str, ...]
    """Exact origins that may show the page in a frame and speak to it."""


class SessionIn(Wire):
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{16,400}$")]
    """A one-time link's code, a desk's ticket, or a pass: used once, in a POST alone."""


class SessionOut(Wire):
    name: str
    conversation: str | None = None
    """The conversation a ticket was made for."""


class PassOut(Wire):
    code: str
    """For a frame that cannot see this window's cookie: it signs in the same agent, once, within a minute."""


class TicketIn(Wire):
    conversation: ConversationId | None = None
    """Our id of the conversation that the desk shows, where it knows it."""


class TicketOut(Wire):
    ticket: str
    """Hand it to the frame in `init`: it signs in this agent, once, within a minute."""
    expires_at: datetime


class LocatedOut(Wire):
    conversation: str


class CaseRow(Wire):
    """One line of the list: a conversation and the case it is about now."""

    conversation: str
    case: str | None
    channel: str
    title: str
    """What it is about, in a few words: the procedure's title, else what was asked."""
    customer: str
    """Id of the customer in your system; empty for a visitor who is not signed in."""
    account: str | None
    triage: Word
    because: str
    """Why that word, as a sentence."""
    status: Status
    state: CaseState | None
    waiting_since: datetime | None
    """Since when the customer waits for a word of ours, bot or person; None where nobody waits."""
    person: bool
    """A person of our side is active there: the bot is silent."""
    suggestion: bool
    """A suggested reply waits for an agent."""
    approval: bool
    """An action waits for an agent's yes."""
    lang: str


class CasesOut(Wire):
    cases: tuple[CaseRow, ...]
    """Those who wait longest first, then the newest."""
    seq: int
    """Number of the agents' log that this list is from: follow it with GET /v1/agent/events?after=seq."""


class SayIn(Wire):
    client_message_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """Made by the client once per message: the same id again changes nothing."""
    text: Said


class SaidOut(Wire):
    message: ShownMessage


class TextIn(Wire):
    text: Said


class SendIn(Wire):
    text: Said | None = None
    """The agent's own words; left out, the suggestion goes out as it is, in the bot's name."""


class DismissIn(Wire):
    reason: Remark = ""


class SuggestionOut(Wire):
    id: str
    state: SuggestionState


class DecideIn(Wire):
    digest: Digest
    """What the card showed: the decision counts for exactly that, or not at all."""


class StandingOut(Wire):
    """How the conversation stands after what was done."""

    id: str
    status: Status
    person_active: bool
