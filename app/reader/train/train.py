"""Trains the heads of the built-in reader on the texts of this folder: `python -m app.reader.train.train`."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.reader import heads, relate, spoken, status
from app.reader.faces import face_of, features
from app.reader.lexical import bag
from app.reader.names import masked
from app.reader.text import fold
from app.reader.train import bank
from knowledge.embedding import CachedEncoder, Encoder, centred, default_encoder

SEED = 7
FOLDS = 5
CHAT = 20
"""Sentences about none of its steps that each procedure is shown with, and twice as many bare answers. With a
share of them instead, answers to the questions of a branching page were lost."""
Array = heads.Array


class Sample(NamedTuple):
    text: str
    lang: str
    label: str
    group: int


class Texts:
    """Centred vectors of all training texts, measured as reading measures them: without their names."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        vectors = encoder.queries([masked(text) for text in texts])
        self.mean = vectors.mean(axis=0).astype(np.float16).astype(np.float32)
        self._rows = dict(zip(texts, centred(vectors, self.mean), strict=True))

    def __getitem__(self, text: str) -> Array:
        row: Array = self._rows[text]
        return row

    def rows(self, texts: Sequence[str]) -> Array:
        return np.array([self._rows[text] for text in texts], dtype=np.float32)


# --- data ---------------------------------------------------------------------------------------


def status_samples(lines: dict[str, list[bank.Line]], *, more: bool = True) -> Iterator[Sample]:
    for group, found in enumerate(lines.values()):
        for line in found:
            yield Sample(line.text, line.lang, line.status or ("none" if line.step else "open"), group)
    groups = {id: number for number, id in enumerate(lines)}
    for id, lang, open_, none in bank.left_open() if more else ():
        if id in groups:
            yield from (Sample(text, lang, "open", groups[id]) for text in open_)
            yield from (Sample(text, lang, "none", groups[id]) for text in none)
    for label, by_lang in bank.sentences("answers.txt", more=more).items():
        for lang, texts in by_lang.items():
            for number, text in enumerate(texts):
                yield Sample(text, lang, label, number)
    for act, by_lang in bank.acts().items():
        label = "open" if act in {"not_person", "offtopic", "skip"} else "none"
        for lang, texts in by_lang.items():
            for number, text in enumerate(texts):
                yield Sample(text, lang, label, number)


_ACT_OF = {"not_person": "want", "offtopic": "ask"}


def act_samples(
    lines: dict[str, list[bank.Line]], procedures: Sequence[bank.TrainProcedure]
) -> Iterator[Sample]:
    for group, trained in enumerate(procedures):
        for lang, goal in trained.goals.items():
            for label, texts in (("want", goal.wants), ("how", goal.asks_how), ("ask", goal.asks)):
                for text in texts:
                    yield Sample(text, lang, label, group)
        for number, line in enumerate(lines[trained.id]):
            if line.step and line.status != "open" and number % 4 == 0:
                yield Sample(line.text, line.lang, "report", group)
    for act, by_lang in bank.acts().items():
        for lang, texts in by_lang.items():
            for number, text in enumerate(texts):
                yield Sample(text, lang, _ACT_OF.get(act, act), number)


def pair_rows(
    procedures: Sequence[bank.TrainProcedure],
    lines: dict[str, list[bank.Line]],
    texts: Texts,
    encoder: Encoder,
    *,
    more: bool,
) -> dict[str, tuple[Array, Array, Array]]:
    """`pair_same` and `pair_cross` -> features, labels, groups."""
    chance = random.Random(SEED)  # noqa: S311 - a fixed seed on purpose
    acts = bank.acts()
    chat = [
        (t, lang)
        for act in ("chat", "person", "not_person", "again", "thanks")
        for lang, ts in acts[act].items()
        for t in ts
    ]
    answers = [
        (t, lang)
        for by_lang in bank.sentences("answers.txt", more=more).values()
        for lang, ts in by_lang.items()
        for t in ts
    ]
    found: dict[str, tuple[list[Array], list[bool], list[int]]] = {
        "pair_same": ([], [], []),
        "pair_cross": ([], [], []),
    }
    for group, trained in enumerate(procedures):
        for mode in ("bare", "titles", "says"):
            picks = random.Random(group)  # noqa: S311 - a fixed seed on purpose
            page = bank.as_procedure(trained, titles=mode != "bare", says=picks if mode == "says" else None)
            side = relate.side_of(page, encoder, texts.mean)
            shown = {text for step in page.steps for text in (*step.says_done, *step.says_not_done)}
            items = [
                (line.text, line.lang, line.step) for line in lines[trained.id] if line.text not in shown
            ]
            strangers = (*chance.sample(chat, CHAT), *chance.sample(answers, 2 * CHAT))
            items += [(text, lang, None) for text, lang in strangers]
            for text, lang, about in items:
                rows = relate.features(relate.Asked(bag(fold(text), lang), texts[text]), side)
                x, y, g = found["pair_same" if lang in side.languages else "pair_cross"]
                x.extend(rows)
                y.extend(step.id == about for step in page.steps)
                g.extend([group] * len(page.steps))
    return {name: (np.array(x), np.array(y), np.array(g)) for name, (x, y, g) in found.items()}


def choice_rows(
    procedures: Sequence[bank.TrainProcedure],
    lines: dict[str, list[bank.Line]],
    texts: Texts,
    encoder: Encoder,
) -> tuple[Array, Array, Array]:
    """Each sentence against its own procedure and a few others."""
    chance = random.Random(SEED)  # noqa: S311 - a fixed seed on purpose
    acts = bank.acts()
    x: list[Array] = []
    y: list[bool] = []
    g: list[int] = []
    strangers = [
        (t, lang)
        for act in ("offtopic", "chat", "person", "thanks", "not_person")
        for lang, ts in acts[act].items()
        for t in ts
    ]
    for group, trained in enumerate(procedures):
        others = [p for p in procedures if p.id != trained.id]
        own = [(line.text, line.lang, True) for line in lines[trained.id] if line.step is None]
        own += [
            (line.text, line.lang, True) for line in lines[trained.id] if line.step and chance.random() < 0.1
        ]
        own += [(text, lang, False) for text, lang in chance.sample(strangers, 40)]
        for text, lang, right in own:
            for titles in (True, False):
                shown = [trained, *chance.sample(others, chance.choice((1, 3, 5)))]
                faces = [
                    face_of(bank.as_procedure(p, titles=titles, says=None), encoder, texts.mean)
                    for p in shown
                ]
                x.extend(features(bag(fold(text), lang).concepts, texts[text], lang, faces))
                y.extend([right, *[False] * (len(shown) - 1)])
                g.extend([group] * len(shown))
    return np.array(x), np.array(y), np.array(g)


# --- fitting ------------------------------------------------------------------------------------


def _fitted(x: Array, y: Any, c: float) -> Array:
    from sklearn.linear_model import LogisticRegression

    spread = np.maximum(x.std(axis=0), 1e-3)
    model = LogisticRegression(C=c, max_iter=1000, random_state=SEED).fit(x / spread, y)
    weight = (model.coef_ / spread).T
    head = np.vstack([weight, model.intercept_[None, :]])
    return (head[:, 0] if head.shape[1] == 1 else head).astype(np.float32)


def _plain(x: Array, y: Any, order: Sequence[str], c: float, *, weight: str | None) -> Array:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, max_iter=1000, random_state=SEED, class_weight=weight).fit(x, y)
    columns = [list(model.classes_).index(name) for name in order]
    return np.vstack([model.coef_[columns].T, model.intercept_[columns][None, :]]).astype(np.float32)


def _held_out_f1(x: Array, y: Array, g: Array, c: float) -> str:
    out = np.zeros(len(y))
    for fold_number in range(FOLDS):
        test = g % FOLDS == fold_number
        out[test] = heads._logistic(x[test], _fitted(x[~test], y[~test], c))
    hit = float(((out >= 0.5) & (y > 0.5)).sum())
    return f"precision {hit / max(1, (out >= 0.5).sum()):.3f} recall {hit / y.sum():.3f} of {len(y)} pairs"


def _held_out_accuracy(
    x: Array, y: Array, g: Array, order: Sequence[str], c: float, *, weight: str | None
) -> str:
    out = np.empty(len(y), dtype=object)
    for fold_number in range(FOLDS):
        test = g % FOLDS == fold_number
        head = _plain(x[~test], y[~test], order, c, weight=weight)
        out[test] = [order[i] for i in heads._softmax(x[test], head).argmax(axis=1)]
    by_label = ", ".join(f"{name} {(out[y == name] == name).mean():.2f}" for name in order)
    return f"accuracy {(out == y).mean():.3f} of {len(y)} sentences ({by_label})"


def main(target: Path, cache: Path | None, *, more: bool) -> None:
    encoder = CachedEncoder(default_encoder(), cache)
    procedures = bank.procedures(more=more)
    chance = random.Random(SEED)  # noqa: S311 - a fixed seed on purpose
    lines = {trained.id: list(bank.lines(trained, chance)) for trained in procedures}
    stated, acted = list(status_samples(lines, more=more)), list(act_samples(lines, procedures))
    texts = Texts(encoder, sorted({s.text for s in (*stated, *acted)}))
    stored: dict[str, Array] = {"mean": texts.mean}
    for name, (x, y, g) in pair_rows(procedures, lines, texts, encoder, more=more).items():
        stored[name] = _fitted(x, y, 0.3)
        print(name, _held_out_f1(x, y, g, 0.3))
    x, y, g = choice_rows(procedures, lines, texts, encoder)
    stored["choice"] = _fitted(x, y, 0.3)
    print("choice", _held_out_f1(x, y, g, 0.3))
    for name, samples, order, cues_of, c, weight in (
        ("status", stated, heads.STATUSES, status.cues, 0.3, None),
        ("acts", acted, heads.ACTS, spoken.cues, 1.0, "balanced"),
    ):
        cues = np.array([cues_of(s.text, fold(s.text), s.lang) for s in samples], dtype=np.float32)
        x = np.hstack([texts.rows([s.text for s in samples]) * heads.SCALE, cues])
        labels, groups = np.array([s.label for s in samples]), np.array([s.group for s in samples])
        stored[name] = _plain(x, labels, order, c, weight=weight)
        print(name, _held_out_accuracy(x, labels, groups, order, c, weight=weight))
    small: dict[str, Any] = {
        name: value.astype(np.float16 if value.ndim > 1 or name == "mean" else np.float32)
        for name, value in stored.items()
    }
    np.savez_compressed(target, **small)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sums over sets of words depend on their order in the last digit, and so would the weights.
        os.execve(sys.executable, [*sys.orig_argv], {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    parser = argparse.ArgumentParser(description="Train the heads of the built-in reader.")
    parser.add_argument("cache", type=Path, nargs="?", help="file that keeps embeddings for the next time")
    parser.add_argument("--more", action="store_true", help="learn from more-*, answers-* and open-* as well")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "weights.npz")
    given = parser.parse_args()
    main(given.out, given.cache, more=given.more)
