"""`stepfour eval cases`: labelled conversations measured end to end, with the same pages for everybody."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import BadInput
from app.models import Procedure
from app.ports import Reader, Services
from evals.case import LabelledCase, read_cases
from evals.run import CaseRow, run_cases, settings_for
from evals.scorers import Scored, Scores, by_group, pair, score
from knowledge.model import Source
from knowledge.store import Knowledge

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    scores: Scores
    items: list[Scored]
    groups: dict[str, tuple[int, float]]
    rows: list[CaseRow]


async def measure(
    files: Sequence[Path],
    *,
    pages: Path | None = None,
    ours: Path,
    reader: Callable[[Knowledge], Reader],
    encoder_folder: Path,
    progress: Report | None = None,
) -> Measured:
    """Runs every case of the files. `pages` adds help pages; a procedure there replaces ours of that name."""
    from app.adapters.store import Store
    from app.main import utc_now

    cases = [case for file in files for case in read_cases(file)]
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
            )
            try:
                rows = await run_cases(cases, base, knowledge, articles, progress=progress)
            finally:
                await store.close()
        finally:
            knowledge.close()
    items = pair(cases, rows, procedures)
    return Measured(score(items), items, by_group(items), rows)


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
