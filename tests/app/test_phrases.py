"""What is said of pages and procedures: facts alone are kept, and every language has the sentence."""

from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa

from app.adapters.documents import shown
from app.doubts import Kind as Doubted
from app.phrases import sentences, worded
from app.texts import LANGUAGES, catalogue, language, placeholders
from knowledge import findings
from knowledge.health.finding import KINDS, STATES, TalkKind
from knowledge.phrases import SLOTS, phrase
from tests.app.documents import found, kept

OLD = "They give different figures: “30 days” or “45 days”."


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_phrase_has_a_sentence_with_the_same_slots(lang: str) -> None:
    every = catalogue(language(lang))
    there = {key.removeprefix("phrase."): text for key, text in every.items() if key.startswith("phrase.")}
    assert {key: placeholders(text) for key, text in there.items()} == dict(SLOTS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_and_state_has_a_name(lang: str) -> None:
    every = catalogue(language(lang))
    kinds = {key.split(".")[2] for key in every if key.startswith("documents.kind.")}
    assert kinds == set(KINDS)
    for state in STATES:
        assert f"documents.decide.{state}" in every
        assert f"documents.told.{state}" in every
        assert f"documents.filter.{state}" in every


def test_what_comes_up_in_conversations_says_what_to_do() -> None:
    assert get_args(Doubted) == get_args(TalkKind)
    assert all(f"{kind}.todo" in SLOTS for kind in get_args(TalkKind))


@pytest.mark.parametrize("slots", [{}, {"target": "a", "more": 1}, {"page": "a"}])
def test_a_phrase_with_other_slots_than_its_sentence_is_not_made(slots: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"link\.no_page takes target"):
        phrase("link.no_page", **slots)
    with pytest.raises(KeyError):
        phrase("link.nowhere")


def test_phrases_in_phrases_are_in_the_same_language_and_words_of_pages_stay() -> None:
    signs = tuple(phrase(f"sign.{name}") for name in ("code", "links", "figures"))
    told = phrase("translation.differs", signs=signs, details=(phrase("detail.lacks", lacks="`{x}`"),))
    assert worded(told, "en") == "It differs from its original in code, links and figures: it lacks `{x}`."
    assert worded(told, "pt") == (
        "Ela difere do original em código, endereços de links e números: falta `{x}`."
    )
    assert (
        worded(told, "es")
        == "Difiere de su original en código, direcciones de enlaces y cifras: le falta `{x}`."
    )


def test_one_finding_is_kept_once_and_read_in_every_language(tmp_path: Path) -> None:
    with kept(tmp_path) as here:
        with here.knowledge.db.connect() as c:
            bodies = " ".join(c.scalars(sa.text("select body from finding")))
        assert "figures" not in bodies, "no sentence is stored"
        one = findings.get(here.knowledge.db, "a" * 12)
        assert one == findings.get(here.knowledge.db, "aaaa")
        assert one.why == found()[0].why
        told = {lang: shown(one, lang)["why"] for lang in LANGUAGES}
        assert told == {
            "en": OLD,
            "pt": "Elas trazem números diferentes: “30 days” ou “45 days”.",
            "es": "Dan cifras distintas: “30 days” o “45 days”.",
        }


def test_a_finding_that_was_stored_as_a_sentence_is_shown_until_the_next_look(tmp_path: Path) -> None:
    with kept(tmp_path) as here:
        old = sa.text(
            "update finding set body = json_set(body, '$.why', :why, '$.todo', :todo) where id = :id"
        )
        with here.knowledge.db.begin() as c:
            c.execute(old, {"why": OLD, "todo": "Correct one.", "id": "a" * 12})
        one = shown(findings.get(here.knowledge.db, "a" * 12), "pt")
        assert (one["why"], one["todo"]) == (OLD, "Correct one.")
        assert findings.findings(here.knowledge.db, kinds=["contradiction"]) != []
        here.look()
        again = findings.get(here.knowledge.db, "a" * 12)
        assert sentences(again.why, "pt").startswith("Elas trazem")
