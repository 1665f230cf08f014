"""Connections to addresses that were checked, and to nothing else.

A name is looked up once per connection, every address it has is held against the policy, and the connection
goes to one of these addresses, never to the name: what the name resolves to a moment later does not matter.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpcore

from knowledge.addresses import AddressPolicy

Resolve = Callable[[str, int], Sequence[str]]
TRIED = 3
"""Addresses of a name that are tried before it counts as not to be reached."""


class Barred(Exception):
    """The policy does not let a connection go there. The message says what to do."""


class TooSlow(Exception):
    """The time for the whole of an answer is over."""


def addresses_of(host: str, port: int) -> list[str]:
    """As the machine resolves names. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@cache
def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whose certificates hold. Loaded once."""
    system = ssl.get_default_verify_paths()
    if ca_file is None and not (system.cafile or system.capath):
        import certifi  # a slim image without any authority would call every certificate untrusted

        return ssl.create_default_context(cafile=certifi.where())
    return ssl.create_default_context(cafile=ca_file)


class Deadline:
    """When an answer has to be complete. A server that sends one byte now and then meets no other limit."""

    def __init__(self) -> None:
        self._ends = 0.0

    def begin(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends

    def cut(self, timeout: float | None) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TooSlow
        return left if timeout is None else min(left, timeout)


class Pinned(httpcore.NetworkBackend):
    def __init__(self, policy: AddressPolicy, resolve: Resolve, deadline: Deadline) -> None:
        self._policy = policy
        self._resolve = resolve
        self._deadline = deadline
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._vetted(host, port)[:TRIED]:
            try:
                stream = self._real.connect_tcp(address, port, self._deadline.cut(timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Timed(stream, self._deadline)
        raise problem

    def _vetted(self, host: str, port: int) -> list[str]:
        name = self._policy.host(host)
        if name is None:
            raise Barred(f"{host} is not the name of a public host. Use the address that customers use.")
        try:
            addresses = list(dict.fromkeys(self._resolve(name, port)))
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be looked up ({error})") from error
        for address in addresses:
            if not self._policy.address(address):
                raise Barred(
                    f"{host} resolves to {address}, which is not public, so nothing is read there. "
                    "Use the address that customers use, or read the pages from a folder."
                )
        return sorted(addresses, key=lambda address: ":" in address)  # IPv6 does not leave every machine


class _Timed(httpcore.NetworkStream):
    """A connection on which every read and write ends with the answer's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout))
        return _Timed(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
