"""A question says what kind of line answers it, in three languages and as people type."""

from __future__ import annotations

import pytest

from knowledge.awaited import awaited, gives
from knowledge.meanings import LANGS, alike
from knowledge.quotes import best, lines
from knowledge.stems import stems

ASKED = [
    ("en", "how much is the big plan", "price"),
    ("pt", "Quanto custa o plano maior?", "price"),
    ("es", "¿cuánto cuesta el plan?", "price"),
    ("en", "How long are logs kept?", "time"),
    ("pt", "quanto tempo demora", "time"),
    ("es", "cuanto tarda el cambio?", "time"),
    ("en", "how many people can sign in", "number"),
    ("es", "cuántos usuarios puedo tener", "number"),
    ("en", "why did it stop??", "reason"),
    ("pt", "pq parou?", "reason"),
    ("es", "por qué se paró", "reason"),
    ("en", "who can see this?", "who"),
    ("pt", "quem pode exportar", "who"),
    ("es", "quién lo puede ver", "who"),
    ("en", "how do i change the colours", "way"),
    ("pt", "onde troco a senha", "way"),
    ("es", "quiero borrar mis datos", "way"),
    ("en", "It prints empty pages.", None),
]


@pytest.mark.parametrize(("lang", "question", "kind"), ASKED)
def test_the_kind_of_a_question(lang: str, question: str, kind: str | None) -> None:
    assert awaited(question, lang) == kind


def test_a_line_is_of_its_kind() -> None:
    assert gives("Go to **Settings > Team**.", "way")
    assert gives("It costs 40 USD a month.", "price")
    assert gives("Espere 30 minutos.", "time")
    assert not gives("A team is a group of people.", "way")
    assert not gives("We keep it for 30 days.", "price")


TEXT = """A sticker shows your name on the parcel. Stickers cost 3 USD each.

1. Open **Shop > Stickers**.
2. Choose a colour."""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("how much are stickers", "Stickers cost 3 USD each."),
        ("how do i get stickers", "Open **Shop > Stickers**."),
        ("stickers with a name", "A sticker shows your name on the parcel."),
    ],
)
def test_the_line_that_answers_comes_before_one_that_shares_the_words(question: str, answer: str) -> None:
    weight = dict.fromkeys(stems(question, "en"), 1.0)
    assert best(lines(TEXT, "en"), weight, kind=awaited(question, "en"))[0] == answer


def test_everyday_words_mean_the_same_across_languages() -> None:
    (colleague,) = stems("colleague", "en")
    assert set(stems("coworker user", "en")) <= alike(colleague, "en", "en")
    assert colleague not in alike(colleague, "en", "en")
    (companero,) = stems("compañero", "es")
    assert {colleague, *stems("person", "en")} <= alike(companero, "es", "en")
    assert alike("zebra", "en", "pt") == frozenset()


def test_every_group_has_words_in_each_language() -> None:
    from knowledge.meanings import _groups

    assert all(group[lang] for group in _groups() for lang in LANGS)
