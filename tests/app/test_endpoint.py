"""Every way in which a model fails has a name and an end, for both roles."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from app.completion import ModelFailed
from app.endpoint import FAILURES_IN_A_ROW, REST_S, Breaker, Endpoint, Waits
from app.errors import ConfigError
from app.reader.llm import llm_reader
from app.writer import llm_writer
from tests.app.model_double import FAULTS, Double, Wire, double, says
from tests.app.reader.test_llm import ANSWER, MESSAGES, PROCEDURE, fallback

QUICK = Waits(total=0.5, first=0.3, stall=0.3, connect=0.3)
GRACE_S = 2.0
ASKED = [{"role": "user", "content": "Hello"}]
LINES = ("Sending is limited to 500 messages an hour for the first 48 hours after a pause.",)
SCHEMA_FAULTS = {
    "prose": "I think that the customer is happy.",
    "a string instead of an object": json.dumps("done"),
    "a list instead of an object": json.dumps([ANSWER, ANSWER]),
    "a number where a list belongs": json.dumps(ANSWER | {"claims": 7}),
    "a wrong enum": json.dumps(ANSWER | {"speech": "command"}),
    "half of it": json.dumps({"language": "en"}),
    "nested without an end": "[" * 100_000,
}


@pytest.fixture
def model() -> Iterator[Double]:
    with double() as made:
        yield made


async def told(_: str) -> None: ...


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_ends_in_the_built_in_pair(fault: str, model: Double) -> None:
    model.play, kind = FAULTS[fault]
    waits = QUICK if kind == "timeout" else Waits()
    read = llm_reader(Endpoint(model.url, "m", waits=waits), fallback=fallback)
    started = time.monotonic()
    reading = await read(MESSAGES, [PROCEDURE])
    assert time.monotonic() - started < waits.total + GRACE_S
    assert (reading.reader, reading.request) == (f"builtin (no model: {kind})", "read without a model")
    for tell in (None, told):
        write = llm_writer(Endpoint(model.url, "m", waits=waits))
        started = time.monotonic()
        assert await write("How fast can I send?", "en", LINES, tell) is None
        assert time.monotonic() - started < waits.total + GRACE_S


@pytest.mark.parametrize("fault", SCHEMA_FAULTS)
async def test_what_does_not_fit_the_schema_is_repaired_once_or_left(fault: str, model: Double) -> None:
    model.play = says(SCHEMA_FAULTS[fault])
    read = llm_reader(Endpoint(model.url, "m"), fallback=fallback)
    assert (await read(MESSAGES, [PROCEDURE])).reader == "builtin (no model: malformed)"
    assert len(model.asked) == 2
    model.plays = [says(SCHEMA_FAULTS[fault]), says(json.dumps(ANSWER))]
    assert (await read(MESSAGES, [PROCEDURE])).reader == "llm:m"


async def test_nobody_there_is_unreachable() -> None:
    with double() as gone:
        url = gone.url
    with pytest.raises(ModelFailed) as failed:
        await Endpoint(url, "m").ask(ASKED, role="reader", max_tokens=5)
    assert failed.value.kind == "unreachable"


@pytest.mark.parametrize(
    "url", ["no address", "ftp://127.0.0.1/v1", "http://", "http://127.0.0.1:99999/v1", "http://a b/v1"]
)
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match="no address"):
        Endpoint(url, "m")


@pytest.mark.parametrize("key", ["chave-ção-€", "two\nlines"])
def test_a_key_that_no_header_can_hold_stops_the_start(key: str) -> None:
    with pytest.raises(ConfigError, match="Copy it again") as error:
        Endpoint("http://127.0.0.1:9/v1", "m", key)
    assert key not in str(error.value)


async def test_a_model_that_takes_its_time_is_waited_for(model: Double) -> None:
    """Longer in all than the first token and a stall may take."""

    def slowly(wire: Wire) -> None:
        wire.head()
        for word in ("It ", "takes ", "its ", "time."):
            wire.wait(0.25)
            wire.event({"content": word})
        wire.end()

    model.play = slowly
    said = await Endpoint(model.url, "m", waits=Waits(5, 0.5, 0.5)).ask(ASKED, role="reader", max_tokens=5)
    assert said == ("It takes its time.", 100, 20)


async def test_after_the_final_mark_nothing_can_go_wrong(model: Double) -> None:
    def hangs_on(wire: Wire) -> None:
        wire.head()
        wire.event({"content": "ok"}, "stop")
        wire.wait(60)

    model.play = hangs_on
    started = time.monotonic()
    said = await Endpoint(model.url, "m").ask(ASKED, role="reader", max_tokens=5)
    assert said == ("ok", None, None)
    assert time.monotonic() - started < 5


async def test_an_endpoint_that_does_not_stream_is_read_as_well(model: Double) -> None:
    model.play = lambda wire: wire.whole("ok")
    assert await Endpoint(model.url, "m").ask(ASKED, role="reader", max_tokens=5) == ("ok", 100, 20)


async def test_an_endpoint_that_does_not_know_stream_options_is_asked_without(model: Double) -> None:
    def picky(wire: Wire) -> None:
        if "stream_options" in wire.asked:
            wire.head(422, "application/json")
        else:
            says("ok")(wire)

    model.play = picky
    endpoint = Endpoint(model.url, "m")
    for _ in range(2):
        assert (await endpoint.ask(ASKED, role="reader", max_tokens=5)).text == "ok"
    assert ["stream_options" in asked for asked in model.asked] == [True, False, False]


async def test_lone_halves_of_characters_can_be_asked(model: Double) -> None:
    await Endpoint(model.url, "m").ask([{"role": "user", "content": "\ud83d"}], role="reader", max_tokens=5)
    assert len(model.asked) == 1


# --- the breaker --------------------------------------------------------------------------------


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_after_some_failures_nobody_waits_any_more(model: Double) -> None:
    clock = Clock()
    endpoint = Endpoint(model.url, "m", breaker=Breaker(clock))
    read, write = llm_reader(endpoint, fallback=fallback), llm_writer(endpoint)
    model.play, _ = FAULTS["500"]
    await read(MESSAGES, [PROCEDURE])
    await write("How fast?", "en", LINES)
    await write("How fast?", "en", LINES)
    assert len(model.asked) == FAILURES_IN_A_ROW
    assert (await read(MESSAGES, [PROCEDURE])).reader == "builtin (no model: resting)"
    assert await write("How fast?", "en", LINES) is None
    assert len(model.asked) == FAILURES_IN_A_ROW, "both roles leave it alone"
    clock.now += REST_S + 1
    model.play = says(json.dumps(ANSWER))
    assert (await read(MESSAGES, [PROCEDURE])).reader == "llm:m"
    assert endpoint.breaker.rests == 0


async def test_when_the_rest_is_over_one_call_tries_it(model: Double) -> None:
    clock = Clock()
    endpoint = Endpoint(model.url, "m", waits=Waits(5, 5, 5), breaker=Breaker(clock))
    for _ in range(FAILURES_IN_A_ROW):
        endpoint.breaker.failed()
    clock.now += REST_S + 1

    def slowly(wire: Wire) -> None:
        wire.wait(0.3)
        says("ok")(wire)

    model.play = slowly
    asked = [endpoint.ask(ASKED, role="reader", max_tokens=5) for _ in range(10)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, ModelFailed) for each in found) == 9
    assert len(model.asked) == 1


async def test_a_long_retry_after_is_kept_to_at_once_and_not_for_ever(model: Double) -> None:
    clock = Clock()
    endpoint = Endpoint(model.url, "m", breaker=Breaker(clock))
    model.play, _ = FAULTS["429 with Retry-After"]
    for kind in ("rate", "resting"):
        with pytest.raises(ModelFailed) as failed:
            await endpoint.ask(ASKED, role="reader", max_tokens=5)
        assert failed.value.kind == kind
    assert len(model.asked) == 1
    assert 59 <= endpoint.breaker.rests <= 60
    endpoint.breaker.failed(1e9)
    assert endpoint.breaker.rests <= 300


async def test_nobody_can_make_it_rest_by_what_they_write(model: Double) -> None:
    endpoint = Endpoint(model.url, "m")
    for fault in ("a refusal", "content_filter", "too long", "tools called twice", "an empty answer"):
        model.play, _ = FAULTS[fault]
        for _ in range(FAILURES_IN_A_ROW):
            with pytest.raises(ModelFailed):
                await endpoint.ask(ASKED, role="reader", max_tokens=5)
    model.play = says("ok")
    assert (await endpoint.ask(ASKED, role="reader", max_tokens=5)).text == "ok"


async def test_a_call_that_is_given_up_lets_the_next_one_try(model: Double) -> None:
    clock = Clock()
    endpoint = Endpoint(model.url, "m", breaker=Breaker(clock))
    endpoint.breaker.failed(1.0)
    clock.now += 2
    model.play, _ = FAULTS["a hang before the headers"]
    task = asyncio.create_task(endpoint.ask(ASKED, role="reader", max_tokens=5))
    await asyncio.to_thread(model.came.wait, 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    model.play = says("ok")
    assert (await endpoint.ask(ASKED, role="reader", max_tokens=5)).text == "ok"
