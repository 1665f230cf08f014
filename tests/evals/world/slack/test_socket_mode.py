"""Socket Mode, with Bolt's own client on the other side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evals.world.slack import FakeSlack
from tests.evals.world.slack.other_app import Other, kinds


@pytest.fixture
async def socketed(slack: FakeSlack) -> AsyncIterator[Other]:
    slack.socket_mode = True
    other = Other(slack)
    handler = AsyncSocketModeHandler(other.app, slack.app_token, web_client=other.client)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.until(lambda: len(slack.sockets.open) == 1)
    yield other
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_events_and_clicks_over_the_socket(slack: FakeSlack, socketed: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    card = slack.thread_of(asked)[1]
    assert (await slack.press("U0SUPPORT", card, "edit")).ok
    view = (await slack.until(lambda: slack.open_views("U0SUPPORT")))[0]
    assert (await slack.submit("U0SUPPORT", view, {"words": "no"})).errors == {"reply": "too short"}
    assert (await slack.command("U0SUPPORT", "C0HELP", "x")).text == "you said x"
    assert slack.failed == []
    assert slack.violations == []


async def test_a_refresh_makes_the_app_connect_again(slack: FakeSlack, socketed: Other) -> None:
    first = slack.sockets.open[0]
    await slack.disconnect("refresh_requested")
    await slack.until(lambda: any(one is not first for one in slack.sockets.open), timeout=15)
    await slack.post("U0CUSTOMER", "C0HELP", "still there?")
    await slack.settle()
    assert socketed.got[-1]["text"] == "still there?"
    assert [e["text"] for e in socketed.got] == ["still there?"]
    assert len(slack.calls_of("apps.connections.open")) >= 2


async def test_envelopes_wait_for_their_acknowledgement(slack: FakeSlack) -> None:
    slack.set(socket_mode=True, ack_seconds=0.05)
    client = AsyncWebClient(base_url=slack.api_url)
    opened = await client.apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"]) as ws:
        assert (await ws.receive_json())["type"] == "hello"
        await slack.post("U0CUSTOMER", "C0HELP", "hello")
        first, again = await ws.receive_json(), await ws.receive_json()
        assert first["envelope_id"] != again["envelope_id"]
        assert first["payload"]["event_id"] == again["payload"]["event_id"]
        assert (first["retry_attempt"], again["retry_attempt"]) == (0, 1)
        assert again["retry_reason"] == "timeout"
        await ws.send_str(json.dumps({"envelope_id": again["envelope_id"]}))
        await slack.until(lambda: len(slack.deliveries) == 2)
        await ws.send_str("not an envelope")
        await slack.until(lambda: slack.violations)
        await slack.disconnect("warning")
        assert (await ws.receive_json())["reason"] == "warning"
    assert [d.ok for d in slack.deliveries] == [False, True]


async def test_a_link_is_good_once_and_only_with_the_app_token(slack: FakeSlack) -> None:
    slack.socket_mode = True
    client = AsyncWebClient(base_url=slack.api_url)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=slack.bot_token)
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as ws:
            await ws.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_without_socket_mode_the_link_is_disabled(slack: FakeSlack) -> None:
    client = AsyncWebClient(base_url=slack.api_url)
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
        assert (await ws.receive_json())["reason"] == "link_disabled"


async def test_nobody_connected_is_a_failed_delivery(slack: FakeSlack) -> None:
    slack.socket_mode = True
    await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.until(lambda: slack.deliveries)
    await asyncio.sleep(0)
    assert kinds(slack)[0] == "message"
    assert slack.failed[0].reason == "connection_failed"
