"""The only way out for a probe: names are asked of every resolver, addresses vetted, then connected to.

A connection goes to an address that was vetted, never to a name: what a name resolves to a moment later
does not matter.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from knowledge.addresses import PUBLIC, AddressPolicy

DEEPEST = 8
"""CNAMEs followed from one name."""
MOST_VALUES = 64
"""Records kept of one answer; a tarpit may send thousands."""

Status = Literal["ok", "no_record", "no_name", "failed", "too_long"]


class Resolver(NamedTuple):
    address: str
    port: int = 53


@cache
def context_of(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    """How a mail reader checks a certificate, or how to look at one that it refuses. Loaded once."""
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    cafile = str(ca_file) if ca_file else None
    system = ssl.get_default_verify_paths()
    if cafile is None and not (system.cafile or system.capath):
        import certifi  # a slim image without any authority would call every certificate untrusted

        cafile = certifi.where()
    return ssl.create_default_context(cafile=cafile)


def resolver(text: str) -> Resolver:
    """`9.9.9.9`, `127.0.0.1:5301` or `[::1]:5301`. Raises `ValueError`."""
    import ipaddress

    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f"{text!r} is not a resolver; write address or address:port")
    return Resolver(str(ipaddress.ip_address(host)), int(port))


@dataclass(frozen=True)
class View:
    """What one resolver says of a name and a type."""

    status: Status
    names: tuple[str, ...]
    """The name asked for, then each CNAME target, in order."""
    values: tuple[str, ...] = ()
    """The records at the end, sorted."""
    ttl: int = 0
    """The shortest on the way, in seconds."""

    @property
    def answered(self) -> bool:
        return self.status != "failed"


class Blocked(NamedTuple):
    """A name that must not be connected to: code and value of the finding that says so."""

    code: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Vetted:
    """A name whose every address was allowed."""

    host: str
    views: tuple[View, ...]
    """Of the resolvers that answered."""
    addresses: tuple[str, ...]
    """All of them, IPv6 only where there is no IPv4."""

    @property
    def settled(self) -> frozenset[str]:
        """Addresses that every resolver gives."""
        return frozenset.intersection(*(frozenset(view.values) for view in self.views))


@dataclass(frozen=True)
class Net:
    """Resolvers, trust and limits. `policy` is code's to pass, never a setting's."""

    resolvers: tuple[Resolver, ...]
    ca_file: Path | None = None
    """Certificate authorities to trust; None = the system's."""
    ports: Mapping[int, int] = field(default_factory=lambda: {443: 443, 80: 80})
    """The ports a probe may connect to, and where they are: a closed world has them elsewhere."""
    policy: AddressPolicy = PUBLIC
    loopback: bool = False
    """The company's own platform may be on this machine, without TLS: a closed world's is."""
    dns_seconds: float = 4.0
    """For one name on one resolver, a repetition and its CNAMEs included."""
    connect_seconds: float = 5.0
    """For a connection with its TLS handshake."""
    lookups: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(32), repr=False)
    connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(16), repr=False)
    """At once, over all probes: an account may have a hundred links."""

    async def look_up(self, name: str, type: str) -> tuple[View, ...]:
        """What each resolver says, in the order of `resolvers`. `name` has passed `policy.host`."""
        return tuple(await asyncio.gather(*(self._view(each, name, type) for each in self.resolvers)))

    async def look_up_addresses(self, name: str) -> tuple[View, ...]:
        """IPv4 and IPv6 of a name together, as each resolver sees it."""
        v4, v6 = await asyncio.gather(self.look_up(name, "A"), self.look_up(name, "AAAA"))
        return tuple(merged(*both) for both in zip(v4, v6, strict=True))

    async def _view(self, resolver: Resolver, name: str, type: str) -> View:
        try:
            async with self.lookups, asyncio.timeout(self.dns_seconds):
                return await _follow(resolver, name, type, self.dns_seconds / 2)
        except TimeoutError:
            return View("failed", (name,))

    async def vet(self, name: str) -> Vetted | Blocked:
        """Looks a name up, once on every resolver, and lets it pass only if every address is allowed."""
        host = self.policy.host(name)
        if host is None:
            return Blocked("host_not_allowed", {"host": name})
        v4, v6 = await asyncio.gather(self.look_up(host, "A"), self.look_up(host, "AAAA"))
        return vetted(host, v4, v6, self.policy)

    @asynccontextmanager
    async def connect(
        self, host: str, address: str, port: int, context: ssl.SSLContext | None
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to a vetted address, with the host's name in SNI. Raises `OSError`, `TimeoutError`."""
        if not self.policy.address(address):
            raise PermissionError(f"{address} is not an address that probes may connect to")
        async with self.connections:
            async with asyncio.timeout(self.connect_seconds):
                reader, writer = await asyncio.open_connection(
                    address,
                    self.ports[port],
                    ssl=context,
                    server_hostname=host if context else None,
                    limit=64 * 1024,
                )
            try:
                yield reader, writer
            finally:
                writer.transport.abort()


def merged(v4: View, v6: View) -> View:
    """Both kinds of address as one view. Some name servers only ever fail for IPv6."""
    if not v6.values:
        return v4
    if not v4.values:
        return v6
    return replace(v4, values=(*v4.values, *v6.values), ttl=min(v4.ttl, v6.ttl))


def vetted(host: str, v4: tuple[View, ...], v6: tuple[View, ...], policy: AddressPolicy) -> Vetted | Blocked:
    """Judges what the resolvers said of a name: one address that is not allowed blocks the name."""
    for view in (*v4, *v6):
        for address in view.values:
            if not policy.address(address):
                return Blocked("address_not_public", {"host": host, "address": address})
    answered = [view for view in v4 if view.answered]
    if not answered:
        return Blocked("dns_unreachable", {"host": host})
    if any(view.status == "too_long" for view in answered):
        return Blocked("dns_chain_too_long", {"host": host, "limit": DEEPEST})
    if not any(view.values for view in answered):
        answered = [view for view in v6 if view.answered] or answered
    addresses = tuple(dict.fromkeys(address for view in answered for address in view.values))
    if not addresses:
        return Blocked("dns_no_address", {"host": host})
    return Vetted(host, tuple(answered), addresses)


async def _follow(resolver: Resolver, name: str, type: str, patience: float) -> View:
    """Asks, and asks on at the CNAME's target where the answer stops there."""
    names, ttl = [name], 3600
    while True:
        answer = await _ask(resolver, names[-1], type, patience)
        if answer is None:  # lost on the way, perhaps
            answer = await _ask(resolver, names[-1], type, patience)
        if answer is None:
            answer = await _alias_only(resolver, names[-1], patience)
        if answer is None:
            return View("failed", tuple(names))
        exists, records, aliases = answer
        before = len(names)
        while names[-1] in aliases:
            target, seconds = aliases[names[-1]]
            ttl = min(ttl, seconds)
            if type == "CNAME":
                return View("ok", tuple(names), (target,), ttl)
            if target in names or len(names) > DEEPEST:
                return View("too_long", tuple(names), ttl=ttl)
            names.append(target)
        values, seconds = records.get(names[-1], ((), ttl))
        if values:
            return View("ok", tuple(names), values, min(ttl, seconds))
        if len(names) == before or not exists:
            return View("no_record" if exists else "no_name", tuple(names), ttl=ttl if len(names) > 1 else 0)


async def _alias_only(resolver: Resolver, name: str, patience: float) -> Answer | None:
    """A resolver fails on a loop of CNAMEs without a word; walked by hand the loop shows."""
    answer = await _ask(resolver, name, "CNAME", patience)
    return answer if answer and name in answer[2] else None


Records = dict[str, tuple[tuple[str, ...], int]]
Aliases = dict[str, tuple[str, int]]
Answer = tuple[bool, Records, Aliases]
"""Does the name exist, the records of each name, the CNAME of each name."""


async def _ask(resolver: Resolver, name: str, type: str, patience: float) -> Answer | None:
    """One question to one resolver; None without an answer."""
    try:
        query = dns.message.make_query(name, type, use_edns=0, payload=1232)
        response, _ = await dns.asyncquery.udp_with_fallback(
            query, resolver.address, timeout=patience, port=resolver.port, ignore_unexpected=True
        )
    except (dns.exception.DNSException, OSError, EOFError):
        return None
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    records: Records = {}
    aliases: Aliases = {}
    for rrset in response.answer[:MOST_VALUES]:
        owner = rrset.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(rrset.rdtype)
        values = sorted(_text(kind, rdata) for rdata in list(rrset)[:MOST_VALUES])
        if kind == type:
            records[owner] = (tuple(values), rrset.ttl)
        if kind == "CNAME":
            aliases[owner] = (values[0], rrset.ttl)
    return response.rcode() == dns.rcode.NOERROR, records, aliases


def _text(kind: str, rdata: object) -> str:
    if kind == "TXT":
        strings: tuple[bytes, ...] = getattr(rdata, "strings", ())
        return b"".join(strings).decode("utf-8", "replace")
    text = str(rdata)
    return text.removesuffix(".").lower() if kind in ("CNAME", "NS", "PTR", "MX") else text
