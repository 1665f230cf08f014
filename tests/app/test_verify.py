"""Which names a turn looks at."""

from __future__ import annotations

import pytest

from app.verify import as_the_account_writes

OWN = ("links.acme.example", "brand-two")


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (["Brand Two"], ("brand-two",)),
        (["brand_two", "brand-two"], ("brand-two",)),
        (["Links.ACME.example."], ("links.acme.example",)),
        (["links.other.example"], ("links.other.example",)),
        ([], ()),
    ],
)
def test_a_name_is_the_accounts_however_it_is_written(named: list[str], meant: tuple[str, ...]) -> None:
    assert as_the_account_writes(named, OWN) == meant


def test_what_the_account_does_not_have_stays_as_it_was_named() -> None:
    assert as_the_account_writes(["Retail"], ()) == ("Retail",)
