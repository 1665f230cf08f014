"""What a decision sounds like: in each language, for a procedure that the catalogues have never seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.hours import Handover, handover
from app.models import (
    Acknowledge,
    Act,
    Already,
    Answer,
    Ask,
    Citation,
    Claim,
    Continued,
    Decision,
    Decline,
    Facts,
    Finding,
    Guide,
    HandOff,
    Input,
    Procedure,
    Propose,
    Reading,
    RequestState,
    Said,
    StaySilent,
    Step,
    StepState,
    Watch,
)
from app.probes.codes import CODES, TABLE
from app.reply import (
    action_text,
    action_titles,
    continued,
    handed_over,
    passed_on,
    render,
    reopened,
    seen,
    sends_section,
    solved_answers,
    solved_question,
    solved_thanks,
    step_word,
    stopped,
    tells_of_pictures,
    watch_turned,
)
from app.settings import Team
from app.texts import LANGUAGES, placeholders

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)
SECTIONS = {
    "en": {
        "oven": "Turn the big wheel on the left to the red mark and wait until the lamp goes out.",
        "dough": "1. Put the flour into the bowl.\n2. Add the water:\n\n   ```\n   knead --slowly\n   ```",
        "label": "Print a label with the day of baking and stick it on the box. See [paper](paper.md#size).",
    },
    "pt": {
        "oven": "Gire a roda grande da esquerda até a marca vermelha e espere a lâmpada apagar.",
        "dough": "1. Coloque a farinha na tigela.\n2. Ponha a água:\n\n   ```\n   knead --slowly\n   ```",
        "label": "Imprima uma etiqueta com o dia do forno e cole na caixa. Veja [papel](paper.md#size).",
    },
    "es": {
        "oven": "Gira la rueda grande de la izquierda hasta la marca roja y espera a que se apague la luz.",
        "dough": "1. Pon la harina en el cuenco.\n2. Añade el agua:\n\n   ```\n   knead --slowly\n   ```",
        "label": "Imprime una etiqueta con el día del horno y pégala en la caja. Ve [papel](paper.md#size).",
    },
}
TITLES = {
    "en": ("Heat the oven", "Knead the dough", "Put a label on the box"),
    "pt": ("Aqueça o forno", "Sove a massa do pão", "Ponha uma etiqueta na caixa"),
    "es": ("Calienta el horno", "Amasa la masa del pan", "Pon una etiqueta en la caja"),
}
PAGE_TITLES = {"en": "Baking bread", "pt": "Como assar o pão", "es": "Cómo hornear el pan"}
STEPS = ("oven", "dough", "label")


def bakery(lang: str = "en", action: str | None = "bake_bread") -> Procedure:
    """A procedure of nobody's platform: nothing in the catalogues knows its words."""
    steps = tuple(
        Step(id=id, title=title, text=SECTIONS[lang][id], anchor=id, subject="domain")
        for id, title in zip(STEPS, TITLES[lang], strict=True)
    )
    return Procedure(
        id="baking",
        document="d1",
        version="v1",
        path=f"{lang}/baking.md",
        lang=lang,
        title=PAGE_TITLES[lang],
        when="Bread is wanted.",
        intro="",
        subjects=("domain",),
        steps=steps,
        action=action,
    )


def finding(met: bool | None = True, code: str | None = None, **changes: Any) -> Finding:
    code = code or {True: "simulated_met", False: "simulated_not_met", None: "simulated_unknown"}[met]
    fields: dict[str, Any] = {"check": "oven_hot", "met": met, "code": code, "at": NOW, "until": NOW}
    return Finding(**fields | changes)


def state(step: str, word: str = "verified", *findings: Finding, **changes: Any) -> StepState:
    fields: dict[str, Any] = {
        "step": step,
        "word": word,
        "holds": word in ("verified", "claimed", "evidenced"),
        "findings": findings or ((finding(True),) if word == "verified" else ()),
        "checkable": word in ("verified", "missing", "contradicted"),
    }
    return StepState(**fields | changes)


def citation(n: int = 1, lang: str = "en", **changes: Any) -> Citation:
    quotes = {
        "en": "The bread stays fresh for three days in a paper bag.",
        "pt": "O pão fica fresco por três dias num saco de papel.",
        "es": "El pan se conserva fresco tres días en una bolsa de papel.",
    }
    fields: dict[str, Any] = {
        "passage": f"p{n}",
        "document": f"d{n}",
        "version": "v1",
        "title": PAGE_TITLES[lang],
        "path": f"{lang}/fresh-{n}.md",
        "anchor": "bag",
        "quote": quotes[lang],
        "updated_at": NOW,
        "lang": lang,
    }
    return Citation(**fields | changes)


def scene(
    lang: str = "en", *, known: bool = True, steps: tuple[StepState, ...] = (), **changes: Any
) -> Facts:
    reading = changes.pop("reading", Reading(language=lang, wants_outcome=True))
    return Facts(
        reading=reading,
        procedure=bakery(lang) if known else None,
        steps=steps if steps or not known else (state("oven"), state("dough"), state("label")),
        standing="owner",
        **changes,
    )


def decisions(lang: str) -> list[Decision]:
    reasons: tuple[Any, ...] = get_args(HandOff.model_fields["reason"].annotation)
    declines: tuple[Any, ...] = get_args(Decline.model_fields["reason"].annotation)
    return [
        Acknowledge(because="-"),
        Acknowledge(because="-", closes=True),
        Already(because="-"),
        Answer(because="-", citations=(citation(1, lang), citation(2, lang))),
        Guide(because="-", step="dough"),
        Guide(because="-", step="dough", another_way=True),
        Ask(because="-", step="dough"),
        Ask(because="-", step="workspace", about="subject"),
        Ask(because="-", step="this button", about="words"),
        Watch(because="-", step="dough"),
        Propose(because="-", action="bake_bread", approval="customer"),
        Propose(because="-", action="enable_https", approval="agent"),
        Act(because="-", action="bake_bread"),
        Act(because="-", action="enable_https"),
        *(Decline(because="-", reason=reason, step="dough") for reason in declines),
        *(Decline(because="-", reason=reason) for reason in declines),
        *(HandOff(because="-", reason=reason) for reason in reasons),
    ]


@cache
def detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(
        Language.ENGLISH, Language.PORTUGUESE, Language.SPANISH
    ).build()


def language_of(text: str) -> str:
    bare = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)|\[\d+\]", " ", text, flags=re.DOTALL)
    found = detector().detect_language_of(bare)
    return found.iso_code_639_1.name.lower() if found else "none"


MIXES: tuple[Callable[[], tuple[StepState, ...]], ...] = (
    lambda: (),
    lambda: (state("oven"), state("dough", "missing", finding(False)), state("label", "unknown")),
    lambda: (state("oven", "claimed"), state("dough", "contradicted", finding(False)), state("label")),
    lambda: (state("oven"), state("dough", "failed"), state("label")),
    lambda: (state("oven"), state("dough", "unknown", finding(None)), state("label", "not_done")),
)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("known", [True, False])
def test_every_decision_has_words_in_the_language_of_the_customer(lang: str, known: bool) -> None:
    for mix in MIXES:
        for later in (None, NOW + timedelta(minutes=2)):
            facts = scene(lang, known=known, steps=mix() if known else ())
            for decision in decisions(lang):
                text = render(decision, facts, lang=lang, now=NOW, next_look=later)
                assert text.strip(), decision
                assert "{" not in text, text
                assert "}" not in text, text
                if known or (
                    "“" not in text and "**" not in text
                ):  # without its page a step has only an English id for a name
                    assert language_of(text) == lang, f"{decision}\n{text}"


def test_says_nothing_where_a_person_is_active() -> None:
    assert render(StaySilent(because="-"), scene(), lang="en", now=NOW) == ""


# --- guide --------------------------------------------------------------------------------------


def test_guides_with_what_holds_in_a_clause_then_what_was_seen_then_how() -> None:
    seen_dough = finding(False, "dns_no_address", seen=(("host", "links.acme.example"),))
    facts = scene(
        steps=(state("oven"), state("dough", "missing", seen_dough), state("label", "claimed")),
    )
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW)
    assert text.split("\n\n", 3) == [
        "“Heat the oven” is already in place (I looked just now). "
        "I take your word for “Put a label on the box”.",
        "One step is left: **Knead the dough**. What I see: `links.acme.example` does not lead to any "
        "address; a DNS record is expected there.",
        "Here is how:",
        SECTIONS["en"]["dough"] + "\n\nOn the page: [Baking bread](en/baking.md#dough)\n\n"
        "Tell me when it is done and I look again.",
    ]


def test_tells_a_claim_that_does_not_hold_from_what_is_seen() -> None:
    expired = finding(
        False,
        "certificate_expired",
        seen=(("host", "links.acme.example"), ("issuer", "Example CA"), ("expires", "2026-09-01")),
    )
    facts = scene("pt", steps=(state("oven"), state("dough", "contradicted", expired), state("label")))
    text = render(Guide(because="-", step="dough"), facts, lang="pt-BR", now=NOW)
    assert "Você mencionou que “Sove a massa do pão” já está feito; o que eu vejo é isto:" in text
    assert "venceu em 2026-09-01" in text
    assert "`links.acme.example`" in text


def test_lists_what_is_seen_of_several_subjects() -> None:
    hosts = ("a.example", "b.example")
    opposing = tuple(finding(False, "dns_no_address", seen=(("host", host),)) for host in hosts)
    facts = scene(steps=(state("oven"), state("dough", "missing", *opposing), state("label")))
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW)
    assert "What I see:\n- `a.example` does not lead" in text
    assert "\n- `b.example` does not lead" in text


def test_uses_the_translated_section_where_there_is_one() -> None:
    source = citation(lang="es", path="es/baking.md", anchor="dough")
    facts = scene("en", steps=(state("oven"), state("dough", "not_done"), state("label")))
    text = render(
        Guide(because="-", step="dough"),
        facts,
        lang="es",
        now=NOW,
        step_text="## 2. Amasa la masa {#dough}\n\n" + SECTIONS["es"]["dough"],
        step_source=source,
    )
    assert SECTIONS["es"]["dough"] in text
    assert "## 2." not in text
    assert "[Cómo hornear el pan](es/baking.md#dough)" in text
    assert "\n\nSe hace así:\n\n" in text
    untranslated = render(Guide(because="-", step="dough"), facts, lang="es", now=NOW)
    assert "Se hace así (el texto está en inglés, el idioma de la página):" in untranslated


def test_links_of_a_section_lead_to_where_the_page_can_be_read() -> None:
    facts = scene(steps=(state("oven"), state("dough"), state("label", "not_done")))

    def published(document: str, path: str, anchor: str | None = None) -> str | None:
        return f"https://help.example/{path.removesuffix('.md')}#{anchor}"

    text = render(Guide(because="-", step="label"), facts, lang="en", now=NOW, link=published)
    assert "[paper](https://help.example/en/paper#size)" in text
    nowhere = render(Guide(because="-", step="label"), facts, lang="en", now=NOW, link=lambda *_: None)
    assert "See paper." in nowhere
    assert "](" not in nowhere


def test_another_way_says_what_is_seen_and_one_thing_to_try_but_not_the_section() -> None:
    opposing = finding(
        False,
        "branded_link_name_doubled",
        seen=(
            ("host", "l.acme.example"),
            ("doubled", "l.acme.example.acme.example"),
            ("target", "t.example"),
        ),
    )
    facts = scene(steps=(state("oven"), state("dough", "contradicted", opposing), state("label")))
    text = render(Guide(because="-", step="dough", another_way=True), facts, lang="en", now=NOW)
    assert "`l.acme.example.acme.example`" in text
    assert "enter only the part before your domain" in text
    assert SECTIONS["en"]["dough"].splitlines()[0] not in text
    assert "Heat the oven" not in text


def test_a_long_section_is_cut_between_blocks_and_the_page_linked() -> None:
    long = "\n\n".join(f"Paragraph {n} of a very long section of a page." for n in range(200))
    facts = scene(steps=(state("oven"), state("dough", "not_done"), state("label")))
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW, step_text=long)
    assert len(text) < 3400
    assert "of a page.\n\n…\n\nOn the page:" in text


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz \n", min_size=30, max_size=200)


@settings(max_examples=60)
@given(sections=st.lists(words, min_size=3, max_size=3), data=st.data())
def test_a_guide_holds_no_text_of_another_step(sections: list[str], data: st.DataObject) -> None:
    lang = data.draw(st.sampled_from(LANGUAGES))
    step = data.draw(st.sampled_from(STEPS))
    another = data.draw(st.booleans())
    kinds = st.sampled_from(
        ["verified", "missing", "contradicted", "claimed", "not_done", "failed", "unknown"]
    )
    states = tuple(
        state(id, word, *((finding(False),) if word in ("missing", "contradicted") else ()))
        for id, word in ((id, data.draw(kinds)) for id in STEPS)
    )
    procedure = bakery(lang)
    procedure = procedure.model_copy(
        update={
            "steps": tuple(
                each.model_copy(update={"text": f"About the {each.id}: {text}".strip()})
                for each, text in zip(procedure.steps, sections, strict=True)
            )
        }
    )
    facts = scene(lang, steps=states).model_copy(update={"procedure": procedure})
    guide = Guide(because="-", step=step, another_way=another)
    explains = sends_section(guide, facts, None)
    text = render(guide, facts, lang=lang, now=NOW)
    for each in procedure.steps:
        assert (each.text in text) == (each.id == step and explains)


# --- ask, watch, act ----------------------------------------------------------------------------


def test_asks_one_question_and_why_it_matters() -> None:
    facts = scene(steps=(state("oven"), state("dough"), state("label", "unknown")))
    text = render(Ask(because="-", step="label"), facts, lang="en", now=NOW)
    assert text.count("?") == 1
    assert "Is “Put a label on the box” already done?" in text
    assert "because **Baking bread** depends on it" in text


def test_who_asks_how_is_told_all_steps_with_the_first_question() -> None:
    unknown = tuple(state(step, "unknown") for step in ("oven", "dough", "label"))
    facts = scene(steps=unknown, reading=Reading(asks_how=True, speech="question"))
    text = render(Ask(because="-", step="oven"), facts, lang="en", now=NOW)
    titles = [step.title for step in bakery().steps]
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        f"{number}. {title}" for number, title in enumerate(titles, 1)
    ]
    later = facts.model_copy(update={"said": Said(asked=("oven",), last="ask")})
    assert "1. " not in render(Ask(because="-", step="dough"), later, lang="en", now=NOW)
    wanted = facts.model_copy(update={"reading": Reading(wants_outcome=True)})
    assert "1. " not in render(Ask(because="-", step="oven"), wanted, lang="en", now=NOW)


def test_asks_a_branching_step_by_its_outcomes() -> None:
    procedure = bakery()
    fork = procedure.steps[1].model_copy(update={"outcomes": (("rye", "oven"), ("wheat", "label"))})
    procedure = procedure.model_copy(update={"steps": (procedure.steps[0], fork, procedure.steps[2])})
    facts = scene(steps=(state("dough", "unknown"),)).model_copy(update={"procedure": procedure})
    assert "**rye** / **wheat**?" in render(Ask(because="-", step="dough"), facts, lang="en", now=NOW)


def test_what_nobody_has_named_is_asked_in_the_customers_words() -> None:
    decision = Ask(because="-", step="este [botão](http://evil.example)", about="words")
    text = render(decision, scene("pt"), lang="pt", now=NOW)
    assert text.startswith("Não sei ao certo o que você quer dizer com “este ")
    assert "](http" not in text


def test_a_choice_of_few_names_is_offered() -> None:
    ask = Ask(because="-", step="domain", about="subject")
    few = scene(among=("links.acme.example", "go.acme.example"))
    assert render(ask, few, lang="en", now=NOW) == (
        "Which domain is this about? Your account has `links.acme.example` / `go.acme.example`."
    )
    many = scene(among=tuple(f"l{n}.acme.example" for n in range(7)))
    assert "acme" not in render(ask, many, lang="en", now=NOW)


def test_asks_for_the_subject_by_its_kind() -> None:
    text = render(Ask(because="-", step="workspace", about="subject"), scene("pt"), lang="pt", now=NOW)
    assert "De qual espaço de trabalho" in text


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


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("subjects", [(), ("links.acme.example",)])
def test_never_says_done_before_the_read_back(lang: str, subjects: tuple[str, ...]) -> None:
    named_ones = tuple(named(subject) for subject in subjects)
    facts = scene(lang, reading=Reading(subjects=named_ones, wants_outcome=True))

    def words(state: Any, readback: bool | None) -> str:
        return action_text("enable_https", state, lang, readback=readback, subjects=subjects)

    done = words("done", True)
    claims = done.split(".")[0].split("`")[0], done.split(". ")[-1]
    others = [
        *(words(state, True) for state in get_args(RequestState) if state != "done"),
        words("done", False),
        words("done", None),
        render(Act(because="-", action="enable_https"), facts, lang=lang, now=NOW),
        render(Propose(because="-", action="enable_https", approval="agent"), facts, lang=lang, now=NOW),
    ]
    for other in others:
        assert not any(claim in other for claim in claims), other


def test_tells_apart_what_was_seen_and_what_was_told_before_it_acts() -> None:
    act = Act(because="-", action="enable_https")
    assert "(I looked just now)" in render(act, scene(), lang="en", now=NOW)
    told = scene(steps=(state("oven"), state("dough", "claimed")))
    assert "what you told us" in render(act, told, lang="en", now=NOW)


def named(value: str, kind: str = "domain") -> Input:
    return Input(name=kind, value=value, message="m1", quote=value)


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


# --- decline, hand off, already, acknowledge ----------------------------------------------------


def test_declines_name_what_is_needed() -> None:
    opposing = finding(False, "tracking_off")
    facts = scene(
        steps=(state("oven"), state("dough", "missing", opposing)), foreign_subject="links.globex.example"
    )

    def words(reason: Any, step: str | None = None) -> str:
        return render(Decline(because="-", reason=reason, step=step), facts, lang="en", now=NOW)

    assert "Please sign in" in words("not_signed_in")
    assert "Only the owner of the account" in words("not_owner")
    assert "`links.globex.example` does not belong to the account" in words("not_yours")
    checks = words("checks_needed")
    assert "What is missing: “Knead the dough”." in checks
    assert "Click tracking is switched off" in checks
    assert words("checks_needed", "dough") == checks


def test_a_stranger_is_told_nothing_of_what_was_seen() -> None:
    facts = scene(steps=(state("dough", "missing", finding(False, "tracking_off")),))
    for reason in ("not_signed_in", "not_yours"):
        decline = Decline(because="-", reason=reason, step="dough")
        assert "tracking" not in render(decline, facts, lang="en", now=NOW)


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


SUPPORT = Team(name="Support", zone="America/Sao_Paulo", opens=time(9), closes=time(18))
THURSDAY = NOW + timedelta(days=3, hours=2)
HANDOVERS = (
    Handover(),
    Handover(eta_s=900),
    Handover(team="Support", hours="open"),
    Handover(team="Support", hours="open", eta_s=900),
    Handover(team="Support", zone=SUPPORT.zone, hours="closed", opens_at=THURSDAY),
    Handover(team="Support", zone=SUPPORT.zone, hours="closed"),
)


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


def test_promises_no_time_but_one_that_is_known() -> None:
    for who in HANDOVERS:
        text = passed_on(who, "en", now=NOW)
        told = "minutes" in text or "back on" in text
        assert told == (who.eta_s is not None or who.opens_at is not None)
        assert told != ("cannot promise" in text)


def test_an_urgent_handoff_names_the_team_too() -> None:
    facts = scene(reading=Reading(danger="harm"))
    hand_off = HandOff(because="-", reason="danger")
    text = render(hand_off, facts, lang="en", now=NOW, handover=HANDOVERS[2])
    assert "**Support** has it now, marked as urgent" in text
    assert "emergency number" in text


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


def test_what_an_agent_has_seen_is_not_called_the_customers_word() -> None:
    seen_by_agent = Claim(step="dough", status="done", message="", quote="", shown=True)
    steps = (state("oven", "claimed"), state("dough", "evidenced", claim=seen_by_agent), HALF[2])
    text = render(Guide(because="-", step="label"), scene(steps=steps), lang="en", now=NOW)
    assert text.startswith(
        "I take your word for “Heat the oven”. A person on our team has seen this in place"
    )
    assert step_word(steps[1], "en", NOW) == "Seen by a person on our team"


def test_a_team_is_data() -> None:
    evil = Handover(team="[x](javascript:y) **b** <img>")
    assert "**x(javascript:y) b img** has it now" in passed_on(evil, "en")


# --- is it solved? ------------------------------------------------------------------------------


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


# --- picked up from another place ---------------------------------------------------------------

BEFORE = Continued(channel="web", at=NOW - timedelta(days=3))
HALF = (state("oven"), state("dough", "claimed"), state("label", "missing", finding(False)))


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


# --- pictures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tells_once_that_pictures_cannot_be_read(lang: str) -> None:
    for decision in decisions(lang):
        plain = render(decision, scene(lang, steps=HALF), lang=lang, now=NOW)
        facts = scene(lang, steps=HALF, unread_images=True)
        assert tells_of_pictures(decision, facts)
        text = render(decision, facts, lang=lang, now=NOW)
        assert text.startswith(plain)
        assert len(text) > len(plain)
        known = facts.model_copy(update={"said": Said(pictures=True)})
        assert render(decision, known, lang=lang, now=NOW) == plain
        assert not tells_of_pictures(decision, known)


def test_who_is_handed_over_need_not_paste_anything() -> None:
    facts = scene(unread_images=True)
    text = render(HandOff(because="-", reason="asked"), facts, lang="en", now=NOW)
    assert text.endswith("I cannot read pictures, but the person who takes over can see what you sent.")
    asked = render(Ask(because="-", step="dough"), facts, lang="en", now=NOW)
    assert asked.endswith("if the picture shows text, please paste it here.")


def test_already_is_said_of_the_outcome_only_where_the_read_back_says_so() -> None:
    on = scene(outcome_holds=True).model_copy(update={"procedure": bakery(action="enable_https")})
    assert render(Already(because="-"), on, lang="en", now=NOW).startswith("HTTPS is already on")
    off = on.model_copy(update={"outcome_holds": False, "reading": Reading(asks_how=True)})
    text = render(Already(because="-"), off, lang="en", now=NOW)
    assert "already on" not in text
    assert "can ask me here to switch HTTPS on" in text


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


# --- answer -------------------------------------------------------------------------------------


def test_answers_with_the_quoted_lines_and_their_sources() -> None:
    first = citation(1, section="In the bag")
    second = citation(2, document="d1", quote="Salt | 2 g\n---|---")
    third = citation(3, anchor=None)
    answer = Answer(because="-", citations=(first, second, third))
    text = render(answer, scene(), lang="en", now=NOW)
    assert f"{first.quote} [1]" in text
    assert "---|---\n\n[2]" in text
    assert "- [1] [2] [Baking bread › In the bag](en/fresh-1.md#bag), updated 2026-09-14" in text
    assert "- [3] [Baking bread](en/fresh-3.md), updated 2026-09-14" in text


def test_says_in_which_language_the_lines_are_where_it_is_another() -> None:
    answer = Answer(because="-", citations=(citation(),))
    assert "As linhas citadas estão em inglês" in render(answer, scene("pt"), lang="pt", now=NOW)
    assert "quoted lines are in" not in render(answer, scene(), lang="en", now=NOW)


@pytest.mark.parametrize(
    ("lang", "contradicted", "outdated"),
    [
        ("en", "says otherwise", "out of date"),
        ("pt", "diz algo diferente", "desatualizada"),
        ("es", "dice algo distinto", "no esté al día"),
    ],
)
def test_says_once_that_something_speaks_against_what_it_quotes(
    lang: str, contradicted: str, outdated: str
) -> None:
    def told(*doubts: str, written: str | None = None) -> str:
        cited = tuple(citation(n, lang, doubt=doubt) for n, doubt in enumerate(doubts, 1))
        answer = Answer(because="-", citations=cited)
        return render(answer, scene(lang), lang=lang, now=NOW, written=written)

    assert contradicted in told("contradicted", "outdated")
    assert outdated not in told("contradicted", "outdated")
    assert outdated in told("outdated", "outdated", written="So it is [1].")
    assert outdated not in told("", "outdated", written="So it is [1].")
    assert contradicted not in told("", "")


def test_written_words_stand_in_place_of_the_lines_with_the_sources_they_cite() -> None:
    answer = Answer(because="-", citations=(citation(1), citation(2)))
    text = render(answer, scene(), lang="en", now=NOW, written="Bread stays fresh for three days [2].")
    assert text.startswith("Bread stays fresh for three days [2].")
    assert "fresh-2.md" in text
    assert "fresh-1.md" not in text
    assert "Our pages say" not in text


# --- what was seen ------------------------------------------------------------------------------


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


def test_a_claim_is_no_finding() -> None:
    claim = Claim(step="dough", status="failed", message="m1", quote="it did not rise")
    facts = scene(steps=(state("oven"), state("dough", "failed", claim=claim), state("label")))
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW)
    assert "You tried “Knead the dough” and it did not work." in text
    assert "What I see" not in text


def test_who_says_it_is_done_is_told_what_is_seen_and_the_section_follows_once_where_that_did_not_help() -> (
    None
):
    steps = (state("oven"), state("dough", "contradicted", finding(False)), state("label"))
    facts = scene(steps=steps)
    source = citation()
    first, second = Guide(because="-", step="dough"), Guide(because="-", step="dough", another_way=True)
    assert not sends_section(first, facts, source)
    assert sends_section(second, facts, source)
    sent = facts.model_copy(update={"said": Said(passages=(source.passage,))})
    assert not sends_section(second, sent, source)
    missing = scene(steps=(state("oven"), state("dough", "missing", finding(False)), state("label")))
    assert sends_section(first, missing, source)
