"""The world's edges, met by the handshakes of Python's own ssl with the throw-away root."""

from __future__ import annotations

import socket
import ssl
import time
from typing import NamedTuple

import dns.message
import dns.query
import pytest

from evals.world import scenarios
from evals.world.spec import TRACKING_TARGET, Edge, EdgeKind, Record
from evals.world.world import World

HOST = "links.acme.example"


class Answered(NamedTuple):
    names: list[str]
    reply: str


def resolve(world: World, host: str) -> str:
    place, _, port = world.addresses.resolvers[0].rpartition(":")
    reply = dns.query.udp(dns.message.make_query(host, "A"), place, timeout=2, port=int(port))
    return str(reply.answer[-1][0])


def knock(world: World, host: str, send_host: str | None = None, trust: bool = True) -> Answered:
    """A verified handshake as `host`, then one harmless request."""
    context = ssl.create_default_context(cafile=world.addresses.ca if trust else None)
    place = (resolve(world, host), world.addresses.tls_port)
    with (
        socket.create_connection(place, timeout=1) as raw,
        context.wrap_socket(raw, server_hostname=host) as tls,
    ):
        tls.sendall(f"GET /ls/click?upn= HTTP/1.1\r\nHost: {send_host or host}\r\n\r\n".encode())
        reply = b"".join(iter(lambda: tls.recv(4096), b"")).decode()
        certificate = tls.getpeercert() or {}
        names = [str(entry[1]) for entry in certificate.get("subjectAltName", ())]
        return Answered(names, reply)


def put_edge(world: World, kind: EdgeKind) -> None:
    world.set(
        records=(Record(name=HOST, type="A", values=(f"@{HOST}",)),), edges=(Edge(host=HOST, kind=kind),)
    )


def test_good_certificate_and_the_tracking_server_behind_it(world: World) -> None:
    spec = world.load(scenarios.all_ready())
    for host in spec.hosts:
        names, reply = knock(world, host)
        assert names == [host]
        assert reply.startswith("HTTP/1.1 404")
        assert "Server: heron-track" in reply
        assert "Unknown link" in reply


def test_certificates_are_trusted_by_our_root_alone(world: World) -> None:
    spec = world.load(scenarios.all_ready())
    with pytest.raises(ssl.SSLCertVerificationError, match=r"issuer certificate|self.signed"):
        knock(world, spec.hosts[0], trust=False)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("other_name", "Hostname mismatch"),
        ("platform_certificate", "Hostname mismatch"),
        ("expired", "expired"),
        ("self_signed", "self-signed"),
        ("missing_intermediate", "unable to get local issuer"),
    ],
)
def test_certificates_fail_for_the_reason_they_stand_for(world: World, kind: EdgeKind, reason: str) -> None:
    put_edge(world, kind)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        knock(world, HOST)


def test_direct_record_shows_the_platforms_own_certificate(world: World) -> None:
    host = world.load(scenarios.record_direct()).hosts[0]
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        knock(world, host)
    assert "*.heron.example" in knock(world, TRACKING_TARGET).names


def test_closed_port_refuses(world: World) -> None:
    put_edge(world, "closed")
    with pytest.raises(ConnectionRefusedError):
        knock(world, HOST)


def test_dripping_handshake_keeps_the_client_waiting(world: World) -> None:
    put_edge(world, "handshake_drip")
    with pytest.raises(TimeoutError):
        knock(world, HOST)
    with socket.create_connection((resolve(world, HOST), world.addresses.tls_port), timeout=3) as raw:
        began = time.monotonic()
        assert raw.recv(1)
        assert raw.recv(1)
        assert 0.8 < time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("redirect_loop", f"Location: https://{HOST}/ls/click"),
        ("host_not_forwarded", "Wrong link"),
        ("origin_down", "HTTP/1.1 502"),
        ("valid", "Wrong link"),  # no account has this branded link
    ],
)
def test_good_certificate_in_front_of_something_else(world: World, kind: EdgeKind, seen: str) -> None:
    put_edge(world, kind)
    assert seen in knock(world, HOST).reply


def test_the_host_header_decides_whose_link_it_is(world: World) -> None:
    spec = world.load(scenarios.all_ready())
    assert "Wrong link" in knock(world, spec.hosts[0], send_host="elsewhere.example").reply


def test_plain_http_answers_too(world: World) -> None:
    host = world.load(scenarios.all_ready()).hosts[0]
    with socket.create_connection((resolve(world, host), world.addresses.http_port), timeout=1) as raw:
        raw.sendall(f"HEAD /ls/click?upn= HTTP/1.1\r\nHost: {host}:80\r\n\r\n".encode())
        reply = b"".join(iter(lambda: raw.recv(4096), b""))
    assert reply.startswith(b"HTTP/1.1 404")
    assert reply.endswith(b"\r\n\r\n")


def test_a_certificate_can_be_changed_while_running(world: World) -> None:
    put_edge(world, "expired")
    before = resolve(world, HOST)
    put_edge(world, "valid")
    assert knock(world, HOST).names == [HOST]
    assert resolve(world, HOST) == before


def test_becomes_ready_by_itself(world: World) -> None:
    host = world.load(scenarios.becomes_ready(after=0.3)).hosts[1]
    with pytest.raises(ssl.SSLCertVerificationError):
        knock(world, host)
    time.sleep(0.6)
    assert knock(world, host).names == [host]


def test_visits_and_the_canary_are_counted(world: World) -> None:
    host = world.load(scenarios.all_ready()).hosts[0]
    knock(world, host)
    seen = {(visit.edge, visit.sni, visit.path) for visit in world.visits()}
    assert {(host, host, None), (host, None, "/ls/click?upn=")} <= seen
    assert all(visit.edge != "canary" for visit in world.visits())
    place, _, port = world.addresses.canary.rpartition(":")
    socket.create_connection((place, int(port)), timeout=1).close()
    time.sleep(0.05)
    assert [visit.edge for visit in world.visits()].count("canary") == 1


def test_nonsense_is_hung_up_on(world: World) -> None:
    host = world.load(scenarios.all_ready()).hosts[0]
    with socket.create_connection((resolve(world, host), world.addresses.http_port), timeout=2) as raw:
        raw.sendall(b"\x00\xff nonsense\r\n\r\n")
        assert raw.recv(100) == b""
