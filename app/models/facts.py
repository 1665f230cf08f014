"""Everything that a decision may look at, and what the case was sent before."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.people import Standing
from app.models.reading import Reading
from app.models.steps import StepState
from knowledge.model import Citation, Procedure, Value


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
