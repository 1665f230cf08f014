"""Holds what a connector file declares against the platform's own OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import yaml

from app.connectors.fill import places
from app.connectors.model import Request
from knowledge.frontmatter import Where
from knowledge.yaml_reader import YamlReader, near

LARGEST = 20_000_000
"""Bytes."""
_CHAIN = 20
_METHODS = ("get", "post", "put", "patch", "delete")

Json = Mapping[str, Any]


def described(reader: YamlReader, where: Where, folder: Path) -> Description:
    """The description that a file names, in the folder of the file."""
    name = reader.word(where)
    path = folder / name
    fix = "Name an OpenAPI file (3.x or Swagger 2.0, JSON or YAML) beside this one."
    if not path.resolve().is_relative_to(folder.resolve()):
        reader.fail(where, f"`{name}` lies outside of this file's folder", fix)
    try:
        if path.stat().st_size > LARGEST:
            reader.fail(where, f"`{name}` is larger than {LARGEST // 1_000_000} MB", fix)
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reader.fail(where, f"`{name}` cannot be read ({type(error).__name__})", fix)
    if not isinstance(document, Mapping) or not isinstance(document.get("paths"), Mapping):
        reader.fail(where, f"`{name}` is no OpenAPI file: it has no `paths`", fix)
    return Description(name, document)


class Operation(NamedTuple):
    method: str
    path: str
    value: Json
    shared: Json
    """What stands beside it for all operations of its path."""


class Description:
    """One OpenAPI document; references lead nowhere out of it."""

    def __init__(self, name: str, document: Json) -> None:
        self._name, self._document = name, document
        servers = document.get("servers")
        bases = [str(each.get("url", "")) for each in servers or () if isinstance(each, Mapping)]
        self._bases = {
            urlsplit(base).path.rstrip("/") for base in (*bases, str(document.get("basePath", "")))
        }

    def hold(self, reader: YamlReader, where: Where, call: Request, body: Where | None) -> None:
        """Fails at the line of what the description does not know, or asks for and does not get."""
        operation = self._operation(reader, where, call)
        self._query(reader, where, call, operation)
        if body is not None:
            self._body(reader, where, body, call, operation)

    def _operations(self) -> list[Operation]:
        return [
            Operation(method, str(path), value, item)
            for path, item in self._document["paths"].items()
            if isinstance(item, Mapping)
            for method, value in item.items()
            if method in _METHODS and isinstance(value, Mapping)
        ]

    def _operation(self, reader: YamlReader, where: Where, call: Request) -> Operation:  # noqa: RET503 - failing never returns
        path = call.path.partition("?")[0]
        base = urlsplit(call.api.address).path.rstrip("/")
        written = {path, base + path}
        operations = self._operations()
        # `/links/default` is also `/links/{id}`: the one with the fewest places is meant.
        found = [
            each
            for each in operations
            if each.method == call.method.lower()
            and any(_same(mine, known + each.path) for mine in written for known in (*self._bases, ""))
        ]
        if found:
            return min(found, key=lambda one: one.path.count("{"))
        names = [f"{each.method.upper()} {each.path}" for each in operations]
        fix = near(f"{call.method} {path}", names) or f"Look in {self._name} for what there is."
        reader.fail(where, f"{self._name} has no operation `{call.method} {path}`", fix)

    def _query(self, reader: YamlReader, where: Where, call: Request, operation: Operation) -> None:
        given = {part.partition("=")[0] for part in call.path.partition("?")[2].split("&")}
        listed = [*(operation.shared.get("parameters") or ()), *(operation.value.get("parameters") or ())]
        for parameter in map(self._follow, listed):
            name = str(parameter.get("name"))
            if parameter.get("in") == "query" and parameter.get("required") is True and name not in given:
                fix = f"Write `?{name}=...` after the path."
                reader.fail(where, f"{self._name} asks for `{name}` in the query", fix)

    def _body(
        self, reader: YamlReader, where: Where, body: Where, call: Request, operation: Operation
    ) -> None:
        schema, required = self._schema_of_body(operation)
        if schema is None:
            if call.body is not None:
                fix = "Leave `body` out."
                reader.fail(body, f"{self._name} takes no body for `{call.method} {operation.path}`", fix)
            return
        if call.body is not None:
            self._value(reader, body, call.body, schema)
        elif required:
            fields = ", ".join(self._whole(schema).get("required") or ()) or "..."
            reader.fail(where, f"{self._name} asks for a body", f"Add `body:` with {fields}.")

    def _schema_of_body(self, operation: Operation) -> tuple[object, bool]:
        """None where it takes none; and whether it has to be there."""
        given = self._follow(operation.value.get("requestBody"))
        content = given.get("content")
        if isinstance(content, Mapping):
            kind = next((kind for kind in content if re.match(r"application/([\w.+-]+\+)?json", kind)), None)
            media = content[kind] if kind is not None else {}
            return media.get("schema", {}), given.get("required") is True
        for parameter in map(self._follow, operation.value.get("parameters") or ()):
            if parameter.get("in") == "body":  # Swagger 2.0
                return parameter.get("schema", {}), parameter.get("required") is True
        return None, False

    def _value(self, reader: YamlReader, where: Where, value: object, schema: object) -> None:
        whole = self._whole(schema)
        if any(key in whole for key in ("oneOf", "anyOf")):
            ways = [*(whole.get("oneOf") or ()), *(whole.get("anyOf") or ())]
            # Which of them is meant is the platform's to say; only where there is one is it surely that.
            known = [each for each in ways if self._whole(each).get("type") != "null"]
            if value is not None and len(known) == 1:
                self._value(reader, where, value, known[0])
            return
        if isinstance(value, dict) and (whole.get("properties") or whole.get("required")):
            self._fields(reader, where, value, whole)
        elif isinstance(value, list):
            for at, each in enumerate(value):
                self._value(reader, (*where, at), each, whole.get("items", {}))
        elif not places(value):
            self._constant(reader, where, value, whole)

    def _fields(self, reader: YamlReader, where: Where, value: Json, whole: Json) -> None:
        properties = whole.get("properties") or {}
        for name in whole.get("required") or ():
            if name not in value and self._whole(properties.get(name)).get("readOnly") is not True:
                reader.fail(where, f"{self._name} asks for the field `{name}`", f"Add `{name}: ...`.")
        for name, inner in value.items():
            if name in properties:
                self._value(reader, (*where, name), inner, properties[name])
            elif whole.get("additionalProperties") in (None, False):
                fix = near(name, properties) or f"It has: {', '.join(sorted(properties)) or 'none'}."
                reader.fail((*where, name), f"{self._name} has no field `{name}` here", fix)

    def _constant(self, reader: YamlReader, where: Where, value: object, whole: Json) -> None:
        allowed = whole.get("enum")
        if isinstance(allowed, list) and value not in allowed:
            fix = f"Write one of: {', '.join(json.dumps(each) for each in allowed)}."
            reader.fail(where, f"{self._name} does not take `{json.dumps(value)}` for `{where[-1]}`", fix)
        kinds = whole.get("type")
        kinds = {kinds} if isinstance(kinds, str) else set(kinds or ())
        if whole.get("nullable") is True:
            kinds.add("null")
        if kinds and not _kinds(value) & kinds:
            fix = f"Write a {' or '.join(sorted(kinds))}."
            reader.fail(where, f"{self._name} does not take `{json.dumps(value)}` for `{where[-1]}`", fix)

    def _whole(self, schema: object, depth: int = 0) -> Json:
        """A schema with what it refers to, and the parts that it is made of put together."""
        node = self._follow(schema)
        parts = node.get("allOf")
        if not isinstance(parts, list) or depth > _CHAIN:
            return node
        together: dict[str, Any] = {"properties": {}, "required": []}
        for part in (*parts, {key: value for key, value in node.items() if key != "allOf"}):
            inner = self._whole(part, depth + 1)
            properties = {**together["properties"], **(inner.get("properties") or {})}
            required = [*together["required"], *(inner.get("required") or ())]
            together = {**together, **inner, "properties": properties, "required": required}
        return together

    def _follow(self, node: object) -> Json:
        for _ in range(_CHAIN):
            if not isinstance(node, Mapping):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference)
        return {}

    def _at(self, reference: str) -> object:
        node: object = self._document
        for part in reference.removeprefix("#/").split("/") if reference.startswith("#/") else [""]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, Mapping) else None
        return node


def _same(mine: str, known: str) -> bool:
    """One path, whatever its places are called. A fixed part of ours may stand in a place of theirs."""
    ours, theirs = mine.split("/"), known.split("/")
    return len(ours) == len(theirs) and all(
        "{" in their or ("{" not in our and our == their) for our, their in zip(ours, theirs, strict=True)
    )


def _kinds(value: object) -> set[str]:
    match value:
        case None:
            return {"null"}
        case bool():
            return {"boolean"}
        case int():
            return {"integer", "number"}
        case float():
            return {"number"}
        case str():
            return {"string"}
        case list():
            return {"array"}
    return {"object"}
