"""Starting, ending, killing and restarting a world; and that every scenario is what its name says."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

import evals.world
from evals.world import scenarios
from evals.world.spec import Addresses
from evals.world.world import World

FOLDER = Path(evals.world.__file__).parent


def start_process(folder: Path) -> tuple[subprocess.Popen[str], Addresses]:
    command = [sys.executable, "-m", "evals.world", "--state-dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parents[1])
    assert process.stdout
    return process, Addresses.model_validate_json(process.stdout.readline())


def end(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    code = process.wait(timeout=10)
    if process.stdout:
        process.stdout.close()
    return code


def test_starts_in_under_a_second() -> None:
    began = time.monotonic()
    with World.start():
        assert time.monotonic() - began < 1


async def test_two_worlds_at_once_from_async_code() -> None:
    async with World.start() as one, World.start() as two:
        one.load(scenarios.all_ready())
        with pytest.raises(ValueError, match="no account"):
            two.account(scenarios.ACCOUNT)
        assert one.addresses.api != two.addresses.api


def test_nothing_listens_after_the_end() -> None:
    with World.start() as world:
        addresses = world.addresses
    with pytest.raises(httpx.ConnectError):
        httpx.get(addresses.api)


def test_ends_while_a_request_hangs() -> None:
    with World.start() as world:
        world.fault("timeout", seconds=60)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(
                f"{world.addresses.api}/v1/effects",
                headers={"Authorization": f"Bearer {world.addresses.token}"},
                timeout=0.2,
            )
        began = time.monotonic()
    assert time.monotonic() - began < 2


def test_ends_quietly_with_half_open_connections(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as connections, World.start() as world:
        world.load(scenarios.tls_timeout())
        resolver, _, port = world.addresses.resolvers[0].rpartition(":")
        edges = [str(ip_network(world.addresses.network)[256 + number]) for number in (1, 2, 3)]
        for place in ((resolver, int(port)), *((edge, world.addresses.tls_port) for edge in edges)):
            connections.enter_context(socket.create_connection(place, timeout=1))
        time.sleep(0.1)
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_killed_and_started_again_it_remembers_and_is_where_it_was(tmp_path: Path) -> None:
    process, addresses = start_process(tmp_path)
    world = World(addresses)
    spec = world.load(scenarios.becomes_ready(after=600))
    url = f"{addresses.api}/v1/accounts/{spec.account}/settings"
    headers = {"Authorization": f"Bearer {addresses.token}", "Idempotency-Key": "k"}
    world.fault("apply_then_drop", method="PATCH")
    with pytest.raises(httpx.TransportError):
        httpx.patch(url, json={"https_tracking": True}, headers=headers)
    world.close()
    end(process, signal.SIGKILL)

    process, again = start_process(tmp_path)
    world = World(again)
    assert again.model_copy(update={"pid": 0}) == addresses.model_copy(update={"pid": 0})
    replayed = httpx.patch(url, json={"https_tracking": True}, headers=headers)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert len(world.effects()) == 1
    assert world.run_changes() == 1
    world.close()
    assert end(process, signal.SIGTERM) == 0


def test_a_second_world_on_the_same_folder_says_what_to_do(tmp_path: Path) -> None:
    with World.start(tmp_path), pytest.raises(OSError, match="take another"), World.start(tmp_path):
        pass


def test_secrets_of_a_state_folder_are_its_owners_alone(tmp_path: Path) -> None:
    with World.start(tmp_path) as world:
        world.load(scenarios.all_ready())
    for name in ("authority.pem", "addresses.json"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("edge*"))


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_every_scenario_loads_beside_the_others(world: World, name: str) -> None:
    build = scenarios.SCENARIOS[name]
    assert build.__doc__
    founding = world.load(build())
    other = world.load(build(account="acme", domain="acme.example", label="99"))
    assert founding.hosts == ("links.kalahari.example", "go.kalahari.example")
    assert {founding.owner.account, other.owner.account} == {scenarios.ACCOUNT, "acme"}
    for spec in (founding, other):
        assert world.account(spec.account).branded_links[1].host == spec.hosts[1]
        assert json.loads(spec.model_dump_json())["hosts"] == list(spec.hosts)


@pytest.mark.parametrize("name", sorted(scenarios.SCENARIOS.keys() - {"all_ready", "domain_to_move"}))
def test_every_scenario_differs_from_all_ready(name: str) -> None:
    assert scenarios.SCENARIOS[name]().state() != scenarios.all_ready().state()


def test_a_running_world_loads_nothing_of_its_client() -> None:
    code = "import sys, evals.world.__main__, evals.world.world; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parents[1], check=True).stdout
    assert "evals.world.platform" in loaded
    assert not {"app", "knowledge", "ingest"} & set(loaded.split())
