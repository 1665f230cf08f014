"""Retrieval on questions that nobody here wrote: a floor, so that a change that makes it worse is seen."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from knowledge.embedding import CachedEncoder
from knowledge.store import Knowledge
from tests.knowledge.filling import take_in

DATA = Path(__file__).parents[3] / "shared" / "data" / "faquad"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the measurement data is not at {DATA}"),
]


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def test_finds_the_paragraph_that_answers_a_portuguese_question(
    tmp_path: Path, shared_encoder: CachedEncoder
) -> None:
    questions = lines("queries_dev.jsonl")[::6]
    paragraphs = lines("corpus.jsonl")
    needed = {id for question in questions for id in question["relevant"]}
    kept = [p for at, p in enumerate(paragraphs) if p["id"] in needed or at % 9 == 0]
    (tmp_path / "docs").mkdir()
    for p in kept:
        (tmp_path / "docs" / f"{p['id']}.md").write_text(
            f"---\nlang: pt\n---\n{p['text']}\n", encoding="utf-8"
        )
    knowledge = Knowledge.open(tmp_path / "data", encoder=shared_encoder)
    report = take_in(knowledge, tmp_path / "docs")
    assert len(report.added) == len(kept)
    ranks, sure = [], []
    for question in questions:
        hits = knowledge.search(question["text"], lang="pt", limit=10)
        found = [hit.passage.path.removesuffix(".md") for hit in hits]
        ranks.append(next((at for at, id in enumerate(found) if id in question["relevant"]), None))
        sure.append((hits[0].relevance, ranks[-1] == 0))
    knowledge.close()
    gains = [1 / math.log2(rank + 2) for rank in ranks if rank is not None]
    assert sum(gains) / len(questions) > 0.85
    assert sum(rank == 0 for rank in ranks) / len(questions) > 0.7
    # Relevance means something on pages it never saw: the surer half is right more often.
    sure.sort()
    half = len(sure) // 2
    assert sum(right for _, right in sure[half:]) > sum(right for _, right in sure[:half])
