"""A platform of a company's own, its answers by path, and a service whose outside it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.actions import perform
from app.adapters.platform import Platform
from app.connectors.read import load
from app.models.record import Record
from app.models.request import ActionRequest
from app.probes import probes
from app.probes.net import Net
from evals.world.chatwoot.running import running
from tests.app.world import ANN, World, open_world

SECRETS = {
    "env:OWN_KEY": "key-that-reads",
    "env:CANCEL_KEY": "key-that-cancels",
    "env:HOOK_SECRET": "a secret for signing that is long enough",
}
STANDING = """\
standing:
  get: /people/{account}/{user}
  owner: {field: role, equals: owner}
reads:
  order: {get: "/orders/{order}"}
subjects: {order: []}
"""


class Got(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Own:
    """`says`: the answer of a path, `then`: what paths say after a write to one. `next`: statuses that the
    coming writes get instead."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {"/people/acme/ann": {"role": "owner"}, "/orders/o-1": {"state": "open"}}
        self.next: list[int] = []
        self.then: dict[str, dict[str, Any]] = {}
        self.got: list[Got] = []
        self.url = ""

    @property
    def writes(self) -> list[Got]:
        return [each for each in self.got if each.method != "GET"]

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        async def answer(request: Request, path: str) -> Response:
            raw = request.scope["raw_path"].decode()
            self.got.append(Got(request.method, raw, dict(request.headers), await request.body()))
            if request.method != "GET" and self.next:
                status = self.next.pop(0)
                to = {"location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
                echoed = request.headers.get("authorization", "")
                return JSONResponse({"detail": f"no, {echoed}"}, status, headers=to)
            if raw not in self.says:
                return JSONResponse({"detail": "not found"}, 404)
            said = self.says[raw]
            if request.method != "GET":
                self.says |= self.then.get(raw, {})
            return JSONResponse(said)

        return router

    def told(self, n: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.writes[n].body)
        return found


class Played(NamedTuple):
    own: Own
    platform: Platform
    world: World

    async def perform(self, action: str, inputs: Mapping[str, str] | None = None) -> ActionRequest:
        """As far as an approved request goes, on the real tables."""
        connectors = self.platform._connectors
        request = ActionRequest(
            id=f"a{len(await self.world.store.requests()) + 1}",
            case="k1",
            conversation=await self.world.talk(ANN),
            action=action,
            inputs=tuple((inputs or {}).items()),
            principal=ANN,
            evidence=(),
            digest="",
            approval="none",
            state="approved",
            created_at=self.world.at,
            expires_at=self.world.at + timedelta(hours=1),
        )
        await self.world.store.record(Record(conversation=request.conversation, request=request))
        seen = probes(self.platform, Net(()), self.world.clock)
        looks = {
            **self.world.services.looks,
            **{name: seen[name] for name in ("account_field", "click_tracking_on")},
        }
        services = replace(
            self.world.services, accounts=self.platform, actions=connectors.actions, looks=looks
        )
        return await perform(services, request)


@asynccontextmanager
async def played(folder: Path, files: Mapping[str, str], **urls: str) -> AsyncIterator[Played]:
    """`OWN` in a file stands for the address of the company's platform, other names for `urls`."""
    own = Own()
    async with open_world(folder / "data") as world, running([own.routes()], 0) as own.url:
        (folder / "connectors").mkdir()
        for name, text in files.items():
            (folder / "connectors" / name).write_text(text, encoding="utf-8")
        values = SECRETS | {"env:OWN": own.url} | {f"env:{name}": url for name, url in urls.items()}
        connectors = load(folder / "connectors")
        async with Platform(connectors, lambda name: values.get(name, name), loopback=True) as platform:
            yield Played(own, platform, world)
