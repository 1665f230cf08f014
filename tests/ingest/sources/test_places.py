"""One page has one path; text is UTF-8; lists and heads of pages are read, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.sources import robots
from ingest.sources.charset import alphabet, utf8
from ingest.sources.links import from_header, head
from ingest.sources.places import place, within
from ingest.sources.sitemap import lines, llms, sitemap
from ingest.sources.web_page import original

SITE = "https://help.acme.com"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("", "/"),
        ("/index.html", "/"),
        ("/a/", "/a"),
        ("/a/index.htm", "/a"),
        ("/a#part", "/a"),
        ("/a?utm_source=mail&gclid=1", "/a"),
        ("/a?b=2&a=1&utm_medium=x", "/a?a=1&b=2"),
        ("/a?", "/a"),
        ("/x/../a/./b", "/a/b"),
        ("/%7Euser/caf%c3%a9", "/~user/caf%C3%A9"),
        ("/~user/café", "/~user/caf%C3%A9"),
        ("/x/%2e%2e/a", "/a"),
        ("/100%", "/100%25"),
        ("/a b", "/a%20b"),
        ("/a;jsessionid=42?q=1", "/a?q=1"),
        ("HTTPS://HELP.acme.com:443/a", "/a"),
        ("  /a\n", "/a"),
    ],
)
def test_a_page_has_one_path_however_it_is_written(written: str, path: str) -> None:
    found = place(written, f"{SITE}/")
    assert found is not None
    assert (found.origin, found.path) == (SITE, path)
    # What was normalised once stays as it is: a path may be asked for again.
    assert place(found.path, SITE) == found._replace(ask=found.path)


def test_case_and_query_and_port_distinguish_pages() -> None:
    urls = ("/A", "/a", "/a?id=1", "/a?id=2")
    assert len({each.path for url in urls if (each := place(url, SITE))}) == 4
    other = place("https://help.acme.com:8443/a")
    assert other is not None
    assert other.origin == "https://help.acme.com:8443"


@pytest.mark.parametrize(
    "written",
    [
        "mailto:a@acme.com",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://acme.com/a",
        "https://user:pass@help.acme.com/",
        "https://help.acme.com@10.0.0.1/",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[",
        "https://help.acme.com:99999/",
        "https://localhost/",
        "/" + "a" * 3000,
    ],
)
def test_what_is_no_address_of_a_page(written: str) -> None:
    assert place(written, SITE) is None


def test_a_folder_ends_at_a_slash() -> None:
    assert within("/docs", ("/docs",))
    assert within("/docs/a?x=1", ("/docs/",))
    assert not within("/docs-old/a", ("/docs",))
    assert within("/anything", ("/",))


# --- characters ---------------------------------------------------------------------------------

WORDS = "São Paulo – façade"


@pytest.mark.parametrize(
    ("raw", "declared"),
    [
        (WORDS.encode(), "utf-8"),
        (WORDS.encode(), ""),
        (WORDS.encode("cp1252"), "iso-8859-1"),
        (WORDS.encode("cp1252"), ""),
        (WORDS.encode("cp1252"), "utf-8"),  # declared wrongly
        (b"\xef\xbb\xbf" + WORDS.encode(), "iso-8859-1"),
        (b"\xff\xfe" + WORDS.encode("utf-16-le"), ""),
    ],
)
def test_text_becomes_utf_8(raw: bytes, declared: str) -> None:
    if declared == "utf-8" and raw != WORDS.encode():
        assert "Paulo" in utf8(raw, declared, html=False).decode()
    else:
        assert utf8(raw, declared, html=False).decode() == WORDS


def test_a_page_says_that_it_is_utf_8_afterwards() -> None:
    html = f"<?xml version='1.0' encoding='ISO-8859-1'?><html><meta charset=windows-1252><p>{WORDS}"
    old = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">'
    for text in (html, f"<html>{old}<p>{WORDS}"):
        changed = utf8(text.encode("cp1252"), "", html=True).decode()
        assert WORDS in changed
        assert "1252" not in changed
        assert "8859" not in changed
    assert utf8(b"<meta charset=utf-16><p>caf\xc3\xa9", "", html=True).decode().endswith("café")


@pytest.mark.parametrize(
    "label", ["zip", "hex", "rot13", "idna", "utf-7", "unicode_escape", "nonsense", "a\x00"]
)
def test_only_alphabets_of_the_web_are_used(label: str) -> None:
    assert alphabet(label) is None


# --- lists --------------------------------------------------------------------------------------


def test_an_entity_of_a_sitemap_loads_nothing_and_grows_into_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    outside = f'<!DOCTYPE urlset [<!ENTITY file SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    found = sitemap(f"{outside}<urlset><url><loc>{SITE}/&file;</loc></url></urlset>".encode())
    assert [entry.url for entry in found.entries] == [f"{SITE}/"]
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    dtd = f'<!DOCTYPE urlset [<!ENTITY e0 "x">{bomb}]>'
    found = sitemap(f"{dtd}<urlset><url><loc>{SITE}/&e9;</loc></url></urlset>".encode())
    assert found.broken
    assert sum(len(entry.url) for entry in found.entries) < 100


def test_a_broken_sitemap_gives_what_stands_before_the_error() -> None:
    found = sitemap(f"<urlset><url><loc>{SITE}/a</loc></url><url><loc>{SITE}/?a=1&b=2</loc></url>".encode())
    assert [entry.url for entry in found.entries] == [f"{SITE}/a"]
    assert "line 1" in found.broken
    assert sitemap(b"<urlset>" + b"<a>" * 1000).broken
    assert sitemap(b"").broken
    assert sitemap(b"<html><body>404").kind == ""


def test_lists_of_addresses() -> None:
    assert [each.url for each in lines("\ufeff# pages\n\n/a\n  https://x.com/b \n")] == [
        "/a",
        "https://x.com/b",
    ]
    text = (
        '# Acme\n> Docs\n- [Start (all)](/start): how\n- [B](<https://x.com/b_(c)> "t") ![i](/i.png)\n[n] (x)'
    )
    assert [each.url for each in llms(text)] == ["/start", "https://x.com/b_(c)", "/i.png"]


# --- pages --------------------------------------------------------------------------------------


def test_the_head_of_a_page() -> None:
    found = head(
        b"<html lang=pt-BR><head><link rel=canonical href='/a?x=1&amp;y=2'><base href=/docs/>"
        b"<link rel=alternate hreflang=en href=/en/a><link rel='alternate stylesheet' href=/x.css>"
        b"<meta name=ROBOTS content='NOINDEX, follow'>"
        b"<meta property=article:modified_time content=2026-01-02>"
        b"<body><link rel=canonical href=/fake><a href=b>b</a><a rel='nofollow ugc' href=c>c</a><a>d</a>"
    )
    assert (found.lang, found.canonical, found.base) == ("pt-BR", "/a?x=1&y=2", "/docs/")
    assert found.alternates == {"en": "/en/a"}
    assert found.robots == {"noindex"}
    assert found.links == ["b"]
    assert str(found.modified) == "2026-01-02 00:00:00+00:00"
    said = from_header('<https://x.com/a>; rel="canonical", </pt/a>; rel=alternate; hreflang="pt"')
    assert (said.canonical, said.alternates) == ("https://x.com/a", {"pt": "/pt/a"})


def test_a_page_that_leads_on() -> None:
    assert head(b"<head><meta http-equiv=Refresh content=\"0; URL='../new/'\">").leads_on == "../new/"
    assert head(b"<head><meta http-equiv=refresh content='300; url=/same'>").leads_on == ""
    assert head(b"<head><meta http-equiv=refresh content=30>").leads_on == ""


@pytest.mark.parametrize(
    "hostile", [b"<div>" * 2_000_000, b"<a href=/x>" * 500_000, b"<" * 1_000_000, b"\x00" * 9, b""]
)
def test_a_hostile_page_takes_no_time(hostile: bytes) -> None:
    assert len(head(b"<html><head><body>" + hostile).links) <= 120_000


def test_what_robots_may_say() -> None:
    assert robots.directives("none") == {"noindex", "nofollow"}
    assert robots.directives("otherbot: noindex, nofollow, stepfour: nofollow") == {"nofollow"}
    assert robots.directives("unavailable_after: 25 Jun 2030 15:00:00 PST, noindex") == {"noindex"}
    assert robots.directives("max-image-preview:large, all") == frozenset()
    rules = robots.Rules("User-agent: *\nDisallow: /\n\nUser-agent: stepfour\nAllow: /\nRequest-rate: 1/4")
    assert rules.allow(f"{SITE}/a")
    assert rules.seconds == 4


def test_which_page_the_others_translate() -> None:
    both = {"en-us": "/en/a", "pt-BR": "/pt/a"}
    assert original(both, "/pt/a") == "/en/a"
    assert original(both, "/en/a") == ""
    assert original({**both, "x-default": "/pt/a"}, "/en/a") == "/pt/a"
    assert original({**both, "x-default": "/choose"}, "/pt/a") == "/en/a"
    assert original({"pt": "/pt/a", "es": "/es/a"}, "/pt/a") == "/es/a"
    assert original({"pt": "/pt/a"}, "/pt/a") == ""
    assert original(both, "/elsewhere") == ""
