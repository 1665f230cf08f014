"""Sources of documents as commands on a data folder: add, list, remove, sync."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from app.connectors.read import connectors_of
from app.errors import BadInput
from app.probes import CHECKS

if TYPE_CHECKING:
    from app.settings import Settings
    from ingest.report import Progress, SyncReport
    from knowledge.model import Source
    from knowledge.runs import Run
    from knowledge.store import Knowledge

Tell = Callable[[dict[str, Any]], None]

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
_SECRET = re.compile(r"token|secret|password|key", re.IGNORECASE)


def sync(knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell) -> dict[str, Any]:
    """Brings one source up to date. Args: `source` (its id) or `path`, `procedures`, `allow_delete`."""
    source = _meant(knowledge, settings, args)
    return synced(knowledge, settings, source, progress, allow_delete=bool(args.get("allow_delete")))


def synced(
    knowledge: Knowledge, settings: Settings, source: Source, progress: Tell, *, allow_delete: bool = False
) -> dict[str, Any]:
    if knowledge.syncing.locked():
        progress({"note": "Another sync is running; this one begins when it ends."})

    def shown(done: Progress) -> None:
        progress(
            {
                "done": done.done,
                "total": done.total,
                "path": done.path,
                "document_rate": done.document_rate,
                "passages": done.passages,
                "passages_total": done.passages_total,
                "rate": done.rate,
            }
        )

    with told():
        report = bring_up_to_date(knowledge, settings, source, shown, allow_delete=allow_delete)
    return {
        "text": str(report),
        "source": report.source,
        "state": report.state,
        "added": len(report.added),
        "changed": len(report.changed),
        "moved": [list(pair) for pair in report.moved],
        "removed": len(report.removed),
        "missing": list(report.missing),
        "unchanged": len(report.unchanged),
        "failed": [list(pair) for pair in report.failed],
        "left_out": [list(pair) for pair in report.left_out],
        "pending": list(report.pending),
        "passages": report.passages,
        "stopped": report.stopped or report.kept,
        "seconds": report.seconds,
    }


def bring_up_to_date(
    knowledge: Knowledge,
    settings: Settings,
    source: Source,
    progress: Callable[[Progress], None] | None = None,
    *,
    allow_delete: bool = False,
) -> SyncReport:
    """A sync with the checks and actions that there are. Raises `KnowledgeError`."""
    from ingest.sync import sync as sync_source

    return sync_source(
        knowledge,
        _placed(settings, source),
        checks=CHECKS,
        actions=frozenset(connectors_of(settings.connectors).actions),
        progress=progress,
        allow_delete=allow_delete,
    )


def uploads(settings: Settings, id: str) -> Path:
    """Where the files of a source of kind `upload` are: it goes wherever the data folder goes."""
    return settings.data_dir.absolute() / "uploads" / id


def _placed(settings: Settings, source: Source) -> Source:
    from knowledge.store import DEFAULT_SOURCE

    if source.kind == "upload":
        return source.model_copy(update={"location": str(uploads(settings, source.id))})
    if source.id == DEFAULT_SOURCE:
        return source.model_copy(update={"location": str(settings.pages)})
    return source


def _meant(knowledge: Knowledge, settings: Settings, args: dict[str, Any]) -> Source:
    """The source of that id; else the folder, as the source that it is already or as a new one."""
    from knowledge.model import Source
    from knowledge.store import DEFAULT_SOURCE

    there = {source.id: source for source in knowledge.sources()}
    asked = str(args.get("source") or args["path"])
    found = there.get(asked)
    if found is None:
        if not args.get("path"):
            raise BadInput(f"{asked}: no such source, and no such folder. There is {_listed(there)}.")
        path = Path(args["path"])
        if path.resolve() == settings.pages.resolve():
            return Source(id=DEFAULT_SOURCE, location=str(path), procedures=True)
        same = (s for s in there.values() if s.kind == "folder" and s.location == str(path))
        found = next(same, Source(id=str(path), location=str(path)))
    return found.model_copy(update={"procedures": True}) if args.get("procedures") else found


# --- the list -----------------------------------------------------------------------------------


def sources(knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell) -> dict[str, Any]:
    """Every source with its schedule and its last run."""
    from collections import Counter

    from knowledge import runs

    last = runs.last(knowledge.db)
    counts = Counter(document.source for document in knowledge.documents())
    return {"sources": [_row(s, last.get(s.id), counts[s.id]) for s in knowledge.sources()]}


def _row(source: Source, run: Run | None, documents: int) -> dict[str, Any]:
    options = {key: _masked(key, value) for key, value in source.options}
    return {
        **source.model_dump(exclude={"options"}),
        "options": options,
        "documents": documents,
        "last": _last(run) if run else None,
        "next_at": next_at(source, run).isoformat() if source.every and run else None,
    }


def _last(run: Run) -> dict[str, Any]:
    report = run.report
    error = report.get("error") or report.get("stopped") or report.get("kept")
    return {
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": error,
        "failed": len(report.get("failed", [])),
        "missing": len(report.get("missing", [])),
        "left_out": len(report.get("left_out", [])),
    }


def next_at(source: Source, run: Run | None) -> datetime:
    """When a source with a schedule is due, whatever became of the run before: what failed is not hurried."""
    return run.started_at + timedelta(minutes=source.every or 0) if run else datetime.min.replace(tzinfo=UTC)


def source_runs(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """The last syncs of a source with what each changed, newest first. Args: `id`, `limit`."""
    from knowledge import runs

    found = runs.runs(knowledge.db, str(args["id"]), int(args.get("limit") or 10))
    if not found:
        raise BadInput(f"there is no sync of `{args['id']}`. See: stepfour sources list")
    return {
        "source": args["id"],
        "runs": [_last(run) | {"changes": _changes(knowledge, run)} for run in found],
    }


def _changes(knowledge: Knowledge, run: Run) -> list[dict[str, Any]]:
    from knowledge import runs

    found = runs.changes(knowledge.db, run=run.id)
    return [change._asdict() | {"at": change.at.isoformat()} for change in found]


def source_add(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """Args: `kind`, `location`; `id`, `options` (an object), `procedures`, `audience`, `every`.

    The same kind and location again change the source that is there.
    """
    from ingest.sources import opened
    from knowledge.model import Audience, Source
    from knowledge.store import DEFAULT_SOURCE

    kind, location, audience = str(args["kind"]), str(args["location"]), args.get("audience") or "public"
    there = {source.id: source for source in knowledge.sources()}
    same = next((s.id for s in there.values() if (s.kind, s.location) == (kind, location)), None)
    id = args.get("id") or same or _own_id(location, there.keys())
    if not _ID.fullmatch(id):
        raise BadInput(f"`{id}` is no id: use small letters, digits, dots and dashes, e.g. help-centre.")
    if id == DEFAULT_SOURCE or (id in there and id != same):
        raise BadInput(
            f"there is a source `{id}` already. Give this one another --id, or remove that one first."
        )
    if same not in {None, id}:
        raise BadInput(f"{location} is source `{same}` already. Change that one, or remove it first.")
    if audience not in get_args(Audience):
        raise BadInput(f"`{audience}` is no audience. Use one of: {', '.join(get_args(Audience))}.")
    if kind == "folder" and not Path(location).exists():
        raise BadInput(f"{location}: no such folder")
    source = Source(
        id=id,
        location=location,
        procedures=bool(args.get("procedures")),
        audience=audience,
        kind=kind,
        options=tuple(sorted((str(k), str(v)) for k, v in (args.get("options") or {}).items())),
        every=int(args["every"]) if args.get("every") else None,
    )
    with told():
        opened(source)
        put(knowledge, source)
    return {"id": id, "changed": same is not None}


def put(knowledge: Knowledge, source: Source) -> None:
    from knowledge import intake

    intake.put_source(knowledge.db, source)


def source_remove(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """Takes a source and its documents out, and what was uploaded or mirrored of it. Args: `id`."""
    import shutil

    from ingest.sources import mirror
    from ingest.sync import remove_source
    from knowledge.store import DEFAULT_SOURCE

    id = str(args["id"])
    if id == DEFAULT_SOURCE:
        raise BadInput(
            "the pages of STEPFOUR_PAGES come back at each start. Set that to another folder instead."
        )
    uploaded = any(source.id == id and source.kind == "upload" for source in knowledge.sources())
    with told():
        count = remove_source(knowledge, id)
    shutil.rmtree(mirror(knowledge.folder, id), ignore_errors=True)
    if uploaded:
        shutil.rmtree(uploads(settings, id), ignore_errors=True)
    return {"id": id, "documents": count}


def _own_id(location: str, taken: Container[str]) -> str:
    parts = urlsplit(location)
    name = (parts.hostname if parts.scheme in {"http", "https"} else None) or Path(location).stem
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "source"
    numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, 1_000_000))
    return next(id for id in numbered if id not in taken and id != "pages")


def _masked(key: str, value: str) -> str:
    return "(set)" if _SECRET.search(key) and not value.startswith("env:") else value


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(ids) or "none yet: stepfour sources add"


@contextmanager
def told() -> Iterator[None]:
    """What the knowledge base says no to, the command says."""
    from knowledge.errors import KnowledgeError

    try:
        yield
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
