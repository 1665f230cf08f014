"""What agents do on their page: replies, approvals, taking over, notes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.app.web.assist_browser import Seen, case, panel
from tests.app.web.assist_site import (
    AssistSite,
    answer_case,
    waiting_case,
)
from tests.app.web.browsing import needs_chromium

pytestmark = needs_chromium
Agent = Callable[..., Seen]


# --- the suggestion ---


def replies(desk: AssistSite, conversation: str) -> list[tuple[str, str | None, str]]:
    said = desk.do(desk.service.store.messages(conversation))
    return [(m.role, m.name, m.text) for m in said if m.role != "customer"][1:]


def test_a_suggestion_goes_out_as_the_bot(desk: AssistSite, fresh: Any, new_agent: Agent) -> None:
    page = case(new_agent(desk), fresh.conversation)
    reply = panel(page, "Suggested reply")
    expect(reply.get_by_role("link", name="HTTPS for tracking links")).to_have_attribute(
        "href", re.compile(r"/help/en/https-tracking-links#ssl-certificate$")
    )
    expect(reply).to_contain_text("Let it obtain a certificate that covers exactly this name.")
    expect(reply).to_contain_text("It rests on a doubtful reading. Read the conversation first.")
    reply.get_by_text("Why this").click()
    expect(reply).to_contain_text("the certificate of go.acme.example is for another name")
    reply.get_by_role("button", name="Send as Stepfour").click()
    expect(reply.get_by_text("No reply is suggested now.")).to_be_visible()
    ((role, _, text),) = replies(desk, fresh.conversation)
    assert role == "bot"
    assert text.startswith("Two of the three steps")


def test_an_edited_suggestion_goes_out_in_the_agents_name(
    desk: AssistSite,
    fresh: Any,
    new_agent: Agent,
) -> None:
    page = case(new_agent(desk), fresh.conversation)
    reply = panel(page, "Suggested reply")
    reply.get_by_role("button", name="Edit and send").click()
    box = page.get_by_label("Reply to the customer")
    expect(box).to_be_focused()
    assert "[1]" not in box.input_value(), "a mark of a source means nothing in a reply box"
    box.fill("Only the certificate is left.")
    reply.get_by_role("button", name="Send in my name").click()
    expect(reply.get_by_text("No reply is suggested now.")).to_be_visible()
    assert replies(desk, fresh.conversation) == [("agent", "Bea", "Only the certificate is left.")]


def test_a_useless_suggestion_is_dropped_with_the_reason(
    desk: AssistSite,
    fresh: Any,
    new_agent: Agent,
) -> None:
    page = case(new_agent(desk), fresh.conversation)
    reply = panel(page, "Suggested reply")
    reply.get_by_role("button", name="Not useful").click()
    reply.get_by_label("It was said before").check()
    reply.get_by_label("Something else (optional)").fill("twice")
    reply.get_by_role("button", name="Drop the suggestion").click()
    expect(reply.get_by_text("No reply is suggested now.")).to_be_visible()
    assert replies(desk, fresh.conversation) == []
    notes = desk.do(desk.service.store.notes(fresh.conversation))
    assert "It was said before: twice" in notes[-1].text


def test_copy_and_the_own_reply_box(desk: AssistSite, fresh: Any, new_agent: Agent) -> None:
    agent = new_agent(desk, permissions=["clipboard-read", "clipboard-write"])
    page = case(agent, fresh.conversation)
    page.keyboard.press("Control+Shift+C")
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert "Two of the three" in page.evaluate("() => navigator.clipboard.readText()")
    page.keyboard.press("Control+Enter")
    box = page.get_by_label("Your message to the customer")
    expect(box).to_be_focused()
    assert box.input_value().startswith("Two of the three")
    assert replies(desk, fresh.conversation) == [], "nothing goes out by a shortcut from elsewhere"


# --- the action ---


def test_the_card_says_exactly_what_would_be_done_and_only_a_press_does_it(
    desk: AssistSite,
    new_agent: Agent,
) -> None:
    _, request = desk.do(waiting_case(desk.service, "c-press"))
    page = case(new_agent(desk), "c-press")
    action = panel(page, "Next action")
    card = action.get_by_role("article", name="Switch HTTPS on")
    for words in (
        "joão@loja.example · Account loja",
        "domain: links.loja.example",
        "presents a trusted certificate from Example CA",
        "minutes ago",
        "HTTPS can be switched off again at any time.",
        "Can be approved until",
    ):
        expect(card).to_contain_text(words)
    page.keyboard.press("Alt+A")
    approve = card.get_by_role("button", name="Switch HTTPS on")
    expect(approve).to_be_focused()
    assert desk.do(desk.service.store.request(request.id)).state == "proposed"
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Approved")
    expect(approve).to_have_count(0)
    done = desk.do(desk.service.store.request(request.id))
    assert (done.state, done.approved_by) == ("approved", "Bea")


def test_a_card_that_is_not_the_agents_or_no_longer_open_has_no_buttons(
    desk: AssistSite,
    new_agent: Agent,
) -> None:
    held, _ = desk.do(waiting_case(desk.service, "c-none"))
    desk.do(held.propose(approval="customer"))
    agent = new_agent(desk)
    agent.page.clock.install()
    page = case(agent, "c-none")
    page.reload()
    action = panel(page, "Next action")
    expect(action).to_contain_text("Waits for the customer's yes. Nobody can give it for them.")
    expect(action.get_by_role("button", name="Switch HTTPS on")).to_have_count(1)
    page.clock.fast_forward("01:30:00")
    expect(action.get_by_role("button", name="Switch HTTPS on")).to_have_count(0)
    expect(action).to_contain_text("The approval has expired")


def test_a_name_in_letters_is_shown_in_both_forms(desk: AssistSite, new_agent: Agent) -> None:
    held, _ = desk.do(waiting_case(desk.service, "c-idn"))
    inputs = (("domain", "links.аcme.example"), ("domain", "links.xn--mnchen-3ya.example"))
    desk.do(held.propose(inputs=inputs))
    action = panel(case(new_agent(desk), "c-idn"), "Next action")
    expect(action).to_contain_text("links.xn--cme-5cd.example")
    expect(action).to_contain_text("links.münchen.example")


# --- people ---


def test_take_over_write_give_back_and_finish(desk: AssistSite, fresh: Any, new_agent: Agent) -> None:
    page = case(new_agent(desk), fresh.conversation)

    def active() -> bool:
        found: bool = desk.do(desk.service.store.conversation(fresh.conversation)).person_active
        return found

    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("A person answers, Stepfour is silent")).to_be_visible()
    assert active()
    page.get_by_role("button", name="Give back to Stepfour").click()
    expect(page.get_by_role("button", name="Take over")).to_be_visible()
    assert not active()
    box = page.get_by_label("Your message to the customer")
    box.fill("first line")
    box.press("Enter")
    box.press_sequentially("second line")
    box.press("Control+Enter")
    expect(page.get_by_role("log").get_by_role("article").last).to_contain_text("second line")
    expect(box).to_have_value("")
    assert replies(desk, fresh.conversation) == [("agent", "Bea", "first line\nsecond line")]
    assert active()


def test_whoever_is_finished_has_the_customer_asked(desk: AssistSite, new_agent: Agent) -> None:
    held = desk.do(answer_case(desk.service, "c-finished"))
    page = case(new_agent(desk), held.conversation)
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("button", name="Give back to Stepfour")).to_be_visible()
    page.get_by_role("button", name="Finished: ask whether it is solved").click()
    expect(page.get_by_role("button", name="Take over")).to_be_visible()
    expect(panel(page, "Status").locator(".because")).to_contain_text("asked")
    assert desk.do(desk.service.store.case(held.case.id)).state == "asked"


def test_a_message_that_could_not_be_sent_stays_and_is_sent_once(
    desk: AssistSite,
    fresh: Any,
    new_agent: Agent,
) -> None:
    page = case(new_agent(desk), fresh.conversation)
    box = page.get_by_label("Your message to the customer")
    page.route("**/messages", lambda route: (route.fetch(), route.abort()))
    box.fill("Do you see this?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="The server cannot be reached")).to_be_visible()
    expect(box).to_have_value("Do you see this?")
    page.unroute("**/messages")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(box).to_have_value("")
    assert len(replies(desk, fresh.conversation)) == 1


def test_notes_and_the_dossier(desk: AssistSite, fresh: Any, new_agent: Agent) -> None:
    page = case(new_agent(desk), fresh.conversation)
    page.get_by_role("button", name="Notes").click()
    notes = panel(page, "Notes")
    expect(notes).to_contain_text("Called twice last month")
    notes.get_by_role("button", name="Add note").click()
    page.get_by_label("Note for the other agents").fill("Prefers mail.")
    notes.get_by_role("button", name="Add note", exact=True).click()
    expect(notes).to_contain_text("Prefers mail.")
    page.get_by_role("button", name="Dossier").click()
    dossier = panel(page, "Dossier").first
    with page.expect_download() as got:
        dossier.get_by_role("link", name="Download as JSON").click()
    assert json.loads(Path(got.value.path()).read_text())["procedure"] == "https-tracking-links"
    with page.expect_download() as got:
        dossier.get_by_role("link", name="Download as Markdown").click()
    assert got.value.suggested_filename.endswith(".md")
    dossier.get_by_role("button", name="Show it here").click()
    expect(dossier.locator(".dossier-page")).to_contain_text("Please switch HTTPS on")
