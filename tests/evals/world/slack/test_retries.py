"""Late and lost acknowledgements, repeated deliveries, forgeries."""

from __future__ import annotations

import pytest

from evals.world.slack import FakeSlack
from evals.world.slack.send import FORGERIES, RETRY_AFTER
from tests.evals.world.slack.other_app import Other, kinds


async def test_a_late_acknowledgement_is_a_failure_and_comes_again_three_times(
    slack: FakeSlack, other: Other
) -> None:
    slack.set(ack_seconds=0.05)
    other.slow = 0.2
    await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.until(lambda: len(slack.deliveries) == 4)
    assert [(d.attempt, d.ok, d.reason) for d in slack.failed] == [
        (n, False, "http_timeout") for n in range(4)
    ]
    assert len({d.payload["event_id"] for d in slack.deliveries}) == 1
    heads = [(r.get("x-slack-retry-num"), r.get("x-slack-retry-reason")) for r in other.requests]
    assert heads == [(None, None), *((str(n), "http_timeout") for n in (1, 2, 3))]
    assert RETRY_AFTER == (0.0, 60.0, 300.0)


async def test_a_lost_acknowledgement_makes_one_more_delivery(slack: FakeSlack, other: Other) -> None:
    slack.hold_acks(1)
    await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.until(lambda: len(slack.deliveries) == 2)
    await slack.settle()
    assert [(d.attempt, d.ok) for d in slack.deliveries] == [(0, False), (1, True)]
    assert len([e for e in other.got if e["text"] == "hello"]) == 2


async def test_the_same_event_again_keeps_its_id(slack: FakeSlack, other: Other) -> None:
    await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.settle()
    again = await slack.send_again(slack.deliveries[0], 3, concurrently=True)
    assert {d.payload["event_id"] for d in again} == {slack.deliveries[0].payload["event_id"]}
    assert [e["text"] for e in other.got] == ["hello"] * 4


async def test_an_app_that_is_down_is_tried_again(slack: FakeSlack) -> None:
    slack.request_url = "http://127.0.0.1:9/slack/events"
    await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.until(lambda: len(slack.deliveries) == 4)
    assert {d.reason for d in slack.deliveries} == {"connection_failed"}
    assert slack.acks == []


async def test_interactions_are_never_repeated(slack: FakeSlack, other: Other) -> None:
    asked = await slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    await slack.settle()
    slack.set(ack_seconds=0.05)
    other.slow = 0.2
    pressed = await slack.press("U0CUSTOMER", slack.thread_of(asked)[1], "approve")
    await slack.settle()
    assert not pressed.ok
    assert kinds(slack).count("block_actions") == 1


@pytest.mark.parametrize("kind", [kind for kind in FORGERIES if kind != "wrong_team"])
async def test_bolt_alone_lets_no_forgery_through(slack: FakeSlack, other: Other, kind: str) -> None:
    status = await slack.forge(kind)
    # Bolt answers 500 to some of these; an app of ours has to say 401, its own tests hold that
    assert status in (401, 500)
    await slack.settle(0.1)
    assert other.got == []


async def test_a_wrong_workspace_is_signed_well_so_the_app_itself_must_look(
    slack: FakeSlack, other: Other
) -> None:
    assert await slack.forge("wrong_team") == 200
    await slack.settle()
    assert len([e for e in other.got if e["type"] == "app_mention"]) == 1


async def test_acknowledgements_are_timed(slack: FakeSlack, other: Other) -> None:
    for _ in range(5):
        await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.settle()
    other.slow = 0.1
    await slack.post("U0CUSTOMER", "C0HELP", "hello")
    await slack.settle()
    assert len(slack.acks) == 6
    assert slack.p99() == max(ack.seconds for ack in slack.acks) >= 0.1
