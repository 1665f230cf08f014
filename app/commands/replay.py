"""Past conversations through shadow mode: everything is decided and recorded, nothing is said or done."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError, field_validator

from app.conversation import handle
from app.errors import BadInput
from app.models.people import Principal
from app.models.record import Record, Turn
from app.ports import Services
from app.settings import Settings
from knowledge.model import Procedure, Value

if TYPE_CHECKING:
    from knowledge.store import Knowledge

CHANNEL = "replay"
SOLVES = frozenset({"act", "propose", "already", "answer", "guide", "watch"})
LONGEST_TEXT = 20_000
"""As in the chat: a longer message is named rather than read in part."""
STANDS_OUT = 0.02
"""How much nearer (cosine) a message must be to one step than to the others on average, to be about it."""


class PastMessage(Value):
    role: Literal["customer", "agent"]
    text: str = Field(max_length=LONGEST_TEXT)

    @field_validator("text")
    @classmethod
    def _can_be_stored(cls, text: str) -> str:
        text.encode()  # JSON may name half a character
        return text


class PastConversation(Value):
    """A conversation as JSON. Who the customer was is told by whoever runs the command, never by the text."""

    id: str = ""
    messages: tuple[PastMessage, ...] = Field(min_length=1)
    account: str | None = None
    user: str | None = None

    def principal(self) -> Principal:
        if self.account is None or self.user is None:
            return Principal(kind="anonymous", id=self.id or "visitor")
        return Principal(kind="customer", id=self.user, account=self.account)


class Replayed(Value):
    """What would have happened in one conversation."""

    id: str
    decisions: tuple[str, ...]
    """One per customer message."""
    solved_at: int | None
    """The customer's message (from 1) at which our move would have come; None = handed over or asked."""
    messages: int
    explained_twice: tuple[str, ...] = ()
    """Steps that people explained again."""


class ReplayReport(Value):
    n: int
    solved: int
    asked: int
    handed_over: int
    explained_twice: int
    """Conversations in which people explained a step more than once."""
    steps_explained_twice: dict[str, int]
    conversations: tuple[Replayed, ...]


async def triage_file(settings: Settings, file: Path) -> Turn:
    """The turn for the last customer message of one conversation. Raises `BadInput`."""
    past = _parse(_read(file), str(file))
    async with _shadow(settings) as (services, _):
        turns = await _decide(services, past, last_only=True)
    return turns[-1]


async def replay_file(settings: Settings, file: Path, progress: Callable[[int, int], None]) -> ReplayReport:
    """Every conversation of a JSON-lines file. Raises `BadInput` naming the line that cannot be used."""
    # Not `splitlines`: JSON allows other line separators within a text.
    rows = [(n, line) for n, line in enumerate(_read(file).split("\n"), 1) if line.strip()]
    pasts = [_named(_parse(line, f"{file}:{n}"), n) for n, line in rows]
    if not pasts:
        raise BadInput(f"{file}: no conversation in it. One JSON object a line.")
    replayed = []
    async with _shadow(settings) as (services, knowledge):
        for number, past in enumerate(pasts, 1):
            turns = await _decide(services, past)
            twice = explained_twice(past, turns, knowledge)
            replayed.append(_summed(past, turns, twice))
            progress(number, len(pasts))
    return _report(replayed)


def _named(past: PastConversation, line: int) -> PastConversation:
    return past if past.id else past.model_copy(update={"id": f"line {line}"})


def _read(file: Path) -> str:
    import sys

    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}. Name a file, or - for standard input.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: not text ({error.reason}). It must be UTF-8 with JSON in it.") from error


def _parse(text: str, where: str) -> PastConversation:
    try:
        past = PastConversation.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise BadInput(f"{where}: not JSON: {error.msg} at {at}. One object with `messages`.") from error
    except RecursionError as error:
        raise BadInput(f"{where}: JSON nested too deeply. One object with `messages`.") from error
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}: {path or 'conversation'}: {first['msg']}") from error
    if not any(message.role == "customer" for message in past.messages):
        raise BadInput(f"{where}: no message with role customer, so there is nothing to read")
    return past


@asynccontextmanager
async def _shadow(settings: Settings) -> AsyncIterator[tuple[Services, Knowledge]]:
    """The real service in shadow mode on a folder of its own that is forgotten afterwards."""
    import asyncio

    from app.main import open_knowledge, open_services, sync_pages

    with tempfile.TemporaryDirectory(prefix="stepfour-replay-") as folder:
        shadow = settings.model_copy(
            update={"data_dir": Path(folder), "modes": {CHANNEL: "shadow"}, "pause_seconds": 0}
        )
        # What the installation has embedded already serves here too.
        cache = settings.data_dir if settings.data_dir.is_dir() else None
        knowledge = await asyncio.to_thread(open_knowledge, shadow, embedded_in=cache)
        try:
            await asyncio.to_thread(sync_pages, knowledge, shadow)
            async with open_services(shadow, knowledge) as services:
                yield services, knowledge
        finally:
            knowledge.close()


async def _decide(services: Services, past: PastConversation, *, last_only: bool = False) -> list[Turn]:
    conversation = await services.store.open_conversation(past.principal(), CHANNEL, context={})
    turns = []
    last = max(n for n, message in enumerate(past.messages) if message.role == "customer")
    for number, message in enumerate(past.messages[: last + 1]):
        stored, _ = await services.store.accept(
            conversation, message.role, message.text, client_id=str(number), context={}
        )
        if message.role == "customer" and (number == last or not last_only):
            turns.append(await handle(services, stored.id))
    await _close_cases(services, past.principal().party)
    return turns


async def _close_cases(services: Services, party: str) -> None:
    """Each past conversation starts afresh: what was left open in one is not what the next goes on with."""
    for case in await services.store.open_cases(party):
        closed = case.model_copy(update={"state": "closed"})
        await services.store.record(Record(conversation=case.conversation, case=closed))


def explained_twice(past: PastConversation, turns: Sequence[Turn], knowledge: Knowledge) -> tuple[str, ...]:
    """Steps that messages of our people came back to: each message is about the step it is nearest to."""
    procedures = {procedure.id: procedure for procedure in knowledge.procedures()}
    named = [turn.reading.procedure for turn in turns if turn.reading.procedure in procedures]
    if not named:
        return ()
    said = [message.text for message in past.messages if message.role == "agent"]
    steps = Counter(
        filter(None, (nearest_step(text, procedures[named[-1] or ""], knowledge) for text in said))
    )
    return tuple(step for step, times in steps.items() if times > 1)


def nearest_step(text: str, procedure: Procedure, knowledge: Knowledge) -> str | None:
    """The step that a text explains; None where it stands out for none."""
    if len(procedure.steps) < 2 or not text.strip():
        return None
    asked = knowledge.encoder.queries([text])[0]
    sections = knowledge.encoder.passages([f"{step.title}. {step.text}" for step in procedure.steps])
    likeness = sections @ asked
    best = int(likeness.argmax())
    others = (likeness.sum() - likeness[best]) / (len(procedure.steps) - 1)
    return procedure.steps[best].id if likeness[best] - others >= STANDS_OUT else None


def _summed(past: PastConversation, turns: Sequence[Turn], twice: tuple[str, ...]) -> Replayed:
    kinds = tuple(turn.decision.kind for turn in turns)
    solved = next((n for n, kind in enumerate(kinds, 1) if kind in SOLVES), None)
    return Replayed(id=past.id, decisions=kinds, solved_at=solved, messages=len(kinds), explained_twice=twice)


def _report(rows: Sequence[Replayed]) -> ReplayReport:
    steps = Counter(step for row in rows for step in row.explained_twice)
    return ReplayReport(
        n=len(rows),
        solved=sum(row.solved_at is not None for row in rows),
        asked=sum("ask" in row.decisions for row in rows),
        handed_over=sum("hand_off" in row.decisions for row in rows),
        explained_twice=sum(bool(row.explained_twice) for row in rows),
        steps_explained_twice=dict(steps),
        conversations=tuple(rows),
    )


def report(found: ReplayReport) -> str:
    """The report as people read it."""
    lines = [
        f"{found.n} conversations in shadow mode (nothing was said, nothing was done)",
        f"  a move of ours would have come in   {found.solved}",
        f"  asked something in                  {found.asked}",
        f"  handed over in                      {found.handed_over}",
        f"  people explained a step twice in    {found.explained_twice}",
    ]
    lines += [f"    {step}: {times}" for step, times in sorted(found.steps_explained_twice.items())]
    lines += [
        f"{row.id}: {' > '.join(row.decisions)}"
        + (f"  (explained twice: {', '.join(row.explained_twice)})" if row.explained_twice else "")
        for row in found.conversations
    ]
    return "\n".join(lines)
