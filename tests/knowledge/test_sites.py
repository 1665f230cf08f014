"""Which address a page of a site may be opened at: its own, on the host of its source, written in one way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.source import Fetched
from ingest.sync import remove_source, sync
from knowledge import intake
from knowledge.embedding import CachedEncoder
from knowledge.model import Source
from knowledge.sites import exact, origin
from knowledge.store import Knowledge
from tests.ingest.server import Digests, Server

OWN = "https://help.acme.com"
SOURCE = Source(id="site", location=f"{OWN}/docs/", kind="website")


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("https://help.acme.com/docs/", OWN),
        ("help.acme.com", OWN),
        ("HTTPS://Help.Acme.Com:443/", OWN),
        ("https://help.acme.com:8443/", f"{OWN}:8443"),
        ("https://ajuda.ação.com/", "https://ajuda.xn--ao-siap.com"),
        ("https://help.acme.com./", OWN),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://localhost/", "http://localhost"),
        ("http://help.acme.com/", ""),
        ("http://10.0.0.1/", ""),
        ("https://ann@help.acme.com/", ""),
        ("https://help.acme.com:x/", ""),
        ("ftp://help.acme.com/", ""),
        ("https://", ""),
    ],
)
def test_a_source_has_one_host(location: str, found: str) -> None:
    assert origin(location) == found


@pytest.mark.parametrize(
    "url",
    [
        f"{OWN}/",
        f"{OWN}/docs/a",
        f"{OWN}/docs/a.html",
        f"{OWN}/hc/pt-br/articles/42-Configura%C3%A7%C3%A3o",
        f"{OWN}/a?id=2&lang=en",
        f"{OWN}/a%2Fb",
    ],
)
def test_the_address_of_a_page_stays_as_it_is(url: str) -> None:
    assert exact(url, OWN) == url
    assert exact(f"{url}#part", OWN) == url


def test_what_would_end_an_address_in_a_text_is_encoded() -> None:
    assert exact(f"{OWN}/a_(b)'s", OWN) == f"{OWN}/a_%28b%29%27s"


@pytest.mark.parametrize(
    "url",
    [
        "",
        OWN,
        "http://help.acme.com/a",
        "https://help.acme.com:8443/a",
        "https://help.acme.com:443/a",
        "https://Help.acme.com/a",
        "HTTPS://help.acme.com/a",
        "https://help.acme.com./a",
        "https://www.help.acme.com/a",
        "https://help.acme.com.evil.example/a",
        "https://help.acme.com@evil.example/a",
        "https://ann:x@help.acme.com/a",
        "https://xn--hlp-bma.acme.com/a",
        "https://hеlp.acme.com/a",
        "//help.acme.com/a",
        "/docs/a",
        "javascript:alert(1)",
        "javascript://help.acme.com/%0aalert(1)",
        f"{OWN}/../a",
        f"{OWN}/a/%2e%2E/b",
        f"{OWN}/a/%252e%252e/b",
        f"{OWN}/./a",
        f"{OWN}//evil.example/a",
        f"{OWN}/%2F%2Fevil.example",
        f"{OWN}/go/https://evil.example/",
        f"{OWN}/a\\b",
        f"{OWN}/%5Cevil.example",
        f"{OWN}/a%zz",
        f"{OWN}/go?next=https://evil.example/",
        f"{OWN}/go?next=%2F%2Fevil.example",
        f"{OWN}/go?next=%252F%252Fevil.example",
        f"{OWN}/go?next=/evil",
        f"{OWN}/go?next=javascript:x",
        f"{OWN}/a b",
        f"{OWN}/a\nb",
        f"{OWN}/<a>",
        f"{OWN}/a`b",
        f"{OWN}/ção",
    ],
)  # fmt: skip
def test_any_other_way_to_write_one_counts_for_nothing(url: str) -> None:
    assert exact(url, OWN) == ""


def test_without_a_host_of_its_own_nothing_is_the_sources() -> None:
    assert exact(f"{OWN}/a", origin("http://help.acme.com/")) == ""


# --- of a catalogue -----------------------------------------------------------------------------


TEXT = "# Parcels\n\nThey travel.\n\n## By balloon {#balloon}\n\nUp and away.\n"


@pytest.fixture
def knowledge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Knowledge]:
    monkeypatch.setattr("knowledge.store.SHIPPED", tmp_path / "none")
    opened = Knowledge.open(tmp_path / "data", encoder=CachedEncoder(Digests()))
    yield opened
    opened.close()


def served(*paths: str, url: str = OWN, **told: Any) -> Server:
    """A site of such pages, each at its path."""
    server = Server(dict.fromkeys(paths, TEXT))
    server.told = {path: Fetched(b"", "text/markdown", url=f"{url}{path}", **told) for path in paths}
    return server


def take(knowledge: Knowledge, server: Server, source: Source = SOURCE) -> None:
    sync(knowledge, source, checks=None, actions=None, connector=server, allow_delete=True)


def urls(knowledge: Knowledge) -> dict[str, str]:
    return {document: address.url for document, address in knowledge.addresses().items()}


@pytest.mark.parametrize("kind", ["website", "zendesk"])
def test_pages_of_sites_have_addresses_and_anchors(knowledge: Knowledge, kind: str) -> None:
    take(knowledge, served("/docs/a", "/docs/b"), SOURCE.model_copy(update={"kind": kind}))
    assert urls(knowledge) == {"site:/docs/a": f"{OWN}/docs/a", "site:/docs/b": f"{OWN}/docs/b"}
    assert knowledge.addresses()["site:/docs/a"].anchors >= {"balloon"}


def test_pages_of_other_sources_have_none(knowledge: Knowledge) -> None:
    take(knowledge, served("/docs/a"), SOURCE.model_copy(update={"kind": "git"}))
    assert urls(knowledge) == {}


def test_a_page_at_another_host_is_known_and_has_no_address(knowledge: Knowledge) -> None:
    take(knowledge, served("/docs/a", url="https://evil.example"))
    assert urls(knowledge) == {"site:/docs/a": ""}


def test_what_not_everybody_may_read_is_not_named(knowledge: Knowledge) -> None:
    take(knowledge, served("/docs/a", audience="customer"))
    assert urls(knowledge) == {}


def test_a_removed_page_has_no_address_any_more(knowledge: Knowledge) -> None:
    server = served("/docs/a", "/docs/b")
    take(knowledge, server)
    assert len(urls(knowledge)) == 2
    server.gone.add("/docs/b")
    take(knowledge, server)
    assert urls(knowledge) == {"site:/docs/a": f"{OWN}/docs/a"}
    remove_source(knowledge, "site")
    assert urls(knowledge) == {}


def test_a_source_that_is_given_another_host_gives_no_address_at_the_old_one(knowledge: Knowledge) -> None:
    take(knowledge, served("/docs/a"))
    assert urls(knowledge) == {"site:/docs/a": f"{OWN}/docs/a"}
    intake.put_source(knowledge.db, SOURCE.model_copy(update={"location": "https://new.acme.com/"}))
    assert urls(knowledge) == {"site:/docs/a": ""}
