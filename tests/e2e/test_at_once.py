"""Many at the same moment, over the HTTP API: one effect, one answer, and the order kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from evals.world import scenarios
from evals.world.spec import Spec
from evals.world.world import World
from tests.e2e.conftest import Site, Talk, https_switches
from tests.e2e.test_second_thoughts import WISH, bot_texts, resolved

MANY = 50


@pytest.fixture(scope="module")
def careful(new_site: Callable[..., Site]) -> Site:
    """Here a person of the team approves; nothing is looked at a second time by itself."""
    return new_site(modes={"web": "auto", "enable_https": "suggest"}, watch_seconds=(3600,))


async def at_once(site: Site, token: str, path: str, bodies: list[dict[str, str]]) -> list[httpx.Response]:
    headers = {"Authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=len(bodies))
    async with httpx.AsyncClient(
        base_url=site.url, headers=headers, trust_env=False, timeout=60, limits=limits
    ) as client:
        return list(await asyncio.gather(*(client.post(path, json=body) for body in bodies)))


def agent_token(site: Site) -> str:
    return site.agent().headers["Authorization"].removeprefix("Bearer ")


def in_order(talk: Talk) -> list[dict[str, object]]:
    """Every event of a conversation, as somebody who comes now is told them: numbered without a gap."""
    last = talk.client.get(talk.path).raise_for_status().json()["seq"]
    told = talk.after(0, lambda so_far: so_far.seq == last)
    assert [event.seq for event in told.events] == list(range(1, last + 1))
    return [event.payload for event in told.events if event.kind == "message.done"]


def test_fifty_approvals_of_one_card_are_one(careful: Site, world: World, scene: Callable[..., Spec]) -> None:
    spec = scene(scenarios.all_ready)
    talk = careful.talk(spec.owner)
    waiting = talk.say(WISH["en"])
    (card,) = waiting.payloads("action.proposed")
    path = f"/v1/requests/{card['request']}/approve"
    answers = asyncio.run(at_once(careful, agent_token(careful), path, [{}] * MANY))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: MANY - 1}
    talk.after(waiting.seq, resolved)
    assert https_switches(world, spec.account) == 1
    assert len(world.effects(spec.account)) == 1
    assert len(bot_texts(talk)) == 2, "the card, and how it ended"
    in_order(talk)


def test_fifty_equal_posts_are_one_message(careful: Site, world: World, scene: Callable[..., Spec]) -> None:
    spec = scene(scenarios.all_ready)
    talk = careful.talk(spec.owner)
    body = {"client_message_id": "same", "text": WISH["en"]}
    answers = asyncio.run(at_once(careful, careful.token(spec.owner), f"{talk.path}/messages", [body] * MANY))
    taken = [answer.json() for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert all(answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert len(taken) >= 20
    assert len({accepted["message"]["id"] for accepted in taken}) == 1
    assert sum(not accepted["seen_before"] for accepted in taken) == 1
    waiting = talk.after(0, lambda so_far: so_far.events[-1].payload.get("status") == "awaiting_approval")
    assert len(waiting.payloads("action.proposed")) == 1
    assert [message["role"] for message in talk.messages()] == ["customer", "bot"]


def test_two_messages_of_one_customer_at_once_are_one_answer_in_their_order(
    site: Site, world: World, scene: Callable[..., Spec]
) -> None:
    spec = scene(scenarios.all_ready)
    talk = site.talk(spec.owner)
    bodies = [
        {"client_message_id": "one", "text": "Hello!"},
        {"client_message_id": "two", "text": WISH["en"]},
    ]
    answers = asyncio.run(at_once(site, site.token(spec.owner), f"{talk.path}/messages", bodies))
    assert [answer.status_code for answer in answers] == [202, 202]
    talk.after(0, resolved)
    assert https_switches(world, spec.account) == 1
    told = [payload["message"] for payload in in_order(talk)]
    assert [message["role"] for message in told] == ["customer", "customer", "bot"]  # type: ignore[index]
    by_number = sorted(answers, key=lambda answer: answer.json()["seq"])
    assert [answer.json()["message"]["id"] for answer in by_number] == [m["id"] for m in told[:2]]  # type: ignore[index]
