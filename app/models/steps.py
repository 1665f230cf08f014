"""What is known of each step: findings of probes, the lines of the ledger, and the word that people see."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.models.reading import Claim
from knowledge.model import Value


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
