"""Messages in pieces, and the values that customers name."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from app.models.conversation import Message
from app.reader.lexical import bag
from app.reader.subjects import hosts_in, subjects_of
from app.reader.text import fold, parted


@pytest.mark.parametrize("text", ["É já: AÇÃO “x” İstanbul ß", "plain", "", "¿Qué tal? ñ"])
def test_folding_keeps_every_place(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_clauses_keep_their_place_in_the_message() -> None:
    text = "Tracking is on, o link é válido e o certificado não. ¿Y ahora?"
    for sentence in parted(text).sentences:
        for clause in sentence.clauses:
            assert text[clause.piece.start : clause.piece.end] == clause.piece.text


def test_e_with_an_accent_is_no_and() -> None:
    (sentence,) = parted("diz que o documento é ilegível").sentences
    assert [clause.piece.text for clause in sentence.clauses] == ["diz que o documento é ilegível"]


def test_only_the_asking_clause_is_a_question() -> None:
    (sentence,) = parted("it is all connected, could you switch it on?").sentences
    assert [clause.question for clause in sentence.clauses] == [False, True]


@pytest.mark.parametrize(
    ("title", "text", "clause"),
    [
        (
            "switch on double opt-in",
            "He is away till Monday, which means that this one is still open: Switch on double opt-in.",
            "which means that this one is still open: Switch on double opt-in.",
        ),
        (
            "ative a confirmação dupla",
            "Só volta na segunda, por isso este aqui ainda está todo em aberto: Ative a confirmação dupla",
            "por isso este aqui ainda está todo em aberto: Ative a confirmação dupla",
        ),
        (
            "activa el doble opt-in",
            "Vuelve el lunes, así que de momento este punto sigue todo abierto: «Activa el doble opt-in»",
            "así que de momento este punto sigue todo abierto: «Activa el doble opt-in»",
        ),
    ],
)
def test_a_title_at_the_end_stays_with_the_words_that_tell_of_it(title: str, text: str, clause: str) -> None:
    told = [c.piece.text for s in parted(text, [fold(title)]).sentences for c in s.clauses]
    assert told[-1].rstrip(".") == clause.rstrip(".")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("look:\n```\n$ dig x.example\n```\nok", "paste"),
        ("look\n> so they say\nok", "quote"),
        ("see\n---------- Forwarded message ----------\nFrom: a\nall is done", "forward"),
        ("it says:\n\nError 525\nhandshake failed\nhost error\n\nwhat now", "paste"),
        ('he wrote "connect the directory and then wait for two days"', "quote"),
    ],
)
def test_data_is_told_from_the_customers_words(text: str, kind: str) -> None:
    assert [found for found, _ in parted(text).data] == [kind]


def test_after_the_sign_off_of_a_forwarded_mail_the_customer_speaks() -> None:
    text = "see\n\nFrom: a\nSubject: b\n\nAll done.\nKind regards\n\nWhat does it mean?"
    assert [s.piece.text for s in parted(text).sentences] == ["see", "What does it mean?"]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("it is links.acme.example.", ["links.acme.example"]),
        ("https://Shop.Acme.example/ and b.example", ["shop.acme.example", "b.example"]),
        ("write to me@acme.example", []),
        ("see https://help.acme.example/page/1", []),
        ("münchen.example", ["xn--mnchen-3ya.example"]),
        ("xn--mnchen-3ya.example", ["xn--mnchen-3ya.example"]),
        ("it is done.Now what", []),
        ("in notes.txt at 10.0.0.1, v1.2.3", []),
    ],
)
def test_hosts_are_found_and_normalised(text: str, hosts: list[str]) -> None:
    assert [host for host, _ in hosts_in(text)] == hosts


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('move it to the workspace "Blue Team" please', "Blue Team"),
        ("the target workspace is Vendas-BR", "Vendas-BR"),
        ("para o espaço de trabalho Marketing", "Marketing"),
        ("our workspace is nice", None),
    ],
)
def test_named_values_of_other_kinds(text: str, value: str | None) -> None:
    message = Message(
        id="m", conversation="c", role="customer", text=text, at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    found = subjects_of([message], ["domain", "workspace"])
    assert [one.value for one in found if one.name == "workspace"] == ([value] if value else [])


def test_our_own_hosts_and_name_servers_are_not_the_customers() -> None:
    text = "host is a.example, target track.ours.example\n```\na.example. 60 IN CNAME b.other.example.\n```"
    message = Message(
        id="m", conversation="c", role="customer", text=text, at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    found = subjects_of([message], ["domain"], frozenset({"track.ours.example"}))
    assert [one.value for one in found] == ["a.example"]


def test_one_concept_in_three_languages() -> None:
    shared = (
        bag("certificate", "en").concepts
        & bag("certificados", "pt").concepts
        & bag("certificado", "es").concepts
    )
    assert shared
    assert bag(fold("rede sem fio"), "pt").concepts & bag("wifi", "en").concepts


@pytest.mark.parametrize(
    "text", ["a.a" * 70_000, "-" * 200_000, "é" * 200_000, "x: y\n" * 40_000, "workspace " * 20_000]
)
def test_a_crafted_message_does_not_take_long(text: str) -> None:
    message = Message(
        id="m", conversation="c", role="customer", text=text, at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    started = time.process_time()
    assert len(parted(text).sentences) <= 60
    subjects_of([message], ["domain", "workspace"])
    assert time.process_time() - started < 1.5


TITLES = (
    "choose a warm-up plan",
    "be on the scale plan",
    "keep two things and wait",
    "elige un plan de calentamiento",
)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        (
            'hello "choose a warm-up plan" is done no idea whether "be on the scale plan" ever was',
            ['hello "choose a warm-up plan" is done', 'no idea whether "be on the scale plan" ever was'],
        ),
        (
            'about "choose a warm-up plan" we settled that "be on the scale plan" is open',
            ['about "choose a warm-up plan" we settled that', '"be on the scale plan" is open'],
        ),
        (
            "buenas lo de elige un plan de calentamiento quedó resuelto por dónde empezamos ahora",
            ["buenas lo de elige un plan de calentamiento quedó resuelto", "por dónde empezamos ahora"],
        ),
        ('"Keep two things and wait" is done', ['"Keep two things and wait" is done']),
        ("oi a.example e b.example estão prontos", ["oi a.example e b.example estão prontos"]),
    ],
)
def test_a_long_clause_without_marks_is_cut_where_a_new_thought_begins(text: str, clauses: list[str]) -> None:
    found = [clause.piece.text for s in parted(text, TITLES).sentences for clause in s.clauses]
    assert found == clauses


def test_a_quoted_title_is_the_customers_own_word() -> None:
    text = 'I did "Keep two things and wait" and he wrote "keep three other things and never wait"'
    assert [piece.text for _, piece in parted(text, TITLES).data] == [
        '"keep three other things and never wait"'
    ]


def test_of_a_long_mail_what_speaks_of_the_steps_is_read() -> None:
    filler = "".join(f"Nothing much happened on day {number}. " for number in range(400))
    told = parted(f"{filler}The branded link is validated. {filler}That is all.", ("set up branded links",))
    read = [sentence.piece.text for sentence in told.sentences]
    assert "The branded link is validated." in read
    assert read[-1] == "That is all."
    assert len(read) <= 60


def test_a_sentence_without_an_end_is_read_in_stretches() -> None:
    assert max(len(s.piece.text) for s in parted("word " * 3_000).sentences) <= 1_000
    assert len(parted("one, " * 150).sentences[0].clauses) <= 24


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        (
            "we upgraded to the big plan last week the record is published in our dns can you switch it on",
            [
                "we upgraded to the big plan last week",
                "the record is published in our dns",
                "can you switch it on",
            ],
        ),
        (
            "fizemos a mudanca de plano ontem o registro ja esta publicado no dns podem ligar isso pra gente",
            [
                "fizemos a mudanca de plano ontem",
                "o registro ja esta publicado no dns",
                "podem ligar isso pra gente",
            ],
        ),
        (
            "contratamos el plan grande hace una semana el registro ya esta publicado en el dns",
            [
                "contratamos el plan grande hace una semana",
                "el registro ya esta publicado en el dns",
            ],
        ),
        (
            "please connect the directory: done the emergency administrator is set up now we need it",
            [
                "please connect the directory: done",
                "the emergency administrator is set up",
                "now we need it",
            ],
        ),
    ],
)
def test_what_is_told_in_one_breath_is_cut_where_a_thought_begins(text: str, clauses: list[str]) -> None:
    (sentence,) = parted(text).sentences
    assert [clause.piece.text for clause in sentence.clauses][: len(clauses)] == clauses


@pytest.mark.parametrize(
    "text",
    [
        "before we commit to anything the accountant would like to see what that costs",
        "the record that we published for the domain last week is still in our dns",
        "we think that the record for the domain is published in all of our zones",
        "nao sei se o registro do dominio novo esta publicado no dns da empresa",
        "no sabemos si el registro del dominio nuevo esta publicado en el dns",
    ],
)
def test_one_thought_stays_whole(text: str) -> None:
    (sentence,) = parted(text).sentences
    assert [clause.piece.text for clause in sentence.clauses] == [text]


@pytest.mark.parametrize("where", ["está", "están", "está ya"])
def test_now_is_no_cut_behind_its_verb(where: str) -> None:
    (sentence,) = parted(f"todo {where} ahora en pausa").sentences
    assert len(sentence.clauses) == (2 if where == "está ya" else 1)
