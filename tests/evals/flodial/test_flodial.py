"""Flowcharts become pages, dialogues become turns, and the figures are what the rows say."""
# ruff: noqa: E501  what is said stays on its line

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from app.models.conversation import Message
from app.models.reading import Claim, Reading
from evals.flodial import command
from evals.flodial.baseline import next_by_plain_means
from evals.flodial.data import OFF, Turn, turns_of, way_to
from evals.flodial.overlap import overlap, training_texts
from evals.flodial.pages import charts_in, page_of, procedure_of
from evals.flodial.run import Row, run
from evals.flodial.score import figure, scores
from knowledge.model import Procedure

CHART: dict[str, Any] = {
    "name": "dark_lamp",
    "category": "lamps",
    "problem_description": "The lamp: it stays dark.",
    "nodes": {
        "1": {"label": "plugged?", "terminal": False, "utterance": "Is the lamp plugged in?"},
        "2": {"label": "bulb ok?", "terminal": False, "utterance": "Is the bulb intact?"},
        "3": {"label": "plug it in", "terminal": True, "utterance": "Plug the lamp in."},
        "4": {"label": "switch?", "terminal": False, "utterance": "Does the switch click?"},
        "5": {"label": "new bulb", "terminal": True, "utterance": "Put a new bulb in."},
        "6": {"label": "repair", "terminal": True, "utterance": "Have it repaired."},
        "7": {"label": "new switch", "terminal": True, "utterance": "Put a new switch in."},
    },
    "edges": {"1": {"yes": "2", "no": "3"}, "2": {"yes": "4", "no": "5"}, "4": {"yes": "6", "no": "7"}},
    "supporting_faqs": [{"q": "What is a bulb?", "a": "The part that glows.", "id": "0"}],
}
CHARTS = {"dark_lamp": CHART}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    charts = tmp_path / "charts"
    charts.mkdir()
    (charts / "dark_lamp.json").write_text(json.dumps(CHART))
    say = [
        ("user", "My lamp stays dark.", "chart-0"),
        ("agent", "Is it plugged in?", "chart-1"),
        ("user", "What is a plug?", "chart-1"),
        ("agent", "The thing at the end of the cord.", "faq-0"),
        ("user", "It is plugged in.", "chart-1"),
        ("agent", "Is the bulb intact?", "chart-2"),
        ("user", "No, it is black.", "chart-2"),
        ("agent", "Put a new bulb in.", "chart-5"),
        ("user", "Thanks!", None),
    ]
    spoken = [
        {"speaker": who, "utterance": text, **({"grounded_doc_id": doc} if doc else {})}
        for who, text, doc in say
    ]
    (tmp_path / "dialogs.json").write_text(
        json.dumps({"7": {"flowchart": "dark_lamp", "utterences": spoken}})
    )
    opening = {
        "id": "f1",
        "chart": "dark_lamp",
        "opening": "Dark.",
        "gold_first_chart_node": "1",
        "skip": False,
    }
    jumps = {
        **opening,
        "id": "f3",
        "opening": "It is plugged in.",
        "gold_first_chart_node": "2",
        "skip": True,
    }
    (tmp_path / "first.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in (opening, {**opening, "id": "f2"}, jumps))
    )
    up = {"id": "u1", "chart": "dark_lamp", "opening": "Dark", "answers": ["It is plugged in.", "The bulb is intact."],
          "gold_state": [["1", "yes"], ["2", "yes"]], "gold_next": "4"}  # fmt: skip
    (tmp_path / "up.jsonl").write_text(json.dumps(up) + "\n")
    off = {"id": "o1", "kind": "coverage_gap", "chart": "dark_lamp", "history": [{"speaker": "user", "text": "Dark."}],
           "current_node": "2", "clean_user": "no", "clean_gold_next": "5", "clean_edge": "no", "mixed_user": "no",
           "remove_edge": ["2", "no"], "mixed_gold": "OFF_PROCEDURE"}  # fmt: skip
    (tmp_path / "off.jsonl").write_text(json.dumps(off) + "\n")
    return tmp_path


def turns_in(folder: Path) -> list[Turn]:
    _, turns = command.load(
        folder / "charts",
        dialogs=folder / "dialogs.json",
        first=folder / "first.jsonl",
        upfront=folder / "up.jsonl",
        off=folder / "off.jsonl",
    )
    return turns


def test_a_flowchart_is_a_page_that_our_parser_reads() -> None:
    page = procedure_of(CHART)
    assert [step.id for step in page.steps] == ["n1", "n2", "n4"]
    assert page.step("n2").title == "Is the bulb intact?"
    assert dict(page.step("n2").outcomes) == {"yes": "n4", "no": "n5"}
    assert page.advised("n5") is not None
    assert "The part that glows." in page_of(CHART)


def test_a_left_out_edge_is_not_in_the_page() -> None:
    page = procedure_of(CHART, without=("2", "no"))
    assert dict(page.step("n2").outcomes) == {"yes": "n4"}
    assert page.advised("n5") is None


def test_the_turns_are_what_the_files_say(folder: Path) -> None:
    turns = turns_in(folder)
    assert [t.id for t in turns if t.kind == "first"] == ["f1", "f3"], (
        "an opening that stands there twice counts once"
    )
    up = next(t for t in turns if t.kind == "upfront")
    assert up.said == (("customer", "Dark. It is plugged in. The bulb is intact."),)
    assert [(t.at, t.gold) for t in turns if t.kind == "next"] == [
        (None, "1"),
        ("1", "1"),
        ("1", "2"),
        ("2", "5"),
    ]
    assert [(t.kind, t.gold, t.without) for t in turns if t.off_kind] == [
        ("clean", "5", None),
        ("off", OFF, ("2", "no")),
    ]
    assert way_to(CHART, "4") == (("1", "yes"), ("2", "yes"))


def test_plain_means_go_by_words_and_negations(folder: Path) -> None:
    by_id = {turn.id: turn for turn in turns_in(folder)}
    assert next_by_plain_means(by_id["next-7-6"], CHART)[0] == "5"
    assert next_by_plain_means(by_id["f1"], CHART)[0] == "1"


async def scripted(messages: Any, procedures: Any) -> Reading:
    """Reads `yes` and `no` alone, of whatever was asked last."""
    [page] = procedures
    claims = []
    last = messages[-1]
    if last.text.startswith("No") or last.text == "no":
        claims = [Claim(step="n2", status="not_done", message=last.id, quote="no")]
    elif "plugged in" in last.text:
        claims = [Claim(step="n1", status="yes", message=last.id, quote="plugged in")]
    return Reading(procedure=page.id, claims=tuple(claims))


async def test_a_row_is_what_the_walk_and_the_policy_make_of_a_reading(folder: Path) -> None:
    rows = {row.id: row for row in await run(turns_in(folder), CHARTS, scripted)}
    assert (rows["f3"].next, rows["f1"].next) == ("2", "1")
    assert rows["next-7-6"].next == "5"
    assert rows["next-7-6"].decision == "guide"
    assert rows["o1-clean"].next == "5"
    assert (rows["o1-off"].next, rows["o1-off"].decision) == ("handoff", "hand_off"), "no way for that answer"
    assert rows["u1"].next == "2"
    found = scores(list(rows.values()), {"dark_lamp": "1"})
    assert {name: found[name].n for name in command.NAMES} == {
        "first_skip_exact": 1, "first_false_skip": 1, "upfront_next": 1, "upfront_redundant": 1, "next_node": 4,
        "offprocedure_handoff": 1, "offprocedure_false_handoff": 1,
    }  # fmt: skip
    assert found["first_skip_exact"].value == 1.0
    assert found["upfront_redundant"].value == 1.0, "it asks for the bulb, which was told"
    assert found["next_node"].value == 1.0


def row(id: str, group: str, right: bool) -> Row:
    return Row(
        id=id,
        kind="upfront",
        chart="dark_lamp",
        group=group,
        gold="4",
        next="4" if right else "2",
        decision="ask",
        because="",
    )


def test_an_interval_is_over_clusters() -> None:
    alike = [row(f"{n}", "one", n % 2 == 0) for n in range(40)]
    assert figure(alike, lambda r: r.next == r.gold).low == 0.5, "one cluster has no spread"
    apart = [row(f"{n}", str(n), n % 2 == 0) for n in range(40)]
    spread = figure(apart, lambda r: r.next == r.gold)
    assert spread.low < 0.4 < 0.6 < spread.high


def test_bad_files_are_named(folder: Path) -> None:
    (folder / "up.jsonl").write_text('{"id": "u1"}\n')
    with pytest.raises(BadInput, match=r"up\.jsonl:1"):
        turns_in(folder)
    with pytest.raises(BadInput, match="no such folder"):
        command.load(folder / "nowhere", dialogs=folder, first=folder, upfront=folder, off=folder)
    (folder / "charts" / "dark_lamp.json").write_text("{")
    with pytest.raises(BadInput, match="dark_lamp"):
        charts_in(folder / "charts")


def test_a_flowchart_that_goes_in_a_circle_is_refused() -> None:
    circle = {**CHART, "edges": {**CHART["edges"], "4": {"yes": "1", "no": "7"}}}
    with pytest.raises(BadInput, match="in a circle"):
        procedure_of(circle)


def test_the_report_has_every_name_at_the_top(folder: Path) -> None:
    async def nothing(messages: list[Message], procedures: list[Procedure]) -> Reading:
        return Reading()

    rows = command.measure(CHARTS, turns_in(folder), nothing)  # type: ignore[arg-type]
    made = json.loads(command.as_json(command.report(rows, CHARTS, "builtin")))
    for name in command.NAMES:
        assert isinstance(made[name], float)
        assert made[f"n_{name}"] > 0
    assert turns_of(
        CHARTS,
        dialogs=folder / "dialogs.json",
        first=folder / "first.jsonl",
        upfront=folder / "up.jsonl",
        off=folder / "off.jsonl",
    )


def test_shared_text_is_found_whatever_its_case_and_punctuation() -> None:
    ours = ["en: The lamp is plugged in, and it stays dark.", "What is wrong?"]
    found = overlap(ours, ["So: the LAMP is plugged in and it stays off. What is wrong!"])
    assert found.shared == (
        "is plugged in and it stays",
        "lamp is plugged in and it",
        "the lamp is plugged in and",
    )
    assert found.sentences == ("what is wrong",)
    assert overlap(ours, ["Nothing of the kind was ever said here."]).shared == ()


def test_the_training_texts_are_all_read(folder: Path) -> None:
    texts = training_texts()
    assert len(texts) > 1_000
    planted = next(text for text in texts if len(text.split()) > 8)
    assert overlap(texts, [planted]).shared
    made = command.report([], CHARTS, "builtin", turns_in(folder))
    assert made["training_overlap"]["shared"] == ()
    assert made["training_overlap"]["measured"] > 0
