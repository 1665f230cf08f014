"""How often is too often, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels import limits
from app.channels.limits import RATES, Limits, Rate, take
from tests.app.channels.calls import bearer, code, opened, send, visitor
from tests.app.channels.everyone import everyone

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@given(st.lists(st.floats(0, 90), min_size=1, max_size=200), st.integers(1, 60))
def test_no_minute_lets_more_than_twice_the_rate_through(waits: list[float], rate: int) -> None:
    bucket, now, let = None, NOON, []
    for wait in waits:
        now += timedelta(seconds=wait)
        bucket, left = take(bucket, Rate(rate), now)
        if left == 0:
            let.append(now)
    for at in let:
        assert sum(at <= other < at + timedelta(minutes=1) for other in let) <= 2 * rate


def test_whoever_waits_as_long_as_told_gets_the_next() -> None:
    bucket, now = None, NOON
    for _ in range(6):
        bucket, left = take(bucket, Rate(6), now)
        assert left == 0
    bucket, left = take(bucket, Rate(6), now)
    assert left == pytest.approx(10)
    bucket, left = take(bucket, Rate(6), now + timedelta(seconds=left + 0.001))
    assert left == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, _ = take(None, Rate(1), NOON)
    _, left = take(bucket, Rate(1), NOON - timedelta(hours=1))
    assert left > 0


def test_memory_is_bounded_and_the_empty_bucket_outlives_the_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 10)
    kept = Limits({**RATES, "checks": Rate(1)})
    kept.spend("checks", "busy", NOON)
    for n in range(200):
        kept.spend("messages", f"visitor {n}", NOON + timedelta(seconds=n / 10))
    assert len(kept.buckets) <= 10
    kept = Limits({**RATES, "checks": Rate(1)})
    for n in range(9):
        kept.spend("messages", f"visitor {n}", NOON)
    later = NOON + timedelta(seconds=30)
    kept.spend("checks", "busy", later)
    kept.spend("messages", "one more", later)
    assert kept.spend("checks", "busy", later) > 0


# --- over HTTP ---


@pytest.fixture(autouse=True)
def still(service: Any) -> None:
    """A slow machine must not fill a bucket."""
    service.stopped = datetime.now(UTC)


async def test_tokens_for_visitors_are_limited_per_address(web: httpx.AsyncClient, service: Any) -> None:
    answers = [await web.post("/v1/visitors", json={}) for _ in range(21)]
    assert [a.status_code for a in answers] == [201] * 20 + [429]
    assert code(answers[-1]) == (429, "rate_limited")
    wait = int(answers[-1].headers["retry-after"])
    service.shift = timedelta(seconds=wait)
    assert (await web.post("/v1/visitors", json={})).status_code == 201


async def test_messages_are_limited_per_party_and_not_stored(
    web: httpx.AsyncClient, service: Any, sign: Callable[..., str]
) -> None:
    ann, bob = sign("ann"), sign("bob")
    id, other = await opened(web, ann), await opened(web, bob)
    answers = [await send(web, ann, id, f"message {n}", f"n{n}") for n in range(21)]
    assert [a.status_code for a in answers] == [202] * 20 + [429]
    assert len(await service.store.messages(id)) == 20
    assert (await send(web, bob, other, "hello")).status_code == 202
    service.shift = timedelta(seconds=int(answers[-1].headers["retry-after"]))
    assert (await send(web, ann, id, "message 20", "n20")).status_code == 202


async def test_a_new_token_is_no_new_bucket_for_an_address(web: httpx.AsyncClient, service: Any) -> None:
    let = 0
    for n in range(130):
        if n % 20 == 0:
            token = await visitor(web)
            id = await opened(web, token)
        let += (await send(web, token, id, f"message {n}", f"n{n}")).status_code == 202
    assert let == RATES["crowd"].per_minute


async def test_looks_are_limited_per_conversation(
    web: httpx.AsyncClient, service: Any, sign: Callable[..., str]
) -> None:
    ann = sign("ann")
    id, other = await opened(web, ann), await opened(web, ann)

    async def look(at: str, what: str = "check") -> int:
        answer = await web.post(f"/v1/conversations/{at}/{what}", json={}, headers=bearer(ann))
        return answer.status_code

    assert [await look(id) for _ in range(3)] == [202] * 3
    assert [await look(id, "steps/ssl-certificate/dispute") for _ in range(4)] == [202] * 3 + [429]
    assert await look(other) == 202
    stranger = bearer(sign("eve"))
    for _ in range(10):
        await web.post(f"/v1/conversations/{other}/check", json={}, headers=stranger)
    assert await look(other) == 202, "a stranger's knocking costs the owner nothing"
    assert len(service.moves) == 8


# --- agents and machines ---


async def test_what_is_too_often_for_agents_and_machines_is_refused(tmp_path: Path) -> None:
    async with everyone(tmp_path) as made:
        made.site.world.later(minutes=1)
        conversation = made.conversations["ann"]
        checks = f"/v1/agent/conversations/{conversation}/checks"
        looks = [(await made.ask("POST", checks, "agent", json={})).status_code for _ in range(31)]
        assert looks.count(429) == 1
        assert looks[-1] == 429
        reader, writer = "key:conversations:read", "key:conversations:write"
        asked = [(await made.ask("GET", "/v1/agent/cases", reader)).status_code for _ in range(301)]
        assert asked == [200] * 300 + [429]
        assert (await made.ask("GET", "/v1/agent/cases", "agent")).status_code == 200
        assert (await made.ask("POST", checks, writer, json={})).status_code == 202, "each key has its own"
        tries = [
            (await made.ask("POST", "/v1/agent/session", None, json={"code": f"{n:043}"})).status_code
            for n in range(21)
        ]
        assert tries == [401] * 20 + [429], "nobody guesses codes at speed"
        made.site.world.later(minutes=1)
        assert (await made.ask("GET", "/v1/agent/cases", reader)).status_code == 200
