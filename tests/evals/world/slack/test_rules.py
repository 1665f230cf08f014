"""Each rule bites: one row a rule, with the error that Slack answers, through the real SDK client."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evals.world.slack import FakeSlack
from evals.world.slack.blocks import bad_blocks, bad_view, check_chunks
from evals.world.slack.rules import METHODS, signature_of

Json = dict[str, Any]
OLD = "1700000000.000001"
HI = {"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}


def text(words: str, kind: str = "plain_text") -> Json:
    return {"type": kind, "text": words}


def button(**changes: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": text("Go")} | changes


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def feedback(**changes: Any) -> Json:
    good = {"text": text("Good"), "value": "1"}
    buttons = {
        "type": "feedback_buttons",
        "action_id": "f",
        "positive_button": good,
        "negative_button": good,
    }
    return {"type": "context_actions", "elements": [buttons | changes]}


def plan(**task: Any) -> Json:
    return {"type": "plan", "title": "Steps", "tasks": [{"task_id": "1", "title": "Look"} | task]}


CARD = {"type": "task_card", "task_id": "1", "title": "x", "status": "pending"}


async def error_of(client: AsyncWebClient, method: str, **args: Any) -> str:
    try:
        await client.api_call(method, json=args)
    except SlackApiError as error:
        return str(error.response["error"])
    return "ok"


ROWS: list[tuple[str, str, Json]] = [
    ("unknown_method", "chat.shout", {"channel": "C0HELP"}),
    ("unknown_method", "chat.stream", {}),
    ("invalid_arguments", "chat.postMessage", {"text": "hi"}),
    ("invalid_arguments", "chat.postMessage", {"channel": "C0HELP", "text": 5}),
    ("invalid_arguments", "chat.postMessage", {"channel": "C0HELP", "text": "hi", "tone": "kind"}),
    ("invalid_arguments", "chat.postMessage", {"channel": "C0HELP", "text": "hi", "unfurl_links": "no"}),
    ("invalid_arguments", "chat.postMessage", {"channel": "C0HELP", "text": "hi", "thread_ts": "17"}),
    ("no_text", "chat.postMessage", {"channel": "C0HELP"}),
    ("msg_too_long", "chat.postMessage", {"channel": "C0HELP", "text": "x" * 40_001}),
    ("msg_too_long", "chat.postMessage", {"channel": "C0HELP", "markdown_text": "x" * 12_001}),
    (
        "msg_blocks_too_long",
        "chat.postMessage",
        {"channel": "C0HELP", "blocks": [{"type": "markdown", "text": "x" * 6_001}] * 2},
    ),
    ("markdown_text_conflict", "chat.postMessage", {"channel": "C0HELP", "markdown_text": "a", "text": "a"}),
    ("invalid_blocks", "chat.postMessage", {"channel": "C0HELP", "blocks": [{"type": "shout"}]}),
    ("invalid_metadata_format", "chat.postMessage", {"channel": "C0HELP", "text": "a", "metadata": {"a": 1}}),
    ("channel_not_found", "chat.postMessage", {"channel": "C0NOWHERE", "text": "hi"}),
    ("not_in_channel", "chat.postMessage", {"channel": "C0RANDOM", "text": "hi"}),
    (
        "thread_not_found",
        "chat.postMessage",
        {"channel": "C0HELP", "text": "a", "thread_ts": OLD},
    ),
    ("user_not_in_channel", "chat.postEphemeral", {"channel": "C0HELP", "text": "a", "user": "U0STRANGER"}),
    ("message_not_found", "chat.update", {"channel": "C0HELP", "ts": OLD, "text": "a"}),
    ("invalid_arguments", "views.open", {"view": {"type": "modal", "title": text("T"), "blocks": [HI]}}),
    (
        "invalid_trigger_id",
        "views.open",
        {"trigger_id": "x", "view": {"type": "modal", "title": text("T"), "blocks": [HI]}},
    ),
    ("invalid_arguments", "views.publish", {"user_id": "U0GUEST", "view": {"type": "modal", "blocks": []}}),
    ("user_not_found", "users.info", {"user": "U0NOBODY"}),
    (
        "invalid_name",
        "reactions.add",
        {"channel": "C0HELP", "name": ":eyes:", "timestamp": OLD},
    ),
    ("invalid_arguments", "agents.sessions.setStatus", {"channel_id": "C0HELP", "status": "processing"}),
    (
        "invalid_arguments",
        "assistant.threads.setSuggestedPrompts",
        {"channel_id": "D0CUSTOMER", "prompts": [{"title": "t", "message": "m"}] * 5},
    ),
    ("fatal_error", "admin.users.list", {}),
]


@pytest.mark.parametrize(("error", "method", "args"), ROWS, ids=[f"{row[1]}-{row[0]}" for row in ROWS])
async def test_answers_as_slack_does_and_keeps_it(
    slack: FakeSlack, client: AsyncWebClient, error: str, method: str, args: Json
) -> None:
    assert await error_of(client, method, **args) == error
    violation = slack.violations[-1]
    assert (violation.rule, violation.method) == (error, method)
    assert violation.doc.startswith("docs.slack.dev/")


async def test_tokens(slack: FakeSlack) -> None:
    for token, error in (("xoxb-wrong", "invalid_auth"), (slack.app_token, "not_allowed_token_type")):
        client = AsyncWebClient(token=token, base_url=slack.api_url)
        assert await error_of(client, "auth.test") == error
    assert await error_of(AsyncWebClient(base_url=slack.api_url), "auth.test") == "not_authed"


async def test_scopes_are_needed_and_email_has_its_own(slack: FakeSlack, client: AsyncWebClient) -> None:
    assert (await client.users_info(user="U0CUSTOMER"))["user"]["profile"]["email"] == "ana@kalahari.example"
    assert "email" not in (await client.users_info(user="U0STRANGER"))["user"]["profile"]
    slack.set(scopes=slack.options.scopes - {"users:read.email", "reactions:write"})
    assert "email" not in (await client.users_info(user="U0CUSTOMER"))["user"]["profile"]
    args = {"channel": "C0HELP", "name": "eyes", "timestamp": OLD}
    with pytest.raises(SlackApiError) as caught:
        await client.reactions_add(**args)
    assert caught.value.response["needed"] == "reactions:write"


async def test_guests_and_strangers_are_marked(client: AsyncWebClient) -> None:
    guest = (await client.users_info(user="U0GUEST"))["user"]
    stranger = (await client.users_info(user="U0STRANGER"))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, True)
    assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T0ACME")


BAD_BLOCKS: list[tuple[str, list[Json]]] = [
    ("at most 50", [HI] * 51),
    ("1 to 75", [actions(button(text=text("x" * 76)))]),
    ("2000", [actions(button(value="x" * 2001))]),
    ("twice in one block", [actions(button(), button())]),
    ("plain_text", [actions(button(text=text("Go", "mrkdwn")))]),
    ("style", [actions(button(style="warning"))]),
    ("additional property: colour", [actions(button(colour="red"))]),
    ("cannot exceed 3000", [HI | {"text": text("x" * 3001, "mrkdwn")}]),
    ("1 to 3000", [HI | {"text": text("", "mrkdwn")}]),
    ("150", [{"type": "header", "text": text("x" * 151)}]),
    ("plain_text", [{"type": "header", "text": text("x", "mrkdwn")}]),
    ("must be specified", [{"type": "section"}]),
    ("unsupported type", [{"type": "shout", "text": text("x")}]),
    (
        "exclude each other",
        [plan(), {"type": "task_card", "task_id": "1", "title": "x", "status": "pending"}],
    ),
    ("pending, in_progress, complete", [plan(status="completed")]),
    ("missing required field: text", [plan(sources=[{"type": "url", "url": "https://a.example"}])]),
    ("rich_text", [plan(output="words")]),
    ("holds no", [actions({"type": "image", "alt_text": "x", "image_url": "https://a.example/x.png"})]),
    ("holds no", [{"type": "actions", "elements": [feedback()["elements"][0]]}]),
    ("1 to 2000", [feedback(positive_button={"text": text("Good"), "value": ""})]),
    ("is there twice", [HI | {"block_id": "a"}, HI | {"block_id": "a"}]),
    ("elements attribute cannot exceed 10", [{"type": "context", "elements": [text("x", "mrkdwn")] * 11}]),
    ("elements attribute cannot exceed 25", [actions(*(button(action_id=str(n)) for n in range(26)))]),
]


@pytest.mark.parametrize(("words", "blocks"), BAD_BLOCKS)
def test_blocks_that_slack_refuses(words: str, blocks: list[Json]) -> None:
    found = [f"{bad.detail}" for bad in bad_blocks(blocks)]
    assert any(words in detail for detail in found), found


def test_blocks_that_slack_takes() -> None:
    source = {"type": "url", "url": "https://help.example/a", "text": "HTTPS"}
    rich = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [text("x", "text")]}],
    }
    good = [
        HI,
        {"type": "header", "text": text("x" * 150)},
        actions(button(value="x" * 2000, style="primary"), button(action_id="b", text=text("x" * 75))),
        feedback(),
        plan(status="complete", output=rich, sources=[source]),
        {"type": "context", "elements": [text("x", "mrkdwn")]},
        {"type": "divider"},
        {"type": "markdown", "text": "**x**"},
    ]
    assert list(bad_blocks(good)) == []


BAD_CHUNKS: list[tuple[str, str, Json]] = [
    ("invalid_chunks", "completed", {"type": "task_update", "id": "1", "title": "x", "status": "completed"}),
    ("invalid_chunks", "missing", {"type": "task_update", "id": "1", "title": "x"}),
    ("invalid_chunks", "unsupported", {"type": "text", "text": "x"}),
    (
        "invalid_chunks",
        "missing required field: text",
        {
            "type": "task_update",
            "id": "1",
            "title": "x",
            "status": "complete",
            "sources": [{"type": "url", "url": "https://a.example"}],
        },
    ),
    ("invalid_chunks", "unknown", {"type": "plan_update", "title": "x", "status": "complete"}),
    ("invalid_chunks", "exclude", {"type": "blocks", "blocks": [plan(), CARD]}),
    ("msg_too_long", "256", {"type": "plan_update", "title": "x" * 257}),
    ("msg_too_long", "12000", {"type": "markdown_text", "text": "x" * 12_001}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "words", "chunk"), BAD_CHUNKS)
def test_chunks_that_slack_refuses(error: str, words: str, chunk: Json) -> None:
    broken = check_chunks([chunk])
    assert broken is not None
    assert broken.error == error
    assert words in broken.detail


def modal(**changes: Any) -> Json:
    return {"type": "modal", "title": text("T"), "submit": text("S"), "blocks": [HI]} | changes


INPUT = {"type": "input", "label": text("l"), "element": {"type": "plain_text_input", "action_id": "a"}}
BAD_VIEWS: list[tuple[str, Json]] = [
    ("1 to 24", modal(title=text("x" * 25))),
    ("1 to 24", modal(submit=text("x" * 25))),
    ("missing required field: title", {"type": "modal", "blocks": [HI]}),
    ("at most 100", modal(blocks=[HI] * 101)),
    ("at most 3000", modal(private_metadata="x" * 3001)),
    ("submit is required", {"type": "modal", "title": text("T"), "blocks": [INPUT]}),
    ("no title, submit or close", {"type": "home", "title": text("T"), "blocks": [HI]}),
    ("a modal or a home", {"type": "page", "blocks": [HI]}),
    ("additional property", modal(colour="red")),
    ("plain_text", modal(title=text("T", "mrkdwn"))),
]


@pytest.mark.parametrize(("words", "view"), BAD_VIEWS)
def test_views_that_slack_refuses(words: str, view: Json) -> None:
    found = [bad.detail for bad in bad_view(view)]
    assert any(words in detail for detail in found), found


def test_views_that_slack_takes() -> None:
    assert list(bad_view(modal(title=text("x" * 24), blocks=[INPUT], private_metadata="x" * 3000))) == []


def test_every_served_method_is_one_of_the_sdk() -> None:
    assert [method for method in METHODS if signature_of(method) is None] == []
