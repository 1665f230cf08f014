"""Streamed messages, sessions, prompts: what the agent methods take and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models.messages.chunk import MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient

from evals.world.slack import FakeSlack, Message
from tests.evals.world.slack.other_app import Other
from tests.evals.world.slack.test_rules import error_of

WRONG_WORD = {"type": "task_update", "id": "1", "title": "x", "status": "completed"}
TO: dict[str, Any] = {"recipient_team_id": "T0HERON", "recipient_user_id": "U0CUSTOMER"}


@pytest.fixture
async def asked(slack: FakeSlack) -> Message:
    return await slack.post("U0CUSTOMER", "C0HELP", "hello")


async def begun(client: AsyncWebClient, asked: Message, **args: Any) -> str:
    started = await client.chat_startStream(channel="C0HELP", thread_ts=asked.ts, **TO, **args)
    return str(started["ts"])


async def test_a_plan_grows_task_by_task(slack: FakeSlack, client: AsyncWebClient, asked: Message) -> None:
    stream = await client.chat_stream(
        channel="C0HELP", thread_ts=asked.ts, task_display_mode="plan", buffer_size=1, **TO
    )
    await stream.append(
        chunks=[
            PlanUpdateChunk(title="HTTPS for links.kalahari.example"),
            TaskUpdateChunk(id="cname", title="CNAME", status="in_progress", details="Looking. "),
        ]
    )
    await stream.append(
        chunks=[
            TaskUpdateChunk(
                id="cname",
                title="CNAME is right",
                status="complete",
                details="Seen at 10:42.",
                output="tracking.heronmail.example",
                sources=[{"type": "url", "url": "https://help.heronmail.example/a", "text": "HTTPS"}],
            )
        ]
    )
    await stream.append(markdown_text="Now it is **on**.")
    live = slack.thread_of(asked)[-1]
    await stream.stop(
        chunks=[MarkdownTextChunk(text=" Done.")], metadata={"event_type": "t", "event_payload": {}}
    )
    done = slack.thread_of(asked)[-1]
    assert (live.streaming, done.streaming) == ("in_progress", "completed")
    plan, words = done.blocks
    assert (plan["title"], words["text"]) == ("HTTPS for links.kalahari.example", "Now it is **on**. Done.")
    [task] = plan["tasks"]
    assert (task["title"], task["status"]) == ("CNAME is right", "complete")
    assert task["details"]["elements"][0]["elements"][0]["text"] == "Looking. Seen at 10:42."
    assert done.text == "Now it is **on**. Done."
    assert slack.violations == []


async def test_a_stream_needs_its_thread_and_in_channels_its_reader(
    slack: FakeSlack, client: AsyncWebClient, asked: Message
) -> None:
    where = {"channel": "C0HELP", "thread_ts": asked.ts}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("invalid_arguments", {"channel": "C0HELP"} | TO),
        ("thread_not_found", {"channel": "C0HELP", "thread_ts": "1700000000.000001"} | TO),
        ("missing_recipient_team_id", where),
        ("missing_recipient_user_id", where | {"recipient_team_id": "T0HERON"}),
        ("team_not_found", where | TO | {"recipient_team_id": "T0NONE"}),
        ("user_not_found", where | TO | {"recipient_team_id": "T0ACME"}),
        ("msg_too_long", where | TO | {"markdown_text": "x" * 12_001}),
        ("invalid_arguments", where | TO | {"task_display_mode": "list"}),
        (
            "invalid_chunks",
            where
            | TO
            | {"chunks": [{"type": "task_update", "id": "1", "title": "x", "status": "completed"}]},
        ),
    ]
    assert [await error_of(client, "chat.startStream", **args) for _, args in rows] == [
        row[0] for row in rows
    ]
    assert [violation.rule for violation in slack.violations] == [row[0] for row in rows]


async def test_a_dm_needs_no_reader(slack: FakeSlack, client: AsyncWebClient) -> None:
    asked = await slack.post("U0CUSTOMER", "D0CUSTOMER", "hello")
    await client.chat_startStream(channel="D0CUSTOMER", thread_ts=asked.ts, markdown_text="hi")
    assert slack.messages("D0CUSTOMER")[-1].text == "hi"


async def test_a_stopped_stream_takes_no_more_and_that_is_a_mistake(
    slack: FakeSlack, client: AsyncWebClient, asked: Message
) -> None:
    ts = await begun(client, asked, markdown_text="a")
    await client.chat_stopStream(channel="C0HELP", ts=ts)
    error = await error_of(client, "chat.appendStream", channel="C0HELP", ts=ts, markdown_text="b")
    assert error == "message_not_in_streaming_state"
    assert [v.rule for v in slack.violations] == ["message_not_in_streaming_state"]


async def test_an_expired_stream_takes_no_more_but_its_message_can_be_updated(
    slack: FakeSlack, client: AsyncWebClient, asked: Message
) -> None:
    ts = await begun(client, asked, markdown_text="a")
    where = {"channel": "C0HELP", "ts": ts}
    assert await error_of(client, "chat.update", **where, text="no") == "streaming_state_conflict"
    assert await error_of(client, "chat.delete", **where) == "cant_delete_message"
    slack.violations.clear()
    slack.expire_streams()
    for method in ("chat.appendStream", "chat.stopStream"):
        assert await error_of(client, method, **where, markdown_text="b") == "message_not_in_streaming_state"
    await client.chat_update(channel="C0HELP", ts=ts, text="all of it", blocks=[])
    message = slack.message("C0HELP", ts)
    assert message
    assert (message.text, message.streaming, slack.violations) == ("all of it", "completed", [])


async def test_streams_end_by_themselves(slack: FakeSlack, client: AsyncWebClient, asked: Message) -> None:
    ts = await begun(client, asked, markdown_text="a")
    slack.set(stream_seconds=0.0)
    error = await error_of(client, "chat.stopStream", channel="C0HELP", ts=ts)
    assert error == "message_not_in_streaming_state"


async def test_a_stream_keeps_its_form(slack: FakeSlack, client: AsyncWebClient, asked: Message) -> None:
    ts = await begun(client, asked, markdown_text="a")
    chunk = {"type": "markdown_text", "text": "b"}
    error = await error_of(client, "chat.appendStream", channel="C0HELP", ts=ts, chunks=[chunk])
    assert error == "streaming_mode_mismatch"


async def test_a_plan_takes_no_card_beside_it(
    slack: FakeSlack, client: AsyncWebClient, asked: Message
) -> None:
    ts = await begun(client, asked, task_display_mode="plan", chunks=[{"type": "plan_update", "title": "t"}])
    card = {"type": "task_card", "task_id": "1", "title": "x", "status": "pending"}
    error = await error_of(client, "chat.stopStream", channel="C0HELP", ts=ts, blocks=[card])
    assert error == "invalid_blocks"


async def test_unknown_and_foreign_messages_are_no_streams(
    slack: FakeSlack, client: AsyncWebClient, asked: Message
) -> None:
    posted = await client.chat_postMessage(channel="C0HELP", text="hi")
    errors = [
        await error_of(client, "chat.appendStream", channel="C0HELP", ts=ts, markdown_text="b")
        for ts in ("1700000000.000001", asked.ts, posted["ts"])
    ]
    assert errors == ["message_not_found", "message_not_owned_by_app", "message_not_in_streaming_state"]


async def test_the_stop_button_ends_the_stream_and_tells_the_app(
    slack: FakeSlack, other: Other, asked: Message
) -> None:
    client = other.client
    await client.agents_sessions_setStatus(
        channel_id="C0HELP", thread_ts=asked.ts, status="processing", title="HTTPS"
    )
    ts = await begun(client, asked, markdown_text="a")
    await slack.stop_session("U0CUSTOMER", "C0HELP", asked.ts)
    await slack.settle()
    stopped = next(e for e in other.got if e["type"] == "agent_session_stopped")
    assert (stopped["streaming_message_ts"], stopped["thread_ts"]) == ([ts], asked.ts)
    error = await error_of(client, "chat.appendStream", channel="C0HELP", ts=ts, markdown_text="b")
    assert (error, slack.violations) == ("stopped_by_user", [])
    assert slack.sessions["C0HELP", asked.ts].status == "processing"  # the app has to say so itself
    await client.agents_sessions_setStatus(channel_id="C0HELP", thread_ts=asked.ts, status="active")
    assert slack.sessions["C0HELP", asked.ts].status == "active"


async def test_stopping_a_stream_sets_the_session(
    slack: FakeSlack, client: AsyncWebClient, asked: Message
) -> None:
    await client.agents_sessions_setStatus(channel_id="C0HELP", thread_ts=asked.ts, status="processing")
    ts = await begun(client, asked, markdown_text="a")
    await client.chat_stopStream(channel="C0HELP", ts=ts, session_status="suspended")
    assert slack.sessions["C0HELP", asked.ts].status == "suspended"


async def test_sessions_are_checked(slack: FakeSlack, client: AsyncWebClient, asked: Message) -> None:
    where = {"channel_id": "C0HELP", "thread_ts": asked.ts}
    method = "agents.sessions.setStatus"
    assert await error_of(client, method, **where, status="busy") == "invalid_arguments"
    assert await error_of(client, method, **where, status="active", title="x" * 201) == "invalid_arguments"
    stranger = await error_of(client, method, **where, status="active", initiator_user_id="U0STRANGER")
    assert stranger == "user_not_in_channel"
    slack.set(events=slack.options.events - {"agent_session_stopped"})
    warned = await client.agents_sessions_setStatus(**where, status="processing")
    assert warned["warning"] == "missing_agent_session_stopped_event_subscription"


async def test_prompts_are_for_the_messages_tab(slack: FakeSlack, client: AsyncWebClient) -> None:
    prompts = [{"title": "HTTPS", "message": "How do I turn on HTTPS?"}]
    await client.assistant_threads_setSuggestedPrompts(channel_id="D0CUSTOMER", prompts=prompts, title="Ask")
    assert slack.prompts["D0CUSTOMER"] == {"title": "Ask", "prompts": prompts}
    await client.assistant_threads_setSuggestedPrompts(
        channel_id="D0CUSTOMER", prompts=prompts, thread_ts="1700000000.000001"
    )
    assert "silently" in slack.violations[0].detail
