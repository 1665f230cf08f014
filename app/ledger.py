"""Claims, evidence and findings per step; the word that people see is a pure function of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.models.reading import Claim, Reading
from app.models.steps import Finding, LedgerFact, StepState, StepWord
from knowledge.model import Check, Procedure, Step

DOUBTFUL = 0.5
"""A claim of `done` that was read with less confidence opens nothing: the step stays unknown and is asked.

Of the `done` claims read in all labelled conversations, right were 16 of 17 below it, 69 of 75
up to 0.7 and 281 of 282 from there on: one question more is cheap, a wrong one opens the door.
"""


def fresh(findings: Iterable[Finding], now: datetime) -> list[Finding]:
    """Those that still count."""
    return [finding for finding in findings if finding.until > now]


def step_states(
    procedure: Procedure,
    *,
    claims: Sequence[Claim],
    findings: Sequence[tuple[str, Finding]],
    must_check: frozenset[Check],
    not_applicable: frozenset[str] = frozenset(),
    now: datetime,
) -> tuple[StepState, ...]:
    """The state of every step, in the procedure's order.

    `findings` are (step id, finding) pairs, `must_check` the action's prerequisites.
    """
    states = []
    for step in procedure.steps:
        mine = [finding for id, finding in findings if id == step.id]
        states.append(
            step_state(
                step,
                claim=newest(claim for claim in claims if claim.step == step.id),
                findings=fresh(mine, now),
                must=step.must_check or step.check in must_check,
                skipped=step.id in not_applicable,
            )
        )
    return tuple(states)


def newest(claims: Iterable[Claim]) -> Claim | None:
    """The claim that speaks for the step over all its subjects: not done outweighs done.

    `claims`, oldest first. One that names no subject is about all of them and takes the older ones back.
    """
    last: dict[str | None, Claim] = {}
    for claim in claims:
        if claim.subject is None:
            last.clear()
        last[claim.subject] = claim
    open_ones = [claim for claim in last.values() if claim.status in ("not_done", "failed")]
    return next(iter(open_ones), None) or next(reversed(last.values()), None)


def step_state(
    step: Step, *, claim: Claim | None, findings: Sequence[Finding], must: bool, skipped: bool = False
) -> StepState:
    """What is known of one step. A step holds only if it holds for every subject: unknown is not yes."""
    ordered = sorted(findings, key=lambda finding: (finding.met is not False, finding.met is not None))
    if step.outcomes:
        return _branching_state(step, claim=claim, findings=ordered, must=must, skipped=skipped)
    word = _word(claim, ordered, skipped)
    settled_by_word = word in ("claimed", "evidenced") and claim is not None and claim.status == "done"
    holds = word in ("verified", "not_applicable") or (settled_by_word and not must)
    return StepState(
        step=step.id,
        word=word,
        holds=holds,
        claim=claim,
        findings=tuple(ordered),
        checkable=step.check is not None,
        must_check=must,
    )


def _branching_state(
    step: Step, *, claim: Claim | None, findings: Sequence[Finding], must: bool, skipped: bool
) -> StepState:
    """A question is settled by any answer: by what a look stands for, else by the customer's word."""
    looked = _looked(step, findings)
    told = None if claim is None or _doubtful(claim) else outcome_of(step, claim.status)
    word: StepWord = "unknown"
    if skipped:
        word = "not_applicable"
    elif looked is not None:
        word = "verified"
    elif told is not None and claim is not None:
        word = "evidenced" if claim.shown else "claimed"
    outcome = None if skipped else looked or (None if must else told)
    return StepState(
        step=step.id,
        word=word,
        holds=outcome is not None,
        claim=claim,
        findings=tuple(findings),
        checkable=step.check is not None,
        must_check=must,
        outcome=outcome,
    )


def _looked(step: Step, findings: Sequence[Finding]) -> str | None:
    """What the looks stand for; one subject that is not met outweighs the others."""
    stands = dict(step.seen)
    if any(finding.met is False for finding in findings):
        return stands.get("not_met")
    return stands.get("met") if findings and all(finding.met for finding in findings) else None


def outcome_of(step: Step, status: str) -> str | None:
    """The outcome that a claim tells. A plain yes or no that the page has no way for is told, too."""
    names = dict(step.outcomes)
    if status in names:
        return status
    plain = {"done": "yes", "not_done": "no", "failed": "no", "yes": "yes", "no": "no"}.get(status)
    return plain if plain and names.keys() & {"yes", "no"} else None


def _doubtful(claim: Claim) -> bool:
    if claim.disputed:
        return True
    opens = claim.status not in ("not_done", "planned", "failed", "unknown")
    return opens and not claim.shown and claim.confidence < DOUBTFUL


def _word(claim: Claim | None, findings: Sequence[Finding], skipped: bool) -> StepWord:
    if skipped:
        return "not_applicable"
    if any(finding.met is False for finding in findings):
        return "contradicted" if claim is not None and claim.status == "done" else "missing"
    if findings and all(finding.met for finding in findings):
        return "verified"
    if claim is None or claim.status == "unknown" or _doubtful(claim):
        return "unknown"
    if claim.status in ("not_done", "planned"):
        return "not_done"
    if claim.status == "failed":
        return "failed"
    return "evidenced" if claim.shown else "claimed"


def new_claims(
    reading: Reading,
    known: Sequence[LedgerFact],
    *,
    case: str,
    procedure: str,
    at: datetime,
    said_at: Mapping[str, datetime] | None = None,
) -> tuple[LedgerFact, ...]:
    """The claims of a reading that the ledger does not hold yet.

    `said_at`: when each message was said. What was said before somebody corrected a step by hand is not
    read into it again.
    """
    last: dict[tuple[str, str], Claim] = {}
    corrected: dict[str, datetime] = {}
    for fact in known:
        if fact.claim is not None and fact.procedure == procedure:
            last[fact.step, fact.subject] = fact.claim
            if fact.kind in ("correction", "note"):
                corrected[fact.step] = fact.at

    def outdated(claim: Claim) -> bool:
        said = (said_at or {}).get(claim.message)
        return said is not None and claim.step in corrected and said <= corrected[claim.step]

    return tuple(
        LedgerFact(
            case=case,
            procedure=procedure,
            step=claim.step,
            subject=claim.subject or "",
            kind="evidence" if claim.shown else "claim",
            claim=claim,
            at=at,
        )
        for claim in reading.claims
        if not outdated(claim) and not _same(last.get((claim.step, claim.subject or "")), claim)
    )


def _same(known: Claim | None, claim: Claim) -> bool:
    return known is not None and (known.status, known.message) == (claim.status, claim.message)


def claims_of(known: Sequence[LedgerFact], procedure: str) -> tuple[Claim, ...]:
    """Claims that the ledger holds about a procedure, oldest first."""
    return tuple(fact.claim for fact in known if fact.claim is not None and fact.procedure == procedure)
