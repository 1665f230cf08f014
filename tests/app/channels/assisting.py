"""An agents' site on real tables, for tests: a world, its service, and a browser that keeps cookies."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
from pydantic import SecretStr

from app.channels.assist import create_router
from app.channels.assist.core import Documents, Locate
from app.channels.web import create_app
from app.service import Service
from tests.app.world import MODES, World, open_world

SECRET = "a secret of the host site, for tests only"
OURS = {"Stepfour-Agent": "1"}


@dataclasses.dataclass
class Assist:
    """A site for agents, and the world around it."""

    world: World
    service: Service
    browser: Callable[..., httpx.AsyncClient]
    noted: str = ""
    """The conversation a test writes notes in."""

    async def signed_in(self, name: str = "zoe") -> httpx.AsyncClient:
        """A browser in which an agent has signed in by a one-time link."""
        browser = self.browser(headers=OURS)
        answer = await browser.post("/v1/agent/session", json={"code": await self.service.agent_link(name)})
        assert answer.status_code == 201, answer.text
        return browser


def signed(sub: str = "ann", account: str | None = "acme", *, aud: str = "stepfour", **claims: Any) -> str:
    """A token as the host site signs it."""
    whole = {"sub": sub, "account": account, "aud": aud, "exp": int(time.time()) + 600} | claims
    return jwt.encode({k: v for k, v in whole.items() if v is not None}, SECRET, algorithm="HS256")


def of_agent(sub: str = "zoe", **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed(sub, None, aud='stepfour-agents', **claims)}"}


@asynccontextmanager
async def assist_site(
    folder: Path,
    *,
    locate: Locate | None = None,
    documents: Documents | None = None,
    base: str = "http://here",
    now: bool = False,
    **settings: Any,
) -> AsyncIterator[Assist]:
    """`now`: its clock stands at the time of the test, where tokens made by others have to hold."""
    async with open_world(folder / "data", settings.pop("modes", MODES)) as world:
        if now:
            world.at = datetime.now(UTC)
        world.see(click_tracking_on="met", branded_link_set_up="met", certificate_presented="not_met")
        fields = {"site_secret": SecretStr(SECRET), **settings}
        world.settings = world.settings.model_copy(update=fields)
        world.services = dataclasses.replace(world.services, settings=world.settings)
        service = world.service = Service(world.services)
        app = create_app(service, routers=[create_router(service, locate=locate, documents=documents)])
        open_ones: list[httpx.AsyncClient] = []

        def browser(**fields: Any) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            open_ones.append(httpx.AsyncClient(transport=transport, base_url=base, **fields))
            return open_ones[-1]

        yield Assist(world=world, service=service, browser=browser)
        for each in open_ones:
            await each.aclose()
