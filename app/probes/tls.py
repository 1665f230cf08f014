"""Certificates as mail readers meet them: a handshake that verifies, then one that names what is wrong."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

from app.ports import Clock
from app.probes.account import branded_links, own_host
from app.probes.asked import Asked
from app.probes.finding import TLS_COUNTS, UNKNOWN_COUNTS, Seen, worst
from app.probes.net import Blocked, Net, Vetted, context_of

MOST_ADDRESSES = 4
MOST_CERTIFICATES = 10

Outcome = Literal["trusted", "distrusted", "no_certificate", "failed", "refused", "timed_out", "unreachable"]


@dataclass(frozen=True)
class Handshake:
    """How one address met us."""

    outcome: Outcome
    address: str
    chain: tuple[bytes, ...] = ()
    """DER, the leaf first, as presented."""


async def shake(net: Net, host: str, address: str) -> Handshake:
    """A handshake as a mail reader makes it, and a second look where that one distrusts the certificate."""
    for verify in (True, False):
        try:
            async with net.connect(host, address, 443, context_of(net.ca_file, verify=verify)) as (_, writer):
                chain = _presented(writer.get_extra_info("ssl_object"))
                return Handshake("trusted" if verify else "distrusted", address, chain)
        except ssl.SSLCertVerificationError:
            continue
        except ssl.SSLError as error:
            pending = "UNRECOGNIZED_NAME" in (error.reason or "")
            return Handshake("no_certificate" if pending else "failed", address)
        except TimeoutError:
            return Handshake("timed_out", address)
        except ConnectionRefusedError:
            return Handshake("refused", address)
        except OSError as error:
            far = isinstance(error, PermissionError) or error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH)
            return Handshake("unreachable" if far else "failed", address)
    return Handshake("failed", address)


def _presented(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    # Public from Python 3.13 on; before that the same method sits one level down.
    owner = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj", None)
    chain: Sequence[Any] = getattr(owner, "get_unverified_chain", list)() or ()
    ders = [
        each if isinstance(each, bytes) else ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain
    ]
    leaf = tls.getpeercert(binary_form=True)
    return tuple(ders[:MOST_CERTIFICATES]) or ((leaf,) if leaf else ())


def judge(host: str, port: int, target: str | None, shaken: Handshake, now: datetime) -> Seen:
    """What one handshake says of a host. `target`: the platform's name, where it is a branded link."""
    address = shaken.address
    match shaken.outcome:
        case "refused" | "timed_out":
            values = {"host": host, "address": address, "port": port}
            return Seen(f"connection_{shaken.outcome}", values, TLS_COUNTS)
        case "unreachable":
            return Seen("network_unreachable", {"host": host, "address": address})
        case "no_certificate":
            return Seen("certificate_pending", {"host": host, "address": address}, UNKNOWN_COUNTS)
        case "failed":
            return Seen("tls_handshake_failed", {"host": host, "address": address}, TLS_COUNTS)
        case "trusted" | "distrusted":
            code, values = _read(host, target, shaken, now)
            return Seen(code, {"host": host, **values}, TLS_COUNTS)


def _read(host: str, target: str | None, shaken: Handshake, now: datetime) -> tuple[str, dict[str, object]]:
    try:
        chain = [x509.load_der_x509_certificate(der) for der in shaken.chain]
        leaf = chain[0]
        names, issuer = _names(leaf), _called(leaf.issuer)
        expires, starts = leaf.not_valid_after_utc, leaf.not_valid_before_utc
    except (ValueError, IndexError, x509.InvalidVersion):
        return "tls_handshake_failed", {"address": shaken.address}
    if shaken.outcome == "trusted":
        return "certificate_valid", {"issuer": issuer, "expires": expires.date()}
    if not covers(names, host) and target and covers(names, target):
        return "certificate_of_platform", {"name": ", ".join(names), "target": target}
    if leaf.issuer == leaf.subject:
        return "certificate_self_signed", {"issuer": issuer}
    if not covers(names, host):
        return "certificate_other_name", {"name": ", ".join(names) or _called(leaf.subject)}
    if expires <= now:
        return "certificate_expired", {"issuer": issuer, "expires": expires.date()}
    if starts > now:
        return "certificate_not_yet_valid", {"issuer": issuer, "starts": starts.date()}
    if len(chain) == 1:
        return "certificate_chain_incomplete", {"issuer": issuer}
    return "certificate_untrusted", {"issuer": issuer}


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def _called(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return str(attribute.value)
    return name.rfc4514_string()


def covers(names: Sequence[str], host: str) -> bool:
    """Whether one of a certificate's names is the host's; `*` stands for exactly one label."""
    parent = host.lower().partition(".")[2]
    return any(name.lower() in (host.lower(), f"*.{parent}") for name in names)


def together(host: str, vetted: Vetted, seens: Sequence[tuple[str, Seen]]) -> Seen:
    """What all addresses of a host come to. One good and one bad may only be a change that is spreading."""
    bad = worst([seen for _, seen in seens])
    good = [address for address, seen in seens if seen.code == "certificate_valid"]
    against = [address for address, seen in seens if seen.code == bad.code]
    if bad.code == "certificate_valid" or not good or vetted.settled.intersection(against):
        return bad
    return Seen("dns_resolvers_disagree", {"host": host, "seen": against[0], "expected": good[0]})


async def look_at_host(net: Net, host: str, target: str | None, clock: Clock) -> Seen:
    """Every address of a host (four at most), each by a handshake of its own."""
    vetted = await net.vet(host)
    if isinstance(vetted, Blocked):
        return Seen(vetted.code, vetted.values)
    some = vetted.addresses[:MOST_ADDRESSES]
    shaken = await asyncio.gather(*(shake(net, vetted.host, address) for address in some))
    port = net.ports[443]
    return together(
        vetted.host,
        vetted,
        [(each.address, judge(vetted.host, port, target, each, clock())) for each in shaken],
    )


async def distrust(net: Net, host: str, address: str, clock: Clock) -> Seen:
    """What is wrong with the certificate at one address."""
    return judge(host, net.ports[443], None, await shake(net, host, address), clock())


async def certificate_presented(asked: Asked) -> Seen:
    """Every branded link of the account, whichever subject is asked: the switch is for all of them."""
    if asked.account is None:
        return Seen("account_not_known")
    links = await branded_links(asked.accounts, asked.account)
    if not links:
        return Seen("branded_link_none", {"subject": asked.subject or asked.account})
    looks = (look_at_host(asked.net, link.host, link.target, asked.clock) for link in links)
    return of_all(await asyncio.gather(*looks))


def of_all(seens: Sequence[Seen]) -> Seen:
    """One finding about several hosts."""
    seen = worst(seens)
    if seen.code != "certificate_valid" or len(seens) == 1:
        return seen
    first = min(seens, key=lambda each: str(each.values["expires"]))
    hosts = ", ".join(str(each.values["host"]) for each in seens)
    return Seen("certificates_valid", {**first.values, "hosts": hosts}, TLS_COUNTS)


async def tls_certificate(asked: Asked) -> Seen:
    """`{host: "{domain}"}`."""
    filled = asked.fill("host")
    if isinstance(filled, Seen):
        return filled
    refused = await own_host(asked, filled.text, from_customer=filled.from_customer)
    return refused or await look_at_host(asked.net, filled.text, None, asked.clock)
