"""The model reader against a loopback double of an OpenAI-compatible server, and a real one if set."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.models import Message, Procedure, Reading, Step
from app.reader import prompt
from app.reader.llm import llm_reader, schema

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 1, 1, tzinfo=UTC)
PROCEDURE = Procedure(
    id="own-number", document="d", version="1", path="p.md", lang="en", title="Send from your own number",
    when="Messages should come from the customer's own number.", intro="", subjects=("domain",),
    action="do_it",
    steps=(
        Step(id="verified", title="Get verified", text="Start it under **Security**.", anchor="verified",
        subject="domain"),
        Step(id="free", title="Free the number", text="Delete the account in the app.", anchor="free",
        subject="domain"),
    ),
)  # fmt: skip
MESSAGES = (
    Message(
        id="c-1",
        conversation="c",
        role="customer",
        text="Hi, we want our own number. Verified since May.",
        at=AT,
    ),
    Message(id="c-2", conversation="c", role="agent", text="Is the number free?", at=AT),
    Message(id="c-3", conversation="c", role="customer", text="Not yet, it is for Shop.Acme.example", at=AT),
)
ANSWER: dict[str, Any] = {
    "language": "en", "speech": "report", "request": "Send from our own number", "procedure": "own-number",
    "inputs": [{"name": "domain", "value": "Shop.Acme.example", "message": "m3",
    "quote": "it is for Shop.Acme.example"}],
    "claims": [
        {"step": "verified", "status": "done", "subject": None, "message": "m1",
        "quote": "Verified since May", "shown": False},
        {"step": "free", "status": "not_done", "subject": None, "message": "m3", "quote": "Not yet",
        "shown": False},
    ],
    "wants_outcome": True, "asks_how": False, "wants_person": False, "danger": None, "skips_checks": False,
    "for_other": False, "asks_again": False, "confirms": False,
}  # fmt: skip


def with_claim(**claim: Any) -> dict[str, Any]:
    added = {
        "step": "free",
        "status": "done",
        "subject": None,
        "message": "m3",
        "quote": "x",
        "shown": False,
    } | claim
    return ANSWER | {"claims": [ANSWER["claims"][0], added]}


async def fallback(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
    return Reading(request="read without a model")


@asynccontextmanager
async def server(
    *answers: str, delay: float = 0.0, status: int = 200
) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Speaks just enough HTTP for the `openai` client; keeps what it was sent."""
    seen: list[dict[str, Any]] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(h.split(b":")[1])
                    for h in head.split(b"\r\n")
                    if h.lower().startswith(b"content-length:")
                )
                seen.append(json.loads(await reader.readexactly(length)))
                await asyncio.sleep(delay)
                text = left.pop(0)
                message = {"role": "assistant", "content": text}
                body = json.dumps(
                    {
                        "id": "1", "object": "chat.completion", "created": 0, "model": "m",
                        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
                    }
                ).encode()  # fmt: skip
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                    % (status, len(body))
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", seen
    finally:
        listening.close()


async def read(address: str, timeout_s: float = 5.0) -> Reading:
    reader = llm_reader(base_url=address, model="m", api_key="k", fallback=fallback, timeout_s=timeout_s)
    return await reader(MESSAGES, [PROCEDURE])


async def test_reads_what_the_model_says_with_quotes_from_the_conversation() -> None:
    async with server(json.dumps(ANSWER)) as (address, seen):
        reading = await read(address)
    assert reading.reader == "llm:m"
    assert [(c.step, c.status, c.message, c.quote) for c in reading.claims] == [
        ("verified", "done", "c-1", "Verified since May"),
        ("free", "not_done", "c-3", "Not yet"),
    ]
    assert [(s.name, s.value) for s in reading.subjects] == [("domain", "shop.acme.example")]
    assert (reading.tokens_in, reading.tokens_out) == (100, 20)
    assert seen[0]["response_format"]["json_schema"]["strict"] is True


async def test_repairs_malformed_output_once() -> None:
    async with server('{"language": "en"', json.dumps(ANSWER)) as (address, seen):
        reading = await read(address)
    assert reading.reader == "llm:m"
    assert reading.tokens_in == 200
    assert len(seen) == 2
    assert "not valid" in seen[1]["messages"][-1]["content"]


async def test_two_malformed_answers_leave_it_to_the_fallback() -> None:
    async with server("no json at all", "{}") as (address, seen):
        reading = await read(address)
    assert (reading.reader, reading.request) == ("builtin (model down)", "read without a model")
    assert len(seen) == 2


async def test_a_slow_model_leaves_it_to_the_fallback_within_the_deadline() -> None:
    async with server(json.dumps(ANSWER), delay=5) as (address, _):
        started = asyncio.get_running_loop().time()
        reading = await read(address, timeout_s=0.3)
        assert asyncio.get_running_loop().time() - started < 2
    assert reading.reader == "builtin (model down)"


async def test_a_failing_server_is_asked_once() -> None:
    async with server(json.dumps(ANSWER), json.dumps(ANSWER), status=500) as (address, seen):
        reading = await read(address)
    assert reading.reader == "builtin (model down)"
    assert len(seen) == 1


async def test_nobody_listening_leaves_it_to_the_fallback() -> None:
    assert (await read("http://127.0.0.1:9/v1")).reader == "builtin (model down)"


@pytest.mark.parametrize(
    "answer",
    [
        with_claim(quote="the number was freed on Monday"),
        with_claim(message="m2", quote="Is the number free?"),
        with_claim(status="verified", quote="Not yet"),
        with_claim(step="invented", quote="Not yet"),
    ],
    ids=["not said by anybody", "said by us", "no such status", "no such step"],
)
async def test_a_claim_without_the_customers_words_is_dropped(answer: dict[str, Any]) -> None:
    async with server(json.dumps(answer)) as (address, _):
        reading = await read(address)
    assert [claim.step for claim in reading.claims] == ["verified"]


async def test_a_value_that_was_not_named_is_dropped() -> None:
    inputs = [
        {"name": "domain", "value": "evil.example", "message": "m3", "quote": "it is for Shop.Acme.example"}
    ]
    async with server(json.dumps(ANSWER | {"inputs": inputs})) as (address, _):
        assert (await read(address)).subjects == ()


async def test_a_procedure_of_nobody_is_none_of_ours() -> None:
    async with server(json.dumps(ANSWER | {"procedure": "other"})) as (address, _):
        reading = await read(address)
    assert (reading.procedure, reading.claims, reading.wants_outcome) == (None, (), False)


def asked() -> str:
    named = prompt.names(MESSAGES)
    text = prompt.conversation_text(named, len, 10_000)
    user = prompt.render("conversation", procedures=prompt.procedures_text([PROCEDURE]), conversation=text)
    return f"{prompt.template('read')}\n=====\n{user}\n"


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("prompt.txt", asked),
        ("repair.txt", lambda: prompt.render("repair", problem="claims.0.step: Field required") + "\n"),
        ("schema.json", lambda: json.dumps(schema([PROCEDURE]), indent=1) + "\n"),
    ],
)
def test_the_model_is_given_exactly_this(name: str, made: Callable[[], str]) -> None:
    assert made() == (GOLDEN / name).read_text(encoding="utf-8"), (
        f"changed on purpose? write it to golden/{name}"
    )


def test_a_long_conversation_keeps_its_first_and_newest_messages() -> None:
    many = [
        MESSAGES[0].model_copy(update={"id": str(n), "text": f"message {n} " + "word " * 50})
        for n in range(40)
    ]
    text = prompt.conversation_text(prompt.names(many), lambda line: len(line) // 3, 600)
    assert '"id": "m1"' in text
    assert '"id": "m40"' in text
    assert '"id": "m5"' not in text
    assert len(text) // 3 <= 600


def test_tokens_are_estimated_without_a_tokenizer_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    prompt.counter.cache_clear()
    assert prompt.counter()("x" * 300) == 101
    prompt.counter.cache_clear()


@pytest.mark.skipif(
    "STEPFOUR_TEST_LLM_URL" not in os.environ, reason="set STEPFOUR_TEST_LLM_URL to try a real server"
)
async def test_a_real_server_is_read_or_replaced() -> None:
    reader = llm_reader(
        base_url=os.environ["STEPFOUR_TEST_LLM_URL"], model=os.environ.get("STEPFOUR_TEST_LLM_MODEL",
        "default"),
        api_key="none", fallback=fallback, timeout_s=120,
    )  # fmt: skip
    reading = await reader(MESSAGES, [PROCEDURE])
    assert reading.reader.startswith("llm:")
    for claim in reading.claims:
        assert any(claim.quote in m.text and m.role == "customer" for m in MESSAGES)
