"""The demo's own stage in a browser: begun in the widget, gone on in Slack, approved on the agents' page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    expect,
    sync_playwright,
)

from app.demo import demo_net, domain_of
from app.demo_surfaces import ANA, HELP, Surfaces, sign_in_link, stage_in_thread
from app.demo_switch import MESSAGES, Seen, judged
from app.identity import sign
from app.main import utc_now
from evals.world.world import World
from tests.app.web.browsing import CHROMIUM, needs_chromium
from tests.e2e.conftest import quick_settings, sentence

pytestmark = [needs_chromium, pytest.mark.slow]

PATIENCE_MS = 30_000
Stage = tuple[Surfaces, str]


@pytest.fixture(scope="module")
def stage(
    world: World, filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    data = filled(tmp_path_factory.mktemp("stage") / "data")
    settings, net = quick_settings(world.addresses, data), demo_net(world.addresses)
    with stage_in_thread(world, settings, net, watch_seconds=(600,)) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Person:
    """Somebody at a browser of their own, and everything their pages asked for and complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        context.on("request", lambda request: self.asked.add(urlsplit(request.url).hostname or ""))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("dialog", self._dismiss)
        context.on("console", self._hear)

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def _hear(self, line: ConsoleMessage) -> None:
        if "Content Security" in line.text:
            self.complaints.append(line.text)

    def at(self, url: str) -> Page:
        page = self.context.new_page()
        page.goto(url)
        return page

    @property
    def at_peace(self) -> bool:
        """Nothing was refused by a page's policy, and nobody but this machine was asked for anything."""
        return not self.complaints and {host for host in self.asked if host} <= {"127.0.0.1"}


@pytest.fixture
def new_person(browser: Browser) -> Iterator[Callable[[], Person]]:
    people: list[Person] = []

    def arrives() -> Person:
        context = browser.new_context(locale="en-GB", viewport={"width": 1200, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        people.append(Person(context))
        return people[-1]

    expect.set_options(timeout=PATIENCE_MS)
    yield arrives
    for person in people:
        person.context.close()


def sign_in(shop: Page, name: str) -> None:
    shop.get_by_role("button", name=re.compile(name)).click()
    expect(shop.locator("#links tr").first).to_be_visible()


def say(shop: Page, text: str) -> str:
    """Writes to the widget; what it answers."""
    replies = shop.locator("stepfour-chat .message.bot")
    before = replies.count()
    shop.locator("stepfour-chat textarea").fill(text)
    shop.locator("stepfour-chat textarea").press("Enter")
    expect(replies.nth(before)).to_be_visible()
    return replies.nth(before).inner_text()


def test_the_founding_case_switches_places_and_nothing_is_asked_or_explained_twice(
    stage: Stage, new_person: Callable[[], Person]
) -> None:
    around, address = stage
    first, second = (text.format(domain=domain_of(around.hand)) for text in MESSAGES["en"])
    ana, kim = new_person(), new_person()

    # On the website: two steps are seen, the third is explained.
    shop = ana.at(around.shop_url)
    sign_in(shop, "Ana Duarte")
    expect(shop.locator("#https")).to_have_text("Off")
    shop.locator("stepfour-chat .launcher").click()
    assert "Put a certificate in front of the branded link" in say(shop, first)
    expect(shop.locator("stepfour-chat .steps-summary")).to_have_text("2 of 3 done")

    # She does it, and goes on in Slack.
    for host in around.hand.hosts:
        shop.get_by_role("button", name=f"Put proxy in front: {host}").click()
        expect(shop.get_by_role("button", name=f"Take proxy away: {host}")).to_be_visible()
    slack = ana.at(f"{around.slack.page_url}#user={ANA}&channel={HELP}")
    expect(slack.locator(f"[data-channel={HELP}]")).to_be_visible()
    slack.locator("#composer textarea").fill(second.replace("@bot", "@Stepfour"))
    slack.locator("#composer textarea").press("Enter")
    slack.locator(".replies").click()
    thread = slack.locator("#replies")
    expect(thread).to_contain_text(sentence("en", "continued.started"))
    expect(thread.get_by_role("button", name="Switch HTTPS on")).to_be_visible()

    # She may not approve it, also not in Slack; Kim may, on the agents' page.
    thread.get_by_role("button", name="Switch HTTPS on").click()
    expect(thread.locator(".hidden-note")).to_be_visible()
    assert not around.world.account(around.hand.account).settings.https_tracking
    page = kim.at(around.slack.run(sign_in_link(around.settings, address)))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("HTTPS for tracking links").first.click()
    page.locator("article").get_by_role("button", name="Switch HTTPS on").click()
    expect(page.locator("article .card-state")).to_contain_text("by Kim")

    # All three places tell the end, and the platform holds one change.
    expect(thread).to_contain_text("HTTPS is now on for your tracking links")
    expect(shop.locator("#https")).to_have_text("On")
    checks = judged(seen(around, address))
    assert all(checks.values()), checks
    assert ana.at_peace, ana.complaints
    assert kim.at_peace, kim.complaints


def seen(around: Surfaces, address: str) -> Seen:
    """What the agents' page is told of the conversation in each of the two places."""
    token = sign(around.settings, sub="Kim", account=None, agent=True, minutes=5, now=utc_now())
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=30) as agent:
        rows = agent.get("/v1/agent/cases", params={"state": "all"}).raise_for_status().json()["cases"]
        (row,) = (row for row in rows if row["account"] == around.hand.account)
        in_slack = agent.get(f"/v1/agent/conversations/{row['conversation']}").json()
        (earlier,) = in_slack["earlier"]
        website = agent.get(f"/v1/agent/conversations/{earlier['id']}").json()
    effects = around.world.effects(around.hand.account)
    return Seen(website, in_slack, effects, around.slack.violations)


def test_what_a_visitor_began_goes_on_when_they_sign_in_and_is_gone_when_they_sign_out(
    stage: Stage, new_person: Callable[[], Person]
) -> None:
    around, _ = stage
    davi = new_person()
    shop = davi.at(around.shop_url)
    shop.locator("stepfour-chat .launcher").click()
    say(shop, "How do I rotate an API key?")
    sign_in(shop, "Davi Prado")
    said = shop.locator("stepfour-chat .message.customer")
    expect(said).to_have_count(1)
    expect(said).to_contain_text("How do I rotate an API key?")
    shop.get_by_role("button", name="Sign out").click()
    expect(shop.locator("#welcome")).to_be_visible()
    expect(said).to_have_count(0)
    assert davi.at_peace, davi.complaints


def test_the_desk_shows_the_agents_page_beside_its_conversation(
    stage: Stage, new_person: Callable[[], Person]
) -> None:
    around, _ = stage
    visitor, agent = new_person(), new_person()
    shop = visitor.at(around.shop_url)
    shop.locator("stepfour-chat .launcher").click()
    say(shop, "How long is a data export kept?")
    desk = agent.at(around.desk_url)
    desk.get_by_role("button", name=re.compile("Visitor")).first.click()
    frame = desk.frame_locator("iframe")
    expect(frame.get_by_role("button", name="Take over")).to_be_visible()
    desk.get_by_label("Reply").fill("A person here: seven days.")
    desk.get_by_role("button", name="Send").click()
    expect(shop.locator("stepfour-chat .message.agent")).to_contain_text("A person here: seven days.")
    assert agent.at_peace, agent.complaints
