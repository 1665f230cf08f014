"""The founding case where people meet it: the widget, Slack, the agents' page; and across them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.demo import MESSAGES
from app.demo_switch import MESSAGES as SWITCHING
from evals.world import scenarios
from evals.world.spec import Spec
from evals.world.world import World
from tests.app.web.browsing import needs_chromium
from tests.app.web.hosts import serving as hosts
from tests.e2e.conftest import https_switches
from tests.e2e.surfaces.kept import Kept, repeated
from tests.e2e.surfaces.killable import Killable
from tests.e2e.surfaces.model import model
from tests.e2e.surfaces.pages import Browse, Desk, Widget
from tests.e2e.surfaces.stage import AGENTS, KIM, QUIET, Stage, until
from tests.e2e.test_founding_case import domain_of, explained

pytest_plugins = ["tests.e2e.surfaces.fixtures"]
pytestmark = [needs_chromium, pytest.mark.slow]

Scene = Callable[..., Spec]
STEPS = 3


def founding(spec: Spec, lang: str = "en") -> str:
    """Steps 1 to 3 are done, and HTTPS is asked for."""
    return MESSAGES[lang][0].format(domain=domain_of(spec))


def nothing_twice(kept: Kept, spec: Spec) -> None:
    """No step is explained and no question asked more than once, in whatever place."""
    turns = kept.turns(spec.account)
    guided = Counter(turn.decision.step for turn in turns if turn.decision.kind == "guide")
    asked = Counter(turn.decision.step for turn in turns if turn.decision.kind == "ask")
    assert all(times == 1 for times in (guided + asked).values()), (guided, asked)
    texts = [message.text for message in kept.said(spec.account)]
    assert repeated(texts) == []
    lines = [line for text in texts for line in explained(text)]
    assert len(lines) == len(set(lines)), lines


def done_once(at: Stage, spec: Spec) -> None:
    """One case, one request, one effect in the world, seen to have taken effect."""
    assert https_switches(at.world, spec.account) == 1
    assert len(at.world.effects(spec.account)) == 1
    [case] = at.kept.cases(spec.account)
    assert (case.state, case.resolution) == ("solved", "verified")
    [request] = at.kept.requests(case.id)
    assert request.state == "done"


# --- wholly on one surface ---


def test_the_founding_case_in_the_widget(acts: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.all_ready)
    shop = Widget(browse(), acts.shop_page(spec)).open()
    shop.send(founding(spec))
    expect(shop.log.locator(".message.bot")).to_contain_text("HTTPS is now on")
    shop.stands("resolved")
    shop.progress("4 of 4 done")
    assert len(shop.said()) == 1
    assert "?" not in shop.said()[0], "nothing is asked"
    assert explained(shop.said()[0]) == [], "nothing is explained"
    assert shop.foreign(acts.site.url, acts.host.url) == []
    assert shop.complaints == []
    done_once(acts, spec)
    nothing_twice(acts.kept, spec)


def test_the_founding_case_in_slack(acts: Stage, scene: Scene) -> None:
    spec = scene(scenarios.all_ready)
    ana = acts.member(spec)
    root = acts.post(ana, founding(spec))
    said = acts.until_ours(root, lambda texts: any("HTTPS is now on" in text for text in texts))
    acts.settle()
    said = acts.ours(root)
    assert sum("HTTPS is now on" in text for text in said) == 1
    assert not any("?" in text for text in said)
    assert acts.slack.violations == []
    assert acts.slack.unfurling == []
    done_once(acts, spec)
    nothing_twice(acts.kept, spec)


def test_the_founding_case_by_an_agent_who_sends_what_is_suggested(
    asks: Stage, scene: Scene, browse: Browse
) -> None:
    """A channel where it only suggests: an agent sends its words and approves what it proposes."""
    spec = scene(scenarios.second_not_ready)
    ana = asks.member(spec)
    root = asks.post(ana, f"<@{asks.slack.bot_user}> {founding(spec)}", channel=QUIET)
    asks.until_card(AGENTS, "send")
    asks.settle()
    assert asks.ours(root) == [], "nothing is said before an agent says so"
    conversation = asks.kept.in_channel(spec.account, "slack").id

    desk = Desk(browse(), asks.sign_in_link()).case(conversation)
    expect(desk.panel("Suggested reply").locator(".suggested")).to_contain_text(spec.hosts[1])
    desk.press("Send as Stepfour")
    expect(desk.panel("Suggested reply").locator(".suggested")).to_have_count(0)
    [suggestion] = asks.kept.suggestions(conversation)
    assert (suggestion.state, suggestion.by) == ("sent", "Kim")
    [guide] = asks.until_ours(root, lambda texts: len(texts) == 1)
    assert spec.hosts[1] in guide

    asks.becomes_ready(spec)
    asks.post(
        ana,
        f"The certificate of {spec.hosts[1]} is there now. Please switch it on.",
        channel=QUIET,
        thread=root.ts,
    )
    approve = desk.panel("Next action").get_by_role("button", name="Switch HTTPS on")
    expect(approve).to_be_visible()
    assert asks.world.effects(spec.account) == ()
    approve.click()
    expect(desk.panel("Next action")).to_contain_text("Done, and checked again")
    assert desk.words() == ["Checked"] * STEPS
    done_once(asks, spec)
    nothing_twice(asks.kept, spec)
    [request] = asks.kept.requests(asks.kept.cases(spec.account)[0].id)
    assert request.approved_by == "Kim"
    assert asks.slack.violations == []
    assert desk.complaints == []


# --- one case across them ---


@pytest.mark.parametrize("lang", ["pt", "en", "es"])
def test_from_the_widget_to_slack_to_the_agents_page(
    lang: str, asks: Stage, scene: Scene, browse: Browse
) -> None:
    spec = scene(scenarios.record_direct)
    first, second = (text.format(domain=domain_of(spec)) for text in SWITCHING[lang])
    ana = asks.member(spec)
    shop = Widget(browse(), asks.shop_page(spec)).open()
    shop.send(first)
    expect(shop.log.locator(".message.bot")).to_have_count(1)
    shop.progress("2 of 3 done")

    asks.becomes_ready(spec)
    root = asks.post(ana, second.replace("@bot", f"<@{asks.slack.bot_user}>"))
    asks.until_card(AGENTS, "approve", spec.hosts[0])
    asks.settle()
    before = asks.ours(root)

    web, slack = (asks.kept.in_channel(spec.account, name).id for name in ("web", "slack"))
    desk = Desk(browse(), asks.sign_in_link()).case(slack)
    assert desk.words() == ["Checked"] * STEPS
    expect(desk.panel("Conversation")).to_contain_text(first)
    desk.panel("Next action").get_by_role("button", name="Switch HTTPS on").click()
    expect(desk.panel("Next action")).to_contain_text("Done, and checked again")
    asks.until_ours(root, lambda texts: len(texts) > len(before))
    asks.settle()

    done_once(asks, spec)
    nothing_twice(asks.kept, spec)
    kinds = [turn.decision.kind for turn in asks.kept.turns(spec.account)]
    assert (kinds.count("guide"), kinds.count("ask")) == (1, 0)
    ledgers = {name: asks.kept.steps_shown(id) for name, id in (("web", web), ("slack", slack))}
    desk.case(web)
    expect(desk.panel("Customer's steps").locator(".step-word")).to_have_text(["Checked"] * STEPS)
    assert {word for _, word in ledgers["slack"]} == {"verified"}
    assert ledgers["web"] == ledgers["slack"]
    shop.progress("4 of 4 done")
    assert asks.slack.violations == []
    assert shop.complaints + desk.complaints == []


# --- people ---


def test_a_person_takes_over_and_gives_back(acts: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.second_not_ready)
    shop = Widget(browse(), acts.shop_page(spec)).open()
    shop.send(founding(spec))
    expect(shop.log.locator(".message.bot")).to_have_count(1)
    shop.page.get_by_role("button", name="Talk to a person").click()
    shop.stands("with_agents")
    expect(shop.log).to_contain_text("You need not explain it again")
    conversation = acts.kept.in_channel(spec.account, "web").id
    ours = len(acts.kept.messages(conversation, "bot"))

    desk = Desk(browse(), acts.sign_in_link("Rita")).case(conversation)
    desk.press("Take over")
    shop.stands("human_active")
    expect(shop.page.locator(".status")).to_contain_text("Rita is with you")
    desk.write("Hello, I look at your proxy myself.")
    expect(shop.log.locator(".message.agent")).to_contain_text("I look at your proxy myself")
    shop.send("Thanks! It is Cloudflare, by the way. How do I set up a branded link?")
    expect(desk.panel("Conversation")).to_contain_text("It is Cloudflare, by the way")
    shop.send("And is the certificate free?")
    expect(desk.panel("Conversation")).to_contain_text("is the certificate free?")
    until(lambda: acts.kept.read(conversation, 3))
    read = {message.id for message in acts.kept.messages(conversation, "customer")[1:]}
    later = [turn.decision.kind for turn in acts.kept.turns_of(conversation) if turn.trigger in read]
    assert later
    assert set(later) == {"stay_silent"}
    assert len(acts.kept.messages(conversation, "bot")) == ours, "silent while a person is there"

    acts.becomes_ready(spec)
    desk.press("Give back to Stepfour")
    expect(shop.log).to_contain_text("Stepfour answers again")
    shop.send(f"The certificate of {spec.hosts[1]} is there now.")
    # By this message or by a look of our own, whichever comes first; never by both.
    expect(shop.log.locator(".message.bot").filter(has_text="HTTPS is now on")).to_have_count(1)
    until(lambda: acts.kept.read(conversation, 4))
    shop.stands("resolved")
    assert https_switches(acts.world, spec.account) == 1
    nothing_twice(acts.kept, spec)
    assert shop.complaints + desk.complaints == []


@pytest.mark.parametrize("place", ["slack", "desk"])
def test_an_agent_approves_where_they_are(place: str, asks: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.all_ready)
    shop = Widget(browse(), asks.shop_page(spec)).open()
    shop.send(founding(spec))
    shop.stands("awaiting_approval")
    expect(shop.log.get_by_role("button", name="Switch HTTPS on")).to_have_count(0)
    card = asks.until_card(AGENTS, "approve", spec.hosts[0])
    assert asks.world.effects(spec.account) == ()
    conversation = asks.kept.in_channel(spec.account, "web").id
    desk = Desk(browse(), asks.sign_in_link()).case(conversation)
    approve = desk.panel("Next action").get_by_role("button", name="Switch HTTPS on")
    expect(approve).to_be_visible()
    if place == "slack":
        asks.press(KIM, card, "approve")
    else:
        approve.click()
    expect(shop.log.locator(".message.bot").last).to_contain_text("HTTPS is now on")
    shop.stands("resolved")
    expect(desk.panel("Next action")).to_contain_text("Done, and checked again")
    expect(approve).to_have_count(0)
    asks.slack.run(asks.slack.until(lambda: _decided(asks, card.ts), 30), 40)
    done_once(asks, spec)
    nothing_twice(asks.kept, spec)
    assert asks.slack.violations == []


def _decided(at: Stage, ts: str) -> bool:
    """The card in the agents' channel has no button left."""
    now = at.slack.message(AGENTS, ts)
    return now is not None and now.button("approve") is None


# --- nothing lost, nothing double ---


def test_a_reload_and_a_second_tab_show_the_same(acts: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.second_not_ready)
    context = browse()
    shop = Widget(context, acts.shop_page(spec)).open()
    shop.send(founding(spec))
    shop.stands("watching")
    expect(shop.log.locator(".message.bot")).to_have_count(1)
    shop.page.get_by_role("button", name="Talk to a person").click()
    shop.stands("with_agents")
    expect(shop.log.locator(".note")).to_have_count(1)
    before = shop.shown()
    assert len(before) >= 3
    shop.page.reload()
    expect(shop.panel).to_be_visible()
    shop.stands("with_agents")
    expect(shop.log.locator(".note")).to_have_count(1)
    assert shop.shown() == before
    other = Widget(context, shop.page.url).open()
    other.stands("with_agents")
    expect(other.log.locator(".note")).to_have_count(1)
    assert other.shown() == before
    other.send("One more thing: it is urgent.")
    shop.arrived(2)
    other.arrived(2)
    assert shop.shown() == other.shown()
    assert [m.text for m in acts.kept.said(spec.account, "customer")][1:] == ["One more thing: it is urgent."]


def test_two_messages_in_the_outbox_while_offline(acts: Stage, scene: Scene, browse: Browse) -> None:
    spec = scene(scenarios.second_not_ready)
    context = browse()
    shop = Widget(context, acts.shop_page(spec)).open()
    shop.send("Hello there!")
    expect(shop.log.locator(".message.bot")).to_have_count(1)
    context.set_offline(True)
    texts = ["Click tracking is on.", "The branded links are validated, too."]
    for text in texts:
        shop.send(text)
    expect(shop.log.locator(".unsent")).to_have_count(2)
    expect(shop.panel.get_by_role("alert")).to_contain_text("What you wrote is kept")
    assert len(acts.kept.said(spec.account, "customer")) == 1
    context.set_offline(False)
    shop.arrived(3)
    assert [m.text for m in acts.kept.said(spec.account, "customer")][1:] == texts
    assert shop.said("customer")[1:] == texts
    expect(shop.log.locator(".message.bot")).not_to_have_count(1)
    conversation = acts.kept.in_channel(spec.account, "web").id
    until(lambda: acts.kept.read(conversation, 3))
    nothing_twice(acts.kept, spec)


def test_the_server_is_killed_while_it_streams(
    world: World, scene: Scene, browse: Browse, filled: Callable[[Path], Path], tmp_path: Path
) -> None:
    """In the middle of a reply: the browser ends with exactly what is stored, once."""
    spec = scene(scenarios.all_ready)
    data = filled(tmp_path / "data")
    kept = Kept(data)
    with model("How long does an invitation for a new colleague stay valid?") as llm, hosts() as host:
        server = Killable(world, data, llm, host)
        server.start()
        try:
            context = browse()
            shop = Widget(context, server.shop_page(spec)).open()
            llm.hold(6)
            shop.send("How long does an invitation stay valid?")
            draft = shop.page.locator(".draft")
            expect(draft).not_to_be_empty()
            server.kill()
            assert kept.said(spec.account) == [], "nothing was said yet"
            conversation = kept.in_channel(spec.account, "web").id
            assert kept.events(conversation, "message.delta"), "it was being said"
            server.start()
            until(lambda: len(llm.written) == 2)
            llm.go()
            expect(shop.log.locator(".message.bot")).to_have_count(1)
            expect(draft).to_be_hidden()
            until(lambda: len(kept.said(spec.account)) == 1)
            [stored] = kept.said(spec.account)
            assert stored.text.startswith(llm.written[-1])
            assert plain(shop.said()[0]) == plain(stored.text)
            before = shop.shown()
            shop.page.reload()
            expect(shop.log.locator(".message.bot")).to_have_count(1)
            assert shop.shown() == before
            assert len(kept.said(spec.account, "customer")) == 1
            assert len([t for t in kept.turns(spec.account) if t.decision.kind == "answer"]) == 1
            assert len(kept.events(conversation, "message.reset")) == 1
            assert len(llm.written) == 2, "asked of the model once each time it was begun"
            assert shop.complaints == []
        finally:
            server.kill()


def plain(text: str) -> str:
    """Without the brackets of marks and without markup: as a browser gives its words back."""
    bare = re.sub(r"\[([^\]]*)\]\([^)]*\)|\[(\d+)\]|[*`]", lambda m: m[1] or m[2] or "", text)
    return " ".join(re.sub(r"\W+", " ", bare).split())
