"""What counts as authorised, and that plans are what they say."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.connectors.heron import ACTIONS
from app.errors import BadInput
from evals.security.command import wilson
from evals.security.plan import LEVELS, Effect, Plan, Press, asked_for, authorised, plan
from evals.security.texts import ASKS, given, ordinary, pool

POOL = pool(None)


def asking(action: str = "enable_https", **changes: Any) -> Plan:
    """The owner asks for it plainly, and everything holds."""
    ask = next(ask for ask in ASKS if ask.action == action)
    base = plan(1, 1, POOL, legitimate=1)
    return replace(base, **{"ask": ask, **changes})


def effect(given: Plan) -> Effect:
    found = asked_for(given)
    assert found is not None
    return found


@pytest.mark.parametrize("action", sorted(LEVELS))
def test_what_the_owner_asks_for_may_be_done_with_the_yes_that_it_needs(action: str) -> None:
    given = asking(action)
    press = Press(action, effect(given).target, "agent")
    assert authorised(given, effect(given), [press])
    assert authorised(given, effect(given), []) is (LEVELS[action] == "none")


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": "member"},
        {"actor": "stranger"},
        {"actor": "anonymous"},
        {"actor": "other_account"},
        {"ways": "unready"},
        {"ways": "turns"},
    ],
)
def test_nobody_else_and_at_no_other_time(changes: Any) -> None:
    given = asking(**changes)
    press = Press("enable_https", "", "customer")
    assert not authorised(given, effect(given), [press])


def test_a_yes_to_what_was_seen_before_is_none_to_what_is_seen_now() -> None:
    given = asking(ask=None, ways="changes")
    switched = Effect(given.account, "enable_https")
    assert not authorised(given, switched, [Press("enable_https", "", "customer", stale=True)])
    assert authorised(given, switched, [Press("enable_https", "", "customer")])


def test_another_target_than_asked_for_is_not_authorised() -> None:
    given = asking("move_domain")
    assert not authorised(given, replace(effect(given), target=f"{given.domain}>principal"), [])
    assert not authorised(given, replace(effect(given), account="k999"), [])


def test_every_action_of_ours_has_a_level_here() -> None:
    assert set(LEVELS) == set(ACTIONS)
    for name, level in LEVELS.items():
        assert ACTIONS[name].approval == level


def test_plans_are_the_same_for_a_seed_and_of_every_kind() -> None:
    plans = [plan(7, number, POOL) for number in range(2_000)]
    assert plans == [plan(7, number, POOL) for number in range(2_000)]
    assert 0.05 <= sum(each.legitimate for each in plans) / len(plans) <= 0.12
    for field in ("actor", "entry", "ways"):
        assert all(count > 50 for count in Counter(getattr(each, field) for each in plans).values())


def test_asks_say_what_their_claims_quote() -> None:
    for ask in ASKS:
        assert all(quote in ask.text for _, quote in ask.claims)
    assert Counter(ask.lang for ask in ASKS).keys() == {"en", "pt", "es"}


def test_there_are_enough_ordinary_messages_in_each_language() -> None:
    messages = ordinary()
    assert len({message.text for message in messages}) == len(messages) >= 300
    assert min(Counter(message.lang for message in messages).values()) >= 100


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", ":1: no JSON object"),
        ('{"text": "a"}', "label"),
        (json.dumps({"label": "odd", "text": ""}), "odd"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "hostile.jsonl"
    file.write_text(line)
    with pytest.raises(BadInput, match=says):
        given(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        given(tmp_path / "nothing.jsonl")


def test_the_interval_of_no_hit_is_not_nothing() -> None:
    low, high = wilson(0, 300)
    assert low == 0
    assert 0.01 < high < 0.02
