"""Answers to the questions of branching pages, read by the built-in reader in three languages."""
# ruff: noqa: E501  what is said stays on its line

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.models.conversation import Message
from app.models.reading import Reading
from app.reader import polarity
from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder
from knowledge.model import Procedure, Step
from knowledge.procedures import parse_procedure

PAGES = Path(__file__).parents[3] / "knowledge" / "pages" / "en"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def page(name: str) -> Procedure:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    found = parse_procedure(text, path=f"{name}.md", document=name, version="1", checks=None, actions=None)
    assert found is not None
    return found


SPAM, CLICKS = page("spam-folder"), page("missing-clicks")


def said(*texts: str) -> list[Message]:
    """Texts by turns; one that begins with `us:` is ours."""
    return [
        Message(
            id=f"m{number}",
            conversation="c",
            role="bot" if text.startswith("us:") else "customer",
            text=text.removeprefix("us:").strip(),
            at=AT + timedelta(minutes=number),
        )
        for number, text in enumerate(texts)
    ]


def read(encoder: CachedEncoder, *texts: str) -> Reading:
    return read_conversation(said(*texts), [SPAM, CLICKS], encoder)


def answers(reading: Reading) -> dict[str, str]:
    return {claim.step: claim.status for claim in reading.claims}


EN = "Our e-mails land in the spam folder. What can we do?"
PT = "Nossos e-mails estão caindo na pasta de spam. O que podemos fazer?"
ES = "Nuestros correos llegan a la carpeta de spam. ¿Qué podemos hacer?"
WHOSE = "us: **In whose inboxes does it happen?** You can answer **with all mailbox providers** / **with one provider** / **in our own company**."
NEW = "us: **Have you sent from this domain for less than four weeks?**"
WHOSE_PT = "us: **Em quais caixas de entrada isso acontece?** Pode responder **em todos os provedores** / **em um só provedor** / **na nossa própria empresa**."
WHOSE_ES = "us: **¿En qué buzones ocurre?** Puede responder **en todos los proveedores** / **en un solo proveedor** / **en nuestra propia empresa**."
NEW_PT = "us: **Vocês enviam por este domínio há menos de quatro semanas?**"
NEW_ES = "us: **¿Envían desde este dominio desde hace menos de cuatro semanas?**"

ROWS = [
    ("a plain yes", (EN, NEW, "yes"), {"new-domain": "yes"}),
    ("a plain no", (EN, NEW, "No, we have been at it for years."), {"new-domain": "no"}),
    ("no in Portuguese", (PT, NEW_PT, "Não, faz anos."), {"new-domain": "no"}),
    ("yes in Portuguese", (PT, NEW_PT, "sim"), {"new-domain": "yes"}),
    ("yes in Spanish", (ES, NEW_ES, "Sí, es nuevo."), {"new-domain": "yes"}),
    ("no in Spanish", (ES, NEW_ES, "no"), {"new-domain": "no"}),
    ("a named outcome", (EN, WHOSE, "with all mailbox providers"), {"whose-inbox": "everywhere"}),
    ("a named outcome by an example", (EN, WHOSE, "Only Gmail does it."), {"whose-inbox": "one-provider"}),
    ("a named outcome in Portuguese", (PT, WHOSE_PT, "em todos os provedores"), {"whose-inbox": "everywhere"}),
    ("said before it was asked", (f"{EN} We never created a DMARC record.",), {"dmarc-record": "no"}),
    ("several at once", (f"{EN} Our DMARC record is published. Everybody on the list signed up.",), {"dmarc-record": "yes", "asked-for": "yes"}),
    ("the newest wins", (EN, NEW, "no", "us: Did all recipients ask for the e-mails?", "Sorry, I have to correct myself: we have sent from this domain for less than four weeks."), {"new-domain": "yes"}),
    ("a question is no answer", (EN, NEW, "How do I find that out?"), {}),
    ("not knowing is no answer", (EN, NEW, "I don't know, to be honest."), {}),
    ("beyond what was asked, in Portuguese", (PT, WHOSE_PT, "Todos que recebem pediram. Enviamos por este domínio há anos. Acontece em todos os provedores."), {"whose-inbox": "everywhere", "new-domain": "no", "asked-for": "yes"}),
    ("beyond what was asked, in Spanish", (ES, WHOSE_ES, "Todos los que los reciben los pidieron. Enviamos desde este dominio desde hace años. Pasa con todos los proveedores."), {"whose-inbox": "everywhere", "new-domain": "no", "asked-for": "yes"}),
    ("an earlier answer is taken back", (EN, WHOSE, "with all of them", NEW, "Sorry, I was wrong: it is only Gmail."), {"whose-inbox": "one-provider"}),
    ("taken back in Portuguese", (PT, WHOSE_PT, "em todos", NEW_PT, "Desculpa, me enganei: é só no Gmail."), {"whose-inbox": "one-provider"}),
    ("taken back in Spanish", (ES, WHOSE_ES, "en todos", NEW_ES, "Perdón, me equivoqué: es solo en Gmail."), {"whose-inbox": "one-provider"}),
    ("after a question in between", (EN, WHOSE, "What does the Team plan cost?", "us: The Team plan costs 40 a month.", "with all of them"), {"whose-inbox": "everywhere"}),
    ("after one in Portuguese", (PT, NEW_PT, "Quanto custa o plano Team?", "us: O plano Team custa 40 por mês.", "não, há anos"), {"new-domain": "no"}),
    ("after one in Spanish", (ES, NEW_ES, "¿Cuánto cuesta el plan Team?", "us: El plan Team cuesta 40 al mes.", "no, desde hace años"), {"new-domain": "no"}),
    ("thanks after our answer are no answer", (EN, NEW, "What does the Team plan cost?", "us: The Team plan costs 40 a month.", "Thank you."), {}),
    ("a story is no answer", (f"{EN} I really need help before the weekend.",), {}),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_answers(encoder: CachedEncoder, texts: tuple[str, ...], expected: dict[str, str]) -> None:
    reading = read(encoder, *texts)
    assert reading.procedure == SPAM.id
    assert answers(reading) == expected


def test_every_answer_has_its_quote(encoder: CachedEncoder) -> None:
    texts = (f"{EN} Our DMARC record is published.", NEW, "no, for years")
    messages = {message.id: message.text for message in said(*texts)}
    reading = read(encoder, *texts)
    assert len(reading.claims) >= 2
    assert all(claim.quote and claim.quote in messages[claim.message] for claim in reading.claims)


def question(title: str) -> Step:
    return Step(
        id="q", title=title, text=".", anchor="q", subject="car", outcomes=(("yes", "a"), ("no", "b"))
    )


POLAR = [
    ("Does the lamp light up?", "The lamp lights up.", "en", "yes"),
    ("Does the lamp light up?", "The lamp doesn't light up.", "en", "no"),
    ("Does it start without the battery in it?", "It starts without the battery.", "en", "yes"),
    ("Does it start without the battery in it?", "It does not start without the battery.", "en", "no"),
    ("Are there any problems with the display?", "There are no problems with the display.", "en", "no"),
    ("Is the display working properly?", "There is a problem with the display.", "en", "no"),
    ("Do you see drips on the ground?", "The reservoir looks okay.", "en", "no"),
    ("Does it happen only at night?", "It happens all the time.", "en", "no"),
    ("A luz está acesa?", "A luz não está acesa.", "pt", "no"),
    ("A luz está acesa?", "Sim, está acesa.", "pt", "yes"),
    ("¿La luz está encendida?", "No, está apagada.", "es", "no"),
    ("¿La luz está encendida?", "Está encendida.", "es", "yes"),
    ("Is the room warm?", "It is a warm room without a window.", "en", "yes"),
    ("Does it switch off automatically?", "I have to switch it off by hand.", "en", "no"),
    ("A porta está aberta?", "A porta está fechada.", "pt", "no"),
    ("A porta está aberta?", "A porta não está fechada.", "pt", "yes"),
    ("¿El tanque está lleno?", "El tanque está vacío.", "es", "no"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "told", "lang", "expected"), POLAR)
def test_yes_or_no(asked: str, told: str, lang: str, expected: str) -> None:
    assert polarity.yes_or_no(told, question(asked), lang)[0] == expected


CLICKS_TOLD = [
    ("The reports count no clicks, although readers have clicked.", "Click tracking is switched on. The address in the e-mail was rewritten, and it was sent two days ago."),
    ("O relatório não conta nenhum clique, embora os leitores tenham clicado.", "O rastreamento de cliques está ligado. O endereço no e-mail foi reescrito, e ele saiu há dois dias."),
    ("El informe no cuenta ningún clic, aunque los lectores hicieron clic.", "El seguimiento de clics está activado. La dirección en el correo fue reescrita, y salió hace dos días."),
]  # fmt: skip


@pytest.mark.parametrize("texts", CLICKS_TOLD, ids=["en", "pt", "es"])
def test_facts_settle_several_steps_at_once(encoder: CachedEncoder, texts: tuple[str, str]) -> None:
    reading = read(encoder, " ".join(texts))
    assert reading.procedure == CLICKS.id
    assert {"tracking-on": "yes", "rewritten": "yes"}.items() <= answers(reading).items()
