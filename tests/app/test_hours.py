"""What a handoff promises is so: by the team's own clocks, and by how long it really took."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ConfigError
from app.hours import (
    ENOUGH_WAITS,
    MOST_WAITS,
    STEPS_MINUTES,
    Closed,
    Handover,
    Open,
    estimate,
    handover,
    opening,
    team_for,
)
from app.settings import Team

OFFICE = Team(name="Support", zone="America/Sao_Paulo", opens=time(9), closes=time(18))
NIGHT = Team(name="Night", zone="Europe/Berlin", days=(4,), opens=time(22), closes=time(6))
ALWAYS = Team(name="Round the clock", days=tuple(range(7)), opens=time(0), closes=time(0))
ZONES = (
    "UTC",
    "America/Sao_Paulo",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
)


def at(zone: str, *parts: int) -> datetime:
    year, month, day, hour, minute = (*parts, 0, 0)[:5]
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


SP, BERLIN = OFFICE.zone, NIGHT.zone


@pytest.mark.parametrize(
    ("team", "now", "there"),
    [
        (OFFICE, at(SP, 2026, 11, 24, 9), Open(closes_at=at(SP, 2026, 11, 24, 18))),
        (
            OFFICE,
            datetime(2026, 11, 24, 20, 59, tzinfo=UTC),
            Open(closes_at=at(SP, 2026, 11, 24, 18)),
        ),
        (
            OFFICE,
            datetime(2026, 11, 24, 21, 0, tzinfo=UTC),
            Closed(opens_at=at(SP, 2026, 11, 25, 9)),
        ),
        (
            OFFICE,
            at(SP, 2026, 11, 24, 8, 59),
            Closed(opens_at=at(SP, 2026, 11, 24, 9)),
        ),
        # Friday night to Monday morning
        (
            OFFICE,
            at(SP, 2026, 11, 27, 19),
            Closed(opens_at=at(SP, 2026, 11, 30, 9)),
        ),
        # the Friday shift holds on Saturday morning, and not before Friday's evening
        (NIGHT, at(BERLIN, 2026, 11, 28, 5, 59), Open(closes_at=at(BERLIN, 2026, 11, 28, 6))),
        (NIGHT, at(BERLIN, 2026, 11, 27, 5), Closed(opens_at=at(BERLIN, 2026, 11, 27, 22))),
        (NIGHT, at(BERLIN, 2026, 11, 28, 6), Closed(opens_at=at(BERLIN, 2026, 12, 4, 22))),
        (ALWAYS, at("UTC", 2026, 11, 28, 3), Open(closes_at=None)),
        (OFFICE.model_copy(update={"days": ()}), at("UTC", 2026, 11, 28, 3), Closed(opens_at=None)),
    ],
)
def test_is_there_by_the_clocks_of_its_own_zone(team: Team, now: datetime, there: Open | Closed) -> None:
    assert opening(team, now) == there


def test_the_clocks_go_forward_in_the_night_shift() -> None:
    night = NIGHT.model_copy(update={"days": (5,)})
    assert opening(night, datetime(2026, 3, 29, 3, 59, tzinfo=UTC)) == Open(
        closes_at=at("Europe/Berlin", 2026, 3, 29, 6)
    )
    assert isinstance(opening(night, datetime(2026, 3, 29, 4, 0, tzinfo=UTC)), Closed)


def test_the_clocks_go_back_in_the_night_shift() -> None:
    night = NIGHT.model_copy(update={"days": (5,)})
    assert isinstance(opening(night, datetime(2026, 10, 25, 4, 59, tzinfo=UTC)), Open)
    assert isinstance(opening(night, datetime(2026, 10, 25, 5, 0, tzinfo=UTC)), Closed)


def test_an_hour_that_the_clocks_show_twice_is_open_both_times() -> None:
    early = Team(name="Early", zone="Europe/Berlin", days=(6,), opens=time(2), closes=time(2, 30))
    for utc in (datetime(2026, 10, 25, 0, 10, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)):
        assert isinstance(opening(early, utc), Open)
    assert isinstance(opening(early, datetime(2026, 10, 25, 1, 40, tzinfo=UTC)), Closed)


def test_a_shift_in_an_hour_that_does_not_exist_opens_right_after_it() -> None:
    early = Team(name="Early", zone="Europe/Berlin", days=(6,), opens=time(2, 15), closes=time(5))
    there = opening(early, datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    assert there == Closed(opens_at=datetime(2026, 3, 29, 1, 15, tzinfo=UTC))


def test_an_unknown_zone_is_named_with_the_fix() -> None:
    with pytest.raises(ConfigError, match=r"no time zone 'Mars/Olympus'\. Use a name such as"):
        opening(OFFICE.model_copy(update={"zone": "Mars/Olympus"}), datetime.now(UTC))


teams = st.builds(
    Team,
    name=st.just("T"),
    zone=st.sampled_from(ZONES),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    opens=st.times().map(lambda t: t.replace(second=0, microsecond=0, tzinfo=None)),
    closes=st.times().map(lambda t: t.replace(second=0, microsecond=0, tzinfo=None)),
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@given(teams, moments)
def test_opens_when_it_says_and_not_a_minute_before(team: Team, now: datetime) -> None:
    there = opening(team, now)
    if isinstance(there, Open):
        if there.closes_at is not None:
            assert there.closes_at > now
            assert isinstance(opening(team, there.closes_at), Closed)
            assert isinstance(opening(team, there.closes_at.astimezone(UTC) - timedelta(seconds=1)), Open)
        return
    assert there.opens_at is not None
    assert timedelta(0) < there.opens_at - now <= timedelta(days=8)
    assert isinstance(opening(team, there.opens_at), Open)
    just_before = there.opens_at.astimezone(UTC) - timedelta(seconds=1)
    assert isinstance(opening(team, max(now, just_before)), Closed)


@given(teams, moments)
def test_is_open_only_on_its_days(team: Team, now: datetime) -> None:
    local = now.astimezone(ZoneInfo(team.zone))
    if isinstance(opening(team, now), Open):
        assert {local.weekday(), (local - timedelta(days=1)).weekday()} & set(team.days)
    if team.opens < team.closes and local.weekday() not in team.days:
        assert isinstance(opening(team, now), Closed)


# --- teams --------------------------------------------------------------------------------------


def test_the_first_team_that_takes_the_reason_gets_it() -> None:
    security = Team(name="Security", reasons=("danger",))
    support = Team(name="Support")
    assert team_for((security, support), "danger") == security
    assert team_for((security, support), "asked") == support
    assert team_for((security,), "asked") is None
    assert team_for((), "asked") is None


# --- the estimate -------------------------------------------------------------------------------


def test_does_not_know_before_there_are_enough_waits() -> None:
    assert estimate([60.0] * (ENOUGH_WAITS - 1)) is None
    assert estimate([60.0] * ENOUGH_WAITS) == 60


def test_one_forgotten_customer_does_not_spoil_the_estimate() -> None:
    assert estimate([600, 660, 720, 780, 90_000]) == 15 * 60


def test_old_waits_do_not_count() -> None:
    assert estimate([86_400.0] * 50 + [120.0] * MOST_WAITS) == 120


@given(st.lists(st.floats(0, 10**6), max_size=60))
def test_never_promises_less_than_half_of_them_waited(waits: list[float]) -> None:
    promised = estimate(waits)
    if promised is None:
        assert len(waits) < ENOUGH_WAITS
        return
    last = waits[-MOST_WAITS:]
    assert promised >= statistics.median(last)
    assert sum(wait <= promised for wait in last) * 2 >= len(last)
    assert promised // 60 in STEPS_MINUTES or promised % 86_400 == 0


@given(st.lists(st.sampled_from([-1.0, float("nan"), float("inf")]), max_size=30))
def test_what_is_no_wait_does_not_count(waits: list[float]) -> None:
    assert estimate(waits) is None


# --- what a handoff says ------------------------------------------------------------------------

NOON = at("America/Sao_Paulo", 2026, 11, 24, 12)
WAITS = [700.0] * 6


def test_says_the_usual_wait_only_while_they_are_there() -> None:
    assert handover((OFFICE,), "asked", NOON, WAITS) == Handover(
        team="Support", zone=OFFICE.zone, hours="open", eta_s=900
    )
    night = NOON + timedelta(hours=10)
    assert handover((OFFICE,), "asked", night, WAITS) == Handover(
        team="Support", zone=OFFICE.zone, hours="closed", opens_at=at(OFFICE.zone, 2026, 11, 25, 9)
    )


def test_promises_no_wait_that_ends_after_closing_time() -> None:
    late = at("America/Sao_Paulo", 2026, 11, 24, 17, 50)
    assert handover((OFFICE,), "asked", late, WAITS).eta_s is None


def test_without_teams_it_knows_no_hours() -> None:
    assert handover((), "asked", NOON) == Handover()
    assert handover((), "asked", NOON, WAITS) == Handover(eta_s=900)


def test_zones_come_with_the_package_where_the_system_has_none() -> None:
    """Bare containers have no /usr/share/zoneinfo."""
    code = "from app.hours import zone_of; print(zone_of('America/Sao_Paulo'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "America/Sao_Paulo", done.stderr
