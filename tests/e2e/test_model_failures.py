"""Whatever a model does, a customer gets their answer over the web API, from the built-in pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import endpoint
from evals.world import scenarios
from evals.world.spec import Person, Spec
from tests.app.model_double import FAULTS, Double, Play, Wire, double, reads, says
from tests.e2e.conftest import Answered, Site

pytestmark = pytest.mark.slow

QUESTION = "How do I rotate an API key?"
READING: dict[str, object] = {
    "language": "en", "speech": "question", "request": QUESTION, "procedure": None, "inputs": [],
    "claims": [], "wants_outcome": False, "asks_how": False, "wants_person": False, "danger": None,
    "skips_checks": False, "for_other": False, "asks_again": False, "confirms": False,
}  # fmt: skip
WRONG_SHAPES = {
    "prose": "Happy to help!",
    "a string instead of an object": '"done"',
    "a wrong enum": json.dumps(READING | {"speech": "command"}),
}


@pytest.fixture(scope="module")
def model() -> Iterator[Double]:
    with double() as made:
        yield made


@pytest.fixture(scope="module")
def site(new_site: Callable[..., Site], model: Double) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(endpoint, "LONGEST_REST_S", 0.0)  # each fault is to be met, not stepped around
        waits = {"llm_seconds": 2.0, "llm_first_seconds": 1.5, "llm_stall_seconds": 1.5}
        yield new_site(llm_base_url=model.url, llm_model="double", **waits)


@pytest.fixture(scope="module")
def people(world: Any) -> Iterator[Person]:
    spec: Spec = world.load(scenarios.all_ready(account="talkers", domain="talkers.example", label="7001"))
    return (spec.owner.model_copy(update={"user": f"u-{n}"}) for n in range(1000))


def ask(site: Site, people: Iterator[Person]) -> Answered:
    answered = site.talk(next(people)).say(QUESTION)
    assert answered.decision == "answer"
    assert "key" in answered.text.lower()
    assert answered.payloads("error") == []
    return answered


def of_roles(reader: Play, writer: Play) -> Play:
    def play(wire: Wire) -> None:
        (reader if reads(wire.asked) else writer)(wire)

    return play


GOOD = says(json.dumps(READING))


def test_a_good_model_reads_and_writes(site: Site, people: Iterator[Person], model: Double) -> None:
    model.asked.clear()
    model.play = of_roles(GOOD, says("NO ANSWER"))
    ask(site, people)
    assert [reads(asked) for asked in model.asked] == [True, False]


@pytest.mark.parametrize("fault", [*FAULTS, *WRONG_SHAPES])
def test_a_reader_that_fails(fault: str, site: Site, people: Iterator[Person], model: Double) -> None:
    play = FAULTS[fault][0] if fault in FAULTS else says(WRONG_SHAPES[fault])
    model.asked.clear()
    model.play = of_roles(play, says("NO ANSWER"))
    ask(site, people)
    assert any(map(reads, model.asked))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_writer_that_fails(fault: str, site: Site, people: Iterator[Person], model: Double) -> None:
    model.asked.clear()
    model.play = of_roles(GOOD, FAULTS[fault][0])
    answered = ask(site, people)
    assert not all(map(reads, model.asked))
    assert "x x" not in answered.text, "half an answer is not kept"
