"""How often is too often: token buckets in memory, per visitor, person, key, conversation and address.

To limit a route: name a rate in `RATES` and give the route `per_party("name")` or one of its kind. What other
services bring cannot be refused; it waits as long as `Limits.spend` says.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from fastapi import Request

from app.channels.edge import Refusal
from app.channels.proof import Here, Proof

Name = Literal[
    "visitors",
    "conversations",
    "messages",
    "crowd",
    "uploads",
    "checks",
    "moves",
    "codes",
    "slack",
    "chatwoot",
    "machines",
    "looks",
    "sign_ins",
]


class Rate(NamedTuple):
    """As many at once as in one minute, then evenly."""

    per_minute: int


RATES: Mapping[Name, Rate] = {
    "visitors": Rate(20),  # per address
    "conversations": Rate(20),  # per party
    "messages": Rate(20),  # per party
    "crowd": Rate(120),  # messages of anonymous visitors per address: a new token is no new bucket
    "uploads": Rate(10),  # per party
    "checks": Rate(6),  # per conversation: each asks other people's name servers
    "moves": Rate(30),  # per party
    "codes": Rate(5),  # per party
    "slack": Rate(60),  # messages and presses of one person; what is more is read later, and nothing is lost
    "chatwoot": Rate(60),  # times that one conversation is read, each time all that is new of it
    "machines": Rate(300),  # per API key
    "looks": Rate(30),  # per agent or key: at the world, or at all pages
    "sign_ins": Rate(20),  # per address
}
MOST_BUCKETS = 50_000


class Bucket(NamedTuple):
    tokens: float
    at: datetime


def filled(bucket: Bucket | None, rate: Rate, now: datetime) -> Bucket:
    """What a bucket holds by now; nobody's bucket is a full one."""
    if bucket is None:
        return Bucket(rate.per_minute, now)
    passed = max(0.0, (now - bucket.at).total_seconds())
    return Bucket(min(float(rate.per_minute), bucket.tokens + passed * rate.per_minute / 60), now)


def take(bucket: Bucket | None, rate: Rate, now: datetime) -> tuple[Bucket, float]:
    """The bucket after taking one, and 0; or as it is, and the seconds until there is one."""
    have = filled(bucket, rate, now)
    if have.tokens >= 1:
        return Bucket(have.tokens - 1, now), 0.0
    return have, (1 - have.tokens) * 60 / rate.per_minute


class Limits:
    """The buckets of one process. A full bucket is forgotten: it is the same as none."""

    def __init__(self, rates: Mapping[Name, Rate] | None = None) -> None:
        self.rates = RATES if rates is None else rates
        self.buckets: dict[tuple[Name, str], Bucket] = {}

    def spend(self, name: Name, who: str, now: datetime) -> float:
        """Takes one; returns 0, or the seconds to wait for the next."""
        if len(self.buckets) >= MOST_BUCKETS:
            self._forget(now)
        key = name, who
        self.buckets[key], wait = take(self.buckets.get(key), self.rates[name], now)
        return wait

    def _forget(self, now: datetime) -> None:
        def full(name: Name, bucket: Bucket) -> bool:
            return filled(bucket, self.rates[name], now).tokens >= self.rates[name].per_minute

        self.buckets = {key: bucket for key, bucket in self.buckets.items() if not full(key[0], bucket)}
        while len(self.buckets) >= MOST_BUCKETS:
            self.buckets.pop(next(iter(self.buckets)))


def spend(request: Request, name: Name, who: str, now: datetime) -> None:
    limits: Limits = request.state.limits
    wait = limits.spend(name, who, now)
    if wait > 0:
        seconds = math.ceil(wait)
        raise Refusal(
            429,
            "rate_limited",
            "That was too often in a short time.",
            f"Try again in {seconds} seconds.",
            headers={"Retry-After": str(seconds)},
        )


def address(request: Request) -> str:
    return request.client.host if request.client else "nowhere"


def per_address(name: Name) -> Callable[..., Awaitable[None]]:
    async def limit(request: Request, core: Here) -> None:
        spend(request, name, address(request), core.clock())

    return limit


def per_party(name: Name, crowd: Name | None = None) -> Callable[..., Awaitable[None]]:
    """`crowd`: a second limit that all anonymous visitors of one address share."""

    async def limit(request: Request, core: Here, proof: Proof) -> None:
        who = proof.principal
        if who.kind == "agent":
            return
        spend(request, name, who.party, core.clock())
        if crowd is not None and who.kind == "anonymous":
            spend(request, crowd, address(request), core.clock())

    return limit


def per_conversation(name: Name) -> Callable[..., Awaitable[None]]:
    async def limit(id: str, request: Request, core: Here, proof: Proof) -> None:
        if proof.principal.kind != "agent":
            # With the party: nobody else's knocking empties the bucket of a conversation.
            spend(request, name, f"{proof.principal.party} {id}", core.clock())

    return limit
