"""The way through a procedure that explains most of what was said, and each sentence's answer on it.

A question that nobody answered costs a way a little, so one missed answer is forgiven.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise

from app.reader.answering import MAY_ANSWER, Line, Told
from app.walk import PASSED
from knowledge.model import Procedure

SURE_BESIDE = 0.5
"""From here on it is, whatever the way: what is said beside the way is kept, too."""

REPORT = 1.0
"""Answers that add up to less are no report: then what only repeats the trouble itself answers nothing."""

IN_ORDER = 0.3
"""What it adds to a way where somebody reports in the order of the page."""

TIE = 0.02
"""And to one of two questions that a sentence is about alike."""

COMMON = 0.0
"""What an answer counts that shares only the trouble itself with its question."""

ALONE = 0.6
"""From here on an answer that nobody asked for stands where there is no report."""

MOST_WAYS = 4_000
"""Ways that are compared; a page with more is read without them."""

BORNE, BORNE_TO_ACT = 0.5, 0.4
"""How sure an answer is at least that the others on its way speak for; less where an action of ours may
follow, so that a faint one is asked about."""


def answers_on_best_way(lines: Sequence[Line], procedure: Procedure) -> list[Told | None]:
    """For each sentence the answer it gives, on the way that explains most."""
    way, on_way = _best_way(lines, procedure)
    clear: dict[int, float] = {}
    for told in (told for told in on_way if told is not None and told.own):
        clear[told.step] = max(told.sure, clear.get(told.step, 0.0))
    if sum(clear.values()) + IN_ORDER * _in_order(on_way, way) < REPORT:
        lines = [line._replace(may=tuple(filter(partial(_stands, line), line.may))) for line in lines]
        way, on_way = _best_way(lines, procedure)
    acts = procedure.action is not None
    chosen: list[Told | None] = []
    for line, on in zip(lines, on_way, strict=True):
        beside = [
            told for told in line.may if told.sure >= SURE_BESIDE and (told.own or told.step == line.asked)
        ]
        best = on or max(beside, key=lambda told: told.sure, default=None)
        chosen.append(_borne_out(on, careful=acts) if on and len(way) > 1 else best)
    return chosen


def _stands(line: Line, told: Told) -> bool:
    """Alone and unasked, an answer has to be clear."""
    return told.own and ((told.sure >= ALONE and told.named) or told.step == line.asked)


def _borne_out(told: Told, *, careful: bool) -> Told:
    """The other answers on the way speak for this one."""
    least = BORNE_TO_ACT if careful else BORNE
    return told._replace(sure=least + (1 - least) * told.sure)


def _best_way(lines: Sequence[Line], procedure: Procedure) -> tuple[dict[int, str], list[Told | None]]:
    """The way, and for each sentence its answer on it."""
    best, found, read = 0.0, dict[int, str](), list[Told | None]([None] * len(lines))
    newest = _newest(lines)
    for way in _ways(procedure, {told.step for line in lines for told in line.may}):
        on_way = _read_along(lines, way)
        worth = _counts(on_way) + IN_ORDER * _in_order(on_way, way)
        answered = {told.step for told in on_way if told}
        worth -= PASSED * sum(1 for step in way if step not in newest and step not in answered)
        # A question that was answered in another way since is no way to go by.
        worth -= sum(0.6 * newest[s].sure for s in way if s in newest and newest[s].outcome != way[s])
        if worth > best:
            best, found, read = worth, way, on_way
    return found, read


def _counts(read: Sequence[Told | None]) -> float:
    """What shares only the trouble itself with a question counts little before anything else is told."""
    whole, begun = 0.0, False
    for told in (told for told in read if told is not None):
        begun = begun or told.own
        whole += told.sure * (1.0 if begun else COMMON)
    return whole


def _read_along(lines: Sequence[Line], way: Mapping[int, str]) -> list[Told | None]:
    """Each sentence by the way: what it names, or what follows there on the sentence before it."""
    following = dict(pairwise(way))
    last = -1
    found: list[Told | None] = []
    for line in lines:
        on = [
            told
            for told in line.may
            if way.get(told.step) == told.outcome
            and (told.sure >= MAY_ANSWER or following.get(last) == told.step)
        ]
        told = max(on, key=lambda told: told.sure + TIE * (following.get(last) == told.step), default=None)
        last = told.step if told else last
        found.append(told)
    return found


def _in_order(read: Sequence[Told | None], way: Mapping[int, str]) -> int:
    """How often a sentence answers the question that follows on the one before it."""
    following = dict(pairwise(way))
    steps = [told.step for told in read if told is not None]
    return sum(following.get(one) == other for one, other in pairwise(steps))


def _newest(lines: Sequence[Line]) -> dict[int, Told]:
    """The last that was told of each question, by the sentences that speak of it most clearly."""
    found: dict[int, Told] = {}
    for line in lines:
        for told in line.may:
            if told.sure >= 0.5 * max(other.sure for other in line.may):
                found[told.step] = told
    return found


def _ways(procedure: Procedure, spoken: set[int]) -> Iterator[dict[int, str]]:
    """Every way from the start to a question that was spoken of, as the answers along it."""
    at = {step.id: number for number, step in enumerate(procedure.steps)}
    left: list[tuple[str, dict[int, str]]] = [(procedure.steps[0].id, {})]
    made = 0
    while left and made < MOST_WAYS:
        target, way = left.pop()
        if target not in at or at[target] in way:
            continue
        number = at[target]
        step = procedure.steps[number]
        if not step.outcomes:
            left.append((procedure.after(step), way))
            made += 1
            continue
        for name, following in step.outcomes:
            longer = {**way, number: name}
            made += 1
            if number in spoken:
                yield longer
            left.append((following, longer))
