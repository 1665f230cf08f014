"""One vector index: a Chroma folder, a collection per audience and language. `keeping.py` looks after it."""

from __future__ import annotations

import itertools
import logging
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import sqlalchemy as sa

from knowledge import stored
from knowledge.embedding import Encoder, Vectors
from knowledge.model import Audience, Passage
from knowledge.stored import Found, document_of

if TYPE_CHECKING:
    from chromadb import Collection as ChromaCollection
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.types import Metadata
    from langchain_chroma import Chroma

log = logging.getLogger(__name__)

WINDOW = 1_900
"""Characters an encoder reads of a text; longer passages have a vector per window."""

WINDOWS = 6
"""Vectors a passage may have at most."""

AT_A_TIME = 200
"""Passages written to Chroma at once."""

READ_AT_ONCE = 10_000
"""Ids that Chroma is asked for at once: it takes several times their room to hand them over."""

LIMITED = 8
"""Times as many are looked at where only some documents count; again where too few did."""

CANARIES = 5

WRITES = 4
"""How often a vector that does not find itself is written. One of no length never does."""

TWINS = 5
"""Nearest that are looked at for it; so many with the very same vector may come first."""

SAME = 1e-4
"""Distance of two vectors that are one, but for rounding."""

# Unit vectors: the inner product is the cosine, and stays meaningful for a query from which the common
# mean was taken out.
HNSW: CreateCollectionConfiguration = {"hnsw": {"space": "ip", "ef_construction": 200, "ef_search": 200}}

_Name = tuple[Audience, str]


class Followed(NamedTuple):
    """What following the catalogue came to."""

    passages: int
    """Of the catalogue."""
    lacked: int
    """Passages that were not there."""
    surplus: int
    """Vectors that were too many."""
    vectors: dict[_Name, int]
    """How many each collection should hold now."""


class Nearest(Protocol):
    """What a search asks of an index."""

    def nearest(
        self,
        query: Vectors,
        audience: Audience,
        lang: str,
        limit: int,
        documents: Collection[str] | None = None,
    ) -> list[tuple[str, float]]: ...


class VectorIndex:
    """Opened when it is first used: importing Chroma takes longer than answering.

    Chroma keeps what it could not open in memory under its path: a new index needs a new folder.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self.folder = folder
        self.encoder = encoder
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._stores: dict[_Name, Chroma] = {}
        self._collections: dict[_Name, ChromaCollection] = {}

    def store(self, audience: Audience, lang: str) -> Chroma:
        """The collection as a LangChain VectorStore; made where there is none."""
        from langchain_chroma import Chroma

        from knowledge.langchain_embeddings import EncoderEmbeddings

        with self._lock:
            key: _Name = (audience, lang)
            if key not in self._stores:
                self._stores[key] = Chroma(
                    collection_name=_collection(key),
                    embedding_function=EncoderEmbeddings(self.encoder),
                    client=self._opened(),
                    collection_configuration=HNSW,
                )
            return self._stores[key]

    def nearest(
        self,
        query: Vectors,
        audience: Audience,
        lang: str,
        limit: int,
        documents: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """(passage id, inner product), nearest first; of these documents only, where some are named."""
        rows = self._rows(audience, lang)
        vector, most = query.tolist(), limit if documents is None else limit * LIMITED
        while True:
            # Ids alone: texts and metadata of so many rows would take several times as long to read.
            found = rows.query(query_embeddings=[vector], n_results=most, include=["distances"])
            ids, distances = found["ids"][0], (found["distances"] or [[]])[0]
            best: dict[str, float] = {}
            for id, distance in zip(ids, distances, strict=True):
                passage = id.rpartition("~")[0]
                if documents is None or document_of(passage) in documents:
                    best.setdefault(passage, 1 - distance)
            if documents is None or len(best) >= limit or len(ids) < most:
                return list(best.items())[:limit]
            most *= LIMITED

    def _rows(self, audience: Audience, lang: str) -> ChromaCollection:
        """The collection as Chroma sees it; made where there is none."""
        with self._lock:
            key: _Name = (audience, lang)
            if key not in self._collections:
                # Without LangChain, which takes longer to import than Chroma to open.
                self._collections[key] = self._opened().get_or_create_collection(
                    _collection(key), embedding_function=None, configuration=HNSW
                )
            return self._collections[key]

    def add(self, found: Sequence[Found]) -> None:
        for key, group in _by_collection(found).items():
            for part in _parts(group):
                texts = [text for f in part for text in windows(f.passage)]
                metadatas: list[Metadata] = [
                    {"passage": f.passage.id, "document": f.passage.document, "path": f.passage.path}
                    for f in part
                    for _ in windows(f.passage)
                ]
                ids = [id for f in part for id in _ids(f)]
                _write(self._rows(*key), _Entries(ids, self.encoder.passages(texts), texts, metadatas))

    def remove(self, found: Sequence[Found]) -> None:
        for key, group in _by_collection(found).items():
            for part in _parts(group):
                self._rows(*key).delete([id for f in part for id in _ids(f)])

    def follow(self, db: sa.Engine) -> Followed:
        """Makes the index hold exactly the current passages of the catalogue."""
        wanted = stored.collections(db)
        with self._lock:
            have = {key for c in self._opened().list_collections() if (key := _key(c.name))}
            each = [self._follow_one(key, db, wanted.get(key, [])) for key in sorted({*wanted, *have})]
        return Followed(
            passages=sum(one.passages for one in each),
            lacked=sum(one.lacked for one in each),
            surplus=sum(one.surplus for one in each),
            vectors={key: count for one in each for key, count in one.vectors.items() if count},
        )

    def counts(self) -> dict[_Name, int]:
        """How many vectors each collection that is not empty holds."""
        names = [key for c in self._opened().list_collections() if (key := _key(c.name))]
        counted = {key: self._opened().get_collection(_collection(key)).count() for key in names}
        return {key: count for key, count in counted.items() if count}

    def sound(self, db: sa.Engine) -> bool:
        """Some passages are looked up by their own vectors: a count can be right and search still blind."""
        for key, nums in stored.collections(db).items():
            for f in stored.current(db, nums=nums[:: max(1, len(nums) // CANARIES)]):
                text = windows(f.passage)[0]
                near = [id for id, _ in self.nearest(self.encoder.passages([text])[0], *key, 5)]
                # A page that says the same elsewhere may come first.
                if f.passage.id not in near and text not in {
                    windows(other.passage)[0] for other in stored.current(db, ids=near)
                }:
                    return False
        return True

    def close(self) -> None:
        if self._client is None:
            return
        from chromadb.api.client import Client

        with self._lock:
            self._stores.clear()
            self._collections.clear()
            if self._client is not None:
                cast(Client, self._client).close()
                self._client = None

    def _opened(self) -> ClientAPI:
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            self.folder.mkdir(parents=True, exist_ok=True)
            self._client = chromadb.PersistentClient(
                path=str(self.folder), settings=Settings(anonymized_telemetry=False)
            )
        return self._client

    def _follow_one(self, key: _Name, db: sa.Engine, nums: Sequence[int]) -> Followed:
        rows = self._rows(*key)
        have: set[str] = set()
        for at in itertools.count(0, READ_AT_ONCE):
            if not (ids := rows.get(include=[], limit=READ_AT_ONCE, offset=at)["ids"]):
                break
            have.update(ids)
        passages = lacked = vectors = 0
        for part in stored.in_parts(db, nums):
            # One that moved to another collection just now is handed over by the sync that moved it.
            here = [f for f in part if (f.audience, f.passage.lang) == key]
            vectors_of = [_ids(f) for f in here]
            missing = [f for f, ids in zip(here, vectors_of, strict=True) if not have.issuperset(ids)]
            if missing:
                self.add(missing)
            have.difference_update(*vectors_of)
            passages, lacked = passages + len(here), lacked + len(missing)
            vectors += sum(map(len, vectors_of))
        surplus = sorted(have)
        for start in range(0, len(surplus), AT_A_TIME):
            rows.delete(surplus[start : start + AT_A_TIME])
        return Followed(passages, lacked, len(surplus), {key: vectors})


class _Entries(NamedTuple):
    """Rows for Chroma, column by column."""

    ids: Sequence[str]
    vectors: Vectors
    texts: Sequence[str]
    metadatas: Sequence[Metadata]

    def at(self, places: Sequence[int]) -> _Entries:
        return _Entries(
            [self.ids[at] for at in places],
            self.vectors[list(places)],
            [self.texts[at] for at in places],
            [self.metadatas[at] for at in places],
        )


def _write(rows: ChromaCollection, entries: _Entries) -> None:
    """Chroma may write a vector that no way through its graph leads to (1.5.9: one in some hundred): it is
    counted and never found. Written once more, it is."""
    left = entries
    for _ in range(WRITES):
        rows.upsert(
            ids=list(left.ids),
            embeddings=left.vectors,
            documents=list(left.texts),
            metadatas=list(left.metadatas),
        )
        left = left.at(_lost(rows, left))
        if not left.ids:
            return
    log.warning("%d vectors are not found by what they say: words alone find %s", len(left.ids), left.ids)


def _lost(rows: ChromaCollection, entries: _Entries) -> list[int]:
    """The places of those that their own vectors do not find, however many twins come first."""
    found = rows.query(query_embeddings=entries.vectors, n_results=TWINS, include=["distances"])
    each = zip(entries.ids, found["ids"], found["distances"] or [], strict=True)
    return [
        at
        for at, (id, near, distances) in enumerate(each)
        if id not in near and (len(near) < TWINS or max(distances) > SAME)
    ]


def windows(passage: Passage) -> list[str]:
    """The texts that stand for a passage in the index: one, unless it is longer than encoders read."""
    return texts_of(passage.title, passage.heading_path, passage.text)


def _ids(found: Found) -> list[str]:
    """Of its vectors."""
    return [f"{found.passage.id}~{at}" for at in range(len(windows(found.passage)))]


def texts_of(title: str, heading_path: Sequence[str], text: str) -> list[str]:
    # A title without a letter is the number of a file: it says nothing.
    head = " > ".join(part for part in (title, *heading_path) if any(map(str.isalpha, part)))
    room = max(WINDOW - len(head) - 1, WINDOW // 2)
    if len(text) < room:
        return [f"{head}\n{text.rstrip()}".lstrip("\n")]
    parts = [""]
    for line in text.split("\n"):
        if parts[-1] and len(parts[-1]) + len(line) + 1 > room:
            parts.append("")
        parts[-1] += f"{line}\n"
    return [f"{head}\n{part.rstrip()}".lstrip("\n") for part in parts[:WINDOWS]]


def wanted_counts(db: sa.Engine) -> dict[_Name, int]:
    """How many vectors each collection should hold."""
    counts: dict[_Name, int] = defaultdict(int)
    for f in stored.every(db):
        counts[(f.audience, f.passage.lang)] += len(windows(f.passage))
    return dict(counts)


def broken() -> tuple[type[BaseException], ...]:
    """What Chroma raises when its files are damaged."""
    from chromadb.errors import ChromaError

    return (ChromaError, sqlite3.Error, OSError, ValueError, LookupError, RuntimeError, AttributeError)


def _collection(key: _Name) -> str:
    return f"passages-{key[0]}-{key[1]}"


def _key(collection: str) -> _Name | None:
    parts = collection.split("-")
    return (cast(Audience, parts[1]), parts[2]) if len(parts) == 3 and parts[0] == "passages" else None


def _by_collection(found: Sequence[Found]) -> dict[_Name, list[Found]]:
    groups: dict[_Name, list[Found]] = defaultdict(list)
    for f in found:
        groups[(f.audience, f.passage.lang)].append(f)
    return groups


def _parts(found: Sequence[Found]) -> Iterator[Sequence[Found]]:
    for start in range(0, len(found), AT_A_TIME):
        yield found[start : start + AT_A_TIME]
