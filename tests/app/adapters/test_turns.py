"""One writer at a time: fair, and those in a hurry first."""

from __future__ import annotations

import asyncio

from app.adapters.sql import Turns


async def test_those_in_a_hurry_go_before_those_who_wait() -> None:
    turns, order = Turns(), list[str]()

    async def write(name: str, urgent: bool) -> None:
        async with turns.taken(urgent):
            order.append(name)
            await asyncio.sleep(0)

    calls = [("first", False), ("slow", False), ("slower", False), ("urgent", True), ("next urgent", True)]
    await asyncio.gather(*(write(*call) for call in calls))
    assert order == ["first", "urgent", "next urgent", "slow", "slower"]


async def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    turns = Turns()
    inside, most = 0, 0

    async def write() -> None:
        nonlocal inside, most
        async with turns.taken(False):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    tasks = [asyncio.create_task(write()) for _ in range(60)]
    await asyncio.sleep(0.003)
    for task in tasks[::3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(1):
        await write()
    assert most == 1
