"""Bodies of the agents' routes. What the picture of a conversation is made of stands in `app/overview.py`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, StringConstraints

from app.channels.wire import Digest, Wire
from app.events import ShownMessage
from app.models.case import CaseState
from app.models.conversation import Status
from app.models.record import SuggestionState
from app.switches import Off, SwitchName
from app.triage import Word
from knowledge.health.finding import Evidence, Kind, Origin, State
from knowledge.judging import Reason, Relation, Verdict
from knowledge.model import Place

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
    off: tuple[Off, ...] = ()
    """What is switched off, and `budget` where today's budget of the models is used up."""


class SwitchIn(Wire):
    switch: SwitchName
    off: bool
    because: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), Clean] = ""
    """For the others to read."""


class SwitchOut(Wire):
    """How one switch stands."""

    name: SwitchName
    off: bool
    since: datetime | None
    """Since when it stands so; None where nobody has ever touched it."""
    by: str | None
    because: str


class SwitchedOut(Wire):
    switches: tuple[SwitchOut, ...]
    off: tuple[Off, ...]
    """What is switched off, and `budget` where today's budget of the models is used up."""
    may_switch: bool
    """Whether you may switch, as the settings say now."""


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


# --- documents ----------------------------------------------------------------------------------


class RowOut(Wire):
    """One thing that machines follow, in lines; none on the side where it is not there."""

    what: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class WaitingOut(Wire):
    """A procedure whose page says what nobody has approved yet."""

    procedure: str
    source: str
    path: str
    title: str
    version: str
    """What an approval is bound to."""
    followed: str | None
    """The version that is followed until then; None where nothing is."""
    approved_by: str | None
    """Who approved that one."""
    changes: tuple[str, ...]
    """What an approval would change, a line each."""
    rows: tuple[RowOut, ...]
    """Subjects, steps with outcomes and checks, and the action: before and after."""


class ProceduresOut(Wire):
    may_approve: bool
    """Whether you may approve, as the settings say now."""
    waiting: tuple[WaitingOut, ...]


class ApproveIn(Wire):
    procedure: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    version: Digest
    """The version whose difference was shown: the approval counts for exactly that, or not at all."""


class ApprovedOut(Wire):
    procedure: str
    version: str
    approved_by: str


class JudgedOut(Wire):
    """What a language model makes of a finding: it moves the confidence within bounds, and no more."""

    verdict: Verdict
    kind: Relation
    """What the two lines are to each other."""
    reason: Reason
    model: str
    at: datetime
    alone: float
    """The confidence without it."""
    said: str


class JudgingOut(Wire):
    """What the last look asked a language model."""

    model: str
    at: datetime
    asked: int
    known: int
    """Findings whose lines it had judged before."""
    unanswered: int
    tokens: int
    ended: str | None
    """The name of the failure after which it was asked no more."""
    said: str


class FindingOut(Wire):
    """Something wrong with one page, or with two that do not go together."""

    id: str
    kind: Kind
    confidence: float
    strength: float
    """What to look at first: how sure it is and how much it matters."""
    place: Place
    other: Place | None
    also: tuple[Place, ...]
    """Some of the other pages that hold one of the two lines."""
    also_count: int
    why: str
    todo: str
    cases: int | None
    """How many cases it caused, where that is known."""
    source: Origin
    evidence: tuple[Evidence, ...]
    """Words of conversations that it rests on."""
    judged: JudgedOut | None = None
    state: State
    by: str | None
    """Who made of it what `state` says."""
    note: str | None
    found_at: datetime | None
    closed_at: datetime | None


class FindingsOut(Wire):
    findings: tuple[FindingOut, ...]
    """What matters most first."""
    total: int
    judging: JudgingOut | None = None
    """None where the last look had no model to ask."""


class SettleIn(Wire):
    state: State
    """`dismissed` stays away until one of its lines changes."""
    note: Remark = ""


class LookedOut(Wire):
    """What a new look at all pages changed."""

    new: int
    kept: int
    closed: int
