"""Whether what was found answers a conversation: answer, ask back, or say that nothing is there.

A small logistic model over signs that any conversation has, trained by `evals/retrieval/train_answering.py`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, cast

import numpy as np

from knowledge import search as searching
from knowledge.catalogue import word_text
from knowledge.embedding import Vectors
from knowledge.model import Hit
from knowledge.ranking import Question, Shelf, signs_of
from knowledge.stems import stems

Told = Sequence[tuple[Literal["customer", "agent"], str]]
"""Who said what, in order."""

WEIGHTS = Path(__file__).parent / "answering.json"

TOP = 8
"""Hits that are looked at."""

_ASKS = re.compile(
    r"\b(what|which|who|whom|whose|when|where|why|how|qual|quais|quem|quando|onde|por que|como|quantos?|qué|"
    r"cuál|quién|cuándo|dónde|cómo)\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|his|her|ones?|eles?|elas?|isso|isto|ess[ea]|"
    r"est[ea]|esos?|esas?)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"^\W*(and|but|or|so|also|then|what about|how about|e|mas|ou|então|y|pero|o|entonces)\b", re.IGNORECASE
)
_HAD_NOTHING = re.compile(
    r"sorry|don.t have|do not have|no information|cannot (?:find|answer)|unable|not (?:mentioned|provided)|"
    r"não (?:tenho|encontrei|há)|no tengo|no encontré|lo siento|desculpe",
    re.IGNORECASE,
)


def judged(shelf: Shelf, told: Told, hits: Sequence[Hit]) -> dict[str, float]:
    """How likely each of the three is right; together they are 1. `hits` are for the whole conversation."""
    newest = searching.ask(shelf, _newest(told), None)
    if newest is None or not hits:
        return {"answer": 0.0, "ask": 0.0, "no_answer": 1.0}
    data = _shipped()
    own = newest.direction is not None and shelf.encoder.name.split("@")[0] == data["encoder"]
    seen = inputs(shelf, newest, told, hits)
    values = np.concatenate([(seen - data["mean"]) / data["scale"], meaning(newest, data) * own])
    logits = data["weights"] @ values + data["constant"]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return {str(kind): float(share) for kind, share in zip(data["kinds"], shares, strict=True)}


def inputs(shelf: Shelf, newest: Question, told: Told, hits: Sequence[Hit]) -> Vectors:
    """What a conversation and its hits show, in numbers."""
    top = hits[:TOP]
    return np.array([*_found(top), *_of_newest(shelf, newest, top), *_said(newest, told)], dtype=np.float32)


def meaning(newest: Question, data: Mapping[str, np.ndarray]) -> Vectors:
    """The newest message's place along the few directions in which messages differ most."""
    basis = data["basis"]
    if newest.direction is None or newest.direction.shape[0] != basis.shape[1]:
        return np.zeros(len(basis), dtype=np.float32)
    placed: Vectors = (basis @ (newest.direction - data["centre"])) / data["spread"]
    return placed


def _newest(told: Told) -> str:
    return next((text for role, text in reversed(told) if role == "customer"), "")


def _found(top: Sequence[Hit]) -> list[float]:
    relevance = [hit.relevance for hit in top]
    scores = [hit.score for hit in top]
    return [
        max(relevance),
        relevance[0],
        float(np.mean(relevance[:3])),
        relevance[0] - float(np.mean(relevance[3:] or [0.0])),
        scores[0],
        scores[0] - (scores[1] if len(scores) > 1 else 0.0),
        scores[0] - (scores[4] if len(scores) > 4 else 0.0),
    ]


def _of_newest(shelf: Shelf, newest: Question, top: Sequence[Hit]) -> list[float]:
    """What the hits hold of the newest message, taken by itself."""
    signs = signs_of(shelf, newest, [hit.passage for hit in top])
    relevance = [shelf.model.relevance(sign) for sign in signs]
    lang = top[0].passage.lang
    weight = newest.words.get(lang, {})
    inside = {stem for hit in top[:3] for stem in stems(word_text(hit.passage), hit.passage.lang)}
    total = sum(weight.values()) or 1.0
    lacking = max((w for stem, w in weight.items() if stem not in inside), default=0.0)
    return [
        max(relevance),
        float(np.mean(relevance[:3])),
        signs[0].coverage,
        signs[0].line,
        max(sign.line for sign in signs),
        signs[0].missing,
        max(sign.likeness for sign in signs),
        float(np.mean([sign.likeness for sign in signs[:3]])),
        sum(w for stem, w in weight.items() if stem in inside) / total,
        lacking / total,
        lacking,
    ]


def _said(newest: Question, told: Told) -> list[float]:
    """How the newest message stands in its conversation."""
    texts = [text for role, text in told if role == "customer"]
    replies = [text for role, text in told if role != "customer"]
    last, reply = texts[-1], replies[-1] if replies else ""
    words = set(stems(last, newest.lang))
    before = set(stems(" ".join([*texts[:-1], *replies]), newest.lang))
    length = len(last.split())
    return [
        min(length, 30) / 10,
        min(len(words), 30) / 5,
        float(bool(_ASKS.search(last))),
        float(bool(_POINTS.search(last))),
        float(bool(_GOES_ON.search(last))),
        float("?" in last),
        len(words - before) / max(1, len(words)),
        min(len(texts), 6) / 3,
        float(len(texts) == 1),
        float(bool(_HAD_NOTHING.search(reply))),
        float("?" in reply[-80:]),
        float(len(texts) > 1 and length < 6),
    ]


@cache
def _shipped() -> dict[str, np.ndarray]:
    data = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    made = {name: _array(value) for name, value in data.items() if isinstance(value, dict)}
    return {**made, "kinds": np.array(data["kinds"]), "encoder": data["encoder"]}


def _array(value: Mapping[str, object]) -> Vectors:
    flat = np.frombuffer(base64.b64decode(str(value["values"])), dtype="<f4")
    return flat.reshape(cast("list[int]", value["shape"]))


def array_text(array: Vectors) -> dict[str, object]:
    return {
        "shape": list(array.shape),
        "values": base64.b64encode(array.astype("<f4").tobytes()).decode("ascii"),
    }
