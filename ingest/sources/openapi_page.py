"""An operation of an API -> a page in Markdown that people and search can read. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from ingest.sources.openapi_schema import Json, Row, Spec, example, kind, meaning, rows

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LONGEST_CELL = 800
LONGEST_EXAMPLE = 80
"""Lines."""
LONGEST_DESCRIPTION = 20_000

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\b")
_FORM = ("application/x-www-form-urlencoded", "multipart/form-data")
_OF_A_VALUE = (
    "type", "format", "items", "enum", "default", "minimum", "maximum", "minLength", "maxLength",
)  # fmt: skip


class Operation(NamedTuple):
    method: str
    """Upper case."""
    path: str
    value: Json
    shared: Sequence[Any]
    """Parameters of all operations at this path."""
    servers: object

    @property
    def title(self) -> str:
        return _line(self.value.get("summary"))[:200] or f"{self.method} {self.path}"


def operations(document: Json) -> Iterator[Operation]:
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        if not isinstance(path, str) or not path.startswith("/"):
            continue
        place, _ = Spec(document).follow(item)
        shared = place.get("parameters")
        for method in METHODS:
            value = place.get(method)
            if isinstance(value, Mapping):
                servers = value.get("servers") or place.get("servers") or document.get("servers")
                yield Operation(
                    method.upper(), path, value, shared if isinstance(shared, list) else [], servers
                )


def page(document: Json, operation: Operation) -> str:
    spec, value = Spec(document), operation.value
    parameters = _parameters(spec, operation)
    body, required = _body(spec, operation, parameters)
    proofs = _proofs(spec, operation)
    # How to prove who asks is a line and no section: it is the same on every page.
    parts = [f"# {operation.title}", _where(document, operation, proofs)]
    if value.get("deprecated") is True:
        parts.append("**Deprecated.** It may be taken away; do not build anything new on it.")
    parts.append(_below_title(str(value.get("description") or "")[:LONGEST_DESCRIPTION]))
    named = [each for each in parameters if each.get("in") in {"path", "query", "header", "cookie"}]
    parts += _section("Parameters", _parameter_table(spec, named))
    for media, content in body.items():
        needed = "required" if required else "optional"
        table = _table(
            ("Field", "Type", "Required", "Meaning"), rows(spec, content.get("schema"), answer=False)
        )
        parts += _section("Request body", f"`{_code(media)}`, {needed}.\n\n{table}".strip())
        break
    parts += _section("Example request", _curl(spec, operation, named, body, proofs))
    parts += _section("Responses", _responses(spec, value))
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def _where(document: Json, operation: Operation, proofs: Sequence[Proof]) -> str:
    tags = operation.value.get("tags")
    group = ", ".join(_line(tag) for tag in tags[:5]) if isinstance(tags, list) else ""
    line = f"`{operation.method} {_code(operation.path)}`" + (f" ({group})" if group else "")
    servers = [f"`{_code(url)}`{f' ({note})' if note else ''}" for url, note in _servers(document, operation)]
    lines = [line, f"Server: {', '.join(servers)}" if servers else ""]
    lines.append(f"Authentication: {' Or: '.join(proof.words for proof in proofs)}" if proofs else "")
    return "\n\n".join(each for each in lines if each)


def _servers(document: Json, operation: Operation) -> list[tuple[str, str]]:
    if isinstance(document.get("host"), str):
        schemes = document.get("schemes")
        scheme = str(schemes[0]) if isinstance(schemes, list) and schemes else "https"
        base = document.get("basePath")
        return [(f"{scheme}://{document['host']}{base if isinstance(base, str) else ''}".rstrip("/"), "")]
    found = []
    for server in operation.servers if isinstance(operation.servers, list) else []:
        if isinstance(server, Mapping) and isinstance(server.get("url"), str):
            url = server["url"]
            variables = server.get("variables")
            for name, about in variables.items() if isinstance(variables, Mapping) else ():
                if isinstance(about, Mapping):
                    url = url.replace(f"{{{name}}}", str(about.get("default", f"{{{name}}}")))
            found.append((url.rstrip("/")[:200], _line(server.get("description"))[:100]))
    return found[:5]


def _parameters(spec: Spec, operation: Operation) -> list[Json]:
    own = operation.value.get("parameters")
    found: dict[tuple[str, str], Json] = {}
    for each in [*operation.shared, *(own if isinstance(own, list) else [])]:
        parameter, _ = spec.follow(each)
        if isinstance(parameter.get("name"), str):
            found[parameter["name"], str(parameter.get("in"))] = parameter
    return list(found.values())[:100]


def _schema(spec: Spec, parameter: Json) -> Json:
    """Of a parameter: in a schema of its own, by media type, or (before version 3) beside its name."""
    if "schema" in parameter:
        return spec.whole(parameter["schema"])[0]
    for media in _contents(spec, parameter).values():
        return spec.whole(media.get("schema"))[0]
    return {key: parameter[key] for key in _OF_A_VALUE if key in parameter}


def _parameter_table(spec: Spec, parameters: Sequence[Json]) -> str:
    lines = []
    for each in parameters:
        schema = _schema(spec, each)
        said = meaning({**schema, **{key: each[key] for key in ("description", "deprecated") if key in each}})
        lines.append((f"`{_code(each['name'])}`", str(each["in"]), kind(spec, schema), _yes(each), said))
    return _cells(("Name", "In", "Type", "Required", "Meaning"), lines)


def _yes(value: Json) -> str:
    return "yes" if value.get("required") is True else "no"


def _body(spec: Spec, operation: Operation, parameters: Sequence[Json]) -> tuple[dict[str, Json], bool]:
    """Media type -> what it holds, JSON first; and whether there has to be one."""
    if "requestBody" in operation.value:
        body, _ = spec.follow(operation.value["requestBody"])
        contents = _contents(spec, body)
        first = sorted(contents, key=lambda media: not _JSON.match(media))
        return {media: contents[media] for media in first}, body.get("required") is True
    takes = operation.value.get("consumes") or spec.document.get("consumes")
    media = str(takes[0]) if isinstance(takes, list) and takes else "application/json"
    for each in parameters:
        if each.get("in") == "body":
            return {media: {"schema": each.get("schema")}}, each.get("required") is True
    fields = [each for each in parameters if each.get("in") == "formData"]
    if not fields:
        return {}, False
    properties = {
        each["name"]: {key: each[key] for key in ("description", *_OF_A_VALUE) if key in each}
        for each in fields
    }
    needed = [each["name"] for each in fields if each.get("required") is True]
    form = media if media in _FORM else _FORM[0]
    return {form: {"schema": {"type": "object", "properties": properties, "required": needed}}}, bool(needed)


def _contents(spec: Spec, value: Json) -> dict[str, Json]:
    content = value.get("content")
    if not isinstance(content, Mapping):
        return {}
    return {str(media): each for media, each in content.items() if isinstance(each, Mapping)}


def _responses(spec: Spec, value: Json) -> str:
    given = value.get("responses")
    found = {str(code): spec.follow(each)[0] for code, each in _items(given)[:40]}
    lines = [(f"`{_code(code)}`", _status(code, each)) for code, each in found.items()]
    parts = [_cells(("Status", "Meaning"), lines)]
    for code, each in found.items():
        contents = [*_contents(spec, each).values(), *([each] if "schema" in each else [])]
        if code.startswith("2") and contents:
            fields = rows(spec, contents[0].get("schema"), answer=True)
            parts += [f"Fields of the answer `{_code(code)}`:" if fields else ""]
            parts += [_table(("Field", "Type", "Required", "Meaning"), fields)]
            break
    return "\n\n".join(part for part in parts if part)


def _status(code: str, response: Json) -> str:
    said = _line(response.get("description"))
    if said:
        return said
    if code == "default":
        return "Anything else"
    try:
        return HTTPStatus(int(code)).phrase
    except ValueError:
        return ""


class Proof(NamedTuple):
    """One way to say who asks."""

    words: str
    header: str
    """For the example, or empty."""


def _proofs(spec: Spec, operation: Operation) -> list[Proof]:
    needs = operation.value.get("security", spec.document.get("security"))
    if not isinstance(needs, list):
        return []
    schemes = _mapping(_mapping(spec.document.get("components")).get("securitySchemes"))
    schemes = schemes or _mapping(spec.document.get("securityDefinitions"))
    found = []
    for need in needs[:5]:
        parts = [_proof(spec, schemes.get(name), name, scopes) for name, scopes in _items(need)[:5]]
        if parts:
            words = " Together with: ".join(part.words for part in parts)
            found.append(Proof(words, next((part.header for part in parts if part.header), "")))
        else:
            found.append(Proof("none is needed.", ""))
    return found or [Proof("none is needed.", "")]


def _proof(spec: Spec, node: object, name: str, scopes: object) -> Proof:
    scheme, _ = spec.follow(node)
    kind_of, how = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    said, header = f"by `{_code(name)}`.", ""
    if kind_of == "http" and how == "bearer":
        said, header = "a token in the header `Authorization: Bearer TOKEN`.", "Authorization: Bearer $TOKEN"
    elif kind_of == "basic" or (kind_of == "http" and how == "basic"):
        said = "user name and password (HTTP basic)."
        header = "Authorization: Basic $USER_AND_PASSWORD"
    elif kind_of == "apiKey":
        key = _code(str(scheme.get("name", "")))
        said = f"a key in the {_code(str(scheme.get('in', 'header')))} `{key}`."
        header = f"{key}: $KEY" if scheme.get("in") == "header" else ""
    elif kind_of in {"oauth2", "openIdConnect"}:
        named = [f"`{_code(str(scope))}`" for scope in scopes[:20]] if isinstance(scopes, list) else []
        said = "an OAuth token" + (f" with the scopes {', '.join(named)}." if named else ".")
        header = "Authorization: Bearer $TOKEN"
    return Proof(said, header)


def _curl(
    spec: Spec,
    operation: Operation,
    parameters: Sequence[Json],
    body: Mapping[str, Json],
    proofs: Sequence[Proof],
) -> str:
    path = operation.path
    query, headers = [], [proofs[0].header] if proofs and proofs[0].header else []
    for each in parameters:
        shown = _shown(spec, each)
        if each["in"] == "path" and "example" in each:
            path = path.replace(f"{{{each['name']}}}", shown)
        if each.get("required") is True and each["in"] == "query":
            query.append(f"{each['name']}={shown}")
        if each.get("required") is True and each["in"] == "header":
            headers.append(f"{each['name']}: {shown}")
    servers = _servers(spec.document, operation)
    url = (servers[0][0] if servers else "") + path + (f"?{'&'.join(query)}" if query else "")
    lines = [f"curl -X {operation.method} {_quoted(url)}"]
    data: list[str] = []
    for media, content in body.items():
        data = _data(spec, media, content)
        if media != _FORM[1]:
            headers.append(f"Content-Type: {media}")
        break
    lines += [f"  -H {_quoted(header)}" for header in headers] + data
    text = " \\\n".join(lines).split("\n")
    if len(text) > LONGEST_EXAMPLE:
        text = [*text[:LONGEST_EXAMPLE], "..."]
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", "\n".join(text))), 3)
    return "\n".join([f"{fence}bash", *text, fence])


def _data(spec: Spec, media: str, content: Json) -> list[str]:
    value = example(spec, content)
    if _JSON.match(media):
        return [f"  -d {shlex.quote(json.dumps(value, indent=2, ensure_ascii=False))}"]
    if media in _FORM and isinstance(value, dict):
        flag = "-F" if media == _FORM[1] else "--data-urlencode"
        return [f"  {flag} {shlex.quote(f'{key}={_text(each)}')}" for key, each in value.items()]
    return ["  --data-binary @FILE"]


def _shown(spec: Spec, parameter: Json) -> str:
    if "example" in parameter:
        return _text(parameter["example"])[:100]
    made = example(spec, {"schema": _schema(spec, parameter), "examples": parameter.get("examples")})
    return _text(made)[:100] if made is not None else f"{{{parameter['name']}}}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    """For a shell, with its `$NAME` left to be filled in."""
    safe = re.sub(r'["\\`]', lambda match: f"\\{match[0]}", " ".join(text.split()))
    return f'"{safe}"'


def _section(title: str, text: str) -> list[str]:
    return [f"## {title}", text] if text.strip() else []


def _table(head: Sequence[str], fields: Sequence[Row]) -> str:
    lines = [
        (f"`{_code(row.name)}`", row.kind, "yes" if row.required else "no", row.meaning) for row in fields
    ]
    return _cells(head, lines)


def _cells(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ""
    table = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in table)


def _cell(text: str) -> str:
    return _cut(_line(text)).replace("|", "\\|")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL].rsplit(" ", 1)[0] + " ..."


def _line(value: object) -> str:
    return " ".join(str(value)[:5_000].split()) if isinstance(value, (str, int, float)) else ""


def _code(text: str) -> str:
    """Fit to stand between backquotes."""
    return _line(text).replace("`", "'")[:300]


def _below_title(text: str) -> str:
    """Headings of a description go below those of the page, but not lines of its code."""
    lines, fenced = [], False
    for line in text.strip().split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        heading = None if fenced else re.match(r"(#{1,6})(?=\s)", line)
        lines.append("#" * min(6, len(heading[1]) + 2) + line[len(heading[1]) :] if heading else line)
    return "\n".join(lines) + ("\n```" if fenced else "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[tuple[str, Any]]:
    return [(str(key), each) for key, each in _mapping(value).items()]
