"""When people are there, and how long they took lately: what a handoff may promise, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil, isfinite
from statistics import median
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.errors import ConfigError
from knowledge.model import Value

if TYPE_CHECKING:
    from app.settings import Team

ENOUGH_WAITS = 5
"""With fewer than these we do not know how long it takes."""
MOST_WAITS = 20
STEPS_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""What a wait is rounded up to; beyond, whole days. Up, so that half of the customers wait no longer."""
LOOK_AHEAD_DAYS = 15
"""A week holds every shift; the second one covers a shift that a change of the clocks swallows."""


class Open(Value):
    closes_at: datetime | None = None
    """In the team's time zone; None where it never closes."""


class Closed(Value):
    opens_at: datetime | None = None
    """In the team's time zone; None where it never opens."""


class Handover(Value):
    """Who takes over, and what may be promised about when."""

    team: str | None = None
    zone: str = "UTC"
    hours: Literal["open", "closed"] | None = None
    """None where no team is named, so that nobody knows."""
    opens_at: datetime | None = None
    """When they are back, where they are not there now."""
    eta_s: int | None = None
    """How long it took lately, in seconds; None where we do not know."""


def team_for(teams: Sequence[Team], reason: str) -> Team | None:
    """The first team that takes a reason; one that names no reasons takes all."""
    return next((team for team in teams if not team.reasons or reason in team.reasons), None)


def handover(teams: Sequence[Team], reason: str, now: datetime, waits: Sequence[float] = ()) -> Handover:
    """What can honestly be said of a handoff now. `waits`: seconds from requested to joined, oldest first."""
    team = team_for(teams, reason)
    if team is None:
        return Handover(eta_s=estimate(waits))
    match opening(team, now):
        case Closed(opens_at=opens_at):
            return Handover(team=team.name, zone=team.zone, hours="closed", opens_at=opens_at)
        case Open(closes_at=closes_at):
            eta = estimate(waits)
            # Nobody joins after closing time: then the usual wait promises nothing.
            late = eta is not None and closes_at is not None and now + timedelta(seconds=eta) > closes_at
            return Handover(team=team.name, zone=team.zone, hours="open", eta_s=None if late else eta)


def opening(team: Team, now: datetime) -> Open | Closed:
    """Whether a team is there, by the clocks of its own zone. Raises `ConfigError` for an unknown one."""
    zone = zone_of(team.zone)
    ends: datetime | None = None
    for start, end in _shifts(team, zone, now):
        if ends is None and start <= now < end:
            ends = end
        elif ends is not None and start <= ends:  # one shift follows the other without a break
            ends = max(ends, end)
        elif ends is None and start > now:
            return Closed(opens_at=start.astimezone(zone))
    if ends is None:
        return Closed()
    local = ends.astimezone(zone)
    endless = local.date() >= now.astimezone(zone).date() + timedelta(days=LOOK_AHEAD_DAYS)
    return Open(closes_at=None if endless else local)


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone {name!r}. Use a name such as America/Sao_Paulo in STEPFOUR_TEAMS."
        ) from error


def _shifts(team: Team, zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Shifts around a moment in UTC, the earliest first; one that ends at or before its start runs overnight.

    UTC, because times of one zone are compared by the face of the clock, and that shows some hours twice.
    """
    today = now.astimezone(zone).date()
    for ahead in range(-2, LOOK_AHEAD_DAYS + 1):
        day = today + timedelta(days=ahead)
        if day.weekday() not in team.days:
            continue
        over_night = team.closes <= team.opens
        start = datetime.combine(day, team.opens, zone).astimezone(UTC)
        end = _latest(day + timedelta(days=over_night), team, zone)
        if start < end:
            yield start, end


def _latest(day: date, team: Team, zone: ZoneInfo) -> datetime:
    """Closing time; where the clocks show it twice, the second time."""
    local = datetime.combine(day, team.closes, zone)
    return max(local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC))


def estimate(waits: Sequence[float]) -> int | None:
    """Seconds it took lately: the median of the last real waits, rounded up; None where we do not know."""
    real = [wait for wait in waits if isfinite(wait) and wait >= 0][-MOST_WAITS:]
    if len(real) < ENOUGH_WAITS:
        return None
    minutes = median(real) / 60
    step = next((step for step in STEPS_MINUTES if minutes <= step), None)
    return (step if step is not None else ceil(minutes / 1440) * 1440) * 60
