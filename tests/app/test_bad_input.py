"""What is made of odd input: very long, without words, in many languages, contradictory, out of order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest

from app.ledger import step_states
from app.models.decision import Ask, Guide
from app.models.reading import Reading
from app.models.steps import StepState
from app.reader.builtin import read_conversation
from app.reader.language import other_languages
from app.reader.text import parted
from knowledge.embedding import CachedEncoder, default_encoder
from knowledge.model import Procedure, Step
from tests.app.reader.test_builtin import PROCEDURES, SSO, claims, said
from tests.app.world import World, claim, open_world, page, wants

EN = "Please make SSO mandatory."
HTTPS = "Please switch https on for our tracking links."
LINKS = page("https-tracking-links")
FILLING = " ".join(f"On day {day} we had lunch with table {day * 7} in the garden." for day in range(900))


@pytest.fixture(scope="module")
def encoder(warm: Path) -> CachedEncoder:
    return CachedEncoder(default_encoder(warm))


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


@pytest.mark.parametrize("gap", [" ", "\n"])
def test_a_word_of_50_kb_takes_nothing_from_what_stands_behind_it(gap: str, encoder: CachedEncoder) -> None:
    told = "The directory is connected. The emergency administrator is not set up yet."
    reading = read_conversation(said(gap.join((EN, "x" * 50_000, told))), [SSO], encoder)
    assert claims(reading) == {"scim": "done", "fallback-admin": "not_done"}


FILLERS = (
    "We love your product and everything about it.",
    "Nothing to see here.",
    "The team is happy with everything.",
)


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("before", ["", f"{EN} "], ids=["alone", "after a wish"])
def test_what_is_repeated_700_times_says_no_more_than_once(
    filler: str, before: str, encoder: CachedEncoder
) -> None:
    procedures = [*PROCEDURES, LINKS]
    once = read_conversation(said(f"{before}{filler}"), procedures, encoder)
    often = read_conversation(said(before + " ".join([filler] * 700)), procedures, encoder)
    assert once == often.model_copy(update={"request": once.request})
    assert once.claims == ()
    assert once.procedure == (SSO.id if before else None)


def test_what_is_repeated_message_by_message_says_no_more_than_once(encoder: CachedEncoder) -> None:
    reading = read_conversation(
        said(EN, *[f"{FILLERS[1]}" for _ in range(60)]), [*PROCEDURES, LINKS], encoder
    )
    assert (reading.procedure, reading.claims) == (SSO.id, ())


@pytest.mark.parametrize(
    "told",
    [
        "The weather is nice today and everything is green.",
        "All of this is text that has been added to fill the page.",
        "Everything is fine here.",
        "Tudo certo por aqui.",
        "Todo bien por aquí.",
    ],
)
def test_that_all_is_well_out_of_the_blue_opens_nothing(told: str, encoder: CachedEncoder) -> None:
    for text in (f"{EN} {told}", f"{EN} {' '.join([told] * 700)}"):
        reading = read_conversation(said(text), [SSO], encoder)
        assert not any(state.holds for state in states_of(reading, SSO).values())
    asked = read_conversation(
        said(EN, "us: Are all three steps done?", "Yes, everything is done."), [SSO], encoder
    )
    assert all(state.holds for state in states_of(asked, SSO).values())


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        ("Good, message 5.", "I will look at that, number 298."),
        ("Noted, message 297.", "I will look at that, number 2."),
        ("Thanks.", "My phone number 3 is off."),
        ("Thanks.", "The case number 2 is done."),
    ],
)
def test_a_number_of_something_else_is_no_step(ours: str, told: str, encoder: CachedEncoder) -> None:
    assert read_conversation(said(HTTPS, f"us: {ours}", told), [LINKS], encoder).claims == ()


@pytest.mark.parametrize("told", ["Number 2 is done.", "number 2: done", "I did step 2."])
def test_a_step_may_be_named_by_its_number(told: str, encoder: CachedEncoder) -> None:
    assert claims(read_conversation(said(HTTPS, told), [LINKS], encoder)) == {LINKS.steps[1].id: "done"}


def test_a_report_among_repeats_is_read(encoder: CachedEncoder) -> None:
    filler = ["We had lunch in the garden."] * 350
    text = " ".join([EN, *filler, "The directory is connected.", *filler])
    assert claims(read_conversation(said(text), [SSO], encoder)) == {"scim": "done"}


@pytest.mark.parametrize(
    "unit",
    ["select from where ", '{"a": ', "if ((((( ", "a = b; ", "){ ", "]( ", "update x set ", "{\n", "[1,"],
)
def test_50_kb_of_what_begins_like_code_is_parted_quickly(unit: str) -> None:
    started = perf_counter()
    parted((unit * 50_000)[:50_000])
    assert perf_counter() - started < 5


# --- no words ---


@pytest.mark.parametrize("text", ["😀🎉👍", "👍", "✅ ✅ ❌", "👨‍👩‍👧‍👦🇧🇷"])
def test_emoji_tell_of_no_step_and_wish_nothing(text: str, encoder: CachedEncoder) -> None:
    alone = read_conversation(said(text), [*PROCEDURES, LINKS], encoder)
    assert (alone.procedure, alone.claims, alone.wants_outcome, alone.danger) == (None, (), False, None)
    after = read_conversation(said(EN, "us: Which steps are done?", text), [SSO], encoder)
    assert after.claims == ()
    assert after.wants_outcome, "the wish of before stands"


CODE = {
    "fenced": "```python\nfor user in users:\n    done = True\n    directory.connect(user)\n```",
    "python": "def connect_directory(x):\n    return x.done\n\nif __name__ == '__main__':\n    print(1)",
    "return": "def enforce_sso(directory):\n    directory.connect()\n    return done",
    "javascript": "const sso = await client.enforceSso({ directory: true });",
    "calls": "directory.connect(); sso.enforce(); announce(everyone);",
    "condition": "if (directory.connected) { sso.enforce(); }",
    "update": "UPDATE steps SET done = true WHERE name = 'connect the directory';",
    "select": "SELECT connected\nFROM directory\nWHERE notice = 'done'",
    "insert": "INSERT INTO steps (name, done) VALUES ('Connect the user directory', true);",
    "fenced sql": "```sql\nUPDATE directory SET connected = true;\n```",
    "json": '{"done": true}',
    "steps as json": '{"directory_connected": true, "status": "done"}',
    "json in lines": '{\n  "directory": {"connected": true},\n  "notice": "done"\n}',
    "fenced json": '```json\n{"directory": "connected", "done": true}\n```',
    "fenced without a name": '```\n{"directory": "connected", "done": true}\n```',
    "json in a sentence": 'Your service answers {"directory": "connected", "done": true} to that',
}


@pytest.mark.parametrize("code", CODE.values(), ids=CODE)
def test_code_tells_of_no_step_and_wishes_nothing(code: str, encoder: CachedEncoder) -> None:
    alone = read_conversation(said(code), [SSO, LINKS], encoder)
    assert (alone.claims, alone.wants_outcome) == ((), False)
    assert read_conversation(said(EN, code), [SSO], encoder).claims == ()
    answer = read_conversation(said(EN, "us: Is your directory connected?", code), [SSO], encoder)
    assert answer.claims == ()


def test_a_wish_in_a_fence_is_no_wish(encoder: CachedEncoder) -> None:
    reading = read_conversation(said(f"```\n{EN}\n```"), [SSO], encoder)
    assert (reading.procedure, reading.wants_outcome) == (None, False)
    unclosed = read_conversation(said(f"```\n{EN}"), [SSO], encoder)
    assert unclosed.wants_outcome, "a fence that nothing closes holds nothing"


@pytest.mark.parametrize(
    ("shown", "step", "status"),
    [
        (
            "```\n$ dig +noall +answer go.acme.example\ngo.acme.example. 3600 IN CNAME track.platform.\n```",
            "branded-link",
            "done",
        ),
        (
            "$ curl -sSvI https://go.acme.example\n*  expire date: Feb 2027\n*  SSL certificate verify ok.",
            "ssl-certificate",
            "done",
        ),
        (
            '$ curl https://go.acme.example/certificate\n\n{"certificate": {"error": "handshake failed"}}',
            "ssl-certificate",
            "failed",
        ),
    ],
    ids=["dig", "curl", "a record after its command"],
)
def test_what_a_tool_printed_is_evidence(shown: str, step: str, status: str, encoder: CachedEncoder) -> None:
    reading = read_conversation(said(f"{HTTPS} This is how it looks:\n\n{shown}"), [LINKS], encoder)
    assert {c.step: (c.status, c.shown) for c in reading.claims} == {step: (status, True)}
    assert not any("```" in claim.quote for claim in reading.claims)


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Olá, tudo bem? The directory is not connected yet. O aviso já foi feito para todos.",
            {"scim": "not_done", "notice": "done"},
        ),
        (
            "Conectei o diretório ontem. We have never announced it to our people. "
            "El administrador de emergencia no lo tenemos.",
            {"scim": "done", "notice": "not_done", "fallback-admin": "not_done"},
        ),
    ],
)
def test_each_sentence_is_read_in_its_own_language(
    text: str, told: dict[str, str], encoder: CachedEncoder
) -> None:
    assert claims(read_conversation(said(text), [SSO], encoder)) == told


def test_a_loan_word_changes_no_language() -> None:
    text = "O click tracking está ligado no dashboard. O branded link está validado no painel."
    assert list(other_languages(parted(text), "pt")) == []


# --- not their words, or not their last word ---


@pytest.mark.parametrize("step", LINKS.steps, ids=lambda step: step.id)
def test_our_own_section_sent_back_as_a_quotation_is_no_claim(step: object, encoder: CachedEncoder) -> None:
    section = next(one for one in LINKS.steps if one is step)
    lines = (section.title, "", *section.text.splitlines())
    quoted = "\n".join(f"> {line}" for line in lines)
    reading = read_conversation(said(HTTPS, f"Your page says:\n\n{quoted}"), [LINKS], encoder)
    assert reading.claims == ()
    assert reading.wants_outcome


@pytest.mark.parametrize("procedure", [LINKS, SSO], ids=lambda procedure: procedure.id)
@pytest.mark.parametrize("gap", ["\n\n", " "], ids=["paragraphs", "one line"])
def test_our_own_page_pasted_without_a_mark_is_no_claim(
    procedure: Procedure, gap: str, encoder: CachedEncoder
) -> None:
    wish = HTTPS if procedure is LINKS else EN
    sections = [f"{step.title}\n\n{step.text}" for step in procedure.steps]
    for pasted in (*sections, "\n\n".join(sections)):
        text = gap.join(pasted.replace("**", "").split("\n\n"))
        for messages in ((wish, text), (f"{wish} Your page says:\n\n{text}",)):
            reading = read_conversation(said(*messages), [procedure], encoder)
            assert reading.claims == ()
            assert reading.wants_outcome


def test_their_own_words_around_our_page_count(encoder: CachedEncoder) -> None:
    section = LINKS.steps[0].text
    text = f"{HTTPS}\n\n{section}\n\nClick tracking is on. The branded link is not set up yet."
    assert claims(read_conversation(said(text), [LINKS], encoder)) == {
        "link-tracking": "done",
        "branded-link": "not_done",
    }


@pytest.mark.parametrize("step", [*LINKS.steps, *SSO.steps], ids=lambda step: step.id)
def test_a_title_of_ours_is_how_they_name_a_step(step: Step, encoder: CachedEncoder) -> None:
    procedure, wish = (LINKS, HTTPS) if step in LINKS.steps else (SSO, EN)
    reading = read_conversation(said(f"{wish} {step.title}: done."), [procedure], encoder)
    assert claims(reading) == {step.id: "done"}


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        ("The directory is connected - done, no wait, not done.", False),
        ("Connecting the directory: done, no wait, not done.", False),
        ("The directory is not done, no wait, done, no, not done.", False),
        ("The directory is connected, no wait, it is not.", True),
        ("The user directory is connected, sorry, I mean it is not connected.", True),
        ("El directorio está conectado, no, espera, no está conectado.", True),
        ("O diretório está conectado, não, espera, não está.", True),
        ("The directory is connected, it's done, no wait, it isn't.", True),
        ("The directory is connected (no wait, not yet).", True),
        ("The directory is connected, or rather it isn't.", True),
        ("El directorio está listo, no, espera, no lo está.", True),
        ("El directorio está conectado, mejor dicho, todavía no.", True),
        ("O diretório está pronto, aliás, não está.", True),
        ("The directory is connected. No wait, it isn't.", True),
        ("El directorio está conectado... no, espera, no.", True),
        ("O diretório está conectado. Espera, não está.", True),
        ("The directory is connected, it is not.", False),
        ("The directory is connected, no, wait, yes, it is.", False),
    ],
)
def test_done_no_wait_not_done_opens_nothing(told: str, sure: bool, encoder: CachedEncoder) -> None:
    reading = read_conversation(said(f"{EN} {told}"), [SSO], encoder)
    state = states_of(reading, SSO)["scim"]
    assert not state.holds
    assert state.word in (("not_done",) if sure else ("not_done", "unknown"))


@pytest.mark.parametrize(
    "answer",
    [
        "It's done, no wait, it isn't",
        "Está pronto, não, espera, não está",
        "Está listo, no, espera, no lo está",
    ],
)
def test_an_answer_taken_back_at_once_is_not_done(answer: str, encoder: CachedEncoder) -> None:
    reading = read_conversation(said(EN, "us: Is your directory connected?", answer), [SSO], encoder)
    assert claims(reading) == {"scim": "not_done"}


@pytest.mark.parametrize(
    "told",
    [
        "The directory is connected, no problem at all.",
        "The directory is connected, actually.",
        "O diretório está conectado, sem problemas.",
        "El directorio está conectado, perdón por la espera.",
        "Wait, the directory is connected.",
    ],
)
def test_what_sounds_like_a_second_thought_takes_nothing_back(told: str, encoder: CachedEncoder) -> None:
    assert claims(read_conversation(said(f"{EN} {told}"), [SSO], encoder)) == {"scim": "done"}


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
