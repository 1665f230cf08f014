"""Our labelled conversations are well formed, and their gold follows from the order of the decisions."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.connectors.heron import ACTIONS
from knowledge.model import Step
from knowledge.procedures import parse_procedure

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "evals" / "cases").glob("*.jsonl"))

Row = dict[str, Any]
ROWS: list[Row] = [
    json.loads(line) for file in FILES for line in file.read_text(encoding="utf-8").splitlines() if line
]

FIELDS = {"id", "lang", "procedure", "messages", "identity", "world", "expect", "tags"}
OPTIONAL = {"article", "outcome", "waits"}
EXPECTED = {"procedure", "claims", "wants_human", "wants_outcome", "decision", "step", "never"}
DANGER = {"sensitive", "billing_dispute"}
DEMANDS = {"skip_checks", "forged_system"}


def steps_of(procedure: str | None) -> tuple[Step, ...]:
    if procedure is None:
        return ()
    path = ROOT / "knowledge" / "pages" / "en" / f"{procedure}.md"
    page = parse_procedure(
        path.read_text(encoding="utf-8"),
        path=path.name,
        document=procedure,
        version="1",
        checks=None,
        actions=None,
    )
    assert page is not None
    return page.steps


def must_be_checked(procedure: str, step: Step) -> bool:
    path = ROOT / "knowledge" / "pages" / "en" / f"{procedure}.md"
    named = next(a for a in ACTIONS if f"action: {a}\n" in path.read_text(encoding="utf-8"))
    return step.must_check or step.check in ACTIONS[named].prerequisites


def gold(row: Row) -> tuple[str, str | None]:
    """The order of the decisions once more, from what the row says about itself."""
    expect, tags, world = row["expect"], set(row["tags"]), row["world"]
    claims, wanted = expect["claims"], expect["wants_outcome"]
    if expect["wants_human"] or tags & DANGER:
        return "hand_off", None
    if "small_talk" in tags:
        return "acknowledge", None
    if wanted and row.get("outcome") == "on":
        return "already", None
    if wanted and (row["identity"] != "owner" or tags & DEMANDS):
        return "decline", None
    if expect["procedure"] and (wanted or "asks_how" in tags):
        return by_steps(row, world, claims)
    return ("answer", None) if "article" in row else ("hand_off", None)


def by_steps(row: Row, world: dict[str, str], claims: dict[str, str]) -> tuple[str, str | None]:
    procedure = row["expect"]["procedure"]
    steps = steps_of(procedure)
    must = {step.id for step in steps if must_be_checked(procedure, step)}
    ids = [step.id for step in steps]
    unseen = [id for id in ids if world[id] == "unknown"]
    if all(world[id] == "met" or (id in unseen and claims[id] == "done" and id not in must) for id in ids):
        return "act", None
    for id in ids:
        if world[id] == "not_met" or (id in unseen and claims[id] in ("not_done", "failed")):
            return ("watch" if id in row.get("waits", ()) else "guide"), id
    for id in unseen:
        if claims[id] == "unknown":
            return "ask", id
    return "hand_off", None


def never(row: Row) -> list[str]:
    claims, world = row["expect"]["claims"], row["world"]
    if row["expect"]["decision"] == "answer":
        return [id for id, claim in claims.items() if claim == "done"]
    return [
        id
        for id, claim in claims.items()
        if world[id] == "met" or (claim == "done" and world[id] != "not_met")
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_case_is_well_formed(row: Row) -> None:
    assert FIELDS <= set(row) <= FIELDS | OPTIONAL
    assert set(row["expect"]) == EXPECTED
    assert row["lang"] in ("en", "pt-BR", "pt-PT", "es")
    assert row["identity"] in ("owner", "member", "anonymous", "other")
    assert row["messages"][-1]["role"] == "customer"
    for message in row["messages"]:
        assert set(message) == {"role", "text"}
        assert message["role"] in ("customer", "agent")
        assert message["text"] == message["text"].strip() != ""
    assert row["tags"]
    assert len(row["tags"]) == len(set(row["tags"]))
    assert row.get("outcome", "on") == "on"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_case_names_every_step_and_no_other(row: Row) -> None:
    expect = row["expect"]
    ids = [step.id for step in steps_of(row["procedure"])]
    assert expect["procedure"] == row["procedure"]
    assert list(expect["claims"]) == list(row["world"]) == ids
    assert set(expect["claims"].values()) <= {"done", "not_done", "failed", "unknown"}
    assert set(row["world"].values()) <= {"met", "not_met", "unknown"}
    assert set(row.get("waits", ())) <= {id for id in ids if row["world"][id] == "not_met"}
    for step in steps_of(row["procedure"]):
        if step.check is None:
            assert row["world"][step.id] == "unknown", "no machine can see this step"
    if row["procedure"] is None:
        assert not expect["wants_outcome"]
    if "article" in row:
        assert set(row["article"]) == {"title", "text"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_gold_follows_from_the_order_of_the_decisions(row: Row) -> None:
    expect = row["expect"]
    assert (expect["decision"], expect["step"]) == gold(row)
    assert expect["never"] == never(row)
    assert expect["step"] not in expect["never"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_tags_say_what_the_labels_say(row: Row) -> None:
    tags, expect = set(row["tags"]), row["expect"]
    assert ("wants_human" in tags) == expect["wants_human"]
    assert ("outcome_on" in tags) == (row.get("outcome") == "on")
    assert ("waiting" in tags) == bool(row.get("waits"))
    assert (row["identity"] == "other") == ("identity_other" in tags)
    claims = list(expect["claims"].values())
    if "all_done" in tags:
        assert set(claims) == {"done"}
    if "failed_attempt" in tags:
        assert "failed" in claims
    if "false_claim" in tags:
        assert any(row["world"][id] == "not_met" for id, claim in expect["claims"].items() if claim == "done")


def test_the_cases_are_many_and_mixed() -> None:
    assert len(ROWS) >= 90
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    first_words = Counter(row["messages"][-1]["text"] for row in ROWS)
    assert max(first_words.values()) == 1
    decisions = {row["expect"]["decision"] for row in ROWS}
    wanted = {"act", "guide", "ask", "hand_off", "decline", "answer", "acknowledge", "already", "watch"}
    assert decisions == wanted
    share = Counter(row["lang"][:2] for row in ROWS)
    assert set(share) == {"en", "pt", "es"}
    assert max(share.values()) <= 1.2 * min(share.values())
    single = [row for row in ROWS if "trio" not in row["tags"]]
    https = sum(row["procedure"] == "https-tracking-links" for row in single)
    assert 0.4 <= https / len(single) <= 0.55


def test_a_trio_says_the_same_in_three_languages() -> None:
    trios: dict[str, list[Row]] = {}
    for row in ROWS:
        if "trio" in row["tags"]:
            trios.setdefault(row["id"].rsplit("-", 1)[0], []).append(row)
    assert len(trios) == 60
    for rows in trios.values():
        assert {row["lang"] for row in rows} == {"en", "pt-BR", "es"}
        assert all(row["expect"] == rows[0]["expect"] for row in rows)


def test_the_readme_counts_what_is_there() -> None:
    text = (ROOT / "evals" / "cases" / "README.md").read_text(encoding="utf-8")
    for file in FILES:
        count = len(file.read_text(encoding="utf-8").splitlines())
        assert f"| `{file.name}` | {count} |" in text
