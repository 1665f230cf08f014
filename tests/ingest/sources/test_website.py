"""A website as a source, read from a real server on loopback that behaves as sites do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ingest.sources.source import Failed, Fetched, Gone, Unchanged
from knowledge.addresses import PUBLIC
from knowledge.errors import KnowledgeError, SourceUnreadable
from tests.ingest.sources.web_double import HOST, Asked, Reply, Site, packed, page, redirect, served, urlset


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as running:
        yield running


def refusals(site: Site, path: str = "/", **options: str) -> dict[str, str]:
    return dict(site.open(path, **options).listing({}).refused)


def failed(got: object) -> str:
    assert isinstance(got, Failed), got
    return got.reason


def gone(got: object) -> str:
    assert isinstance(got, Gone), got
    return got.reason


# --- which pages there are ----------------------------------------------------------------------


def test_the_sitemap_that_robots_txt_names_is_used(site: Site) -> None:
    site.routes |= {
        "/robots.txt": Reply(
            f"Sitemap: {site.url('/maps/index.xml')}\nUser-agent: *\nDisallow: /private/", type=""
        ),
        "/maps/index.xml": Reply(
            f"<sitemapindex><sitemap><loc>{site.url('/maps/a.xml')}</loc></sitemap>"
            f"<sitemap><loc>{site.url('/maps/b.xml.gz')}</loc></sitemap></sitemapindex>",
            type="text/xml",
        ),
        "/maps/a.xml": urlset(site.url("/a/"), site.url("/a?utm_source=x"), site.url("/private/b")),
        "/maps/b.xml.gz": packed(
            urlset(site.url("/c?id=2"), site.url("/logo.png"), "https://elsewhere.com/d")
        ),
    }
    listing = site.open().listing({})
    assert [found.path for found in listing.found] == ["/a", "/c?id=2"]
    assert {found.stamp for found in listing.found} == {""}, "a lastmod is a hint and decides nothing"
    assert listing.unreadable == []
    assert [path for path, _ in listing.refused] == ["/private/b", "/logo.png", "https://elsewhere.com/d"]
    assert "robots.txt" in listing.refused[0][1]
    assert all(each.headers["user-agent"].startswith("Stepfour/") for each in site.asked)
    assert site.paths == ["/robots.txt", "/maps/index.xml", "/maps/a.xml", "/maps/b.xml.gz"]


def test_without_a_sitemap_links_are_followed(site: Site) -> None:
    site.routes |= {
        "/help/": page(
            "Home", "a", "/help/b/", "/help/b#x", "/blog", "mailto:x@acme.com", "//elsewhere.com/z"
        ),
        "/help/a": page("A", "c", head="<base href=/help/deep/>"),
        "/help/b/": page("B", "/help/a", "/help/file.zip", "/help/missing", "/help/manual.pdf"),
        "/help/deep/c": page("C"),
        "/help/manual.pdf": Reply(b"%PDF-1.4", type="application/pdf"),
    }
    assert site.list("/help/") == ["/help", "/help/a", "/help/b", "/help/deep/c", "/help/manual.pdf"]
    assert site.list("/help/", depth="1") == ["/help", "/help/a", "/help/b"]
    assert site.list("/help/", depth="0") == ["/help"]


def test_what_listing_loaded_is_not_loaded_again(site: Site) -> None:
    site.routes |= {"/": page("Home", "/a"), "/a": page("A")}
    assert site.list() == ["/", "/a"]
    before = len(site.asked)
    first = site.fetch("/a")
    assert isinstance(first, Fetched)
    assert b"<h1>A</h1>" in first.raw
    assert len(site.asked) == before
    site.list()
    assert site.fetch("/a", first.stamp) == Unchanged()


def test_lists_in_text_llms_txt_and_options(site: Site) -> None:
    site.routes |= {
        "/llms.txt": Reply(
            f"# Acme\n- [A]({site.url('/a.md')}): one\n- [B](b)\n- [Out](https://x.com/c)", type="text/plain"
        ),
        "/docs/pages.txt": Reply(f"{site.url('/a')}\n/b\n", type="text/plain"),
        "/a.md": Reply("# A", type="text/plain"),
    }
    assert site.list("/llms.txt") == ["/a.md", "/b"]
    got = site.fetch("/a.md")
    assert isinstance(got, Fetched)
    assert (got.media, got.raw, got.url) == ("text/markdown", b"# A", site.url("/a.md"))
    assert site.list("/docs/pages.txt") == ["/a", "/b"]
    assert site.list("/", urls=f"/x {site.url('/y/')}") == ["/x", "/y"]


def test_include_and_exclude_are_folders(site: Site) -> None:
    urls = ("/docs/a", "/docs-old/a", "/docs/internal/b", "/blog/c", "/guías/d")
    site.routes["/sitemap.xml"] = urlset(*(site.url(url) for url in urls))
    assert site.list(include="/docs, /guías", exclude="/docs/internal") == ["/docs/a", "/gu%C3%ADas/d"]
    assert site.list("/docs/", exclude="/docs/internal") == ["/docs/a"]


def test_a_help_centre_that_moved_inside_the_site_is_followed(site: Site) -> None:
    site.routes |= {
        "/help": redirect("/support/"),
        "/support/": page("S", "/support/a"),
        "/support/a": page("A"),
    }
    assert site.list("/help") == ["/support", "/support/a"]


@pytest.mark.parametrize("path", ["/sitemap.xml", "/llms.txt", "/pages.txt", "/help/"])
def test_a_location_with_nothing_there_says_so(site: Site, path: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"Check the address\."):
        site.open(path).listing({})
    site.routes[path] = Reply("<html>not found, in words only</html>")
    if path != "/help/":
        with pytest.raises(SourceUnreadable, match=r"Check the address\."):
            site.open(path).listing({})


# --- incomplete listings ------------------------------------------------------------------------


def test_a_server_error_during_a_crawl_leaves_the_listing_incomplete(site: Site) -> None:
    site.routes |= {"/": page("Home", "/a", "/b"), "/a": Reply("down", 500), "/b": page("B")}
    listing = site.open().listing({})
    assert [found.path for found in listing.found] == ["/", "/b"]
    assert [path for path, _ in listing.unreadable] == ["/a"]
    assert "answers 500" in listing.unreadable[0][1]
    assert site.paths.count("/a") == 3


@pytest.mark.parametrize("broken", ["<url><loc>/b", "<url><loc>/?a=1&b=2</loc></url>", "</urlse>"])
def test_a_broken_sitemap_is_read_up_to_the_error(site: Site, broken: str) -> None:
    site.routes["/sitemap.xml"] = urlset(site.url("/a"), more=broken)
    listing = site.open().listing({})
    assert [found.path for found in listing.found] == ["/a"]
    assert "broken sitemap" in listing.unreadable[0][1]


def test_a_sitemap_that_cannot_be_had_does_not_turn_into_a_crawl(site: Site) -> None:
    site.routes |= {"/sitemap.xml": Reply("", 502), "/": page("Home")}
    listing = site.open().listing({})
    assert listing.found == []
    assert [path for path, _ in listing.unreadable] == ["/sitemap.xml"]
    assert "/" not in site.paths


@pytest.mark.parametrize(
    "answer", [Reply("", 503), redirect("/robots.txt"), redirect("https://elsewhere.com/robots.txt")]
)
def test_an_unreachable_robots_txt_stops_everything(site: Site, answer: Reply) -> None:
    site.routes |= {"/robots.txt": answer, "/": page("Home"), "/sitemap.xml": urlset(site.url("/a"))}
    listing = site.open().listing({})
    assert (listing.found, listing.refused) == ([], [])
    assert [path for path, _ in listing.unreadable] == ["/robots.txt"]
    assert set(site.paths) == {"/robots.txt"}
    assert "robots.txt could not be read" in failed(site.fetch("/a"))


def test_a_calendar_without_end_stops_at_the_limit(site: Site) -> None:
    def month(asked: Asked) -> Reply:
        number = int(asked.path.rpartition("/")[2] or 0)
        site.routes[f"/calendar/{number + 1}"] = month
        return page(f"Month {number}", f"/calendar/{number + 1}", f"/calendar/{number + 1}?utm_source=me")

    site.routes["/calendar/"] = month
    site.routes["/calendar"] = redirect("/calendar/")
    listing = site.open("/calendar/", pages="7", depth="50").listing({})
    assert len(listing.found) == 7
    assert "more than 7 pages" in listing.unreadable[0][1]
    site.routes["/sitemap.xml"] = urlset(*(site.url(f"/{n}") for n in range(9)))
    listing = site.open("/sitemap.xml", pages="7").listing({})
    assert (len(listing.found), len(listing.unreadable)) == (7, 1)


def test_a_known_page_that_a_crawl_finds_gone_goes_at_once(site: Site) -> None:
    site.routes |= {"/": page("Home", "/old", "/never")}
    assert site.list(known={"/old": "x"}) == ["/", "/old"]
    assert gone(site.fetch("/old", "x")) == ""


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


# --- where connections go -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["9.9.9.9", "10.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
)
def test_a_host_with_an_address_that_is_not_public_is_not_connected_to(
    site: Site, addresses: list[str]
) -> None:
    site.resolve = lambda host, port: addresses
    site.routes["/"] = page("Home")
    listing = site.open(policy=PUBLIC).listing({})
    assert "which is not public" in listing.unreadable[0][1]
    assert site.asked == []


def test_a_name_that_resolves_to_something_else_later_is_not_followed(site: Site) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.1"], ["10.0.0.1"]])
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    site.resolve = rebinding
    close = {"Connection": "close"}
    site.routes |= {
        "/robots.txt": Reply("", headers=close),
        "/a": Reply("a", headers=close),
        "/b": Reply("b"),
    }
    source = site.open("/")
    assert isinstance(site.fetch("/a"), Fetched)
    assert "10.0.0.1" in failed(site.fetch("/b"))
    assert asked == [HOST] * 3, "looked up once for each connection, and what was looked up is connected to"
    assert "/b" not in site.paths
    assert source is site.source


def test_a_proxy_of_the_environment_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.routes["/a"] = page("A")
    assert isinstance(site.fetch("/a"), Fetched)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "ftp://acme.com/",
        "https://user@acme.com/",
        "https://10.0.0.1/",
        "http://localhost:8000/",
        "https://metadata.google.internal/",
        "file:///etc/passwd",
        "https://[::1]/",
    ],
)
def test_an_unusable_location(location: str) -> None:
    from ingest.sources.website import Website

    with pytest.raises(KnowledgeError, match=r"(Write it|Use the address)"):
        Website(location, {})


@pytest.mark.parametrize(
    "options",
    [
        {"pages": "0"},
        {"pages": "many"},
        {"depth": "-1"},
        {"rate": "nan"},
        {"rate": "1000"},
        {"include": "docs"},
        {"lang": "Portuguese!"},
        {"page": "1"},
    ],
)
def test_an_unusable_option(options: dict[str, str]) -> None:
    from ingest.sources.website import Website

    with pytest.raises(KnowledgeError, match=r"(Write|There are)"):
        Website("help.acme.com", options)


def test_nothing_is_left_running_or_lying_about(site: Site) -> None:
    import gc

    site.routes |= {"/": page("Home", "/a"), "/a": page("A")}
    site.list()
    source = site.source
    assert source is not None
    folder = source._spool._folder
    assert folder is not None
    assert folder.is_dir()
    threads = threading.active_count()
    site.source = source = None
    gc.collect()
    assert not folder.exists()
    assert threading.active_count() <= threads
