"""The world's DNS, asked by an independent client over UDP and TCP."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from evals.world import scenarios
from evals.world.spec import TRACKING_TARGET, Record, Spec
from evals.world.world import World


def ask(world: World, name: str, kind: str = "A", server: int = 0, timeout: float = 2) -> dns.message.Message:
    places = (*world.addresses.resolvers, world.addresses.authority)
    host, _, port = places[server].rpartition(":")
    query = dns.message.make_query(name, kind)
    reply, _ = dns.query.udp_with_fallback(query, host, timeout=timeout, port=int(port))
    return reply


def values(world: World, name: str, kind: str = "A", server: int = 0) -> list[str]:
    """All answers, over all record types, in order."""
    return [str(rdata).rstrip(".") for rrset in ask(world, name, kind, server).answer for rdata in rrset]


def address(world: World, name: str) -> str:
    return values(world, name)[-1]


def test_each_host_has_its_own_address_in_the_network(world: World) -> None:
    spec = world.load(scenarios.all_ready())
    addresses = [address(world, host) for host in (*spec.hosts, TRACKING_TARGET)]
    assert len(set(addresses)) == 3
    assert all(ip_address(a) in ip_network(world.addresses.network) for a in addresses)


def test_all_servers_agree_and_only_the_authority_is_authoritative(world: World) -> None:
    spec = world.load(scenarios.all_ready())
    replies = [ask(world, spec.hosts[0], server=server) for server in range(3)]
    assert len({tuple(str(r) for r in reply.answer) for reply in replies}) == 1
    assert [bool(reply.flags & dns.flags.AA) for reply in replies] == [False, False, True]
    assert [bool(reply.flags & dns.flags.RA) for reply in replies] == [True, True, False]


def test_token_record_stays_at_the_platform_behind_a_proxy(world: World) -> None:
    world.load(scenarios.all_ready())
    assert values(world, "4711.kalahari.example", "CNAME") == [TRACKING_TARGET]
    assert values(world, "links.kalahari.example", "CNAME") == []


def test_record_direct_follows_the_alias_to_the_platform(world: World) -> None:
    spec = world.load(scenarios.record_direct())
    assert values(world, spec.hosts[0]) == [TRACKING_TARGET, address(world, TRACKING_TARGET)]


def test_flattened_shows_the_platforms_address_without_an_alias(world: World) -> None:
    spec = world.load(scenarios.cname_flattened())
    assert values(world, spec.hosts[1], "CNAME") == []
    assert values(world, spec.hosts[1]) == [address(world, TRACKING_TARGET)]


def test_resolvers_disagree(world: World) -> None:
    host = world.load(scenarios.resolvers_disagree()).hosts[1]
    first, second = (values(world, host, server=server) for server in (0, 1))
    assert second == [TRACKING_TARGET, address(world, TRACKING_TARGET)]
    assert first != second


@pytest.mark.parametrize(
    ("build", "rcode"),
    [
        (scenarios.dns_servfail, "SERVFAIL"),
        (scenarios.dns_missing, "NXDOMAIN"),
        (scenarios.cname_loop, "SERVFAIL"),
    ],
)
def test_ways_to_fail(world: World, build: Callable[[], Spec], rcode: str) -> None:
    host = world.load(build()).hosts[1]
    assert dns.rcode.to_text(ask(world, host).rcode()) == rcode
    assert dns.rcode.to_text(ask(world, "links.kalahari.example").rcode()) == "NOERROR"


def test_loop_shows_its_links_when_walked(world: World) -> None:
    host = world.load(scenarios.cname_loop()).hosts[1]
    (other,) = values(world, host, "CNAME")
    assert values(world, other, "CNAME") == [host]


def test_timeout_is_silence_over_both_transports(world: World) -> None:
    host = world.load(scenarios.dns_timeout()).hosts[1]
    with pytest.raises(dns.exception.Timeout):
        ask(world, host, timeout=0.2)
    place, _, port = world.addresses.resolvers[0].rpartition(":")
    with pytest.raises(dns.exception.Timeout):
        dns.query.tcp(dns.message.make_query(host, "A"), place, timeout=0.2, port=int(port))


def test_fifty_aliases_lead_to_an_address(world: World) -> None:
    host = world.load(scenarios.cname_chain()).hosts[1]
    answers = values(world, host)
    assert len(answers) == 51
    assert ip_address(answers[-1]) in ip_network(world.addresses.network)


def test_rebinding_alternates(world: World) -> None:
    host = world.load(scenarios.rebinding()).hosts[1]
    seen = [values(world, host)[0] for _ in range(4)]
    assert seen[0] == seen[2] != seen[1] == seen[3]
    assert "127.0.0.1" in seen
    assert ask(world, host).answer[0].ttl == 0


def test_long_text_comes_over_tcp(world: World) -> None:
    text = "x" * 60_000
    world.set(records=(Record(name="big.example", type="TXT", values=(text,)),))
    place, _, port = world.addresses.resolvers[0].rpartition(":")
    cut = dns.query.udp(dns.message.make_query("big.example", "TXT"), place, timeout=2, port=int(port))
    assert cut.flags & dns.flags.TC
    (rdata,) = ask(world, "big.example", "TXT").answer[0]
    assert b"".join(rdata.strings) == text.encode()


def test_types_ttl_and_empty_names(world: World) -> None:
    name = "a.deep.example"
    world.set(
        records=(
            Record(name=name, type="AAAA", values=("2001:db8::1",), ttl=7),
            Record(name=name, type="NS", values=("ns1.heron.example",)),
            Record(name=name, type="CAA", values=('0 issue "ca.example"',)),
        )
    )
    assert values(world, name, "AAAA") == ["2001:db8::1"]
    assert ask(world, name.upper(), "AAAA").answer[0].ttl == 7
    assert values(world, name, "NS") == ["ns1.heron.example"]
    assert values(world, name, "CAA") == ['0 issue "ca.example"']
    assert ask(world, name, "A").answer == []
    assert ask(world, "deep.example").rcode() == dns.rcode.NOERROR
    missing = ask(world, "b.deep.example")
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert missing.authority[0].rdtype == dns.rdatatype.SOA


def test_becomes_ready_in_its_own_time_and_on_demand(world: World) -> None:
    host = world.load(scenarios.becomes_ready(after=600)).hosts[1]
    assert values(world, host)[0] == TRACKING_TARGET
    assert world.run_changes() == 1
    assert ip_address(values(world, host)[0]) in ip_network(world.addresses.network)
    assert world.run_changes() == 0
