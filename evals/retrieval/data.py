"""What is measured: documents, queries with the documents they need, and conversations with a decision."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from app.errors import BadInput

Decision = Literal["answer", "ask", "no_answer"]
DECISIONS: tuple[Decision, ...] = ("answer", "ask", "no_answer")


class _Row(BaseModel):
    # Sets of other people have fields of their own.
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str


_OfKind = TypeVar("_OfKind", bound=_Row)


class Entry(_Row):
    """A document of the corpus."""

    title: str = ""
    text: str
    lang: str | None = None


class Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    role: Literal["customer", "agent"]
    text: str


class Asked(_Row):
    """A query: a sentence or more, a conversation, or what a customer is about."""

    messages: tuple[Said, ...]
    relevant: frozenset[str] = frozenset()
    lang: str | None = None
    """Left out, it is detected, as in the product."""

    @model_validator(mode="before")
    @classmethod
    def _as_conversation(cls, row: object) -> object:
        """`text` and `scenario` are conversations of one message; `text` may be a list of messages too."""
        if not isinstance(row, Mapping) or "messages" in row:
            return row
        text = row.get("text", row.get("scenario"))
        messages = text if isinstance(text, list) else [{"role": "customer", "text": text}]
        return {**row, "messages": messages}


class Task(Asked):
    decision: Decision


def corpus(file: Path) -> list[Entry]:
    """Raises `BadInput` with the line and what is wrong with it."""
    return list(_read(file, "--corpus", Entry))


def queries(file: Path, known: Sequence[Entry], option: str = "--queries") -> list[Asked]:
    """Those that need a document; one that needs none cannot be found or missed."""
    read = list(_read(file, option, Asked))
    asked = [q for q in read if q.relevant]
    if not asked:
        raise BadInput(f"{option} {file}: no row names a document in `relevant`. Add what each query needs.")
    _all_known(file, option, asked, known)
    return asked


def tasks(file: Path, known: Sequence[Entry]) -> list[Task]:
    read = list(_read(file, "--tasks", Task))
    _all_known(file, "--tasks", read, known)
    return read


def _all_known(file: Path, option: str, asked: Sequence[Asked], known: Sequence[Entry]) -> None:
    ids = {entry.id for entry in known}
    for q in asked:
        if unknown := q.relevant - ids:
            raise BadInput(
                f"{option} {file}: {q.id} needs {min(unknown)}, which the corpus does not have. "
                "Give the corpus that the queries belong to."
            )


def _read(file: Path, option: str, kind: type[_OfKind]) -> Iterator[_OfKind]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{option} {file}: cannot be read ({error}). Name a file of JSON lines.") from error
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = kind.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise BadInput(f"{option} {file}:{number}: {what}. Correct the line.") from error
        except json.JSONDecodeError as error:
            raise BadInput(f"{option} {file}:{number}: no JSON ({error}). Correct the line.") from error
        if row.id in seen:
            raise BadInput(f"{option} {file}:{number}: the id {row.id} is there twice. Give each its own.")
        seen.add(row.id)
        yield row
    if not seen:
        raise BadInput(f"{option} {file}: the file holds no rows. Name a file of JSON lines.")
