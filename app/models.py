"""The words of the service: frozen values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from knowledge.model import Check as Check
from knowledge.model import Citation as Citation
from knowledge.model import Fate as Fate
from knowledge.model import Passage as Passage
from knowledge.model import Procedure as Procedure
from knowledge.model import Step as Step
from knowledge.model import Value as Value
from knowledge.model import cite as cite

# --- who speaks, and what was said --------------------------------------------------------------

PrincipalKind = Literal["anonymous", "customer", "agent", "machine"]
"""A machine came with an API key: it is never the owner of an account and approves nothing."""
Mode = Literal["shadow", "suggest", "auto"]
Role = Literal["customer", "agent", "bot"]
Standing = Literal["owner", "member", "stranger", "anonymous", "unknown"]
"""What the account system says of a principal, asked at that moment."""


class Principal(Value):
    """Who has been proven to speak. Made by a channel from a proof, never from text or a body field."""

    kind: PrincipalKind
    id: str
    """User id of the host site, the digest of an anonymous visitor's token, or an API key's name."""
    account: str | None = None

    @property
    def party(self) -> str:
        return f"{self.kind}:{self.account or ''}:{self.id}"


Scope = Literal["conversations:read", "conversations:write", "notes:write", "customers:export"]
"""What an API key may do; docs/identity.md says which routes each opens."""
Way = Literal["link", "oidc", "desk"]
"""How an agent signed in: by a one-time link, with the company's account, by a desk's signed token."""


AgentRight = Literal["agent", "approver"]
"""What the company's identity provider may say of an agent, by a group or role that the settings name."""


class ApiKey(Value):
    """A key for a machine, without the key: only a digest of that is kept."""

    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    until: datetime | None = None
    revoked_at: datetime | None = None


class Attachment(Value):
    """A file that came with a message; its bytes lie in the data folder, by id."""

    id: str
    name: str
    type: str
    """Media type as sniffed from the bytes, never as claimed."""
    size: int
    """Bytes."""
    text: str = ""
    """What a text file says, as far as it is read: part of the words of its message."""

    @property
    def image(self) -> bool:
        return self.type.startswith("image/")


class Message(Value):
    """One thing said. `agent` is a person on our side, `bot` is us."""

    id: str
    conversation: str
    role: Role
    text: str
    at: datetime
    context: tuple[tuple[str, str], ...] = ()
    """What the client showed without being asked: user_agent, page, language."""
    attachments: tuple[Attachment, ...] = ()
    name: str | None = None
    """Who speaks, where an agent is named to the customer."""
    addressed: bool = True
    """False where it was said in a room and to nobody of us."""


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
    disputed: bool = False
    """Two readers understood it differently: it counts as nothing known until something settles it."""


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
    perhaps: str | None = None
    """A procedure to ask about: near, but not surely meant; or meant, while no wish could be told."""
    subjects: tuple[Input, ...] = ()
    claims: tuple[Claim, ...] = ()
    """The newest claim per (step, subject); steps that were not mentioned have none."""
    wants_outcome: bool = False
    """Wants the result of the procedure: asked for it anywhere and did not take it back."""
    faint: bool = False
    """The outcome seems wanted, and no words ask for it plainly: only a model has read so, or what asks
    speaks of something else. Nothing is done without the customer's own yes."""
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
    asks_on: bool = False
    """Asks how the matter at hand stands or comes back to it, and asks nothing beside it."""
    told_before: bool = False
    """Says that what we ask or explain was said already."""
    confirms: bool = False
    """Says yes to what the last message of ours proposed, or all right and nothing else."""
    reader: str = "builtin"
    """Which reader made it, e.g. `builtin` or `llm:model-name`, or `builtin (no model: timeout)`."""
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

    @property
    def where(self) -> str | None:
        """What it is about: a look at the whole account names the one host that decided it."""
        return dict(self.seen).get("host") or self.subject


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
    outcome: str | None = None
    """Of a branching step: the outcome that a look or the customer's word settles; `yes` or `no` also where
    the page has no way for it."""

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
    citations: tuple[Citation, ...] = ()
    """What the pages say to what is told or asked besides."""


class Answer(Value):
    kind: Literal["answer"] = "answer"
    because: str
    citations: tuple[Citation, ...]
    """Empty where no page answers what is asked in between: it is said plainly, and the case goes on."""
    back_to: str | None = None
    """The step that stays open while something else is answered."""


class Guide(Value):
    kind: Literal["guide"] = "guide"
    because: str
    step: str
    """The step, or the section of the page where `about` says so."""
    about: Literal["step", "advice"] = "step"
    another_way: bool = False
    """The step was explained before: say what is seen now instead of the same words."""
    brief: bool = False
    """The customer comes back to the matter: how it stands, in a line. It counts as no explanation."""
    watches: bool = False
    """A machine can see when it is done: we look again by ourselves and go on."""


class Ask(Value):
    kind: Literal["ask"] = "ask"
    because: str
    step: str
    """The step asked about, or the kind of subject, the procedure or the words where `about` says so."""
    about: Literal["step", "subject", "procedure", "words", "matter"] = "step"
    another_way: bool = False
    """It was asked before and nothing was said to it: in other words, once."""


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
        "asked",
        "danger",
        "no_source",
        "cannot_check",
        "repeat",
        "action_failed",
        "standing_unknown",
        "way_ends",
    ]
    """`way_ends`: a branching procedure leads to a person, or knows no way for what was answered."""


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
    reminded: tuple[str, ...] = ()
    """Steps only named again so far, in order, with repeats."""
    tried: tuple[str, ...] = ()
    """Steps said to be done, or to have failed, after we explained them, and still open; with repeats."""
    asked: tuple[str, ...] = ()
    replied: tuple[str, ...] = ()
    """Questions after which something was said: what did not settle them could not be read."""
    passages: tuple[str, ...] = ()
    """Passages quoted so far."""
    places: tuple[str, ...] = ()
    """Sections quoted so far, by names that are the same in every language."""
    quotes: tuple[tuple[str, str], ...] = ()
    """Of passages that answers quoted from, which lines."""
    last: str | None = None
    """Kind of the decision that we last said something by; `reminder`: a brief guide."""
    looks: int = 0
    """How often a watched step was looked at."""
    declined: tuple[str, ...] = ()
    """Reasons of our declines so far."""
    already: bool = False
    """It was said that it holds already."""
    handed_off: bool = False
    warned: bool = False
    """It was handed over as dangerous, so that danger after an ordinary handoff still gets its words."""
    watching: bool = False
    last_seen: tuple[str, ...] = ()
    """What our last guide named as seen, `code at subject`."""
    shown: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Step -> what was seen when it was last explained: the same again is a repeat. Once a step holds it is
    forgotten, so that its loss is news."""
    held: tuple[str, ...] = ()
    """Steps that held when we last explained one: another one since is progress, and worth a word."""
    unanswered: int = 0
    """Questions in between that no page answers, told so."""
    noted: int = 0
    """How often we have only said that we have heard it, since a step was last spoken of."""
    pictures: bool = False
    """The customer knows that we cannot read pictures."""


class Continued(Value):
    """The place a case was spoken of before, when it is picked up in another one."""

    channel: str
    at: datetime


class Facts(Value):
    """Everything `decide` may look at."""

    reading: Reading
    person_active: bool = False
    standing: Standing = "anonymous"
    missing_subject: str | None = None
    """Kind of subject that a check or the action needs and that nobody has named."""
    among: tuple[str, ...] = ()
    """What the account has of that kind; for its own people alone."""
    foreign_subject: str | None = None
    """A named subject that the account system says is not this account's."""
    procedure: Procedure | None = None
    perhaps: Procedure | None = None
    """What may be meant where no procedure surely is."""
    outcome_holds: bool | None = None
    """Read-back of the procedure's action: True where it is already so."""
    steps: tuple[StepState, ...] = ()
    action_approval: Literal["none", "customer", "agent"] = "none"
    action_pending: bool = False
    """A request for this action waits for approval or runs."""
    action_failed: bool = False
    """A request of this case was undone, left to a person, or rejected by one: people decide from there."""
    action_sent: bool = False
    """A request of this case was sent to where nobody here can see what became of it."""
    done_before: bool = False
    """The case's action was done (the case is solved or closing)."""
    citations: tuple[Citation, ...] = ()
    """What the documents answer with, best first; empty = no source answers."""
    cited: tuple[str, ...] = ()
    """Steps whose section went out as the answer to a question."""
    unclear: str = ""
    """What the question points at and nobody has named, in the customer's words."""
    vague: bool = False
    """Their words tell that something is the matter, and not of what."""
    asks: bool = False
    """Their words have a sign or a word of question."""
    beside: bool = False
    """Their words name something, and nothing of the matter at hand."""
    on_the_matter: bool = False
    """What is asked is about the page at hand: how the matter stands, and nothing beside it."""
    asks_way: bool = False
    """What is asked of it is how or where something is done."""
    said: Said = Said()
    worn: int = 0
    """How many wordings of what is chosen would repeat, nearly word for word, what was sent before."""
    spoken: tuple[tuple[str, str], ...] = ()
    """(step, status) of what was said of steps since our last reply; `planned` is a promise."""
    resumed: bool = False
    """True when no new message started this turn: a watch, an approval."""
    watch_over: bool = False
    """The watch has used up its looks."""
    addressed: bool = True
    """False where the message was said in a room and to nobody of us."""
    continued: Continued | None = None
    """Where the matter was spoken of before, when it is picked up in another place."""
    unread_images: bool = False
    """Pictures came with the message, and nobody here can read pictures."""


# --- actions ------------------------------------------------------------------------------------

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


# --- the record ---------------------------------------------------------------------------------


class Stage(Value):
    """Seconds one stage of a turn took."""

    name: str
    seconds: float


class Quoted(Value):
    """A message as it was written, for a dossier."""

    message: str
    role: Role
    name: str | None = None
    at: datetime
    text: str
    """Verbatim; only what is very long is cut."""
    attachments: tuple[str, ...] = ()
    """Names of the files that came with it."""


class Noted(Value):
    """One line of the ledger in words, for a dossier."""

    step: str
    subject: str = ""
    kind: Literal["claim", "evidence", "finding", "not_applicable", "note", "correction"]
    status: str = ""
    """Of a claim; of a finding its code."""
    text: str
    """The quote or the agent's note, verbatim; of a finding a sentence in the agents' language."""
    by: str | None = None
    """The agent, where a person wrote it."""
    message: str | None = None
    at: datetime


class Tried(Value):
    """An action request and how it ended, for a dossier."""

    request: str
    action: str
    inputs: tuple[tuple[str, str], ...] = ()
    state: str
    by: str | None = None
    detail: str = ""
    at: datetime


class Place(Value):
    """A conversation in which the matter was spoken of."""

    channel: str
    conversation: str
    at: datetime
    url: str | None = None
    """Where an agent can open it."""


class PageSince(Fate):
    """A page that was quoted, and what became of it."""

    title: str


class Dossier(Value):
    """Everything known, for the person who takes over."""

    summary: str
    """Three lines: who wants what, what is known so far, why it stands."""
    customer: Principal
    request: str
    procedure: str | None
    title: str = ""
    """Title of the procedure."""
    steps: tuple[StepState, ...]
    sent: tuple[str, ...]
    """What was explained or asked so far, so that nobody does it again."""
    because: str
    next_move: str
    left: tuple[str, ...] = ()
    """Titles of the steps that do not hold."""
    words: tuple[Quoted, ...] = ()
    """The customer's messages that matter, oldest first."""
    words_left_out: int = 0
    """How many more the customer wrote."""
    agents: tuple[Quoted, ...] = ()
    """What agents told the customer last."""
    notes: tuple[Quoted, ...] = ()
    """What agents wrote down for each other."""
    ledger: tuple[Noted, ...] = ()
    requests: tuple[Tried, ...] = ()
    attachments: tuple[str, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    """What the client showed: page, browser, language. Nobody has to ask for it."""
    places: tuple[Place, ...] = ()
    since: tuple[PageSince, ...] = ()
    """Pages quoted to the customer that are not as they were, or where they were, when this is read."""
    lang: str = "en"
    """Language of our words; the customer's stay as they are."""


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
    rule: str = ""
    """The rule of the policy that spoke; empty where none was asked."""
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


# --- the case, and what one turn writes ---------------------------------------------------------

CaseState = Literal["open", "waiting", "solved", "handed_off", "asked", "closed"]
"""`waiting`: something is watched or waits for approval; `solved`: the action was done and read back;
`asked`: an agent is finished, and the customer was asked whether it is solved."""

Status = Literal[
    "bot_working",
    "awaiting_customer",
    "awaiting_approval",
    "watching",
    "with_agents",
    "human_active",
    "resolved",
]


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


FactKind = Literal["claim", "evidence", "finding", "not_applicable", "note", "correction"]
"""`note`: an agent saw it; `correction`: the customer pressed "that's not right", and its claim is so."""


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
    by: str | None = None
    """The agent, where a person wrote it."""
    at: datetime


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


class Conversation(Value):
    """All messages with one party on one channel about what they wrote there."""

    id: str
    channel: str
    principal: Principal
    status: Status = "awaiting_customer"
    person_active: bool = False
    caution: Mode = "auto"
    """The most that the place it is held in allows, whatever the settings of its channel allow."""
    context: tuple[tuple[str, str], ...] = ()
    opened_at: datetime


NewEvent = tuple[EventType, dict[str, object]]

SuggestionState = Literal["open", "sent", "edited", "dismissed", "superseded"]


class Suggestion(Value):
    """A reply that an agent may send, edit or drop; its id is that of the turn that made it."""

    id: str
    conversation: str
    case: str | None
    decision: Decision
    text: str
    citations: tuple[Citation, ...] = ()
    warnings: tuple[str, ...] = ()
    """Why to look twice, as codes: `uncited`, `old_source`, `other_language`, `doubtful`."""
    request: str | None = None
    """The action request that waits for an agent."""
    state: SuggestionState = "open"
    by: str | None = None
    at: datetime


class Note(Value):
    """What an agent wrote down for the other agents."""

    id: str
    conversation: str
    by: str
    text: str
    at: datetime


class Received(Value):
    """What another service told us, stored before it was acknowledged, until it is worked off."""

    key: str
    channel: str
    payload: dict[str, object]
    attempts: int = 0
    at: datetime


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
    follow_up: FollowUp | None = None
    followed: str | None = None
    """Request that is not looked at any more."""
    dossier: Dossier | None = None
    status: Status | None = None
    person_active: bool | None = None
    suggestion: Suggestion | None = None
    note: Note | None = None
    elsewhere: tuple[tuple[str, NewEvent], ...] = ()
    """Events for other logs: the agents' own, or the conversation where a request was made."""
    by: Principal | None = None
    """Whose hand it was, where a person did it by button."""
