"""A connector held against its platform's own description: what that does not know is named at the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.connectors.read import SHIPPED, load
from app.errors import ConfigError
from evals.world import control, platform

DESCRIBED: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://api.shop.example/v1"}],
    "paths": {
        "/orders/{id}": {
            "parameters": [{"$ref": "#/components/parameters/Trace"}],
            "get": {"responses": {}},
            "patch": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}},
                }
            },
        },
        "/orders/{id}/cancel": {"post": {"parameters": [{"in": "query", "name": "by", "required": True}]}},
    },
    "components": {
        "parameters": {"Trace": {"in": "header", "name": "X-Trace", "required": False}},
        "schemas": {
            "Named": {"properties": {"note": {"type": ["string", "null"]}}},
            "Change": {
                "allOf": [{"$ref": "#/components/schemas/Named"}],
                "required": ["state"],
                "properties": {
                    "state": {"type": "string", "enum": ["open", "cancelled"]},
                    "count": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    "self": {"$ref": "#/components/schemas/Change"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}
FILE = """\
connector: shop
address: https://api.shop.example/v1
openapi: shop.json
reads:
  order: {get: "/orders/{order}"}
subjects: {order: []}
actions:
  change:
    describe: Change an order
    inputs: [order]
    request: PATCH /orders/{order}
    body: {state: cancelled, note: "{order}", count: null, tags: [a]}
    only_before: [account_field: {path: order.state, equals: open}]
    read_back: {field: order.state, equals: cancelled}
"""


def loaded(folder: Path, text: str, described: object = DESCRIBED) -> None:
    (folder / "shop.json").write_text(json.dumps(described))
    (folder / "shop.yaml").write_text(text)
    load(folder)


def test_what_fits_is_taken(tmp_path: Path) -> None:
    loaded(tmp_path, FILE)
    loaded(tmp_path, FILE.replace("PATCH /orders/{order}", "POST /orders/{order}/cancel?by=us").replace(
        '    body: {state: cancelled, note: "{order}", count: null, tags: [a]}\n', ""
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        (
            "/orders/{order}",
            "/order/{order}",
            5,
            "no operation `GET /order/{order}`. Did you mean `GET /orders",
        ),
        ("PATCH /orders", "PUT /orders", 11, "no operation `PUT /orders/{order}`"),
        ("PATCH /orders/{order}", "PATCH /orders/{order}/cancel", 11, "no operation"),
        ("PATCH /orders/{order}", "POST /orders/{order}/cancel", 11, "asks for `by` in the query"),
        ("PATCH /orders/{order}", "POST /orders/{order}/cancel?by=us", 12, "takes no body"),
        ("state: cancelled, note", "note", 12, "asks for the field `state`. Add `state: ...`"),
        ("state: cancelled,", "state: canceled,", 12, 'Write one of: "open", "cancelled"'),
        ("state: cancelled,", "state: true,", 12, "does not take `true` for `state`"),
        ("count: null", "count: many", 12, "Write a integer"),
        ("tags: [a]", "tags: [1]", 12, "does not take `1`"),
        ("tags: [a]", "tag: [a]", 12, "no field `tag` here. Did you mean `tags`?"),
        ("tags: [a]", "self: {state: x}", 12, 'does not take `"x"` for `state`'),
        ("openapi: shop.json", "openapi: other.json", 3, "`other.json` cannot be read"),
        ("openapi: shop.json", "openapi: ../shop.json", 3, "lies outside of this file's folder"),
    ],
)
def test_what_does_not_fit_is_named(before: str, after: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, FILE.replace(before, after, 1))
    said = str(raised.value)
    assert said.startswith(f"{tmp_path / 'shop.yaml'}:{line}: "), said
    assert words in said


def test_a_body_that_is_asked_for_has_to_be_there(tmp_path: Path) -> None:
    text = FILE.replace('    body: {state: cancelled, note: "{order}", count: null, tags: [a]}\n', "")
    with pytest.raises(ConfigError, match="asks for a body"):
        loaded(tmp_path, text)


@pytest.mark.parametrize("described", [[], {}, {"paths": []}])
def test_what_is_no_description_is_named(described: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no OpenAPI file"):
        loaded(tmp_path, FILE, described)


def test_the_demos_file_fits_the_platform_of_the_demo(tmp_path: Path) -> None:
    from fastapi import FastAPI

    api = FastAPI(title="Heron Mail", version="1")
    api.include_router(platform.router)
    api.include_router(control.router)
    (tmp_path / "heron.json").write_text(json.dumps(api.openapi()))
    text = (
        (SHIPPED / "heron.yaml")
        .read_text()
        .replace("connector: heron", "connector: heron\nopenapi: heron.json")
    )
    (tmp_path / "heron.yaml").write_text(text)
    assert set(load(tmp_path).actions) == {
        "enable_https",
        "resume_sending",
        "assign_dedicated_ip",
        "move_domain",
    }
    (tmp_path / "heron.yaml").write_text(text.replace("{https_tracking: true}", "{https_trackings: true}"))
    with pytest.raises(ConfigError, match="Did you mean `https_tracking`"):
        load(tmp_path)
