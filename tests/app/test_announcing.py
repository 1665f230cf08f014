"""How an action stands, who takes over and when, and whether it is solved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from app.announcing import (
    action_text,
    action_titles,
    handed_over,
    passed_on,
    reopened,
    solved_answers,
    solved_question,
    solved_thanks,
    stopped,
)
from app.hours import Handover, handover
from app.models.request import RequestState
from app.texts import LANGUAGES, placeholders
from tests.app.reply.bakery import HANDOVERS, NOW, PAGE_TITLES, SUPPORT, finding, language_of


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "action", ["enable_https", "move_domain", "resume_sending", "assign_dedicated_ip", "x"]
)
def test_every_state_of_an_action_has_words(lang: str, action: str) -> None:
    for state_ in get_args(RequestState):
        for readback in (True, False, None):
            text = action_text(
                action, state_, lang, readback=readback, subjects=["a.example", "b.example"], title="X"
            )
            assert text.strip()
            assert "{" not in text
    assert all(action_titles(action, lang))


def test_a_refusal_says_whose_it_was() -> None:
    person = action_text("enable_https", "refused", "en", declined=True)
    assert person.startswith("A person on our team has decided not to switch HTTPS on")
    seen_now = action_text("enable_https", "refused", "en", findings=[finding(False), finding(True)])
    assert "I changed nothing. What I see: I looked, and it is not in place." in seen_now
    assert "person" not in action_text("enable_https", "refused", "en")


def test_promises_no_time_but_one_that_is_known() -> None:
    for who in HANDOVERS:
        text = passed_on(who, "en", now=NOW)
        told = "minutes" in text or "back on" in text
        assert told == (who.eta_s is not None or who.opens_at is not None)
        assert told != ("cannot promise" in text)


def test_the_button_hands_over_with_the_same_words() -> None:
    evening = datetime(2026, 9, 14, 22, tzinfo=UTC)
    closed = handover((SUPPORT,), "asked", evening)
    text = handed_over("en", "asked", closed, now=evening)
    assert text.startswith("Of course, a person takes over from here. **Support** has it now")
    assert "They are back tomorrow at 09:00 (Sao Paulo time)" in text
    assert "on Tuesday at 09:00" in handed_over("en", "asked", closed)
    assert "could not see whether everything is in place" in handed_over("en", "cannot_check")
    assert handed_over("en", "danger").count("marked as urgent") == 1
    assert handed_over("en", "reopened", closed) == reopened("en", closed)
    assert handed_over("en", "approval_expired").startswith("I have passed this on")


def test_a_team_is_data() -> None:
    evil = Handover(team="[x](javascript:y) **b** <img>")
    assert "**x(javascript:y) b img** has it now" in passed_on(evil, "en")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_around_the_end_are_in_the_language_of_the_customer(lang: str) -> None:
    title = PAGE_TITLES[lang]
    texts = [
        *(
            passed_on(handover, lang, now=NOW, urgent=urgent)
            for handover in HANDOVERS
            for urgent in (False, True)
        ),
        *(reopened(lang, handover, now=NOW) for handover in (None, *HANDOVERS)),
        solved_question(lang),
        solved_question(lang, title),
        solved_thanks(lang),
        stopped(lang),
    ]
    for text in texts:
        assert not placeholders(text)
        assert language_of(text) == lang, text
    assert f"**{title}**" in solved_question(lang, title)
    yes, no = solved_answers(lang)
    assert yes != no


def test_reopened_asks_for_nothing_that_was_said_before() -> None:
    text = reopened("en", HANDOVERS[3], now=NOW)
    assert "**Support** has it with everything from before; you do not have to explain it again" in text
    assert "?" not in text
    assert "about 15 minutes" in text
