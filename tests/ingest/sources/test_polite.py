"""The client: slow enough, patient once, bounded in time and size, strict about certificates."""

from __future__ import annotations

import gzip
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ingest.sources.source import Failed, Fetched
from knowledge.errors import SourceUnreadable
from tests.ingest.sources.web_double import HOST, Asked, Reply, Route, Site, page, redirect, served, urlset


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as running:
        yield running


def failed(got: object) -> str:
    assert isinstance(got, Failed), got
    return got.reason


def after(times: int, reply: Reply, then: Reply) -> Route:
    """Answers so many times with the one, then with the other."""
    left = iter([reply] * times)
    return lambda asked: next(left, then)


def test_two_requests_a_second_and_no_more(site: Site) -> None:
    site.routes["/sitemap.xml"] = urlset(*(site.url(f"/{n}") for n in range(5)))
    site.routes |= {f"/{n}": page(str(n)) for n in range(5)}
    for path in site.list():
        site.fetch(path)
    assert len(site.asked) == 7
    assert site.clock.time == pytest.approx(3.0), "the first at once, then one each half second"


def test_what_robots_txt_asks_for_is_slower(site: Site) -> None:
    site.routes |= {
        "/robots.txt": Reply("User-agent: *\nCrawl-delay: 10"),
        "/": page("Home", "/a"),
        "/a": page("A"),
    }
    site.list(rate="20", depth="1")
    assert site.clock.time == pytest.approx(10.05)
    site.routes["/robots.txt"] = Reply("User-agent: *\nCrawl-delay: 3600")
    with pytest.raises(SourceUnreadable, match="3600 s between two requests"):
        site.open().listing({})


@pytest.mark.parametrize(
    ("status", "after_header"), [(429, "7"), (503, "7"), (429, "Sun, 01 Mar 2026 00:00:07 GMT")]
)
def test_who_asks_to_come_back_later_is_asked_later(site: Site, status: int, after_header: str) -> None:
    site.routes["/a"] = after(1, Reply("", status, headers={"Retry-After": after_header}), page("A"))
    assert isinstance(site.fetch("/a"), Fetched)
    assert 7.0 in site.clock.slept


def test_who_asks_to_come_back_much_later_is_left_alone(site: Site) -> None:
    site.routes |= {"/a": Reply("", 429, headers={"Retry-After": "3600"}), "/b": page("B")}
    assert "come back in 3600 s" in failed(site.fetch("/a"))
    assert "left alone" in failed(site.fetch("/b"))
    assert site.paths == ["/robots.txt", "/a"]
    site.clock.time += 3600
    assert isinstance(site.fetch("/b"), Fetched)


@pytest.mark.parametrize("header", ["", "soon", "-1", "1e9", "99999999999999999999"])
def test_an_odd_retry_after_harms_nobody(site: Site, header: str) -> None:
    site.routes["/a"] = Reply("", 503, headers={"Retry-After": header})
    assert "503" in failed(site.fetch("/a"))
    assert site.clock.time < 60


def test_a_server_error_is_tried_again_and_then_reported(site: Site) -> None:
    site.routes |= {"/a": after(2, Reply("", 500), page("A")), "/b": Reply("", 500)}
    assert isinstance(site.fetch("/a"), Fetched)
    assert [slept for slept in site.clock.slept if slept >= 1] == [1.0, 4.0]
    assert "answers 500" in failed(site.fetch("/b"))
    assert site.paths.count("/b") == 3


def test_a_site_with_many_errors_is_not_asked_thrice_each_time(site: Site) -> None:
    site.open()
    site.routes |= {f"/{n}": Reply("", 500) for n in range(6)}
    for n in range(6):
        failed(site.fetch(f"/{n}"))
    assert [site.paths.count(f"/{n}") for n in range(6)] == [3, 3, 3, 1, 1, 1]


def test_a_site_that_is_down_is_given_up(site: Site) -> None:
    up = [True]

    def resolve(host: str, port: int) -> list[str]:
        if not up[0]:
            raise OSError("no such name")
        return ["127.0.0.1"]

    site.resolve = resolve
    site.routes["/a"] = Reply("a", headers={"Connection": "close"})
    site.text("/a")
    up[0] = False
    reasons = [failed(site.fetch("/a")) for _ in range(7)]
    assert ["cannot be looked up" in reason for reason in reasons] == [True] * 5 + [False] * 2
    assert "gave no answer 5 times" in reasons[-1]


# --- hostile answers ----------------------------------------------------------------------------


def endless() -> Iterator[bytes]:
    while True:
        yield b"<p>more</p>" * 10_000


def trickle() -> Iterator[bytes]:
    for _ in range(100):
        yield b"<p>"
        time.sleep(0.05)


def test_an_endless_page_ends_at_the_limit(site: Site) -> None:
    site.routes["/a"] = Reply(endless())
    assert "larger than 20 MB" in failed(site.fetch("/a"))
    assert site.paths.count("/a") == 1


def test_a_gzip_bomb_is_met_with_its_first_bytes(site: Site) -> None:
    bomb = gzip.compress(bytes(80_000_000))
    site.routes["/a"] = Reply(bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        assert "larger than 20 MB" in failed(site.fetch("/a"))
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    site.routes |= {"/sitemap.xml": Reply(bomb, type="application/gzip"), "/": page("Home")}
    assert site.list() == ["/"]


def test_a_page_that_trickles_in_is_given_up(site: Site) -> None:
    site.net = {"whole_seconds": 0.4}
    site.routes["/a"] = Reply(trickle())
    began = time.monotonic()
    assert "not complete after" in failed(site.fetch("/a"))
    assert time.monotonic() - began < 2
    assert site.paths.count("/a") == 1


def test_a_server_that_says_nothing_is_waited_for_so_long(site: Site) -> None:
    def silent(asked: Asked) -> Reply:
        time.sleep(0.3)
        return page("late")

    site.net = {"read_seconds": 0.1}
    site.routes["/a"] = silent
    assert "no answer in time" in failed(site.fetch("/a"))


@pytest.mark.parametrize(
    ("body", "encoding", "says"),
    [
        (gzip.compress(b"<h1>A</h1>" * 99)[:-12], "gzip", "end is missing"),
        (b"not gzip", "gzip", "damaged"),
        (b"...", "br", "packed as br"),
    ],
    ids=[
        "cut off",
        "not gzip",
        "unknown",
    ],  # gzip bytes hold the time: as names they would differ from run to run
)
def test_a_damaged_answer_is_a_failure(site: Site, body: bytes, encoding: str, says: str) -> None:
    site.routes["/a"] = Reply(body, headers={"Content-Encoding": encoding})
    assert says in failed(site.fetch("/a"))


def test_packed_pages_are_unpacked(site: Site) -> None:
    text = "<h1>" + "many words " * 100_000
    site.routes |= {
        "/a": Reply(
            gzip.compress(text.encode()) + gzip.compress(b"end") + b"\x00\x00",
            headers={"Content-Encoding": "gzip"},
        ),
        "/b": Reply(b"", headers={"Content-Encoding": "gzip"}),
    }
    assert site.text("/a") == text + "end"
    assert site.text("/b") == ""


def test_an_answer_cut_short_is_a_failure(site: Site) -> None:
    site.routes["/a"] = Reply(iter([b"<h1>"]), headers={"Content-Length": "100"})
    assert "connection broke" in failed(site.fetch("/a"))


# --- https --------------------------------------------------------------------------------------


def test_a_certificate_has_to_hold_and_https_is_not_left(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    with served(tls) as site:
        site.scheme = "https"
        site.routes |= {"/a": page("A"), "/b": redirect(f"http://{HOST}:{site.port}/a")}
        assert "certificate does not hold" in failed(site.fetch("/a"))
        assert site.asked == []
        site.net = {"ca_file": tmp_path / "ca.pem"}
        site.open()
        assert "<h1>A</h1>" in site.text("/a")
        assert "redirects to http" in failed(site.fetch("/b"))
