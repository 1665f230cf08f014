"""Reads every turn with the reader that is measured, and asks the walk and the policy what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from app.ledger import step_states
from app.models.conversation import Message
from app.models.facts import Facts, Said
from app.models.reading import Claim, Reading
from app.policy import decide
from app.ports import Reader
from app.walk import End, on_the_way, walk
from evals.flodial.data import Turn, way_to
from evals.flodial.pages import node_of, procedure_of
from knowledge.model import Procedure, Value

START = datetime(2026, 1, 1, tzinfo=UTC)


class Row(Value):
    """What was read of one turn, and what comes next by it: all figures are computed from these."""

    id: str
    kind: str
    chart: str
    group: str
    gold: str
    skips: bool = False
    off_kind: str = ""
    answered: dict[str, str] = Field(default={})
    recognised: bool = True
    """The reader took the matter for the one that the chart is about."""
    claims: dict[str, str] = Field(default={})
    next: str
    """The node that is asked or advised next by the walk; `handoff` where it ends at a person."""
    decision: str
    because: str
    baseline: str = ""
    baseline_hands_off: bool = False
    quotes: dict[str, str] = Field(default={})
    tokens: int = 0


async def run(
    turns: Sequence[Turn],
    charts: Mapping[str, dict[str, Any]],
    read: Reader,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    pages: dict[tuple[str, tuple[str, str] | None], Procedure] = {}
    rows = []
    for number, turn in enumerate(turns, 1):
        key = (turn.chart, turn.without)
        if key not in pages:
            pages[key] = procedure_of(charts[turn.chart], without=turn.without)
        rows.append(await _row(turn, charts[turn.chart], pages[key], read))
        if progress:
            progress(number, len(turns))
    return rows


def messages_of(turn: Turn) -> list[Message]:
    return [
        Message(
            id=f"{turn.id}-{number}",
            conversation=turn.id,
            role="agent" if role == "agent" else "customer",
            text=text,
            at=START + timedelta(minutes=number),
        )
        for number, (role, text) in enumerate(turn.said)
    ]


async def _row(turn: Turn, chart: dict[str, Any], procedure: Procedure, read: Reader) -> Row:
    messages = messages_of(turn)
    reading = await read(messages, [procedure])
    known = way_to(chart, turn.at) if turn.at else ()
    truth = [Claim(step=f"n{node}", status=answer, message="", quote="") for node, answer in known]
    # What was said before is given as it truly was, so what is read of it does not count a second time.
    told = [c for c in reading.claims if turn.at is None or c.message == messages[-1].id]
    states = step_states(procedure, claims=[*truth, *told], findings=[], must_check=frozenset(), now=START)
    found = walk(procedure, states)
    asked = (*(f"n{node}" for node, _ in known), *([f"n{turn.at}"] if turn.at else []))
    decision = decide(_facts(reading, procedure, states, asked))
    return Row(
        id=turn.id,
        kind=turn.kind,
        chart=turn.chart,
        group=turn.group,
        gold=turn.gold,
        skips=turn.skips,
        off_kind=turn.off_kind,
        answered=dict(turn.answered),
        recognised=reading.procedure == procedure.id,
        claims={node_of(claim.step): claim.status for claim in told},
        next=_named(found.at),
        decision=decision.kind,
        because=decision.because,
        quotes={node_of(claim.step): claim.quote for claim in told},
        tokens=reading.tokens_in + reading.tokens_out,
    )


def _facts(reading: Reading, procedure: Procedure, states: Any, asked: tuple[str, ...]) -> Facts:
    """That the customer wants the trouble mended is given: it is what every dialogue is about."""
    return Facts(
        reading=reading.model_copy(update={"procedure": procedure.id, "wants_outcome": True}),
        standing="owner",
        procedure=procedure,
        steps=on_the_way(procedure, states),
        said=Said(asked=asked, last="ask" if asked else None),
    )


def _named(at: str | End) -> str:
    if isinstance(at, str):
        return node_of(at)
    return node_of(at.advice) if at.advice else at.kind
