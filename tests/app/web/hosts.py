"""Another company's page, on an origin of its own, with as strict a policy as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def strict(bot: str) -> str:
    """What the host page allows: our one origin and nothing inline, with Trusted Types on."""
    return (
        f"default-src 'none'; script-src 'self' {bot}; connect-src 'self' {bot}; img-src {bot} data: blob:; "
        "frame-src http:; require-trusted-types-for 'script'; trusted-types 'none'"
    )


class Host:
    """Serves what it is given; every path that was asked for is noted."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.foreign = f"http://localhost:{server.server_address[1]}"
        self.pages: dict[str, tuple[str, str]] = {}
        self.policy = ""
        self.asked: list[str] = []

    def page(self, body: str, path: str = "/", lang: str = "en") -> str:
        whole = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Shop</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
            f"<body><main><h1>Shop</h1>{body}</main></body></html>"
        )
        self.pages[path] = ("text/html; charset=utf-8", whole)
        return self.url + path

    def script(self, code: str, path: str) -> None:
        self.pages[path] = ("text/javascript", code)


@contextmanager
def serving() -> Iterator[Host]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            kind, text = host.pages.get(self.path.partition("?")[0], ("text/plain", ""))
            self.send_response(200 if text else 404)
            self.send_header("content-type", kind)
            if host.policy:
                self.send_header("content-security-policy", host.policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    host = Host(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
