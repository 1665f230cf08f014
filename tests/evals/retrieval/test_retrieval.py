"""The measuring of search: its figures are right, its input is checked, and both commands run end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from evals.retrieval import command, data, metrics

PAGES = [
    {"id": "spf", "title": "SPF record", "text": "Add our include to the SPF record of your domain."},
    {"id": "refund", "title": "Refunds", "text": "A refund takes five working days to reach your card."},
    {"id": "users", "title": "Users", "text": "An administrator can remove a user from the account."},
]
ASKED: list[dict[str, Any]] = [
    {"id": "q1", "text": "How long does a refund take?", "relevant": ["refund"]},
    {
        "id": "q2",
        "messages": [
            {"role": "customer", "text": "A colleague has left us."},
            {"role": "agent", "text": "I am sorry to hear that."},
            {"role": "customer", "text": "Who can remove her user from the account?"},
        ],
        "relevant": ["users"],
    },
]


def lines(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return file


def test_the_figures_of_a_ranking() -> None:
    first = metrics.scores(["a", "b", "c"], {"a"})
    assert (first.r1, first.r5, first.mrr, first.ndcg10) == (1, 1, 1, 1)
    second = metrics.scores(["x", "a", "b"], {"a", "b"})
    assert (second.r1, second.r5, second.mrr) == (0, 1, 0.5)
    assert second.ndcg10 == pytest.approx((1 / 1.585 + 1 / 2) / (1 + 1 / 1.585), abs=1e-3)
    assert metrics.scores(["x"], {"a"}) == (0, 0, 0, 0, 0)


def test_an_interval_holds_its_mean() -> None:
    rows = [metrics.scores(["a"], {"a"}), metrics.scores(["b"], {"a"}), metrics.scores(["a"], {"a"})]
    found = metrics.figures(rows)["r1"]
    assert found.value == pytest.approx(2 / 3, abs=1e-3)
    assert found.low < found.value < found.high


def test_macro_f1_counts_each_kind_alike() -> None:
    pairs = [("answer", "answer"), ("answer", "answer"), ("no_answer", "answer")]
    assert metrics.f1_of(pairs, "answer") == pytest.approx(0.8)
    assert metrics.f1_of(pairs, "no_answer") == 0
    assert metrics.f1_of(pairs, "ask") is None
    assert metrics.macro_f1(pairs, data.DECISIONS) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "q", "text": "a", "relevant": ["nowhere"]}], "needs nowhere"),
        ([{"id": "q", "text": "a"}], "no row names a document"),
        ([ASKED[0], ASKED[0]], "is there twice"),
        ([{"text": "a"}], r"q\.jsonl:1: id"),
        ([], "holds no rows"),
    ],
)
def test_what_cannot_be_measured_is_named(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    entries = data.corpus(lines(tmp_path / "c.jsonl", PAGES))
    with pytest.raises(BadInput, match=said):
        data.queries(lines(tmp_path / "q.jsonl", rows), entries)


def test_both_commands_measure_the_products_own_search(tmp_path: Path) -> None:
    corpus = lines(tmp_path / "c.jsonl", PAGES)
    report, rows = command.retrieval(
        corpus, lines(tmp_path / "q.jsonl", ASKED), tmp_path, lambda what: lambda done, total: None
    )
    assert (report["n"], report["r1"], report["mrr"]) == (2, 1.0, 1.0)
    assert set(report["beside"]) == {"bm25", "langchain_chroma"}
    assert [row["ranking"][0] for row in rows] == ["refund", "users"]

    given = [
        {**ASKED[0], "decision": "answer"},
        {"id": "t2", "text": "Which animals live in the Antarctic?", "decision": "no_answer"},
        {"id": "t3", "text": "What does this bird eat?", "decision": "ask"},
    ]
    report, rows = command.decisions(
        corpus, lines(tmp_path / "t.jsonl", given), tmp_path, lambda what: lambda done, total: None
    )
    assert [row["given"] for row in rows] == ["answer", "no_answer", "ask"]
    assert (report["n"], report["decisions"], report["macro_f1"]) == (1, 3, 1.0)
