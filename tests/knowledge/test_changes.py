"""What changed, for people: word for word, by topic, and net of what was undone meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.sync import sync
from knowledge.changes import (
    PageChange,
    StepChange,
    last_run,
    reworded,
    runs_after,
    since_of,
    topic_of,
    what_changed,
)
from knowledge.errors import KnowledgeError
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.knowledge.letters import Letters

PAGE = """---
title: Invoices
---
# Invoices

Invoices are sent on the first of each month. You can pay them
with a card or by bank transfer.

## Reminders {#reminders}

- A reminder goes out after **10 days**.
- A second one goes out after 20 days.

| Plan | Price |
| --- | --- |
| Basic | 10 EUR |
"""


def said(before: str, after: str) -> list[tuple[str, str]]:
    return [(r.before, r.after) for r in reworded(before, after)]


def test_a_sentence_is_shown_before_and_after_word_for_word() -> None:
    after = PAGE.replace("10 days", "14 days").replace("10 EUR", "12 EUR")
    assert said(PAGE, after) == [
        ("A reminder goes out after **10 days**.", "A reminder goes out after **14 days**."),
        ("| Basic | 10 EUR |", "| Basic | 12 EUR |"),
    ]
    assert [r.heading for r in reworded(PAGE, after)] == ["Reminders", "Reminders"]


def test_only_the_sentence_that_is_new_is_new() -> None:
    after = PAGE.replace("by bank transfer.", "by bank transfer. Cheques are not taken.")
    assert said(PAGE, after) == [("", "Cheques are not taken.")]
    assert said(after, PAGE) == [("Cheques are not taken.", "")]


def test_sentences_that_have_nothing_in_common_are_not_paired() -> None:
    assert said("Otters sleep afloat.\n\nBees dance.", "Prices rise in May.\n\nBees dance.") == [
        ("Otters sleep afloat.", ""),
        ("", "Prices rise in May."),
    ]


def test_wrapping_spacing_and_moving_within_the_page_are_no_change() -> None:
    wrapped = PAGE.replace("each month. You can pay them\nwith", "each\nmonth. You  can pay them with")
    assert said(PAGE, wrapped) == []
    assert said("One is here.\n\nTwo is there.\n\nThree.", "Two is there.\n\nThree.\n\nOne is here.") == []


def test_a_renamed_heading_is_a_change() -> None:
    after = PAGE.replace("## Reminders {#reminders}", "## Payment reminders {#reminders}")
    assert said(PAGE, after) == [("Reminders", "Payment reminders")]


@pytest.mark.parametrize(
    "odd", ["", "\n" * 50, "```\nnever closed", "---\nnever: closed", "|" * 500, "# " * 300]
)
def test_odd_pages_can_be_compared(odd: str) -> None:
    assert said(odd, odd) == []
    reworded(odd, PAGE)
    reworded(PAGE, odd)


def test_a_long_page_is_compared_in_bearable_time() -> None:
    old = "\n\n".join(f"Sentence number {n} says something." for n in range(6_000))
    new = old.replace("number 3000 says", "number 3000 denies")
    began = datetime.now(UTC)
    found = said(old, new)
    assert found == [("Sentence number 3000 says something.", "Sentence number 3000 denies something.")]
    assert datetime.now(UTC) - began < timedelta(seconds=10)


def test_the_topic_is_the_outermost_folder_that_is_no_language() -> None:
    assert topic_of("docs:pt-br/billing/invoices.md", "pt-br/billing/invoices.md") == "billing"
    assert topic_of("/srv/help:start.md", "start.md") == "help"
    assert topic_of("docs:en/start.md", "en/start.md") == "docs"


# --- over syncs -----------------------------------------------------------------------------------

STEPS = """---
title: Turning the lamp on
procedure: turn_on
when: The customer wants the lamp on.
subject: lamp
steps:
  - id: plug_in
  - id: switch_on
---

# Turning the lamp on

## Plug it in {#plug_in}

Put the plug into the wall.

## Switch it on {#switch_on}

Press the switch.
"""


class Docs:
    """A folder of pages and the knowledge that follows it."""

    def __init__(self, folder: Path, knowledge: Knowledge) -> None:
        self.folder, self.knowledge = folder, knowledge

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def sync(self) -> datetime:
        """Returns when it was over."""
        source = Source(id="docs", location=str(self.folder), procedures=True)
        sync(self.knowledge, source, checks=None, actions=None, approved_by=None)
        return datetime.now(UTC)

    def since(self, moment: datetime) -> list[PageChange]:
        return list(what_changed(self.knowledge.db, since=moment, now=datetime.now(UTC)).pages)


@pytest.fixture
def docs(tmp_path: Path) -> Iterator[Docs]:
    knowledge = Knowledge.open(tmp_path / "data", encoder=Letters())
    yield Docs(tmp_path / "docs", knowledge)
    knowledge.close()


def test_new_changed_moved_and_removed_pages_by_topic(docs: Docs) -> None:
    docs.write("billing/invoices.md", PAGE)
    docs.write("billing/old.md", "# Old\n\nNobody needs this any more.\n")
    docs.write("setup/start.md", "# Start\n\nPress the green button.\n")
    docs.write("setup/same.md", "# Same\n\nThis stays as it is.\n")
    before = docs.sync()
    docs.write("billing/invoices.md", PAGE.replace("10 days", "14 days"))
    (docs.folder / "billing/old.md").unlink()
    (docs.folder / "setup/start.md").rename(docs.folder / "setup/first-steps.md")
    docs.write("setup/wifi.md", "# Wi-Fi\n\nChoose your network.\n")
    docs.sync()
    found = docs.since(before)
    assert [(p.topic, p.kind, p.path, p.moved_from) for p in found] == [
        ("billing", "changed", "billing/invoices.md", None),
        ("billing", "removed", "billing/old.md", None),
        ("setup", "moved", "setup/first-steps.md", "setup/start.md"),
        ("setup", "new", "setup/wifi.md", None),
    ]
    assert found[0].sentences[0].after == "A reminder goes out after **14 days**."


@pytest.mark.parametrize("undone", ["edited back", "removed again", "removed and brought back"])
def test_what_was_undone_meanwhile_is_no_change(docs: Docs, undone: str) -> None:
    docs.write("a.md", "# A\n\nThe answer is 42.\n")
    before = docs.sync()
    if undone == "removed again":
        docs.write("b.md", "# B\n\nA page for a day.\n")
        docs.sync()
        (docs.folder / "b.md").unlink()
    elif undone == "edited back":
        docs.write("a.md", "# A\n\nThe answer is 43.\n")
        middle = docs.sync()
        docs.write("a.md", "# A\n\nThe answer is 42.\n")
    else:
        (docs.folder / "a.md").unlink()
        docs.sync()
        docs.write("a.md", "# A\n\nThe answer is 42.\n")
    after = docs.sync()
    assert docs.since(before) == []
    assert docs.since(after) == []
    if undone == "edited back":
        assert [(s.before, s.after) for s in docs.since(middle)[0].sentences] == [
            ("The answer is 43.", "The answer is 42.")
        ]


def test_many_edits_of_a_page_are_one_change(docs: Docs) -> None:
    docs.write("a.md", "# A\n\nThe answer is 1 apple.\n")
    before = docs.sync()
    for n in (2, 3, 4):
        docs.write("a.md", f"# A\n\nThe answer is {n} apples.\n")
        docs.sync()
    [change] = docs.since(before)
    assert [(s.before, s.after) for s in change.sentences] == [
        ("The answer is 1 apple.", "The answer is 4 apples.")
    ]


def test_the_procedures_that_are_touched_say_which_steps(docs: Docs) -> None:
    docs.write("lamp.md", STEPS)
    before = docs.sync()
    docs.write(
        "lamp.md",
        STEPS.replace("  - id: switch_on\n", "  - id: switch_on\n  - id: wait\n").replace(
            "Press", "Press and hold"
        )
        + "\n## Wait {#wait}\n\nIt takes a minute.\n",
    )
    docs.sync()
    [touched] = what_changed(docs.knowledge.db, since=before, now=datetime.now(UTC)).procedures
    assert (touched.procedure, touched.kind, touched.waits) == ("turn_on", "changed", True)
    assert touched.steps == (
        StepChange(step="switch_on", title="Switch it on", what=("text",)),
        StepChange(step="wait", title="Wait", what=("new",)),
    )
    (docs.folder / "lamp.md").unlink()
    docs.sync()
    [gone] = what_changed(docs.knowledge.db, since=before, now=datetime.now(UTC)).procedures
    assert (gone.kind, [s.what for s in gone.steps]) == ("removed", [("removed",), ("removed",)])


def test_a_moment_is_a_date_a_time_back_or_a_sync(docs: Docs) -> None:
    now = datetime(2026, 5, 8, 12, tzinfo=UTC)
    db = docs.knowledge.db
    assert since_of(db, "7d", now) == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert since_of(db, "12h", now) == datetime(2026, 5, 8, tzinfo=UTC)
    assert since_of(db, "2026-05-01", now) == datetime(2026, 5, 1, tzinfo=UTC)
    docs.write("a.md", "# A\n\nOne.\n")
    docs.sync()
    run = last_run(db)
    assert [p.kind for p in docs.since(since_of(db, str(run), now))] == ["new"]
    for wrong in ("yesterday", "99", "", "7w"):
        with pytest.raises(KnowledgeError, match="Give a date"):
            since_of(db, wrong, now)


def test_syncs_that_changed_something_are_told_apart_and_in_order(docs: Docs) -> None:
    docs.write("a.md", "# A\n\nOne.\n")
    docs.sync()
    first = last_run(docs.knowledge.db)
    docs.sync()
    docs.write("a.md", "# A\n\nOne and a half.\n")
    docs.sync()
    third = last_run(docs.knowledge.db)
    assert runs_after(docs.knowledge.db, 0) == [first, third]
    assert runs_after(docs.knowledge.db, first) == [third]
    [page] = what_changed(docs.knowledge.db, run=third, now=datetime.now(UTC)).pages
    assert {s.after for s in page.sentences if s.after} == {"One and a half."}
