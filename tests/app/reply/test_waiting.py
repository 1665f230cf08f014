"""A look later, a person who takes over, thanks: no promise that is not kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.hours import Handover
from app.models.decision import Acknowledge, HandOff, Watch
from app.models.facts import Said
from app.models.reading import Reading
from app.reply.rendering import render
from tests.app.reply.bakery import HANDOVERS, NOW, finding, scene, state


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(timedelta(minutes=2), "in 2 minutes"), (timedelta(hours=1), "at 11:00 UTC"), (None, "by myself")],
)
def test_a_watch_says_when_we_look_next_and_that_nothing_is_left_to_do(
    ahead: timedelta | None, words: str
) -> None:
    spreading = finding(
        False,
        "dns_resolvers_disagree",
        seen=(("host", "l.example"), ("seen", "192.0.2.1"), ("expected", "192.0.2.2")),
        needs_time=True,
    )
    facts = scene(steps=(state("oven"), state("dough", "missing", spreading)))
    text = render(
        Watch(because="-", step="dough"), facts, lang="en", now=NOW, next_look=NOW + ahead if ahead else None
    )
    assert "still spreading" in text
    assert "Nothing is left for you to do" in text
    assert words in text
    assert "a person takes over" not in text


def test_a_watch_that_could_not_look_says_that_a_person_takes_over_then() -> None:
    facts = scene(steps=(state("oven"), state("dough", "unknown", finding(None))))
    text = render(
        Watch(because="-", step="dough"), facts, lang="en", now=NOW, next_look=NOW + timedelta(minutes=2)
    )
    assert "could not see" in text
    assert "a person takes over" in text


def test_the_same_watch_again_begins_with_a_fresh_look() -> None:
    facts = scene(
        steps=(state("oven"), state("dough", "missing", finding(False, needs_time=True))),
        said=Said(watching=True, last="watch"),
    )
    text = render(Watch(because="-", step="dough"), facts, lang="en", now=NOW)
    assert text.startswith("I looked again just now.")
    assert "Heat the oven" not in text


def test_hands_off_plainly_and_promises_no_time() -> None:
    text = render(HandOff(because="-", reason="no_source"), scene(), lang="en", now=NOW)
    assert text.startswith("None of our pages answers this, and I do not want to guess. A person will.")
    assert "how soon, I cannot promise" in text
    again = scene(said=Said(handed_off=True))
    assert "already" in render(HandOff(because="-", reason="no_source"), again, lang="en", now=NOW)


def test_hands_off_with_what_could_not_be_seen_or_is_still_not_there() -> None:
    hand_off = HandOff(because="-", reason="cannot_check")
    blind = scene(steps=(state("oven"), state("dough", "unknown", finding(None))))
    assert "could not see whether “Knead the dough”" in render(hand_off, blind, lang="en", now=NOW)
    waited = scene(steps=(state("oven"), state("dough", "missing", finding(False, needs_time=True))))
    assert "waiting has not helped" in render(hand_off, waited, lang="en", now=NOW)


def test_hands_off_danger_as_urgent_with_care() -> None:
    facts = scene(reading=Reading(danger="security"), said=Said(handed_off=True))
    text = render(HandOff(because="-", reason="danger"), facts, lang="en", now=NOW)
    assert "urgent" in text
    assert "do not send passwords" in text


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (HANDOVERS[1], "I have passed this on with your words and everything that I saw"),
        (HANDOVERS[1], "Lately it took them about 15 minutes. They answer here"),
        (HANDOVERS[2], "**Support** has it now, with your words and everything that I saw"),
        (
            HANDOVERS[2],
            "They are there now and answer here in this conversation; how soon, I cannot promise.",
        ),
        (HANDOVERS[3], "Lately it took them about 15 minutes"),
        (HANDOVERS[4], "They are back on Thursday at 09:00 (Sao Paulo time) and answer here"),
        (HANDOVERS[5], "how soon, I cannot promise"),
    ],
)
def test_hands_off_to_a_team_with_what_is_known_of_when(who: Handover, words: str) -> None:
    hand_off = HandOff(because="-", reason="no_source")
    text = render(hand_off, scene(), lang="en", now=NOW, handover=who)
    assert words in text
    assert text.startswith("None of our pages answers this")


def test_an_urgent_handoff_names_the_team_too() -> None:
    facts = scene(reading=Reading(danger="harm"))
    hand_off = HandOff(because="-", reason="danger")
    text = render(hand_off, facts, lang="en", now=NOW, handover=HANDOVERS[2])
    assert "**Support** has it now, marked as urgent" in text
    assert "emergency number" in text


@pytest.mark.parametrize(
    ("reading", "said", "closes", "words"),
    [
        (Reading(speech="thanks"), Said(), False, "You are welcome!"),
        (Reading(speech="thanks"), Said(last="act"), True, "anything else"),
        (Reading(speech="greeting"), Said(), False, "Hello!"),
        (Reading(speech="greeting"), Said(last="acknowledge"), False, "Yes, I am here."),
        (Reading(speech="report"), Said(last="guide"), False, "Tell me when it is done"),
        (Reading(speech="report"), Said(last="watch", watching=True), False, "in 10 minutes"),
        (Reading(speech="report"), Said(last="answer"), False, "I am here"),
        (Reading(speech="report"), Said(last="acknowledge"), False, "that one too"),
    ],
)
def test_acknowledges_briefly(reading: Reading, said: Said, closes: bool, words: str) -> None:
    facts = scene(reading=reading, said=said)
    text = render(
        Acknowledge(because="-", closes=closes),
        facts,
        lang="en",
        now=NOW,
        next_look=NOW + timedelta(minutes=10),
    )
    assert words in text
    assert len(text) < 120
