"""One run of everything as files: JSON for later comparison, a short table in Markdown for people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from app.errors import BadInput
from evals.bench import Bench, Machine, Row
from evals.bench import number as short
from evals.report import NAMES, Figures, Report, number, percent
from evals.summary.evidence import Evidence
from evals.summary.page import as_page
from evals.summary.speed import speed_page


def write(
    folder: Path,
    name: str,
    at: datetime,
    reports: Mapping[str, Report],
    bench: Bench,
    *,
    evidence: Evidence | None = None,
) -> Path:
    """Writes `<date>-<name>.json`, `.md` and `.html`; returns the first. Without `evidence` the page is
    that of the bench alone.

    The same day and name writes over it.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise BadInput(f"--name {name}: letters, digits, dots and dashes only, it becomes a file's name.")
    path = folder / f"{at.date().isoformat()}-{name}.json"
    whole = {
        "at": at.isoformat(timespec="seconds"),
        "cases": {title: report.model_dump(mode="json") for title, report in reports.items()},
        "bench": bench.model_dump(mode="json"),
    }
    if evidence is not None:
        whole["evidence"] = evidence.model_dump(mode="json")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(as_markdown(at, reports, bench), encoding="utf-8")
        page = speed_page(bench) if evidence is None else as_page(evidence)
        path.with_suffix(".html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--out {folder}: {error.strerror}. Name a folder that can be written.") from error
    return path


def as_markdown(at: datetime, reports: Mapping[str, Report], bench: Bench) -> str:
    parts = [f"# Measured on {at.date().isoformat()}", _machine(bench.machine)]
    for title, report in reports.items():
        readers = ", ".join(f"{name} {count}" for name, count in report.readers.items())
        parts.append(f"## Cases: {title}\n\n{report.n} conversations, read by: {readers}")
        parts.append(_cases(report))
        wrong = ", ".join(failure.id for failure in report.failures)
        parts.append(f"Wrong decision or step: {wrong or 'none'}")
    parts.append("## Speed and memory")
    parts.append(_speed(bench.rows))
    notes = [f"- {row.figure}: {row.note}" for row in bench.rows if row.note]
    parts.append("\n".join(notes))
    return "\n\n".join(parts) + "\n"


def _machine(machine: Machine) -> str:
    return (
        f"{machine.cores} cores, {machine.processor}, {machine.memory_gb} GB, {machine.system}, "
        f"Python {machine.python}, load {machine.load} at the start."
    )


def _cases(report: Report) -> str:
    beside = report.baseline
    heads = ["", "Stepfour", "95 %", *([beside.name] if beside else [])]
    rows = []
    for name, title in NAMES.items():
        between = report.intervals.get(name)
        cells = [
            title,
            number(getattr(report, name)),
            f"{between[0]:.2f} to {between[1]:.2f}" if between else "",
        ]
        rows.append([*cells, number(getattr(beside, name))] if beside else cells)
    said_again = ["share of cases re-sent", percent(report.repeat_share), ""]
    rows.append([*said_again, percent(beside.repeat_share)] if beside else said_again)
    languages = [
        [lang, *_language(found), *([number(beside.by_language[lang].decision_accuracy)] if beside else [])]
        for lang, found in report.by_language.items()
    ]
    tail = ["plain decision"] if beside else []
    head = ["language", "n", "decision", "step without seeing", "claims", *tail]
    return f"{_table(heads, rows)}\n\n{_table(head, languages)}"


def _language(found: Figures) -> list[str]:
    figures = (found.decision_accuracy, found.blind_step, found.claim_macro_f1)
    return [str(found.n), *map(number, figures)]


def _speed(rows: Sequence[Row]) -> str:
    body = [
        [
            row.figure,
            short(row.value),
            *("" if value is None else short(value) for value in (row.p95, row.beside, row.beside_p95)),
            row.unit,
            "" if row.n is None else str(row.n),
        ]
        for row in rows
    ]
    return _table(["", "Stepfour", "p95", "plain LangChain", "p95", "unit", "n"], body)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
