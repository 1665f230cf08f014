"""What somebody may do is read at the moment of use: keys, lists and sessions end at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.identity import digest, new_api_key
from app.models.people import ApiKey, Principal
from app.models.request import ActionRequest
from app.proposing import may_decide
from app.site_keys import new_pair
from tests.app.channels.assisting import OURS, Assist, assist_site, of_agent, signed
from tests.app.channels.calls import asked_and_waiting, bearer, code
from tests.app.world import ANN, EVE, ZOE

ADDRESS = "zoe@desk.example"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Assist]:
    async with assist_site(tmp_path, now=True) as made:
        yield made


async def key_for(site: Assist, *scopes: Any, **fields: Any) -> dict[str, str]:
    token = new_api_key()
    made = ApiKey(name="crm", scopes=scopes, created_at=site.world.at, **fields)
    assert await site.world.store.keep_api_key(digest(token), made)
    return bearer(token)


async def told_after(
    site: Assist, browser: httpx.AsyncClient, path: str, ends: Callable[[], Awaitable[object]], **headers: str
) -> str:
    """What a stream says that is open while a right ends and something new happens."""
    conversation = await site.world.talk(ANN)
    await site.world.accept(conversation, "told before")
    asking = asyncio.create_task(browser.get(path.format(id=conversation), headers=headers))
    await asked_and_waiting(site.world.store, asking)
    assert not asking.done(), "it waits for news"
    await ends()
    await site.world.accept(conversation, "told after")
    answer = await asyncio.wait_for(asking, 20)
    assert answer.status_code == 200
    return answer.text


async def test_a_revoked_key_ends_its_open_stream_before_anything_more_is_told(site: Assist) -> None:
    headers, browser = await key_for(site, "conversations:read"), site.browser()

    async def revoke() -> None:
        await site.world.store.revoke_api_key("crm")

    stream = await told_after(site, browser, "/v1/agent/conversations/{id}/events", revoke, **headers)
    assert "told before" in stream
    assert "told after" not in stream
    assert code(await browser.get("/v1/agent/cases", headers=headers)) == (401, "not_authentic")


async def test_a_key_ends_by_itself(site: Assist) -> None:
    until = site.world.at + timedelta(days=1)
    headers, browser = await key_for(site, "conversations:read", until=until), site.browser()
    assert (await browser.get("/v1/agent/cases", headers=headers)).status_code == 200
    site.world.later(days=1)
    assert code(await browser.get("/v1/agent/cases", headers=headers)) == (401, "not_authentic")


async def test_a_key_says_which_scope_it_lacks_and_what_no_key_opens(site: Assist) -> None:
    headers, browser = await key_for(site, "notes:write"), site.browser()
    conversation = await site.world.talk(ANN)
    here = f"/v1/agent/conversations/{conversation}"
    refused = await browser.get(here, headers=headers)
    assert code(refused) == (403, "scope_missing")
    assert "conversations:read" in refused.json()["error"]["fix"]
    attest = await browser.post(f"{here}/steps/x/attest", json={"text": "seen"}, headers=headers)
    assert code(attest) == (403, "people_only")
    noted = await browser.post(f"{here}/notes", json={"text": "from the CRM"}, headers=headers)
    assert noted.status_code == 201
    assert [note.by for note in await site.world.store.notes(conversation)] == ["crm"]
    assert code(await browser.get("/v1/conversations", headers=headers)) == (403, "machines_elsewhere")


async def test_an_agent_who_is_signed_out_hears_no_more(site: Assist) -> None:
    browser, kept = await site.signed_in("zoe"), await site.signed_in("kim")

    async def out() -> None:
        assert await site.world.store.sign_agent_out("zoe") == (1, 0)

    stream = await told_after(site, browser, "/v1/agent/conversations/{id}/events", out)
    assert "told before" in stream
    assert "told after" not in stream
    assert code(await browser.get("/v1/agent/cases")) == (401, "not_authentic")
    assert (await kept.get("/v1/agent/cases")).status_code == 200, "nobody else is signed out"


async def test_a_revoked_link_signs_nobody_in(site: Assist) -> None:
    link = await site.service.agent_link("zoe")
    assert await site.world.store.sign_agent_out("zoe") == (0, 1)
    answer = await site.browser(headers=OURS).post("/v1/agent/session", json={"code": link})
    assert code(answer) == (401, "not_authentic")


async def test_who_left_the_list_of_agents_loses_every_session_that_it_gave(tmp_path: Path) -> None:
    """Also one that was handed on to a frame. Who came by an operator's link is no matter of the list."""
    async with assist_site(tmp_path, now=True, oidc_agents=(ADDRESS,)) as site:
        browser = site.browser(headers=OURS)
        browser.cookies.set("stepfour-agent", await site.service.open_session(ADDRESS, "oidc"))
        handed = (await browser.post("/v1/agent/session/pass", json={})).json()["code"]
        frame = site.browser(headers=OURS)
        assert (await frame.post("/v1/agent/session", json={"code": handed})).status_code == 201
        invited = await site.signed_in(ADDRESS)
        cookies = [each.cookies["stepfour-agent"] for each in (browser, frame, invited)]
        for each in (browser, frame, invited):
            assert (await each.get("/v1/agent/cases")).status_code == 200
    async with assist_site(tmp_path, now=True, oidc_agents=("kim@desk.example",)) as site:
        found = []
        for cookie in cookies:
            again = site.browser(cookies={"stepfour-agent": cookie})
            found.append((await again.get("/v1/agent/cases")).status_code)
            assert (await again.get("/v1/agent/me")).json()["name"] == (ADDRESS if found[-1] == 200 else None)
        assert found == [401, 401, 200]


@pytest.mark.parametrize("who", ["eve", "a visitor", "nobody"])
async def test_a_stream_cannot_be_resumed_by_somebody_else(site: Assist, who: str) -> None:
    conversation, browser = await site.world.talk(ANN), site.browser()
    await site.world.accept(conversation, "for ann alone")
    visitor = (await browser.post("/v1/visitors", json={})).json()["token"]
    headers = {"eve": bearer(signed("eve", "other")), "a visitor": bearer(visitor), "nobody": {}}[who]
    path = f"/v1/conversations/{conversation}/events"
    answer = await browser.get(path, headers=headers | {"Last-Event-ID": "1"})
    assert answer.status_code == (401 if who == "nobody" else 404)
    assert "for ann alone" not in answer.text


async def test_a_customers_stream_ends_with_the_key_that_its_token_was_signed_with(tmp_path: Path) -> None:
    private, public = new_pair("EdDSA")
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "old.pem").write_bytes(public)
    async with assist_site(tmp_path, now=True, site_keys=keys) as site:
        exp = int(site.world.at.timestamp()) + 600
        claims = {"sub": "ann", "account": "acme", "aud": "stepfour", "exp": exp}
        signer = load_pem_private_key(private, None)
        token = jwt.encode(claims, signer, "EdDSA", headers={"kid": "old"})  # type: ignore[arg-type]

        async def rotate() -> None:
            (keys / "old.pem").unlink()

        path = "/v1/conversations/{id}/events"
        stream = await told_after(site, site.browser(), path, rotate, **bearer(token))
        assert "told before" in stream
        assert "told after" not in stream


async def test_a_token_swapped_in_the_middle_for_another_persons_is_refused(site: Assist) -> None:
    browser, ann, eve = site.browser(), bearer(signed("ann", "acme")), bearer(signed("eve", "other"))
    opened = (await browser.post("/v1/conversations", json={}, headers=ann)).json()["id"]
    path = f"/v1/conversations/{opened}/messages"
    said = {"client_message_id": "one", "text": "hello"}
    assert (await browser.post(path, json=said, headers=ann)).status_code == 202
    for other in (eve, bearer(signed("ann", "other")), of_agent()):
        again = await browser.post(path, json=said | {"client_message_id": "two"}, headers=other)
        assert again.status_code in (403, 404)
    fresh = bearer(signed("ann", "acme", jti="another token of the same person"))
    assert (
        await browser.post(path, json=said | {"client_message_id": "3"}, headers=fresh)
    ).status_code == 202


@pytest.mark.parametrize("approval", ["none", "customer", "agent"])
async def test_a_machine_owns_nothing_and_approves_nothing(approval: Any, site: Assist) -> None:
    """Whatever it is called: not even one with the id and account of the owner."""
    at = site.world.at
    for twin in (ANN, EVE, ZOE):
        machine = Principal.model_validate(twin.model_dump() | {"kind": "machine"})
        request = ActionRequest(
            id="a", case="k", conversation="c", action="x", inputs=(), principal=machine, evidence=(),
            digest="0" * 64, approval=approval, state="proposed", created_at=at, expires_at=at,
        )  # fmt: skip
        assert not may_decide(request, machine)
        assert await site.world.accounts.standing(machine) == "anonymous"
