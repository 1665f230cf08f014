"""One procedure of the help centre, a customer of it, and a world where nothing but its steps exists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evals.simulate.customer import Customer, Habits, Plan
from evals.simulate.memory import Clock, MemoryWorld
from evals.simulate.timeline import Place, Timeline, Truth
from knowledge.model import Procedure
from knowledge.procedures import parse_procedure

PAGES = Path(__file__).parents[3] / "knowledge" / "pages" / "en"
BEGIN = datetime(2026, 9, 7, 9, tzinfo=UTC)
HOST = "links.acme.example"
TRACKING, LINK, CERTIFICATE = "link-tracking", "branded-link", "ssl-certificate"
PLACES = (Place(step=TRACKING), Place(step=LINK, subject=HOST), Place(step=CERTIFICATE, subject=HOST))


def page(name: str) -> Procedure:
    found = parse_procedure(
        (PAGES / f"{name}.md").read_text(encoding="utf-8"),
        path=f"en/{name}.md",
        document=name,
        version="v",
        checks=None,
        actions=None,
    )
    assert found is not None
    return found


@pytest.fixture(scope="session")
def https() -> Procedure:
    return page("https-tracking-links")


MakeCustomer = Callable[..., Customer]


@pytest.fixture
def make_customer() -> MakeCustomer:
    """An owner with one host of whom so many steps are done, and who says so."""

    def make(done: int = 3, *, habits: Habits | None = None, **changes: Any) -> Customer:
        truths: list[Truth] = ["yes" if n < done else "no" for n in range(len(PLACES))]
        row = {
            "id": "c0",
            "seed": "1",
            "procedure": "https-tracking-links",
            "lang": "en",
            "other_lang": "pt",
            "subjects": (("domain", (HOST,)),),
            "truths": tuple(zip(PLACES, truths, strict=True)),
            "claims": tuple((place.step, "done") for place in PLACES[:done]),
            "habits": habits or Habits(),
        }
        return Customer.model_validate(row | changes)

    return make


@pytest.fixture
def plan() -> Plan:
    return Plan(
        run=0,
        seed="1|c0|0",
        besides_at=1,
        language_at=1,
        leaves_at=1,
        breaks_at=1,
        issue_s=300,
        pace_s=60,
        agent_s=300,
    )


@pytest.fixture
def make_world(https: Procedure) -> Callable[[Customer], MemoryWorld]:
    def make(customer: Customer) -> MemoryWorld:
        clock = Clock(BEGIN)
        return MemoryWorld(customer, https, Timeline(BEGIN, dict(customer.truths)), clock)

    return make
