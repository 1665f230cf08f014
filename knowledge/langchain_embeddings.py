"""Our encoder as LangChain sees one; apart, because importing LangChain takes a while."""

from __future__ import annotations

from typing import cast

from langchain_core.embeddings import Embeddings

from knowledge.embedding import Encoder


class EncoderEmbeddings(Embeddings):
    """Passages and queries are embedded as what they are."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return cast(list[list[float]], self.encoder.passages(texts).tolist())

    def embed_query(self, text: str) -> list[float]:
        return cast(list[float], self.encoder.queries([text])[0].tolist())
