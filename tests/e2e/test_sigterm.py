"""SIGTERM to the real process: gone in time, streams closed cleanly, an action goes on at the next start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from evals.crash.people import Stage, Story, at_the_latest
from evals.crash.sweep import set_up
from evals.crash.verdict import verdicts
from evals.world.world import World

GONE_WITHIN_S = 10
STREAMS = 20


async def whole_stream(stage: Stage, story: Story, opened: asyncio.Semaphore) -> str:
    """All of it up to its end; raises where it breaks off in the middle of a chunk."""
    headers = {"Authorization": f"Bearer {stage.token(story.spec.owner)}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        path = f"{stage.url}/v1/conversations/{story.conversation}/events"
        async with client.stream("GET", path) as stream:
            text = ""
            async for piece in stream.aiter_text():
                if not text:
                    opened.release()
                text += piece
            return text


@pytest.mark.parametrize("held_up_s", [2, 60], ids=["it ends in time", "it does not end"])
async def test_gone_in_time_with_streams_open_and_an_action_under_way(
    held_up_s: int, tmp_path: Path, filled: Callable[[Path], Path], world: World
) -> None:
    filled(tmp_path / "data")
    async with set_up(tmp_path, world, method="forkserver") as scene:
        stage = scene.stage
        story = Story(stage, "by itself", stage.customer("by itself"))
        path = f"/v1/accounts/{story.spec.account}/settings"
        world.fault("apply_then_hang", path, method="PATCH", seconds=held_up_s)
        playing = asyncio.create_task(story.play())
        async with asyncio.timeout(120):
            while not world.hung(story.spec.account):  # noqa: ASYNC110  it hangs in another process
                await asyncio.sleep(0.05)
            opened = asyncio.Semaphore(0)
            streams = [asyncio.create_task(whole_stream(stage, story, opened)) for _ in range(STREAMS)]
            for _ in streams:
                await opened.acquire()

        seconds = await asyncio.to_thread(scene.child.terminate)
        assert not scene.child.alive
        assert seconds < GONE_WITHIN_S
        assert scene.child.exitcode == 0, scene.child.last_words()
        for text in await asyncio.gather(*streams):
            assert text.startswith("retry: ")
            assert text.endswith("\n\n"), "its last event is complete"
            assert text.rstrip().splitlines()[-1].startswith("retry: "), "and then it says when to come back"

        await scene.up()
        await at_the_latest([playing])
        (verdict,) = await verdicts(scene.folder, [story])
        assert verdict.wrong == ()
        assert verdict.effects == 1
