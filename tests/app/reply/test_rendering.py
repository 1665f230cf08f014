"""What a decision sounds like: in each language, for a procedure that the catalogues have never seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.models.decision import Answer, Ask, HandOff, StaySilent
from app.models.facts import Said
from app.models.steps import StepState
from app.reply.rendering import render, tells_of_pictures
from app.texts import LANGUAGES
from tests.app.reply.bakery import HALF, NOW, citation, decisions, finding, language_of, scene, state

MIXES: tuple[Callable[[], tuple[StepState, ...]], ...] = (
    lambda: (),
    lambda: (state("oven"), state("dough", "missing", finding(False)), state("label", "unknown")),
    lambda: (state("oven", "claimed"), state("dough", "contradicted", finding(False)), state("label")),
    lambda: (state("oven"), state("dough", "failed"), state("label")),
    lambda: (state("oven"), state("dough", "unknown", finding(None)), state("label", "not_done")),
)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("known", [True, False])
def test_every_decision_has_words_in_the_language_of_the_customer(lang: str, known: bool) -> None:
    for mix in MIXES:
        for later in (None, NOW + timedelta(minutes=2)):
            facts = scene(lang, known=known, steps=mix() if known else ())
            for decision in decisions(lang):
                text = render(decision, facts, lang=lang, now=NOW, next_look=later)
                assert text.strip(), decision
                assert "{" not in text, text
                assert "}" not in text, text
                if known or (
                    "“" not in text and "**" not in text
                ):  # without its page a step has only an English id for a name
                    assert language_of(text) == lang, f"{decision}\n{text}"


def test_says_nothing_where_a_person_is_active() -> None:
    assert render(StaySilent(because="-"), scene(), lang="en", now=NOW) == ""


def test_answers_with_the_quoted_lines_and_their_sources() -> None:
    first = citation(1, section="In the bag")
    second = citation(2, document="d1", quote="Salt | 2 g\n---|---")
    third = citation(3, anchor=None)
    answer = Answer(because="-", citations=(first, second, third))
    text = render(answer, scene(), lang="en", now=NOW)
    assert f"{first.quote} [1]" in text
    assert "---|---\n\n[2]" in text
    assert "- [1] [2] [Baking bread › In the bag](en/fresh-1.md#bag), updated 2026-09-14" in text
    assert "- [3] [Baking bread](en/fresh-3.md), updated 2026-09-14" in text


def test_says_in_which_language_the_lines_are_where_it_is_another() -> None:
    answer = Answer(because="-", citations=(citation(),))
    assert "As linhas citadas estão em inglês" in render(answer, scene("pt"), lang="pt", now=NOW)
    assert "quoted lines are in" not in render(answer, scene(), lang="en", now=NOW)


@pytest.mark.parametrize(
    ("lang", "contradicted", "outdated"),
    [
        ("en", "says otherwise", "out of date"),
        ("pt", "diz algo diferente", "desatualizada"),
        ("es", "dice algo distinto", "no esté al día"),
    ],
)
def test_says_once_that_something_speaks_against_what_it_quotes(
    lang: str, contradicted: str, outdated: str
) -> None:
    def told(*doubts: str, written: str | None = None) -> str:
        cited = tuple(citation(n, lang, doubt=doubt) for n, doubt in enumerate(doubts, 1))
        answer = Answer(because="-", citations=cited)
        return render(answer, scene(lang), lang=lang, now=NOW, written=written)

    assert contradicted in told("contradicted", "outdated")
    assert outdated not in told("contradicted", "outdated")
    assert outdated in told("outdated", "outdated", written="So it is [1].")
    assert outdated not in told("", "outdated", written="So it is [1].")
    assert contradicted not in told("", "")


def test_written_words_stand_in_place_of_the_lines_with_the_sources_they_cite() -> None:
    answer = Answer(because="-", citations=(citation(1), citation(2)))
    text = render(answer, scene(), lang="en", now=NOW, written="Bread stays fresh for three days [2].")
    assert text.startswith("Bread stays fresh for three days [2].")
    assert "fresh-2.md" in text
    assert "fresh-1.md" not in text
    assert "Our pages say" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tells_once_that_pictures_cannot_be_read(lang: str) -> None:
    for decision in decisions(lang):
        plain = render(decision, scene(lang, steps=HALF), lang=lang, now=NOW)
        facts = scene(lang, steps=HALF, unread_images=True)
        assert tells_of_pictures(decision, facts)
        text = render(decision, facts, lang=lang, now=NOW)
        assert text.startswith(plain)
        assert len(text) > len(plain)
        known = facts.model_copy(update={"said": Said(pictures=True)})
        assert render(decision, known, lang=lang, now=NOW) == plain
        assert not tells_of_pictures(decision, known)


def test_who_is_handed_over_need_not_paste_anything() -> None:
    facts = scene(unread_images=True)
    text = render(HandOff(because="-", reason="asked"), facts, lang="en", now=NOW)
    assert text.endswith("I cannot read pictures, but the person who takes over can see what you sent.")
    asked = render(Ask(because="-", step="dough"), facts, lang="en", now=NOW)
    assert asked.endswith("if the picture shows text, please paste it here.")
