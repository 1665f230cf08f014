"""Trains `knowledge/answering.json` on labelled conversations; run it after search changes.

python -m evals.retrieval.train_answering CORPUS TASKS KEPT_FOLDER

The file holds weights alone. What it prints is measured on conversations left out of the training.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from evals.retrieval import data, metrics
from evals.retrieval.command import hits_of, told
from evals.retrieval.data import DECISIONS
from evals.retrieval.library import filled
from knowledge import search as searching
from knowledge.answering import WEIGHTS, array_text, inputs

DIRECTIONS = 16
STRENGTH = 0.1
SHUFFLES = 4


def main(corpus: Path, tasks: Path, kept: Path) -> None:
    entries = data.corpus(corpus)
    given = data.tasks(tasks, entries)
    seen, places, right = [], [], []
    with filled(entries, kept) as library:
        shelf = library.knowledge.shelf()
        for task in given:
            newest = searching.ask(shelf, task.messages[-1].text, None)
            hits = hits_of(library, task)
            if newest is None or newest.direction is None or not hits:
                continue
            seen.append(inputs(shelf, newest, told(task), hits))
            places.append(newest.direction)
            right.append(task.decision)
        encoder = shelf.encoder.name.split("@")[0]
    x, e, y = np.array(seen), np.array(places), np.array(right)
    _held_out(x, e, y)
    model = _fitted(x, e, y)
    kinds = model.pop("kinds")
    made = {"encoder": encoder, "kinds": kinds, **{name: array_text(value) for name, value in model.items()}}
    WEIGHTS.write_text(json.dumps(made) + "\n", encoding="utf-8")


def _held_out(x: Any, e: Any, y: Any) -> None:
    from sklearn.model_selection import StratifiedKFold

    f1, surest = [], []
    for shuffle in range(SHUFFLES):
        shares = np.zeros((len(y), len(DECISIONS)))
        for learn, test in StratifiedKFold(5, shuffle=True, random_state=shuffle).split(x, y):
            model = _fitted(x[learn], e[learn], y[learn])
            shares[test] = _shares(model, x[test], e[test])
        pairs = [(str(a), sorted(DECISIONS)[b]) for a, b in zip(y, shares.argmax(1), strict=True)]
        f1.append(metrics.macro_f1(pairs, DECISIONS))
        order = np.argsort(-shares[:, sorted(DECISIONS).index("answer")])[: len(y) // 2]
        surest.append(float(np.mean(y[order] != "answer")))
        print(f"shuffle {shuffle}: macro-F1 {f1[-1]:.3f}, wrong in the surest half {surest[-1]:.3f}")
    print(f"held out, {len(y)} conversations: macro-F1 {np.mean(f1):.3f}, {np.mean(surest):.3f} wrong")


def _fitted(x: Any, e: Any, y: Any) -> dict[str, Any]:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    mean, scale = x.mean(0), np.maximum(x.std(0), 1e-3)
    directions = PCA(DIRECTIONS, random_state=0).fit(e)
    spread = directions.transform(e).std(0)
    made = {"mean": mean, "scale": scale, "basis": directions.components_, "centre": directions.mean_}
    made["spread"] = spread
    rows = np.hstack([(x - mean) / scale, directions.transform(e) / spread])
    # Few conversations ask back: at even odds, or it would never do so.
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5_000).fit(rows, y)
    return {**made, "weights": model.coef_, "constant": model.intercept_, "kinds": model.classes_.tolist()}


def _shares(model: dict[str, Any], x: Any, e: Any) -> Any:
    placed = (e - model["centre"]) @ model["basis"].T / model["spread"]
    rows = np.hstack([(x - model["mean"]) / model["scale"], placed])
    logits = rows @ model["weights"].T + model["constant"]
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


if __name__ == "__main__":
    main(*(Path(name) for name in sys.argv[1:4]))
