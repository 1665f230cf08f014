"""A clause held against many texts at once tells the same as held against each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from app.models.conversation import Message
from app.reader.builtin import read_conversation
from app.reader.lexical import bag, gram_cosine, shared
from app.reader.overlap import Grams, Table, gaps, most
from app.reader.text import fold
from evals.bench_reader import PAGES
from knowledge.embedding import CachedEncoder, Vectors
from knowledge.procedures import parse_procedure

STEPS = ("Install the certificate", "Valide o domínio", "Turn on click tracking", "zz")
CLAUSES = (
    "the certificat is installed",
    "o domínio foi validado",
    "dominio validation and certification",
    "I turned it on",
    "",
    "qwerty",
)


@pytest.mark.parametrize("clause", CLAUSES)
def test_words_and_letters_in_common_are_those_of_each_pair(clause: str) -> None:
    steps = [bag(fold(text), "en") for text in STEPS]
    own = bag(fold(clause), "en")
    weight = {item: 1 / (number + 1) for number, item in enumerate(sorted(steps[0].concepts))}
    table = Table([step.concepts for step in steps])
    met = table.met(own.concepts)
    of_clause = np.array([weight.get(item, 0.7) for item in met.items], dtype=np.float32) @ met.had
    of_steps = table.weighed(weight, 0.7) @ met.told
    assert of_clause == pytest.approx(
        [shared(own.concepts, step.concepts, weight, 0.7) for step in steps], abs=1e-5
    )
    assert of_steps == pytest.approx(
        [shared(step.concepts, own.concepts, weight, 0.7) for step in steps], abs=1e-5
    )
    cosines = Grams([step.grams for step in steps]).cosines(own.grams)
    assert cosines == pytest.approx([gram_cosine(step.grams, own.grams) for step in steps], abs=1e-5)


def test_nothing_to_compare_with_is_nothing_in_common() -> None:
    own = bag("the certificate", "en")
    table = Table([frozenset(), frozenset()])
    met = table.met(own.concepts)
    assert met.items == []
    assert met.had.shape == (0, 2)
    assert not Grams([Counter()]).cosines(own.grams).any()


def test_the_most_of_each_owner_and_the_gap_to_the_best_other() -> None:
    values = np.array([0.2, 0.7, -0.5], dtype=np.float32)
    default = np.array([0.0, 0.1, 0.0], dtype=np.float32)
    assert most(values, np.array([0, 0, 2]), default) == pytest.approx([0.7, 0.1, -0.5])
    assert gaps(np.array([0.5, 0.9, 0.9], dtype=np.float32)) == pytest.approx([-0.4, 0.0, 0.0])
    assert gaps(np.array([0.5], dtype=np.float32)) == pytest.approx([0.5])


class Counting:
    """An encoder that notes what it was given."""

    name, dimensions = "counting", 384

    def __init__(self, encoder: CachedEncoder) -> None:
        self.given: list[str] = []
        self._encoder = encoder

    def queries(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        return self._encoder.queries(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.passages(texts)


def test_our_own_small_talk_is_not_embedded_and_our_questions_are(encoder: CachedEncoder) -> None:
    page = parse_procedure(
        (PAGES / "https-tracking-links.md").read_text(encoding="utf-8"),
        path="p.md", document="p", version="1", checks=None, actions=None,
    )  # fmt: skip
    assert page is not None
    counting = Counting(encoder)
    ours = "Glad to hear it! What else? The certificate comes next."
    messages = [
        Message(id=role, conversation="c", role=role, text=text, at=datetime(2026, 1, 1, tzinfo=UTC))
        for role, text in (("customer", "Lovely weather today."), ("bot", ours))
    ]
    read_conversation(messages, [page], counting)
    assert {"Lovely weather today.", "What else?", "The certificate comes next."} <= {*counting.given}
    assert "Glad to hear it!" not in counting.given
