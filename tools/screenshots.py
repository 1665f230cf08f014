"""Makes the pictures of the README: the demo's world and service, and its real pages in Chromium.

python tools/screenshots.py [NAME ...]     # all of them, or founding-case, widget, slack, assist, widget-dark
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.demo import MESSAGES, customer_token, demo_net, demo_settings, domain_of
from app.demo_surfaces import ANA, HELP, Surfaces, sign_in_link, stage_in_thread
from app.demo_switch import MESSAGES as SWITCH_MESSAGES
from evals.world import scenarios
from evals.world.world import World

CHROMIUM = Path("/usr/bin/chromium")
DOCS = Path(__file__).parent.parent / "docs"
MOST_BYTES = 200_000
PATIENCE_MS = 60_000


@contextmanager
def opened(browser: Browser, url: str, *, width: int, height: int, dark: bool = False) -> Iterator[Page]:
    context = browser.new_context(
        locale="en-GB",
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    page.goto(url)
    try:
        yield page
    finally:
        context.close()


def keep(page: Page, name: str, **options: Any) -> None:
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(500)  # fonts, and what fades
    path = DOCS / f"{name}.png"
    page.screenshot(path=path, **options)
    size = path.stat().st_size
    print(f"{path.relative_to(DOCS.parent)}  {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"{path} is larger than {MOST_BYTES / 1000:.0f} kB. Take a smaller window.")


def write(page: Page, text: str) -> None:
    """Writes to the widget and waits until it has answered."""
    replies = page.locator("stepfour-chat .message.bot")
    before = replies.count()
    box = page.locator("stepfour-chat textarea")
    box.fill(text)
    box.press("Enter")
    expect(replies.nth(before)).to_be_visible()
    expect(page.locator("stepfour-chat .working")).to_be_hidden()


# --- the pictures ---------------------------------------------------------------------------------


def founding_case(browser: Browser, around: Surfaces, address: str) -> None:
    spec = around.world.load(scenarios.all_ready())
    token = customer_token(around.settings, spec.owner)
    with opened(browser, f"{address}/#token={token}", width=1080, height=940) as page:
        write(page, MESSAGES["en"][0].format(domain=domain_of(spec)))
        expect(page.get_by_text("Solved", exact=True)).to_be_visible()
        keep(page, "founding-case")


def the_switch(browser: Browser, around: Surfaces, address: str, wanted: set[str]) -> None:
    """Begun in the widget, gone on in Slack, and before the agents."""
    first, second = (text.format(domain=domain_of(around.hand)) for text in SWITCH_MESSAGES["en"])
    with opened(browser, around.shop_url, width=1180, height=820) as page:
        page.get_by_role("button", name=re.compile("Ana Duarte")).click()
        page.locator("#links tr").first.wait_for()
        page.locator("stepfour-chat .launcher").click()
        write(page, first)
        page.locator("stepfour-chat .steps-toggle").click()
        page.locator("stepfour-chat #steps-list > li").last.scroll_into_view_if_needed()
        if "widget" in wanted:
            keep(page, "widget")
        for host in around.hand.hosts:
            page.get_by_role("button", name=f"Put proxy in front: {host}").click()
            page.get_by_role("button", name=f"Take proxy away: {host}").wait_for()
    there = f"{around.slack.page_url}#user={ANA}&channel={HELP}"
    with opened(browser, there, width=1000, height=1060) as page:
        page.locator(f"[data-channel={HELP}]").wait_for()
        page.locator("#composer textarea").fill(second.replace("@bot", "@Stepfour"))
        page.locator("#composer textarea").press("Enter")
        page.locator(".replies").click()
        page.locator("#replies").get_by_role("button", name="Switch HTTPS on").wait_for()
        if "slack" in wanted:
            keep(page, "slack")
    link = around.slack.run(sign_in_link(around.settings, address))  # in the loop that all of it runs in
    with opened(browser, link, width=820, height=1160) as page:
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("HTTPS for tracking links").first.click()
        page.get_by_role("button", name="Switch HTTPS on").first.wait_for()
        if "assist" in wanted:
            keep(page, "assist")


def widget_dark(browser: Browser, around: Surfaces, address: str) -> None:
    with opened(browser, around.shop_url, width=1180, height=820, dark=True) as page:
        page.locator("stepfour-chat .launcher").click()
        write(page, "How do I rotate an API key?")
        keep(page, "widget-dark")


def main(names: list[str]) -> None:
    wanted = set(names) or {"founding-case", "widget", "slack", "assist", "widget-dark"}
    with (
        tempfile.TemporaryDirectory(prefix="stepfour-pictures-") as folder,
        World.start() as world,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        base, net = demo_settings(world.addresses, Path(folder) / "data", 0), demo_net(world.addresses)
        alone: Callable[..., Any] = stage_in_thread
        if "founding-case" in wanted:
            with alone(world, base, net, modes=base.modes) as (around, address):
                founding_case(browser, around, address)
        if wanted - {"founding-case"}:
            with alone(world, base, net) as (around, address):
                the_switch(browser, around, address, wanted)
                if "widget-dark" in wanted:
                    widget_dark(browser, around, address)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
