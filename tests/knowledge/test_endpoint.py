"""Embeddings and reranking from an endpoint: a real server on loopback, well and unwell."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge import endpoint
from knowledge.embedding import CachedEncoder
from knowledge.endpoint import EndpointEncoder, EndpointReranker
from knowledge.errors import EndpointDown
from knowledge.store import Knowledge
from tests.knowledge.filling import opened, written

WORDS = ("invoice", "port", "phone", "export", "warm")


class Server:
    """Counts words into vectors, and ranks what holds `gold` first."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.status = 200
        self.failing = 0
        self.dimensions = len(WORDS) + 1
        self.broken: Any = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append({"path": self.path, **body})
                outer.keys.append(self.headers.get("Authorization"))
                status = outer.status
                if outer.failing:
                    outer.failing -= 1
                    status = 503
                made = outer.broken if outer.broken is not None else outer.answer(self.path, body)
                sent = json.dumps(made if status == 200 else {"error": {"message": "no"}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/rerank"):
            ranked = [
                {"index": at, "relevance_score": 1.0 if "gold" in text else 0.1}
                for at, text in enumerate(body["documents"])
            ]
            return {"results": ranked[::-1]}
        rows = [
            {"object": "embedding", "index": at, "embedding": self.vector(text)}
            for at, text in enumerate(body["input"])
        ]
        # In an order of its own, as a server may: the index tells.
        return {"object": "list", "model": body["model"], "data": rows[::-1], "usage": {}}

    def vector(self, text: str) -> list[float]:
        return [float(text.lower().count(word)) for word in WORDS] + [0.5] * (self.dimensions - len(WORDS))

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(endpoint, "REST_SECONDS", 0.0)
    made = Server()
    yield made
    made.close()


def test_texts_come_back_in_their_order_as_unit_vectors(server: Server) -> None:
    encoder = EndpointEncoder(server.url, "small model", "secret", prefixes=True)
    texts = [f"{'port ' * at}x" for at in range(endpoint.AT_ONCE + 3)]
    vectors = encoder.passages(texts)
    assert vectors.shape == (len(texts), encoder.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert (np.diff(vectors[:, WORDS.index("port")]) > 0).all()
    assert [len(call["input"]) for call in server.asked] == [endpoint.AT_ONCE, 3]
    assert server.asked[0]["input"][0] == "passage: x"
    assert set(server.keys) == {"Bearer secret"}
    encoder.queries(["a"])
    assert server.asked[-1]["input"] == ["query: a"]
    assert encoder.name == "small-model/e5" != EndpointEncoder(server.url, "small model").name


def test_a_server_that_is_busy_for_a_moment_is_asked_again(server: Server) -> None:
    server.failing = 1
    assert len(EndpointEncoder(server.url, "m").passages(["port"])) == 1
    assert len(server.asked) == 2


def test_what_it_sends_is_checked(server: Server) -> None:
    encoder = EndpointEncoder(server.url, "m")
    encoder.queries(["port"])
    server.dimensions += 1
    with pytest.raises(EndpointDown, match="dimensions"):
        encoder.queries(["phone"])
    for data in ([], [{"index": 0, "embedding": [0.0] * 6}], [{"index": 0, "embedding": [float("nan")] * 6}]):
        server.broken = {"object": "list", "model": "m", "data": data}
        with pytest.raises(EndpointDown, match="Start it, or correct its settings"):
            encoder.queries(["phone"])


def test_after_a_failure_it_rests(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "REST_SECONDS", 60.0)
    encoder = EndpointEncoder(server.url, "m")
    server.status = 500
    for _ in range(3):
        with pytest.raises(EndpointDown):
            encoder.queries(["port"])
    assert len(server.asked) == 1


PAGES = {
    "ports.md": "# Ports\n\nUse port 587 with STARTTLS.\n",
    "invoices.md": "# Invoices\n\nAn invoice is made on the first day of each month.\n",
    "phone.md": "# Phone\n\nA lost phone needs a recovery code, a gold one.\n",
}


@pytest.fixture
def knowledge(tmp_path: Path, server: Server) -> Iterator[Knowledge]:
    encoder = CachedEncoder(EndpointEncoder(server.url, "m"), tmp_path / "vectors.db")
    made = opened(tmp_path / "data", written(tmp_path / "docs", PAGES), encoder)
    yield made
    made.close()


def test_search_goes_on_by_words_while_it_is_down(
    knowledge: Knowledge, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    assert knowledge.search("Which port?", lang="en")[0].passage.path == "ports.md"
    server.status = 503
    hit = knowledge.search("When is the invoice made?", lang="en")[0]
    assert (hit.passage.path, hit.quotes[0]) == (
        "invoices.md",
        "An invoice is made on the first day of each month.",
    )
    assert hit.relevance >= 0.5
    assert "searching by words alone" in caplog.text
    assert server.url in caplog.text
    server.status = 200
    caplog.clear()
    assert knowledge.search("My phone is lost", lang="en")[0].passage.path == "phone.md"
    assert not caplog.records


def test_opened_while_it_is_down_it_is_searched_by_words(
    knowledge: Knowledge, server: Server, tmp_path: Path
) -> None:
    knowledge.close()
    server.status = 503
    encoder = CachedEncoder(EndpointEncoder(server.url, "other"), tmp_path / "other.db")
    again = Knowledge.open(tmp_path / "data", encoder=encoder)
    try:
        assert again.search("When is the invoice made?", lang="en")[0].passage.path == "invoices.md"
        server.status = 200
        assert again.search("Which port?", lang="en")[0].passage.path == "ports.md"
    finally:
        again.close()


def test_a_reranker_has_the_last_word_and_no_answer_of_it_changes_nothing(
    knowledge: Knowledge, server: Server
) -> None:
    asked = "Which port with STARTTLS?"
    before = [hit.passage.path for hit in knowledge.search(asked, lang="en")]
    knowledge.reranker = EndpointReranker(server.url, "judge")
    assert knowledge.search(asked, lang="en")[0].passage.path == "phone.md"
    assert server.asked[-1]["query"] == asked
    assert server.asked[-1]["path"] == "/v1/rerank"
    for broken in ({"results": [{"index": 0, "relevance_score": 1}]}, {"results": "?"}, {}):
        server.broken = broken
        assert [hit.passage.path for hit in knowledge.search(asked, lang="en")] == before
