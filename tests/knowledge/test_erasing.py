"""An erased document is nowhere: every file of the data folder is read for its words and its vectors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.sync import sync
from knowledge import erasing, findings
from knowledge.erasing import erase_document, known, left
from knowledge.errors import KnowledgeError
from knowledge.health.finding import Evidence
from knowledge.index import windows
from knowledge.model import Place, Source
from knowledge.phrases import phrase
from knowledge.store import Knowledge
from tests.knowledge.filling import take_in
from tests.knowledge.letters import Letters

SECRET = "The walrus keeps its savings under the third lighthouse."
EARLIER = "The walrus kept its savings in a teapot near the harbour."
SHARED = "Our shops are open from nine to six."
AT = datetime(2026, 5, 1, tzinfo=UTC)
ID = "docs:secret.md"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for n in range(30):
        (folder / f"{n}.md").write_text(f"# Page {n}\n\n{SHARED}\n\nThe station number {n} opens at dawn.\n")
    (folder / "secret.md").write_text(f"# Walrus\n\n{EARLIER}\n")
    return folder


@pytest.fixture
def knowledge(tmp_path: Path, docs: Path) -> Iterator[Knowledge]:
    opened = Knowledge.open(tmp_path / "data", encoder=Letters())
    take_in(opened, docs)
    (docs / "secret.md").write_text(f"# Walrus\n\n- {SECRET}\n\n{SHARED}\n\nIt costs 3 € a day, você paga.\n")
    take_in(opened, docs)
    opened.search(SECRET)
    yield opened
    opened.close()


def traces(knowledge: Knowledge) -> list[str]:
    """Files with any of its words, or with the vector of any text of it."""
    texts = [f"Walrus\n{t}" for t in (EARLIER, f"- {SECRET}")] + [SECRET, EARLIER]
    vectors = [v.astype("<f4").tobytes() for v in Letters().passages(texts)]
    words = [SECRET, EARLIER, "você paga", "walrus keeps", "en_walrus"]
    return [str(file.relative_to(knowledge.folder)) for file in left(knowledge.folder, words, vectors)]


def test_an_erased_document_leaves_no_byte_of_text_or_vector(knowledge: Knowledge, docs: Path) -> None:
    version = next(d.version for d in knowledge.documents() if d.id == ID)
    quote = knowledge.search(SECRET)[0].passage
    findings.report(
        knowledge.db,
        kind="marked_wrong",
        place=Place(document=ID, quote=SECRET, version=version),
        why=phrase("marked_wrong"),
        evidence=Evidence(conversation="c", message="m", quote="no it does not"),
    )
    found = traces(knowledge)
    assert {"knowledge.db", "embeddings.db"} <= {name.removesuffix("-wal") for name in found}
    assert any(name.startswith("chroma/") for name in found)

    own = erasing.traces(knowledge, ID)
    assert SECRET in own.words
    assert own.vectors
    assert SHARED not in own.words, "other pages say that, too"
    erase_document(knowledge, ID, by="ann", at=AT)
    assert traces(knowledge) == []
    assert left(knowledge.folder, own.words, own.vectors) == []
    assert knowledge.passage(quote.id) is None
    assert all(hit.passage.document != ID for hit in knowledge.search(SECRET))
    assert findings.findings(knowledge.db) == []
    stone = erasing.tombstone(knowledge.db, ID)
    assert stone is not None
    assert (stone.title, stone.by, stone.at) == ("Walrus", "ann", AT)
    # The others are as they were.
    assert knowledge.search("station number 7 opens at dawn")[0].passage.path == "7.md"
    assert knowledge.rebuild() == 30
    with pytest.raises(KnowledgeError, match=r"was erased on 2026-05-01"):
        known(knowledge.db, ID)


def test_what_other_pages_say_as_well_stays(knowledge: Knowledge) -> None:
    assert SHARED not in erasing.traces(knowledge, ID).words
    erase_document(knowledge, ID, by="ann", at=AT)
    kept = knowledge.search(SHARED)[0].passage
    assert SHARED in kept.text
    cached = knowledge.encoder.known("passage", windows(kept))
    assert cached, "their vectors need not be computed again"


def test_a_removed_document_and_its_earlier_versions_can_be_erased(knowledge: Knowledge, docs: Path) -> None:
    (docs / "secret.md").unlink()
    take_in(knowledge, docs)
    assert traces(knowledge), "what is removed stays readable for those who cited it"
    erase_document(knowledge, ID, by="ann", at=AT)
    assert traces(knowledge) == []
    take_in(knowledge, docs)
    assert traces(knowledge) == []


def test_an_uploaded_file_goes_with_its_document(tmp_path: Path) -> None:
    knowledge = Knowledge.open(tmp_path / "data", encoder=Letters())
    try:
        uploads = knowledge.folder / "uploads"
        uploads.mkdir()
        (uploads / "secret.md").write_text(f"# Walrus\n\n{SECRET}\n")
        source = Source(id="uploads", location=str(uploads), kind="upload")
        sync(knowledge, source, checks=None, actions=None)
        assert "uploads/secret.md" in traces(knowledge)
        erase_document(knowledge, "uploads:secret.md", by="ann", at=AT)
        assert traces(knowledge) == []
    finally:
        knowledge.close()


def test_it_stays_erased_when_the_folder_is_opened_again(knowledge: Knowledge, tmp_path: Path) -> None:
    erase_document(knowledge, ID, by="ann", at=AT)
    knowledge.close()
    opened = Knowledge.open(tmp_path / "data", encoder=Letters())
    try:
        opened.keep_index(30)
        assert opened.index.standing.state == "ready"
        assert traces(opened) == []
    finally:
        opened.close()


def test_what_a_crash_cut_off_is_gone_on_with(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Knowledge) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "forget_vectors", crash)
        with pytest.raises(SystemExit):
            erase_document(knowledge, ID, by="ann", at=AT)
    assert traces(knowledge)
    for _ in range(2):  # the second time nothing is left to do
        erase_document(knowledge, ID, by="ann", at=AT)
        assert traces(knowledge) == []


def test_what_is_kept_of_it_from_before_it_moved_goes_with_it(knowledge: Knowledge, docs: Path) -> None:
    for n in (1, 2):
        (docs / "new").mkdir(exist_ok=True)
        (docs / ("secret.md" if n == 1 else "new/one.md")).rename(docs / f"new/{('one', 'two')[n - 1]}.md")
        take_in(knowledge, docs)
    (docs / "secret.md").write_text("# Bees\n\nAnother page is there now: bees dance on Mondays.\n")
    take_in(knowledge, docs)
    with pytest.raises(KnowledgeError, match=r"has moved\. Erase it where it is now: `docs:new/two\.md`"):
        known(knowledge.db, "docs:new/one.md")
    own = erasing.traces(knowledge, "docs:new/two.md")
    assert own.documents == ("docs:new/one.md", "docs:new/two.md", ID)
    assert {SECRET, EARLIER} <= set(own.words)
    erase_document(knowledge, "docs:new/two.md", by="ann", at=AT)
    assert traces(knowledge) == []
    assert left(knowledge.folder, own.words, own.vectors) == []
    assert known(knowledge.db, ID) == ("Bees", True), "which has the place now"
    with pytest.raises(KnowledgeError, match="was erased on"):
        known(knowledge.db, "docs:new/one.md")
    assert knowledge.search("bees dance on Mondays")[0].passage.document == ID


def test_nothing_that_is_not_there_can_be_erased(knowledge: Knowledge) -> None:
    with pytest.raises(KnowledgeError, match=r"is not known\. See: stepfour docs list"):
        erase_document(knowledge, "docs:nobody.md", by="ann", at=AT)
