"""The built-in reader on procedures and conversations that no training text knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.reader.builtin import builtin_reader, read_conversation
from evals.bench_reader import f1, measure, messages_of, procedures_in, status_of
from knowledge.embedding import CachedEncoder
from knowledge.model import Procedure

from . import heldout

DEV = Path(__file__).parents[4] / "shared" / "cases" / "dev.jsonl"
needs_cases = pytest.mark.skipif(
    not DEV.exists(), reason="the labelled development cases are not on this machine"
)


@pytest.mark.parametrize("file", ["heldout_conversations.txt", "heldout_second.txt", "heldout_third.txt"])
def test_reads_procedures_it_has_never_seen(encoder: CachedEncoder, file: str) -> None:
    procedures = heldout.procedures()
    pairs: list[tuple[str, str]] = []
    right = 0
    total = 0
    for case in heldout.conversations(file):
        reading = read_conversation(case.messages, procedures, encoder)
        if "any" in case.flags:
            continue
        total += 1
        right += reading.procedure == case.procedure
        steps = next((p.steps for p in procedures if p.id == case.procedure), ())
        for step in steps:
            told = status_of(reading, step.id) if reading.procedure == case.procedure else "unknown"
            pairs.append((case.claims.get(step.id, "unknown"), told))
    assert right / total >= 0.9
    assert f1(pairs) >= 0.8


def _misread(case: heldout.Labelled, encoder: CachedEncoder) -> bool:
    reading = read_conversation(case.messages, heldout.procedures("heldout_fourth_procedures.txt"), encoder)
    speech = next((kind for kind in ("thanks", "greeting") if kind in case.flags), None)
    told = {claim.step: status_of(reading, claim.step) for claim in reading.claims}
    return (
        ("any" not in case.flags and (reading.procedure != case.procedure or told != case.claims))
        or reading.wants_outcome != ("want" in case.flags)
        or (speech is not None and reading.speech != speech)
        or reading.wants_person != ("person" in case.flags)
        or reading.skips_checks != ("skip" in case.flags)
        or ("how" in case.flags and not reading.asks_how)
    )


@pytest.mark.parametrize(("file", "least"), [("heldout_fourth.txt", 0.8), ("heldout_fifth.txt", 0.55)])
def test_reads_goals_refusals_and_demands_apart_from_steps(
    encoder: CachedEncoder, file: str, least: float
) -> None:
    """`heldout_fifth.txt` was written and scored after the last change for the fourth."""
    cases = list(heldout.conversations(file))
    wrong = [case for case in cases if _misread(case, encoder)]
    assert 1 - len(wrong) / len(cases) >= least


def test_sees_who_wants_a_person_who_is_in_danger_and_who_pushes(encoder: CachedEncoder) -> None:
    procedures = heldout.procedures()
    wrong = []
    for case in heldout.conversations("heldout_second.txt"):
        reading = read_conversation(case.messages, procedures, encoder)
        read = {
            "person": reading.wants_person,
            "danger": reading.danger is not None,
            "skip": reading.skips_checks,
            "other": reading.for_other,
        }
        wrong += [name for name, value in read.items() if value != (name in case.flags)]
    assert len(wrong) <= 2


@needs_cases
def test_labelled_cases_are_read_well(encoder: CachedEncoder) -> None:
    measured = measure(DEV, builtin_reader(encoder))
    assert measured["claim_macro_f1"] >= 0.85
    assert measured["blind_step"] >= 0.85
    assert measured["procedure"] >= 0.95


@needs_cases
def test_labelled_cases_are_read_from_english_pages_alone(encoder: CachedEncoder) -> None:
    measured = measure(DEV, builtin_reader(encoder), [_untranslated(p) for p in procedures_in()])
    assert measured["claim_macro_f1"] >= 0.8


@needs_cases
def test_a_reading_does_not_depend_on_world_identity_or_gold(encoder: CachedEncoder) -> None:
    procedures = procedures_in()
    for line in DEV.read_text(encoding="utf-8").splitlines():
        case: dict[str, Any] = json.loads(line)
        stripped = {"id": case["id"], "messages": case["messages"]}
        whole = read_conversation(messages_of(case), procedures, encoder)
        assert whole == read_conversation(messages_of(stripped), procedures, encoder)


def _untranslated(procedure: Procedure) -> Procedure:
    bare = {"titles": (), "says_done": (), "says_not_done": ()}
    return procedure.model_copy(
        update={"steps": tuple(step.model_copy(update=bare) for step in procedure.steps)}
    )
