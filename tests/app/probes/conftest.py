"""A real world for the probes: account API, two resolvers and TLS edges on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.adapters.platform import Platform
from app.models.steps import Finding
from app.probes import Job, look_all, probes
from app.probes.net import Net, resolver
from evals.world.connected import platform_at
from evals.world.spec import Spec
from evals.world.world import World
from evals.world_policy import WorldPolicy
from knowledge.model import Check


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


def net_of(world: World, *, dns_seconds: float = 1.0, connect_seconds: float = 1.0) -> Net:
    at = world.addresses
    return Net(
        resolvers=tuple(resolver(each) for each in at.resolvers),
        ca_file=Path(at.ca),
        ports={443: at.tls_port, 80: at.http_port},
        policy=WorldPolicy(at.network),
        dns_seconds=dns_seconds,
        connect_seconds=connect_seconds,
    )


@dataclass(frozen=True)
class Prober:
    """Looks at the running world as the service does."""

    world: World
    accounts: Platform
    net: Net

    async def __call__(
        self, check: str, spec: Spec, subject: str | None = None, /, **params: str | bool | int
    ) -> Finding:
        asked = Check(name=check, params=tuple(params.items()))
        job = Job(
            check=asked,
            account=spec.account,
            subject=subject,
            subjects={"domain": subject} if subject else {},
        )
        looks = probes(self.accounts, self.net, now)
        (finding,) = await look_all([job], looks, deadline_s=6.0, clock=now)
        return finding

    def canary(self) -> int:
        return sum(visit.edge == "canary" for visit in self.world.visits())


@pytest.fixture
async def look(world: World) -> AsyncIterator[Prober]:
    async with platform_at(world.addresses.api, world.addresses.token) as accounts:
        yield Prober(world, accounts, net_of(world))
