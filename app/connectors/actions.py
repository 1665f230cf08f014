"""What a connector file says of actions: the write, what has to hold before, what shows that it is done."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from app.action import Action
from app.connectors.calls import WRITE_S, Folder
from app.connectors.fill import places
from app.connectors.keys import ACTION, READ_BACK, TICKET, UNDO
from app.connectors.model import Python, Read, Request, Ticket, Write
from app.connectors.reads import Reads
from app.probes import CHECKS
from knowledge.frontmatter import FrontMatter, Where
from knowledge.model import Check
from knowledge.yaml_reader import near

_APPROVALS = ("none", "customer", "agent")


class Actions(Reads):
    """A file, action by action."""

    def __init__(self, page: FrontMatter, path: Path, folder: Folder) -> None:
        super().__init__(page, path, folder)
        self._made: list[Read] = []
        """Reads that a read-back declares where it stands."""

    def _action(self, where: Where, name: str, reads: list[Read]) -> tuple[Action, list[tuple[str, Write]]]:
        self._name(where, name)
        given = self._pairs(where)
        self.known_keys(where, given, ACTION)
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
            self.known_keys((*where, "undo"), self._pairs((*where, "undo")), UNDO)
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
                self.known_keys(where_ticket, self._pairs(where_ticket), TICKET)
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
        self.known_keys(where, self._pairs(where), READ_BACK)
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
