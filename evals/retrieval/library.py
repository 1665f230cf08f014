"""A corpus in the product's own knowledge base, taken in and searched as a customer's documents are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.errors import BadInput
from evals.retrieval.data import Entry
from knowledge.model import Source
from knowledge.store import Knowledge

Report = Callable[[int, int], None]


class Library:
    """The knowledge base with the way back from its documents to the ids of the corpus."""

    def __init__(self, knowledge: Knowledge, ids: dict[str, str], refused: tuple[str, ...] = ()) -> None:
        self.knowledge = knowledge
        self.refused = refused
        """Ids of documents that could not be taken in (an empty page, say): nothing finds them."""
        self._ids = ids

    def id_of(self, path: str) -> str:
        return self._ids[path]


@contextmanager
def filled(corpus: Sequence[Entry], kept: Path, progress: Report | None = None) -> Iterator[Library]:
    """`kept` is where encoder and vectors stay, so that a second run embeds nothing."""
    from evals.cases_command import open_case_knowledge
    from ingest.report import Progress
    from ingest.sync import sync

    def told(done: Progress) -> None:
        if progress:
            progress(done.done, done.total)

    with TemporaryDirectory(prefix="stepfour-eval-") as folder:
        pages = Path(folder, "corpus")
        ids = write(corpus, pages)
        knowledge = open_case_knowledge(Path(folder), kept)
        try:
            source = Source(id="corpus", location=str(pages))
            report = sync(knowledge, source, checks=None, actions=None, progress=told)
            if not knowledge.documents():
                raise BadInput(f"no document of the corpus can be taken in: {report}")
            yield Library(knowledge, ids, refused=tuple(ids[path] for path, _ in report.failed))
        finally:
            knowledge.close()


def write(corpus: Sequence[Entry], pages: Path) -> dict[str, str]:
    """A page for each document; returns path -> id. Ids of other people are no file names."""
    pages.mkdir(parents=True)
    ids = {}
    for number, entry in enumerate(corpus):
        path = f"{number:06}.md"
        front = {"title": entry.title.strip(), "lang": entry.lang}
        head = "".join(f"{key}: {json.dumps(value)}\n" for key, value in front.items() if value)
        (pages / path).write_text(f"---\n{head}---\n{_broken(entry.text)}\n", encoding="utf-8")
        ids[path] = entry.id
    return ids


def _broken(text: str) -> str:
    """A text of a single endless line is no page; it is broken between sentences."""
    return "\n".join(line if len(line) < 10_000 else line.replace(". ", ".\n") for line in text.split("\n"))
