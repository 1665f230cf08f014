"""`stepfour health` on a data folder: a look at all pages, and what people make of what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from app.errors import BadInput
from app.models.decision import Answer, HandOff
from app.models.record import Turn

if TYPE_CHECKING:
    from app.settings import Settings
    from knowledge.findings import Replaced
    from knowledge.health.finding import Finding, State
    from knowledge.health.questions import Asked
    from knowledge.store import Knowledge

MANIFEST = "manifest.yaml"
"""In the data folder: what the product has now, where nobody names another file."""

WORDS_OF_A_QUESTION = 3


def health(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Looks at all pages and gives the findings. Args: `look`, `manifest`, `kinds`, `states`,
    `min_confidence`, `closed`, `lang`."""
    from app.adapters.documents import stored
    from knowledge.health.finding import KINDS

    unknown = set(args.get("kinds") or ()) - set(KINDS)
    if unknown:
        raise BadInput(f"no kind {', '.join(sorted(unknown))}; there is {', '.join(KINDS)}")
    result: dict[str, Any] = {}
    if args.get("look", True):
        manifest = Path(args["manifest"]) if args.get("manifest") else None
        changed = look(knowledge, settings, manifest, lambda stage: progress({"stage": stage}))
        result["changed"] = changed.model_dump()
    return result | stored(
        knowledge,
        args.get("lang") or settings.agents_language,
        kinds=args.get("kinds") or None,
        states=args.get("states") or None,
        min_confidence=float(args.get("min_confidence", 0.0)),
        closed=bool(args.get("closed")),
    )


def look(
    knowledge: Knowledge,
    settings: Settings,
    manifest: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Replaced:
    """Looks at all pages and keeps what it finds. Raises `BadInput` where the manifest cannot be read."""
    from app.commands.judging import judging
    from knowledge.errors import KnowledgeError
    from knowledge.health.run import Told, run
    from knowledge.health.stale import read_manifest

    file = manifest or settings.data_dir / MANIFEST
    try:
        known = read_manifest(file) if manifest or file.is_file() else None
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    turns = _turns(settings)
    told = Told(
        today=datetime.now(UTC).date(),
        procedures=[p for p in knowledge.procedures() if p.action],
        manifest=known,
        asked=asked(turns),
        cases=cases(turns),
    )
    judge = judging(knowledge, settings)

    def judged(found: Sequence[Finding]) -> Sequence[Finding]:
        progress("what a model makes of them")
        return judge(found)

    return run(knowledge, told, progress, judged if settings.llm_base_url else judge)


def settle(
    knowledge: Knowledge, settings: Settings, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What a person makes of a finding. Args: `id`, `state`, `by`, `note`."""
    from app.adapters.documents import shown
    from knowledge import findings
    from knowledge.errors import KnowledgeError
    from knowledge.health.finding import STATES

    if args["state"] not in STATES:
        raise BadInput(f"no state {args['state']!r}; there is {', '.join(STATES)}")
    if not str(args["by"]).strip():
        raise BadInput("say who decides it: --by NAME")
    try:
        state = cast("State", args["state"])
        found = findings.settle(knowledge.db, str(args["id"]), state, by=args["by"], note=args.get("note"))
    except KnowledgeError as error:
        raise BadInput(str(error)) from error
    events = findings.history(knowledge.db, found.id)
    history = [event.model_dump(mode="json") for event in events]
    return {"finding": shown(found, settings.agents_language), "history": history}


def asked(turns: Sequence[Turn]) -> list[Asked]:
    """What customers asked, and the pages that search brought for it."""
    from knowledge.health.finding import Evidence
    from knowledge.health.questions import Asked

    found = []
    for turn in turns:
        reading = turn.reading
        question = reading.speech in ("question", "request") and not turn.facts.resumed
        if not question or len((reading.request or "").split()) < WORDS_OF_A_QUESTION:
            continue
        sourceless = isinstance(turn.decision, Answer) and not turn.decision.citations
        sourceless |= isinstance(turn.decision, HandOff) and turn.decision.reason == "no_source"
        found.append(
            Asked(
                text=reading.request or "",
                lang=reading.language,
                found=tuple(dict.fromkeys(_document(passage) for passage in turn.passages)),
                relevance=0.0 if sourceless else 1.0,
                evidence=Evidence(
                    conversation=turn.conversation, message=turn.trigger, quote=reading.request or ""
                ),
            )
        )
    return found


def cases(turns: Sequence[Turn]) -> dict[str, int]:
    """By document: cases that were shown it and went to a person all the same."""
    shown: dict[str, set[str]] = {}
    for turn in turns:
        if isinstance(turn.decision, HandOff) and turn.case:
            for passage in turn.facts.said.passages:
                shown.setdefault(_document(passage), set()).add(turn.case)
    return {document: len(ids) for document, ids in shown.items()}


def _document(passage: str) -> str:
    return passage.rpartition("@")[0]


def _turns(settings: Settings) -> list[Turn]:
    import asyncio

    from app.adapters.store import Store
    from app.main import utc_now

    async def every() -> list[Turn]:
        store = await Store.open(settings.data_dir, utc_now)
        try:
            return await store.every_turn()
        finally:
            await store.close()

    return asyncio.run(every())


HEALTH = {"health": health, "settle": settle}
