"""A small run of the measure: six boundaries once, and fifteen kills at any moment; and what it would see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from app.adapters.store import Store
from app.events import MessageDone, as_json, shown
from app.models.conversation import Message
from app.models.decision import StaySilent
from app.models.facts import Facts
from app.models.people import Principal
from app.models.reading import Reading
from app.models.record import Record, Turn
from app.models.request import ActionRequest, RequestState
from evals.crash.command import measured
from evals.crash.people import Shown, Stage, Story
from evals.crash.points import FEW, POINTS
from evals.crash.verdict import Wrong, of_tables, verdicts
from evals.world import scenarios
from evals.world.spec import Effect

KILLS = 15
SEED = 11


@pytest.mark.slow
def test_killed_at_six_boundaries_and_fifteen_times_at_any_moment(
    tmp_path: Path, filled: Callable[[Path], Path]
) -> None:
    warm = filled(tmp_path / "warm")
    report = measured(FEW, restarts=1, kills=KILLS, seed=SEED, method="forkserver", warm=warm)
    assert report.failures == ()
    assert report.trail is None
    assert (report.deaths, report.random_kills) == (len(FEW), KILLS)
    assert report.effects + report.late >= len(FEW)


def test_the_few_are_among_all() -> None:
    assert set(FEW) < set(POINTS)


# --- what it would see --------------------------------------------------------------------------


class Ledger:
    """A platform that says what a test wants."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def effects(self, account: str) -> tuple[Effect, ...]:
        return tuple(
            Effect(seq=n, at=n, account=account, effect="settings", before={}, after={}, key=key)
            for n, key in enumerate(self.keys)
        )


def at() -> datetime:
    return datetime.now(UTC)


async def told(folder: Path, **changes: Any) -> tuple[Wrong, ...]:
    """What is wrong with a story in which one message got `replies` replies and nothing was done."""
    store = await Store.open(folder, at)
    who = Principal(kind="customer", id="ann", account="acme")
    conversation = await store.open_conversation(who, "web", context={})
    message, _ = await store.accept(conversation, "customer", "Please", client_id="1", context={})
    turn = Turn(
        id="t",
        trigger=message.id,
        conversation=conversation,
        case=None,
        channel="web",
        mode="auto",
        reading=Reading(),
        facts=Facts(reading=Reading()),
        decision=StaySilent(because="a test"),
        at=at(),
    )
    replies = tuple(
        Message(id=f"r{n}", conversation=conversation, role="bot", text="Done", at=at())
        for n in range(changes.get("replies", 1))
    )
    events = tuple(
        ("message.done", as_json(MessageDone(message=shown(reply)))) for reply in replies
    ) * changes.get("shown_times", 1)
    covers = () if changes.get("unread") else (message.id,)
    await store.record(
        Record(conversation=conversation, turn=turn, covers=covers, replies=replies, events=events)
    )
    stored = [Shown(e.seq, e.type, e.payload) for e in await store.events(conversation, 0)]
    await store.close()
    stage = Stage(cast(Any, Ledger()), cast(Any, None), "")
    story = Story(stage, "by itself", scenarios.all_ready(), conversation, seconds=1.0)
    story.acknowledged = [message.id, *changes.get("lost", ())]
    story.shown = stored if not changes.get("otherwise") else [*stored, stored[-1]]
    (verdict,) = await verdicts(folder, [story])
    return verdict.wrong


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"lost": ("m_gone",)}, "message lost"),
        ({"replies": 0}, "reply missing"),
        ({"replies": 2}, "reply twice"),
        ({"shown_times": 2}, "reply twice"),
        ({"unread": True}, "not answered"),
        ({"otherwise": True}, "shown otherwise"),
    ],
    ids=str,
)
async def test_each_fault_is_seen(tmp_path: Path, changes: dict[str, Any], wrong: Wrong) -> None:
    assert wrong not in await told(tmp_path / "clean")
    assert wrong in await told(tmp_path / "faulty", **changes)


def request(state: RequestState, **changes: Any) -> ActionRequest:
    made: dict[str, Any] = {
        "id": "a",
        "case": "k",
        "conversation": "c",
        "action": "enable_https",
        "inputs": (),
        "principal": Principal(kind="customer", id="ann", account="acme"),
        "evidence": (),
        "digest": "",
        "approval": "none",
        "state": state,
        "created_at": at(),
        "expires_at": at(),
        "told": True,
    }
    return ActionRequest(**made | changes)


@pytest.mark.parametrize(
    ("requests", "keys", "wrong"),
    [
        ([request("done")], ("a",), []),
        ([request("done")], (), ["effects"]),
        ([request("done")], ("a", "b"), ["effects"]),
        ([request("done")], ("a", "a-undo"), ["effects"]),
        ([request("undone")], ("a", "a-undo"), ["effects"]),
        ([request("refused")], ("a",), ["effects"]),
        ([request("done", action="move_domain")], ("a",), ["effects"]),
        ([request("done"), request("done", id="b")], ("a", "b"), ["effects"]),
        ([request("verifying")], (), ["effects", "left open"]),
        ([request("done", told=False)], ("a",), ["not told"]),
    ],
)
def test_effects_are_held_against_requests(
    requests: list[ActionRequest], keys: tuple[str, ...], wrong: list[Wrong]
) -> None:
    stage = Stage(cast(Any, Ledger(*keys)), cast(Any, None), "")
    story = Story(stage, "by itself", scenarios.all_ready())
    found = of_tables(requests, stage.world.effects("acme"), story, late=False)
    assert sorted(set(found)) == wrong
