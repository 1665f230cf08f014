"""One world for all tests of a module's process; each test starts from an empty one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from evals.world.world import World


@pytest.fixture(scope="session")
def running_world() -> Iterator[World]:
    with World.start() as world:
        yield world


@pytest.fixture
def world(running_world: World) -> World:
    running_world.reset()
    return running_world


@pytest.fixture
def api(world: World) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {world.addresses.token}"}
    with httpx.Client(
        base_url=f"{world.addresses.api}/v1", headers=headers, trust_env=False, timeout=3
    ) as client:
        yield client
