"""The sweep: killed at every boundary, then at any moment, while customers write and people press cards."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app import anchor
from app.connectors.read import SHIPPED
from app.demo import demo_settings
from app.settings import Settings
from app.trail import verify
from evals.crash.child import Child, Method
from evals.crash.people import KINDS, Kind, Stage, Story, at_the_latest
from evals.crash.points import ANSWER_LOST
from evals.crash.verdict import Verdict, verdicts
from evals.world.world import World
from knowledge.model import Value

Told = Callable[[str, int, int], None]
"""(phase, how many are over, how many there are)."""

DIES_WITHIN_S = 60.0
TOGETHER = 4
"""Stories under way at once, while it is killed at any moment."""
LIVES_S = 2.0
"""At the most so long after it is ready it is killed; one time in five before it is ready."""
EARLY = 0.2


@dataclass(frozen=True)
class Scene:
    """A service on one data folder beside a platform that survives it."""

    child: Child
    stage: Stage
    anchor: Path
    ready: list[float] = field(default_factory=list)
    """Seconds from each start after a kill until it took messages."""

    @property
    def folder(self) -> Path:
        return self.child.settings.data_dir

    async def up(self, dies_at: str | None = None) -> float | None:
        """Starts it; the seconds until it is ready, None where it died on the way."""
        self.child.start(dies_at)
        return await self.child.ready()

    async def back(self, dies_at: str | None = None) -> None:
        """The start after a kill, which counts."""
        seconds = await self.up(dies_at)
        if seconds is not None:
            self.ready.append(seconds)

    async def trail_fault(self) -> str | None:
        """What is wrong with the audit trail, if anything is; the service may run beside it."""
        found = await asyncio.to_thread(verify, self.folder, self.anchor)
        return None if found.fault is None else f"line {found.fault.seq}: {found.fault.wrong}"


@asynccontextmanager
async def set_up(
    folder: Path, world: World, *, method: Method = "spawn", approval_s: int = 20
) -> AsyncIterator[Scene]:
    """`folder/data` may hold an encoder and vectors. The first start takes pages in and is not counted."""
    settings = settings_for(folder, world, approval_s)
    child = Child(settings, world.addresses, folder / "service.log", method)
    stage = Stage(world, settings, child.url)
    scene = Scene(child, stage, anchor.place(settings))
    try:
        if await scene.up() is None:
            raise RuntimeError(f"the service did not start: {child.last_words()}")
        yield scene
    finally:
        child.kill()


def settings_for(folder: Path, world: World, approval_s: int) -> Settings:
    """The demo's, with cards of every kind: one action needs none, one the customer's yes, one an agent's."""
    connectors = folder / "connectors"
    connectors.mkdir(parents=True)
    text = (SHIPPED / "heron.yaml").read_text(encoding="utf-8")
    for action, approval in (("resume_sending", "customer"), ("move_domain", "agent")):
        before, name, after = text.partition(f"  {action}:\n")
        text = before + name + after.replace("approval: none", f"approval: {approval}", 1)
    (connectors / "heron.yaml").write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    changes = {"approval_seconds": approval_s, "pause_seconds": 0.05, "connectors": connectors}
    return demo_settings(world.addresses, folder / "data", port).model_copy(update=changes)


# --- at every boundary --------------------------------------------------------------------------


class Passed(Value):
    """One boundary: how often it died there, and what became of the request."""

    point: str
    kind: Kind
    deaths: int
    verdict: Verdict
    trail: str | None
    """What is wrong with the audit trail afterwards."""
    seconds: float
    """From the last start until the customer was told how it ended."""

    @property
    def held(self) -> bool:
        return self.deaths > 0 and not self.verdict.wrong and self.trail is None


def kind_for(point: str) -> Kind:
    return "nobody decides" if point.endswith("expired") else "customer approves"


async def at_points(
    scene: Scene, points: Sequence[str], *, restarts: int, told: Told = lambda *_: None
) -> list[Passed]:
    """Dies at a point, and at the same point again at each restart but the last, where it is passed again."""
    passed = []
    for number, point in enumerate(points, 1):
        passed.append(await _at(scene, point, restarts))
        told("boundaries", number, len(points))
    return passed


async def _at(scene: Scene, point: str, restarts: int) -> Passed:
    kind = kind_for(point)
    story = Story(scene.stage, kind, scene.stage.customer(kind))
    if not scene.child.alive:
        await scene.up()
    scene.child.order(point)
    if point == ANSWER_LOST:
        # It happens at the platform, and the answer never comes: nothing in the service sees this moment.
        path = f"/v1/accounts/{story.spec.account}/*"
        scene.stage.world.fault("apply_then_hang", path, method="POST", times=restarts, seconds=5)
    playing = asyncio.create_task(story.play())
    deaths = 0
    for left in reversed(range(restarts)):
        if not await _died(scene, story, point, playing, deaths):
            break
        deaths += 1
        await scene.back(point if left else None)
    back = asyncio.get_running_loop().time()
    await at_the_latest([playing])
    seconds = asyncio.get_running_loop().time() - back
    scene.child.order(None)
    (verdict,) = await verdicts(scene.folder, [story])
    scene.stage.world.clear_faults()
    return Passed(
        point=point,
        kind=kind,
        deaths=deaths,
        verdict=verdict,
        trail=await scene.trail_fault(),
        seconds=seconds,
    )


async def _died(scene: Scene, story: Story, point: str, playing: asyncio.Task[Story], before: int) -> bool:
    """Whether it died at the point before the story was over."""
    ends = asyncio.get_running_loop().time() + DIES_WITHIN_S
    while scene.child.alive and not playing.done() and asyncio.get_running_loop().time() < ends:
        if point == ANSWER_LOST and scene.stage.world.hung(story.spec.account) > before:
            scene.child.kill()
        await asyncio.sleep(0.02)
    return not scene.child.alive


# --- at any moment ------------------------------------------------------------------------------


class Random(Value):
    """What was done while it was killed at any moment."""

    kills: int
    before_ready: int
    verdicts: tuple[Verdict, ...]
    trail: str | None


async def at_any_moment(scene: Scene, kills: int, *, seed: int, told: Told = lambda *_: None) -> Random:
    """The same seed kills after the same times; what is under way then is the machine's."""
    if not kills:
        return Random(kills=0, before_ready=0, verdicts=(), trail=await scene.trail_fault())
    chance = random.Random(seed)
    stories: list[Story] = []
    over = asyncio.Event()
    players = [asyncio.create_task(_play_on(scene, stories, over, n)) for n in range(TOGETHER)]
    before_ready = 0
    try:
        if not scene.child.alive:
            await scene.up()
        for number in range(1, kills + 1):
            if chance.random() < EARLY and scene.ready:
                # Killed as it runs, and at once again on its way up.
                scene.child.kill()
                scene.child.start()
                await asyncio.sleep(chance.uniform(0, min(scene.ready)))
                before_ready += 1
            else:
                await asyncio.sleep(chance.uniform(0, LIVES_S))
            scene.child.kill()
            await scene.back()
            told("random kills", number, kills)
    finally:
        over.set()
        await at_the_latest(players)
    found = await verdicts(scene.folder, stories)
    return Random(
        kills=kills, before_ready=before_ready, verdicts=tuple(found), trail=await scene.trail_fault()
    )


async def _play_on(scene: Scene, stories: list[Story], over: asyncio.Event, first: int) -> Story:
    """One story after the other, of each kind in turn; the last one that was played."""
    number = first
    while True:
        kind = KINDS[number % len(KINDS)]
        story = Story(scene.stage, kind, await asyncio.to_thread(scene.stage.customer, kind))
        stories.append(story)
        await story.play()
        if over.is_set():
            return story
        number += 1
