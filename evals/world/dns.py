"""DNS for the world: one authoritative server and two resolvers, over UDP and TCP, from the same records."""

from __future__ import annotations

import asyncio
import itertools
import logging
import struct
from collections.abc import Callable, Iterator
from sqlite3 import Connection
from typing import cast

from dnslib import AAAA, CAA, CLASS, CNAME, NS, QTYPE, RCODE, RR, SOA, TXT, A, DNSError, DNSRecord

from evals.world import state
from evals.world.spec import Record, View

log = logging.getLogger(__name__)

LONGEST_CHAIN = 60
NEGATIVE_TTL = 60
Locate = Callable[[str], str]
"""Address of a host's edge."""


def rdata(record: Record, value: str) -> A | AAAA | CNAME | NS | TXT | CAA:
    match record.type:
        case "AAAA":
            return AAAA(value)
        case "CNAME":
            return CNAME(value)
        case "NS":
            return NS(value)
        case "TXT":
            data = value.encode()
            return TXT([data[i : i + 255] for i in range(0, len(data), 255)] or [b""])
        case "CAA":
            flags, tag, text = value.split(" ", 2)
            return CAA(int(flags), tag, text.strip('"'))
        case _:
            return A(value)


def rows(record: Record, locate: Locate, turn: Iterator[int]) -> list[RR]:
    values = tuple(locate(v[1:]) if v.startswith("@") else v for v in record.values)
    if record.type == "ALTERNATING":
        values = (values[next(turn) % len(values)],)
    kind = "A" if record.type == "ALTERNATING" else record.type
    return [RR(record.name, getattr(QTYPE, kind), CLASS.IN, record.ttl, rdata(record, v)) for v in values]


def answer(
    db: Connection, query: DNSRecord, view: View, locate: Locate, turn: Iterator[int]
) -> DNSRecord | None:
    """The reply of one server; None is silence. Follows CNAMEs, as a resolver does."""
    name = str(query.q.qname).rstrip(".").lower()
    wanted = QTYPE.get(query.q.qtype)
    reply = query.reply(ra=int(view != "authority"), aa=int(view == "authority"))
    for _ in range(LONGEST_CHAIN):
        here = {record.type: record for record in state.records(db, name, view)}
        if "TIMEOUT" in here:
            return None
        for refusal in ("SERVFAIL", "REFUSED"):
            if refusal in here:
                return refused(query, getattr(RCODE, refusal))
        if not here or "NXDOMAIN" in here:
            if not here and state.has_names_below(db, name):
                return negative(reply, name, RCODE.NOERROR)
            return negative(reply, name, RCODE.NXDOMAIN)
        found = here.get(wanted) or (here.get("ALTERNATING") if wanted == "A" else None)
        alias = found or here.get("CNAME")
        if alias is None:
            return negative(reply, name, RCODE.NOERROR)
        reply.add_answer(*rows(alias, locate, turn))
        if found:
            return reply
        name = alias.values[0].rstrip(".").lower()
    return refused(query, RCODE.SERVFAIL)


def refused(query: DNSRecord, rcode: int) -> DNSRecord:
    reply = query.reply()
    reply.header.rcode = rcode
    return reply


def negative(reply: DNSRecord, name: str, rcode: int) -> DNSRecord:
    reply.header.rcode = rcode
    zone = ".".join(name.split(".")[-2:])
    soa = SOA(f"ns1.{zone}", f"hostmaster.{zone}", (1, 3600, 600, 86400, NEGATIVE_TTL))
    reply.add_auth(RR(zone, QTYPE.SOA, CLASS.IN, NEGATIVE_TTL, soa))
    return reply


class Udp(asyncio.DatagramProtocol):
    def __init__(self, reply_to: Callable[[bytes, bool], bytes | None]) -> None:
        self.reply_to = reply_to

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = self.reply_to(data, True)
        if wire is not None:
            self.transport.sendto(wire, addr)


async def serve_dns(
    db: Connection, view: View, locate: Locate, port: int
) -> tuple[int, asyncio.DatagramTransport, asyncio.Server]:
    """Listens on one port of 127.0.0.1 over both transports; port 0 takes a free one."""
    turn = itertools.count()

    def reply_to(data: bytes, udp: bool) -> bytes | None:
        try:
            query = DNSRecord.parse(data)
            reply = answer(db, query, view, locate, turn)
        except DNSError as error:
            log.debug("unreadable query: %s", error)
            return None
        if reply is None:
            return None
        wire = bytes(reply.pack())
        sizes = [rr.edns_len for rr in query.ar if rr.rtype == QTYPE.OPT]
        if udp and len(wire) > max([512, *sizes]):
            reply.rr, reply.auth, reply.ar, reply.header.tc = [], [], [], 1
            wire = bytes(reply.pack())
        return wire

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                wire = reply_to(await reader.readexactly(length), False)
                if wire is None:
                    continue
                writer.write(struct.pack("!H", len(wire)) + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    loop = asyncio.get_running_loop()
    for _ in range(20):
        server = await asyncio.start_server(converse, "127.0.0.1", port)
        number: int = server.sockets[0].getsockname()[1]
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: Udp(reply_to), local_addr=("127.0.0.1", number)
            )
        except OSError:
            server.close()
            if port:
                raise
            continue
        return number, transport, server
    raise OSError("no port is free for both UDP and TCP on 127.0.0.1; end other programs that hold ports")
