"""A language model on loopback, as OpenAI-compatible endpoints speak, and every way in which one fails."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WHOLE_USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


class Wire:
    """The answer to one request, as low as bytes."""

    def __init__(
        self, handler: BaseHTTPRequestHandler, asked: dict[str, Any], ending: threading.Event
    ) -> None:
        self._handler = handler
        self._ending = ending
        self.asked = asked

    def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self._handler.send_response(status)
        self._handler.send_header("content-type", kind)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def event(self, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }
        self.send(f"data: {json.dumps(chunk | more)}\n\n".encode())

    def end(self, finish: str = "stop", usage: Mapping[str, int] | None = None) -> None:
        self.event({}, finish)
        last = {"id": "x", "object": "chat.completion.chunk", "choices": [], "usage": usage or WHOLE_USAGE}
        self.send(f"data: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode())

    def whole(self, text: str, finish: str = "stop", **message: Any) -> None:
        """In one piece, as an endpoint does that does not stream."""
        said = {"role": "assistant", "content": text} | message
        choice = {"index": 0, "finish_reason": finish, "message": said}
        body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        self.head(kind="application/json")
        self.send(json.dumps(body | {"usage": WHOLE_USAGE}).encode())

    def wait(self, seconds: float) -> None:
        self._ending.wait(seconds)

    @property
    def over(self) -> bool:
        return self._ending.is_set()

    def reset(self) -> None:
        """The connection breaks off as if somebody had pulled a plug."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.connection.close()


Play = Callable[[Wire], None]


def says(text: str, usage: Mapping[str, int] | None = None) -> Play:
    """A good answer, word by word."""

    def play(wire: Wire) -> None:
        wire.head()
        wire.event({"role": "assistant", "content": ""})
        wire.send(b": keep alive\n\n")
        for start in range(0, len(text), 24):
            wire.event({"content": text[start : start + 24]})
        wire.end(usage=usage)

    return play


class Double:
    """Keeps what it was sent; `play` is how it answers, `plays` are answers that come before it, in order."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        """Every request as it came, headers and all."""
        self.times: list[float] = []
        self.play: Play = says("ok")
        self.plays: list[Play] = []
        self.came = threading.Event()
        self.ending = threading.Event()
        double = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                double.raw.append(f"{self.path}\n{self.headers}\n".encode() + body)
                double.asked.append(json.loads(body))
                double.times.append(time.monotonic())
                double.came.set()
                self.close_connection = True
                play = double.plays.pop(0) if double.plays else double.play
                try:
                    play(Wire(self, double.asked[-1], double.ending))
                except OSError:
                    return  # whoever asked is gone

            def log_message(self, format: str, *args: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self._server = Server(("127.0.0.1", 0), Answering)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def keys(self) -> list[str]:
        lines = [line for raw in self.raw for line in raw.decode().splitlines()]
        return [line.split(": ", 1)[1] for line in lines if line.lower().startswith("authorization:")]

    def close(self) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def double() -> Iterator[Double]:
    made = Double()
    try:
        yield made
    finally:
        made.close()


def reads(asked: Mapping[str, Any]) -> bool:
    """Whether the reader asks; the writer wants no schema."""
    return "response_format" in asked


# --- faults -------------------------------------------------------------------------------------


def _status(status: int, body: str = '{"error": {"message": "no"}}', **headers: str) -> Play:
    def play(wire: Wire) -> None:
        wire.head(status, "application/json", **headers)
        wire.send(body.encode())

    return play


def _body(text: str, kind: str = "application/json") -> Play:
    def play(wire: Wire) -> None:
        wire.head(kind=kind)
        wire.send(text.encode())

    return play


def _cut(wire: Wire) -> None:
    """The stream ends as if nothing were wrong; the final mark never came."""
    wire.head()
    wire.event({"content": '{"language": "en", "speech": "request"'})


def _trickle(wire: Wire) -> None:
    """A little, again and again, without an end: no single wait is long."""
    wire.head()
    while not wire.over:
        wire.event({"content": " x"})
        wire.wait(0.05)


def _keeps_alive(wire: Wire) -> None:
    """Comments alone: the line is open and nobody says anything."""
    wire.head()
    while not wire.over:
        wire.send(b": keep alive\n\n")
        wire.wait(0.05)


def _stalls(wire: Wire) -> None:
    wire.head()
    wire.event({"content": "{"})
    wire.wait(60)


def _hangs(wire: Wire) -> None:
    wire.wait(60)


def _drips_headers(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\n")
    while not wire.over:
        wire.send(b"x-more: 1\r\n")
        wire.wait(0.05)


def _huge(wire: Wire) -> None:
    wire.head()
    while not wire.over:
        wire.event({"content": "x" * 100_000})


def _huge_line(wire: Wire) -> None:
    wire.head(kind="application/json")
    while not wire.over:
        wire.send(b'{"choices": [' * 10_000)


def _huge_error(wire: Wire) -> None:
    wire.head(400, "application/json")
    while not wire.over:
        wire.send(b"x" * 100_000)


def _reset(wire: Wire) -> None:
    wire.head()
    wire.event({"content": "{"})
    wire.reset()


def _short(wire: Wire) -> None:
    """Fewer bytes than it promised."""
    wire.head(kind="application/json", content_length="5000")
    wire.send(b'{"choices": [')


def _refuses(wire: Wire) -> None:
    wire.head()
    wire.event({"refusal": "I cannot help with that."})
    wire.end()


def _filters(wire: Wire) -> None:
    wire.head()
    wire.event({"content": "{"})
    wire.end("content_filter")


def _too_long(wire: Wire) -> None:
    wire.head()
    wire.event({"content": '{"language": '})
    wire.end("length")


def _calls_tools(wire: Wire) -> None:
    """The same tool twice, though it was offered none."""
    call = {
        "index": 0,
        "id": "c",
        "type": "function",
        "function": {"name": "enable_https", "arguments": "{}"},
    }
    wire.head()
    wire.event({"tool_calls": [call, call | {"index": 1}]})
    wire.end("tool_calls")


def _two_choices(wire: Wire) -> None:
    wire.head(kind="application/json")
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "ok"}}
    wire.send(json.dumps({"choices": [choice, choice]}).encode())


def _breaks_off(wire: Wire) -> None:
    """An error in the middle of a stream that began well."""
    wire.head()
    wire.event({"content": "{"})
    wire.send(b'data: {"error": {"message": "overloaded", "code": 529}}\n\n')


def _packed(wire: Wire) -> None:
    """Packed though nobody asked for it."""
    import gzip

    wire.head(kind="application/json", content_encoding="gzip")
    wire.send(gzip.compress(b"{" * 1_000_000))


FAULTS: Mapping[str, tuple[Play, str]] = {
    "a truncated stream": (_cut, "truncated"),
    "a slow trickle": (_trickle, "timeout"),
    "comments alone": (_keeps_alive, "timeout"),
    "a stall": (_stalls, "timeout"),
    "a hang before the headers": (_hangs, "timeout"),
    "headers without an end": (_drips_headers, "timeout"),
    "HTML with 200": (_body("<html>busy</html>", "text/html"), "malformed"),
    "HTML as a stream": (_body("<html>busy</html>\n", "text/event-stream"), "truncated"),
    "bad JSON": (_body('{"choices": [{'), "malformed"),
    "bad JSON in a stream": (_body('data: {"choices": [{\n\n', "text/event-stream"), "malformed"),
    "a list": (_body("[]"), "malformed"),
    "null": (_body("null"), "malformed"),
    "an empty object": (_body("{}"), "truncated"),
    "an empty body": (_body(""), "malformed"),
    "an empty answer": (says(""), "malformed"),
    "huge": (_huge, "malformed"),
    "one huge line": (_huge_line, "malformed"),
    "a huge error": (_huge_error, "rejected"),
    "packed": (_packed, "malformed"),
    "a refusal": (_refuses, "refusal"),
    "content_filter": (_filters, "filtered"),
    "content_filter as an error": (_status(400, '{"error": {"code": "content_filter"}}'), "filtered"),
    "too long": (_too_long, "truncated"),
    "tools called twice": (_calls_tools, "malformed"),
    "two choices": (_two_choices, "malformed"),
    "an error in mid-stream": (_breaks_off, "server"),
    "a reset in mid-body": (_reset, "truncated"),
    "fewer bytes than promised": (_short, "truncated"),
    "429 with Retry-After": (_status(429, retry_after="60"), "rate"),
    "500": (_status(500), "server"),
    "529": (_status(529), "server"),
    "401": (_status(401), "auth"),
    "404": (_status(404), "rejected"),
    "a redirect": (_status(307, location="http://127.0.0.1:9/elsewhere"), "rejected"),
}
"""Faults of the line, whoever asks, and what each is called."""
