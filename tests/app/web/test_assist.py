"""The agents' page in a real browser, on the real server: signing in, the list, and a case."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from app.models.decision import Guide
from app.models.people import Principal
from app.models.record import Record
from tests.app.web.assist_browser import Seen, case, panel
from tests.app.web.assist_site import (
    CHECKS,
    IDS,
    AssistSite,
    ago,
    finding,
    founding_case,
    founding_facts,
    opened,
    waiting_case,
)
from tests.app.web.browsing import needs_chromium

pytestmark = needs_chromium
Agent = Callable[..., Seen]


# --- signing in ---


def test_a_one_time_link_signs_in_at_a_press_and_once(desk: AssistSite, new_agent: Agent) -> None:
    link = desk.link("Bea")
    page = new_agent(desk, sign_in=False).page
    page.goto(link)
    expect(page.get_by_role("heading", name="Stepfour for agents")).to_be_visible()
    assert "code" not in page.url, "the code is taken off the address at once"
    assert not page.context.cookies(), "looking at the page uses nothing up"
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_title("Signed in as Bea")).to_be_visible()
    assert all(cookie["httpOnly"] for cookie in page.context.cookies())
    again = new_agent(desk, sign_in=False).page
    again.goto(link)
    again.get_by_role("button", name="Sign in", exact=True).click()
    used = again.get_by_role("alert").filter(has_text="This link was used already, or its time is over.")
    expect(used).to_be_visible()


def test_nobody_sees_anything_unsigned(desk: AssistSite, new_agent: Agent) -> None:
    agent = new_agent(desk, sign_in=False)
    agent.page.goto(f"{desk.url}/assist#/c/c-founding")
    expect(agent.page.get_by_label("One-time link or code")).to_be_visible()
    agent.page.get_by_label("One-time link or code").fill(desk.link("Tom"))
    agent.page.get_by_role("button", name="Sign in").click()
    expect(agent.page.locator("#case-title")).to_have_text("HTTPS for tracking links")


def test_a_session_that_ended_says_so_and_goes_on_after_signing_in(
    desk: AssistSite,
    fresh: Any,
    new_agent: Agent,
) -> None:
    agent = new_agent(desk)
    page = case(agent, fresh.conversation)
    page.context.clear_cookies()
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("Your sign-in has ended. Sign in again.")).to_be_visible()
    page.get_by_label("One-time link or code").fill(desk.link("Bea"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#case-title")).to_be_visible()
    assert not desk.do(desk.service.store.conversation(fresh.conversation)).person_active


# --- the list ---


def test_the_list_shows_who_waits_and_what_is_ready(desk: AssistSite, new_agent: Agent) -> None:
    page = new_agent(desk).page
    rows = page.get_by_role("navigation", name="Cases").get_by_role("listitem")
    visitor = rows.filter(has_text="Not signed in")
    expect(visitor).to_contain_text("Slack")
    expect(visitor).to_contain_text(re.compile(r"waiting \d+ minutes?"))
    expect(visitor).to_contain_text("Needs a person")
    expect(rows.filter(has_text="joão@loja.example")).to_contain_text("Approval waits")
    expect(rows.filter(has=page.locator('a[href="#/c/c-founding"]'))).to_contain_text("Reply ready")
    page.get_by_role("button", name=re.compile("^Solved")).click()
    expect(rows).to_have_count(0)
    expect(page.get_by_text("Nothing is solved yet.")).to_be_visible()


def test_news_changes_the_list_and_the_case_by_themselves(
    desk: AssistSite,
    fresh: Any,
    new_agent: Agent,
) -> None:
    agent = new_agent(desk)
    page = case(agent, fresh.conversation)
    other = desk.do(
        opened(desk.service, f"c-live-{fresh.conversation}", Principal(kind="customer", id="zoe"))
    )
    row = page.get_by_role("listitem").filter(has=page.locator(f'a[href="#/c/{other.conversation}"]'))
    expect(row).to_have_count(0)
    desk.do(other.say("Nobody has answered me."))
    expect(row).to_contain_text("zoe")
    desk.do(fresh.say("It is urgent, by the way."))
    expect(page.get_by_role("log").get_by_role("article").last).to_contain_text("It is urgent, by the way.")


def test_on_a_narrow_screen_list_and_case_are_two_views(desk: AssistSite, new_agent: Agent) -> None:
    page = new_agent(desk, viewport={"width": 280, "height": 640}).page
    listed = page.get_by_role("navigation", name="Cases")
    expect(listed).to_be_visible()
    listed.locator('a[href="#/c/c-founding"]').click()
    expect(page.locator("#case-title")).to_be_focused()
    expect(listed).to_be_hidden()
    page.get_by_role("link", name="All cases").click()
    expect(listed).to_be_visible()
    expect(page.locator("#case-title")).to_have_count(0)


# --- a case ---


def test_every_clause_of_the_summary_leads_to_its_message(
    desk: AssistSite,
    new_agent: Agent,
) -> None:
    page = case(new_agent(desk), "c-founding")
    summary = panel(page, "Summary")
    expect(summary.locator("dt")).to_have_text(["Problem", "Tried", "Blocked on"])
    summary.get_by_role("link", name=re.compile("claimed but not so")).click()
    second = page.get_by_role("article").filter(has_text="Before you ask")
    expect(second).to_be_focused()
    expect(second).to_be_in_viewport()


def test_what_was_said_shown_and_seen_stand_apart(desk: AssistSite, new_agent: Agent) -> None:
    page = case(new_agent(desk), "c-founding")
    steps = panel(page, "Customer's steps").get_by_role("listitem")
    third = steps.nth(2)
    expect(third.locator(".step-word")).to_have_text("Said to be done, but is not")
    expect(third.locator("dt")).to_have_text(["Customer said", "Evidence", "Our check"])
    said, shown, seen = (third.locator("dd").nth(n) for n in range(3))
    expect(said).to_contain_text("“the certificate is there since yesterday”")
    expect(shown).to_contain_text("issuer=C = XX, O = Example CA")
    expect(seen).to_contain_text("Does not hold go.acme.example presents a certificate for *.cdn.example")
    expect(seen.locator("time")).to_have_text(re.compile(r"^\d minutes ago$"))
    expect(steps.nth(1).locator("dd").nth(1)).to_contain_text("Bea · ")
    said.get_by_role("link").click()
    expect(page.get_by_role("article").filter(has_text="Before you ask")).to_be_focused()


def test_what_was_seen_alike_of_two_names_is_said_once(desk: AssistSite, new_agent: Agent) -> None:
    made = desk.do(founding_case(desk.service, "c-two-names"))
    said = desk.do(made.say("And now?"))
    facts = founding_facts({"first": said, "second": said})
    one = finding(CHECKS[0], "tracking_on", True, minutes=4)
    alike = (one, one.model_copy(update={"subject": "links.acme.example", "at": ago(minutes=1)}))
    steps = (facts.steps[0].model_copy(update={"findings": alike}), *facts.steps[1:])
    desk.do(made.turn(said, Guide(because="so", step=IDS[2]), facts.model_copy(update={"steps": steps})))
    page = case(new_agent(desk), "c-two-names")
    seen = panel(page, "Customer's steps").get_by_role("listitem").first.locator("dd").nth(2)
    expect(seen.locator(".one")).to_have_count(1)
    expect(seen).to_contain_text("links.acme.example")
    expect(seen.locator("time")).to_have_text("4 minutes ago")


def test_what_is_solved_is_blocked_on_nothing_and_its_card_speaks_no_code(
    desk: AssistSite, new_agent: Agent
) -> None:
    held, request = desk.do(waiting_case(desk.service, "c-solved"))
    page = case(new_agent(desk, locale="es-ES"), "c-solved")
    expect(panel(page, "Resumen").locator("dt")).to_have_text(["Problema", "Intentado", "Detenido en"])
    for state in ("approved", "executing", "verifying", "done"):
        moved = desk.do(desk.service.store.move(request, state, detail="read back: account_field"))
        assert moved is not None
        request = moved
    solved = held.case.model_copy(update={"state": "solved", "resolution": "verified"})
    desk.do(desk.service.store.record(Record(conversation="c-solved", case=solved)))
    page.reload()
    expect(panel(page, "Resumen").locator("dt")).to_have_text(["Problema", "Intentado"])
    card = page.locator(".action article")
    panel(page, "Acción siguiente").get_by_role("button").first.click()
    expect(card).to_contain_text("Hecha y comprobada de nuevo")
    expect(card).not_to_contain_text("read back")


def test_the_agent_attests_and_runs_checks(desk: AssistSite, fresh: Any, new_agent: Agent) -> None:
    page = case(new_agent(desk), fresh.conversation)
    steps = panel(page, "Customer's steps")
    steps.get_by_role("button", name="Seen by me: Put a certificate in front of it").click()
    box = page.get_by_label("What did you see, and where?")
    expect(box).to_be_focused()
    box.fill("Certificate in their proxy's panel, valid.")
    steps.get_by_role("button", name="Record what I saw").click()
    third = steps.get_by_role("listitem").nth(2)
    expect(third.locator("dd").nth(1)).to_contain_text("Certificate in their proxy's panel, valid.")
    facts = desk.do(desk.service.store.facts(fresh.case.id))
    assert [
        (f.step, f.by) for f in facts if f.kind == "note" and f.by == "Bea" and "panel, valid" in f.note
    ] == [(IDS[2], "Bea")]
    steps.get_by_role("button", name="Run checks").click()
    expect(page.get_by_role("status").filter(has_text="Checking")).to_be_visible()
    assert ("look_again", fresh.conversation) in [move[:2] for move in desk.service.moves]


def test_what_an_agent_types_survives_news(desk: AssistSite, fresh: Any, new_agent: Agent) -> None:
    page = case(new_agent(desk), fresh.conversation)
    page.get_by_label("Your message to the customer").fill("half a sent")
    panel(page, "Suggested reply").get_by_role("button", name="Edit and send").click()
    editing = page.get_by_label("Reply to the customer")
    editing.fill("My own words")
    page.get_by_role("button", name="Not applicable: Put a certificate in front of it").click()
    reason = page.get_by_label("Why does this step not apply here?")
    reason.fill("They have no")
    desk.do(fresh.say("Anybody there?"))
    expect(page.get_by_role("log")).to_contain_text("Anybody there?")
    expect(reason).to_be_focused()
    expect(reason).to_have_value("They have no")
    expect(editing).to_have_value("My own words")
    expect(page.get_by_label("Your message to the customer")).to_have_value("half a sent")
