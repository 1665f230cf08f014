"""The catalogues say the same things in each language, and values in them are harmless."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.probes.codes import CODES, TABLE
from app.texts import LANGUAGES, catalogue, clean, future, label, language, past, placeholders, shown

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)
SIMULATED = ("simulated_met", "simulated_not_met", "simulated_unknown")


@pytest.mark.parametrize("lang", ["pt", "es"])
def test_has_the_same_keys_and_placeholders_as_english(lang: str) -> None:
    english, other = catalogue("en"), catalogue(language(lang))
    assert english.keys() == other.keys()
    assert {key: placeholders(text) for key, text in other.items()} == {
        key: placeholders(text) for key, text in english.items()
    }


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", [*CODES, *SIMULATED])
def test_has_a_sentence_for_each_code_with_its_values_alone(lang: str, code: str) -> None:
    sentence = catalogue(language(lang))[f"finding.{code}"]
    assert placeholders(sentence) <= set(CODES.get(code, ()))
    assert sentence.endswith(".")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_has_one_thing_to_try_for_each_code_that_speaks_against_a_step(lang: str) -> None:
    for code, row in TABLE.items():
        if row.met is False:
            assert catalogue(language(lang))[f"try.{code}"].endswith(".")


def test_no_sentence_is_left_in_another_language() -> None:
    english = catalogue("en")
    for lang in ("pt", "es"):
        same = {
            key
            for key, text in catalogue(language(lang)).items()
            if text == english[key] and any(char.isalpha() for char in _bare(text))
        }
        assert same == set(), f"{lang}: {same}"
    portuguese, spanish = catalogue("pt"), catalogue("es")
    long = {key for key, text in spanish.items() if text == portuguese[key] and len(text.split()) > 3}
    assert long == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sentences_are_in_their_language(lang: str) -> None:
    from lingua import Language, LanguageDetectorBuilder

    detector = LanguageDetectorBuilder.from_languages(
        Language.ENGLISH, Language.PORTUGUESE, Language.SPANISH
    ).build()
    for key, text in catalogue(language(lang)).items():
        bare = _bare(text)
        if len(bare.split()) >= 6:
            found = detector.detect_language_of(bare)
            assert found is not None, key
            assert found.iso_code_639_1.name.lower() == lang, f"{key}: {bare}"


def _bare(text: str) -> str:
    """The sentence without placeholders and code."""
    words = "".join(literal for literal, *_ in string.Formatter().parse(text))
    return " ".join(part for n, part in enumerate(words.split("`")) if n % 2 == 0)


@pytest.mark.parametrize(
    ("tag", "lang"), [("pt-BR", "pt"), ("es_MX", "es"), ("EN", "en"), ("de", "en"), ("", "en")]
)
def test_finds_the_catalogue_of_a_tag(tag: str, lang: str) -> None:
    assert language(tag) == lang


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("links.acme.example", "`links.acme.example`"),
        ("301", "301"),
        ("2026-10-01", "2026-10-01"),
        ("a.example, b.example", "`a.example` and `b.example`"),
        ("[click](javascript:x)", "`[click](javascript:x)`"),
        ("`<img src=x>`", "`'<img src=x>'`"),
        ("two\nlines\u202eturned", "`two linesturned`"),
        ("   ", "nothing"),
    ],
)
def test_shows_a_value_as_something_harmless(value: str, words: str) -> None:
    assert shown(value, "en") == words


@given(st.text())
def test_no_value_leaves_its_code_span_or_its_line(value: str) -> None:
    words = shown(value, "en")
    assert "\n" not in words
    assert words.count("`") % 2 == 0
    outside = "".join(part for n, part in enumerate(words.split("`")) if n % 2 == 0)
    assert not set(outside) & set("<>[]*_#!|")


@given(st.text())
def test_a_title_cannot_open_a_link_or_a_tag(title: str) -> None:
    assert not set(label(title)) & set("[]<>`*|\n")
    assert len(clean(title)) <= 120


def test_says_when_in_words() -> None:
    assert past(NOW - timedelta(seconds=20), NOW, "en") == "just now"
    assert past(NOW - timedelta(minutes=5), NOW, "pt") == "há 5 min"
    assert past(NOW - timedelta(hours=3), NOW, "es") == "a las 07:00 UTC"
    assert past(NOW - timedelta(days=2), NOW, "en") == "on 2026-09-12 at 10:00 UTC"
    assert future(NOW + timedelta(minutes=2), NOW, "en") == "in 2 minutes"
    assert future(NOW + timedelta(seconds=30), NOW, "pt") == "daqui a um minuto"
    assert future(NOW + timedelta(hours=2), NOW, "es") == "a las 12:00 UTC"
