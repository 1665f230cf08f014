"""Too much at once: refused early and clearly, what was accepted is read, and what runs goes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.models.conversation import Message
from app.models.people import Principal
from app.models.reading import Reading
from app.ports import AT_ONCE
from app.service import BEHIND, Service
from knowledge.model import Procedure
from tests.app.channels.calls import bearer, opened
from tests.app.conftest import PlayedService, played_service
from tests.app.world import MODES, ZOE, open_world, wants

MOST = 5


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[PlayedService]:
    async with played_service(tmp_path / "data", most_waiting=MOST) as played:
        yield played


@pytest.fixture
def gate(service: PlayedService) -> asyncio.Event:
    """Until it is set, no message is read to its end."""
    gate = asyncio.Event()

    async def wait(_: PlayedService, message: Message) -> None:
        await gate.wait()

    service.play = wait
    return gate


async def test_what_would_only_wait_is_refused_early_and_what_was_accepted_is_read(
    web: httpx.AsyncClient, service: PlayedService, gate: asyncio.Event, sign: Callable[..., str]
) -> None:
    tokens = [sign(f"customer{n}") for n in range(4 * MOST)]
    ids = [await opened(web, token) for token in tokens]

    async def post(token: str, id: str) -> httpx.Response:
        body = {"client_message_id": "1", "text": "Hello"}
        return await web.post(f"/v1/conversations/{id}/messages", json=body, headers=bearer(token))

    answers = await asyncio.gather(*(post(token, id) for token, id in zip(tokens, ids, strict=True)))
    assert Counter(answer.status_code for answer in answers) == {202: MOST, 503: 3 * MOST}
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["error"]["code"] == "busy"
    assert len(await service.store.to_do()) == MOST, "what was refused is not stored"
    gate.set()
    await service.idle()
    assert await service.store.to_do() == []
    late = next(n for n, answer in enumerate(answers) if answer.status_code == 503)
    assert (await post(tokens[late], ids[late])).status_code == 202


async def test_it_is_refused_at_the_door_and_what_is_no_new_message_is_let_in(
    web: httpx.AsyncClient, service: PlayedService, gate: asyncio.Event, sign: Callable[..., str]
) -> None:
    token = sign("ann")
    id = await opened(web, token)
    for n in range(MOST):
        sent = {"client_message_id": str(n), "text": "Hello"}
        path = f"/v1/conversations/{id}/messages"
        assert (await web.post(path, json=sent, headers=bearer(token))).status_code == 202
    for path in ("/v1/conversations", f"/v1/conversations/{id}/messages"):
        answer = await web.post(path, content=b"not even looked at", headers={"authorization": "nobody"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await web.get(f"/v1/conversations/{id}", headers=bearer(token))).status_code == 200
    person = await web.post(f"/v1/conversations/{id}/handoff", json={}, headers=bearer(token))
    assert person.status_code == 202
    gate.set()
    await service.idle()
    assert (await web.post("/v1/conversations", json={}, headers=bearer(token))).status_code == 201


async def test_nobody_is_let_in_behind_what_is_long_in_being_stored(
    web: httpx.AsyncClient, service: PlayedService, sign: Callable[..., str]
) -> None:
    service.stopped = datetime.now(UTC)
    token = sign("ann")
    id = await opened(web, token)

    async def post(number: int) -> httpx.Response:
        body = {"client_message_id": str(number), "text": "Hello"}
        return await web.post(f"/v1/conversations/{id}/messages", json=body, headers=bearer(token))

    with service.taking_in() as slow:
        assert slow == 0
        service.shift = BEHIND
        assert (await post(1)).status_code == 202, "one that is not slow yet holds nobody up"
        service.shift += timedelta(milliseconds=1)
        for answer in (await post(2), await web.post("/v1/conversations", json={}, headers=bearer(token))):
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
            assert int(answer.headers["retry-after"]) > 0
        with service.taking_in() as told:
            assert told > 0, "nor is one that passed the door at the same time"
    assert service.busy() == 0
    assert (await post(2)).status_code == 202
    await service.idle()
    assert await service.store.to_do() == []


async def test_it_goes_by_the_oldest_of_those_that_are_being_stored(service: PlayedService) -> None:
    service.stopped = datetime.now(UTC)
    first, second = service.taking_in(), service.taking_in()
    first.__enter__()
    service.shift = BEHIND
    second.__enter__()
    service.shift += BEHIND
    assert service.busy() > 0
    first.__exit__(None, None, None)
    assert service.busy() == 0, "the second is no older than the bound"
    service.shift += timedelta(milliseconds=1)
    assert service.busy() > 0
    second.__exit__(None, None, None)
    assert service.busy() == 0


async def test_who_opens_a_conversation_takes_up_room_while_it_is_stored(
    web: httpx.AsyncClient, service: PlayedService, gate: asyncio.Event, sign: Callable[..., str]
) -> None:
    async def open_(n: int) -> int:
        return (await web.post("/v1/conversations", json={}, headers=bearer(sign(f"new{n}")))).status_code

    for n in range(MOST - 1):
        token = sign(f"customer{n}")
        body = {"client_message_id": "1", "text": "Hello"}
        path = f"/v1/conversations/{await opened(web, token)}/messages"
        assert (await web.post(path, json=body, headers=bearer(token))).status_code == 202
    answers = Counter(await asyncio.gather(*(open_(n) for n in range(MOST))))
    assert answers == {201: 1, 503: MOST - 1}, "there is room for one message more"
    gate.set()
    await service.idle()


async def test_what_was_approved_waits_for_no_message_that_is_read(tmp_path: Path) -> None:
    async with open_world(tmp_path, {**MODES, "enable_https": "suggest"}) as world:
        await world.say(await world.talk())
        (card,) = await world.store.requests("proposed")
        reading, never = asyncio.Semaphore(0), asyncio.Event()

        async def slow(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
            reading.release()
            await never.wait()
            return wants()

        service = Service(replace(world.services, read=slow))
        for n in range(3 * AT_ONCE):
            conversation = await world.talk(Principal(kind="anonymous", id=str(n)))
            await service.start_message((await world.accept(conversation)).id)
        for _ in range(AT_ONCE):
            await reading.acquire()
        assert reading.locked(), "no more than so many are read at once"
        await service.decide_request(card.id, "approve", ZOE)
        async with asyncio.timeout(10):
            while world.effects != ["enable_https"]:  # noqa: ASYNC110  what is waited for is the world
                await asyncio.sleep(0.01)
        never.set()
        await service.idle()
        assert await world.store.to_do() == []


def test_a_lock_of_a_party_is_gone_with_its_last_holder(tmp_path: Path) -> None:
    async def body() -> int:
        async with open_world(tmp_path, MODES) as world:
            await world.say(await world.talk())
            return len(world.services.locks)

    assert asyncio.run(body()) == 0
