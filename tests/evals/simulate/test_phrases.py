"""Phrase files: enough of them, two halves that never mix, and errors that name the file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from app.errors import BadInput
from evals.flodial.overlap import overlap, training_texts
from evals.simulate.learned import TARGET, as_text
from evals.simulate.phrases import INTENTS, LANGUAGES, Phrase, Phrases, load, typed


@pytest.fixture(scope="module")
def shipped() -> Phrases:
    return load()


def test_every_intent_has_eight_ways_in_every_language(shipped: Phrases) -> None:
    general = Counter((p.lang, p.intent) for p in shipped.all if p.procedure is None)
    for lang in LANGUAGES:
        for intent in INTENTS - {"goal"}:
            assert general[lang, intent] >= 8, (lang, intent)


def test_every_intent_can_be_said_from_either_half(shipped: Phrases) -> None:
    for half in ("train", "score"):
        some = shipped.in_half(half)
        general = {(p.lang, p.intent) for p in some.all if p.procedure is None}
        assert {(lang, intent) for lang in LANGUAGES for intent in INTENTS - {"goal"}} <= general


def test_no_words_stand_in_both_halves(shipped: Phrases) -> None:
    train = {(p.lang, p.intent, p.text.lower()) for p in shipped.in_half("train").all}
    score = {(p.lang, p.intent, p.text.lower()) for p in shipped.in_half("score").all}
    assert train
    assert score
    assert not train & score
    halved = [p.half for p in shipped.all if p.kept is None]
    assert 0.4 < halved.count("score") / len(halved) < 0.6


def test_what_is_learned_is_written_down() -> None:
    assert TARGET.read_text(encoding="utf-8") == as_text(), "Run: python -m evals.simulate.learned"


def test_what_scores_shares_no_words_with_what_is_learned(shipped: Phrases) -> None:
    train = [phrase.text for phrase in shipped.in_half("train").all]
    score = [phrase.text for phrase in shipped.in_half("score").all]
    shared = overlap([*training_texts(), *train], score)
    assert shared.shared == ()


def test_a_phrase_stays_in_its_half_whatever_is_added() -> None:
    phrase = Phrase(intent="did_it", lang="en", text="done")
    assert phrase.half == Phrase(intent="did_it", lang="en", text="  Done ").half
    assert phrase in Phrases([phrase, Phrase(intent="did_it", lang="en", text="x")]).in_half(phrase.half).all


def test_a_document_may_be_kept_for_one_half(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "lang: en\nhalf: score\nintents: {did_it: [done, sorted, finished, ready]}", encoding="utf-8"
    )
    assert {phrase.half for phrase in load(file).all} == {"score"}


def test_a_phrase_whose_slots_cannot_be_filled_is_not_said() -> None:
    phrases = Phrases(
        [
            Phrase(intent="open", lang="en", text="move it to {workspace}"),
            Phrase(intent="open", lang="en", text="move it"),
        ]
    )
    for seed in range(20):
        picked = phrases.pick("open", "en", Random(seed), procedure="p", slots=frozenset({"domain"}))
        assert picked.text == "move it"


def test_what_nobody_can_say_is_told_with_what_to_do() -> None:
    with pytest.raises(BadInput, match=r"no 'open' in 'es'.*Add one"):
        Phrases([]).pick("open", "es", Random(1), procedure="p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lang: xx", r"`lang` must be one of"),
        ("lang: en\nintents: {fly: [a]}", r"nobody ever means 'fly'"),
        ("lang: en\nintents: {open: word}", r"open: a list of phrases is needed"),
        ("lang: en\nintents: {answer_no: [no]}", r"answer_no: False is no text"),
        ("lang: en\nsteps: {one: {did_it: [a]}}", r"`procedure/step`"),
        ("lang: en\nhalf: third", r"`half` is train or score, not 'third'"),
        ("lang: en\ncolour: red", r"`colour` is not known"),
        ("{", r"A phrase file is YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=rf"mine\.yaml.*{said}"):
        load(file)


def test_people_type_in_a_few_styles() -> None:
    assert typed("Não, ainda não.", "careful") == "Não, ainda não."
    assert typed("¿Está hecho? Sí.", "plain") == "Esta hecho? Si."
    assert typed("Olá, pessoal. links.acme.example!", "bare") == "ola pessoal links.acme.example"
