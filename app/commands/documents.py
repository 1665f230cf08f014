"""Documents, their versions and their procedures as commands on a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.commands.sources import Tell, put, synced, told, uploads
from app.errors import BadInput

if TYPE_CHECKING:
    from app.settings import Settings
    from knowledge.approvals import Compared
    from knowledge.model import Source
    from knowledge.runs import Change
    from knowledge.store import Knowledge

UPLOADS = "uploads"
"""Id of the source of uploaded files, where no other is named."""

SHOWN = 10
"""Characters of a version that people read and type."""


class Version(NamedTuple):
    """A text of a document: where it moved, its earlier versions are under its earlier id."""

    document: str
    version: str


def docs(knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell) -> dict[str, Any]:
    """Documents that are served. Args: `source`, `lang`."""
    from knowledge import catalogue, intake

    source, lang = args.get("source"), args.get("lang")
    if source is not None and source not in {s.id for s in knowledge.sources()}:
        raise BadInput(f"there is no source `{source}`. See: stepfour sources list")
    known = {s.id: intake.files(knowledge.db, s.id) for s in knowledge.sources()}
    rows = []
    for document in catalogue.documents(knowledge.db, source):
        if lang is None or document.lang == lang:
            file = known.get(document.source, {}).get(document.path)
            more = {"missing": bool(file and file.missed), "reason": file.reason if file else None}
            rows.append(document.model_dump(mode="json") | more)
    return {"documents": rows}


def doc_show(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """One document's text, now or in a version of before. Args: `document`, `version`."""
    id = _document(knowledge, args["document"])
    versions = _versions(_history(knowledge, id))
    chosen = _chosen(versions, args["version"]) if args.get("version") else versions[-1]
    now = next((d for d in knowledge.documents() if d.id == id), None)
    return {
        "document": id,
        "version": chosen.version,
        "current": now is not None and now.version == chosen.version,
        "removed": now is None,
        **({"title": now.title, "lang": now.lang, "audience": now.audience, "url": now.url} if now else {}),
        "text": _text(knowledge, chosen),
    }


def doc_history(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """What became of a document, newest first. Args: `document`."""
    id = _document(knowledge, args["document"])
    changes = reversed(_history(knowledge, id))
    return {
        "document": id,
        "changes": [change._asdict() | {"at": change.at.isoformat()} for change in changes],
    }


def doc_diff(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """Between two versions, the newest two where none is named. Args: `document`, `versions`."""
    from knowledge.differences import of_texts

    id = _document(knowledge, args["document"])
    versions = _versions(_history(knowledge, id))
    asked = [str(version) for version in args.get("versions") or ()]
    if len(asked) not in {0, 2}:
        raise BadInput(f"name two versions, or none. See: stepfour docs history {id}")
    if not asked and len(versions) < 2:
        raise BadInput(f"{id} has one version. There is nothing to compare it with.")
    old, new = [_chosen(versions, version) for version in asked] if asked else versions[-2:]
    names = (f"{old.document}@{old.version[:SHOWN]}", f"{new.document}@{new.version[:SHOWN]}")
    diff = of_texts(_text(knowledge, old), _text(knowledge, new), names=names)
    return {"document": id, "before": old.version, "after": new.version, "diff": diff}


def doc_add(knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell) -> dict[str, Any]:
    """Takes files in, each whole or not at all. Args: `files` (whole paths), `source`."""
    from ingest.sources.upload import put as put_file
    from knowledge.model import Source

    id = str(args.get("source") or UPLOADS)
    there = {source.id: source for source in knowledge.sources()}
    source = there.get(id) or Source(id=id, location=str(uploads(settings, id)), kind="upload")
    if source.kind != "upload":
        raise BadInput(f"`{id}` is a source of kind {source.kind}: files are added there, not here.")
    if ":" in id or "/" in id or id.startswith("."):
        raise BadInput(f"`{id}` is no id: use small letters, digits and dashes.")
    files = [Path(file) for file in args["files"]]
    if len({file.name for file in files}) < len(files):
        raise BadInput("two of these files have the same name, and one would replace the other. Rename one.")
    with told():
        for file in files:
            put_file(file, uploads(settings, id))
    put(knowledge, source)
    return synced(knowledge, settings, source, progress)


def doc_remove(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """Takes uploaded files away. Args: `documents`."""
    from ingest.sources.upload import take

    there = {source.id: source for source in knowledge.sources()}
    ids = [_document(knowledge, name) for name in args["documents"]]
    sources: dict[str, Source] = {}
    for id in ids:
        source = there.get(id.partition(":")[0])
        if source is None or source.kind != "upload":
            raise BadInput(f"{id} was not uploaded: take it away where it comes from, then sync.")
        sources[source.id] = source
    with told():
        for id in ids:
            take(id.partition(":")[2], uploads(settings, id.partition(":")[0]))
    done = [synced(knowledge, settings, s, progress, allow_delete=True) for s in sources.values()]
    return {
        "text": "\n".join(each["text"] for each in done),
        "removed": sum(each["removed"] for each in done),
    }


def _document(knowledge: Knowledge, name: str) -> str:
    """Its id, from the id or from as much of the end of its path as is enough."""
    from knowledge import runs

    ids = [document.id for document in knowledge.documents()]
    near = [id for id in ids if id.partition(":")[2] == name]
    near = near or [id for id in ids if id.endswith(f"/{name}")]
    if name in ids or (not near and runs.changes(knowledge.db, document=name)):
        return name  # also one that was removed
    if len(near) == 1:
        return near[0]
    if near:
        raise BadInput(f"{name} may be {', '.join(near[:5])}. Write more of it.")
    raise BadInput(f"there is no document {name}. See: stepfour docs list")


def _history(knowledge: Knowledge, id: str, before: int | None = None) -> list[Change]:
    """Oldest first, with that of the places that it was at before it moved."""
    from knowledge import runs

    found: list[Change] = []
    for change in runs.changes(knowledge.db, document=id):
        if before is not None and change.id >= before:
            break
        if change.document == id and change.moved_from is not None:
            found += _history(knowledge, change.moved_from, change.id)
        found.append(change)
    return found


def _versions(changes: list[Change]) -> list[Version]:
    """Oldest first; the same text twice in a row is one."""
    found: list[Version] = []
    for change in changes:
        if change.after and (not found or found[-1].version != change.after):
            found.append(Version(change.document, change.after))
    return found


def _chosen(versions: list[Version], prefix: str) -> Version:
    found = {v.version: v for v in versions if v.version.startswith(prefix)}
    if len(found) == 1:
        return next(iter(found.values()))
    there = ", ".join(dict.fromkeys(v.version[:SHOWN] for v in versions))
    raise BadInput(f"{'no' if not found else 'more than one'} version {prefix}. There is {there}.")


def _text(knowledge: Knowledge, version: Version) -> str:
    from knowledge import catalogue

    text = catalogue.version_text(knowledge.db, version.document, version.version)
    if text is None:
        raise BadInput(f"the text of {version.document} in version {version.version[:SHOWN]} was erased.")
    return text


# --- procedures ---------------------------------------------------------------------------------


def procedures(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """Every procedure, which version is followed, and whether a change waits for a person."""
    from knowledge import approvals

    return {"procedures": [_procedure_row(each) for each in approvals.compared(knowledge.db)]}


def procedure_diff(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell
) -> dict[str, Any]:
    """What an approval would change in what machines follow. Args: `procedure`, `source`, `lang`."""
    from app.phrases import change
    from knowledge import approvals
    from knowledge.differences import of_procedures

    with told():
        found = approvals.waiting(knowledge.db, args["procedure"], args.get("source"))
    followed, new = found.followed, found.newest.procedure
    changes = of_procedures(followed.procedure if followed else None, new)
    return {
        "procedure": new.id,
        "document": new.document,
        "followed": followed.procedure.version if followed else None,
        "waiting": new.version,
        "changes": [change(one, args.get("lang") or settings.agents_language) for one in changes],
    }


def approve(knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Tell) -> dict[str, Any]:
    """A person's yes to what a procedure's page says now. Args: `procedure`, `by`, `source`, `version`."""
    from app.identity import not_approver

    by = str(args["by"]).strip()
    if not by:
        raise BadInput("say who approves it: --by NAME")
    if refused := not_approver(by, settings.approvers):
        raise BadInput(". ".join(refused))
    with told():
        approved = knowledge.approve(
            args["procedure"], by, source=args.get("source"), version=args.get("version")
        )
    return {
        "procedure": approved.id,
        "version": approved.version,
        "steps": [step.id for step in approved.steps],
    }


def _procedure_row(each: Compared) -> dict[str, Any]:
    """Steps and action are those that are followed; of a new procedure, those that wait."""
    followed, waiting = each.followed, each.waiting
    shown = followed or each.newest
    return {
        "id": shown.procedure.id,
        "source": shown.source,
        "path": each.newest.procedure.path,
        "title": shown.procedure.title,
        "steps": [step.id for step in shown.procedure.steps],
        "action": shown.procedure.action,
        "followed": followed.procedure.version if followed else None,
        "approved_by": followed.approved_by if followed else None,
        "approved_at": followed.approved_at if followed else None,
        "waiting": waiting.procedure.version if waiting else None,
    }
