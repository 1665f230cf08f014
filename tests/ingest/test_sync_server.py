"""Sync with a source that is a server: what is gone, what is only missing, what moved, what failed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ingest.report import Progress, SyncReport
from ingest.sources.source import Fetched, Found, Listing
from ingest.sync import remove_source, sync
from knowledge import runs, stored
from knowledge.embedding import CachedEncoder
from knowledge.errors import KnowledgeError, SourceUnreadable, SyncEnded
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.ingest.server import Digests, Server

SOURCE = Source(id="help", location="https://help.example", kind="website")
PROCEDURE = """---
title: Use your own domain
procedure: own-domain
when: The shop should answer under a domain of the customer.
subject: domain
steps:
  - {id: add-record, check: dns_record}
---

## 1. Add the record {#add-record}

At your provider.
"""


@pytest.fixture
def encoder() -> Digests:
    return Digests()


@pytest.fixture
def knowledge(tmp_path: Path, encoder: Digests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Knowledge]:
    monkeypatch.setattr("knowledge.store.SHIPPED", tmp_path / "none")
    opened = Knowledge.open(tmp_path / "data", encoder=CachedEncoder(encoder))
    yield opened
    opened.close()


@pytest.fixture
def server() -> Server:
    return Server({f"page-{n}": f"# Page {n}\n\nFact {n} about parcels.\n" for n in range(10)})


def run(
    knowledge: Knowledge, server: Server, source: Source = SOURCE, *, allow_delete: bool = False
) -> SyncReport:
    return sync(knowledge, source, checks=None, actions=None, connector=server, allow_delete=allow_delete)


def served(knowledge: Knowledge) -> set[str]:
    return {document.path for document in knowledge.documents()}


def found(knowledge: Knowledge, query: str) -> list[str]:
    return [hit.passage.path for hit in knowledge.search(query, lang="en", limit=20)]


def test_absent_from_two_complete_listings_is_gone_and_from_one_is_missing(
    knowledge: Knowledge, server: Server
) -> None:
    run(knowledge, server)
    page = server.pages.pop("page-3")
    first = run(knowledge, server)
    assert (first.missing, first.removed) == (("page-3",), ())
    assert "page-3 is missing" in str(first)
    assert "page-3" in found(knowledge, "fact 3"), "still served"

    server.pages["page-3"] = page
    assert run(knowledge, server).missing == ()
    del server.pages["page-3"]
    assert run(knowledge, server).missing == ("page-3",), "it was there again: counted from the start"

    assert run(knowledge, server).removed == ("page-3",)
    assert "page-3" not in found(knowledge, "fact 3")


def test_an_incomplete_listing_counts_nothing_as_missing(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    del server.pages["page-3"]
    server.unreadable = [("sitemap-2.xml", "sitemap-2.xml: 500. Try again later.")]
    for _ in range(3):
        report = run(knowledge, server)
        assert (report.missing, report.removed, report.state) == ((), (), "incomplete")
        assert report.kept is not None
    server.unreadable = []
    assert run(knowledge, server).missing == ("page-3",), "the first complete listing without it"


def test_what_the_server_says_is_gone_goes_at_once(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    server.gone = {"page-3", "never-there"}
    report = run(knowledge, server)
    assert (report.removed, report.failed) == (("page-3",), ())
    assert "page-3" not in found(knowledge, "fact 3")
    assert run(knowledge, server).removed == ()


def test_what_was_never_taken_in_is_named_with_the_reason(knowledge: Knowledge, server: Server) -> None:
    server.gone = {"never-there"}
    server.failing = {"page-5"}
    server.no_page = {"page-2": "page-2: asks not to be indexed (noindex)."}
    nowhere = ("never-there", "never-there: is listed and not there.")
    hidden = ("page-2", "page-2: asks not to be indexed (noindex).")
    report = run(knowledge, server)
    assert report.left_out == (nowhere, hidden)
    assert "x page-2: asks not to be indexed (noindex). Left out.\n" in str(report)
    assert "8 added" in str(report)
    assert "1 failed, 2 left out;" in str(report)
    assert runs.last(knowledge.db)["help"].report["left_out"] == [list(nowhere), list(hidden)]

    # What was in is removed, and told as such; what only failed before was not in.
    server.failing = set()
    server.no_page |= {"page-3": "page-3: is page-4, as it says itself.", "page-5": "page-5: leads on."}
    report = run(knowledge, server)
    assert report.removed == ("page-3",)
    assert report.left_out == (nowhere, hidden, ("page-5", "page-5: leads on."))


def test_what_may_not_be_shown_any_more_goes_at_once(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    del server.pages["page-3"]
    server.refused = [("page-3", "page-3: noindex.")]
    report = run(knowledge, server)
    assert (report.removed, report.failed) == (("page-3",), (("page-3", "page-3: noindex."),))


def test_a_server_that_answers_404_to_half_of_it_stops_and_asks(knowledge: Knowledge, server: Server) -> None:
    server.pages |= {f"more-{n}": f"# More {n}\n\nWord {n}.\n" for n in range(10)}
    run(knowledge, server)
    server.gone = {f"more-{n}" for n in range(10)}
    server.pages["new"] = "# New\n\nAbout balloons.\n"
    report = run(knowledge, server)
    assert "10 of 20 documents would go" in (report.stopped or "")
    assert (report.added, report.removed) == (("new",), ())
    assert len(served(knowledge)) == 21
    assert run(knowledge, server, allow_delete=True).removed == tuple(sorted(server.gone))


def test_missing_by_the_half_stops_when_it_would_go_and_again_after_that(
    knowledge: Knowledge, server: Server
) -> None:
    run(knowledge, server)
    for n in range(6):
        del server.pages[f"page-{n}"]
    assert (run(knowledge, server).stopped, len(served(knowledge))) == (None, 10)
    assert run(knowledge, server).stopped is not None
    assert run(knowledge, server).stopped is not None
    assert len(served(knowledge)) == 10
    run(knowledge, server, allow_delete=True)
    assert len(served(knowledge)) == 4


def test_a_failed_fetch_keeps_the_version_before_it(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    server.pages["page-3"] = "# Page 3\n\nNow about lighthouses.\n"
    server.failing = {"page-3"}
    report = run(knowledge, server)
    assert [path for path, _ in report.failed] == ["page-3"]
    assert "page-3" in found(knowledge, "fact 3")
    server.failing = set()
    assert run(knowledge, server).changed == ("page-3",)
    assert "page-3" in found(knowledge, "lighthouses")


def test_a_bad_night_costs_no_download_of_everything(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    server.failing = set(server.pages)
    assert len(run(knowledge, server).failed) == 10
    server.failing = set()
    report = run(knowledge, server)
    assert (len(report.unchanged), report.failed) == (10, ()), "their etags still held"


def test_a_listing_that_tells_when_pages_changed_spares_the_fetching(
    knowledge: Knowledge, server: Server
) -> None:
    server.stamped = True
    run(knowledge, server)
    server.fetched.clear()
    server.pages["page-3"] += "More.\n"
    assert run(knowledge, server).changed == ("page-3",)
    assert server.fetched == ["page-3"]


def test_the_same_words_are_no_change_whatever_the_server_says(
    knowledge: Knowledge, server: Server, encoder: Digests
) -> None:
    server.conditional = False
    run(knowledge, server)
    versions, texts = {d.id: (d.version, d.updated_at) for d in knowledge.documents()}, encoder.texts
    server.pages = {path: text.replace("\n", "\r\n") for path, text in server.pages.items()}
    report = run(knowledge, server)
    assert (len(report.unchanged), report.passages, encoder.texts) == (10, 0, texts)
    assert {d.id: (d.version, d.updated_at) for d in knowledge.documents()} == versions


def test_what_the_source_says_beside_the_text_is_a_change_too(knowledge: Knowledge, server: Server) -> None:
    server.conditional = False
    run(knowledge, server)
    url = "https://help.example/3"
    server.told["page-3"] = Fetched(b"", "text/markdown", url=url, title="Third", lang="pt")
    assert run(knowledge, server).changed == ("page-3",)
    document = next(d for d in knowledge.documents() if d.path == "page-3")
    assert (document.title, document.lang, document.url) == ("Third", "pt", url)
    passage = next(f.passage for f in stored.current(knowledge.db, documents=["help:page-3"]))
    assert (passage.title, passage.lang) == ("Third", "pt")
    server.told["page-3"] = server.told["page-3"]._replace(audience="internal")
    run(knowledge, server)
    assert "page-3" not in found(knowledge, "fact 3")


def test_a_page_that_moved_keeps_its_vectors_and_is_said_to_have_moved(
    knowledge: Knowledge, server: Server, encoder: Digests
) -> None:
    run(knowledge, server)
    texts = encoder.texts
    server.pages["guides/three"] = server.pages.pop("page-3")
    report = run(knowledge, server)
    assert (report.moved, report.added, report.removed) == ((("page-3", "guides/three"),), (), ())
    assert (report.missing, encoder.texts) == ((), texts)
    assert "> page-3 -> guides/three" in str(report)
    assert {"page-3", "guides/three"} & set(found(knowledge, "fact 3")) == {"guides/three"}
    (change,) = runs.changes(knowledge.db, document="help:guides/three")
    assert (change.kind, change.moved_from) == ("moved", "help:page-3")
    assert run(knowledge, server).moved == ()


def test_a_move_of_everything_removes_nothing(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    server.pages = {f"new/{path}": text for path, text in server.pages.items()}
    report = run(knowledge, server)
    assert (len(report.moved), report.stopped) == (10, None)


def test_a_copy_is_no_move_and_neither_is_what_an_incomplete_listing_lacks(
    knowledge: Knowledge, server: Server
) -> None:
    run(knowledge, server)
    server.pages["copy"] = server.pages["page-3"]
    assert run(knowledge, server).added == ("copy",)
    server.pages["other"] = server.pages.pop("page-4")
    server.unreadable = [("x", "x: 500.")]
    report = run(knowledge, server)
    assert (report.added, report.moved) == (("other",), ())


def test_a_page_renamed_while_its_change_waits_keeps_what_was_approved(
    knowledge: Knowledge, server: Server
) -> None:
    source = SOURCE.model_copy(update={"procedures": True})
    server.pages["own"] = PROCEDURE
    run(knowledge, server, source)
    knowledge.approve("own-domain", "ana")
    server.pages["own"] = PROCEDURE.replace("dns_record", "tls")
    assert run(knowledge, server, source).pending == ("own-domain",)

    server.pages["guides/own"] = server.pages.pop("own")
    assert run(knowledge, server, source).moved == (("own", "guides/own"),)
    (followed,), (waiting,) = knowledge.procedures(), knowledge.pending()
    assert (followed.steps[0].check, followed.path) != (waiting.steps[0].check, "own")
    assert followed.steps[0].check is not None
    assert (followed.steps[0].check.name, followed.document) == ("dns_record", "help:guides/own")

    server.pages["renamed"] = server.pages.pop("guides/own").replace("At your", "At the")
    run(knowledge, server, source)
    run(knowledge, server, source)
    assert knowledge.procedures()[0].document == "help:renamed", "moved and changed at once, too"
    knowledge.approve("own-domain", "ana")
    check = knowledge.procedures()[0].steps[0].check
    assert check is not None
    assert check.name == "tls"


def test_a_page_that_became_empty_or_huge_keeps_its_version_and_says_why(
    knowledge: Knowledge, server: Server
) -> None:
    run(knowledge, server)
    server.pages["page-3"] = ""
    server.pages["page-4"] = "# Big\n\n" + "word " * 1_000_000
    reasons = dict(run(knowledge, server).failed)
    assert "holds no text" in reasons["page-3"]
    assert "too big (5,000,007 bytes; " in reasons["page-4"]
    assert {"page-3", "page-4"} <= served(knowledge)


def test_a_source_that_is_down_changes_nothing_and_the_run_says_so(
    knowledge: Knowledge, server: Server
) -> None:
    run(knowledge, server)
    server.down = True
    with pytest.raises(SourceUnreadable, match="server is down"):
        run(knowledge, server)
    last = runs.last(knowledge.db)["help"]
    assert (last.state, last.report["error"]) == ("failed", "the server is down. Try again later.")
    assert len(served(knowledge)) == 10


def test_every_run_is_kept_with_its_diff(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    server.pages["page-3"] += "More.\n"
    server.pages["page-x"] = "# X\n\nNew.\n"
    server.gone = {"page-4"}
    run(knowledge, server)
    newest, first = runs.runs(knowledge.db, "help")
    assert (first.state, newest.state, len(first.report["added"])) == ("complete", "complete", 10)
    assert [newest.report[kind] for kind in ("added", "changed", "removed")] == [
        ["page-x"],
        ["page-3"],
        ["page-4"],
    ]
    kinds = {change.document: change.kind for change in runs.changes(knowledge.db, run=newest.id)}
    assert kinds == {"help:page-3": "changed", "help:page-x": "added", "help:page-4": "removed"}


def test_a_run_that_is_ended_keeps_what_it_took_and_the_next_goes_on(
    knowledge: Knowledge, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.sync.EMBEDDED_TOGETHER", 1)

    def ending(progress: Progress) -> None:
        if progress.done == 5:
            raise SyncEnded("enough")

    with pytest.raises(SyncEnded):
        sync(knowledge, SOURCE, checks=None, actions=None, connector=server, progress=ending)
    last = runs.last(knowledge.db)["help"]
    assert (last.state, len(last.report["added"]), len(served(knowledge))) == ("interrupted", 4, 4)
    assert "page-0" in found(knowledge, "fact 0")
    report = run(knowledge, server)
    assert (len(report.added), len(report.unchanged)) == (6, 4)


def test_a_second_sync_waits_for_the_first(knowledge: Knowledge, server: Server) -> None:
    listing, go_on, order = threading.Event(), threading.Event(), []

    class Slow(Server):
        def listing(self, known: Mapping[str, str]) -> Listing:
            listing.set()
            assert go_on.wait(20)
            order.append("first")
            return super().listing(known)

    def second() -> None:
        run(knowledge, server)
        order.append("second")

    threads = [
        threading.Thread(target=run, args=(knowledge, Slow(server.pages), SOURCE)),
        threading.Thread(target=second),
    ]
    threads[0].start()
    assert listing.wait(20)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert order == ["first", "second"]
    first, later = reversed(runs.runs(knowledge.db, "help"))
    assert (len(first.report["added"]), later.report["unchanged"]) == (10, 10)
    assert first.finished_at is not None
    assert first.finished_at <= later.started_at


def test_a_change_of_more_than_the_schedule_reads_everything_again(
    knowledge: Knowledge, server: Server
) -> None:
    server.stamped = True
    run(knowledge, server)
    server.fetched.clear()
    run(knowledge, server, SOURCE.model_copy(update={"every": 60}))
    assert server.fetched == []
    report = run(knowledge, server, SOURCE.model_copy(update={"audience": "internal"}))
    assert (len(server.fetched), len(report.changed)) == (10, 10)


def test_a_removed_source_leaves_no_document_in_any_answer(knowledge: Knowledge, server: Server) -> None:
    run(knowledge, server)
    run(knowledge, server, SOURCE.model_copy(update={"id": "other"}))
    assert remove_source(knowledge, "help") == 10
    assert {d.source for d in knowledge.documents()} == {"other"}
    assert [s.id for s in knowledge.sources()] == ["other"]
    assert {hit.passage.document.partition(":")[0] for hit in knowledge.search("parcels", lang="en")} == {
        "other"
    }
    with pytest.raises(KnowledgeError, match="no source `help`"):
        remove_source(knowledge, "help")


def test_a_path_that_is_listed_twice_is_one_document(knowledge: Knowledge, server: Server) -> None:
    class Twice(Server):
        def listing(self, known: Mapping[str, str]) -> Listing:
            there = super().listing(known)
            return there._replace(found=[*there.found, Found("page-1", "")])

    assert len(run(knowledge, Twice(server.pages)).added) == 10
