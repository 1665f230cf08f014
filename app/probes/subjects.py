"""Filling `{domain}`-style places of a check from the subjects of a case, and whose names they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from app.ports import Accounts
from app.probes.account import branded_links
from app.probes.finding import Seen

_PLACE = re.compile(r"\{(\w+)\}")


class Filled(NamedTuple):
    text: str
    kinds: tuple[str, ...]
    """Kinds of subject whose values were put in."""


def fill(template: object, subjects: Mapping[str, str]) -> Filled | Seen:
    """The template with its places filled, or what is missing."""
    kinds = tuple(_PLACE.findall(str(template)))
    for kind in kinds:
        if not subjects.get(kind):
            return Seen("subject_missing", {"kind": kind})
    return Filled(_PLACE.sub(lambda place: subjects[place[1]], str(template)), kinds)


async def owned_names(accounts: Accounts, account: str) -> tuple[str, ...]:
    """The account's branded link hosts and sending domains. Raises `Unavailable`."""
    links = [link.host for link in await branded_links(accounts, account)]
    return (*links, *await accounts.subjects(account, "domain"), *await sending_domains(accounts, account))


async def sending_domains(accounts: Accounts, account: str) -> tuple[str, ...]:
    """Raises `Unavailable`."""
    rows = await accounts.field(account, "domains")
    return tuple(
        str(row["name"]).lower()
        for row in (rows if isinstance(rows, list | tuple) else ())
        if isinstance(row, Mapping) and row.get("name")
    )


def under(name: str, parent: str) -> bool:
    """Whether a name is the other one or below it."""
    name, parent = name.lower().rstrip("."), parent.lower().rstrip(".")
    return bool(parent) and (name == parent or name.endswith("." + parent))


async def own_host(
    accounts: Accounts, account: str | None, host: str, *, from_customer: bool
) -> Seen | None:
    """Why a host must not be looked at, or None. A page may name any host, a customer only the account's.

    Raises `Unavailable`.
    """
    if not from_customer:
        return None
    if account is None:
        return Seen("account_not_known")
    if any(under(host, name) for name in await owned_names(accounts, account)):
        return None
    return Seen("host_not_owned", {"host": host})
