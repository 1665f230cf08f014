"""Backups by the clock: made when they are due, as many as are kept, and told of where they fail."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import backups, erased
from app.adapters.store import Store
from app.backups import backups as kept
from app.commands.doctor import _backups
from app.copying import AGAIN, FILE, copy, due, keep_copied, last_failure
from app.main import utc_now
from app.settings import Settings

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    await (await Store.open(tmp_path / "data", utc_now)).close()
    return tmp_path / "data"


def settings(data: Path, **fields: Any) -> Settings:
    return Settings(_env_file=None, data_dir=data, **{"backup_every_hours": 6, **fields})


def unwritable(of: Settings) -> Path:
    """The folder of copies cannot be made: a file has its name."""
    place = erased.folder(of)
    place.write_text("")
    return place


def test_none_is_due_where_nobody_asked_for_any(data: Path) -> None:
    assert not due(settings(data, backup_every_hours=None), NOON)


def test_one_is_due_at_once_and_then_when_the_newest_is_old_enough(data: Path) -> None:
    of = settings(data)
    assert due(of, NOON)
    copy(of, NOON)
    assert [each.scheduled for each in kept(of)] == [True]
    assert not due(of, NOON + 6 * HOUR - timedelta(seconds=1))
    assert due(of, NOON + 6 * HOUR)
    assert backups.check(of, kept(of)[0]) == []


def test_one_that_was_made_by_hand_counts(data: Path) -> None:
    of = settings(data)
    backups.create(of, NOON)
    assert not due(of, NOON + 5 * HOUR)


def test_the_newest_are_kept_and_what_was_made_by_hand_goes_by_age_alone(data: Path) -> None:
    of = settings(data, backup_most=2, backup_days=30)
    by_hand = backups.create(of, NOON - HOUR)
    for n in range(4):
        copy(of, NOON + 6 * n * HOUR)
    assert [each.made_at for each in kept(of)] == [NOON + 18 * HOUR, NOON + 12 * HOUR, by_hand.made_at]
    copy(of, NOON + timedelta(days=40))
    assert [each.made_at for each in kept(of)] == [NOON + timedelta(days=40)]


def test_all_are_kept_that_are_not_too_old_where_no_number_is_set(data: Path) -> None:
    of = settings(data)
    for n in range(4):
        copy(of, NOON + 6 * n * HOUR)
    assert len(kept(of)) == 4


async def test_what_failed_is_logged_told_by_the_doctor_and_tried_again_in_an_hour(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    of = settings(data)
    in_the_way = unwritable(of)
    with caplog.at_level(logging.ERROR):
        copy(of, NOON)
    assert "no backup was made" in caplog.text
    row = await _backups(of)
    assert (row.state, row.what) == ("FAIL", "backups")
    assert "2026-09-01 12:00 UTC failed: no backup was made" in row.found
    assert not due(of, NOON + AGAIN - timedelta(seconds=1))
    assert due(of, NOON + AGAIN)
    in_the_way.unlink()
    now = utc_now()
    copy(of, now)
    assert last_failure(of) is None
    assert (await _backups(of)).state == "OK"


async def test_the_doctor_misses_them(data: Path) -> None:
    of = settings(data)
    nobody = await _backups(settings(data, backup_every_hours=None))
    assert (nobody.state, nobody.found) == ("WARN", "there is none, and none is made")
    assert (await _backups(of)).found.startswith("there is none yet")
    backups.create(of, utc_now() - 13 * HOUR)
    late = await _backups(of)
    assert (late.state, late.found) == ("WARN", "the newest is 13 hours old, and it should be 6 at the most")
    backups.create(of, utc_now() - HOUR)
    assert (await _backups(of)).found == "2, the newest 1 hours old"
    assert (await _backups(settings(data.with_name("new")))).found == "begin with the first start"


def test_a_note_that_cannot_be_read_is_none(data: Path) -> None:
    (data / FILE).write_text("{")
    assert last_failure(settings(data)) is None
    assert due(settings(data), NOON)


async def test_the_running_service_makes_one_by_itself(data: Path) -> None:
    of = settings(data)
    working = asyncio.create_task(keep_copied(of, look_s=0.01))
    try:
        async with asyncio.timeout(10):
            while not kept(of):  # noqa: ASYNC110  what is waited for is in a folder
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    (made,) = kept(of)
    assert made.scheduled
    assert backups.check(of, made) == []
