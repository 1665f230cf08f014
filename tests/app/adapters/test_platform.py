"""The account adapter against the real platform of the world, with its faults."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.adapters.platform import Platform
from app.connectors.answers import at
from app.connectors.read import SHIPPED, load, shipped
from app.errors import BadInput, ConfigError, OutcomeUnknown, Unavailable
from app.models.people import Principal
from evals.world import scenarios
from evals.world.connected import platform_at
from evals.world.spec import Spec
from evals.world.world import World


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


@pytest.fixture
async def platform(world: World) -> AsyncIterator[Platform]:
    async with platform_at(world.addresses.api, world.addresses.token) as adapter:
        yield adapter


@pytest.fixture
def spec(world: World) -> Spec:
    return world.load(scenarios.all_ready())


def customer(account: str | None, user: str) -> Principal:
    return Principal(kind="customer", id=user, account=account)


async def test_standing_is_what_the_account_system_says(platform: Platform, spec: Spec) -> None:
    mine = spec.account
    asked = {
        "owner": customer(mine, "u-ana"),
        "member": customer(mine, "u-bruno"),
        "stranger": customer(mine, spec.stranger.user),
        "anonymous": Principal(kind="anonymous", id="x", account=mine),
    }
    assert {word: await platform.standing(who) for word, who in asked.items()} == {w: w for w in asked}
    assert await platform.standing(customer(mine, "u-clara")) == "member"
    assert await platform.standing(customer("nobody", "u-ana")) == "stranger"
    assert await platform.standing(customer(None, "u-ana")) == "anonymous"


@pytest.mark.parametrize("user", ["../../other/users/u-ana", "..", ".", "", "u-ana/", "u-ana?x=1", "u-ana#"])
async def test_an_id_never_reaches_beyond_its_segment(platform: Platform, spec: Spec, user: str) -> None:
    assert await platform.standing(customer(spec.account, user)) == "stranger"
    assert await platform.standing(customer(f"{spec.account}/users/u-ana/..", "u-ana")) == "stranger"


async def test_standing_is_unknown_when_the_platform_does_not_answer(
    platform: Platform, world: World, spec: Spec
) -> None:
    world.fault("error", status=503)
    assert await platform.standing(customer(spec.account, "u-ana")) == "unknown"
    async with platform_at(world.addresses.api, "not-the-token") as denied:
        assert await denied.standing(customer(spec.account, "u-ana")) == "unknown"


async def test_fields_and_subjects(platform: Platform, world: World, spec: Spec) -> None:
    async def field(path: str) -> object:
        return await platform.field(spec.account, path)

    assert await field("plan") == "growth"
    assert await field("settings.double_opt_in") is False
    assert await field("dedicated_ip.assigned") is False
    assert await field("sending.paused") is False
    assert await field("workspaces.principal.status") == "active"
    assert await field("workspaces.nowhere.status") is None
    assert await field("domains.news.kalahari.example.workspace") == "principal"
    assert await field("branded_links.links.kalahari.example.validated") is True
    assert await field("settings.nothing.there") is None
    assert await platform.field("nobody", "plan") is None
    assert await platform.subjects(spec.account, "domain") == spec.hosts
    assert await platform.subjects(spec.account, "sending_domain") == (
        "kalahari.example",
        "news.kalahari.example",
    )
    assert await platform.subjects(spec.account, "workspace") == ("principal", "campanhas")
    assert await platform.subjects(spec.account, "shoe") == ()
    world.change_account(spec.account, branded_links=[])
    assert (await platform.subjects(spec.account, "domain"))[0] == "kalahari.example"


async def test_each_write_changes_its_one_thing_and_its_undo_takes_it_back(
    platform: Platform, world: World, spec: Spec
) -> None:
    seen: dict[str, Callable[[], bool]] = {
        "enable_https": lambda: world.account(spec.account).settings.https_tracking,
        "assign_dedicated_ip": lambda: world.account(spec.account).dedicated_ip is not None,
        "pause_sending": lambda: world.account(spec.account).sending.paused,
    }
    undo = {"enable_https": "disable_https", "assign_dedicated_ip": "release_dedicated_ip"}
    undo["pause_sending"] = "resume_sending"
    for effect, read in seen.items():
        await platform.change(spec.account, effect, {}, key=effect)
        assert read() is True
        await platform.change(spec.account, undo[effect], {}, key=undo[effect])
        assert read() is False
    move = {"domain": "news.kalahari.example", "workspace": "campanhas"}
    await platform.change(spec.account, "move_domain", move, key="move")
    assert await platform.field(spec.account, "domains.news.kalahari.example.workspace") == "campanhas"
    assert {*seen, *undo.values(), "move_domain"} == set(shipped().writes)
    assert len(world.effects(spec.account)) == len(shipped().writes)


async def test_one_key_is_one_effect(platform: Platform, world: World, spec: Spec) -> None:
    writes = (platform.change(spec.account, "enable_https", {}, key="k1") for _ in range(5))
    await asyncio.gather(*writes)
    assert [effect.after for effect in world.effects()] == [{"https_tracking": True}]


async def test_a_refusal_carries_the_platforms_reason(platform: Platform, world: World, spec: Spec) -> None:
    with pytest.raises(BadInput, match=r"no workspace 'moon'; there are principal"):
        await platform.change(
            spec.account, "move_domain", {"domain": "kalahari.example", "workspace": "moon"}, key="a"
        )
    with pytest.raises(BadInput, match="nobody"):
        await platform.change("nobody", "enable_https", {}, key="b")
    with pytest.raises(BadInput, match="workspace"):
        await platform.change(spec.account, "move_domain", {"domain": "kalahari.example"}, key="c")
    with pytest.raises(BadInput, match="delete_everything"):
        await platform.change(spec.account, "delete_everything", {}, key="d")
    with pytest.raises(BadInput, match="id"):
        await platform.change(
            spec.account, "move_domain", {"domain": "..", "workspace": "principal"}, key="e"
        )
    assert world.effects() == ()


async def test_a_lost_answer_is_an_unknown_outcome_and_the_key_settles_it(
    platform: Platform, world: World, spec: Spec
) -> None:
    world.fault("apply_then_drop", method="PATCH")
    with pytest.raises(OutcomeUnknown, match="k1"):
        await platform.change(spec.account, "enable_https", {}, key="k1")
    assert await platform.field(spec.account, "settings.https_tracking") is True
    await platform.change(spec.account, "enable_https", {}, key="k1")
    assert len(world.effects()) == 1


async def test_an_error_after_sending_is_an_unknown_outcome(
    platform: Platform, world: World, spec: Spec
) -> None:
    for status in (500, 502, 503, 504):
        world.fault("error", method="PATCH", status=status)
        with pytest.raises(OutcomeUnknown):
            await platform.change(spec.account, "enable_https", {}, key="k1")
    world.fault("error", method="PATCH", status=429)
    with pytest.raises(Unavailable):
        await platform.change(spec.account, "enable_https", {}, key="k1")
    assert world.effects() == ()


async def test_a_slow_answer_is_unknown_when_patience_ends(world: World, spec: Spec, tmp_path: Path) -> None:
    text = (SHIPPED / "heron.yaml").read_text()
    text = text.replace(
        "    body: {https_tracking: true}\n", "    body: {https_tracking: true}\n    timeout: 0.2\n"
    )
    (tmp_path / "hasty.yaml").write_text(text)
    world.fault("slow", method="PATCH", seconds=0.6)
    async with platform_at(world.addresses.api, world.addresses.token, connectors=load(tmp_path)) as hasty:
        with pytest.raises(OutcomeUnknown, match="Time"):
            await hasty.change(spec.account, "enable_https", {}, key="k1")


async def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with platform_at(f"http://127.0.0.1:{port}", "t") as nobody:
        with pytest.raises(Unavailable, match="nothing was sent"):
            await nobody.change("a", "enable_https", {}, key="k")
        with pytest.raises(Unavailable):
            await nobody.field("a", "plan")
        assert await nobody.standing(customer("a", "u")) == "unknown"


async def test_a_read_that_was_cut_off_is_repeated_once(platform: Platform, world: World, spec: Spec) -> None:
    world.fault("timeout", seconds=0.0, times=1)
    assert await platform.field(spec.account, "plan") == "growth"
    world.fault("timeout", seconds=0.0, times=2)
    with pytest.raises(Unavailable):
        await platform.field(spec.account, "plan")


async def test_what_is_no_json_is_no_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, platform_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "t") as odd:
        with pytest.raises(Unavailable, match="JSON"):
            await odd.field("a", "plan")


def test_an_address_that_is_none_stops_the_start() -> None:
    for url in ("heron.example", "ftp://heron.example", "https://", "http://[::", "http://heron.example"):
        with pytest.raises(ConfigError, match="STEPFOUR_PLATFORM_URL"):
            platform_at(url, "t")


def test_walking_a_path() -> None:
    record = {"a": {"b.c": 1, "b": {"d": 2}}, "list": [{"id": "x.y", "n": 3}, "bare"]}
    assert at(record, ["a", "b", "c"]) == 1
    assert at(record, ["a", "b", "d"]) == 2
    assert at(record, ["list", "x", "y", "n"]) == 3
    assert at(record, ["list", "z"]) is None
