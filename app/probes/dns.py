"""Looks at DNS: the records of a branded link before and after a proxy, and any record that a page names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from app.probes.account import BrandedLink, links_of, own_host, sending_domains
from app.probes.asked import Asked, under
from app.probes.finding import Seen, dns_counts, worst
from app.probes.net import DEEPEST, Net, View
from knowledge.addresses import AddressPolicy

State = Literal["failed", "too_long", "none", "nowhere", "direct", "flattened", "elsewhere"]


@dataclass(frozen=True)
class Records:
    """What every resolver says of a branded link, in the same order."""

    host: tuple[View, ...]
    target: tuple[View, ...]
    """Addresses of the platform's name: what a flattened record shows instead of it."""
    token: tuple[View, ...]


def judge_link(link: BrandedLink, records: Records, policy: AddressPolicy) -> Seen:
    """What the platform's flag and the records of one branded link come to."""
    host, target = link.host, link.target
    states = [_state(link, view, records.target) for view in records.host]
    answers = [(state, view) for state, view in zip(states, records.host, strict=True) if state != "failed"]
    counts = dns_counts(min((view.ttl for _, view in answers), default=0))
    if not answers:
        return Seen("dns_unreachable", {"host": host})
    bad = [value for _, view in answers for value in view.values if not policy.address(value)]
    if bad:
        return Seen("address_not_public", {"host": host, "address": bad[0]}, counts)
    if any(state == "too_long" for state, _ in answers):
        return Seen("dns_chain_too_long", {"host": host, "limit": DEEPEST}, counts)
    if len({state for state, _ in answers}) > 1:
        return _disagreement(link, answers)
    state, view = answers[0]
    values = {"host": host, "target": target, "seen": _shown(view), "address": _shown(view)}
    match state:
        case "none":
            return Seen("branded_link_record_missing", values, counts)
        case "nowhere":
            return Seen("dns_no_address", values, counts)
        case "direct" | "flattened":
            return Seen(
                f"branded_link_{state}" if link.validated else "branded_link_not_validated", values, counts
            )
        case _ if not link.validated:
            return Seen("branded_link_points_elsewhere", values, counts)
        case _:
            return _judge_token(link, records.token, counts_of_host=view.ttl)


def _state(link: BrandedLink, view: View, targets: Sequence[View]) -> State:
    if link.target in view.names:
        return "direct"
    if view.status in ("failed", "too_long"):
        return "failed" if view.status == "failed" else "too_long"
    theirs = {address for each in targets for address in each.values}
    if view.values and set(view.values) <= theirs:
        return "flattened"
    if view.values:
        return "elsewhere"
    return "nowhere" if len(view.names) > 1 else "none"


def _disagreement(link: BrandedLink, answers: Sequence[tuple[State, View]]) -> Seen:
    """Names the answer that is not there yet: none before another, straight before proxied."""
    late = min(answers, key=lambda each: get_args(State).index(each[0]))
    other = next(_shown(view) for state, view in answers if state != late[0])
    values = {"host": link.host, "seen": _shown(late[1]), "expected": other}
    return Seen("dns_resolvers_disagree", values, dns_counts(late[1].ttl))


def _judge_token(link: BrandedLink, views: Sequence[View], counts_of_host: int) -> Seen:
    """Once a proxy is in front, the token record is the one that still shows the link is set up."""
    values = {"host": link.host, "token_host": link.token_host, "target": link.token_target}
    answered = [view for view in views if view.answered]
    if link.token_host and not answered:
        return Seen("dns_unreachable", {"host": link.token_host})
    held = {link.token_target in (*view.names[1:], *view.values) for view in answered}
    counts = dns_counts(min([counts_of_host, *(view.ttl for view in answered)]))
    if len(held) > 1:
        seen = next(_shown(view) for view in answered if link.token_target not in view.values)
        values = {"host": link.token_host, "seen": seen, "expected": link.token_target}
        return Seen("dns_resolvers_disagree", values, counts)
    return Seen("branded_link_proxied" if True in held else "branded_link_token_missing", values, counts)


def _shown(view: View) -> str:
    """The answer in one short word: where the name leads."""
    return view.names[1] if len(view.names) > 1 else ", ".join(view.values[:3]) or "-"


async def branded_link_set_up(asked: Asked) -> Seen:
    """Every branded link that the subject is about; the one that speaks against it counts."""
    if asked.account is None:
        return Seen("account_not_known")
    links = await links_of(asked, asked.account)
    if not links:
        return Seen("branded_link_none", {"subject": asked.subject or asked.account})
    return worst(await asyncio.gather(*(_look_at_link(asked, asked.account, link) for link in links)))


async def _look_at_link(asked: Asked, account: str, link: BrandedLink) -> Seen:
    net = asked.net
    names = (link.host, link.target, link.token_host or link.host)
    host, target, token = (net.policy.host(name) for name in names)
    if not (host and target and token):
        refused = next(name for name in names if net.policy.host(name) is None)
        return Seen("host_not_allowed", {"host": refused})
    records = Records(
        *await asyncio.gather(
            net.look_up_addresses(host), net.look_up_addresses(target), net.look_up(token, "CNAME")
        )
    )
    seen = judge_link(link, records, net.policy)
    if seen.code == "branded_link_record_missing":
        doubled = await _doubled(net, host, await sending_domains(asked.accounts, account))
        if doubled:
            return Seen("branded_link_name_doubled", {**seen.values, "doubled": doubled}, seen.counts)
    return seen


async def _doubled(net: Net, host: str, domains: Sequence[str]) -> str | None:
    """The name that comes out where a DNS provider appends the zone to a name that has it already."""
    zone = next((domain for domain in domains if under(host, domain)), host.partition(".")[2])
    name = net.policy.host(f"{host}.{zone}")
    views = await net.look_up(name, "CNAME") if name else ()
    return name if any(view.values for view in views) else None


async def dns_record(asked: Asked) -> Seen:
    """`{name: "{domain}", type: TXT, contains: "include:..."}`, or `equals`; neither = any value will do."""
    kind = str(asked.check.param("type") or "A").upper()
    filled = (await _about_sending_domain(asked, kind)).fill("name")
    if isinstance(filled, Seen):
        return filled
    refused = await own_host(asked, filled.text, from_customer=filled.from_customer)
    if refused:
        return refused
    name = asked.net.policy.host(filled.text)
    if name is None:
        return Seen("host_not_allowed", {"host": filled.text})
    wanted = asked.fill("equals", default=str(asked.check.param("contains") or ""))
    if isinstance(wanted, Seen):
        return wanted
    exact = asked.check.param("equals") is not None
    return judge_record(name, kind, wanted.text, exact, await asked.net.look_up(name, kind))


async def _about_sending_domain(asked: Asked, kind: str) -> Asked:
    """A branded link host is a CNAME and can hold no other record: those are at its sending domain."""
    name = asked.subjects.get("domain")
    if kind in ("A", "AAAA", "CNAME") or name is None or asked.account is None:
        return asked
    domains = [each for each in await sending_domains(asked.accounts, asked.account) if under(name, each)]
    if not domains:
        return asked
    return replace(asked, subjects={**asked.subjects, "domain": max(domains, key=len)})


def judge_record(name: str, kind: str, expected: str, exact: bool, views: Sequence[View]) -> Seen:
    """Whether every resolver that answered has a record as expected."""
    answered = [view for view in views if view.answered]
    if not answered:
        return Seen("dns_unreachable", {"host": name})
    counts = dns_counts(min(view.ttl for view in answered))
    values: dict[str, object] = {"name": name, "type": kind, "expected": expected or "*"}
    have = [view for view in answered if any(_fits(value, expected, exact) for value in view.values)]
    if len(have) == len(answered):
        return Seen("dns_record_found", values, counts)
    late = next(view for view in answered if view not in have)
    if have:
        shown = {"host": name, "seen": _listed(late), "expected": expected or _listed(have[0])}
        return Seen("dns_resolvers_disagree", shown, counts)
    if late.status == "too_long":
        return Seen("dns_chain_too_long", {"host": name, "limit": DEEPEST}, counts)
    if not late.values:
        return Seen("dns_record_missing", values, counts)
    return Seen("dns_record_other", {**values, "seen": _listed(late)}, counts)


def _fits(value: str, expected: str, exact: bool) -> bool:
    value, expected = value.casefold().rstrip("."), expected.casefold().rstrip(".")
    return value == expected if exact else expected in value


def _listed(view: View) -> str:
    return "; ".join(view.values[:3]) or "-"
