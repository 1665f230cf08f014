"""Where somebody stands in a procedure that branches: a table of what is known -> the way and what is next."""
# ruff: noqa: E501  a row of the table stays on its line

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import step_states
from app.models.reading import Claim
from app.models.steps import StepState
from app.walk import End, Walk, on_the_way, walk
from knowledge.model import Procedure
from knowledge.procedures import parse_procedure

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)

PAGE = """---
title: The lamp stays dark
procedure: dark-lamp
when: The lamp does not light up.
subject: lamp
steps:
  - {id: plugged,  outcomes: {yes: outlet, no: plug-in}}
  - {id: plug-in,  next: lights}
  - {id: outlet,   outcomes: {yes: bulb, no: fuse, other-room: moved}}
  - {id: fuse,     outcomes: {blown: replace-fuse, fine: handoff}}
  - {id: bulb,     outcomes: {yes: action, no: new-bulb}}
  - {id: lights,   outcomes: {yes: enjoy, no: bulb}}
action: send_lamp
---

Follow the questions.

## 1. Is it plugged in? {#plugged}
Look at the wall.
## 2. Plug it in {#plug-in}
Push.
## 3. Does the outlet give power? {#outlet}
Try a phone.
## 4. What does the fuse look like? {#fuse}
Open the box.
## 5. Is the bulb intact? {#bulb}
Hold it to the light.
## 6. Does it light up now? {#lights}
Press the switch.
## Use the other room {#moved}
Good light there.
## Replace the fuse {#replace-fuse}
A new one.
## Put a new bulb in {#new-bulb}
Turn it.
## Enjoy {#enjoy}
Read a book.
"""


def lamp(text: str = PAGE) -> Procedure:
    found = parse_procedure(text, path="lamp.md", document="lamp", version="1", checks=None, actions=None)
    assert found is not None
    return found


LAMP = lamp()


def states(**claims: str) -> tuple[StepState, ...]:
    """`states(plug_in="done")`."""
    told = [
        Claim(step=step.replace("_", "-"), status=status, message="m", quote="q")
        for step, status in claims.items()
    ]
    return step_states(LAMP, claims=told, findings=[], must_check=frozenset(), now=NOW)


def shown(found: Walk) -> str:
    at = found.at if isinstance(found.at, str) else f"={found.at.advice or found.at.kind}"
    passed = f" ({' '.join(found.passed)})" if found.passed else ""
    return " ".join((*found.path, at)) + passed


ROWS: list[tuple[str, dict[str, str], str]] = [
    # dangerous first: an action only where every question on the way was answered or looked at
    ("an action, but a question on the way was passed over", {"outlet": "yes", "bulb": "yes"}, "outlet bulb =action (plugged)"),
    ("an answer the page has no way for", {"plugged": "yes", "outlet": "other", "fuse": "blown"}, "plugged fuse =replace-fuse (outlet)"),
    ("a thing to do is never passed over", {"plugged": "no", "lights": "yes"}, "plugged plug-in"),
    ("a thing to do that was tried in vain", {"plugged": "no", "plug_in": "failed", "lights": "yes"}, "plugged plug-in"),
    # in order
    ("nothing is known", {}, "plugged"),
    ("one answer", {"plugged": "yes"}, "plugged outlet"),
    ("the other answer", {"plugged": "no"}, "plugged plug-in"),
    ("a thing done leads on", {"plugged": "no", "plug_in": "done"}, "plugged plug-in lights"),
    ("an outcome of its own name", {"plugged": "yes", "outlet": "no", "fuse": "fine"}, "plugged outlet fuse =handoff"),
    ("an advice", {"plugged": "yes", "outlet": "no", "fuse": "blown"}, "plugged outlet fuse =replace-fuse"),
    ("an advice by a jump", {"plugged": "yes", "outlet": "other-room"}, "plugged outlet =moved"),
    ("the action", {"plugged": "yes", "outlet": "yes", "bulb": "yes"}, "plugged outlet bulb =action"),
    ("a plain word is yes", {"plugged": "done", "outlet": "done"}, "plugged outlet bulb"),
    ("a plain word is no", {"plugged": "not_done"}, "plugged plug-in"),
    ("failed is no", {"plugged": "yes", "outlet": "failed"}, "plugged outlet fuse"),
    # out of order
    ("the second before the first", {"outlet": "no"}, "outlet fuse (plugged)"),
    ("several at once, the first left out", {"outlet": "no", "fuse": "blown"}, "outlet fuse =replace-fuse (plugged)"),
    ("on both sides of an open question", {"plug_in": "done", "outlet": "no"}, "plugged"),
    ("a status that is no outcome there", {"plugged": "yes", "fuse": "failed"}, "plugged outlet"),
    # corrections
    ("a changed branch keeps what was said on the other", {"plugged": "no", "outlet": "no", "fuse": "blown"}, "plugged plug-in"),
]  # fmt: skip


@pytest.mark.parametrize(("claims", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_way(claims: dict[str, str], expected: str) -> None:
    assert shown(walk(LAMP, states(**claims))) == expected


def test_a_branch_that_is_reopened_and_taken_back_is_where_it_was() -> None:
    before = walk(LAMP, states(plugged="yes", outlet="no"))
    other = walk(LAMP, states(plugged="no", outlet="no"))
    assert shown(other) == "plugged plug-in"
    assert walk(LAMP, states(plugged="yes", outlet="no")) == before


def test_what_may_still_come_is_named() -> None:
    assert walk(LAMP, states(plugged="yes")).open == ("outlet", "fuse", "bulb")
    assert walk(LAMP, states(plugged="yes", outlet="other-room")).open == ()


def test_a_question_that_changes_nothing_is_not_asked() -> None:
    same = lamp(
        PAGE.replace("{yes: outlet, no: plug-in}", "{yes: plug-in, no: plug-in}")
        .replace("next: lights", "next: outlet")
        .replace("{yes: bulb, no: fuse, other-room: moved}", "{yes: bulb, no: fuse, other-room: lights}")
    )
    assert walk(same, ()).at == "plug-in"


def test_a_plain_no_that_the_page_knows_no_way_for_goes_to_a_person() -> None:
    cut = lamp(PAGE.replace("outcomes: {yes: action, no: new-bulb}", "outcomes: {yes: action}"))
    told = [Claim(step="bulb", status="not_done", message="m", quote="q")]
    found = walk(cut, step_states(cut, claims=told, findings=[], must_check=frozenset(), now=NOW))
    assert isinstance(found.at, End)
    assert found.at.kind == "handoff"
    assert "bulb" in found.at.because


def test_a_question_that_does_not_apply_goes_to_a_person() -> None:
    seen = step_states(
        LAMP, claims=[], findings=[], must_check=frozenset(), not_applicable=frozenset({"plugged"}), now=NOW
    )
    assert isinstance(walk(LAMP, seen).at, End)
    assert walk(LAMP, on_the_way(LAMP, seen)) == walk(LAMP, seen)


ANSWERS = {step.id: [name for name, _ in step.outcomes] or ["done", "not_done"] for step in LAMP.steps}


@given(st.fixed_dictionaries({}, optional={id: st.sampled_from(names) for id, names in ANSWERS.items()}))
def test_a_walk_ends_and_only_needs_what_is_on_it(claims: dict[str, str]) -> None:
    every = states(**claims)
    found = walk(LAMP, every)
    assert len(set(found.path)) == len(found.path)
    assert not set(found.passed) & set(claims), "what was said is not passed over"
    if isinstance(found.at, str):
        held = {state.step for state in every if state.holds}
        assert found.at not in held, "what holds is not asked or explained"
    again = walk(LAMP, on_the_way(LAMP, every))
    assert (again.at, again.path) == (found.at, found.path)
    assert set(again.passed) >= set(found.passed), "what is shown is never surer than what is known"


@given(st.fixed_dictionaries({id: st.sampled_from(names) for id, names in ANSWERS.items()}))
def test_who_has_answered_everything_is_asked_nothing(claims: dict[str, str]) -> None:
    found = walk(LAMP, states(**claims))
    assert isinstance(found.at, End) or claims[found.at] == "not_done"
