"""The guard of names and addresses: every hostile form gets the verdict it must get."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from app.probes.net import Net
from app.settings import Settings
from knowledge import addresses
from knowledge.addresses import PUBLIC, hostname, is_probeable_host, is_public

ATTACKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "security"


@pytest.mark.parametrize("ip", ["9.9.9.9", "1.1.1.1", "2a00:1450:4001:81b::200e", "2606:2800:220:1::1"])
def test_public_addresses_are_public(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "127.8.8.8",
        "10.255.0.1",
        "172.31.255.255",
        "192.168.99.1",
        "169.254.10.10",
        "100.127.0.1",
        "0.1.2.3",
        "198.51.100.7",
        "239.1.1.1",
        "255.255.255.255",
        "168.63.129.16",
        "::ffff:10.0.0.1",
        "::ffff:1.1.1.1",
        "64:ff9b::a00:1",
        "2002:c0a8:101::1",
        "fd12:3456::1",
        "fe80::1%eth0",
        "ff05::2",
        "1.1.1",
        "0x01010101",
        "",
        "one.one.one.one",
    ],
)
def test_everything_else_is_not(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("links.acme.com", "links.acme.com"),
        ("LINKS.Acme.COM.", "links.acme.com"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("ｌｉｎｋｓ.acme.com", "links.acme.com"),
        ("例えばlab.jp", "xn--lab-763b6hn38o.jp"),
        ("acme.co.uk", "acme.co.uk"),
        ("acme.github.io", "acme.github.io"),
    ],
)
def test_names_that_may_be_looked_up_come_back_as_dns_takes_them(name: str, folded: str) -> None:
    assert is_probeable_host(name) == folded


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "acme",
        "127.0.0.1",
        "1.1.1.1",
        "0x7f.1",
        "127。0。0。1",
        "[::1]",
        "localhost",
        "a.localhost",
        "metadata.google.internal",
        "kube.svc",
        "acme.example",
        "links.acme.com:443",
        "user@acme.com",
        "https://acme.com",
        "acme.com/..",
        "acme.com\r\nHost: x",
        "acme.com\x00",
        "ac me.com",
        "*.acme.com",
        "-acme.com",
        "acme-.com",
        "acme..com",
        "a" * 64 + ".com",
        ".".join(["abcdefgh"] * 32) + ".com",
        "раypal.com",
        "xn--pple-43d.com",
        "xn--.com",
        "xn--a.com",
        "com.br",
        "gob.mx",
        "pages.dev",
        "_dmarc.acme.com",
    ],
)
def test_names_that_may_not(name: str) -> None:
    assert is_probeable_host(name) is None


def test_a_record_name_may_start_with_an_underscore() -> None:
    assert hostname("_dmarc.Acme.com", record=True) == "_dmarc.acme.com"
    assert PUBLIC.host("_dmarc.acme.com") == "_dmarc.acme.com"
    assert hostname("ac_me.acme.com", record=True) is None


def test_nothing_outside_the_code_weakens_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ALLOW_PRIVATE",
        "STEPFOUR_ALLOW_PRIVATE",
        "STEPFOUR_ALLOW_LOOPBACK",
        "STEPFOUR_ADDRESS_POLICY",
    ):
        monkeypatch.setenv(name, "1")
    assert not PUBLIC.address("127.0.0.1")
    assert PUBLIC.host("acme.example") is None
    code = inspect.getsource(addresses).split('"""', 2)[2]
    assert not [word for word in ("environ", "getenv", "settings", "import os") if word in code]
    assert not inspect.signature(addresses.Public).parameters
    assert Net(()).policy is PUBLIC
    assert not [
        name for name in Settings.model_fields if "policy" in name or "network" in name or "allow" in name
    ]
    with pytest.raises(AttributeError):
        PUBLIC.anything = True  # type: ignore[attr-defined]


def attacks(name: str) -> list[dict[str, str]]:
    path = ATTACKS / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    rows: list[dict[str, str]] = json.loads(path.read_text())
    return rows


def test_every_known_hostile_address_gets_its_verdict() -> None:
    rows = attacks("probe_addresses.json")
    assert [row["ip"] for row in rows if is_public(row["ip"]) != (row["expect"] == "allow")] == []


def test_every_known_hostile_host_gets_its_verdict() -> None:
    rows = attacks("hostile_hosts.json")
    wrong = [
        row["host"]
        for row in rows
        if (is_probeable_host(row["host"]) is None) != row["expect"].startswith("reject")
    ]
    assert wrong == []
