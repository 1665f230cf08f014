"""The layers of our own: what they say of a clause, and what happens where they cannot run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from app.reader.builtin import read_conversation
from app.reader.heads import STATUSES
from app.reader.told import ACTS, told
from knowledge.embedding import CachedEncoder, Layered, LazyEncoder, Vectors, layered
from knowledge.encoder.native import NativeEncoder
from tests.app.reader.test_builtin import SSO, said


class Counting:
    def __init__(self, inner: Layered) -> None:
        self.inner = inner
        self.calls = 0

    def lower(self, texts: Sequence[str]) -> list[Vectors]:
        self.calls += len(texts)
        return self.inner.lower(texts)


CLEAR = [
    ("the badge printer is set up and prints", "done"),
    ("já subi o arquivo com os crachás", "done"),
    ("la impresora ya está conectada", "done"),
    ("we have not unpacked the badge printer yet", "not_done"),
    ("ainda não subi o arquivo dos crachás", "not_done"),
    ("todavía no conectamos la impresora", "not_done"),
    ("the badge printer goes offline each time I send a page", "failed"),
    ("o arquivo sobe e a página mostra erro", "failed"),
    ("la impresora se apaga cada vez que mando una hoja", "failed"),
    ("should the badge printer be set up before the event?", "open"),
]


@pytest.mark.parametrize(("text", "status"), CLEAR)
def test_what_a_clause_says_of_a_thing_that_no_training_text_knows(
    encoder: CachedEncoder, text: str, status: str
) -> None:
    lower = layered(encoder)
    assert lower is not None
    scores = told([text], lower)[text]
    assert STATUSES[int(scores.states.argmax())] == status
    assert scores.states.sum() == pytest.approx(1, abs=1e-3)
    assert scores.acts.sum() == pytest.approx(1, abs=1e-3)


DOING = [
    ("could you put us on the quarterly parcel plan?", "want"),
    ("quero a segunda via do crachá, por favor", "want"),
    ("¿cómo pido otra credencial?", "how"),
    ("any news on the badge printer?", "stands"),
    ("isso eu já contei pra vocês", "told"),
    ("lo miro esta tarde y les cuento", "promise"),
    ("this has been going on for ages, honestly", "complaint"),
    ("we are a small bakery with two ovens", "aside"),
    ("can somebody real talk to me please", "person"),
    ("não entendi, explica de novo?", "again"),
]


@pytest.mark.parametrize(("text", "act"), DOING)
def test_what_a_sentence_does(encoder: CachedEncoder, text: str, act: str) -> None:
    lower = layered(encoder)
    assert lower is not None
    judged = told([text], lower)[text]
    assert ACTS[int(judged.acts.argmax())] == act


def test_a_host_does_not_sway_what_is_said(encoder: CachedEncoder) -> None:
    lower = layered(encoder)
    assert lower is not None
    texts = [f"the certificate of {host} is live" for host in ("a.example", "failed-bad-error.example")]
    one, other = told(texts, lower).values()
    assert np.array_equal(one.states, other.states)
    assert np.array_equal(one.acts, other.acts)


def test_it_is_found_behind_caches_and_asked_once_for_a_text(encoder: CachedEncoder) -> None:
    inner = layered(CachedEncoder(LazyEncoder(lambda: encoder, encoder.dimensions)))
    assert inner is not None
    counting = Counting(inner)
    for _ in range(2):
        told(["only this test says this sentence"], counting)
    assert counting.calls == 1


def test_an_encoder_without_layers_is_read_with_the_head_over_its_vectors() -> None:
    native = NativeEncoder()
    assert layered(native) is None
    reading = read_conversation(said("The directory is connected."), [SSO], CachedEncoder(native))
    assert [claim.status for claim in reading.claims] == ["done"]
