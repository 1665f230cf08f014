"""A look at the status a page answers with. Redirects are a status like any other and are not followed."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

from app.probes.account import own_host
from app.probes.asked import Asked
from app.probes.finding import MINUTE, Seen
from app.probes.net import Blocked, Vetted, context_of
from app.probes.tls import distrust

_PATH = re.compile(r"[!-~]{1,2000}")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


class Page(NamedTuple):
    tls: bool
    host: str
    path: str


def page(url: str) -> Page | None:
    """The parts of an address that a probe may ask for: no user, no port of its own."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and "\\" not in url
    if not plain or port is not None or not parts.hostname or not _PATH.fullmatch(path):
        return None
    return Page(parts.scheme == "https", parts.hostname, path)


async def http_status(asked: Asked) -> Seen:
    """`{url: "https://{domain}/", status: 200}`; `status: 2xx` stands for a class."""
    url, wanted = asked.fill("url"), str(asked.check.param("status") or "200").lower()
    if isinstance(url, Seen):
        return url
    target = page(url.text)
    host = asked.net.policy.host(target.host) if target else None
    if target is None or host is None:
        return Seen("host_not_allowed", {"host": url.text})
    refused = await own_host(asked, host, from_customer=url.from_customer)
    if refused:
        return refused
    vetted = await asked.net.vet(host)
    if isinstance(vetted, Blocked):
        return Seen(vetted.code, vetted.values)
    return await _ask(asked, target, vetted, url.text, wanted)


async def _ask(asked: Asked, target: Page, vetted: Vetted, url: str, wanted: str) -> Seen:
    net, port = asked.net, 443 if target.tls else 80
    host, address = vetted.host, vetted.addresses[0]
    context = context_of(net.ca_file, verify=True) if target.tls else None
    where = {"host": host, "address": address, "port": port}
    head = f"GET {target.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: stepfour\r\nConnection: close\r\n\r\n"
    try:
        async with net.connect(host, address, port, context) as (reader, writer):
            async with asyncio.timeout(net.connect_seconds):
                writer.write(head.encode("ascii"))
                line = await reader.readuntil(b"\n")
    except ssl.SSLCertVerificationError:
        return await distrust(net, host, address, asked.clock)
    except TimeoutError:
        return Seen("connection_timed_out", where)
    except ConnectionRefusedError:
        return Seen("connection_refused", where, MINUTE)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return Seen("http_not_understood", {"url": url}, MINUTE)
    return judge_status(url, line, wanted)


def judge_status(url: str, line: bytes, wanted: str) -> Seen:
    found = _STATUS.match(line)
    if not found:
        return Seen("http_not_understood", {"url": url}, MINUTE)
    status = found[1].decode()
    same = status == wanted or (wanted.endswith("xx") and status[0] == wanted[0])
    values = {"url": url, "status": status, "expected": wanted}
    return Seen("http_status_as_expected" if same else "http_status_other", values, 2 * MINUTE)
