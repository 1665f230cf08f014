"""What we need from outside, as Protocols, and Services, wired once in a composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from app.models.conversation import Message
from app.models.event import NewEvent
from app.models.people import Principal, Standing
from app.models.reading import Reading
from app.models.steps import Finding
from knowledge.model import Address, Check, Citation, Cited, Fate, Hit, Procedure

if TYPE_CHECKING:
    from app.action import Action
    from app.adapters.store import Store
    from app.settings import Settings


NO_SUBJECTS: Mapping[str, str] = {}
AT_ONCE = 4
"""Messages that are read at once inside this process: reading is work of the processor."""


class Accounts(Protocol):
    """The company's own account system, asked at the moment of use. Raises `Unavailable`."""

    async def standing(self, principal: Principal) -> Standing: ...

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        """Value at a dotted path of the account's record; None where there is none.

        `subjects`: a value for each kind that the read behind the path may need.
        """
        ...

    async def subjects(self, account: str, kind: str) -> tuple[str, ...]:
        """The account's own subjects of a kind, e.g. its branded link hosts for `domain`."""
        ...

    async def person_by_email(self, email: str) -> Principal | None:
        """Whose address this is, where the account system knows exactly one; asked for proven ones only."""
        ...

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> str | None:
        """Performs one named write once per idempotency key; `evidence` is what was seen right before.

        None where it was sent, else what a person has to send, word for word. Raises `BadInput` where it was
        refused, `Unavailable` when nothing was sent, `OutcomeUnknown` when the answer was lost.
        """
        ...


class Call(Protocol):
    """A read or a write in Python, where a connector file is not enough: `python: package.module:function`.

    Of a read it gives the value and `key` is empty; of a write, do it once per key, and raise as
    `Accounts.change` does. `credential` is the secret that the file names for this call alone.
    """

    async def __call__(
        self, account: str, inputs: Mapping[str, str], *, key: str, credential: str
    ) -> object: ...


class Look(Protocol):
    """A probe: a read-only look at the world for one subject. Never raises for what it sees."""

    async def __call__(
        self, check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
    ) -> Finding: ...


class Reader(Protocol):
    """conversation -> Reading. Sees titles and steps of procedures, never findings or identity.

    `messages` is the whole conversation (and the case's earlier ones), oldest first, last one the
    customer's. `procedures` are the approved candidates, best first.
    """

    async def __call__(self, messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading: ...


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, with time zone UTC."""
        ...


class Progress(Protocol):
    """Shows events of a turn that is under way, at once."""

    async def __call__(self, *news: NewEvent) -> None: ...


class Writer(Protocol):
    """(question, language, quoted lines) -> an answer with [n] marks, or None where it cannot be trusted.

    `told` gets the words so far as they come, before anybody has checked them.
    """

    async def __call__(
        self,
        question: str,
        lang: str,
        lines: Sequence[str],
        told: Callable[[str], Awaitable[None]] | None = None,
    ) -> str | None: ...


class Library(Protocol):
    """What we know, as a conversation needs it."""

    async def candidates(self, messages: Sequence[Message]) -> tuple[Procedure, ...]:
        """Approved procedures that the conversation may be about, best first."""
        ...

    async def procedure(self, id: str, lang: str) -> Procedure | None:
        """In the words of its translated page, where there is one."""
        ...

    async def search(self, query: Sequence[tuple[str, float]], *, lang: str) -> list[Hit]:
        """Passages for weighted sentences, best first."""
        ...

    async def section(self, procedure: Procedure, step: str) -> Citation | None:
        """Where the section stands that explains a step."""
        ...

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        """Those whose page is not any more as it was when it was cited."""
        ...

    async def addresses(self) -> Mapping[str, Address]:
        """Where the pages of the company's own sites are read, by document."""
        ...


class Named(Protocol):
    """Which of the names that an account has of a kind the customer says, in whatever words."""

    def __call__(self, names: Sequence[str], messages: Sequence[Message], kind: str) -> tuple[str, ...]: ...


def none_named(names: Sequence[str], messages: Sequence[Message], kind: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Services:
    """Everything `handle` needs from outside, wired once in a composition root."""

    settings: Settings
    clock: Clock
    store: Store
    library: Library
    read: Reader
    accounts: Accounts
    looks: Mapping[str, Look]
    actions: Mapping[str, Action]
    write: Writer | None = None
    named: Named = none_named
    locks: MutableMapping[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """One per party, as long as anybody holds it or waits: one message of a party at a time."""
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    """So many messages are read at once. What is done, looked at and approved waits for none of them."""
    held: set[str] = field(default_factory=set)
    """Requests that wait because actions are switched off; a start finds them in their table."""
