"""A whole conversation full of personal data: none of it in the log, none of it at the model."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from app.logs import Masking
from evals.world import scenarios
from evals.world.spec import Spec
from tests.app.model_double import Double, Wire, double, reads, says
from tests.app.personal import sentences
from tests.e2e.conftest import Site
from tests.e2e.test_model_failures import READING

pytestmark = pytest.mark.slow
IN_ONE = 20
"""Sentences in a message."""


@pytest.fixture
def model() -> Iterator[Double]:
    with double() as made:
        yield made


@pytest.fixture
def logged() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """What the service logs, and what it would if nothing were hidden."""
    streams = io.StringIO(), io.StringIO()
    root, loud = logging.getLogger(), logging.getLogger("aiosqlite")
    before = root.level, loud.level
    handlers: list[logging.Handler] = [logging.StreamHandler(stream) for stream in streams]
    handlers[0].setFormatter(Masking("%(message)s"))
    others, root.handlers = root.handlers, list(handlers)
    root.setLevel(logging.DEBUG)
    loud.setLevel(logging.DEBUG)
    yield streams
    root.handlers = others
    root.setLevel(before[0])
    loud.setLevel(before[1])


def repeats(wire: Wire) -> None:
    """A model that says back all that it was given."""
    given = wire.asked["messages"][-1]["content"]
    says(json.dumps(READING | {"request": given[-600:]}) if reads(wire.asked) else given[:300])(wire)


def test_none_of_200_values_is_logged_or_sent_to_the_model(
    model: Double,
    new_site: Callable[..., Site],
    scene: Callable[..., Spec],
    logged: tuple[io.StringIO, io.StringIO],
) -> None:
    model.play = repeats
    site = new_site(llm_base_url=model.url, llm_model="double")
    given = sentences(200, seed=11)
    for start in range(0, len(given), 5 * IN_ONE):
        talk = site.talk(scene(scenarios.all_ready).owner)
        part = given[start : start + 5 * IN_ONE]
        for n in range(0, len(part), IN_ONE):
            assert talk.say("\n".join(text for _, _, text in part[n : n + IN_ONE])).payloads("error") == []
        said = "\n".join(message["text"] for message in talk.messages())
        assert all(value in said for _, value, _ in part), "people see what they wrote"
    hidden, bare = (stream.getvalue() for stream in logged)
    sent = b"\n".join(model.raw).decode()
    assert len(model.asked) >= 200 / IN_ONE
    forms = {value: {value, json.dumps(value)[1:-1], repr(value)[1:-1]} for _, value, _ in given}
    assert sum(any(form in bare for form in each) for each in forms.values()) > 150, "it would be there"
    assert [value for value, each in forms.items() if any(form in hidden for form in each)] == []
    assert [value for value, each in forms.items() if any(form in sent for form in each)] == []
