"""Who the simulated customers are: drawn from a seed alone, whatever the order they are played in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

from app.models.people import Standing
from evals.simulate.phrases import STYLES
from evals.simulate.timeline import Place, Truth
from knowledge.model import Procedure, Value

ZONES = (
    "acmefoods.example",
    "northlane.example",
    "padariasol.example",
    "librosur.example",
    "tidewater.example",
    "casaverde.example",
    "montereal.example",
    "quillpress.example",
)
WORKSPACES = ("marketing", "retail", "brand-two", "eventos")
NO_OWNER = 0.08
"""Share of customers who may not ask for what they want: a member, a stranger, a visitor."""
TWO_DAYS_S = 2 * 24 * 3600


class Habits(Value):
    """What one customer does beside answering; fixed for all runs of them."""

    misreads: bool = False
    """Does another step than the one explained, once."""
    claims_only: bool = False
    """Says it is done without doing it, once."""
    answers_beside: bool = False
    """Answers a question with something else, once."""
    asks_besides: bool = False
    """Asks something from the documents in between, then goes back."""
    switches_language: bool = False
    leaves: bool = False
    """Leaves and comes back two days later on another channel."""
    lurks: bool = False
    """Does a step and does not say so: news must come by itself."""
    asks_how: bool = False
    """Asks for the way first, and for the outcome later."""
    vague: bool = False
    """Says nothing of the steps in the beginning."""
    urges: bool = False
    """Asks to skip the checks, once."""
    breaks: str | None = None
    """A step that stops to hold while they talk."""
    patience: int = 5


class Customer(Value):
    """One customer: what they want, what is true, and what they say of it."""

    id: str
    seed: str
    procedure: str
    lang: str
    other_lang: str
    role: Standing = "owner"
    subjects: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What the account has (or means) of each kind."""
    truths: tuple[tuple[Place, Truth], ...] = ()
    claims: tuple[tuple[str, str], ...] = ()
    """What they say at the beginning: step, and `done`, `not_done` or `unsure`; not always true."""
    habits: Habits = Habits()
    style: str = "careful"

    @property
    def account(self) -> str:
        return f"account-{self.id}"

    @property
    def owner(self) -> bool:
        return self.role == "owner"


class Plan(Value):
    """What differs between the runs of one customer: words, order, and the timing of the world."""

    run: int
    seed: str
    besides_at: int
    language_at: int
    leaves_at: int
    breaks_at: int
    issue_s: int
    """How long a step that needs time needs it."""
    pace_s: int
    """How long the customer takes to do a step."""
    agent_s: int
    """How long an agent takes to approve."""


def rng(*parts: object) -> Random:
    """A generator of its own for every draw: nothing depends on what was drawn before."""
    return Random(hashlib.sha256("|".join(map(str, parts)).encode()).digest())


def customers(
    seed: int, count: int, procedures: Sequence[Procedure], languages: Sequence[str]
) -> list[Customer]:
    """So many, evenly over procedures and languages."""
    ordered = sorted(procedures, key=lambda procedure: procedure.id)
    return [
        customer(seed, n, ordered[n % len(ordered)], languages[n // len(ordered) % len(languages)], languages)
        for n in range(count)
    ]


def customer(seed: int, n: int, procedure: Procedure, lang: str, languages: Sequence[str]) -> Customer:
    draw = rng(seed, "customer", n)
    subjects = _subjects(procedure, draw)
    habits = _habits(procedure, draw)
    truths = _truths(procedure, dict(subjects), draw)
    others = [each for each in languages if each != lang] or [lang]
    role = _role(draw)
    return Customer(
        id=f"c{n:04d}",
        seed=str(seed),
        procedure=procedure.id,
        lang=lang,
        other_lang=draw.choice(others),
        role=role,
        subjects=subjects,
        truths=tuple(truths.items()),
        claims=_claims(procedure, truths, habits, draw),
        habits=habits,
        style=draw.choice(STYLES),
    )


def plan(customer: Customer, run: int) -> Plan:
    draw = rng(customer.seed, customer.id, "run", run)
    return Plan(
        run=run,
        seed=f"{customer.seed}|{customer.id}|{run}",
        besides_at=draw.randint(1, 3),
        language_at=draw.randint(1, 3),
        leaves_at=draw.randint(1, 3),
        breaks_at=draw.randint(1, 4),
        issue_s=draw.choice((60, 300, 900, 3600, 3 * 3600)),
        pace_s=draw.choice((60, 240, 900, 2400)),
        agent_s=draw.choice((300, 1200, 3 * 3600)),
    )


def _role(draw: Random) -> Standing:
    roles: tuple[Standing, ...] = ("member", "stranger", "anonymous")
    return draw.choice(roles) if draw.random() < NO_OWNER else "owner"


def _subjects(procedure: Procedure, draw: Random) -> tuple[tuple[str, tuple[str, ...]], ...]:
    zone = draw.choice(ZONES)
    found: list[tuple[str, tuple[str, ...]]] = []
    for kind in procedure.subjects:
        if kind == "workspace":
            found.append((kind, (draw.choice(WORKSPACES),)))
        elif kind == "domain" and procedure.id == "https-tracking-links":
            both = (f"links.{zone}", f"go.{zone}")
            found.append((kind, both if draw.random() < 0.5 else both[:1]))
        else:
            found.append((kind, (zone if kind == "domain" else f"{kind}-one",)))
    return tuple(found)


def _truths(procedure: Procedure, subjects: dict[str, tuple[str, ...]], draw: Random) -> dict[Place, Truth]:
    """Steps 1 to k hold; sometimes a later one too, and sometimes the last of them for one subject only."""
    done = draw.randint(0, len(procedure.steps))
    truths: dict[Place, Truth] = {}
    for number, step in enumerate(procedure.steps):
        held = number < done or draw.random() < 0.15
        places = subjects.get(step.subject, ()) if _each(procedure, step.id) else ()
        for at, subject in enumerate(places or ("",)):
            partly = held and number == done - 1 and at > 0 and draw.random() < 0.5
            truths[Place(step=step.id, subject=subject)] = "yes" if held and not partly else "no"
    return truths


def _each(procedure: Procedure, step: str) -> bool:
    """Whether the step is done once for every subject, rather than once for the account."""
    check = procedure.step(step).check
    return check is not None and check.name not in ("click_tracking_on", "account_field")


def _habits(procedure: Procedure, draw: Random) -> Habits:
    checkable = [step.id for step in procedure.steps if step.check]
    return Habits(
        misreads=draw.random() < 0.2,
        claims_only=draw.random() < 0.2,
        answers_beside=draw.random() < 0.2,
        asks_besides=draw.random() < 0.25,
        switches_language=draw.random() < 0.1,
        leaves=draw.random() < 0.2,
        lurks=draw.random() < 0.2,
        asks_how=draw.random() < 0.2,
        vague=draw.random() < 0.3,
        urges=draw.random() < 0.05,
        breaks=draw.choice(checkable) if checkable and draw.random() < 0.15 else None,
        patience=draw.randint(4, 7),
    )


def _claims(
    procedure: Procedure, truths: dict[Place, Truth], habits: Habits, draw: Random
) -> tuple[tuple[str, str], ...]:
    if habits.vague:
        return ()
    claims = []
    for step in procedure.steps:
        true = all(truth == "yes" for place, truth in truths.items() if place.step == step.id)
        lot = draw.random()
        if true and lot < 0.75:
            claims.append((step.id, "done"))
        elif not true and lot < 0.2:
            claims.append((step.id, "done"))  # said, and not so
        elif not true and lot < 0.5:
            claims.append((step.id, "not_done"))
        elif lot > 0.95:
            claims.append((step.id, "unsure"))
    return tuple(claims)
