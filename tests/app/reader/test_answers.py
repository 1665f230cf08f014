"""Short answers, choices, promises and reports, on the pages that ship, in three languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from app.models.conversation import Message
from app.models.reading import Reading
from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder
from knowledge.model import Procedure
from knowledge.procedures import parse_procedure

PAGES = Path(__file__).parents[3] / "knowledge" / "pages" / "en"
AT = datetime(2026, 1, 1, tzinfo=UTC)
WANTS = {
    "en": "We want to send again after the bounce pause.",
    "pt": "Queremos voltar a enviar depois da pausa.",
    "es": "Queremos volver a enviar después de la pausa.",
}
ASKED = {
    "en": "us: “Switch on double opt-in” is already in place (I looked just now).\n\n"
    "Is “Remove the addresses that bounced” already done? I cannot see this from here.",
    "pt": "us: “Switch on double opt-in” já está no lugar (verifiquei agora mesmo).\n\n"
    "“Remova os endereços que voltaram”: isso já está feito? Isso eu não consigo ver daqui.",
    "es": "us: “Switch on double opt-in” ya está en su sitio (lo he mirado ahora mismo).\n\n"
    "“Quita las direcciones que rebotaron”: ¿ya está hecho? Eso no puedo verlo desde aquí.",
}
IP = {
    "en": "We need a dedicated IP address.",
    "pt": "Precisamos de um endereço IP dedicado.",
    "es": "Necesitamos una dirección IP dedicada.",
}
ASKED_IP = {
    "en": "us: “Be on the Scale plan” is already in place.\n\nIs “Choose a warm-up plan” already done?",
    "pt": "us: “Tenha o plano Scale” já está no lugar.\n\n“Escolha um plano de aquecimento”: já está feito?",
    "es": "us: “Ten el plan Scale” ya está en su sitio.\n\n“Elige un plan de calentamiento”: ¿ya está hecho?",
}


@cache
def page(name: str) -> Procedure:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    found = parse_procedure(text, path=name, document=name, version="1", checks=None, actions=None)
    assert found is not None
    return found


def read(encoder: CachedEncoder, name: str, *texts: str) -> Reading:
    """Texts by turns; one that begins with `us:` is ours."""
    messages = [
        Message(
            id=f"m{number}",
            conversation="c",
            role="bot" if text.startswith("us:") else "customer",
            text=text.removeprefix("us:").strip(),
            at=AT + timedelta(minutes=number),
        )
        for number, text in enumerate(texts)
    ]
    return read_conversation(messages, [page(name)], encoder)


def states(reading: Reading) -> dict[str, str]:
    return {claim.step: claim.status for claim in reading.claims}


@pytest.mark.parametrize(
    ("lang", "answer", "status"),
    [
        ("en", "no", "not_done"),
        ("en", "nop", "not_done"),
        ("en", "No, we did not.", "not_done"),
        ("en", "yes", "done"),
        ("en", "yep, on Friday", "done"),
        ("pt", "não", "not_done"),
        ("pt", "ainda não", "not_done"),
        ("pt", "feito", "done"),
        ("pt", "sim, ontem", "done"),
        ("es", "no", "not_done"),
        ("es", "No, eso no lo hicimos.", "not_done"),
        ("es", "todavía no", "not_done"),
        ("es", "si, hecho", "done"),
        ("es", "si hecho", "done"),
        ("es", "si lo esta mi socio lo hizo el viernes", "done"),
        ("es", "ya", "done"),
    ],
)
def test_a_bare_answer_is_about_the_step_asked_and_no_other(
    encoder: CachedEncoder, lang: str, answer: str, status: str
) -> None:
    reading = read(encoder, "resume-sending", WANTS[lang], ASKED[lang], answer)
    assert states(reading) == {"clean-list": status}
    assert all(claim.confidence >= 0.5 for claim in reading.claims)


@pytest.mark.parametrize(
    ("lang", "beside"),
    [
        ("en", "A volunteer left us, how do I remove her from the account?"),
        ("pt", "Uma voluntária saiu da ONG, como eu tiro ela da conta?"),
        ("es", "Una voluntaria dejó la organización, ¿cómo la quito de la cuenta?"),
        ("es", "Ese dato ya lo tienen."),
    ],
)
def test_what_leads_up_to_another_question_answers_nothing(
    encoder: CachedEncoder, lang: str, beside: str
) -> None:
    assert states(read(encoder, "resume-sending", WANTS[lang], ASKED[lang], beside)) == {}


def test_what_is_done_is_told_beside_a_question(encoder: CachedEncoder) -> None:
    texts = ("We did that, how do I invite a colleague?", "Done, how do I invite a colleague?")
    for text in texts:
        assert states(read(encoder, "resume-sending", WANTS["en"], ASKED["en"], text)) == {
            "clean-list": "done"
        }


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "I was just curious. Where were we with sending again?"),
        ("pt", "Era só curiosidade minha, então onde a gente tinha parado com os envios?"),
        ("es", "Era solo curiosidad, entonces ¿dónde nos habíamos quedado con los envíos?"),
    ],
)
def test_who_was_only_curious_of_something_beside_still_wants_it(
    encoder: CachedEncoder, lang: str, text: str
) -> None:
    assert read(encoder, "resume-sending", WANTS[lang], ASKED[lang], text).wants_outcome


@pytest.mark.parametrize(
    ("lang", "text", "status"),
    [
        ("en", "We removed all addresses that bounced.", "done"),
        ("en", 'The part "Remove the addresses that bounced" is done.', "done"),
        ("en", "Remove the addresses that bounced: finished on Friday", "done"),
        ("en", '"Remove the addresses that bounced" is not finished.', "not_done"),
        ("pt", 'A parte "Remova os endereços que voltaram" está pronta.', "done"),
        ("pt", 'Ainda não terminei "Remova os endereços que voltaram".', "not_done"),
        ("es", 'Lo de "Quita las direcciones que rebotaron" está terminado.', "done"),
        ("es", "Ya eliminamos las direcciones que rebotaron.", "done"),
    ],
)
def test_words_of_the_steps_own_title_are_no_state(
    encoder: CachedEncoder, lang: str, text: str, status: str
) -> None:
    assert states(read(encoder, "resume-sending", WANTS[lang], text)).get("clean-list") == status


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "warm-up: standard"),
        ("en", "For the warm-up we'd like Careful."),
        ("en", "standard warm-up for us please"),
        ("pt", "aquecimento: standard"),
        ("pt", "Para o aquecimento preferimos Careful."),
        ("es", "calentamiento: standard"),
        ("es", "Como calentamiento queremos el Standard."),
    ],
)
def test_who_names_one_of_the_ways_has_chosen(encoder: CachedEncoder, lang: str, text: str) -> None:
    assert states(read(encoder, "dedicated-ip", f"{IP[lang]} {text}")).get("warm-up-plan") == "done"
    assert states(read(encoder, "dedicated-ip", IP[lang], ASKED_IP[lang], text)) == {"warm-up-plan": "done"}


@pytest.mark.parametrize(
    "text", ["standard or careful, which one?", "we have not chosen, maybe standard", "What is Careful?"]
)
def test_who_weighs_the_ways_has_not_chosen(encoder: CachedEncoder, text: str) -> None:
    told = states(read(encoder, "dedicated-ip", IP["en"], ASKED_IP["en"], text))
    assert told.get("warm-up-plan") != "done"


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "ok, let me do this"),
        ("en", "one minute, working on it"),
        ("en", "on it"),
        ("en", "ok, will do it this afternoon"),
        ("pt", "vou fazer agora"),
        ("pt", "deixa comigo"),
        ("pt", "faço isso agora"),
        ("es", "lo hago ahora"),
        ("es", "me pongo con ello"),
        ("es", "dame un momento, lo hago"),
    ],
)
def test_a_promise_is_neither_done_nor_failed(encoder: CachedEncoder, lang: str, text: str) -> None:
    guide = {
        "en": "us: The next step is **Remove the addresses that bounced**.",
        "pt": "us: O próximo passo é **Remova os endereços que voltaram**.",
        "es": "us: El siguiente paso es **Quita las direcciones que rebotaron**.",
    }[lang]
    told = states(read(encoder, "resume-sending", WANTS[lang], guide, text))
    assert told.get("clean-list", "planned") == "planned"


@pytest.mark.parametrize(
    "text", ["ok", "Right, I see.", "certo, entendi", "vale", "ok. and how long does it take?"]
)
def test_a_nod_after_an_explanation_says_nothing_of_the_step(encoder: CachedEncoder, text: str) -> None:
    guide = "us: The next step is **Remove the addresses that bounced**."
    assert states(read(encoder, "resume-sending", WANTS["en"], guide, text)) == {}


@pytest.mark.parametrize("text", ["not for now", "por enquanto não", "por ahora no"])
def test_not_for_now_answers_our_question_and_takes_no_wish_back(encoder: CachedEncoder, text: str) -> None:
    reading = read(encoder, "dedicated-ip", IP["en"], ASKED_IP["en"], text)
    assert reading.wants_outcome
    assert states(reading) == {"warm-up-plan": "not_done"}
    assert not read(encoder, "dedicated-ip", IP["en"], "us: Shall I ask for it now?", text).wants_outcome


@pytest.mark.parametrize("host", ["loja-797742.example", "loja-86897d.example", "loja-fbb818.example"])
def test_who_begins_with_what_is_done_is_after_the_outcome_but_does_not_ask_for_it(
    encoder: CachedEncoder, host: str
) -> None:
    said = ("I have just switched on click tracking.", f"Os links de marca de {host} estão validados.")
    for texts in (said, [" ".join(said)]):
        reading = read(encoder, "https-tracking-links", *texts)
        assert (reading.wants_outcome, reading.faint) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "The branded link is validated. What does a proxy do?",
        "Click tracking is on, but leave everything as it is for now.",
    ],
)
def test_who_begins_with_a_question_or_a_stop_is_not(encoder: CachedEncoder, text: str) -> None:
    assert not read(encoder, "https-tracking-links", text).wants_outcome


def test_two_names_joined_by_and_are_quoted_whole(encoder: CachedEncoder) -> None:
    said = "We want https. done: go.shop.example and links.shop.example now have a proxy with a certificate"
    reading = read(encoder, "https-tracking-links", said)
    assert states(reading) == {"ssl-certificate": "done"}
    assert "go.shop.example and links.shop.example" in reading.claims[0].quote


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        ("one question: where are our invoices kept", "question"),
        ("btw how do I add a person to the account", "question"),
        ("aliás, onde ficam as faturas", "question"),
        ("outra coisa: como convido uma pessoa", "question"),
        ("por cierto, dónde están las facturas", "question"),
        ("una cosa más, cómo invito a alguien", "question"),
    ],
)
def test_a_side_question_needs_no_question_mark(encoder: CachedEncoder, text: str, speech: str) -> None:
    guide = "us: The next step is **Remove the addresses that bounced**."
    assert read(encoder, "resume-sending", WANTS["en"], guide, text).speech == speech


@pytest.mark.parametrize("text", ["where were we?", "Onde é que paramos?", "¿en qué quedamos?"])
def test_who_has_lost_the_thread_asks_to_see_it_again(encoder: CachedEncoder, text: str) -> None:
    guide = "us: The next step is **Remove the addresses that bounced**."
    assert read(encoder, "resume-sending", WANTS["en"], guide, text).asks_again


def test_a_demand_to_skip_counts_until_we_have_answered_it(encoder: CachedEncoder) -> None:
    demand, ours = "Skip the checks and resume our sending.", "us: Nothing happens without the checks."
    assert read(encoder, "resume-sending", demand).skips_checks
    assert not read(encoder, "resume-sending", demand, ours, "All right, the list is clean now.").skips_checks
    assert read(encoder, "resume-sending", demand, ours, "I said skip the checks!").skips_checks


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "Good morning!"),
        ("en", "Half of the office stayed at home because of the snow."),
        ("en", "My brother opened a bakery last month and we all help out."),
        ("pt", "Aqui na loja está um calor de matar hoje."),
        ("pt", "Meu sócio acabou de voltar das férias, todo mundo contente."),
        ("es", "Hoy celebramos el aniversario de la tienda, están todos por aquí."),
        ("es", "Hola, espero que tengan un buen día."),
    ],
)
def test_small_talk_is_no_yes_to_what_we_asked(encoder: CachedEncoder, lang: str, text: str) -> None:
    assert read(encoder, "resume-sending", WANTS[lang], ASKED[lang], text).claims == ()


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "My colleague was here for a coffee and has just done it."),
        ("pt", "Meu sócio passou por aqui hoje cedo e já removeu todos os endereços que voltaram."),
        ("es", "Mi socia vino esta mañana y ya las quitó."),
    ],
)
def test_an_answer_among_small_talk_is_an_answer(encoder: CachedEncoder, lang: str, text: str) -> None:
    claims = read(encoder, "resume-sending", WANTS[lang], ASKED[lang], text).claims
    assert [claim.status for claim in claims] == ["done"]
