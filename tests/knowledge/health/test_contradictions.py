"""Two pages on one thing that lay it down differently, and pages that only look so."""

import pytest

from knowledge.health.claims import claims, tiers_in
from knowledge.health.order import other_order
from knowledge.health.pages import statements
from tests.knowledge.health.building import contradictions_in, page, quotes, said

FILLER = "The courier meets the balloon at the harbour. Parcels are weighed before they fly."


def pair(first: str, second: str, lang: str = "en") -> list[set[str]]:
    one = page("a.md", f"# Balloon post\n\n{FILLER}\n\n{first}\n", at="2022-01-01", lang=lang)
    two = page("b.md", f"# Sending by balloon\n\nOther words open this page.\n\n{second}\n", lang=lang)
    return [quotes(f) for f in contradictions_in(one, two)]


@pytest.mark.parametrize(
    ("first", "second", "lang"),
    [
        (
            "Night flights are enabled automatically for every balloon.",
            "Contact support to enable night flights for your balloon.",
            "en",
        ),
        (
            "Os voos noturnos do balão são ativados automaticamente.",
            "Entre em contato com o suporte para ativar os voos noturnos do balão.",
            "pt",
        ),
        (
            "Los vuelos nocturnos del globo se activan automáticamente.",
            "Póngase en contacto con soporte para activar los vuelos nocturnos del globo.",
            "es",
        ),
        (
            "A balloon parcel is kept at the depot for 30 days.",
            "A balloon parcel is kept at the depot for 45 days.",
            "en",
        ),
        (
            "O pacote do balão fica guardado no depósito por 30 dias.",
            "O pacote do balão fica guardado no depósito por 45 dias.",
            "pt",
        ),
        (
            "Point the CNAME record of your balloon domain to fly.balloonpost.net.",
            "Point the CNAME record of your balloon domain to your own proxy.",
            "en",
        ),
        (
            "Don't inflate the balloon valve more than once.",
            "If the balloon valve leaks, you should inflate the balloon valve again.",
            "en",
        ),
        (
            "To change the balloon colour go to Settings > Balloons > Colour.",
            "To change the balloon colour go to Account > Appearance > Colour.",
            "en",
        ),
    ],
)
def test_finds_what_two_pages_lay_down_differently(first: str, second: str, lang: str) -> None:
    assert {first, second} in pair(first, second, lang)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A balloon parcel is kept for 30 days.", "A balloon parcel is kept for 30 days at the depot."),
        ("A balloon parcel costs $30 a month.", "Each balloon parcel costs $30.00 a month."),
        ("A balloon carries 1,000 kilograms of post.", "Of post a balloon carries 1000 kilograms."),
        ("A balloon parcel is kept for 30 days.", "An anchor rope is replaced after 45 days."),
        ("For example, a balloon parcel is kept for 30 days.", "A balloon parcel is kept for 45 days."),
        ("Select Balloons > Colour to change the colour.", "On Balloons > Colour you change the colour."),
        ("Go to Console > Colour to change it.", "Go to Balloon Console > Colour to change it."),
        (
            "Point the CNAME record to fly.balloonpost.net.",
            "The CNAME record points to the host `fly.balloonpost.net`.",
        ),
    ],
)
def test_what_only_looks_different_is_left_alone(first: str, second: str) -> None:
    assert pair(first, second) == []


def test_what_one_page_says_side_by_side_it_means_both() -> None:
    kept = "A balloon parcel is kept at the depot for {} days."
    both = f"{kept.format(30)}\n\n{kept.format(45)}"
    one = page("a.md", f"# Balloon post\n\n{both}\n")
    two = page("b.md", "# Depot\n\nA balloon parcel is kept at the depot for 45 days.\n")
    assert contradictions_in(one, two) == []


def test_pages_told_apart_by_a_figure_are_about_different_things() -> None:
    one = page("a.md", "# Balloon 3B\n\nThe balloon carries parcels of 3 kilograms each.\n")
    two = page("b.md", "# Balloon 7B\n\nThe balloon carries parcels of 7 kilograms each.\n")
    assert contradictions_in(one, two) == []


def test_figures_in_code_and_tables_are_no_claims() -> None:
    one = page("a.md", "# Balloons\n\n```\nkeep the balloon parcel for 30 days\n```\n")
    two = page("b.md", "# Depots\n\nWe keep the balloon parcel for 45 days.\n")
    assert contradictions_in(one, two) == []


def test_plans_are_learned_from_the_pages_and_compared() -> None:
    one = page("a.md", "# Night flights\n\nNight flights over the harbour need the Copper plan or higher.\n")
    two = page(
        "b.md", "# Flying late\n\nNight flights over the harbour are only available on the Zinc plan.\n"
    )
    three = page(
        "c.md", "# Plans\n\nThere is the Copper plan and the Zinc plan. The harbour has a Dock account.\n"
    )
    assert tiers_in(statements([one, two, three])) == {"Copper", "Zinc"}
    [found] = contradictions_in(one, two, three)
    assert "Copper" in said(found)
    assert "Zinc" in said(found)


def test_a_limit_that_the_newer_version_of_a_page_no_longer_knows() -> None:
    common = "\n\n".join(
        f"Rule {n} of the house speaks of lamps, ropes and crew number {n}." for n in range(12)
    )
    limit = "Night flights over the harbour are only available on the Copper plan."
    old = page("old.md", f"# Night flights\n\n{limit}\n\n{common}\n", at="2020-01-01")
    new = page("new.md", f"# Night flights\n\nWe offer night flights over the harbour.\n\n{common}\n")
    [found] = [f for f in contradictions_in(old, new) if "no such limit" in said(f)]
    assert found.place.path == "old.md"
    assert found.other is not None
    assert found.other.quote == "We offer night flights over the harbour."


def test_versions_of_a_page_that_repeat_a_contradiction_make_one_finding() -> None:
    common = "\n\n".join(
        f"Rule {n} of the depot speaks of shelves, keys and guard number {n}." for n in range(12)
    )
    kept = "A balloon parcel is kept at the depot for {} days."
    pages = [
        page(f"v{n}.md", f"# Depot\n\n{common}\n\n{kept.format(30 if n < 3 else 45)}\n", at=f"202{n}-01-01")
        for n in range(5)
    ]
    [found] = contradictions_in(*pages)
    assert "30 days" in said(found)
    assert len(found.also) == 3


def test_the_older_page_comes_first_and_lines_are_where_they_stand() -> None:
    new = page("b.md", "# Depot\n\nA balloon parcel is kept at the depot for 45 days.\n")
    old = page(
        "a.md", "# Depot\n\nWords.\n\nA balloon parcel is kept at the depot for 30 days.\n", at="2020-01-01"
    )
    [found] = contradictions_in(new, old)
    assert (found.place.path, found.place.line) == ("a.md", 5)
    assert found.other is not None
    assert (found.other.path, found.other.line) == ("b.md", 3)


def test_a_sentence_over_two_lines_is_one_and_is_quoted_as_it_stands() -> None:
    said = "Once the rope holds, please contact support and they will enable night\nflights for your balloon."
    text = f"# Balloons\n\n{said}\n"
    [statement] = statements([page("a.md", text)])
    assert "\n" in statement.spots[0].quote
    assert statement.spots[0].quote in text
    assert [(c.aspect, c.key, c.value) for c in claims(statement, frozenset()) if c.aspect == "who"] == [
        ("who", "enable", "support")
    ]


def test_steps_in_another_order_are_found_and_added_steps_are_not() -> None:
    steps = [
        "Tie the rope to the harbour wall",
        "Open the gas valve slowly",
        "Light the signal lamp",
        "Load the parcels",
    ]

    def guide(path: str, order: list[int]) -> str:
        return "# Launch\n\n" + "".join(f"{n}. {steps[at]}.\n" for n, at in enumerate(order, 1))

    one, two = page("a.md", guide("a", [0, 1, 2, 3])), page("b.md", guide("b", [0, 2, 1, 3]))
    [found] = other_order([one, two], [(0, 1)])
    assert "“Open the gas valve slowly.” before “Light the signal lamp.”" in said(found)
    longer = page("c.md", guide("c", [0, 1, 3]))
    assert other_order([one, longer], [(0, 1)]) == []
