"""Findings carry a known code with all its values; `look_all` is concurrent, bounded and never lies."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import app.probes as package
from app.models.steps import Finding
from app.probes import CHECKS, Job, _table, look_all
from app.probes.codes import CODES, TABLE
from app.probes.finding import LONGEST, Seen, clean, dns_counts, found, worst
from knowledge.model import Check

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CHECK = Check(name="slow")


def clock() -> datetime:
    return NOON


def test_every_check_has_a_probe_and_every_probe_is_a_check() -> None:
    assert set(_table()) == CHECKS


def test_every_code_that_probes_name_is_in_the_table_and_the_other_way_round() -> None:
    folder = Path(package.__file__).parent
    sources = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "codes.py")
    named = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', sources))
    made = {"branded_link_direct", "branded_link_flattened", "connection_refused", "connection_timed_out"}
    assert set(CODES) - named - made == set()
    assert set(re.findall(r'(?:Seen|Blocked)\(\s*"(\w+)"', sources)) <= set(CODES)


def test_what_could_not_be_looked_at_never_passes_for_a_yes() -> None:
    for name in ("timed_out", "look_failed", "check_unknown", "dns_unreachable", "account_unavailable"):
        assert TABLE[name].met is None
    assert not [name for name, code in TABLE.items() if code.needs_time and code.met is not False]


def test_a_finding_without_its_values_is_refused() -> None:
    with pytest.raises(KeyError):
        found(Seen("certificate_expired", {"host": "a.com"}), CHECK, None, clock)
    with pytest.raises(KeyError):
        found(Seen("no_such_code"), CHECK, None, clock)


def test_values_are_one_short_clean_line() -> None:
    assert clean("a\r\nb\x00\x1b[31m\u202e\u200b") == "ab[31m"
    assert len(clean("x" * 500)) == LONGEST
    assert (clean(True), clean(None), clean(7)) == ("true", "None", "7")


def test_records_count_by_their_ttl_within_bounds() -> None:
    assert [dns_counts(ttl) for ttl in (0, 300, 86_400)] == [timedelta(seconds=n) for n in (60, 300, 600)]
    finding = found(Seen("timed_out", {"check": "x"}, timedelta(hours=1)), CHECK, None, clock)
    assert finding.until == NOON + timedelta(minutes=1)


def test_the_worst_of_several_counts() -> None:
    good, late, dark, bad = (
        Seen(code) for code in ("tracking_on", "certificate_pending", "account_unavailable", "tracking_off")
    )
    assert worst([good, dark, late, bad]) == bad
    assert worst([good, dark, late]) == late
    assert worst([good, dark]) == dark


class Slow:
    """A look that takes its time and counts how many are under way."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.most, self.taken = seconds, 0, 0, 0

    async def __call__(
        self, check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
    ) -> Finding:
        self.now, self.taken = self.now + 1, self.taken + 1
        self.most = max(self.most, self.now)
        try:
            if subject == "broken":
                raise ZeroDivisionError("a bug")
            await asyncio.sleep(3600 if subject == "stuck" else self.seconds)
        finally:
            self.now -= 1
        return found(Seen("tracking_on"), check, subject, clock)


async def test_looks_run_at_once_eight_at_most() -> None:
    slow = Slow(0.05)
    jobs = [Job(check=CHECK, account="a", subject=str(n)) for n in range(20)]
    started = time.monotonic()
    findings = await look_all(jobs, {"slow": slow}, deadline_s=5, clock=clock)
    assert [f.subject for f in findings] == [job.subject for job in jobs]
    assert slow.most == 8
    assert time.monotonic() - started < 0.5


async def test_what_did_not_finish_is_unknown_and_is_ended() -> None:
    slow = Slow(0.01)
    jobs = [Job(check=CHECK, account="a", subject=subject) for subject in ("stuck", "fine", "broken")]
    jobs.append(Job(check=Check(name="nobody_has"), account="a"))
    started = time.monotonic()
    findings = await look_all(jobs, {"slow": slow}, deadline_s=0.2, clock=clock)
    assert [(f.code, f.met) for f in findings] == [
        ("timed_out", None),
        ("tracking_on", True),
        ("look_failed", None),
        ("check_unknown", None),
    ]
    assert slow.now == 0
    assert time.monotonic() - started < 1


async def test_an_account_wide_look_is_taken_once_for_all_subjects() -> None:
    slow = Slow(0)
    check = Check(name="certificate_presented")
    jobs = [Job(check=check, account="a", subject=subject) for subject in ("x.com", "y.com")]
    findings = await look_all(jobs, {"certificate_presented": slow}, deadline_s=1, clock=clock)
    assert [f.subject for f in findings] == ["x.com", "y.com"]
    assert slow.taken == 1


async def test_no_jobs_no_findings() -> None:
    assert await look_all([], {}, deadline_s=1, clock=clock) == []
