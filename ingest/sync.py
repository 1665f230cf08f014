"""Brings the catalogue to what a source holds now: what changed is read again, the rest costs nothing."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from ingest.extract import REVISION, document_id, extract
from ingest.sources.folder import Found, listing
from ingest.sources.source import Fetched
from knowledge import approvals, catalogue
from knowledge.catalogue import FileSeen
from knowledge.catalogue import Found as Stored
from knowledge.errors import PageError
from knowledge.model import Page, Source
from knowledge.store import DEFAULT_SOURCE, Knowledge

log = logging.getLogger(__name__)

MOST_GONE = 0.2
FEW = 5
"""A run that would remove more than a fifth of a source, and more than five documents, stops and asks."""

EMBEDDED_TOGETHER = 32
"""Texts given to the encoder at once, so that it may use more than one core."""

TOGETHER = 150
"""Passages of new documents that are written to the index at once."""


@dataclass(frozen=True)
class Progress:
    """How far a sync is."""

    done: int
    total: int
    """Documents that have to be taken in."""
    path: str
    passages: int
    """Texts embedded so far, and of how many."""
    passages_total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Passages per second."""
        return self.passages / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; `str()` is the diff that people read."""

    source: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    pending: tuple[str, ...] = ()
    """Procedures whose steps changed: they wait for approval."""
    passages: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    """Why nothing was done."""
    kept: str | None = None
    """Why nothing was removed."""

    def __str__(self) -> str:
        if self.stopped:
            return f"{self.source}: stopped, nothing changed. {self.stopped}"
        rows = [f"+ {path}" for path in self.added]
        rows += [f"~ {path}" for path in self.changed]
        rows += [f"- {path}" for path in self.removed]
        rows += [f"! {reason}" for _, reason in self.failed]
        rows += [f"? procedure {id} changed what machines follow: approve it" for id in self.pending]
        if self.kept:
            rows.append(f"! {self.kept}")
        rows.append(
            f"{self.source}: {len(self.added)} added, {len(self.changed)} changed, "
            f"{len(self.removed)} removed, {len(self.unchanged)} unchanged, {len(self.failed)} failed; "
            f"{self.passages} passages in {self.seconds:.1f} s"
        )
        return "\n".join(rows)


@dataclass
class _Run:
    """What it goes by, and what has come together so far."""

    source: Source
    checks: frozenset[str] | None
    actions: frozenset[str] | None
    approved_by: str | None
    by_procedure: dict[str, str] = field(default_factory=dict)
    """Which page has which procedure."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    passages: int = 0
    to_index: list[Stored] = field(default_factory=list)
    """Passages of new documents, which nobody misses yet: written to the index together."""


def sync(
    knowledge: Knowledge,
    source: Source,
    *,
    checks: frozenset[str] | None,
    actions: frozenset[str] | None,
    progress: Callable[[Progress], None] | None = None,
    allow_delete: bool = False,
    approved_by: str | None = None,
) -> SyncReport:
    """Raises `SourceUnreadable` where the source cannot be listed.

    `approved_by` approves the procedures of this run in that name. Without it those that are new in
    `knowledge/pages` need no approval; all others, and changes of what machines follow, wait for a person.
    """
    with knowledge.syncing:
        return _sync(
            knowledge,
            source,
            checks=checks,
            actions=actions,
            progress=progress,
            allow_delete=allow_delete,
            approved_by=approved_by,
        )


def _sync(
    knowledge: Knowledge,
    source: Source,
    *,
    checks: frozenset[str] | None,
    actions: frozenset[str] | None,
    progress: Callable[[Progress], None] | None,
    allow_delete: bool,
    approved_by: str | None,
) -> SyncReport:
    began, started = time.monotonic(), datetime.now(UTC)
    there = listing(source.location)
    known = catalogue.files(knowledge.db, source.id)
    gone = sorted(known.keys() - {f.path for f in there.files})
    if not allow_delete and not there.unreadable and (stopped := _too_much(gone, known)):
        return SyncReport(source.id, stopped=stopped, seconds=time.monotonic() - began)
    before = {s.id: s for s in catalogue.sources(knowledge.db)}.get(source.id)
    catalogue.put_source(knowledge.db, source)
    # Under another audience, or as a source of procedures, every page reads differently.
    anew = before is not None and before.model_copy(update={"location": source.location}) != source
    run = _Run(source, checks, actions, approved_by, failed=[*there.unreadable, *there.refused])
    pages = _changed_pages(knowledge, run, there.files, {} if anew else known)
    total = sum(len(page.pieces) for _, page in pages)
    ahead = 0
    try:
        for at, (file, page) in enumerate(pages, 1):
            if at > ahead:
                ahead = _embed_some(knowledge, pages, ahead)
            _take_in(knowledge, run, file, page)
            if progress:
                seconds = time.monotonic() - began
                progress(Progress(at, len(pages), page.path, run.passages, total, seconds))
    finally:
        knowledge.follow((), run.to_index)
    kept = _remove(knowledge, run, gone, incomplete=bool(there.unreadable))
    if pages or run.removed:
        knowledge.refresh_means()
    report = SyncReport(
        source=source.id,
        added=tuple(run.added),
        changed=tuple(run.changed),
        removed=tuple(run.removed),
        unchanged=tuple(run.unchanged),
        failed=tuple(run.failed),
        pending=tuple(run.pending),
        passages=run.passages,
        seconds=time.monotonic() - began,
        kept=kept,
    )
    stored = {**asdict(report), "unchanged": len(run.unchanged)}
    catalogue.put_run(knowledge.db, source.id, started, stored, complete=not there.unreadable)
    return report


def _too_much(gone: Sequence[str], known: Mapping[str, FileSeen]) -> str | None:
    had = sum(1 for file in known.values() if file.reason is None)
    lost = sum(1 for path in gone if known[path].reason is None)
    if lost > FEW and lost > MOST_GONE * had:
        return f"{lost} of {had} documents would go. If that is right, allow it with --allow-delete."
    return None


def _changed_pages(
    knowledge: Knowledge, run: _Run, files: Sequence[Found], known: Mapping[str, FileSeen]
) -> list[tuple[FileSeen, Page]]:
    """Pages to take in; what is unchanged or cannot be read is noted in `run`."""
    stored = [s for s in approvals.procedures(knowledge.db) if s.source == run.source.id and s.current]
    # Pages with steps are always read: a check may have gone that their steps name.
    with_steps = {s.procedure.document for s in stored}
    pages, touched = [], []
    for found in files:
        before = known.get(found.path)
        if before and _untouched(before, found) and document_id(run.source, found.path) not in with_steps:
            run.unchanged.append(found.path)
            continue
        outcome = _read(run, found, before)
        if not isinstance(outcome, _NotTaken):
            pages.append(outcome)
            continue
        touched.append(outcome.file)
        if outcome.file.reason:
            run.failed.append((found.path, outcome.file.reason))
        else:
            run.unchanged.append(found.path)
    catalogue.put_files(knowledge.db, run.source.id, touched)
    return pages


def _untouched(before: FileSeen, found: Found) -> bool:
    # A file written while we looked may have changed again within the same clock tick.
    settled = found.mtime_ns < before.seen_ns - 2_000_000_000
    same = (before.size, before.mtime_ns, before.revision) == (found.size, found.mtime_ns, REVISION)
    return same and settled and before.reason is None


class _NotTaken(NamedTuple):
    """A file that is as before, or that names a reason."""

    file: FileSeen


def _read(run: _Run, found: Found, before: FileSeen | None) -> _NotTaken | tuple[FileSeen, Page]:
    seen = FileSeen(found.path, found.size, found.mtime_ns, time.time_ns(), "", REVISION, None)
    try:
        raw = found.file.read_bytes()
        seen = seen._replace(digest=hashlib.sha256(raw).hexdigest())
        modified = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
        page = extract(
            Fetched(raw, "", modified),
            path=found.path,
            source=run.source,
            checks=run.checks,
            actions=run.actions,
        )
        if page.procedure:
            _only_one(page.procedure.id, page, run.by_procedure)
    except PageError as error:
        return _NotTaken(seen._replace(reason=str(error)))
    except OSError as error:
        return _NotTaken(
            seen._replace(reason=f"{found.path}: cannot be read ({error.strerror}). Allow reading it.")
        )
    same = before and before.reason is None and before.revision == REVISION and before.digest == seen.digest
    return _NotTaken(seen) if same else (seen, page)


def _only_one(id: str, page: Page, taken: dict[str, str]) -> None:
    if id in taken:
        line = next((n for n, row in enumerate(page.text.split("\n"), 1) if row.startswith("procedure:")), 1)
        fix = "Give this one another id; a translation has `translation_of:` and no `procedure:`."
        raise PageError(page.path, line, f"procedure `{id}` is already on page {taken[id]}", fix)
    taken[id] = page.path


def _embed_some(knowledge: Knowledge, pages: Sequence[tuple[FileSeen, Page]], start: int) -> int:
    """Embeds the next pages before they replace anything; returns how many are now done."""
    end, texts = start, 0
    while end < len(pages) and texts < EMBEDDED_TOGETHER:
        texts += len(pages[end][1].pieces)
        end += 1
    knowledge.embed([page for _, page in pages[start:end]])
    return end


def _take_in(knowledge: Knowledge, run: _Run, file: FileSeen, page: Page) -> None:
    trusted = run.source.id == DEFAULT_SOURCE
    with knowledge.swap():
        swap = catalogue.put_page(
            knowledge.db, run.source, page, file, approved_by=run.approved_by, trusted=trusted
        )
        if swap.before:
            knowledge.follow(swap.before, swap.after)
    if not swap.before:
        run.to_index += swap.after
        if len(run.to_index) >= TOGETHER:
            knowledge.follow((), run.to_index)
            run.to_index.clear()
    (run.changed if swap.before else run.added).append(page.path)
    if swap.procedure == "pending" and page.procedure:
        run.pending.append(page.procedure.id)
    run.passages += len(page.pieces)


def _remove(knowledge: Knowledge, run: _Run, gone: Sequence[str], *, incomplete: bool) -> str | None:
    """Why nothing was removed, where something might have been."""
    if gone and incomplete:
        return f"{len(gone)} documents were not seen, and part of the source could not be read: all are kept"
    if gone:
        with knowledge.swap():
            swap = catalogue.remove(knowledge.db, run.source, gone)
            knowledge.follow(swap.before, ())
        run.removed.extend(gone)
    return None
