"""What searches remember of the catalogue: as exact as SQLite's own ranking, and right after every change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from knowledge import remembered
from knowledge.store import Knowledge
from tests.knowledge.filling import take_in, written
from tests.knowledge.letters import Letters

PAGES = {
    f"{n}.md": f"---\nproduct: {'Édge' if n % 2 else 'Mail'}\naudience: {'public' if n % 3 else 'internal'}\n"
    f"---\n# Page {n}\n\n{'The webhook retries. ' * (1 + n % 4)}{'A quota counts. ' * (n % 5)}"
    f"{'Filler. ' * n}\n"
    for n in range(40)
} | {"all.md": "# Every product\n\nThe webhook of every product.\n"}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return written(tmp_path / "docs", PAGES)


@pytest.fixture
def knowledge(tmp_path: Path, docs: Path) -> Iterator[Knowledge]:
    made = Knowledge.open(tmp_path / "data", encoder=Letters())
    take_in(made, docs)
    yield made
    made.close()


def ranked_by_sqlite(knowledge: Knowledge, match: str) -> list[tuple[int, float]]:
    query = "SELECT rowid, -rank FROM stem WHERE stem MATCH :match ORDER BY rank, rowid"
    with knowledge.db.connect() as c:
        return [(row[0], row[1]) for row in c.execute(sa.text(query), {"match": match})]


def test_words_rank_as_sqlite_ranks_them(knowledge: Knowledge) -> None:
    words = ["en_webhook", "en_quota", "en_filler", "en_nowhere"]
    every = {"public", "internal"}
    expected = ranked_by_sqlite(knowledge, " OR ".join(f'"{word}"' for word in words))
    found = knowledge.shelf().remembered.by_words(words, every, 1_000)
    assert [num for num, _ in found] == [num for num, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], rel=1e-5)
    first = knowledge.shelf().remembered.by_words(words, every, 7)
    assert first == found[:7]


def test_words_find_only_what_may_be_seen_and_is_asked_for(knowledge: Knowledge) -> None:
    here = knowledge.shelf().remembered
    mail = here.documents_for("mail", None)
    found = here.found(num for num, _ in here.by_words(["en_webhook"], {"public"}, 1_000, mail))
    assert {f.audience for f in found} == {"public"}
    assert {f.passage.path for f in found} == {"all.md"} | {f"{n}.md" for n in range(0, 40, 2) if n % 3}
    assert here.found(here.numbers({"public"}, mail)) == found


def test_a_product_is_named_in_capitals_or_not(knowledge: Knowledge) -> None:
    here = knowledge.shelf().remembered
    assert here.documents_for("ÉDGE", None) == here.documents_for("édge", None)
    assert len(here.documents_for("ÉDGE", None)) == 21


def test_what_was_read_before_a_change_answers_without_what_came_after(
    knowledge: Knowledge, docs: Path
) -> None:
    before = knowledge.shelf().remembered
    assert before.by_words(["en_quota"], {"public"}, 3)
    new = "# New\n\nA gyroscope that spins, and the webhook.\n"
    (docs / "new.md").write_text(new, encoding="utf-8")
    (docs / "1.md").unlink()
    take_in(knowledge, docs)
    assert before.by_words(["en_gyroscop"], {"public"}, 3) == []
    assert before.by_words(["en_webhook"], {"public"}, 3)
    after = knowledge.shelf().remembered
    assert after is not before
    (num, _), *others = after.by_words(["en_gyroscop"], {"public"}, 3)
    assert (after.found([num])[0].passage.path, others) == ("new.md", [])
    assert sum(after.sizes.values()) == sum(before.sizes.values())


def test_full_caches_change_nothing(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    def search() -> list[tuple[str, float]]:
        asked = ["webhook retries", "quota", "filler page", "webhook quota"] * 2
        return [
            (hit.passage.id, hit.score) for text in asked for hit in knowledge.search(text, product="mail")
        ]

    roomy = search()
    for name in ("PASSAGES", "PLACES", "WORDS", "FILTERS"):
        monkeypatch.setattr(remembered, name, 1)
    with knowledge.swap():
        pass  # as after a change: all is read anew
    assert search() == roomy
