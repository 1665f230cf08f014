"""The dossier: a person who reads it knows what was wanted, seen and sent, and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from app.handoff import as_text, dossier
from app.models import (
    Citation,
    Claim,
    Decision,
    Facts,
    Finding,
    HandOff,
    Principal,
    Procedure,
    Propose,
    Reading,
    Said,
    Standing,
    Step,
    StepState,
    StepWord,
)
from app.texts import LANGUAGES

NOW = datetime(2026, 9, 14, 10, 40, tzinfo=UTC)
ANN = Principal(kind="customer", id="ann", account="acme")
EXPIRED = Finding(
    check="certificate_presented",
    met=False,
    code="certificate_expired",
    seen=(("host", "l.acme.example"), ("issuer", "Example CA"), ("expires", "2026-09-01")),
    at=NOW,
    until=NOW,
)
PROCEDURE = Procedure(
    id="baking",
    document="d1",
    version="v1",
    path="en/baking.md",
    lang="en",
    title="Baking bread",
    when="-",
    intro="",
    subjects=("domain",),
    action="bake_bread",
    steps=tuple(
        Step(id=id, title=title, text="-", anchor=id, subject="domain", titles=(("pt", portuguese),))
        for id, title, portuguese in (
            ("oven", "Heat the oven", "Aqueça o forno"),
            ("dough", "Knead the dough", "Sove a massa"),
            ("label", "Label the box", "Etiquete a caixa"),
        )
    ),
)
MET = EXPIRED.model_copy(update={"met": True, "code": "tracking_on", "seen": ()})
STEPS = (
    StepState(step="oven", word="verified", holds=True, findings=(MET,), checkable=True),
    StepState(
        step="dough",
        word="contradicted",
        holds=False,
        claim=Claim(step="dough", status="done", message="m1", quote="I did `that` *already*\n\n# yes"),
        findings=(EXPIRED,),
        checkable=True,
    ),
    StepState(step="label", word="claimed", holds=True),
)


def facts(**changes: Any) -> Facts:
    fields: dict[str, Any] = {
        "reading": Reading(request="Please bake our bread", wants_outcome=True),
        "standing": "owner",
        "procedure": PROCEDURE,
        "steps": STEPS,
        "said": Said(guided=("dough", "dough"), asked=("label",), passages=("p1",)),
    }
    return Facts(**fields | changes)


def test_sums_up_in_three_lines_who_wants_what_what_is_known_and_why_it_stands() -> None:
    made = dossier(facts(), ANN, "explained twice and still not there")
    assert made.summary.splitlines() == [
        "Wants: `Please bake our bread` (owner of the account)",
        "So far: in place “Heat the oven”; by the customer's word “Label the box”; open “Knead the dough”",
        "Stands because: explained twice and still not there",
    ]
    assert made.procedure == "baking"
    assert made.steps == STEPS


def test_names_what_was_sent_once_each() -> None:
    quoted = Citation(
        passage="p1",
        document="d",
        version="v",
        title="About *flour*",
        path="flour.md",
        anchor=None,
        quote="-",
        updated_at=NOW,
        lang="en",
    )
    other = quoted.model_copy(update={"passage": "p2", "title": "Never sent"})
    made = dossier(facts(), ANN, "-", sent=(quoted, other))
    assert made.sent == ("explained: Knead the dough", "asked: Label the box", "quoted from: About flour")


def test_as_text_shows_word_quote_and_finding_of_each_step() -> None:
    text = as_text(dossier(facts(), ANN, "it loops"), "en", procedure=PROCEDURE)
    assert "Customer: `ann`, account `acme`, signed in" in text
    assert "1. Heat the oven: checked\n   - Click tracking is switched on in your account." in text
    assert (
        "2. Knead the dough: claimed but not so\n"
        "   - customer: `I did 'that' *already* # yes`\n"
        "   - The certificate of `l.acme.example` from `Example CA` expired on 2026-09-01; "
        "one that is valid today is expected. (looked 2026-09-14 10:40 UTC)\n"
        "3. Label the box: claimed"
    ) in text
    assert "please do not send again:\n- explained: Knead the dough\n- asked: Label the box" in text
    assert text.endswith("Next move: Help with “Knead the dough” in words other than those already sent.")


def hand_off(reason: Any) -> HandOff:
    return HandOff(because="-", reason=reason)


HOLDING = tuple(s.model_copy(update={"holds": True, "word": "verified"}) for s in STEPS)
BLIND = (*STEPS[:1], STEPS[1].model_copy(update={"findings": (), "word": "claimed", "claim": None}))


@pytest.mark.parametrize(
    ("changes", "decision", "move"),
    [
        ({"reading": Reading(danger="security", wants_outcome=True)}, hand_off("danger"), "at once"),
        ({"steps": HOLDING}, hand_off("asked"), "Carry out `bake_bread`"),
        (
            {"steps": HOLDING},
            Propose(because="-", action="bake_bread", approval="agent"),
            "Approve or decline `bake_bread`",
        ),
        ({"steps": HOLDING}, hand_off("action_failed"), "before anybody tries it again"),
        (
            {"steps": HOLDING, "standing": "unknown"},
            hand_off("standing_unknown"),
            "whether the customer owns the account",
        ),
        ({"steps": BLIND}, hand_off("cannot_check"), "Look at “Knead the dough” by hand"),
        ({}, hand_off("repeat"), "Help with “Knead the dough”"),
        (
            {"reading": Reading(speech="question"), "procedure": None, "steps": ()},
            hand_off("no_source"),
            "worth writing",
        ),
        (
            {"reading": Reading(wants_person=True), "procedure": None, "steps": ()},
            hand_off("asked"),
            "wants a person",
        ),
        ({"reading": Reading(), "procedure": None, "steps": ()}, None, "Read the last message"),
    ],
)
def test_says_the_next_move(changes: dict[str, Any], decision: Decision | None, move: str) -> None:
    assert move in dossier(facts(**changes), ANN, "-", decision=decision).next_move


def test_danger_stands_first() -> None:
    made = dossier(facts(reading=Reading(danger="fraud", request="My account was taken")), ANN, "-")
    assert made.summary.startswith("URGENT (fraud). Wants: `My account was taken`")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_and_standing_has_words_in_each_language(lang: str) -> None:
    steps = tuple(StepState(step="oven", word=word, holds=False) for word in get_args(StepWord))
    anonymous = Principal(kind="anonymous", id="x")
    for standing in get_args(Standing):
        made = dossier(facts(steps=steps, standing=standing), anonymous, "-", lang=lang)
        text = as_text(made, lang, procedure=PROCEDURE)
        assert "{" not in text
        assert len(made.summary.splitlines()) == 3
    assert ("Aqueça o forno" in text) == (lang == "pt")


def test_knows_little_and_says_so() -> None:
    bare = Facts(reading=Reading())
    text = as_text(dossier(bare, Principal(kind="anonymous", id="x"), "-"), "en")
    assert "not clear from what was written" in text
    assert "nothing is known about the steps" in text
    assert "Steps of" not in text
