"""What is said of a citation when it is shown again: its page may have changed or gone since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.links import Places
from app.models.event import Event
from app.ports import Library
from knowledge.model import Cited, Fate


def cited(source: Mapping[str, object]) -> Cited:
    """What is looked up of a citation as an event keeps it."""
    return Cited.model_validate({key: source[key] for key in Cited.model_fields})


async def as_of_now(events: Sequence[Event], library: Library, places: Places) -> list[Event]:
    """The events with what became of the pages that they name; an event row keeps what was sent."""
    named = {cited(source) for event in events for source in _sources(event)}
    fates = await library.became(named) if named else {}
    return [_told(event, fates, places) for event in events]


def moved(document: str, path: str, now_at: str | None) -> str:
    """The id of a page that is at another path of its source by now."""
    return f"{document.removesuffix(path)}{now_at}" if now_at else document


def _sources(event: Event) -> Sequence[dict[str, object]]:
    message = event.payload.get("message") if event.type == "message.done" else None
    found: Sequence[dict[str, object]] = message.get("citations", ()) if isinstance(message, dict) else ()
    return found


def _told(event: Event, fates: Mapping[Cited, Fate], places: Places) -> Event:
    message = event.payload.get("message") if event.type == "message.done" else None
    if not isinstance(message, dict):
        return event
    now: dict[str, object] = {}
    if fates and (sources := _sources(event)):
        now["citations"] = [{**each, **_of_now(each, fates.get(cited(each)), places)} for each in sources]
    if links := message.get("links"):
        now["links"] = [each for each in links if places.lead(each) == each]
    return (
        event.model_copy(update={"payload": {**event.payload, "message": {**message, **now}}})
        if now
        else event
    )


def _of_now(source: Mapping[str, Any], fate: Fate | None, places: Places) -> dict[str, object]:
    if fate is None:
        return {"became": None}
    document = moved(source.get("document") or "", source["path"], fate.now_at)
    url = places.page(document, fate.now_at or source["path"], source["anchor"]) if source["url"] else None
    return {**fate.model_dump(), "url": url}
