"""The local Chatwoot refuses and tells what the real one does, so that a bot that pleases it pleases that."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from playwright.sync_api import sync_playwright

from evals.world.chatwoot import FakeChatwoot
from evals.world.chatwoot.rules import SOURCES
from evals.world.chatwoot.running import running

BASE = "/api/v1/accounts/1"
CHROMIUM = "/usr/bin/chromium"


class Bot:
    """Where the webhooks go."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.post("/hook")
        async def hook(request: Request) -> Response:
            self.got.append((dict(request.headers), await request.body()))
            return Response(status_code=self.answers.pop(0) if self.answers else 200)

        return router

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.got]

    def last(self, event: str) -> dict[str, Any]:
        found = [json.loads(body) for _, body in self.got]
        told: dict[str, Any] = [each for each in found if each["event"] == event][-1]
        return told


@asynccontextmanager
async def place(**options: Any) -> AsyncIterator[tuple[FakeChatwoot, httpx.AsyncClient, Bot]]:
    bot = Bot()
    async with (
        running([bot.routes()], 0) as url,
        FakeChatwoot.serve(webhook_url=f"{url}/hook", retry_seconds=0.01, **options) as desk,
        httpx.AsyncClient(base_url=desk.url, trust_env=False) as http,
    ):
        yield desk, http, bot


@pytest.fixture
async def here() -> AsyncIterator[tuple[FakeChatwoot, httpx.AsyncClient, Bot]]:
    async with place() as made:
        yield made


Here = tuple[FakeChatwoot, httpx.AsyncClient, Bot]


def bot_of(desk: FakeChatwoot) -> dict[str, str]:
    return {"api_access_token": desk.bot_token}


def agent_of(desk: FakeChatwoot) -> dict[str, str]:
    return {"api_access_token": desk.agent_token}


async def say(http: httpx.AsyncClient, desk: FakeChatwoot, **body: Any) -> httpx.Response:
    return await http.post(f"{BASE}/conversations/1/messages", json=body, headers=bot_of(desk))


async def test_tokens_and_rights_are_refused_in_chatwoots_words(here: Here) -> None:
    desk, http, _ = here
    await desk.write(desk.visitor(), "hi")
    path = f"{BASE}/conversations/1"
    answer = await http.get(path)
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid Access Token"})
    assert (await http.get(path, headers={"api_access_token": "x"})).status_code == 401
    answer = await http.get(f"{path}/messages", headers=bot_of(desk))
    assert answer.json() == {"error": "Access to this endpoint is not authorized for bots"}
    assert (await http.get(f"{BASE}/inboxes/1", headers=bot_of(desk))).status_code == 401
    assert (await http.get(path, headers=bot_of(desk))).status_code == 200
    assert (await http.get(f"{path}/messages", headers=agent_of(desk))).status_code == 200
    answer = await http.get(f"{BASE}/conversations/99", headers=agent_of(desk))
    assert (answer.status_code, answer.json()) == (404, {"error": "Resource could not be found"})
    assert (await http.get("/api/v1/accounts/2/conversations/1", headers=agent_of(desk))).status_code == 404
    assert (await http.get(f"{BASE}/nothing", headers=agent_of(desk))).status_code == 404
    assert [v.rule for v in desk.violations][-1] == "unknown_route"
    assert all(violation.source == SOURCES[violation.rule] for violation in desk.violations)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"content": "x", "message_type": "incoming"}, "only allowed in Api inboxes"),
        ({"content": "x", "content_type": "buttons"}, "not a valid content_type"),
        ({"content": "x", "message_type": "whisper"}, "not a valid message_type"),
        ({"content": "x", "content_type": "input_select"}, "At least one item"),
        (
            {
                "content": "x",
                "content_type": "input_select",
                "content_attributes": {"items": [{"title": "a", "value": "b", "key": "c"}]},
            },
            "invalid keys for items : [:key]",
        ),
        ({"content": "x" * 150_001}, "too long"),
    ],
)
async def test_messages_that_are_refused(here: Here, body: dict[str, Any], words: str) -> None:
    desk, http, _ = here
    await desk.write(desk.visitor(), "hi")
    answer = await say(http, desk, **body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert len(desk.violations) == 1


async def test_what_is_quietly_lost_is_a_violation(here: Here) -> None:
    desk, http, _ = here
    await desk.write(desk.visitor(inbox=desk.whatsapp), "hi")
    answer = await say(
        http, desk, content="x", content_attributes={"key": "mine"}, source_id="mine", external_created_at=7
    )
    assert answer.json()["content_attributes"] == {"external_created_at": 7}
    await say(http, desk, content=" ")
    assert [v.rule for v in desk.violations] == ["lost_attribute", "source_id_stops_sending", "nothing_said"]


async def test_too_many_messages_a_minute() -> None:
    async with place(messages_a_minute=2) as (desk, http, _):
        await desk.write(desk.visitor(), "hi")
        assert (await say(http, desk, content="1")).status_code == 200
        assert "Too many messages" in (await say(http, desk, content="2")).json()["error"]


async def test_messages_come_in_pages(here: Here) -> None:
    desk, http, _ = here
    ana = desk.visitor()
    ids = [(await desk.write(ana, str(n))).id for n in range(45)]

    async def page(**params: int) -> list[int]:
        answer = await http.get(f"{BASE}/conversations/1/messages", params=params, headers=agent_of(desk))
        return [message["id"] for message in answer.json()["payload"]]

    assert await page() == ids[-20:]
    assert await page(before=ids[-20]) == ids[5:25]
    assert await page(after=ids[40]) == ids[41:]
    assert await page(after=ids[3], before=ids[6]) == ids[3:6]


async def test_a_bots_open_is_a_handoff_and_an_agents_is_an_assignment(here: Here) -> None:
    desk, http, bot = here
    await desk.write(desk.visitor(), "hi")
    path = f"{BASE}/conversations/1/toggle_status"
    answer = await http.post(path, json={"status": "open"}, headers=bot_of(desk))
    assert answer.json()["payload"]["current_status"] == "open"
    assert desk.conversation(1).assignee is None
    await http.post(path, json={"status": "pending"}, headers=bot_of(desk))
    await http.post(path, json={"status": "open"}, headers=agent_of(desk))
    assert desk.conversation(1).assignee is desk.state.users[2]
    await desk.settle()
    changed = bot.last("conversation_status_changed")["changed_attributes"]
    assert changed == [{"status": {"previous_value": "pending", "current_value": "open"}}]
    assert (await http.post(path, json={"status": "done"}, headers=bot_of(desk))).status_code == 500


async def test_webhooks_are_signed_and_carry_both_words_and_states(here: Here) -> None:
    desk, _, bot = here
    ana = desk.visitor("Ana")
    desk.identify(ana, "acme/ann")
    await desk.write(ana, "hi")
    await desk.settle()
    assert bot.events == ["webwidget_triggered", "message_created"]
    headers, body = bot.got[-1]
    signed = f"{headers['x-chatwoot-timestamp']}.".encode() + body
    expected = hmac.new(desk.state.bot.secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-chatwoot-signature"] == f"sha256={expected}"
    told = json.loads(body)
    assert (told["message_type"], told["content"], told["account"]["id"]) == ("incoming", "hi", 1)
    assert told["conversation"]["status"] == "pending"
    assert told["conversation"]["meta"]["hmac_verified"] is True
    assert told["conversation"]["messages"][0]["message_type"] == 0, "a number here, a word above"


async def test_only_500_and_429_are_told_again_and_what_fails_opens_the_conversation(here: Here) -> None:
    desk, _, bot = here
    ana = desk.visitor()
    await desk.settle()
    bot.answers = [500, 429, 200]
    await desk.write(ana, "one")
    await desk.settle()
    assert [d.attempt for d in desk.deliveries[1:]] == [1, 2, 3]
    assert len({d.id for d in desk.deliveries[1:]}) == 1
    assert desk.conversation(1).status == "pending"
    bot.answers = [404]
    await desk.write(ana, "two")
    await desk.settle()
    assert desk.conversation(1).status == "open"
    assert "error with the agent bot" in (desk.conversation(1).messages[-1].content or "")


async def test_twice_held_and_backwards_on_demand(here: Here) -> None:
    desk, _, bot = here
    ana = desk.visitor()
    await desk.settle()
    desk.tell_twice()
    await desk.write(ana, "one")
    await desk.settle()
    assert bot.events[1:] == ["message_created"] * 2
    assert bot.got[1][1] == bot.got[2][1]
    desk.hold()
    await desk.write(ana, "two")
    await desk.set_status(desk.kim, 1, "resolved")
    await desk.settle()
    assert len(bot.got) == 3
    desk.release(backwards=True)
    await desk.settle()
    assert bot.events[3:] == [
        "conversation_updated",
        "conversation_status_changed",
        "conversation_resolved",
        "message_created",
    ]


async def test_opening_by_assignment_tells_of_the_update_alone(here: Here) -> None:
    desk, _, bot = here
    await desk.write(desk.visitor(), "hi")
    await desk.settle()
    before = len(bot.got)
    await desk.open_by_assignment(desk.kim, 1)
    await desk.settle()
    assert bot.events[before:] == ["conversation_updated"]
    assert desk.conversation(1).status == "open"


async def test_an_identifier_needs_its_hash_where_that_is_enforced(here: Here) -> None:
    desk, _, _ = here
    ana, eve = desk.visitor(), desk.visitor(inbox=desk.unproven)
    assert not desk.identify(ana, "acme/ann", signed=False)
    assert not desk.state.identify(ana, "acme/ann", "0" * 64)
    assert desk.identify(ana, "acme/ann")
    assert (ana.hmac_verified, ana.contact.identifier) == (True, "acme/ann")
    assert desk.identify(eve, "acme/ann", signed=False)
    assert not eve.hmac_verified


async def test_a_pressed_option_is_told_and_a_resolved_conversation_comes_back(here: Here) -> None:
    desk, http, bot = here
    ana = desk.visitor()
    await desk.write(ana, "hi")
    items = [{"title": "Yes", "value": "yes"}, {"title": "No", "value": "no"}]
    await say(http, desk, content="?", content_type="input_select", content_attributes={"items": items})
    await desk.choose(desk.conversation(1).messages[-1], "no")
    await desk.settle()
    chosen = bot.last("message_updated")["content_attributes"]["submitted_values"]
    assert chosen == [{"title": "No", "value": "no"}]
    await desk.set_status(desk.kim, 1, "resolved")
    await desk.write(ana, "again")
    assert desk.conversation(1).status == "pending"


async def test_a_cut_answer_was_done(here: Here) -> None:
    desk, http, _ = here
    await desk.write(desk.visitor(), "hi")
    desk.drop_next("messages.create")
    with pytest.raises(httpx.HTTPError):
        await say(http, desk, content="there")
    assert desk.said(1) == ["there"]
    desk.fail_next("messages.create", 429, retry_after="3")
    answer = await say(http, desk, content="not there")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert desk.said(1) == ["there"]


def test_it_runs_in_a_thread_for_browsers() -> None:
    with FakeChatwoot.thread(app_url='http://127.0.0.1:1/assist?a=<&"') as desk:
        desk.run(desk.write(desk.visitor("Ana"), "hi"))
        page = httpx.get(f"{desk.url}/app/accounts/1/conversations/1", trust_env=False)
        assert "assist?a=" in page.text
        assert '?a=<&"' not in page.text
        state = httpx.get(f"{desk.url}/_desk/state", trust_env=False).json()
        assert state["conversations"][0]["messages"][0]["content"] == "hi"
        assert asyncio.iscoroutinefunction(desk.write)


def test_the_page_tells_the_frame_as_chatwoot_does_and_shows_words_as_words(tmp_path: Path) -> None:
    frame = tmp_path / "app.html"
    frame.write_text("<p></p><script>window.heard = []; onmessage = (e) => heard.push(e.data)</script>")
    hostile = "<img src=x onerror=\"document.title='run'\"> **bold**"
    with FakeChatwoot.thread() as desk, sync_playwright() as browsers:
        desk.run(desk.write(desk.visitor("Ana"), hostile))
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/framed", lambda route: route.fulfill(path=frame, content_type="text/html"))
        desk.app_url = f"{desk.url}/framed"
        page.goto(f"{desk.url}/app/accounts/1/conversations/1")
        page.locator("#messages li", has_text=hostile.replace("**", "")).wait_for()
        assert page.locator("iframe").count() == 0, "it is made when its tab is first opened"
        page.get_by_role("tab", name="Stepfour").click()
        framed = page.frame_locator("iframe").locator("p")
        framed.wait_for(state="attached")
        inside = next(each for each in page.frames if each.parent_frame)
        inside.wait_for_function("heard.length === 1")
        told = json.loads(inside.evaluate("heard[0]"))
        assert (told["event"], told["data"]["conversation"]["id"]) == ("appContext", 1)
        assert told["data"]["currentAgent"]["email"] == "kim@heron.example"
        inside.evaluate("parent.postMessage('chatwoot-dashboard-app:fetch-info', '*')")
        inside.wait_for_function("heard.length === 2")
        assert page.title() == "Local Chatwoot"
        browser.close()
