"""A labelled conversation, as a row of a case file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import BadInput

Identity = Literal["owner", "member", "anonymous", "other"]
World = Literal["met", "not_met", "unknown"]

Gold = Literal["act", "guide", "ask", "hand_off", "decline", "answer", "acknowledge", "already", "watch"]

DANGER_TAGS = frozenset({"sensitive", "billing_dispute"})


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Said(Row):
    role: Literal["customer", "agent"]
    text: str


class Article(Row):
    title: str
    text: str


class Expect(Row):
    procedure: str | None
    claims: dict[str, str] = {}
    wants_human: bool = False
    wants_outcome: bool = False
    decision: Gold
    step: str | None = None
    never: tuple[str, ...] = ()


class LabelledCase(Row):
    id: str
    lang: str
    procedure: str | None = None
    messages: tuple[Said, ...] = Field(min_length=1)
    identity: Identity
    world: dict[str, World] = {}
    article: Article | None = None
    outcome: Literal["on", "off"] = "off"
    """Whether what the customer wants is so already."""
    waits: tuple[str, ...] = ()
    """Steps whose `not_met` only needs time."""
    expect: Expect
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ends_with_customer(self) -> LabelledCase:
        if self.messages[-1].role != "customer":
            raise ValueError("the last message must be the customer's")
        return self

    @property
    def blind(self) -> bool:
        """Run a second time with nothing to see: it is wanted, and only the steps stand before it."""
        wants = self.expect.wants_outcome and not self.expect.wants_human
        sooner = self.expect.decision in ("decline", "already", "acknowledge")
        stopped = sooner or DANGER_TAGS & set(self.tags)
        return wants and not stopped and self.expect.procedure is not None


def read_cases(path: Path) -> list[LabelledCase]:
    """All rows of a case file. Raises `BadInput` naming file and line of what cannot be used."""
    try:
        # Not `splitlines`: a text may hold U+2028 and other characters that it would cut a row at.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}. A case file is UTF-8 text with one JSON object a line.") from error
    cases = list(_rows(path, lines))
    if not cases:
        raise BadInput(f"{path}: no case in it. A case file has one JSON object a line.")
    return cases


def read_all(files: Sequence[Path]) -> list[LabelledCase]:
    """The cases of all files. Raises `BadInput` where two have one id."""
    cases: dict[str, LabelledCase] = {}
    for file in files:
        for case in read_cases(file):
            if case.id in cases:
                raise BadInput(f"{file}: id {case.id} stands in another file too. Name each case once.")
            cases[case.id] = case
    return list(cases.values())


def _rows(path: Path, lines: list[str]) -> Iterator[LabelledCase]:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = LabelledCase.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"{path}:{number}: {where or 'row'}: {first['msg']}") from error
        if case.id in seen:
            raise BadInput(f"{path}:{number}: id {case.id} stands in line {seen[case.id]} already")
        seen[case.id] = number
        yield case
