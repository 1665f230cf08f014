"""One world and one running service for the whole folder; customers and agents reach it over HTTP alone."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.demo import demo_net, demo_settings
from app.identity import sign
from app.main import utc_now
from app.serve import serving
from app.settings import Settings
from app.texts import catalogue, language, shown
from evals.world import scenarios
from evals.world.spec import Addresses, Edge, Person, Spec
from evals.world.world import World

PATIENCE_S = 30
REST = frozenset(
    {"awaiting_customer", "awaiting_approval", "watching", "with_agents", "human_active", "resolved"}
)


class Heard(NamedTuple):
    """One event of a conversation."""

    seq: int
    kind: str
    payload: dict[str, Any]


class Answered(NamedTuple):
    """What followed from one message until it was the customer's turn, an agent's, or the world's."""

    events: tuple[Heard, ...]

    @property
    def seq(self) -> int:
        return self.events[-1].seq

    @property
    def status(self) -> str:
        return str(self.payloads("conversation.status")[-1]["status"])

    @property
    def text(self) -> str:
        return "\n\n".join(message["text"] for message in self.replies)

    @property
    def replies(self) -> list[dict[str, Any]]:
        messages = [payload["message"] for payload in self.payloads("message.done")]
        return [message for message in messages if message["role"] == "bot"]

    @property
    def decision(self) -> str | None:
        return next((message["decision"] for message in reversed(self.replies)), None)

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The newest checklist, by step."""
        shown = self.payloads("steps")
        return {step["id"]: step for step in shown[-1]["steps"]} if shown else {}

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        return [event.payload for event in self.events if event.kind == kind]


class Talk:
    """A conversation of one customer, or of a visitor who has not signed in."""

    def __init__(self, client: httpx.Client, id: str) -> None:
        self.client, self.path, self.id = client, f"/v1/conversations/{id}", id
        self._numbers = itertools.count(1)

    def post(self, text: str, client_id: str | None = None) -> dict[str, Any]:
        body = {"client_message_id": client_id or f"m{next(self._numbers)}", "text": text}
        accepted: dict[str, Any] = (
            self.client.post(f"{self.path}/messages", json=body).raise_for_status().json()
        )
        return accepted

    def say(self, text: str, client_id: str | None = None) -> Answered:
        """Sends it and follows what comes of it, until the next move is not ours."""
        return self.after(self.post(text, client_id)["seq"], _answered)

    def after(self, seq: int, until: Callable[[Answered], bool]) -> Answered:
        """Events after a number, until `until` says that it is enough."""
        heard: list[Heard] = []
        ends = time.monotonic() + PATIENCE_S
        with self.client.stream("GET", f"{self.path}/events", params={"after": seq}) as stream:
            number, kind = 0, ""
            for line in stream.iter_lines():
                assert time.monotonic() < ends, f"nothing came of it in {PATIENCE_S} s; last: {heard[-1:]}"
                field, _, value = line.partition(": ")
                if field == "id":
                    number = int(value)
                elif field == "event":
                    kind = value
                elif field == "data":
                    heard.append(Heard(number, kind, json.loads(value)))
                    so_far = Answered(tuple(heard))
                    if until(so_far):
                        return so_far
        raise AssertionError(f"the stream ended early; last: {heard[-3:]}")

    def messages(self) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = self.client.get(self.path).raise_for_status().json()["messages"]
        return said


def _answered(so_far: Answered) -> bool:
    """We began to work, and then did not: a look of a watch in between is no answer."""
    statuses = [payload["status"] for payload in so_far.payloads("conversation.status")]
    return (
        so_far.events[-1].kind == "conversation.status" and "bot_working" in statuses and statuses[-1] in REST
    )


class Site:
    """The real service in a thread of its own; it may be stopped and started over on its folder."""

    def __init__(self, settings: Settings, addresses: Addresses) -> None:
        self.settings, self._addresses = settings, addresses
        self.url = ""
        self._clients: list[httpx.Client] = []

    def start(self) -> None:
        started: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="stepfour", daemon=True)
        self._thread.start()
        self.url = started.result(timeout=120)

    def _run(self, started: Future[str]) -> None:
        try:
            asyncio.run(self._serve(started))
        except Exception as error:  # told in the thread that waits
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[str]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        net = replace(demo_net(self._addresses), dns_seconds=1.5, connect_seconds=1.5)
        async with serving(self.settings, net) as url:
            started.set_result(url)
            await self._stop.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "the service did not stop"
        while self._clients:
            self._clients.pop().close()

    def client(self, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE_S)
        self._clients.append(client)
        return client

    def token(self, person: Person) -> str:
        return sign(
            self.settings, sub=person.user, account=person.account, agent=False, minutes=60, now=utc_now()
        )

    def talk(self, person: Person | None) -> Talk:
        """A new conversation of a signed-in person, or of a visitor."""
        if person is None:
            issued = self.client(None).post("/v1/visitors", json={})
            token = str(issued.raise_for_status().json()["token"])
        else:
            token = self.token(person)
        client = self.client(token)
        opened = client.post("/v1/conversations", json={}).raise_for_status().json()
        return Talk(client, opened["id"])

    def again(self, talk: Talk, person: Person) -> Talk:
        """The same conversation after a restart, whose port is another one."""
        return Talk(self.client(self.token(person)), talk.id)

    def agent(self, name: str = "agent-rita") -> httpx.Client:
        return self.client(sign(self.settings, sub=name, account=None, agent=True, minutes=60, now=utc_now()))


def quick_settings(addresses: Addresses, data: Path, **changes: Any) -> Settings:
    """The demo's settings, with waits that suit a test."""
    quick: dict[str, Any] = {
        "pause_seconds": 0.05,
        "watch_seconds": (1, 2, 4),
        "watch_then_seconds": 3600,
    }
    return demo_settings(addresses, data, 0).model_copy(update=quick | changes)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with World.start() as running:
        yield running


@pytest.fixture(scope="session")
def site(
    world: World, filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    data = filled(tmp_path_factory.mktemp("site") / "data")
    running = Site(quick_settings(world.addresses, data), world.addresses)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def new_site(
    world: World, filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Site]]:
    """Starts a service of a test's own, with other settings, beside the same world."""
    started: list[Site] = []

    def start(**changes: Any) -> Site:
        data = filled(tmp_path_factory.mktemp("own") / "data")
        own = Site(quick_settings(world.addresses, data, **changes), world.addresses)
        own.start()
        started.append(own)
        return own

    yield start
    for own in started:
        if own._thread.is_alive():
            own.stop()


_labels = itertools.count(5001)


@pytest.fixture
def scene(world: World) -> Callable[..., Spec]:
    """Loads a scenario for an account and a domain that no other test has."""

    def load(builder: Callable[..., Spec], *args: Any) -> Spec:
        label = str(next(_labels))
        name = f"loja-{secrets.token_hex(3)}"
        return world.load(builder(*args, account=name, domain=f"{name}.example", label=label))

    return load


# --- what a test says of the outcome ------------------------------------------------------------


def https_switches(world: World, account: str) -> int:
    return sum(
        effect.effect == "settings" and effect.after == {"https_tracking": True}
        for effect in world.effects(account)
    )


def becomes_ready(world: World, spec: Spec) -> None:
    """The second branded link gets its proxy and its certificate."""
    host = spec.hosts[1]
    world.set(records=(scenarios.proxied(host),), edges=(Edge(host=host),))


def untouched(world: World, spec: Spec) -> bool:
    """Nothing was written for any account of the scenario, and HTTPS is as it was."""
    return all(
        world.effects(account.id) == ()
        and world.account(account.id).settings.https_tracking == account.settings.https_tracking
        for account in spec.accounts
    )


def sentence(lang: str, key: str, **values: str) -> re.Pattern[str]:
    """A sentence of the catalogue as a pattern: the values given stand in it, any other may be anything."""
    texts: Mapping[str, str] = catalogue(language(lang))
    parts = re.split(r"\{(\w+)\}", texts[key])
    pattern = "".join(
        re.escape(part) if n % 2 == 0 else (re.escape(shown(values[part], lang)) if part in values else ".+?")
        for n, part in enumerate(parts)
    )
    return re.compile(pattern, re.DOTALL)
