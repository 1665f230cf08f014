"""Search as documents grow: its time, memory and disk from 1,000 passages on, beside LangChain + Chroma.

Every step is a process of its own, so that memory is that of the step alone.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.bench import Grown, Row, Tell, Times, quantile
from evals.bench_corpus import Asked, WordVectors, made_pages, questions, texts_of
from knowledge.model import Page, Source

if TYPE_CHECKING:
    from knowledge.store import Knowledge

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
QUERIES = 200
HITS = 8
NEW = "new.jsonl"
"""The pages that a size has more than the one before it."""

_ROOT = Path(__file__).parents[1]
_AT_A_TIME, _PAGES = 1_000, 50


def growth(
    folder: Path, texts: Sequence[Path], largest: int, tell: Tell, *, queries: int = QUERIES
) -> tuple[Grown, ...]:
    """Some 15 minutes for 100,000 passages; half a minute for 1,000."""
    tell("reading texts")
    found = texts_of(texts)
    asked = questions(found, queries)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    grown: list[Grown] = []
    since = 0
    for size in sizes(largest):
        tell(f"{size:,} passages: taking in")
        with (folder / NEW).open("w", encoding="utf-8") as out:
            out.writelines(f"{page.model_dump_json()}\n" for page in made_pages(found, size, since))
        taken, filled = _run("take", folder), _run("fill", folder)
        tell(f"{size:,} passages: searching")
        ours, plain = _run("search", folder), _run("search-plain", folder)
        grown.append(_grown(folder, taken, filled, ours, plain))
        since = size
    return tuple(grown)


def sizes(largest: int) -> list[int]:
    """The steps up to the largest, which is one itself."""
    return [*(size for size in SIZES if size < largest), largest]


def _grown(
    folder: Path, taken: dict[str, Any], filled: dict[str, Any], ours: dict[str, Any], plain: dict[str, Any]
) -> Grown:
    data = folder / "data"
    if filled["passages"] != taken["passages"]:
        raise RuntimeError(f"not the same on both sides: {taken} and {filled}")
    return Grown(
        passages=taken["passages"],
        documents=taken["documents"],
        n=ours["n"],
        ours=_times(ours),
        plain=_times(plain),
        take_s=taken["seconds"],
        take_cpu_s=taken["cpu"],
        plain_take_s=filled["seconds"],
        plain_take_cpu_s=filled["cpu"],
        memory_mb=ours["memory_mb"],
        plain_memory_mb=plain["memory_mb"],
        peak_mb=ours["peak_mb"],
        catalogue_mb=_size_mb(data, "knowledge.db*"),
        vectors_mb=_size_mb(data, "embeddings.db*"),
        index_mb=_size_mb(data, "chroma/**/*"),
        plain_index_mb=_size_mb(folder, "plain/**/*"),
    )


def _times(measured: dict[str, Any]) -> Times:
    wall, cpu = measured["wall_ms"], measured["cpu_ms"]
    return Times(
        p50=quantile(wall, 0.5),
        p95=quantile(wall, 0.95),
        cpu_p50=quantile(cpu, 0.5),
        cpu_p95=quantile(cpu, 0.95),
    )


def _size_mb(folder: Path, glob: str) -> float:
    return sum(file.stat().st_size for file in folder.glob(glob) if file.is_file()) / 1e6


def growth_rows(grown: Sequence[Grown]) -> list[Row]:
    """Of the smallest and the largest size."""
    rows = []
    for one in dict.fromkeys((grown[0], grown[-1])) if grown else ():
        of = f"{one.passages:,} passages"
        rows += [
            Row(
                figure=f"filtered search, {of}",
                value=one.ours.p50,
                p95=one.ours.p95,
                unit="ms",
                n=one.n,
                beside=one.plain.p50,
                beside_p95=one.plain.p95,
                note="by audience, language and product; embedding the question not included; plain: vectors "
                "alone with a filter on metadata",
            ),
            Row(
                figure=f"filtered search, {of}, processor time",
                value=one.ours.cpu_p50,
                p95=one.ours.cpu_p95,
                unit="ms",
                n=one.n,
                beside=one.plain.cpu_p50,
                beside_p95=one.plain.cpu_p95,
            ),
            Row(
                figure=f"memory, {of}",
                value=one.memory_mb,
                unit="MB",
                beside=one.plain_memory_mb,
                note=f"after the searches, no encoder loaded; at most {one.peak_mb:.0f} MB while opening",
            ),
            Row(
                figure=f"disk, {of}",
                value=one.catalogue_mb + one.vectors_mb + one.index_mb,
                unit="MB",
                beside=one.plain_index_mb,
                note=f"catalogue {one.catalogue_mb:.0f}, vectors {one.vectors_mb:.0f}, "
                f"index {one.index_mb:.0f}",
            ),
        ]
    return rows


# --- the steps, each in a process of its own ----------------------------------------------------


def _run(step: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - this very module
        [sys.executable, "-m", "evals.bench_growth", step, str(folder)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{step} of {folder} ended with {done.returncode}: {done.stderr[-2_000:]}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _opened(folder: Path) -> Knowledge:
    from knowledge.store import Knowledge

    return Knowledge.open(folder / "data", encoder=WordVectors())


def _take(folder: Path) -> dict[str, Any]:
    """As a sync does it, from the point on where a page has been read."""
    from knowledge import catalogue, intake, stored
    from knowledge.intake import FileSeen
    from knowledge.stored import Found

    source = Source(id="made", location=str(folder))
    began = _now()
    knowledge = _opened(folder)
    try:
        intake.put_source(knowledge.db, source)
        to_index: list[Found] = []
        for pages in _batches(_new_pages(folder), _PAGES):
            knowledge.embed(pages)
            for page in pages:
                seen = FileSeen(page.path, "", "", 0)
                swap = catalogue.put_page(knowledge.db, source, page, seen, approved_by=None, trusted=False)
                to_index += swap.after
            knowledge.follow((), to_index)
            to_index.clear()
        knowledge.refresh_means()
        return {
            **_since(began),
            "passages": sum(stored.passage_counts(knowledge.db).values()),
            "documents": len(knowledge.documents()),
        }
    finally:
        knowledge.close()


def _new_pages(folder: Path) -> Iterator[Page]:
    with (folder / NEW).open(encoding="utf-8") as lines:
        for line in lines:
            yield Page.model_validate_json(line)


def _batches(pages: Iterator[Page], size: int) -> Iterator[list[Page]]:
    while part := list(islice(pages, size)):
        yield part


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> dict[str, float]:
    return {"seconds": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}


def _search(folder: Path) -> dict[str, Any]:
    knowledge = _opened(folder)
    try:
        knowledge.search("warm up", lang="en")
        peak = _peak_mb()

        def search(asked: Asked) -> int:
            return len(
                knowledge.search(
                    asked.text,
                    lang=asked.lang,
                    langs=frozenset({asked.lang}),
                    product=asked.product,
                    limit=HITS,
                )
            )

        return {**_searched(folder, search), "peak_mb": peak}
    finally:
        knowledge.close()


def _searched(folder: Path, search: Callable[[Asked], int]) -> dict[str, Any]:
    asked = [Asked(*each) for each in json.loads((folder / "asked.json").read_text(encoding="utf-8"))]
    wall_ms, cpu_ms, hits = [], [], 0
    for each in asked:
        wall, cpu = time.perf_counter(), time.process_time()
        hits += search(each)
        wall_ms.append(1000 * (time.perf_counter() - wall))
        cpu_ms.append(1000 * (time.process_time() - cpu))
    if not hits:
        raise RuntimeError("nothing was found: this is no measure of search")
    return {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "n": len(asked), "memory_mb": _memory_mb(), "hits": hits}


def _plain(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma

    from knowledge.langchain_embeddings import EncoderEmbeddings

    client: Any = chromadb.PersistentClient(str(folder / "plain"), Settings(anonymized_telemetry=False))
    return Chroma(collection_name="plain", embedding_function=EncoderEmbeddings(WordVectors()), client=client)


def _fill(folder: Path) -> dict[str, Any]:
    """The same passages with what they are filtered by, in one collection."""
    began = _now()
    store = _plain(folder)
    there = set(store.get(include=[])["ids"])
    passages = 0
    for part in _rows(folder):
        passages += len(part)
        new = [row for row in part if row["id"] not in there]
        if new:
            store.add_texts(
                [row["text"] for row in new],
                metadatas=[{key: row[key] for key in ("audience", "lang", "product")} for row in new],
                ids=[row["id"] for row in new],
            )
    return {"passages": passages, **_since(began)}


def _rows(folder: Path) -> Iterator[list[dict[str, str]]]:
    import sqlite3

    db = sqlite3.connect(folder / "data" / "knowledge.db")
    try:
        found = db.execute(
            "SELECT p.id, p.title || char(10) || p.text, d.audience, d.lang, "
            "coalesce(json_extract(d.metadata, '$.product'), '') "
            "FROM passage AS p JOIN document AS d ON d.id = p.document AND d.version = p.version"
        )
        while part := found.fetchmany(_AT_A_TIME):
            yield [dict(zip(("id", "text", "audience", "lang", "product"), row, strict=True)) for row in part]
    finally:
        db.close()


def _search_plain(folder: Path) -> dict[str, Any]:
    store = _plain(folder)
    store.similarity_search("warm up", k=HITS)

    def search(asked: Asked) -> int:
        of_product = {"product": {"$in": [asked.product, ""]}}
        limits = {"$and": [{"audience": "public"}, {"lang": asked.lang}, of_product]}
        return len(store.similarity_search(asked.text, k=HITS, filter=limits))

    return _searched(folder, search)


def _memory_mb() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS = {"take": _take, "fill": _fill, "search": _search, "search-plain": _search_plain}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]))))
