"""One page of a website: what it is, where it went, and what it says of itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.media import DOCX
from ingest.sources.source import Fetched, Gone, Unchanged
from tests.ingest.sources.web_double import HOST, Asked, Reply, Site, failed, gone, page, redirect, urlset

# --- one page -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "validators",
    [{"ETag": 'W/"a|b"'}, {"Last-Modified": "Sun, 01 Feb 2026 10:00:00 GMT"}, {}],
)
def test_an_unchanged_page_says_so(site: Site, validators: dict[str, str]) -> None:
    site.routes["/a"] = Reply("<h1>A</h1>", headers=validators)
    first = site.fetch("/a")
    assert isinstance(first, Fetched)
    assert site.fetch("/a", first.stamp) == Unchanged()
    for name, value in validators.items():
        sent = {"ETag": "if-none-match", "Last-Modified": "if-modified-since"}[name]
        assert site.asked[-1].headers[sent] == value
    site.routes["/a"] = Reply("<h1>B</h1>")
    assert isinstance(site.fetch("/a", first.stamp), Fetched)


def test_an_etag_made_up_for_every_answer_changes_nothing(site: Site) -> None:
    site.routes["/a"] = lambda asked: Reply("<h1>A</h1>", headers={"ETag": f'"{len(site.asked)}"'})
    first = site.fetch("/a")
    assert isinstance(first, Fetched)
    assert site.fetch("/a", first.stamp) == Unchanged()


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_no_more_is_gone(site: Site, status: int) -> None:
    site.routes["/a"] = Reply("gone", status)
    assert site.fetch("/a", "a|b|c") == Gone()


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "answers 403"), (401, "answers 401"), (418, "answers 418"), (204, "answers 204")],
)
def test_any_other_status_is_a_failure(site: Site, status: int, says: str) -> None:
    site.routes["/a"] = Reply("", status)
    assert says in failed(site.fetch("/a"))


def test_a_changed_encoding_is_no_change(site: Site) -> None:
    text = "<html><head><meta charset={}></head><h1>São Paulo</h1></html>"
    site.routes["/a"] = Reply(text.format("iso-8859-1").encode("cp1252"), type="text/html")
    first = site.fetch("/a")
    assert isinstance(first, Fetched)
    assert "São Paulo" in first.raw.decode("utf-8")
    site.routes["/a"] = Reply(text.format("utf-8"), type="text/html; charset=UTF-8")
    assert site.fetch("/a", first.stamp) == Unchanged()


@pytest.mark.parametrize(
    ("type", "path", "body", "media"),
    [
        ("application/xhtml+xml", "/a", b"<html/>", "text/html"),
        ("text/x-markdown; charset=latin-1", "/a", b"caf\xe9", "text/markdown"),
        ("application/octet-stream", "/a.pdf", b"%PDF-1.7\xff", "application/pdf"),
        ("application/x-pdf", "/a", b"%PDF-1.7\xff", "application/pdf"),
        ("application/zip", "/a.docx", b"PK\x03\x04", DOCX),
        ("", "/a", b"\n<!DOCTYPE HTML>", "text/html"),
        ("image/png", "/a", b"\x89PNG", ""),
        ("application/json", "/a", b"{}", ""),
        ("application/octet-stream", "/a", b"MZ", ""),
    ],
)
def test_what_is_taken(site: Site, type: str, path: str, body: bytes, media: str) -> None:
    site.routes[path] = Reply(body, type=type)
    got = site.fetch(path)
    if not media:
        assert "read are HTML" in failed(got)
        return
    assert isinstance(got, Fetched)
    assert got.media == media
    if media.startswith("text/"):
        got.raw.decode("utf-8")
    else:
        assert got.raw == body


def test_when_a_page_was_changed(site: Site) -> None:
    header = {"Last-Modified": "Sun, 01 Feb 2026 10:00:00 GMT"}
    more = f"<url><loc>{site.url('/b')}</loc><lastmod>2025-12-24</lastmod></url>"
    site.routes |= {
        "/sitemap.xml": urlset(site.url("/a"), site.url("/c"), more=more),
        "/a": Reply("a", headers=header),
        "/b": Reply("b", headers=header),
        "/c": page("C", head='<meta property="article:modified_time" content="2026-02-03T00:00:00Z">'),
    }
    site.list()
    times = [got.modified for path in ("/a", "/b", "/c") if isinstance(got := site.fetch(path), Fetched)]
    assert times == [
        datetime(2026, 2, 1, 10, tzinfo=UTC),
        datetime(2025, 12, 24, tzinfo=UTC),
        datetime(2026, 2, 3, tzinfo=UTC),
    ]


# --- redirects ----------------------------------------------------------------------------------


def test_a_redirect_inside_the_site_is_the_page_at_its_new_place(site: Site) -> None:
    site.routes |= {f"/{n}": redirect(f"/{n + 1}", (301, 302, 303, 307, 308)[n]) for n in range(5)}
    site.routes["/5"] = page("Five")
    got = site.fetch("/0")
    assert isinstance(got, Fetched)
    assert got.url == site.url("/5")
    site.routes |= {"/5": redirect("/6"), "/6": page("Six")}
    assert "more than 5 redirects" in failed(site.fetch("/0"))


def test_a_page_that_moved_to_a_listed_one_is_that_page(site: Site) -> None:
    site.routes |= {
        "/sitemap.xml": urlset(site.url("/old"), site.url("/new")),
        "/old": redirect("/new/"),
        "/new/": page("N"),
    }
    site.list()
    assert "moved to /new" in gone(site.fetch("/old"))
    site.routes |= {"/": page("Home", "/old", "/new/"), "/new": redirect("/new/")}
    assert site.list(depth="2") == ["/", "/new"]


def test_two_pages_that_end_at_the_same_unlisted_place_are_not_both_replaced_by_it(site: Site) -> None:
    site.routes |= {
        "/a": redirect("/maintenance"),
        "/b": redirect("/maintenance"),
        "/maintenance": page("Back soon"),
    }
    assert isinstance(site.fetch("/a"), Fetched)
    assert "as /a does" in failed(site.fetch("/b"))


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/a", "in a circle"),
        ("https://elsewhere.com/a", "another host"),
        ("http://help.acme.com:1/a", "another host"),
        ("http://169.254.169.254/latest/meta-data", "no address"),
        ("http://[::1]/", "no address"),
        ("file:///etc/passwd", "no address"),
        ("/private/a", "robots.txt disallows"),
        ("/login?next=/a", "asks to sign in"),
        ("", "no address"),
    ],
)
def test_a_redirect_that_is_not_followed(site: Site, target: str, says: str) -> None:
    site.routes |= {
        "/robots.txt": Reply("User-agent: *\nDisallow: /private/"),
        "/a": redirect(target),
        "/login?next=%2Fa": page("Sign in"),
        "/login?next=/a": page("Sign in"),
        "/private/a": page("Private"),
    }
    assert says in failed(site.fetch("/a"))
    assert "/private/a" not in site.paths


def test_www_is_the_same_site_where_one_leads_to_the_other(site: Site) -> None:
    www = f"www.{HOST}"

    def canonical_host(asked: Asked) -> Reply:
        return (
            page("Home", site.url("/a", HOST)) if asked.host == www else redirect(site.url(asked.path, www))
        )

    site.routes |= {
        "/": canonical_host,
        "/a": canonical_host,
        "/robots.txt": lambda asked: redirect(site.url("/r", www)) if asked.host == HOST else Reply("", 404),
    }
    site.routes["/r"] = Reply("", 404)
    assert site.list(depth="1") == ["/", "/a"]
    got = site.fetch("/a")
    assert isinstance(got, Fetched)
    assert got.url == site.url("/a", www)


def test_www_is_another_site_where_it_does_not(site: Site) -> None:
    site.routes |= {"/": page("Home", site.url("/a", f"www.{HOST}")), "/a": page("A")}
    assert site.list(depth="1") == ["/"]


# --- what pages say of themselves ---------------------------------------------------------------


def test_noindex_and_nofollow_are_honoured(site: Site) -> None:
    site.routes |= {
        "/": page("Home", "/a", "/b", "/c"),
        "/a": page("A", "/from-a", head="<meta name=robots content=noindex>"),
        "/b": page("B", "/from-b", head="<meta name=robots content=nofollow>"),
        "/c": Reply(
            "<h1>C</h1><a rel=nofollow href=/from-c>c</a>", headers={"X-Robots-Tag": "stepfour: none"}
        ),
        "/from-a": page("From A"),
    }
    listing = site.open().listing({})
    assert [found.path for found in listing.found] == ["/", "/b", "/from-a"]
    assert {path for path, reason in listing.refused if "noindex" in reason} == {"/a", "/c"}
    site.routes["/sitemap.xml"] = urlset(site.url("/a"))
    assert site.list() == ["/a"]
    assert "noindex" in gone(site.fetch("/a", "a|b|c"))


def test_a_page_that_is_another_listed_page_by_its_own_word_is_that_one(site: Site) -> None:
    canonical = "<link rel=canonical href='{}'>"
    site.routes |= {
        "/sitemap.xml": urlset(*(site.url(path) for path in ("/a", "/a?print=1", "/b", "/c", "/d", "/"))),
        "/": page("Home"),
        "/a": page("A", head=canonical.format("/a")),
        "/a?print=1": page("A", head=canonical.format("/a")),
        "/b": page("B", head=canonical.format("/unlisted")),
        "/c": page("C", head=canonical.format("/")),  # a mistake that many sites make on every page
        "/d": page("D", head=canonical.format("/a?print=1")),  # which says that it is another
    }
    paths = site.list()
    results = {path: site.fetch(path) for path in paths}
    assert [path for path, got in results.items() if isinstance(got, Gone)] == ["/a?print=1"]
    assert "canonical" in gone(results["/a?print=1"])
    assert site.paths.count("/a") == 1 + 1, "once to fetch, once to be believed"
    site.routes["/"] = page("Home", "/a?print=1", "/a")
    assert site.list(depth="1") == ["/", "/a"]


def test_translations_know_their_original(site: Site) -> None:
    pair = "".join(f"<link rel=alternate hreflang={lang} href=/{lang.lower()}/a>" for lang in ("en", "pt-BR"))
    link = '<x:link xmlns:x="http://www.w3.org/1999/xhtml" rel="alternate" hreflang="{}" href="/{}/b"/>'
    both = "".join(link.format(lang, lang) for lang in ("en", "es"))
    more = "".join(f"<url><loc>{site.url(f'/{lang}/b')}</loc>{both}</url>" for lang in ("en", "es"))
    site.routes |= {
        "/sitemap.xml": urlset(*(site.url(path) for path in ("/en/a", "/pt-br/a")), more=more),
        "/en/a": page("A", head=pair),
        "/pt-br/a": page("A", head=pair),
        "/en/b": Reply("# B", type="text/markdown"),
        "/es/b": Reply("# B", type="text/markdown"),
    }
    fetched = {path: got for path in site.list() if isinstance(got := site.fetch(path), Fetched)}
    assert {path: (got.lang, got.translation_of) for path, got in fetched.items()} == {
        "/en/a": ("en", ""),
        "/pt-br/a": ("pt-BR", "/en/a"),
        "/en/b": ("en", ""),
        "/es/b": ("es", "/en/b"),
    }


def test_the_language_of_a_page_that_says_none(site: Site) -> None:
    site.routes |= {"/a": Reply("# A", type="text/markdown"), "/b": page("B")}
    site.open(lang="pt-BR")
    languages = [got.lang for path in ("/a", "/b") if isinstance(got := site.fetch(path), Fetched)]
    assert languages == ["pt-BR", "en"]


def test_a_page_that_only_leads_on_is_none(site: Site) -> None:
    site.routes |= {
        "/": page("Home", "/old"),
        "/old": page("Redirecting", head="<meta http-equiv=refresh content='0; url=/new'>"),
        "/new": page("New"),
    }
    assert site.list() == ["/", "/new"]
    assert "leads on to /new" in gone(site.fetch("/old"))
