"""Handoffs sent to an address of the operator's: signed, once for each who keeps the id, never elsewhere."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from app.channels.webhook import NAME, WebhookOutlet, delivery_id, webhook_outlet
from app.delivery import follow
from app.errors import ConfigError
from app.models.event import AGENTS, Event
from app.models.people import Principal
from app.models.reading import Reading
from evals.world.chatwoot.running import running
from tests.app.world import ANN, EVE, PLEASE, World, open_world

SECRET = "a secret of the operator's, for tests only"
DOCS = Path(__file__).parents[3] / "docs" / "webhooks.md"
PERSON = "I want to talk to a person."


class Receiver:
    """A server of the operator's: answers as it is told, and remembers what came."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.seconds = 0.0
        self.url = ""

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.api_route("/{path:path}", methods=["GET", "POST"])
        async def take(request: Request, path: str) -> Response:
            self.got.append((path, dict(request.headers), await request.body()))
            await asyncio.sleep(self.seconds)
            status = self.answers.pop(0) if self.answers else 200
            headers = {"location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
            return Response(status_code=status, headers=headers)

        return router

    def told(self, n: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.got[n][2])
        return found

    @property
    def ids(self) -> list[str]:
        return [headers["stepfour-delivery"] for _, headers, _ in self.got]


class Played:
    def __init__(self, world: World, receiver: Receiver, outlet: WebhookOutlet) -> None:
        self.world, self.receiver, self.outlet = world, receiver, outlet

    async def hand_off(self, who: Principal = ANN) -> str:
        self.world.readings[PERSON] = Reading(wants_person=True, request=PERSON)
        conversation = await self.world.talk(who)
        await self.world.say(conversation, PLEASE)
        await self.world.say(conversation, PERSON)
        return conversation

    async def until(self, what: Callable[[], bool], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not what():  # noqa: ASYNC110  what is waited for is another server's
                await asyncio.sleep(0.01)

    async def sent(self) -> None:
        """Waits until the outlet has come to the end of the agents' log."""
        async with asyncio.timeout(10):
            while await self.world.store.undelivered(NAME, None, agents=True):  # noqa: ASYNC110  it is in tables
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.channels.webhook.PAUSES_S", (0.02, 0.03))


@asynccontextmanager
async def played(folder: Path) -> AsyncIterator[Played]:
    receiver = Receiver()
    async with open_world(folder) as world, running([receiver.routes()], 0) as receiver.url:
        settings = world.settings.model_copy(
            update={"webhook_url": f"{receiver.url}/hook", "webhook_secret": SecretStr(SECRET)}
        )
        outlet = webhook_outlet(world.service, settings)
        assert outlet is not None
        task = asyncio.create_task(follow(world.store, [outlet]))
        try:
            yield Played(world, receiver, outlet)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await outlet.close()


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Played]:
    async with played(tmp_path / "data") as made:
        yield made


async def test_a_handoff_comes_with_its_dossier_both_ways_and_links(play: Played) -> None:
    conversation = await play.hand_off()
    await play.sent()
    (told,) = [play.receiver.told(n) for n in range(len(play.receiver.got))]
    assert (told["type"], told["conversation"], told["reason"]) == ("handoff", conversation, "asked")
    assert told["id"] == play.receiver.ids[0]
    assert told["dossier"]["next_move"] in told["markdown"]
    assert PERSON in told["markdown"] or PERSON in json.dumps(told["dossier"])
    assert told["links"]["conversation"].endswith(f"/assist#/c/{conversation}")
    assert told["links"]["dossier_json"].endswith(f"/v1/agent/conversations/{conversation}/dossier.json")


async def test_what_the_docs_say_tells_ours_from_forged_and_old(play: Played) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    genuine: Callable[..., bool] = names["genuine"]
    await play.hand_off()
    await play.sent()
    _, headers, body = play.receiver.got[0]
    given = headers["stepfour-signature"]
    now = int(play.world.clock().timestamp())
    assert genuine(SECRET, given, body, now=now)
    assert not genuine(SECRET, given, body + b" ", now=now)
    assert not genuine(SECRET + "x", given, body, now=now)
    assert not genuine(SECRET, given, body, now=now + 301)
    assert not genuine(SECRET, given.replace(f"t={now}", f"t={now + 1}"), body, now=now)
    for junk in ("", "t=,v1=", "v1=abc", f"t={now}", f"t={now},v1=é", "t=x,v1=y"):
        assert not genuine(SECRET, junk, body, now=now)


@pytest.mark.parametrize("status", [500, 503, 429, 404])
async def test_what_is_not_taken_is_sent_again_under_the_same_id(play: Played, status: int) -> None:
    play.receiver.answers = [status, status, status]
    await play.hand_off()
    await play.sent()
    assert len(play.receiver.got) == 4
    assert len(set(play.receiver.ids)) == 1
    assert len({body for _, _, body in play.receiver.got}) == 1


async def test_a_slow_receiver_is_asked_again_and_not_waited_for(
    play: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.channels.webhook.SECONDS", 0.1)
    play.receiver.seconds = 1.0
    await play.hand_off()
    await play.until(lambda: len(play.receiver.got) >= 2)
    play.receiver.seconds = 0.0
    await play.sent()
    assert len(set(play.receiver.ids)) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_never_followed(play: Played, status: int) -> None:
    play.receiver.answers = [status]
    await play.hand_off()
    await play.sent()
    assert [path for path, _, _ in play.receiver.got] == ["hook", "hook"]


async def test_a_crash_after_sending_sends_the_same_id_and_after_marking_nothing(play: Played) -> None:
    await play.hand_off()
    await play.sent()
    events = await play.world.store.events(AGENTS, 0)
    await play.outlet.deliver(AGENTS, events)
    assert len(play.receiver.got) == 1, "it is marked"
    (handoff,) = [event for event in events if event.type == "agent.handoff"]
    assert delivery_id(handoff) == play.receiver.ids[0], "one that was not marked goes out under the same id"


async def test_two_handoffs_keep_their_order_and_have_ids_of_their_own(play: Played) -> None:
    play.receiver.answers = [500]
    first = await play.hand_off()
    await play.until(lambda: bool(play.receiver.got))
    second = await play.hand_off(EVE)
    await play.sent()
    told = [play.receiver.told(n)["conversation"] for n in range(len(play.receiver.got))]
    assert told == [first, first, second]
    assert len(set(play.receiver.ids)) == 2


async def test_what_nobody_takes_for_days_is_given_up_and_holds_up_nothing(play: Played) -> None:
    play.receiver.answers = [500]
    handoff = Event(
        conversation=AGENTS,
        seq=1,
        type="agent.handoff",
        payload={"conversation": "c_gone", "reason": "asked"},
        at=play.world.clock(),
    )
    play.world.later(days=4)
    await play.outlet.deliver(AGENTS, [handoff])
    assert await play.world.store.posted(NAME, delivery_id(handoff)) == "given up"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "http://169.254.169.254/latest",
        "ftp://hooks.example.com",
        "https://me:pw@hooks.example.com/x",
        "nonsense",
    ],
)
async def test_an_address_that_could_leak_is_refused_at_start(play: Played, url: str) -> None:
    settings = play.world.settings.model_copy(
        update={"webhook_url": url, "webhook_secret": SecretStr(SECRET)}
    )
    with pytest.raises(ConfigError, match="STEPFOUR_WEBHOOK_URL"):
        webhook_outlet(play.world.service, settings)


async def test_a_short_secret_is_refused_and_no_address_is_no_webhook(play: Played) -> None:
    settings = play.world.settings.model_copy(
        update={"webhook_url": "https://hooks.example.com", "webhook_secret": SecretStr("short")}
    )
    with pytest.raises(ConfigError, match="STEPFOUR_WEBHOOK_SECRET"):
        webhook_outlet(play.world.service, settings)
    assert webhook_outlet(play.world.service, play.world.settings) is None
