"""Events and interactions over HTTP, against a real Bolt app."""

from __future__ import annotations

import pytest

from evals.world.slack import FakeSlack
from evals.world.slack.people import Refused
from tests.evals.world.slack.other_app import Other, kinds


async def test_a_mention_comes_twice_and_is_answered_in_the_thread(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot is <my> site https://links.acme.com & ready?")
    await slack.settle()
    mention, twin = (next(e for e in other.got if e["type"] == kind) for kind in ("app_mention", "message"))
    assert mention["ts"] == twin["ts"] == asked.ts
    assert twin["channel_type"] == "channel"
    assert "channel_type" not in mention
    assert asked.text == "<@U0BOT> is &lt;my&gt; site <https://links.acme.com> &amp; ready?"
    assert [m.text for m in slack.thread_of(asked)] == [asked.text, "seen"]
    ids = {d.payload["event_id"] for d in slack.deliveries}
    assert len(ids) == len(slack.deliveries)
    assert slack.violations == []


async def test_the_bots_own_posts_come_back_with_its_bot_id(slack: FakeSlack, other: Other) -> None:
    await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    sent = [d.payload["event"] for d in slack.deliveries]
    assert [(e["bot_id"], e["text"]) for e in sent if "bot_id" in e] == [("B0BOT", "seen")]
    assert not any("bot_id" in e for e in other.got)  # Bolt leaves its own posts out


async def test_a_dm_has_no_mention_twin_and_a_channel_without_the_bot_is_silent(
    slack: FakeSlack, other: Other
) -> None:
    await slack.post("U0CUSTOMER", "D0CUSTOMER", "@bot hello")
    await slack.post("U0CUSTOMER", "C0RANDOM", "@bot hello")
    await slack.settle()
    assert kinds(slack) == ["message"]
    assert other.got[0]["channel_type"] == "im"


async def test_edits_deletions_and_strangers_look_as_slack_shows_them(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0STRANGER", "C0SHARED", "hello")
    changed = await slack.edit("U0STRANGER", asked, "hello again")
    await slack.delete("U0STRANGER", changed)
    await slack.settle()
    first, edited, gone = other.got
    assert (first["user_team"], first["channel_type"]) == ("T0ACME", "channel")
    assert (edited["subtype"], edited["message"]["text"]) == ("message_changed", "hello again")
    assert (gone["subtype"], gone["deleted_ts"]) == ("message_deleted", asked.ts)
    assert slack.deliveries[0].payload["is_ext_shared_channel"] is True
    with pytest.raises(Refused):
        await slack.edit("U0STRANGER", asked, "once more")


async def test_a_button_carries_who_where_and_a_trigger(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0STRANGER", "C0SHARED", "@bot hello")
    await slack.settle()
    card = slack.thread_of(asked)[1]
    pressed = await slack.press("U0STRANGER", card, "approve")
    await slack.settle()
    body = other.got[-1] if "actions" in other.got[-1] else next(b for b in other.got if "actions" in b)
    assert pressed.ok
    assert body["user"]["team_id"] == "T0ACME"
    assert body["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": "C0SHARED",
        "is_ephemeral": False,
        "thread_ts": asked.ts,
    }
    assert body["actions"][0]["value"] == "ap_1.nonce"
    assert [note.text for note in slack.ephemerals("U0STRANGER")] == ["not yours to press"]
    assert slack.ephemerals("U0CUSTOMER") == ()


async def test_feedback_buttons_say_which_side(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    await slack.press("U0CUSTOMER", slack.thread_of(asked)[1], "feedback", option="negative")
    assert other.got[-1]["actions"][0]["value"] == "bad"


async def test_nobody_presses_what_is_not_there_or_not_theirs(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    card = slack.thread_of(asked)[1]
    with pytest.raises(Refused, match="approve"):
        await slack.press("U0CUSTOMER", card, "delete_everything")
    with pytest.raises(Refused, match="not in"):
        await slack.press("U0STRANGER", card, "approve")


async def test_a_modal_opens_refuses_and_closes(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    await slack.press("U0SUPPORT", slack.thread_of(asked)[1], "edit")
    view = (await slack.until(lambda: slack.open_views("U0SUPPORT")))[0]
    with pytest.raises(Refused, match="filled in"):
        await slack.submit("U0SUPPORT", view, {})
    refused = await slack.submit("U0SUPPORT", view, {"words": "no"})
    assert (refused.errors, refused.closed) == ({"reply": "too short"}, False)
    taken = await slack.submit("U0SUPPORT", view, {"words": "It is on."})
    assert (taken.errors, taken.closed, slack.open_views("U0SUPPORT")) == ({}, True, [])
    assert slack.violations == []


async def test_shortcut_command_and_home(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "hello")
    assert (await slack.shortcut("U0SUPPORT", asked)).ok
    assert (await slack.command("U0SUPPORT", "C0HELP", "status")).text == "you said status"
    assert [note.text for note in slack.ephemerals("U0SUPPORT")] == ["you said status"]
    await slack.open_home("U0CUSTOMER", "messages")
    await slack.settle()
    shortcut, command = (next(b for b in other.got if key in b) for key in ("callback_id", "command"))
    assert shortcut["message"]["ts"] == asked.ts
    assert "thread_ts" not in command
    assert other.got[-1]["tab"] == "messages"


async def test_a_file_needs_the_token(slack: FakeSlack, other: Other) -> None:
    import httpx

    shared = await slack.upload("U0CUSTOMER", "C0HELP", "dns.png", b"\x89PNG", comment="see")
    await slack.settle()
    file = other.got[0]["files"][0]
    assert (other.got[0]["subtype"], file["name"], shared.text) == ("file_share", "dns.png", "see")
    async with httpx.AsyncClient(trust_env=False) as web:
        without = await web.get(file["url_private"])
        bearer = {"Authorization": f"Bearer {slack.bot_token}"}
        with_it = await web.get(file["url_private"], headers=bearer)
    assert (without.headers["content-type"], with_it.content) == ("text/html; charset=utf-8", b"\x89PNG")


async def test_the_url_is_verified_by_its_challenge(slack: FakeSlack, other: Other) -> None:
    assert await slack.verify_url()


async def test_only_what_the_app_subscribed_to(slack: FakeSlack, other: Other) -> None:
    slack.set(events=frozenset({"app_mention"}))
    await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    assert kinds(slack) == ["app_mention"]
