"""Looks at the account's own record: click tracking, and any field that a page names."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import Unavailable
from app.ports import Accounts
from app.probes.asked import Asked, under
from app.probes.finding import ACCOUNT_COUNTS, Seen, clean
from knowledge.model import Value


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
    return tuple(_link(row) for row in _rows(rows, "branded_links"))


async def sending_domains(accounts: Accounts, account: str) -> tuple[str, ...]:
    """Raises `Unavailable`."""
    rows = await accounts.field(account, "domains")
    return tuple(_name(row.get("name", "")) for row in _rows(rows, "domains"))


def _rows(rows: object, what: str) -> tuple[Mapping[str, object], ...]:
    if rows is None:
        return ()
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise Unavailable(f"The account system's {what} are not a list of objects; look at what it sends.")
    return tuple(rows)


def _link(row: Mapping[str, object]) -> BrandedLink:
    target = _name(row.get("target", ""))
    token = row.get("token_cname")
    if not row.get("host") or not target:
        raise Unavailable("The account system lists a branded link without host or target; it needs both.")
    named = token if isinstance(token, Mapping) else {}
    return BrandedLink(
        host=_name(row["host"]),
        validated=row.get("validated") is True,
        target=target,
        token_host=_name(named.get("host", "")),
        token_target=_name(named.get("target", target)),
    )


def _name(value: object) -> str:
    return str(value).lower().removesuffix(".")


async def links_of(asked: Asked, account: str) -> tuple[BrandedLink, ...]:
    """The branded links that a subject is about: the host itself, or those of the same sending domain."""
    links = await branded_links(asked.accounts, account)
    subject = (asked.subject or "").lower().rstrip(".")
    if not subject:
        return links
    exact = tuple(link for link in links if link.host == subject)
    if exact:
        return exact
    domains = [each for each in await sending_domains(asked.accounts, account) if under(subject, each)]
    # Without a sending domain above it, a sibling below one registrable name is as good.
    above = asked.net.policy.host(subject.partition(".")[2])
    zones = {subject, *(domains or ([above] if above else []))}
    return tuple(link for link in links if any(under(link.host, zone) for zone in zones))


async def own_host(asked: Asked, host: str, *, from_customer: bool) -> Seen | None:
    """Why a host must not be looked at, or None. A page may name any host, a customer only the account's.

    Raises `Unavailable`.
    """
    if not from_customer:
        return None
    if asked.account is None:
        return Seen("account_not_known")
    links = await branded_links(asked.accounts, asked.account)
    owned = (
        *(link.host for link in links),
        *await sending_domains(asked.accounts, asked.account),
        *await asked.accounts.subjects(asked.account, "domain"),
    )
    return None if any(under(host, name) for name in owned) else Seen("host_not_owned", {"host": host})


async def click_tracking_on(asked: Asked) -> Seen:
    if asked.account is None:
        return Seen("account_not_known")
    on = await asked.accounts.field(asked.account, "settings.click_tracking")
    return Seen("tracking_on" if on is True else "tracking_off", counts=ACCOUNT_COUNTS)


async def account_field(asked: Asked) -> Seen:
    """`{path: workspaces.{workspace}.status, equals: active}`."""
    path = asked.fill("path")
    expected = asked.fill("equals", default="true")
    if isinstance(path, Seen):
        return path
    if isinstance(expected, Seen):
        return expected
    if asked.account is None:
        return Seen("account_not_known")
    value = await asked.accounts.field(asked.account, path.text, asked.subjects)
    values = {"path": path.text, "seen": value, "expected": expected.text}
    if value is None:
        return Seen("account_field_missing", values, ACCOUNT_COUNTS)
    same = clean(value).casefold() == clean(expected.text).casefold()
    return Seen("account_field_as_expected" if same else "account_field_other", values, ACCOUNT_COUNTS)
