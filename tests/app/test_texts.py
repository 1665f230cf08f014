"""The catalogues say the same things in each language, and values in them are harmless."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hours import STEPS_MINUTES
from app.probes.codes import CODES, TABLE
from app.texts import (
    LANGUAGES,
    accepted,
    back_at,
    catalogue,
    clean,
    future,
    label,
    language,
    past,
    place,
    placeholders,
    shown,
    since,
    wait,
)

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
    ("header", "lang"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("de-DE, de;q=0.9, es-MX;q=0.8, en;q=0.7", "es"),
        ("EN", "en"),
        ("de", "en"),
        ("*, ;q=1", "en"),
        ("", "en"),
    ],
)
def test_takes_the_first_language_that_a_browser_names_and_we_have(header: str, lang: str) -> None:
    assert accepted(header) == lang


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


def test_says_how_long_ago_without_an_hour_of_the_day() -> None:
    assert since(NOW - timedelta(minutes=5), NOW, "en") == "5 min ago"
    assert since(NOW - timedelta(hours=23, minutes=50), NOW, "pt") == "há 23 h"
    assert since(NOW - timedelta(days=2), NOW, "es") == "el 12 de septiembre"
    assert since(NOW - timedelta(days=300), NOW, "pt") == "em 18 de novembro de 2025"


@pytest.mark.parametrize(
    ("zone", "hours", "lang", "words"),
    [
        ("America/Sao_Paulo", 2, "en", "today at 09:00 (Sao Paulo time)"),
        ("America/Sao_Paulo", 26, "pt", "amanhã às 09:00 (horário de Sao Paulo)"),
        ("America/Argentina/Buenos_Aires", 74, "es", "el jueves a las 09:00 (hora de Buenos Aires)"),
        ("UTC", 74, "en", "on Thursday at 12:00 (UTC)"),
        ("Etc/GMT+3", 74, "en", "on Thursday at 09:00 (UTC-03:00)"),
        ("CET", 74, "en", "on Thursday at 14:00 (UTC+02:00)"),
        ("UTC", 24 * 10, "en", "on 24 September at 10:00 (UTC)"),
        ("Pacific/Auckland", 14, "en", "tomorrow at 12:00 (Auckland time)"),
    ],
)
def test_says_when_they_are_back_by_the_clock_of_their_place(
    zone: str, hours: int, lang: str, words: str
) -> None:
    assert back_at(NOW + timedelta(hours=hours), zone, lang, NOW) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "about a minute"),
        (1, "about a minute"),
        (15, "about 15 minutes"),
        (60, "about an hour"),
        (90, "about an hour and a half"),
        (480, "about 8 hours"),
        (1440, "about a day"),
        (4320, "about 3 days"),
    ],
)
def test_says_a_wait_in_round_words(minutes: int, words: str) -> None:
    assert wait(minutes * 60, "en") == words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_step_of_the_estimate_month_day_and_place_has_words(lang: str) -> None:
    waits = {wait(minutes * 60, lang) for minutes in (*STEPS_MINUTES, 2880)}
    assert len(waits) == len(STEPS_MINUTES) + 1
    days = {back_at(NOW + timedelta(days=n), "UTC", lang) for n in range(7)}
    months = {since(datetime(2025, n, 1, tzinfo=UTC), NOW, lang) for n in range(1, 13)}
    assert (len(days), len(months)) == (7, 12)
    assert len({place(channel, lang) for channel in ("web", "slack", "chatwoot", "pigeon")}) == 4
