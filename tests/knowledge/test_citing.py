"""What is said of a quote whose page changed, went or was erased."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.sync import sync
from knowledge.citing import became
from knowledge.erasing import erase_document
from knowledge.model import Cited, Fate, Source
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

    def fate(self, cited: Cited) -> Fate | str | None:
        """What became of it; with the place where that is another."""
        fate = became(self.knowledge.db, [cited]).get(cited)
        return fate if fate is None or fate.now_at else fate.became


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


def moved(docs: Docs, old: str, new: str) -> None:
    (docs.folder / new).parent.mkdir(exist_ok=True)
    (docs.folder / old).rename(docs.folder / new)
    docs.sync()


def test_a_page_that_moved_says_where_it_is(docs: Docs, cited: Cited) -> None:
    moved(docs, "walrus.md", "animals/walrus.md")
    assert docs.fate(cited) == Fate(became="moved", now_at="animals/walrus.md")
    moved(docs, "animals/walrus.md", "sea/walrus.md")
    assert docs.fate(cited) == Fate(became="moved", now_at="sea/walrus.md"), "and where from there"
    docs.write("# Walrus\n\nIt has no savings any more.\n", "sea/walrus.md")
    assert docs.fate(cited) == Fate(became="changed", now_at="sea/walrus.md")
    (docs.folder / "sea/walrus.md").unlink()
    docs.sync()
    assert docs.fate(cited) == "gone"
    erase_document(docs.knowledge, "docs:sea/walrus.md", by="ann", at=datetime(2026, 5, 1, tzinfo=UTC))
    assert docs.fate(cited) == "erased"


def test_a_page_that_came_back_has_nothing_to_say(docs: Docs, cited: Cited) -> None:
    moved(docs, "walrus.md", "sea/walrus.md")
    moved(docs, "sea/walrus.md", "walrus.md")
    assert docs.fate(cited) is None


def test_another_page_at_its_place_does_not_hide_where_it_went(docs: Docs, cited: Cited) -> None:
    moved(docs, "walrus.md", "sea/walrus.md")
    docs.write("# Bees\n\nBees dance.\n")
    assert docs.fate(cited) == Fate(became="moved", now_at="sea/walrus.md")
    docs.write("# Walrus\n\nIt has no savings any more.\n", "sea/walrus.md")
    assert docs.fate(cited) == "changed"


def test_moving_may_give_a_page_another_day(docs: Docs) -> None:
    """A repository dates a page by its last commit, and a move is one."""
    docs.write(f"# Seal\n\n{RULE} So says the seal.\n", "seal.md")
    passage = docs.knowledge.search(f"{RULE} So says the seal.")[0].passage
    cited = Cited(path="seal.md", quote="So says the seal.", updated_at=passage.updated_at)
    os.utime(docs.folder / "seal.md", (1_700_000_000, 1_700_000_000))
    moved(docs, "seal.md", "sea/seal.md")
    [now] = [d for d in docs.knowledge.documents() if d.path == "sea/seal.md"]
    assert now.updated_at != passage.updated_at
    assert docs.fate(cited) == Fate(became="moved", now_at="sea/seal.md")
