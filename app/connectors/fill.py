"""A declared write with its values -> exactly what goes over the wire. Pure; it never sees a secret."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from app.connectors.model import Api, Request, Ticket, Webhook
from app.errors import BadInput
from app.models.steps import Finding
from app.seeing import seen

PLACE = re.compile(r"\{(\w+)\}")

NEVER: Sequence[tuple[str, re.Pattern[str], str]] = (
    (
        "POST",
        re.compile(r"/v3/whitelabel/(?:links|domains|ips)/[^/]+/validate/?"),
        "validating a link whose record points at a proxy by now turns it invalid, and its links break",
    ),
)
"""Calls of a vendor's API that nothing declares, by accident or else: method, path, why."""


class Prepared(NamedTuple):
    """What is sent, but for the secret: that is known by its reference alone."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    credential: str | None
    """A reference: whoever sends puts its value after `scheme` into `header`, or signs with it."""
    header: str = ""
    scheme: str = ""
    signed: bool = False


def never(method: str, path: str) -> str | None:
    """Why a call must not be made."""
    plain = unquote(unquote(path.partition("?")[0]))
    return next((why for verb, what, why in NEVER if verb == method and what.search(plain)), None)


def places(template: object) -> list[str]:
    """Names of the places in a text, or in all texts of a body."""
    match template:
        case str():
            return PLACE.findall(template)
        case Mapping():
            return [name for key, value in template.items() for name in (*places(key), *places(value))]
        case list() | tuple():
            return [name for value in template for name in places(value)]
    return []


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A body with its values: each is text inside one text, whatever is in it."""
    match template:
        case str():
            return _put(template, values, lambda value: value)
        case Mapping():
            return {key: filled(value, values) for key, value in template.items()}
        case list() | tuple():
            return [filled(value, values) for value in template]
    return template


def route(template: str, values: Mapping[str, str]) -> str:
    """A path with its values; none of them reaches beyond its own segment. Raises `BadInput`."""
    path, mark, query = template.partition("?")
    segments = [_put(segment, values, _segment) for segment in path.split("/")]
    for segment in segments:
        if segment in (".", ".."):
            raise BadInput(f"{segment!r} cannot be an id; use the one in the dashboard's address.")
    return "/".join(segments) + mark + _put(query, values, lambda value: quote(value, safe=""))


def _put(template: str, values: Mapping[str, str], made: Callable[[str], str]) -> str:
    def value(place: re.Match[str]) -> str:
        name = place[1]
        if not values.get(name):
            raise BadInput(f"a value for {name!r} is needed; ask for it first.")
        return made(values[name])

    return PLACE.sub(value, template)  # in one pass: a place inside a value stays text


def _segment(value: str) -> str:
    # Escaping is not enough for a slash: servers decode it, some of them twice, before they route.
    for written in (value, unquote(value), unquote(unquote(value))):
        if written in ("", ".", "..") or re.search(r"[/\\]", written) or _controls(written):
            raise BadInput(f"{value!r} cannot be an id; use the one in the dashboard's address.")
    return quote(value, safe="")


def _controls(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text)


def _header(name: str, value: str) -> tuple[str, str]:
    if not value.isascii() or not value.isprintable():
        raise BadInput(f"{value!r} cannot be sent in the header {name}; use plain letters and digits.")
    return name.lower(), value


def canonical(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def prepared(request: Request, values: Mapping[str, str], *, address: str, key: str = "") -> Prepared:
    """Raises `BadInput` for a value that is missing or cannot stand in its place."""
    api: Api = request.api
    url = address.rstrip("/") + route(request.path, values)
    if (why := never(request.method, url)) is not None:
        raise BadInput(f"{request.method} {request.path} is never called: {why}.")
    headers = [_header(name, _put(value, values, lambda each: each)) for name, value in api.headers]
    body = None
    if request.body is not None:
        body = canonical(filled(request.body, values))
        headers.append(("content-type", "application/json"))
    if request.key_header is not None and key:
        headers.append(_header(request.key_header, key))
    return Prepared(
        method=request.method,
        url=url,
        headers=tuple(sorted(headers)),
        body=body,
        credential=api.credential,
        header=api.header,
        scheme=api.scheme,
    )


class Meant(NamedTuple):
    """What a write is for: the same at every try."""

    effect: str
    account: str
    inputs: Mapping[str, str]
    key: str
    evidence: Sequence[Finding] = ()

    @property
    def values(self) -> dict[str, str]:
        return {**self.inputs, "account": self.account}


def signed_body(webhook: Webhook, meant: Meant, *, more: Mapping[str, object] | None = None) -> bytes:
    """The same bytes for the same key, so that a repetition is one."""
    told: dict[str, object] = {
        "type": "action",
        "id": meant.key,
        "action": meant.effect,
        "account": meant.account,
        "inputs": dict(meant.inputs),
        "evidence": [_told(finding) for finding in meant.evidence],
    }
    if webhook.body is not None:
        told["body"] = filled(webhook.body, meant.values)
    return canonical({**told, **(more or {})})


def posted(webhook: Webhook, body: bytes, *, address: str, key: str) -> Prepared:
    headers = (("content-type", "application/json"), ("stepfour-delivery", key), ("user-agent", "Stepfour"))
    return Prepared("POST", address, headers, body, webhook.secret, signed=True)


def _told(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "met": finding.met,
        "code": finding.code,
        "subject": finding.subject,
        "seen": dict(finding.seen),
        "at": finding.at.isoformat(),
    }


class Written(NamedTuple):
    """A ticket with everything in it."""

    to: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"To: {self.to}\nSubject: {self.subject}\n\n{self.text}"


def written(ticket: Ticket, meant: Meant) -> Written:
    """`{evidence}` is what was seen right before, a line each: checks of ours, and when."""
    lines = [f"- {seen(each, 'en')} ({each.at:%Y-%m-%d %H:%M} UTC)" for each in meant.evidence]
    values = {**meant.values, "evidence": "\n".join(lines) or "- nothing was looked at"}
    return Written(
        to=ticket.to,
        subject=_one_line(filled(ticket.subject, values)),
        text=str(filled(ticket.text, values)).strip(),
    )


def _one_line(text: str) -> str:
    return " ".join("".join(" " if _controls(char) else char for char in text).split())
