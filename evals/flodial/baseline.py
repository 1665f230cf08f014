"""What plain means reach on the same turns: BM25 to find the question, negation words for the answer."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evals.flodial.data import Turn, way_to

NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|without|cannot|nor|neither)\b|n't\b|\bdoesnt\b|\bdont\b"
)
COMMON = frozenset(
    re.findall(
        r"\w+",
        """a an the is are was were be been am do does did have has had i you he she it we they my your its
        our this that these those of to in on at for from with by and or but if when while as so than
        then there here what which who how why can could will would should may might
        must just very any some me them us""",
    )
)
LEAST = 3.0
"""A sentence below this score is about no question."""


def words_of(text: str) -> list[str]:
    return [w for w in re.findall(r"[a-z0-9']+", text.lower()) if w not in COMMON]


class Bm25:
    def __init__(self, texts: Sequence[str], *, k: float = 1.2, b: float = 0.75) -> None:
        self._texts = [Counter(words_of(text)) for text in texts]
        self._k, self._b = k, b
        self._mean = sum(sum(text.values()) for text in self._texts) / max(1, len(texts))
        seen = Counter(word for text in self._texts for word in text)
        self._rare = {w: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for w, n in seen.items()}

    def scores(self, query: str) -> list[float]:
        asked = words_of(query)
        found = []
        for text in self._texts:
            length = self._k * (1 - self._b + self._b * sum(text.values()) / self._mean)
            found.append(
                sum(self._rare[w] * text[w] * (self._k + 1) / (text[w] + length) for w in asked if w in text)
            )
        return found


def next_by_plain_means(turn: Turn, chart: Mapping[str, Any]) -> tuple[str, bool]:
    """(the node that comes next, hands off)"""
    edges = {node: dict(ways) for node, ways in chart["edges"].items()}
    if turn.without is not None:
        edges[turn.without[0]].pop(turn.without[1], None)
    asked = list(edges)
    text = turn.said[-1][1]
    index = Bm25([chart["nodes"][node]["utterance"] for node in asked])
    state = dict(way_to(chart, turn.at)) if turn.at else {}
    near = 0.0
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        scores = index.scores(sentence)
        near = max(near, *scores)
        if turn.at is None and max(scores) >= LEAST:
            state[asked[scores.index(max(scores))]] = "no" if NEGATION.search(sentence.lower()) else "yes"
    if turn.at is not None:
        state[turn.at] = "no" if NEGATION.search(text.lower()) else "yes"
    node = next(iter(edges))
    while edges.get(node) and node in state:
        ways = edges[node]
        node = ways.get(state[node], next(iter(ways.values())))
    return node, turn.at is not None and near < LEAST
