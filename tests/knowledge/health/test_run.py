"""A look at a data folder: what is found, kept, closed, and marked."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from knowledge import findings
from knowledge.embedding import CachedEncoder
from knowledge.health.run import Told, run
from knowledge.store import Knowledge
from tests.knowledge.filling import take_in

TOLD = Told(today=date(2024, 1, 1))
KEPT = "A balloon parcel is kept at the depot for {} days."


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text(f"# Balloon depot\n\n{KEPT.format(30)}\n")
    (folder / "b.md").write_text(f"# Fetch a parcel\n\n{KEPT.format(45)} See [rules](rules.md).\n")
    return folder


@pytest.fixture
def knowledge(tmp_path: Path, docs: Path, shared_encoder: CachedEncoder) -> Iterator[Knowledge]:
    opened = Knowledge.open(tmp_path / "data", encoder=shared_encoder)
    take_in(opened, docs)
    yield opened
    opened.close()


def test_a_look_finds_marks_and_closes(knowledge: Knowledge, docs: Path) -> None:
    assert run(knowledge, TOLD).new == 2
    found = {f.kind: f for f in findings.findings(knowledge.db)}
    assert set(found) == {"contradiction", "broken_link"}
    assert knowledge.passage(knowledge.search("balloon parcel kept", lang="en")[0].passage.id) is not None
    findings.settle(knowledge.db, found["contradiction"].id, "accepted", by="ann")
    hits = knowledge.search("how long is a balloon parcel kept", lang="en")
    assert {h.mark.kind for h in hits if h.mark} == {"contradiction"}

    (docs / "b.md").write_text(f"# Fetch a parcel\n\n{KEPT.format(30)}\n")
    take_in(knowledge, docs)
    assert run(knowledge, TOLD).closed == 2
    assert findings.findings(knowledge.db) == []
    assert all(h.mark is None for h in knowledge.search("balloon parcel kept", lang="en"))


def test_a_dismissal_survives_a_look_and_ends_when_the_line_changes(knowledge: Knowledge, docs: Path) -> None:
    run(knowledge, TOLD)
    [first] = findings.findings(knowledge.db, kinds=["contradiction"])
    findings.settle(knowledge.db, first.id, "dismissed", by="ann")
    run(knowledge, TOLD)
    assert findings.get(knowledge.db, first.id).state == "dismissed"
    (docs / "b.md").write_text(f"# Fetch a parcel\n\n{KEPT.format(60)}\n")
    take_in(knowledge, docs)
    run(knowledge, TOLD)
    [second] = findings.findings(knowledge.db, kinds=["contradiction"])
    assert (second.state, second.id != first.id) == ("open", True)


def test_an_empty_folder_has_no_findings(tmp_path: Path, shared_encoder: CachedEncoder) -> None:
    knowledge = Knowledge.open(tmp_path / "empty", encoder=shared_encoder)
    assert run(knowledge, TOLD).new == 0
    knowledge.close()
