"""The agents' page inside other people's pages: what a desk may do, and what nobody may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from app.channels.assist.session import new_ticket
from tests.app.web.assist_browser import Seen
from tests.app.web.assist_site import AssistSite, Pages, agent, founding_case, waiting_case
from tests.app.web.browsing import DIST, needs_chromium

pytestmark = needs_chromium
Agent = Callable[..., Seen]

HTML, JS, CSS, JSON = "text/html", "text/javascript", "text/css", "application/json"

MESSAGES: list[Any] = [
    {
        "v": 1,
        "type": "init",
        "host": "evil",
        "ticket": "ticket_" + "x" * 43,
        "caps": ["context", "reply.insert", "nav"],
    },
    {"v": 1, "type": "context", "conversation": {"id": "c-other"}},
    {"v": 1, "type": "conversation.changed", "id": "c-desk"},
    {"v": 1, "type": "reply.sent", "suggestion": "SUGGESTION", "final_text": "x"},
    {"v": 1, "type": "reply.insert", "id": "q1", "text": "x", "mode": "replace"},
    {"v": 1, "type": "signed-in", "code": "x" * 40},
    {"v": 1, "type": "approve", "request": "REQUEST"},
    {"v": 1, "type": "nav", "url": "javascript:alert(1)"},
    json.dumps({"event": "appContext", "data": {"conversation": {"id": 42, "account_id": 1}}}),
    "chatwoot-dashboard-app:fetch-info",
    None,
    [],
    7,
]


class Around:
    """A site with a case and a page around it that is on the list."""

    def __init__(self, site: AssistSite, pages: Pages) -> None:
        self.site, self.pages = site, pages

    def desk(self, *conversations: str, ticket: str | None = None, **fields: Any) -> None:
        """What the example desk reads."""
        talks = [
            {
                "id": id,
                "customer": f"Customer of {id}",
                "channel": "web",
                "title": "HTTPS",
                "messages": [{"by": "Customer", "text": "Hello <b>there</b>"}],
            }
            for id in conversations
        ]
        whole = {"app": self.site.url, "ticket": ticket, "agent": "Bea", "conversations": talks} | fields
        self.pages.files["/desk.json"] = (JSON, json.dumps(whole).encode())

    def ticket(self, name: str = "Bea") -> str:
        made: str = self.site.do(new_ticket(self.site.service, agent(name), "desk"))[0]
        return made


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    built = {
        f"/{name}": (kind, (DIST / name).read_bytes())
        for name, kind in (("host.html", HTML), ("host.js", JS), ("host.css", CSS))
    }
    pages = Pages(built)
    site = AssistSite(tmp_path_factory.mktemp("frames") / "data", assist_hosts=(pages.origin,))
    site.do(founding_case(site.service, "c-desk"))
    site.do(founding_case(site.service, "c-other"))
    yield Around(site, pages)
    site.stop()
    pages.stop()


@pytest.fixture
def foreign() -> Iterator[Pages]:
    pages = Pages({})
    yield pages
    pages.stop()


def opened(agent: Seen, around: Around) -> FrameLocator:
    agent.page.goto(f"{around.pages.origin}/host.html")
    return agent.page.frame_locator("iframe")


def state(site: AssistSite, conversation: str) -> Any:
    """Everything that a message could have changed."""

    async def read() -> Any:
        store = site.service.store
        found = await store.conversation(conversation)
        return (
            found,
            [m.id for m in await store.messages(conversation)],
            [(s.id, s.state) for s in await store.suggestions(conversation)],
            [(r.id, r.state) for r in await store.requests()],
            [n.id for n in await store.notes(conversation)],
            await store.last_seq(conversation),
            list(site.service.moves),
        )

    return site.do(read())


# --- the contract ---


def test_a_ticket_signs_in_and_the_desk_says_which_conversation(around: Around, new_agent: Agent) -> None:
    around.desk("c-desk", "c-other", ticket=around.ticket("Tom"))
    seen = new_agent(around.site, sign_in=False)
    frame = opened(seen, around)
    expect(frame.get_by_title("Signed in as Tom")).to_be_visible()
    expect(frame.locator("#case-title")).to_have_text("HTTPS for tracking links")
    expect(seen.page.locator(".desk-badge")).to_have_text("2")
    inside = next(f for f in seen.page.frames if f.url.startswith(around.site.url))
    assert inside.url.endswith("#/c/c-desk")
    seen.page.get_by_role("button", name="Customer of c-other").click()
    inside.wait_for_function("() => location.hash === '#/c/c-other'")
    expect(frame.locator("#case-title")).to_be_visible()
    assert seen.complaints == []


def test_a_reply_goes_into_the_desks_box_and_is_not_offered_again(around: Around, new_agent: Agent) -> None:
    held = around.site.do(founding_case(around.site.service, "c-insert"))
    around.desk("c-insert", reply=True)
    seen = new_agent(around.site)
    frame = opened(seen, around)
    frame.get_by_role("button", name="Insert into the reply").click()
    box = seen.page.get_by_label("Reply", exact=True)
    expect(box).to_be_focused()
    assert box.input_value().startswith("Two of the three steps")
    expect(frame.get_by_role("status").filter(has_text="Inserted.")).to_be_attached()
    seen.page.get_by_role("button", name="Send", exact=True).click()
    expect(frame.get_by_text("No reply is suggested now.")).to_be_visible()
    assert [path for path, _ in around.pages.posts] == ["/reply"]
    store = around.site.service.store
    assert [s.state for s in around.site.do(store.suggestions(held.conversation))] == ["dismissed"]
    assert len(around.site.do(store.messages(held.conversation))) == 3, "the desk has sent it, not we"


def test_links_and_the_way_back_are_the_desks(around: Around, new_agent: Agent) -> None:
    around.desk("c-desk")
    seen = new_agent(around.site)
    frame = opened(seen, around)
    with seen.context.expect_page() as got:
        frame.get_by_role("link", name="HTTPS for tracking links", exact=True).first.click()
    assert "/help/en/https-tracking-links" in got.value.url
    got.value.close()
    frame.get_by_role("button", name="Status", exact=True).focus()
    seen.page.keyboard.press("Escape")
    expect(seen.page.get_by_label("Reply", exact=True)).to_be_focused()
    assert int(seen.page.locator("iframe").get_attribute("data-height") or 0) > 300


def test_news_from_the_desk_reads_the_case_again(around: Around, new_agent: Agent) -> None:
    around.desk("c-desk")
    seen = new_agent(around.site)
    frame = opened(seen, around)
    expect(frame.locator("#case-title")).to_be_visible()
    seen.page.wait_for_timeout(500)
    before = len([url for url in seen.asked if url.endswith("/v1/agent/conversations/c-desk")])
    seen.page.get_by_label("Reply", exact=True).fill("On it.")
    seen.page.get_by_role("button", name="Send", exact=True).click()
    expect(seen.page.locator(".desk-log")).to_contain_text("On it.")
    seen.page.wait_for_timeout(800)
    assert len([url for url in seen.asked if url.endswith("/v1/agent/conversations/c-desk")]) == before + 1


def test_the_frame_follows_the_desks_theme_and_language(around: Around, new_agent: Agent) -> None:
    around.desk("c-desk")
    seen = new_agent(around.site, color_scheme="dark", locale="es-ES")
    frame = opened(seen, around)
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    expect(frame.get_by_role("button", name="Insertar en la respuesta")).to_be_visible()


def test_signing_in_from_a_frame_happens_in_a_window_of_ours(around: Around, new_agent: Agent) -> None:
    around.desk("c-desk")
    seen = new_agent(around.site, sign_in=False)
    frame = opened(seen, around)
    with seen.context.expect_page() as got:
        frame.get_by_role("button", name="Sign in in a window").click()
    window = got.value
    assert window.url.startswith(around.site.url)
    window.get_by_label("One-time link or code").fill(around.site.link("Bea"))
    window.get_by_role("button", name="Sign in", exact=True).click()
    expect(frame.get_by_title("Signed in as Bea")).to_be_visible()
    expect(frame.locator("#case-title")).to_be_visible()
    window.wait_for_event("close") if not window.is_closed() else None


def test_an_approval_is_never_given_inside_another_page(around: Around, new_agent: Agent) -> None:
    _, request = around.site.do(waiting_case(around.site.service, "c-framed"))
    around.desk("c-framed")
    seen = new_agent(around.site)
    frame = opened(seen, around)
    open_it = frame.get_by_role("button", name="Switch HTTPS on: open to approve")
    with seen.context.expect_page() as got:
        open_it.click()
    window = got.value
    approve = window.get_by_role("button", name="Switch HTTPS on", exact=True)
    expect(approve).to_be_focused()
    stored = around.site.service.store.request
    assert around.site.do(stored(request.id)).state == "proposed"
    approve.press("Enter")
    expect(window.get_by_role("article", name="Switch HTTPS on")).to_contain_text("Approved")
    expect(frame.get_by_role("article", name="Switch HTTPS on")).to_contain_text("Approved")


def test_the_desk_has_no_faults_of_its_own(around: Around, new_agent: Agent) -> None:
    from axe_playwright_python.sync_playwright import Axe

    around.desk("c-desk", "c-other")
    seen = new_agent(around.site)
    frame = opened(seen, around)
    expect(frame.locator("#case-title")).to_be_visible()
    found = Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()


# --- what nobody may ---


def test_a_page_that_is_not_on_the_list_gets_no_frame(
    around: Around, foreign: Pages, new_agent: Agent
) -> None:
    for path in ("/assist", "/assist/chatwoot", "/assist/sign-in"):
        foreign.files["/"] = (HTML, f'<iframe src="{around.site.url}{path}"></iframe>'.encode())
        seen = new_agent(around.site)
        seen.page.goto("about:blank")
        seen.asked.clear()
        seen.page.goto(foreign.origin)
        seen.page.wait_for_timeout(600)
        assert not [url for url in seen.asked if "/v1/" in url or url.endswith(".js")], path
        assert any("frame-ancestors" in line for line in seen.complaints), path


def script(target: str, messages: list[Any]) -> str:
    return (
        f"const messages = {json.dumps(messages)};"
        f"const send = () => {{ const to = {target}; if (!to) return; for (const m of messages) {{"
        " to.postMessage(m, '*'); const c = new MessageChannel(); to.postMessage(m, '*', [c.port2]);"
        " for (const n of messages) c.port1.postMessage(n); } window.sent = (window.sent ?? 0) + 1; };"
        "setInterval(send, 200);"
    )


def named(site: AssistSite, conversation: str) -> list[Any]:
    """Every message, naming what is really there."""
    found = site.do(site.service.store.suggestions(conversation))
    return json.loads(json.dumps(MESSAGES).replace("SUGGESTION", found[-1].id))  # type: ignore[no-any-return]


def test_messages_from_whoever_opened_the_page_change_nothing(
    around: Around, foreign: Pages, new_agent: Agent
) -> None:
    messages = named(around.site, "c-desk")
    address = f"{around.site.url}/assist#/c/c-desk"
    body = (
        "<button onclick=\"window.opened = window.open('"
        + address
        + "')\">open</button><script>"
        + script("window.opened", messages)
        + "</script>"
    )
    foreign.files["/"] = (HTML, body.encode())
    seen = new_agent(around.site)
    before = state(around.site, "c-desk")
    seen.page.goto(foreign.origin)
    with seen.context.expect_page() as got:
        seen.page.get_by_role("button", name="open").click()
    theirs = got.value
    expect(theirs.locator("#case-title")).to_be_visible()
    seen.page.wait_for_function("() => window.sent > 5")
    theirs.wait_for_timeout(500)
    assert state(around.site, "c-desk") == before
    assert theirs.url == address
    assert not [url for url in seen.asked if "/hosts/" in url]
    assert seen.complaints == []


@pytest.mark.parametrize("path", ["/assist", "/assist/chatwoot"])
def test_messages_from_another_frame_of_a_listed_desk_change_nothing(
    around: Around, foreign: Pages, new_agent: Agent, path: str
) -> None:
    """The desk is on the list; an advertisement in it is not, though it can reach our frame."""
    messages = named(around.site, "c-desk")
    around.site.located[1, 42] = "c-other"
    foreign.files["/"] = (HTML, f"<script>{script('parent.frames[0]', messages)}</script>".encode())
    around.pages.files["/with-ad.html"] = (
        HTML,
        f'<iframe src="{around.site.url}{path}#/c/c-desk" width="900" height="700"></iframe>'
        f'<iframe src="{foreign.origin}/"></iframe>'.encode(),
    )
    seen = new_agent(around.site)
    before = state(around.site, "c-desk")
    seen.page.goto(f"{around.pages.origin}/with-ad.html")
    ours = seen.page.frame_locator("iframe").first
    expect(ours.locator(".shell")).to_be_visible()
    ad = next(f for f in seen.page.frames if f.url.startswith(foreign.origin))
    ad.wait_for_function("() => window.sent > 5")
    seen.page.wait_for_timeout(500)
    assert state(around.site, "c-desk") == before
    assert not [url for url in seen.asked if "/hosts/" in url or "c-other" in url]
    assert seen.complaints == []


def test_a_listed_desk_can_only_name_and_never_do(around: Around, new_agent: Agent) -> None:
    """Even who is on the list and shakes hands has no message that sends, approves or takes over."""
    messages = named(around.site, "c-desk")
    quiet = [m for m in messages if not (isinstance(m, dict) and m["type"] in ("init", "reply.sent"))]
    around.pages.files["/greedy.html"] = (
        HTML,
        (
            f'<iframe src="{around.site.url}/assist#/c/c-desk" width="900" height="700"></iframe><script>'
            "addEventListener('message', (e) => { if (e.data?.type !== 'ready') return;"
            "const c = new MessageChannel();"
            f"e.source.postMessage({json.dumps(messages[0])}, e.origin, [c.port2]);"
            f"for (const m of {json.dumps(quiet)}) c.port1.postMessage(m); window.shaken = true; }})</script>"
        ).encode(),
    )
    seen = new_agent(around.site)
    before = state(around.site, "c-desk"), state(around.site, "c-other")
    seen.page.goto(f"{around.pages.origin}/greedy.html")
    seen.page.wait_for_function("() => window.shaken")
    frame = seen.page.frame_locator("iframe")
    expect(frame.locator("#case-title")).to_be_visible()
    seen.page.wait_for_timeout(800)
    assert (state(around.site, "c-desk"), state(around.site, "c-other")) == before
    assert seen.complaints == []


# --- Chatwoot ---


def chatwoot(around: Around, *answers: Any, after: int = 1) -> str:
    """A page that answers like Chatwoot's dashboard: a string, after it was asked so often."""
    body = f"""<iframe src="{around.site.url}/assist/chatwoot" width="420" height="700"></iframe><script>
    window.asked = [];
    addEventListener('message', (e) => {{
      if (e.data !== 'chatwoot-dashboard-app:fetch-info') return;
      window.asked.push(performance.now());
      if (window.asked.length < {after}) return;
      for (const answer of {json.dumps(answers)}) frames[0].postMessage(answer, '*');
    }})</script>"""
    around.pages.files["/app"] = (HTML, body.encode())
    return f"{around.pages.origin}/app"


def context(account: Any, conversation: Any) -> str:
    data = {"conversation": {"id": conversation, "account_id": account, "status": "open"}, "contact": {}}
    return json.dumps({"event": "appContext", "data": data})


def asked_host(seen: Seen) -> list[str]:
    return [url.split("/v1/")[1] for url in seen.asked if "/hosts/" in url]


def here(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_chatwoots_context_is_a_hint_that_the_server_looks_up(around: Around, new_agent: Agent) -> None:
    around.site.located[1, 42] = "c-desk"
    seen = new_agent(around.site)
    seen.page.goto(chatwoot(around, context(1, 42), after=2))
    expect(here(seen.page).locator("#case-title")).to_have_text("HTTPS for tracking links")
    expect(here(seen.page).get_by_role("navigation", name="Cases")).to_have_count(0)
    assert asked_host(seen) == ["agent/hosts/chatwoot/1/42"]
    assert seen.complaints == []


def test_without_a_conversation_it_asks_four_times_and_says_what_to_do(
    around: Around, new_agent: Agent
) -> None:
    odd = [
        context("1", 42),
        context(1, "42; drop"),
        context(1, 4.5),
        context(-1, 2),
        "{",
        "null",
        {"event": 1},
    ]
    seen = new_agent(around.site)
    seen.page.goto(chatwoot(around, *odd))
    expect(here(seen.page).get_by_role("heading", name="Open this from a conversation")).to_be_visible()
    seen.page.wait_for_function("() => window.asked.length === 4")
    seen.page.wait_for_timeout(500)
    assert seen.page.evaluate("() => window.asked.length") == 4
    assert asked_host(seen) == []


def test_a_conversation_that_we_do_not_know_is_named_as_such(around: Around, new_agent: Agent) -> None:
    seen = new_agent(around.site)
    seen.page.goto(chatwoot(around, context(1, 777)))
    expect(here(seen.page).get_by_text("Stepfour does not know this conversation yet.")).to_be_visible()


def test_chatwoots_frame_has_no_faults(around: Around, new_agent: Agent) -> None:
    from axe_playwright_python.sync_playwright import Axe

    seen = new_agent(around.site)
    seen.page.goto(f"{around.site.url}/assist/chatwoot")
    expect(seen.page.get_by_role("heading", name="Open this from a conversation")).to_be_visible()
    found = Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()
