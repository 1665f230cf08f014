"""The example of the documentation, as it stands there, runs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from app.connectors import keys
from app.connectors.read import load
from app.ports import Call
from tests.app.connectors.own import SECRETS, played

DOCS = (Path(__file__).parents[3] / "docs" / "actions.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
(FUNCTION,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
OPENAPI = """\
openapi: 3.1.0
servers: [{url: https://api.shop.example/v1}]
paths:
  /accounts/{id}: {get: {}}
  /accounts/{id}/people/{person}: {get: {}}
  /accounts/{id}/orders/{order}: {get: {}}
  /accounts/{id}/orders/{order}/reopen: {post: {}}
  /accounts/{id}/orders/{order}/cancel:
    post:
      requestBody:
        content: {application/json: {schema: {required: [reason], properties: {
          reason: {type: string}, notify: {type: boolean}}}}}
"""


async def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0)
    monkeypatch.setitem(SECRETS, "env:SHOP_READ_KEY", "reads")
    monkeypatch.setitem(SECRETS, "env:SHOP_CANCEL_KEY", "cancels")
    text = EXAMPLE.replace("https://api.shop.example/v1 ", "env:OWN")
    async with played(tmp_path, {"shop.yaml": text, "openapi.yaml": OPENAPI}) as play:
        play.own.says |= {
            "/accounts/acme/people/ann": {"role": "admin"},
            "/accounts/acme/orders/o-7": {"state": "open"},
            "/accounts/acme": {"open_orders": ["o-7"]},
        }
        assert await play.platform.subjects("acme", "order") == ("o-7",)
        refused = await play.perform("cancel_order", {"order": "o-7"})
        assert refused.state == "needs_person", "there is no such route yet"
        play.own.says["/accounts/acme/orders/o-7/cancel"] = {}
        play.own.then["/accounts/acme/orders/o-7/cancel"] = {
            "/accounts/acme/orders/o-7": {"state": "cancelled"}
        }
        done = await play.perform("cancel_order", {"order": "o-7"})
        assert done.state == "done", done.detail


def test_the_example_loads_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(EXAMPLE)
    (tmp_path / "openapi.yaml").write_text(OPENAPI)
    assert load(tmp_path).actions["cancel_order"].approval == "customer"


def test_the_function_of_the_documentation_is_the_one_that_is_called() -> None:
    there: dict[str, object] = {}
    exec(FUNCTION, there)
    cancel = there["cancel"]
    assert callable(cancel)
    mine, known = inspect.signature(cancel), inspect.signature(Call.__call__)
    assert list(mine.parameters) == list(known.parameters)[1:]


def test_every_key_is_in_the_documentation() -> None:
    for allowed in (keys.FILE, keys.ACTION, keys.READ, keys.STANDING, keys.PERSON, keys.SOURCE):
        for key in allowed - {"describe", "python"}:
            assert f"`{key}" in DOCS or f"`{{{key}" in DOCS or f"{key}:" in DOCS, key
