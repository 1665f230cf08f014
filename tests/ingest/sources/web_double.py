"""A web server on loopback that sends what a test says, and keeps what it was asked."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ingest.sources.polite import Net
from ingest.sources.source import Failed, Fetched, Found, Gone, Unchanged
from ingest.sources.website import Website
from knowledge.addresses import hostname

HOST = "help.acme.com"


@dataclass
class Reply:
    body: str | bytes | Iterable[bytes] = b""
    """An iterable is sent as it comes, without a length."""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]

    @property
    def host(self) -> str:
        return self.headers["host"].partition(":")[0]


Route = Reply | Callable[[Asked], Reply]


def page(title: str, *links: str, head: str = "", text: str = "") -> Reply:
    anchors = "".join(f'<a href="{link}">{link}</a>' for link in links)
    html = f"<!doctype html><html lang=en><head><title>{title}</title>{head}</head>"
    return Reply(f"{html}<body><h1>{title}</h1><p>{text}</p>{anchors}</body></html>")


def redirect(to: str, status: int = 301) -> Reply:
    return Reply(status=status, headers={"Location": to})


def urlset(*urls: str, more: str = "") -> Reply:
    rows = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    xml = '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return Reply(f"{xml}{rows}{more}</urlset>", type="application/xml")


def packed(reply: Reply) -> Reply:
    assert isinstance(reply.body, str)
    return Reply(gzip.compress(reply.body.encode()), type="application/gzip")


def failed(got: object) -> str:
    """Why it could not be had."""
    assert isinstance(got, Failed), got
    return got.reason


def gone(got: object) -> str:
    """Why it is no document of the source."""
    assert isinstance(got, Gone), got
    return got.reason


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Loopback:
    """The policy of these tests: any name, and 127.0.0.1."""

    def host(self, name: str) -> str | None:
        return hostname(name)

    def address(self, address: str) -> bool:
        return address == "127.0.0.1"


class Site:
    """The server, and a website source that reads it."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port = server.server_address[1]
        self.scheme = "http"
        self.routes: dict[str, Route] = {}
        self.asked: list[Asked] = []
        self.clock = Clock()
        self.resolve: Callable[[str, int], Sequence[str]] = lambda host, port: ["127.0.0.1"]
        self.net: dict[str, Any] = {}
        self.source: Website | None = None

    def url(self, path: str = "/", host: str = HOST) -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def open(self, path: str = "/", policy: Any = None, **options: str) -> Website:
        net = Net(
            resolve=self.resolve,
            now=self.clock.now,
            sleep=self.clock.sleep,
            today=lambda: datetime(2026, 3, 1, tzinfo=UTC),
            **self.net,
        )
        self.source = Website(self.url(path), options, policy or Loopback(), net)
        return self.source

    def list(self, path: str = "/", known: Mapping[str, str] | None = None, **options: str) -> list[str]:
        """Paths of a listing that must be complete."""
        listing = self.open(path, **options).listing(known or {})
        assert listing.unreadable == []
        return [found.path for found in listing.found]

    def fetch(self, path: str, stamp: str = "") -> Fetched | Unchanged | Gone | Failed:
        return (self.source or self.open()).fetch(Found(path, ""), stamp)

    def text(self, path: str) -> str:
        got = self.fetch(path)
        assert isinstance(got, Fetched), got
        return got.raw.decode("utf-8")


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
            site.asked.append(asked)
            route = site.routes.get(self.path)
            if route is None:
                route = Reply("not here", 404)
            self._send(asked, route if isinstance(route, Reply) else route(asked))

        def _send(self, asked: Asked, reply: Reply) -> None:
            if _known(asked, reply):
                reply = Reply(status=304, headers=reply.headers)
            self.send_response(reply.status)
            if reply.type:
                self.send_header("Content-Type", reply.type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            if isinstance(body, bytes):
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.close_connection = True
            self.end_headers()
            try:
                for piece in body:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # the reader has had enough

        def log_message(self, format: str, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site = Site(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.source = None  # its connections close with it
        server.shutdown()
        server.server_close()
        thread.join()


def _known(asked: Asked, reply: Reply) -> bool:
    """Whether the browser has it already, as servers judge: the tag decides where there is one."""
    tag, date = reply.headers.get("ETag"), reply.headers.get("Last-Modified")
    if reply.status != 200:
        return False
    if tag and "if-none-match" in asked.headers:
        return asked.headers["if-none-match"] == tag
    return date is not None and asked.headers.get("if-modified-since") == date
