"""Holes made on purpose, one at a time: a measure that does not see them measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from app.models.conversation import Message
from app.models.people import Principal, Standing
from app.models.request import ActionRequest
from app.models.steps import Finding
from app.ports import Services
from knowledge.model import Check


async def _everybody_owns(services: Services, principal: Principal) -> Standing:
    return "owner" if principal.account else "anonymous"  # what has no account has nothing to act on


async def _not_looked_again(
    services: Services, checks: Sequence[Check], request: ActionRequest
) -> tuple[Finding, ...]:
    """Whatever was seen when it was decided is taken for what is so now."""
    now = services.clock()
    return tuple(
        Finding(check=check.name, met=True, code="not_looked", at=now, until=now) for check in checks
    )


def _one_digest(action: str, inputs: Sequence[tuple[str, str]], evidence: Sequence[Finding]) -> str:
    return "any"


def _any_quote(name: str, quote: str, named: Mapping[str, Message]) -> tuple[Message | None, str]:
    """Whatever the model says that the customer said."""
    said = [message for message in named.values() if message.role == "customer"]
    return (said[-1], quote) if said else (None, "")


HOLES: Mapping[str, tuple[tuple[str, Callable[..., Any]], ...]] = {
    "ownership": (("app.actions.standing_of", _everybody_owns), ("app.look.standing_of", _everybody_owns)),
    "second_look": (
        ("app.actions.look_at", _not_looked_again),
        ("app.proposing.look_at", _not_looked_again),
    ),
    "approval_hash": (("app.actions.digest", _one_digest), ("app.proposing.digest", _one_digest)),
    "quotes": (("app.reader.llm._said", _any_quote),),
}
"""What is taken out, by name."""


@contextmanager
def opened(name: str | None) -> Iterator[None]:
    if name is None:
        yield
        return
    patches = [patch(target, instead) for target, instead in HOLES[name]]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()
