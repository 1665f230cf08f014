"""The guard around probes, as an installation has it: whatever a name says, nothing of ours is reached.

A name server that lies and a listener on loopback stand by; probes go through the net of `public_net`, ports
apart. No packet leaves the machine: whoever would be connected to is written down instead.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from app.main import public_net
from app.probes.net import DEEPEST, MOST_VALUES, Blocked, Net, Resolver, Vetted
from app.settings import Settings
from knowledge.addresses import PUBLIC

ATTACKS = next(
    (
        found
        for parent in Path(__file__).resolve().parents
        if (found := parent / "shared" / "data" / "security").is_dir()
    ),
    None,
)
"""A collection of known attacks, where the machine has it beside the repository."""
HERE = "links.customer-of-ours.com"
GOOD = "9.9.9.9"
OURS = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.7",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "5f00::1",
    "3fff::1",
)

Answer = Callable[[str, str, int], Sequence[str] | None]
"""(name, type, how often asked) -> lines of a zone, or None for no answer at all."""


class Names(asyncio.DatagramProtocol):
    """A name server, over UDP and TCP."""

    def __init__(self) -> None:
        self.says: Answer = lambda name, type, n: ()
        self.asked: dict[tuple[str, str], int] = {}
        self.port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        whole = self.answer(data)
        if whole is None:
            return
        if len(whole.to_wire()) > 1232:
            whole = dns.message.make_response(dns.message.from_wire(data))
            whole.flags |= dns.flags.TC
        self.transport.sendto(whole.to_wire(), addr)

    async def over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        whole = self.answer(await reader.readexactly(size))
        if whole is not None:
            wire = whole.to_wire(max_size=65535)
            writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()
        writer.close()

    def answer(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        type = dns.rdatatype.to_text(question.rdtype)
        self.asked[name, type] = self.asked.get((name, type), 0) + 1
        lines = self.says(name, type, self.asked[name, type])
        if lines is None:
            return None
        response = dns.message.make_response(query)
        for line in lines:
            owner, ttl, kind, value = line.split(" ", 3)
            response.answer.append(dns.rrset.from_text(f"{owner}.", int(ttl), "IN", kind, value))
        return response


@dataclass
class Guarded:
    net: Net
    names: Names
    reached: list[str] = field(default_factory=list)
    """Connections that the canary on loopback got."""
    tried: list[str] = field(default_factory=list)
    """Addresses that somebody would have connected to."""


@pytest.fixture
async def guarded(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Guarded]:
    loop = asyncio.get_running_loop()
    names, reached, tried = Names(), [], []

    async def canary(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append("reached")
        writer.close()

    listener = await asyncio.start_server(canary, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    tcp = await asyncio.start_server(names.over_tcp, "127.0.0.1", 0)
    names.port = tcp.sockets[0].getsockname()[1]
    udp, _ = await loop.create_datagram_endpoint(lambda: names, local_addr=("127.0.0.1", names.port))
    real = public_net(Settings(_env_file=None, resolvers=(f"127.0.0.1:{names.port}",)))
    assert real.policy is PUBLIC
    assert real.resolvers == (Resolver("127.0.0.1", names.port),)
    net = replace(real, ports={443: port, 80: port}, dns_seconds=1.0)
    connect = asyncio.open_connection

    async def fenced(address: str, *args: Any, **named: Any) -> Any:
        tried.append(address)
        if PUBLIC.address(address):
            raise ConnectionRefusedError("no packet leaves this machine")
        return await connect(address, *args, **named)

    monkeypatch.setattr("app.probes.net.asyncio.open_connection", fenced)
    yield Guarded(net, names, reached, tried)
    udp.close()
    tcp.close()
    listener.close()


async def probe(guarded: Guarded, host: str) -> Vetted | Blocked:
    """As probes do: vetted, and then each of the addresses connected to."""
    found = await guarded.net.vet(host)
    if isinstance(found, Vetted):
        for address in found.addresses:
            try:
                async with guarded.net.connect(host, address, 443, None):
                    pass
            except OSError:
                continue
    return found


def kind(address: str) -> str:
    return "AAAA" if ":" in address else "A"


@pytest.mark.parametrize("address", OURS)
@pytest.mark.parametrize("beside", [(), (GOOD,)], ids=["alone", "beside a good one"])
async def test_no_address_of_ours_is_connected_to(
    guarded: Guarded, address: str, beside: tuple[str, ...]
) -> None:
    guarded.names.says = lambda name, type, n: [
        f"{name} 0 {type} {each}" for each in (*beside, address) if kind(each) == type
    ]
    found = await probe(guarded, HERE)
    assert isinstance(found, Blocked)
    assert found.code == "address_not_public"
    assert (guarded.tried, guarded.reached) == ([], [])
    with pytest.raises(PermissionError):
        async with guarded.net.connect(HERE, address, 443, None):
            pass
    assert (guarded.tried, guarded.reached) == ([], []), "nor where somebody forgot to ask"


async def test_an_address_behind_names_of_others_is_held_the_same(guarded: Guarded) -> None:
    guarded.names.says = lambda name, type, n: (
        [f"{name} 0 CNAME inside.elsewhere.com.", "inside.elsewhere.com 0 A 127.0.0.1"] if type == "A" else ()
    )
    assert isinstance(await probe(guarded, HERE), Blocked)
    assert (guarded.tried, guarded.reached) == ([], [])


async def test_a_name_that_changes_between_looking_and_connecting(guarded: Guarded) -> None:
    """Rebinding: good the first time, ours ever after, without a moment in between. Connected to is what was
    vetted."""
    guarded.names.says = lambda name, type, n: (
        [f"{name} 0 A {GOOD if n == 1 else '127.0.0.1'}"] if type == "A" else ()
    )
    assert isinstance(await probe(guarded, HERE), Vetted)
    assert guarded.names.asked[HERE, "A"] == 1, "asked once"
    assert guarded.tried == [GOOD]
    assert isinstance(await probe(guarded, HERE), Blocked)
    assert guarded.reached == []


@pytest.mark.parametrize("deep", [DEEPEST + 1, 50])
async def test_a_chain_of_names_ends(guarded: Guarded, deep: int) -> None:
    def says(name: str, type: str, n: int) -> list[str]:
        step = int(name.partition(".")[0].removeprefix("n") or 0) if name.startswith("n") else 0
        if step >= deep:
            return [f"{name} 0 A {GOOD}"] if type == "A" else []
        return [f"{name} 0 CNAME n{step + 1}.customer-of-ours.com."]

    guarded.names.says = says
    found = await probe(guarded, HERE)
    assert isinstance(found, Blocked)
    assert found.code == "dns_chain_too_long"
    assert sum(guarded.names.asked.values()) < 4 * (DEEPEST + 2)


async def test_a_circle_of_names_ends(guarded: Guarded) -> None:
    guarded.names.says = lambda name, type, n: [f"{name} 0 CNAME {HERE}."]
    found = await probe(guarded, HERE)
    assert isinstance(found, Blocked)
    assert found.code == "dns_chain_too_long"


async def test_a_server_that_says_nothing_is_no_yes(guarded: Guarded) -> None:
    guarded.names.says = lambda name, type, n: None
    found = await asyncio.wait_for(probe(guarded, HERE), 30)
    assert isinstance(found, Blocked)
    assert found.code == "dns_unreachable"


async def test_an_answer_without_measure_is_cut(guarded: Guarded) -> None:
    guarded.names.says = lambda name, type, n: [f'{name} 0 TXT "{"x" * 250}{k:03}"' for k in range(200)]
    (view,) = await guarded.net.look_up(HERE, "TXT")
    assert len(view.values) <= MOST_VALUES


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "0x7f000001",
        "2130706433",
        "127.1",
        "localhost.",
        "metadata.google.internal",
        "customer.local",
        "good.com@127.0.0.1",
        "good.com\\@127.0.0.1",
        "good.com#.internal",
        "good.com:22",
        "https://good.com",
        "good.com\r\nHost: evil.com",
        "good..com",
        "a" * 64 + ".com",
        "com",
        "",
        "раyраl.com",
    ],
)
async def test_what_is_no_name_of_a_customer_is_not_even_looked_up(guarded: Guarded, host: str) -> None:
    found = await probe(guarded, host)
    assert isinstance(found, Blocked)
    assert found.code == "host_not_allowed"
    assert guarded.names.asked == {}
    assert (guarded.tried, guarded.reached) == ([], [])


async def test_only_the_two_ports_of_the_web_are_there(guarded: Guarded) -> None:
    assert set(public_net(Settings(_env_file=None)).ports) == {80, 443}
    with pytest.raises(KeyError):
        async with guarded.net.connect(HERE, GOOD, 22, None):
            pass
    assert guarded.tried == []


@pytest.mark.skipif(ATTACKS is None, reason="the collection of attacks is not on this machine")
async def test_of_all_known_attacks_none_reaches_us(guarded: Guarded) -> None:
    """Every known host, where every name is at 127.0.0.1; every known address behind a good name."""
    assert ATTACKS is not None
    hosts = json.loads((ATTACKS / "hostile_hosts.json").read_text())
    addresses = json.loads((ATTACKS / "probe_addresses.json").read_text())
    assert (len(hosts), len(addresses)) == (85, 33)
    guarded.names.says = lambda name, type, n: [f"{name} 0 A 127.0.0.1"] if type == "A" else ()
    for each in hosts:
        assert isinstance(await probe(guarded, each["host"]), Blocked), each
    assert guarded.tried == []
    for each in addresses:
        with suppress(OSError):
            async with guarded.net.connect(HERE, each["ip"], 443, None):
                pass
    allowed = [each["ip"] for each in addresses if each["expect"] == "allow"]
    assert guarded.tried == allowed, "those, and no other"
    assert guarded.reached == []
