"""A language model on loopback, as OpenAI-compatible endpoints speak: what it writes is the test's."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Write = Callable[[list[str]], str]
"""The numbered lines it is given -> what it answers."""
PATIENCE_S = 60


def first_sentences(lines: list[str]) -> str:
    """An answer that every check lets through: words of the lines themselves."""
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", lines[0]) if len(part.split()) > 4]
    return " ".join(f"{sentence.rstrip('.')} [1]." for sentence in sentences[:4])


class Model:
    """Reads every message as a question; writes word by word, and stops after some where it is held."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        self.write: Write = first_sentences
        self.written: list[str] = []
        self._words: int | None = None
        self._on = threading.Event()
        self._on.set()

    def hold(self, words: int) -> None:
        """From now on it falls silent after so many words, until it is let go."""
        self._words = words
        self._on.clear()

    def go(self) -> None:
        self._words = None
        self._on.set()

    def reading(self, prompt: str) -> dict[str, Any]:
        return {
            "language": "en",
            "speech": "question",
            "request": prompt,
            "procedure": None,
            "inputs": [],
            "claims": [],
            **dict.fromkeys(
                ("wants_outcome", "asks_how", "wants_person", "skips_checks", "for_other", "asks_again"),
                False,
            ),
            "danger": None,
            "confirms": False,
        }

    def pieces(self, text: str) -> Iterator[str]:
        for n, word in enumerate(re.findall(r"\S+\s*", text)):
            if self._words is not None and n >= self._words:
                self._on.wait(PATIENCE_S)
            yield word


@contextmanager
def model(asked: str) -> Iterator[Model]:
    """`asked`: how it puts what the customer asks, whatever they wrote."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "response_format" in given:  # the reader asks
                content = json.dumps(made.reading(asked))
                choice = {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": content},
                }
                return self._send(
                    {
                        "id": "x",
                        "object": "chat.completion",
                        "created": 1,
                        "model": "double",
                        "choices": [choice],
                    }
                )
            material = str(given["messages"][-1]["content"])
            text = made.write(re.findall(r"^\[\d+\] (.*)$", material, re.MULTILINE))
            made.written.append(text)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            try:
                for piece in made.pieces(text):
                    self._event({"index": 0, "delta": {"content": piece}, "finish_reason": None})
                self._event({"index": 0, "delta": {}, "finish_reason": "stop"})
            except OSError:
                return None  # whoever asked is gone
            return None

        def _event(self, choice: dict[str, Any]) -> None:
            chunk = {
                "id": "x",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "double",
                "choices": [choice],
            }
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

        def _send(self, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    made = Model(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.go()
        server.shutdown()
        server.server_close()
        thread.join(5)
