"""The policy as a table: facts -> decision, one row a rule and an edge, the dangerous rows first."""
# ruff: noqa: E501  a row of the table stays on its line

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.decision import Act, Decision
from app.models.facts import Facts, Said
from app.models.reading import Claim, Reading
from app.models.steps import Finding, StepState
from app.policy import RULES, decide
from knowledge.model import Citation, Procedure, Step

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
IDS = ("link-tracking", "branded-link", "ssl-certificate")


def procedure(*, action: str | None = "enable_https") -> Procedure:
    steps = tuple(Step(id=id, title=id, text=f"How to do {id}.", anchor=id, subject="domain") for id in IDS)
    return Procedure(
        id="https-tracking-links",
        document="d",
        version="v",
        path="https-tracking-links.md",
        lang="en",
        title="HTTPS for tracking links",
        when="Tracked links should use https.",
        intro="",
        subjects=("domain",),
        steps=steps,
        action=action,
    )


def finding(met: bool | None, code: str = "seen", subject: str | None = None, **fields: Any) -> Finding:
    return Finding(
        check="a_check", met=met, code=code, subject=subject, at=NOW, until=NOW + timedelta(hours=1), **fields
    )


def state(step: str, word: str, *findings: Finding, must: bool = False, **fields: Any) -> StepState:
    settled = word in ("claimed", "evidenced") and not must
    made: dict[str, Any] = {
        "step": step,
        "word": word,
        "holds": word in ("verified", "not_applicable") or settled,
        "findings": findings,
        "checkable": bool(findings),
        "must_check": must,
    }
    return StepState(**made | fields)


def met(step: str) -> StepState:
    return state(step, "verified", finding(True))


def missing(step: str, code: str = "not_there", subject: str | None = None) -> StepState:
    return state(step, "missing", finding(False, code, subject))


ALL_MET = tuple(met(id) for id in IDS)
READY: dict[str, Any] = {
    "reading": Reading(wants_outcome=True, procedure="https-tracking-links"),
    "standing": "owner",
    "procedure": procedure(),
    "outcome_holds": False,
    "steps": ALL_MET,
}


def wants(**fields: Any) -> Reading:
    return Reading(**{"wants_outcome": True, "procedure": "https-tracking-links"} | fields)


def steps(*first: StepState) -> tuple[StepState, ...]:
    """The steps given, and the others met."""
    named = {state.step: state for state in first}
    return tuple(named.get(id, met(id)) for id in IDS)


def cite(passage: str = "p1") -> Citation:
    return Citation(
        passage=passage,
        document="d",
        version="v",
        title="A page",
        path="a.md",
        anchor=None,
        quote="words",
        updated_at=NOW,
        lang="en",
    )


CLAIMED_UNSEEN = state("ssl-certificate", "claimed", finding(None, "timed_out"), must=True)
UNKNOWN = state("branded-link", "unknown")
WAITING = state("branded-link", "missing", finding(False, "spreading", needs_time=True))
DONE = Claim(step="link-tracking", status="done", message="m1", quote="tracking is on")

UNSURE = Claim(step=IDS[1], status="unknown", message="m1", quote="no idea whether")

ROWS: list[tuple[str, dict[str, Any], str]] = [
    # what must never act, though every step holds
    ("a stranger", {"standing": "stranger"}, "decline not_yours"),
    ("a member", {"standing": "member"}, "decline not_owner"),
    ("nobody signed in", {"standing": "anonymous"}, "decline not_signed_in"),
    ("an unknown standing", {"standing": "unknown"}, "hand_off standing_unknown"),
    ("a demand to skip checks", {"reading": wants(skips_checks=True)}, "decline checks_needed"),
    ("a second demand, and every step holds", {"reading": wants(skips_checks=True), "said": Said(declined=("checks_needed",))}, "hand_off repeat"),
    ("a second demand, and a step is left", {"reading": wants(skips_checks=True), "said": Said(declined=("checks_needed",)), "steps": steps(missing(IDS[1]))}, "guide branded-link"),
    ("demanded before, and not again", {"said": Said(declined=("checks_needed",))}, "act"),
    ("a promise is no word for a step that must be seen", {"steps": steps(state(IDS[2], "not_done", must=True)), "spoken": ((IDS[2], "planned"),)}, "guide ssl-certificate"),
    ("for somebody else", {"reading": wants(for_other=True)}, "decline not_yours"),
    ("a foreign subject", {"foreign_subject": "victim.example"}, "decline not_yours"),
    ("a foreign subject, own outcome on", {"foreign_subject": "x", "outcome_holds": True}, "decline not_yours"),
    ("for other, own outcome on", {"reading": wants(for_other=True), "outcome_holds": True}, "decline not_yours"),
    ("a stranger, outcome on", {"standing": "stranger", "outcome_holds": True}, "decline not_yours"),
    ("anonymous and for other", {"reading": wants(for_other=True), "standing": "anonymous"}, "decline not_signed_in"),
    ("a check that must be made is unknown", {"steps": steps(CLAIMED_UNSEEN)}, "watch ssl-certificate"),
    ("the same, and watching is over", {"steps": steps(CLAIMED_UNSEEN), "watch_over": True}, "hand_off cannot_check"),
    ("a must-check step has no check", {"steps": steps(state("ssl-certificate", "claimed", must=True))}, "hand_off cannot_check"),
    ("a claim against what is seen", {"steps": steps(state("branded-link", "contradicted", finding(False)))}, "guide branded-link"),
    ("a person is active", {"person_active": True}, "stay_silent"),
    ("a person is active, and danger", {"person_active": True, "reading": wants(danger="fraud")}, "stay_silent"),
    ("danger", {"reading": wants(danger="security")}, "hand_off danger"),
    ("danger before a resume", {"reading": wants(danger="security"), "resumed": True}, "hand_off danger"),
    ("danger and thanks", {"reading": wants(danger="legal", speech="thanks")}, "hand_off danger"),
    ("wants a person", {"reading": wants(wants_person=True)}, "hand_off asked"),
    ("wanted a person before a resume", {"reading": wants(wants_person=True), "resumed": True}, "hand_off asked"),
    ("a subject is missing", {"missing_subject": "workspace"}, "ask workspace"),
    ("a request waits for approval", {"action_pending": True, "action_approval": "agent"}, "propose"),
    ("a request waits, resumed", {"action_pending": True, "action_approval": "agent", "resumed": True}, "stay_silent"),
    ("a request runs", {"action_pending": True}, "stay_silent"),
    ("the action failed before", {"action_failed": True}, "hand_off action_failed"),
    ("the outcome is not wanted", {"reading": Reading(procedure="https-tracking-links")}, "hand_off no_source"),
    ("no procedure", {"procedure": None, "steps": ()}, "hand_off no_source"),
    ("a procedure without an action", {"procedure": procedure(action=None)}, "already"),
    # in order
    ("every step holds", {}, "act"),
    ("every step holds, agents approve", {"action_approval": "agent"}, "propose"),
    ("every step holds, the customer approves", {"action_approval": "customer"}, "propose"),
    ("settled by word where that counts", {"steps": steps(state("link-tracking", "claimed"))}, "act"),
    ("shown where that counts", {"steps": steps(state("link-tracking", "evidenced"))}, "act"),
    ("a step does not apply", {"steps": steps(state("link-tracking", "not_applicable"))}, "act"),
    ("the outcome holds", {"outcome_holds": True}, "already"),
    ("the outcome holds, says a member", {"outcome_holds": True, "standing": "member"}, "already"),
    ("the outcome holds and a step does not", {"outcome_holds": True, "steps": steps(missing(IDS[2]))}, "already"),
    ("the outcome holds, said once and asked on", {"outcome_holds": True, "said": Said(already=True, last="already")}, "hand_off repeat"),
    ("the outcome holds, and a page says why it looks otherwise", {"outcome_holds": True, "reading": wants(speech="report"), "citations": (cite(),), "said": Said(already=True, last="already")}, "answer"),
    ("the outcome holds, that page was sent", {"outcome_holds": True, "reading": wants(speech="report"), "citations": (cite(),), "said": Said(already=True, last="already", passages=("p1",))}, "hand_off repeat"),
    ("the outcome holds, and a person has the case", {"outcome_holds": True, "reading": wants(speech="report"), "citations": (cite(),), "said": Said(already=True, last="hand_off", handed_off=True)}, "stay_silent"),
    ("the outcome holds since we did it, and a page answers the next question", {"outcome_holds": True, "done_before": True, "reading": wants(speech="question"), "citations": (cite(),)}, "answer"),
    ("asks how an unknown matter stands", {"reading": Reading(speech="request", asks_on=True), "procedure": None, "steps": (), "citations": (cite(),)}, "ask matter"),
    ("asks, and may only want to know", {"reading": wants(speech="question", faint=True), "citations": (cite(),)}, "answer"),
    ("the same, and no page answers", {"reading": wants(speech="question", faint=True), "action_approval": "customer"}, "propose"),
    ("the same of a way", {"reading": wants(speech="question", faint=True, asks_how=True), "citations": (cite(),), "action_approval": "customer"}, "propose"),
    ("declined before, and asks something else", {"standing": "anonymous", "reading": wants(speech="question"), "citations": (cite(),), "said": Said(declined=("not_signed_in",))}, "answer"),
    ("nobody could read back", {"outcome_holds": None}, "act"),
    ("thanks", {"reading": wants(speech="thanks")}, "acknowledge"),
    ("thanks, and a step was told of", {"reading": wants(speech="thanks"), "spoken": ((IDS[1], "done"),), "steps": steps(missing(IDS[1]))}, "guide branded-link"),
    ("thanks, and a promise", {"reading": wants(speech="thanks"), "spoken": ((IDS[1], "planned"),), "steps": steps(missing(IDS[1]))}, "acknowledge"),
    ("the same after it was done", {"reading": wants(speech="thanks"), "spoken": ((IDS[1], "done"),), "done_before": True}, "acknowledge"),
    ("hello", {"reading": Reading(speech="greeting"), "procedure": None, "steps": ()}, "acknowledge"),
    ("says what is done and asks for nothing", {"reading": Reading(speech="report", claims=(DONE,)), "citations": (cite(),)}, "acknowledge"),
    ("says what is done and what is not", {"reading": Reading(speech="report", claims=(DONE, DONE.model_copy(update={"status": "failed"}))), "citations": (cite(),)}, "answer"),
    ("says that it is done after asking for it", {"reading": wants(speech="report", claims=(DONE,))}, "act"),
    ("thanks does not stop a resume", {"reading": wants(speech="thanks"), "resumed": True}, "act"),
    ("two steps are left: the first", {"steps": steps(missing(IDS[1]), missing(IDS[2]))}, "guide branded-link"),
    ("said to be not done", {"steps": steps(state("branded-link", "not_done"))}, "guide branded-link"),
    ("tried, and it failed", {"steps": steps(state("branded-link", "failed"))}, "guide branded-link"),
    ("not met comes before unknown", {"steps": steps(state(IDS[0], "unknown"), missing(IDS[2]))}, "guide ssl-certificate"),
    ("only needs time", {"steps": steps(WAITING)}, "watch branded-link"),
    ("needs time, and it took too long", {"steps": steps(WAITING), "watch_over": True}, "hand_off cannot_check"),
    ("one subject needs time, another work", {"steps": steps(state(IDS[1], "missing", finding(False), finding(False, needs_time=True)))}, "guide branded-link"),
    ("a step is unknown", {"steps": steps(UNKNOWN)}, "ask branded-link"),
    ("a step that the customer does not know of", {"steps": steps(state(IDS[1], "unknown", claim=UNSURE))}, "guide branded-link"),
    ("the same, and it was explained", {"steps": steps(state(IDS[1], "unknown", claim=UNSURE)), "said": Said(guided=(IDS[1],))}, "ask branded-link"),
    ("asks how, and a name would let us look", {"reading": Reading(asks_how=True), "missing_subject": "workspace", "steps": steps(state(IDS[1], "unknown", checkable=True))}, "ask workspace"),
    ("the same of a visitor: nothing could be looked at", {"reading": Reading(asks_how=True), "missing_subject": "workspace", "standing": "anonymous", "steps": steps(state(IDS[1], "unknown", checkable=True))}, "ask branded-link"),
    ("unknown this time, while we wait", {"steps": steps(state(IDS[1], "unknown", finding(None))), "resumed": True}, "watch branded-link"),
    ("asks how, nobody signed in", {"reading": Reading(asks_how=True), "standing": "anonymous", "steps": steps(missing(IDS[1]))}, "guide branded-link"),
    ("asks how, one unknown", {"reading": Reading(asks_how=True), "steps": steps(UNKNOWN)}, "ask branded-link"),
    ("asks how, and all holds", {"reading": Reading(asks_how=True)}, "already"),
    ("asks how, without a subject named", {"reading": Reading(asks_how=True), "missing_subject": "workspace"}, "already"),
    ("asks how, the check gives no answer", {"reading": Reading(asks_how=True), "steps": steps(CLAIMED_UNSEEN), "citations": (cite(),)}, "answer"),
    ("a document answers", {"reading": Reading(speech="question"), "citations": (cite(),)}, "answer"),
    ("a document answers a stranger too", {"reading": Reading(), "standing": "stranger", "citations": (cite(),)}, "answer"),
    ("nothing answers", {"reading": Reading(speech="question")}, "hand_off no_source"),
    ("near to one page", {"reading": Reading(), "procedure": None, "steps": (), "perhaps": procedure()}, "ask https-tracking-links"),
    ("near to one page, and another answers", {"reading": Reading(), "procedure": None, "steps": (), "perhaps": procedure(), "citations": (cite(),)}, "ask https-tracking-links"),
    ("a question near to one page that another answers", {"reading": Reading(speech="question"), "procedure": None, "steps": (), "perhaps": procedure(), "citations": (cite(),)}, "answer"),
    ("near to one page, asked about before", {"reading": Reading(), "procedure": None, "steps": (), "perhaps": procedure(), "said": Said(asked=("https-tracking-links",))}, "hand_off no_source"),
    ("near to one page, and said to the room", {"reading": Reading(), "procedure": None, "steps": (), "perhaps": procedure(), "addressed": False}, "stay_silent"),
    ("points at what nobody has named", {"reading": Reading(speech="question"), "procedure": None, "steps": (), "unclear": "this plan", "citations": (cite(),)}, "ask this plan"),
    ("the same, asked back before", {"reading": Reading(speech="question"), "procedure": None, "steps": (), "unclear": "this plan", "said": Said(asked=("this plan",))}, "hand_off no_source"),
    ("points at something else, right after our question", {"reading": Reading(speech="question"), "procedure": None, "steps": (), "unclear": "that plan", "said": Said(asked=("this plan",), last="ask"), "citations": (cite(),)}, "answer"),
    ("points at something, and said to the room", {"reading": Reading(speech="question"), "procedure": None, "steps": (), "unclear": "this plan", "addressed": False}, "stay_silent"),
    ("a trouble, and no word of what", {"reading": Reading(speech="report"), "procedure": None, "steps": (), "vague": True}, "ask matter"),
    ("the same after a hello", {"reading": Reading(speech="report"), "procedure": None, "steps": (), "vague": True, "said": Said(last="acknowledge")}, "ask matter"),
    ("the same, asked before", {"reading": Reading(speech="report"), "procedure": None, "steps": (), "vague": True, "said": Said(asked=("matter",), last="ask")}, "hand_off no_source"),
    ("the same, said to the room", {"reading": Reading(speech="report"), "procedure": None, "steps": (), "vague": True, "addressed": False}, "stay_silent"),
    ("a trouble while a procedure is at hand", {"vague": True}, "act"),
    ("a nod when it is done", {"reading": wants(speech="report", confirms=True), "done_before": True, "outcome_holds": True}, "acknowledge"),
    ("another nod", {"reading": wants(speech="report", confirms=True), "done_before": True, "outcome_holds": True, "said": Said(last="acknowledge")}, "stay_silent"),
    ("a nod while the action waits", {"reading": wants(speech="report", confirms=True), "done_before": True, "action_pending": True}, "stay_silent"),
    ("points at something while a procedure is at hand", {"reading": Reading(speech="question"), "unclear": "this plan", "citations": (cite(),)}, "answer"),
    ("nothing to say after a resume", {"reading": Reading(), "resumed": True}, "stay_silent"),
    ("a report after the job is done", {"reading": Reading(speech="report"), "procedure": None, "steps": (), "done_before": True}, "acknowledge"),
]  # fmt: skip


def words(decision: Decision) -> str:
    parts = [decision.kind, getattr(decision, "reason", None), getattr(decision, "step", None)]
    if decision.kind == "decline":
        parts = parts[:2]
    return " ".join(part for part in parts if part)


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_rules(facts: dict[str, Any], expected: str) -> None:
    decision = decide(Facts(**READY | facts))
    assert words(decision) == expected
    assert decision.because


def test_thanks_after_done_closes_the_case() -> None:
    thanks = wants(speech="thanks")
    assert decide(Facts(**READY | {"reading": thanks, "done_before": True})).model_dump()["closes"] is True
    assert decide(Facts(**READY | {"reading": thanks})).model_dump()["closes"] is False


def test_a_decline_for_checks_names_the_step_that_is_missing() -> None:
    facts = Facts(**READY | {"reading": wants(skips_checks=True), "steps": steps(missing(IDS[2]))})
    assert decide(facts).model_dump()["step"] == "ssl-certificate"


def test_because_says_what_was_seen_and_where() -> None:
    facts = Facts(**READY | {"steps": steps(missing(IDS[1], "record_missing", "links.acme.example"))})
    because = decide(facts).because
    assert (
        because == "Step 2, branded-link, is not done: the check saw “record missing” at links.acme.example"
    )


# --- all facts there are ------------------------------------------------------------------------

findings = st.builds(
    finding,
    st.sampled_from([True, False, None]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([None, "links.acme.example"]),
    needs_time=st.booleans(),
)
WORDS = ("verified", "contradicted", "missing", "evidenced", "claimed", "not_done", "failed", "unknown", "not_applicable")  # fmt: skip
claims = st.builds(
    Claim,
    step=st.just("x"),
    status=st.sampled_from(["done", "not_done", "failed", "unknown"]),
    message=st.just("m"),
    quote=st.just("q"),
)


@st.composite
def states(draw: st.DrawFn) -> tuple[StepState, ...]:
    return tuple(
        state(
            id,
            draw(st.sampled_from(WORDS)),
            *draw(st.lists(findings, max_size=2)),
            must=draw(st.booleans()),
            claim=draw(st.none() | claims),
        )
        for id in IDS[: draw(st.integers(0, 3))]
    )


readings = st.builds(
    Reading,
    speech=st.sampled_from(["request", "question", "report", "thanks", "greeting"]),
    wants_outcome=st.booleans(),
    asks_how=st.booleans(),
    wants_person=st.booleans(),
    danger=st.sampled_from([None, "security", "billing_dispute"]),
    skips_checks=st.booleans(),
    for_other=st.booleans(),
    asks_again=st.booleans(),
    confirms=st.booleans(),
)
saids = st.builds(
    Said,
    guided=st.lists(st.sampled_from(IDS), max_size=3).map(tuple),
    asked=st.lists(st.sampled_from((*IDS, "workspace")), max_size=2).map(tuple),
    passages=st.lists(st.sampled_from(["p1", "p2"]), max_size=2).map(tuple),
    declined=st.lists(st.sampled_from(["not_owner", "not_yours"]), max_size=2).map(tuple),
    last=st.sampled_from([None, "already", "guide", "hand_off"]),
    handed_off=st.booleans(),
    warned=st.booleans(),
    watching=st.booleans(),
    last_seen=st.lists(st.sampled_from(["a at ", "b at links.acme.example"]), max_size=2).map(tuple),
)
all_facts = st.builds(
    Facts,
    reading=readings,
    person_active=st.booleans(),
    standing=st.sampled_from(["owner", "member", "stranger", "anonymous", "unknown"]),
    missing_subject=st.sampled_from([None, "workspace"]),
    foreign_subject=st.sampled_from([None, "victim.example"]),
    procedure=st.sampled_from([None, procedure(), procedure(action=None)]),
    outcome_holds=st.sampled_from([None, True, False]),
    steps=states(),
    action_approval=st.sampled_from(["none", "customer", "agent"]),
    action_pending=st.booleans(),
    action_failed=st.booleans(),
    done_before=st.booleans(),
    citations=st.lists(st.sampled_from([cite("p1"), cite("p2")]), max_size=2).map(tuple),
    said=saids,
    resumed=st.booleans(),
    watch_over=st.booleans(),
)


@settings(max_examples=400, deadline=None)
@given(all_facts)
def test_there_is_always_one_decision_with_its_reason(facts: Facts) -> None:
    decision = decide(facts)
    assert decision.because
    assert decision == decide(facts)
    assert RULES[-1](facts) is not None, "the last rule always speaks"


@settings(max_examples=400, deadline=None)
@given(all_facts)
def test_only_a_proven_owner_who_wants_it_with_every_step_in_place_makes_it_act(facts: Facts) -> None:
    if decide(facts).kind not in ("act", "propose"):
        return
    reading = facts.reading
    assert facts.standing == "owner"
    assert reading.wants_outcome
    assert not any((reading.skips_checks, reading.for_other, reading.danger, reading.wants_person))
    assert facts.steps
    assert all(state.holds for state in facts.steps)
    assert facts.foreign_subject is None
    assert facts.missing_subject is None
    assert not any((facts.person_active, facts.action_failed))


@settings(max_examples=200, deadline=None)
@given(
    all_facts,
    st.sampled_from(["missing", "contradicted", "claimed", "evidenced", "unknown"]),
    st.integers(0, 2),
)
def test_a_must_check_step_that_is_not_seen_never_leads_to_an_action(
    facts: Facts, word: str, at: int
) -> None:
    """Built on what would act otherwise, so that the step alone stands in the way."""
    step = state(
        IDS[at], word, finding(None if word not in ("missing", "contradicted") else False), must=True
    )
    willing = facts.model_copy(
        update=READY | {"steps": steps(step), "person_active": False, "action_failed": False}
    )
    assert decide(willing).kind not in ("act", "propose", "already")


@settings(max_examples=150, deadline=None)
@given(all_facts)
def test_what_needs_approval_is_never_done_without(facts: Facts) -> None:
    decision = decide(facts)
    if isinstance(decision, Act):
        assert facts.action_approval == "none"
        assert not facts.action_pending


@settings(max_examples=150, deadline=None)
@given(all_facts)
def test_a_person_who_is_active_is_alone(facts: Facts) -> None:
    assert decide(facts.model_copy(update={"person_active": True})).kind == "stay_silent"
