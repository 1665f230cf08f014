"""Looks after the vector index: noticed when it is damaged, built anew beside the old one, swapped at once.

`chroma/current.json` names the folder that counts; any other is left of a build that did not end. The
catalogue is the truth: whatever happens to the index, words alone answer until it is there again.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import uuid4

import sqlalchemy as sa

from knowledge import notes, stored
from knowledge.embedding import Encoder, Vectors
from knowledge.errors import KnowledgeError
from knowledge.index import VectorIndex, broken, wanted_counts
from knowledge.model import Audience
from knowledge.stored import Found

if TYPE_CHECKING:
    from langchain_chroma import Chroma

log = logging.getLogger(__name__)

POINTER = "current.json"

BUILT_AT_A_TIME = 1_000
"""Passages after which a build says how far it is and may be ended."""

PAUSES_S = (1.0, 10.0, 60.0)
"""After the first, second ... build in a row that failed it is tried again."""

LEAST_FREE = 1_000_000
"""Bytes: with less than that on the disk no index can be opened, let alone built."""

State = Literal["unchecked", "checking", "building", "ready", "failed"]


class Standing(NamedTuple):
    """How the index stands, for people."""

    state: State
    why: str = ""
    """Why it is built anew, or could not be."""
    done: int = 0
    total: int = 0
    """Passages built so far, and of how many."""

    def __str__(self) -> str:
        match self.state:
            case "building":
                return f"being built, {self.done} of {self.total} passages ({self.why})"
            case "failed":
                return f"could not be built: {self.why}"
            case _:
                return self.state


class _Pointer(NamedTuple):
    folder: str
    encoder: str
    catalogue: str
    """Id of the catalogue that it was built from: a folder copied from elsewhere has another."""


class _Ended(Exception):
    """Closed in the middle of a build."""


class KeptIndex:
    """The index as search and sync use it; safe from several threads.

    By itself it waits for whatever is to be done when it is first needed; after `keep` a thread does it.
    """

    def __init__(self, folder: Path, encoder: Encoder, db: sa.Engine) -> None:
        self.folder = folder
        self.encoder = encoder
        self.standing = Standing("unchecked")
        self._db = db
        self._number = 0
        """Newest folder that this process has used: Chroma remembers paths."""
        self._serving: VectorIndex | None = None
        self._changing = threading.Lock()
        """Held for the moment in which what serves is taken away or replaced."""
        self._working = threading.Lock()
        """Held by whoever checks or builds."""
        self._writing = threading.Lock()
        """Held while a sync's change is written, or an index takes the place of another."""
        self._keeper: threading.Thread | None = None
        self._patience_s = 0.0
        self._waited_until: float | None = None
        """Until when a search waits for the index, once one has been made."""
        self._needed, self._ready, self._closing = threading.Event(), threading.Event(), threading.Event()

    # --- use --------------------------------------------------------------------------------------

    def nearest(
        self,
        query: Vectors,
        audience: Audience,
        lang: str,
        limit: int,
        documents: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """(passage id, inner product), nearest first; nothing while there is no index to ask."""
        while (index := self._serving) is not None:
            try:
                return index.nearest(query, audience, lang, limit, documents)
            except broken() as error:
                self._lose(index, error)
        return []

    def store(self, audience: Audience, lang: str) -> Chroma:
        """The collection as a LangChain VectorStore. Raises `KnowledgeError` while there is no index."""
        index = self._serving
        if index is None:
            raise KnowledgeError(f"the vector index is {self.standing}. Try again when it is ready.")
        return index.store(audience, lang)

    def take(self, after: Sequence[Found], gone: Sequence[Found]) -> None:
        """What a sync changed in the catalogue; where there is no index, the next has it from there."""
        if not after and not gone:
            return
        if self._serving is None and self._keeper is None:
            self.ensure()  # reads the catalogue, and so has taken the change over
            return
        with self._writing:
            index = self._serving
            if index is None:
                return
            try:
                index.add(after)
                index.remove(gone)
            except broken() as error:
                self._lose(index, error)

    # --- keeping ----------------------------------------------------------------------------------

    def ensure(self) -> None:
        """Returns when the index is right, or cannot be for now; where a thread sees to that, after the wait
        that `keep_when_asked` allows."""
        if self._serving is not None:
            return
        if self._keeper is not None:
            if self._waited_until is None:  # the first search
                self._waited_until = time.monotonic() + self._patience_s
                self._needed.set()
            self._ready.wait(max(0.0, self._waited_until - time.monotonic()))
            return
        try:
            with self._working:
                if self._serving is None:
                    self._bring_up()
        except _failures() as error:
            log.warning("the vector index could not be built (%s): words alone answer", error)

    def keep(self, wait_s: float) -> None:
        """From now on a thread checks, builds, and builds anew what breaks. Waits a little for the first."""
        if self._keeper is None:
            self._waited_until = time.monotonic()
            if self._serving is None:
                self._needed.set()
            self._start_keeper()
        self._ready.wait(wait_s)

    def keep_when_asked(self, patience_s: float) -> None:
        """The same from the first search on. For so long from then on searches wait for the index."""
        if self._keeper is None:
            self._patience_s = patience_s
            self._start_keeper()

    def _start_keeper(self) -> None:
        self._keeper = threading.Thread(target=self._keep, name="vector index", daemon=True)
        self._keeper.start()

    def rebuild(self) -> int:
        """From nothing, beside the one that answers; no byte of the old one stays. Returns how many passages
        it holds."""
        with self._working:
            before = self.standing
            try:
                return self._build("asked for")
            except BaseException as error:
                # What served before serves on; where there was none, none is.
                self.standing = before if self._serving is not None else Standing("failed", str(error))
                raise

    def look(self) -> Standing:
        """How it stands; where nobody has looked yet, by looking, and changing nothing."""
        if self.standing.state != "unchecked":
            return self.standing
        index, why = self._found_there()
        if index is not None:
            try:
                why = "" if index.counts() == wanted_counts(self._db) else "it lacks passages"
                why = why or ("" if index.sound(self._db) else "its passages do not find themselves")
            except broken() as error:
                why = f"it cannot be read: {error}"
            finally:
                index.close()
        return Standing("unchecked", why if stored.passage_counts(self._db) else "")

    def close(self) -> None:
        self._closing.set()
        self._needed.set()
        if self._keeper is not None:
            self._keeper.join()
        with self._writing, self._changing:
            index, self._serving = self._serving, None
        if index is not None:
            index.close()

    def _keep(self) -> None:
        failures = 0
        while True:
            self._needed.wait()
            self._needed.clear()
            if self._closing.is_set():
                return
            try:
                with self._working:
                    if self._serving is None:
                        self._bring_up()
                failures = 0
            except _Ended:
                return
            except _failures():
                pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                failures += 1
                log.exception("the vector index is built again in %s s; until then words alone answer", pause)
                self._closing.wait(pause)
                self._needed.set()

    def _lose(self, index: VectorIndex, error: BaseException) -> None:
        """What was asked of an index failed; another one may have taken its place meanwhile."""
        with self._changing:
            if index is not self._serving:
                return
            self._serving = None
            self._ready.clear()
        log.warning("the vector index cannot be read (%s): it is built anew", error)
        self.standing = Standing("checking", f"it could not be read: {error}")
        index.close()
        self._needed.set()

    # --- checking and building --------------------------------------------------------------------

    def _bring_up(self) -> None:
        try:
            self._sweep()
            index, why = self._found_there()
            if index is not None:
                self.standing = Standing("checking")
                why = self._unfit(index)
                if not why:
                    self._publish(index, written=True)
                    return
                index.close()
            if why:
                log.warning("the vector index is built anew: %s", why)
            self._build(why or "there is none yet")
        except _Ended:
            raise
        except _failures() as error:
            self.standing = Standing("failed", str(error))
            raise

    def _unfit(self, index: VectorIndex) -> str:
        """Why an index that is there cannot serve, after it took over what it lacked."""
        try:
            followed = index.follow(self._db)
            if followed.lacked or followed.surplus:
                told = (followed.lacked, followed.surplus)
                log.info("the vector index lacked %d passages and held %d vectors too many", *told)
            return "" if index.sound(self._db) else "its passages do not find themselves"
        except broken() as error:
            if _full(error, self.folder):  # nothing is wrong with it: Chroma writes where it only reads
                raise
            return f"it cannot be read: {error}"

    def _build(self, why: str) -> int:
        if self._serving is None:
            self._clear()  # what cannot serve only takes room
        nums = [num for of in stored.collections(self._db).values() for num in of]
        self.standing = Standing("building", why, 0, len(nums))
        index = VectorIndex(self.folder / self._next_name(), self.encoder)
        try:
            for at, part in enumerate(stored.in_parts(self._db, nums, BUILT_AT_A_TIME), 1):
                if self._closing.is_set():
                    raise _Ended
                index.add(part)
                self.standing = Standing("building", why, min(at * BUILT_AT_A_TIME, len(nums)), len(nums))
            if not index.sound(self._db):
                raise KnowledgeError(
                    "passages of the new index do not find themselves. Look at the log above."
                )
            return self._publish(index, written=False)
        except BaseException:
            index.close()
            shutil.rmtree(index.folder, ignore_errors=True)
            raise

    def _publish(self, index: VectorIndex, *, written: bool) -> int:
        """The index takes over what a sync changed while it was built, and serves from then on."""
        with self._writing:
            followed = index.follow(self._db)
            if index.counts() != followed.vectors:
                raise KnowledgeError("the vector index does not hold what the catalogue holds. Start again.")
            if not written:
                self._point_to(index.folder.name)
            with self._changing:
                before, self._serving = self._serving, index
                self.standing = Standing("ready", "", followed.passages, followed.passages)
                self._ready.set()
        if before is not None:
            before.close()
        self._sweep()
        return followed.passages

    # --- files ------------------------------------------------------------------------------------

    def _found_there(self) -> tuple[VectorIndex | None, str]:
        """The index that counts, or why there is none."""
        pointer = self._pointer()
        if pointer is None:
            there = self.folder.is_dir() and any(self.folder.iterdir())
            return None, "it was not finished" if there else ""
        if not (self.folder / pointer.folder).is_dir():
            return None, "its files are gone"
        if pointer.encoder != self._space():
            return None, "its vectors are of another encoder"
        if pointer.catalogue != self._catalogue():
            return None, "it belongs to another data folder"
        self._number = max(self._number, int(pointer.folder))
        return VectorIndex(self.folder / pointer.folder, self.encoder), ""

    def _pointer(self) -> _Pointer | None:
        try:
            pointer = _Pointer(**json.loads((self.folder / POINTER).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return pointer if isinstance(pointer.folder, str) and pointer.folder.isdecimal() else None

    def _point_to(self, name: str) -> None:
        """In one move: a crash leaves the old pointer or the new one."""
        written = self.folder / f"{POINTER}.new"
        with written.open("w", encoding="utf-8") as out:
            json.dump(_Pointer(name, self._space(), self._catalogue())._asdict(), out)
            out.flush()
            os.fsync(out.fileno())
        written.replace(self.folder / POINTER)

    def _sweep(self) -> None:
        """Removes what no pointer names."""
        pointer = self._pointer()
        for folder in self.folder.glob("*"):
            if folder.is_dir() and (pointer is None or folder.name != pointer.folder):
                shutil.rmtree(folder, ignore_errors=True)

    def _clear(self) -> None:
        (self.folder / POINTER).unlink(missing_ok=True)
        self._sweep()

    def _next_name(self) -> str:
        there = [int(f.name) for f in self.folder.glob("*") if f.name.isdecimal()]
        self._number = max([*there, self._number]) + 1
        return str(self._number)

    def _space(self) -> str:
        return self.encoder.name.split("@")[0]

    def _catalogue(self) -> str:
        id = notes.get(self._db, "catalogue id")
        if id is None:
            id = uuid4().hex
            notes.put(self._db, "catalogue id", id)
        return id


def _full(error: BaseException, folder: Path) -> bool:
    """Whether something failed because nothing can be written any more."""
    told = any(word in str(error) for word in ("disk is full", "No space left"))
    return told or shutil.disk_usage(folder).free < LEAST_FREE


def _failures() -> tuple[type[BaseException], ...]:
    return (KnowledgeError, sa.exc.SQLAlchemyError, *broken())
