"""OpenAPI files written for the tests, and real ones where they are at hand."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ingest.sources import openapi
from ingest.sources.openapi import OpenApi
from ingest.sources.source import Fetched, Found, Gone, Listing, Unchanged
from knowledge.errors import KnowledgeError, SourceUnreadable

REAL = Path(__file__).parents[4] / "shared" / "corpora" / "sendgrid-openapi" / "spec"

LINKS = """\
openapi: 3.1.0
info: {title: Links, version: "1"}
servers:
- url: https://{region}.acme.com/
  description: all regions
  variables: {region: {default: api}}
security:
- Token: []
paths:
  /v3/links/{id}:
    parameters:
    - {$ref: '#/components/parameters/Id'}
    - {name: lang, in: query, schema: {type: string}}
    post:
      summary: Create a link
      tags: [Links]
      operationId: createLink
      deprecated: true
      description: |
        Creates a **link**.

        # Limits

        ```
        # no heading
        ```
      parameters:
      - {name: lang, in: query, required: true, schema: {type: string, enum: [en, pt], default: en}}
      - {name: X-Team, in: header, required: true, description: "The | team", schema: {type: string}}
      requestBody:
        required: true
        content:
          text/plain: {schema: {type: string}}
          application/json:
            schema: {$ref: '#/components/schemas/Link'}
      responses:
        '201':
          description: ''
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Link'}
        409: {description: There is one already.}
        default: {$ref: '#/components/responses/Problem'}
    get:
      security: []
      responses: {'200': {description: The link}}
components:
  parameters:
    Id: {name: id, in: path, required: true, description: Its number, schema: {type: integer}, example: 42}
  responses:
    Problem: {description: 'A problem, in words'}
  securitySchemes:
    Token: {type: http, scheme: bearer, description: From the settings page}
  schemas:
    Link:
      type: object
      required: [url, owner]
      properties:
        id: {type: integer, readOnly: true}
        secret: {type: string, writeOnly: true}
        url: {type: string, format: uri, maxLength: 200, description: Where it leads}
        owner: {$ref: '#/components/schemas/Owner', description: Who made it}
        tags: {type: array, items: {type: string}}
        targets:
          type: array
          items: {type: object, properties: {weight: {type: [integer, 'null'], minimum: 1}}}
        parent: {$ref: '#/components/schemas/Link'}
        labels: {type: object, additionalProperties: {type: string}}
        shape:
          oneOf:
          - {type: object, properties: {width: {type: integer}}}
          - {type: object, properties: {radius: {type: number}}}
        elsewhere: {$ref: 'https://evil.example/schemas.yaml#/X'}
    Owner:
      allOf:
      - {type: object, required: [name], properties: {name: {type: string}}}
      - {type: object, properties: {email: {type: string, format: email, deprecated: true}}}
"""


def written(folder: Path, text: str | dict[str, Any], name: str = "links.yaml") -> OpenApi:
    (folder / name).write_text(text if isinstance(text, str) else json.dumps(text))
    return OpenApi(str(folder / name), {})


def pages(source: OpenApi) -> dict[str, Fetched]:
    got = {found.path: source.fetch(found, "") for found in source.listing({}).found}
    return {path: each for path, each in got.items() if isinstance(each, Fetched)}


def texts(source: OpenApi) -> dict[str, str]:
    return {path: page.raw.decode() for path, page in pages(source).items()}


def stamps(listing: Listing) -> dict[str, str]:
    return {found.path: found.stamp for found in listing.found}


def spec(**operation: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "paths": {"/x": {"post": {"responses": {}, **operation}}}}


def sent(schema: dict[str, Any], **components: Any) -> dict[str, Any]:
    whole = spec(requestBody={"content": {"application/json": {"schema": schema}}})
    return {**whole, "components": {"schemas": components}}


def test_a_page_says_all_of_its_operation(tmp_path: Path) -> None:
    source = written(tmp_path, LINKS)
    found = pages(source)
    assert list(found) == ["GET/v3/links/{id}", "POST/v3/links/{id}"]
    post = found["POST/v3/links/{id}"]
    assert (post.media, post.title, post.audience, post.lang) == ("text/markdown", "Create a link", None, "")
    assert post.modified is not None
    text = post.raw.decode()
    assert text.startswith(
        "# Create a link\n\n`POST /v3/links/{id}` (Links)\n\n"
        "Server: `https://api.acme.com` (all regions)\n\n"
        "Authentication: a token in the header `Authorization: Bearer TOKEN`.\n\n**Deprecated.**"
    )
    assert "### Limits" in text
    assert "\n# no heading" in text
    assert "| `id` | path | integer | yes | Its number. |" in text
    assert "| `lang` | query | string | yes | One of `en`, `pt`. Without it: `en`. |" in text
    assert r"| `X-Team` | header | string | yes | The \| team. |" in text
    assert text.count("`lang` | query") == 1
    body, answer = text.split("## Request body")[1].split("## Responses")
    for row in (
        "`application/json`, required.",
        "| `secret` | string | no |",
        "| `url` | string (uri) | yes | Where it leads. Characters, at most `200`. |",
        "| `owner` | object | yes | Who made it. |",
        "| `owner.name` | string | yes |",
        "| `owner.email` | string (email) | no | Deprecated. |",
        "| `tags` | array of string | no |",
        "| `targets[].weight` | integer or null | no | At least `1`. |",
        "| `parent` | object | no | The same again. |",
        "| `labels.*` | string | no |",
        "| `shape.width` | integer | no |",
        "| `shape.radius` | number | no |",
        "| `elsewhere` |  | no | Described in another file (`https://evil.example/schemas.yaml#/X`). |",
    ):
        assert row in body, row
    assert "`id`" not in body
    assert "| `201` | Created |" in answer
    assert "| `409` | There is one already. |" in answer
    assert "| `default` | A problem, in words |" in answer
    assert "| `id` | integer | no |" in answer
    assert "`secret`" not in answer
    example = body.split("```bash\n")[1].split("\n```")[0]
    assert example.startswith('curl -X POST "https://api.acme.com/v3/links/42?lang=en" \\\n')
    assert '-H "Authorization: Bearer $TOKEN"' in example
    assert '-H "X-Team: string"' in example
    sent_text = example.split("-d '")[1].removesuffix("'")
    assert json.loads(sent_text)["owner"] == {"name": "string", "email": "maria@example.com"}
    get = found["GET/v3/links/{id}"].raw.decode()
    assert get.startswith("# GET /v3/links/{id}\n")
    assert "Authentication: none is needed." in get
    assert "Deprecated" not in get


def test_editing_one_operation_changes_one_page(tmp_path: Path) -> None:
    source = written(tmp_path, LINKS)
    before = stamps(source.listing({}))
    after = stamps(written(tmp_path, LINKS.replace("There is one already", "It exists")).listing(before))
    assert {path for path in before if before[path] != after[path]} == {"POST/v3/links/{id}"}
    # What no page shows changes none; what all of them show changes all.
    same = written(tmp_path, LINKS.replace("createLink", "makeLink").replace('version: "1"', 'version: "2"'))
    listing = same.listing(before)
    assert stamps(listing) == before
    assert all(same.fetch(found, found.stamp) == Unchanged() for found in listing.found)
    moved = stamps(written(tmp_path, LINKS.replace("acme.com", "acme.dev")).listing(before))
    assert all(before[path] != moved[path] for path in before)


def test_an_operation_that_went_is_not_listed(tmp_path: Path) -> None:
    source = written(tmp_path, LINKS)
    assert len(source.listing({}).found) == 2
    (tmp_path / "links.yaml").write_text(LINKS.replace("    get:\n", "    x-get:\n"))
    assert set(stamps(source.listing({}))) == {"POST/v3/links/{id}"}
    assert source.fetch(Found("GET/v3/links/{id}", ""), "") == Gone()


def test_a_folder_holds_several_files_and_other_things(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    written(tmp_path, LINKS, "v1/links.yml")
    written(tmp_path, spec(), "other.json")
    written(tmp_path, {"name": "not an API"}, "package.json")
    written(tmp_path, "just text", "notes.yaml")
    (tmp_path / "outside.yaml").symlink_to("/etc/hostname")
    listing = OpenApi(str(tmp_path), {}).listing({})
    assert set(stamps(listing)) == {
        "other/POST/x",
        "v1/links/GET/v3/links/{id}",
        "v1/links/POST/v3/links/{id}",
    }
    assert [path for path, _ in listing.refused] == ["outside.yaml"]
    assert listing.unreadable == []


def test_a_file_that_is_broken_for_now_makes_nothing_missing(tmp_path: Path) -> None:
    written(tmp_path, LINKS, "links.yaml")
    written(tmp_path, '{"openapi": "3.0.0",\n "paths": {', "broken.json")
    written(tmp_path, "openapi: 3.0.0\npaths: ]\n", "broken.yaml")
    written(tmp_path, "openapi: 4.0.0", "new.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"openapi: \xe9")
    listing = OpenApi(str(tmp_path), {}).listing({})
    assert len(listing.found) == 2
    reasons = dict(listing.unreadable)
    assert set(reasons) == {"broken.json", "broken.yaml", "latin.yaml", "new.yaml"}
    assert "line 2" in reasons["broken.json"]
    assert "line 2" in reasons["broken.yaml"]
    assert "UTF-8" in reasons["latin.yaml"]
    assert "4.0.0" in reasons["new.yaml"]
    for name in reasons:
        with pytest.raises(SourceUnreadable):
            OpenApi(str(tmp_path / name), {}).listing({})


def test_what_cannot_be_a_source_says_so(tmp_path: Path) -> None:
    for location, options in (("https://acme.com/openapi.json", {}), ("", {}), (str(tmp_path), {"x": "y"})):
        with pytest.raises(KnowledgeError):
            OpenApi(location, options)
    with pytest.raises(SourceUnreadable, match="is not there"):
        OpenApi(str(tmp_path / "none"), {}).listing({})
    with pytest.raises(SourceUnreadable, match="neither"):
        written(tmp_path, {"name": "x"}, "x.json").listing({})


def test_swagger_2_reads_as_well(tmp_path: Path) -> None:
    old = {
        "swagger": "2.0",
        "host": "api.acme.com",
        "basePath": "/v1",
        "schemes": ["https"],
        "consumes": ["application/json"],
        "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "security": [{"key": []}],
        "definitions": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "paths": {
            "/pets": {
                "post": {
                    "parameters": [
                        {"name": "dry", "in": "query", "type": "boolean", "required": True},
                        {"name": "pet", "in": "body", "schema": {"$ref": "#/definitions/Pet"}},
                    ],
                    "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Pet"}}},
                },
                "put": {
                    "parameters": [{"name": "photo", "in": "formData", "type": "file", "required": True}]
                },
            }
        },
    }
    found = texts(written(tmp_path, old, "old.json"))
    post, put = found["POST/pets"], found["PUT/pets"]
    assert "Server: `https://api.acme.com/v1`" in post
    assert "Authentication: a key in the header `X-Key`." in post
    assert "| `dry` | query | boolean | yes |" in post
    assert post.count("| `name` | string | no |") == 2
    assert 'curl -X POST "https://api.acme.com/v1/pets?dry=true"' in post
    assert "| `photo` | file | yes |" in put
    assert "`application/x-www-form-urlencoded`, required." in put


def test_the_example_of_the_file_is_used_and_cannot_leave_its_fence(tmp_path: Path) -> None:
    body = {"text": "it's ```\n# Not a heading"}
    content = {"application/json": {"examples": {"a": {"value": body}}}}
    text = texts(written(tmp_path, spec(requestBody={"content": content}), "x.json"))["POST/x"]
    assert "````bash" in text
    assert (
        r"""-d '{
  "text": "it'"'"'s ```\n# Not a heading"
}'"""
        in text
    )


def test_text_of_the_file_cannot_break_the_page(tmp_path: Path) -> None:
    odd = spec(
        summary="Title\n# Second\n---",
        description="```\nnever closed",
        tags=["a`b"],
        parameters=[{"name": "a`|b\nc", "in": "query", "description": "x\n\n| y | z |\n# h", "schema": True}],
    )
    text = texts(written(tmp_path, odd, "x.json"))["POST/x"]
    assert text.startswith("# Title # Second ---\n")
    assert "never closed\n```\n" in text
    assert r"| `a'\|b c` | query |  | no | x \| y \| z \| # h. |" in text


def test_internal_operations_are_for_the_team(tmp_path: Path) -> None:
    source = written(tmp_path, spec(**{"x-internal": True}), "x.json")
    assert pages(source)["POST/x"].audience == "internal"
    hidden = stamps(source.listing({}))
    assert stamps(written(tmp_path, spec(), "x.json").listing({})) != hidden


@pytest.mark.parametrize(
    "document",
    [
        {"openapi": "3.0.0"},
        {"openapi": "3.0.0", "paths": []},
        {"openapi": "3.0.0", "paths": {"/a": None, "b": {"get": {}}, "/c": {"get": 3}, "/d": []}},
        {"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/paths/~1a"}}},
    ],
)
def test_files_without_operations_have_no_pages(tmp_path: Path, document: dict[str, Any]) -> None:
    assert written(tmp_path, document, "x.json").listing({}) == Listing([], [], [])


@pytest.mark.parametrize(
    "operation",
    [
        {
            "parameters": 3,
            "requestBody": 3,
            "responses": 3,
            "security": 3,
            "servers": 3,
            "tags": 3,
            "summary": 3,
        },
        {"parameters": [3, {"name": "x"}, {"name": 3}, {"$ref": 3}], "requestBody": {"content": 3}},
        {"requestBody": {"content": {"a/b": 3, "application/json": {"schema": 3, "examples": 3}}}},
        {"responses": {"200": 3, "x": {"content": {"a": {"schema": []}}}}, "security": [3, {}, {"no": 3}]},
        {"requestBody": {"$ref": "#/nowhere/0"}, "responses": {"200": {"$ref": "#"}}, "description": ["x"]},
        {"requestBody": {"content": {"application/json": {"schema": {"type": [], "enum": {}, "allOf": 3}}}}},
        {
            "requestBody": {
                "content": {"application/json": {"schema": {"oneOf": [3], "items": 3, "type": "array"}}}
            }
        },
        {"servers": [3, {"url": 3}, {"url": "/v1", "variables": {"a": 3}}], "deprecated": "yes"},
    ],
)
def test_nonsense_inside_a_file_still_makes_a_page(tmp_path: Path, operation: dict[str, Any]) -> None:
    assert "`POST /x`" in texts(written(tmp_path, spec(**operation), "x.json"))["POST/x"]


def bomb(kind: str) -> dict[str, Any]:
    """Each level names the next one ten times."""
    schemas: dict[str, Any] = {"S30": {"type": "string"}}
    for n in range(30):
        inner = [{"$ref": f"#/components/schemas/S{n + 1}"}] * 10
        named = {f"p{at}": each for at, each in enumerate(inner)}
        schemas[f"S{n}"] = {"type": "object", "properties": named} if kind == "properties" else {kind: inner}
    return sent({"$ref": "#/components/schemas/S0"}, **schemas)


REF: dict[str, Any] = {"$ref": "#/components/schemas/A"}


@pytest.mark.parametrize(
    "document",
    [
        bomb("properties"),
        bomb("allOf"),
        bomb("oneOf"),
        sent(REF, A=REF),
        sent(REF, A={"allOf": [REF, REF]}),
        sent(REF, A={"anyOf": [REF, REF]}),
        sent(REF, A={"type": "array", "items": REF}),
        sent(REF, A={"additionalProperties": REF, "properties": {"a": REF, "b": REF}}),
        sent({"properties": {f"p{n}": {"type": "string"} for n in range(5_000)}}),
        sent({"enum": list(range(50_000)), "description": "x " * 500_000, "required": ["x"] * 50_000}),
        spec(description="y" * 1_000_000, summary="z" * 1_000_000),
    ],
    ids=lambda value: "",
)
def test_files_that_name_themselves_end_soon_and_small(tmp_path: Path, document: dict[str, Any]) -> None:
    began = time.monotonic()
    (text,) = texts(written(tmp_path, document, "x.json")).values()
    assert time.monotonic() - began < 5
    assert len(text) < 150_000


def test_a_shared_example_is_not_written_out(tmp_path: Path) -> None:
    lines = ["openapi: 3.0.0", "x0: &x0 [a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 8)}]" for n in range(1, 20)]
    lines += ["paths: {/x: {post: {requestBody: {content: {application/json: {example: *x19}}}}}}"]
    (text,) = texts(written(tmp_path, "\n".join(lines))).values()
    assert len(text) < 5_000


def test_files_and_times_without_end_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.yaml").touch()
    os.truncate(tmp_path / "large.yaml", 50_000_000)
    with pytest.raises(SourceUnreadable, match="larger than 20 MB"):
        OpenApi(str(tmp_path / "large.yaml"), {}).listing({})
    (tmp_path / "deep.json").write_text('{"openapi": ' + "[" * 100_000)
    with pytest.raises(SourceUnreadable, match="no JSON"):
        OpenApi(str(tmp_path / "deep.json"), {}).listing({})
    monkeypatch.setattr(openapi, "MOST_OPERATIONS", 1)
    with pytest.raises(SourceUnreadable, match="Split it"):
        written(tmp_path, LINKS).listing({})


def test_paths_that_cannot_be_named_are_refused(tmp_path: Path) -> None:
    document = {
        "openapi": "3.0.0",
        "paths": {f"/{'a' * 500}": {"get": {}}, "/a\nb": {"get": {}}, "/c": {"get": {}}},
    }
    listing = written(tmp_path, document, "x.json").listing({})
    assert set(stamps(listing)) == {"GET/c"}
    assert len(listing.refused) == 2


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the measurement files are not at {REAL}")
def test_real_files_make_a_page_for_each_operation() -> None:
    source = OpenApi(str(REAL), {})
    listing = source.listing({})
    assert listing.unreadable == []
    assert listing.refused == []
    found = texts(source)
    assert len(found) == 86
    click = found["yaml/tsg_tracking_settings_v3/PATCH/v3/tracking_settings/click"]
    assert "| `enabled` | boolean | no | The setting you want to use for click tracking. |" in click
    assert all(text.startswith("# ") and "## Responses" in text for text in found.values())
    assert max(len(text) for text in found.values()) < 30_000
