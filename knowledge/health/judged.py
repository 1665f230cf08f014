"""Which findings a model is asked about, and what of each it is shown. Pure; the asking is the caller's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from knowledge.health.finding import Finding
from knowledge.judging import Judgement
from knowledge.model import Document, Place

JUDGED = frozenset({"contradiction", "same_task"})
"""Kinds of which two lines tell; the others rest on whole pages, or on one line and a fact."""
EDGE = 0.5
"""The confidence that people see findings from: near it a verdict decides what is in sight."""
LONGEST_LINE = 600
LONGEST_TITLE = 200
RULES = "1"
"""Goes up when what a model is told changes: then its verdicts of before are not taken for new ones."""


class Side(NamedTuple):
    title: str
    line: str


class Pair(NamedTuple):
    """All that a model is shown of a finding."""

    kind: str
    first: Side
    second: Side

    @property
    def digest(self) -> str:
        told = json.dumps([RULES, *self], ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()


def pairs(found: Iterable[Finding], documents: Iterable[Document]) -> dict[str, Pair]:
    """By finding, where both lines may be shown: pages for internal use are not sent anywhere."""
    pages = {document.id: document for document in documents if document.audience != "internal"}
    return {
        f.id: Pair(f.kind, _side(f.place, pages), _side(f.other, pages))
        for f in found
        if f.kind in JUDGED and f.other is not None and {f.place.document, f.other.document} <= pages.keys()
    }


def _side(place: Place, pages: Mapping[str, Document]) -> Side:
    return Side(_one_line(pages[place.document].title)[:LONGEST_TITLE], _one_line(place.quote)[:LONGEST_LINE])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def known(before: Iterable[Finding], shown: Mapping[str, Pair], model: str | None) -> dict[str, Judgement]:
    """Verdicts on lines that have not changed. Another model's, or any while none may be asked (`model` is
    None), stay on record and do not count."""
    return {
        f.id: f.judged.model_copy(update={"counts": f.judged.model == model})
        for f in before
        if f.judged is not None and f.id in shown and f.judged.of == shown[f.id].digest
    }


def to_ask(found: Sequence[Finding], may: Collection[str], most: int) -> list[Finding]:
    """The strongest and those at the edge of sight, in turn. `may`: ids of those that can be asked about."""
    asked = [f for f in found if f.id in may]
    by_strength = sorted(asked, key=lambda f: (-f.strength, f.id))
    by_edge = sorted(asked, key=lambda f: (abs(f.confidence - EDGE), f.id))
    in_turn = [f for both in zip(by_strength, by_edge, strict=True) for f in both]
    return list({f.id: f for f in in_turn}.values())[: max(0, most)]


def with_judgements(found: Iterable[Finding], made: Mapping[str, Judgement]) -> list[Finding]:
    return [f.model_copy(update={"judged": made.get(f.id)}) for f in found]
