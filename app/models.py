"""The words of the service: frozen values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from knowledge.model import Check as Check
from knowledge.model import Citation as Citation
from knowledge.model import Passage as Passage
from knowledge.model import Procedure as Procedure
from knowledge.model import Step as Step
from knowledge.model import Value as Value
from knowledge.model import cite as cite

# --- who speaks, and what was said --------------------------------------------------------------

PrincipalKind = Literal["anonymous", "customer", "agent"]
Mode = Literal["shadow", "suggest", "auto"]
Role = Literal["customer", "agent", "bot"]
Standing = Literal["owner", "member", "stranger", "anonymous", "unknown"]
"""What the account system says of a principal, asked at that moment."""


class Principal(Value):
    """Who has been proven to speak. Made by a channel from a proof, never from text or a body field."""

    kind: PrincipalKind
    id: str
    """User id of the host site, or the digest of an anonymous visitor's token."""
    account: str | None = None

    @property
    def party(self) -> str:
        return f"{self.kind}:{self.account or ''}:{self.id}"


class Message(Value):
    """One thing said. `agent` is a person on our side, `bot` is us."""

    id: str
    conversation: str
    role: Role
    text: str
    at: datetime
    context: tuple[tuple[str, str], ...] = ()
    """What the client showed without being asked: user_agent, page, language."""


# --- reading ------------------------------------------------------------------------------------

Speech = Literal["request", "question", "report", "thanks", "greeting"]
ClaimStatus = Literal["done", "not_done", "failed", "unknown"]
Danger = Literal["security", "fraud", "legal", "harm", "billing_dispute"]


class Claim(Value):
    """What the customer said or showed about one step; the newest about a step wins."""

    step: str
    subject: str | None = None
    status: str
    """`done`, `not_done`, `failed`, `unknown`, or one of the step's outcomes."""
    message: str
    """Id of the customer's message it rests on."""
    quote: str
    """Verbatim words of that message."""
    confidence: float = 1.0
    shown: bool = False
    """True where it rests on pasted output rather than on the customer's word."""


class Input(Value):
    """A value the customer gave, e.g. a domain or a workspace, with the words it rests on."""

    name: str
    """Kind of subject (`domain`, `workspace`, ...)."""
    value: str
    message: str
    quote: str


class Reading(Value):
    """What was understood of a conversation. It decides nothing."""

    language: str = "en"
    speech: Speech = "request"
    request: str = ""
    """What is asked, as a sentence that stands alone (the search query)."""
    procedure: str | None = None
    subjects: tuple[Input, ...] = ()
    claims: tuple[Claim, ...] = ()
    """The newest claim per (step, subject); steps that were not mentioned have none."""
    wants_outcome: bool = False
    """Wants the result of the procedure: asked for it anywhere and did not take it back."""
    asks_how: bool = False
    """Asks how to do the procedure or one of its steps."""
    wants_person: bool = False
    danger: Danger | None = None
    skips_checks: bool = False
    """Demands to skip checks, or forges a system message or an approval."""
    for_other: bool = False
    """Says that it is about somebody else's account or resource."""
    asks_again: bool = False
    """Asks to see something again that was sent before."""
    confirms: bool = False
    """Says yes to what the last message of ours proposed."""
    reader: str = "builtin"
    """Which reader made it, e.g. `builtin` or `llm:model-name`, or `builtin (model down)`."""
    tokens_in: int = 0
    tokens_out: int = 0


# --- the ledger ---------------------------------------------------------------------------------


class Finding(Value):
    """What a probe saw. `met` is None where it could not look: unknown is not yes."""

    check: str
    met: bool | None
    code: str
    """What was seen as a closed code; the catalogue `app/texts/` has a sentence for it in each language."""
    seen: tuple[tuple[str, str], ...] = ()
    """Values for that sentence (host, target, issuer, days ...); shown escaped, never sent to a model."""
    subject: str | None = None
    """What was looked at: a host, a workspace."""
    at: datetime
    until: datetime
    """Until when it counts; after that it is looked at again before use."""
    needs_time: bool = False
    """Not met yet, but nothing is left to do: propagation, issuance."""


StepWord = Literal[
    "verified",
    "contradicted",
    "missing",
    "evidenced",
    "claimed",
    "not_done",
    "failed",
    "unknown",
    "not_applicable",
]


class StepState(Value):
    """All that is known of one step over all its subjects, and the word that people see."""

    step: str
    word: StepWord
    holds: bool
    """Nothing is left to do about it: verified, or settled by the customer's word where that counts."""
    claim: Claim | None = None
    findings: tuple[Finding, ...] = ()
    """Newest finding of each subject, the one that speaks against the step first."""
    checkable: bool = False
    must_check: bool = False

    @property
    def finding(self) -> Finding | None:
        return self.findings[0] if self.findings else None


# --- the decision -------------------------------------------------------------------------------


class Acknowledge(Value):
    kind: Literal["acknowledge"] = "acknowledge"
    because: str
    closes: bool = False
    """Thanks after the job is done closes the case."""


class Already(Value):
    kind: Literal["already"] = "already"
    because: str


class Answer(Value):
    kind: Literal["answer"] = "answer"
    because: str
    citations: tuple[Citation, ...]


class Guide(Value):
    kind: Literal["guide"] = "guide"
    because: str
    step: str
    another_way: bool = False
    """The step was explained before: say what is seen now instead of the same words."""
    watches: bool = False
    """A machine can see when it is done: we look again by ourselves and go on."""


class Ask(Value):
    kind: Literal["ask"] = "ask"
    because: str
    step: str
    """The step asked about, or the kind of subject where `about` says so."""
    about: Literal["step", "subject"] = "step"


class Watch(Value):
    kind: Literal["watch"] = "watch"
    because: str
    step: str


class Propose(Value):
    kind: Literal["propose"] = "propose"
    because: str
    action: str
    approval: Literal["customer", "agent"]


class Act(Value):
    kind: Literal["act"] = "act"
    because: str
    action: str


class Decline(Value):
    kind: Literal["decline"] = "decline"
    because: str
    reason: Literal["not_signed_in", "not_owner", "not_yours", "checks_needed"]
    step: str | None = None
    """The step that is missing, where one is."""


class HandOff(Value):
    kind: Literal["hand_off"] = "hand_off"
    because: str
    reason: Literal[
        "asked", "danger", "no_source", "cannot_check", "repeat", "action_failed", "standing_unknown"
    ]


class StaySilent(Value):
    kind: Literal["stay_silent"] = "stay_silent"
    because: str


Decision = Annotated[
    Acknowledge | Already | Answer | Guide | Ask | Watch | Propose | Act | Decline | HandOff | StaySilent,
    Field(discriminator="kind"),
]


class Said(Value):
    """What the case has already been sent, so that nothing is sent twice."""

    guided: tuple[str, ...] = ()
    """Steps explained so far, in order, with repeats; by us or by a person before us."""
    asked: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    """Passages quoted so far."""
    last: str | None = None
    """Kind of our last decision."""
    looks: int = 0
    """How often a watched step was looked at."""
    declined: tuple[str, ...] = ()
    """Reasons of our declines so far."""
    handed_off: bool = False
    warned: bool = False
    """It was handed over as dangerous, so that danger after an ordinary handoff still gets its words."""
    watching: bool = False
    last_seen: tuple[str, ...] = ()
    """What our last guide named as seen, `code at subject`: the same again is a repeat."""


class Facts(Value):
    """Everything `decide` may look at."""

    reading: Reading
    person_active: bool = False
    standing: Standing = "anonymous"
    missing_subject: str | None = None
    """Kind of subject that a check or the action needs and that nobody has named."""
    foreign_subject: str | None = None
    """A named subject that the account system says is not this account's."""
    procedure: Procedure | None = None
    outcome_holds: bool | None = None
    """Read-back of the procedure's action: True where it is already so."""
    steps: tuple[StepState, ...] = ()
    action_approval: Literal["none", "customer", "agent"] = "none"
    action_pending: bool = False
    """A request for this action waits for approval or runs."""
    action_failed: bool = False
    """A request of this case was undone, left to a person, or rejected by one: people decide from there."""
    done_before: bool = False
    """The case's action was done (the case is solved or closing)."""
    citations: tuple[Citation, ...] = ()
    """What the documents answer with, best first; empty = no source answers."""
    said: Said = Said()
    resumed: bool = False
    """True when no new message started this turn: a watch, an approval."""
    watch_over: bool = False
    """The watch has used up its looks."""


# --- actions ------------------------------------------------------------------------------------

RequestState = Literal[
    "proposed", "approved", "executing", "verifying", "done", "undone", "needs_person", "refused", "expired"
]


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
    lang: str = "en"
    told: bool = False
    """The customer (or the agents, where we only suggest) know how it ended."""

    @property
    def rejected(self) -> bool:
        """A person said no; any other refusal is the world's."""
        return self.state == "refused" and self.approval != "none" and self.approved_by is None


# --- the record ---------------------------------------------------------------------------------


class Stage(Value):
    """Seconds one stage of a turn took."""

    name: str
    seconds: float


class Dossier(Value):
    """Everything known, for the person who takes over."""

    summary: str
    customer: Principal
    request: str
    procedure: str | None
    steps: tuple[StepState, ...]
    sent: tuple[str, ...]
    """What was explained or asked so far, so that nobody does it again."""
    because: str
    next_move: str


class Turn(Value):
    """The one record of handling one message (or one resume): audit, explanation, evaluation row."""

    id: str
    trigger: str
    """Message id, or what resumed the case."""
    conversation: str
    case: str | None
    channel: str
    mode: Mode
    reading: Reading
    facts: Facts
    decision: Decision
    passages: tuple[str, ...] = ()
    request: str | None = None
    """Id of the action request this turn made."""
    reply: str = ""
    """What was, or in shadow and suggest would have been, said."""
    dossier: Dossier | None = None
    stages: tuple[Stage, ...] = ()
    at: datetime


# --- events, numbered per conversation ----------------------------------------------------------

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
    "error",
]


class Event(Value):
    """One numbered line of a conversation's log; `payload` is JSON, shapes in `app/events.py`."""

    conversation: str
    seq: int
    type: EventType
    payload: dict[str, object]
    at: datetime


# --- the case, and what one turn writes ---------------------------------------------------------

CaseState = Literal["open", "waiting", "solved", "handed_off", "closed"]
"""`waiting`: something is watched or waits for approval; `solved`: the action was done and read back."""

Status = Literal[
    "bot_working",
    "awaiting_customer",
    "awaiting_approval",
    "watching",
    "with_agents",
    "human_active",
    "resolved",
]


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
    said: Said = Said()
    reading: Reading = Reading()
    """The last reading: what a resume goes on from."""
    opened_at: datetime
    updated_at: datetime


FactKind = Literal["claim", "evidence", "finding", "not_applicable"]


class LedgerFact(Value):
    """One append-only line of the ledger."""

    case: str
    procedure: str
    step: str
    subject: str = ""
    kind: FactKind
    claim: Claim | None = None
    finding: Finding | None = None
    note: str = ""
    at: datetime


class Watching(Value):
    """A step that only needs time, and when we look next."""

    case: str
    conversation: str
    step: str
    looks: int
    since: datetime
    next_at: datetime


class Conversation(Value):
    """All messages with one party on one channel about what they wrote there."""

    id: str
    channel: str
    principal: Principal
    status: Status = "awaiting_customer"
    person_active: bool = False
    context: tuple[tuple[str, str], ...] = ()
    opened_at: datetime


NewEvent = tuple[EventType, dict[str, object]]


class Record(Value):
    """Everything one turn (or one step of an action) writes, in one transaction."""

    conversation: str
    turn: Turn | None = None
    covers: tuple[str, ...] = ()
    """Customer's messages that this turn has read."""
    case: Case | None = None
    facts: tuple[LedgerFact, ...] = ()
    replies: tuple[Message, ...] = ()
    events: tuple[NewEvent, ...] = ()
    request: ActionRequest | None = None
    watch: Watching | None = None
    unwatch: str | None = None
    """Case whose watch ends."""
    dossier: Dossier | None = None
    status: Status | None = None
    person_active: bool | None = None
