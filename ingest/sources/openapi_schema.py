"""Schemas of an OpenAPI file for people: their fields in rows, and an example. Pure, and bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

DEEPEST = 6
MOST_ROWS = 120
MOST_STEPS = 4_000
"""Schemas looked at for one page: a file of a few lines can name itself any number of times."""
_CHAIN = 20

Json = Mapping[str, Any]


class Row(NamedTuple):
    name: str
    kind: str
    required: bool
    meaning: str


class Spec:
    """One file, as far as one page may look into it."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._left = MOST_STEPS

    def follow(self, node: object) -> tuple[Json, frozenset[str]]:
        """What a node stands for, and the references that led there. None leads out of the file."""
        met: set[str] = set()
        beside: dict[str, Any] = {}
        while isinstance(node, Mapping) and self._left > 0:
            self._left -= 1 + len(node) // 100
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return {**node, **beside}, frozenset(met)
            beside = {**{key: value for key, value in node.items() if key != "$ref"}, **beside}
            if reference in met or len(met) > _CHAIN:
                break
            if not reference.startswith("#"):
                name = "".join(char for char in reference[:200] if char.isprintable() and char != "`")
                return {"description": f"Described in another file (`{name}`).", **beside}, frozenset()
            met.add(reference)
            node = _at(self.document, reference)
        return beside, frozenset(met)

    def whole(self, node: object, depth: int = 0) -> tuple[Json, frozenset[str]]:
        """A schema with the parts that it is made of (`allOf`) put together."""
        schema, met = self.follow(node)
        parts = schema.get("allOf")
        if not isinstance(parts, list) or depth > DEEPEST:
            return schema, met
        together: dict[str, Any] = {}
        for part in parts:
            inner, more = self.whole(part, depth + 1)
            met |= more
            self._left -= len(_mapping(inner.get("properties"))) // 100
            if self._left <= 0:
                break
            together = _joined(together, inner)
        return _joined(together, {key: value for key, value in schema.items() if key != "allOf"}), met


def _joined(first: Json, second: Json) -> dict[str, Any]:
    both = {**first, **second}
    if isinstance(first.get("properties"), Mapping) and isinstance(second.get("properties"), Mapping):
        both["properties"] = {**first["properties"], **second["properties"]}
    if isinstance(first.get("required"), list) and isinstance(second.get("required"), list):
        both["required"] = [*first["required"], *second["required"]]
    return both


def _at(document: Json, reference: str) -> object:
    node: object = document
    for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else []:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(name)
        elif isinstance(node, list) and name.isdecimal() and int(name[:9]) < len(node):
            node = node[int(name[:9])]
        else:
            return None
    return node


def rows(spec: Spec, schema: object, *, answer: bool) -> list[Row]:
    """The fields of a schema, nested ones with dots: `to[].email`. `answer`: of what the server sends."""
    found: dict[str, Row] = {}
    for row in _rows(spec, schema, _Way(answer)):
        found.setdefault(row.name, row)
        if len(found) >= MOST_ROWS:
            found["…"] = Row("…", "", False, "There are more fields.")
            break
    return list(found.values())


class _Way(NamedTuple):
    """How a schema was come to."""

    answer: bool
    name: str = ""
    required: bool = False
    within: frozenset[str] = frozenset()
    depth: int = 0


def _rows(spec: Spec, node: object, way: _Way) -> Iterator[Row]:
    schema, met = spec.whole(node)
    name = way.name
    if schema.get("writeOnly" if way.answer else "readOnly") is True:
        return
    again = bool(met & way.within)
    if name and not name.endswith("[]"):
        note = " The same again." if again else ""
        yield Row(name, kind(spec, schema), way.required, f"{meaning(schema)}{note}".strip())
    if again or way.depth >= DEEPEST:
        return
    inner = way._replace(required=False, within=way.within | met, depth=way.depth + 1)
    given = schema.get("required")
    must = {each for each in given if isinstance(each, str)} if isinstance(given, list) else set()
    for key, value in _mapping(schema.get("properties")).items():
        yield from _rows(spec, value, inner._replace(name=f"{name}.{key}".strip("."), required=key in must))
    if isinstance(schema.get("items"), Mapping):
        yield from _rows(spec, schema["items"], inner._replace(name=f"{name}[]"))
    if isinstance(schema.get("additionalProperties"), Mapping) and schema["additionalProperties"]:
        yield from _rows(spec, schema["additionalProperties"], inner._replace(name=f"{name}.*".strip(".")))
    for choice in _choices(schema):
        # The fields of each way to write it, below the same name.
        yield from (row for row in _rows(spec, choice, inner) if row.name != name)


def kind(spec: Spec, schema: Json, depth: int = 0) -> str:
    """The type in words: `array of string`, `integer or null`."""
    given = schema.get("type")
    types = [str(each) for each in given] if isinstance(given, list) else [str(given)] if given else []
    if not types and depth < 3:
        inner = [kind(spec, spec.whole(choice)[0], depth + 1) for choice in _choices(schema)[:8]]
        types = [word for each in inner for word in each.split(" or ")]
    if not types:
        types = ["object"] if "properties" in schema else ["array"] if "items" in schema else []
    words = []
    for each in dict.fromkeys(types):
        if each == "array" and depth < 3 and isinstance(schema.get("items"), Mapping):
            item = kind(spec, spec.whole(schema["items"])[0], depth + 1)
            words.append(f"array of {item}" if item else "array")
        else:
            shaped = isinstance(schema.get("format"), str) and each != "null"
            words.append(f"{each} ({schema['format']})" if shaped else each)
    if schema.get("nullable") is True and "null" not in words:
        words.append("null")
    return " or ".join(words)[:120]


def meaning(schema: Json) -> str:
    """Description and limits, in one line."""
    said = [" ".join(str(schema.get("description") or "")[:5_000].split())]
    if said[0] and said[0][-1] not in ".!?:":
        said[0] += "."
    if isinstance(schema.get("enum"), list) and schema.get("type") != "boolean":
        shown = [f"`{_word(each)}`" for each in schema["enum"][:25] if not isinstance(each, (dict, list))]
        said.append(f"One of {', '.join(shown)}{' ...' if len(schema['enum']) > 25 else ''}.")
    for key, words in _LIMITS.items():
        value = schema.get(key)
        if value is not None and not isinstance(value, (dict, list)):
            said.append(f"{words} `{_word(value)}`.")
    if schema.get("deprecated") is True:
        said.append("Deprecated.")
    return " ".join(part for part in said if part)


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return " ".join(text[:60].split()).replace("`", "'")


_LIMITS = {
    "const": "Always",
    "default": "Without it:",
    "minimum": "At least",
    "maximum": "At most",
    "minLength": "Characters, at least",
    "maxLength": "Characters, at most",
    "minItems": "Items, at least",
    "maxItems": "Items, at most",
}


def example(spec: Spec, media: Json) -> Any:
    """What is sent: as the file shows it, else made of its types; None where nothing is known."""
    if "example" in media:
        return bounded(media["example"])
    for each in _mapping(media.get("examples")).values():
        shown, _ = spec.follow(each)
        if "value" in shown:
            return bounded(shown["value"])
    return bounded(_made(spec, media.get("schema"), frozenset(), 0))


def _made(spec: Spec, node: object, within: frozenset[str], depth: int) -> Any:
    schema, met = spec.whole(node)
    if met & within or depth > DEEPEST:
        return None
    within |= met
    for key in ("example", "const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    if isinstance(schema.get("properties"), Mapping):
        return _made_object(spec, schema, within, depth)
    if _choices(schema):
        return _made(spec, _choices(schema)[0], within, depth + 1)
    given = schema.get("type")
    given = given[0] if isinstance(given, list) and given else given
    if given == "array":
        inner = _made(spec, schema.get("items"), within, depth + 1)
        return [] if inner is None else [inner]
    if given == "string":
        return _STRINGS.get(str(schema.get("format")), "string")
    return {"integer": 1, "number": 1.5, "boolean": True, "object": {}}.get(str(given))


def _made_object(spec: Spec, schema: Json, within: frozenset[str], depth: int) -> dict[str, Any]:
    made = {}
    for key, value in list(schema["properties"].items())[:30]:
        if spec.follow(value)[0].get("readOnly") is not True:
            made[str(key)] = _made(spec, value, within, depth + 1)
    return made


_STRINGS = {
    "date": "2024-05-01",
    "date-time": "2024-05-01T10:00:00Z",
    "email": "maria@example.com",
    "uri": "https://example.com",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "ipv4": "192.0.2.1",
}


def bounded(value: Any, left: list[int] | None = None, depth: int = 0) -> Any:
    """A copy of some hundred values at most: what an alias shares would be written out each time."""
    left = left if left is not None else [300]
    left[0] -= 1
    if left[0] < 0 or depth > 12:
        return "..."
    if isinstance(value, Mapping):
        pairs = list(value.items())[:50]
        return {str(key): bounded(each, left, depth + 1) for key, each in pairs if left[0] > 0}
    if isinstance(value, list):
        return [bounded(each, left, depth + 1) for each in value[:20] if left[0] > 0]
    return value[:2_000] if isinstance(value, str) else value


def _choices(schema: Json) -> list[Any]:
    for key in ("oneOf", "anyOf"):
        if isinstance(schema.get(key), list):
            return list(schema[key])
    return []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
