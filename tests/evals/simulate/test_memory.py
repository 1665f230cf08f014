"""The twin of the world: it sees what is true at that moment, and only of what the account has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.errors import BadInput
from evals.simulate.customer import Customer
from evals.simulate.memory import Clock, MemoryWorld
from evals.simulate.timeline import Place, Timeline
from knowledge.model import Procedure
from tests.evals.simulate.conftest import BEGIN, CERTIFICATE, HOST, MakeCustomer, page


async def test_what_needs_time_is_seen_as_that_and_then_as_met(
    https: Procedure, make_customer: MakeCustomer, make_world: Callable[[Customer], MemoryWorld]
) -> None:
    world = make_world(make_customer(2))
    check = https.step(CERTIFICATE).check
    assert check is not None
    place = Place(step=CERTIFICATE, subject=HOST)

    async def seen() -> tuple[bool | None, bool]:
        finding = await world.looks[check.name](check, account="a", subject=HOST, subjects={"domain": HOST})
        return finding.met, finding.needs_time

    assert await seen() == (False, False)
    await world.set(place, "waiting")
    await world.set(place, "yes", BEGIN + timedelta(minutes=5))
    assert await seen() == (False, True)
    world.clock.now = BEGIN + timedelta(minutes=5)
    assert await seen() == (True, False)
    await world.set(place, "no")
    assert await seen() == (False, False)


async def test_nobody_sees_an_account_without_being_signed_in(
    https: Procedure, make_customer: MakeCustomer, make_world: Callable[[Customer], MemoryWorld]
) -> None:
    world = make_world(make_customer(3))
    check = https.step(CERTIFICATE).check
    assert check is not None
    finding = await world.looks[check.name](check, account=None, subject=HOST, subjects={})
    assert finding.met is None


async def test_a_workspace_that_is_not_there_is_neither_seen_nor_written(make_customer: MakeCustomer) -> None:
    procedure = page("move-domain")
    truths = {Place(step=step.id): "yes" for step in procedure.steps}
    subjects = (("domain", ("acme.example",)), ("workspace", ("retail",)))
    customer = make_customer(procedure="move-domain", subjects=subjects, truths=tuple(truths.items()))
    clock = Clock(BEGIN)
    world = MemoryWorld(customer, procedure, Timeline(BEGIN, dict(customer.truths)), clock)
    check = procedure.step("target-workspace").check
    assert check is not None
    for name, met in (("retail", True), ("retail. We", False)):
        named = {"domain": "acme.example", "workspace": name}
        finding = await world.looks[check.name](check, account="a", subject=name, subjects=named)
        assert finding.met is met
    with pytest.raises(BadInput, match=r"no retail\. We"):
        await world.change("a", "move_domain", {"domain": "acme.example", "workspace": "retail. We"}, "k1")
    assert await world.written() == ()
    await world.change("a", "move_domain", {"domain": "acme.example", "workspace": "retail"}, "k2")
    await world.change("a", "move_domain", {"domain": "acme.example", "workspace": "retail"}, "k2")
    assert len(await world.written()) == 1
    assert await world.outcome()
