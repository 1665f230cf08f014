"""What state a case is in: a table of cases and turns -> word and reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from app.models.case import Case
from app.models.decision import Act, Answer, Ask, Decision, Guide, HandOff, Propose, StaySilent, Watch
from app.models.facts import Facts, Said
from app.models.reading import Claim, Reading
from app.models.record import Turn
from app.models.steps import Finding, StepState
from app.texts import LANGUAGES, catalogue
from app.triage import Word, newest, triage
from tests.app.world import page

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
HTTPS = page("https-tracking-links")
SPAM = page("spam-folder")
FIRST, SECOND, THIRD = (step.id for step in HTTPS.steps)


def case(**fields: Any) -> Case:
    base = {"id": "k", "party": "p", "conversation": "c", "opened_at": AT, "updated_at": AT}
    return Case(**base | fields)


def step(id: str, word: str, **fields: Any) -> StepState:
    return StepState(step=id, word=word, holds=word in ("verified", "claimed"), **fields)


def seen(met: bool) -> tuple[Finding, ...]:
    return (Finding(check="c", met=met, code="any", at=AT, until=AT + timedelta(hours=1)),)


def said(status: str, id: str = FIRST) -> Claim:
    return Claim(step=id, status=status, message="m", quote="q")


def turn(decision: Decision, *, n: int = 1, at: int = 0, **fields: Any) -> Turn:
    reading = Reading(**{"procedure": HTTPS.id, "wants_outcome": True} | fields.pop("reading", {}))
    base: dict[str, Any] = {"procedure": HTTPS, "standing": "owner", "reading": reading}
    return Turn(
        id=f"t{n}",
        trigger=f"m{n}",
        conversation="c",
        case="k",
        channel="web",
        mode="auto",
        reading=reading,
        facts=Facts(**base | fields),
        decision=decision,
        at=AT + timedelta(minutes=at),
    )


def branching(decision: Decision, *known: tuple[str, str | None]) -> Turn:
    """A turn of a procedure that branches: the questions on the way, with what is known of each."""
    steps = tuple(
        step(id, "claimed" if told else "unknown", outcome=told, claim=said(told, id) if told else None)
        for id, told in known
    )
    return turn(decision, procedure=SPAM, steps=steps)


UNKNOWN = tuple(step(id, "unknown") for id in (FIRST, SECOND, THIRD))
MIXED = (
    step(FIRST, "verified", findings=seen(True)),
    step(SECOND, "claimed", claim=said("done", SECOND)),
    step(THIRD, "missing", findings=seen(False)),
)
ALL = tuple(step(id, "verified", findings=seen(True)) for id in (FIRST, SECOND, THIRD))
GUIDE = Guide(because="b", step=THIRD)
SILENT = StaySilent(because="b")


def handoff(reason: str) -> HandOff:
    return HandOff(because="b", reason=reason)


ROWS: list[tuple[str, Case | None, list[Turn], str, str]] = [
    ("nothing is stored", None, [], "new", "unread"),
    ("not read yet", case(), [], "new", "unread"),
    ("handed over before it was read", case(state="handed_off"), [], "needs_person", "asked"),
    (
        "danger comes before everything but the end",
        case(),
        [turn(GUIDE, steps=ALL, reading={"danger": "fraud"})],
        "needs_person",
        "danger",
    ),
    (
        "danger in a solved case is over",
        case(state="solved", resolution="verified"),
        [turn(GUIDE, steps=ALL, reading={"danger": "fraud"})],
        "solved",
        "solved_verified",
    ),
    (
        "wants a person",
        case(),
        [turn(GUIDE, steps=MIXED, reading={"wants_person": True})],
        "needs_person",
        "asked",
    ),
    *[
        (
            f"handed over: {reason}",
            case(state="handed_off"),
            [turn(handoff(reason), steps=MIXED), turn(SILENT, n=2, steps=MIXED)],
            "needs_person",
            reason,
        )
        for reason in ("asked", "no_source", "cannot_check", "standing_unknown", "action_failed", "way_ends")
    ],
    (
        "handed over because nothing is left to say",
        case(state="handed_off", said=Said(guided=(THIRD, THIRD))),
        [turn(handoff("repeat"), steps=MIXED), turn(SILENT, n=2, steps=MIXED)],
        "exhausted",
        "repeat",
    ),
    (
        "explained twice and still open",
        case(said=Said(guided=(THIRD, THIRD))),
        [turn(GUIDE, steps=MIXED)],
        "exhausted",
        "guided_twice",
    ),
    (
        "explained twice and done by now",
        case(said=Said(guided=(FIRST, FIRST))),
        [turn(GUIDE, steps=MIXED)],
        "in_the_middle",
        "open_step",
    ),
    (
        "an agent's yes is what is left",
        case(state="waiting"),
        [turn(Propose(because="b", action="enable_https", approval="agent"), steps=ALL)],
        "needs_us",
        "approval",
    ),
    (
        "the action is under way",
        case(state="waiting"),
        [turn(Act(because="b", action="enable_https"), steps=ALL)],
        "needs_us",
        "acting",
    ),
    ("everything holds", case(), [turn(SILENT, steps=ALL)], "needs_us", "all_hold"),
    (
        "everything holds, and only a member asks",
        case(),
        [turn(GUIDE, steps=ALL, standing="member")],
        "in_the_middle",
        "no_owner",
    ),
    (
        "unknown is not yes",
        case(),
        [turn(Ask(because="b", step=FIRST), steps=(*ALL[:2], step(THIRD, "unknown")))],
        "in_the_middle",
        "open_step",
    ),
    (
        "only time is needed",
        case(state="waiting"),
        [turn(Watch(because="b", step=THIRD), steps=MIXED)],
        "in_the_middle",
        "watching",
    ),
    (
        "asks how and has done nothing",
        case(),
        [turn(GUIDE, steps=UNKNOWN, reading={"wants_outcome": False, "asks_how": True})],
        "not_read",
        "nothing_claimed",
    ),
    (
        "a claim of `unknown` is nothing",
        case(),
        [turn(GUIDE, steps=(step(FIRST, "unknown", claim=said("unknown")), *UNKNOWN[1:]))],
        "not_read",
        "nothing_claimed",
    ),
    (
        "tried one step without success",
        case(),
        [turn(GUIDE, steps=(step(FIRST, "failed", claim=said("failed")), *UNKNOWN[1:]))],
        "in_the_middle",
        "open_step",
    ),
    (
        "the way led to an advice",
        case(),
        [branching(Guide(because="b", step="publish-dmarc", about="advice"), ("dmarc-record", "no"))],
        "in_the_middle",
        "advised",
    ),
    (
        "a question of the way is open, another answered",
        case(),
        [branching(Ask(because="b", step="whose-inbox"), ("dmarc-record", "yes"), ("whose-inbox", None))],
        "in_the_middle",
        "open_question",
    ),
    (
        "the first question of the way, and nothing known",
        case(),
        [branching(Ask(because="b", step="dmarc-record"), ("dmarc-record", None))],
        "not_read",
        "nothing_claimed",
    ),
    (
        "the page has no way on",
        case(state="handed_off"),
        [branching(handoff("way_ends"), ("dmarc-record", "yes"), ("whose-inbox", "everywhere"))],
        "needs_person",
        "way_ends",
    ),
    (
        "asked twice without an answer",
        case(state="handed_off", said=Said(asked=("whose-inbox",) * 2)),
        [branching(handoff("repeat"), ("dmarc-record", "yes"), ("whose-inbox", None))],
        "exhausted",
        "repeat",
    ),
    (
        "a page answers",
        case(),
        [
            turn(
                Answer(because="b", citations=()),
                procedure=None,
                reading={"procedure": None, "wants_outcome": False, "asks_how": True, "speech": "question"},
            )
        ],
        "not_read",
        "page_answers",
    ),
    (
        "hello",
        case(),
        [turn(SILENT, procedure=None, reading={"procedure": None, "wants_outcome": False})],
        "new",
        "nothing_known",
    ),
    ("the customer was asked", case(state="asked"), [turn(SILENT, steps=ALL)], "solved", "solved_asked"),
    ("confirmed", case(state="closed", resolution="confirmed"), [], "solved", "solved_confirmed"),
    ("silent", case(state="closed", resolution="silent"), [], "solved", "solved_silent"),
    ("closed by thanks", case(state="closed"), [], "solved", "solved_state"),
]


@pytest.mark.parametrize(("what", "it", "turns", "word", "because"), ROWS, ids=[row[0] for row in ROWS])
def test_says_what_state_a_case_is_in(
    what: str, it: Case | None, turns: list[Turn], word: str, because: str
) -> None:
    found = triage(it, turns)
    assert (found.word, found.because) == (word, because), what


def test_a_button_hands_over_a_conversation_that_has_no_case() -> None:
    assert triage(None, [], with_agents=True).word == "needs_person"
    assert triage(None, []).word == "new"


def test_names_the_step_it_is_about() -> None:
    assert triage(case(), [turn(GUIDE, steps=MIXED)]).step == THIRD
    assert triage(case(said=Said(guided=(THIRD, THIRD))), [turn(GUIDE, steps=MIXED)]).step == THIRD


def test_a_message_read_with_the_next_one_is_no_turn_of_its_own() -> None:
    read = turn(GUIDE, steps=MIXED)
    together = turn(SILENT, n=2).model_copy(update={"case": None})
    assert newest([read, together]) == read
    assert triage(case(), [read, together]).word == "in_the_middle"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_has_a_sentence_for_each_reason_and_no_other(lang: str) -> None:
    told = {row[4] for row in ROWS}
    prefix = "assist.triage."
    words = {key.removeprefix(prefix) for key in catalogue(lang) if key.startswith(prefix)}
    assert words == told, "each reason of the table has its sentence, and each sentence its row"
    assert {row[3] for row in ROWS} == set(get_args(Word))
