"""Switched off is off at once: nothing is approved or done, what is approved waits, and reading goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.errors import BadInput
from app.models.reading import Reading
from app.models.steps import Finding
from app.spending import Caps
from app.switches import Switch
from knowledge.model import Check
from tests.app.channels.everyone import everyone
from tests.app.shell import Stepfour
from tests.app.test_audit import lines
from tests.app.world import MODES, ZOE, World, open_world

ASKS = {**MODES, "enable_https": "suggest"}
QUESTION = Reading(speech="question", request="Where does the CNAME point?")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data") as made:
        yield made


def off(world: World) -> Switch:
    return Switch(name="actions", since=world.clock(), by="rita", because="a strange day")


async def ticks(world: World) -> None:
    """As the clock of the service does, every half second."""
    await world.service._look_at_the_time()
    await world.service.idle()


async def test_what_is_approved_waits_and_says_so_once_and_is_done_when_it_is_on_again(world: World) -> None:
    await world.store.switch_off(off(world))
    conversation = await world.talk()
    await world.say(conversation)
    (request,) = await world.store.requests("approved")
    assert world.effects == []
    (told,) = await world.replies(conversation)
    assert told.startswith("Approved: to switch HTTPS on")
    assert await world.status(conversation) == "with_agents"
    await ticks(world)
    await ticks(world)
    assert world.effects == []
    assert await world.replies(conversation) == [told], "said once"
    await world.say(conversation, "Where?", QUESTION)
    assert len(await world.replies(conversation)) == 2, "questions are answered meanwhile"
    await world.store.switch_on("actions")
    await ticks(world)
    assert world.effects == ["enable_https"]
    done = await world.store.request(request.id)
    assert done is not None
    assert done.state == "done"
    assert (await world.replies(conversation))[-1].startswith("HTTPS is now on")


async def test_a_restart_keeps_it_off_and_finds_what_waits(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_world(folder) as world:
        await world.store.switch_off(off(world))
        conversation = await world.talk()
        await world.say(conversation)
    async with open_world(folder) as world:
        assert await world.service.start() == 1
        await world.service.idle()
        assert world.effects == []
        assert len(await world.replies(conversation)) == 1, "and nothing is said again"
        await world.store.switch_on("actions")
        await ticks(world)
        assert world.effects == ["enable_https"]


async def test_nothing_can_be_approved_and_everything_can_be_rejected(tmp_path: Path) -> None:
    async with open_world(tmp_path / "data", modes=ASKS) as world:
        conversation = await world.talk()
        await world.say(conversation)
        (request,) = await world.store.requests("proposed")
        await world.store.switch_off(off(world))
        with pytest.raises(BadInput, match="switched off"):
            await world.service.decide_request(request.id, "approve", ZOE)
        assert await world.store.request(request.id) == request
        moved = await world.service.decide_request(request.id, "reject", ZOE)
        assert moved.state == "refused"
        assert world.effects == []


async def test_switched_off_while_it_looks_nothing_is_sent(world: World) -> None:
    slow = dict(world.services.looks)
    quick = slow["certificate_presented"]

    async def look(check: Check, **about: object) -> Finding:
        if await world.store.requests("approved"):  # the last look before it acts
            await world.store.switch_off(off(world))
        return await quick(check, **about)  # type: ignore[arg-type]

    object.__setattr__(world.services, "looks", {**slow, "certificate_presented": look})
    conversation = await world.talk()
    await world.say(conversation)
    assert await world.store.switched_off("actions") is not None
    assert world.effects == []
    assert len(await world.store.requests("approved")) == 1


async def test_what_was_begun_is_not_repeated_and_not_undone_while_it_is_off(world: World) -> None:
    """A crash left it executing: on again, it is gone on with under the same key."""
    conversation = await world.talk()
    await world.store.switch_off(off(world))
    await world.say(conversation)
    (request,) = await world.store.requests("approved")
    await world.store.move(request, "executing")
    await ticks(world)
    assert world.effects == []
    await world.store.switch_on("actions")
    await ticks(world)
    assert world.effects == ["enable_https"]


async def test_an_approval_that_waited_too_long_is_not_used(world: World) -> None:
    await world.store.switch_off(off(world))
    conversation = await world.talk()
    await world.say(conversation)
    world.later(days=3)
    await world.store.switch_on("actions")
    await ticks(world)
    refused = await world.store.requests("refused")
    assert [each.detail for each in refused] == ["the approval came too late"]


async def test_the_trail_knows_who_switched(world: World) -> None:
    await world.store.switch_off(off(world), ZOE.party)
    await world.store.switch_on("actions")
    told = [line for line in await asyncio.to_thread(lines, world.folder) if line.what == "switched"]
    assert [line.code for line in told] == ["actions off", "actions on"]
    assert told[0].who.startswith("p_"), "by the name that the trail has for them"
    assert told[1].who == "operator"


def test_the_command_switches_and_says_what_is_off(stepfour: Stepfour) -> None:
    assert "Nothing is off" in stepfour("switch").out
    done = stepfour("switch", "models", "off", "--by", "rita", "--because", "strange answers")
    assert (done.code, "models are OFF" in done.out, "rita: strange answers" in done.out) == (0, True, True)
    assert "were off already" in stepfour("switch", "models", "off").out
    assert "models are OFF" in stepfour("switch").out
    assert "stepfour switch models on" in stepfour("doctor").out
    assert "Nothing is off" in stepfour("switch", "models", "on").out
    for wrong in (("models",), ("models", "maybe"), ("everything", "off")):
        assert stepfour("switch", *wrong).code == 2


async def test_over_the_api_those_may_switch_whom_the_settings_name(tmp_path: Path) -> None:
    async with everyone(tmp_path) as made:
        switch = "/v1/agent/switches"
        off = {"switch": "actions", "off": True, "because": "a strange day"}
        settings = made.service.settings.__dict__
        assert settings["approvers"] == ("zoe",)
        settings["approvers"] = ("somebody else",)
        answer = await made.ask("POST", switch, "agent", json=off)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_approver")
        assert "switch anything off" in answer.json()["error"]["message"]
        seen = (await made.ask("GET", "/v1/agent/switches", "agent")).json()
        untouched = {"off": False, "since": None, "by": None, "because": ""}
        models, actions = ({"name": name, **untouched} for name in ("models", "actions"))
        assert seen == {"switches": [models, actions], "off": [], "may_switch": False}
        settings["approvers"] = ("zoe",)
        done = (await made.ask("POST", switch, "agent", json=off)).json()
        assert (done["off"], done["may_switch"], done["switches"][0]) == (["actions"], True, models)
        since = made.service.clock().isoformat().replace("+00:00", "Z")
        told = {"name": "actions", "off": True, "since": since, "by": "zoe", "because": "a strange day"}
        assert done["switches"][1] == told
        assert (await made.ask("GET", "/v1/agent/cases", "agent")).json()["off"] == ["actions"]
        kept = await made.service.store.switched_off("actions")
        assert kept is not None
        assert (kept.by, kept.because) == ("zoe", "a strange day")
        request = await made.request("ann", "customer")
        refused = await made.ask("POST", f"/v1/requests/{request}/approve", "ann", json={})
        assert refused.status_code == 422
        assert "switched off" in refused.json()["error"]["message"]
        done = (await made.ask("POST", switch, "agent", json={**off, "off": False})).json()
        assert (done["off"], done["switches"][1]["off"], done["switches"][1]["by"]) == ([], False, "zoe")


async def test_a_budget_that_is_used_up_is_shown(tmp_path: Path) -> None:
    async with everyone(tmp_path) as made:
        settings = made.service.settings.__dict__
        settings |= {"llm_base_url": "http://127.0.0.1:9/v1", "llm_tokens": Caps(day=0)}
        assert (await made.ask("GET", "/v1/agent/cases", "agent")).json()["off"] == ["budget"]
