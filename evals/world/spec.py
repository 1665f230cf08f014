"""The values that describe a world: accounts, DNS records, TLS edges and what changes later."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TRACKING_TARGET = "track.heron.example"

Role = Literal["owner", "admin", "member"]
View = Literal["all", "first", "second", "authority"]
RecordType = Literal[
    "A", "AAAA", "CNAME", "TXT", "NS", "CAA", "ALTERNATING", "NXDOMAIN", "SERVFAIL", "REFUSED", "TIMEOUT"
]
EdgeKind = Literal[
    "valid",
    "other_name",
    "expired",
    "self_signed",
    "missing_intermediate",
    "platform_certificate",
    "handshake_drip",
    "closed",
    "redirect_loop",
    "host_not_forwarded",
    "origin_down",
]
FaultKind = Literal[
    "timeout",
    "error",
    "slow",
    "drop_then_apply",
    "apply_then_drop",
    "apply_then_error",
    "apply_then_hang",
    "say_only",
    "half_apply",
    "stale_read",
    "flapping_read",
]
"""`timeout`, `error` and `slow` come before the request is carried out, and the first two instead of it.
`drop_then_apply` is carried out after the connection is gone, `apply_then_*` before the answer breaks.
`say_only` answers as if it were done. `half_apply` does it and breaks an edge of the account. A `stale_read`
sees the account as it was, a `flapping_read` every other time."""


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class User(Value):
    id: str
    name: str
    email: str
    role: Role


class TokenCname(Value):
    host: str
    target: str = TRACKING_TARGET


class BrandedLink(Value):
    id: str
    host: str
    token_cname: TokenCname
    """Proves ownership and stays at the platform after a proxy is put in front of `host`."""
    validated: bool = True
    validated_at: str | None = "2026-02-03T12:00:00Z"
    target: str = TRACKING_TARGET


class Domain(Value):
    name: str
    workspace: str
    verified: bool = True


class Settings(Value):
    click_tracking: bool = True
    open_tracking: bool = True
    double_opt_in: bool = False
    https_tracking: bool = False


class Sending(Value):
    paused: bool = False
    reason: str | None = None


class Account(Value):
    id: str
    name: str
    plan: str = "growth"
    settings: Settings = Settings()
    sending: Sending = Sending()
    dedicated_ip: str | None = None
    workspaces: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    branded_links: tuple[BrandedLink, ...] = ()
    domains: tuple[Domain, ...] = ()


class Record(Value):
    """All values of one type at one name; loading any record of a (name, view) replaces the others there.

    A value `@host` stands for the address of that host's edge. ALTERNATING answers its values in turn.
    The last four types are ways not to answer.
    """

    name: str
    type: RecordType
    values: tuple[str, ...] = ()
    ttl: int = 300
    view: View = "all"
    """Who sees it: every server, or one of them instead of what the others see."""


class Edge(Value):
    """What listens at the address of a host: a proxy with a certificate, in some state of health."""

    host: str
    kind: EdgeKind = "valid"
    days: int = 90
    """Until the certificate expires."""


class State(Value):
    accounts: tuple[Account, ...] = ()
    records: tuple[Record, ...] = ()
    edges: tuple[Edge, ...] = ()


class Change(State):
    """A state that comes true `after` seconds."""

    after: float


class Person(Value):
    account: str
    user: str


class Spec(State):
    """A scenario: what to load, and the names that a test speaks of."""

    account: str
    hosts: tuple[str, ...]
    owner: Person
    member: Person
    stranger: Person
    """Owner of another account."""
    changes: tuple[Change, ...] = ()

    def state(self) -> State:
        return State(accounts=self.accounts, records=self.records, edges=self.edges)


class Fault(Value):
    """Misbehaviour of the API for the next `times` requests that match (None: until cleared)."""

    kind: FaultKind
    path: str = "*"
    """Shell pattern over the path, e.g. `/v1/accounts/*/settings`."""
    method: str = "*"
    times: int | None = Field(default=1, ge=1)
    seconds: float = 1.0
    """How long it hangs, how late a dropped write lands, how old a stale read is."""
    status: int = 500


class Effect(Value):
    """One write that took place: a row of the ledger."""

    seq: int
    at: float
    account: str
    effect: str
    before: dict[str, object]
    after: dict[str, object]
    key: str


class Visit(Value):
    """Somebody knocked at an edge: `sni` after a ClientHello, `path` after a request."""

    edge: str
    sni: str | None = None
    path: str | None = None


class Addresses(Value):
    """All that a client or a prober is told about a running world."""

    api: str
    token: str
    """Bearer token of the platform API."""
    control_token: str
    """Bearer token of the control API under /_world/; never given to the client under test."""
    resolvers: tuple[str, str]
    authority: str
    ca: str
    """Path of the root certificate to trust."""
    tls_port: int
    http_port: int
    network: str
    """Where all edges live. Loopback outside of it, e.g. 127.0.0.1, is never a legitimate target."""
    canary: str
    """An address outside of the network that counts who connects to it."""
    tracking_target: str = TRACKING_TARGET
    pid: int
