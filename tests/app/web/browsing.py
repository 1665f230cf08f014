"""A page in a real browser with what it did, and talks for it to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect

from app import events as e

DIST = Path(__file__).parents[3] / "app" / "web" / "dist"
CHROMIUM = Path("/usr/bin/chromium")
needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no Chromium here: apt-get install -y --no-install-recommends chromium"
)
SEEN = "go.acme.example presents a certificate for *.cdn.example."
FOCUSED = (
    "() => { const at = document.querySelector('stepfour-chat').shadowRoot.activeElement;"
    " return at ? at.className || at.id : null }"
)
FOREIGN = "script, iframe, style, a, object, embed, details, b, u, img"
"""What no text of a person or a model may become."""


class Opened:
    """A page with what it did: where it asked, what it complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda line: self.complaints.append(line.text) if "Content Security" in line.text else None,
        )
        self.page.goto(url)
        self.box: Locator = self.page.locator("textarea")
        self.log: Locator = self.page.get_by_role("log")
        expect(self.box).to_be_visible()

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def send(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def sent(self) -> str:
        """Id of the conversation, once the message is acknowledged."""
        expect(self.log.locator(".customer")).not_to_have_count(0)
        expect(self.log.locator(".unsent")).to_have_count(0)
        return self.conversation()

    def conversation(self) -> str:
        """Id of the conversation, once the page has one."""
        read = "() => Object.entries(localStorage).find(([k]) => k.startsWith('stepfour.conversation.'))?.[1]"
        found: str = self.page.wait_for_function(read).json_value()
        return found


def checklist(**changes: Any) -> e.Steps:
    now = datetime.now(UTC)
    steps = (
        e.ShownStep(
            id="one",
            title="Switch on click tracking",
            word="verified",
            at=now - timedelta(minutes=2),
            checkable=True,
            holds=True,
        ),
        e.ShownStep(
            id="two",
            title="Set up a branded link",
            word="claimed",
            quote=e.StepQuote(message="m", text="I did that too"),
            holds=True,
        ),
        e.ShownStep(
            id="three",
            title="Put a certificate in front",
            word="contradicted",
            seen=SEEN,
            at=now,
            checkable=True,
        ),
    )
    fields: dict[str, Any] = {"procedure": "https", "title": "HTTPS for tracking links", "steps": steps}
    return e.Steps(**fields | changes)


def cited() -> tuple[e.CitedSource, ...]:
    return (
        e.CitedSource(
            n=1,
            title="HTTPS for tracking links",
            path="en/https-tracking-links.md",
            anchor="ssl-certificate",
            quote="Let it obtain a certificate that covers exactly this name.",
            updated_at=datetime(2026, 9, 14, tzinfo=UTC),
            lang="en",
        ),
    )


REPLY = "One thing is left [1]: the **certificate**.\n\n1. Cover `go.acme.example`.\n2. Pass on the header.\n"


async def guide(service: Any, message: Any) -> None:
    here = message.conversation
    await service.show(here, e.ConversationStatus(status="bot_working"))
    await service.show(here, checklist())
    await service.say(here, REPLY, decision="guide", citations=cited())
    await service.show(here, e.ConversationStatus(status="awaiting_customer"))


async def propose(service: Any, message: Any) -> None:
    here = message.conversation
    conversation = await service.store.conversation(here)
    request = await service.propose(here, conversation.principal)
    await service.show(here, checklist(steps=checklist().steps[:1]))
    await service.show(here, proposed(request))


def proposed(request: Any) -> e.ActionProposed:
    return e.ActionProposed(
        request=request.id,
        action="enable_https",
        title="Switch HTTPS on",
        inputs=request.inputs,
        digest=request.digest,
        undo="We can switch it off again.",
        prerequisites=(e.ShownPrerequisite(title="certificate", met=True, seen="A certificate is there."),),
        approval="customer",
        expires_at=request.expires_at,
    )


async def perform(service: Any, request: Any) -> None:
    for state in ("executing", "verifying", "done"):
        moved = e.ActionState(request=request.id, action="x", title="Switch HTTPS on", state=state)
        await service.show(request.conversation, moved)


async def everything(service: Any, message: Any) -> None:
    await guide(service, message)
    await propose(service, message)
    await service.show(message.conversation, checklist(), e.Handoff(state="requested"))
    await service.show(message.conversation, e.ErrorShown(code="x", message="That did not work."))
    await service.show(message.conversation, e.MessageDelta(message="m9", offset=0, text="Now `this` [1]"))
    await service.show(message.conversation, e.ConversationStatus(status="bot_working"))
