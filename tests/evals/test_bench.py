"""The bench measures what it names; how fast is not a test's business."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from app.errors import BadInput
from evals import bench_sync
from evals.bench import Bench, measure, number, quantile, shown
from evals.bench_messages import picked
from evals.bench_sync import cold_rows, questions, sampled_pages, sync_rows, write_pages
from evals.results import write


@pytest.fixture(scope="module")
def bench(small_pages: Path, encoder_folder: Path) -> Bench:
    return measure(
        ours=small_pages,
        encoder_folder=encoder_folder,
        messages=3,
        founding=1,
        together=3,
        rounds=1,
        generated=8,
        parts=("messages", "sync"),
    )


def test_every_figure_is_measured(bench: Bench) -> None:
    rows = {row.figure: row for row in bench.rows}
    for figure in (
        "one message",
        "one message, processor time",
        "one message, read",
        "founding case",
        "founding case, verify",
        "3 at once, throughput",
        "3 at once, whole",
        "peak memory",
        "search",
        "first sync, 8 generated pages",
        "unchanged re-sync, 8 generated pages",
    ):
        assert rows[figure].value > 0, figure
    assert rows["one message"].n == 3
    assert rows["3 at once, in queue"].value >= 0
    for row in bench.rows:
        assert row.p95 is None or row.p95 >= row.value, row.figure


def test_what_the_plain_way_can_do_too_stands_beside(bench: Bench) -> None:
    rows = {row.figure: row for row in bench.rows}
    for figure in ("search", "unchanged re-sync, 8 generated pages"):
        beside = rows[figure].beside
        assert beside is not None
        assert beside > 0
    ratio = rows["unchanged re-sync, 8 generated pages, plain / ours"]
    again = rows["unchanged re-sync, 8 generated pages"]
    assert again.beside is not None
    assert ratio.value == pytest.approx(again.beside / again.value)


def test_a_message_takes_as_long_as_its_stages_and_more(bench: Bench) -> None:
    rows = {row.figure: row for row in bench.rows}
    read = rows["founding case, read"].value
    assert read < rows["founding case"].value


def test_the_machine_and_the_date_are_told(bench: Bench) -> None:
    assert bench.machine.cores == os.cpu_count()
    assert datetime.fromisoformat(bench.date).tzinfo is not None
    file = io.StringIO()
    shown(bench, Console(file=file, width=110))
    assert f"{bench.machine.cores} cores" in file.getvalue()
    assert "founding case" in file.getvalue()


def test_results_are_written_as_json_and_markdown(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path / "results", "here", datetime(2026, 2, 3, tzinfo=UTC), {}, bench)
    assert path.name == "2026-02-03-here.json"
    assert Bench.model_validate(json.loads(path.read_text())["bench"]) == bench
    assert "| founding case |" in path.with_suffix(".md").read_text()


def test_a_name_that_would_leave_the_folder_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--name"):
        write(tmp_path, "../here", datetime.now(UTC), {}, bench)


def test_a_sync_that_was_not_unchanged_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pages(tmp_path / "pages", 3)
    seconds = bench_sync._seconds

    def meddled(run):  # type: ignore[no-untyped-def]
        found = seconds(run)
        (tmp_path / "pages" / "page-0001.md").write_text(f"# Other\n\nWords {found[0]}.\n")
        return found

    monkeypatch.setattr(bench_sync, "_seconds", meddled)
    with pytest.raises(RuntimeError, match="no unchanged re-sync"):
        sync_rows(tmp_path / "pages", tmp_path / "work", lambda _: None)


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no Markdown file"):
        sync_rows(tmp_path, tmp_path / "work", lambda _: None)


def test_a_first_sync_embeds_for_real_on_both_sides(
    small_pages: Path, encoder_folder: Path, tmp_path: Path
) -> None:
    rows = cold_rows(small_pages, tmp_path, encoder_folder, 1, lambda _: None)
    wall, cpu, ratio, cpu_ratio = rows
    for row, share in ((wall, ratio), (cpu, cpu_ratio)):
        assert row.beside is not None
        assert share.value == pytest.approx(row.value / row.beside)
    assert wall.figure.startswith("first sync with embedding, 1 pages of")
    assert "0 and" not in wall.note


def test_pages_of_a_sample_are_spread_and_keep_their_place(tmp_path: Path) -> None:
    for at in range(10):
        file = tmp_path / "all" / str(at % 2) / f"{at}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# Page {at}\n")
    assert sampled_pages(tmp_path / "all", tmp_path / "some", 5) == 5
    assert [f.name for f in sorted((tmp_path / "some").rglob("*.md"))] == [
        *("0.md", "4.md", "8.md"),
        *("3.md", "7.md"),
    ]
    assert sampled_pages(tmp_path / "all", tmp_path / "every", 0) == 10


def test_generated_pages_are_the_same_every_time(tmp_path: Path) -> None:
    write_pages(tmp_path / "a", 4)
    write_pages(tmp_path / "b", 4)
    first, again = ([f.read_text() for f in sorted((tmp_path / n).iterdir())] for n in "ab")
    assert first == again
    assert len(set(first)) == 4


def test_questions_are_the_headings_of_the_pages(small_pages: Path) -> None:
    asked = questions(small_pages)
    assert "Switch on click tracking" in asked
    assert len(asked) == len(set(asked))


def test_quantiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert quantile(values, 0.5) == 3
    assert quantile(values, 0.95) == 5
    assert quantile([7.0], 0.95) == 7
    assert [number(x) for x in (1234.6, 12.34, 0.01234)] == ["1235", "12.3", "0.0123"]


def test_picked_cases_are_spread_over_all() -> None:
    assert picked(list(range(10)), 3) == [0, 3, 6]  # type: ignore[arg-type, comparison-overlap]
    assert picked([1, 2], 5) == [1, 2]  # type: ignore[list-item, comparison-overlap]
