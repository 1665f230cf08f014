"""The model reader against a loopback double of an OpenAI-compatible server, and a real one if set."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.endpoint import Endpoint, Waits
from app.models.conversation import Message
from app.models.reading import Reading
from app.reader import prompt
from app.reader.llm import ReadAnswer, checked, llm_reader, schema
from knowledge.model import Procedure, Step
from tests.app.model_double import Double, double, says

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


@pytest.fixture
def model() -> Iterator[Double]:
    with double() as made:
        yield made


async def read(model: Double) -> Reading:
    return await llm_reader(Endpoint(model.url, "m", "k"), fallback=fallback)(MESSAGES, [PROCEDURE])


async def test_reads_what_the_model_says_with_quotes_from_the_conversation(model: Double) -> None:
    model.play = says(json.dumps(ANSWER))
    reading = await read(model)
    assert reading.reader == "llm:m"
    assert [(c.step, c.status, c.message, c.quote) for c in reading.claims] == [
        ("verified", "done", "c-1", "Verified since May"),
        ("free", "not_done", "c-3", "Not yet"),
    ]
    assert [(s.name, s.value) for s in reading.subjects] == [("domain", "shop.acme.example")]
    assert (reading.tokens_in, reading.tokens_out) == (100, 20)
    assert model.asked[0]["response_format"]["json_schema"]["strict"] is True
    assert model.keys == ["Bearer k"]


async def test_repairs_malformed_output_once(model: Double) -> None:
    model.plays = [says('{"language": "en"'), says(json.dumps(ANSWER))]
    reading = await read(model)
    assert reading.reader == "llm:m"
    assert reading.tokens_in == 200
    assert len(model.asked) == 2
    assert "not valid" in model.asked[1]["messages"][-1]["content"]


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
async def test_a_claim_without_the_customers_words_is_dropped(answer: dict[str, Any], model: Double) -> None:
    model.play = says(json.dumps(answer))
    assert [claim.step for claim in (await read(model)).claims] == ["verified"]


async def test_a_value_that_was_not_named_is_dropped(model: Double) -> None:
    inputs = [
        {"name": "domain", "value": "evil.example", "message": "m3", "quote": "it is for Shop.Acme.example"}
    ]
    model.play = says(json.dumps(ANSWER | {"inputs": inputs}))
    assert (await read(model)).subjects == ()


PASTED = {
    "code": '{"procedure":"move","inputs":[{"name":"workspace","value":"vendas"}]}',
    "forwarded": "---------- Forwarded message ----------\nFrom: Zoe\nPut it into workspace vendas",
    "quoted": "> Put it into workspace vendas",
    "paste": "error 409\nworkspace:   vendas",
}


@pytest.mark.parametrize("data", PASTED.values(), ids=PASTED)
def test_a_name_that_stands_only_in_what_they_pasted_is_asked_for(data: str) -> None:
    said = "Please move acme.example to the other workspace."
    assert _named_in(f"{said}\n{data}", "workspace", "vendas") == []
    assert _named_in(f"{said} It is vendas.\n\n{data}", "workspace", "vendas") == ["vendas"]


def test_a_host_may_be_pasted_where_they_say_none() -> None:
    record = "links.acme.example. 300 IN CNAME edge.example."
    assert _named_in(f"Please move it:\n{record}", "domain", "links.acme.example") == ["links.acme.example"]
    assert _named_in(f"Please move b.example:\n{record}", "domain", "b.example") == ["b.example"]


def test_what_they_say_counts_before_what_they_pasted() -> None:
    text = "Please move b.example:\nlinks.acme.example. 300 IN CNAME edge.example."
    assert _named_in(text, "domain", "links.acme.example", "b.example") == ["b.example"]


def _named_in(text: str, kind: str, *values: str) -> list[str]:
    """Which of the values that a model found there are kept."""
    message = MESSAGES[0].model_copy(update={"text": text})
    found = [{"name": kind, "value": value, "message": "m1", "quote": value} for value in values]
    answer = ReadAnswer.model_validate(ANSWER | {"inputs": found, "claims": []})
    procedure = PROCEDURE.model_copy(update={"subjects": ("domain", "workspace")})
    return [item.value for item in checked(answer, {"m1": message}, [procedure]).subjects]


def test_a_forwarded_mail_says_nothing_of_what_they_did() -> None:
    claim = {"step": "free", "status": "done", "message": "m1", "quote": "The number is free"}
    text = "What do you say?\n---------- Forwarded message ----------\nFrom: Zoe\nThe number is free"
    answer = ReadAnswer.model_validate(ANSWER | {"inputs": [], "claims": [claim]})
    own = MESSAGES[0].model_copy(update={"text": "The number is free"})
    assert checked(answer, {"m1": MESSAGES[0].model_copy(update={"text": text})}, [PROCEDURE]).claims == ()
    assert [c.step for c in checked(answer, {"m1": own}, [PROCEDURE]).claims] == ["free"]


async def test_a_procedure_of_nobody_is_none_of_ours(model: Double) -> None:
    model.play = says(json.dumps(ANSWER | {"procedure": "other"}))
    reading = await read(model)
    assert (reading.procedure, reading.claims, reading.wants_outcome) == (None, (), False)


async def test_the_model_sees_no_address_and_the_quote_is_still_the_customers(model: Double) -> None:
    text = (
        "We send as ana.souza@Shop.Acme.example. Verified since May, ask 11 91234-5678, key sk_live_4eC39Hq"
    )
    said = (MESSAGES[0].model_copy(update={"text": f"{text}LyjWDarjtT1zdp7dc"}),)
    address = "<email 1>@Shop.Acme.example"
    model.play = says(
        json.dumps(
            ANSWER
            | {"request": f"Send as {address}"}
            | {
                "inputs": [
                    {"name": "domain", "value": "Shop.Acme.example", "message": "m1", "quote": address}
                ]
            }
            | {"claims": [ANSWER["claims"][0] | {"quote": "Verified since May, ask <phone 1>"}]}
        )
    )
    reading = await llm_reader(Endpoint(model.url, "m"), fallback=fallback)(said, [PROCEDURE])
    given = model.asked[0]["messages"][1]["content"]
    assert (
        "We send as <email 1>@Shop.Acme.example. Verified since May, ask <phone 1>, key <secret 1>" in given
    )
    assert reading.request == "Send as ana.souza@Shop.Acme.example"
    assert [(s.value, s.quote) for s in reading.subjects] == [
        ("shop.acme.example", "ana.souza@Shop.Acme.example")
    ]
    assert [claim.quote for claim in reading.claims] == ["Verified since May, ask 11 91234-5678"]


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
    name = os.environ.get("STEPFOUR_TEST_LLM_MODEL", "default")
    endpoint = Endpoint(os.environ["STEPFOUR_TEST_LLM_URL"], name, waits=Waits(120, 120, 60))
    reader = llm_reader(endpoint, fallback=fallback)
    reading = await reader(MESSAGES, [PROCEDURE])
    assert reading.reader.startswith("llm:")
    for claim in reading.claims:
        assert any(claim.quote in m.text and m.role == "customer" for m in MESSAGES)
