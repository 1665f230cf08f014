"""Relevance: what each sign does to it, and that the shipped weights belong to the encoder in use."""

from typing import Any

import pytest

from knowledge.embedding import CachedEncoder
from knowledge.relevance import Signs, shipped_model

MIDDLING: dict[str, Any] = {"coverage": 0.6, "line": 0.5, "missing": 0.25, "likeness": 0.35}


@pytest.mark.parametrize("same_language", [True, False])
def test_it_is_a_probability_that_grows_with_likeness(same_language: bool) -> None:
    found = [
        shipped_model().relevance(Signs(same_language=same_language, **{**MIDDLING, "likeness": likeness}))
        for likeness in (-1.0, 0.0, 0.35, 0.7, 1.0)
    ]
    assert found == sorted(found)
    assert 0 < found[0] < 0.2 < 0.8 < found[-1] < 1


def test_a_question_whose_words_are_missing_is_not_answered() -> None:
    covered = Signs(same_language=True, coverage=1, line=1, missing=0, likeness=0.3)
    missing = Signs(same_language=True, coverage=0.2, line=0.2, missing=0.8, likeness=0.3)
    assert shipped_model().relevance(covered) > 0.6
    assert shipped_model().relevance(missing) < 0.35


def test_rare_words_weigh_more_also_in_a_catalogue_of_five_passages() -> None:
    rarity = shipped_model().rarity
    assert rarity("en", "cloudflar", 1, 5) > rarity("en", "domain", 1, 5) > 0
    assert rarity("en", "zebra", 0, 5) > rarity("en", "zebra", 5, 5)


def test_the_mean_of_questions_is_of_the_encoder_in_use(shared_encoder: CachedEncoder) -> None:
    mean = shipped_model().query_mean(shared_encoder, {}, "pt")
    own = shared_encoder.queries(["Como configuro isto?"])[0]
    assert mean.shape == own.shape
    assert own @ mean > 0.7, (
        "questions share a direction: without it the shipped mean would be of another model"
    )
