"""What is done for the customer, what is not and why, and never "done" before the read-back."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from app.announcing import action_text
from app.models.decision import Act, Already, Decline, Propose
from app.models.reading import Input, Reading
from app.models.request import RequestState
from app.reply.rendering import render
from app.texts import LANGUAGES
from tests.app.reply.bakery import NOW, bakery, finding, scene, state


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("subjects", [(), ("links.acme.example",)])
def test_never_says_done_before_the_read_back(lang: str, subjects: tuple[str, ...]) -> None:
    named_ones = tuple(named(subject) for subject in subjects)
    facts = scene(lang, reading=Reading(subjects=named_ones, wants_outcome=True))

    def words(state: Any, readback: bool | None) -> str:
        return action_text("enable_https", state, lang, readback=readback, subjects=subjects)

    done = words("done", True)
    claims = done.split(".")[0].split("`")[0], done.split(". ")[-1]
    others = [
        *(words(state, True) for state in get_args(RequestState) if state != "done"),
        words("done", False),
        words("done", None),
        render(Act(because="-", action="enable_https"), facts, lang=lang, now=NOW),
        render(Propose(because="-", action="enable_https", approval="agent"), facts, lang=lang, now=NOW),
    ]
    for other in others:
        assert not any(claim in other for claim in claims), other


def test_tells_apart_what_was_seen_and_what_was_told_before_it_acts() -> None:
    act = Act(because="-", action="enable_https")
    assert "(I looked just now)" in render(act, scene(), lang="en", now=NOW)
    told = scene(steps=(state("oven"), state("dough", "claimed")))
    assert "what you told us" in render(act, told, lang="en", now=NOW)


def named(value: str, kind: str = "domain") -> Input:
    return Input(name=kind, value=value, message="m1", quote=value)


def test_declines_name_what_is_needed() -> None:
    opposing = finding(False, "tracking_off")
    facts = scene(
        steps=(state("oven"), state("dough", "missing", opposing)), foreign_subject="links.globex.example"
    )

    def words(reason: Any, step: str | None = None) -> str:
        return render(Decline(because="-", reason=reason, step=step), facts, lang="en", now=NOW)

    assert "Please sign in" in words("not_signed_in")
    assert "Only the owner of the account" in words("not_owner")
    assert "`links.globex.example` does not belong to the account" in words("not_yours")
    checks = words("checks_needed")
    assert "What is missing: “Knead the dough”." in checks
    assert "Click tracking is switched off" in checks
    assert words("checks_needed", "dough") == checks


def test_a_stranger_is_told_nothing_of_what_was_seen() -> None:
    facts = scene(steps=(state("dough", "missing", finding(False, "tracking_off")),))
    for reason in ("not_signed_in", "not_yours"):
        decline = Decline(because="-", reason=reason, step="dough")
        assert "tracking" not in render(decline, facts, lang="en", now=NOW)


def test_already_is_said_of_the_outcome_only_where_the_read_back_says_so() -> None:
    on = scene(outcome_holds=True).model_copy(update={"procedure": bakery(action="enable_https")})
    assert render(Already(because="-"), on, lang="en", now=NOW).startswith("HTTPS is already on")
    off = on.model_copy(update={"outcome_holds": False, "reading": Reading(asks_how=True)})
    text = render(Already(because="-"), off, lang="en", now=NOW)
    assert "already on" not in text
    assert "can ask me here to switch HTTPS on" in text
