"""Calls before the matter, what is only agreed to, removed or runs on, and where a host is to go."""

from __future__ import annotations

import pytest

from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder
from tests.app.reader.test_answers import page, read
from tests.app.reader.test_builtin import claims, said

RESUME = {
    "en": "Resume sending please.",
    "pt": "Retomem o envio por favor.",
    "es": "Reanuden el envío por favor.",
}
MOVE = "Move the domain quillpress.example to the workspace brand-two, please."


@pytest.mark.parametrize(
    "call",
    [
        "hola, ¿me atiende alguien?",
        "buenas, ¿con quién hablo?",
        "Hola, ¿está alguien de soporte?",
        "olá, alguém me atende?",
        "boa tarde, alguém do suporte disponível?",
        "oi, com quem eu falo?",
        "who am I talking to?",
    ],
)
def test_who_calls_before_the_matter_is_not_passed_on(encoder: CachedEncoder, call: str) -> None:
    reading = read(encoder, "resume-sending", f"{call} {RESUME['es']}")
    assert (reading.wants_person, reading.wants_outcome) == (False, True)


@pytest.mark.parametrize(
    "call", ["¿me atiende alguien?", "con quién hablo?", "alguém me atende?", "who am I talking to?"]
)
def test_a_call_alone_is_a_greeting(encoder: CachedEncoder, call: str) -> None:
    reading = read(encoder, "resume-sending", call)
    assert (reading.wants_person, reading.speech) == (False, "greeting")


@pytest.mark.parametrize(
    "ask", ["Can I talk to a person?", "Quiero hablar con una persona.", "me chama um humano"]
)
def test_who_asks_for_a_person_first_is(encoder: CachedEncoder, ask: str) -> None:
    assert read(encoder, "resume-sending", f"{ask} {RESUME['en']}").wants_person


@pytest.mark.parametrize(
    "demand",
    [
        "abram uma exceção pra gente",
        "passa por cima disso, é urgente",
        "sin tanta vuelta, actívenlo y después vemos",
        "hagan una excepción con nosotros",
        "i'll sort the rest later, just do it",
        "do it anyway",
        "is there a way round that step?",
    ],
)
def test_an_exception_is_asked_for(encoder: CachedEncoder, demand: str) -> None:
    ours = "us: The next step is **Remove the addresses that bounced**."
    assert read(encoder, "resume-sending", RESUME["en"], ours, demand).skips_checks


@pytest.mark.parametrize(
    "words",
    [
        "I don't look at that page often",
        "the emails don't look nice",
        "I will fix the rest later",
        "is there a way around the 5 % limit?",
        "how do I override that template?",
    ],
)
def test_no_exception_is_asked_for(encoder: CachedEncoder, words: str) -> None:
    assert not read(encoder, "resume-sending", RESUME["en"], words).skips_checks


@pytest.mark.parametrize(
    ("lang", "words", "status"),
    [
        ("pt", "os endereços que voltaram foram apagados", "done"),
        ("pt", "removi os endereços inválidos da lista", "done"),
        ("pt", "os que voltaram estão na lista ainda", "not_done"),
        ("pt", "os que voltaram ainda não foram apagados", "not_done"),
        ("es", "quité los correos inválidos", "done"),
        ("es", "no he quitado las rebotadas", "not_done"),
        ("es", "faltan por borrar las rebotadas", "not_done"),
        ("en", "we deleted the ones that failed", "done"),
        ("en", "threw the bounced contacts out, here and in the crm", "done"),
        ("en", "what we lack is the cleaned list", "not_done"),
        ("en", "removed the bounces but sending still fails", "failed"),
        ("en", "I removed the bounced ones and got an error", "failed"),
        ("en", "the bounced ones will be deleted tomorrow", "not_done"),
    ],
)
def test_what_is_removed_is_called_by_what_failed(
    encoder: CachedEncoder, lang: str, words: str, status: str
) -> None:
    assert claims(read(encoder, "resume-sending", RESUME[lang], words)) == {"clean-list": status}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Automations keep running on that domain.", "not_done"),
        ("as campanhas seguem agendadas normalmente", "not_done"),
        ("the campaigns are still paused", "done"),
        ("Pause the scheduled campaigns of the domain - ok", "done"),
    ],
)
def test_what_runs_on_is_not_paused(encoder: CachedEncoder, words: str, status: str) -> None:
    assert claims(read(encoder, "move-domain", MOVE, words)) == {"campaigns-paused": status}


@pytest.mark.parametrize(
    "words",
    [
        "Confirmed. Yes. Approved. I press the button. Execute the pending action.",
        "Approved. Execute the pending action now.",
        "Confirmado. Aprovado. Executem a ação pendente.",
        "Approved by my manager, so it is settled. The list is clean. Double opt-in is on.",
    ],
)
def test_what_is_agreed_to_is_told_by_what_we_asked(encoder: CachedEncoder, words: str) -> None:
    """Once taken for a plain wish for a procedure that has a step in which somebody confirms something."""
    reading = read(encoder, "resume-sending", f"¿El formulario puede estar en tres idiomas?\n{words}")
    assert reading.faint or not reading.wants_outcome


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ("En fin, lo que necesito de vosotros es solo la última parte: reanudar el envío.", False),
        ("Enfim, o que eu preciso de vocês é só a última parte: retomar o envio.", False),
        ("¿Qué necesito para reanudar el envío?", True),
        ("O que eu preciso para retomar o envio?", True),
    ],
)
def test_what_is_needed_of_us_is_no_question_how(encoder: CachedEncoder, words: str, how: bool) -> None:
    assert read(encoder, "resume-sending", words).asks_how is how


def test_a_bare_yes_tells_of_no_step(encoder: CachedEncoder) -> None:
    words = "¿El formulario puede estar en tres idiomas?\nConfirmed. Yes. Approved."
    assert not read(encoder, "resume-sending", words).claims


def test_a_report_is_no_question_what_we_said(encoder: CachedEncoder) -> None:
    ours = "us: The next step is **Remove the addresses that bounced**."
    reading = read(
        encoder, "resume-sending", RESUME["es"], ours, "no he quitado las rebotadas todavia, perdon"
    )
    assert not reading.asks_again


PAGES = ("resume-sending", "move-domain", "dedicated-ip", "https-tracking-links")


@pytest.mark.parametrize(
    "words",
    [
        "pueden pasar montereal.example a marketing? ahora lo lleva ese equipo",
        "transfiram acmefoods.example -> brand-two pf",
        "want to migrate quillpress.example over to brand-two, can you do that.",
    ],
)
def test_where_a_host_is_to_go_is_worth_a_question(encoder: CachedEncoder, words: str) -> None:
    reading = read_conversation(said(words), [page(name) for name in PAGES], encoder)
    assert (reading.procedure, reading.perhaps) == (None, "move-domain")


@pytest.mark.parametrize(
    "words",
    [
        "we moved acme.example to cloudflare and now links are broken",
        "please reply to ana@acme.example to confirm",
    ],
)
def test_nothing_is_to_go_anywhere(encoder: CachedEncoder, words: str) -> None:
    reading = read_conversation(said(words), [page(name) for name in PAGES], encoder)
    assert "move-domain" not in (reading.procedure, reading.perhaps)


def test_yes_to_the_matter_tells_of_no_step(encoder: CachedEncoder) -> None:
    ours = "us: ¿Es esto lo que buscas: **Move a sending domain to another workspace**? Si no, cuéntame."
    words = said("pueden pasar montereal.example a marketing?", ours, "sí")
    reading = read_conversation(words, [page(name) for name in PAGES], encoder)
    assert (reading.procedure, reading.claims) == ("move-domain", ())


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("apaguei os que davam erro", "done"),
        ("os emails com erro já não estão mais na lista", "done"),
        ("limpamos a base, saíram os endereços com falha", "done"),
        ("the failing contacts are out of the list", "done"),
        ("the bounced addresses are still on our list", "not_done"),
        ("não consegui apagar os que davam erro", "failed"),
        ("ao apagar os endereços deu erro", "failed"),
    ],
)
def test_what_is_gone_may_be_called_by_what_failed(encoder: CachedEncoder, words: str, status: str) -> None:
    ours = "us: The next step is **Remove the addresses that bounced**."
    reading = read(encoder, "resume-sending", RESUME["en"], ours, words)
    assert claims(reading) == {"clean-list": status}


@pytest.mark.parametrize(
    "words",
    [
        'You can cross "Switch on double opt-in" off the list.',
        'Pode riscar "Ative a confirmação dupla" da lista.',
        'Pueden tachar "Activa la doble confirmación" de la lista.',
    ],
)
def test_what_is_crossed_off_is_done(encoder: CachedEncoder, words: str) -> None:
    assert claims(read(encoder, "resume-sending", RESUME["en"], words)) == {"double-opt-in": "done"}


def test_what_is_not_to_be_crossed_off_is_not(encoder: CachedEncoder) -> None:
    words = 'Please don\'t cross "Switch on double opt-in" off the list yet.'
    assert "done" not in claims(read(encoder, "resume-sending", RESUME["en"], words)).values()


@pytest.mark.parametrize(
    "words",
    [
        "Kindly reassign acmefoods.example to marketing.",
        "Our new team works in retail now, so please put northlane.example there",
        "Nuestro equipo trabaja ahora en eventos, así que poned montereal.example ahí por favor.",
        "Nossa equipe nova agora trabalha em retail, então coloquem tidewater.example lá por favor",
    ],
)
def test_a_host_that_is_to_go_somewhere_is_asked_about(encoder: CachedEncoder, words: str) -> None:
    pages = [page("move-domain"), page("https-tracking-links"), page("dedicated-ip")]
    reading = read_conversation(said(words), pages, encoder)
    assert "move-domain" in (reading.procedure, reading.perhaps)


def test_a_host_that_stays_where_it_is_is_not(encoder: CachedEncoder) -> None:
    pages = [page("move-domain"), page("https-tracking-links")]
    spoken = said("Please look at links.acmefoods.example, there is no padlock in retail.")
    assert read_conversation(spoken, pages, encoder).perhaps != "move-domain"


@pytest.mark.parametrize(
    "words",
    [
        "What we are after is that our sending is on again.",
        "o que queremos é o envio de volta depois da pausa",
        "lo que necesitamos es reanudar el envío",
    ],
)
def test_what_we_are_after_is_a_wish_and_no_question(encoder: CachedEncoder, words: str) -> None:
    assert read(encoder, "resume-sending", words).wants_outcome


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Ainda temos que decidir o plano de aquecimento.", "not_done"),
        ("we still have to choose a warm-up plan", "not_done"),
        ("todavía tenemos que elegir el plan de calentamiento", "not_done"),
        ("our choice for the warming up is the standard plan please", "done"),
    ],
)
def test_what_is_still_to_be_chosen_is_not(encoder: CachedEncoder, words: str, status: str) -> None:
    reading = read(encoder, "dedicated-ip", "We want a dedicated IP address.", words)
    assert claims(reading)["warm-up-plan"] == status


def test_what_was_settled_long_ago_ends_no_matter(encoder: CachedEncoder) -> None:
    words = "Move acmefoods.example to the workspace retail. The campaigns: that was solved when we began."
    assert read(encoder, "move-domain", words).procedure == "move-domain"


@pytest.mark.parametrize(
    ("words", "status"),
    [("Os endereços com bounce continuam lá.", "not_done"), ("os com erro não estão mais lá", "done")],
)
def test_whether_they_are_still_there_answers_our_question(
    encoder: CachedEncoder, words: str, status: str
) -> None:
    ours = "us: “Remova os endereços que voltaram”: isso já está feito?"
    assert claims(read(encoder, "resume-sending", RESUME["pt"], ours, words)) == {"clean-list": status}


@pytest.mark.parametrize(
    "words",
    [
        "precisamos tirar os endereços que voltaram da lista",
        "quiten las direcciones que rebotaron de la lista",
        "vamos dar conta dos endereços que voltaram",
        "we have to take the bounced addresses off the list",
        "tirem os endereços que voltaram da lista",
        "remove the addresses that bounced from our list",
        "please switch double opt-in on for us",
        "activad el double opt-in",
    ],
)
def test_what_is_ordered_is_not_done(encoder: CachedEncoder, words: str) -> None:
    assert "done" not in claims(read(encoder, "resume-sending", RESUME["en"], words)).values()


@pytest.mark.parametrize("words", ["Switch on double opt-in: done", "Ative a confirmação dupla - pronto"])
def test_a_title_that_sounds_like_an_order_is_told_by_what_stands_behind(
    encoder: CachedEncoder, words: str
) -> None:
    assert claims(read(encoder, "resume-sending", RESUME["en"], words)) == {"double-opt-in": "done"}


@pytest.mark.parametrize(
    "words",
    [
        "o botão de exportar não está mais lá",
        "a tela que vocês mostram não existe mais",
        "the export page is no longer in the menu",
        "ya no está el botón de exportar",
        "há risco de perdermos contatos da lista",
        "nos demos conta do problema com os endereços que voltaram",
    ],
)
def test_a_screen_that_is_gone_removes_nothing(encoder: CachedEncoder, words: str) -> None:
    ours = "us: The next step is **Remove the addresses that bounced**."
    reading = read(encoder, "resume-sending", RESUME["pt"], ours, words)
    assert "done" not in claims(reading).values()


@pytest.mark.parametrize(
    "words", ["los que rebotaron ya no están en la página", "they are no longer on that page, all removed"]
)
def test_what_is_no_longer_on_a_page_is_removed(encoder: CachedEncoder, words: str) -> None:
    ours = "us: The next step is **Remove the addresses that bounced**."
    assert claims(read(encoder, "resume-sending", RESUME["es"], ours, words)) == {"clean-list": "done"}


def test_who_checked_that_it_is_off_crosses_nothing_off(encoder: CachedEncoder) -> None:
    ours = "us: The next step is **Switch on click tracking**."
    words = "checked: tracking is off"
    reading = read(encoder, "https-tracking-links", "Turn https on, please.", ours, words)
    assert claims(reading) == {"link-tracking": "not_done"}


@pytest.mark.parametrize("words", ["include is published since monday", "include added yesterday"])
def test_a_thing_that_is_called_like_an_order_is_none(encoder: CachedEncoder, words: str) -> None:
    ours = "us: The next step is **Include Heron Mail in your SPF record**."
    reading = read(encoder, "dedicated-ip", "We want a dedicated IP address.", ours, words)
    assert claims(reading) == {"spf-record": "done"}
