"""The customer: what they do with each reply, their habits once each, and the end of their patience."""

from __future__ import annotations

from typing import Any

from evals.simulate.customer import Customer, Habits, Plan, customers, plan
from evals.simulate.machine import Heard, Known, Move, State, begin, opening, react
from evals.simulate.timeline import Truth
from knowledge.model import Procedure
from tests.evals.simulate.conftest import CERTIFICATE, LINK, PLACES, TRACKING, MakeCustomer, page


def known(*truths: Truth, outcome: bool = False) -> Known:
    words = tuple((place.step, truth) for place, truth in zip(PLACES, truths, strict=True))
    opened = tuple(place for place, truth in zip(PLACES, truths, strict=True) if truth == "no")
    return Known(outcome=outcome, words=words, open=opened)


LAST_OPEN = known("yes", "yes", "no")
ALL_DONE = known("yes", "yes", "yes")


class Talk:
    """One customer who reacts to one reply after the other."""

    def __init__(self, customer: Customer, plan: Plan, https: Procedure) -> None:
        self.customer, self.plan, self.https = customer, plan, https
        self.state, self.first = opening(begin(customer), customer, plan)

    def hears(self, kind: Any, step: str | None = None, *, knows: Known = LAST_OPEN, **more: Any) -> Move:
        heard = Heard(kind=kind, step=step, **more)
        self.state, move = react(
            self.state, heard, knows, customer=self.customer, plan=self.plan, procedure=self.https
        )
        return move


def intents(move: Move) -> list[str]:
    return [part.intent for part in move.says]


def test_the_first_message_says_what_is_wanted_and_what_is_done(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(2), plan, https)
    said = {(part.intent, part.step) for part in talk.first.says}
    assert {("open", None), ("claim_done", TRACKING), ("claim_done", LINK)} <= said
    assert talk.state.told_of(LINK) == "done"
    assert talk.state.told_of(CERTIFICATE) is None


def test_a_step_that_is_explained_is_done_and_told(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    move = Talk(make_customer(2), plan, https).hears("guide", CERTIFICATE)
    assert [place.step for place in move.does] == [CERTIFICATE]
    assert move.says
    assert move.wait_s == plan.pace_s


def test_one_who_only_claims_does_it_the_second_time(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(2, habits=Habits(claims_only=True)), plan, https)
    first, second = talk.hears("guide", CERTIFICATE), talk.hears("guide", CERTIFICATE)
    assert (first.does, intents(first)) == ((), ["did_it"])
    assert [place.step for place in second.does] == [CERTIFICATE]


def test_one_who_misreads_does_another_step_first(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(1, habits=Habits(misreads=True)), plan, https)
    two_open = known("yes", "no", "no")
    first = talk.hears("guide", LINK, knows=two_open)
    assert [place.step for place in first.does] == [CERTIFICATE]
    assert [place.step for place in talk.hears("guide", LINK, knows=two_open).does] == [LINK]


def test_one_who_lurks_does_it_and_says_nothing(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    move = Talk(make_customer(2, habits=Habits(lurks=True)), plan, https).hears("guide", CERTIFICATE)
    assert move.does
    assert not move.says


def test_what_holds_already_is_not_done_again_and_costs_patience(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(2), plan, https)
    before = talk.state.patience
    move = talk.hears("guide", LINK)
    assert not move.does
    assert intents(move) == ["told_already", "claim_done"]
    assert talk.state.patience == before - 1


def test_a_question_is_answered_as_it_is_and_once(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(2), plan, https)
    assert intents(talk.hears("ask", CERTIFICATE)) == ["answer_no"]
    assert intents(talk.hears("ask", CERTIFICATE)) == ["told_already", "claim_not_done"]
    beside = Talk(make_customer(2, habits=Habits(answers_beside=True)), plan, https)
    assert intents(beside.hears("ask", CERTIFICATE)) == ["answer_beside"]
    assert intents(beside.hears("ask", CERTIFICATE)) == ["answer_no"]


def test_another_question_in_between_and_back_again(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(2, habits=Habits(asks_besides=True)), plan, https)
    assert intents(talk.hears("guide", CERTIFICATE)) == ["topic"]
    assert intents(talk.hears("answer")) == ["back_to_it"]
    assert talk.hears("guide", CERTIFICATE).does


def test_leaving_and_coming_back_two_days_later(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    move = Talk(make_customer(2, habits=Habits(leaves=True)), plan, https).hears("guide", CERTIFICATE)
    assert move.leaves
    assert move.wait_s == 2 * 24 * 3600
    assert intents(move) == ["come_back"]


def test_another_language_from_a_turn_on(make_customer: MakeCustomer, plan: Plan, https: Procedure) -> None:
    talk = Talk(make_customer(2, habits=Habits(switches_language=True)), plan, https)
    assert talk.state.lang == "en"
    talk.hears("guide", CERTIFICATE)
    assert talk.state.lang == "pt"


def test_done_is_believed_only_where_it_is_so(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(3), plan, https)
    assert intents(talk.hears("done", knows=ALL_DONE)) == ["not_working_yet"]
    assert talk.hears("done", knows=known("yes", "yes", "yes", outcome=True)).ends == "resolved"


def test_a_yes_in_words_first_and_then_by_button(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(3), plan, https)
    assert intents(talk.hears("propose", knows=ALL_DONE, request="a1")) == ["confirm_yes"]
    assert talk.hears("propose", knows=ALL_DONE, request="a1").presses == "a1"


def test_out_of_patience_they_want_a_person_and_then_go(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(3, habits=Habits(patience=2)), plan, https)
    said = []
    for _ in range(12):
        move = talk.hears("answer", knows=ALL_DONE)
        said += intents(move)
        if move.ends:
            break
    assert "want_person" in said
    assert move.ends == "gave_up"


def test_who_may_not_ask_takes_a_no(make_customer: MakeCustomer, plan: Plan, https: Procedure) -> None:
    assert Talk(make_customer(3, role="member"), plan, https).hears("decline").ends == "declined"


def test_the_machine_is_pure(make_customer: MakeCustomer, plan: Plan, https: Procedure) -> None:
    customer = make_customer(2)
    state: State = begin(customer)
    heard = Heard(kind="guide", step=CERTIFICATE)
    twice = [react(state, heard, LAST_OPEN, customer=customer, plan=plan, procedure=https) for _ in range(2)]
    assert twice[0] == twice[1]
    assert state == begin(customer)


def test_a_step_of_something_else_brings_them_no_nearer(
    make_customer: MakeCustomer, plan: Plan, https: Procedure
) -> None:
    talk = Talk(make_customer(3), plan, https)
    for kind in ("guide", "ask"):
        before = talk.state.patience
        move = talk.hears(kind, "clean-list", knows=ALL_DONE)
        assert intents(move) == ["insist"]
        assert talk.state.patience == before - 1


# --- who they are -------------------------------------------------------------------------------

PROCEDURES = tuple(map(page, ("https-tracking-links", "resume-sending", "dedicated-ip", "move-domain")))


def test_customers_hang_on_the_seed_alone() -> None:
    assert customers(3, 40, PROCEDURES, ("en", "pt")) == customers(3, 40, PROCEDURES[::-1], ("en", "pt"))
    assert customers(3, 40, PROCEDURES, ("en",))[:10] == customers(3, 10, PROCEDURES, ("en",))
    assert customers(3, 10, PROCEDURES, ("en",)) != customers(4, 10, PROCEDURES, ("en",))


def test_runs_of_a_customer_differ_in_timing_and_words_alone() -> None:
    (one,) = customers(3, 1, PROCEDURES, ("en",))
    runs = [plan(one, run) for run in range(8)]
    assert len({run.seed for run in runs}) == 8
    assert len({(run.issue_s, run.pace_s, run.breaks_at) for run in runs}) > 1


def test_everything_that_is_promised_occurs() -> None:
    many = customers(1, 400, PROCEDURES, ("en", "pt", "es"))
    habits = [each.habits.model_dump() for each in many]
    for name in Habits.model_fields:
        assert any(each[name] for each in habits), name
    lies = [
        (step, status)
        for each in many
        for step, status in each.claims
        if status == "done" and any(t == "no" for p, t in each.truths if p.step == step)
    ]
    assert lies
    assert {each.role for each in many} == {"owner", "member", "stranger", "anonymous"}
    partly = [each for each in many if len({t for p, t in each.truths if p.step == CERTIFICATE}) == 2]
    assert partly, "one host has its certificate and the other has not"
