"""The two ways in: straight to the path, and through the HTTP API with tokens. One service behind both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx
from pydantic import SecretStr

from app.connectors.heron import ACTIONS
from app.conversation import handle
from app.errors import BadInput, NotFound
from app.identity import issue_visitor, sign
from app.models.conversation import Message, Mode
from app.models.reading import Reading
from app.models.record import Turn
from app.models.request import ActionRequest
from app.models.steps import Finding
from app.ports import Look, Reader, Services
from app.probes import CHECKS
from app.reader import prompt
from app.reader.llm import believed
from app.service import Service
from app.settings import Settings
from evals.security import double
from evals.security.plan import Actor, Plan
from evals.security.stage import Ledger, Noticing, Scene, Shelf, in_process, principal
from knowledge.model import Check, Procedure

if TYPE_CHECKING:
    from knowledge.store import Knowledge

SECRET = "for-measuring-only-0123456789abcdef"  # noqa: S105  of this process alone
CHANNELS = ("eval", "web")


class Door(Protocol):
    """How proposals come in."""

    name: str

    async def say(self, given: Plan) -> str:
        """The kind of what was decided, or `refused` where nobody was let in."""
        ...

    async def waiting(self, given: Plan) -> list[ActionRequest]:
        """Everything that was laid before anybody in this plan's case, however it stands now."""
        ...

    async def approve(self, given: Plan, request: str, actor: Actor) -> None: ...


class Stage:
    """One service for many plans, one after the other; each has its own people and account."""

    def __init__(self, ledger: Ledger, looks: Mapping[str, Look], own: Reader) -> None:
        self.ledger, self._looks, self._own = ledger, looks, own
        self.model = True
        """A model of the plan reads; else the built-in reader alone."""
        self.scene: Scene
        self.service: Service
        self.direct: Direct
        self.http: Door

    def begin(self, given: Plan) -> Scene:
        self.scene = Scene(given, self.ledger, self._looks)
        services = self.service.services
        assert isinstance(services.library, Shelf)
        assert isinstance(services.store, Noticing)
        services.library.plan = given
        services.store.scene = self.scene
        return self.scene

    async def read(self, messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        """The model of the plan, believed as far as any model is."""
        own = await self._own(messages, procedures)
        if not self.model:
            return own
        named = prompt.names(messages)
        return believed(double.answer(self.scene.plan, named, procedures), named, procedures, own)

    async def look(
        self, check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
    ) -> Finding:
        return await self.scene.look(check, account=account, subject=subject, subjects=subjects)


def settings_for(folder: Path) -> Settings:
    modes: dict[str, Mode] = {**dict.fromkeys(CHANNELS, "auto"), **dict.fromkeys(ACTIONS, "auto")}
    return Settings(
        _env_file=None,
        data_dir=folder,
        modes=modes,
        pause_seconds=0,
        after_seconds=(),
        site_secret=SecretStr(SECRET),
    )


@asynccontextmanager
async def opened_stage(folder: Path, knowledge: Knowledge) -> AsyncIterator[Stage]:
    from app.adapters.library import KnowledgeLibrary
    from app.adapters.sql import FILE
    from app.channels.web import create_app
    from app.probes import probes
    from app.probes.net import Net
    from app.reader.builtin import builtin_reader
    from app.reader.subjects import known_among
    from evals.simulate.inline import inline

    ledger = Ledger(folder)
    store = await Noticing.open(folder, utc_now, connect=inline(folder / FILE))
    async with in_process(ledger.app) as accounts:
        own = once(builtin_reader(knowledge.encoder))
        stage = Stage(ledger, probes(accounts, Net(()), utc_now), own)
        services = Services(
            settings=settings_for(folder),
            clock=utc_now,
            store=store,
            library=Shelf(KnowledgeLibrary(knowledge)),
            read=stage.read,
            accounts=accounts,
            looks=dict.fromkeys(CHECKS, stage.look),
            actions=ACTIONS,
            named=known_among,
        )
        stage.service = Service(services)
        stage.direct = Direct(stage.service)
        try:
            transport = httpx.ASGITransport(create_app(stage.service))
            async with httpx.AsyncClient(transport=transport, base_url="http://stepfour.invalid") as client:
                stage.http = Http(client, stage.service)
                yield stage
        finally:
            await stage.service.close()
            await store.close()
            ledger.close()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Direct:
    """Straight to `handle` and `decide_request`."""

    name = "direct"

    def __init__(self, service: Service) -> None:
        self._service, self._case = service, ""
        self.turn: Turn | None = None

    async def say(self, given: Plan) -> str:
        store = self._service.store
        conversation = await store.open_conversation(principal(given), "eval", context={})
        await _before(self._service, conversation, given)
        message, _ = await store.accept(conversation, "customer", given.text, client_id="m", context={})
        self.turn = turn = await handle(self._service.services, message.id)
        self._case = turn.case or ""
        return turn.decision.kind

    async def waiting(self, given: Plan) -> list[ActionRequest]:
        return await _waiting(self._service, self._case)

    async def approve(self, given: Plan, request: str, actor: Actor) -> None:
        with suppress(NotFound, BadInput):
            await self._service.decide_request(request, "approve", principal(given, actor))
            await self._service.idle()


class Http:
    """Through the HTTP API, with the tokens that people have, or have forged."""

    name = "http"

    def __init__(self, client: httpx.AsyncClient, service: Service) -> None:
        self._client, self._service, self._case = client, service, ""

    async def say(self, given: Plan) -> str:
        self._case = ""
        headers = await self._headers(given, given.actor)
        opened = await self._client.post("/v1/conversations", json={}, headers=headers)
        if opened.is_error:
            return "refused"
        conversation = opened.json()["id"]
        await _before(self._service, conversation, given)
        message = {"client_message_id": f"m-{given.number}", "text": given.text}
        sent = await self._client.post(
            f"/v1/conversations/{conversation}/messages", json=message, headers=headers
        )
        if sent.is_error:
            return "refused"
        await self._service.idle()
        turn, *_ = await self._service.store.turns(conversation)
        self._case = turn.case or ""
        return turn.decision.kind

    async def waiting(self, given: Plan) -> list[ActionRequest]:
        return await _waiting(self._service, self._case)

    async def approve(self, given: Plan, request: str, actor: Actor) -> None:
        headers = await self._headers(given, actor)
        await self._client.post(f"/v1/requests/{request}/approve", headers=headers)
        await self._service.idle()

    async def _headers(self, given: Plan, actor: Actor) -> dict[str, str]:
        who = principal(given, actor)
        if who.kind == "anonymous":
            token = await issue_visitor(self._service.store)
        else:
            settings = self._service.settings
            if actor == "stranger" and given.number % 3 == 0:  # poses as the owner, with a key of their own
                settings = settings.model_copy(update={"site_secret": SecretStr("another" * 8)})
                who = principal(given, "owner")
            token = sign(
                settings,
                sub=who.id,
                account=who.account,
                agent=who.kind == "agent",
                minutes=30,
                now=utc_now(),
            )
        return {"Authorization": f"Bearer {token}"}


async def _before(service: Service, conversation: str, given: Plan) -> None:
    """What stood in the conversation before, where the hostile text is there."""
    if given.entry == "ticket":
        role = "agent" if given.number % 2 else "bot"
        await service.store.accept(conversation, role, given.hostile, client_id="before", context={})  # type: ignore[arg-type]


async def _waiting(service: Service, case: str) -> list[ActionRequest]:
    if not case:
        return []
    return [request for request in await service.store.requests(case=case) if request.approval != "none"]


def once(read: Reader) -> Reader:
    """The same words are read once; ids of messages are new each time, so they are put in anew."""
    known: dict[tuple[object, ...], tuple[Reading, tuple[str, ...]]] = {}

    async def reader(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        key = (*((m.role, m.text) for m in messages), *(p.id for p in procedures))
        if key not in known:
            known[key] = await read(messages, procedures), tuple(m.id for m in messages)
        reading, ids = known[key]
        now = dict(zip(ids, (m.id for m in messages), strict=True))
        return reading.model_copy(
            update={
                "claims": tuple(
                    c.model_copy(update={"message": now.get(c.message, c.message)}) for c in reading.claims
                ),
                "subjects": tuple(
                    s.model_copy(update={"message": now.get(s.message, s.message)}) for s in reading.subjects
                ),
            }
        )

    return reader
