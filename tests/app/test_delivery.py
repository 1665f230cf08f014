"""Other services are told everything, in order, however often they or we break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app import delivery
from app.delivery import TryLater, follow, kept_running
from app.models.event import AGENTS, Event
from tests.app.world import ANN, World, open_world


class Heard:
    """An outlet that keeps what it is told, and breaks when it is told to."""

    name = "heard"

    def __init__(self, channel: str | None = "slack", *, agents: bool = False) -> None:
        self.channel, self.agents = channel, agents
        self.told: list[tuple[str, int]] = []
        self.breaks: list[Exception] = []

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        if self.breaks:
            raise self.breaks.pop()
        self.told += [(log, event.seq) for event in events]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data") as made:
        yield made


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES_S", (0.01,))


@asynccontextmanager
async def following(world: World, *outlets: Heard) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(world.store, outlets))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def slack(world: World, thread: str = "1.1") -> str:
    return await world.store.open_conversation(ANN, "slack", context={}, id=f"slack-T1-C1-{thread}")


async def test_what_was_said_before_and_after_the_start_is_told_in_order(world: World) -> None:
    there = await slack(world)
    await world.accept(there, "one")
    outlet = Heard()
    async with following(world, outlet):
        await until(lambda: len(outlet.told) == 1)
        await world.accept(there, "two")
        await world.accept(there, "three")
        await until(lambda: len(outlet.told) == 3)
    assert outlet.told == [(there, 1), (there, 2), (there, 3)]


async def test_a_restart_goes_on_where_it_stopped(world: World) -> None:
    there = await slack(world)
    await world.accept(there, "one")
    first = Heard()
    async with following(world, first):
        await until(lambda: len(first.told) == 1)
        await until_marked(world, there, 1)
    await world.accept(there, "two")
    second = Heard()
    async with following(world, second):
        await until(lambda: len(second.told) == 1)
    assert second.told == [(there, 2)]


async def until_marked(world: World, log: str, seq: int) -> None:
    async with asyncio.timeout(5):
        while await world.store.delivered_up_to("heard", log) < seq:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("breaks", [[TryLater(0.01)], [ConnectionError("gone"), TryLater(0.01)]])
async def test_what_is_refused_is_told_again_and_the_order_is_kept(
    world: World, breaks: list[Exception]
) -> None:
    there = await slack(world)
    outlet = Heard()
    outlet.breaks = list(breaks)
    async with following(world, outlet):
        await world.accept(there, "one")
        await world.accept(there, "two")
        await until(lambda: len(outlet.told) == 2)
    assert outlet.told == [(there, 1), (there, 2)]


async def test_one_log_that_waits_does_not_hold_up_another(world: World) -> None:
    stuck, free = await slack(world, "1.1"), await slack(world, "2.2")

    class Stuck(Heard):
        async def deliver(self, log: str, events: Sequence[Event]) -> None:
            if log == stuck:
                raise TryLater(60)
            await super().deliver(log, events)

    outlet = Stuck()
    async with following(world, outlet):
        await world.accept(stuck, "one")
        await world.accept(free, "two")
        await until(lambda: outlet.told == [(free, 1)])


async def test_only_what_an_outlet_follows_is_told(world: World) -> None:
    web, there = await world.talk(), await slack(world)
    of_agents, of_slack = Heard(None, agents=True), Heard()
    of_agents.name = "agents"
    async with following(world, of_agents, of_slack):
        await world.accept(web, "one")
        await world.accept(there, "two")
        await until(lambda: len(of_agents.told) == 2 and len(of_slack.told) == 1)
    assert of_agents.told == [(AGENTS, 1), (AGENTS, 2)]
    assert of_slack.told == [(there, 1)]


async def test_work_that_breaks_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "AGAIN_AFTER_S", 0.01)
    runs: list[int] = []

    async def run() -> None:
        runs.append(1)
        raise RuntimeError("broken")

    task = asyncio.create_task(kept_running("work", run))
    await until(lambda: len(runs) >= 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
