"""The platform's API: writes once per key, a ledger, and faults as real as a cut connection."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from evals.world import scenarios
from evals.world.spec import Spec
from evals.world.world import World

ON = {"https_tracking": True}


@pytest.fixture
def spec(world: World) -> Spec:
    return world.load(scenarios.all_ready())


def switch_on(api: httpx.Client, spec: Spec, key: str = "k-1") -> httpx.Response:
    url = f"/accounts/{spec.account}/settings"
    return api.patch(url, json=ON, headers={"Idempotency-Key": key})


def test_reads_need_the_service_token(world: World, spec: Spec) -> None:
    url = f"{world.addresses.api}/v1/accounts/{spec.account}"
    for headers in ({}, {"Authorization": f"Bearer {world.addresses.control_token}"}):
        assert httpx.get(url, headers=headers).status_code == 401


def test_control_is_out_of_reach_of_the_service_token(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.addresses.token}"}
    assert httpx.post(f"{world.addresses.api}/_world/reset", headers=headers).status_code == 401


def test_account_shows_settings_but_not_its_people(api: httpx.Client, spec: Spec) -> None:
    account = api.get(f"/accounts/{spec.account}").json()
    assert account["settings"]["click_tracking"] is True
    assert account["settings"]["https_tracking"] is False
    assert account["sending"] == {"paused": False, "reason": None}
    assert "users" not in account


def test_roles_and_strangers(api: httpx.Client, spec: Spec) -> None:
    def role(account: str, user: str) -> str | None:
        response = api.get(f"/accounts/{account}/users/{user}")
        return response.json()["role"] if response.status_code == 200 else None

    assert role(spec.owner.account, spec.owner.user) == "owner"
    assert role(spec.member.account, spec.member.user) == "member"
    assert role(spec.stranger.account, spec.stranger.user) == "owner"
    assert role(spec.account, spec.stranger.user) is None
    assert spec.stranger.account != spec.account


def test_branded_links_keep_their_token_record(api: httpx.Client, spec: Spec) -> None:
    links = api.get(f"/accounts/{spec.account}/branded-links").json()
    assert [link["host"] for link in links] == ["links.kalahari.example", "go.kalahari.example"]
    assert links[0]["token_cname"] == {"host": "4711.kalahari.example", "target": "track.heron.example"}


def test_same_key_writes_once_and_answers_the_same(api: httpx.Client, spec: Spec) -> None:
    first, again = switch_on(api, spec), switch_on(api, spec)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    (effect,) = api.get(f"/accounts/{spec.account}/effects").json()
    assert (effect["effect"], effect["before"], effect["after"]) == (
        "settings",
        {"https_tracking": False},
        ON,
    )
    assert effect["key"] == "k-1"


def test_fifty_at_once_with_one_key_write_once(api: httpx.Client, spec: Spec, world: World) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: switch_on(api, spec), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(world.effects(spec.account)) == 1


def test_same_key_with_another_body_or_account_is_refused(
    api: httpx.Client, spec: Spec, world: World
) -> None:
    switch_on(api, spec)
    headers = {"Idempotency-Key": "k-1"}
    off = api.patch(f"/accounts/{spec.account}/settings", json={"https_tracking": False}, headers=headers)
    other = api.patch(f"/accounts/{spec.stranger.account}/settings", json=ON, headers=headers)
    assert (off.status_code, other.status_code) == (409, 409)
    assert world.account(spec.account).settings.https_tracking is True
    assert len(world.effects()) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, ON, 400),
        ({"Idempotency-Key": "k"}, {}, 422),
        ({"Idempotency-Key": "k"}, {"https": True}, 422),
    ],
)
def test_unusable_writes_change_nothing(
    api: httpx.Client, spec: Spec, world: World, headers: dict[str, str], body: dict[str, bool], status: int
) -> None:
    response = api.patch(f"/accounts/{spec.account}/settings", json=body, headers=headers)
    assert response.status_code == status
    assert world.effects() == ()


def test_each_write_can_be_undone_with_what_the_ledger_says(
    api: httpx.Client, world: World, spec: Spec
) -> None:
    world.load(scenarios.sending_paused())
    before = world.account(spec.account)
    base = f"/accounts/{spec.account}"

    def write(method: str, path: str, body: object, key: str) -> dict[str, object]:
        response = api.request(method, base + path, json=body, headers={"Idempotency-Key": key})
        assert response.status_code == 200, response.text
        return world.effects(spec.account)[-1].before

    move = f"/domains/news.{scenarios.DOMAIN}/workspace"
    sending = write("POST", "/sending/resume", None, "1")
    address = write("PUT", "/dedicated-ip", {"ip": "auto"}, "2")
    domain = write("PUT", move, {"workspace": "campanhas"}, "3")
    changed = world.account(spec.account)
    assert (changed.sending.paused, changed.domains[1].workspace) == (False, "campanhas")
    assert changed.dedicated_ip
    assert changed.dedicated_ip.startswith("203.0.113.")

    write("POST", "/sending/pause", {"reason": sending["reason"]}, "4")
    write("PUT", "/dedicated-ip", address, "5")
    write("PUT", move, {"workspace": domain["workspace"]}, "6")
    assert world.account(spec.account) == before


def test_a_domain_moves_only_to_a_workspace_that_exists(api: httpx.Client, spec: Spec, world: World) -> None:
    url = f"/accounts/{spec.account}/domains/{{}}/workspace"
    headers = {"Idempotency-Key": "k"}
    body = {"workspace": "nowhere"}
    assert api.put(url.format(f"news.{scenarios.DOMAIN}"), json=body, headers=headers).status_code == 422
    assert api.put(url.format("vizinha.example"), json=body, headers=headers).status_code == 404
    assert world.effects() == ()


def test_answer_lost_after_the_write(api: httpx.Client, spec: Spec, world: World) -> None:
    world.fault("apply_then_drop", "/v1/accounts/*/settings", method="PATCH")
    with pytest.raises(httpx.RemoteProtocolError):
        switch_on(api, spec)
    assert world.account(spec.account).settings.https_tracking is True
    assert switch_on(api, spec).headers["Idempotency-Replayed"] == "true"
    assert len(world.effects()) == 1


def test_write_that_lands_after_the_connection_was_cut(api: httpx.Client, spec: Spec, world: World) -> None:
    world.fault("drop_then_apply", method="PATCH", seconds=0.3)
    with pytest.raises(httpx.TransportError):
        switch_on(api, spec)
    assert world.effects() == ()
    time.sleep(0.5)
    assert len(world.effects()) == 1


def test_timeout_applies_nothing(api: httpx.Client, spec: Spec, world: World) -> None:
    world.fault("timeout", seconds=0.5)
    api.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        switch_on(api, spec)
    time.sleep(0.6)
    assert world.effects() == ()


def test_fails_twice_and_then_works(api: httpx.Client, spec: Spec, world: World) -> None:
    world.fault("error", times=2, status=503)
    assert [switch_on(api, spec).status_code for _ in range(3)] == [503, 503, 200]
    assert len(world.effects()) == 1


def test_slow_answer_comes(api: httpx.Client, spec: Spec, world: World) -> None:
    world.fault("slow", seconds=0.3)
    began = time.monotonic()
    assert api.get(f"/accounts/{spec.account}").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_stale_read_shows_the_account_as_it_was_a_while_ago(
    api: httpx.Client, spec: Spec, world: World
) -> None:
    def https() -> bool:
        return bool(api.get(f"/accounts/{spec.account}").json()["settings"]["https_tracking"])

    world.fault("stale_read", "/v1/accounts/*", method="GET", times=None, seconds=0.4)
    switch_on(api, spec)
    assert https() is False
    time.sleep(0.5)
    assert https() is True


def test_a_fault_on_one_route_leaves_the_others(api: httpx.Client, spec: Spec, world: World) -> None:
    world.fault("error", "/v1/accounts/*/settings", times=None)
    assert api.get(f"/accounts/{spec.account}").status_code == 200
    assert switch_on(api, spec).status_code == 500
    world.clear_faults()
    assert switch_on(api, spec).status_code == 200


def test_control_sets_state_without_a_row_in_the_ledger(spec: Spec, world: World) -> None:
    changed = world.change_account(spec.account, settings={"click_tracking": False}, plan="starter")
    assert (changed.settings.click_tracking, changed.settings.open_tracking) == (False, True)
    assert world.account(spec.account).plan == "starter"
    assert world.effects() == ()
    with pytest.raises(ValueError, match="no account"):
        world.change_account("nobody")


def test_scenarios_can_be_loaded_by_name_over_http(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.addresses.control_token}"}
    url = f"{world.addresses.api}/_world/scenarios"
    given = httpx.post(f"{url}/becomes_ready", json={"after": 9, "account": "acme"}, headers=headers)
    assert Spec.model_validate(given.json()).account == "acme"
    assert world.run_changes() == 1
    assert httpx.post(f"{url}/no_such", json={}, headers=headers).status_code == 404
