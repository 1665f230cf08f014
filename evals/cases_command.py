"""`stepfour eval cases`: labelled conversations measured end to end, with the same pages for everybody."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import BadInput
from app.ports import Reader, Services
from app.settings import Settings
from evals.case import LabelledCase, read_all
from evals.run import CaseRow, run_cases, settings_for
from evals.scorers import Scored, Scores, by_group, pair, score
from knowledge.model import Procedure, Source
from knowledge.store import Knowledge

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    scores: Scores
    items: list[Scored]
    groups: dict[str, tuple[int, float]]
    rows: list[CaseRow]
    seconds: float = 0.0
    """Of the cases alone, without taking the pages in."""
    baseline: list[Scored] = field(default_factory=list)


async def measure(
    files: Sequence[Path],
    *,
    pages: Path | None = None,
    ours: Path,
    reader: Callable[[Knowledge], Reader],
    encoder_folder: Path,
    progress: Report | None = None,
    baseline: Settings | None = None,
) -> Measured:
    """Runs every case of the files. `pages` adds help pages; a procedure there replaces ours of that name.

    With `baseline` the plain bot runs over the same cases too, on the model of those settings if any.
    """
    from app.adapters.store import Store
    from app.main import utc_now
    from app.reader.subjects import known_among

    cases = read_all(files)
    with tempfile.TemporaryDirectory(prefix="stepfour-eval-") as folder:
        knowledge = open_case_knowledge(Path(folder), encoder_folder)
        try:
            fill(knowledge, Path(folder), ours, pages)
            articles = add_articles(knowledge, Path(folder) / "articles", cases)
            procedures = knowledge.procedures()
            store = await Store.open(Path(folder), utc_now)
            base = Services(
                settings=settings_for(procedures, Path(folder)),
                clock=utc_now,
                store=store,
                library=None,  # type: ignore[arg-type]  # each case brings its own
                read=reader(knowledge),
                accounts=None,  # type: ignore[arg-type]
                looks={},
                actions={},
                named=known_among,
            )
            try:
                started = time.perf_counter()
                rows = await run_cases(cases, base, knowledge, articles, progress=progress)
                seconds = time.perf_counter() - started
            finally:
                await store.close()
            plain = await _plain(cases, knowledge, articles, baseline, progress) if baseline else []
        finally:
            knowledge.close()
    items = pair(cases, rows, procedures)
    return Measured(
        scores=score(items),
        items=items,
        groups=by_group(items),
        rows=rows,
        seconds=seconds,
        baseline=pair(cases, plain, procedures) if plain else [],
    )


async def _plain(
    cases: Sequence[LabelledCase],
    knowledge: Knowledge,
    articles: dict[str, str],
    settings: Settings,
    progress: Report | None,
) -> list[CaseRow]:
    from evals.baseline import run_baseline

    return await run_baseline(cases, knowledge, articles, settings, progress=progress)


def open_case_knowledge(folder: Path, encoder_folder: Path) -> Knowledge:
    from knowledge.embedding import CachedEncoder, default_encoder

    encoder = CachedEncoder(default_encoder(encoder_folder), encoder_folder / "embeddings.db")
    return Knowledge.open(folder, encoder=encoder)


def fill(knowledge: Knowledge, folder: Path, ours: Path, pages: Path | None) -> tuple[Procedure, ...]:
    """The procedure pages: ours, and those of `pages`, which come first."""
    for id, location in (("pages", ours), ("extra", pages)):
        if location is None:
            continue
        if not location.is_dir():
            raise BadInput(f"{location}: no such folder. Name a folder of Markdown pages.")
        _sync(knowledge, Source(id=id, location=str(location), procedures=True))
    return knowledge.procedures()


def add_articles(knowledge: Knowledge, folder: Path, cases: Sequence[LabelledCase]) -> dict[str, str]:
    """Every case's article as a page of its own: document id by case id."""
    folder.mkdir()
    for case in cases:
        if case.article is not None:
            text = f"# {case.article.title}\n\n{case.article.text}\n"
            (folder / f"{case.id}.md").write_text(text, encoding="utf-8")
    _sync(knowledge, Source(id="articles", location=str(folder)))
    by_path = {d.path: d.id for d in knowledge.documents() if d.source == "articles"}
    return {case.id: by_path[f"{case.id}.md"] for case in cases if f"{case.id}.md" in by_path}


def _sync(knowledge: Knowledge, source: Source) -> None:
    from ingest.sync import sync

    report = sync(knowledge, source, checks=None, actions=None, approved_by="eval")
    if report.failed:
        path, reason = report.failed[0]
        raise BadInput(f"{source.location}: {path}: {reason}")
