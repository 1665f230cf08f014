"""A whole site with every channel, everybody who may come to it, and something of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from app.channels.assist import create_router
from app.channels.chatwoot import chatwoot_channel
from app.channels.slack import slack_channel
from app.channels.web import create_app
from app.help_page import Published
from app.identity import digest, issue_visitor, new_api_key
from app.main import exported
from app.models.conversation import Attachment, Note
from app.models.decision import Acknowledge
from app.models.people import ApiKey, Principal, Scope
from app.models.reading import Input
from app.models.record import Record, Suggestion
from app.models.request import ActionRequest
from app.service import Service
from tests.app.channels.assisting import OURS, SECRET, Assist, assist_site, of_agent, signed
from tests.app.channels.calls import asked_and_waiting
from tests.app.documents import kept
from tests.app.world import ANN, EVE, claim, wants

SCOPES: tuple[Scope, ...] = get_args(Scope)
DIGEST = "0" * 64
HOOK = "c" * 40
NOTE = "CANARY-of-agents-alone"


def canary(who: str) -> str:
    return f"CANARY-of-{who}"


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """(method, path) of everything that the app answers, in its document or not."""
    for route in iter_route_contexts(app.routes):
        methods = getattr(route, "methods", None) or ()
        yield from ((method, route.path or "") for method in sorted(methods) if method != "HEAD")


@dataclass
class Everyone:
    site: Assist
    app: FastAPI
    ending: asyncio.Event
    web: httpx.AsyncClient
    tokens: dict[str, str]
    """Authorization by who it is: people, and `key:SCOPE` for a key that has this scope alone."""
    principals: dict[str, Principal]
    conversations: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def new_id(self, kind: str) -> str:
        self.made += 1
        return f"{kind}_{self.made}"

    @property
    def service(self) -> Service:
        return self.site.service

    async def talk(self, who: str) -> str:
        """A conversation with something of theirs in every place."""
        store, world = self.service.store, self.site.world
        id = await world.talk(self.principals[who])
        message = await world.accept(id, f"{canary(who)}: please switch https on for {who}.links.example.")
        about = Input(
            name="domain", value=f"{who}.links.example", message=message.id, quote=f"{who}.links.example"
        )
        said = claim("link-tracking", message=message.id, quote="please switch https on")
        world.readings[message.text] = wants(claims=(said,), subjects=(about,))
        await self.service.start_message(message.id)
        await self.service.idle()
        replies = [each for each in await store.messages(id) if each.role == "bot"]
        self.messages[who] = replies[0].id
        note = Note(id=self.new_id("n"), conversation=id, by="zoe", text=NOTE, at=world.at)
        await store.record(Record(conversation=id, note=note))
        self.files[who] = self.new_id("f")
        file = Attachment(id=self.files[who], name=f"{canary(who)}.txt", type="text/plain", size=9)
        await store.keep_attachment(id, file, canary(who).encode())
        return id

    async def request(self, who: str, approval: Any) -> str:
        world, here = self.site.world, self.conversations[who]
        case = (await self.service.store.cases_of(here))[0]
        request = ActionRequest(
            id=self.new_id("a"),
            case=case.id,
            conversation=here,
            action="enable_https",
            inputs=(("domain", f"{canary(who)}.example"),),
            principal=self.principals[who],
            evidence=(),
            digest=DIGEST,
            approval=approval,
            state="proposed",
            created_at=world.at,
            expires_at=world.at + timedelta(hours=1),
        )
        await self.service.store.record(Record(conversation=here, request=request))
        return request.id

    async def suggestion(self, who: str) -> str:
        made = Suggestion(
            id=self.new_id("s"),
            conversation=self.conversations[who],
            case=None,
            decision=Acknowledge(because="a test"),
            text=canary(who),
            at=self.site.world.at,
        )
        await self.service.store.record(Record(conversation=made.conversation, suggestion=made))
        return made.id

    async def ask(
        self, method: str, path: str, who: str | None, *, stream: bool = False, **fields: Any
    ) -> httpx.Response:
        """`stream`: what is there to be told is read, then the server ends it."""
        token = self.tokens.get(who or "")
        headers = {**OURS, **({"Authorization": token} if token else {}), **fields.pop("headers", {})}
        if not stream:
            return await self.web.request(method, path, headers=headers, **fields)
        asking = asyncio.create_task(self.web.request(method, path, headers=headers, **fields))
        await asked_and_waiting(self.service.store, asking)
        self.ending.set()
        answer = await asking
        self.ending.clear()
        return answer


class OnePage:
    async def page(self, path: str) -> Published | None:
        if path != "there":
            return None
        return Published(path=path, title="There", lang="en", updated_at=datetime.now(UTC), text="Hello.")


@asynccontextmanager
async def everyone(folder: Path) -> AsyncIterator[Everyone]:
    settings: dict[str, Any] = {
        "chatwoot_url": "http://127.0.0.1:9",
        "chatwoot_account": 1,
        "chatwoot_token": SecretStr("t" * 20),
        "chatwoot_bot_token": SecretStr("t" * 20),
        "chatwoot_secret": SecretStr(HOOK),
        "slack_bot_token": SecretStr("xoxb-1"),
        "slack_signing_secret": SecretStr("s" * 32),
        "site_secret": SecretStr(SECRET),
        "approvers": ("zoe",),
    }
    found: list[Everyone] = []

    async def locate(account: int, conversation: int) -> str | None:
        return found[0].conversations["ann"] if conversation == 1 else None

    async with AsyncExitStack() as stack:
        here = stack.enter_context(kept(folder / "documents"))
        site = await stack.enter_async_context(assist_site(folder / "site", now=True, **settings))
        service, ending = site.service, asyncio.Event()
        chatwoot, slack = (
            chatwoot_channel(service, service.settings),
            slack_channel(service, service.settings),
        )
        assert chatwoot is not None
        assert slack.router is not None
        routers = [
            create_router(
                service,
                ending,
                locate=locate,
                documents=here.documents,
                export=partial(exported, service.settings),
            ),
            chatwoot.router,
            slack.router,
        ]
        app = create_app(service, routers=routers, pages=OnePage(), ending=ending)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        visitor = await issue_visitor(service.store)
        evening = int(site.world.at.timestamp()) + 20 * 3600
        tokens = {
            "visitor": f"Bearer {visitor}",
            "ann": f"Bearer {signed('ann', 'acme', exp=evening)}",
            "bob": f"Bearer {signed('bob', 'acme', exp=evening)}",
            "eve": f"Bearer {signed('eve', 'other', exp=evening)}",
            "agent": of_agent(exp=evening)["Authorization"],
            "junk": "Bearer junk",
        }
        for scope in SCOPES:
            key = new_api_key()
            made = ApiKey(name=f"only {scope}", scopes=(scope,), created_at=site.world.at)
            await service.store.keep_api_key(digest(key), made)
            tokens[f"key:{scope}"] = f"Bearer {key}"
        principals = {
            "visitor": Principal(kind="anonymous", id=digest(visitor)),
            "ann": ANN,
            "bob": Principal(kind="customer", id="bob", account="acme"),
            "eve": EVE,
        }
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as web:
            made_site = Everyone(site, app, ending, web, tokens, principals)
            found.append(made_site)
            await service.start()
            for who in principals:
                made_site.conversations[who] = await made_site.talk(who)
            yield made_site
        await chatwoot.close()
