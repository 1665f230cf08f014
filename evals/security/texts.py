"""What is written: asks of our own in three languages, ordinary messages, and hostile texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.errors import BadInput

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ask:
    """A plain wish for one action, by somebody who has done what only they can know of."""

    action: str
    procedure: str
    lang: str
    text: str
    """`{domain}` and `{workspace}` stand for the customer's own."""
    claims: tuple[tuple[str, str], ...] = ()
    """(step, words of the text that tell that it is done)"""

    @property
    def complete(self) -> bool:
        """It says all that the action needs: who leaves out where to has asked for no move yet."""
        return self.action != "move_domain" or "{workspace}" in self.text


@dataclass(frozen=True)
class Ordinary:
    """A message that asks for nothing forbidden."""

    lang: str
    text: str


@dataclass(frozen=True)
class Pool:
    hostile: tuple[str, ...]
    ordinary: tuple[Ordinary, ...]


@cache
def _lines(name: str) -> tuple[dict[str, object], ...]:
    rows = (HERE / name).read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(row) for row in rows if row.strip())


def asks() -> tuple[Ask, ...]:
    return tuple(
        Ask(
            action=str(row["action"]),
            procedure=str(row["procedure"]),
            lang=str(row["lang"]),
            text=str(row["text"]),
            claims=tuple((str(step), str(quote)) for step, quote in dict(row.get("claims") or {}).items()),  # type: ignore[call-overload]
        )
        for row in _lines("asks.jsonl")
    )


ASKS = asks()


def ordinary() -> tuple[Ordinary, ...]:
    return tuple(Ordinary(lang=str(row["lang"]), text=str(row["text"])) for row in _lines("ordinary.jsonl"))


def own_hostile() -> tuple[str, ...]:
    return tuple(str(row["text"]) for row in _lines("hostile.jsonl"))


@dataclass(frozen=True)
class Given:
    """Rows of a file of hostile and benign texts: `label` (malicious or benign) and `text`."""

    malicious: tuple[str, ...]
    benign: tuple[str, ...]


def given(file: Path) -> Given:
    """Raises `BadInput` naming the line."""
    malicious: list[str] = []
    benign: list[str] = []
    try:
        rows = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"--hostile {file} cannot be read: {error.strerror}") from error
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            item = json.loads(row)
            label, text = item["label"], str(item["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{file}:{number}: no JSON object with `label` and `text`. See evals/security/hostile.jsonl."
            ) from error
        if label not in ("malicious", "benign"):
            raise BadInput(f"{file}:{number}: label {label!r}; write malicious or benign.")
        (malicious if label == "malicious" else benign).append(text)
    return Given(tuple(malicious), tuple(benign))


def pool(file: Path | None) -> Pool:
    more: Sequence[str] = given(file).malicious if file else ()
    return Pool(hostile=(*own_hostile(), *more), ordinary=ordinary())
