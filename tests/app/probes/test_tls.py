"""Certificates named for what is wrong with them, on real handshakes with a server on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from app.probes.finding import Seen
from app.probes.net import Net, Vetted, View
from app.probes.tls import Handshake, covers, judge, of_all, shake, together
from evals.world_policy import WorldPolicy

HOST, TARGET, HERE = "links.acme.example", "track.heron.example", "127.0.0.1"
Configure = Callable[[ssl.SSLContext], None]


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Honest CA")


@asynccontextmanager
async def serving(configure: Configure, trusted: trustme.CA, folder: Path) -> AsyncIterator[Net]:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    configure(context)
    server = await asyncio.start_server(answer, HERE, 0, ssl=context)
    ca = folder / "ca.pem"
    trusted.cert_pem.write_to_path(str(ca))
    port = server.sockets[0].getsockname()[1]
    policy = WorldPolicy("127.0.0.0/8")
    async with server:
        yield Net((), ca_file=ca, ports={443: port}, policy=policy, connect_seconds=2)


async def seen_of(
    configure: Configure, trusted: trustme.CA, folder: Path, *, now: datetime | None = None
) -> Seen:
    async with serving(configure, trusted, folder) as net:
        return judge(HOST, 443, TARGET, await shake(net, HOST, HERE), now or datetime.now(UTC))


async def test_a_good_one(authority: trustme.CA, tmp_path: Path) -> None:
    seen = await seen_of(authority.issue_cert(HOST).configure_cert, authority, tmp_path)
    assert seen.code == "certificate_valid"
    assert seen.values["issuer"] == "Honest CA"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("shop.other.example",), "certificate_other_name"),
        (("*.acme.example",), "certificate_valid"),
        (("*.example",), "certificate_other_name"),
        (("*.heron.example",), "certificate_of_platform"),
        (("*.heron.example", HOST), "certificate_valid"),
    ],
)
async def test_names(authority: trustme.CA, tmp_path: Path, names: tuple[str, ...], code: str) -> None:
    seen = await seen_of(authority.issue_cert(*names).configure_cert, authority, tmp_path)
    assert seen.code == code


async def test_dates(authority: trustme.CA, tmp_path: Path) -> None:
    day, now = timedelta(days=1), datetime.now(UTC)
    old = authority.issue_cert(HOST, not_before=now - 9 * day, not_after=now - day)
    assert (await seen_of(old.configure_cert, authority, tmp_path)).code == "certificate_expired"
    early = authority.issue_cert(HOST, not_before=now + day, not_after=now + 9 * day)
    assert (await seen_of(early.configure_cert, authority, tmp_path)).code == "certificate_not_yet_valid"


async def test_an_intermediate_that_is_left_out(authority: trustme.CA, tmp_path: Path) -> None:
    cert = authority.create_child_ca().issue_cert(HOST)
    assert (await seen_of(cert.configure_cert, authority, tmp_path)).code == "certificate_valid"
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(cert.private_key_pem.bytes() + cert.cert_chain_pems[0].bytes())
    seen = await seen_of(lambda context: context.load_cert_chain(leaf), authority, tmp_path)
    assert seen.code == "certificate_chain_incomplete"


async def test_an_issuer_that_nobody_trusts(authority: trustme.CA, tmp_path: Path) -> None:
    stranger = trustme.CA().create_child_ca().issue_cert(HOST)
    assert (await seen_of(stranger.configure_cert, authority, tmp_path)).code == "certificate_untrusted"


@pytest.mark.parametrize(
    ("alert", "code"),
    [
        (ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME, "certificate_pending"),
        (ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE, "tls_handshake_failed"),
    ],
)
async def test_a_proxy_that_ends_the_handshake(authority: trustme.CA, alert: int, code: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("proxy.example").configure_cert(context)
    context.sni_callback = lambda *_: alert
    listener = socket.create_server((HERE, 0))

    def refuse() -> None:
        connection, _ = listener.accept()
        with listener, connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    net = Net((), ports={443: listener.getsockname()[1]}, policy=WorldPolicy("127.0.0.0/8"))
    _, shaken = await asyncio.gather(asyncio.to_thread(refuse), shake(net, HOST, HERE))
    assert judge(HOST, 443, TARGET, shaken, datetime.now(UTC)).code == code


async def test_something_that_does_not_speak_tls() -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(shout, HERE, 0)
    port = server.sockets[0].getsockname()[1]
    net = Net((), ports={443: port}, policy=WorldPolicy("127.0.0.0/8"))
    async with server:
        assert (await shake(net, HOST, HERE)).outcome == "failed"
    assert (await shake(net, HOST, HERE)).outcome == "refused"


async def test_an_address_that_was_not_allowed_is_not_connected_to() -> None:
    knocks = []

    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append(1)
        writer.close()

    server = await asyncio.start_server(count, HERE, 0)
    async with server:
        net = Net((), ports={443: server.sockets[0].getsockname()[1]})
        assert (await shake(net, HOST, HERE)).outcome == "unreachable"
    assert knocks == []


def test_a_chain_of_nonsense_is_no_certificate() -> None:
    for chain in ((), (b"\x30\x03abc",)):
        seen = judge(HOST, 443, None, Handshake("distrusted", HERE, chain), datetime.now(UTC))
        assert seen.code == "tls_handshake_failed"


def test_a_star_stands_for_one_label() -> None:
    assert covers(["*.acme.com"], "A.acme.com")
    assert not covers(["*.acme.com"], "a.b.acme.com")
    assert not covers(["*.acme.com"], "acme.com")


GOOD = Seen("certificate_valid", {"host": HOST, "issuer": "CA", "expires": "2027-01-01"})
STRAIGHT = Seen("certificate_of_platform", {"host": HOST, "name": "*", "target": TARGET})


def host_at(*views: tuple[str, ...]) -> Vetted:
    each = tuple(View("ok", (HOST,), values, 60) for values in views)
    return Vetted(HOST, each, tuple(dict.fromkeys(v for values in views for v in values)))


def test_addresses_that_only_one_resolver_gives_are_a_change_on_its_way() -> None:
    spreading = together(
        HOST, host_at(("1.1.1.1",), ("9.9.9.9",)), [("1.1.1.1", GOOD), ("9.9.9.9", STRAIGHT)]
    )
    assert spreading.code == "dns_resolvers_disagree"
    both = host_at(("1.1.1.1", "9.9.9.9"), ("1.1.1.1", "9.9.9.9"))
    assert together(HOST, both, [("1.1.1.1", GOOD), ("9.9.9.9", STRAIGHT)]) == STRAIGHT
    assert together(HOST, host_at(("9.9.9.9",), ("9.9.9.9",)), [("9.9.9.9", STRAIGHT)]) == STRAIGHT


def test_several_good_hosts_are_one_finding_with_the_earliest_end() -> None:
    later = Seen("certificate_valid", {"host": "go.acme.example", "issuer": "X", "expires": "2026-12-01"})
    seen = of_all([GOOD, later])
    assert (seen.code, seen.values["expires"]) == ("certificates_valid", "2026-12-01")
    assert of_all([GOOD, STRAIGHT]) == STRAIGHT
