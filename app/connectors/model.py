"""What connector files declare: reads of an account, and writes with their places. Frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

from app.action import Action
from knowledge.model import Value

Equals = str | bool | int | float


class Api(Value):
    """Where requests go, and as whom. Addresses and credentials may be references: `env:NAME`."""

    address: str
    credential: str | None = None
    """A reference, never the secret."""
    header: str = "Authorization"
    """The header that the credential goes into."""
    scheme: str = "Bearer"
    """What stands before it there."""
    headers: tuple[tuple[str, str], ...] = ()


class Answer(Value):
    """What an answer has to say, beside its status."""

    field: str
    equals: tuple[Equals, ...]


class Request(Value):
    """One HTTP request; `{...}` in its path, headers and body stands for a value."""

    kind: Literal["request"] = "request"
    api: Api
    method: str
    path: str
    body: dict[str, Any] | None = None
    key_header: str | None = None
    """Names the header that carries the idempotency key; None where the platform takes none."""
    answer: Answer | None = None
    timeout: float


class Webhook(Value):
    """A signed POST to an address of the company's, at least once under its key."""

    kind: Literal["webhook"] = "webhook"
    address: str
    secret: str
    """A reference."""
    body: dict[str, Any] | None = None
    answer: Answer | None = None
    timeout: float


class Ticket(Value):
    """What only people can do elsewhere: written from what was seen, sent by a webhook or by a person."""

    kind: Literal["ticket"] = "ticket"
    to: str
    subject: str
    text: str
    webhook: Webhook | None = None


class Python(Value):
    """Where a file is not enough: `module:function`, an `app.ports.Call`."""

    kind: Literal["python"] = "python"
    entry: str
    credential: str | None = None
    timeout: float


Write = Request | Webhook | Ticket | Python


class Source(Value):
    """Where a field comes from: a path of the answer, a constant, or whether a path has a value."""

    path: str = ""
    value: Equals | None = None
    is_set: bool = False
    each: bool = False
    """The path is a list, and `fields` are those of its elements."""
    fields: tuple[tuple[str, Source], ...] = ()


class Read(Value):
    """One read, in the shape that pages and actions name its fields by."""

    name: str
    call: Request | Python
    take: str = ""
    """Path of the answer that is the value; empty for all of it."""
    fields: tuple[tuple[str, Source], ...] = ()
    """Beside what the answer has; of a list: of each element."""
    kinds: tuple[str, ...] = ()
    """Kinds of subject that it needs a value of."""


class Role(Value):
    """Who a person of an account is, by what a read says of them."""

    call: Request | Python
    find: str | None = None
    """Path of a list in which the person is found by `by`; None where the answer is the person."""
    by: str = "id"
    owner: Answer
    member: Answer | None = None
    """None: whoever is found."""


class Lookup(Value):
    """Whose an e-mail address is."""

    call: Request | Python
    find: str
    account: str
    user: str


class Connector(Value):
    """One file."""

    name: str
    file: str
    api: Api | None = None
    reads: tuple[Read, ...] = ()
    standing: Role | None = None
    person: Lookup | None = None
    subjects: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For each kind, the lists of the account that have its subjects: the first that is not empty counts."""
    actions: tuple[Action, ...] = ()
    writes: tuple[tuple[str, Write], ...] = ()
    """By the name of the effect: what actions do, and what undoes them."""


class Connectors(Value):
    """All files of an installation; no two of them declare the same."""

    of: tuple[Connector, ...] = ()

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        return {action.name: action for each in self.of for action in each.actions}

    @cached_property
    def writes(self) -> Mapping[str, Write]:
        return {effect: write for each in self.of for effect, write in each.writes}

    @cached_property
    def reads(self) -> Mapping[str, Read]:
        return {read.name: read for each in self.of for read in each.reads}

    @cached_property
    def subjects(self) -> Mapping[str, tuple[str, ...]]:
        return {kind: lists for each in self.of for kind, lists in each.subjects}

    @property
    def standing(self) -> Role | None:
        return next((each.standing for each in self.of if each.standing is not None), None)

    @property
    def person(self) -> Lookup | None:
        return next((each.person for each in self.of if each.person is not None), None)

    def references(self) -> dict[str, None]:
        """Everything that is named and not written down: addresses and credentials, in order."""
        calls: list[Request | Python] = [read.call for read in self.reads.values()]
        calls += [each.call for each in (self.standing, self.person) if each is not None]
        named = [name for call in calls for name in _references(call)]
        named += [name for write in self.writes.values() for name in _references(write)]
        return dict.fromkeys(name for name in named if name.startswith("env:"))


def _references(write: Write) -> Iterator[str]:
    match write:
        case Request():
            yield write.api.address
            yield write.api.credential or ""
        case Webhook():
            yield write.address
            yield write.secret
        case Ticket():
            if write.webhook is not None:
                yield from _references(write.webhook)
        case Python():
            yield write.credential or ""
