"""A service on real tables between a local Chatwoot and its webhook, over HTTP on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.channels.chatwoot import ChatwootChannel, chatwoot_channel
from app.channels.chatwoot.core import NAME
from app.delivery import follow
from app.models.conversation import Conversation, Message, Mode
from app.models.event import AGENTS
from evals.world.chatwoot import FakeChatwoot
from evals.world.chatwoot.running import running
from tests.app.world import MODES, World, open_world

SECRET = "0123456789abcdef0123456789abcdef"
AUTO: Mapping[str, Mode] = {**MODES, "chatwoot": "auto"}


class Played:
    """What a test of the channel holds in its hands."""

    def __init__(self, world: World, desk: FakeChatwoot) -> None:
        self.world, self.desk, self.store = world, desk, world.store
        self.channel: ChatwootChannel
        self.url = ""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self.channel.work(), name="work"),
            asyncio.create_task(follow(self.store, self.channel.outlets), name="follow"),
        ]

    async def stop(self) -> None:
        """As a crash would: whatever was under way ends where it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.channel.close()

    def renew(self) -> None:
        """A new channel, as after a restart: nothing is remembered but what is in the tables."""
        settings = self.world.settings.model_copy(
            update={
                "chatwoot_url": self.desk.url,
                "chatwoot_account": self.desk.account,
                "chatwoot_token": SecretStr(self.desk.agent_token),
                "chatwoot_bot_token": SecretStr(self.desk.bot_token),
                "chatwoot_secret": SecretStr(SECRET),
            }
        )
        made = chatwoot_channel(self.world.service, settings)
        assert made is not None
        self.channel = made

    async def settle(self, seconds: float = 15) -> None:
        """Waits until nothing is left to hear, to do or to tell."""
        async with asyncio.timeout(seconds):
            quiet = 0
            while quiet < 2:
                await self.desk.settle(still=0.06)
                await self.world.service.idle()
                busy = await self.store.received_to_do(NAME) or await self.store.undelivered(
                    NAME, NAME, agents=True
                )
                quiet = 0 if busy else quiet + 1
                await asyncio.sleep(0.02)

    async def until(self, what: Callable[[], Any], seconds: float = 10) -> None:
        await self.desk.until(what, seconds)

    async def ours(self, number: int) -> Conversation:
        found = await self.store.conversation(f"{NAME}-1-{number}")
        assert found is not None
        return found

    async def messages(self, number: int) -> list[Message]:
        return await self.store.messages(f"{NAME}-1-{number}")

    async def handoffs(self) -> int:
        return len([e for e in await self.store.events(AGENTS, 0) if e.type == "agent.handoff"])


@asynccontextmanager
async def played(folder: Path, modes: Mapping[str, Mode] = AUTO, **options: Any) -> AsyncIterator[Played]:
    async with open_world(folder, modes) as world, FakeChatwoot.serve(**options) as desk:
        made = Played(world, desk)
        made.renew()
        async with running([made.channel.router], 0) as url:
            made.url = url
            desk.webhook_url = f"{url}/chatwoot/{SECRET}"
            made.start()
            try:
                yield made
            finally:
                await made.stop()
                await world.service.idle()
