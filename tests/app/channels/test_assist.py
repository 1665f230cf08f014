"""The agents' channel: who gets in, what they see and may do, and what no other site can make them do."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.identity import agent_session
from app.models.conversation import Message
from app.models.reading import Input, Reading
from app.models.request import ActionRequest
from tests.app.channels.assisting import OURS, Assist, assist_site, of_agent, signed
from tests.app.world import ANN, BOB, PLEASE, VISITOR, claim, wants

HOST = "links.acme.example"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Assist]:
    there: Any = object()  # documents are there: what is asked of them has tests of its own
    async with assist_site(tmp_path, now=True, documents=there) as made:
        yield made


async def founding(site: Assist, who: Any = ANN) -> tuple[str, Message]:
    """The customer says what is done and asks for the rest."""
    world = site.world
    conversation = await world.talk(who)
    message = await world.accept(conversation, f"I switched tracking on for {HOST}. {PLEASE}")
    said = claim("link-tracking", message=message.id, quote="I switched tracking on")
    about = Input(name="domain", value=HOST, message=message.id, quote=HOST)
    world.readings[message.text] = wants(claims=(said,), subjects=(about,))
    await site.service.start_message(message.id)
    await site.service.idle()
    return conversation, message


def code(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "fix"}
    return answer.status_code, error["code"]


async def view(browser: httpx.AsyncClient, id: str, **headers: str) -> Any:
    answer = await browser.get(f"/v1/agent/conversations/{id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- signing in ---


async def test_a_one_time_link_signs_in_once(site: Assist) -> None:
    token = await site.service.agent_link("zoe")
    browser, other = site.browser(headers=OURS), site.browser(headers=OURS)
    assert (await browser.get("/v1/agent/me")).json()["name"] is None
    answer = await browser.post("/v1/agent/session", json={"code": token})
    assert (answer.status_code, answer.json()["name"]) == (201, "zoe")
    assert (await browser.get("/v1/agent/me")).json()["name"] == "zoe"
    assert code(await other.post("/v1/agent/session", json={"code": token})) == (401, "not_authentic")
    assert (await other.get("/v1/agent/me")).json()["name"] is None


async def test_looking_at_the_page_uses_no_link_up(site: Assist) -> None:
    token = await site.service.agent_link("zoe")
    browser = site.browser(headers=OURS)
    for path in ("/assist/sign-in", f"/assist/sign-in?code={token}", f"/v1/agent/session?code={token}"):
        await browser.get(path)
        await browser.head(path)
    assert (await browser.post("/v1/agent/session", json={"code": token})).status_code == 201


async def test_a_link_is_too_old_after_a_while(tmp_path: Path) -> None:
    async with assist_site(tmp_path) as site:
        token = await site.service.agent_link("zoe")
        site.world.later(minutes=site.world.settings.link_minutes + 1)
        answer = await site.browser(headers=OURS).post("/v1/agent/session", json={"code": token})
        assert code(answer) == (401, "not_authentic")


async def test_a_session_ends_by_itself_and_by_signing_out(tmp_path: Path) -> None:
    async with assist_site(tmp_path) as site:
        late, leaving = await site.signed_in(), await site.signed_in()
        kept = dict(leaving.cookies)
        assert (await leaving.delete("/v1/agent/session")).status_code == 204
        assert dict(leaving.cookies) == {}
        stolen = site.browser(cookies=kept)
        assert code(await stolen.get("/v1/agent/cases")) == (401, "not_authentic")
        assert (await late.get("/v1/agent/cases")).status_code == 200
        site.world.later(hours=12, minutes=1)
        assert code(await late.get("/v1/agent/cases")) == (401, "not_authentic")


async def test_only_digests_of_sessions_and_codes_are_kept(site: Assist) -> None:
    token = await site.service.agent_link("zoe")
    browser = site.browser(headers=OURS)
    await browser.post("/v1/agent/session", json={"code": token})
    (cookie,) = browser.cookies.jar
    ticket = (await browser.post("/v1/agent/session/pass", json={})).json()["code"]
    kept = b"".join(path.read_bytes() for path in site.world.folder.rglob("stepfour.db*"))
    assert cookie.value is not None
    for secret in (token, cookie.value, ticket):
        assert secret.encode() not in kept


async def test_on_https_the_cookie_is_safe_inside_a_frame_and_outside(tmp_path: Path) -> None:
    async with assist_site(tmp_path, base="https://here", public_url="https://help.example") as site:
        browser = site.browser(headers=OURS)
        token = await site.service.agent_link("zoe")
        answer = await browser.post("/v1/agent/session", json={"code": token})
        (cookie,) = [part.strip() for part in answer.headers["set-cookie"].split("\n")]
    name, _, rest = cookie.partition("=")
    assert name == "__Host-stepfour-agent"
    assert {part.strip() for part in rest.split(";")[1:]} == {
        "Path=/",
        "Max-Age=43200",
        "HttpOnly",
        "SameSite=None",
        "Secure",
        "Partitioned",
    }


async def test_without_https_the_cookie_is_lax(site: Assist) -> None:
    token = await site.service.agent_link("zoe")
    answer = await site.browser(headers=OURS).post("/v1/agent/session", json={"code": token})
    assert re.fullmatch(
        r"stepfour-agent=[\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax",
        answer.headers["set-cookie"],
    )


# --- a desk's ticket, and a pass ---


async def test_a_desk_signs_its_agent_in_with_a_ticket_used_once(site: Assist) -> None:
    desk, frame = site.browser(headers=of_agent("kim")), site.browser(headers=OURS)
    made = await desk.post("/v1/agent/tickets", json={"conversation": "chatwoot-1-42"})
    assert made.status_code == 201
    ticket = made.json()["ticket"]
    answer = await frame.post("/v1/agent/session", json={"code": ticket})
    assert answer.json() == {"name": "kim", "conversation": "chatwoot-1-42"}
    again = await site.browser(headers=OURS).post("/v1/agent/session", json={"code": ticket})
    assert code(again) == (401, "not_authentic")


async def test_a_ticket_that_was_changed_or_is_late_signs_nobody_in(tmp_path: Path) -> None:
    async with assist_site(tmp_path) as site:
        exp = int(site.world.clock().timestamp()) + 600
        desk, frame = site.browser(headers=of_agent("kim", exp=exp)), site.browser(headers=OURS)
        ticket = (await desk.post("/v1/agent/tickets", json={"conversation": "c_1"})).json()["ticket"]
        for other in (ticket.replace(".c_1", ".c_2"), ticket.replace(".c_1", ""), f"{ticket}x"):
            assert code(await frame.post("/v1/agent/session", json={"code": other})) == (401, "not_authentic")
        site.world.later(seconds=61)
        assert code(await frame.post("/v1/agent/session", json={"code": ticket})) == (401, "not_authentic")


async def test_a_link_code_is_no_ticket_and_no_customers_code_signs_in(site: Assist) -> None:
    """Each one-time proof counts for its own purpose alone."""
    frame = site.browser(headers=OURS)
    customers, _ = await site.service.link_code(ANN)
    for other in (f"ticket_{'a' * 43}", customers * 2, "x" * 43):
        assert code(await frame.post("/v1/agent/session", json={"code": other})) == (401, "not_authentic")
    assert code(await frame.post("/v1/agent/session", json={"code": customers})) == (422, "bad_field")


async def test_tickets_are_made_by_desks_and_passes_by_whoever_is_signed_in(site: Assist) -> None:
    browser, frame = await site.signed_in("zoe"), site.browser(headers=OURS)
    assert code(await browser.post("/v1/agent/tickets", json={})) == (403, "token_needed")
    handed = (await browser.post("/v1/agent/session/pass", json={})).json()["code"]
    assert (await frame.post("/v1/agent/session", json={"code": handed})).json()["name"] == "zoe"


# --- who may ---

READS = (
    "/v1/agent/cases",
    "/v1/agent/events",
    "/v1/agent/conversations/{id}",
    "/v1/agent/conversations/{id}/events",
    "/v1/agent/conversations/{id}/dossier.md",
    "/v1/agent/conversations/{id}/dossier.json",
    "/v1/agent/attachments/f_1",
    "/v1/agent/hosts/chatwoot/1/2",
    "/v1/agent/procedures",
    "/v1/agent/findings",
    "/v1/agent/switches",
)
WRITES: dict[str, dict[str, object]] = {
    "/v1/agent/session/pass": {},
    "/v1/agent/tickets": {},
    "/v1/agent/conversations/{id}/messages": {"client_message_id": "a", "text": "hi"},
    "/v1/agent/conversations/{id}/take-over": {},
    "/v1/agent/conversations/{id}/give-back": {},
    "/v1/agent/conversations/{id}/ask-solved": {},
    "/v1/agent/conversations/{id}/checks": {},
    "/v1/agent/conversations/{id}/notes": {"text": "n"},
    "/v1/agent/conversations/{id}/steps/ssl-certificate/attest": {"text": "n"},
    "/v1/agent/conversations/{id}/steps/ssl-certificate/not-applicable": {"text": "n"},
    "/v1/agent/suggestions/s_1/send": {},
    "/v1/agent/suggestions/s_1/dismiss": {},
    "/v1/agent/requests/a_1/approve": {"digest": "0" * 64},
    "/v1/agent/requests/a_1/reject": {"digest": "0" * 64},
    "/v1/agent/switches": {"switch": "models", "off": False},
    "/v1/agent/procedures/approve": {"procedure": "p", "source": "s", "version": "0" * 64},
    "/v1/agent/findings": {},
    "/v1/agent/findings/0123456789ab": {"state": "accepted"},
}


async def test_the_lists_of_these_tests_are_all_that_there_is(site: Assist) -> None:
    schema = (await site.browser().get("/openapi.json")).json()["paths"]
    own = {path for path in schema if path.startswith("/v1/agent/")}
    listed = {re.sub(r"(f|s|a)_1", "{id}", path) for path in (*READS, *WRITES)}
    listed = {path.replace("ssl-certificate", "{step}").replace("0123456789ab", "{id}") for path in listed}
    listed = {path.replace("chatwoot/1/2", "chatwoot/{account}/{conversation}") for path in listed}
    machines = {"/v1/agent/customers/{who}/export"}
    assert own == listed | machines | {"/v1/agent/me", "/v1/agent/session"}


async def everything(browser: httpx.AsyncClient, id: str, **headers: str) -> list[tuple[str, httpx.Response]]:
    answers = [(path, await browser.get(path.format(id=id), headers=headers)) for path in READS]
    for path, body in WRITES.items():
        answers.append((path, await browser.post(path.format(id=id), json=body, headers=headers)))
    answers.append(("sign out", await browser.delete("/v1/agent/session", headers=headers)))
    return answers


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 401),
        ("customer", 403),
        ("visitor", 403),
        ("another secret", 401),
        ("expired", 401),
        ("cookie of nobody", 401),
        ("cookie of a token", 401),
    ],
)
async def test_nobody_but_an_agent_gets_anything(site: Assist, who: str | None, status: int) -> None:
    id, message = await founding(site)
    headers = dict(OURS)
    browser = site.browser()
    match who:
        case "customer":
            headers["Authorization"] = f"Bearer {signed()}"
        case "visitor":
            token = (await browser.post("/v1/visitors", json={})).json()["token"]
            headers["Authorization"] = f"Bearer {token}"
        case "another secret":
            headers["Authorization"] = of_agent()["Authorization"][:-4] + "AAAA"
        case "expired":
            headers |= of_agent(exp=1)
        case "cookie of nobody":
            headers["Cookie"] = f"stepfour-agent={'x' * 43}"
        case "cookie of a token":
            headers["Cookie"] = f"stepfour-agent={signed('zoe', None, aud='stepfour-agents')}"
    before = await state(site, id)
    for path, answer in await everything(browser, id, **headers):
        assert answer.status_code == status, (path, answer.text)
        assert message.text not in answer.text
    assert await state(site, id) == before


async def state(site: Assist, id: str) -> Any:
    """Everything that a write could change."""
    store = site.world.store
    await site.service.idle()
    return (
        await store.conversation(id),
        await store.messages(id),
        await store.turns(id),
        await store.notes(id),
        await store.events("agents", 0),
        [await store.facts(case.id) for case in await store.cases_of(id)],
    )


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "header_missing"),
        ({"Stepfour-Agent": "0"}, "header_missing"),
        ({"Stepfour-Agent": "1", "Origin": "https://evil.example"}, "foreign_origin"),
        ({"Stepfour-Agent": "1", "Origin": "null"}, "foreign_origin"),
        ({"Stepfour-Agent": "1", "Origin": "http://here.evil.example"}, "foreign_origin"),
        ({"Stepfour-Agent": "1", "Origin": "http://here:81"}, "foreign_origin"),
        ({"Stepfour-Agent": "1", "Origin": "file://here"}, "foreign_origin"),
        ({"Stepfour-Agent": "1", "Origin": "http://help.example"}, "foreign_origin"),
    ],
)
async def test_no_other_site_makes_an_agents_browser_write(
    tmp_path: Path, headers: dict[str, str], name: str
) -> None:
    async with assist_site(tmp_path, now=True) as site:
        id, _ = await founding(site)
        browser = await site.signed_in()
        del browser.headers["Stepfour-Agent"]
        settings = site.world.settings.model_copy(update={"public_url": "http://elsewhere.example"})
        object.__setattr__(site.service.services, "settings", settings)
        before = await state(site, id)
        for path, body in WRITES.items():
            answer = await browser.post(path.format(id=id), json=body, headers=headers)
            assert code(answer) == (403, name), path
        assert code(await browser.delete("/v1/agent/session", headers=headers)) == (403, name)
        token = await site.service.agent_link("eve")
        foreign = await site.browser().post("/v1/agent/session", json={"code": token}, headers=headers)
        assert code(foreign) == (403, name), "nobody is signed in as somebody else"
        assert await state(site, id) == before


@pytest.mark.parametrize("origin", ["http://here", "http://elsewhere.example"])
async def test_our_own_page_writes_at_either_address_of_ours(tmp_path: Path, origin: str) -> None:
    async with assist_site(tmp_path, now=True, public_url="http://elsewhere.example") as site:
        id, _ = await founding(site)
        browser = await site.signed_in()
        path = f"/v1/agent/conversations/{id}/take-over"
        answer = await browser.post(path, json={}, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["person_active"]) == (202, True)


async def test_a_desk_with_a_token_needs_no_header_of_our_page(site: Assist) -> None:
    id, _ = await founding(site)
    desk = site.browser(headers=of_agent("kim"))
    assert (await desk.post(f"/v1/agent/conversations/{id}/take-over", json={})).status_code == 202


async def test_a_token_counts_before_the_cookie(site: Assist) -> None:
    """A bad token is not made good by a cookie that the browser sends anyway."""
    browser = await site.signed_in()
    answer = await browser.get("/v1/agent/cases", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_no_answer_may_be_read_by_another_site(site: Assist) -> None:
    browser = await site.signed_in()
    answer = await browser.get("/v1/agent/cases", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cache-control"] == "no-store"


# --- the page ---


@pytest.mark.parametrize("path", ["/assist", "/assist/sign-in", "/assist/chatwoot"])
async def test_only_desks_that_are_named_may_frame_the_page(tmp_path: Path, path: str) -> None:
    hosts = ("https://desk.example", "https://other.example:8443")
    async with assist_site(tmp_path / "one", assist_hosts=hosts) as site:
        framed = await site.browser().get(path)
    async with assist_site(tmp_path / "two") as site:
        alone = await site.browser().get(path)
    if framed.status_code == 404:
        pytest.skip("the page is not built here")
    policy = framed.headers["content-security-policy"]
    assert f"frame-ancestors 'self' {' '.join(hosts)};" in f"{policy};"
    assert "script-src 'self'" in policy
    assert "x-frame-options" not in framed.headers
    assert framed.headers["cross-origin-opener-policy"] == "unsafe-none"
    assert "frame-ancestors 'none'" in alone.headers["content-security-policy"]
    assert alone.headers["x-frame-options"] == "DENY"


async def test_says_who_may_frame_it_and_how_to_sign_in(tmp_path: Path) -> None:
    async with assist_site(tmp_path, assist_hosts=("https://desk.example",)) as site:
        told = (await site.browser().get("/v1/agent/me")).json()
    assert told == {"name": None, "oidc": False, "provider": None, "hosts": ["https://desk.example"]}


# --- the list ---


async def test_who_waits_longest_comes_first(tmp_path: Path) -> None:
    async with assist_site(tmp_path) as site:
        browser = await site.signed_in()
        world = site.world
        answered, _ = await founding(site)
        world.later(minutes=1)
        asked = await world.talk(BOB)
        await world.say(asked, "A person, please.", wants(wants_person=True))
        world.later(minutes=1)
        unread = await world.talk()
        await world.accept(unread, "hello?")
        rows = (await browser.get("/v1/agent/cases")).json()["cases"]
    assert [row["conversation"] for row in rows] == [asked, unread, answered]
    assert [row["triage"] for row in rows] == ["needs_person", "new", "in_the_middle"]
    assert [row["state"] for row in rows] == ["handed_off", None, "open"]
    assert rows[0]["waiting_since"] < rows[1]["waiting_since"]
    assert rows[2]["waiting_since"] is None
    assert rows[2]["title"] == "HTTPS for tracking links"
    assert rows[2]["because"].startswith("Some steps are done")
    assert (rows[2]["customer"], rows[2]["account"], rows[2]["lang"]) == ("ann", "acme", "en")


async def test_the_list_can_be_narrowed(site: Assist) -> None:
    browser = await site.signed_in()
    waiting, _ = await founding(site)
    handed = await site.world.talk(BOB)
    await site.world.say(handed, "A person, please.", wants(wants_person=True))

    async def ids(state: str) -> set[str]:
        answer = await browser.get(f"/v1/agent/cases?state={state}")
        return {row["conversation"] for row in answer.json()["cases"]}

    assert await ids("all") == await ids("open") == {waiting, handed}
    assert await ids("handed_off") == {handed}
    assert await ids("solved") == set()
    assert code(await browser.get("/v1/agent/cases?state=everything"))[0] == 422


async def test_a_case_that_went_on_elsewhere_is_listed_there_alone(site: Assist) -> None:
    browser = await site.signed_in()
    first, message = await founding(site)
    second = await site.world.talk(channel="slack")
    await site.world.say(second, "And now?", wants(request="And now?"))
    rows = (await browser.get("/v1/agent/cases")).json()["cases"]
    assert [row["conversation"] for row in rows] == [second]
    seen = await view(browser, second)
    assert [(each["id"], each["messages"][0]["id"]) for each in seen["earlier"]] == [(first, message.id)]


async def test_a_line_is_as_new_as_what_happened_last(site: Assist) -> None:
    """What is kept between two looks is dropped by whatever happens, wherever it happens."""
    browser = await site.signed_in()

    async def lines() -> dict[str, Any]:
        rows = (await browser.get("/v1/agent/cases?state=all")).json()["cases"]
        return {row["conversation"]: row for row in rows}

    first, _ = await founding(site)
    assert (await lines())[first]["triage"] == "in_the_middle"
    await browser.post(f"/v1/agent/conversations/{first}/take-over", json={})
    assert (await lines())[first]["person"]
    await browser.post(f"/v1/agent/conversations/{first}/give-back", json={})
    await site.world.accept(first, "hello?")
    row = (await lines())[first]
    assert (row["person"], row["waiting_since"] is None) == (False, False)
    visitor = await site.world.talk(VISITOR)
    await site.world.say(visitor, "hi", Reading(request="hi", speech="question"))
    assert (await lines())[visitor]["customer"] == ""
    await site.service.join(visitor, BOB)
    assert (await lines())[visitor]["customer"] == "bob"
    second = await site.world.talk(channel="slack")
    await site.world.say(second, "And now?", wants(request="And now?"))
    assert set(await lines()) == {second, visitor}, "the case went on elsewhere"


# --- a conversation ---


async def test_shows_the_whole_picture_in_the_agents_language(site: Assist) -> None:
    id, message = await founding(site)
    browser = await site.signed_in()
    shown = await view(browser, id, **{"Accept-Language": "pt-BR,pt;q=0.9,en;q=0.8"})
    assert shown["case"]["because"].startswith("Alguns passos estão feitos")
    assert shown["summary"][0]["clauses"][1]["messages"] == [message.id]
    assert [step["word"] for step in shown["steps"]] == ["verified", "verified", "missing"]
    assert shown["steps"][0]["claim"]["quote"] == "I switched tracking on"
    assert shown["messages"][0]["text"] == message.text, "what people wrote stays as it is"
    assert shown["seq"] == await site.world.store.last_seq(id)


async def test_what_is_not_there_is_not_found(site: Assist) -> None:
    browser = await site.signed_in()
    for path in (each for each in READS if "{id}" in each or "_1" in each or "chatwoot" in each):
        assert code(await browser.get(path.format(id="c_nothing"))) == (404, "not_found"), path
    for path, body in WRITES.items():
        if "{id}" in path or "_1" in path:
            answer = await browser.post(path.format(id="c_nothing"), json=body)
            assert code(answer) == (404, "not_found"), path


async def test_who_looked_at_what_is_logged_by_ids_alone(
    site: Assist, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.channels.assist")
    id, message = await founding(site)
    browser = await site.signed_in("zoe")
    await view(browser, id)
    await browser.post(f"/v1/agent/conversations/{id}/notes", json={"text": "a secret remark"})
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("app.channels.assist")]
    assert f"agent 'zoe' GET /v1/agent/conversations/{id}: conversation {id}" in lines
    assert any("/notes" in line for line in lines)
    for line in lines:
        assert message.text not in line
        assert "secret remark" not in line


# --- doing ---


async def test_an_agent_takes_over_writes_and_gives_back(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in("zoe")
    base = f"/v1/agent/conversations/{id}"
    for _ in range(2):
        body = {"client_message_id": "one", "text": "  I am Zoe,\r\nhello.\u0000 "}
        sent = await browser.post(f"{base}/messages", json=body)
        assert sent.status_code == 202
    assert (sent.json()["message"]["role"], sent.json()["message"]["name"]) == ("agent", "zoe")
    shown = await view(browser, id)
    assert (shown["conversation"]["status"], shown["conversation"]["person_active"]) == ("human_active", True)
    assert [m["text"] for m in shown["messages"] if m["role"] == "agent"] == ["I am Zoe,\nhello."]
    other = await browser.post(f"{base}/messages", json={"client_message_id": "one", "text": "else"})
    assert code(other) == (409, "client_message_id_used")
    back = await browser.post(f"{base}/give-back", json={})
    assert (back.status_code, back.json()["person_active"]) == (202, False)


@pytest.mark.parametrize("text", ["", "  \n", "\u0000", "x" * 20_001])
async def test_a_message_without_words_or_without_end_is_refused(site: Assist, text: str) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in()
    body = {"client_message_id": "one", "text": text}
    answer = await browser.post(f"/v1/agent/conversations/{id}/messages", json=body)
    assert code(answer) == (422, "bad_field")
    assert not (await view(browser, id))["conversation"]["person_active"], "nothing was taken over"


async def test_no_body_says_who_somebody_is(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in()
    for path, body in WRITES.items():
        for field in ("by", "agent", "name", "principal"):
            answer = await browser.post(path.format(id=id), json={**body, field: "eve"})
            assert code(answer) == (422, "unexpected_field"), path


async def test_run_checks_looks_again_at_once(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in()
    site.world.see(certificate_presented="met")
    assert (await browser.post(f"/v1/agent/conversations/{id}/checks", json={})).status_code == 202
    await site.service.idle()
    shown = await view(browser, id)
    assert [step["word"] for step in shown["steps"]] == ["verified"] * 3
    assert site.world.effects == ["enable_https"]
    assert shown["case"]["triage"] == "solved"


async def test_an_attest_is_evidence_with_the_agents_name(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in("zoe")
    path = f"/v1/agent/conversations/{id}/steps/ssl-certificate/attest"
    assert (await browser.post(path, json={"text": "seen in the panel"})).status_code == 202
    await site.service.idle()
    step = (await view(browser, id))["steps"][-1]
    assert [(each["note"], each["by"]) for each in step["evidence"]] == [("seen in the panel", "zoe")]
    assert step["word"] != "verified"
    assert site.world.effects == [], "an agent's word opens no door that a check must open"


async def test_a_step_can_be_marked_as_not_needed(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in("zoe")
    path = f"/v1/agent/conversations/{id}/steps/link-tracking/not-applicable"
    assert (await browser.post(path, json={"text": "on by contract"})).status_code == 202
    await site.service.idle()
    step = (await view(browser, id))["steps"][0]
    assert (step["word"], step["applicable"], step["holds"]) == ("not_applicable", False, True)
    missing = f"/v1/agent/conversations/{id}/steps/no-such-step/attest"
    assert code(await browser.post(missing, json={"text": "x"})) == (404, "not_found")


async def test_a_note_is_for_agents_and_never_in_the_customers_log(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in("zoe")
    answer = await browser.post(f"/v1/agent/conversations/{id}/notes", json={"text": "owes us money"})
    assert answer.status_code == 201
    assert [(n["by"], n["text"]) for n in (await view(browser, id))["notes"]] == [("zoe", "owes us money")]
    log = await site.world.store.events(id, 0)
    assert "owes us money" not in json.dumps([event.payload for event in log])


async def test_asking_whether_it_is_solved_gives_it_back(site: Assist) -> None:
    id, _ = await founding(site)
    browser = await site.signed_in()
    await browser.post(f"/v1/agent/conversations/{id}/take-over", json={})
    answer = await browser.post(f"/v1/agent/conversations/{id}/ask-solved", json={})
    assert (answer.status_code, answer.json()["person_active"]) == (202, False)
    assert (await view(browser, id))["case"]["triage"] == "solved"


# --- suggestions and approvals ---


async def suggested(site: Assist, browser: httpx.AsyncClient) -> tuple[str, Any]:
    id, _ = await founding(site)
    found = (await view(browser, id))["suggestion"]
    assert found is not None
    return id, found


async def test_a_suggestion_goes_out_as_it_is_or_in_the_agents_words_and_once(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, modes={"web": "suggest"}) as site:
        browser = await site.signed_in("zoe")
        id, suggestion = await suggested(site, browser)
        assert suggestion["decision"] == "guide"
        path = f"/v1/agent/suggestions/{suggestion['id']}/send"
        sent = await browser.post(path, json={})
        assert sent.json() == {"id": suggestion["id"], "state": "sent"}
        last = (await view(browser, id))["messages"][-1]
        assert (last["role"], last["text"], last["decision"]) == ("bot", suggestion["text"], "guide")
        assert code(await browser.post(path, json={})) == (422, "suggestion_over")
        assert (await view(browser, id))["suggestion"] is None


async def test_edited_words_go_out_in_the_agents_name(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, modes={"web": "suggest"}) as site:
        browser = await site.signed_in("zoe")
        id, suggestion = await suggested(site, browser)
        path = f"/v1/agent/suggestions/{suggestion['id']}/send"
        assert (await browser.post(path, json={"text": "My own words."})).json()["state"] == "edited"
        last = (await view(browser, id))["messages"][-1]
        assert (last["role"], last["name"], last["text"]) == ("agent", "zoe", "My own words.")
        assert (last["decision"], last["citations"]) == (None, [])


async def test_a_suggestion_can_be_dropped_with_a_reason(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, modes={"web": "suggest"}) as site:
        browser = await site.signed_in("zoe")
        id, suggestion = await suggested(site, browser)
        path = f"/v1/agent/suggestions/{suggestion['id']}/dismiss"
        assert (await browser.post(path, json={"reason": "wrong step"})).json()["state"] == "dismissed"
        shown = await view(browser, id)
        assert shown["suggestion"] is None
        assert [m["role"] for m in shown["messages"]] == ["customer"]


async def proposed(site: Assist) -> tuple[str, ActionRequest]:
    site.world.see(certificate_presented="met")
    id, _ = await founding(site)
    (request,) = await site.world.store.requests("proposed")
    assert request.approval == "agent"
    return id, request


AGENT_APPROVES = {"web": "auto", "enable_https": "suggest"}


async def test_an_agent_approves_exactly_what_the_card_showed(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, modes=AGENT_APPROVES) as site:
        browser = await site.signed_in("zoe")
        id, request = await proposed(site)
        (card,) = (await view(browser, id))["requests"]
        path = f"/v1/agent/requests/{card['request']}/approve"
        other = "f" * 64
        assert code(await browser.post(path, json={"digest": other})) == (409, "changed")
        assert code(await browser.post(path, json={})) == (422, "missing_field")
        assert site.world.effects == []
        answer = await browser.post(path, json={"digest": card["digest"]})
        assert answer.json() == {"id": request.id, "state": "approved"}
        await site.service.idle()
        assert site.world.effects == ["enable_https"]
        again = await browser.post(path, json={"digest": card["digest"]})
        assert code(again) == (422, "decided")
        await site.service.idle()
        assert site.world.effects == ["enable_https"]
        (card,) = (await view(browser, id))["requests"]
        assert (card["state"], card["by"]) == ("done", "zoe")


async def test_an_agents_no_changes_nothing(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, modes=AGENT_APPROVES) as site:
        browser = await site.signed_in("zoe")
        id, request = await proposed(site)
        path = f"/v1/agent/requests/{request.id}/reject"
        assert (await browser.post(path, json={"digest": request.digest})).json()["state"] == "refused"
        await site.service.idle()
        assert site.world.effects == []
        assert (await view(browser, id))["case"]["triage"] == "needs_person"


async def test_a_waiting_approval_and_suggestion_show_in_the_list(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, modes=AGENT_APPROVES) as site:
        browser = await site.signed_in("zoe")
        _, request = await proposed(site)
        (row,) = (await browser.get("/v1/agent/cases")).json()["cases"]
    assert (row["approval"], row["triage"], row["because"]) == (
        True,
        "needs_us",
        "Everything holds, and the action waits for your yes.",
    )
    assert row["waiting_since"][:19] == request.created_at.isoformat()[:19]


# --- the dossier, the log, the desk ---


async def test_the_dossier_is_the_one_that_was_handed_over_else_made_now(site: Assist) -> None:
    id, message = await founding(site)
    browser = await site.signed_in()
    fresh = await browser.get(f"/v1/agent/conversations/{id}/dossier.md")
    assert fresh.headers["content-type"].startswith("text/markdown")
    assert fresh.headers["content-disposition"] == f'attachment; filename="dossier-{id}.md"'
    assert message.text in fresh.text
    assert not (await view(browser, id))["dossier"]
    await site.world.say(id, "A person, please.", wants(wants_person=True))
    assert (await view(browser, id))["dossier"]
    kept = (await browser.get(f"/v1/agent/conversations/{id}/dossier.json")).json()
    ((_, stored),) = await site.world.store.dossiers(id)
    assert kept == json.loads(stored.model_dump_json())


async def test_the_list_and_the_log_leave_no_gap(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True) as site:
        browser = await site.signed_in()
        id, _ = await founding(site)
        seq = (await browser.get("/v1/agent/cases")).json()["seq"]
        await browser.post(f"/v1/agent/conversations/{id}/notes", json={"text": "n"})
        new = await site.world.store.events("agents", seq)
        assert [(event.type, event.payload["what"]) for event in new] == [("agent.case", "note")]


async def streamed(
    site: Assist,
    browser: httpx.AsyncClient,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    taken_over: bool = False,
) -> str:
    """All of a stream until the proof that opened it has to be held again. What wakes it then is a note in
    the agents' log, or that somebody takes the conversation over in its own."""
    asking = asyncio.create_task(browser.get(path, headers=headers))
    await asyncio.sleep(0.3)
    assert not asking.done(), "it waits for news"
    for _ in range(5):  # once, unless a slow machine had not opened the stream yet
        site.world.later(minutes=5)
        if taken_over:
            await site.service.take_over(site.noted, await an_agent(site))
        else:
            await site.service.note(site.noted, "wakes it", await an_agent(site))
        if (await asyncio.wait({asking}, timeout=5))[0]:
            break
    answer = await asyncio.wait_for(asking, 5)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


async def an_agent(site: Assist) -> Any:
    token = await site.service.open_session("kim", "link")
    return (await agent_session(token, site.world.store, site.world.settings, site.world.clock())).principal


def numbers(stream: str) -> list[int]:
    return [int(n) for n in re.findall(r"^id: (\d+)$", stream, re.MULTILINE)]


async def test_a_stream_ends_when_the_proof_has_to_be_held_again(site: Assist) -> None:
    """And goes on by number: what a cookie opened lasts five minutes at most."""
    browser = await site.signed_in()
    site.noted, _ = await founding(site)
    whole = await streamed(site, browser, "/v1/agent/events")
    assert numbers(whole) == list(range(1, len(numbers(whole)) + 1))
    assert f'"conversation":"{site.noted}"' in whole
    last = numbers(whole)[-1]
    after = await streamed(site, browser, f"/v1/agent/events?after={last - 1}")
    assert numbers(after)[0] == last
    resumed = await streamed(site, browser, "/v1/agent/events", headers={"Last-Event-ID": str(last - 2)})
    assert numbers(resumed)[0] == last - 1


async def test_an_agent_may_follow_a_conversation_as_its_customer_sees_it(site: Assist) -> None:
    site.noted, _ = await founding(site)
    browser = await site.signed_in()
    own = await streamed(site, browser, f"/v1/agent/conversations/{site.noted}/events", taken_over=True)
    assert "event: message.done" in own


async def test_chatwoots_word_is_a_hint_that_chatwoot_is_asked_about(tmp_path: Path) -> None:
    asked = []

    async def locate(account: int, conversation: int) -> str | None:
        asked.append((account, conversation))
        return "chatwoot-1-42" if (account, conversation) == (1, 42) else None

    async with assist_site(tmp_path, now=True, locate=locate) as site:
        browser = await site.signed_in()
        answer = await browser.get("/v1/agent/hosts/chatwoot/1/42")
        assert answer.json() == {"conversation": "chatwoot-1-42"}
        assert code(await browser.get("/v1/agent/hosts/chatwoot/1/43")) == (404, "not_found")
        for bad in ("0/1", "1/x", "1/-1", "1/9" + "9" * 20):
            assert (await browser.get(f"/v1/agent/hosts/chatwoot/{bad}")).status_code == 422
    assert asked == [(1, 42), (1, 43)]


async def test_a_session_is_of_the_agent_of_its_time(tmp_path: Path) -> None:
    """Times are our clock's: a cookie's own end is only a wish."""
    async with assist_site(tmp_path) as site:
        browser = await site.signed_in()
        site.world.at += timedelta(hours=11)
        assert (await browser.get("/v1/agent/me")).json()["name"] == "zoe"
        site.world.at += timedelta(hours=2)
        assert (await browser.get("/v1/agent/me")).json()["name"] is None
