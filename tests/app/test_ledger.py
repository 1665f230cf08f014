"""What is known of a step, and the word that people see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import DOUBTFUL, claims_of, fresh, new_claims, newest, step_state, step_states
from app.models.reading import Claim, Reading
from app.models.steps import Finding, LedgerFact
from knowledge.model import Check, Procedure, Step

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
A, B = "links.acme.example", "go.acme.example"


def claim(status: str = "done", subject: str | None = None, **fields: Any) -> Claim:
    made = {"step": "dns", "subject": subject, "status": status, "message": "m1", "quote": "it is there"}
    return Claim(**made | fields)


def finding(
    met: bool | None, subject: str | None = None, *, until: timedelta = timedelta(minutes=5)
) -> Finding:
    return Finding(check="look", met=met, code="seen", subject=subject, at=NOW, until=NOW + until)


def step(id: str = "dns", **fields: Any) -> Step:
    return Step(**{"id": id, "title": id, "text": "", "anchor": id, "subject": "domain"} | fields)


CHECK = Check(name="look")
MET, NOT_MET, UNSEEN = finding(True, A), finding(False, A), finding(None, A)


@pytest.mark.parametrize(
    ("said", "seen", "word", "holds"),
    [
        # unknown is not yes: no claim outweighs what is seen, and what could not be seen is not seen
        ("done", [NOT_MET], "contradicted", False),
        ("not_done", [NOT_MET], "missing", False),
        ("unknown", [NOT_MET], "missing", False),
        (None, [NOT_MET], "missing", False),
        (None, [UNSEEN], "unknown", False),
        (None, [], "unknown", False),
        ("unknown", [], "unknown", False),
        ("not_done", [UNSEEN], "not_done", False),
        ("failed", [], "failed", False),
        (None, [MET, finding(False, B)], "missing", False),
        ("done", [MET, finding(False, B)], "contradicted", False),
        (None, [MET, finding(None, B)], "unknown", False),
        ("not_done", [MET, finding(None, B)], "not_done", False),
        # a finding beats a claim
        ("not_done", [MET], "verified", True),
        ("failed", [MET, finding(True, B)], "verified", True),
        (None, [MET], "verified", True),
        # the customer's word, where nobody could look
        ("done", [], "claimed", True),
        ("done", [UNSEEN], "claimed", True),
        ("done", [MET, finding(None, B)], "claimed", True),
    ],
)
def test_the_word(said: str | None, seen: list[Finding], word: str, holds: bool) -> None:
    state = step_state(step(), claim=claim(said) if said else None, findings=seen, must=False)
    assert (state.word, state.holds) == (word, holds)


@pytest.mark.parametrize("seen", [[], [UNSEEN], [MET, finding(None, B)]])
@pytest.mark.parametrize("shown", [False, True])
def test_a_step_that_must_be_checked_never_holds_by_word(seen: list[Finding], shown: bool) -> None:
    state = step_state(step(check=CHECK), claim=claim(shown=shown), findings=seen, must=True)
    assert state.word == ("evidenced" if shown else "claimed")
    assert not state.holds
    assert state.must_check


@pytest.mark.parametrize(
    ("said", "confidence", "shown", "word", "holds"),
    [
        ("done", DOUBTFUL - 0.01, False, "unknown", False),
        ("done", DOUBTFUL, False, "claimed", True),
        ("done", DOUBTFUL - 0.01, True, "evidenced", True),
        ("not_done", DOUBTFUL - 0.01, False, "not_done", False),
        ("failed", DOUBTFUL - 0.01, False, "failed", False),
    ],
)
def test_a_doubtful_word_opens_no_door(
    said: str, confidence: float, shown: bool, word: str, holds: bool
) -> None:
    state = step_state(step(), claim=claim(said, confidence=confidence, shown=shown), findings=[], must=False)
    assert (state.word, state.holds) == (word, holds)


def test_pasted_output_is_evidence() -> None:
    assert step_state(step(), claim=claim(shown=True), findings=[], must=False).word == "evidenced"
    assert step_state(step(), claim=claim("failed", shown=True), findings=[], must=False).word == "failed"


def test_an_outcome_of_a_branching_step_settles_it_and_another_word_does_not() -> None:
    asked = step(outcomes=(("yes", "adapter"), ("no", "outlet")))
    assert step_state(asked, claim=claim("no"), findings=[], must=False).holds
    assert not step_state(asked, claim=claim("perhaps"), findings=[], must=False).holds


def test_an_agent_may_set_a_step_aside() -> None:
    state = step_state(step(), claim=claim("not_done"), findings=[NOT_MET], must=True, skipped=True)
    assert (state.word, state.holds) == ("not_applicable", True)


def test_what_speaks_against_the_step_comes_first() -> None:
    unseen, against = finding(None, B), finding(False, A)
    state = step_state(step(), claim=None, findings=[MET, unseen, against], must=False)
    assert state.findings == (against, unseen, MET)
    assert state.finding == against


# --- the newest claim ---------------------------------------------------------------------------


def test_the_newest_claim_wins() -> None:
    assert newest([claim("not_done"), claim("done", message="m2")]) == claim("done", message="m2")
    assert newest([claim("done"), claim("failed")]) == claim("failed")
    assert newest([]) is None


def test_one_subject_that_is_not_done_speaks_for_the_step() -> None:
    open_one = claim("not_done", B)
    assert newest([open_one, claim("done", A)]) == open_one
    assert newest([claim("done", A), open_one]) == open_one
    assert newest([open_one, claim("done", B)]) == claim("done", B)


def test_a_newer_word_about_all_takes_back_what_was_said_of_one() -> None:
    assert newest([claim("not_done", A), claim("done")]) == claim("done")
    assert newest([claim("done", A), claim("not_done")]) == claim("not_done")


def test_a_word_about_one_does_not_settle_the_others() -> None:
    assert newest([claim("not_done"), claim("done", A)]) == claim("not_done")


# --- subjects, prerequisites, expiry -------------------------------------------------------------


def procedure(*made: Step) -> Procedure:
    return Procedure(
        id="p", document="d", version="v", path="p.md", lang="en", title="P", when="", intro="",
        subjects=("domain",), steps=made,
    )  # fmt: skip


def words(made: Procedure, **known: Any) -> dict[str, tuple[str, bool]]:
    given: dict[str, Any] = {"claims": (), "findings": (), "must_check": frozenset(), "now": NOW}
    return {state.step: (state.word, state.holds) for state in step_states(made, **given | known)}


def test_a_step_holds_only_for_every_subject() -> None:
    seen = [("dns", finding(True, A)), ("dns", finding(True, B))]
    assert words(procedure(step()), findings=seen) == {"dns": ("verified", True)}
    seen[1] = ("dns", finding(False, B))
    assert words(procedure(step()), findings=seen) == {"dns": ("missing", False)}


def test_findings_and_claims_stay_with_their_step() -> None:
    made = procedure(step("dns"), step("tls"))
    known = words(made, findings=[("tls", NOT_MET)], claims=[claim("done")])
    assert known == {"dns": ("claimed", True), "tls": ("missing", False)}


def test_the_check_of_a_prerequisite_must_be_made_and_so_must_what_the_page_says() -> None:
    made = procedure(step("dns", check=CHECK), step("tls", must_check=True))
    said = [claim("done"), claim("done", step="tls")]
    assert words(made, claims=said, must_check=frozenset({CHECK})) == {
        "dns": ("claimed", False),
        "tls": ("claimed", False),
    }
    other = Check(name="look", params=(("name", "x"),))
    assert words(made, claims=said, must_check=frozenset({other}))["dns"] == ("claimed", True)


@pytest.mark.parametrize("met", [True, False])
def test_an_expired_finding_counts_no_more(met: bool) -> None:
    old = finding(met, A, until=timedelta(0))
    assert fresh([old, MET], NOW) == [MET]
    assert words(procedure(step()), findings=[("dns", old)]) == {"dns": ("unknown", False)}


def test_set_aside_by_an_agent() -> None:
    assert words(procedure(step()), not_applicable=frozenset({"dns"})) == {"dns": ("not_applicable", True)}


seen_at_all = st.lists(st.builds(finding, st.sampled_from([True, False, None]), st.sampled_from([A, B])))
said_at_all = st.lists(
    st.builds(
        claim, st.sampled_from(["done", "not_done", "failed", "unknown"]), st.sampled_from([None, A, B])
    )
)


@given(said_at_all, seen_at_all)
def test_what_must_be_checked_holds_only_where_everything_that_was_looked_at_is_met(
    said: list[Claim], seen: list[Finding]
) -> None:
    state = step_state(step(), claim=newest(said), findings=seen, must=True)
    assert state.holds == (bool(seen) and all(f.met is True for f in seen))


@given(said_at_all, seen_at_all)
def test_nothing_holds_against_a_finding(said: list[Claim], seen: list[Finding]) -> None:
    state = step_state(step(), claim=newest(said), findings=[*seen, NOT_MET], must=False)
    assert not state.holds
    assert state.word in ("missing", "contradicted")


# --- what is written ----------------------------------------------------------------------------


def written(*claims: Claim, known: tuple[LedgerFact, ...] = ()) -> tuple[LedgerFact, ...]:
    return new_claims(Reading(claims=claims), known, case="k", procedure="p", at=NOW)


def test_a_claim_is_written_once() -> None:
    first = written(claim("done", A), claim("done", B, shown=True))
    assert [(fact.kind, fact.subject) for fact in first] == [("claim", A), ("evidence", B)]
    assert written(claim("done", A), claim("done", B, shown=True), known=first) == ()
    assert [fact.claim for fact in written(claim("failed", A, message="m2"), known=first)] == [
        claim("failed", A, message="m2")
    ]


def test_said_again_in_another_message_it_is_a_new_claim() -> None:
    known = written(claim("done"), claim("done"))
    assert len(written(claim("done", message="m2"), known=known)) == 1


def test_claims_about_another_procedure_are_not_mixed_in() -> None:
    known = new_claims(Reading(claims=(claim(),)), (), case="k", procedure="other", at=NOW)
    assert claims_of(known, "p") == ()
    assert claims_of(known, "other") == (claim(),)
    assert len(written(claim(), known=known)) == 1
