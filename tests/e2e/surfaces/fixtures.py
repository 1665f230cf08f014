"""A browser, and two running stages: one where it acts by itself, one where an agent approves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from evals.world.world import World
from tests.app.web.browsing import CHROMIUM
from tests.e2e.surfaces.pages import PATIENCE_MS, Browse
from tests.e2e.surfaces.stage import Stage, stage


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Browse]:
    """A browser profile of somebody's own."""
    contexts: list[BrowserContext] = []

    def made(**options: Any) -> BrowserContext:
        usual: dict[str, Any] = {
            "locale": "en-GB",
            "reduced_motion": "reduce",
            "viewport": {"width": 1280, "height": 900},
        }
        contexts.append(chromium.new_context(**usual | options))
        return contexts[-1]

    expect.set_options(timeout=PATIENCE_MS)
    yield made
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def acts(
    world: World, filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Where it switches HTTPS on by itself."""
    with stage(world, filled(tmp_path_factory.mktemp("acts") / "data")) as running:
        yield running


@pytest.fixture(scope="module")
def asks(
    world: World, filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Where an agent approves it, and where nothing is watched until the test is over."""
    data = filled(tmp_path_factory.mktemp("asks") / "data")
    from tests.e2e.conftest import quick_settings

    modes = quick_settings(world.addresses, data).modes | {"slack": "auto", "enable_https": "suggest"}
    with stage(world, data, modes=modes, watch_seconds=(3600,)) as running:
        yield running
