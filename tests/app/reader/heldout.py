"""Conversations over procedures that no training text knows: the generalisation check of the readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.models.conversation import Message
from knowledge.model import Check, Procedure, Step

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=UTC)


class Labelled(NamedTuple):
    lang: str
    procedure: str | None
    messages: tuple[Message, ...]
    claims: dict[str, str]
    wants: bool
    flags: frozenset[str]
    """person, danger, skip, other, how, thanks, greeting, `kind-x`; `any`: any procedure."""


def procedures(file: str = "heldout_procedures.txt") -> list[Procedure]:
    text = (HERE / file).read_text(encoding="utf-8")
    return [_procedure(block) for block in re.split(r"(?m)^# ", text) if block.strip()]


def _procedure(block: str) -> Procedure:
    head, *sections = re.split(r"(?m)^## ", block)
    id, title, when, subject = (part.strip() for part in head.strip().split("|"))
    steps = []
    for section in sections:
        first, _, text = section.partition("\n")
        step, heading, check = (part.strip() for part in first.split("|"))
        steps.append(
            Step(id=step, title=heading, text=text.strip(), anchor=step, subject=subject,
                 check=Check(name="looked_at") if check == "check" else None)
        )  # fmt: skip
    return Procedure(
        id=id, document=id, version="1", path=f"{id}.md", lang="en", title=title, when=when, intro="",
        subjects=(subject,), steps=tuple(steps), action="do_it",
    )  # fmt: skip


def conversations(file: str = "heldout_conversations.txt") -> Iterator[Labelled]:
    text = (HERE / file).read_text(encoding="utf-8")
    for number, block in enumerate(re.split(r"(?m)^# ", text)[1:]):
        head, _, rest = block.partition("\n")
        lang, procedure = head.split()
        spoken, _, gold = rest.rpartition("\n= ")
        marks = gold.split()
        turns = re.split(r"(?m)^([CA]): ", spoken)[1:]
        messages = tuple(
            Message(id=f"{number}-{i}", conversation=str(number), role="customer" if who == "C" else "agent",
                    text=said.strip(), at=START + timedelta(minutes=i))
            for i, (who, said) in enumerate(zip(turns[::2], turns[1::2], strict=True))
        )  # fmt: skip
        claims = dict(mark.split(":") for mark in marks if ":" in mark)
        yield Labelled(
            lang, None if procedure == "-" else procedure, messages, claims, "want" in marks, frozenset(marks)
        )
