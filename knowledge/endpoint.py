"""Embeddings and reranking from any OpenAI-compatible endpoint, in place of the model in this process."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import numpy as np

from knowledge.embedding import Vectors
from knowledge.errors import EndpointDown

if TYPE_CHECKING:
    from openai import OpenAI

log = logging.getLogger(__name__)

Hide = Callable[[str], str]

AT_ONCE = 64
"""Texts in one call."""

RETRIES = 4
"""Of a call that nobody waits for; its pauses grow, and `Retry-After` is kept to."""

TALK_SECONDS, SYNC_SECONDS = 5.0, 60.0

REST_SECONDS = 30.0
"""After a failed call it is left alone for so long: a conversation does not wait again and again."""


class Reranker(Protocol):
    """A model that reads query and passage together. Safe to call from several threads."""

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """One per passage, higher is better. Raises `EndpointDown`."""


class EndpointEncoder:
    """An encoder at an endpoint; `prefixes` writes `query: ` and `passage: ` before texts, as E5 wants it.

    `hide`: what every text goes through before it leaves this machine.
    """

    def __init__(
        self, url: str, model: str, key: str | None = None, *, prefixes: bool = False, hide: Hide = str
    ) -> None:
        self.model = model
        self.prefixes = prefixes
        self._hide = hide
        self._line = _Line(url, key)
        self._dimensions: int | None = None

    @property
    def name(self) -> str:
        # It stands between blanks, and before an `@`, where it is kept.
        plain = "".join("-" if c.isspace() or c == "@" else c for c in self.model)
        return f"{plain}/e5" if self.prefixes else plain

    @property
    def dimensions(self) -> int:
        if self._dimensions is None:
            self._embed(["dimensions"], TALK_SECONDS, 0)
        assert self._dimensions is not None
        return self._dimensions

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._with("query: ", texts), TALK_SECONDS, 0)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._with("passage: ", texts), SYNC_SECONDS, RETRIES)

    def _with(self, prefix: str, texts: Sequence[str]) -> list[str]:
        # An empty text is refused by most servers.
        hidden = map(self._hide, texts)
        return [(f"{prefix}{text}" if self.prefixes else text) or " " for text in hidden]

    def _embed(self, texts: Sequence[str], seconds: float, retries: int) -> Vectors:
        rows = [
            self._batch(texts[at : at + AT_ONCE], seconds, retries) for at in range(0, len(texts), AT_ONCE)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimensions), dtype=np.float32)

    def _batch(self, texts: Sequence[str], seconds: float, retries: int) -> Vectors:
        with self._line.open(seconds, retries) as client:
            given = client.embeddings.create(model=self.model, input=list(texts), encoding_format="float")
            found = sorted(given.data, key=lambda one: one.index)
            try:
                vectors = np.array([one.embedding for one in found], dtype=np.float32)
            except (TypeError, ValueError) as error:
                raise EndpointDown(
                    self._line.url, f"its vectors are not numbers of one length ({error})"
                ) from error
            self._must_fit(vectors, len(texts))
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _must_fit(self, vectors: Vectors, count: int) -> None:
        if vectors.ndim != 2 or len(vectors) != count:
            raise EndpointDown(self._line.url, f"it sent {len(vectors)} vectors for {count} texts")
        if not np.isfinite(vectors).all() or not np.linalg.norm(vectors, axis=1).all():
            raise EndpointDown(self._line.url, "it sent a vector that has no direction")
        if self._dimensions not in (None, vectors.shape[1]):
            what = f"its vectors have {vectors.shape[1]} dimensions, before they had {self._dimensions}"
            raise EndpointDown(self._line.url, what)
        self._dimensions = vectors.shape[1]


class EndpointReranker:
    """`POST /rerank` as Cohere, Jina, vLLM and others have it."""

    def __init__(self, url: str, model: str, key: str | None = None, *, hide: Hide = str) -> None:
        self.model = model
        self._hide = hide
        self._line = _Line(url, key)

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        documents = [self._hide(passage) for passage in passages]
        body = {
            "model": self.model,
            "query": self._hide(query),
            "documents": documents,
            "top_n": len(passages),
        }
        with self._line.open(TALK_SECONDS, 0) as client:
            answer = client.post("/rerank", body=body, cast_to=object)
            try:
                found = {int(one["index"]): float(one["relevance_score"]) for one in answer["results"]}  # type: ignore[index]
            except (KeyError, TypeError, ValueError) as error:
                raise EndpointDown(self._line.url, f"its answer is no ranking ({error!r})") from error
            if found.keys() != set(range(len(passages))) or not all(map(math.isfinite, found.values())):
                raise EndpointDown(self._line.url, "it did not rank every passage")
        return [found[at] for at in range(len(passages))]


class _Line:
    """Calls to one endpoint; after one that failed it rests."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self._key = key
        self._lock = threading.Lock()
        self._client: OpenAI | None = None
        self._rests_until = -math.inf

    @contextmanager
    def open(self, seconds: float, retries: int) -> Iterator[OpenAI]:
        """Raises `EndpointDown` for whatever goes wrong."""
        from openai import OpenAI, OpenAIError

        with self._lock:
            if time.monotonic() < self._rests_until:
                raise EndpointDown(self.url, "it did not answer a moment ago")
            if self._client is None:
                self._client = OpenAI(base_url=self.url, api_key=self._key or "none")
            client = self._client.with_options(timeout=seconds, max_retries=retries)
        try:
            yield client
        except OpenAIError as error:
            self._rest()
            # What the server sends may hold what it was sent: it stays out of the log.
            raise EndpointDown(self.url, type(error).__name__) from error
        except EndpointDown:
            self._rest()
            raise

    def _rest(self) -> None:
        self._rests_until = time.monotonic() + REST_SECONDS
