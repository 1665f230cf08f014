"""The description that the front end's types are made from is the one of the routes as they are."""

from __future__ import annotations

import json
from typing import Any

from app.channels.openapi import FILE, document, text
from app.events import PAYLOADS
from tests.app.channels.conftest import client


def test_the_committed_description_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "Run: python -m app.channels.openapi"


def test_every_event_of_every_log_is_described_with_its_payload() -> None:
    whole = document()
    schemas = whole["components"]["schemas"]
    described: dict[str, str] = {}
    for name in ("StreamedEvent", "StreamedAgentEvent"):
        mapping = schemas[name]["discriminator"]["mapping"]
        for event, ref in mapping.items():
            shape = schemas[ref.rpartition("/")[2]]
            assert shape["properties"]["event"]["const"] == event
            described[event] = shape["properties"]["data"]["$ref"].rpartition("/")[2]
    assert described == {event: shape.__name__ for event, shape in PAYLOADS.items()}
    stream = whole["paths"]["/v1/conversations/{id}/events"]["get"]["responses"]["200"]
    assert stream["content"]["text/event-stream"]["schema"] == {"$ref": "#/components/schemas/StreamedEvent"}


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    refs: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            refs.update(v for k, v in node.items() if k == "$ref")
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(whole)
    assert refs
    for ref in refs:
        assert ref.rpartition("/")[2] in whole["components"]["schemas"], ref


async def test_the_customers_part_is_served_as_it_is_committed(service: Any) -> None:
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    async with client(service) as web:
        served = (await web.get("/openapi.json")).json()
    for path, operations in served["paths"].items():
        assert committed["paths"][path] == operations, path
