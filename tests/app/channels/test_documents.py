"""The documents on the agents' channel: who approves what, bound to what was seen; and findings."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from knowledge import findings
from knowledge.findings import Replaced
from tests.app.channels.assisting import OURS, assist_site, of_agent, signed
from tests.app.channels.calls import bearer, code
from tests.app.documents import BELL, CHECKED, HOSTILE, SWITCHED, Kept, kept

APPROVERS = ("rita", "@docs.example")
APPROVE = "/v1/agent/procedures/approve"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Kept]:
    with kept(tmp_path / "kept") as made:
        yield made


def site(tmp_path: Path, here: Kept, **settings: Any) -> Any:
    fields = {"approvers": APPROVERS, **settings}
    return assist_site(tmp_path / "site", documents=here.documents, now=True, **fields)


async def waiting(browser: httpx.AsyncClient) -> Any:
    answer = await browser.get("/v1/agent/procedures")
    assert answer.status_code == 200, answer.text
    return answer.json()


def yes(one: Any) -> dict[str, str]:
    return {key: one[key] for key in ("procedure", "source", "version")}


def followed(here: Kept) -> tuple[str | None, bool]:
    """The check of the step that is followed, and whether a change waits."""
    (procedure,) = here.knowledge.procedures()
    check = procedure.steps[0].check
    return check.name if check else None, bool(here.knowledge.pending())


# --- procedures ---


async def test_who_is_named_sees_the_difference_and_approves_it(
    tmp_path: Path, here: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with site(tmp_path, here) as made:
        browser = await made.signed_in("jo@docs.example")
        seen = await waiting(browser)
        (one,) = seen["waiting"]
        assert seen["may_approve"] is True
        assert (one["procedure"], one["path"], one["approved_by"]) == ("ring-bell", "bell.md", "rita")
        assert one["changes"] == ["~ step pull: check none -> click_tracking_on"]
        rows = {row["what"]: (row["before"], row["after"]) for row in one["rows"]}
        before, after = rows["step pull"]
        assert ("check: none" in before, "check: click_tracking_on" in after) == (True, True)
        assert rows["action"] == (["none"], ["none"])
        assert followed(here) == (None, True)

        answer = await browser.post(APPROVE, json=yes(one))
        assert answer.json() == {
            "procedure": "ring-bell", "version": one["version"], "approved_by": "jo@docs.example",
        }  # fmt: skip
        assert followed(here) == ("click_tracking_on", False)
        assert "agent 'jo@docs.example' POST /v1/agent/procedures/approve: approved procedure" in caplog.text
        assert code(await browser.post(APPROVE, json=yes(one))) == (409, "changed"), "once"


@pytest.mark.parametrize(
    ("approvers", "name", "words"),
    [
        (APPROVERS, "bea", ("Bea may not approve procedures.", "Ask somebody whom STEPFOUR_APPROVERS names")),
        (APPROVERS, "rita@elsewhere.example", ("may not approve", "STEPFOUR_APPROVERS")),
        ((), "rita", ("Nobody may approve procedures yet.", 'Set STEPFOUR_APPROVERS=["rita"]')),
    ],
)
async def test_who_is_not_named_reads_and_is_told_why_they_may_not(
    tmp_path: Path, here: Kept, approvers: tuple[str, ...], name: str, words: tuple[str, str]
) -> None:
    async with site(tmp_path, here, approvers=approvers) as made:
        browser = await made.signed_in(name)
        seen = await waiting(browser)
        assert seen["may_approve"] is False
        refused = await browser.post(APPROVE, json=yes(seen["waiting"][0]))
        assert code(refused) == (403, "not_approver")
        error = refused.json()["error"]
        assert words[0] in error["message"]
        assert words[1] in error["fix"]
        page = (await browser.get("/assist/procedures")).text
        assert words[0] in page
        assert "<button" not in page
    assert followed(here) == (None, True)


async def test_the_right_is_the_one_of_that_moment(tmp_path: Path, here: Kept) -> None:
    async with site(tmp_path, here) as made:
        browser = await made.signed_in("rita")
        (one,) = (await waiting(browser))["waiting"]
        assert "Approve this version" in (await browser.get("/assist/procedures")).text
        # The session goes on; the right does not.
        made.service.services.settings.__dict__["approvers"] = ("somebody else",)
        assert code(await browser.post(APPROVE, json=yes(one))) == (403, "not_approver")
        made.service.services.settings.__dict__["approvers"] = ("Rita",)
        assert (await browser.post(APPROVE, json=yes(one))).status_code == 200


async def test_a_page_that_changed_meanwhile_is_refused_and_shown_as_it_is_now(
    tmp_path: Path, here: Kept
) -> None:
    async with site(tmp_path, here) as made:
        browser = await made.signed_in("rita")
        (one,) = (await waiting(browser))["waiting"]
        here.say(SWITCHED)
        refused = await browser.post(APPROVE, json=yes(one))
        assert code(refused) == (409, "changed")
        assert "Nothing was approved." in refused.json()["error"]["message"]
        assert followed(here) == (None, True)
        page = (await browser.get("/assist/procedures?changed=ring-bell")).text
        assert "changed while you looked at it" in page
        assert "action: none -&gt; enable_https" in page

        (two,) = (await waiting(browser))["waiting"]
        assert two["version"] != one["version"]
        here.say(BELL)
        assert code(await browser.post(APPROVE, json=yes(two))) == (409, "changed"), "nothing waits now"
        page = (await browser.get("/assist/procedures?changed=ring-bell")).text
        assert "No change of “ring-bell” waits any more." in page
        for odd in ({"version": one["version"][:10]}, {"version": ""}, {"source": ""}, {"by": "rita"}):
            assert (await browser.post(APPROVE, json=yes(two) | odd)).status_code == 422
        assert code(await browser.post(APPROVE, json=yes(two) | {"source": "other"})) == (409, "changed")


async def test_of_many_at_once_one_approves(tmp_path: Path, here: Kept) -> None:
    async with site(tmp_path, here) as made:
        browsers = [await made.signed_in(f"agent{n}@docs.example") for n in range(4)]
        (one,) = (await waiting(browsers[0]))["waiting"]
        answers = await asyncio.gather(*(each.post(APPROVE, json=yes(one)) for each in browsers))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        (winner,) = [answer.json()["approved_by"] for answer in answers if answer.status_code == 200]
        page = (await browsers[0].get("/assist/procedures?approved=ring-bell")).text
        assert f"is followed as its page says now, approved by {winner}." in page


async def test_a_customer_or_another_sites_page_approves_nothing(tmp_path: Path, here: Kept) -> None:
    async with site(tmp_path, here, approvers=("rita", "ann")) as made:
        rita = await made.signed_in("rita")
        (one,) = (await waiting(rita))["waiting"]
        customer = made.browser(headers=bearer(signed("ann")))
        assert code(await customer.post(APPROVE, json=yes(one))) == (403, "agents_only")
        assert code(await made.browser(headers=OURS).post(APPROVE, json=yes(one))) == (401, "not_authentic")
        foreign = made.browser(cookies=dict(rita.cookies))
        assert code(await foreign.post(APPROVE, json=yes(one))) == (403, "header_missing")
        framed = {**OURS, "Origin": "https://evil.example"}
        assert code(await foreign.post(APPROVE, json=yes(one), headers=framed)) == (403, "foreign_origin")
        assert followed(here) == (None, True)
        desk = made.browser(headers=of_agent("rita"))
        assert (await desk.post(APPROVE, json=yes(one))).json()["approved_by"] == "rita"


# --- health ---


async def listed(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.get("/v1/agent/findings")
    assert answer.status_code == 200, answer.text
    return {each["id"][0]: each for each in answer.json()["findings"]}


async def test_findings_are_settled_by_whoever_is_signed_in(tmp_path: Path, here: Kept) -> None:
    async with site(tmp_path, here) as made:
        browser = await made.signed_in("zoe")
        seen = await listed(browser)
        assert (list(seen), seen["a"]["other"]["line"]) == (["a", "c", "b", "d"], 7), (
            "what matters most first"
        )
        states = {"a": "accepted", "b": "dismissed", "c": "task"}
        for id, state in states.items():
            answer = await browser.post(
                f"/v1/agent/findings/{id * 12}", json={"state": state, "note": " so "}
            )
            made_of = answer.json()
            assert (made_of["state"], made_of["by"], made_of["note"]) == (state, "zoe", "so")
        assert {id: each["state"] for id, each in (await listed(browser)).items()} == states | {"d": "open"}
        events = findings.history(here.knowledge.db, "b" * 12)
        assert [(e.what, e.by) for e in events] == [("found", None), ("dismissed", "zoe")]
        here.look()
        assert (await listed(browser))["b"]["state"] == "dismissed", "as long as its line is the same"
        again = await browser.post(f"/v1/agent/findings/{'b' * 12}", json={"state": "open"})
        assert (again.json()["state"], again.json()["note"]) == ("open", None)

        unknown = await browser.post(f"/v1/agent/findings/{'e' * 12}", json={"state": "task"})
        assert code(unknown) == (404, "not_found")
        for id, body in (
            ("a" * 5, {"state": "task"}),
            ("a" * 12, {"state": "gone"}),
            ("a" * 12, {"by": "me"}),
        ):
            assert (await browser.post(f"/v1/agent/findings/{id}", json=body)).status_code == 422
        stranger = made.browser(headers=OURS)
        refused = await stranger.post(f"/v1/agent/findings/{'a' * 12}", json={"state": "open"})
        assert code(refused) == (401, "not_authentic")
        assert (await listed(browser))["a"]["state"] == "accepted"


async def test_one_look_at_all_pages_at_a_time(
    tmp_path: Path, here: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, began, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def slow() -> Replaced:
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(30)
        return here.look()

    monkeypatch.setattr(here.documents, "_look", slow)
    async with site(tmp_path, here) as made:
        browser = await made.signed_in("zoe")
        first = asyncio.create_task(browser.post("/v1/agent/findings", json={}))
        await asyncio.wait_for(began.wait(), 30)
        assert code(await browser.post("/v1/agent/findings", json={})) == (409, "busy")
        go_on.set()
        assert (await first).json() == {"new": 0, "kept": 4, "closed": 0}
    assert here.looks == 2


# --- pages ---


@pytest.mark.parametrize("path", ["/assist/health", "/assist/procedures"])
async def test_the_pages_are_for_agents_in_no_frame_and_with_nothing_inline(
    tmp_path: Path, here: Kept, path: str
) -> None:
    async with site(tmp_path, here, assist_hosts=("https://desk.example",)) as made:
        away = await made.browser().get(path)
        assert (away.status_code, away.headers["location"]) == (303, "/assist/sign-in")
        page = await (await made.signed_in("zoe")).get(path)
        policy = page.headers["content-security-policy"]
        strict = (await made.browser().get("/assist")).headers["content-security-policy"]
        assert policy == re.sub("frame-ancestors [^;]*", "frame-ancestors 'none'", strict)
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert re.findall(r"<script[^>]*>", page.text) == [
            '<script type="module" src="/assets/documents.js">'
        ]
        assert "<style" not in page.text
        assert " style=" not in page.text
        assert HOSTILE not in page.text
        assert not re.search(r"<[^>]*\son\w+=", page.text)


async def test_health_shows_both_lines_what_to_do_and_the_plots(tmp_path: Path, here: Kept) -> None:
    async with site(tmp_path, here) as made:
        page = (await (await made.signed_in("zoe")).get("/assist/health")).text
    assert page.count("<svg") == 3
    for words in (
        "a.md:3",
        "b.md:7",
        "Kept for 30 days.",
        "Kept for 45 days.",
        "Find out which is right",
        "90% sure",
    ):
        assert words in page
    assert '<a href="/assist#/c/c-founding">' in page
    assert page.count('class="decide"') == 4


async def test_names_and_titles_of_others_are_no_markup(tmp_path: Path, here: Kept) -> None:
    here.say(CHECKED.replace("title: Ring the bell", f"title: {HOSTILE}"))
    async with site(tmp_path, here, approvers=(HOSTILE,)) as made:
        browser = await made.signed_in(HOSTILE)
        query = {"changed": HOSTILE, "approved": HOSTILE}
        page = (await browser.get("/assist/procedures", params=query)).text
    assert "Approve this version" in page
    assert "<img src=x" not in page
    assert "<script>alert" not in page


async def test_where_no_documents_are_kept_there_is_nothing_to_decide(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True) as made:
        browser = await made.signed_in("zoe")
        for path in ("/assist/health", "/assist/procedures", "/v1/agent/findings", "/v1/agent/procedures"):
            assert code(await browser.get(path)) == (404, "not_found")
