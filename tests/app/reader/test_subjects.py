"""Names of things in plain words: read where they are named, and never across a sentence's end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from app.models.conversation import Message
from app.reader.subjects import known_among, subjects_of

WHICH = {
    "en": "Which workspace is this about? I need its name to look at the right one.",
    "pt": "De qual espaço de trabalho estamos falando? Preciso do nome para verificar o certo.",
    "es": "¿De qué espacio de trabajo se trata? Necesito el nombre para mirar el correcto.",
}


def _names(*texts: tuple[Literal["customer", "bot"], str], kind: str = "workspace") -> list[str]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    messages = [
        Message(id=f"m{n}", conversation="c", role=role, text=text, at=at)
        for n, (role, text) in enumerate(texts)
    ]
    return [item.value for item in subjects_of(messages, (kind,))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("We want shop.example moved into the workspace campanhas", ["campanhas"]),
        ("put it in our loyalty workspace, thanks", ["loyalty"]),
        ("quero o domínio no espaço de trabalho campanhas", ["campanhas"]),
        ("pásenlo al espacio de trabajo ventas, por favor", ["ventas"]),
        ("workspace: campanhas", ["campanhas"]),
        ("Move it to workspace brand-two. We are ready", ["brand-two"]),
        ("o workspace é Azul-3. Obrigado", ["Azul-3"]),
        ("para el workspace Norte\nGracias", ["Norte"]),
        ("it should live in the brand-two workspace instead of this one", ["brand-two"]),
        ('the workspace "Blue Team" is the one', ["Blue Team"]),
        ("The workspace exists already", []),
        ("I looked in the workspace settings", []),
        ("Our workspace is active. The workspace archived itself once", []),
        ("o espaço de trabalho está ativo", []),
        ("el espacio de trabajo de destino existe", []),
        ("move it to the target workspace", []),
    ],
)
def test_a_name_may_be_a_plain_word(text: str, names: list[str]) -> None:
    assert _names(("customer", text)) == names


@pytest.mark.parametrize(
    ("lang", "text", "names"),
    [
        ("en", "campaigns", ["campaigns"]),
        ("en", "I was talking about brand-two.", ["brand-two"]),
        ("en", "Sorry, I mean Loyalty", ["Loyalty"]),
        ("pt", "é o campanhas", ["campanhas"]),
        ("pt", "me refiro ao espaço vendas", ["vendas"]),
        ("es", "sería ventas", ["ventas"]),
        ("es", "Se trata de norte.", ["norte"]),
        ("en", "no idea, which ones are there?", []),
        ("en", "yes", []),
    ],
)
def test_the_answer_to_which_one_is_the_name(lang: str, text: str, names: list[str]) -> None:
    assert _names(("customer", "Please move shop.example"), ("bot", WHICH[lang]), ("customer", text)) == names


def test_an_answer_settles_what_was_named_before() -> None:
    said = _names(
        ("customer", "Move it to workspace Blue or workspace Green"),
        ("bot", WHICH["en"]),
        ("customer", "green"),
    )
    assert said == ["green"]


def test_a_question_how_far_they_are_asks_for_no_name() -> None:
    said = _names(("bot", "Is the target workspace active?"), ("customer", "paused"))
    assert said == []


def _known(*texts: tuple[Literal["customer", "bot"], str]) -> tuple[str, ...]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    messages = [
        Message(id=f"m{n}", conversation="c", role=role, text=text, at=at)
        for n, (role, text) in enumerate(texts)
    ]
    return known_among(("eventos", "brand-two", "marketing"), messages, "workspace")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("can you shift shop.example over to eventos? that team runs it now", ("eventos",)),
        ("tem que ficar no marketing daqui pra frente", ("marketing",)),
        ("shop.example -> Brand Two", ("brand-two",)),
        ("a mudança para o espaço eventos", ("eventos",)),
        ("the workspace that it goes to is called brand-two", ("brand-two",)),
        ("our marketing people asked me for this", ()),
        ("marketing is waiting", ()),
        ("move it to eventos.example", ()),
    ],
)
def test_a_name_of_the_account_is_found_where_something_goes_to_it(text: str, names: tuple[str, ...]) -> None:
    assert _known(("customer", text)) == names


def test_asked_which_one_a_bare_name_is_the_answer() -> None:
    asked: tuple[Literal["customer", "bot"], str] = ("bot", WHICH["en"])
    assert _known(("customer", "move it"), asked, ("customer", "Marketing pls")) == ("marketing",)
    assert _known(("customer", "to eventos"), asked, ("customer", "no: brand two")) == ("brand-two",)
