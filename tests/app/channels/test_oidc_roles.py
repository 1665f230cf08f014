"""What the company's provider says of an agent: groups give rights, and losing one ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.channels.assist.oidc import roles_in
from tests.app.channels.assisting import OURS, Assist, assist_site
from tests.app.channels.oidc_double import Double
from tests.app.channels.test_assist_oidc import me, settings, there_and_back
from tests.app.documents import Kept, kept

ROLES: dict[str, tuple[str, ...]] = {
    "support": ("agent",),
    "leads": ("agent", "approver"),
    "odd": ("approver",),
}
ADDRESS = "zoe@desk.example"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Kept]:
    with kept(tmp_path / "documents") as made:
        yield made


@pytest.fixture
async def site(provider: Double, here: Kept, tmp_path: Path) -> AsyncIterator[Assist]:
    """Nobody is on a list: what counts is what the provider says."""
    fields = settings(provider, oidc_agents=(), oidc_roles=ROLES, approvers=())
    async with assist_site(tmp_path / "site", now=True, documents=here.documents, **fields) as made:
        provider.now = made.world.at.timestamp
        yield made


async def signed_in(site: Assist) -> httpx.AsyncClient:
    browser = site.browser(headers=OURS)
    await there_and_back(browser)
    return browser


async def may_approve(browser: httpx.AsyncClient) -> bool | None:
    answer = await browser.get("/v1/agent/procedures")
    return bool(answer.json()["may_approve"]) if answer.status_code == 200 else None


@pytest.mark.parametrize(
    ("groups", "rights"),
    [
        (["support"], False),
        (["leads"], True),
        (["other", "support"], False),
        ("support", False),  # one text instead of a list
        (["odd", "support"], True),
        (["odd"], None),  # approving is no way in
        (["Support"], None),
        (["support-x", "x-support", "*", ""], None),
        ("support leads", None),
        ([["support"]], None),
        ({"support": True}, None),
        ([], None),
        (None, None),
    ],
)
async def test_a_group_is_a_right_by_its_exact_name(
    site: Assist, provider: Double, groups: Any, rights: bool | None
) -> None:
    provider.groups = groups
    browser = await signed_in(site)
    assert await me(browser) == (ADDRESS if rights is not None else None)
    assert await may_approve(browser) == rights


@pytest.mark.parametrize(("groups", "status"), [(["support"], 403), (["leads"], 200)])
async def test_who_approves_by_group_may_also_switch_actions_off(
    site: Assist, provider: Double, groups: list[str], status: int
) -> None:
    provider.groups = groups
    browser = await signed_in(site)
    assert (await browser.get("/v1/agent/switches")).json()["may_switch"] is (status == 200)
    off = {"switch": "actions", "off": True, "because": "a strange day"}
    assert (await browser.post("/v1/agent/switches", json=off)).status_code == status
    assert (await site.world.store.switched_off("actions") is not None) is (status == 200)


async def test_an_address_that_is_not_verified_is_nobody_in_whatever_group(
    site: Assist, provider: Double
) -> None:
    provider.groups, provider.verified = ["leads"], False
    assert await me(await signed_in(site)) is None


@pytest.mark.parametrize("claim", ["roles", "realm_access.roles", "https://example.com/groups"])
async def test_the_claim_has_a_name_and_may_lie_deeper(site: Assist, provider: Double, claim: str) -> None:
    site.world.settings.__dict__["oidc_roles_claim"] = claim
    provider.groups = ["leads"]
    provider.groups_claim = claim
    if claim.startswith("https"):
        provider.in_groups = lambda: {claim: ["leads"]}  # type: ignore[method-assign]
    try:
        assert await may_approve(await signed_in(site)) is True
    finally:
        provider.__dict__.pop("in_groups", None)


async def test_groups_may_be_told_at_the_userinfo_endpoint_alone(site: Assist, provider: Double) -> None:
    provider.groups, provider.groups_at_userinfo = ["support"], True
    assert await me(await signed_in(site)) == ADDRESS


async def test_userinfo_of_somebody_else_gives_nothing(site: Assist, provider: Double) -> None:
    provider.groups, provider.groups_at_userinfo, provider.lie = ["leads"], True, "userinfo of another"
    assert await me(await signed_in(site)) is None


async def test_losing_the_group_ends_the_right_in_every_session_at_the_next_sign_in(
    site: Assist, provider: Double
) -> None:
    provider.groups = ["leads"]
    first = await signed_in(site)
    handed = (await first.post("/v1/agent/session/pass", json={})).json()["code"]
    frame = site.browser(headers=OURS)
    assert (await frame.post("/v1/agent/session", json={"code": handed})).status_code == 201
    assert [await may_approve(each) for each in (first, frame)] == [True, True]
    provider.groups = ["support"]
    second = await signed_in(site)
    assert [await may_approve(each) for each in (first, frame, second)] == [False, False, False]
    provider.groups = []
    assert await me(await signed_in(site)) is None
    assert [await me(each) for each in (first, frame, second)] == [None, None, None]


async def test_it_ends_with_the_session_at_the_latest(site: Assist, provider: Double) -> None:
    provider.groups = ["leads"]
    browser = await signed_in(site)
    site.world.later(hours=11, minutes=59)
    assert await may_approve(browser) is True
    site.world.later(minutes=2)
    assert await may_approve(browser) is None


async def test_what_a_group_may_is_read_of_the_settings_at_that_moment(
    site: Assist, provider: Double
) -> None:
    provider.groups = ["leads"]
    browser = await signed_in(site)
    site.world.settings.__dict__["oidc_roles"] = {"leads": ("agent",)}
    assert await may_approve(browser) is False
    site.world.settings.__dict__["oidc_roles"] = {}
    assert await may_approve(browser) is None


async def test_an_operator_ends_it_at_once(site: Assist, provider: Double) -> None:
    provider.groups = ["leads"]
    browser = await signed_in(site)
    await site.world.store.sign_agent_out(ADDRESS)
    assert await may_approve(browser) is None
    assert await site.world.store.roles_of(ADDRESS, site.world.at) == frozenset()


async def test_a_link_made_for_that_address_has_none_of_it(site: Assist, provider: Double) -> None:
    provider.groups = ["leads"]
    await signed_in(site)
    assert await may_approve(await site.signed_in(ADDRESS)) is False


async def test_the_lists_count_beside_it(site: Assist, provider: Double) -> None:
    provider.groups = []
    site.world.settings.__dict__.update(oidc_agents=(ADDRESS,), approvers=(ADDRESS,))
    assert await may_approve(await signed_in(site)) is True


def test_a_claim_that_is_no_list_of_texts_names_nothing() -> None:
    odd: Any
    for odd in (None, 7, True, {"a": "b"}, [1, None, {}], [""], {"groups": None}):
        assert roles_in({"groups": odd}, "groups") == []
        assert roles_in({"groups": odd}, "groups.more.still") == []
    assert roles_in({"a.b": ["one"], "a": {"b": ["two"]}}, "a.b") == ["one"]
