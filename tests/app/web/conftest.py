"""A browser, and running sites for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.app.web.assist_browser import Seen
from tests.app.web.assist_site import AssistSite, answer_case, founding_case, waiting_case
from tests.app.web.browsing import CHROMIUM, Opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shared(new_site: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    site = new_site(tmp_path_factory.mktemp("site") / "data")
    site.start()
    yield site
    site.stop()


@pytest.fixture
def live(shared: Any) -> Any:
    """The running site, playing nothing yet."""
    shared.service.play = shared.service.perform = None
    return shared


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Opened]]:
    contexts: list[BrowserContext] = []

    def opened(url: str, **options: Any) -> Opened:
        contexts.append(browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce"} | options))
        contexts[-1].set_default_timeout(10_000)
        return Opened(contexts[-1], url)

    expect.set_options(timeout=10_000)
    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def new_agent(browser: Browser) -> Iterator[Callable[..., Seen]]:
    """Opens a browser of its own for an agent, signed in unless told otherwise."""
    contexts: list[BrowserContext] = []

    def made(site: AssistSite, *, sign_in: bool = True, **options: Any) -> Seen:
        usual: dict[str, Any] = {
            "locale": "en-GB",
            "reduced_motion": "reduce",
            "viewport": {"width": 1200, "height": 900},
        }
        contexts.append(browser.new_context(**usual | options))
        contexts[-1].set_default_timeout(8_000)
        seen = Seen(contexts[-1], site.url)
        if sign_in:
            seen.sign_in(site)
        return seen

    expect.set_options(timeout=8_000)
    yield made
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AssistSite]:
    site = AssistSite(tmp_path_factory.mktemp("assist") / "data", assist_hosts=("https://desk.example",))
    site.do(founding_case(site.service))
    site.do(waiting_case(site.service))
    site.do(answer_case(site.service))
    yield site
    site.stop()


@pytest.fixture
def fresh(desk: AssistSite, request: pytest.FixtureRequest) -> Any:
    """A founding case of this test alone."""
    name = re.sub(r"\W+", "-", request.node.name)[:60]
    return desk.do(founding_case(desk.service, f"c-{name}"))
