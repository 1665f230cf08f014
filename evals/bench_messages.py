"""How long messages take through `handle`: one at a time, and many conversations at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.conversation import handle
from app.demo import MESSAGES, demo_net, demo_settings
from app.main import open_services, utc_now
from app.models import Message, Principal, Procedure, Turn
from app.ports import Library, Services
from evals.bench import Row, Tell, spread_rows
from evals.case import LabelledCase
from evals.memory import CaseAccounts, principal
from evals.run import in_its_world, said, settings_for
from knowledge.store import Knowledge

if TYPE_CHECKING:
    from evals.world.spec import Spec
    from evals.world.world import World

CASES = Path(__file__).parent / "cases"
AT_ONCE = 20
WARM_UP = 5
STAGES = ("begin", "retrieve", "read", "verify", "decide", "carry out", "reply")


@dataclass(frozen=True)
class Setting:
    """What all message measurements share."""

    folder: Path
    knowledge: Knowledge
    cases: Sequence[LabelledCase]
    articles: dict[str, str]


@dataclass(frozen=True)
class Timed:
    """One message: what it led to, and when."""

    turn: Turn
    seconds: float
    """From accepted to done."""
    queue: float = 0.0
    """From accepted to begun."""


@contextmanager
def prepared(folder: Path, ours: Path, encoder_folder: Path, tell: Tell) -> Iterator[Setting]:
    """The pages taken in. No sentence of a conversation has been embedded before, as in life."""
    from evals.cases_command import add_articles, fill, read_all
    from knowledge.embedding import CachedEncoder, default_encoder

    tell("taking the pages in")
    encoder = CachedEncoder(default_encoder(encoder_folder), encoder_folder / "pages.db")
    try:
        _fill_cache(folder / "first", ours, encoder)
    finally:
        encoder.close()
    copy = folder / "embeddings.db"
    copy.write_bytes((encoder_folder / "pages.db").read_bytes())
    knowledge = Knowledge.open(
        folder / "data", encoder=CachedEncoder(default_encoder(encoder_folder), copy)
    )
    try:
        fill(knowledge, folder, ours, None)
        cases = read_all(sorted(CASES.glob("*.jsonl")))
        articles = add_articles(knowledge, folder / "articles", cases)
        yield Setting(folder, knowledge, cases, articles)
    finally:
        knowledge.close()
