"""Small trained heads, run with numpy: weights come from `app/reader/train`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

ACTS = (
    "want", "how", "ask", "hold", "person", "security", "fraud", "legal", "harm", "billing_dispute",
    "skip", "other", "again",
    "thanks", "greeting", "chat", "report",
)  # fmt: skip
STATUSES = ("done", "not_done", "failed", "open", "none")
SCALE = 2.5
"""Centred unit vectors are stretched to the size of the 0/1 cues beside them."""


RIGHT = ((0.0, 0.0), (0.5, 0.5), (0.55, 0.8), (0.65, 0.91), (0.75, 0.96), (0.85, 0.99), (1.0, 1.0))
"""How sure a reading of steps sounds, and how often it is right: a logistic fit over 162 claims of the
conversations in `tests/app/reader`. On 196 claims of `evals/cases`, which it has not seen, it halves the
gap between the two (0.13 to 0.07). Below one half nothing is lifted: what is doubtful stays doubtful."""


def calibrated(sureness: float) -> float:
    """The share of claims read with this sureness that are right."""
    told, right = zip(*RIGHT, strict=True)
    return round(float(np.interp(sureness, told, right)), 2)


@cache
def weights() -> dict[str, Array]:
    with (
        files("app.reader").joinpath("weights.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        return {name: stored[name].astype(np.float32) for name in stored.files}


def mean() -> Array:
    return weights()["mean"]


def _logistic(rows: Array, head: Array) -> Array:
    """`head`: one weight per column and the intercept last."""
    score = rows @ head[:-1] + head[-1]
    result: Array = (1.0 / (1.0 + np.exp(-np.clip(score, -30, 30)))).astype(np.float32)
    return result


def _softmax(rows: Array, head: Array) -> Array:
    return softmax(rows @ head[:-1] + head[-1])


def softmax(scores: Array) -> Array:
    """Probabilities of each row."""
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Array = (grown / grown.sum(axis=-1, keepdims=True)).astype(np.float32)
    return result


def pair_scores(rows: Array, *, same_language: bool) -> Array:
    """Probability that a clause is about each step, from `relate.features`."""
    return _logistic(rows, weights()["pair_same" if same_language else "pair_cross"])


def choice_scores(rows: Array) -> Array:
    """Probability that a sentence is about each procedure, from `faces.features`."""
    return _logistic(rows, weights()["choice"])


def status_scores(vectors: Array, cues: Array) -> Array:
    """Rows of probabilities over `STATUSES`."""
    return _softmax(np.hstack([vectors * SCALE, cues]), weights()["status"])


def act_scores(vectors: Array, cues: Array) -> Array:
    """Rows of probabilities over `ACTS`."""
    return _softmax(np.hstack([vectors * SCALE, cues]), weights()["acts"])
