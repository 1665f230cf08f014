"""The report says of the rows what the scores say, and names every case that went wrong."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from evals.case import LabelledCase
from evals.report import Report, baseline_report, intervals, report, shown
from evals.run import BlindRow, CaseRow
from evals.scorers import Scored, pair
from knowledge.model import Procedure
from tests.evals.conftest import PAGES, STEPS, MakeCase

TOP = {
    "n",
    "decision_accuracy",
    "step_accuracy",
    "blind_step",
    "claim_macro_f1",
    "procedure_accuracy",
    "forbidden_repeats",
    "wrongful_actions",
    "missed_actions",
}


@pytest.fixture(scope="session")
def https() -> Procedure:
    from knowledge.procedures import parse_procedure

    page = PAGES / "https-tracking-links.md"
    found = parse_procedure(
        page.read_text(encoding="utf-8"),
        path=page.name,
        document="d",
        version="v",
        checks=None,
        actions=None,
    )
    assert found is not None
    return found


def row(case: LabelledCase, **changes: Any) -> CaseRow:
    """What a run without a fault leaves of a case."""
    fields: dict[str, Any] = {
        "id": case.id,
        "procedure": case.expect.procedure,
        "claims": case.expect.claims,
        "decision": case.expect.decision,
        "step": case.expect.step,
        "because": "it is right",
        "passages": (),
        "reply": "",
        "effects": ("enable_https",) if case.expect.decision == "act" else (),
        "blind": BlindRow(decision="hand_off", step=None) if case.blind else None,
        "wants_outcome": case.expect.wants_outcome,
    }
    return CaseRow(**fields | changes)


@pytest.fixture
def cases(make_case: MakeCase) -> list[LabelledCase]:
    declined = {"decision": "decline", "never": ()}
    return [
        make_case("a", tags=["all_done"]),
        make_case("b", lang="pt-BR", tags=["all_done", "terse"]),
        make_case("c", lang="es", tags=["terse"]),
        make_case("d", identity="member", expect=declined),
        make_case("e"),
        make_case("f"),
    ]


def judged(cases: list[LabelledCase], rows: list[CaseRow], https: Procedure) -> Report:
    return report(pair(cases, rows, [https]), seconds=1.0)


def test_a_run_without_a_fault_has_no_failing_case(cases: list[LabelledCase], https: Procedure) -> None:
    found = judged(cases, [row(case) for case in cases], https)
    assert found.decision_accuracy == found.blind_step == found.claim_macro_f1 == 1
    assert found.failures == found.blind_failures == ()
    assert found.claim_failures == ()
    assert (found.forbidden_repeats, found.wrongful_actions, found.missed_actions) == (0, 0, 0)


def test_json_has_the_figures_on_top(cases: list[LabelledCase], https: Procedure) -> None:
    found = json.loads(judged(cases, [row(case) for case in cases], https).model_dump_json())
    assert set(found) >= TOP
    assert found["n"] == len(cases)
    assert found["by_language"]["pt-BR"]["n"] == 1
    assert found["by_tag"]["terse"]["n"] == 2


def test_every_kind_of_fault_is_named_with_its_case(cases: list[LabelledCase], https: Procedure) -> None:
    a, b, c, d, *rest = cases
    rows = [
        row(a, decision="guide", step="branded-link", effects=(), because="it did not look"),
        row(b, claims={**b.expect.claims, "branded-link": "failed"}),
        row(c, blind=BlindRow(decision="ask", step="ssl-certificate")),
        row(d, decision="act", effects=("enable_https",)),
        *map(row, rest),
    ]
    found = judged(cases, rows, https)
    assert [(f.id, f.expected, f.got) for f in found.failures] == [
        ("a", "act", "guide branded-link"),
        ("d", "decline", "act"),
    ]
    assert [f.id for f in found.blind_failures] == ["c"]
    assert [(w.id, w.step, w.expected, w.got) for w in found.claim_failures] == [
        ("b", "branded-link", "done", "failed")
    ]
    assert (found.repeated, found.wrongful, found.missed) == (("a",), ("d",), ("a",))
    assert found.repeat_share == pytest.approx(1 / 5)
    text = printed(found)
    assert "a: expected act, got guide branded-link" in text
    assert "because it did not look" in text
    assert "acted where it must not: d" in text


def test_an_interval_holds_its_figure_and_is_the_same_again(make_case: MakeCase, https: Procedure) -> None:
    cases = [make_case(f"c{n}") for n in range(30)]
    rows = [
        row(case, decision="ask", effects=()) if n % 5 == 0 else row(case) for n, case in enumerate(cases)
    ]
    rows[1] = row(cases[1], claims={})
    items = pair(cases, rows, [https])
    found = report(items, seconds=1.0)
    low, high = found.intervals["decision_accuracy"]
    assert low < found.decision_accuracy == 0.8 < high
    assert low > 0.5
    low, high = found.intervals["claim_macro_f1"]
    assert found.claim_macro_f1 is not None
    assert low <= found.claim_macro_f1 <= high
    assert intervals(items) == found.intervals


def test_few_cases_have_no_interval(make_case: MakeCase, https: Procedure) -> None:
    case = make_case("a")
    assert intervals(pair([case], [row(case)], [https])) == {}


def test_figures_that_no_case_speaks_to_are_empty_not_zero(make_case: MakeCase, https: Procedure) -> None:
    case = make_case(
        "a", expect={"procedure": None, "claims": {}, "decision": "hand_off", "wants_outcome": False}
    )
    found = judged([case], [row(case)], https)
    assert found.step_accuracy is None
    assert found.blind_step is None
    assert found.claim_macro_f1 is None


def test_the_baseline_stands_beside_without_claims(cases: list[LabelledCase], https: Procedure) -> None:
    plain = [row(case, decision="guide", step=STEPS[0], claims={}, effects=()) for case in cases]
    beside = baseline_report(pair(cases, plain, [https]), "rag")
    found = report(pair(cases, [row(case) for case in cases], [https]), 1.0, beside)
    assert beside.claim_macro_f1 is None
    assert "claim_macro_f1" not in beside.intervals
    assert beside.repeat_share == 1
    assert "rag" in printed(found)
    assert json.loads(found.model_dump_json())["baseline"]["forbidden_repeats"] == 5


def printed(found: Report) -> str:
    file = io.StringIO()
    shown(found, Console(file=file, width=110))
    return file.getvalue()


def test_scored_rows_are_enough_to_report_again(cases: list[LabelledCase], https: Procedure) -> None:
    rows = [row(case) for case in cases]
    again = [CaseRow.model_validate_json(r.model_dump_json()) for r in rows]
    items: list[Scored] = pair(cases, again, [https])
    assert report(items, seconds=1.0) == judged(cases, rows, https)
