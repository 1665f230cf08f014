"""The page of results: everything is on it, and nothing that was said can become markup."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from evals.summary.command import flodial_files, page_again
from evals.summary.evidence import Cases, Evidence, Line, Simulated, Talk, Told
from evals.summary.page import as_page, bins_of
from evals.summary.plots import Bar, Bin, bars, calibration, confusion, histogram

HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(2)>"


def figures(**more: Any) -> dict[str, Any]:
    shares = {"decision_accuracy": 0.9, "blind_step": 0.8, "claim_macro_f1": 0.7}
    counts = {"forbidden_repeats": 0, "wrongful_actions": 0, "missed_actions": 0}
    return {"n": 10, **shares, **counts, "intervals": {"decision_accuracy": [0.8, 1.0]}, **more}


def told(expected: str, got: str, confidence: float | None = None) -> Told:
    return Told(of="own", case="c", lang="pt", step="s", expected=expected, got=got, confidence=confidence)


def played(bot: str, resolved: float) -> dict[str, Any]:
    names = (
        "verified_resolution", "pass_k", "turns_to_resolution", "repeats", "needless_questions",
        "needless_handoffs",
    )  # fmt: skip
    shares: dict[str, Any] = {name: {"value": resolved, "interval": [0.0, 1.0]} for name in names}
    by = {"language": {"pt": [5, resolved]}}
    return {
        "bot": bot, "conversations": 5, "unsafe_actions": 0, "false_done": 0, "repeats_count": 0, "by": by,
    } | shares  # fmt: skip


@pytest.fixture
def whole() -> Evidence:
    return Evidence(
        at="2026-01-01T10:00",
        version="1.0",
        commit="abc",
        machine="2 cores",
        reader="builtin",
        cases=(
            Cases(
                title="own",
                report=figures(by_language={"pt": figures()}, baseline=figures(name="plain")),
                told=(told("done", "done", 0.9), told("done", "failed", 0.4), told("unknown", "unknown")),
                tokens=(0, 0),
            ),
        ),
        simulation=Simulated(
            report={
                "seed": 1,
                "k": 4,
                "half": "score",
                "bots": [played("stepfour", 0.9), played("rag", 0.0)],
            },
            turns={"stepfour": (1, 2, 2, 30), "rag": ()},
        ),
        flodial={
            "n_next_node": 7,
            "figures": {"next_node": {"value": 0.86, "n": 7, "low": 0.8, "high": 0.9, "baseline": 0.7}},
        },
        talks=(
            Talk(id=HOSTILE, wrong=HOSTILE, reader="builtin", lines=(Line(role="customer", text=HOSTILE),)),
        ),
        absent=(("Speed", "not asked for"),),
    )


def test_everything_that_was_measured_is_on_the_page(whole: Evidence) -> None:
    page = as_page(whole)
    for words in (
        "right next move", "Step states as labelled and as read", "How sure, how right", "By language",
        "Simulated customers", "Never: rag", "next step in mid-dialogue", "no language model was used",
        "Worst conversations", "Speed: not asked for", "builtin", "0.80 to 1.00",
    ):  # fmt: skip
        assert words in page, words


def test_what_was_said_stays_text(whole: Evidence) -> None:
    page = as_page(whole)
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;") == 3


def test_a_page_of_nothing_says_so() -> None:
    page = as_page(Evidence(at="", version="", commit="", machine="", reader="builtin"))
    assert "Nothing was measured." in page


def test_tokens_are_counted_a_message_where_a_model_reads(whole: Evidence) -> None:
    (cases,) = whole.cases
    counted = whole.model_copy(update={"cases": (cases.model_copy(update={"tokens": (900, 1200, 4000)}),)})
    assert "6100 over 10 cases: 1200 a message in the middle, 4000 at the 95th percentile" in as_page(counted)


def test_the_page_is_made_again_from_its_file(whole: Evidence, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps({"evidence": whole.model_dump(mode="json")}), encoding="utf-8")
    assert page_again(file).read_text(encoding="utf-8") == as_page(whole)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"evidence": {"at": 3}}'])
def test_a_file_without_results_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="no results"):
        page_again(file)


def test_a_folder_without_the_parts_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no"):
        flodial_files(tmp_path)


def test_claims_fall_into_bins_of_confidence() -> None:
    found = bins_of([told("done", "done", 0.95), told("done", "failed", 1.0), told("done", "done", 0.1)])
    assert [(each.right, each.claims) for each in found] == [(1.0, 1), (0.5, 2)]
    assert bins_of([told("unknown", "unknown")]) == []


def test_plots_are_pictures_with_their_numbers() -> None:
    made = {
        "bars": bars([Bar("a <b>", 0.5, 0.4, 0.6, 0.1, 0.3)], "Bars & more"),
        "confusion": confusion({("done", "done"): 7}, ("done", "failed"), "States"),
        "calibration": calibration([Bin(0.9, 0.8, 41)], "Sure"),
        "histogram": histogram({"ours": (1, 1, 99)}, "Turns"),
    }
    texts = {name: "".join(ET.fromstring(svg).itertext()) for name, svg in made.items()}
    assert "0.50" in texts["bars"]
    assert "7" in texts["confusion"]
    assert "41" in texts["calibration"]
    assert "10+" in texts["histogram"]
    assert ET.fromstring(histogram({}, "none")).tag == "svg"
