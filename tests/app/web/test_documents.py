"""Procedures and health in a real browser, beside the agents' cases: deciding, keys, sizes, axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from app import procedures_page
from app.health_page import as_page, to_decide
from app.texts import catalogue
from knowledge import findings
from knowledge.approvals import FIRST_SYNC, Compared
from tests.app.documents import SWITCHED, Kept, kept
from tests.app.web.assist_browser import Seen, violations, wide_and_small
from tests.app.web.assist_site import AssistSite
from tests.app.web.browsing import needs_chromium

pytestmark = needs_chromium
Agent = Callable[..., Seen]


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with kept(tmp_path_factory.mktemp("kept")) as made:
        yield made


@pytest.fixture
def site(here: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AssistSite]:
    folder = tmp_path_factory.mktemp("assist") / "data"
    made = AssistSite(folder, documents=here.documents, approvers=("Bea",))
    yield made
    made.stop()


def shown(page: Page) -> list[str]:
    names = page.locator("article:visible").evaluate_all("all => all.map(one => one.dataset.kind)")
    return [str(name) for name in names]


def test_a_change_is_seen_approved_and_refused_where_it_is_another_by_now(
    here: Kept, site: AssistSite, new_agent: Agent
) -> None:
    agent = new_agent(site)
    page = agent.page
    page.get_by_role("link", name="Procedures").click()
    change = page.get_by_role("article", name="Ring the bell")
    row = change.get_by_role("row").filter(has_text="step pull")
    expect(row.get_by_role("cell").nth(0)).to_contain_text("check: none")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("check: click_tracking_on")

    here.say(SWITCHED)
    approve = page.get_by_role("button", name="Approve this version")
    approve.focus()
    page.keyboard.press("Enter")
    told = page.get_by_role("alert").filter(has_text="changed while you looked at it")
    expect(told).to_be_focused()
    expect(change).to_contain_text("action: none -> enable_https")
    assert here.knowledge.pending()
    assert violations(page) == ""

    approve.click()
    expect(page.get_by_role("alert").filter(has_text="approved by Bea")).to_be_focused()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    (followed,) = here.knowledge.procedures()
    assert (followed.action, here.knowledge.pending()) == ("enable_https", ())
    assert agent.complaints == []
    assert all(url.startswith((site.url, "data:", "blob:")) for url in agent.asked)


def test_who_has_no_right_reads_why(here: Kept, site: AssistSite, new_agent: Agent) -> None:
    agent = new_agent(site, sign_in=False)
    agent.sign_in(site, "Tom")
    agent.page.goto(f"{site.url}/assist/procedures")
    expect(agent.page.get_by_text("Tom may not approve procedures.")).to_be_visible()
    expect(agent.page.get_by_role("button")).to_have_count(0)


def test_findings_are_filtered_and_settled_by_keyboard(
    here: Kept, site: AssistSite, new_agent: Agent
) -> None:
    agent = new_agent(site)
    page = agent.page
    page.goto(f"{site.url}/assist/health")
    assert shown(page) == ["contradiction", "screen_missing", "broken_link"], "what is less sure waits"
    page.get_by_role("combobox", name="Kind").select_option("broken_link")
    assert shown(page) == ["broken_link"]
    page.get_by_role("combobox", name="Kind").select_option("")
    page.get_by_role("searchbox", name="Words").fill("45 days")
    expect(page.get_by_text("1 shown")).to_be_visible()
    page.get_by_role("searchbox", name="Words").fill("")

    first, second = page.locator("article").nth(0), page.locator("article").nth(1)
    first.get_by_label("Why, in a few words").fill("two depots")
    first.get_by_role("button", name="Dismiss").focus()
    page.keyboard.press("Enter")
    expect(second.get_by_role("heading")).to_be_focused()
    expect(page.get_by_text("Dismissed. 2 shown")).to_be_visible()
    expect(first).to_be_hidden()
    found = findings.get(here.knowledge.db, "a" * 12)
    assert (found.state, found.by, found.note) == ("dismissed", "Bea", "two depots")

    second.get_by_role("button", name="Make a task").press("Enter")
    expect(second).to_contain_text("task by Bea")
    expect(second.get_by_role("heading")).to_be_focused()
    expect(second.get_by_role("button")).to_have_text(["Accept", "Dismiss", "Open again"])
    page.get_by_role("combobox", name="State").select_option("dismissed")
    expect(first).to_contain_text("dismissed by Bea: two depots")
    page.context.clear_cookies()
    first.get_by_role("button", name="Open again").click()
    expect(first.get_by_role("alert")).to_contain_text("You are not signed in.")
    assert findings.get(here.knowledge.db, "a" * 12).state == "dismissed"
    assert agent.complaints == []


def test_a_new_look_is_shown(here: Kept, site: AssistSite, new_agent: Agent) -> None:
    page = new_agent(site).page
    page.goto(f"{site.url}/assist/health")
    with page.expect_navigation():
        page.get_by_role("button", name="Look at all pages again").click()
    assert here.looks == 2


OURS = "() => [...document.querySelectorAll('pre, code, .said, tbody')].forEach((one) => one.remove())"
"""Takes out what pages and customers say, and names that machines follow."""


@pytest.mark.parametrize(
    ("locale", "tag", "titles", "why", "decide"),
    [
        (
            "pt-BR",
            "pt-BR",
            ("Procedimentos", "Saúde das páginas"),
            "Elas trazem números diferentes",
            "Descartar",
        ),
        ("es-AR", "es", ("Procedimientos", "Salud de las páginas"), "Dan cifras distintas", "Descartar"),
        ("de-DE", "en", ("Procedures", "Health of the pages"), "They give different figures", "Dismiss"),
    ],
)
def test_the_pages_are_in_the_language_of_the_agents_page(
    site: AssistSite, new_agent: Agent, locale: str, tag: str, titles: tuple[str, str], why: str, decide: str
) -> None:
    agent = new_agent(site, locale=locale)
    page = agent.page
    expect(page.locator("html")).to_have_attribute("lang", tag)
    page.get_by_role("link", name=titles[0]).click()
    expect(page.locator("html")).to_have_attribute("lang", tag)
    expect(page.get_by_role("heading", level=1)).to_have_text(titles[0])
    assert tag == "en" or english(page) == []
    page.locator("nav a").nth(2).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(titles[1])
    first = page.locator("article").nth(0)
    expect(first.get_by_role("heading")).to_contain_text(why)
    first.get_by_role("button", name=decide).click()
    expect(page.locator("article").nth(1).get_by_role("heading")).to_be_focused()
    told = {"pt-BR": "Descartado. 2 à vista", "es": "Descartado. 2 a la vista", "en": "Dismissed. 2 shown"}
    expect(page.locator(".shown")).to_have_text(told[tag])
    assert tag == "en" or english(page) == []
    page.context.clear_cookies()
    page.goto(f"{site.url}/assist/health")
    expect(page.locator("html")).to_have_attribute("lang", tag)


@pytest.mark.parametrize(
    ("lang", "approved", "there"),
    [
        ("pt", "com a primeira sincronização", "Abrir a conversa"),
        ("es", "con la primera sincronización", "Abrir la conversación"),
    ],
)
def test_who_approved_and_where_it_was_said_are_words_and_no_codes(
    here: Kept, site: AssistSite, lang: str, approved: str, there: str
) -> None:
    (each,) = site.do(here.documents.procedures())
    new = Compared(each.newest._replace(approved_by=FIRST_SYNC), None)
    page = procedures_page.to_decide([new], "Bea", None, "", lang)
    assert approved in page
    assert "first sync" not in page
    page = to_decide(site.do(here.documents.health(lang)), lang)
    assert f">{there}</a>" in page
    assert '<details class="plots"><summary>' in page, "three findings are read one by one"


def english(page: Page) -> list[str]:
    """Our sentences that are there in English, of more than two words."""
    page.evaluate(OURS)
    text = page.evaluate(
        "() => document.body.textContent + [...document.querySelectorAll('[placeholder], [aria-label]')]"
        ".map((one) => one.placeholder + one.ariaLabel).join()"
    )
    ours = [key for key in catalogue("en") if key.startswith(("documents.", "phrase."))]
    sentences = [re.sub(r"\{\w+\}.*", "", catalogue("en")[key]).strip() for key in ours]
    return [one for one in sentences if len(one.split()) > 2 and one in text]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "pt-BR", "es-ES"])
@pytest.mark.parametrize("path", ["health", "procedures"])
def test_the_pages_fit_and_are_for_everybody(
    site: AssistSite, new_agent: Agent, path: str, locale: str, scheme: str
) -> None:
    agent = new_agent(site, color_scheme=scheme, locale=locale)
    page = agent.page
    page.goto(f"{site.url}/assist/{path}")
    for width in (1280, 280):
        page.set_viewport_size({"width": width, "height": 740})
        assert violations(page) == ""
        assert wide_and_small(page) == (0, [])
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = page.evaluate("() => document.querySelector('main').contains(document.activeElement)")
    assert inside
    assert agent.complaints == []


def test_the_file_is_the_same_page_with_nothing_to_decide(
    here: Kept, new_agent: Agent, site: AssistSite
) -> None:
    agent = new_agent(site, sign_in=False)
    page = agent.page
    page.set_content(as_page(site.do(here.documents.health("en"))))
    expect(page.get_by_text("4 shown")).to_be_visible()
    page.get_by_label("Confidence at least").fill("0.85")
    expect(page.get_by_text("1 shown")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    assert violations(page) == ""
    assert not [url for url in agent.asked if re.match("https?:", url)]
