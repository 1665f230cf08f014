"""The customer as a pure state machine: what was heard, and what is known, make the next move."""

from __future__ import annotations

from typing import Literal

from evals.simulate.customer import TWO_DAYS_S, Customer, Plan, rng
from evals.simulate.timeline import Place, Truth
from knowledge.model import Procedure, Value

Kind = Literal[
    "guide",
    "ask",
    "ask_subject",
    "ask_matter",
    "answer",
    "propose",
    "watch",
    "decline",
    "hand_off",
    "acknowledge",
    "done",
    "nothing",
]
"""What a reply comes to for the customer; `ask_matter`: whether they want what they want; `done`: it says
that what they want is so now."""

NUDGE_S = 4 * 3600
"""How long somebody waits for news that were promised, before they ask."""
MOST_TURNS = 24


class Part(Value):
    """One thing said: what is meant, and the step it is about."""

    intent: str
    step: str | None = None
    kind: str | None = None
    """The kind of subject that is named."""


class Heard(Value):
    """One reply as the customer takes it, and what scoring needs of it."""

    kind: Kind
    text: str = ""
    step: str | None = None
    """Where it asks what it is about: the kind of subject."""
    places: tuple[str, ...] = ()
    """The passages whose words it sends, each by a name of its own."""
    request: str | None = None
    """A request that waits for the customer's own yes."""
    because: str = ""


class Known(Value):
    """What the customer can see of the world: their own steps, and whether they have what they want."""

    outcome: bool
    words: tuple[tuple[str, Truth], ...]
    open: tuple[Place, ...]
    """What is not done, in the order of the steps."""

    def word(self, step: str | None) -> Truth:
        return dict(self.words).get(step or "", "yes")


class State(Value):
    """What the customer remembers."""

    turn: int = 0
    patience: int
    lang: str
    told: tuple[tuple[str, str], ...] = ()
    """The newest thing they said of each step."""
    used_up: frozenset[str] = frozenset()
    """Habits that have had their one time."""
    besides: bool = False
    """They have just asked something else."""
    opened_how: bool = False
    asked_for_person: int = 0
    nudges: int = 0
    believed: int = 0
    """How often they heard `done` and saw that it is not so."""
    repeated: bool = False
    """They have just asked to be told again."""

    def told_of(self, step: str | None) -> str | None:
        return dict(self.told).get(step or "")

    def tells(self, *parts: Part) -> State:
        meant = {"claim_done": "done", "did_it_named": "done", "claim_not_done": "not_done"}
        meant |= {"claim_unsure": "unsure", "correct": "not_done", "did_failed": "failed"}
        told = dict(self.told)
        for part in parts:
            if part.step and part.intent in meant:
                told[part.step] = meant[part.intent]
        return self.model_copy(update={"told": tuple(told.items())})

    def uses(self, habit: str) -> State:
        return self.model_copy(update={"used_up": self.used_up | {habit}})


class Move(Value):
    """What the customer does next: waits, does steps, then says something, or ends."""

    wait_s: int = 60
    does: tuple[Place, ...] = ()
    says: tuple[Part, ...] = ()
    presses: str | None = None
    """A request whose button they press."""
    leaves: bool = False
    """They go, and write from another channel when they are back."""
    ends: str | None = None


def begin(customer: Customer) -> State:
    return State(patience=customer.habits.patience, lang=customer.lang)


def opening(state: State, customer: Customer, plan: Plan) -> tuple[State, Move]:
    """The first message: what is wanted and what is said of the steps, in an order of its own."""
    draw = rng(plan.seed, "opening")
    how = customer.habits.asks_how
    claims = [Part(intent=f"claim_{status}", step=step) for step, status in customer.claims]
    draw.shuffle(claims)
    wish = Part(intent="open_how" if how else "open")
    parts = [wish, *claims] if draw.random() < 0.7 else [*claims, wish]
    if draw.random() < 0.4:
        parts.insert(0, Part(intent="greet"))
    state = state.tells(*parts).model_copy(update={"opened_how": how})
    return state, Move(wait_s=0, says=tuple(parts))


def react(
    state: State, heard: Heard, known: Known, *, customer: Customer, plan: Plan, procedure: Procedure
) -> tuple[State, Move]:
    """The next move. Whoever is out of patience asks for a person, and goes when that brings nobody."""
    state = state.model_copy(update={"turn": state.turn + 1, "repeated": False})
    if heard.kind == "done":
        return _is_it_done(state, known, customer)
    if known.outcome and heard.kind not in ("propose", "nothing"):
        return state, Move(says=(Part(intent="thanks"),), ends="resolved")
    if heard.kind == "hand_off":
        return state, Move(ends="handed_over")
    if state.turn >= MOST_TURNS or (state.asked_for_person and state.patience < -2):
        return state, Move(ends="gave_up")
    if state.patience <= 0:
        state = state.model_copy(
            update={"asked_for_person": state.asked_for_person + 1, "patience": state.patience - 1}
        )
        return state, Move(says=(Part(intent="want_person"),))
    if customer.habits.switches_language and state.turn >= plan.language_at:
        state = state.model_copy(update={"lang": customer.other_lang})
    special = _habit(state, heard, customer, plan)
    if special is not None:
        return special
    state, move = _answer(state, heard, known, customer=customer, plan=plan, procedure=procedure)
    return state.tells(*move.says), move


def _is_it_done(state: State, known: Known, customer: Customer) -> tuple[State, Move]:
    """They look for themselves."""
    if known.outcome:
        return state, Move(says=(Part(intent="thanks"),), ends="resolved")
    if state.believed >= 1:
        return state, Move(says=(Part(intent="want_person"),), ends="gave_up")
    believed = state.model_copy(update={"believed": 1, "patience": state.patience - 2})
    return believed, Move(wait_s=600, says=(Part(intent="not_working_yet"),))


# --- habits: once each, at their turn -----------------------------------------------------------


def _habit(state: State, heard: Heard, customer: Customer, plan: Plan) -> tuple[State, Move] | None:
    habits, turn = customer.habits, state.turn
    if state.besides:
        after = state.model_copy(update={"besides": False})
        return after, Move(says=(Part(intent="back_to_it"),))
    quiet = heard.kind in ("guide", "answer", "watch", "acknowledge")
    if habits.asks_besides and turn >= plan.besides_at and quiet and "besides" not in state.used_up:
        asking = state.uses("besides").model_copy(update={"besides": True})
        return asking, Move(says=(Part(intent="topic"),))
    if habits.leaves and turn >= plan.leaves_at and quiet and "leaves" not in state.used_up:
        return state.uses("leaves"), Move(wait_s=TWO_DAYS_S, says=(Part(intent="come_back"),), leaves=True)
    if habits.urges and heard.kind in ("guide", "ask", "watch") and "urges" not in state.used_up:
        return state.uses("urges"), Move(says=(Part(intent="urge"),))
    return None


# --- answers ------------------------------------------------------------------------------------


def _answer(
    state: State, heard: Heard, known: Known, *, customer: Customer, plan: Plan, procedure: Procedure
) -> tuple[State, Move]:
    match heard.kind:
        case "guide" | "ask" if heard.step not in {each.id for each in procedure.steps}:
            return _beside_the_point(state, heard, known, plan)  # of something that they do not want
        case "guide" if heard.step is not None:
            return _guided(state, heard.step, known, customer=customer, plan=plan, procedure=procedure)
        case "ask" if heard.step is not None:
            return _asked(state, heard.step, known, customer)
        case "ask_subject":
            return state, Move(says=(Part(intent="name_subject", kind=heard.step),))
        case "ask_matter":
            return state, Move(says=(Part(intent="confirm_yes"),))
        case "propose":
            return _proposed(state, heard)
        case "watch":
            return _waiting(state, heard)
        case "decline" if not customer.owner:
            return state, Move(says=(Part(intent="bye"),), ends="declined")
        case "nothing":
            return _waiting(state, heard)
        case _:
            return _beside_the_point(state, heard, known, plan)


def _guided(
    state: State, step: str, known: Known, *, customer: Customer, plan: Plan, procedure: Procedure
) -> tuple[State, Move]:
    """They do what was explained, or something else, or nothing; and mostly say so."""
    habits = customer.habits
    if known.word(step) == "yes":  # it is so: they do not see why it is explained
        state = state.model_copy(update={"patience": state.patience - 1})
        if state.told_of(step) == "done":
            return state, Move(says=(Part(intent="told_already"), Part(intent="claim_done", step=step)))
        return state, Move(says=(Part(intent="claim_done", step=step),))
    if known.word(step) == "waiting":
        return _waiting(state, Heard(kind="watch"))
    draw = rng(plan.seed, "guided", state.turn)
    if habits.claims_only and "claims_only" not in state.used_up:
        return state.uses("claims_only"), Move(wait_s=120, says=(Part(intent="did_it"),))
    others = tuple(place for place in known.open if place.step != step)[:1]
    if habits.misreads and others and "misreads" not in state.used_up:
        return state.uses("misreads"), Move(wait_s=plan.pace_s, does=others, says=(Part(intent="did_it"),))
    if "asks_again" not in state.used_up and draw.random() < 0.06:
        state = state.uses("asks_again").model_copy(update={"repeated": True})
        return state, Move(says=(Part(intent="again"),))
    does = tuple(place for place in known.open if place.step == step)
    if habits.lurks and "lurks" not in state.used_up:
        # News should come by itself; if none does, they ask.
        return state.uses("lurks"), Move(wait_s=plan.pace_s, does=does, says=())
    if draw.random() < 0.1 and "promise" not in state.used_up:
        return state.uses("promise"), Move(wait_s=30, says=(Part(intent="promise"),))
    said = Part(intent="did_it") if draw.random() < 0.5 else Part(intent="did_it_named", step=step)
    if draw.random() < 0.4:
        said = Part(intent="claim_done", step=step)
    return state, Move(wait_s=plan.pace_s, does=does, says=(said,))


def _asked(state: State, step: str, known: Known, customer: Customer) -> tuple[State, Move]:
    told = state.told_of(step)
    if told in ("done", "not_done"):
        tired = state.model_copy(update={"patience": state.patience - 1})
        return tired, Move(says=(Part(intent="told_already"), Part(intent=f"claim_{told}", step=step)))
    if customer.habits.answers_beside and "beside" not in state.used_up:
        return state.uses("beside"), Move(says=(Part(intent="answer_beside"),))
    yes = known.word(step) != "no"
    state = state.tells(Part(intent="claim_done" if yes else "claim_not_done", step=step))
    return state, Move(says=(Part(intent="answer_yes" if yes else "answer_no"),))


def _proposed(state: State, heard: Heard) -> tuple[State, Move]:
    if heard.request is None:  # an agent has to approve it
        return _waiting(state, heard)
    if "said_yes" not in state.used_up:
        return state.uses("said_yes"), Move(says=(Part(intent="confirm_yes"),))
    return state, Move(presses=heard.request)


def _waiting(state: State, heard: Heard) -> tuple[State, Move]:
    """They wait for the news that were promised, and ask when none come."""
    nudged = state.model_copy(
        update={
            "nudges": state.nudges + 1,
            "patience": state.patience - (1 if state.nudges or heard.kind == "nothing" else 0),
        }
    )
    intent = "and_now" if state.nudges % 2 == 0 else "impatient"
    return nudged, Move(wait_s=NUDGE_S, says=(Part(intent=intent),))


def _beside_the_point(state: State, heard: Heard, known: Known, plan: Plan) -> tuple[State, Move]:
    """An answer, small talk or a refusal that brings them no nearer: they say again what they want."""
    draw = rng(plan.seed, "beside", state.turn)
    if state.opened_how and "wish" not in state.used_up:
        return state.uses("wish"), Move(says=(Part(intent="open"),))
    if heard.kind == "acknowledge" and known.open and "promise" in state.used_up:
        first = known.open[0].step
        does = tuple(place for place in known.open if place.step == first)
        return state, Move(wait_s=plan.pace_s, does=does, says=(Part(intent="did_it_named", step=first),))
    state = state.model_copy(update={"patience": state.patience - 1})
    if known.open and draw.random() < 0.4:
        return state, Move(says=(Part(intent="claim_not_done", step=known.open[0].step),))
    return state, Move(says=(Part(intent="insist"),))
