"""A website as a source, read from a real server on loopback that behaves as sites do."""

from __future__ import annotations

import threading

import pytest

from ingest.sources.source import Fetched, Unchanged
from knowledge.addresses import PUBLIC
from knowledge.errors import KnowledgeError, SourceUnreadable
from tests.ingest.sources.web_double import (
    HOST,
    Asked,
    Reply,
    Site,
    failed,
    gone,
    packed,
    page,
    redirect,
    urlset,
)

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


@pytest.mark.parametrize(
    "answer", [Reply("", 403), redirect("/sign-in?to=x"), redirect("/x"), redirect("http://[/")]
)
def test_a_page_behind_a_sign_in_is_none_of_ours_unless_it_was_one(site: Site, answer: Reply) -> None:
    site.routes |= {"/": page("Home", "/x"), "/x": answer, "/sign-in?to=x": page("Sign in")}
    assert site.list() == ["/"]
    assert [path for path, _ in site.open().listing({}).refused] == ["/x"]
    listing = site.open().listing({"/x": "a|b|c"})
    assert ([path for path, _ in listing.unreadable], listing.refused) == (["/x"], [])


def test_a_first_page_that_may_not_be_read_is_an_error(site: Site) -> None:
    site.routes |= {"/robots.txt": Reply("User-agent: *\nDisallow: /"), "/": page("Home")}
    with pytest.raises(SourceUnreadable, match=r"Allow Stepfour there"):
        site.open().listing({"/": "x"})
    assert site.paths == ["/robots.txt"]


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
    file = source._spool._file
    threads = threading.active_count()
    site.source = source = None
    gc.collect()
    assert file.closed
    assert threading.active_count() <= threads
