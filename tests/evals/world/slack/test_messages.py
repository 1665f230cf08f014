"""Messages, threads, edits, limits and what is kept of every call."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evals.world.slack import FakeSlack
from tests.evals.world.slack.other_app import CARD, Other
from tests.evals.world.slack.test_rules import error_of

META = {"event_type": "turn", "event_payload": {"run": "r_1"}}


async def test_every_call_is_kept_with_its_arguments_and_user_agent(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0HELP", text="hi", unfurl_links=False, unfurl_media=False)
    [call] = slack.calls_of("chat.postMessage")
    assert call.arguments["unfurl_links"] is call.arguments["unfurl_media"] is False
    assert "slackclient/" in call.user_agent
    assert call.response["ok"] is True


async def test_metadata_is_kept_and_given_when_asked(slack: FakeSlack, client: AsyncWebClient) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await client.chat_postMessage(channel="C0HELP", text="hi", thread_ts=asked.ts, metadata=META)
    plain = await client.conversations_replies(channel="C0HELP", ts=asked.ts)
    full = await client.conversations_replies(channel="C0HELP", ts=asked.ts, include_all_metadata=True)
    assert [m.get("metadata") for m in plain["messages"]] == [None, None]
    assert [m.get("metadata") for m in full["messages"]] == [None, META]
    assert full["messages"][0]["reply_count"] == 1
    assert full["messages"][1]["parent_user_id"] == "U0CUSTOMER"


async def test_timestamps_never_repeat(slack: FakeSlack) -> None:
    stamps = [slack.state.next_ts() for _ in range(5000)]
    assert len(set(stamps)) == 5000
    assert stamps == sorted(stamps)


async def test_an_update_with_text_alone_takes_the_blocks_away(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel="C0HELP", text="card", blocks=CARD)
    where = {"channel": "C0HELP", "ts": str(posted["ts"])}
    seen = []
    for args in ({"metadata": META}, {"blocks": CARD[:1]}, {"text": "done"}):
        await client.api_call("chat.update", json=where | args)
        seen.append(slack.message(**where))
    assert [len(message.blocks) for message in seen if message] == [3, 1, 0]
    assert [message.edited is not None for message in seen if message] == [False, False, True]


async def test_posts_that_let_slack_fetch_links_are_told_apart(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0HELP", text="a", unfurl_links=False, unfurl_media=False)
    await client.chat_postMessage(channel="C0HELP", text="b", unfurl_links=False)
    assert [call.arguments["text"] for call in slack.unfurling] == ["b"]


async def test_an_uninstalled_app_is_told_and_refused(slack: FakeSlack, other: Other) -> None:
    await slack.uninstall()
    await slack.settle()
    assert {d.kind for d in slack.deliveries} == {"tokens_revoked", "app_uninstalled"}
    assert await error_of(other.client, "chat.postMessage", channel="C0HELP", text="a") == "account_inactive"


async def test_only_own_messages_change(slack: FakeSlack, client: AsyncWebClient) -> None:
    theirs = await slack.post("U0CUSTOMER", "C0HELP", "hello")
    where = {"channel": "C0HELP", "ts": theirs.ts}
    assert await error_of(client, "chat.update", **where, text="mine") == "cant_update_message"
    assert await error_of(client, "chat.delete", **where) == "cant_delete_message"


async def test_a_reply_is_no_parent(slack: FakeSlack, client: AsyncWebClient) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "hello")
    reply = await slack.post("U0SUPPORT", "C0HELP", "hi", thread=asked.ts)
    error = await error_of(client, "chat.postMessage", channel="C0HELP", text="x", thread_ts=reply.ts)
    assert error == "cannot_reply_to_message"


async def test_what_people_deleted_is_not_the_apps_mistake(slack: FakeSlack, client: AsyncWebClient) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.delete("U0CUSTOMER", asked)
    error = await error_of(client, "chat.postMessage", channel="C0HELP", text="x", thread_ts=asked.ts)
    assert (error, slack.violations) == ("thread_not_found", [])


async def test_ephemeral_notes_are_for_one_pair_of_eyes(slack: FakeSlack, client: AsyncWebClient) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await client.chat_postEphemeral(channel="C0HELP", user="U0SUPPORT", text="psst")
    assert [m.text for m in slack.messages("C0HELP", user="U0SUPPORT")] == ["hello", "psst"]
    assert [m.text for m in slack.messages("C0HELP", user="U0CUSTOMER")] == ["hello"]
    assert slack.violations == []
    await client.chat_postEphemeral(channel="C0HELP", user="U0SUPPORT", text="psst", thread_ts=asked.ts)
    assert "active already" in slack.violations[0].detail


async def test_a_limit_on_demand(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.limit_next("chat.postMessage", 1, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0HELP", text="hi")
    assert (caught.value.response.status_code, caught.value.response["error"]) == (429, "ratelimited")
    assert caught.value.response.headers["Retry-After"] == "7"
    await client.chat_postMessage(channel="C0HELP", text="hi")
    assert [m.text for m in slack.messages("C0HELP")] == ["hi"]
    assert slack.violations == []


async def test_tiers_are_counted_when_wanted(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.set(rate_scale=0.1)  # tier 2 becomes two a minute
    for _ in range(2):
        await error_of(client, "reactions.remove", channel="C0HELP", name="x", timestamp="1700000000.000001")
    error = await error_of(
        client, "reactions.remove", channel="C0HELP", name="x", timestamp="1700000000.000001"
    )
    assert error == "ratelimited"
    assert slack.calls[-1].status == 429


async def test_an_answer_can_get_lost_after_the_work(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fail_next("chat.postMessage", "drop")
    client.retry_handlers = []
    with pytest.raises(Exception, match=r"(?i)disconnect|connection"):
        await client.chat_postMessage(channel="C0HELP", text="once")
    assert [m.text for m in slack.messages("C0HELP")] == ["once"]


async def test_a_response_url_is_good_five_times(slack: FakeSlack, other: Other) -> None:
    import httpx

    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    await slack.press("U0SUPPORT", slack.thread_of(asked)[1], "approve")
    url = next(d.payload["response_url"] for d in slack.deliveries if d.kind == "block_actions")
    async with httpx.AsyncClient(trust_env=False) as web:
        given = [(await web.post(url, json={"text": f"{n}"})).status_code for n in range(6)]
    assert given == [200] * 5 + [404]
    assert [v.rule for v in slack.violations] == ["used_url"]
    assert len(slack.ephemerals("U0SUPPORT")) == 5


async def test_a_trigger_is_short_lived_and_for_one_use(slack: FakeSlack, other: Other) -> None:
    slack.set(trigger_seconds=0.3)
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    await slack.press("U0SUPPORT", slack.thread_of(asked)[1], "edit")
    await slack.until(lambda: slack.open_views("U0SUPPORT"))
    args = slack.calls_of("views.open")[0].arguments
    assert await error_of(other.client, "views.open", **args) == "exchanged_trigger_id"
    await slack.press("U0SUPPORT", slack.thread_of(asked)[1], "approve")
    trigger = slack.deliveries[-1].payload["trigger_id"]
    await asyncio.sleep(0.35)
    late = await error_of(other.client, "views.open", trigger_id=trigger, view=args["view"])
    assert late == "expired_trigger_id"


async def test_a_thread_serves_those_who_have_no_loop() -> None:
    def play() -> tuple[str, ...]:
        from slack_sdk.web import WebClient

        with FakeSlack.thread(rate_scale=None) as slack:
            asked = slack.run(slack.post("U0CUSTOMER", "C0HELP", "hello"))
            web = WebClient(token=slack.bot_token, base_url=slack.api_url)
            web.chat_postMessage(channel="C0HELP", text="hi", thread_ts=asked.ts)
            return tuple(m.text for m in slack.thread_of(asked))

    assert await asyncio.to_thread(play) == ("hello", "hi")
