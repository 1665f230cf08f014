"""What the product's search is compared with: plain BM25, and LangChain with Chroma put together plainly."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evals.retrieval.data import Asked, Entry
from knowledge.embedding import Encoder

Ranking = Callable[[Asked, int], list[str]]
"""(query, how many) -> ids of documents, best first."""

AT_A_TIME = 64

_WORD = re.compile(r"\w+")


def bm25(corpus: Sequence[Entry], *, k1: float = 0.9, b: float = 0.4) -> Ranking:
    """Whole documents, words as they stand, the last message: as search without a model usually starts."""
    counts = [Counter(_words(f"{entry.title} {entry.text}")) for entry in corpus]
    lengths = [sum(words.values()) for words in counts]
    usual = sum(lengths) / len(lengths) or 1.0
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, words in enumerate(counts):
        for word, n in words.items():
            postings[word].append((at, n))

    def rank(asked: Asked, most: int) -> list[str]:
        total: dict[int, float] = defaultdict(float)
        for word, times in Counter(_words(asked.messages[-1].text)).items():
            found = postings.get(word, [])
            rare = math.log(1 + (len(corpus) - len(found) + 0.5) / (len(found) + 0.5))
            for at, n in found:
                total[at] += times * rare * n * (k1 + 1) / (n + k1 * (1 - b + b * lengths[at] / usual))
        return [corpus[at].id for at in sorted(total, key=lambda at: (-total[at], at))[:most]]

    return rank


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@contextmanager
def langchain(
    corpus: Sequence[Entry], encoder: Encoder, folder: Path, progress: Callable[[int, int], None]
) -> Iterator[Ranking]:
    """Splitter, Chroma and `similarity_search` of the last message, with the product's own embeddings."""
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    from evals.bench_sync import _chroma
    from knowledge.langchain_embeddings import EncoderEmbeddings

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=100)
    parts = splitter.split_documents(
        [Document(f"{e.title}\n{e.text}".strip(), metadata={"id": e.id}) for e in corpus]
    )
    with _chroma(folder, EncoderEmbeddings(encoder)) as store:
        for start in range(0, len(parts), AT_A_TIME):
            store.add_documents(parts[start : start + AT_A_TIME])
            progress(min(start + AT_A_TIME, len(parts)), len(parts))

        def rank(asked: Asked, most: int) -> list[str]:
            found = store.similarity_search(asked.messages[-1].text, k=most * 3)
            return list(dict.fromkeys(str(d.metadata["id"]) for d in found))[:most]

        yield rank
