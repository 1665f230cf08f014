"""Agents sign in with the company's accounts: what is held, and every way in which it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.channels.assist.oidc import Provider
from app.identity import listed
from tests.app.channels.assisting import Assist, assist_site
from tests.app.channels.oidc_double import CLIENT, SECRET, Double

AGENTS = ("zoe@desk.example", "@support.example")


def settings(provider: Double, **more: Any) -> dict[str, Any]:
    provider.redirect_uri = "http://here/assist/oidc/callback"
    return {
        "oidc_issuer": provider.url,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
        "oidc_agents": AGENTS,
    } | more


@pytest.fixture
async def site(provider: Double, tmp_path: Path) -> AsyncIterator[Assist]:
    async with assist_site(tmp_path, now=True, **settings(provider)) as made:
        yield made


async def there_and_back(browser: httpx.AsyncClient) -> httpx.Response:
    """To the provider, where somebody is signed in already, and back to us."""
    start = await browser.get("/assist/oidc/start")
    assert start.status_code == 303, start.text
    async with httpx.AsyncClient() as outside:
        yes = await outside.get(start.headers["location"])
    assert yes.status_code == 303, yes.text
    return await browser.get(yes.headers["location"])


async def me(browser: httpx.AsyncClient) -> Any:
    return (await browser.get("/v1/agent/me")).json()["name"]


async def test_an_agent_of_the_list_is_signed_in(site: Assist, provider: Double) -> None:
    browser = site.browser()
    answer = await there_and_back(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/assist")
    assert await me(browser) == "zoe@desk.example"
    assert provider.refused == []


async def test_addresses_are_compared_whatever_their_case(site: Assist, provider: Double) -> None:
    provider.email = "Kim@Support.Example"
    browser = site.browser()
    await there_and_back(browser)
    assert await me(browser) == "kim@support.example"


async def test_the_address_may_be_told_at_the_userinfo_endpoint_alone(site: Assist, provider: Double) -> None:
    provider.at_userinfo = True
    browser = site.browser()
    await there_and_back(browser)
    assert await me(browser) == "zoe@desk.example"


async def test_the_metadata_is_asked_for_once(site: Assist, provider: Double) -> None:
    await there_and_back(site.browser())
    await there_and_back(site.browser())
    assert provider.discoveries == 1


LIES = {
    "another nonce": "failed",
    "no nonce": "failed",
    "another audience": "failed",
    "several audiences": "failed",
    "another issuer": "failed",
    "expired": "failed",
    "from the future": "failed",
    "another access token": "failed",
    "another key": "failed",
    "our own secret": "failed",
    "unsigned": "failed",
    "no identity": "failed",
    "denied": "failed",
    "answer of another": "failed",
    "answer of nobody": "failed",
    "another state": "expired",
}


@pytest.mark.parametrize(("lie", "code"), LIES.items())
async def test_what_does_not_hold_signs_nobody_in(
    site: Assist, provider: Double, lie: str, code: str
) -> None:
    provider.lie = lie
    browser = site.browser()
    answer = await there_and_back(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/assist/sign-in?refused={code}")
    assert await me(browser) is None
    assert not any(cookie.name.endswith("stepfour-agent") for cookie in browser.cookies.jar)


@pytest.mark.parametrize(
    ("email", "verified", "code"),
    [
        ("zoe@desk.example", False, "not_verified"),
        ("zoe@desk.example", None, "not_verified"),
        ("zoe@desk.example", "yes", "not_verified"),
        (None, True, "not_verified"),
        ("@support.example", True, "not_verified"),
        ("a@b@support.example", True, "not_verified"),
        ("zoe@desk.example.evil.example", True, "not_listed"),
        ("eve@desk.example", True, "not_listed"),
        ("eve@sub.support.example", True, "not_listed"),
        ("eve@notsupport.example", True, "not_listed"),
    ],
)
async def test_only_a_verified_address_of_the_list_is_an_agent(
    site: Assist, provider: Double, email: str | None, verified: Any, code: str
) -> None:
    provider.email, provider.verified = email, verified
    browser = site.browser()
    answer = await there_and_back(browser)
    assert answer.headers["location"] == f"/assist/sign-in?refused={code}"
    assert await me(browser) is None


async def test_userinfo_of_somebody_else_does_not_count(site: Assist, provider: Double) -> None:
    provider.at_userinfo, provider.lie = True, "userinfo of another"
    browser = site.browser()
    assert (await there_and_back(browser)).headers["location"].endswith("refused=failed")


async def test_metadata_of_another_issuer_leads_nowhere(site: Assist, provider: Double) -> None:
    provider.lie = "metadata of another"
    answer = await site.browser().get("/assist/oidc/start")
    assert answer.headers["location"] == "/assist/sign-in?refused=failed"


async def test_an_answer_counts_once_and_in_the_browser_that_asked(site: Assist) -> None:
    browser, other = site.browser(), site.browser()
    start = await browser.get("/assist/oidc/start")
    async with httpx.AsyncClient() as outside:
        back = (await outside.get(start.headers["location"])).headers["location"]
    assert (await other.get(back)).headers["location"].endswith("refused=expired"), "login of another browser"
    assert (await browser.get(back)).headers["location"].endswith("refused=expired"), "it was used up"
    await there_and_back(browser)
    assert await me(browser) == "zoe@desk.example"


async def test_a_sign_in_that_took_too_long_has_ended(provider: Double, tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True, **settings(provider)) as site:
        at = site.world.clock()
        clock = [at]
        made = Provider(site.world.settings, lambda: clock[0])
        url, state = await made.begin(provider.redirect_uri)
        clock[0] = at + timedelta(minutes=11)
        with pytest.raises(Exception, match="unknown, used or late"):
            await made.finish(
                {"state": state, "code": "c", "iss": provider.url}, state, provider.redirect_uri
            )
        assert url.startswith(provider.url)


async def test_those_under_way_are_bounded(site: Assist, provider: Double, monkeypatch: Any) -> None:
    monkeypatch.setattr("app.channels.assist.oidc.MOST_BEGUN", 3)
    made = Provider(site.world.settings, site.world.clock)
    for _ in range(10):
        await made.begin(provider.redirect_uri)
    assert len(made._begun) == 3


async def test_a_provider_that_does_not_answer_is_said_so(tmp_path: Path, provider: Double) -> None:
    gone = settings(provider, oidc_issuer="http://127.0.0.1:9")
    async with assist_site(tmp_path, now=True, **gone) as site:
        answer = await site.browser().get("/assist/oidc/start")
    assert answer.headers["location"] == "/assist/sign-in?refused=failed"


async def test_without_a_provider_there_is_nothing_to_start(tmp_path: Path) -> None:
    async with assist_site(tmp_path) as site:
        assert (await site.browser().get("/assist/oidc/start")).status_code == 404
        assert (await site.browser().get("/assist/oidc/callback?state=s&code=c")).status_code == 404
        shown = (await site.browser().get("/v1/agent/me")).json()
    assert (shown["oidc"], shown["provider"]) == (False, None)


async def test_an_empty_list_lets_nobody_in(tmp_path: Path, provider: Double) -> None:
    async with assist_site(tmp_path, now=True, **settings(provider, oidc_agents=())) as site:
        answer = await there_and_back(site.browser())
    assert answer.headers["location"].endswith("refused=not_listed")
    assert not listed("zoe@desk.example", ("", "@", "zoe@"))
    assert isinstance(site.world.clock(), datetime)
