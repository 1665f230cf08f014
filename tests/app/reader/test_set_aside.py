"""What is announced as being about something else, what asks how it goes on, and a word on a page of ours."""

from __future__ import annotations

import pytest

from app.asking import beside
from app.models.reading import Reading
from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder
from tests.app.reader.test_answers import page, read, states
from tests.app.reader.test_builtin import said

RESUME = "Resume sending please."
OURS = "us: The next step is **Switch on double opt-in**."


def _after_a_step(encoder: CachedEncoder, words: str) -> Reading:
    return read(encoder, "resume-sending", RESUME, OURS, words)


@pytest.mark.parametrize(
    "words",
    [
        "Quick question in between: how do I create an API key?",
        "by the way, where do I change the card you charge?",
        "while I have you: can two people use one login?",
        "Different topic. My colleague cannot log in since this morning.",
        "Outro assunto, no meio disso: troquei de celular e não consigo mais entrar com o código.",
        "Já que estou aqui, qual a diferença entre os dois tipos de conta? aparecem as duas no relatório",
        "Otra cosa, entre medias: cambié de celular y ya no puedo entrar con el código de seis cifras.",
        "por cierto, ¿dónde cambio la tarjeta?",
    ],
)
def test_what_is_announced_as_an_aside_is_a_question_of_its_own(encoder: CachedEncoder, words: str) -> None:
    reading = _after_a_step(encoder, words)
    assert (reading.speech, reading.asks_on, states(reading)) == ("question", False, {})


@pytest.mark.parametrize(
    "words",
    ["By the way, double opt-in is switched on now.", "otra cosa: el double opt-in ya está activado"],
)
def test_a_step_that_is_named_in_an_aside_is_told(encoder: CachedEncoder, words: str) -> None:
    assert states(_after_a_step(encoder, words)) == {"double-opt-in": "done"}


@pytest.mark.parametrize("words", ["By the way, thanks for the quick answers.", "Aproveitando, obrigada!"])
def test_thanks_in_an_aside_are_thanks(encoder: CachedEncoder, words: str) -> None:
    assert _after_a_step(encoder, words).speech == "thanks"


def test_what_announces_an_aside_names_nothing() -> None:
    matter = ["Mover um domínio de envio para outro espaço de trabalho"]
    assert beside("Outro assunto: troquei de celular.", matter, "pt")
    assert not beside("Outra coisa: o domínio.", matter, "pt")


@pytest.mark.parametrize(
    "words",
    [
        "what's left for the sending?",
        "ok, how do we go on with the sending?",
        "entendi, e para ter a liberação do envio dos nossos e-mails falta algo?",
        "vale, ¿cómo seguimos con el envío?",
        "¿y el envío? ¿qué lo está frenando?",
    ],
)
def test_how_the_matter_goes_on_is_asked_of_the_matter(encoder: CachedEncoder, words: str) -> None:
    assert _after_a_step(encoder, words).asks_on


@pytest.mark.parametrize(
    "words",
    [
        "just ignore the missing bits and go",
        "forget about the rest and just switch it on",
        "ignorem o que falta e liberem",
        "olviden lo que falta y actívenlo",
    ],
)
def test_what_is_missing_is_to_be_left_out(encoder: CachedEncoder, words: str) -> None:
    assert _after_a_step(encoder, words).skips_checks


@pytest.mark.parametrize(
    "words", ["I forgot what is missing", "esqueci o que faltava", "olvidé lo que faltaba"]
)
def test_who_forgot_what_is_missing_wants_nothing_left_out(encoder: CachedEncoder, words: str) -> None:
    assert not _after_a_step(encoder, words).skips_checks


@pytest.mark.parametrize(
    "words",
    [
        "ese link no me sirvió de nada la verdad... sigamos con eso",
        "that link was no help to me",
        "esse link não ajudou em nada",
    ],
)
def test_a_word_on_a_page_of_ours_is_not_about_their_links(encoder: CachedEncoder, words: str) -> None:
    spoken = said("Move the domain quillpress.example to the workspace brand-two, please.", words)
    pages = [page("move-domain"), page("https-tracking-links")]
    assert read_conversation(spoken, pages, encoder).procedure == "move-domain"


@pytest.mark.parametrize(
    "words", ["já fiz o que falta", "ya hice el paso que falta", "I'll do what is left tomorrow"]
)
def test_who_did_what_is_left_asks_nothing(encoder: CachedEncoder, words: str) -> None:
    reading = _after_a_step(encoder, words)
    assert (reading.speech, reading.asks_on) == ("report", False)
