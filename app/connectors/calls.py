"""How a connector file reaches the platform: its connection, and each call with what fills its places."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from app.connectors.fill import PLACE, never, places
from app.connectors.model import Api, Python, Request, Webhook
from app.connectors.openapi import Description
from app.connectors.values import HEADER, Values
from knowledge.frontmatter import FrontMatter, Where
from knowledge.yaml_reader import near

READ_S, WRITE_S = 8.0, 20.0
_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Folder(NamedTuple):
    """What the files of a folder have together: an action of one may need what another one reads."""

    kinds: frozenset[str]
    reads: frozenset[str]


class Calls(Values):
    """A file, call by call."""

    def __init__(self, page: FrontMatter, path: Path, folder: Folder) -> None:
        super().__init__(page, str(path))
        self._folder = folder
        self._api: Api | None = None
        self._key: str | None = "Idempotency-Key"
        self._description: Description | None = None

    def _read_api(self) -> Api | None:
        if self.page.data.get("address") is None:
            for key in ("credential", "header", "headers", "openapi"):
                if key in self.page.data:
                    self.fail((key,), f"`{key}` is for an `address`", "Add `address: https://...`.")
            return None
        credential = self._reference(("credential",)) if "credential" in self.page.data else None
        header, scheme = self._header_of_credential()
        pairs = [(name, self._header(("headers", name), name)) for name in self._pairs(("headers",))]
        return Api(
            address=self._address(("address",)),
            credential=credential,
            header=header,
            scheme=scheme,
            headers=tuple(pairs),
        )

    def _header(self, where: Where, name: str) -> str:
        value = self.word(where)
        if not HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
            self.fail(where, f"`{name}` cannot be a header", 'Write e.g. `on-behalf-of: "{account}"`.')
        if self._api is None and name.lower() in ("authorization", "cookie"):
            self.fail(where, f"`{name}` would hold a secret", "Write `credential: env:NAME` instead.")
        self._places(where, value, {"account"})
        return value

    def _idempotency(self, where: Where, given: str | None) -> str | None:
        if self.at(where) is None:
            return given
        value = self.word(where)
        if value == "none":
            return None
        if not HEADER.fullmatch(value):
            fix = "Write `idempotency: Idempotency-Key`, or `none` where the platform takes no key."
            self.fail(where, f"`{value}` is no name of a header", fix)
        return value

    def _reached(self, where: Where) -> Api:
        if self._api is None:
            self.fail(where, "there is no address to send it to", "Add `address: https://...` to the file.")
        if "credential" in self._keys_at(where):
            return self._api.model_copy(update={"credential": self._reference((*where, "credential"))})
        return self._api

    def _get(self, where: Where, known: Collection[str]) -> tuple[Request | Python, list[str]]:
        """A request that reads, and the names of its places."""
        if self._one_of(where, ("get", "python")) == "python":
            return self._python(where, READ_S), []
        api = self._reached(where)
        path = self._route((*where, "get"), self.word((*where, "get")), known)
        call = Request(api=api, method="GET", path=path, timeout=self._seconds(where, READ_S))
        self._described((*where, "get"), call)
        return call, places(path)

    def _request(self, where: Where, known: Collection[str]) -> Request:
        spot: Where = (*where, "request")
        method, _, path = self.word(spot).partition(" ")
        if method not in _METHODS or not path:
            fix = f"Write `METHOD /path` with one of {', '.join(_METHODS)}."
            self.fail(spot, f"`{self.word(spot)}` is no request that changes something", fix)
        api = self._reached(where)
        request = Request(
            api=api,
            method=method,
            path=self._route(spot, path.strip(), known, method=method),
            body=self._body((*where, "body"), known),
            key_header=self._idempotency((*where, "idempotency"), self._key),
            answer=self._answer((*where, "answer")) if "answer" in self._keys_at(where) else None,
            timeout=self._seconds(where, WRITE_S),
        )
        self._described(spot, request, (*where, "body"))
        return request

    def _webhook(self, where: Where, known: Collection[str]) -> Webhook:
        for key in ("credential", "idempotency"):
            self._only_with(where, key, "request")
        return Webhook(
            address=self._address((*where, "webhook")),
            secret=self._reference((*where, "secret")),
            body=self._body((*where, "body"), known),
            answer=self._answer((*where, "answer")) if "answer" in self._keys_at(where) else None,
            timeout=self._seconds(where, WRITE_S),
        )

    def _python(self, where: Where, seconds: float) -> Python:
        entry = self.word((*where, "python"))
        if not _ENTRY.fullmatch(entry):
            self.fail((*where, "python"), f"`{entry}` names no function", "Write `package.module:function`.")
        given = "credential" in self._keys_at(where)
        return Python(
            entry=entry,
            credential=self._reference((*where, "credential")) if given else None,
            timeout=self._seconds(where, seconds),
        )

    def _body(self, where: Where, known: Collection[str]) -> dict[str, Any] | None:
        if self.at(where) is None:
            return None
        self._json(where, known)
        return dict(self._pairs(where))

    def _json(self, where: Where, known: Collection[str]) -> None:
        """Raises for what JSON does not have, and for places that nothing fills."""
        value = self.at(where)
        match value:
            case dict():
                for key in value:
                    if not isinstance(key, str) or places(key):
                        self.fail((*where, str(key)), f"`{key}` cannot name a field", "Put it into quotes.")
                    self._json((*where, key), known)
            case list():
                for at in range(len(value)):
                    self._json((*where, at), known)
            case str():
                self._places(where, value, known)
            case None | bool() | int() | float():
                pass
            case _:
                self.fail(where, f"`{value}` is nothing that JSON has", "Put it into quotes.")

    def _route(self, where: Where, path: str, known: Collection[str], *, method: str = "GET") -> str:
        route, _, query = path.partition("?")
        rest = PLACE.sub("", path)
        if not path.startswith("/") or path.startswith("//") or not path.isascii() or not rest.isprintable():
            self.fail(where, f"`{path}` is no path", "Write e.g. `/v1/accounts/{account}`.")
        if re.search(r"[{}\s#\\]", rest) or {".", ".."} & set(route.split("/")) or "?" in query:
            self.fail(where, f"`{path}` is no path", "Write places as `{name}`, and no `..`, `#` or blank.")
        self._places(where, path, known)
        base = "" if self._api is None else urlsplit(self._api.address).path.rstrip("/")
        if (why := never(method, base + PLACE.sub("x", route))) is not None:
            self.fail(where, f"`{method} {route}` is never called: {why}", "Leave it to a person.")
        return path

    def _places(self, where: Where, value: object, known: Collection[str]) -> None:
        for name in places(value):
            if name not in known:
                fix = near(name, known)
                if not fix and name in self._folder.kinds:
                    fix = f"Add it: `inputs: [{name}]`."
                fix = fix or f"Known here: {', '.join(sorted(known)) or 'none'}."
                self.fail(where, f"nothing fills the place `{{{name}}}`", fix)

    def _described(self, where: Where, call: Request, body: Where | None = None) -> None:
        if self._description is not None:
            self._description.hold(self, where, call, body)
