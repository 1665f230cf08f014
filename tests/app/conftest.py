"""A site on real tables whose replies a test plays itself."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from app.adapters.memory import MemoryLibrary
from app.adapters.store import Store
from app.channels.web import create_app, end_streams
from app.errors import NotFound
from app.events import MessageDone, Payload, ShownMessage, as_json, event_type
from app.ids import new_id
from app.models.conversation import Message
from app.models.decision import StaySilent
from app.models.facts import Facts
from app.models.people import Principal
from app.models.reading import Reading
from app.models.record import Record, Turn
from app.models.request import ActionRequest
from app.ports import Services
from app.service import Service
from app.settings import Settings
from evals.world.world import World
from tests.app.shell import Stepfour, ended

SECRET = "a secret of the host site, for tests only"


@pytest.fixture(scope="session")
def running_world() -> Iterator[World]:
    with World.start() as world:
        yield world


@pytest.fixture
def fresh_world(running_world: World) -> World:
    """The demo's platform, real down to the sockets, with nothing in it yet."""
    running_world.reset()
    running_world.clear_faults()
    return running_world


Play = Callable[["PlayedService", Message], Awaitable[None]]


class PlayedService(Service):
    """The service on its real tables; what a message or an approval leads to is played by the test."""

    def __init__(self, services: Services, folder: Path) -> None:
        super().__init__(services)
        self.folder = folder
        self.play: Play | None = None
        self.perform: Callable[[PlayedService, ActionRequest], Awaitable[None]] | None = None
        self.handled: list[str] = []
        self.moves: list[tuple[object, ...]] = []
        """What customers asked of us besides messages: name, conversation, what they said, party."""
        self.shift = timedelta()
        self.stopped: datetime | None = None
        """Where the clock stands, if it does; `shift` moves it all the same."""

    async def _handle(self, message_id: str) -> None:
        message = await self.store.message(message_id)
        assert message is not None
        if await self.store.turn_of(message_id) is not None:
            return
        self.handled.append(message_id)
        if self.play is not None:
            await self.play(self, message)
        await self.store.record(_done(message))

    async def _finish(self, request_id: str) -> None:
        request = await self.store.request(request_id)
        assert request is not None
        if self.perform is not None:
            await self.perform(self, request)

    async def look_again(self, conversation_id: str, by: Principal) -> None:
        self.moves.append(("look_again", conversation_id, by.party))

    async def dispute(self, conversation_id: str, step: str, by: Principal) -> None:
        if step == "unknown":
            raise NotFound
        self.moves.append(("dispute", conversation_id, step, by.party))

    async def feedback(
        self, conversation_id: str, message_id: str, helped: bool, reason: str | None, by: Principal
    ) -> None:
        self.moves.append(("feedback", conversation_id, message_id, helped, reason, by.party))

    async def solved(self, conversation_id: str, solved: bool, by: Principal) -> None:
        self.moves.append(("solved", conversation_id, solved, by.party))

    async def show(self, conversation: str, *payloads: Payload) -> None:
        events = tuple((event_type(payload), as_json(payload)) for payload in payloads)
        await self.store.record(Record(conversation=conversation, events=events))

    async def say(self, conversation: str, text: str, **fields: Any) -> str:
        """A reply as a turn records it."""
        message = Message(
            id=new_id("m"), conversation=conversation, role="bot", text=text, at=datetime.now(UTC)
        )
        shown = ShownMessage(id=message.id, role="bot", text=text, at=message.at, **fields)
        done = ("message.done", as_json(MessageDone(message=shown)))
        await self.store.record(Record(conversation=conversation, replies=(message,), events=(done,)))
        return message.id

    async def propose(self, conversation: str, principal: Principal, **changes: Any) -> ActionRequest:
        now = datetime.now(UTC)
        fields: dict[str, Any] = {
            "id": new_id("a"),
            "case": new_id("k"),
            "conversation": conversation,
            "action": "enable_https",
            "inputs": (("domain", "links.acme.example"),),
            "principal": principal,
            "evidence": (),
            "digest": "0" * 64,
            "approval": "customer",
            "state": "proposed",
            "created_at": now,
            "expires_at": now + timedelta(hours=1),
        }
        request = ActionRequest(**fields | changes)
        await self.store.record(Record(conversation=conversation, request=request))
        return request


def _done(message: Message) -> Record:
    """The turn that says a message was read, so that a restart does not play it again."""
    silent = Reading()
    turn = Turn(
        id=new_id("t"),
        trigger=message.id,
        conversation=message.conversation,
        case=None,
        channel="web",
        mode="auto",
        reading=silent,
        facts=Facts(reading=silent),
        decision=StaySilent(because="played"),
        at=datetime.now(UTC),
    )
    return Record(conversation=message.conversation, turn=turn, covers=(message.id,))


def _services(folder: Path, store: Store, settings: Settings, clock: Callable[[], datetime]) -> Services:
    played: Any = None  # what only a real reading would ask for
    return Services(
        settings=settings,
        clock=clock,
        store=store,
        library=MemoryLibrary(),
        read=played,
        accounts=played,
        looks={},
        actions={},
    )


@asynccontextmanager
async def played_service(folder: Path, **changes: Any) -> AsyncIterator[PlayedService]:
    fields: dict[str, Any] = {"data_dir": folder, "site_secret": SecretStr(SECRET), "pause_seconds": 0}
    settings = Settings(_env_file=None, **fields | changes)

    def now() -> datetime:
        return (played.stopped or datetime.now(UTC)) + played.shift

    store = await Store.open(folder, now)
    played = PlayedService(_services(folder, store, settings, now), folder)
    await played.start()
    try:
        yield played
    finally:
        await played.close()
        await store.close()


def signed(
    sub: str = "ann", account: str | None = "acme", *, aud: object = "stepfour", **claims: object
) -> str:
    """A token as the host site signs it; a claim given as None is left out."""
    whole: dict[str, object] = {"sub": sub, "account": account, "aud": aud, "exp": int(time.time()) + 600}
    whole |= claims
    return jwt.encode({k: v for k, v in whole.items() if v is not None}, SECRET, algorithm="HS256")


@pytest.fixture
def sign() -> Callable[..., str]:
    return signed


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[PlayedService]:
    async with played_service(tmp_path / "data") as played:
        yield played


class Site:
    """A running server on loopback, with the service to play on."""

    def __init__(self, folder: Path, port: int = 0, **settings: Any) -> None:
        self.folder = folder
        self.settings = settings
        self.service: PlayedService
        self.port = port
        self.play: Play | None = None
        self.perform: Callable[[PlayedService, ActionRequest], Awaitable[None]] | None = None
        self._app: FastAPI
        self._loop: asyncio.AbstractEventLoop
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._app = create_app(_Later(self), lifespan=self._lifespan)
        config = uvicorn.Config(self._app, log_level="warning", timeout_graceful_shutdown=1, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 15
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(end_streams, self._app)
            self._server.should_exit = True
            self._thread.join(10)
            self._server = self._thread = None

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with played_service(self.folder, **self.settings) as self.service:
            self.service.play, self.service.perform = self.play, self.perform
            self._loop = asyncio.get_running_loop()
            yield

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs work where the server runs, and waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


class _Later:
    """The service of a site, which exists from its start on."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site.service, name)


@pytest.fixture(scope="session")
def new_site() -> type[Site]:
    return Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture
def data(tmp_path: Path, filled: Callable[..., Path]) -> Path:
    """A data folder with nothing in it but the encoder."""
    return filled(tmp_path / "data", encoder_only=True)


@pytest.fixture
def stepfour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, data: Path
) -> Stepfour:
    """Runs a command as a shell would, in a folder of its own, on the data folder."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("STEPFOUR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STEPFOUR_DATA_DIR", str(data))
    return lambda *args: ended(capsys, *args)
