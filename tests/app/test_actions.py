"""The last gate: whatever was decided before, it looks again; and an approval is for exactly one thing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actions import perform
from app.connectors.heron import ACTIONS
from app.errors import OutcomeUnknown
from app.models.people import Principal
from app.models.record import Record
from app.models.request import ActionRequest, RequestState
from app.models.steps import Finding, LedgerFact
from app.probes import CHECKS
from app.proposing import digest, look_at, may_decide
from tests.app.world import ANN, BOB, EVE, VISITOR, ZOE, World, open_world

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data") as made:
        yield made


async def forged(world: World, **changes: Any) -> ActionRequest:
    """A request that says it is approved, as if everything before the gate had been talked into it."""
    made: dict[str, Any] = {
        "id": "a1",
        "case": "k1",
        "conversation": await world.talk(changes.get("principal", ANN)),
        "action": "enable_https",
        "inputs": (),
        "principal": ANN,
        "evidence": (),
        "digest": "",
        "approval": "none",
        "state": "approved",
        "created_at": world.at,
        "expires_at": world.at + timedelta(hours=1),
    }
    request = ActionRequest(**made | changes)
    await world.store.record(Record(conversation=request.conversation, request=request))
    return request


@pytest.mark.parametrize(
    "who", [BOB, EVE, VISITOR, ZOE, Principal(kind="customer", id="ann", account="other")], ids=str
)
async def test_only_for_the_owner(world: World, who: Principal) -> None:
    done = await perform(world.services, await forged(world, principal=who))
    assert done.state == "refused"
    assert world.accounts.sent == []


@pytest.mark.parametrize("sight", ["not_met", "unknown", "waiting"])
async def test_only_with_every_prerequisite_seen_at_this_moment(world: World, sight: str) -> None:
    world.see(certificate_presented=sight)
    done = await perform(world.services, await forged(world))
    assert done.state == "refused"
    assert "does not hold now" in done.detail
    assert [finding.code for finding in done.evidence], "what was seen is kept with the refusal"
    assert world.accounts.sent == []


@pytest.mark.parametrize("sight", ["met", "not_met", "unknown"])
async def test_a_step_that_its_page_has_checked_is_seen_again_before_the_effect(
    world: World, sight: str
) -> None:
    """The SPF record is no prerequisite of the action, but the page marks it as one to check."""
    request = await forged(world, action="assign_dedicated_ip", approval="customer", approved_by="Kim")
    seen = Finding(
        check="dns_record", subject="shop.example", code="met", met=True, at=world.at, until=world.at
    )
    fact = LedgerFact(
        case=request.case,
        procedure="dedicated-ip",
        step="spf-record",
        subject="shop.example",
        kind="finding",
        finding=seen,
        at=world.at,
    )
    await world.store.record(Record(conversation=request.conversation, facts=(fact,)))
    world.accounts.fields["acme", "plan"] = "scale"
    world.see(dns_record=sight)
    prerequisites = await look_at(world.services, ACTIONS[request.action].prerequisites, request)
    approved = digest(request.action, request.inputs, prerequisites)
    request = request.model_copy(update={"digest": approved})
    done = await perform(world.services, request)
    assert (done.state == "refused") == (sight != "met"), done.detail


@pytest.mark.parametrize("state", ["approved", "executing", "verifying"])
async def test_what_is_not_declared_any_more_goes_to_a_person(world: World, state: RequestState) -> None:
    request = await forged(world)
    if state != request.state:
        moved = await world.store.move(request, state)
        assert moved is not None
        request = moved
    object.__setattr__(world.services, "actions", {})
    ended = await perform(world.services, request)
    assert (ended.state, world.effects) == ("needs_person", [])


async def test_an_old_yes_is_no_yes(world: World) -> None:
    request = await forged(world)
    world.later(hours=2)
    assert (await perform(world.services, request)).state == "refused"
    assert world.accounts.sent == []


async def test_a_yes_to_something_else_is_no_yes(world: World) -> None:
    request = await forged(world, approval="agent", approved_by="zoe", digest="0" * 64)
    done = await perform(world.services, request)
    assert done.state == "refused"
    assert "has changed" in done.detail
    assert world.accounts.sent == []


async def test_what_was_seen_before_the_effect_is_kept_with_the_request(world: World) -> None:
    done = await perform(world.services, await forged(world))
    assert done.state == "done"
    assert [(finding.check, finding.met) for finding in done.evidence] == [("certificate_presented", True)]


async def test_two_that_perform_one_request_are_one_effect(world: World) -> None:
    request = await forged(world)
    await perform(world.services, request)
    with pytest.raises(OutcomeUnknown, match="moved by somebody else"):
        await perform(world.services, request)
    assert world.effects == ["enable_https"]


# --- what an approval is for --------------------------------------------------------------------


def seen(
    code: str = "ok", *, met: bool | None = True, subject: str | None = None, minute: int = 0
) -> Finding:
    at = NOW + timedelta(minutes=minute)
    return Finding(check="c", met=met, code=code, subject=subject, at=at, until=at + timedelta(minutes=5))


pairs = st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=5)), max_size=3, unique_by=lambda x: x[0])
evidence = st.lists(
    st.builds(
        seen,
        st.sampled_from(["ok", "gone"]),
        met=st.sampled_from([True, False, None]),
        subject=st.sampled_from(["x", None]),
    ),
    max_size=3,
)


@given(pairs, evidence, st.randoms())
def test_the_digest_is_of_what_not_of_when_or_in_which_order(
    inputs: list[tuple[str, str]], findings: list[Finding], random: Any
) -> None:
    later = [f.model_copy(update={"at": f.at + timedelta(days=1), "until": f.until}) for f in findings]
    shuffled = list(inputs)
    random.shuffle(shuffled)
    random.shuffle(later)
    assert digest("act", inputs, findings) == digest("act", shuffled, later)


@given(pairs, pairs, evidence, evidence)
def test_other_inputs_or_evidence_are_another_digest(
    one: list[tuple[str, str]], two: list[tuple[str, str]], first: list[Finding], second: list[Finding]
) -> None:
    def told(findings: list[Finding]) -> list[tuple[object, ...]]:
        return sorted((f.code, str(f.met), f.subject or "") for f in findings)

    same = sorted(one) == sorted(two) and told(first) == told(second)
    assert (digest("act", one, first) == digest("act", two, second)) == same
    assert digest("act", one, first) != digest("other", one, first)


@pytest.mark.parametrize(
    ("approval", "who", "may"),
    [
        ("agent", ZOE, True),
        ("agent", ANN, False),
        ("agent", VISITOR, False),
        ("customer", ANN, True),
        ("customer", BOB, False),
        ("customer", ZOE, False),
        ("customer", Principal(kind="agent", id="ann", account="acme"), False),
        ("customer", Principal(kind="anonymous", id="ann", account="acme"), False),
        ("none", ZOE, False),
        ("none", ANN, False),
    ],
)
def test_who_may_say_yes(approval: Any, who: Principal, may: bool) -> None:
    request = ActionRequest(
        id="a",
        case="k",
        conversation="c",
        action="enable_https",
        inputs=(),
        principal=ANN,
        evidence=(),
        digest="",
        approval=approval,
        state="proposed",
        created_at=NOW,
        expires_at=NOW,
    )
    assert may_decide(request, who) is may


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_is_declared_whole(name: str) -> None:
    action = ACTIONS[name]
    assert action.read_back is not None
    assert action.name == name
    assert action.prerequisites, "nothing is done unchecked"
    assert {check.name for check in (action.read_back, *action.prerequisites)} <= CHECKS
    places = "".join(
        str(value) for check in (action.read_back, *action.prerequisites) for _, value in check.params
    )
    for kind in action.inputs:
        assert f"{{{kind}}}" in places, "an input that no check looks at could be anything"
