"""The widget on a page of somebody else, with a strict policy, driven in a real browser."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, FilePayload, Locator, Page, expect

from app import events as e
from knowledge.model import Address, Cited, Fate
from tests.app.web.browsing import (
    FOCUSED,
    FOREIGN,
    checklist,
    cited,
    everything,
    guide,
    needs_chromium,
    propose,
)
from tests.app.web.hosts import Host, serving, strict

pytestmark = needs_chromium
STUB = "window.stepfour = window.stepfour || function () { (stepfour.q = stepfour.q || []).push(arguments) };"


@pytest.fixture(scope="module")
def pair(new_site: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Host]]:
    with serving() as host:
        site = new_site(tmp_path_factory.mktemp("bot") / "data", sites=(host.url,))
        site.start()
        host.policy = strict(site.url)
        yield site, host
        site.stop()


@pytest.fixture
def bot(pair: tuple[Any, Host]) -> Any:
    pair[0].service.play = pair[0].service.perform = None
    pair[0].service.moves.clear()
    return pair[0]


@pytest.fixture
def host(pair: tuple[Any, Host]) -> Host:
    pair[1].pages.clear()
    pair[1].asked.clear()
    return pair[1]


class Visit:
    """A host page with the widget in it, and what went on there."""

    def __init__(self, page: Page, bot: Any, host: Host) -> None:
        self.page, self.bot, self.host = page, bot, host
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)
        page.on(
            "console",
            lambda line: (
                self.complaints.append(line.text) if re.search("Security|Trusted", line.text) else None
            ),
        )

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def go(self, script: str = "", body: str = "", attributes: str = "", **page: Any) -> Visit:
        self.host.script(STUB + script, "/own.js")
        url = self.host.page(
            f'{body}<script src="/own.js"></script>'
            f'<script async src="{self.bot.url}/widget/loader.js" {attributes}></script>',
            **page,
        )
        self.page.goto(url)
        return self

    @property
    def launcher(self) -> Locator:
        return self.page.locator("stepfour-chat .launcher")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("dialog", name="Support chat")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def box(self) -> Locator:
        return self.page.locator("textarea")

    def arrived(self, count: int = 1) -> str:
        """Id of the conversation, once so many messages of the customer are acknowledged."""
        expect(self.log.locator(".customer:not(.unsent)")).to_have_count(count)
        expect(self.log.locator(".unsent")).to_have_count(0)
        return self.conversation()

    def send(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def conversation(self) -> str:
        found = (
            "() => Object.entries(localStorage).find(([k]) => k.startsWith('stepfour.conversation.'))?.[1]"
        )
        id: str = self.page.wait_for_function(found).json_value()
        return id

    def said(self) -> list[str]:
        messages = self.bot.do(self.bot.service.store.messages(self.conversation()))
        return [message.text for message in messages if message.role == "customer"]


@pytest.fixture
def visit(browser: Browser, bot: Any, host: Host) -> Iterator[Callable[..., Visit]]:
    contexts: list[BrowserContext] = []

    def visit(context: BrowserContext | None = None, **options: Any) -> Visit:
        if context is None:
            fields = {"locale": "en-GB", "reduced_motion": "reduce"} | options
            contexts.append(context := browser.new_context(**fields))
            context.set_default_timeout(10_000)
        return Visit(context.new_page(), bot, host)

    expect.set_options(timeout=10_000)
    yield visit
    for context in contexts:
        context.close()


# --- what a page gets ---


def test_a_page_gets_a_button_and_nothing_else_until_it_is_wanted(visit: Callable[..., Visit]) -> None:
    here = visit().go()
    expect(here.launcher).to_have_attribute("aria-expanded", "false")
    expect(here.launcher).to_have_accessible_name("Chat with us")
    here.page.wait_for_timeout(300)
    assert [url for url in here.asked if url.startswith(here.bot.url)] == [f"{here.bot.url}/widget/loader.js"]
    assert here.page.evaluate("() => document.activeElement === document.body")
    shift = "() => performance.getEntriesByType('layout-shift').reduce((sum, one) => sum + one.value, 0)"
    assert here.page.evaluate(shift) == 0


def test_a_talk_under_a_strict_policy(bot: Any, visit: Callable[..., Visit]) -> None:
    bot.service.play = guide
    here = visit().go()
    here.launcher.click()
    expect(here.panel).to_be_visible()
    expect(here.box).to_be_focused()
    here.send("hello")
    expect(here.log.locator(".bot")).to_contain_text("One thing is left")
    here.log.locator("button.mark").click()
    expect(here.log.get_by_role("group", name="Source 1: HTTPS for tracking links")).to_be_visible()
    expect(here.panel.get_by_role("button", name=re.compile("2 of 3 done, 1 to fix"))).to_be_visible()
    assert here.complaints == []
    assert {url for url in here.asked if not url.startswith((bot.url, here.host.url, "blob:"))} == set()


def test_escape_closes_and_gives_the_focus_back(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go()
    here.launcher.focus()
    here.page.keyboard.press("Enter")
    expect(here.box).to_be_focused()
    expect(here.launcher).to_have_attribute("aria-expanded", "true")
    here.page.keyboard.press("Escape")
    expect(here.panel).to_be_hidden()
    expect(here.launcher).to_be_focused()


def test_on_a_small_screen_the_panel_is_the_whole_screen_and_keeps_the_focus(
    visit: Callable[..., Visit],
) -> None:
    here = visit(viewport={"width": 360, "height": 640}).go()
    here.launcher.click()
    expect(here.panel).to_have_attribute("aria-modal", "true")
    box = here.panel.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (360, 640)
    inside = "() => document.activeElement?.localName"
    for _ in range(12):
        here.page.keyboard.press("Tab")
        assert here.page.evaluate(inside) in ("stepfour-chat", "body"), "the page behind is out of reach"


def test_an_element_in_the_page_needs_no_button(bot: Any, visit: Callable[..., Visit]) -> None:
    bot.service.play = guide
    here = visit().go(body='<stepfour-chat mode="inline"></stepfour-chat>')
    expect(here.box).to_be_visible()
    expect(here.launcher).to_have_count(0)
    assert here.page.evaluate("() => document.activeElement === document.body"), "nobody's focus is taken"
    here.send("hello")
    expect(here.log.locator(".bot")).to_have_count(1)
    assert here.complaints == []


# --- the words of the page ---


def test_words_before_the_load_count(bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]) -> None:
    here = visit().go(
        "window.heard = [];"
        "stepfour('on', 'open', (event) => heard.push(event.type));"
        "stepfour('on', 'message', (event) => heard.push(event.message.text));"
        f"stepfour('boot', {{getToken: () => '{sign('ann', 'acme')}', locale: 'es', context: {{page: 'https://shop.example/x?secret=1'}}}});"
        "stepfour('ask', 'hola');"
    )
    expect(here.log.locator(".customer")).to_have_text(re.compile("hola"))
    expect(here.box).to_have_attribute("placeholder", "Escribe un mensaje")
    expect(here.log.locator(".unsent")).to_have_count(0)
    conversation = bot.do(bot.service.store.conversation(here.conversation()))
    assert (conversation.principal.kind, conversation.principal.id) == ("customer", "ann")
    (message,) = bot.do(bot.service.store.messages(conversation.id))
    assert dict(message.context)["page"] == "https://shop.example/x"
    here.page.wait_for_function("() => heard.includes('open') && heard.includes('hola')")
    assert not here.page.evaluate("() => JSON.stringify(localStorage).includes('eyJ')"), (
        "a token is never kept"
    )
    expect(here.box).not_to_be_focused()


def test_methods_and_calls_are_the_same(visit: Callable[..., Visit]) -> None:
    here = visit().go()
    expect(here.launcher).to_be_visible()
    here.page.evaluate(
        "() => { window.heard = []; window.stop = stepfour.on('close', () => heard.push('x')) }"
    )
    for n in (1, 2):
        here.page.evaluate("() => stepfour.open()")
        expect(here.panel).to_be_visible()
        here.page.evaluate("() => stepfour('close')")
        expect(here.panel).to_be_hidden()
        assert here.page.evaluate("() => heard.length") == 1, f"round {n}: unsubscribed after the first"
        here.page.evaluate("() => stop()")
    with pytest.raises(Exception, match='there is no "shout"'):
        here.page.evaluate("() => stepfour('shout')")


def test_a_prefill_waits_for_the_customer(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('newConversation', {prefill: 'My links are not https'});")
    expect(here.box).to_have_value("My links are not https")
    here.page.wait_for_timeout(300)
    assert not [url for url in here.asked if "/v1/" in url], "nothing is sent by itself"
    here.box.press("Enter")
    here.arrived()
    assert here.said() == ["My links are not https"]


def test_a_new_conversation_leaves_the_old_one(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('ask', 'first');")
    here.arrived()
    first = here.conversation()
    here.page.evaluate("() => stepfour.newConversation()")
    expect(here.log.locator(".customer")).to_have_count(0)
    here.send("second")
    here.arrived()
    assert here.conversation() != first


def test_signing_in_joins_what_the_visitor_wrote(
    bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    here = visit().go("stepfour('ask', 'before I signed in');")
    id = here.arrived()
    here.page.evaluate("(token) => stepfour.identify(async () => token)", sign("joiner", "acme"))
    here.page.wait_for_function("(id) => localStorage['stepfour.conversation.acme/joiner'] === id", arg=id)
    assert here.page.evaluate("() => localStorage['stepfour.visitor']") is None
    assert bot.do(bot.service.store.conversation(id)).principal.id == "joiner"
    expect(here.log.locator(".customer")).to_contain_text("before I signed in")
    here.send("and after")
    here.arrived(2)
    assert here.said() == ["before I signed in", "and after"]


def test_a_token_that_ended_is_asked_for_once_more(
    bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    here = visit().go(
        f"window.tokens = ['{sign('late', 'acme', exp=1)}', '{sign('late', 'acme')}']; window.asked = 0;"
        "stepfour('boot', {getToken: () => tokens[Math.min(asked++, 1)]}); stepfour('ask', 'hello');"
    )
    here.arrived()
    assert here.said() == ["hello"]
    assert here.page.evaluate("() => asked") == 2


def test_the_next_token_is_asked_for_before_one_ends(
    bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    now = int(time.time())
    first, second = (sign("early", "acme", iat=now - n, exp=now - n + 600) for n in (0, 1))
    here = visit()
    here.page.clock.install()
    sent: list[str] = []
    here.page.on(
        "request", lambda r: sent.append(r.headers.get("authorization", "")) if "/messages" in r.url else None
    )
    here.go(
        f"window.tokens = ['{first}', '{second}']; window.asked = 0;"
        "stepfour('boot', {getToken: () => tokens[Math.min(asked++, 1)]}); stepfour('ask', 'hello');"
    )
    here.arrived()
    here.page.clock.fast_forward(530_000)
    assert here.page.evaluate("() => asked") == 1
    here.page.clock.fast_forward(15_000)
    here.page.wait_for_function("() => asked === 2")
    here.send("and later")
    here.arrived(2)
    assert sent == [f"Bearer {first}", f"Bearer {second}"]


def test_many_refusals_ask_once_and_nothing_written_is_lost(
    bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    """The page has a token of before, and its server takes its time with the next one."""
    here = visit().go(
        "window.asked = 0; window.heard = 0; stepfour('on', 'identity_expired', () => { heard++ });"
        f"stepfour('identify', {{token: '{sign('many', 'acme', exp=1)}', refresh: async () => {{ asked++;"
        f" await new Promise((done) => setTimeout(done, 700)); return '{sign('many', 'acme')}'; }}}});"
        "stepfour('ask', 'one'); stepfour('ask', 'two'); stepfour('ask', 'three');"
    )
    here.arrived(3)
    assert here.said() == ["one", "two", "three"]
    assert here.page.evaluate("() => [asked, heard]") == [1, 0]


def test_somebody_elses_token_is_not_taken_for_the_next_one(
    bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    """What was written waits for its writer, and goes when they are back."""
    here = visit().go(
        "window.heard = 0; stepfour('on', 'identity_expired', () => { heard++ });"
        f"window.next = '{sign('other', 'acme')}';"
        f"stepfour('identify', {{token: '{sign('writer', 'acme', exp=1)}', refresh: () => next}});"
        "stepfour('ask', 'mine alone');"
    )
    expect(here.panel.get_by_role("alert")).to_contain_text("Your sign-in has ended")
    assert here.page.evaluate("() => heard") >= 1
    assert bot.do(bot.service.store.conversations_of("customer:acme:other")) == []
    here.page.evaluate("(token) => stepfour.identify(() => token)", sign("writer", "acme"))
    here.arrived()
    assert here.said() == ["mine alone"]
    assert len(bot.do(bot.service.store.conversations_of("customer:acme:writer"))) == 1


def test_a_sign_in_that_is_over_says_so_and_takes_no_words(
    visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    here = visit().go(
        "window.heard = 0; stepfour('on', 'identity_expired', () => { heard++ });"
        f"stepfour('boot', {{getToken: () => '{sign('gone', 'acme', exp=1)}'}}); stepfour('open');"
    )
    expect(here.panel.get_by_role("alert")).to_contain_text("Your sign-in has ended")
    expect(here.box).to_be_disabled()
    assert here.page.evaluate("() => heard") >= 1
    here.panel.get_by_role("button", name="Go on without signing in").click()
    here.send("hello")
    expect(here.log.locator(".unsent")).to_have_count(0)


def test_after_a_shutdown_nothing_is_left(
    bot: Any, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    here = visit().go(
        f"stepfour('boot', {{getToken: () => '{sign('bye', 'acme')}'}}); stepfour('ask', 'secret');"
    )
    here.arrived()
    here.page.evaluate("() => stepfour.shutdown()")
    expect(here.panel).to_be_hidden()
    assert here.page.evaluate("() => Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
    here.launcher.click()
    expect(here.log).to_be_visible()
    expect(here.log).not_to_contain_text("secret")
    here.page.evaluate("() => stepfour.destroy()")
    expect(here.page.locator("stepfour-chat")).to_have_count(0)


def test_news_while_it_is_closed_is_counted_on_the_button(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go()
    here.launcher.click()
    here.send("hello")
    id = here.arrived()
    here.page.evaluate("() => stepfour.close()")
    bot.do(bot.service.say(id, "one"))
    expect(here.launcher).to_have_accessible_name("Chat with us, 1 new message")
    bot.do(bot.service.say(id, "two"))
    expect(here.launcher).to_have_accessible_name("Chat with us, 2 new messages")
    here.page.reload()
    expect(here.launcher).to_have_accessible_name("Chat with us, 2 new messages")
    here.launcher.click()
    expect(here.launcher.locator(".badge")).to_have_text("")


def test_an_open_panel_and_half_a_message_stay(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go()
    here.launcher.click()
    here.box.fill("half a mess")
    here.page.evaluate("() => stepfour.setLocale('pt-BR')")
    expect(here.box).to_have_attribute("placeholder", "Escreva uma mensagem")
    expect(here.box).to_have_value("half a mess")
    here.page.reload()
    expect(here.panel).to_be_visible()
    here.page.evaluate("() => stepfour.close()")
    here.page.reload()
    expect(here.launcher).to_be_visible()
    here.page.wait_for_timeout(300)
    expect(here.page.locator("dialog[open]")).to_have_count(0)


# --- nothing lost, nothing double ---


def test_where_too_much_comes_in_what_was_written_is_kept_said_so_and_sent_once(
    bot: Any, visit: Callable[..., Visit]
) -> None:
    settings = bot.service.settings.__dict__
    most = settings["most_waiting"]
    settings["most_waiting"] = 0
    try:
        here = visit().go("stepfour('ask', 'at the busy hour');")
        told = here.panel.get_by_role("alert")
        expect(told).to_contain_text("A lot is coming in right now. What you wrote is kept")
        expect(told.get_by_role("button")).to_have_count(0)
        expect(here.log.locator(".unsent")).to_have_count(1)
    finally:
        settings["most_waiting"] = most
    expect(here.log.locator(".unsent")).to_have_count(0)
    expect(told).to_be_hidden()
    assert here.said() == ["at the busy hour"]


def test_two_messages_written_offline_arrive_once_and_in_order(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('ask', 'online');")
    here.arrived()
    context = here.page.context
    context.set_offline(True)
    here.send("offline one")
    here.send("offline two")
    expect(here.panel.get_by_role("alert")).to_contain_text("What you wrote is kept")
    expect(here.log.locator(".unsent")).to_have_count(2)
    context.set_offline(False)
    expect(here.log.locator(".unsent")).to_have_count(0)
    expect(here.panel.get_by_role("alert")).to_be_hidden()
    assert here.said() == ["online", "offline one", "offline two"]
    expect(here.log.locator(".customer")).to_have_count(3)


def test_two_tabs_show_the_same_and_send_once(bot: Any, visit: Callable[..., Visit]) -> None:
    one = visit().go("stepfour('ask', 'from the first');")
    one.arrived()
    two = visit(one.page.context).go()
    two.launcher.click()
    expect(two.log.locator(".customer")).to_have_text([re.compile("from the first")])
    one.page.context.route("**/messages", lambda route: route.abort())
    one.send("kept by both")
    expect(two.log.locator(".unsent")).to_contain_text("kept by both")
    one.page.context.unroute("**/messages")
    two.send("from the second")
    for tab in (one, two):
        expect(tab.log.locator(".customer")).to_have_count(3)
        expect(tab.log.locator(".unsent")).to_have_count(0)
    assert one.said() == ["from the first", "kept by both", "from the second"]


def test_a_conversation_begun_in_one_tab_is_there_in_the_other(bot: Any, visit: Callable[..., Visit]) -> None:
    one = visit().go("stepfour('open');")
    two = visit(one.page.context).go("stepfour('open');")
    expect(one.box).to_be_visible()
    expect(two.box).to_be_visible()
    one.send("hello from one")
    expect(two.log.locator(".customer")).to_contain_text("hello from one")


# --- what can be pressed ---


def test_a_step_can_be_looked_at_again_and_corrected(bot: Any, visit: Callable[..., Visit]) -> None:
    bot.service.play = guide
    here = visit().go("stepfour('ask', 'hello');")
    here.panel.get_by_role("button", name=re.compile("2 of 3 done")).click()
    here.panel.get_by_role("button", name="Check again: Put a certificate in front").click()
    expect(here.panel.get_by_role("status")).to_have_text("We are looking again")
    expect(here.panel.get_by_role("button", name=re.compile("Check again")).first).to_have_attribute(
        "aria-disabled", "true"
    )
    bot.do(bot.service.show(here.conversation(), checklist()))
    expect(here.panel.get_by_role("button", name=re.compile("Check again")).first).to_have_attribute(
        "aria-disabled", "false"
    )
    here.panel.get_by_role("button", name="That's not right: Set up a branded link").click()
    expect(here.panel.get_by_role("status")).to_have_text("Noted. We are looking again.")
    party = bot.do(bot.service.store.conversation(here.conversation())).principal.party
    assert bot.service.moves == [
        ("look_again", here.conversation(), party),
        ("dispute", here.conversation(), "two", party),
    ]


def test_whether_it_helped_and_whether_it_is_solved(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('ask', 'hello');")
    id = here.arrived()
    message = bot.do(bot.service.say(id, "Like this."))
    here.log.get_by_role("button", name="This did not help").click()
    expect(here.log.get_by_role("button", name="This did not help")).to_have_attribute("aria-pressed", "true")
    bot.do(bot.service.show(id, e.Feedback(message=message, helped=True)))
    expect(here.log.get_by_role("button", name="This helped")).to_have_attribute("aria-pressed", "true")
    expect(here.log.get_by_role("button", name="This did not help")).to_have_attribute(
        "aria-pressed", "false"
    )
    bot.do(bot.service.show(id, e.Resolved(case="k", state="asked")))
    card = here.log.get_by_role("group", name="Is it solved?")
    card.get_by_role("button", name="No, not yet").click()
    expect(card.get_by_role("button").first).to_be_disabled()
    bot.do(bot.service.show(id, e.Resolved(case="k", state="denied")))
    expect(card).to_contain_text("Not solved yet. It goes back to a person")
    assert [move[0] for move in bot.service.moves] == ["feedback", "solved"]
    assert bot.service.moves[1][2] is False


@pytest.mark.parametrize(
    ("handoff", "words"),
    [
        ({"state": "requested"}, ["Passed on to a person", "You need not explain it again"]),
        (
            {"state": "queued", "hours": "open", "team": "E-mail team"},
            ["It is with E-mail team", "We do not know how long"],
        ),
        ({"state": "queued", "hours": "open", "eta_s": 1500}, ["Lately it took about 25 minutes"]),
        ({"state": "queued", "hours": "closed"}, ["Nobody is there right now", "You need not wait here"]),
        ({"state": "joined", "name": "Kim"}, ["Kim has joined the conversation"]),
        ({"state": "ended"}, ["Stepfour answers again"]),
    ],
)
def test_a_handoff_says_what_is_known(
    bot: Any, visit: Callable[..., Visit], handoff: dict[str, Any], words: list[str]
) -> None:
    here = visit().go("stepfour('ask', 'hello');")
    here.arrived()
    bot.do(bot.service.show(here.conversation(), e.Handoff(**handoff)))
    for part in words:
        expect(here.log.locator(".note")).to_contain_text(part)


def test_a_handoff_out_of_hours_says_when_somebody_is_back(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit(timezone_id="UTC").go("stepfour('ask', 'hello');")
    here.arrived()
    later = datetime.now(UTC).replace(hour=9, minute=0) + timedelta(days=2)
    bot.do(bot.service.show(here.conversation(), e.Handoff(state="queued", hours="closed", opens_at=later)))
    expect(here.log.locator(".note")).to_contain_text(f"We are back on {later:%A} at 09:00")


# --- files ---

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


DRAW = """() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [3000, 900];
    canvas.getContext('2d').fillRect(9, 9, 99, 99);
    return canvas.toDataURL('image/jpeg').split(',')[1];
}"""


def photograph(page: Page, secret: bytes) -> bytes:
    """A picture with what a camera writes into it."""
    plain = base64.b64decode(page.evaluate(DRAW))
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00" + secret
    return plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]


def test_pictures_go_small_and_bare_and_come_back(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('open');")
    files: list[FilePayload] = [
        {
            "name": "screen.jpg",
            "mimeType": "image/jpeg",
            "buffer": photograph(here.page, b"48.8584N 2.2945E"),
        },
        {"name": "dig.txt", "mimeType": "text/plain", "buffer": b"go.acme.example. CNAME x.example."},
    ]
    here.page.locator("input[type=file]").set_input_files(files)
    tray = here.panel.get_by_role("list", name="Files to send").get_by_role("listitem")
    expect(tray).to_have_count(2)
    expect(tray.filter(has_text="Ready to send")).to_have_count(2)
    expect(here.panel).to_contain_text("hide passwords and keys")
    here.send("see the picture")
    here.arrived()
    expect(here.log.locator(".thumb img")).to_have_js_property("naturalWidth", 2000)
    expect(here.log.get_by_role("button", name="dig.txt")).to_be_visible()
    expect(tray).to_have_count(0)
    (message,) = bot.do(bot.service.store.messages(here.conversation()))
    picture, text = message.attachments
    assert (picture.type, text.type) == ("image/jpeg", "text/plain")
    kept = bot.service.store.attachment_path(picture.id).read_bytes()
    assert b"48.8584N" not in kept
    assert here.complaints == []


def test_dropped_and_pasted_files_are_taken_and_can_be_taken_out(
    bot: Any, visit: Callable[..., Visit]
) -> None:
    here = visit().go("stepfour('open');")
    expect(here.box).to_be_visible()
    here.page.evaluate(
        """([png]) => {
            const root = document.querySelector('stepfour-chat').shadowRoot;
            const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
            const carry = (name) => {
                const data = new DataTransfer();
                data.items.add(new File([bytes], name, {type: 'image/png'}));
                return data;
            };
            const how = {bubbles: true, composed: true, cancelable: true};
            const drop = new DragEvent('drop', {...how, dataTransfer: carry('dropped.png')});
            root.querySelector('.scroller').dispatchEvent(drop);
            const paste = new ClipboardEvent('paste', {...how, clipboardData: carry('pasted.png')});
            root.querySelector('textarea').dispatchEvent(paste);
        }""",
        [PNG],
    )
    tray = here.panel.get_by_role("list", name="Files to send").get_by_role("listitem")
    expect(tray.filter(has_text="Ready to send")).to_have_count(2)
    here.panel.get_by_role("button", name="Remove dropped.png").click()
    expect(tray).to_have_count(1)
    here.box.press("Enter")
    here.arrived()
    (message,) = bot.do(bot.service.store.messages(here.conversation()))
    assert [file.name for file in message.attachments] == ["pasted.png"]


def test_a_file_outlives_being_offline_and_a_reload(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('open');")
    here.page.context.route("**/attachments", lambda route: route.abort())
    here.page.context.route("**/messages", lambda route: route.abort())
    note: FilePayload = {"name": "har.txt", "mimeType": "text/plain", "buffer": b"what the browser saw"}
    here.page.locator("input[type=file]").set_input_files([note])
    expect(here.panel.get_by_role("button", name="Upload har.txt again")).to_be_visible()
    here.send("with a file")
    expect(here.log.locator(".unsent")).to_contain_text("har.txt")
    here.page.context.unroute("**/attachments")
    here.page.context.unroute("**/messages")
    here.page.reload()
    expect(here.launcher).to_be_visible()
    here.page.evaluate("() => stepfour.open()")
    expect(here.log.get_by_role("button", name="har.txt")).to_be_visible()
    expect(here.log.locator(".unsent")).to_have_count(0)
    (message,) = bot.do(bot.service.store.messages(here.conversation()))
    assert [file.name for file in message.attachments] == ["har.txt"]


def test_what_we_do_not_take_is_said_at_once(visit: Callable[..., Visit], tmp_path: Path) -> None:
    here = visit().go("stepfour('open');")
    program, large = tmp_path / "setup.exe", tmp_path / "large.txt"
    program.write_bytes(b"MZ\x90\x00\x03" + b"\x00" * 90)
    large.write_bytes(b"x" * 10_000_001)
    here.page.locator("input[type=file]").set_input_files([program, large])
    expect(here.panel).to_contain_text("large.txt is larger than 10 MB")
    tray = here.panel.get_by_role("list", name="Files to send").get_by_role("listitem")
    expect(tray).to_contain_text("We cannot take this kind of file.")


# --- framed, hostile ---


def test_an_approval_in_a_foreign_frame_leads_to_our_own_page(
    bot: Any, host: Host, visit: Callable[..., Visit], sign: Callable[..., str]
) -> None:
    bot.service.play = propose
    here = visit()
    shop = here.go(
        f"stepfour('boot', {{getToken: () => '{sign('framed', 'acme')}'}}); stepfour('ask', 'please');"
    )
    expect(shop.log.get_by_role("button", name="Switch HTTPS on")).to_be_visible()
    host.page(f'<iframe src="{host.url}/" width="600" height="700"></iframe>', path="/frame")
    here.page.goto(f"{host.foreign}/frame")
    inner = here.page.frame_locator("iframe")
    card = inner.get_by_role("group", name="Switch HTTPS on").last
    expect(card).to_contain_text("decided on our own page")
    expect(card.get_by_role("button")).to_have_count(0)
    with here.page.context.expect_page() as opened:
        card.get_by_role("link", name=re.compile("Decide on our page")).click()
    ours = opened.value
    expect(ours.get_by_role("button", name="Switch HTTPS on").first).to_be_visible()
    assert ours.url == f"{bot.url}/", "the token has left the address bar"


def test_hostile_texts_stay_texts_on_a_host_page(bot: Any, visit: Callable[..., Visit]) -> None:
    from tests.app.web.test_page import HOSTILE

    here = visit().go("stepfour('ask', 'hello');")
    id = here.arrived()
    evil = cited()[0].model_copy(
        update={"title": "<b>x</b>", "quote": HOSTILE[1], "url": "javascript:alert(1)"}
    )
    for text in HOSTILE:
        bot.do(bot.service.say(id, text, citations=(evil,)))
        step = e.ShownStep(id="s", title=text[:99], word="missing", seen=text, checkable=True)
        bot.do(
            bot.service.show(
                id, checklist(title=text[:99], steps=(step,)), e.Handoff(state="joined", name=text[:99])
            )
        )
    expect(here.log.locator(".bot")).to_have_count(len(HOSTILE))
    for mark in here.log.locator("button.source-open").all()[:6]:
        mark.click()
    assert here.log.locator(FOREIGN).count() == 0
    assert here.complaints == []
    assert not [url for url in here.asked if "evil" in url]


SECURITY = Path(__file__).parents[4] / "shared" / "data" / "security" / "hostile_dev.jsonl"


@pytest.mark.skipif(not SECURITY.exists(), reason="the attack data is not here")
def test_attacks_of_others_reach_nobody(bot: Any, visit: Callable[..., Visit]) -> None:
    rows = [json.loads(line) for line in SECURITY.read_text(encoding="utf-8").splitlines()]
    kinds = (
        "xss_output",
        "xss_markdown",
        "exfiltration",
        "data_exfiltration",
        "smuggle_spoof",
        "obfuscation",
    )
    attacks = [row["text"] for row in rows if row["kind"] in kinds and row["label"] == "malicious"]
    assert len(attacks) > 30
    here = visit().go("stepfour('ask', 'hello');")
    id = here.arrived()
    for text in attacks:
        bot.do(bot.service.say(id, text))
        agent = e.ShownMessage(id=f"m_{hash(text)}", role="agent", name=text, text=text, at=datetime.now(UTC))
        bot.do(bot.service.show(id, e.MessageDone(message=agent)))
    for text in attacks[:20]:
        here.send(text)
    here.arrived(21)
    expect(here.log.locator(".bot")).to_have_count(len(attacks))
    expect(here.log.locator(".agent")).to_have_count(len(attacks))
    assert here.log.locator(FOREIGN).count() == 0
    assert here.complaints == []
    assert {url for url in here.asked if not url.startswith((bot.url, here.host.url))} == set()
    assert [move for move in bot.service.moves if move[0] != "look_again"] == []


def test_messages_posted_by_other_windows_change_nothing(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('ask', 'hello');")
    here.arrived()
    here.page.evaluate(
        "() => { for (const type of ['open', 'boot', 'approve', 'ask', 'message.done', 'stepfour'])"
        " window.postMessage({type, text: 'forged', args: ['forged']}, '*') }"
    )
    here.page.wait_for_timeout(300)
    expect(here.log).not_to_contain_text("forged")
    assert here.said() == ["hello"]


def test_links_in_texts_lead_to_help_or_to_what_is_cited(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('ask', 'hello');")
    here.arrived()
    source = cited()[0].model_copy(update={"url": "https://docs.acme.example/https"})
    text = (
        f"[ours]({bot.url}/help/en/https) [cited](https://docs.acme.example/https#two) "
        f"[other](https://docs.acme.example/other) [leak]({bot.url}/help/x?q=secret) "
        "[user](https://docs.acme.example@evil.example/) [up](../v1/visitors) ![i](https://docs.acme.example/https)"
        "[site](https://www.acme.example/a?id=2) [more](https://www.acme.example/a?id=2&next=x)"
        " [case](https://WWW.acme.example/a?id=2) [script](javascript:alert(1))"
    )
    site = "https://www.acme.example/a?id=2"
    bot.service.services.library.sites = {"site:/a?id=2": Address(url=site)}
    bot.do(bot.service.say(here.conversation(), text, citations=(source,), links=(site,)))
    links = here.log.locator(".bot .bubble a")
    expect(links).to_have_text(["ours", "cited", "i", "site"])
    bot.service.services.library.sites = {}
    for link in links.all():
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        expect(link).to_have_attribute("target", "_blank")


@pytest.mark.parametrize(
    ("fate", "note"),
    [
        (Fate(became="changed"), "This page has changed since."),
        (Fate(became="moved", now_at="new/https.md"), "This page has moved. It is at new/https.md now."),
        (Fate(became="gone"), "This page no longer exists."),
        (Fate(became="erased"), "This page was erased."),
    ],
)
def test_a_source_whose_page_is_not_as_it_was_says_so(
    bot: Any, visit: Callable[..., Visit], fate: Fate, note: str
) -> None:
    here = visit().go("stepfour('ask', 'hello');")
    here.arrived()
    source = cited()[0].model_copy(update={"url": "https://docs.acme.example/https"})
    key = Cited(path=source.path, quote=source.quote, updated_at=source.updated_at)
    bot.service.services.library.fates = {key: fate}
    bot.do(bot.service.say(here.conversation(), "It is so [1].", citations=(source,)))
    here.log.locator("button.source-open").first.click()
    card = here.page.locator("stepfour-chat").locator(".source-became")
    expect(card).to_have_text(note)
    place = here.page.locator("stepfour-chat")
    address = place.locator(".source-title a")
    expect(address).to_have_count(1 if fate.became in ("changed", "moved") else 0)
    if fate.now_at:
        expect(address).to_have_attribute("href", re.compile(r"/help/new/https(#|$)"))
    expect(place.locator(".source-title ~ blockquote")).to_have_count(0 if fate.became == "erased" else 1)
    bot.service.services.library.fates = {}


# --- for everybody ---


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("right_to_left", [False, True])
def test_the_widget_stands_in_nobodys_way(
    bot: Any, visit: Callable[..., Visit], scheme: str, right_to_left: bool
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    bot.service.play = everything
    here = visit(color_scheme=scheme, bypass_csp=True)
    here.go()
    if right_to_left:
        here.page.evaluate("() => { document.documentElement.dir = 'rtl' }")

    def violations() -> str:
        found = Axe().run(here.page)
        return found.generate_report() if found.violations_count else ""

    expect(here.launcher).to_be_visible()
    assert violations() == "", "the closed launcher"
    here.launcher.click()
    expect(here.box).to_be_visible()
    assert violations() == "", "the empty panel"
    here.send("hello")
    expect(here.page.locator(".draft")).to_be_visible()
    here.log.locator("button.mark").first.click()
    here.panel.locator(".steps-toggle").click()
    id = here.conversation()
    bot.do(bot.service.show(id, e.Resolved(case="k", state="asked")))
    expect(here.log.get_by_role("group", name="Is it solved?")).to_be_visible()
    assert violations() == "", "a whole talk, with everything in it"
    bot.do(
        bot.service.show(
            id, e.Handoff(state="joined", name="Kim"), e.ConversationStatus(status="human_active")
        )
    )
    expect(here.panel.locator(".status")).to_have_text("Kim is with you")
    assert violations() == "", "a person is there"


HEARD = """() => {
    window.heard = [];
    const root = document.querySelector('stepfour-chat').shadowRoot;
    const note = (all) => all.forEach((one) => heard.push(one.target.textContent.slice(0, 60)));
    for (const live of root.querySelectorAll('[role=log], [role=status], [role=alert]')) {
        const deep = {childList: true, subtree: live.getAttribute('role') !== 'log', characterData: true};
        new MutationObserver(note).observe(live, deep);
    }
}"""


async def stream(service: Any, message: Any) -> None:
    here = message.conversation
    text = "word " * 300
    await service.show(here, e.ConversationStatus(status="bot_working"))
    for state in ("in_progress", "complete"):
        await service.show(here, e.Task(turn="t", task="dns", title="Looking at DNS", state=state))
    await service.show(here, *(e.MessageDelta(message="m_s", offset=n * 5, text="word ") for n in range(300)))
    done = e.ShownMessage(id="m_s", role="bot", text=text, at=datetime.now(UTC), citations=cited())
    await service.show(here, e.MessageDone(message=done), e.ConversationStatus(status="awaiting_customer"))


def test_a_streamed_answer_is_heard_in_three_steps(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('open');")
    expect(here.box).to_be_visible()
    here.send("first")
    here.arrived()
    bot.service.play = stream
    here.page.evaluate(HEARD)
    here.send("second")
    expect(here.log.locator(".bot")).to_have_count(1)
    expect(here.panel.locator(".status")).to_have_text("Over to you")
    heard = here.page.evaluate("() => heard")
    assert len(heard) <= 3, heard  # the customer's own line, that we look into it, and the answer


def test_everything_can_be_done_by_keyboard(bot: Any, visit: Callable[..., Visit]) -> None:
    bot.service.play = propose
    here = visit().go()

    def tab_to(name: str, back: bool = False) -> None:
        at = ""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if not here.page.evaluate("() => document.hasFocus()"):  # the browser around the page took it
                here.page.bring_to_front()
                here.page.mouse.click(5, 5)
            here.page.keyboard.press("Shift+Tab" if back else "Tab")
            here.page.wait_for_timeout(20)
            at = here.page.evaluate(
                "() => { const at = document.querySelector('stepfour-chat').shadowRoot.activeElement;"
                " return at ? at.getAttribute('aria-label') || at.textContent : '' }"
            )
            if at.startswith(name):
                return
        raise AssertionError(f"{name} is out of reach, at {at!r}")

    for left in (3, 2, 1, 0):
        expect(here.launcher).to_be_visible()
        here.page.bring_to_front()
        here.page.mouse.click(5, 5)
        try:
            tab_to("Chat with us")
            break
        except AssertionError:
            if not left:
                raise
            here = visit().go()  # the browser's own window kept the keys, as it does now and then
    keys = here.page.keyboard
    keys.press("Enter")
    expect(here.box).to_be_focused()
    keys.type("please")
    keys.press("Enter")
    expect(here.log.get_by_role("button", name="Switch HTTPS on")).to_be_visible()
    tab_to("Switch HTTPS on", back=True)
    keys.press("Enter")
    here.page.wait_for_timeout(300)
    requests = bot.do(bot.service.store.requests("approved"))
    assert [r.approved_by for r in requests if r.conversation == here.conversation()] != []
    tab_to("Talk to a person")
    keys.press("Enter")
    expect(here.log).to_contain_text("Passed on to a person")
    keys.press("Escape")
    expect(here.launcher).to_be_focused()


def test_alt_and_arrows_walk_from_message_to_message(bot: Any, visit: Callable[..., Visit]) -> None:
    bot.service.play = guide
    here = visit().go("stepfour('ask', 'hello');")
    expect(here.log.locator(".bot")).to_have_count(1)
    here.log.focus()
    here.page.keyboard.press("Alt+ArrowUp")
    assert here.page.evaluate(FOCUSED) == "message bot"
    here.page.keyboard.press("Alt+ArrowUp")
    assert here.page.evaluate(FOCUSED) == "message customer"
    here.page.keyboard.press("Alt+ArrowDown")
    assert here.page.evaluate(FOCUSED) == "message bot"


def test_theme_and_language_follow_the_page_and_can_be_set(visit: Callable[..., Visit]) -> None:
    here = visit(color_scheme="light").go("stepfour('boot', {theme: 'dark', zIndex: 7});", lang="pt-BR")
    expect(here.launcher).to_have_accessible_name("Fale com a gente")
    here.launcher.click()
    expect(here.box).to_have_attribute("placeholder", "Escreva uma mensagem")
    dark = (
        "() => getComputedStyle(document.querySelector('stepfour-chat').shadowRoot.querySelector('.frame'))"
        ".backgroundColor"
    )
    assert here.page.evaluate(dark) == "rgb(16, 21, 20)"
    assert here.page.evaluate("() => getComputedStyle(document.querySelector('stepfour-chat')).zIndex") == "7"
    here.page.evaluate("() => stepfour.setLocale('es')")
    expect(here.box).to_have_attribute("placeholder", "Escribe un mensaje")
    here.page.evaluate("() => stepfour.setTheme('light')")
    assert here.page.evaluate(dark) == "rgb(243, 242, 237)"


def test_the_status_line_is_there_at_once(bot: Any, visit: Callable[..., Visit]) -> None:
    here = visit().go("stepfour('open');")
    expect(here.box).to_be_visible()
    waited = here.page.evaluate(
        """async () => {
            const root = document.querySelector('stepfour-chat').shadowRoot;
            const box = root.querySelector('textarea');
            box.value = 'hello';
            const from = performance.now();
            box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
            while (root.querySelector('.working').hidden) await new Promise(requestAnimationFrame);
            return performance.now() - from;
        }"""
    )
    assert waited < 300
