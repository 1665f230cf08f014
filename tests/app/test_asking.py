"""What a question points at, and whether anybody has named it; and words that tell of no matter."""

import pytest

from app.asking import unclear, vague

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
