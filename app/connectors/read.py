"""Connector files -> `Connectors`. Whatever is wrong is named with file and line, and what to write."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, get_args
from urllib.parse import urlsplit

from app.actions import Action
from app.connectors.fill import PLACE, never, places
from app.connectors.model import (
    Answer,
    Api,
    Connector,
    Connectors,
    Equals,
    Lookup,
    Python,
    Read,
    Request,
    Role,
    Source,
    Ticket,
    Webhook,
    Write,
)
from app.connectors.openapi import Description, described
from app.errors import ConfigError
from app.models import Check
from app.probes import CHECKS
from knowledge.errors import PageError
from knowledge.frontmatter import FrontMatter, Where, whole
from knowledge.yaml_reader import NAME, YamlReader, near

SHIPPED = Path(__file__).parent / "shipped"
"""The platform of the demo: what an installation has that names no folder of its own."""

READ_S, WRITE_S = 8.0, 20.0
LONGEST_S = 120.0
SHORTEST_SECRET_NAME = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")

_FILE = frozenset(
    {"connector", "describe", "address", "credential", "header", "headers", "idempotency", "openapi"}
    | {"standing", "person", "reads", "subjects", "actions"}
)
_CALL = frozenset({"get", "python", "credential", "timeout"})
_READ = _CALL | {"take", "fields"}
_STANDING = _CALL | {"find", "by", "owner", "member"}
_PERSON = _CALL | {"find", "account", "user"}
_WRITE = frozenset(
    {"request", "webhook", "ticket", "python", "body", "secret", "credential", "idempotency", "answer"}
    | {"timeout"}
)
_UNDO = _WRITE | {"name"}
_ACTION = _WRITE | {"describe", "inputs", "prerequisites", "only_before", "read_back", "undo", "approval"}
_READ_BACK = _CALL | {"field", "equals"}
_TICKET = frozenset({"to", "subject", "text"})
_ANSWER = frozenset({"field", "equals"})
_SOURCE = frozenset({"value", "set", "each", "fields"})
_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_APPROVALS = ("none", "customer", "agent")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_KEPT = frozenset({"account", "user", "email", "evidence"})
"""Names of places that are no kinds of subject."""


def load(folder: Path) -> Connectors:
    """Every file of a folder. Raises `ConfigError`."""
    files = sorted(path for path in _listed(folder) if path.suffix in (".yaml", ".yml"))
    try:
        # Not every YAML file here is a connector: the platform's own description lies beside it.
        pages = [(path, page) for path in files if "connector" in (page := _page(path)).data]
        if not pages:
            raise ConfigError(f"STEPFOUR_CONNECTORS: no file of {folder} begins with `connector: NAME`.")
        kinds = [kind for _, page in pages for kind in _keys(page.data.get("subjects"))]
        reads = [name for _, page in pages for name in _keys(page.data.get("reads"))]
        whole_folder = _Folder(frozenset(kinds), frozenset(reads))
        return _together([_File(page, path, whole_folder).connector() for path, page in pages])
    except PageError as error:
        raise ConfigError(str(error)) from error


def connectors_of(folder: Path | None) -> Connectors:
    """Those of the setting, else the shipped ones."""
    return shipped() if folder is None else load(folder)


@cache
def shipped() -> Connectors:
    return load(SHIPPED)


class _Folder(NamedTuple):
    """What the files of a folder have together: an action of one may need what another one reads."""

    kinds: frozenset[str]
    reads: frozenset[str]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        fix = "Name a folder of connector files, or leave it out."
        raise ConfigError(
            f"STEPFOUR_CONNECTORS: {folder} cannot be read ({error.strerror}). {fix}"
        ) from error


def _page(path: Path) -> FrontMatter:
    try:
        return whole(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}). Save it as UTF-8 text.") from error


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []


def _together(connectors: list[Connector]) -> Connectors:
    """Raises `ConfigError` where two files say how one and the same is read or done."""
    seen: dict[str, str] = {}
    for each in connectors:
        said = [f"connector `{each.name}`"]
        said += [f"read `{read.name}`" for read in each.reads]
        said += [f"kind of subject `{kind}`" for kind, _ in each.subjects]
        said += [f"write `{effect}`" for effect, _ in each.writes]
        said += ["`standing`"] if each.standing else []
        said += ["`person`"] if each.person else []
        for what in said:
            if what in seen:
                where = each.file if each.file == seen[what] else f"{seen[what]} and {each.file}"
                raise ConfigError(f"{where}: {what} is declared twice. Keep one of them.")
            seen[what] = each.file
    return Connectors(of=tuple(connectors))


class _File(YamlReader):
    """One file while it is read."""

    def __init__(self, page: FrontMatter, path: Path, folder: _Folder) -> None:
        super().__init__(page, str(path))
        self._path, self._folder = path, folder
        self._api: Api | None = None
        self._key: str | None = "Idempotency-Key"
        self._description: Description | None = None
        self._made: list[Read] = []
        """Reads that a read-back declares where it stands."""

    def connector(self) -> Connector:
        self.known_keys((), self.page.data, _FILE)
        name = self.name(("connector",))
        self.optional_word(("describe",))
        self._api = self._read_api()
        self._key = self._idempotency(("idempotency",), self._key)
        if self.page.data.get("openapi") is not None:
            self._description = described(self, ("openapi",), self._path.parent)
        reads = [self._read(("reads", each), each) for each in self._pairs(("reads",))]
        standing = self._standing() if "standing" in self.page.data else None
        person = self._person() if "person" in self.page.data else None
        subjects = tuple((kind, self._subject(("subjects", kind))) for kind in self._pairs(("subjects",)))
        made = [self._action(("actions", each), each, reads) for each in self._pairs(("actions",))]
        return Connector(
            name=name,
            file=self.path,
            api=self._api,
            reads=(*reads, *self._made),
            standing=standing,
            person=person,
            subjects=subjects,
            actions=tuple(action for action, _ in made),
            writes=tuple(pair for _, writes in made for pair in writes),
        )

    # --- the connection ---

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

    def _address(self, where: Where) -> str:
        value = self.word(where)
        if SHORTEST_SECRET_NAME.fullmatch(value):
            return value
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname:
            fix = "Write `https://...`, or `env:NAME` for a variable that holds it."
            self.fail(where, f"`{value}` is no https address", fix)
        if parts.username is not None or parts.password is not None:
            fix = "Write `credential: env:NAME`."
            self.fail(where, "an address holds no name and password", fix)
        if parts.query or parts.fragment or PLACE.search(value):
            fix = "What changes from call to call belongs in paths."
            self.fail(where, "an address ends before its `?`, and has no places", fix)
        return value

    def _reference(self, where: Where) -> str:
        value = self.word(where)
        if not SHORTEST_SECRET_NAME.fullmatch(value):
            # The value is not repeated: it may be the secret itself.
            fix = "Put the secret into an environment variable, and write `env:NAME`."
            self.fail(where, f"`{where[-1]}` is no reference to a secret", fix)
        return value

    def _header_of_credential(self) -> tuple[str, str]:
        if self.page.data.get("header") is None:
            return "Authorization", "Bearer"
        name, _, scheme = self.word(("header",)).partition(":")
        if not _HEADER.fullmatch(name.strip()):
            fix = 'Write e.g. `header: X-Api-Key`, or `header: "Authorization: Bearer"`.'
            self.fail(("header",), f"`{name}` is no name of a header", fix)
        return name.strip(), scheme.strip()

    def _header(self, where: Where, name: str) -> str:
        value = self.word(where)
        if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
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
        if not _HEADER.fullmatch(value):
            fix = "Write `idempotency: Idempotency-Key`, or `none` where the platform takes no key."
            self.fail(where, f"`{value}` is no name of a header", fix)
        return value

    def _reached(self, where: Where) -> Api:
        if self._api is None:
            self.fail(where, "there is no address to send it to", "Add `address: https://...` to the file.")
        if "credential" in self._keys_at(where):
            return self._api.model_copy(update={"credential": self._reference((*where, "credential"))})
        return self._api

    # --- reads ---

    def _read(self, where: Where, name: str) -> Read:
        self._name(where, name)
        self.known_keys(where, self._pairs(where), _READ)
        call, kinds = self._get(where, self._folder.kinds | {"account"})
        return Read(
            name=name,
            call=call,
            take=self.optional_word((*where, "take")) or "",
            fields=self._fields((*where, "fields")),
            kinds=tuple(kind for kind in kinds if kind != "account"),
        )

    def _get(self, where: Where, known: Collection[str]) -> tuple[Request | Python, list[str]]:
        """A request that reads, and the names of its places."""
        if self._one_of(where, ("get", "python")) == "python":
            return self._python(where, READ_S), []
        api = self._reached(where)
        path = self._route((*where, "get"), self.word((*where, "get")), known)
        call = Request(api=api, method="GET", path=path, timeout=self._seconds(where, READ_S))
        self._described((*where, "get"), call)
        return call, places(path)

    def _fields(self, where: Where) -> tuple[tuple[str, Source], ...]:
        return tuple((name, self._source((*where, name))) for name in self._pairs(where))

    def _source(self, where: Where) -> Source:  # noqa: RET503 - failing never returns
        value = self.at(where)
        if isinstance(value, str):
            return Source(path="" if value == "." else value)
        given = self._pairs(where)
        self.known_keys(where, given, _SOURCE)
        if set(given) == {"value"}:
            return Source(value=self._equal((*where, "value")))
        if set(given) == {"set"}:
            return Source(path=self.word((*where, "set")), is_set=True)
        if "each" in given and set(given) <= {"each", "fields"}:
            fields = self._fields((*where, "fields"))
            return Source(path=self.word((*where, "each")), each=True, fields=fields)
        fix = "Write a path of the answer, `{value: X}`, `{set: PATH}` or `{each: PATH, fields: {...}}`."
        self.fail(where, f"`{where[-1]}` does not say where its value comes from", fix)

    def _standing(self) -> Role:
        where: Where = ("standing",)
        self.known_keys(where, self._pairs(where), _STANDING)
        if "owner" not in self._pairs(where):
            fix = "Write e.g. `owner: {field: role, equals: owner}`."
            self.fail(where, "nothing says who is an owner", fix)
        call, named = self._get(where, {"account", "user"})
        find = self.optional_word((*where, "find"))
        if isinstance(call, Request) and ("account" not in named or (find is None and "user" not in named)):
            fix = "Use `{account}` and `{user}`; with `find`, a list of the account's people does."
            self.fail((*where, "get"), "the read is not of one person in one account", fix)
        return Role(
            call=call,
            find=find,
            by=self.optional_word((*where, "by")) or "id",
            owner=self._answer((*where, "owner")),
            member=self._answer((*where, "member")) if "member" in self._pairs(where) else None,
        )

    def _person(self) -> Lookup:
        where: Where = ("person",)
        self.known_keys(where, self._pairs(where), _PERSON)
        call, named = self._get(where, {"email"})
        if isinstance(call, Request) and "email" not in named:
            self.fail((*where, "get"), "the read does not say whose address", "Use `{email}` in its query.")
        return Lookup(
            call=call,
            find=self.optional_word((*where, "find")) or "",
            account=self.word((*where, "account")),
            user=self.word((*where, "user")),
        )

    def _subject(self, where: Where) -> tuple[str, ...]:
        kind = str(where[-1])
        self._name(where, kind)
        if kind in _KEPT:
            self.fail(where, f"`{kind}` is no kind of subject", "Choose another name for it.")
        value = self.at(where)
        lists = [value] if isinstance(value, str) else value
        if not isinstance(lists, list) or not all(isinstance(each, str) and each for each in lists):
            fix = f"Write e.g. `{kind}: [domains]`: lists of the account that have them, or `[]`."
            self.fail(where, f"nothing says what an account has of `{kind}`", fix)
        for path in lists:
            self._readable(where, path, ())
        return tuple(lists)

    # --- actions ---

    def _action(self, where: Where, name: str, reads: list[Read]) -> tuple[Action, list[tuple[str, Write]]]:
        self._name(where, name)
        given = self._pairs(where)
        self.known_keys(where, given, _ACTION)
        inputs = self._inputs((*where, "inputs"))
        write = self._write(where, inputs)
        read_back = self._read_back((*where, "read_back"), name, inputs)
        lasting = self._checks((*where, "prerequisites"), inputs, read_back)
        only_before = self._checks((*where, "only_before"), inputs, None)
        prerequisites = (*lasting, *only_before)
        if not prerequisites:
            fix = "List at least one, e.g. `prerequisites: [certificate_presented]`."
            self.fail(where, "`prerequisites` is missing: nothing is done unchecked", fix)
        if read_back is None and isinstance(write, Request | Python):
            fix = (
                "Write e.g. `read_back: {field: settings.https, equals: true}`: done is said of what is seen."
            )
            self.fail(where, f"nothing says when `{name}` is done", fix)
        checks = (*prerequisites, *([read_back] if read_back else []))
        self._looked_at(where, inputs, checks, reads)
        writes: list[tuple[str, Write]] = [(name, write)]
        undo = None
        if "undo" in given:
            self.known_keys((*where, "undo"), self._pairs((*where, "undo")), _UNDO)
            undo = self.optional_word((*where, "undo", "name")) or f"undo_{name}"
            self._name((*where, "undo", "name"), undo)
            writes.append((undo, self._write((*where, "undo"), inputs)))
        action = Action(
            name=name,
            describe=self.word((*where, "describe")),
            effect=name,
            undo=undo,
            inputs=inputs,
            prerequisites=prerequisites,
            only_before=frozenset(only_before),
            read_back=read_back,
            approval=self._approval((*where, "approval")),
            repeatable=not isinstance(write, Request) or write.key_header is not None,
        )
        return action, writes

    def _inputs(self, where: Where) -> tuple[str, ...]:
        value = self.at(where)
        kinds = value if isinstance(value, list) else [] if value is None else [value]
        for kind in kinds:
            if kind not in self._folder.kinds:
                fix = near(str(kind), self._folder.kinds) or "Name it under `subjects:` first."
                self.fail(where, f"there is no kind of subject `{kind}`", fix)
        if len(set(kinds)) != len(kinds):
            self.fail(where, "`inputs` names the same kind twice", "Keep one of them.")
        return tuple(kinds)

    def _write(self, where: Where, inputs: tuple[str, ...]) -> Write:
        known = {"account", *inputs}
        given = self._keys_at(where)
        match self._one_of(where, ("request", "ticket", "python", "webhook"), beside={"ticket": "webhook"}):
            case "request":
                self._only_with(where, "secret", "webhook")
                return self._request(where, known)
            case "webhook":
                return self._webhook(where, known)
            case "ticket":
                where_ticket: Where = (*where, "ticket")
                self.known_keys(where_ticket, self._pairs(where_ticket), _TICKET)
                self._only_with(where, "body", "request")
                for key in ("subject", "text"):
                    text = self.word((*where_ticket, key))
                    self._places((*where_ticket, key), text, {*known, "evidence"})
                return Ticket(
                    to=self.word((*where_ticket, "to")),
                    subject=self.word((*where_ticket, "subject")),
                    text=self.word((*where_ticket, "text")),
                    webhook=self._webhook(where, known) if "webhook" in given else None,
                )
            case _:
                return self._python(where, WRITE_S)

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

    def _checks(self, where: Where, inputs: tuple[str, ...], read_back: Check | None) -> tuple[Check, ...]:
        """`read_back`: what the action changes, so that no check of the same field can hold afterwards."""
        value = self.at(where)
        if value is None:
            return ()
        if not isinstance(value, list):
            fix = f"Write a list, e.g. `{where[-1]}: [certificate_presented]`."
            self.fail(where, f"`{where[-1]}` is no list of checks", fix)
        found = []
        for at, given in enumerate(value):
            check = self.check((*where, at), given, CHECKS)
            if check is None:
                self.fail((*where, at), "an empty line is no check", "Leave it out.")
            self._check_places((*where, at), check, inputs)
            if read_back is not None and check.param("path") == read_back.param("path"):
                fix = "Move it to `only_before:`, which need not hold afterwards."
                self.fail((*where, at), f"the action changes `{check.param('path')}`", fix)
            found.append(check)
        return tuple(found)

    def _read_back(self, where: Where, action: str, inputs: tuple[str, ...]) -> Check | None:
        if self.at(where) is None:
            return None
        self.known_keys(where, self._pairs(where), _READ_BACK)
        path = self.word((*where, "field"))
        if {"get", "python"} & self._keys_at(where):
            own: Where = where if "credential" in self._keys_at(where) else where[:-1]
            call, _ = self._get_as(where, own, {"account", *inputs})
            kinds = tuple(inputs)
            self._made.append(Read(name=f"{action}_read_back", call=call, kinds=kinds))
            path = f"{action}_read_back.{path}"
        check = Check(
            name="account_field", params=(("path", path), ("equals", self._equal((*where, "equals"))))
        )
        self._check_places(where, check, inputs, made=path)
        return check

    def _get_as(
        self, where: Where, credential: Where, known: Collection[str]
    ) -> tuple[Request | Python, list[str]]:
        """A read-back goes out as its action does, unless it names a credential of its own."""
        call, named = self._get(where, known)
        if isinstance(call, Request):
            call = call.model_copy(update={"api": self._reached(credential)})
        return call, named

    def _check_places(self, where: Where, check: Check, inputs: tuple[str, ...], made: str = "") -> None:
        for _, value in check.params:
            self._places(where, value, set(inputs))
        path = check.param("path")
        if check.name == "account_field" and path != made:
            self._readable(where, str(path), inputs)

    def _readable(self, where: Where, path: str, inputs: tuple[str, ...]) -> None:
        first = path.split(".", maxsplit=1)[0]
        if first not in self._folder.reads and "account" not in self._folder.reads:
            known = ", ".join(sorted(self._folder.reads)) or "none"
            fix = near(first, self._folder.reads) or f"Declare it under `reads:` (there are: {known})."
            self.fail(where, f"nothing reads `{first}`", fix)

    def _looked_at(
        self, where: Where, inputs: tuple[str, ...], checks: tuple[Check, ...], reads: list[Read]
    ) -> None:
        """An input that no check looks at could be anything."""
        named = {kind for check in checks for _, value in check.params for kind in places(value)}
        paths = [str(check.param("path") or "").split(".")[0] for check in checks]
        by_name = {read.name: read for read in (*reads, *self._made)}
        for first in paths:
            if (read := by_name.get(first)) is not None:
                call = read.call
                named |= set(places(call.path)) if isinstance(call, Request) else set()
                missing = set(read.kinds) - set(inputs)
                if missing:
                    fix = f"Add it: `inputs: [{', '.join(sorted(missing))}]`."
                    self.fail(where, f"the read `{first}` needs a value of `{min(missing)}`", fix)
        for kind in inputs:
            if kind not in named:
                fix = f"Use `{{{kind}}}` in a prerequisite or in `read_back`."
                self.fail((*where, "inputs"), f"no check looks at the input `{kind}`", fix)

    def _approval(self, where: Where) -> Literal["none", "customer", "agent"]:  # noqa: RET503
        match self.at(where):
            case None | "agent":  # the most careful, where nobody has said
                return "agent"
            case "customer":
                return "customer"
            case "none":
                return "none"
            case other:
                fix = f"Write one of: {', '.join(_APPROVALS)}."
                self.fail(where, f"`{other}` is nobody who approves", fix)

    # --- small things ---

    def _answer(self, where: Where) -> Answer:
        self.known_keys(where, self._pairs(where), _ANSWER)
        value = self.at((*where, "equals"))
        equals = value if isinstance(value, list) else [value]
        if not equals or not all(isinstance(each, get_args(Equals)) for each in equals):
            fix = "Write e.g. `{field: role, equals: owner}`; a list of values means any of them."
            self.fail(where, f"`{where[-1]}` does not say what it equals", fix)
        return Answer(field=self.word((*where, "field")), equals=tuple(equals))

    def _equal(self, where: Where) -> Equals:
        value = self.at(where)
        if not isinstance(value, str | bool | int | float):
            self.fail(where, f"`{where[-1]}` is neither a text nor a number", "Write e.g. `equals: true`.")
        return value

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

    def _seconds(self, where: Where, usual: float) -> float:
        value = self.at((*where, "timeout"))
        if value is None:
            return usual
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_S:
            fix = f"Write seconds, at most {LONGEST_S:.0f}."
            self.fail((*where, "timeout"), f"`{value}` is no time to wait", fix)
        return float(value)

    def _name(self, where: Where, name: str) -> None:
        if not NAME.fullmatch(name):
            fix = "Use small letters, digits and `_`, e.g. `enable_https`."
            self.fail(where, f"`{name}` cannot be a name", fix)

    def _pairs(self, where: Where) -> dict[str, object]:
        value = self.at(where)
        if value is None:
            return {}
        if not isinstance(value, dict):
            fix = f"Write e.g. `{where[-1]}: {{key: value}}`, or lines below it."
            self.fail(where, f"`{where[-1]}` has no `key: value` lines", fix)
        return {str(key): inner for key, inner in value.items()}

    def _keys_at(self, where: Where) -> set[str]:
        value = self.at(where)
        return {str(key) for key in value} if isinstance(value, dict) else set()

    def _one_of(self, where: Where, keys: tuple[str, ...], beside: Mapping[str, str] | None = None) -> str:
        given = [key for key in keys if key in self._keys_at(where)]
        given = [key for key in given if key not in {(beside or {}).get(other) for other in given}]
        if len(given) != 1:
            what = " and ".join(f"`{key}`" for key in given) if given else "none of them"
            self.fail(where, f"it has {what}", f"Write exactly one of: {', '.join(keys)}.")
        return given[0]

    def _only_with(self, where: Where, key: str, what: str) -> None:
        if key in self._keys_at(where):
            self.fail((*where, key), f"`{key}` is for `{what}`", "Leave it out.")

    def fail(self, where: Where, what: str, fix: str) -> NoReturn:
        super().fail(where, what, fix)
