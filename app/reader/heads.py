"""Small trained heads, run with numpy: weights come from `app/reader/train`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@cache
def weights() -> dict[str, Array]:
    with (
        files("app.reader").joinpath("weights.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        return {name: stored[name].astype(np.float32) for name in stored.files}


def mean() -> Array:
    return weights()["mean"]


def sigmoid(x: Array) -> Array:
    return (1.0 / (1.0 + np.exp(-np.clip(x, -30, 30)))).astype(np.float32)


def pair_scores(rows: Array, *, lexical: bool) -> Array:
    """Probability that a clause is about each step, from `relate.features`."""
    from app.reader.relate import FEATURES

    column = {name: number for number, name in enumerate(FEATURES)}
    by_hand = (
        {
            "lex_title": 2.6,
            "lex_clause": 1.6,
            "lex_body": 0.8,
            "lex_says": 0.8,
            "gram_title": 1.0,
            "lex_gap": 1.0,
        }
        if lexical
        else {}
    )
    by_hand |= (
        {"cos_title": 3.0, "cos_body": 1.5, "cos_says": 1.5, "cos_gap": 2.0, "cos_best": 0.5}
        if not lexical
        else {"cos_title": 1.5, "cos_says": 1.0, "cos_gap": 1.5}
    )
    score = np.full(len(rows), -2.6 if lexical else -2.0, dtype=np.float32)
    for name, weight in by_hand.items():
        score += weight * rows[:, column[name]]
    return sigmoid(score)
