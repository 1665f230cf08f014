"""What a question points at, and whether anybody has named it; and words that tell of no matter."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.asking import asks, beside, ends_in_question, points_back, unclear, vague, wondered, wonders
from app.reader.text import fold
from app.reader.words import NODS

MATTER = {
    "en": ("HTTPS for tracking links", "Switch on click tracking", "Set up a branded link"),
    "pt": (
        "HTTPS nos links de rastreamento",
        "Ative o rastreamento de cliques",
        "Configure um link de marca",
    ),
    "es": ("HTTPS en los enlaces", "Activa el seguimiento de clics", "Configura un enlace de marca"),
}


def asides(kind: str) -> Sequence[tuple[str, str]]:
    """(language, sentence) of `asides.txt`."""
    found, heading = [], ""
    for line in Path(__file__).with_name("asides.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#") and heading.endswith(f" {kind}"):
            found.append((heading[:2], line))
    return found


UNNAMED = [
    ("en", "What does this button do?", [], "this button"),
    ("en", "When was the first release of that handset?", ["How do I export contacts?"], "that handset"),
    ("en", "Who repairs this kind of pump?", ["We moved house."], "this kind of pump"),
    ("pt", "Quantos usuários cabem nesse pacote?", ["Bom dia"], "nesse pacote"),
    ("pt", "Oi. Aquela promoção ainda vale?", [], "Aquela promoção"),
    ("es", "¿Cuánto dura esa garantía?", ["¿Cómo exporto contactos?"], "esa garantía"),
]

NAMED = [
    ("en", "How do I delete this key?", ["I made an API key.", "Good."]),
    ("en", "I made a key. How do I delete this key?", []),
    ("en", "How do I invite this colleague?", []),
    ("en", "Is there a key for tests that sends nothing?", []),
    ("en", "Do you see that the import failed?", []),
    ("en", "Is this intended for us?", []),
    ("en", "Can I pay the invoice of this month?", []),
    ("en", "What does that mean?", []),
    ("en", "This button does nothing.", []),  # a report: nothing is looked up for it
    ("pt", "O link esta quebrado?", []),
    ("pt", "Como mudo o nome desta conta?", []),
    ("es", "¿Por qué no sale este correo?", []),
    ("fr", "Que fait ce bouton ?", []),  # a language that we do not know: never
]


@pytest.mark.parametrize(("lang", "newest", "before", "words"), UNNAMED)
def test_what_is_pointed_at_and_named_nowhere(lang: str, newest: str, before: list[str], words: str) -> None:
    assert unclear(newest, before, lang) == words


@pytest.mark.parametrize(("lang", "newest", "before"), NAMED)
def test_what_was_named_or_needs_no_name(lang: str, newest: str, before: list[str]) -> None:
    assert unclear(newest, before, lang) == ""


@pytest.mark.parametrize(
    ("text", "lang", "says_little"),
    [
        ("it doesn't work", "en", True),
        ("I did step 1 and 2 but i dont understand step 3", "en", True),
        ("help me please", "en", True),
        ("não consigo fazer o passo 3, muito difícil, vocês podem fazer por mim?", "pt", True),
        ("no funciona, ayuda", "es", True),
        ("I did step 2 of the certificate and it does not work", "en", False),
        ("não consigo convidar minha colega", "pt", False),
        ("mi factura está mal", "es", False),
    ],
)
def test_a_trouble_without_a_matter_is_vague(text: str, lang: str, says_little: bool) -> None:
    assert vague(text, lang) is says_little


@pytest.mark.parametrize(("lang", "said"), [*asides("side"), *asides("remark")])
def test_what_names_something_else_is_beside_the_matter(lang: str, said: str) -> None:
    assert beside(said, MATTER[lang], lang)


@pytest.mark.parametrize(("lang", "said"), asides("impatient"))
def test_who_loses_patience_names_nothing_else(lang: str, said: str) -> None:
    assert not beside(said, MATTER[lang], lang)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "is click tracking on by default?"),
        ("pt", "onde fica o rastreamento?"),
        ("es", "¿el enlace va con www?"),
    ],
)
def test_a_question_on_the_matter_is_not_beside_it(lang: str, said: str) -> None:
    assert asks(said)
    assert not beside(said, MATTER[lang], lang)


@pytest.mark.parametrize(
    "said", ["uma coisa, onde troco o endereço", "me puede decir cuántos hay", "any fee?"]
)
def test_a_question_needs_no_sign(said: str) -> None:
    assert asks(said)


def test_a_report_asks_nothing() -> None:
    assert not any(asks(said) for _, said in asides("remark"))


@pytest.mark.parametrize(
    "said", ["hm ok", "mm ok", "ah tá", "tá bom então", "está bien entonces", "faz sentido"]
)
def test_a_nod_is_a_nod_with_a_sound_before_it(said: str) -> None:
    assert NODS.fullmatch(fold(said))


@pytest.mark.parametrize("said", ["so?", "¿entonces?", "então?", "listo", "pronto, feito"])
def test_what_asks_on_or_is_done_is_no_nod(said: str) -> None:
    assert not NODS.fullmatch(fold(said))


WONDERING = [
    ("I don't know what a branded link is", "what a branded link is"),
    ("Desculpe, não sei o que é link de marca", "o que é link de marca"),
    ("no sé cómo se valida", "cómo se valida"),
    ("I don't know yet", "I don't know yet"),
    ("How do I validate it?", "How do I validate it?"),
    ("I wonder how long it takes", "how long it takes"),
    ("Não faço ideia de onde fica", "onde fica"),
    ("I don’t know what I did", "I don’t know what I did"),
    ("no sé qué pasó", "no sé qué pasó"),
]


@pytest.mark.parametrize(("said", "asked"), WONDERING)
def test_who_wonders_asks(said: str, asked: str) -> None:
    assert wondered(said) == asked
    assert wonders(said) == wonders(fold(said)) == (said != asked)


@pytest.mark.parametrize(
    "ours",
    ["Is it on?", "**Is it on?**", "Is it on?_", '"Is it on?"', "(Is it on?)", "**Is it on?** Tell us."],
)
def test_a_question_ends_behind_marks_quotes_and_brackets(ours: str) -> None:
    assert ends_in_question(ours)


@pytest.mark.parametrize("ours", ["It is on.", "See https://a.example/?id=1 please.", "[Is it on?](page.md)"])
def test_a_sign_inside_an_address_or_a_link_ends_no_question(ours: str) -> None:
    assert not ends_in_question(ours)


BACK = [
    ("en", "and where do I find that?", True),
    ("pt", "onde crio isso?", True),
    ("es", "¿dónde hago eso?", True),
    ("en", "where do I find webhooks?", False),
    ("en", "where in the settings of the account do I find this so that I can switch it on?", False),
]


@pytest.mark.parametrize(("lang", "said", "back"), BACK)
def test_few_words_point_back(lang: str, said: str, back: bool) -> None:
    assert points_back(said, lang) is back
