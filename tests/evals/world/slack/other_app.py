"""A small Bolt app on the other side, over HTTP or Socket Mode: a real one, on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from evals.world.slack import FakeSlack

ASK = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Edit and send"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reply",
            "label": {"type": "plain_text", "text": "Reply"},
            "element": {"type": "plain_text_input", "action_id": "words", "multiline": True},
        }
    ],
}
CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*HTTPS* for links.kalahari.example"}},
    {
        "type": "actions",
        "block_id": "ap_1",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "style": "primary",
                "text": {"type": "plain_text", "text": "Enable HTTPS"},
                "value": "ap_1.nonce",
            },
            {"type": "button", "action_id": "edit", "text": {"type": "plain_text", "text": "Edit"}},
        ],
    },
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
                "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
            }
        ],
    },
]


class Other:
    """The app under the double's eyes, and what reached it."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack
        self.client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.app = AsyncApp(client=self.client, signing_secret=slack.signing_secret)
        self.got: list[dict[str, Any]] = []
        self.requests: list[dict[str, str]] = []
        self.slow = 0.0
        """Seconds that its acknowledgements take."""
        listen(self)


def listen(other: Other) -> None:
    app = other.app

    @app.event("app_mention")
    async def mention(event: dict[str, Any], client: AsyncWebClient) -> None:
        other.got.append(event)
        await client.chat_postMessage(
            channel=event["channel"],
            thread_ts=event.get("thread_ts") or event["ts"],
            text="seen",
            blocks=CARD,
            unfurl_links=False,
            unfurl_media=False,
        )

    for name in ("message", "app_home_opened", "agent_session_stopped"):

        @app.event(name)
        async def keep(event: dict[str, Any]) -> None:
            other.got.append(event)

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        other.got.append(body)
        if body["user"]["team_id"] != "T0HERON":
            await respond("not yours to press", replace_original=False)

    @app.action("edit")
    async def edit(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=ASK)

    @app.action("feedback")
    async def feedback(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        other.got.append(body)

    @app.view("ask")
    async def submitted(ack: Any, body: dict[str, Any]) -> None:
        words = body["view"]["state"]["values"]["reply"]["words"]["value"]
        other.got.append(body)
        await (ack(response_action="errors", errors={"reply": "too short"}) if len(words) < 3 else ack())

    @app.shortcut("triage_thread")
    async def triage(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        other.got.append(body)

    @app.command("/triage")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        other.got.append(body)
        await ack(f"you said {body['text']}")


@asynccontextmanager
async def over_http(slack: FakeSlack) -> AsyncIterator[Other]:
    other = Other(slack)
    handler = AsyncSlackRequestHandler(other.app)
    api = FastAPI()

    async def events(request: Request) -> Response:
        other.requests.append(dict(request.headers))
        await asyncio.sleep(other.slow)
        return await handler.handle(request)

    api.add_api_route("/slack/events", events, methods=["POST"], response_model=None)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag
        await asyncio.sleep(0.01)
    slack.request_url = f"http://127.0.0.1:{listening.getsockname()[1]}/slack/events"
    try:
        yield other
    finally:
        slack.request_url = None
        server.should_exit = True
        await running
        listening.close()


def kinds(slack: FakeSlack) -> list[str]:
    return [delivery.kind for delivery in slack.deliveries]
