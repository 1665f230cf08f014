"""What the product's search is compared with: plain BM25, and LangChain with Chroma as it comes."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from evals.retrieval.data import Asked, Entry
from evals.retrieval.library import Library

Ranking = Callable[[Asked, int], list[str]]
"""(query, how many) -> ids of documents, best first."""

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


def langchain(library: Library) -> Ranking:
    """LangChain's `similarity_search` of the last message over Chroma: the same passages and embeddings."""
    knowledge = library.knowledge
    stores = [
        knowledge.vector_store("public", lang) for lang in sorted({d.lang for d in knowledge.documents()})
    ]

    def rank(asked: Asked, most: int) -> list[str]:
        text = asked.messages[-1].text
        found = [hit for store in stores for hit in store.similarity_search_with_score(text, k=most * 3)]
        found.sort(key=lambda hit: hit[1])
        ids = (library.id_of(document.metadata["path"]) for document, _ in found)
        return list(dict.fromkeys(ids))[:most]

    return rank
