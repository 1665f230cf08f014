"""Trains `relevance.json` on conversations about our own pages; run it after pages or search change.

python -m knowledge.train_relevance DATA_FOLDER [--weights]

Into DATA_FOLDER `knowledge/pages` and the folders of `knowledge/training` were synced. `--weights` leaves the
words and the means of questions as they are, and with them every ranking. `training/README.md` tells what it
learns from.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge import catalogue
from knowledge.embedding import Vectors, mean_of
from knowledge.ranking import Ranked, Shelf, rank
from knowledge.relevance import WEIGHTS, Model, inputs, vector_text
from knowledge.search import ask
from knowledge.stems import stems
from knowledge.store import Knowledge

QUESTIONS = Path(__file__).parent / "relevance_questions.tsv"
TRAINING = Path(__file__).parent / "training"
SEED = 7
FOUND = 3
"""A passage that answers and is not among so many first ones is not found: nothing is learned from it."""


class Asked(NamedTuple):
    """A question and the sections of the English pages, `page#anchor`, that answer it; none for some."""

    lang: str
    answers: frozenset[str]
    text: str


class Talk(NamedTuple):
    """A conversation, the pages that answer its last message, and those that are taken away before."""

    lang: str
    topic: str
    answers: frozenset[str]
    without: frozenset[str]
    said: tuple[str, ...]
    reply: str


class Example(NamedTuple):
    inputs: list[float]
    answers: bool
    group: str
    """Examples of one group are never on both sides: learned from, and held out."""


def questions() -> list[Asked]:
    rows = (line.split("\t") for line in QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [Asked(lang, frozenset(() if gold == "-" else gold.split("|")), text) for lang, gold, text in rows]


def talks() -> list[Talk]:
    return [_talk(*line.split("\t")) for line in (TRAINING / "talks.tsv").read_text("utf-8").splitlines()]


def _talk(lang: str, topic: str, answers: str, without: str, *turns: str) -> Talk:
    said = tuple(turn for turn in turns if not turn.startswith("> "))
    reply = next((turn[2:] for turn in reversed(turns) if turn.startswith("> ")), "")
    return Talk(lang, topic, _pages(answers), _pages(without), said, reply)


def _pages(names: str) -> frozenset[str]:
    return frozenset(() if names == "-" else names.split("|"))


def train(knowledge: Knowledge, weights_of: Mapping[str, object] | None) -> dict[str, object]:
    """The content of `relevance.json`; prints how well it does on topics it was not trained on.

    `weights_of`: content of before, of which only the weights change.
    """
    asked = questions()
    data = dict(weights_of or {})
    if not data:
        data["encoder"] = knowledge.encoder.name.split("@")[0]
        data["weights"] = {"same": [0.0] * 5, "other": [0.0] * 5}
        data["common"] = _common(knowledge)
        data["query_means"] = {
            lang: vector_text(mean) for lang, mean in _query_means(knowledge, asked).items()
        }
    knowledge.check_index()
    shelf = knowledge.shelf()._replace(model=Model(data))
    same = [e for talk in talks() for e in _told(knowledge, shelf, talk)]
    other = [e for q, lang in _other(asked) for e in _across(knowledge, shelf, q, lang)]
    data["weights"] = {"same": _fit("same", same), "other": _fit("other", other)}
    return data


def _told(knowledge: Knowledge, shelf: Shelf, talk: Talk) -> Iterator[Example]:
    """The signs of the first passage, and whether the question can be answered at all."""
    pages = {d.id: _name(d.path) for d in knowledge.documents() if d.lang == talk.lang}
    kept = frozenset(id for id, name in pages.items() if name not in talk.without)
    question = ask(shelf, _query(talk), talk.lang)
    assert question is not None
    ranked = rank(shelf, question, audiences=frozenset({"public"}), most=10, documents=kept)
    found = any(pages[r.found.passage.document] in talk.answers for r in ranked[:FOUND])
    if found or not talk.answers:
        yield Example(inputs(ranked[0].signs), found, talk.topic if talk.topic != "-" else talk.said[-1])


def _query(talk: Talk) -> list[tuple[str, float]]:
    """Weighed as `app/asking.py` does, which nothing here may import."""
    texts = [(text, 0.5**age) for age, text in enumerate(reversed(talk.said))]
    return [*texts, (talk.reply, 0.1)]


def _other(asked: Sequence[Asked]) -> list[tuple[Asked, str]]:
    return [(q, lang) for q in asked for lang in ("en", "pt") if lang != q.lang]


def _across(knowledge: Knowledge, shelf: Shelf, q: Asked, lang: str) -> Iterator[Example]:
    """The first passages for a question in another language."""
    ours = _own(knowledge)
    pages = frozenset(d.id for d in knowledge.documents() if d.lang == lang and d.id in ours)
    question = ask(shelf, q.text, q.lang)
    assert question is not None
    ranked = rank(shelf, question, audiences=frozenset({"public"}), most=10, documents=pages)
    for at, r in enumerate(ranked):
        place = _place(r)
        right = place in q.answers
        # Another section of the right page may answer as well: nobody has said that it does not.
        beside = not right and place.split("#")[0] in {a.split("#")[0] for a in q.answers}
        if right or (at < FOUND and not beside):
            yield Example(inputs(r.signs), right, q.text)


def _own(knowledge: Knowledge) -> frozenset[str]:
    """Documents of the help centre: those written for training alone are left out."""
    extra = {_name(file.as_posix()) for file in TRAINING.rglob("*.md")}
    return frozenset(d.id for d in knowledge.documents() if _name(d.path) not in extra)


def _place(ranked: Ranked) -> str:
    return f"{_name(ranked.found.passage.path)}#{ranked.found.passage.anchor or ''}"


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].removesuffix(".md")


def _fit(name: str, examples: Sequence[Example]) -> list[float]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    x = np.array([e.inputs for e in examples])
    y = np.array([e.answers for e in examples])
    groups = np.array([e.group for e in examples])
    # At even odds: how many questions a help centre cannot answer is another matter in every company.
    model = LogisticRegression(
        C=1.0, class_weight="balanced", fit_intercept=False, max_iter=2_000, random_state=SEED
    )
    held_out: NDArray[np.float64] = cross_val_predict(
        model, x, y, groups=groups, cv=GroupKFold(5), method="predict_proba"
    )[:, 1]
    print(
        f"{name}: {len(y)} examples, {y.mean():.2f} answer; held out: AUC {roc_auc_score(y, held_out):.3f}, "
        f"Brier {np.mean((held_out - y) ** 2):.3f}"
    )
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        inside = (held_out >= low) & (held_out < high)
        share = y[inside].mean() if inside.any() else 0
        print(f"  said {low:.1f}-{high:.1f}: {inside.sum()} examples, {share:.2f} answer")
    for least in (0.4, 0.5, 0.6, 0.7):
        kept, let_in = (np.mean(held_out[y == wanted] >= least) for wanted in (True, False))
        print(f"  from {least}: {kept:.2f} of what answers, {let_in:.2f} of the others")
    return [round(float(w), 4) for w in model.fit(x, y).coef_[0]]


def _query_means(knowledge: Knowledge, asked: Sequence[Asked]) -> dict[str, Vectors]:
    vectors = knowledge.encoder.queries([q.text for q in asked])
    means = {"all": mean_of(vectors)}
    for lang in sorted({q.lang for q in asked}):
        means[lang] = mean_of(vectors[[q.lang == lang for q in asked]])
    return means


def _common(knowledge: Knowledge) -> dict[str, dict[str, float]]:
    counts: dict[str, Counter[str]] = {}
    sizes: Counter[str] = Counter()
    ours = _own(knowledge)
    for f in catalogue.current(knowledge.db):
        if f.passage.document not in ours:
            continue
        lang = f.passage.lang
        sizes[lang] += 1
        counts.setdefault(lang, Counter()).update(set(stems(catalogue.word_text(f.passage), lang)))
    return {
        lang: {stem: round(n / sizes[lang], 4) for stem, n in sorted(words.items()) if n >= 3}
        for lang, words in counts.items()
    }


def main(folder: Path, *, weights_only: bool) -> None:
    from knowledge.embedding import default_encoder

    before = json.loads(WEIGHTS.read_text(encoding="utf-8")) if weights_only else None
    knowledge = Knowledge.open(folder, encoder=default_encoder(folder / "encoder"))
    try:
        data = train(knowledge, before)
    finally:
        knowledge.close()
    WEIGHTS.write_text(json.dumps(data, ensure_ascii=False, indent=None) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), weights_only="--weights" in sys.argv[2:])
