"""The page in a real browser: what is done there reaches the app as Slack would send it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from evals.world.slack import FakeSlack
from tests.evals.world.slack.other_app import Other

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium"),
]
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> **[x](javascript:alert(4))**"


@pytest.fixture
async def page(slack: FakeSlack) -> AsyncIterator[Page]:
    async with async_playwright() as played:
        browser = await played.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1400, "height": 850})
        page.set_default_timeout(15_000)
        yield page
        await browser.close()


async def test_a_case_is_played_on_the_page(slack: FakeSlack, other: Other, page: Page) -> None:
    await page.goto(slack.page_url + "#user=U0CUSTOMER&channel=C0HELP")
    await page.fill("#composer textarea", "@Stepfour why are my links http?")
    await page.press("#composer textarea", "Enter")
    await page.click(".replies")
    await expect(page.locator("#replies")).to_contain_text("HTTPS for links.kalahari.example")
    await page.select_option("#me", "U0SUPPORT")
    await page.click("#replies [data-action-id=edit]")
    await page.fill("dialog textarea", "no")
    await page.click("dialog button[type=submit]")
    await expect(page.locator("dialog .wrong")).to_have_text("too short")
    await page.fill("dialog textarea", "It is on now.")
    await page.click("dialog button[type=submit]")
    await expect(page.locator("dialog")).not_to_be_visible()
    await page.fill("#thread-composer textarea", "a person here")
    await page.press("#thread-composer textarea", "Enter")
    await expect(page.locator("#replies")).to_contain_text("a person here")
    await page.hover("#replies .message >> nth=0")
    await page.click("#replies [data-do=shortcut] >> nth=0")
    await slack.settle()
    kinds = [delivery.kind for delivery in slack.deliveries]
    assert kinds.count("view_submission") == 2
    assert kinds.count("message_action") == 1
    [asked, *_] = slack.messages("C0HELP")
    assert asked.text == "<@U0BOT> why are my links http?"
    assert [m.user for m in slack.thread_of(asked)] == ["U0CUSTOMER", "U0BOT", "U0SUPPORT"]
    assert slack.violations == []


async def test_an_older_state_that_comes_late_takes_nothing_back(
    slack: FakeSlack, other: Other, page: Page
) -> None:
    asked, later = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if asked.is_set():
            await route.continue_()
            return
        answer = await route.fetch()
        asked.set()
        await later.wait()
        await route.fulfill(response=answer)

    await page.route("**/ui/state*", late)
    await page.goto(slack.page_url + "#user=U0CUSTOMER&channel=C0HELP")
    await asked.wait()
    await slack.post("U0CUSTOMER", "C0HELP", "newer words")
    await expect(page.locator("#messages")).to_contain_text("newer words")
    later.set()
    await page.wait_for_timeout(300)
    await expect(page.locator("#messages")).to_contain_text("newer words")


async def test_words_written_before_the_page_is_drawn_are_sent(
    slack: FakeSlack, other: Other, page: Page
) -> None:
    drawn = asyncio.Event()

    async def wait(route: Route) -> None:
        await drawn.wait()
        await route.continue_()

    await page.route("**/ui/state*", wait)
    await page.goto(slack.page_url + "#user=U0CUSTOMER&channel=C0HELP")
    await page.fill("#composer textarea", "early words")
    await page.press("#composer textarea", "Enter")
    drawn.set()
    await expect(page.locator("#messages")).to_contain_text("early words")


async def test_people_see_what_is_theirs(slack: FakeSlack, other: Other, page: Page) -> None:
    await slack.post("U0SUPPORT", "C0AGENTS", "between us")
    await slack.command("U0SUPPORT", "C0HELP", "secret status")
    await page.goto(slack.page_url + "#user=U0SUPPORT&channel=C0HELP")
    await expect(page.locator(".hidden-note")).to_contain_text("you said secret status")
    await expect(page.locator("[data-channel=C0AGENTS]")).to_be_visible()
    await page.select_option("#me", "U0CUSTOMER")
    await expect(page.locator("[data-channel=C0AGENTS]")).to_have_count(0)
    await expect(page.locator(".hidden-note")).to_have_count(0)
    await page.goto(slack.page_url + "#user=U0STRANGER&channel=C0AGENTS")
    await expect(page.locator("#name")).to_have_text("Not a channel of yours")
    assert "between us" not in await page.content()


async def test_what_is_written_stays_words(slack: FakeSlack, other: Other, page: Page) -> None:
    asked_for: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await slack.post("U0CUSTOMER", "C0HELP", HOSTILE)
    blocks: list[dict[str, Any]] = [
        {"type": "markdown", "text": HOSTILE + " ![x](https://evil.example/x.png)"},
        {"type": "image", "alt_text": HOSTILE, "image_url": "https://evil.example/y.png"},
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE + " <javascript:alert(5)|go>"}},
    ]
    await other.client.chat_postMessage(channel="C0HELP", text="x", blocks=blocks)
    await page.goto(slack.page_url + "#user=U0CUSTOMER&channel=C0HELP")
    await expect(page.locator(".message")).to_have_count(2)
    assert await page.locator("#messages img, #messages script, a[href^=javascript]").count() == 0
    assert {httpx.URL(url).host for url in asked_for} == {"127.0.0.1"}
    assert dialogs == []


async def test_only_the_page_itself_may_act(slack: FakeSlack) -> None:
    given = {"do": "post", "user": "U0CUSTOMER", "channel": "C0HELP", "text": "forged"}
    url = slack.base_url + "/ui/act"
    async with httpx.AsyncClient(trust_env=False) as web:
        foreign = {"X-Slack-Page": "1", "Origin": "http://evil.example"}
        assert (await web.post(url, json=given)).status_code == 403
        assert (await web.post(url, json=given, headers=foreign)).status_code == 403
        policy = (await web.get(slack.page_url)).headers["content-security-policy"]
    assert slack.messages("C0HELP") == ()
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
