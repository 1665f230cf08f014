"""The parts of a running world that live in one event loop: listeners, clock, and the API over them."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from ipaddress import ip_address, ip_network
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from evals.world import control, platform, state, tls
from evals.world.dns import serve_dns
from evals.world.spec import TRACKING_TARGET, Addresses, Edge, Record, State, View, Visit

CANARY = "127.0.0.1"
PLATFORM = State(
    edges=(Edge(host=TRACKING_TARGET, kind="platform_certificate"),),
    records=(Record(name=TRACKING_TARGET, type="A", values=(f"@{TRACKING_TARGET}",)),),
)


class Droppable(H11Protocol):
    """Lets a route cut the connection: its transport is part of the request's state."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)  # type: ignore[arg-type]


class Running:
    """The parts of a started world that live in its event loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db: Connection = state.open_state(folder / "world.sqlite")
        self.visits: deque[Visit] = deque(maxlen=10_000)
        self.edges: dict[int, tuple[Edge, list[asyncio.Server]]] = {}
        self.opening = asyncio.Lock()
        self.addresses: Addresses
        self.listening: tls.Listening

    def locate(self, host: str) -> str:
        """The address of a host's edge; an unknown one gets a dead address."""
        number = state.edge_number(self.db, host) or 65_000
        return str(ip_address(int(ip_network(self.addresses.network)[0]) + 256 + number))

    async def open_edges(self) -> None:
        """Brings the listeners in line with the edges that are wanted."""
        async with self.opening:
            wanted = dict(state.edges(self.db))
            for number, (edge, servers) in tuple(self.edges.items()):
                if wanted.get(number) != edge:
                    del self.edges[number]
                    for server in servers:
                        server.close()
            for number in wanted.keys() - self.edges.keys():
                edge = wanted[number]
                servers = await tls.serve_edge(edge, self.locate(edge.host), self.listening)
                self.edges[number] = edge, servers

    async def apply(self, given: State) -> None:
        state.put(self.db, given)
        await self.open_edges()

    async def run_changes(self, now: float) -> int:
        due = state.take_due(self.db, now)
        if due:
            await self.open_edges()
        return len(due)

    async def reset(self) -> None:
        state.clear(self.db)
        self.visits.clear()
        await self.apply(PLATFORM)

    def close_edges(self) -> None:
        for _, servers in self.edges.values():
            for server in servers:
                server.close()

    async def tick(self) -> None:
        while True:
            await self.run_changes(time.time())
            await asyncio.sleep(0.05)


def remembered(folder: Path) -> Addresses:
    """The addresses of the last run of this state folder; ports of a new one are 0, to be chosen."""
    folder.mkdir(parents=True, exist_ok=True)
    file, ca = folder / "addresses.json", str((folder / "ca.pem").resolve())
    if file.exists():
        old = Addresses.model_validate_json(file.read_text())
        return old.model_copy(update={"pid": os.getpid(), "ca": ca})
    free = f"{CANARY}:0"
    return Addresses(
        api=f"http://{free}",
        token=secrets.token_urlsafe(24),
        control_token=secrets.token_urlsafe(24),
        resolvers=(free, free),
        authority=free,
        ca=ca,
        tls_port=0,
        http_port=0,
        network=f"127.{16 + secrets.randbelow(200)}.0.0/16",
        canary=free,
        pid=os.getpid(),
    )


def remember(folder: Path, addresses: Addresses) -> None:
    fresh = folder / "addresses.new"
    fresh.touch(mode=0o600)
    fresh.write_text(addresses.model_dump_json())
    fresh.replace(folder / "addresses.json")


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


async def open_canary(running: Running, port: int, stack: ExitStack) -> int:
    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.visits.append(Visit(edge="canary"))
        writer.close()

    server = stack.enter_context(closing(await asyncio.start_server(count, CANARY, port)))
    number: int = server.sockets[0].getsockname()[1]
    return number


async def open_network(running: Running, old: Addresses, stack: ExitStack) -> None:
    """DNS, canary and edges, on the ports of `old` where it has any."""
    # The canary takes a free port of 127.0.0.1, which is then free at all addresses of our network too.
    tls_port = await open_canary(running, old.tls_port, stack)
    http_port = await open_canary(running, old.http_port, stack)
    servers: list[str] = []
    views: tuple[tuple[View, str], ...] = (
        ("first", old.resolvers[0]),
        ("second", old.resolvers[1]),
        ("authority", old.authority),
    )
    for view, address in views:
        number, udp, tcp = await serve_dns(running.db, view, running.locate, port_of(address))
        stack.enter_context(closing(udp))
        stack.enter_context(closing(tcp))
        servers.append(f"127.0.0.1:{number}")
    running.addresses = old.model_copy(
        update={
            "resolvers": (servers[0], servers[1]),
            "authority": servers[2],
            "tls_port": tls_port,
            "http_port": http_port,
            "canary": f"{CANARY}:{tls_port}",
        }
    )
    authority = tls.open_authority(running.folder)
    running.listening = tls.Listening(
        tls_port,
        http_port,
        running.folder,
        authority,
        running.visits.append,
        lambda: state.branded_hosts(running.db),
    )
    stack.callback(running.close_edges)
    try:
        await running.apply(PLATFORM)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        raise OSError(
            "only 127.0.0.1 is loopback here; run the world on Linux, where 127.0.0.0/8 is"
        ) from error


def build_api(running: Running) -> FastAPI:
    app = FastAPI(title="Heron Mail", version="1")
    app.include_router(platform.router)
    app.include_router(control.router)
    app.state.db, app.state.addresses, app.state.visits = running.db, running.addresses, running.visits
    app.state.reads, app.state.hung = itertools.count(), []
    app.state.apply, app.state.run_changes, app.state.reset = (
        running.apply,
        running.run_changes,
        running.reset,
    )
    return app


def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Connections that hang at the end are cancelled, which asyncio's streams report as errors.
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


async def serve(folder: Path, started: Callable[[Addresses], None], stop: asyncio.Event) -> None:
    """Runs the world until `stop` is set; `started` is told its addresses once all of it listens."""
    asyncio.get_running_loop().set_exception_handler(complain)
    old = remembered(folder)
    with ExitStack() as stack:
        running = Running(folder)
        stack.enter_context(closing(running.db))
        listener = stack.enter_context(closing(listen(port_of(old.api))))
        api = f"http://127.0.0.1:{listener.getsockname()[1]}"
        await open_network(running, old.model_copy(update={"api": api}), stack)
        remember(folder, running.addresses)
        config = uvicorn.Config(
            build_api(running), http=Droppable, ws="none", lifespan="off", log_config=None, access_log=False
        )
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as group:
            api_task = group.create_task(server.serve(sockets=[listener]))
            clock = group.create_task(running.tick())
            started(running.addresses)
            await stop.wait()
            server.should_exit = server.force_exit = True
            await api_task
            clock.cancel()


def listen(port: int) -> socket.socket:
    # Named as TCP, or asyncio leaves Nagle's delay on and each answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"port {port} of this world is in use; end the world that runs there or take another state folder"
        ) from error
    listener.listen()  # a client that connects before the server accepts is kept waiting, not refused
    return listener
