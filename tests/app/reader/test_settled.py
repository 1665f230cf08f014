"""Two readings made one: no claim wins by majority, and care wins wherever either reader takes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from app.endpoint import Endpoint
from app.ledger import step_state
from app.models.conversation import Message
from app.models.reading import Claim, Input, Reading
from app.reader import prompt
from app.reader.llm import llm_reader
from app.reader.settled import settled
from knowledge.model import Procedure, Step
from tests.app.model_double import double, says
from tests.app.reader.test_llm import ANSWER, MESSAGES, PROCEDURE

AT = datetime(2026, 1, 1, tzinfo=UTC)


def reading(status: str | None = None, *, procedure: str | None = "p", **more: object) -> Reading:
    claims = () if status is None else (claim(status),)
    return Reading(procedure=procedure, claims=claims).model_copy(update={"wants_outcome": True} | more)


def claim(status: str, subject: str | None = None) -> Claim:
    return Claim(step="s", subject=subject, status=status, message="m", quote="q")


@pytest.mark.parametrize(
    ("model", "own", "disputed"),
    [
        ("done", "not_done", True),
        ("done", "failed", True),
        ("done", "planned", True),
        ("not_done", "done", True),
        ("done", "done", False),
        ("not_done", "failed", False),
        ("done", None, False),
    ],
)
def test_what_opens_a_step_for_one_reader_alone_is_disputed(
    model: str, own: str | None, disputed: bool
) -> None:
    (found,) = settled(reading(model), reading(own), for_action=True).claims
    assert found.disputed is disputed


@pytest.mark.parametrize("status", ["done", "not_done", "failed"])
def test_a_disputed_step_is_neither_done_nor_open(status: str) -> None:
    step = Step(id="s", title="S", text="", anchor="s", subject="domain")
    found = claim(status).model_copy(update={"disputed": True, "shown": True})
    state = step_state(step, claim=found, findings=(), must=False)
    assert (state.word, state.holds) == ("unknown", False)


def test_without_an_action_or_about_another_procedure_nothing_is_disputed() -> None:
    assert not settled(reading("done"), reading("failed"), for_action=False).claims[0].disputed
    other = reading("failed", procedure="q", wants_outcome=False)
    made = settled(reading("done"), other, for_action=True)
    assert not made.claims[0].disputed
    assert made.wants_outcome


def test_what_is_said_of_another_subject_is_no_dispute() -> None:
    model = Reading(procedure="p", claims=(claim("done", "a.example"),))
    own = Reading(procedure="p", claims=(claim("failed", "b.example"),))
    assert not settled(model, own, for_action=True).claims[0].disputed
    assert (
        settled(model, Reading(procedure="p", claims=(claim("failed"),)), for_action=True).claims[0].disputed
    )


@pytest.mark.parametrize("flag", ["wants_person", "skips_checks", "for_other"])
def test_care_needs_one_reader_and_a_wish_needs_both(flag: str) -> None:
    careful = reading().model_copy(update={flag: True})
    for pair in ((careful, reading()), (reading(), careful)):
        assert getattr(settled(*pair, for_action=True), flag)
    assert settled(reading(), reading(None, danger="fraud"), for_action=True).danger == "fraud"
    assert not settled(reading(), reading(None, wants_outcome=False), for_action=True).wants_outcome


@pytest.mark.parametrize(
    ("own", "faint"),
    [
        (reading(), False),
        (reading(procedure=None, wants_outcome=False), True),
        (reading(procedure="q"), True),
    ],
)
def test_a_wish_that_only_the_model_reads_is_told_apart(own: Reading, faint: bool) -> None:
    made = settled(reading(), own, for_action=True)
    assert made.wants_outcome
    assert made.faint is faint
    assert not settled(reading(None, wants_outcome=False), own, for_action=True).faint


def test_what_was_named_is_known_though_the_model_leaves_it_out() -> None:
    named = Input(name="domain", value="victim.example", message="m", quote="victim.example")
    other = named.model_copy(update={"value": "own.example", "quote": "own.example"})
    made = settled(reading(subjects=(other,)), reading(subjects=(named, other)), for_action=True)
    assert [each.value for each in made.subjects] == ["own.example", "victim.example"]


async def test_the_model_is_held_against_the_built_in_reader() -> None:
    async def own(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        found = Claim(step="verified", status="not_done", message="c-1", quote="Verified since May")
        return Reading(procedure="own-number", claims=(found,), wants_outcome=True)

    with double() as model:
        model.play = says(json.dumps(ANSWER))
        found = await llm_reader(Endpoint(model.url, "m"), fallback=own)(MESSAGES, [PROCEDURE])
    assert {one.step: one.disputed for one in found.claims} == {"verified": True, "free": False}
    assert found.reader == "llm:m"


def test_what_was_said_of_steps_stays_in_a_long_conversation() -> None:
    many = [
        Message(id=f"c-{n}", conversation="c", role="customer", text=f"words {n} " + "and more " * 60, at=AT)
        for n in range(300)
    ]
    told = {f"c-{n}": [f"words {n} and more"] for n in (7, 120, 121)}
    text = prompt.conversation_text(prompt.names(many), lambda line: len(line) // 3, 2_000, told)
    for name in ("m8", "m121", "m122"):
        assert f'"id": "{name}"' in text
    assert '"id": "m9"' not in text
    assert len(text) // 3 <= 2_000


def test_a_message_that_is_too_long_keeps_what_it_tells_in_its_middle() -> None:
    text = "a " * 5_000 + "the proxy is up " + "b " * 5_000
    long = Message(id="c-1", conversation="c", role="customer", text=text, at=AT)
    made = prompt.conversation_text(prompt.names([long]), len, 1_000, {"c-1": ["the proxy is up"]})
    assert "the proxy is up" in made
    assert len(made) < 4_000


def test_the_part_that_stays_the_same_comes_first() -> None:
    more = (*MESSAGES, MESSAGES[2].model_copy(update={"id": "c-4", "text": "It is free now."}))
    first, second = (prompt.conversation_text(prompt.names(m), len, 10_000) for m in (MESSAGES, more))
    assert second.startswith(first), "a provider's cache holds all but the newest message"


@pytest.mark.parametrize(
    ("model", "own", "perhaps"),
    [
        (reading(procedure=None), reading(), "p"),
        (reading(procedure=None), reading(wants_outcome=False), None),
        (reading(procedure=None), reading(procedure=None, perhaps="near"), "near"),
        (reading(), reading(procedure=None, perhaps="near"), None),
    ],
)
def test_a_matter_that_one_reader_alone_sees_is_asked_about(
    model: Reading, own: Reading, perhaps: str | None
) -> None:
    assert settled(model, own, for_action=True).perhaps == perhaps
