"""Routing, words and limits as tables and properties."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.slack import manifest
from app.channels.slack.blocks import help_links, markdown, mrkdwn
from app.channels.slack.limits import Bucket
from app.channels.slack.manifest import SCOPES
from app.channels.slack.route import Heard, Place, Thread, material, place, plain, read, route

DOCS = Path(__file__).parents[4] / "docs" / "slack.md"
LINKS = help_links("https://help.example/docs", "https://stepfour.example/help")

KNOWN, MINE, ENGAGED = (
    Thread(known=True),
    Thread(known=True, mine=True),
    Thread(known=True, mine=True, engaged=True),
)


def heard(**fields: Any) -> Heard:
    whole: dict[str, Any] = {
        "team": "T1",
        "channel": "C1",
        "user": "U1",
        "user_team": "T1",
        "ts": "1.1",
        "thread": None,
        "text": "hello",
        "direct": False,
        "mentions_us": False,
    }
    return Heard(**whole | fields)


@pytest.mark.parametrize(
    ("said", "mode", "thread", "ours", "move"),
    [
        ({"direct": True}, "off", Thread(), False, "answer"),
        ({"mentions_us": True}, "off", Thread(), False, "ignore"),
        ({"mentions_us": True}, "mention", Thread(), False, "answer"),
        ({}, "mention", Thread(), False, "ignore"),
        ({}, "auto", Thread(), False, "overhear"),
        ({}, "suggest", Thread(), False, "overhear"),
        ({}, "auto", Thread(), True, "ignore"),
        ({"thread": "1.0"}, "auto", Thread(), False, "ignore"),
        ({"thread": "1.0"}, "mention", ENGAGED, False, "answer"),
        ({"thread": "1.0"}, "auto", MINE, False, "overhear"),
        ({"thread": "1.0"}, "mention", KNOWN, False, "ignore"),
        ({"thread": "1.0", "mentions_us": True}, "mention", KNOWN, False, "answer"),
        ({"thread": "1.0"}, "mention", KNOWN, True, "take_over"),
        ({"thread": "1.0", "mentions_us": True}, "mention", KNOWN, True, "resume"),
        ({"thread": "1.0"}, "mention", ENGAGED, True, "answer"),
        ({"mentions_us": True}, "mention", Thread(), True, "answer"),
    ],
)
def test_routes(said: dict[str, Any], mode: Any, thread: Thread, ours: bool, move: str) -> None:
    assert route(heard(**said), mode, thread, ours=ours) == move


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B9"},
        {"user": "U0BOT"},
        {"user": "USLACKBOT"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed", "message": {"bot_id": "B9", "ts": "1.1"}},
        {"subtype": "message_changed", "message": {"ts": "1.1", "user": "U1", "text": "a"}},  # an unfurl
        {"subtype": "message_deleted", "previous_message": {"bot_id": "B9", "ts": "1.1"}},
    ],
)
def test_what_no_person_said_is_not_heard(event: dict[str, Any]) -> None:
    whole = {"type": "message", "channel": "C1", "ts": "1.1", "user": "U1", "text": "a"} | event
    assert read(whole, "T1", "U0BOT") is None


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("<@U0BOT> hello", "hello"),
        ("<@U0BOT|stepfour>: &lt;b&gt; &amp; more", ": <b> & more"),
        ("see <http://links.acme.com|links.acme.com>", "see links.acme.com"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("<https://a.example|our page>", "our page (https://a.example)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<@U2> and <#C3|help> and <!here>", "@U2 and #help and @here"),
        ("<!subteam^S1|@support>", "@support"),
    ],
)
def test_reads_what_a_person_typed(typed: str, words: str) -> None:
    assert plain(typed, "U0BOT") == words


@pytest.mark.parametrize(
    ("before", "after", "says_more"),
    [
        ("How do I get https", "how do I get HTTPS?", False),
        ("please enabel it", "please enable it", False),
        ("links.a.example is ready", "links.b.example is ready", True),
        ("it is ready", "it is not ready", True),
        ("port 443", "port 80", True),
        ("it is on", "it is", True),
        ("it can work", "it can't work", True),
    ],
)
def test_knows_an_edit_that_says_something_else(before: str, after: str, says_more: bool) -> None:
    assert material(before, after) == says_more


def test_a_conversations_id_is_its_place() -> None:
    for where in (Place("T1", "C1", "171.0001"), Place("T1", "C1", "171.0001", "U2")):
        assert place(where.id) == where


TRICKY = st.text(alphabet=st.sampled_from(list("<>!@#&|`*_[]()\n \\/:.ahtps-\"'")), max_size=60)


@given(TRICKY)
def test_no_words_become_a_mention_or_a_link_in_markdown(text: str) -> None:
    said = markdown(text, LINKS)
    assert not re.search(r"<[!@#]", said)
    outside = re.sub(r"```.*?(?:```|\Z)|`[^`\n]+`", "", said, flags=re.DOTALL)
    assert "<" not in outside


@given(TRICKY)
def test_no_words_become_a_mention_or_a_link_in_mrkdwn(text: str) -> None:
    assert "<" not in mrkdwn(text, LINKS)


@pytest.mark.parametrize("into", [markdown, mrkdwn])
@given(scheme=st.sampled_from(["https://", "http://", "javascript:", "data:", "//", ""]), rest=TRICKY)
def test_links_lead_to_help_pages_alone(into: Any, scheme: str, rest: str) -> None:
    said = into(f"[x]({scheme}evil.example/{rest})", LINKS)
    if into is markdown:  # the older form has no such links
        assert not re.search(r"(?<!\\)\]\((?!https://(?:help|stepfour)\.example/)[^)]*evil", said)
    assert "<http" not in said


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("https://help.example/docs/en/smtp#a", "https://help.example/docs/en/smtp#a"),
        ("/docs/en/smtp", "https://help.example/docs/en/smtp"),
        ("https://help.example/docsevil", None),
        ("https://help.example.evil/docs/x", None),
        ("https://help.example@evil.example/docs/", None),
        ("//evil.example/docs/", None),
        ("https://help.example/docs/a|b", None),
    ],
)
def test_knows_its_help_pages(target: str, address: str | None) -> None:
    assert LINKS(target) == address


def test_keeps_our_markdown() -> None:
    text = "# Title\n\n> quoted & said\n\n- **one** `a<b`\n\n```\n<tag>\n```"
    assert markdown(text, LINKS) == "# Title\n\n> quoted &amp; said\n\n- **one** `a<b`\n\n```\n<tag>\n```"
    assert mrkdwn("# Title\n\n- **one**", LINKS) == "*Title*\n\n• *one*"


def test_a_long_text_is_cut_between_words() -> None:
    said = mrkdwn("word &lt " * 900, LINKS)
    assert len(said) <= 2900
    assert said.endswith(" …")
    assert not re.search(r"&[a-z]*…", said)


def test_a_bucket_gives_a_burst_and_then_the_pace() -> None:
    bucket = Bucket(60, now=0.0)
    assert [bucket.take(0.0) for _ in range(15)] == [0.0] * 15
    assert bucket.take(0.0) == pytest.approx(1.0)
    assert bucket.take(2.0) == 0.0


def test_the_manifest_asks_for_what_the_guide_gives_reasons_for() -> None:
    made = manifest("https://stepfour.example/")
    guide = DOCS.read_text(encoding="utf-8").partition("## Why it asks")[2]
    named = set(re.findall(r"^\| `([a-z_.:]+)` \|", guide, flags=re.MULTILINE))
    assert named == set(SCOPES) | set(made["settings"]["event_subscriptions"]["bot_events"])
    assert made["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
    assert "agent_view" in made["features"]
    assert "assistant_view" not in made["features"]
    assert made["features"]["slash_commands"][0]["command"] == "/stepfour"
    for name in ("event_subscriptions", "interactivity"):
        assert made["settings"][name]["request_url"] == "https://stepfour.example/slack/events"
    assert manifest(None)["settings"]["socket_mode_enabled"]
    assert "request_url" not in manifest(None)["settings"]["interactivity"]
