"""`stepfour eval ...` as people type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evals.conftest import MakeCase
from tests.evals.test_report import TOP

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, filled: Callable[[Path], Path]) -> Path:
    folder = tmp_path_factory.mktemp("data")
    filled(folder / "eval")
    return folder


def stepfour(data: Path, *args: object) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("STEPFOUR_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "eval", *map(str, args)],
        cwd=ROOT,
        env={**env, "STEPFOUR_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_cases_are_scored_as_json_with_a_row_each_and_the_baseline_beside(
    data: Path, tmp_path: Path, make_case: MakeCase
) -> None:
    file, rows = tmp_path / "mine.jsonl", tmp_path / "rows.jsonl"
    cases = [make_case("one"), make_case("two", "Turn on https for our tracking links?", identity="member")]
    file.write_text("".join(f"{case.model_dump_json(exclude_none=True)}\n" for case in cases))
    done = stepfour(data, "cases", file, "--json", "--rows", rows, "--baseline", "rag")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert set(found) >= TOP
    assert found["n"] == 2
    assert found["baseline"]["name"] == "rag"
    written = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [row["id"] for row in written] == ["one", "two"]
    row = {
        "id",
        "procedure",
        "claims",
        "decision",
        "step",
        "because",
        "passages",
        "reply",
        "effects",
        "blind",
    }
    assert all(set(line) >= row for line in written)
    assert len((tmp_path / "rows.rag.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("", "no case in it"),
        ("{\n", "mine.jsonl:1: not JSON"),
        ('{"id": "x"}\n', "mine.jsonl:1: lang: Field required"),
    ],
)
def test_a_bad_case_file_is_named_with_what_is_wrong(
    data: Path, tmp_path: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "mine.jsonl"
    if text is not None:
        file.write_text(text)
    done = stepfour(data, "cases", file)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_one_id_in_two_files_is_refused(data: Path, tmp_path: Path, make_case: MakeCase) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        file.write_text(make_case("same").model_dump_json(exclude_none=True))
    done = stepfour(data, "cases", *files)
    assert done.returncode == 2
    assert "id same stands in another file" in done.stderr


def test_a_model_reader_without_a_model_says_what_to_set(
    data: Path, tmp_path: Path, make_case: MakeCase
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(make_case("one").model_dump_json(exclude_none=True))
    done = stepfour(data, "cases", file, "--reader", "llm")
    assert done.returncode == 2
    assert "STEPFOUR_LLM_BASE_URL" in done.stderr


@pytest.mark.parametrize(
    "args", [("cases", __file__, "--reader", "oracle"), ("bench", "--pages", "no-such-folder"), ("cases",)]
)
def test_what_cannot_be_meant_ends_with_status_two(data: Path, args: tuple[str, ...]) -> None:
    done = stepfour(data, *args)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
