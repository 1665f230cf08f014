"""Trains `relevance.json` on questions about our own pages; run it after pages or search change.

python -m knowledge.train_relevance DATA_FOLDER     # a folder that `knowledge/pages` was synced into
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge import lexicon, stored
from knowledge.embedding import Vectors, mean_of
from knowledge.ranking import Ranked, Shelf, rank
from knowledge.relevance import WEIGHTS, Model, inputs, vector_text
from knowledge.search import ask
from knowledge.stems import stems
from knowledge.store import Knowledge

QUESTIONS = Path(__file__).parent / "relevance_questions.tsv"
SEED = 7


class Asked(NamedTuple):
    """A question and the sections of the English pages, `page#anchor`, that answer it; none for some."""

    lang: str
    answers: frozenset[str]
    text: str


class Example(NamedTuple):
    inputs: list[float]
    answers: bool
    question: int


def questions() -> list[Asked]:
    rows = (line.split("\t") for line in QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [Asked(lang, frozenset(() if gold == "-" else gold.split("|")), text) for lang, gold, text in rows]


def train(knowledge: Knowledge) -> dict[str, object]:
    """The content of `relevance.json`; prints how well it does on pages it was not trained on."""
    asked = questions()
    data: dict[str, object] = {
        "encoder": knowledge.encoder.name.split("@")[0],
        "weights": {"same": [0.0] * 5, "other": [0.0] * 5},
        "common": _common(knowledge),
        "query_means": {lang: vector_text(mean) for lang, mean in _query_means(knowledge, asked).items()},
    }
    knowledge.check_index()
    shelf = knowledge.shelf()._replace(model=Model(data))
    weights = {}
    for name, pairs in (("same", _same(asked)), ("other", _other(asked))):
        examples = [e for at, (q, lang) in enumerate(pairs) for e in _examples(knowledge, shelf, q, lang, at)]
        weights[name] = _fit(name, examples)
    data["weights"] = weights
    return data


def _same(asked: Sequence[Asked]) -> list[tuple[Asked, str]]:
    return [(q, q.lang) for q in asked if q.lang in {"en", "pt"}]


def _other(asked: Sequence[Asked]) -> list[tuple[Asked, str]]:
    return [(q, lang) for q in asked for lang in ("en", "pt") if lang != q.lang]


def _examples(knowledge: Knowledge, shelf: Shelf, q: Asked, lang: str, number: int) -> Iterator[Example]:
    pages = frozenset(d.id for d in knowledge.documents() if d.lang == lang)
    question = ask(shelf, q.text, q.lang)
    assert question is not None
    ranked = rank(shelf, question, audiences=frozenset({"public"}), most=10, documents=pages)
    for at, r in enumerate(ranked):
        place = _place(r)
        right = place in q.answers
        # Another section of the right page may answer as well: nobody has said that it does not.
        beside = not right and place.split("#")[0] in {a.split("#")[0] for a in q.answers}
        if right or (at < 3 and not beside):
            yield Example(inputs(r.signs), right, number)


def _place(ranked: Ranked) -> str:
    passage = ranked.found.passage
    return f"{passage.path.rsplit('/', 1)[-1].removesuffix('.md')}#{passage.anchor or ''}"


def _fit(name: str, examples: Sequence[Example]) -> list[float]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    x = np.array([e.inputs for e in examples])
    y = np.array([e.answers for e in examples])
    groups = np.array([e.question for e in examples])
    # At even odds: how many questions a help centre cannot answer is another matter in every company.
    model = LogisticRegression(
        C=1.0, class_weight="balanced", fit_intercept=False, max_iter=2_000, random_state=SEED
    )
    held_out: NDArray[np.float64] = cross_val_predict(
        model, x, y, groups=groups, cv=GroupKFold(5), method="predict_proba"
    )[:, 1]
    best = {q: max(held_out[groups == q]) for q in set(groups.tolist())}
    answerable = {q: bool(y[groups == q].any()) for q in best}
    print(
        f"{name}: {len(y)} passages, {y.mean():.2f} answer; held out: AUC {roc_auc_score(y, held_out):.3f}, "
        f"Brier {np.mean((held_out - y) ** 2):.3f}, best passage tells answerable questions from others: "
        f"AUC {roc_auc_score([answerable[q] for q in best], list(best.values())):.3f}"
    )
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        inside = (held_out >= low) & (held_out < high)
        share = y[inside].mean() if inside.any() else 0
        print(f"  said {low:.1f}-{high:.1f}: {inside.sum()} passages, {share:.2f} answer")
    for least in (0.4, 0.5, 0.6, 0.7):
        kept, let_in = (
            np.mean([best[q] >= least for q in best if answerable[q] is wanted]) for wanted in (True, False)
        )
        print(f"  from {least}: {kept:.2f} of answerable questions answered, {let_in:.2f} of the others")
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
    for f in stored.every(knowledge.db):
        lang = f.passage.lang
        sizes[lang] += 1
        counts.setdefault(lang, Counter()).update(set(stems(lexicon.word_text(f.passage), lang)))
    return {
        lang: {stem: round(n / sizes[lang], 4) for stem, n in sorted(words.items()) if n >= 3}
        for lang, words in counts.items()
    }


def main(folder: Path) -> None:
    from knowledge.embedding import default_encoder

    knowledge = Knowledge.open(folder, encoder=default_encoder(folder / "encoder"))
    try:
        data = train(knowledge)
    finally:
        knowledge.close()
    WEIGHTS.write_text(json.dumps(data, ensure_ascii=False, indent=None) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
