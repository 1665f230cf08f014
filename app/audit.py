"""The audit trail: what is told of each change, how its lines are chained, and what is wrong with a chain.

A line holds ids, times and codes. Names and words stand in it as digests with a salt that can be erased: the
chain holds as before, and a digest says nothing any more. To tell of something new: a word in `What`, and
`tell` (app/adapters/trail.py) where the change is written.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise
from typing import Literal, NamedTuple

from pydantic import Field

from app.models.conversation import Message
from app.models.decision import Ask
from app.models.people import Principal
from app.models.record import Record, Turn
from app.models.request import ActionRequest
from app.models.steps import Finding, LedgerFact
from knowledge.model import Value

What = Literal[
    "began",
    "started",
    "message",
    "amended",
    "turn",
    "fact",
    "request",
    "handed_over",
    "taken_over",
    "given_back",
    "seen",
    "case",
    "suggestion",
    "identified",
    "linked",
    "one_time_made",
    "one_time_used",
    "signed_in",
    "roles",
    "signed_out",
    "key_made",
    "key_revoked",
    "switched",
    "exported",
    "restored",
    "cleaned",
    "erased",
]
"""`began` is the first line; `started`: the service, with its modes; `seen`: an agent opened a conversation,
told once a day; `identified`: a conversation became that of somebody else; `cleaned`: words of an erased
document went out of a row; `erased`: a customer, a document, or a conversation whose time was over."""

OURSELVES = "stepfour"
OPERATOR = "operator"
"""Who runs commands on the data folder."""
THEIRS = ""
"""Whoever the conversation is with."""


class Entry(Value):
    """What is told of one change. Nothing in it but `words` may be anybody's words."""

    what: What
    who: str = OURSELVES
    """A party, or one of us."""
    party: str | None = None
    """Whose matter it is, where no conversation says it."""
    was: str | None = None
    """The party that they were known as before."""
    case: str | None = None
    about: str | None = None
    """Id of the row that was written."""
    code: str = ""
    more: Mapping[str, object] = Field(default_factory=dict)
    """Codes and ids that a person may ask for later."""
    words: str | None = None
    """What the row holds: only its salted digest is kept."""


class Line(NamedTuple):
    """One line of the chain, as it is stored."""

    seq: int
    at: str
    what: str
    who: str
    party: str | None
    conversation: str | None
    case_: str | None
    about: str | None
    code: str
    data: str
    digest: str | None
    before: str
    """Hash of the line before."""
    hash: str


class Anchor(Value):
    """The head of the chain at a moment, kept outside of the database."""

    seq: int
    hash: str
    at: datetime


# --- sealing ------------------------------------------------------------------------------------


def canonical(value: object) -> str:
    """One text for one value. What no JSON holds is put in by a forger, and only has to differ."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=repr)


def hash_of(line: Line) -> str:
    fields = line._asdict()
    del fields["hash"]
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def sealed(line: Line) -> Line:
    return line._replace(hash=hash_of(line))


def first_line(at: datetime, *, existing: bool, last_message: int) -> Line:
    """`existing`: the folder was in use before it had a trail; of messages up to that number none tells."""
    data = canonical({"last_message": last_message})
    code = "existing" if existing else "new"
    line = Line(1, at.isoformat(), "began", OURSELVES, None, None, None, None, code, data, None, "", "")
    return sealed(line)


def alias(party: str, salt: str) -> str:
    """What a party is called in the chain. Whoever has the salt can prove it; nobody else can guess it."""
    digest = hmac.digest(bytes.fromhex(salt), party.encode(), "sha256")
    return f"p_{base64.urlsafe_b64encode(digest[:18]).decode()}"


def digest(words: str, about: str | None, salt: str) -> str:
    return hmac.digest(bytes.fromhex(salt), f"{about}\n{words}".encode(), "sha256").hex()


# --- what is told -------------------------------------------------------------------------------


def of_message(message: Message, value: str, by: Principal | None = None, *, what: What = "message") -> Entry:
    """`value`: the message as it is stored. `by`: the agent who said it."""
    match message.role:
        case "bot":
            who = OURSELVES
        case "customer":
            who = THEIRS
        case "agent":
            who = by.party if by is not None else f"agent::{message.name or ''}"
    return Entry(what=what, who=who, about=message.id, code=message.role, words=value)


def of_turn(record: Record, turn: Turn, value: str) -> Entry:
    """The decision, the rule that it comes from, and what was known of every step."""
    hidden = {"because", "kind", "citations"}
    if isinstance(turn.decision, Ask) and turn.decision.about == "words":
        hidden.add("step")  # words of the customer's own
    decision = turn.decision.model_dump(mode="json", exclude=hidden)
    more: dict[str, object] = {
        "trigger": turn.trigger,
        "rule": turn.rule,
        "mode": turn.mode,
        "decision": {name: value for name, value in decision.items() if value not in (None, False)},
    }
    if turn.facts.steps:
        more["steps"] = {
            step.step: [step.word, *(looked(finding) for finding in step.findings)]
            for step in turn.facts.steps
        }
    if record.covers and record.covers != (turn.trigger,):
        more["covers"] = list(record.covers)
    if record.case is not None:
        more |= {"procedure": record.case.procedure, "state": record.case.state}
    return Entry(what="turn", case=turn.case, about=turn.id, code=turn.decision.kind, more=more, words=value)


def of_fact(fact: LedgerFact, by: Principal | None) -> Entry:
    """What a person says of a step by button. What a turn sees is in its line."""
    more: dict[str, object] = {"procedure": fact.procedure, "step": fact.step}
    if fact.claim is not None:
        more["status"] = fact.claim.status
    if fact.finding is not None:
        more["seen"] = looked(fact.finding)
    return Entry(what="fact", who=_party(by), case=fact.case, code=fact.kind, more=more)


def of_request(
    request: ActionRequest, value: str, by: Principal | None, looks: Sequence[Finding] = ()
) -> Entry:
    """A state that a request came into, and what was seen for it."""
    more: dict[str, object] = {"action": request.action, "approval": request.approval}
    if request.undoes is not None:
        more["undoes"] = request.undoes
    if seen := [looked(finding) for finding in looks or request.evidence]:
        more["seen"] = seen
    words = lasting(value)
    return Entry(
        what="request",
        who=_party(by),
        case=request.case,
        about=request.id,
        code=request.state,
        more=more,
        words=words,
    )


def lasting(request: str) -> str:
    """A stored request without what changes while its state does not."""
    return canonical({k: v for k, v in json.loads(request).items() if k not in ("told", "case")})


def of_people(record: Record) -> list[Entry]:
    """What people did by button, and what became of a case without a turn."""
    if record.turn is not None:
        return []
    who = _party(record.by)
    case = record.case.id if record.case is not None else None
    entries = [of_fact(fact, record.by) for fact in record.facts]
    if record.person_active is not None:
        entries.append(Entry(what="taken_over" if record.person_active else "given_back", who=who, case=case))
    if record.dossier is not None:
        entries.append(Entry(what="handed_over", who=who, case=case))
    if record.suggestion is not None:
        made = record.suggestion
        entries.append(Entry(what="suggestion", who=who, case=made.case, about=made.id, code=made.state))
    elif record.case is not None:
        more: dict[str, object] = {"procedure": record.case.procedure, "resolution": record.case.resolution}
        entries.append(Entry(what="case", who=who, case=case, code=record.case.state, more=more))
    return entries


def looked(finding: Finding) -> list[object]:
    """A look in codes; whether it was met is None where it could not be seen."""
    return [finding.check, finding.code, finding.met]


def _party(by: Principal | None) -> str:
    return OURSELVES if by is None else by.party


# --- looking at a chain -------------------------------------------------------------------------

Wrong = Literal[
    "changed", "missing", "reordered", "inserted", "rewritten", "cut", "older", "names", "words", "untold"
]


class Fault(Value):
    """What is wrong first, and at which number."""

    seq: int
    wrong: Wrong
    detail: str


class Head(NamedTuple):
    """How far a chain holds."""

    seq: int
    hash: str
    at: str


START = Line(0, "", "", "", None, None, None, None, "", "", None, "", "")


def fault_of(
    lines: Iterable[Line],
    anchors: Sequence[Anchor],
    *,
    highest: int,
    following: Callable[[str], Sequence[Line]],
    passed: Callable[[Line], None] = lambda _: None,
) -> tuple[Head, Fault | None]:
    """The first fault of a chain in the order of its numbers; a cut end is not among them: `too_short`.

    `highest`: the last number. `following`: the lines that say that they follow this hash.
    """
    kept: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        kept.setdefault(anchor.seq, []).append(anchor)
    last, right = START, 0
    for line, after in pairwise(chain(lines, [None])):
        assert line is not None, "only the end is None"
        fault = _fault(last, line, after, highest=highest, following=following)
        if fault is None:
            fault = _not_anchored(line, kept.get(line.seq, ()), right)
        if fault is not None:
            return Head(last.seq, last.hash, last.at), fault
        if line.seq in kept:
            right = line.seq
        passed(line)
        last = line
    return Head(last.seq, last.hash, last.at), None


def _fault(
    last: Line, line: Line, after: Line | None, *, highest: int, following: Callable[[str], Sequence[Line]]
) -> Fault | None:
    seq = last.seq + 1
    sound = hash_of(line) == line.hash
    if line.seq < seq:
        return Fault(seq=line.seq, wrong="inserted", detail="no line has a number below 1")
    if sound and line.seq == seq and line.before == last.hash:
        if (seq == 1) != (line.what == "began"):
            return Fault(seq=seq, wrong="missing", detail="the trail does not begin with its first line")
        return None
    moved = next((each for each in following(last.hash) if each.seq != seq), None)
    if line.seq > seq:
        if moved is not None:
            return Fault(seq=seq, wrong="reordered", detail=f"this line stands at number {moved.seq}")
        return Fault(seq=seq, wrong="missing", detail=_gone(seq, line.seq - 1))
    number = seq if sound else _number(line, highest)
    if moved is not None:
        if number not in (None, seq):
            return Fault(
                seq=seq,
                wrong="reordered",
                detail=f"number {number} stands here, and this line stands at number {moved.seq}",
            )
        return _put_in(seq, moved.seq - seq)
    if number is not None and number > seq:
        return Fault(
            seq=seq, wrong="missing", detail=f"{_gone(seq, number - 1)}, and those after it were renumbered"
        )
    if number is not None and number < seq:
        stands = next((each for each in following(line.before) if each.seq == number), None)
        if stands is not None and stands.hash != line.hash:  # not a copy of what stands there
            return _put_in(number, seq - number)
    if sound and last.seq > 0:
        return Fault(seq=last.seq, wrong="changed", detail="it was changed and sealed anew")
    return Fault(seq=seq, wrong="changed", detail="its content is not what it was sealed with")


def _put_in(seq: int, many: int) -> Fault:
    told = "it was" if many == 1 else f"this and {many - 1} more were"
    return Fault(seq=seq, wrong="inserted", detail=f"{told} put between two that follow each other")


def _gone(first: int, last: int) -> str:
    return "it is gone" if first == last else f"{first} to {last} are gone"


def _number(line: Line, highest: int) -> int | None:
    """Under which number a line is sound."""
    for number in range(1, highest + 2):
        if hash_of(line._replace(seq=number)) == line.hash:
            return number
    return None


def _not_anchored(line: Line, anchors: Sequence[Anchor], right: int) -> Fault | None:
    for anchor in anchors:
        if anchor.hash != line.hash:
            return Fault(
                seq=right + 1,
                wrong="rewritten",
                detail=f"number {line.seq} is not the line that was anchored on {_day(anchor.at)}; an old "
                "backup was gone on with, or the trail was written anew, from some number after "
                f"{right} on",
            )
    return None


def too_short(head: Head, anchors: Sequence[Anchor], newer: str | None) -> Fault | None:
    """A chain that ends before an anchor. `newer`: something stored that its lines do not know: in an old
    backup everything is of the same age."""
    newest = max((anchor for anchor in anchors if anchor.seq > head.seq), key=lambda a: a.seq, default=None)
    if newest is None:
        return None
    lost = newest.seq - head.seq
    what = f"{lost} line{'' if lost == 1 else 's'} of before {_day(newest.at)} are gone"
    if newer is not None:
        detail = f"the tail was cut: {what}, and what they told of is still there: {newer}"
        return Fault(seq=head.seq + 1, wrong="cut", detail=detail)
    return Fault(
        seq=head.seq + 1,
        wrong="older",
        detail=f"the data folder is older than its anchor, as an old backup is: {what}",
    )


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
