"""Which findings a model is asked about, and what its verdict can and cannot do."""

from datetime import UTC, datetime

import pytest

from knowledge import findings
from knowledge.health.finding import Finding, finding_id
from knowledge.health.judged import Pair, Side, known, pairs, to_ask, with_judgements
from knowledge.judging import LEAST, MOST, Judgement, Reason, Verdict, moved
from knowledge.model import Place
from knowledge.phrases import phrase
from knowledge.store import Knowledge
from tests.knowledge.health.building import page
from tests.knowledge.test_findings import contradiction, docs, knowledge

__all__ = ["docs", "knowledge"]

NOW = datetime(2026, 12, 1, tzinfo=UTC)
REASONS: dict[Verdict, Reason] = {"holds": "who", "does_not_hold": "other_case", "unsure": "too_little"}


def judgement(verdict: Verdict, of: str = "d", model: str = "qwen") -> Judgement:
    return Judgement(
        verdict=verdict, kind="contradiction", reason=REASONS[verdict], model=model, at=NOW, of=of
    )


def numbered(n: int, confidence: float) -> Finding:
    return Finding(
        id=finding_id("contradiction", str(n)),
        kind="contradiction",
        confidence=confidence,
        place=Place(document="docs:a.md", quote=f"one {n}"),
        other=Place(document="docs:b.md", quote=f"two {n}"),
        why=(phrase("contradiction.path", one="a", two="b"),),
        todo=phrase("contradiction.todo"),
    )


@pytest.mark.parametrize("confidence", [0.3, 0.35, 0.5, 0.74, 0.9, 0.97, 0.99])
@pytest.mark.parametrize("proven", [True, False])
def test_a_verdict_moves_within_bounds_and_never_against_a_proof(confidence: float, proven: bool) -> None:
    up = moved(confidence, judgement("holds"), proven=proven)
    down = moved(confidence, judgement("does_not_hold"), proven=proven)
    assert confidence <= up <= max(MOST, confidence)
    assert up - confidence < 0.121
    assert LEAST <= down <= confidence
    assert confidence - down < 0.301
    assert not proven or down == confidence
    assert moved(confidence, judgement("unsure"), proven=proven) == confidence
    off = judgement("does_not_hold").model_copy(update={"counts": False})
    assert moved(confidence, off, proven=proven) == confidence


@pytest.mark.parametrize("verdict", ["holds", "does_not_hold"])
@pytest.mark.parametrize(("confidence", "marked"), [(0.7, 0), (0.9, 2)])
def test_what_customers_are_told_goes_by_our_own_judgement_alone(
    knowledge: Knowledge, verdict: Verdict, confidence: float, marked: int
) -> None:
    found = contradiction(confidence=confidence).model_copy(update={"judged": judgement(verdict)})
    findings.replace(knowledge.db, [found])
    hits = [hit.passage for hit in knowledge.search("balloon post", lang="en")]
    assert len(findings.marks(knowledge.db, hits)) == marked
    (kept,) = findings.findings(knowledge.db)
    assert (kept.sure > confidence) == (verdict == "holds")
    assert [(e.what, e.by, e.note) for e in findings.history(knowledge.db, kept.id)] == [
        ("found", None, None),
        ("judged", "qwen", verdict),
    ]
    findings.replace(knowledge.db, [found])
    assert len(findings.history(knowledge.db, kept.id)) == 2, "known is no news"


def test_the_strongest_and_the_doubtful_are_asked_about_in_turn() -> None:
    found = [numbered(n, c) for n, c in enumerate((0.95, 0.9, 0.85, 0.8, 0.52, 0.45, 0.35))]
    every = {f.id for f in found}
    assert [f.confidence for f in to_ask(found, every, 4)] == [0.95, 0.52, 0.9, 0.45]
    assert len(to_ask(found, every, 100)) == len(found)
    assert to_ask(found, every, 0) == []
    assert [f.confidence for f in to_ask(found, every - {found[0].id}, 1)] == [0.9]


def test_a_pair_is_known_by_all_that_was_shown_and_by_nothing_else() -> None:
    one, two = page("a.md", "# A\n\none 1\n").document, page("b.md", "# B\n\ntwo 1\n").document
    found = numbered(1, 0.8)
    shown = pairs([found], [one, two])
    assert shown == {found.id: Pair("contradiction", Side("A", "one 1"), Side("B", "two 1"))}
    digest = shown[found.id].digest
    (before,) = with_judgements([found], {found.id: judgement("holds", of=digest)})
    assert known([before], shown, "qwen") == {found.id: judgement("holds", of=digest)}
    assert not known([before], shown, "other")[found.id].counts
    assert not known([before], shown, None)[found.id].counts
    renamed = pairs([found], [one.model_copy(update={"title": "C"}), two])
    assert known([before], renamed, "qwen") == {}
    assert pairs([found], [one.model_copy(update={"audience": "internal"}), two]) == {}
    assert pairs([found.model_copy(update={"kind": "broken_link"})], [one, two]) == {}
