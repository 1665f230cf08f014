"""A running world as simulated customers change it: their steps become accounts, records and edges."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from evals.simulate.customer import Customer
from evals.simulate.timeline import Effect, Place, Timeline, Truth
from evals.world import scenarios
from evals.world.spec import (
    Account,
    Addresses,
    BrandedLink,
    Domain,
    Edge,
    Record,
    Sending,
    State,
    TokenCname,
    User,
)
from knowledge.model import Check, Procedure

SPEED = 1200
"""So many seconds of a customer's life are one."""
MOST_S = 4.0
"""No wait is longer: two days, too, are over after it."""


def compressed(seconds: float) -> float:
    return min(max(seconds, 0) / SPEED, MOST_S)


class HttpWorld:
    """The world of one customer over `/_world/`: what they do is set there, what was written is read."""

    def __init__(
        self, addresses: Addresses, customer: Customer, procedure: Procedure, *, account: str
    ) -> None:
        self.account, self.user = account, "u-owner"
        names = tuple((kind, tuple(_own(v, account) for v in values)) for kind, values in customer.subjects)
        places = {
            Place(step=p.step, subject=_own(p.subject, account) if p.subject else ""): truth
            for p, truth in customer.truths
        }
        self.customer = customer.model_copy(update={"subjects": names, "truths": tuple(places.items())})
        if customer.role == "stranger":
            self.user = "u-nobody"
        elif customer.role == "member":
            self.user = "u-member"
        self.timeline = Timeline(datetime.now(UTC), places)
        self._procedure = procedure
        self._later: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(
            base_url=f"{addresses.api}/_world",
            headers={"Authorization": f"Bearer {addresses.control_token}"},
            trust_env=False,
            timeout=10,
        )

    async def __aenter__(self) -> HttpWorld:
        await self._send("POST", "/set", State(accounts=(self._first(),)).model_dump(mode="json"))
        await self._push()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        await self._client.aclose()

    # --- what is true ---

    async def set(self, place: Place, truth: Truth, at: datetime | None = None) -> None:
        """Now, or after the compressed time until then."""
        now = datetime.now(UTC)
        wait = compressed((at - now).total_seconds()) if at else 0.0
        self.timeline.set(now + timedelta(seconds=wait), place, truth)
        if wait:
            task = asyncio.create_task(self._push_after(wait))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        else:
            await self._push()

    async def _push_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds + 0.01)
        await self._push()

    async def outcome(self) -> bool:
        account = Account.model_validate(await self._send("GET", f"/accounts/{self.account}"))
        match self._procedure.action:
            case "enable_https":
                return account.settings.https_tracking
            case "resume_sending":
                return not account.sending.paused
            case "assign_dedicated_ip":
                return account.dedicated_ip is not None
            case "move_domain":
                return all(domain.workspace == self._value("workspace") for domain in account.domains)
        return False

    async def written(self) -> tuple[Effect, ...]:
        rows = await self._send("GET", "/effects", params={"account": self.account})
        found = [_effect(row) for row in rows]
        return tuple(effect for effect in found if effect is not None)

    # --- how it is set ---

    def _value(self, kind: str) -> str:
        return next(iter(dict(self.customer.subjects).get(kind, ())), "")

    def _first(self) -> Account:
        """The account before anything was done; the people in it never change."""
        resumes = self._procedure.action == "resume_sending"
        names = dict(self.customer.subjects).get("domain", ())
        return Account(
            id=self.account,
            name=self.account,
            sending=Sending(paused=resumes, reason="bounce_rate" if resumes else None),
            users=(
                User(id="u-owner", name="Ona Roy", email=f"ona@{self.account}.example", role="owner"),
                User(id="u-member", name="Mel Lund", email=f"mel@{self.account}.example", role="member"),
            ),
            domains=tuple(Domain(name=_zone(name), workspace="main") for name in names[:1]),
            workspaces=("main",),
        )

    def _true(self, step: str, subject: str = "") -> bool:
        now = datetime.now(UTC)
        places = [p for p in self.timeline.places if p.step == step and (not subject or p.subject == subject)]
        return all(self.timeline.truth(place, now) == "yes" for place in places)

    async def _push(self) -> None:
        """Everything as the timeline has it now; what writes have changed stays as it is."""
        fields: dict[str, Any] = {"settings": {}}
        records: list[Record] = []
        edges: list[Edge] = []
        for step in self._procedure.steps:
            check = step.check
            if check is not None and check.name == "click_tracking_on":
                fields["settings"]["click_tracking"] = self._true(step.id)
            elif check is not None and check.name == "account_field":
                self._set_field(fields, check, self._true(step.id))
            elif check is not None and check.name == "dns_record":
                records.append(self._text_record(check, self._true(step.id)))
        linked = _step_of(self._procedure, "branded_link_set_up")
        if linked is not None:
            links, more, edges = self._links(linked, _step_of(self._procedure, "certificate_presented"))
            fields["branded_links"] = [link.model_dump(mode="json") for link in links]
            records += more
        given = State(records=tuple(records), edges=tuple(edges))
        await self._send("PATCH", f"/accounts/{self.account}", fields)
        await self._send("POST", "/set", given.model_dump(mode="json"))

    def _set_field(self, fields: dict[str, Any], check: Check, true: bool) -> None:
        path = str(check.param("path"))
        if path == "plan":
            fields["plan"] = str(check.param("equals")) if true else "growth"
        elif path.startswith("settings."):
            fields["settings"][path.removeprefix("settings.")] = true
        elif path.startswith("workspaces."):
            fields["workspaces"] = ["main", self._value("workspace")] if true else ["main"]

    def _text_record(self, check: Check, true: bool) -> Record:
        value = f"v=spf1 {check.param('contains')} ~all" if true else "v=spf1 -all"
        name = str(check.param("name")).replace("{domain}", self._value("domain"))
        return Record(name=name, type="TXT", values=(value,), ttl=1)

    def _links(
        self, linked: str, certified: str | None
    ) -> tuple[list[BrandedLink], list[Record], list[Edge]]:
        links: list[BrandedLink] = []
        records: list[Record] = []
        edges: list[Edge] = []
        for number, host in enumerate(dict(self.customer.subjects).get("domain", ())):
            token = f"hm-{number}.{_zone(host)}"
            ready, certificate = self._true(linked, host), bool(certified and self._true(certified, host))
            links.append(
                BrandedLink(
                    id=f"{self.account}-{number}",
                    host=host,
                    token_cname=TokenCname(host=token),
                    validated=ready,
                    validated_at="2026-02-03T12:00:00Z" if ready else None,
                )
            )
            missing = [Record(name=name, type="NXDOMAIN") for name in (host, token)]
            records += [scenarios.direct(token)] if ready else missing[1:]
            if certificate:
                records.append(scenarios.proxied(host))
            else:
                records += [scenarios.direct(host)] if ready else missing[:1]
            edges.append(Edge(host=host, kind="valid" if certificate else "closed"))
        return links, [record.model_copy(update={"ttl": 1}) for record in records], edges

    async def _send(
        self, method: str, path: str, body: object = None, params: dict[str, str] | None = None
    ) -> Any:
        response = await self._client.request(method, path, json=body, params=params)
        response.raise_for_status()
        return response.json()


def _step_of(procedure: Procedure, check: str) -> str | None:
    return next((s.id for s in procedure.steps if s.check is not None and s.check.name == check), None)


def _own(name: str, account: str) -> str:
    """A name that no other customer has; what is no host name stays."""
    head, dot, tail = name.rpartition(".")
    if not dot:
        return name
    start, point, zone = head.rpartition(".")
    return f"{start}{point}{account}-{zone}{dot}{tail}"


def _zone(host: str) -> str:
    return ".".join(host.split(".")[-2:])


def _effect(row: dict[str, Any]) -> Effect | None:
    """One line of the platform's ledger in the words of our actions."""
    after = row["after"]
    at = datetime.fromtimestamp(row["at"], UTC)
    match row["effect"]:
        case "settings" if "https_tracking" in after:
            return Effect(at=at, effect="enable_https" if after["https_tracking"] else "disable_https")
        case "sending":
            return Effect(at=at, effect="pause_sending" if after["paused"] else "resume_sending")
        case "dedicated_ip":
            return Effect(at=at, effect="assign_dedicated_ip" if after["ip"] else "release_dedicated_ip")
        case "domain_workspace":
            inputs = (("domain", str(after["domain"])), ("workspace", str(after["workspace"])))
            return Effect(at=at, effect="move_domain", inputs=inputs)
        case other:
            return Effect(at=at, effect=str(other))
