"""The world of one simulated customer in memory: what is looked at, the account system, and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app.action import Action
from app.connectors.heron import ACTIONS
from app.errors import BadInput
from app.models.people import Principal, Standing
from app.models.steps import Finding
from app.ports import NO_SUBJECTS, Look
from app.probes.codes import TABLE
from app.probes.finding import Seen, found
from evals.simulate.customer import Customer
from evals.simulate.timeline import Effect, Place, Timeline, Truth
from knowledge.model import Check, Procedure, Step

COUNTS = timedelta(minutes=2)
_WORST: tuple[Truth, ...] = ("no", "waiting", "yes")

CODES: Mapping[str, tuple[str, str, str]] = {
    "click_tracking_on": ("tracking_off", "tracking_off", "tracking_on"),
    "branded_link_set_up": ("branded_link_record_missing", "dns_resolvers_disagree", "branded_link_direct"),
    "certificate_presented": ("certificate_of_platform", "certificate_pending", "certificate_valid"),
    "tls_certificate": ("certificate_of_platform", "certificate_pending", "certificate_valid"),
    "dns_record": ("dns_record_missing", "dns_resolvers_disagree", "dns_record_found"),
    "http_status": ("http_status_other", "http_status_other", "http_status_as_expected"),
    "account_field": ("account_field_other", "account_field_other", "account_field_as_expected"),
}
"""What each look sees where a step is not done, needs time, and holds."""

OTHERWISE = {"True": "false", "False": "true", "scale": "growth", "active": "archived"}
"""What an account says where a page wants this value."""


class Clock:
    """A clock that is moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class MemoryWorld:
    """Everything outside, for one customer: `Accounts`, and a look for every check."""

    def __init__(self, customer: Customer, procedure: Procedure, timeline: Timeline, clock: Clock) -> None:
        self.timeline, self.clock = timeline, clock
        self.effects: list[Effect] = []
        self._customer, self._procedure = customer, procedure
        self._action: Action | None = ACTIONS.get(procedure.action or "")
        self._keys: set[str] = set()
        self._steps: dict[Check, Step] = {step.check: step for step in procedure.steps if step.check}
        self._on = False

    # --- what is true ---

    async def set(self, place: Place, truth: Truth, at: datetime | None = None) -> None:
        self.timeline.set(at or self.clock(), place, truth)

    async def outcome(self) -> bool:
        """Whether the customer has what they want: the effect, or every step where no action brings it."""
        if self._action is not None:
            return self._on
        return all(self.timeline.holds(step.id, self.clock()) for step in self._procedure.steps)

    async def written(self) -> tuple[Effect, ...]:
        return tuple(self.effects)

    # --- the account system ---

    async def standing(self, principal: Principal) -> Standing:
        return "anonymous" if principal.kind == "anonymous" else self._customer.role

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        return None

    async def subjects(self, account: str, kind: str) -> tuple[str, ...]:
        values = dict(self._customer.subjects).get(kind, ())
        return ("main", *values) if kind == "workspace" else values

    async def person_by_email(self, email: str) -> Principal | None:
        return None

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> None:
        if key in self._keys:
            return
        foreign = self._foreign(inputs)
        if foreign is not None:
            raise BadInput(f"the account has no {foreign}. Name one of its own.")
        self._keys.add(key)
        self.effects.append(Effect(at=self.clock(), effect=effect, inputs=tuple(inputs.items())))
        if self._action is not None and effect in (self._action.effect, self._action.undo):
            self._on = effect == self._action.effect

    # --- looks ---

    @property
    def looks(self) -> dict[str, Look]:
        return dict.fromkeys(CODES, self._look)

    async def _look(
        self, check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
    ) -> Finding:
        if account is None:
            return found(Seen("account_not_known"), check, subject, self.clock)
        truth = self._seen(check, subject, subjects)
        code = CODES[check.name][_WORST.index(truth)]
        values = {name: self._value(name, check, subject, subjects) for name in TABLE[code].seen}
        return found(Seen(code, values, COUNTS), check, subject, self.clock)

    def _foreign(self, named: Mapping[str, str]) -> str | None:
        """What is named and not this account's."""
        own = dict(self._customer.subjects)
        extra = {"workspace": ("main",)}
        wrong = [v for kind, v in named.items() if v not in (*own.get(kind, ()), *extra.get(kind, ()))]
        return wrong[0] if wrong else None

    def _seen(self, check: Check, subject: str | None, subjects: Mapping[str, str]) -> Truth:
        """Of another procedure than the customer's nothing holds, nor of what the account does not have."""
        now = self.clock()
        text = " ".join(str(value) for _, value in check.params)
        if self._foreign({kind: v for kind, v in subjects.items() if f"{{{kind}}}" in text}) is not None:
            return "no"
        if self._action is not None and check == self._action.read_back:
            return "yes" if self._on else "no"
        step = self._steps.get(check)
        if step is None:
            return "no"
        places = [p for p in self.timeline.places if p.step == step.id]
        mine = [p for p in places if p.subject == subject] if check.name == "branded_link_set_up" else places
        return min((self.timeline.truth(p, now) for p in mine or places), key=_WORST.index)

    def _value(self, name: str, check: Check, subject: str | None, subjects: Mapping[str, str]) -> str:
        host = subject or next((v for _, values in self._customer.subjects for v in values), "the account")
        params = {key: _filled(str(value), subjects) for key, value in check.params}
        known = {
            "host": host,
            "target": "track.heron.example",
            "name": params.get("name", host),
            "type": params.get("type", "CNAME"),
            "expected": params.get("equals") or params.get("contains") or "track.heron.example",
            "path": params.get("path", ""),
            "issuer": "Example CA",
            "expires": "2027-03-01",
            "address": "203.0.113.9",
            "seen": OTHERWISE.get(params.get("equals", ""), "something else"),
        }
        return known.get(name, "-")


def _filled(text: str, subjects: Mapping[str, str]) -> str:
    for kind, value in subjects.items():
        text = text.replace(f"{{{kind}}}", value)
    return text
