"""The outside in memory, its whole state public: for tests, and for trying things without a platform."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from app.errors import Unavailable
from app.models.conversation import Message
from app.models.people import Principal, Standing
from app.models.steps import Finding
from app.ports import NO_SUBJECTS, Clock, Look
from knowledge.model import Address, Check, Citation, Cited, Fate, Hit, Procedure

Sight = Literal["met", "not_met", "waiting", "unknown"]
"""What a look sees; `waiting` is not met, and only needs time."""

EFFECTS: Mapping[str, tuple[str, object]] = {
    "enable_https": ("settings.https_tracking", True),
    "disable_https": ("settings.https_tracking", False),
    "resume_sending": ("sending.paused", False),
    "pause_sending": ("sending.paused", True),
    "assign_dedicated_ip": ("dedicated_ip.assigned", True),
    "release_dedicated_ip": ("dedicated_ip.assigned", False),
    "move_domain": ("domains.{domain}.workspace", "{workspace}"),
}
"""The field that each write sets, and its value; `{...}` stands for an input."""

COUNTS = timedelta(minutes=2)


class MemoryAccounts:
    """An account system. `effects` is its ledger: one line per write that took place."""

    def __init__(self) -> None:
        self.roles: dict[tuple[str, str], Standing] = {}
        """Standing by (account, user); who is not there is a stranger."""
        self.fields: dict[tuple[str, str], object] = {}
        """Value by (account, dotted path)."""
        self.owned: dict[tuple[str, str], tuple[str, ...]] = {}
        """Subjects by (account, kind)."""
        self.people: dict[str, Principal] = {}
        """Customers by e-mail address."""
        self.effects: list[tuple[str, str]] = []
        """(account, effect) of every write that took place."""
        self.sent: list[str] = []
        """The key of every call to `change`."""
        self.down = False
        self.before: list[Exception | None] = []
        """For each coming write: what is raised instead of it."""
        self.after: list[Exception | None] = []
        """For each coming write: what is raised though it took place."""
        self._keys: set[str] = set()

    async def standing(self, principal: Principal) -> Standing:
        self._answer()
        if principal.kind != "customer" or principal.account is None:
            return "anonymous"
        return self.roles.get((principal.account, principal.id), "stranger")

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        self._answer()
        return self.fields.get((account, path))

    async def subjects(self, account: str, kind: str) -> tuple[str, ...]:
        self._answer()
        return self.owned.get((account, kind), ())

    async def person_by_email(self, email: str) -> Principal | None:
        self._answer()
        return self.people.get(email)

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> None:
        self.sent.append(key)
        self._answer()
        _raise_next(self.before)
        if key not in self._keys:
            self._keys.add(key)
            self.effects.append((account, effect))
            path, value = EFFECTS[effect]
            self.fields[account, path.format(**inputs)] = filled(value, inputs)
        _raise_next(self.after)

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("The account system is down; try again later.")


def filled(value: object, inputs: Mapping[str, str]) -> object:
    return value.format(**inputs) if isinstance(value, str) else value


def _raise_next(errors: list[Exception | None]) -> None:
    error = errors.pop(0) if errors else None
    if error is not None:
        raise error


class MemoryLooks:
    """Looks by check name. `sights`: what each sees, by `check` or by (`check`, subject); else it is met."""

    def __init__(self, accounts: MemoryAccounts, clock: Clock) -> None:
        self.sights: dict[str | tuple[str, str], Sight] = {}
        self.taken: list[str] = []
        """The name of every look that was taken."""
        self._accounts = accounts
        self._clock = clock

    def __call__(self, names: Sequence[str]) -> dict[str, Look]:
        return dict.fromkeys(names, self._look)

    async def _look(
        self, check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
    ) -> Finding:
        self.taken.append(check.name)
        if check.name == "account_field":
            return self._finding(check, await self._field(check, account, subjects), subject)
        sight = self.sights.get((check.name, subject or "")) or self.sights.get(check.name, "met")
        return self._finding(check, sight, subject)

    async def _field(self, check: Check, account: str | None, subjects: Mapping[str, str]) -> Sight:
        path = str(check.param("path")).format(**subjects)
        if account is None or self._accounts.down:
            return "unknown"
        value = await self._accounts.field(account, path)
        return "met" if value == filled(check.param("equals"), subjects) else "not_met"

    def _finding(self, check: Check, sight: Sight, subject: str | None) -> Finding:
        at = self._clock()
        return Finding(
            check=check.name,
            met={"met": True, "unknown": None}.get(sight, False),
            code=f"simulated_{'not_met' if sight == 'waiting' else sight}",
            subject=subject,
            at=at,
            until=at + COUNTS,
            needs_time=sight == "waiting",
        )


class MemoryLibrary:
    """A shelf of procedures, and the hits that every search gives."""

    def __init__(self, procedures: Sequence[Procedure] = (), hits: Sequence[Hit] = ()) -> None:
        self.procedures = list(procedures)
        self.hits = list(hits)
        self.fates: dict[Cited, Fate] = {}
        """What became of pages that were cited."""
        self.sites: dict[str, Address] = {}
        """Where pages of sites are read, by document."""

    async def candidates(self, messages: Sequence[Message]) -> tuple[Procedure, ...]:
        return tuple(self.procedures)

    async def procedure(self, id: str, lang: str) -> Procedure | None:
        return next((procedure for procedure in self.procedures if procedure.id == id), None)

    async def search(self, query: Sequence[tuple[str, float]], *, lang: str) -> list[Hit]:
        return list(self.hits)

    async def section(self, procedure: Procedure, step: str) -> Citation | None:
        return None

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        return {each: self.fates[each] for each in cited if each in self.fates}

    async def addresses(self) -> Mapping[str, Address]:
        return dict(self.sites)
