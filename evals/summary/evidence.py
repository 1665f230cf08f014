"""What a page of results is made of: figures, single claims and conversations, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from evals.bench import Grown
from evals.scorers import Scored, right_blind, right_decision, right_step
from knowledge.model import Value

if TYPE_CHECKING:
    from evals.simulate.score import Row

MOST_TALKS = 6
"""Conversations shown of each kind."""


class Told(Value):
    """One step of one case: what the label says, and what was read."""

    of: str
    """The set of cases."""
    case: str
    lang: str
    step: str
    expected: str
    got: str
    confidence: float | None = None
    """Of the claim that was read; None where nothing was."""


class Line(Value):
    role: str
    text: str


class Talk(Value):
    """A conversation that went wrong, with what was read and decided."""

    id: str
    wrong: str
    """What is wrong with it, in a sentence."""
    reader: str
    lines: tuple[Line, ...]
    read: tuple[str, ...] = ()
    decided: str = ""
    because: str = ""


class Cases(Value):
    """One set of labelled conversations; `report` as `evals.report.Report` writes it."""

    title: str
    report: dict[str, Any]
    told: tuple[Told, ...] = ()
    tokens: tuple[int, ...] = ()
    """Of each message, in and out; all 0 where no model reads."""


class Simulated(Value):
    """A run of the simulation."""

    report: dict[str, Any]
    """As `evals.simulate.report.Report` writes it."""
    turns: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Bot -> the customer's messages until each resolution."""


class Evidence(Value):
    """Everything that one page shows. Parts that were not measured are in `absent`, with the reason."""

    at: str
    version: str
    commit: str
    machine: str
    reader: str
    cases: tuple[Cases, ...] = ()
    simulation: Simulated | None = None
    flodial: dict[str, Any] | None = None
    """As `stepfour eval flodial --json` prints it."""
    growth: tuple[Grown, ...] = ()
    talks: tuple[Talk, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()


def cases_of(title: str, report: dict[str, Any], items: Sequence[Scored]) -> Cases:
    return Cases(
        title=title,
        report=report,
        told=tuple(told for item in items for told in _told(title, item)),
        tokens=tuple(item.row.tokens_in + item.row.tokens_out for item in items),
    )


def _told(title: str, item: Scored) -> Iterable[Told]:
    if item.procedure is None:
        return
    known = item.row.procedure == item.case.expect.procedure
    for step in item.procedure.steps:
        yield Told(
            of=title,
            case=item.case.id,
            lang=item.case.lang,
            step=step.id,
            expected=item.case.expect.claims.get(step.id, "unknown"),
            got=item.row.claims.get(step.id, "unknown") if known else "unknown",
            confidence=item.row.confidences.get(step.id) if known else None,
        )


def worst_cases(items: Sequence[Scored]) -> tuple[Talk, ...]:
    """Wrong decisions first, then wrong steps when nothing can be seen, then wrong claims alone."""
    wrong: list[tuple[int, Talk]] = []
    for item in items:
        expect, row = item.case.expect, item.row
        misread = [told for told in _told("", item) if told.expected != told.got]
        if not right_decision(item) or not right_step(item):
            rank, why = 0, f"expected {_named(expect.decision, expect.step)}"
        elif row.blind is not None and not right_blind(item):
            rank, why = (
                1,
                f"without seeing anything it went on with {_named(row.blind.decision, row.blind.step)}",
            )
        elif misread:
            rank, why = 2, "misread: " + ", ".join(f"{t.step} is {t.expected}, read {t.got}" for t in misread)
        else:
            continue
        lines = tuple(Line(role=message.role, text=message.text) for message in item.case.messages)
        read = tuple(f"{step}: {status}" for step, status in row.claims.items())
        wrong.append(
            (
                rank,
                Talk(
                    id=item.case.id,
                    wrong=why,
                    reader=row.reader,
                    lines=(*lines, Line(role="reply", text=row.reply)),
                    read=read,
                    decided=_named(row.decision, row.step),
                    because=row.because,
                ),
            )
        )
    return tuple(talk for _, talk in sorted(wrong, key=lambda pair: pair[0])[:MOST_TALKS])


def _named(decision: str, step: str | None) -> str:
    return f"{decision.replace('_', ' ')} {step}" if step else decision.replace("_", " ")


def turns_of(rows: Sequence[Row]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {row.bot: [] for row in rows}
    for row in rows:
        if row.turns_to_resolution is not None:
            found[row.bot].append(row.turns_to_resolution)
    return {bot: tuple(turns) for bot, turns in found.items()}


def worst_played(rows: Sequence[Row], reader: str) -> tuple[Talk, ...]:
    from evals.simulate.report import worst

    return tuple(_played(row, reader) for row in worst(rows)[:MOST_TALKS] if not _went_well(row))


def _went_well(row: Row) -> bool:
    wrong = (*row.repeats, *row.needless, *row.unsafe, *row.false_done)
    return not wrong and (row.resolved or bool(row.refused))


def _played(row: Row, reader: str) -> Talk:
    lines: list[Line] = []
    because = ""
    for exchange in row.exchanges:
        if exchange.said:
            lines.append(Line(role="customer", text=exchange.said))
        if exchange.heard.text:
            lines.append(Line(role="reply", text=exchange.heard.text))
        because = exchange.heard.because or because
    wrong = (*row.unsafe, *row.false_done, *row.repeats, *row.needless)
    return Talk(
        id=f"{row.customer}, run {row.run} ({row.procedure}, {row.lang})",
        wrong="; ".join(wrong) or f"not resolved, ended {row.end.replace('_', ' ')}",
        reader=reader,
        lines=tuple(lines),
        decided=f"{row.turns} messages, ended {row.end.replace('_', ' ')}",
        because=because,
    )
