"""One question, why it matters, and what can be answered."""

from __future__ import annotations

from app.models.decision import Ask
from app.models.facts import Said
from app.models.reading import Reading
from app.reply.rendering import render
from tests.app.reply.bakery import NOW, bakery, scene, state


def test_asks_one_question_and_why_it_matters() -> None:
    facts = scene(steps=(state("oven"), state("dough"), state("label", "unknown")))
    text = render(Ask(because="-", step="label"), facts, lang="en", now=NOW)
    assert text.count("?") == 1
    assert "Is “Put a label on the box” already done?" in text
    assert "because **Baking bread** depends on it" in text


def test_who_asks_how_is_told_all_steps_with_the_first_question() -> None:
    unknown = tuple(state(step, "unknown") for step in ("oven", "dough", "label"))
    facts = scene(steps=unknown, reading=Reading(asks_how=True, speech="question"))
    text = render(Ask(because="-", step="oven"), facts, lang="en", now=NOW)
    titles = [step.title for step in bakery().steps]
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        f"{number}. {title}" for number, title in enumerate(titles, 1)
    ]
    later = facts.model_copy(update={"said": Said(asked=("oven",), last="ask")})
    assert "1. " not in render(Ask(because="-", step="dough"), later, lang="en", now=NOW)
    wanted = facts.model_copy(update={"reading": Reading(wants_outcome=True)})
    assert "1. " not in render(Ask(because="-", step="oven"), wanted, lang="en", now=NOW)


def test_asks_a_branching_step_by_its_outcomes() -> None:
    procedure = bakery()
    fork = procedure.steps[1].model_copy(update={"outcomes": (("rye", "oven"), ("wheat", "label"))})
    procedure = procedure.model_copy(update={"steps": (procedure.steps[0], fork, procedure.steps[2])})
    facts = scene(steps=(state("dough", "unknown"),)).model_copy(update={"procedure": procedure})
    assert "**rye** / **wheat**?" in render(Ask(because="-", step="dough"), facts, lang="en", now=NOW)


def test_what_nobody_has_named_is_asked_in_the_customers_words() -> None:
    decision = Ask(because="-", step="este [botão](http://evil.example)", about="words")
    text = render(decision, scene("pt"), lang="pt", now=NOW)
    assert text.startswith("Não sei ao certo o que você quer dizer com “este ")
    assert "](http" not in text


def test_a_choice_of_few_names_is_offered() -> None:
    ask = Ask(because="-", step="domain", about="subject")
    few = scene(among=("links.acme.example", "go.acme.example"))
    assert render(ask, few, lang="en", now=NOW) == (
        "Which domain is this about? Your account has `links.acme.example` / `go.acme.example`."
    )
    many = scene(among=tuple(f"l{n}.acme.example" for n in range(7)))
    assert "acme" not in render(ask, many, lang="en", now=NOW)


def test_asks_for_the_subject_by_its_kind() -> None:
    text = render(Ask(because="-", step="workspace", about="subject"), scene("pt"), lang="pt", now=NOW)
    assert "De qual espaço de trabalho" in text
