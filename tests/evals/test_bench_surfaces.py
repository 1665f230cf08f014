"""`stepfour eval surfaces`: a small run in a real browser, and what counts as within a budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.bench import Row
from evals.bench_surfaces import BUDGETS, CHROMIUM, _kept, measure, write


def test_of_a_page_what_we_add_counts_and_of_slack_the_slow_end() -> None:
    page = Row(figure="layout shift of a page", value=0.2, beside=0.2, unit="")
    assert _kept(page, 0.0)
    assert not _kept(page.model_copy(update={"value": 0.21}), 0.0)
    slack = Row(figure="Slack, acknowledged", value=90, p95=510, unit="ms")
    assert not _kept(slack, 500.0)


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here")
def test_a_small_run_keeps_every_budget(tmp_path: Path) -> None:
    found = measure(loads=1, sends=1, posts=3)
    rows = {row.figure: row for row in found.rows}
    assert {name: _kept(rows[name], most) for name, most in BUDGETS} == {name: True for name, _ in BUDGETS}
    assert 0 < rows["widget, first status line"].value < rows["widget, final reply"].value
    assert "/widget/chat.js" in rows["until the panel is usable"].note
    written = json.loads(write(tmp_path, found).read_text(encoding="utf-8"))
    assert [row["figure"] for row in written["rows"]] == list(rows)
    assert "not measured in this run" in written["others_note"]
