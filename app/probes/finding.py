"""Making a `Finding`: its code is known, its values are complete, short and harmless to print."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from app.models.steps import Finding
from app.ports import Clock
from app.probes.codes import TABLE
from knowledge.model import Check

LONGEST = 120
"""Characters of a value; names and records come from strangers."""

MINUTE = timedelta(minutes=1)
TLS_COUNTS = 10 * MINUTE
ACCOUNT_COUNTS = 2 * MINUTE
UNKNOWN_COUNTS = MINUTE


def dns_counts(ttl: int) -> timedelta:
    """How long what a record says may be relied on."""
    return min(max(timedelta(seconds=ttl), MINUTE), 10 * MINUTE)


class Seen(NamedTuple):
    """What a look came to, before it is dated: the pure half of a probe ends in one of these."""

    code: str
    values: Mapping[str, object] = {}
    counts: timedelta = UNKNOWN_COUNTS


def worst(seens: Sequence[Seen]) -> Seen:
    """The one that speaks against it the loudest: not met, then in need of time, then unknown, then met."""

    def rank(seen: Seen) -> int:
        code = TABLE[seen.code]
        return 3 if code.met else 2 if code.met is None else 1 if code.needs_time else 0

    return min(seens, key=rank)


def clean(value: object) -> str:
    """One line without control or invisible characters, at most `LONGEST` long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "".join(char for char in str(value) if unicodedata.category(char)[0] != "C")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def found(seen: Seen, check: Check, subject: str | None, clock: Clock) -> Finding:
    """The finding of a look that ended just now. `KeyError` for an unknown code or a missing value."""
    code = TABLE[seen.code]
    at = clock()
    return Finding(
        check=check.name,
        met=code.met,
        code=seen.code,
        seen=tuple((name, clean(seen.values[name])) for name in code.seen),
        subject=subject,
        at=at,
        until=at + (UNKNOWN_COUNTS if code.met is None else seen.counts),
        needs_time=code.needs_time,
    )
