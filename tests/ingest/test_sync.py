"""Sync: the diff it reports, what it costs, and what it never does."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.report import Progress, SyncReport
from ingest.sync import sync
from knowledge.embedding import CachedEncoder, default_encoder
from knowledge.errors import KnowledgeError, SourceUnreadable
from knowledge.model import Source
from knowledge.store import Knowledge

PROCEDURE = """---
title: Use your own domain
procedure: own-domain
when: The shop should answer under a domain of the customer.
subject: domain
steps:
  - {id: buy-domain}
  - {id: add-record, check: dns_record}
action: connect_domain
---

## 1. Buy a domain {#buy-domain}

Any seller will do.

## 2. Add the record {#add-record}

At your provider.
"""


@pytest.fixture(scope="module")
def encoder() -> CachedEncoder:
    return CachedEncoder(default_encoder())


@pytest.fixture
def knowledge(tmp_path: Path, encoder: CachedEncoder) -> Iterator[Knowledge]:
    opened = Knowledge.open(tmp_path / "data", encoder=encoder)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    for n in range(8):
        write(made / f"page-{n}.md", f"# Page {n}\n\nFact number {n} about parcels.\n")
    return made


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    # As if written a while ago: what was written this second may change again unseen.
    past = time.time() - 60 + len(text) / 1000
    os.utime(file, (past, past))


def run(
    knowledge: Knowledge,
    folder: Path,
    *,
    id: str = "docs",
    procedures: bool = False,
    checks: frozenset[str] | None = None,
    allow_delete: bool = False,
    approved_by: str | None = None,
) -> SyncReport:
    source = Source(id=id, location=str(folder), procedures=procedures)
    return sync(
        knowledge, source, checks=checks, actions=None, allow_delete=allow_delete, approved_by=approved_by
    )


def paths(knowledge: Knowledge, query: str) -> list[str]:
    return [hit.passage.path for hit in knowledge.search(query, lang="en")]


def test_reports_what_was_added_changed_removed_and_unchanged(knowledge: Knowledge, folder: Path) -> None:
    assert len(run(knowledge, folder).added) == 8
    write(folder / "page-1.md", "# Page 1\n\nNow about lighthouses.\n")
    (folder / "page-2.md").unlink()
    write(folder / "new" / "page-9.md", "# Page 9\n\nAbout balloons.\n")
    report = run(knowledge, folder)
    assert (report.added, report.changed, report.removed) == (
        ("new/page-9.md",),
        ("page-1.md",),
        ("page-2.md",),
    )
    assert len(report.unchanged) == 6
    assert "+ new/page-9.md\n~ page-1.md\n- page-2.md\n" in str(report)
    assert paths(knowledge, "lighthouses")[0] == "page-1.md"
    assert "page-2.md" not in paths(knowledge, "fact number 2")


def test_a_second_run_embeds_and_changes_nothing(knowledge: Knowledge, folder: Path) -> None:
    run(knowledge, folder)
    before = {d.id: d.version for d in knowledge.documents()}
    seen: list[Progress] = []
    source = Source(id="docs", location=str(folder))
    report = sync(knowledge, source, checks=None, actions=None, progress=seen.append)
    assert (len(report.unchanged), report.passages, seen) == (8, 0, [])
    assert {d.id: d.version for d in knowledge.documents()} == before


def test_a_touched_file_with_the_same_words_is_unchanged(knowledge: Knowledge, folder: Path) -> None:
    run(knowledge, folder)
    os.utime(folder / "page-1.md")
    assert len(run(knowledge, folder).unchanged) == 8


def test_a_file_changed_within_the_same_second_is_seen(knowledge: Knowledge, folder: Path) -> None:
    file = folder / "page-1.md"
    file.write_text("# Page 1\n\nabc\n")
    stat = file.stat()
    run(knowledge, folder)
    file.write_text("# Page 1\n\nxyz\n")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(knowledge, folder).changed == ("page-1.md",)


def test_progress_tells_how_far_it_is(knowledge: Knowledge, folder: Path) -> None:
    seen: list[Progress] = []
    source = Source(id="docs", location=str(folder))
    sync(knowledge, source, checks=None, actions=None, progress=seen.append)
    assert [(p.done, p.total) for p in seen] == [*((n, 8) for n in range(1, 9)), (8, 8)]
    assert (seen[-1].passages, seen[-1].passages_total) == (8, 8)
    assert seen[-1].rate > 0


def test_a_file_that_cannot_be_read_is_named_and_stops_nothing_else(
    knowledge: Knowledge, folder: Path
) -> None:
    (folder / "picture.md").write_bytes(b"\x89PNG\0\0")
    write(folder / "broken.md", "---\ntitle: [a\n---\ntext\n")
    outside = folder.parent / "secret.md"
    outside.write_text("secret")
    (folder / "link.md").symlink_to(outside)
    report = run(knowledge, folder)
    assert len(report.added) == 8
    reasons = dict(report.failed)
    assert sorted(reasons) == ["broken.md", "link.md", "picture.md"]
    assert "binary" in reasons["picture.md"]
    assert reasons["broken.md"].startswith("broken.md:3: the front matter cannot be read")
    assert "outside the source" in reasons["link.md"]
    again = run(knowledge, folder)
    assert dict(again.failed) == reasons, "named again, although it was not changed"


def test_a_page_that_breaks_keeps_its_previous_version(knowledge: Knowledge, folder: Path) -> None:
    run(knowledge, folder)
    write(folder / "page-3.md", "---\ntitle: [a\n---\nbroken\n")
    report = run(knowledge, folder)
    assert [path for path, _ in report.failed] == ["page-3.md"]
    assert report.removed == ()
    assert paths(knowledge, "fact number 3")[0] == "page-3.md"


def test_a_mass_deletion_stops_and_asks(knowledge: Knowledge, folder: Path) -> None:
    run(knowledge, folder)
    for n in range(6):
        (folder / f"page-{n}.md").unlink()
    write(folder / "page-9.md", "# Page 9\n\nnew\n")
    report = run(knowledge, folder)
    assert report.stopped is not None
    assert "6 of 8 documents would go" in str(report)
    assert "--allow-delete" in str(report)
    assert (report.added, report.removed) == (("page-9.md",), ()), "what is new is taken in all the same"
    assert len(knowledge.documents()) == 9
    assert len(run(knowledge, folder, allow_delete=True).removed) == 6
    assert len(knowledge.documents()) == 3


def test_five_documents_may_go_without_asking(knowledge: Knowledge, folder: Path) -> None:
    run(knowledge, folder)
    for n in range(5):
        (folder / f"page-{n}.md").unlink()
    assert len(run(knowledge, folder).removed) == 5


def test_a_source_that_is_not_there_removes_nothing(knowledge: Knowledge, folder: Path) -> None:
    run(knowledge, folder)
    folder.rename(folder.parent / "moved")
    with pytest.raises(SourceUnreadable, match="Check the path"):
        run(knowledge, folder)
    assert len(knowledge.documents()) == 8


def test_two_sources_do_not_touch_each_other(knowledge: Knowledge, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "more" / "page-1.md", "# Other\n\nAbout walnuts.\n")
    run(knowledge, folder)
    run(knowledge, tmp_path / "more", id="more")
    (folder / "page-1.md").unlink()
    run(knowledge, folder)
    assert sorted(d.id for d in knowledge.documents() if d.path == "page-1.md") == ["more:page-1.md"]


def test_a_new_procedure_of_the_pages_needs_no_approval_and_a_change_of_steps_does(
    knowledge: Knowledge, folder: Path
) -> None:
    write(folder / "own.md", PROCEDURE)
    run(knowledge, folder, id="pages", procedures=True)
    first = knowledge.procedures()[0]

    write(folder / "own.md", PROCEDURE.replace("Any seller", "Any good seller"))
    report = run(knowledge, folder, id="pages", procedures=True)
    assert (report.changed, report.pending) == (("own.md",), ())
    assert "Any good seller" in knowledge.procedures()[0].steps[0].text, "words are active at once"

    changed = PROCEDURE.replace("  - {id: buy-domain}\n", "").replace(
        "## 1. Buy a domain {#buy-domain}\n\nAny seller will do.\n\n", ""
    )
    write(folder / "own.md", changed)
    report = run(knowledge, folder, id="pages", procedures=True)
    assert report.pending == ("own-domain",)
    assert "waits for approval" in str(report)
    assert len(knowledge.procedures()[0].steps) == 2, "the approved steps stay"

    knowledge.approve("own-domain", "ana")
    assert len(knowledge.procedures()[0].steps) == 1
    assert knowledge.procedure("own-domain", version=first.version) == first, "open cases keep their version"
    with pytest.raises(KnowledgeError, match="no change of `own-domain` waits"):
        knowledge.approve("own-domain", "ana")


def test_going_back_to_what_was_approved_needs_no_approval(knowledge: Knowledge, folder: Path) -> None:
    write(folder / "own.md", PROCEDURE)
    run(knowledge, folder, id="pages", procedures=True)
    write(folder / "own.md", PROCEDURE.replace("check: dns_record", "check: other"))
    run(knowledge, folder, id="pages", procedures=True)
    write(folder / "own.md", PROCEDURE)
    report = run(knowledge, folder, id="pages", procedures=True)
    assert report.pending == ()
    check = knowledge.procedures()[0].steps[1].check
    assert check is not None
    assert check.name == "dns_record"
    assert knowledge.pending() == ()


def test_a_removed_procedure_that_comes_back_changed_is_not_new(knowledge: Knowledge, folder: Path) -> None:
    write(folder / "own.md", PROCEDURE)
    run(knowledge, folder, id="pages", procedures=True)
    (folder / "own.md").unlink()
    run(knowledge, folder, id="pages", procedures=True)
    assert knowledge.procedures() == ()
    write(folder / "own.md", PROCEDURE.replace("action: connect_domain", "action: give_away"))
    assert run(knowledge, folder, id="pages", procedures=True).pending == ("own-domain",)


def test_procedures_of_another_source_wait_for_approval(knowledge: Knowledge, folder: Path) -> None:
    write(folder / "own.md", PROCEDURE)
    assert run(knowledge, folder, procedures=True).pending == ("own-domain",)
    assert knowledge.procedures() == ()
    assert [p.id for p in knowledge.pending()] == ["own-domain"]
    knowledge.approve("own-domain", "ana")
    assert [p.id for p in knowledge.procedures()] == ["own-domain"]


def test_a_source_without_procedures_yields_none(knowledge: Knowledge, folder: Path) -> None:
    write(folder / "own.md", PROCEDURE)
    run(knowledge, folder)
    assert (knowledge.procedures(), knowledge.pending()) == ((), ())
    assert run(knowledge, folder, procedures=True, approved_by="eval").pending == ()
    assert [p.id for p in knowledge.procedures()] == ["own-domain"]


def test_an_unknown_check_fails_the_page_and_the_previous_version_stays(
    knowledge: Knowledge, folder: Path
) -> None:
    write(folder / "own.md", PROCEDURE)
    run(knowledge, folder, id="pages", procedures=True, checks=frozenset({"dns_record"}))
    write(folder / "own.md", PROCEDURE.replace("dns_record", "dns_recrod"))
    report = run(knowledge, folder, id="pages", procedures=True, checks=frozenset({"dns_record"}))
    assert dict(report.failed)["own.md"].startswith("own.md:8: there is no check `dns_recrod`. Did you mean")
    check = knowledge.procedures()[0].steps[1].check
    assert check is not None
    assert check.name == "dns_record"


def test_a_check_that_went_away_is_noticed_without_a_change_of_the_page(
    knowledge: Knowledge, folder: Path
) -> None:
    write(folder / "own.md", PROCEDURE)
    run(knowledge, folder, id="pages", procedures=True, checks=frozenset({"dns_record"}))
    report = run(knowledge, folder, id="pages", procedures=True, checks=frozenset({"tls"}))
    assert "there is no check `dns_record`" in dict(report.failed)["own.md"]


def test_two_pages_with_one_procedure_id_are_a_mistake(knowledge: Knowledge, folder: Path) -> None:
    write(folder / "own.md", PROCEDURE)
    write(folder / "pt" / "own.md", PROCEDURE)
    report = run(knowledge, folder, id="pages", procedures=True)
    assert "pt/own.md:3: procedure `own-domain` is already on page own.md" in dict(report.failed)["pt/own.md"]


def test_a_page_for_colleagues_is_not_found_by_the_public(knowledge: Knowledge, folder: Path) -> None:
    write(folder / "page-1.md", "---\naudience: internal\n---\n# Page 1\n\nThe walnut password.\n")
    run(knowledge, folder)
    assert "page-1.md" not in paths(knowledge, "walnut password")
    inside = knowledge.search("walnut password", lang="en", audiences=frozenset({"internal"}))
    assert [hit.passage.path for hit in inside] == ["page-1.md"]
    write(folder / "page-1.md", "---\naudience: public\n---\n# Page 1\n\nThe walnut password.\n")
    run(knowledge, folder)
    assert knowledge.search("walnut password", lang="en", audiences=frozenset({"internal"})) == []
    source = Source(id="docs", location=str(folder), audience="internal")
    sync(knowledge, source, checks=None, actions=None)
    assert {hit.passage.path for hit in knowledge.search("parcels", lang="en")} == {"page-1.md"}
