"""What is switched off, in a real browser: the banner for everybody, the switch for who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.spending import Caps
from app.switches import Switch, SwitchName
from tests.app.web.assist_browser import Seen, case, panel, violations, wide_and_small
from tests.app.web.assist_site import AssistSite, waiting_case
from tests.app.web.browsing import needs_chromium

pytestmark = needs_chromium
Agent = Callable[..., Seen]


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AssistSite]:
    made = AssistSite(tmp_path_factory.mktemp("assist") / "data", approvers=("Bea",))
    made.do(waiting_case(made.service))
    yield made
    made.stop()


@pytest.fixture
def site(shared_site: AssistSite) -> AssistSite:
    """Where everything is on."""
    for name in ("actions", "models"):
        shared_site.do(shared_site.service.store.switch_on(name))
    return shared_site


def off(site: AssistSite, because: str = "a strange day") -> None:
    switch = Switch(name="actions", since=site.service.clock(), by="rita", because=because)
    site.do(site.service.store.switch_off(switch))


def stopped(site: AssistSite, name: SwitchName) -> Any:
    return site.do(site.service.store.switched_off(name))


def board(page: Page) -> Any:
    return page.get_by_role("dialog", name="Switches")


def test_actions_are_switched_off_and_on_by_keyboard_after_a_confirmation(
    site: AssistSite, new_agent: Agent
) -> None:
    agent = new_agent(site)
    page = agent.page
    page.get_by_role("button", name="Switches").press("Enter")
    actions = board(page).get_by_role("listitem").filter(has_text="Actions")
    expect(actions.get_by_role("heading")).to_have_text("Actions On")
    actions.get_by_role("button", name="Switch actions off").press("Enter")
    why = actions.get_by_role("textbox", name="Why, for the others to read")
    expect(why).to_be_focused()
    expect(why).to_have_accessible_description(
        "Nothing can be approved or done then, and what is approved waits."
        " Questions are answered all the same."
    )
    assert stopped(site, "actions") is None, "not before it is confirmed"
    page.keyboard.press("Escape")
    expect(board(page)).to_be_visible()
    expect(actions.get_by_role("button", name="Switch actions off")).to_be_focused()

    page.keyboard.press("Enter")
    why.fill("a strange day")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(board(page).get_by_role("status")).to_have_text("Actions are off.")
    expect(actions.get_by_role("button", name="Switch actions on")).to_be_focused()
    expect(actions).to_contain_text("by Bea: a strange day")
    kept = stopped(site, "actions")
    assert (kept.by, kept.because) == ("Bea", "a strange day")
    assert violations(page) == ""
    assert wide_and_small(page) == (0, [])

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(board(page).get_by_role("status")).to_have_text("Actions are on.")
    assert stopped(site, "actions") is None
    expect(actions.get_by_role("heading")).to_have_text("Actions On")
    expect(actions).to_contain_text("by Bea")
    expect(page.locator(".stopped")).to_be_hidden()
    assert agent.complaints == []


def test_everybody_sees_what_is_off_and_why_and_nothing_can_be_approved(
    site: AssistSite, new_agent: Agent
) -> None:
    off(site)
    agent = new_agent(site, sign_in=False)
    agent.sign_in(site, "Tom")
    page = case(agent, "c-approval")
    expect(page.locator(".stopped")).to_contain_text("Actions are switched off")
    expect(page.locator(".stopped")).to_contain_text("by rita: a strange day")
    expect(page.get_by_role("button", name="Switches")).to_be_hidden()
    approve = panel(page, "Next action").locator(".approve")
    expect(approve).to_have_attribute("aria-disabled", "true")
    expect(approve).to_have_accessible_description(
        "Actions are switched off: it can be approved when they are on again."
    )
    approve.click(force=True)
    (request,) = site.do(site.service.store.requests("proposed"))
    assert request.state == "proposed"
    assert violations(page) == ""


def test_the_switch_is_taken_from_who_may_no_more(site: AssistSite, new_agent: Agent) -> None:
    agent = new_agent(site)
    page = agent.page
    page.get_by_role("button", name="Switches").click()
    board(page).get_by_role("button", name="Switch the models off").click()
    site.service.settings.__dict__["approvers"] = ("somebody else",)
    try:
        board(page).get_by_role("button", name="Switch the models off").click()
        expect(board(page).get_by_role("status")).to_contain_text("You may not do this.")
        assert stopped(site, "models") is None
    finally:
        site.service.settings.__dict__["approvers"] = ("Bea",)


@pytest.mark.parametrize(
    ("locale", "button", "state", "told"),
    [
        ("en-GB", "Switches", "Off", "Actions are switched off"),
        ("pt-BR", "Interruptores", "Desligadas", "As ações estão desligadas"),
        ("es-MX", "Interruptores", "Apagadas", "Las acciones están apagadas"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_banner_and_the_switch_fit_in_every_language(
    site: AssistSite, new_agent: Agent, locale: str, button: str, state: str, told: str, scheme: str
) -> None:
    off(site, "the platform answers slowly")
    settings = site.service.settings.__dict__
    settings |= {"llm_base_url": "http://127.0.0.1:9/v1", "llm_tokens": Caps(day=0)}
    try:
        agent = new_agent(site, locale=locale, color_scheme=scheme)
        page = agent.page
        expect(page.locator(".stopped")).to_contain_text(told)
        expect(page.locator(".stopped")).to_contain_text("UTC")
        page.get_by_role("button", name=button).click()
        expect(page.locator("[data-switch=actions] h3")).to_contain_text(state)
        page.locator("[data-switch=models] button").click()
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 740})
            assert violations(page) == ""
            assert wide_and_small(page) == (0, [])
        assert agent.complaints == []
    finally:
        settings |= {"llm_base_url": None}
