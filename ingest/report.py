"""What a sync says of itself: how far it is, and what it did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from knowledge.runs import State


@dataclass(frozen=True)
class Progress:
    """How far a sync is."""

    done: int
    """Documents looked at so far, of those that are new or may have changed."""
    total: int
    path: str
    passages: int
    """Texts embedded so far, and how many it will be, judged by the documents looked at."""
    passages_total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Passages per second."""
        return self.passages / self.seconds if self.seconds > 0 else 0.0

    @property
    def document_rate(self) -> float:
        """Documents per second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; `str()` is the diff that people read."""

    source: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    """(from, to) of documents that say the same at another place."""
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Absent for the first time: still served, and gone if they are absent at the next sync, too."""
    unchanged: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    """(path, why) of what is listed, is no document of its own, and was none before."""
    pending: tuple[str, ...] = ()
    """Procedures whose steps changed: they wait for approval."""
    passages: int = 0
    seconds: float = 0.0
    complete: bool = True
    """All of the source could be listed."""
    stopped: str | None = None
    """Why documents that should go are kept until somebody says so."""
    kept: str | None = None
    """Why nothing was removed or is missing: part of the source was not seen."""

    @property
    def state(self) -> State:
        return "stopped" if self.stopped else "complete" if self.complete else "incomplete"

    def __str__(self) -> str:
        rows = [f"+ {path}" for path in self.added]
        rows += [f"~ {path}" for path in self.changed]
        rows += [f"> {old} -> {new}" for old, new in self.moved]
        rows += [f"- {path}" for path in self.removed]
        rows += [f"? {path} is missing: it goes if it is missing next time, too" for path in self.missing]
        rows += [f"! {reason}" for _, reason in self.failed]
        rows += [f"x {reason} Left out." for _, reason in self.left_out]
        rows += [
            f"? procedure {id} waits for approval. Look: stepfour procedures diff {id}" for id in self.pending
        ]
        rows += [f"! {reason}" for reason in (self.stopped, self.kept) if reason]
        counts = f"{len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed, "
        counts += f"{len(self.unchanged)} unchanged, {len(self.failed)} failed"
        counts += f", {len(self.moved)} moved" if self.moved else ""
        counts += f", {len(self.missing)} missing" if self.missing else ""
        counts += f", {len(self.left_out)} left out" if self.left_out else ""
        rows.append(f"{self.source}: {counts}; {self.passages} passages in {self.seconds:.1f} s")
        return "\n".join(rows)

    def stored(self) -> dict[str, Any]:
        """As a run keeps it."""
        return {**asdict(self), "unchanged": len(self.unchanged)}
