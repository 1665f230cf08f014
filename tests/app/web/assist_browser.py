"""An agent's browser: what it shows, asks for and complains of."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, expect

from tests.app.web.assist_site import AssistSite


class Seen:
    """A browser with one page, and everything it asked for and complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.context = context
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("page", self._watch)
        self.page: Page = context.new_page()

    def _watch(self, page: Page) -> None:
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)

    def _console(self, line: ConsoleMessage) -> None:
        if any(word in line.text for word in ("Content Security", "TrustedType", "Trusted Type")):
            self.complaints.append(line.text)

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def sign_in(self, site: AssistSite, name: str = "Bea") -> None:
        self.page.goto(site.link(name))
        self.page.locator("main .strong").click()
        expect(self.page.locator(".shell")).to_be_visible()


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def case(agent: Seen, id: str) -> Page:
    agent.page.goto(f"{agent.url}/assist#/c/{id}")
    expect(agent.page.locator("#case-title")).to_be_visible()
    return agent.page


def violations(page: Page) -> str:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


def wide_and_small(page: Page) -> tuple[int, list[str]]:
    """Pixels that stick out to the side, and buttons too small to hit."""
    out = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    small = page.evaluate(
        "() => [...document.querySelectorAll('button, summary, input')].filter(b => b.offsetParent"
        " && Math.min(b.offsetHeight, b.offsetWidth) < 24 && b.type !== 'radio').map(b => b.outerHTML)"
    )
    return out, small
