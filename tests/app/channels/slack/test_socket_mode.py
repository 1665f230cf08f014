"""The same channel where we call Slack: no open port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr


@pytest.fixture
async def house(slack: Any, kit: Any, tmp_path: Path) -> AsyncIterator[Any]:
    slack.socket_mode = True
    house = kit.house(
        slack, tmp_path / "data", slack_app_token=SecretStr(slack.app_token), slack_signing_secret=None
    )
    await house.start()
    yield house
    await house.stop()


async def test_mentions_clicks_and_commands_come_over_the_socket(house: Any, kit: Any) -> None:
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    (answer,) = await house.answered(asked)
    assert kit.reply in answer.said
    await house.slack.press("U0CUSTOMER", answer, "person")
    assert len(await house.answered(asked, 2)) == 2
    said = await house.slack.command("U0CUSTOMER", "C0HELP", "help", "/stepfour")
    assert "/stepfour status" in said.text


async def test_a_refreshed_connection_loses_nothing(house: Any, kit: Any) -> None:
    await house.slack.disconnect("refresh_requested")
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await house.slack.until(lambda: house.ours(asked), timeout=20)
    assert len(await house.answered(asked)) == 1
