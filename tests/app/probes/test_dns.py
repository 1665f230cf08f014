"""What the records of a branded link come to, as a table; and what `Net` makes of answers."""

from __future__ import annotations

import pytest

from app.probes.account import BrandedLink
from app.probes.dns import Records, judge_link, judge_record
from app.probes.net import Blocked, Resolver, Status, Vetted, View, merged, resolver, vetted
from knowledge.addresses import PUBLIC

HOST, TARGET, TOKEN = "links.acme.com", "track.heron.com", "77.acme.com"
PLATFORM, PROXY = "9.9.9.9", "1.1.1.1"
LINK = BrandedLink(host=HOST, validated=True, target=TARGET, token_host=TOKEN, token_target=TARGET)


def view(*names: str, values: tuple[str, ...] = (), status: Status | None = None, ttl: int = 300) -> View:
    return View(status or ("ok" if values else "no_name"), names or (HOST,), values, ttl)


DIRECT = view(HOST, TARGET, values=(PLATFORM,))
FLAT = view(values=(PLATFORM,))
PROXIED = view(values=(PROXY,))
CDN = view(HOST, "acme.cdn.net", values=(PROXY,))
DANGLING = view(HOST, "gone.cdn.net")
NONE, FAILED = view(), view(status="failed")
HELD, GONE = View("ok", (TOKEN,), (TARGET,), 60), View("no_name", (TOKEN,))
DARK = View("failed", (TOKEN,))


def records(host: tuple[View, ...], token: tuple[View, ...] = (HELD, HELD)) -> Records:
    return Records(host=host, target=(View("ok", (TARGET,), (PLATFORM,), 300),) * 2, token=token)


@pytest.mark.parametrize(
    ("validated", "host", "token", "code"),
    [
        # the ones that must not pass come first
        (True, (NONE, NONE), (HELD, HELD), "branded_link_record_missing"),
        (False, (DIRECT, DIRECT), (HELD, HELD), "branded_link_not_validated"),
        (False, (FLAT, FLAT), (HELD, HELD), "branded_link_not_validated"),
        (False, (PROXIED, PROXIED), (HELD, HELD), "branded_link_points_elsewhere"),
        (True, (PROXIED, PROXIED), (GONE, GONE), "branded_link_token_missing"),
        (True, (PROXIED, PROXIED), (HELD, GONE), "dns_resolvers_disagree"),
        (True, (PROXIED, PROXIED), (DARK, DARK), "dns_unreachable"),
        (True, (DIRECT, PROXIED), (HELD, HELD), "dns_resolvers_disagree"),
        (True, (NONE, DIRECT), (HELD, HELD), "dns_resolvers_disagree"),
        (True, (FAILED, FAILED), (HELD, HELD), "dns_unreachable"),
        (True, (view(values=("10.0.0.1",)), DIRECT), (HELD, HELD), "address_not_public"),
        (True, (view(status="too_long"), DIRECT), (HELD, HELD), "dns_chain_too_long"),
        (True, (DANGLING, DANGLING), (HELD, HELD), "dns_no_address"),
        (True, (DANGLING, CDN), (HELD, HELD), "dns_resolvers_disagree"),
        (True, (DIRECT, DIRECT), (GONE, GONE), "branded_link_direct"),
        (True, (DIRECT, FAILED), (HELD, HELD), "branded_link_direct"),
        (True, (FLAT, FLAT), (HELD, HELD), "branded_link_flattened"),
        (True, (PROXIED, PROXIED), (HELD, HELD), "branded_link_proxied"),
        (True, (PROXIED, CDN), (HELD, DARK), "branded_link_proxied"),
    ],
)
def test_a_branded_link(validated: bool, host: tuple[View, ...], token: tuple[View, ...], code: str) -> None:
    link = LINK.model_copy(update={"validated": validated})
    assert judge_link(link, records(host, token), PUBLIC).code == code


def test_a_link_without_a_token_record_is_not_proven_behind_a_proxy() -> None:
    link = LINK.model_copy(update={"token_host": ""})
    own = View("ok", (HOST,), ("acme.cdn.net",), 60)
    assert judge_link(link, records((CDN, CDN), (own, own)), PUBLIC).code == "branded_link_token_missing"


def test_what_is_late_is_named() -> None:
    seen = judge_link(LINK, records((DIRECT, PROXIED)), PUBLIC)
    assert (seen.values["seen"], seen.values["expected"]) == (TARGET, PROXY)
    assert seen.counts.total_seconds() == 300


def txt(*values: str, status: Status | None = None) -> View:
    return View(status or ("ok" if values else "no_record"), ("acme.com",), values, 900)


@pytest.mark.parametrize(
    ("views", "expected", "exact", "code"),
    [
        ((txt("v=spf1 include:_spf.x.com ~all"),) * 2, "include:_spf.x.com", False, "dns_record_found"),
        (
            (txt("v=spf1 ~all"), txt("v=spf1 include:_spf.x.com ~all")),
            "include:_spf",
            False,
            "dns_resolvers_disagree",
        ),
        ((txt("V=SPF1"), txt(status="failed")), "v=spf1", True, "dns_record_found"),
        ((txt("v=spf1 x"),), "v=spf1", True, "dns_record_other"),
        ((txt(),), "v=spf1", True, "dns_record_missing"),
        ((txt("anything"),), "", False, "dns_record_found"),
        ((txt(),), "", False, "dns_record_missing"),
        ((txt(status="too_long"),), "x", False, "dns_chain_too_long"),
        ((txt(status="failed"),), "x", False, "dns_unreachable"),
    ],
)
def test_any_record(views: tuple[View, ...], expected: str, exact: bool, code: str) -> None:
    assert judge_record("acme.com", "TXT", expected, exact, views).code == code


def test_one_bad_address_blocks_a_name_whoever_gave_it() -> None:
    good, bad = view(values=("1.1.1.1",)), view(values=("1.0.0.1", "169.254.169.254"))
    for v4, v6 in (((good, bad), ()), ((bad, good), ()), ((good,), (view(values=("fe80::1",)),))):
        judged = vetted(HOST, v4, v6, PUBLIC)
        assert isinstance(judged, Blocked)
        assert judged.code == "address_not_public"


def test_both_kinds_of_address_are_one_view() -> None:
    six = view(values=("2606:4700:4700::1111",), ttl=60)
    both = merged(PROXIED, six)
    assert (both.values, both.ttl) == (("1.1.1.1", "2606:4700:4700::1111"), 60)
    assert merged(NONE, six) == six
    assert merged(PROXIED, FAILED) == PROXIED


def test_ipv6_is_used_where_there_is_no_ipv4() -> None:
    six = view(values=("2606:4700:4700::1111",))
    only = vetted(HOST, (view(status="no_record"),), (six,), PUBLIC)
    assert isinstance(only, Vetted)
    assert only.addresses == ("2606:4700:4700::1111",)
    both = vetted(HOST, (view(values=("1.1.1.1",)),), (six,), PUBLIC)
    assert isinstance(both, Vetted)
    assert both.addresses == ("1.1.1.1",)


def test_a_resolver_is_an_address_with_or_without_a_port() -> None:
    assert resolver("9.9.9.9") == Resolver("9.9.9.9", 53)
    assert resolver("127.0.0.1:5301") == Resolver("127.0.0.1", 5301)
    assert resolver("[::1]:5301") == Resolver("::1", 5301)
    assert resolver("2620:fe::fe") == Resolver("2620:fe::fe", 53)
    for text in ("dns.quad9.net", "9.9.9.9:dns", ""):
        with pytest.raises(ValueError, match=r".+"):
            resolver(text)
