"""The founding case in Slack: the real service beside the small e-mail platform and the local Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.demo import demo_net, demo_settings
from app.serve import serving
from evals.world import scenarios
from evals.world.slack import FakeSlack
from evals.world.world import World

pytestmark = pytest.mark.slow

ASKED = (
    "@bot Hi! Click tracking is on, the branded links of both domains (links.kalahari.example and "
    "go.kalahari.example) are validated, and Cloudflare is in front of them with a certificate. Could you "
    "switch on HTTPS for the tracking links, please?"
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    with World.start(folder) as world:
        world.load(scenarios.all_ready())
        yield world


def settings(world: World, slack: FakeSlack, folder: Path, **modes: str) -> Any:
    made = demo_settings(world.addresses, folder, 0)
    return made.model_copy(
        update={
            "modes": {**made.modes, "slack": "auto", **modes},
            "slack_bot_token": SecretStr(slack.bot_token),
            "slack_signing_secret": SecretStr(slack.signing_secret),
            "slack_api_url": slack.api_url,
            "slack_team": "T0HERON",
            "slack_agents": ("U0SUPPORT",),
            "slack_agents_channel": "C0AGENTS",
        }
    )


def effects(world: World) -> int:
    found = world.effects(scenarios.ACCOUNT)
    return len([effect for effect in found if effect.after.get("https_tracking") is True])


def ours(slack: FakeSlack, asked: Any) -> list[Any]:
    return [m for m in slack.messages(asked.channel, asked.root) if m.bot_id and m.streaming != "in_progress"]


def pressable(messages: Any) -> list[Any]:
    return [message for message in messages if message.button("approve")]


async def test_https_is_switched_on_from_one_mention(world: World, tmp_path: Path) -> None:
    async with FakeSlack.serve() as slack:
        made = settings(world, slack, tmp_path / "data")
        async with serving(made, demo_net(world.addresses)) as address:
            slack.request_url = f"{address}/slack/events"
            asked = await slack.post("U0CUSTOMER", "C0HELP", ASKED)
            await slack.until(
                lambda: any("HTTPS is now on" in m.said for m in ours(slack, asked)), timeout=60
            )
            await slack.settle()
        (answer,) = ours(slack, asked)
        plan = next(block for block in answer.blocks if block["type"] == "plan")
        assert plan["title"].endswith("3 of 3 done")
        assert {task["status"] for task in plan["tasks"]} == {"complete"}
        assert slack.state.sessions["C0HELP", asked.ts].status == "active"
        assert effects(world) == 1
        assert slack.violations == []


async def test_https_is_switched_on_after_an_agents_yes_in_slack(world: World, tmp_path: Path) -> None:
    async with FakeSlack.serve() as slack:
        made = settings(world, slack, tmp_path / "data", enable_https="suggest")
        async with serving(made, demo_net(world.addresses)) as address:
            slack.request_url = f"{address}/slack/events"
            asked = await slack.post("U0CUSTOMER", "C0HELP", ASKED)
            wanted = "C0AGENTS"
            await slack.until(lambda: pressable(slack.messages(wanted)), timeout=60)
            await slack.until(lambda: pressable(ours(slack, asked)), timeout=60)
            assert effects(world) == 0
            (card,) = pressable(slack.messages(wanted))
            await slack.press("U0GUEST", pressable(ours(slack, asked))[0], "approve")
            await slack.press("U0SUPPORT", card, "approve")
            await slack.until(
                lambda: any("HTTPS is now on" in m.said for m in ours(slack, asked)), timeout=60
            )
            await slack.settle()
        assert "Approved by Kim Weiss" in str(slack.message("C0AGENTS", card.ts))
        assert effects(world) == 1
        assert slack.violations == []
