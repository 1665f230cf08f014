"""What an agent sees of a conversation: the shapes of the picture that `app/overview.py` makes."""

from __future__ import annotations

from datetime import datetime

from app.events import ActionProposed, CitedSource, Shape, ShownMessage, Watching
from app.models.case import CaseState, Resolution
from app.models.conversation import Note, Status
from app.models.reading import Danger
from app.models.record import SuggestionState
from app.models.request import RequestState
from app.models.steps import StepWord
from app.summary import SummaryLine
from app.triage import Word


class ConversationView(Shape):
    id: str
    channel: str
    status: Status
    person_active: bool
    opened_at: datetime
    customer: str
    """Id of the customer in your system; empty for a visitor who is not signed in."""
    account: str | None
    proven: bool
    """Who the customer is has been proven by a signed token or the like, not only said."""
    context: dict[str, str]
    """What the client showed without being asked: user_agent, page, language."""
    waiting_since: datetime | None
    danger: Danger | None
    lang: str


class EarlierView(Shape):
    """Another conversation of the same case: what the summary points at may stand there."""

    id: str
    channel: str
    opened_at: datetime
    messages: tuple[ShownMessage, ...]


class CaseView(Shape):
    id: str
    procedure: str | None
    title: str
    state: CaseState
    resolution: Resolution | None
    triage: Word
    because: str
    """Why that word, as a sentence."""
    opened_at: datetime


class ClaimView(Shape):
    """The customer's word."""

    status: str
    quote: str
    """Verbatim words of the message."""
    message: str
    at: datetime | None
    shown: bool
    """It rests on pasted output rather than on the word alone."""


class EvidenceView(Shape):
    """Something shown: pasted output, or what an agent saw."""

    note: str
    by: str | None
    """The agent; None where the customer showed it."""
    at: datetime


class FindingView(Shape):
    """What a machine saw."""

    subject: str | None
    met: bool | None
    """None: it could not look, which is not a yes."""
    seen: str
    """As a sentence; what stands in backticks is a value."""
    at: datetime
    until: datetime | None
    expired: bool
    """It is looked at again before it is used."""


class StepView(Shape):
    id: str
    title: str
    word: StepWord
    """As of the last look, as the customer sees it."""
    holds: bool
    checkable: bool
    applicable: bool
    claim: ClaimView | None
    evidence: tuple[EvidenceView, ...]
    findings: tuple[FindingView, ...]


class SuggestionView(Shape):
    id: str
    text: str
    decision: str
    because: str
    citations: tuple[CitedSource, ...]
    warnings: tuple[str, ...]
    """Why to look twice: `uncited`, `old_source`, `contradicts_verified`, `other_language`, `doubtful`."""
    request: str | None
    """The action request that waits with it."""
    state: SuggestionState
    at: datetime


class RequestView(ActionProposed):
    """The customer's card, with what agents may know besides."""

    account: str | None
    """Whose it is: the account that would be changed."""
    customer: str
    state: RequestState
    by: str | None
    """Who approved it."""
    detail: str
    """Why it stands as it does."""


class Why(Shape):
    """Why the last turn did what it did."""

    decision: str
    because: str
    rule: str
    """Name of the rule in `app/policy.py` that spoke."""
    rule_text: str
    facts: tuple[str, ...]
    """What it went by, as sentences."""
    messages: tuple[str, ...]
    sources: tuple[CitedSource, ...]
    reader: str
    """Which reader read the conversation."""
    at: datetime


class View(Shape):
    conversation: ConversationView
    messages: tuple[ShownMessage, ...]
    earlier: tuple[EarlierView, ...]
    seq: int
    """Number of the newest event of this conversation."""
    case: CaseView | None
    summary: tuple[SummaryLine, ...]
    """Three lines: problem, tried, blocked on; none before anything was read."""
    steps: tuple[StepView, ...]
    watching: Watching | None
    suggestion: SuggestionView | None
    requests: tuple[RequestView, ...]
    """Newest first."""
    dossier: bool
    """It was handed over with a dossier; without one it is made when asked for."""
    notes: tuple[Note, ...]
    why: Why | None
