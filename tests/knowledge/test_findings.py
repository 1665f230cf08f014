"""Findings: one as long as its lines stay the same, whatever runs and conversations say again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge import findings
from knowledge.embedding import CachedEncoder
from knowledge.errors import KnowledgeError
from knowledge.health.finding import Evidence, Finding, finding_id
from knowledge.model import Place
from knowledge.phrases import phrase
from knowledge.store import Knowledge
from tests.knowledge.filling import take_in

OLD = "Support switches the balloon post on."
NEW = "You switch the balloon post on in the settings."


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "old.md").write_text(f"# Balloon post\n\n{OLD}\n")
    (folder / "new.md").write_text(f"# Balloon post again\n\n{NEW}\n")
    return folder


@pytest.fixture
def knowledge(tmp_path: Path, docs: Path, shared_encoder: CachedEncoder) -> Iterator[Knowledge]:
    opened = Knowledge.open(tmp_path / "data", encoder=shared_encoder)
    take_in(opened, docs)
    yield opened
    opened.close()


def contradiction(first: str = OLD, second: str = NEW, confidence: float = 0.9) -> Finding:
    return Finding(
        id=finding_id("contradiction", first, second),
        kind="contradiction",
        confidence=confidence,
        place=Place(document="docs:old.md", quote=first),
        other=Place(document="docs:new.md", quote=second),
        why=(phrase("contradiction.who", one=phrase("who.support"), two=phrase("who.you")),),
        todo=phrase("contradiction.todo"),
    )


def missing(knowledge: Knowledge, conversation: str = "c1", quote: str = OLD) -> Finding:
    return findings.report(
        knowledge.db,
        kind="screen_missing",
        place=Place(document="docs:old.md", quote=quote),
        why=phrase("screen_missing"),
        evidence=Evidence(
            conversation=conversation, message=f"{conversation}-m1", quote="I have no such setting"
        ),
    )


def test_the_order_and_spacing_of_the_lines_do_not_make_another_finding() -> None:
    assert finding_id("contradiction", "a  b", "c") == finding_id("contradiction", "c", "a b")
    assert finding_id("contradiction", "a", "b") != finding_id("superseded", "a", "b")


def test_a_run_keeps_what_holds_and_closes_what_does_not(knowledge: Knowledge) -> None:
    assert findings.replace(knowledge.db, [contradiction()]).new == 1
    again = findings.replace(knowledge.db, [contradiction(confidence=0.8)])
    assert (again.new, again.kept, again.closed) == (0, 1, 0)
    assert findings.findings(knowledge.db)[0].confidence == 0.8
    assert findings.replace(knowledge.db, []).closed == 1
    assert findings.findings(knowledge.db) == []
    [closed] = findings.findings(knowledge.db, closed=True)
    assert [e.what for e in findings.history(knowledge.db, closed.id)] == ["found", "closed"]


def test_dismissed_stays_dismissed_until_one_of_its_lines_changes(knowledge: Knowledge) -> None:
    findings.replace(knowledge.db, [contradiction()])
    findings.settle(knowledge.db, contradiction().id, "dismissed", by="ann", note="both are right")
    findings.replace(knowledge.db, [contradiction()])
    [kept] = findings.findings(knowledge.db)
    assert (kept.state, kept.by, kept.note) == ("dismissed", "ann", "both are right")
    findings.replace(knowledge.db, [])
    findings.replace(knowledge.db, [contradiction()])
    assert findings.findings(knowledge.db)[0].state == "dismissed"

    findings.replace(knowledge.db, [contradiction(second="You switch it on under Parcels.")])
    [changed] = findings.findings(knowledge.db)
    assert changed.state == "open"


def test_conversations_add_up_and_a_run_leaves_them_alone(knowledge: Knowledge) -> None:
    first = missing(knowledge)
    assert missing(knowledge).evidence == first.evidence
    second = missing(knowledge, "c2")
    assert second.id == first.id
    assert len(second.evidence) == 2
    assert second.confidence > first.confidence
    findings.replace(knowledge.db, [])
    assert [f.id for f in findings.findings(knowledge.db)] == [first.id]


def test_a_line_that_no_page_holds_any_more_closes_what_was_said_of_it(
    knowledge: Knowledge, docs: Path
) -> None:
    missing(knowledge)
    (docs / "old.md").write_text("# Balloon post\n\nWe switch it on for everybody.\n")
    take_in(knowledge, docs)
    findings.replace(knowledge.db, [])
    assert findings.findings(knowledge.db) == []


def test_told_again_after_a_dismissal_it_stays_dismissed_with_the_new_evidence(knowledge: Knowledge) -> None:
    findings.settle(knowledge.db, missing(knowledge).id, "dismissed", by="ann")
    again = missing(knowledge, "c2")
    assert again.state == "dismissed"
    assert [e.conversation for e in again.evidence] == ["c1", "c2"]


def test_a_question_without_a_page_has_no_place_and_stays(knowledge: Knowledge) -> None:
    found = findings.report(
        knowledge.db,
        kind="no_source",
        place=Place(document="", quote="Can I post a whale?"),
        why=phrase("no_source"),
        evidence=Evidence(conversation="c1", message="m1", quote="Can I post a whale?"),
    )
    findings.replace(knowledge.db, [])
    assert [f.id for f in findings.findings(knowledge.db)] == [found.id]


def test_a_passage_is_marked_by_what_contradicts_it_and_search_says_so(knowledge: Knowledge) -> None:
    findings.replace(knowledge.db, [contradiction()])
    hits = {h.passage.document: h for h in knowledge.search("who switches the balloon post on", lang="en")}
    mark = hits["docs:old.md"].mark
    assert mark is not None
    assert mark.other is not None
    assert (mark.place.quote, mark.other.quote) == (OLD, NEW)
    assert hits["docs:new.md"].mark is not None
    findings.settle(knowledge.db, contradiction().id, "dismissed", by="ann")
    assert all(h.mark is None for h in knowledge.search("balloon post", lang="en"))


def test_a_superseded_line_is_marked_and_the_one_in_its_place_is_not(knowledge: Knowledge) -> None:
    old = contradiction().model_copy(update={"kind": "superseded", "id": finding_id("superseded", OLD, NEW)})
    findings.replace(knowledge.db, [old])
    found = [h.passage for h in knowledge.search("balloon post", lang="en")]
    marked = findings.marks(knowledge.db, found)
    assert [m.place.document for m in marked.values()] == ["docs:old.md"]


def test_every_older_version_is_marked_as_a_whole(knowledge: Knowledge, docs: Path) -> None:
    (docs / "older.md").write_text("# Balloon post of old\n\nAsk the postmaster for a balloon.\n")
    take_in(knowledge, docs)
    place = Place(document="docs:old.md", quote="Balloon post", whole=True)
    replaced = contradiction().model_copy(
        update={
            "kind": "superseded",
            "place": place,
            "other": place.model_copy(update={"document": "docs:new.md"}),
            "also": (place.model_copy(update={"document": "docs:older.md"}),),
        }
    )
    findings.replace(knowledge.db, [replaced])
    found = [h.passage for h in knowledge.search("balloon post", lang="en")]
    marked = findings.marks(knowledge.db, found)
    assert {m.place.document for m in marked.values()} == {"docs:old.md", "docs:older.md"}


def test_a_doubtful_finding_marks_only_once_a_person_agrees(knowledge: Knowledge) -> None:
    findings.replace(knowledge.db, [contradiction(confidence=0.5)])
    found = [h.passage for h in knowledge.search("balloon post", lang="en")]
    assert findings.marks(knowledge.db, found) == {}
    findings.settle(knowledge.db, contradiction().id, "accepted", by="ann")
    assert len(findings.marks(knowledge.db, found)) == 2


def test_a_mark_goes_with_the_line(knowledge: Knowledge, docs: Path) -> None:
    findings.replace(knowledge.db, [contradiction()])
    (docs / "old.md").write_text(f"# Balloon post\n\nNew words before it.\n\n{OLD}\n")
    (docs / "new.md").write_text("# Balloon post again\n\nAsk the postmaster.\n")
    take_in(knowledge, docs)
    found = [h.passage for h in knowledge.search("balloon post", lang="en")]
    assert {m.place.document for m in findings.marks(knowledge.db, found).values()} == {"docs:old.md"}


def test_an_unknown_or_too_short_id_says_what_to_do(knowledge: Knowledge) -> None:
    with pytest.raises(KnowledgeError, match="stepfour health"):
        findings.settle(knowledge.db, "ffffffff", "accepted", by="ann")
    with pytest.raises(KnowledgeError, match="no finding"):
        findings.get(knowledge.db, "%")
    found = missing(knowledge)
    assert findings.get(knowledge.db, found.id[:6]).id == found.id


def test_nothing_of_an_erased_conversation_or_page_is_left(knowledge: Knowledge) -> None:
    missing(knowledge)
    missing(knowledge, "c2")
    assert findings.forget(knowledge.db, conversation="c1") == 0
    assert findings.forget(knowledge.db, conversation="c2") == 1
    findings.replace(knowledge.db, [contradiction()])
    assert findings.forget(knowledge.db, document="docs:new.md") == 1
    assert findings.findings(knowledge.db, closed=True) == []
