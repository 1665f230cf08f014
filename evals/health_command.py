"""`stepfour eval health`: what the look at pages finds in folders of documents, and how right it is.

Nothing is embedded and nothing is kept: pages are read from the folders and judged as they stand.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import BadInput
from app.phrases import judged, judging, sentences
from ingest.extract import document_id, extract
from ingest.sources.source import Fetched
from knowledge.errors import PageError
from knowledge.health.finding import Finding
from knowledge.health.judged import pairs, to_ask, with_judgements
from knowledge.health.pages import PageText
from knowledge.health.run import Told, examine
from knowledge.judging import Judging
from knowledge.model import Document, Page, Passage, Source

if TYPE_CHECKING:
    from app.settings import Settings

ENDINGS = frozenset({".md", ".mdx", ".markdown", ".txt"})
SURE = 0.5
"""Findings below are not counted, as the command leaves them out."""


@dataclass(frozen=True)
class Looked:
    """What a look found."""

    pages: int
    findings: list[Finding]
    """Strongest first."""
    seconds: float
    documents: tuple[Document, ...] = ()
    judging: Judging | None = None
    """What a model was asked, where one was to judge."""


@dataclass(frozen=True)
class Drift:
    """Translations called behind against a file that knows."""

    n: int
    behind: int
    right: int
    wrong: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + len(self.wrong))

    @property
    def recall(self) -> float:
        return self.right / max(1, self.behind)


def look(folders: Sequence[Path], today: date) -> Looked:
    """Raises `BadInput` where a folder is not there."""
    pages = [page for folder in folders for page in read(folder)]
    started = time.perf_counter()
    found = [f for f in examine(pages, Told(today=today)) if f.confidence >= SURE]
    seconds = time.perf_counter() - started
    documents = tuple(page.document for page in pages)
    return Looked(len(pages), sorted(found, key=lambda f: -f.strength), seconds, documents)


def with_model(looked: Looked, settings: Settings, most: int) -> Looked:
    """The findings that a model was asked about, with its verdicts. Raises `BadInput` where none is set."""
    from app.commands.judging import ask
    from app.main import model_endpoint

    endpoint = model_endpoint(settings)
    if endpoint is None:
        raise BadInput("no model is set: STEPFOUR_LLM_BASE_URL and STEPFOUR_LLM_MODEL name one")
    shown = pairs(looked.findings, looked.documents)
    chosen = to_ask(looked.findings, shown, most)
    made, told = asyncio.run(ask(endpoint, settings, [(f.id, shown[f.id]) for f in chosen]))
    found = [f for f in with_judgements(chosen, made) if f.judged is not None]
    return replace(looked, findings=sorted(found, key=lambda f: -f.strength), judging=told)


def read(folder: Path) -> list[PageText]:
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    source = Source(id=folder.name, location=str(folder))
    dates = _dates(folder)
    found = []
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() not in ENDINGS or not file.is_file():
            continue
        path = file.relative_to(folder).as_posix()
        modified = dates.get(path) or datetime.fromtimestamp(file.stat().st_mtime, UTC)
        try:
            fetched = Fetched(file.read_bytes(), "", modified)
            page = extract(fetched, path=path, source=source, checks=None, actions=None)
        except PageError:
            continue  # what is no page has no health
        found.append(_text(source, page))
    return found


def drift(found: Sequence[Finding], answers: Path) -> Drift:
    """`answers`: JSON list of `path` (without its language) and `status`: all but `same` are behind."""
    try:
        rows = {row["path"]: row["status"] != "same" for row in json.loads(answers.read_text("utf-8"))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{answers} is no list of `path` and `status` ({error})") from error
    called = set()
    for finding in found:
        if finding.kind == "translation_behind":
            path = finding.place.path
            called.add(path if path in rows else path.partition("/")[2])
    behind = {path for path, is_behind in rows.items() if is_behind}
    return Drift(
        n=len(rows),
        behind=len(behind),
        right=len(called & behind),
        wrong=tuple(sorted(called - behind)),
        missed=tuple(sorted(behind - called)),
    )


def report(looked: Looked, most: int, drifted: Drift | None) -> str:
    rows = []
    for n, f in enumerate(looked.findings[:most], 1):
        rows.append(f"{n}. {f.kind} ({f.sure:.2f}) {sentences(f.why, 'en')}")
        rows += [f"   {p.path}:{p.line}  {' '.join(p.quote.split())[:160]}" for p in (f.place, f.other) if p]
        rows += [f"   {judged(f, f.judged, 'en')}"] if f.judged else []
    kinds = Counter(f.kind for f in looked.findings)
    counted = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    rows.append(
        f"{len(looked.findings)} findings on {looked.pages} pages in {looked.seconds:.0f} s: {counted}"
    )
    if looked.judging:
        rows.append(f"{judging(looked.judging, 'en')} {looked.judging.tokens:,} tokens.")
    if drifted:
        rows.append(
            f"Translations behind: {drifted.right} of {drifted.behind} found, {len(drifted.wrong)} called so "
            f"wrongly, of {drifted.n}: precision {drifted.precision:.2f}, recall {drifted.recall:.2f}"
        )
    return "\n".join(rows)


def as_json(looked: Looked, most: int, drifted: Drift | None) -> dict[str, object]:
    shown = [f.model_dump(mode="json", exclude={"also"}) for f in looked.findings[:most]]
    scores: dict[str, object] = {}
    if drifted:
        scores = {"precision": drifted.precision, "recall": drifted.recall, "missed": drifted.missed}
    kinds = Counter(f.kind for f in looked.findings)
    return {"n": looked.pages, "kinds": dict(kinds), "seconds": looked.seconds, "findings": shown, **scores}


def _dates(folder: Path) -> dict[str, datetime]:
    """Days of the last change, where an index of the folder tells them: a copy of files has lost its own."""
    found = {}
    for index in folder.rglob("_index.jsonl"):
        for line in index.read_text("utf-8").splitlines():
            row = json.loads(line)
            day = row.get("last_commit_date") or row.get("date")
            if day:
                file = index.parent / str(row.get("file") or row["path"])
                found[file.relative_to(folder).as_posix()] = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return found


def _text(source: Source, page: Page) -> PageText:
    id = document_id(source, page.path)
    document = Document(
        id=id,
        source=source.id,
        path=page.path,
        title=page.title,
        lang=page.lang,
        audience=page.audience,
        version=page.version,
        updated_at=page.updated_at,
        group=page.group,
    )
    passages = tuple(
        Passage(
            id=f"{id}@{page.version[:10]}#{at}",
            document=id,
            version=page.version,
            ord=at,
            title=page.title,
            path=page.path,
            lang=page.lang,
            heading_path=piece.heading_path,
            anchor=piece.anchor,
            text=piece.text,
            updated_at=page.updated_at,
        )
        for at, piece in enumerate(page.pieces)
    )
    return PageText(document, page.text, passages)
