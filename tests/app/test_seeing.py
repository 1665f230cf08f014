"""What was seen, as a sentence; the word beside a step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.models.steps import StepState
from app.probes.codes import CODES, TABLE
from app.seeing import seen, step_word, watch_turned
from app.texts import LANGUAGES
from tests.app.reply.bakery import NOW, bakery, finding, state


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_every_code_is_a_sentence_with_its_values(lang: str, code: str) -> None:
    values = tuple((name, f"value-{name}.example") for name in CODES[code])
    sentence = seen(finding(TABLE[code].met, code, seen=values), lang)
    assert "{" not in sentence
    assert sentence.endswith(".")
    general = seen(finding(TABLE[code].met, "no_such_code"), lang)
    assert sentence != general


@pytest.mark.parametrize("met", [True, False, None])
def test_an_unknown_code_or_a_missing_value_is_a_general_sentence(met: bool | None) -> None:
    general = seen(finding(met, "from_a_newer_version", seen=(("x", "y"),)), "en")
    assert general.endswith(".")
    assert seen(finding(met, "dns_no_address"), "en") == general


def test_what_the_world_says_stays_inside_code() -> None:
    hostile = "`[x](javascript:alert(1))` {host} **done** <script>"
    sentence = seen(finding(False, "dns_no_address", seen=(("host", hostile),)), "en")
    outside = "".join(part for n, part in enumerate(sentence.split("`")) if n % 2 == 0)
    assert outside == " does not lead to any address; a DNS record is expected there."


def test_the_word_beside_a_step() -> None:
    def word(each: StepState, lang: str = "en") -> str:
        return step_word(each, lang, NOW)

    assert word(state("oven")) == "Checked just now"
    old = finding(True, at=NOW - timedelta(minutes=4))
    assert word(state("oven", "verified", finding(True), old)) == "Checked 4 min ago"
    assert word(state("oven", "claimed")) == "You told us"
    assert word(state("oven", "contradicted", finding(False, "tracking_off"))).startswith(
        "Does not look right: Click tracking is switched off"
    )
    assert word(state("oven", "missing", finding(False, needs_time=True))).startswith("Needs time:")
    assert word(state("oven", "not_applicable"), "pt") == "Não é necessário aqui"


def test_tells_that_a_watched_step_turned() -> None:
    step = bakery().steps[0]
    assert watch_turned(step, finding(True, "tracking_on"), "en", goes_on=True) == (
        "“Heat the oven” is in place now: Click tracking is switched on in your account. "
        "I go on from here by myself."
    )
    assert "by myself" not in watch_turned(step, None, "en", goes_on=False)
