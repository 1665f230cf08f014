"""How likely a passage answers a question: a small logistic model over a few signs, trained by
`knowledge/train_relevance.py` on questions about our own pages."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from knowledge.embedding import Encoder, Vectors

WEIGHTS = Path(__file__).parent / "relevance.json"

PRIOR = 300
"""How many passages of everyday help pages are mixed into the word counts: in a catalogue of five
passages every word is rare."""


class Signs(NamedTuple):
    """What speaks for a passage, comparable between searches."""

    same_language: bool
    coverage: float
    """Share of the question's words, by rarity, that the passage holds."""
    line: float
    """The same for the best single line with the headings above it."""
    missing: float
    """Share of the one weightiest word that the passage lacks."""
    likeness: float
    """Centred cosine."""


class Model:
    """Weights, the mean of all questions, and how common words are in help pages."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._weights: dict[str, list[float]] = data["weights"]  # type: ignore[assignment]
        self._encoder = str(data["encoder"])
        self._common: dict[str, dict[str, float]] = data["common"]  # type: ignore[assignment]
        means: dict[str, str] = data["query_means"]  # type: ignore[assignment]
        self._means = {lang: _vector(text) for lang, text in means.items()}

    def relevance(self, signs: Signs) -> float:
        weights = self._weights["same" if signs.same_language else "other"]
        total = sum(w * x for w, x in zip(weights, inputs(signs), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def rarity(self, lang: str, stem: str, count: int, passages: int) -> float:
        """Inverse document frequency, with the word's frequency in help pages as prior."""
        expected = self._common.get(lang, {}).get(stem, 0.0) * PRIOR
        have = count + expected
        return math.log(1 + (passages + PRIOR - have + 0.5) / (have + 0.5))

    def query_mean(self, encoder: Encoder, passages: Mapping[str, Vectors], lang: str) -> Vectors:
        """The mean of questions in that language, of this encoder's space; else that of the passages."""
        if encoder.name.split("@")[0] == self._encoder and self._means:
            return self._means.get(lang, self._means["all"])
        if passages:
            return passages.get(lang, next(iter(passages.values())))
        return np.zeros(encoder.dimensions, dtype=np.float32)


def inputs(signs: Signs) -> list[float]:
    """What the weights multiply; the first is the constant."""
    return [1.0, signs.coverage, signs.line, signs.missing, signs.likeness]


@cache
def shipped_model() -> Model:
    return Model(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def _vector(text: str) -> Vectors:
    return np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)


def vector_text(vector: Vectors) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")
