"""After an action: what was done is looked at again, and reopened where it does not hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.afterwards import held
from app.errors import NotFound
from app.models.conversation import Mode
from app.models.event import AGENTS
from app.models.record import Record
from app.models.request import ActionRequest
from app.models.steps import Finding
from tests.app.world import ANN, BOB, ZOE, World, open_world


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data") as made:
        yield made


async def switched_on(world: World) -> tuple[str, ActionRequest]:
    """A conversation in which HTTPS was switched on and read back."""
    world.see(certificate_presented="met")
    conversation = await world.talk()
    await world.say(conversation)
    (request,) = await world.store.requests("done")
    return conversation, request


async def look(world: World, **time: float) -> int:
    """What is due after so long is looked at; how many there were."""
    world.later(**time)
    due = await world.store.follow_ups(world.clock())
    for each in due:
        await world.service.follow_up(each)
    return len(due)


async def resolutions(world: World, conversation: str) -> list[object]:
    return [event.payload["state"] for event in await world.events(conversation, "resolution")]


async def test_what_holds_is_looked_at_twice_and_then_left(world: World) -> None:
    conversation, _ = await switched_on(world)
    told = await world.replies(conversation)
    assert await look(world, seconds=299) == 0
    assert await look(world, seconds=1) == 1
    assert await look(world, hours=23) == 0
    assert await look(world, hours=1) == 1
    assert await look(world, days=30) == 0
    assert await world.replies(conversation) == told
    assert await resolutions(world, conversation) == ["verified"]


async def test_a_change_that_is_gone_is_reopened_and_told(world: World) -> None:
    conversation, _ = await switched_on(world)
    world.accounts.fields["acme", "settings.https_tracking"] = False
    assert await look(world, minutes=5) == 1
    (case,) = await world.store.cases_of(conversation)
    assert (case.state, case.resolution) == ("handed_off", None)
    assert await world.status(conversation) == "with_agents"
    assert await resolutions(world, conversation) == ["verified", "lost"]
    assert "no longer holds" in (await world.replies(conversation))[-1]
    (notice,) = [event.payload for event in await world.events(AGENTS, "agent.handoff")]
    assert notice["reason"] == "outcome_lost"
    ((_, dossier),) = await world.store.dossiers(conversation)
    assert "enable_https" in dossier.because
    assert await world.store.requests("proposed") == [], "there is nothing to undo"
    assert world.effects == ["enable_https"], "what somebody else has changed is not fought over"
    assert await look(world, days=2) == 0, "a person has it now"


async def test_one_stale_read_reopens_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation, _ = await switched_on(world)
    stale = [False, False]

    async def field(account: str, path: str) -> object:
        return stale.pop() if stale else True

    monkeypatch.setattr(world.accounts, "field", field)
    assert await look(world, minutes=5) == 1
    assert stale == []
    assert await resolutions(world, conversation) == ["verified"]


async def unsafe(world: World) -> tuple[str, ActionRequest]:
    """HTTPS is on, and the certificate that it needs is gone: the undo that is offered."""
    conversation, _ = await switched_on(world)
    world.see(certificate_presented="not_met")
    assert await look(world, minutes=5) == 1
    (offered,) = await world.store.requests("proposed")
    return conversation, offered


async def test_the_undo_is_offered_to_the_owner_and_carried_out_once(world: World) -> None:
    conversation, offered = await unsafe(world)
    assert world.effects == ["enable_https"], "nothing changes before the yes"
    (card,) = await world.events(conversation, "action.proposed")
    assert card.payload["title"] == "Switch HTTPS off again"
    assert card.payload["approval"] == "customer"
    await world.service.decide_request(offered.id, "approve", ANN)
    await world.service.idle()
    done = await world.store.request(offered.id)
    assert done is not None
    assert done.state == "done"
    assert world.effects == ["enable_https", "disable_https"]
    assert "HTTPS is off again" in (await world.replies(conversation))[-1]
    (case,) = await world.store.cases_of(conversation)
    assert case.state == "handed_off", "that it was taken back solves nothing"
    assert await look(world, days=2) == 0


@pytest.mark.parametrize("who", [BOB, ZOE])
async def test_the_undo_is_nobody_elses_to_approve(world: World, who: Any) -> None:
    _, offered = await unsafe(world)
    with pytest.raises(NotFound):
        await world.service.decide_request(offered.id, "approve", who)


async def test_an_undo_that_is_not_needed_any_more_is_not_done(world: World) -> None:
    _, offered = await unsafe(world)
    world.see(certificate_presented="met")
    await world.service.decide_request(offered.id, "approve", ANN)
    await world.service.idle()
    ended = await world.store.request(offered.id)
    assert ended is not None
    assert (ended.state, world.effects) == ("refused", ["enable_https"])


async def test_an_undo_that_does_not_work_goes_to_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, offered = await unsafe(world)

    async def nothing(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(world.accounts, "change", nothing)
    await world.service.decide_request(offered.id, "approve", ANN)
    await world.service.idle()
    ended = await world.store.request(offered.id)
    assert ended is not None
    assert ended.state == "needs_person"


@pytest.mark.parametrize("modes", [{"web": "suggest"}, {"web": "auto", "enable_https": "suggest"}])
async def test_where_agents_decide_the_undo_is_theirs(tmp_path: Path, modes: dict[str, Mode]) -> None:
    async with open_world(tmp_path / "careful", modes) as world:
        world.see(certificate_presented="met")
        conversation = await world.talk()
        await world.say(conversation)
        (proposed,) = await world.store.requests("proposed")
        await world.service.decide_request(proposed.id, "approve", ZOE)
        await world.service.idle()
        world.see(certificate_presented="not_met")
        assert await look(world, minutes=5) == 1
        (offered,) = await world.store.requests("proposed")
        assert offered.approval == "agent"
        assert offered.undoes == proposed.id


async def test_what_cannot_be_seen_is_looked_at_again_and_says_nothing(world: World) -> None:
    conversation, _ = await switched_on(world)
    told = await world.replies(conversation)
    world.see(certificate_presented="unknown")
    assert await look(world, minutes=5) == 1
    for _ in range(5):
        assert await look(world, minutes=9) == 0
        assert await look(world, minutes=1) == 1
    assert await look(world, hours=20) == 0, "after an hour the next look is the one of the day after"
    world.see(certificate_presented="not_met")
    assert await look(world, hours=4) == 1
    assert len(await world.replies(conversation)) == len(told) + 1


async def test_a_later_wish_of_the_owner_is_no_loss(world: World) -> None:
    conversation, request = await switched_on(world)
    world.later(seconds=10)
    later = request.model_copy(update={"id": "a_later", "created_at": world.clock()})
    await world.store.record(Record(conversation=conversation, request=later))
    world.accounts.fields["acme", "settings.https_tracking"] = False
    told = await world.replies(conversation)
    assert await look(world, minutes=5) == 1
    assert await world.replies(conversation) == told
    assert await look(world, days=2) == 0


async def test_a_wish_for_something_else_does_not_hide_a_loss(world: World) -> None:
    conversation, request = await switched_on(world)
    moved = request.model_copy(update={"action": "move_domain", "inputs": (("domain", "a.example"),)})
    later = moved.model_copy(update={"id": "a_later", "inputs": (("domain", "b.example"),)})
    world.later(seconds=10)
    later = later.model_copy(update={"created_at": world.clock()})
    for each in (moved, later):
        await world.store.record(Record(conversation=conversation, request=each))
    assert not await world.service._overtaken(moved)
    same = later.model_copy(update={"id": "a_same", "inputs": moved.inputs})
    await world.store.record(Record(conversation=conversation, request=same))
    assert await world.service._overtaken(moved)


async def test_who_is_with_the_customer_already_is_told_and_stays(world: World) -> None:
    conversation, _ = await switched_on(world)
    await world.service.take_over(conversation, ZOE)
    told = await world.replies(conversation)
    world.accounts.fields["acme", "settings.https_tracking"] = False
    assert await look(world, minutes=5) == 1
    assert await world.status(conversation) == "human_active"
    assert await world.replies(conversation) == told
    (notice,) = [event.payload for event in await world.events(AGENTS, "agent.handoff")]
    assert notice["reason"] == "outcome_lost"


async def test_an_undo_that_was_done_is_no_failure_to_the_agents(world: World) -> None:
    _, offered = await unsafe(world)
    before = await world.events(AGENTS, "agent.handoff")
    await world.service.decide_request(offered.id, "approve", ANN)
    await world.service.idle()
    assert await world.events(AGENTS, "agent.handoff") == before


async def test_what_is_not_offered_any_more_is_not_looked_at(world: World) -> None:
    _, request = await switched_on(world)
    object.__setattr__(world.services, "actions", {})
    assert await look(world, minutes=5) == 1
    assert await world.store.follow_up(request.id) is None


async def test_a_crash_in_the_middle_of_a_look_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation, _ = await switched_on(world)
    world.accounts.fields["acme", "settings.https_tracking"] = False
    world.later(minutes=5)
    (due,) = await world.store.follow_ups(world.clock())

    async def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "record", killed)
        with pytest.raises(RuntimeError):
            await world.service.follow_up(due)
    await world.service.follow_up(due)
    await world.service.follow_up(due)
    assert await resolutions(world, conversation) == ["verified", "lost"]


async def test_the_service_looks_by_itself(world: World) -> None:
    conversation, _ = await switched_on(world)
    world.accounts.fields["acme", "settings.https_tracking"] = False
    world.later(minutes=5)
    await world.service._look_at_the_time()
    await world.service.idle()
    assert await resolutions(world, conversation) == ["verified", "lost"]


async def test_who_is_erased_is_not_looked_at(world: World) -> None:
    _, request = await switched_on(world)
    await world.store.erase(await world.store.belongings(ANN.party))
    assert await world.store.follow_up(request.id) is None


def seen(met: bool | None) -> Finding:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    return Finding(check="account_field", met=met, code="account_field_other", at=at, until=at)


@pytest.mark.parametrize(
    ("back", "rests_on", "verdict"),
    [
        (False, True, "lost"),
        (False, None, "lost"),
        (True, False, "unsafe"),
        (None, False, "unsafe"),
        (True, None, "unseen"),
        (None, True, "unseen"),
        (True, True, "holds"),
    ],
)
def test_verdicts(back: bool | None, rests_on: bool | None, verdict: str) -> None:
    assert held(seen(back), [seen(rests_on)]) == verdict
