"""What people have before them: a dashboard with the widget, the agents' page, the Slack-like page."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect

PATIENCE_MS = 40_000
"""Long, because it is waited for a thing and not for a time."""


class Watched:
    """A page with everything it asked for and complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda line: (
                self.complaints.append(line.text) if re.search("Content Sec|Trusted", line.text) else None
            ),
        )
        self.page.goto(url)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def foreign(self, *origins: str) -> list[str]:
        """Requests to anybody but these."""
        return [
            url
            for url in self.asked
            if urlsplit(url).scheme not in ("blob", "data")
            and f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" not in origins
        ]


class Widget(Watched):
    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("dialog", name="Support chat")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    def open(self) -> Widget:
        if not self.panel.is_visible():
            self.page.locator("stepfour-chat .launcher").click()
        expect(self.panel).to_be_visible()
        return self

    def send(self, text: str) -> None:
        box = self.page.locator("textarea")
        box.fill(text)
        box.press("Enter")

    def arrived(self, count: int) -> None:
        """So many messages of the customer are there and acknowledged."""
        expect(self.log.locator(".customer")).to_have_count(count)
        expect(self.log.locator(".unsent")).to_have_count(0)

    def stands(self, status: str) -> None:
        expect(self.page.locator(f"stepfour-chat .status[data-status={status}]")).to_be_visible()

    def said(self, who: str = "bot") -> list[str]:
        """The words of the messages in the log, as text."""
        return [bubble.inner_text() for bubble in self.log.locator(f".message.{who} .bubble").all()]

    def shown(self) -> list[str]:
        """The whole log, line by line, without what moves: the times and the buttons."""
        read = """(log) => [...log.querySelectorAll('article .bubble, .note, .card h3, .card-state strong')]
            .map((one) => one.textContent)"""
        found: list[str] = self.log.evaluate(read)
        return found

    def progress(self, words: str) -> None:
        """What the checklist says of all steps."""
        expect(self.page.locator(".steps-summary")).to_have_text(words)


class Desk(Watched):
    """The agents' page, signed in by a one-time link."""

    def __init__(self, context: BrowserContext, link: str) -> None:
        super().__init__(context, link)
        self.origin = link.partition("/assist")[0]
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.locator(".shell")).to_be_visible()

    def case(self, conversation: str) -> Desk:
        self.page.goto(f"{self.origin}/assist#/c/{conversation}")
        expect(self.page.locator("#case-title")).to_be_visible()
        return self

    def panel(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def words(self) -> list[str]:
        return [word.inner_text() for word in self.panel("Customer's steps").locator(".step-word").all()]

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).click()

    def write(self, text: str) -> None:
        self.page.get_by_label("Your message to the customer").fill(text)
        self.press("Send")
        expect(self.page.get_by_label("Your message to the customer")).to_have_value("")


Browse = Callable[..., BrowserContext]
