"""What is said of a quote whose page changed, went or was erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.sync import sync
from knowledge.citing import became
from knowledge.erasing import erase_document
from knowledge.model import Cited, Source
from knowledge.store import Knowledge
from tests.knowledge.letters import Letters

RULE = "The walrus keeps its savings under the third lighthouse."


class Docs:
    def __init__(self, folder: Path, knowledge: Knowledge) -> None:
        self.folder, self.knowledge = folder, knowledge

    def write(self, text: str, name: str = "walrus.md") -> None:
        (self.folder / name).write_text(text)
        self.sync()

    def sync(self) -> None:
        source = Source(id="docs", location=str(self.folder))
        sync(self.knowledge, source, checks=None, actions=None)

    def fate(self, cited: Cited) -> str | None:
        return became(self.knowledge.db, [cited]).get(cited)


@pytest.fixture
def docs(tmp_path: Path) -> Iterator[Docs]:
    (tmp_path / "docs").mkdir()
    knowledge = Knowledge.open(tmp_path / "data", encoder=Letters())
    made = Docs(tmp_path / "docs", knowledge)
    made.write(f"---\nupdated: 2026-01-01\n---\n# Walrus\n\n{RULE}\n")
    yield made
    knowledge.close()


@pytest.fixture
def cited(docs: Docs) -> Cited:
    passage = docs.knowledge.search(RULE)[0].passage
    return Cited(path=passage.path, quote=RULE, updated_at=passage.updated_at)


def test_a_page_as_it_was_has_nothing_to_say(docs: Docs, cited: Cited) -> None:
    assert docs.fate(cited) is None
    docs.write("# Bees\n\nBees dance.\n", "bees.md")
    assert docs.fate(cited) is None
    assert became(docs.knowledge.db, []) == {}


@pytest.mark.parametrize(
    "text",
    [
        "---\nupdated: 2026-01-01\n---\n# Walrus\n\nThe walrus has no savings any more.\n",
        f"---\nupdated: 2026-03-01\n---\n# Walrus\n\n{RULE}\n\nAnd it moved there in March.\n",
    ],
    ids=["the words went", "the page is of another day"],
)
def test_a_page_that_changed_says_so_until_it_is_as_it_was(docs: Docs, cited: Cited, text: str) -> None:
    before = (docs.folder / "walrus.md").read_text()
    docs.write(text)
    assert docs.fate(cited) == "changed"
    docs.write(before)
    assert docs.fate(cited) is None


def test_a_page_that_went_is_gone_and_an_erased_one_is_erased(docs: Docs, cited: Cited) -> None:
    document = docs.knowledge.documents()[0].id
    (docs.folder / "walrus.md").unlink()
    docs.sync()
    assert docs.fate(cited) == "gone"
    erase_document(docs.knowledge, document, by="ann", at=datetime(2026, 5, 1, tzinfo=UTC))
    assert docs.fate(cited) == "erased"
    docs.write("# Walrus\n\nA new page of that name.\n")
    assert docs.fate(cited) == "changed"


def test_a_page_that_nobody_knows_is_gone(docs: Docs, cited: Cited) -> None:
    assert docs.fate(cited.model_copy(update={"path": "nowhere_%.md"})) == "gone"
