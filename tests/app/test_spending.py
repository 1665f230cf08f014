"""Nobody spends more than their budget: a visitor, an account, the day; not by speed, not after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.adapters.store import Store
from app.endpoint import Endpoint, at_most
from app.errors import ConfigError
from app.models.people import Principal
from app.models.reading import Reading
from app.reader.llm import llm_reader
from app.settings import load
from app.spending import Caps, Prices, Purse, Spent, asking, over
from app.switches import Switch
from app.writer import llm_writer
from tests.app.model_double import FAULTS, Double, Wire, double, reads, says
from tests.app.reader.test_llm import ANSWER, MESSAGES, PROCEDURE, fallback

PRICES = Prices(sent=1.0, written=10.0)
ANA = Principal(kind="customer", id="ana", account="acme")
ROOM = 40_000


class Bill:
    """What the endpoint charges for: a token has four bytes, as the real thing nearly does."""

    def __init__(self, model: Double) -> None:
        self.most = 0
        self.tokens: list[int] = []
        self._model = model
        model.play = self

    def __call__(self, wire: Wire) -> None:
        text = json.dumps(ANSWER) if reads(wire.asked) else "NO ANSWER"
        took = {"prompt_tokens": len(json.dumps(wire.asked)) // 4, "completion_tokens": len(text) // 4}
        self.tokens.append(sum(took.values()))
        self.most = max(self.most, at_most(wire.asked) + int(wire.asked["max_tokens"]))
        says(text, usage=took)(wire)


class Clock:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def model() -> Iterator[Double]:
    with double() as made:
        yield made


@asynccontextmanager
async def spending(
    folder: Path, model: Double, *, tokens: Caps | None = None, money: Caps | None = None
) -> AsyncIterator[tuple[Store, Endpoint, Clock]]:
    clock = Clock()
    store = await Store.open(folder, clock)
    purse = Purse(store, clock, tokens=tokens or Caps(), money=money or Caps(), prices=PRICES)
    try:
        yield store, Endpoint(model.url, "m", purse=purse), clock
    finally:
        await store.close()


def visitor(n: int) -> Principal:
    return Principal(kind="anonymous", id=f"v{n}")


async def read(endpoint: Endpoint, who: Principal | None) -> Reading:
    asking.set(who)
    return await llm_reader(endpoint, fallback=fallback)(MESSAGES, [PROCEDURE])


async def test_a_flood_from_one_visitor_stops_at_their_budget(tmp_path: Path, model: Double) -> None:
    bill = Bill(model)
    async with spending(tmp_path, model, tokens=Caps(visitor=ROOM)) as (store, endpoint, _):
        found = await asyncio.gather(*(read(endpoint, visitor(1)) for _ in range(60)))
        readers = [each.reader for each in found]
        assert set(readers) == {"llm:m", "builtin (no model: budget)"}
        assert sum(bill.tokens) <= ROOM + bill.most
        assert (await store.spent_today()).tokens == sum(bill.tokens), "as the endpoint said"
        while (await read(endpoint, visitor(1))).reader == "llm:m":
            assert sum(bill.tokens) <= ROOM
        assert sum(bill.tokens) > ROOM - bill.most, "what there is can be used"
        assert (await read(endpoint, visitor(2))).reader == "llm:m", "others go on"
        assert (await read(endpoint, ANA)).reader == "llm:m"


async def test_200_visitors_stop_at_the_budget_of_the_day(tmp_path: Path, model: Double) -> None:
    bill = Bill(model)
    async with spending(tmp_path, model, tokens=Caps(visitor=ROOM, day=ROOM)) as (_, endpoint, clock):
        found = await asyncio.gather(*(read(endpoint, visitor(n)) for n in range(200)))
        assert {each.reader for each in found} == {"llm:m", "builtin (no model: budget)"}
        assert sum(bill.tokens) <= ROOM + bill.most
        while (found := [await read(endpoint, ANA)])[0].reader == "llm:m":
            assert sum(bill.tokens) <= ROOM
        assert found[0].reader == "builtin (no model: budget)"
        clock.now += timedelta(days=1)
        assert (await read(endpoint, ANA)).reader == "llm:m", "the next day is a new one"


async def test_an_account_shares_one_budget_in_money(tmp_path: Path, model: Double) -> None:
    bill = Bill(model)
    people = [ANA.model_copy(update={"id": f"u{n}"}) for n in range(40)]
    async with spending(tmp_path, model, money=Caps(account=0.1)) as (store, endpoint, _):
        for who in people:
            await read(endpoint, who)
        spent = (await store.spent_today()).money
        assert 0.05 < spent <= 0.1
        assert len(bill.tokens) < len(people)
        other = Principal(kind="customer", id="eve", account="other")
        assert (await read(endpoint, other)).reader == "llm:m"


async def test_a_growing_conversation_ends_at_the_budget(tmp_path: Path, model: Double) -> None:
    bill = Bill(model)
    async with spending(tmp_path, model, tokens=Caps(account=ROOM)) as (_, endpoint, _):
        asking.set(ANA)
        said = list(MESSAGES)
        reader = llm_reader(endpoint, fallback=fallback)
        for n in range(60):
            grown = MESSAGES[0].model_copy(update={"id": f"c-{n + 10}", "text": f"{n} and more " * 50})
            said.append(grown)
            await reader(said, [PROCEDURE])
        assert sum(bill.tokens) <= ROOM + bill.most
        assert len(bill.tokens) < 60


async def test_a_restart_forgets_nothing(tmp_path: Path, model: Double) -> None:
    Bill(model)
    caps = Caps(visitor=ROOM)
    async with spending(tmp_path, model, tokens=caps) as (_, endpoint, _):
        while (await read(endpoint, visitor(1))).reader == "llm:m":
            pass
    async with spending(tmp_path, model, tokens=caps) as (_, endpoint, _):
        assert (await read(endpoint, visitor(1))).reader == "builtin (no model: budget)"


async def test_what_was_cut_off_in_the_middle_counts_as_it_was_put_down(
    tmp_path: Path, model: Double
) -> None:
    model.play, _ = FAULTS["a hang before the headers"]
    async with spending(tmp_path, model) as (store, endpoint, _):
        task = asyncio.create_task(read(endpoint, ANA))
        await asyncio.to_thread(model.came.wait, 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        (call,) = await store.calls()
        assert call.ended == "open"
        assert call.tokens_out == 1_500
        assert (await store.spent_today()).tokens == call.tokens_in + call.tokens_out > 2_000


@pytest.mark.parametrize(("fault", "free"), [("500", True), ("401", True), ("a truncated stream", False)])
async def test_a_failure_is_kept_by_its_name(fault: str, free: bool, tmp_path: Path, model: Double) -> None:
    model.play, kind = FAULTS[fault]
    async with spending(tmp_path, model) as (store, endpoint, _):
        await read(endpoint, ANA)
        (call,) = await store.calls()
        assert (call.ended, call.account, call.role) == (kind, "acme", "reader")
        assert ((await store.spent_today()) == Spent()) == free


async def test_both_roles_pay(tmp_path: Path, model: Double) -> None:
    Bill(model)
    async with spending(tmp_path, model) as (store, endpoint, _):
        await read(endpoint, ANA)
        await llm_writer(endpoint)("How?", "en", ("One line.",))
        assert [call.role for call in await store.calls()] == ["reader", "writer"]


async def test_models_can_be_switched_off_and_on(tmp_path: Path, model: Double) -> None:
    Bill(model)
    async with spending(tmp_path, model) as (store, endpoint, clock):
        off = Switch(name="models", since=clock.now, by="rita", because="strange answers")
        assert await store.switch_off(off)
        assert not await store.switch_off(off)
        assert (await read(endpoint, ANA)).reader == "builtin (no model: off)"
        assert await llm_writer(endpoint)("How?", "en", ("One line.",)) is None
        assert model.asked == []
    async with spending(tmp_path, model) as (store, endpoint, _):
        assert await store.switches() == [off], "a restart forgets nothing"
        assert await store.switch_on("models")
        assert not await store.switch_on("models")
        assert (await read(endpoint, ANA)).reader == "llm:m"


def test_a_budget_in_money_needs_prices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPFOUR_LLM_MONEY", '{"day": 5}')
    with pytest.raises(ConfigError, match="STEPFOUR_LLM_PRICE_IN"):
        load()
    monkeypatch.setenv("STEPFOUR_LLM_PRICE_IN", "0.1")
    monkeypatch.setenv("STEPFOUR_LLM_PRICE_OUT", "0.4")
    assert load().llm_money == Caps(day=5)


def test_a_budget_without_room_and_one_that_is_used_up() -> None:
    assert over({"day": Spent(tokens=10)}, None, tokens=Caps(day=10), money=Caps()) == "day"
    assert over({"day": Spent(tokens=9)}, None, tokens=Caps(day=10), money=Caps()) is None
    assert over({"day": Spent(money=2.0)}, None, tokens=Caps(), money=Caps(day=2)) == "day"
    assert over({"visitor": Spent(tokens=99)}, None, tokens=Caps(day=10), money=Caps()) is None
