"""A written answer is used only where its lines carry every sentence of it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.writer import checked, cited_sentences, instructions, llm_writer, material, names_and_numbers

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


class Endpoint:
    """A loopback double of a chat completions endpoint; it answers what the test tells it to."""

    def __init__(self) -> None:
        self.answer: bytes | str = ""
        self.finish = "stop"
        self.status = 200
        self.delay = 0.0
        self.pieces: list[str] = []
        """What is streamed, where the client asks for a stream."""
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        double = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                double.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                double.keys.append(self.headers["Authorization"])
                time.sleep(double.delay)
                body = double.body()
                try:
                    self.send_response(double.status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:  # the client has given up waiting
                    pass

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def body(self) -> bytes:
        if self.asked[-1].get("stream"):
            return self.stream()
        if isinstance(self.answer, bytes):
            return self.answer
        message = {"role": "assistant", "content": self.answer}
        choice = {"index": 0, "finish_reason": self.finish, "message": message}
        whole = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        return json.dumps(whole).encode()

    def stream(self) -> bytes:
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            for piece in self.pieces
        ]
        if self.finish:
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish}]})
        chunks.append({"choices": [], "usage": {"total_tokens": 7}})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        return ": keep alive\n\n".join([*lines, "data: [DONE]\n\n"]).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    double = Endpoint()
    yield double
    double.close()


GOOD = "After a pause, sending is limited to 500 messages an hour for the first 48 hours [1]."


async def test_writes_from_the_lines_alone(endpoint: Endpoint) -> None:
    endpoint.answer = GOOD
    write = llm_writer(endpoint.url, "small", "k-1", seconds=5)
    assert await write("How fast can I send?", "en", LINES) == GOOD
    assert endpoint.keys == ["Bearer k-1"]
    (asked,) = endpoint.asked
    assert asked["model"] == "small"
    assert asked["temperature"] == 0
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["messages"][1]["content"] == material("How fast can I send?", LINES)


async def test_tells_what_is_written_as_it_comes(endpoint: Endpoint) -> None:
    endpoint.pieces = [GOOD[:20], GOOD[20:50], GOOD[50:]]
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    write = llm_writer(endpoint.url, "small", "k-1", seconds=5)
    assert await write("How fast can I send?", "en", LINES, tell) == GOOD
    assert told == [GOOD[:20], GOOD[:50], GOOD]


@pytest.mark.parametrize("finish", ["length", ""])
async def test_a_stream_that_was_cut_off_is_not_used(endpoint: Endpoint, finish: str) -> None:
    endpoint.pieces, endpoint.finish = [GOOD], finish

    async def tell(text: str) -> None:
        return None

    write = llm_writer(endpoint.url, "small", "k-1", seconds=5)
    assert await write("How fast can I send?", "en", LINES, tell) is None


async def test_asks_nothing_where_there_are_no_lines(endpoint: Endpoint) -> None:
    write = llm_writer(endpoint.url, "small")
    assert await write("How fast can I send?", "en", ()) is None
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("answer", "status", "finish"),
    [
        ("Send as much as you like [1].", 200, "stop"),
        (GOOD, 200, "length"),
        (GOOD, 500, "stop"),
        (GOOD, 429, "stop"),
        (b"<html>busy</html>", 200, "stop"),
        (b'{"choices": []}', 200, "stop"),
        (b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {}}]}', 200, "stop"),
        (b"{}", 200, "stop"),
        (b"[]", 200, "stop"),
        (b"null", 200, "stop"),
    ],
)
async def test_gives_nothing_where_the_answer_cannot_be_used(
    endpoint: Endpoint, answer: bytes | str, status: int, finish: str
) -> None:
    endpoint.answer, endpoint.status, endpoint.finish = answer, status, finish
    write = llm_writer(endpoint.url, "small", seconds=5)
    assert await write("How fast can I send?", "en", LINES) is None
    assert len(endpoint.asked) == 1, "no retries: the quoted lines are at hand"


async def test_gives_nothing_where_the_model_is_slow_or_down(endpoint: Endpoint) -> None:
    endpoint.answer, endpoint.delay = GOOD, 2.0
    started = time.monotonic()
    assert await llm_writer(endpoint.url, "small", seconds=0.2)("How fast?", "en", LINES) is None
    assert time.monotonic() - started < 1.5
    gone = Endpoint()
    gone.close()
    assert await llm_writer(gone.url, "small", seconds=1)("How fast?", "en", LINES) is None


async def test_a_real_model_never_says_more_than_the_lines() -> None:
    url = os.environ.get("STEPFOUR_TEST_LLM_URL")
    if not url:
        pytest.skip("STEPFOUR_TEST_LLM_URL is not set: no real model to ask")
    write = llm_writer(url, os.environ.get("STEPFOUR_TEST_LLM_MODEL", "local"), seconds=90)
    answer = await write("How fast can I send after a pause?", "en", LINES)
    assert answer is None or checked(answer, "en", LINES) == answer
