"""The one missing step: said once, with what is seen of it and nothing of another step."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.decision import Guide
from app.models.facts import Said
from app.models.reading import Claim
from app.reply.guiding import sends_section
from app.reply.rendering import render
from app.texts import LANGUAGES
from tests.app.reply.bakery import NOW, SECTIONS, STEPS, bakery, citation, finding, scene, state


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


def test_a_claim_is_no_finding() -> None:
    claim = Claim(step="dough", status="failed", message="m1", quote="it did not rise")
    facts = scene(steps=(state("oven"), state("dough", "failed", claim=claim), state("label")))
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW)
    assert "You tried “Knead the dough” and it did not work." in text
    assert "What I see" not in text


def test_lists_what_is_seen_of_several_subjects() -> None:
    hosts = ("a.example", "b.example")
    opposing = tuple(finding(False, "dns_no_address", seen=(("host", host),)) for host in hosts)
    facts = scene(steps=(state("oven"), state("dough", "missing", *opposing), state("label")))
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW)
    assert "What I see:\n- `a.example` does not lead" in text
    assert "\n- `b.example` does not lead" in text


def test_says_in_which_language_a_section_is_where_it_is_another() -> None:
    source = citation(lang="es", path="es/baking.md", anchor="dough")
    steps = (state("oven"), state("dough", "not_done"), state("label"))
    guide = Guide(because="-", step="dough")
    text = render(guide, scene("es", steps=steps), lang="es", now=NOW, step_source=source)
    assert SECTIONS["es"]["dough"] in text
    assert "[Cómo hornear el pan](es/baking.md#dough)" in text
    assert "\n\nSe hace así:\n\n" in text
    untranslated = render(guide, scene("en", steps=steps), lang="es", now=NOW)
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


def test_a_long_section_is_cut_between_blocks_and_the_page_linked() -> None:
    long = "\n\n".join(f"Paragraph {n} of a very long section of a page." for n in range(200))
    facts = scene(steps=(state("oven"), state("dough", "not_done"), state("label")))
    baking = bakery()
    text = "## 2. Knead the dough {#dough}\n\n" + long
    steps = tuple(s.model_copy(update={"text": text}) if s.id == "dough" else s for s in baking.steps)
    facts = facts.model_copy(update={"procedure": baking.model_copy(update={"steps": steps})})
    text = render(Guide(because="-", step="dough"), facts, lang="en", now=NOW)
    assert len(text) < 3400
    assert "## 2." not in text
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
