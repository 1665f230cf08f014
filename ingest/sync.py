"""Brings the catalogue to what a source holds now: what changed is read again, the rest costs nothing.

What a document says after extraction is the truth; stamps of a listing or a server only spare looking.
Documents are taken in one by one as they come, so a run that is killed is gone on with by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ingest.extract import REVISION, document_id, extract
from ingest.report import Progress, SyncReport
from ingest.sources import exact, opened
from ingest.sources.source import Connector, Failed, Fetched, Found, Gone, Listing, Unchanged
from knowledge import approvals, catalogue, intake, runs
from knowledge.errors import KnowledgeError, PageError, SyncEnded
from knowledge.intake import FileSeen
from knowledge.model import Document, Page, Source
from knowledge.store import DEFAULT_SOURCE, Knowledge
from knowledge.stored import Found as Stored

MOST_GONE = 0.2
FEW = 5
"""A run that would remove more than a fifth of a source, and more than five documents, stops and asks."""

COMPLETE_RUNS = 2
"""A server may leave a page out once: only what so many complete listings in a row lack is gone."""

EMBEDDED_TOGETHER = 32
"""Texts given to the encoder at once, so that it may use more than one core."""

TOGETHER = 150
"""Passages of new documents that are written to the index at once."""


@dataclass
class _Run:
    """What it goes by, and what has come together so far."""

    id: int
    source: Source
    checks: frozenset[str] | None
    actions: frozenset[str] | None
    approved_by: str | None
    known: Mapping[str, FileSeen]
    documents: Mapping[str, Document]
    """What is served of this source, by path."""
    with_steps: frozenset[str]
    """Documents that have a procedure now."""
    complete: bool
    """All of the source could be listed."""
    began: float
    movable: dict[str, list[str]] = field(default_factory=dict)
    """Paths that the source no longer has, by the version of their document."""
    by_procedure: dict[str, str] = field(default_factory=dict)
    """Which page has which procedure."""

    batch: list[tuple[FileSeen, Page]] = field(default_factory=list)
    """Read, and not yet taken in."""
    seen: list[FileSeen] = field(default_factory=list)
    """Looked at without anything to take in, and not yet written down."""
    to_index: list[Stored] = field(default_factory=list)
    """Passages of new documents, which nobody misses yet: written to the index together."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """The source says that they are no more."""
    passages: int = 0
    read: int = 0
    """Passages of all pages read so far that have to be taken in."""
    stopped: str | None = None
    kept: str | None = None

    def report(self) -> SyncReport:
        return SyncReport(
            source=self.source.id,
            added=tuple(self.added),
            changed=tuple(self.changed),
            moved=tuple(self.moved),
            removed=tuple(self.removed),
            missing=tuple(self.missing),
            unchanged=tuple(self.unchanged),
            failed=tuple(self.failed),
            left_out=tuple(self.left_out),
            pending=tuple(self.pending),
            passages=self.passages,
            seconds=time.monotonic() - self.began,
            complete=self.complete,
            stopped=self.stopped,
            kept=self.kept,
        )


def sync(
    knowledge: Knowledge,
    source: Source,
    *,
    checks: frozenset[str] | None,
    actions: frozenset[str] | None,
    progress: Callable[[Progress], None] | None = None,
    allow_delete: bool = False,
    approved_by: str | None = None,
    connector: Connector | None = None,
) -> SyncReport:
    """Waits for a sync that runs already. Raises `KnowledgeError`, `SourceUnreadable` among them, where
    the source cannot be opened or listed.

    `progress` may raise to end the run: what was taken in by then stays, and the next run goes on.
    `approved_by` approves the procedures of this run in that name. Without it those that are new in
    `knowledge/pages` need no approval; all others, and changes of what machines follow, wait for a person.
    `connector`: the source, where it is open already.
    """
    began = time.monotonic()
    with knowledge.syncing:
        last = runs.last(knowledge.db).get(source.id)
        id = runs.begin(knowledge.db, source.id)
        run: _Run | None = None
        try:
            connector = connector or opened(source, knowledge.folder)
            known_before = any(s.id == source.id for s in intake.sources(knowledge.db))
            if known_before:
                intake.put_source(knowledge.db, source)
            known = intake.files(knowledge.db, source.id)
            there = connector.listing({path: file.stamp for path, file in known.items() if _fresh(file)})
            if not known_before:
                intake.put_source(knowledge.db, source)
            run = _Run(
                id=id,
                source=source,
                checks=checks,
                actions=actions,
                approved_by=approved_by,
                known=known,
                documents={d.path: d for d in catalogue.documents(knowledge.db, source.id)},
                with_steps=_with_steps(knowledge, source),
                complete=not there.unreadable,
                began=began,
                failed=[*there.unreadable, *there.refused],
                gone={path for path, _ in there.refused} & known.keys(),
            )
            run.movable = _movable(run, there)
            _take_all(knowledge, run, connector, there, progress)
            _let_go(knowledge, run, there, allow_delete=allow_delete)
        except BaseException as error:
            ended = isinstance(error, SyncEnded) or not isinstance(error, Exception)
            stored = run.report().stored() if run else {}
            stored["error"] = str(error) or type(error).__name__
            runs.end(knowledge.db, id, "interrupted" if ended else "failed", stored)
            if run and (run.added or run.changed or run.moved):
                knowledge.refresh_means()
            raise
        unfinished = last is not None and last.finished_at is None
        if run.added or run.changed or run.moved or run.removed or unfinished:
            knowledge.refresh_means()
        report = run.report()
        runs.end(knowledge.db, id, report.state, report.stored())
    return report


def remove_source(knowledge: Knowledge, id: str) -> int:
    """Takes a source and all its documents out; returns how many those were. Waits for a running sync."""
    with knowledge.syncing:
        source = next((s for s in intake.sources(knowledge.db) if s.id == id), None)
        if source is None:
            raise KnowledgeError(f"there is no source `{id}`. See: stepfour sources list")
        paths = [document.path for document in catalogue.documents(knowledge.db, id)]
        run = runs.begin(knowledge.db, id)
        with knowledge.swap():
            swap = catalogue.remove(knowledge.db, source, paths, run)
            knowledge.follow(swap.before, ())
        intake.drop_source(knowledge.db, id)
        runs.end(knowledge.db, run, "complete", {"source": id, "removed": paths})
        knowledge.refresh_means()
        return len(paths)


def _with_steps(knowledge: Knowledge, source: Source) -> frozenset[str]:
    stored = approvals.procedures(knowledge.db)
    return frozenset(s.procedure.document for s in stored if s.source == source.id and s.current)


def _movable(run: _Run, there: Listing) -> dict[str, list[str]]:
    if not run.complete:
        return {}  # what was not seen may be where it was
    found: dict[str, list[str]] = {}
    for path in sorted(run.documents.keys() - {each.path for each in there.found}):
        found.setdefault(run.documents[path].version, []).append(path)
    return found


# --- taking in ------------------------------------------------------------------------------------


def _take_all(
    knowledge: Knowledge,
    run: _Run,
    connector: Connector,
    there: Listing,
    progress: Callable[[Progress], None] | None,
) -> None:
    to_look = _to_look(run, {found.path: found for found in there.found}.values())

    def tell(done: int, path: str) -> None:
        if progress:
            whole = round(run.read * len(to_look) / done)
            seconds = time.monotonic() - run.began
            progress(Progress(done, len(to_look), path, run.passages, whole, seconds))

    try:
        for at, found in enumerate(to_look, 1):
            _look(run, found, connector)
            tell(at, found.path)
            if sum(len(page.pieces) for _, page in run.batch) >= EMBEDDED_TOGETHER or at == len(to_look):
                took = bool(run.batch)
                _take_batch(knowledge, run)
                if took:
                    tell(at, found.path)
    finally:
        intake.put_files(knowledge.db, run.source.id, run.seen)
        knowledge.follow((), run.to_index)


def _to_look(run: _Run, found: Iterable[Found]) -> list[Found]:
    """What is new or may have changed; the rest is noted in `run`."""
    rest = []
    for each in found:
        before = run.known.get(each.path)
        if before is None or not _untouched(run, before, each):
            rest.append(each)
            continue
        if before.missed:
            run.seen.append(before._replace(missed=0))
        _as_before(run, before)
    return rest


def _untouched(run: _Run, before: FileSeen, found: Found) -> bool:
    same = bool(found.stamp) and before.stamp == found.stamp and _fresh(before)
    # Of procedures, another check or action may be there by now, or have gone: those are always read.
    return same and not _may_read_differently(run, before)


def _may_read_differently(run: _Run, before: FileSeen) -> bool:
    with_steps = document_id(run.source, before.path) in run.with_steps
    return with_steps or (run.source.procedures and before.reason is not None)


def _fresh(file: FileSeen) -> bool:
    return file.revision == REVISION


def _as_before(run: _Run, file: FileSeen) -> None:
    if file.reason:
        run.failed.append((file.path, file.reason))
    else:
        run.unchanged.append(file.path)


def _look(run: _Run, found: Found, connector: Connector) -> None:
    """Fetches and reads it: into the batch, or noted as it is."""
    before = run.known.get(found.path)
    etag = before.etag if before and _fresh(before) and not _may_read_differently(run, before) else ""
    got = connector.fetch(found, etag)
    if isinstance(got, Gone):
        if before:
            run.gone.add(found.path)
        if found.path not in run.documents:  # those that were in are removed, and told as such
            run.left_out.append((found.path, got.reason or f"{found.path}: is listed and not there."))
        return
    if isinstance(got, Failed):
        old = before or FileSeen(found.path, "", "", REVISION)
        file = old._replace(stamp="", reason=got.reason, missed=0)
    elif isinstance(got, Unchanged):
        # Only what could be read has an etag, so what was wrong since was the way to it.
        file = FileSeen(found.path, found.stamp, etag, REVISION)
    else:
        read = _read(run, found, got)
        if isinstance(read[1], Page):
            run.batch.append((read[0], read[1]))
            run.read += len(read[1].pieces)
            return
        file = read[0]
    run.seen.append(file)
    _as_before(run, file)


def _read(run: _Run, found: Found, got: Fetched) -> tuple[FileSeen, Page | None]:
    """The page where it has to be taken in."""
    file = FileSeen(found.path, found.stamp, got.stamp, REVISION)
    try:
        page = extract(got, path=found.path, source=run.source, checks=run.checks, actions=run.actions)
        if page.procedure:
            _only_one(page.procedure.id, page, run.by_procedure)
    except PageError as error:
        return file._replace(etag="", reason=str(error)), None
    return file, None if _says_the_same(run, page) else page


def _says_the_same(run: _Run, page: Page) -> bool:
    """Its date and its bytes may be others."""
    now = run.documents.get(page.path)
    return (
        now is not None
        and (now.version, now.title, now.lang, now.audience, now.group, now.url)
        == (page.version, page.title, page.lang, page.audience, page.group, page.url)
        and (page.procedure is not None) == (now.id in run.with_steps)
    )


def _only_one(id: str, page: Page, taken: dict[str, str]) -> None:
    if id in taken:
        line = next((n for n, row in enumerate(page.text.split("\n"), 1) if row.startswith("procedure:")), 1)
        fix = "Give this one another id; a translation has `translation_of:` and no `procedure:`."
        raise PageError(page.path, line, f"procedure `{id}` is already on page {taken[id]}", fix)
    taken[id] = page.path


def _take_batch(knowledge: Knowledge, run: _Run) -> None:
    """Embeds the pages before they replace anything, so that replacing takes no time."""
    knowledge.embed([page for _, page in run.batch])
    for file, page in run.batch:
        _take_in(knowledge, run, file, page)
    run.batch.clear()
    intake.put_files(knowledge.db, run.source.id, run.seen)
    run.seen.clear()


def _take_in(knowledge: Knowledge, run: _Run, file: FileSeen, page: Page) -> None:
    had = page.path in run.documents
    old = None if had or not run.movable.get(page.version) else run.movable[page.version].pop(0)
    with knowledge.swap():
        swap = catalogue.put_page(
            knowledge.db,
            run.source,
            page,
            file,
            run=run.id,
            moved_from=old,
            approved_by=run.approved_by,
            trusted=run.source.id == DEFAULT_SOURCE,
        )
        if swap.before:
            knowledge.follow(swap.before, swap.after)
    if not swap.before:
        run.to_index += swap.after
        if len(run.to_index) >= TOGETHER:
            knowledge.follow((), run.to_index)
            run.to_index.clear()
    if old is not None:
        run.moved.append((old, page.path))
    else:
        (run.changed if had else run.added).append(page.path)
    if swap.procedure == "pending" and page.procedure:
        run.pending.append(page.procedure.id)
    run.passages += len(page.pieces)


# --- letting go -----------------------------------------------------------------------------------


def _let_go(knowledge: Knowledge, run: _Run, there: Listing, *, allow_delete: bool) -> None:
    """Takes out what is gone, or notes why not: too much would go, or not all of the source was seen."""
    listed = {found.path for found in there.found}
    absent = run.known.keys() - listed - run.gone - {old for old, _ in run.moved}
    if absent and not run.complete:
        what = f"{len(absent)} documents were not seen, and part of the source could not be read"
        run.kept = f"{what}: all are kept"
        absent = set()
    for_now = {path for path in absent if not _is_gone(run, path)}
    going = sorted((absent - for_now) | run.gone)
    run.missing = sorted(path for path in for_now if path in run.documents)
    missed = [run.known[path]._replace(missed=run.known[path].missed + 1) for path in for_now]
    intake.put_files(knowledge.db, run.source.id, missed)
    lost = [path for path in going if path in run.documents]
    run.stopped = None if allow_delete else _too_much(lost, run.documents)
    if going and not run.stopped:
        with knowledge.swap():
            swap = catalogue.remove(knowledge.db, run.source, going, run.id)
            knowledge.follow(swap.before, ())
        run.removed = lost


def _is_gone(run: _Run, path: str) -> bool:
    return exact(run.source.kind) or run.known[path].missed + 1 >= COMPLETE_RUNS


def _too_much(lost: Collection[str], had: Collection[str]) -> str | None:
    if len(lost) > FEW and len(lost) > MOST_GONE * len(had):
        fix = "They are kept; if that is right, allow it with --allow-delete."
        return f"{len(lost)} of {len(had)} documents would go. {fix}"
    return None
