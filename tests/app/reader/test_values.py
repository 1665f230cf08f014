"""A step told by the name of what it asks for, and by nothing else."""

from __future__ import annotations

import pytest

from app.reader.builtin import read_conversation
from knowledge.embedding import CachedEncoder
from tests.app.reader.test_builtin import SSO, claims, said
from tests.app.world import page

IP = page("dedicated-ip")
WISH = "We want a dedicated IP address."


@pytest.mark.parametrize(
    "turns",
    [
        ("us: Which plan are you on?", "Scale"),
        ("We're Scale customers.",),
        ("O plano é o Scale.",),
        ("Somos clientes del plan Scale.",),
    ],
)
def test_the_name_of_the_plan_says_that_they_have_it(encoder: CachedEncoder, turns: tuple[str, ...]) -> None:
    assert claims(read_conversation(said(WISH, *turns), [IP], encoder)).get("scale-plan") == "done"


@pytest.mark.parametrize(
    "text",
    [
        "Is it true that we need Scale?",
        "We are not on Scale.",
        "I have a question on the Scale plan.",
        "Tenho uma dúvida sobre o plano Scale.",
        "Tengo una duda sobre el plan Scale.",
    ],
)
def test_its_name_alone_does_not_where_more_is_said(encoder: CachedEncoder, text: str) -> None:
    assert claims(read_conversation(said(WISH, text), [IP], encoder)).get("scale-plan") != "done"


def test_some_of_it_not_done_is_no_failure(encoder: CachedEncoder) -> None:
    """In Portuguese `some` is what disappears."""
    reading = read_conversation(
        said("Please make SSO mandatory.", "We have not connected some directories."), [SSO], encoder
    )
    assert claims(reading).get("scim") == "not_done"
