"""What a sync changed: told once, in order, to agents and the webhook, with the cases it touches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.channels.webhook import NAME, webhook_outlet
from app.commands import changes
from app.commands.changes import announce, changed, of_run
from app.commands.changes_cli import told
from app.delivery import follow
from app.errors import BadInput
from app.models.event import AGENTS
from evals.world.chatwoot.running import running
from ingest.sync import sync
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.app.channels.test_webhook import SECRET, Receiver
from tests.app.world import PAGES, World, open_world
from tests.knowledge.letters import Letters

PROCEDURE = "https-tracking-links"


class Office:
    """A folder of pages, the knowledge that follows it, and a service beside it."""

    def __init__(self, docs: Path, knowledge: Knowledge, world: World) -> None:
        self.docs, self.knowledge, self.world = docs, knowledge, world

    def write(self, path: str, text: str) -> None:
        (self.docs / path).parent.mkdir(parents=True, exist_ok=True)
        (self.docs / path).write_text(text)

    async def sync(self) -> None:
        source = Source(id="docs", location=str(self.docs), procedures=True)
        await asyncio.to_thread(sync, self.knowledge, source, checks=None, actions=None)

    async def news(self) -> list[dict[str, object]]:
        """What the agents' log says of documents."""
        log = await self.world.store.events(AGENTS, 0)
        return [event.payload for event in log if event.type == "agent.knowledge"]

    async def told(self, count: int) -> list[dict[str, object]]:
        async with asyncio.timeout(20):
            while len(found := await self.news()) < count:  # noqa: ASYNC110  it is in tables
                await asyncio.sleep(0.01)
        return found

    @asynccontextmanager
    async def announcing(self) -> AsyncIterator[None]:
        task = asyncio.create_task(announce(self.knowledge, self.world.store, self.world.clock))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def marked(self) -> None:
        async with asyncio.timeout(10):
            while await self.world.store.posted(changes.OUTLET, changes.MARK) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.commands.changes.LOOK_S", 0.02)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    knowledge = await asyncio.to_thread(Knowledge.open, tmp_path / "data", encoder=Letters())
    async with open_world(tmp_path / "data") as world:
        office = Office(tmp_path / "docs", knowledge, world)
        office.write("links/https.md", (PAGES / f"{PROCEDURE}.md").read_text())
        office.write("start.md", "# Start\n\nPress the green button.\n")
        await office.sync()
        yield office
    await asyncio.to_thread(knowledge.close)


async def test_what_was_there_before_is_no_news_and_each_later_sync_is_told_once(office: Office) -> None:
    async with office.announcing():
        await office.marked()
        office.write("start.md", "# Start\n\nPress the blue button.\n")
        await office.sync()
        await office.sync()  # nothing new
        [first] = await office.told(1)
        assert (first["source"], first["new"], first["changed"], first["removed"]) == ("docs", 0, 1, 0)
    # While nothing ran, a command line did two syncs.
    office.write("more/a.md", "# A\n\nOne.\n")
    await office.sync()
    (office.docs / "more/a.md").unlink()
    await office.sync()
    async with office.announcing():
        found = await office.told(3)
    assert [(n["new"], n["changed"], n["removed"]) for n in found] == [(0, 1, 0), (1, 0, 0), (0, 0, 1)]


async def test_an_open_case_is_touched_by_its_procedure_and_by_what_it_was_sent(office: Office) -> None:
    world = office.world
    world.see(certificate_presented="not_met")
    conversation = await world.talk()
    await world.say(conversation)
    before = datetime.now(UTC)
    page = (office.docs / "links/https.md").read_text()
    office.write("links/https.md", page + "\nHTTPS needs no restart.\n")
    await office.sync()
    result = await asyncio.to_thread(
        changed, office.knowledge, world.settings, {"since": before.isoformat()}, lambda _: None
    )
    [case] = result["cases"]
    assert (case["conversation"], case["procedure"]) == (conversation, PROCEDURE)
    text = told(result)
    assert "+ HTTPS needs no restart." in text
    assert f"{case['case']} in {conversation} (open): follows {PROCEDURE}" in text
    assert text.endswith(": 1 changed.")


async def test_a_question_about_a_moment_that_is_none_says_what_to_give(office: Office) -> None:
    with pytest.raises(BadInput, match="Give a date"):
        await asyncio.to_thread(
            changed, office.knowledge, office.world.settings, {"since": "soon"}, lambda _: None
        )


async def test_the_webhook_is_told_in_order_word_for_word_and_again_until_it_takes_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.channels.webhook.PAUSES_S", (0.02,))
    receiver, world = Receiver(), office.world
    receiver.answers = [500, 503]
    async with running([receiver.routes()], 0) as receiver.url:
        settings = world.settings.model_copy(
            update={"webhook_url": f"{receiver.url}/hook", "webhook_secret": SecretStr(SECRET)}
        )

        async def of(run: int, now: datetime) -> dict[str, object]:
            return await of_run(office.knowledge, world.store, run, now)

        outlet = webhook_outlet(world.service, settings, changed=of)
        assert outlet is not None
        task = asyncio.create_task(follow(world.store, [outlet]))
        async with office.announcing():
            await office.marked()
            for colour in ("blue", "red"):
                office.write("start.md", f"# Start\n\nPress the {colour} button.\n")
                await office.sync()
            await office.told(2)
            async with asyncio.timeout(20):
                while await world.store.undelivered(NAME, None, agents=True):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await outlet.close()
    bodies = [json.loads(body) for _, _, body in receiver.got]
    assert len(set(receiver.ids[:3])) == 1, "the same delivery until it is taken"
    assert receiver.ids[0].startswith("knowledge_")
    assert await world.store.posted(NAME, receiver.ids[3]) == "sent"
    assert [b["type"] for b in bodies] == ["knowledge.changed"] * 4
    said = [b["pages"][0]["sentences"][0] for b in bodies[2:]]
    assert [(s["before"], s["after"]) for s in said] == [
        ("Press the green button.", "Press the blue button."),
        ("Press the blue button.", "Press the red button."),
    ]
