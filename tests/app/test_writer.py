"""A written answer is used only where its lines carry every sentence of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from app.endpoint import Endpoint, Waits
from app.writer import checked, cited_sentences, instructions, llm_writer, material, names_and_numbers
from tests.app.model_double import FAULTS, Double, double, says

LINES = (
    "Sending is limited to 500 messages an hour for the first 48 hours after a pause.",
    "HTTPS for tracking links is not available on the Free plan. "
    "Go to Settings > Billing to change your plan.",
    "Point the CNAME of `links.acme.example` at track.heron.example.",
)
PORTUGUESE = ("O plano Free não inclui HTTPS nos links de rastreamento; o plano Scale inclui.",)


@pytest.mark.parametrize(
    "text",
    [
        "For the first 48 hours after a pause, sending is limited to 500 messages an hour. [1]",
        "After a pause you can send 500 messages an hour for the first 48 hours [1].",
        "HTTPS for tracking links is not available on the Free plan [2]. "
        "Change your plan in Settings > Billing. [2]",
        "- Point the CNAME of `links.acme.example` at track.heron.example [3]",
        "HTTPS for tracking links isn't available on the Free plan, "
        "and sending is limited after a pause [1][2].",
    ],
)
def test_keeps_what_the_lines_carry(text: str) -> None:
    assert checked(text, "en", LINES) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Sending is limited to 500 messages an hour.", "no mark"),
        ("Sending is limited to 500 messages an hour for 48 hours [4].", "no such line"),
        ("Sending is limited to 500 messages an hour for 48 hours [0].", "no such line"),
        ("Sending is limited to 600 messages an hour for the first 48 hours [1].", "another number"),
        ("HTTPS for tracking links is available on the Free plan [2].", "the negation is gone"),
        ("Sending is not limited after a pause [1].", "a negation is new"),
        ("HTTPS for tracking links is not available on the Scale plan [2].", "another name"),
        ("Point the CNAME of `links.acme.example` at evil.example [3].", "another host"),
        ("Visit https://evil.example to change your plan in Settings > Billing [2].", "a link of its own"),
        ("We refund unhappy people gladly and quickly [1].", "nothing of it in the line"),
        (
            "Sending is limited to 500 messages an hour [1]. Everything else works fine everywhere.",
            "one sentence without a mark",
        ),
        ("NO ANSWER", "no answer"),
        ("", "empty"),
        ("[1]", "a mark alone"),
        ("Sending is limited to 500 messages an hour [1]. " * 60, "too long"),
    ],
)
def test_drops_what_they_do_not_carry(text: str, why: str) -> None:
    assert checked(text, "en", LINES) is None, why


def test_checks_in_the_language_of_the_answer() -> None:
    good = "O HTTPS nos links de rastreamento não está incluído no plano Free [1]."
    assert checked(good, "pt-BR", PORTUGUESE) == good
    assert checked(good.replace("não está", "está"), "pt", PORTUGUESE) is None


def test_takes_a_mark_before_and_after_the_full_stop() -> None:
    assert cited_sentences("One thing [1]. Another thing. [2][3] Third thing") == [
        ("One thing", (1,)),
        ("Another thing", (2, 3)),
        ("Third thing", ()),
    ]


def test_names_what_must_stand_in_the_lines() -> None:
    found = names_and_numbers("Set `ttl` to 3600 on ns1.acme.example, as Fastly says")
    assert {"ttl", "3600", "ns1.acme.example", "Fastly"} <= found
    assert "Set" not in found


def test_the_prompt_is_the_golden_one() -> None:
    golden = Path(__file__).parent / "golden" / "answer_prompt.txt"
    made = "\n".join((instructions("pt-BR"), "---", material("How  fast\ncan I send?", LINES), ""))
    assert made == golden.read_text(encoding="utf-8"), "the prompt changed: look at it, then update the file"


# --- over the wire ------------------------------------------------------------------------------


@pytest.fixture
def model() -> Iterator[Double]:
    with double() as made:
        yield made


GOOD = "After a pause, sending is limited to 500 messages an hour for the first 48 hours [1]."


async def test_writes_from_the_lines_alone(model: Double) -> None:
    model.play = says(GOOD)
    write = llm_writer(Endpoint(model.url, "small", "k-1"))
    assert await write("How fast can I send?", "en", LINES) == GOOD
    assert model.keys == ["Bearer k-1"]
    (asked,) = model.asked
    assert asked["model"] == "small"
    assert asked["temperature"] == 0
    assert "tools" not in asked
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["messages"][1]["content"] == material("How fast can I send?", LINES)


async def test_tells_what_is_written_as_it_comes(model: Double) -> None:
    model.play = says(GOOD)
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    assert await llm_writer(Endpoint(model.url, "small"))("How fast can I send?", "en", LINES, tell) == GOOD
    assert len(told) > 2
    assert all(GOOD.startswith(text) for text in told)
    assert told[-1] == GOOD


async def test_the_model_sees_no_address_and_the_answer_has_it(model: Double) -> None:
    line = "Write to security@heron.example within two days."
    model.play = says("Write to <email 2>@heron.example within two days [1].")
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    write = llm_writer(Endpoint(model.url, "small"))
    asks = "Where do I write, I am ana@acme.example?"
    answer = "Write to security@heron.example within two days [1]."
    assert await write(asks, "en", (line,), tell) == answer == told[-1]
    assert all(after.startswith(before) for before, after in pairwise(told)), "pieces only ever grow"
    given = model.asked[0]["messages"][1]["content"]
    assert "security@" not in given
    assert "ana@" not in given


async def test_asks_nothing_where_there_are_no_lines(model: Double) -> None:
    assert await llm_writer(Endpoint(model.url, "small"))("How fast can I send?", "en", ()) is None
    assert model.asked == []


@pytest.mark.parametrize("fault", ["500", "too long", "HTML with 200"])
async def test_a_model_that_fails_is_asked_once(fault: str, model: Double) -> None:
    """The quoted lines are at hand. `test_endpoint.py` has every way in which one fails."""
    model.play, _ = FAULTS[fault]
    assert await llm_writer(Endpoint(model.url, "small"))("How fast can I send?", "en", LINES) is None
    assert len(model.asked) == 1


async def test_gives_nothing_where_the_answer_cannot_be_trusted(model: Double) -> None:
    model.play = says("Send as much as you like [1].")
    assert await llm_writer(Endpoint(model.url, "small"))("How fast can I send?", "en", LINES) is None


async def test_a_real_model_never_says_more_than_the_lines() -> None:
    url = os.environ.get("STEPFOUR_TEST_LLM_URL")
    if not url:
        pytest.skip("STEPFOUR_TEST_LLM_URL is not set: no real model to ask")
    name = os.environ.get("STEPFOUR_TEST_LLM_MODEL", "local")
    write = llm_writer(Endpoint(url, name, waits=Waits(90, 90, 60)))
    answer = await write("How fast can I send after a pause?", "en", LINES)
    assert answer is None or checked(answer, "en", LINES) == answer
