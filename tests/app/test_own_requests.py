"""Whoever asked for an action that agents approve is not the agent who approves it, wherever they press.

In Slack: tests/app/channels/slack/test_approvals.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.errors import OwnRequest, Unavailable
from app.models.conversation import Mode
from app.models.people import Principal
from tests.app.channels.assisting import OURS, Assist, assist_site, of_agent, signed
from tests.app.world import ANN, BOB, MODES, ZOE, open_world

AGENTS: dict[str, Mode] = {**MODES, "enable_https": "suggest"}
ADDRESS = "ann@acme.example"


def agent(name: str) -> Principal:
    return Principal(kind="agent", id=name)


async def waiting(world: Any) -> Any:
    world.see(certificate_presented="met", click_tracking_on="met", branded_link_set_up="met")
    await world.say(await world.talk())
    (request,) = await world.store.requests("proposed")
    assert request.approval == "agent"
    return request


@pytest.mark.parametrize(
    ("by", "more"),
    [
        (agent("ann"), {}),  # the site's own id of her, signed for a desk
        (agent("ANN"), {}),
        (agent(ADDRESS), {}),  # the company's account that she signed in with
        (agent(ADDRESS.upper()), {}),
        (agent("Ann Lee (U1)"), {"addresses": [ADDRESS]}),  # Slack's
        (agent("Ann Lee (U1)"), {"also": [ANN]}),  # linked by a code
    ],
)
async def test_the_human_who_asked_is_known_by_any_proof(tmp_path: Path, by: Principal, more: Any) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        world.accounts.people[ADDRESS] = ANN
        request = await waiting(world)
        with pytest.raises(OwnRequest, match="Let another agent"):
            await world.service.decide_request(request.id, "approve", by, **more)
        assert (await world.store.requests())[0].state == "proposed"
        await world.service.decide_request(request.id, "approve", ZOE)
        await world.service.idle()
        assert world.effects == ["enable_https"], "another agent may"


async def test_she_may_take_it_back_and_a_colleague_may_approve(tmp_path: Path) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        world.accounts.people = {ADDRESS: ANN, "bob@acme.example": BOB}
        request = await waiting(world)
        await world.service.decide_request(request.id, "reject", agent(ADDRESS))
        assert (await world.store.requests())[0].state == "refused"
    async with open_world(tmp_path / "other", AGENTS) as world:
        world.accounts.people = {ADDRESS: ANN, "bob@acme.example": BOB}
        request = await waiting(world)
        await world.service.decide_request(request.id, "approve", agent("bob@acme.example"))


async def test_where_it_cannot_be_told_nobody_with_an_address_approves(tmp_path: Path) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        request = await waiting(world)
        world.accounts.down = True
        with pytest.raises(Unavailable):
            await world.service.decide_request(request.id, "approve", agent(ADDRESS))
        assert (await world.store.requests())[0].state == "proposed"


async def asked(site: Assist) -> tuple[str, dict[str, str]]:
    request = await waiting(site.world)
    return f"/v1/agent/requests/{request.id}/approve", {"digest": request.digest}


async def test_on_the_agents_page(tmp_path: Path) -> None:
    """By her company account, by a desk's token, and by a link that an operator made for her address."""
    async with assist_site(tmp_path, now=True, modes=AGENTS, oidc_agents=(ADDRESS,)) as site:
        site.world.accounts.people[ADDRESS] = ANN
        path, body = await asked(site)
        by_openid = site.browser(headers=OURS)
        by_openid.cookies.set("stepfour-agent", await site.service.open_session(ADDRESS, "oidc"))
        by_link = await site.signed_in(ADDRESS)
        for browser, headers in ((by_openid, {}), (by_link, {}), (site.browser(), of_agent("ann"))):
            answer = await browser.post(path, json=body, headers=headers)
            assert 400 <= answer.status_code < 500, answer.text
            assert "approve" in answer.text
        assert (await site.world.store.requests())[0].state == "proposed"
        assert (await site.browser().post(path, json=body, headers=of_agent("zoe"))).status_code == 200


async def test_on_the_website(tmp_path: Path) -> None:
    """The customer's own token opens neither their own route nor the agents' to what agents approve."""
    async with assist_site(tmp_path, now=True, modes=AGENTS) as site:
        path, body = await asked(site)
        token = {"Authorization": f"Bearer {signed('ann', 'acme')}"}
        for where in (path, path.replace("/agent", "")):
            assert (await site.browser().post(where, json=body, headers=token)).status_code in (403, 404)
        assert (await site.world.store.requests())[0].state == "proposed"
