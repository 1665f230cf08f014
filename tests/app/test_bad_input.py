"""What is made of odd input: very long, without words, in many languages, contradictory, out of order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.ledger import step_states
from app.models import Ask, Guide, Procedure, Reading, StepState
from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder, default_encoder
from tests.app.reader.test_builtin import PROCEDURES, SSO, claims, said
from tests.app.world import World, claim, open_world, page, wants

EN = "Please make SSO mandatory."
HTTPS = "Please switch https on for our tracking links."
LINKS = page("https-tracking-links")
FILLING = " ".join(f"On day {day} we had lunch with table {day * 7} in the garden." for day in range(900))


@pytest.fixture(scope="module")
def encoder() -> CachedEncoder:
    return CachedEncoder(default_encoder())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as made:
        yield made


def states_of(reading: Reading, procedure: Procedure) -> dict[str, StepState]:
    """What the ledger makes of a reading alone, where nothing can be looked at."""
    at = said("x")[0].at
    states = step_states(procedure, claims=reading.claims, findings=[], must_check=frozenset(), now=at)
    return {state.step: state for state in states}


# --- length ---


def test_a_step_told_early_in_300_messages_is_read(encoder: CachedEncoder) -> None:
    texts = [f"us: That was number {n}." if n % 2 else f"Good, thanks, {n}." for n in range(300)]
    texts[0], texts[2] = HTTPS, "Click tracking is switched on in the settings."
    reading = read_conversation(said(*texts), [LINKS], encoder)
    assert claims(reading) == {"link-tracking": "done"}
    assert reading.claims[0].message == "m2"
    assert reading.wants_outcome


@pytest.mark.parametrize("gap", [" ", "\n\n"], ids=["one paragraph", "paragraphs"])
def test_both_ends_of_a_50_kb_message_are_read(gap: str, encoder: CachedEncoder) -> None:
    start, end = "The directory is connected.", "The emergency administrator is not set up yet."
    text = gap.join((f"{EN} {start}", FILLING, end))
    assert len(text) > 45_000
    reading = read_conversation(said(text), [SSO], encoder)
    assert {c.step: (c.status, c.quote) for c in reading.claims} == {
        "scim": ("done", start),
        "fallback-admin": ("not_done", end),
    }


def test_a_word_of_50_kb_takes_nothing_from_what_stands_before_it(encoder: CachedEncoder) -> None:
    text = f"{EN} The directory is connected. {'x' * 50_000}"
    assert claims(read_conversation(said(text), [SSO], encoder)) == {"scim": "done"}


# --- no words ---


@pytest.mark.parametrize("text", ["😀🎉👍", "👍", "✅ ✅ ❌", "👨‍👩‍👧‍👦🇧🇷"])
def test_emoji_tell_of_no_step_and_wish_nothing(text: str, encoder: CachedEncoder) -> None:
    alone = read_conversation(said(text), [*PROCEDURES, LINKS], encoder)
    assert (alone.procedure, alone.claims, alone.wants_outcome, alone.danger) == (None, (), False, None)
    after = read_conversation(said(EN, "us: Which steps are done?", text), [SSO], encoder)
    assert after.claims == ()
    assert after.wants_outcome, "the wish of before stands"


@pytest.mark.parametrize(
    "code",
    [
        "```python\nfor user in users:\n    done = True\n    directory.connect(user)\n```",
        "def connect_directory(x):\n    return x.done\n\nif __name__ == '__main__':\n    print(1)",
    ],
    ids=["fenced", "bare"],
)
def test_code_tells_of_no_step(code: str, encoder: CachedEncoder) -> None:
    assert read_conversation(said(code), [SSO, LINKS], encoder).claims == ()
    assert read_conversation(said(EN, code), [SSO], encoder).claims == ()


# --- languages ---


def test_five_languages_message_by_message(encoder: CachedEncoder) -> None:
    texts = (
        f"{EN} The directory is connected.",
        "O administrador de emergência ainda não foi configurado.",
        "Ya avisé a todo el mundo del cambio.",
        "Das Wetter ist heute schön.",
        "今日はいい天気です。",
    )
    reading = read_conversation(said(*texts), [SSO], encoder)
    assert claims(reading) == {"scim": "done", "fallback-admin": "not_done", "notice": "done"}
    assert [c.message for c in reading.claims] == ["m0", "m1", "m2"]


def test_five_languages_in_one_message(encoder: CachedEncoder) -> None:
    text = (
        f"{EN} The directory is connected. El anuncio ya está hecho. O tempo está bom. "
        "Das Wetter ist schön. 今日はいい天気です。"
    )
    assert claims(read_conversation(said(text), [SSO], encoder)) == {"scim": "done", "notice": "done"}


# --- not their words, or not their last word ---


@pytest.mark.parametrize("step", LINKS.steps, ids=lambda step: step.id)
def test_our_own_section_sent_back_as_a_quotation_is_no_claim(step: object, encoder: CachedEncoder) -> None:
    section = next(one for one in LINKS.steps if one is step)
    lines = (section.title, "", *section.text.splitlines())
    quoted = "\n".join(f"> {line}" for line in lines)
    reading = read_conversation(said(HTTPS, f"Your page says:\n\n{quoted}"), [LINKS], encoder)
    assert reading.claims == ()
    assert reading.wants_outcome


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        ("The directory is connected - done, no wait, not done.", False),
        ("Connecting the directory: done, no wait, not done.", False),
        ("The directory is not done, no wait, done, no, not done.", False),
        ("The directory is connected, no wait, it is not.", True),
        ("The user directory is connected, sorry, I mean it is not connected.", True),
        ("El directorio está conectado, no, espera, no está conectado.", True),
    ],
)
def test_done_no_wait_not_done_opens_nothing(told: str, sure: bool, encoder: CachedEncoder) -> None:
    reading = read_conversation(said(f"{EN} {told}"), [SSO], encoder)
    state = states_of(reading, SSO)["scim"]
    assert not state.holds
    assert state.word in (("not_done",) if sure else ("not_done", "unknown"))


def test_messages_are_taken_in_the_order_given_not_by_their_times(encoder: CachedEncoder) -> None:
    ordered = said(
        EN, "The directory is connected.", "us: One moment.", "Correction: it was never connected."
    )
    backwards = [
        message.model_copy(update={"at": ordered[0].at - timedelta(hours=place)})
        for place, message in enumerate(ordered)
    ]
    reading = read_conversation(backwards, [SSO], encoder)
    assert reading == read_conversation(ordered, [SSO], encoder)
    assert {c.step: (c.status, c.message) for c in reading.claims} == {"scim": ("not_done", "m3")}


# --- a page that changes in mid-conversation ---


def changed(world: World, procedure: Procedure) -> None:
    """The library has another version of the page from now on."""
    world.library.procedures = [
        procedure if known.id == procedure.id else known for known in world.library.procedures
    ]


async def test_a_page_that_changed_keeps_what_was_told_of_the_steps_that_stayed(world: World) -> None:
    page_before = page("resume-sending")
    unchecked = [step.model_copy(update={"check": None, "must_check": False}) for step in page_before.steps]
    first, second = unchecked[:2]
    before = page_before.model_copy(update={"steps": (first, second), "action": None})
    changed(world, before)
    talk = await world.talk()
    old = (claim(first.id), claim(second.id, "not_done"))
    turn = await world.say(talk, "one is done", wants("resume-sending", claims=old))
    assert isinstance(turn.decision, Guide)
    assert turn.decision.step == second.id

    renamed = first.model_copy(update={"title": "Quite another name"})
    added = second.model_copy(update={"id": "added", "title": "A step that is new", "anchor": "added"})
    changed(world, before.model_copy(update={"steps": (renamed, added), "version": "2"}))
    turn = await world.say(talk, "and now?", wants("resume-sending", claims=old))
    known = {state.step: (state.word, state.holds) for state in turn.facts.steps}
    assert known == {first.id: ("claimed", True), "added": ("unknown", False)}
    assert isinstance(turn.decision, Ask | Guide)
    assert turn.decision.step == "added"
    assert second.title not in turn.reply


def test_claims_of_a_removed_step_are_not_used() -> None:
    gone = Reading(procedure=SSO.id, claims=(claim("no-such-step", "not_done"), claim("scim")))
    states = states_of(gone, SSO)
    assert list(states) == [step.id for step in SSO.steps]
    assert states["scim"].claim is not None
    assert [state.claim for state in states.values()].count(None) == len(SSO.steps) - 1


def test_a_changed_page_is_read_by_its_own_steps(encoder: CachedEncoder) -> None:
    talk = said(f"{EN} The directory is connected. The emergency administrator is not set up yet.")
    assert claims(read_conversation(talk, [SSO], encoder)) == {"scim": "done", "fallback-admin": "not_done"}
    shorter = SSO.model_copy(update={"steps": SSO.steps[:1], "version": "2"})
    assert claims(read_conversation(talk, [shorter], encoder)) == {"scim": "done"}
