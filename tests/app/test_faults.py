"""The platform misbehaves, over real HTTP: "done" is never said of what is not so, nothing is done twice,
and what was done is taken back exactly where it does not hold."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from app.connectors.read import SHIPPED, load
from app.demo import demo_net
from app.models.people import Principal
from app.models.request import ActionRequest, RequestState
from app.probes import probes
from app.service import Service
from evals.world import scenarios
from evals.world.connected import platform_at
from evals.world.spec import Edge, FaultKind, Spec
from evals.world.world import World as Platform
from tests.app.world import ZOE, World, open_world

Approval = Literal["none", "customer", "agent"]
APPROVALS: tuple[Approval, ...] = ("none", "customer", "agent")
TIMEOUT_S = 0.6
ON: dict[str, object] = {"https_tracking": True}
OFF: dict[str, object] = {"https_tracking": False}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0.1)
    monkeypatch.setattr("app.actions.WRITE_WAIT_S", 0.05)


@dataclass
class Scene:
    """A customer whose account has all steps done, at a service that may switch HTTPS on."""

    world: World
    platform: Platform
    spec: Spec
    approval: Approval

    @property
    def owner(self) -> Principal:
        return Principal(kind="customer", id=self.spec.owner.user, account=self.spec.account)

    def breaks(self, kind: FaultKind, method: str = "PATCH", **fault: Any) -> None:
        path = f"/v1/accounts/{self.spec.account}"
        self.platform.fault(kind, path if method == "GET" else f"{path}/settings", method=method, **fault)

    async def ask(self) -> str:
        """Up to the card, or to the end where none is needed."""
        conversation = await self.world.talk(self.owner)
        message = await self.world.accept(conversation)
        await self.world.service.start_message(message.id)
        await self.world.service.idle()
        return conversation

    async def approve(self) -> None:
        if self.approval == "none":
            return
        (request,) = await self.world.store.requests("proposed")
        by = self.owner if self.approval == "customer" else ZOE
        await self.world.service.decide_request(request.id, "approve", by)
        await self.world.service.idle()

    def written(self) -> list[dict[str, object]]:
        return [effect.after for effect in self.platform.effects(self.spec.account)]

    def on(self) -> bool:
        return self.platform.account(self.spec.account).settings.https_tracking


@pytest.fixture(params=APPROVALS)
async def scene(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_world: Platform
) -> AsyncIterator[Scene]:
    approval: Approval = request.param
    text = (SHIPPED / "heron.yaml").read_text()
    text = text.replace("    approval: none\n", f"    approval: {approval}\n", 1)
    text = text.replace(
        "{https_tracking: true}\n", f"{{https_tracking: true}}\n    timeout: {TIMEOUT_S}\n", 1
    )
    text = text.replace(
        "{https_tracking: false}\n", f"{{https_tracking: false}}\n      timeout: {TIMEOUT_S}\n", 1
    )
    connectors = tmp_path / "connectors"
    connectors.mkdir()
    (connectors / "heron.yaml").write_text(text)
    name = f"loja-{secrets.token_hex(3)}"  # what lands late must land in nobody else's account
    spec = fresh_world.load(scenarios.all_ready(account=name, domain=f"{name}.example"))
    at = fresh_world.addresses
    async with (
        open_world(tmp_path / "data") as world,
        platform_at(at.api, at.token, connectors=load(connectors)) as accounts,
    ):
        world.at = datetime.now(UTC)
        world.services = replace(
            world.services,
            accounts=accounts,
            looks=probes(accounts, demo_net(at), world.clock),
            actions=load(connectors).actions,
        )
        world.service = Service(world.services)
        yield Scene(world, fresh_world, spec, approval)


class Row(NamedTuple):
    """A fault of the platform, and what has to come of it."""

    breaks: Callable[[Scene], None]
    state: RequestState
    written: list[dict[str, object]]
    """What the platform's ledger says, the undo among it."""


def _both(*faults: Callable[[Scene], None]) -> Callable[[Scene], None]:
    def breaks(scene: Scene) -> None:
        for fault in faults:
            fault(scene)

    return breaks


HALF: Callable[[Scene], None] = lambda s: s.breaks("half_apply")  # noqa: E731

FAULTS: dict[str, Row] = {
    "none": Row(lambda s: None, "done", [ON]),
    "slow": Row(lambda s: s.breaks("slow", seconds=0.2), "done", [ON]),
    "5xx, then fine": Row(lambda s: s.breaks("error", status=503, times=2), "done", [ON]),
    "too many requests, then fine": Row(lambda s: s.breaks("error", status=429, times=2), "done", [ON]),
    "5xx and nothing else": Row(lambda s: s.breaks("error", status=500, times=None), "needs_person", []),
    "refused": Row(lambda s: s.breaks("error", status=409, times=None), "needs_person", []),
    # The answer is lost, and what is so has to be found out.
    "applied, then cut off": Row(lambda s: s.breaks("apply_then_drop"), "done", [ON]),
    "applied, then timed out": Row(lambda s: s.breaks("apply_then_hang", seconds=2), "done", [ON]),
    "applied, every answer cut off": Row(lambda s: s.breaks("apply_then_drop", times=None), "done", [ON]),
    "applied, every answer 5xx": Row(
        lambda s: s.breaks("apply_then_error", status=502, times=None), "done", [ON]
    ),
    "cut off, then applied": Row(lambda s: s.breaks("drop_then_apply", seconds=0.02), "done", [ON]),
    "timed out, nothing applied": Row(lambda s: s.breaks("timeout", seconds=2, times=3), "needs_person", []),
    # It says that it did it, and that is not so, or not all of it.
    "200 and nothing changed": Row(lambda s: s.breaks("say_only"), "undone", [OFF]),
    "half applied": Row(HALF, "undone", [ON, OFF]),
    "half applied, the undo's answer lost": Row(
        _both(HALF, lambda s: s.breaks("apply_then_drop", times=None)), "undone", [ON, OFF]
    ),
    "half applied, the undo only said": Row(
        _both(HALF, lambda s: s.breaks("say_only", times=None)), "needs_person", [ON]
    ),
    "half applied, the undo fails": Row(
        _both(HALF, lambda s: s.breaks("error", status=500, times=None)), "needs_person", [ON]
    ),
    "half applied, the undo refused": Row(
        _both(HALF, lambda s: s.breaks("error", status=403, times=None)), "needs_person", [ON]
    ),
    # What is read is not what is so.
    "reads are late": Row(lambda s: s.breaks("stale_read", "GET", seconds=0.15, times=None), "done", [ON]),
    "reads flap": Row(lambda s: s.breaks("flapping_read", "GET", seconds=60, times=None), "done", [ON]),
    "reads never show it": Row(
        lambda s: s.breaks("stale_read", "GET", seconds=600, times=None), "undone", [ON, OFF]
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_said_is_what_is_so(fault: str, scene: Scene) -> None:
    row = FAULTS[fault]
    if scene.approval == "none":
        row.breaks(scene)
    conversation = await scene.ask()
    if scene.approval != "none":
        row.breaks(scene)
    await scene.approve()
    (request,) = await scene.world.store.requests()
    assert (request.state, scene.written()) == (row.state, row.written), request.detail
    await told_as_it_is(scene, conversation, request)


@pytest.mark.parametrize("scene", ["customer", "agent"], indirect=True)
async def test_what_cannot_be_read_back_is_taken_back_and_not_called_so(scene: Scene) -> None:
    conversation = await scene.ask()
    # What the action needs is seen elsewhere; of the account itself nothing is to be read any more.
    scene.breaks("error", "GET", status=503, times=None)
    await scene.approve()
    (request,) = await scene.world.store.requests()
    assert (request.state, scene.written()) == ("needs_person", [ON, OFF]), request.detail
    await told_as_it_is(scene, conversation, request)


async def told_as_it_is(scene: Scene, conversation: str, request: ActionRequest) -> None:
    """Said once, and "done" or "taken back" of nothing else than what is so now."""
    replies = await scene.world.replies(conversation)
    assert len(replies) == (1 if scene.approval == "none" else 2)
    done, taken_back = "HTTPS is now on" in replies[-1], "took the change back" in replies[-1]
    assert done == (request.state == "done")
    assert taken_back == (request.state == "undone")
    if done or taken_back:
        assert scene.on() is done
    assert scene.written().count(ON) <= 1
    assert await scene.world.status(conversation) == ("resolved" if done else "with_agents")
    assert request.told


async def test_what_lands_after_we_gave_up_is_not_called_done_nor_taken_back(scene: Scene) -> None:
    """Every try was cut off and comes true later: once, and neither "done" nor "taken back" was said."""
    if scene.approval == "none":
        scene.breaks("drop_then_apply", seconds=1.5, times=3)
    conversation = await scene.ask()
    if scene.approval != "none":
        scene.breaks("drop_then_apply", seconds=1.5, times=3)
    await scene.approve()
    (request,) = await scene.world.store.requests()
    assert request.state == "needs_person"
    assert "no answer" in request.detail
    (*_, reply) = await scene.world.replies(conversation)
    assert "cannot confirm" in reply
    await _until(scene.on)
    assert scene.written() == [ON]


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not so():  # noqa: ASYNC110  it is another process's
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("scene", ["customer", "agent"], indirect=True)
@pytest.mark.parametrize("what", ["certificate", "owner"])
async def test_what_changes_between_the_yes_and_the_effect_stops_it(what: str, scene: Scene) -> None:
    conversation = await scene.ask()
    if what == "certificate":
        scene.platform.set(edges=(Edge(host=scene.spec.hosts[1], kind="closed"),))
    else:
        users = scene.platform.account(scene.spec.account).users
        lowered = [{**u.model_dump(), "role": "member"} for u in users]
        scene.platform.change_account(scene.spec.account, users=lowered)
    await scene.approve()
    assert scene.written() == []
    assert not scene.on()
    (refused,) = await scene.world.store.requests("refused")
    assert refused.told
    assert "HTTPS is now on" not in (await scene.world.replies(conversation))[-1]
