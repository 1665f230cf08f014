"""The knowledge base of one data folder: opened once, by one process, and read through `search`."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from knowledge import approvals, catalogue, findings, intake, notes, sites, stored
from knowledge import search as searching
from knowledge.approvals import Stored
from knowledge.database import open_database
from knowledge.embedding import CachedEncoder, Encoder, Vectors, centred, import_cache
from knowledge.endpoint import Reranker
from knowledge.errors import EndpointDown, KnowledgeError, KnowledgeInUse
from knowledge.index import texts_of, windows
from knowledge.keeping import KeptIndex
from knowledge.model import Address, Audience, Citation, Document, Hit, Page, Passage, Procedure, Source
from knowledge.procedures import localized
from knowledge.ranking import Shelf
from knowledge.relevance import shipped_model
from knowledge.remembered import Remembered
from knowledge.stored import Found

if TYPE_CHECKING:
    from langchain_core.vectorstores import VectorStore

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "shipped" / "pages.npz"
"""Vectors of the pages in `knowledge/pages`, so that a first start embeds nothing."""

DEFAULT_SOURCE = "pages"
"""Source id of `knowledge/pages`: its procedures need no approval the first time."""

ENOUGH = 20
"""Texts from which on a language's mean vector is its own."""

PUBLIC: frozenset[Audience] = frozenset({"public"})


class Knowledge:
    """Safe to use from several threads. Blocks: async code calls it in a thread."""

    def __init__(self, folder: Path, db: sa.Engine, encoder: CachedEncoder, lock: IO[str]) -> None:
        self.folder = folder
        self.db = db
        self.encoder = encoder
        self.index = KeptIndex(folder / "chroma", encoder, db)
        self.reranker: Reranker | None = None
        self._lock_file = lock
        self.syncing = threading.Lock()
        """Held by a sync: two at once would not know what the other has seen."""
        self._swapping = threading.Lock()
        self._swaps = 0
        self._read = (Remembered(db), -1)
        self._addresses: tuple[Mapping[str, Address], Sequence[Source], int] = ({}, (), -1)
        self._means: dict[str, Vectors] | None = None

    @classmethod
    def open(cls, folder: Path, *, encoder: Encoder) -> Knowledge:
        """Raises `KnowledgeInUse`, `SchemaTooNew`, or `KnowledgeError` where the folder cannot be used."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = owned(folder)
        except OSError as error:
            fix = "Allow writing there, or choose another data folder."
            raise KnowledgeError(f"{folder} cannot be used ({error.strerror}). {fix}") from error
        try:
            db = open_database(folder / "knowledge.db")
        except BaseException:
            lock.close()
            raise
        cached = (
            encoder
            if isinstance(encoder, CachedEncoder) and encoder.file
            else CachedEncoder(encoder, folder / "embeddings.db")
        )
        knowledge = cls(folder, db, cached, lock)
        knowledge._take_shipped()
        return knowledge

    def close(self) -> None:
        self.index.close()
        self.encoder.close()
        self.db.dispose()
        self._lock_file.close()

    # --- reading ----------------------------------------------------------------------------------

    def search(
        self,
        query: str | Sequence[tuple[str, float]],
        *,
        lang: str | None = None,
        audiences: frozenset[Audience] = PUBLIC,
        limit: int = 8,
        documents: frozenset[str] | None = None,
        langs: frozenset[str] | None = None,
        product: str | None = None,
        version: str | None = None,
    ) -> list[Hit]:
        """Passages for a sentence, or for weighted sentences, best first.

        `documents`, `langs`, `product` and `version` limit what is looked at; a page that names no product
        or version is for all of them.
        """
        self.check_index()
        if product is not None or version is not None:
            named = self._remembered().documents_for(product, version)
            documents = named if documents is None else named & documents

        def once() -> list[Hit]:
            return searching.search(
                self.shelf(),
                query,
                lang=lang,
                audiences=audiences,
                limit=limit,
                documents=documents,
                langs=langs,
            )

        # A page that is replaced between two looks would be found in neither version.
        for _ in range(3):
            before = self._swaps
            hits = once()
            if before == self._swaps and before % 2 == 0:
                return self._marked(hits)
        with self._swapping:
            return self._marked(once())

    def _marked(self, hits: Sequence[Hit]) -> list[Hit]:
        """Each with what speaks against its passage, if anything does."""
        marks = findings.marks(self.db, [hit.passage for hit in hits])
        return [hit.model_copy(update={"mark": marks.get(hit.passage.id)}) for hit in hits]

    def _remembered(self) -> Remembered:
        """What was read of the catalogue, until a document changes."""
        remembered, at = self._read
        if at != self._swaps or at % 2:
            remembered, at = self._read = (Remembered(self.db), self._swaps)
        return remembered

    def sources(self) -> list[Source]:
        return intake.sources(self.db)

    def addresses(self) -> Mapping[str, Address]:
        """Where the pages of sites are read, by document; remembered until a document or a source changes."""
        known, of, at = self._addresses
        sources = self.sources()
        if at != self._swaps or at % 2 or of != sources:
            at = self._swaps
            known = sites.addresses(self.db, sources)
            self._addresses = (known, sources, at)
        return known

    def documents(self) -> list[Document]:
        return catalogue.documents(self.db)

    def text(self, document: Document) -> str | None:
        """The page's whole text in the version that the document names, with its front matter."""
        return catalogue.version_text(self.db, document.id, document.version)

    def passage(self, id: str) -> Passage | None:
        """Of any version: what a citation named stays readable."""
        return stored.passage(self.db, id)

    def section(self, document: str, anchor: str) -> Passage | None:
        """The first current passage under that anchor."""
        found = (f.passage for f in stored.current(self.db, documents=[document]))
        return next((p for p in found if p.anchor == anchor), None)

    def verify(self, citation: Citation) -> bool:
        """The quote stands, word for word, in that version of that passage."""
        passage = self.passage(citation.passage)
        return (
            passage is not None
            and passage.document == citation.document
            and passage.version == citation.version
            and bool(citation.quote.strip())
            and citation.quote in passage.text
        )

    def vector_store(self, audience: Audience, lang: str) -> VectorStore:
        """One collection as LangChain sees it."""
        self.check_index()
        return self.index.store(audience, lang)

    # --- procedures -------------------------------------------------------------------------------

    def procedures(self) -> tuple[Procedure, ...]:
        """Approved, each as its page last said with approval; a source of your own comes before ours."""
        chosen: dict[str, Stored] = {}
        for kept in approvals.procedures(self.db):
            if kept.approved_by is None:
                continue
            before = chosen.get(kept.procedure.id)
            if before is None or (before.source == DEFAULT_SOURCE and kept.source != DEFAULT_SOURCE):
                chosen[kept.procedure.id] = kept
        documents = self.documents()
        return tuple(_with_titles(chosen[id].procedure, documents) for id in sorted(chosen))

    def pending(self) -> tuple[Procedure, ...]:
        """What pages say now and nobody has approved yet."""
        return tuple(
            s.procedure for s in approvals.procedures(self.db) if s.current and s.approved_by is None
        )

    def procedure(self, id: str, *, version: str | None = None, lang: str | None = None) -> Procedure | None:
        """One procedure, also in an older version; in the words of its translated page where there is one."""
        if version is None:
            found = next((p for p in self.procedures() if p.id == id), None)
        else:
            every = (s.procedure for s in approvals.procedures(self.db))
            found = next((p for p in every if p.id == id and p.version == version), None)
        if found is None or lang is None or lang == found.lang:
            return found
        return self._translated(found, lang)

    def approve(
        self, procedure_id: str, by: str, *, source: str | None = None, version: str | None = None
    ) -> Procedure:
        """Makes what the page says now the procedure that is followed.

        `version` (its first characters are enough) is what the person looked at: a page that says something
        else by now is refused. Raises `KnowledgeError`.
        """
        stored = approvals.waiting(self.db, procedure_id, source).newest
        now = stored.procedure.version
        seen = version is None or now.startswith(version)
        if not seen or not approvals.approve(self.db, stored.procedure, stored.source, by):
            raise KnowledgeError(
                f"the page of `{procedure_id}` changed after you looked at it. Nothing was approved: "
                f"look at the difference again (stepfour procedures diff {procedure_id})."
            )
        return stored.procedure

    def candidates(
        self, query: str | Sequence[tuple[str, float]], *, limit: int = 5
    ) -> tuple[Procedure, ...]:
        """Procedures for the text of a conversation, best first; all of them when they are few."""
        there = self.procedures()
        shelf = self.shelf()
        question = searching.ask(shelf, query, None)
        if question is None or question.direction is None or not there:
            return there[:limit]
        best: dict[str, float] = {}
        for procedure in there:
            texts = sketches(procedure)
            for (lang, _), vector in zip(texts, self.encoder.passages([t for _, t in texts]), strict=True):
                mean = shelf.means.get(lang)
                own = vector if mean is None else centred(vector, mean)
                best[procedure.id] = max(best.get(procedure.id, -1.0), float(own @ question.direction))
        return tuple(sorted(there, key=lambda p: -best[p.id])[:limit])

    # --- keeping ----------------------------------------------------------------------------------

    def check_index(self) -> None:
        """Once per opening: the index holds what the catalogue holds, or is built anew. Waits for it, unless
        `keep_index` was called."""
        self.index.ensure()

    def keep_index(self, wait_s: float) -> None:
        """For a service: checks and builds in the background, and words alone answer until that is done.

        Waits so long at most for an index that needs little or nothing.
        """
        self.index.keep(wait_s)

    def keep_index_when_asked(self, patience_s: float) -> None:
        """The same, but nothing is read before the first search; it and others wait so long from then on."""
        self.index.keep_when_asked(patience_s)

    def embed(self, pages: Sequence[Page]) -> None:
        """Into the cache, so that replacing the pages afterwards takes no time."""
        pieces = [(page.title, p) for page in pages for p in page.pieces]
        self.encoder.passages([t for title, p in pieces for t in texts_of(title, p.heading_path, p.text)])

    def rebuild(self) -> int:
        """The vector index from nothing, beside the one that answers; returns how many passages it holds."""
        held = self.index.rebuild()
        self.refresh_means()
        return held

    @contextmanager
    def swap(self) -> Iterator[None]:
        """Around a change of the catalogue and the index: a search sees all of it or nothing."""
        with self._swapping:
            self._swaps += 1
            try:
                yield
            finally:
                self._swaps += 1
                # At once, not at the next search: what was erased is not kept.
                self._read = (Remembered(self.db), -1)

    def follow(self, before: Sequence[Found], after: Sequence[Found]) -> None:
        """The index takes over what a sync changed in the catalogue."""
        kept = {(f.audience, f.passage.lang, f.passage.id) for f in after}
        gone = [f for f in before if (f.audience, f.passage.lang, f.passage.id) not in kept]
        self.index.take(after, gone)

    def refresh_means(self) -> None:
        """The mean vector of each language, after passages changed."""
        by_lang: dict[str, list[int]] = {}
        for (_, lang), nums in stored.collections(self.db).items():
            by_lang.setdefault(lang, []).extend(nums)
        means = {lang: self._mean(lang, nums) for lang, nums in by_lang.items()}
        for lang, mean in means.items():
            text = base64.b64encode(mean.astype("<f4").tobytes()).decode("ascii")
            notes.put(self.db, f"mean {lang}", f"{self.encoder.name} {text}")
        self._means = means

    def _mean(self, lang: str, nums: Sequence[int]) -> Vectors:
        """Few passages are near their own mean, and centred on it nothing would be left of them."""
        total, count = np.zeros(self.encoder.dimensions, dtype=np.float64), 0
        for part in stored.in_parts(self.db, nums):
            texts = [text for f in part for text in windows(f.passage)]
            total += self.encoder.passages(texts).sum(axis=0, dtype=np.float64)
            count += len(texts)
        mean: Vectors = (total / max(1, count)).astype(np.float32)
        if count >= ENOUGH:
            return mean
        usual = shipped_model().query_mean(self.encoder, {}, lang)
        own = count / ENOUGH
        return (mean * own + usual * (1 - own)).astype(np.float32)

    def shelf(self) -> Shelf:
        means = self._means
        if means is None:
            try:
                means = self._means = self._stored_means()
            except EndpointDown:
                means = {}
        remembered = self._remembered()
        return Shelf(self.db, self.index, self.encoder, shipped_model(), means, remembered, self.reranker)

    def _stored_means(self) -> dict[str, Vectors]:
        means: dict[str, Vectors] = {}
        for lang in {lang for _, lang in self._remembered().sizes}:
            encoder, _, text = (notes.get(self.db, f"mean {lang}") or "").partition(" ")
            if encoder != self.encoder.name:
                self.refresh_means()
                return dict(self._means or {})
            means[lang] = np.frombuffer(base64.b64decode(text), dtype="<f4")
        return means

    def _translated(self, procedure: Procedure, lang: str) -> Procedure:
        every = self.documents()
        group = next((d.group for d in every if d.id == procedure.document), None)
        source = procedure.document.partition(":")[0]
        page = next((d for d in every if d.group == group and d.lang == lang and d.source == source), None)
        text = catalogue.version_text(self.db, page.id, page.version) if page else None
        if page is None or text is None:
            steps = tuple(s.model_copy(update={"title": s.title_in(lang)}) for s in procedure.steps)
            return procedure.model_copy(update={"title": procedure.title_in(lang), "steps": steps})
        return localized(procedure, text, document=page.id, version=page.version, path=page.path, lang=lang)

    def _take_shipped(self) -> None:
        if not SHIPPED.is_file():
            return
        digest = hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
        if notes.get(self.db, "shipped vectors") != digest:
            import_cache(self.encoder, SHIPPED)
            notes.put(self.db, "shipped vectors", digest)


def _with_titles(procedure: Procedure, documents: Sequence[Document]) -> Procedure:
    """What its translated pages are called counts as its titles, where it does not give them itself."""
    here = next((d for d in documents if d.id == procedure.document), None)
    if here is None:
        return procedure
    source = procedure.document.partition(":")[0]
    given = {procedure.lang, *(lang for lang, _ in procedure.titles)}
    more = tuple(
        (d.lang, d.title)
        for d in documents
        if d.group == here.group and d.source == source and d.lang not in given
    )
    return procedure.model_copy(update={"titles": procedure.titles + more})


def sketches(procedure: Procedure) -> list[tuple[str, str]]:
    """(language, text) of texts that a request for this procedure is like."""
    langs = sorted({lang for step in procedure.steps for lang, _ in step.titles} - {procedure.lang})
    found = [(procedure.lang, f"{procedure.title}\n{procedure.when}")]
    for lang in (procedure.lang, *langs):
        steps = ". ".join(step.title_in(lang) for step in procedure.steps)
        found.append((lang, steps if langs and lang != procedure.lang else f"{procedure.title}\n{steps}"))
    return found


def owned(folder: Path) -> IO[str]:
    """The lock of a data folder's one owner. Raises `KnowledgeInUse`."""
    file = (folder / "knowledge.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        fix = "Stop it, or let it do the work: commands reach a running service by themselves."
        raise KnowledgeInUse(f"{folder} is in use by process {owner}. {fix}") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
