"""Documents with something to decide, for tests of the agents' side: a changed procedure, and findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.adapters.documents import KnowledgeDocuments
from ingest.sync import sync
from knowledge import findings
from knowledge.embedding import CachedEncoder
from knowledge.findings import Replaced
from knowledge.health.finding import Evidence, Finding, Kind
from knowledge.model import Place, Source
from knowledge.phrases import Phrase, phrase
from knowledge.store import Knowledge
from tests.knowledge.letters import Letters

BELL = """---
title: Ring the bell
procedure: ring-bell
when: The bell should ring.
subject: domain
steps:
  - {id: pull}
---

It rings.

## 1. Pull {#pull}

Pull it.
"""
CHECKED = BELL.replace("{id: pull}", "{id: pull, check: click_tracking_on}")
SWITCHED = CHECKED.replace("subject: domain", "subject: domain\naction: enable_https")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Kept:
    """A data folder, its one source of procedures, and what agents get of both."""

    def __init__(self, knowledge: Knowledge, folder: Path) -> None:
        self.knowledge, self.folder = knowledge, folder
        self.documents = KnowledgeDocuments(knowledge, self.look)
        self.looks = 0

    def say(self, page: str) -> None:
        """The procedure's page says this from now on."""
        (self.folder / "bell.md").write_text(page)
        source = Source(id="own", location=str(self.folder), procedures=True)
        sync(
            self.knowledge,
            source,
            checks=frozenset({"click_tracking_on"}),
            actions=frozenset({"enable_https"}),
        )

    def look(self) -> Replaced:
        self.looks += 1
        return findings.replace(self.knowledge.db, found())


@contextmanager
def kept(folder: Path) -> Iterator[Kept]:
    """Its page was approved by rita as `BELL`, and says `CHECKED` by now."""
    (folder / "own").mkdir(parents=True)
    encoder = CachedEncoder(Letters(), folder / "embeddings.db")
    knowledge = Knowledge.open(folder / "knowledge", encoder=encoder)
    try:
        made = Kept(knowledge, folder / "own")
        made.say(BELL)
        knowledge.approve("ring-bell", "rita")
        made.say(CHECKED)
        made.look()
        yield made
    finally:
        knowledge.close()


def found() -> list[Finding]:
    def place(path: str, line: int, quote: str) -> Place:
        return Place(document=f"own:{path}", path=path, line=line, quote=quote, version="v")

    def finding(id: str, kind: Kind, confidence: float, why: Phrase, **more: object) -> Finding:
        given = {"id": id * 12, "kind": kind, "confidence": confidence, "why": (why,)}
        place_ = place(f"{id}.md", 3, "Kept for 30 days.")
        return Finding.model_validate(given | {"place": place_} | more)

    said = Evidence(conversation="c-founding", message="m", quote="That menu is not there")
    return [
        finding(
            "a",
            "contradiction",
            0.9,
            phrase("contradiction.number", one="30 days", two="45 days"),
            todo=phrase("contradiction.todo"),
            other=place("b.md", 7, "Kept for 45 days."),
        ),
        finding(
            "b",
            "broken_link",
            0.8,
            phrase("link.no_page", target=HOSTILE),
            todo=phrase("link.no_page.todo"),
        ),
        finding(
            "c",
            "screen_missing",
            0.6,
            phrase("screen_missing"),
            todo=phrase("screen_missing.todo"),
            evidence=(said,),
        ),
        finding("d", "dated", 0.2, phrase("dated", day="2026-01-01"), todo=phrase("dated.todo")),
    ]
