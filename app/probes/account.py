"""Looks at the account's own record: click tracking, and any field that a page names."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import Unavailable
from app.models import Value
from app.ports import Accounts
from app.probes.asked import Asked
from app.probes.finding import ACCOUNT_COUNTS, Seen, clean
from app.probes.subjects import fill


class BrandedLink(Value):
    """A host under the customer's name that tracked links go through."""

    host: str
    validated: bool
    """The platform has seen its records once, for this very account."""
    target: str
    """The platform's name that the host's CNAME points at, until a proxy comes in front."""
    token_host: str = ""
    token_target: str = ""


async def branded_links(accounts: Accounts, account: str) -> tuple[BrandedLink, ...]:
    """The account's links. Raises `Unavailable`, also where they cannot be read."""
    rows = await accounts.field(account, "branded_links")
    if rows is None:
        return ()
    try:
        return tuple(_link(row) for row in rows)  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise Unavailable(
            "The account system lists branded links in a form that is not known here; each needs host, "
            "validated, target and token_cname {host, target}."
        ) from error


def _link(row: Mapping[str, object]) -> BrandedLink:
    token = row.get("token_cname") or {}
    assert isinstance(token, Mapping)
    return BrandedLink(
        host=_name(row["host"]),
        validated=row["validated"] is True,
        target=_name(row["target"]),
        token_host=_name(token.get("host", "")),
        token_target=_name(token.get("target", row["target"])),
    )


def _name(value: object) -> str:
    return str(value).lower().removesuffix(".")


async def click_tracking_on(asked: Asked) -> Seen:
    if asked.account is None:
        return Seen("account_not_known")
    on = await asked.accounts.field(asked.account, "settings.click_tracking")
    return Seen("tracking_on" if on is True else "tracking_off", counts=ACCOUNT_COUNTS)
