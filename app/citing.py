"""What is said of a citation when it is shown again: its page may have changed or gone since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.models import Event
from app.ports import Library
from app.quoting import Link
from knowledge.model import Cited, Fate


def cited(source: Mapping[str, object]) -> Cited:
    """What is looked up of a citation as an event keeps it."""
    return Cited.model_validate({key: source[key] for key in Cited.model_fields})


async def as_of_now(events: Sequence[Event], library: Library, link: Link) -> list[Event]:
    """The events with what became of the pages that they cite; an event row keeps what was sent."""
    named = {cited(source) for event in events for source in _sources(event)}
    fates = await library.became(named) if named else {}
    return [_told(event, fates, link) if fates else event for event in events]


def _sources(event: Event) -> Sequence[dict[str, object]]:
    message = event.payload.get("message") if event.type == "message.done" else None
    found: Sequence[dict[str, object]] = message.get("citations", ()) if isinstance(message, dict) else ()
    return found


def _told(event: Event, fates: Mapping[Cited, Fate], link: Link) -> Event:
    sources = _sources(event)
    if not sources:
        return event
    message = event.payload["message"]
    assert isinstance(message, dict)
    marked = [{**source, **_of_now(source, fates.get(cited(source)), link)} for source in sources]
    return event.model_copy(
        update={"payload": {**event.payload, "message": {**message, "citations": marked}}}
    )


def _of_now(source: Mapping[str, Any], fate: Fate | None, link: Link) -> dict[str, object]:
    if fate is None or fate.now_at is None:
        return {"became": fate.became if fate else None}
    url = link(fate.now_at, source["anchor"]) if source["url"] else None
    return {**fate.model_dump(), "url": url}
