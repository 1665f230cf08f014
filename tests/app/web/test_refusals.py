"""What people read when something is refused: what is so, in their language, and no English of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Route, expect

from app.channels.edge import Refusal, answer
from tests.app.web.assist_browser import Seen, case
from tests.app.web.assist_site import AssistSite
from tests.app.web.browsing import Opened, checklist, needs_chromium, propose

pytestmark = needs_chromium
ENGLISH = "An English sentence for machines"


def refuses(status: int, code: str) -> Callable[[Route], None]:
    """Answers as our edge does; 0: nobody is there."""
    told = answer(Refusal(status or 500, code, f"{ENGLISH}.", "Do this."))

    def play(route: Route) -> None:
        if not status:
            route.abort()
            return
        route.fulfill(status=status, body=bytes(told.body), headers={"content-type": "application/json"})

    return play


AGENTS = [
    ("en-GB", 422, "bad_field", "It cannot be used as it is, and nothing was changed."),
    ("pt-BR", 422, "bad_field", "Não pode ser usado assim, e nada foi alterado."),
    ("es-ES", 415, "refused", "No se puede usar así, y no se ha cambiado nada."),
    ("es-ES", 422, "own_request", "Lo pediste tú. Tiene que revisarlo otro agente."),
    ("pt-BR", 422, "actions_off", "As ações estão desligadas no momento."),
    ("es-ES", 422, "suggestion_over", "Esta sugerencia ya se envió o se descartó."),
    ("pt-BR", 409, "changed", "Algo mudou nesse meio-tempo."),
    ("es-ES", 410, "refused", "Algo ha cambiado mientras tanto."),
    ("es-ES", 413, "too_long", "Es demasiado largo"),
    ("pt-BR", 429, "rate_limited", "Foram muitas vezes em pouco tempo."),
    ("en-GB", 429, "of a proxy", "That was too often in a short time."),
    ("es-ES", 503, "unavailable", "Algo que esto necesita no responde."),
    ("pt-BR", 403, "agents_only", "Você não pode fazer isto."),
    ("es-ES", 0, "", "El servidor no responde."),
]


def test_agents_read_why_in_their_language(
    desk: AssistSite, fresh: Any, new_agent: Callable[..., Seen]
) -> None:
    for locale in dict.fromkeys(row[0] for row in AGENTS):
        page = case(new_agent(desk, locale=locale), fresh.conversation)
        for _, status, code, words in (row for row in AGENTS if row[0] == locale):
            page.route("**/v1/agent/suggestions/*/send", refuses(status, code))
            page.locator(".reply .strong").first.click()
            expect(page.locator(".toasts [role=alert]")).to_contain_text(words)
            expect(page.locator("body")).not_to_contain_text(ENGLISH)
            page.unroute("**/v1/agent/suggestions/*/send")


def test_a_sign_in_that_fails_for_another_reason_does_not_blame_the_link(
    desk: AssistSite, new_agent: Callable[..., Seen]
) -> None:
    page = new_agent(desk, sign_in=False, locale="pt-BR").page
    page.goto(desk.link("Bea"))
    page.route("**/v1/agent/session", refuses(429, "rate_limited"))
    page.locator("main .strong").click()
    expect(page.locator(".sign-in [role=alert]")).to_contain_text("Foram muitas vezes em pouco tempo.")
    page.unroute("**/v1/agent/session")
    page.locator("main .strong").click()
    expect(page.locator(".shell")).to_be_visible()


CARDS = [
    ("es-ES", 409, "changed", "Ya no es lo que se te mostró.", True),
    ("pt-BR", 422, "expired", "O prazo para decidir acabou.", True),
    ("es-ES", 422, "decided", "Esto ya no se puede decidir.", True),
    ("pt-BR", 410, "refused", "Isso já não pode ser decidido.", True),
    ("es-ES", 422, "actions_off", "Los cambios están en pausa en este momento.", False),
    ("es-ES", 429, "rate_limited", "Han sido demasiadas veces en poco tiempo.", False),
    ("pt-BR", 503, "unavailable", "Algo de que precisamos para isso não responde.", False),
    ("es-ES", 0, "", "Ahora mismo no se puede contactar con nosotros.", False),
]


@pytest.mark.parametrize(("locale", "status", "code", "words", "over"), CARDS)
def test_customers_read_why_a_card_was_refused(
    live: Any, open_page: Callable[..., Opened], locale: str, status: int, code: str, words: str, over: bool
) -> None:
    live.service.play = propose
    here = open_page(live.url, locale=locale)
    here.send("please")
    press = here.log.locator(".card .strong")
    expect(press).to_be_visible()
    here.page.route("**/v1/requests/*/approve", refuses(status, code))
    press.click()
    expect(here.log.locator(".card-state [role=alert]")).to_contain_text(words)
    expect(press).to_have_attribute("aria-disabled", "true") if over else expect(press).to_be_enabled()
    expect(here.page.locator("body")).not_to_contain_text(ENGLISH)


def test_a_check_a_person_and_a_file_that_are_refused_say_why(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    here = open_page(live.url, locale="es-ES")
    here.send("hola")
    live.do(live.service.show(here.sent(), checklist()))
    page = here.page
    banner = page.locator(".banner")
    page.route("**/check", refuses(429, "rate_limited"))
    page.locator(".step-buttons button").first.click()
    expect(banner).to_contain_text("Han sido demasiadas veces en poco tiempo.")
    page.route("**/handoff", refuses(503, "unavailable"))
    page.locator("button.person").click()
    expect(banner).to_contain_text("Algo que necesitamos para esto no responde.")
    tray = page.locator(".tray li")
    file: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
    for status, code, words in (
        (415, "unknown_file", "No podemos aceptar este tipo de archivo."),
        (422, "empty_file", "El archivo está vacío."),
        (413, "too_long", "10 MB"),
        (429, "rate_limited", "Han sido demasiadas veces en poco tiempo."),
    ):
        page.route("**/attachments", refuses(status, code))
        page.locator("input[type=file]").set_input_files([file])
        expect(tray.last).to_contain_text(words)
        page.unroute("**/attachments")
        tray.last.locator("button.plain").click()
    page.route("**/messages", refuses(422, "no_such_attachment"))
    here.send("otra vez")
    expect(here.log).to_contain_text("Uno de sus archivos ya no está aquí.")
    expect(page.locator("body")).not_to_contain_text(ENGLISH)
