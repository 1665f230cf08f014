"""Texts to vectors: the default encoder, a cache that embeds every text once, and centring.

Another encoder is another class with `name`, `dimensions`, `queries` and `passages`.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder.text import prepared, text_sha256

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
Kind = Literal["query", "passage"]
Key = tuple[Kind, bytes]

REMEMBERED = 20_000
"""Vectors kept in memory: 30 MB at 384 dimensions."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS embedding (
    model TEXT NOT NULL, kind TEXT NOT NULL, text_sha256 BLOB NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (model, kind, text_sha256)
)
"""
# With rows in the order of their hashes (WITHOUT ROWID) every second place in the file would be empty.


class Encoder(Protocol):
    """Safe to call from several threads; blocks, so async code calls it in a thread."""

    @property
    def name(self) -> str:
        """Model, revision and, after an `@`, how it is run. Part of the cache key."""

    @property
    def dimensions(self) -> int: ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """One unit-length row per text."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """One unit-length row per text."""


class Layered(Protocol):
    """An encoder that others can build on: what its lower layers make of a text, a row per token."""

    def lower(self, texts: Sequence[str]) -> list[Vectors]: ...


def layered(encoder: object) -> Layered | None:
    """The encoder behind caches and late loading, if it is one to build on."""
    if isinstance(encoder, CachedEncoder):
        return layered(encoder.encoder)
    if isinstance(encoder, LazyEncoder):
        return layered(encoder.loaded())
    return cast(Layered, encoder) if hasattr(encoder, "lower") else None


class LazyEncoder:
    """Loads the encoder when it is first used, once, whichever thread comes first."""

    def __init__(self, load: Callable[[], Encoder], dimensions: int) -> None:
        self.dimensions = dimensions
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Encoder | None = None

    @property
    def name(self) -> str:
        return self.loaded().name

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.loaded().queries(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self.loaded().passages(texts)

    def loaded(self) -> Encoder:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


@cache
def default_encoder(cache_dir: Path | None = None) -> Encoder:
    """The encoder of this process, loaded when first used.

    In `cache_dir` its fast form is built once (seconds, 22 MB). Without it the native engine runs,
    with the same vectors to three digits.
    """
    return LazyEncoder(lambda: _best(cache_dir), 384)


def _best(cache_dir: Path | None) -> Encoder:
    from knowledge.encoder.native import NativeEncoder

    if cache_dir:
        from knowledge.encoder.fast import CannotBuild, load_fast

        try:
            return load_fast(cache_dir)
        except CannotBuild as error:
            log.warning("embedding with the slower native engine, because %s", error)
    return NativeEncoder()


class CachedEncoder:
    """An encoder that embeds a text once: newest vectors in memory, all of them in an SQLite file.

    Without a file it only remembers, which suits the sentences of conversations.
    """

    def __init__(self, encoder: Encoder, file: Path | None = None, remembered: int = REMEMBERED) -> None:
        self.encoder = encoder
        self.file = file
        self._remembered = remembered
        self._memory: OrderedDict[Key, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self._db = _opened(file) if file else None

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def dimensions(self) -> int:
        return self.encoder.dimensions

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed("query", texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed("passage", texts)

    @property
    def kept(self) -> int:
        """How many vectors are in memory."""
        return len(self._memory)

    def missing(self, kind: Kind, texts: Sequence[str]) -> int:
        """How many different texts would have to be computed."""
        keys = {(kind, text_sha256(text)) for text in texts}
        return len(keys) - len(self._known(list(keys)))

    def put(self, kind: Kind, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep vectors computed elsewhere; those already known stay as they are."""
        self._keep({(kind, sha): vector for sha, vector in zip(hashes, vectors, strict=True)})

    def known(self, kind: Kind, texts: Sequence[str]) -> list[Vectors]:
        """Vectors of those of the texts that have one already."""
        return list(self._known([(kind, text_sha256(text)) for text in texts]).values())

    def forget(self, but: Collection[bytes]) -> None:
        """Every vector goes but those of these passages, by their texts' hashes; no byte of it stays."""
        with self._lock:
            self._memory.clear()
            if not self._db:
                return
            self._db.execute("PRAGMA secure_delete = ON")
            with self._db:
                self._db.execute("DROP TABLE IF EXISTS temp.kept")  # of a time that the disk was full
                self._db.execute("CREATE TEMP TABLE kept (sha BLOB PRIMARY KEY) WITHOUT ROWID")
                self._db.executemany("INSERT INTO kept VALUES (?)", ((sha,) for sha in set(but)))
                kept = "kind = 'passage' AND text_sha256 IN (SELECT sha FROM kept)"
                self._db.execute(f"DELETE FROM embedding WHERE NOT ({kept})")  # noqa: S608 - all of it is ours
                self._db.execute("DROP TABLE kept")
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._lock:
            if self._db:
                self._db.close()
                self._db = None

    def _embed(self, kind: Kind, texts: Sequence[str]) -> Vectors:
        keys: list[Key] = [(kind, text_sha256(text)) for text in texts]
        known = self._known(keys)
        new = {key: prepared(text) for key, text in zip(keys, texts, strict=True) if key not in known}
        compute = self.encoder.queries if kind == "query" else self.encoder.passages
        # In slices, so that a long first sync that is stopped half-way keeps what it has done.
        for part in _slices(list(new), 64):
            computed = compute([new[key] for key in part])
            fresh = dict(zip(part, computed, strict=True))
            self._keep(fresh)
            known |= fresh
        rows = np.empty((len(keys), self.dimensions), dtype=np.float32)
        for row, key in enumerate(keys):
            rows[row] = known[key]
        return rows

    def _known(self, keys: Sequence[Key]) -> dict[Key, Vectors]:
        with self._lock:
            known = {key: self._memory[key] for key in keys if key in self._memory}
            for key in known:
                self._memory.move_to_end(key)
            if self._db:
                wanted = [key for key in dict.fromkeys(keys) if key not in known]
                for part in _slices(wanted, 500):
                    known |= self._read(self._db, part)
            return known

    def _read(self, db: sqlite3.Connection, keys: Sequence[Key]) -> dict[Key, Vectors]:
        kind = keys[0][0]
        rows = db.execute(
            "SELECT text_sha256, vector FROM embedding WHERE model = ? AND kind = ? "  # noqa: S608 - only `?`
            f"AND text_sha256 IN ({','.join('?' * len(keys))})",
            (self.name, kind, *(sha for _, sha in keys)),
        )
        found: dict[Key, Vectors] = {}
        for sha, blob in rows:
            vector = np.frombuffer(blob, dtype="<f4").astype(np.float32)
            if vector.shape == (self.dimensions,):
                found[(kind, sha)] = vector
        self._remember(found)
        return found

    def _keep(self, vectors: dict[Key, Vectors]) -> None:
        with self._lock:
            self._remember(vectors)
            if not self._db:
                return
            rows = [(self.name, kind, sha, v.astype("<f4").tobytes()) for (kind, sha), v in vectors.items()]
            try:
                with self._db:
                    self._db.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?, ?, ?)", rows)
            except sqlite3.OperationalError as error:
                log.warning(
                    "embeddings not kept in %s (%s): make room or allow writing there", self.file, error
                )

    def _remember(self, vectors: dict[Key, Vectors]) -> None:
        self._memory.update(vectors)
        while len(self._memory) > self._remembered:
            self._memory.popitem(last=False)


def _slices(items: Sequence[Key], size: int) -> Iterator[Sequence[Key]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _opened(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connected(file)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        # Damaged. It is only a cache: everything in it can be computed again.
        aside = file.with_suffix(".damaged")
        file.replace(aside)
        log.warning("the embedding cache %s could not be read (%s): moved to %s", file, error, aside)
        return _connected(file)


def _connected(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=10, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(SCHEMA)
        db.commit()
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def export_cache(
    cached: CachedEncoder, file: Path, passages: Sequence[str], queries: Sequence[str] = ()
) -> int:
    """Write the vectors of these texts, computing what is missing, to a small .npz; returns how many."""
    texts = [("passage", text) for text in dict.fromkeys(passages)]
    texts += [("query", text) for text in dict.fromkeys(queries)]
    vectors = np.vstack(
        [cached.passages(list(dict.fromkeys(passages))), cached.queries(list(dict.fromkeys(queries)))]
    )
    hashes = b"".join(text_sha256(text) for _, text in texts)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        file,
        model=np.array(cached.name),
        kinds=np.array([kind for kind, _ in texts], dtype="U7"),
        sha256=np.frombuffer(hashes, dtype=np.uint8).reshape(-1, 32),
        vectors=vectors.astype(np.float16),
    )
    return len(texts)


def import_cache(cached: CachedEncoder, file: Path) -> int:
    """Take over exported vectors; returns how many, 0 when they were made with other weights.

    The part of the name after the `@` may differ: the same weights run another way give vectors
    that agree to three digits.
    """
    with np.load(file, allow_pickle=False) as shipped:
        model, kinds = str(shipped["model"]), shipped["kinds"]
        sha256, vectors = shipped["sha256"], shipped["vectors"].astype(np.float32)
    if model.partition("@")[0] != cached.name.partition("@")[0]:
        log.warning("%s holds vectors of %s, not of %s: export it again", file, model, cached.name)
        return 0
    vectors = _unit(vectors)
    kind: Kind
    for kind in ("passage", "query"):
        rows = np.flatnonzero(kinds == kind)
        cached.put(kind, [sha256[row].tobytes() for row in rows], vectors[rows])
    return len(kinds)


def mean_of(vectors: Vectors) -> Vectors:
    """The mean to give to `centred`; take queries and passages apart, each has its own."""
    if not len(vectors):
        raise ValueError("no vectors to take a mean of: give at least one")
    mean: Vectors = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def centred(vectors: Vectors, mean: Vectors) -> Vectors:
    """Unit vectors with what all texts share taken out: E5 puts every text in a narrow cone."""
    return _unit(vectors - mean)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
