"""What holds is named once, and where the matter was begun."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.models.decision import Acknowledge, Guide, Propose, StaySilent
from app.models.facts import Continued
from app.models.reading import Claim, Reading
from app.reply.rendering import render
from app.reply.settled import continued
from app.seeing import step_word
from app.texts import LANGUAGES
from tests.app.reply.bakery import BEFORE, HALF, NOW, TITLES, decisions, language_of, scene, state


@pytest.mark.parametrize(
    ("channel", "ago", "words"),
    [
        ("web", timedelta(seconds=20), "You started this in the chat on our website just now."),
        ("web", timedelta(minutes=20), "You started this in the chat on our website 20 min ago."),
        ("slack", timedelta(hours=5), "You started this in Slack 5 h ago."),
        ("chatwoot", timedelta(days=3), "You started this with our support team on 11 September."),
        ("pigeon", timedelta(days=400), "You started this in another place on 10 August 2025."),
    ],
)
def test_says_where_it_was_begun_and_what_holds(channel: str, ago: timedelta, words: str) -> None:
    facts = scene(steps=HALF, continued=Continued(channel=channel, at=NOW - ago))
    assert continued(facts, "en", NOW) == (
        f"{words} I go on from there. “Heat the oven” is already in place (I looked just now). "
        "I take your word for “Knead the dough”."
    )


def test_says_nothing_of_it_where_it_was_begun_here() -> None:
    assert continued(scene(steps=HALF), "en", NOW) == ""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_holds_is_named_once_whatever_is_decided(lang: str) -> None:
    for decision in decisions(lang):
        facts = scene(lang, steps=HALF, continued=BEFORE)
        text = render(decision, facts, lang=lang, now=NOW)
        assert text.startswith(continued(facts, lang, NOW).split(". ")[0]), decision
        assert text.count(f"“{TITLES[lang][0]}”") == (decision.kind != "hand_off"), text
        assert language_of(text) == lang, text


def test_what_is_ready_is_not_said_after_what_holds() -> None:
    facts = scene(continued=BEFORE)
    text = render(Propose(because="-", action="enable_https", approval="agent"), facts, lang="en", now=NOW)
    assert "Everything that is needed" not in text
    assert "are already in place" in text
    bare = scene(known=False, continued=BEFORE)
    text = render(Propose(because="-", action="enable_https", approval="agent"), bare, lang="en", now=NOW)
    assert "Everything that is needed" in text


@pytest.mark.parametrize(
    "changes", [{"resumed": True}, {"reading": Reading(speech="thanks")}, {"continued": None}]
)
def test_news_and_thanks_do_not_begin_with_it(changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"steps": HALF, "continued": BEFORE}
    facts = scene(**fields | changes)
    for decision in (Guide(because="-", step="label"), Acknowledge(because="-")):
        assert "You started" not in render(decision, facts, lang="en", now=NOW)
    assert "“Heat the oven” is already" in render(Guide(because="-", step="label"), facts, lang="en", now=NOW)


def test_a_person_at_work_is_not_interrupted_by_it() -> None:
    facts = scene(continued=BEFORE, unread_images=True)
    assert render(StaySilent(because="-"), facts, lang="en", now=NOW) == ""


def test_what_an_agent_has_seen_is_not_called_the_customers_word() -> None:
    seen_by_agent = Claim(step="dough", status="done", message="", quote="", shown=True)
    steps = (state("oven", "claimed"), state("dough", "evidenced", claim=seen_by_agent), HALF[2])
    text = render(Guide(because="-", step="label"), scene(steps=steps), lang="en", now=NOW)
    assert text.startswith(
        "I take your word for “Heat the oven”. A person on our team has seen this in place"
    )
    assert step_word(steps[1], "en", NOW) == "Seen by a person on our team"
