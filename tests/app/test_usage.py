"""Tokens and cost, counted from the turns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from app.spending import Call, Role
from app.usage import by_role, usage
from tests.app.world import open_world


async def test_tokens_are_counted_a_message_and_a_resolved_case(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.say(await world.talk(), "Hello there")
        (turn,) = await world.store.every_turn()
        assert await world.store.resolved_cases() == {turn.case}, "it was done at once and read back"
    spent = turn.reading.model_copy(update={"tokens_in": 900, "tokens_out": 100, "reader": "llm:m"})
    turns = [
        turn.model_copy(update={"reading": spent, "case": case})
        for case in ("solved", "solved", "open", None)
    ]
    found = usage(turns, frozenset({"solved"}), price_in=1.0, price_out=10.0)
    assert (found.messages, found.tokens_in, found.tokens_out, found.readers) == (4, 3600, 400, {"llm:m": 4})
    assert (found.tokens_a_message, found.tokens_a_resolved_case) == (1000, 2000)
    assert found.cost is not None
    assert round(found.cost, 6) == 0.0076
    assert found.cost_a_resolved_case is not None
    assert round(found.cost_a_resolved_case, 6) == 0.0038


def test_calls_are_counted_by_role_and_by_how_they_ended() -> None:
    def call(role: Role, ended: str) -> Call:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Call(
            id="l", at=at, party=None, account=None, role=role, model="m", tokens_in=100, tokens_out=10,
            money=0.0, ended=ended,
        )  # fmt: skip

    calls = [call("reader", "answered"), call("reader", "timeout"), call("writer", "answered")]
    assert by_role(calls) == {
        "reader": {"calls": 2, "tokens_in": 200, "tokens_out": 20, "failed": {"timeout": 1}},
        "writer": {"calls": 1, "tokens_in": 100, "tokens_out": 10, "failed": {}},
    }


def test_nothing_costs_nothing_and_no_price_is_no_cost() -> None:
    assert usage([], frozenset(), price_in=1.0, price_out=None).model_dump(exclude_none=True) == {
        "messages": 0, "readers": {}, "tokens_in": 0, "tokens_out": 0, "tokens_a_message": 0.0, "resolved": 0,
    }  # fmt: skip
