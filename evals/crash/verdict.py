"""What must be so afterwards, read by somebody who was not there: the tables and the platform's ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from app.adapters.store import Store
from app.models.request import ActionRequest, RequestState
from evals.crash.people import ACTIONS, Kind, Story, replies_of, same_as
from evals.world.spec import Effect
from knowledge.model import Value

Wrong = Literal[
    "effects",
    "message lost",
    "message twice",
    "not answered",
    "reply missing",
    "reply twice",
    "left open",
    "not told",
    "numbers",
    "shown otherwise",
    "never ended",
]
"""`effects`: of one approval none or two, or one without it. `numbers`: of events, with a gap or twice.
`shown otherwise`: what came over the wire is not what is stored. `never ended`: it needed a hand."""
WRONGS: tuple[Wrong, ...] = get_args(Wrong)

OPEN: tuple[RequestState, ...] = ("proposed", "approved", "executing", "verifying")
ENDS = {
    "by itself": "done",
    "customer approves": "done",
    "agent approves": "done",
    "agent rejects": "refused",
    "nobody decides": "expired",
}


class Verdict(Value):
    kind: Kind
    account: str
    acknowledged: int
    approved: int
    effects: int
    late: bool
    """The yes came, or could be carried out, only after the card had expired: it is void."""
    wrong: tuple[Wrong, ...]
    seconds: float | None


async def verdicts(folder: Path, stories: Sequence[Story]) -> list[Verdict]:
    """Of stories that are over; the service may run beside it."""
    store = await Store.open(folder, lambda: datetime.now(UTC))
    try:
        found = []
        for story in stories:
            effects = story.stage.world.effects(story.spec.account)
            found.append(await _verdict(store, story, effects))
        return found
    finally:
        await store.close()


async def _verdict(store: Store, story: Story, effects: Sequence[Effect]) -> Verdict:
    cases = {case.id for case in await store.cases_of(story.conversation)}
    requests = [request for case in sorted(cases) for request in await store.requests(case=case)]
    late = any(request.state in ("expired", "refused") for request in requests) and ENDS[story.kind] == "done"
    wrong = [*of_tables(requests, effects, story, late=late), *await _of_messages(store, story, late=late)]
    return Verdict(
        kind=story.kind,
        account=story.spec.account,
        acknowledged=len(story.acknowledged),
        approved=len(story.approved),
        effects=len(effects),
        late=late,
        wrong=tuple(dict.fromkeys(wrong)),
        seconds=story.seconds,
    )


def of_tables(
    requests: Sequence[ActionRequest], effects: Sequence[Effect], story: Story, *, late: bool
) -> Iterator[Wrong]:
    """What the ledger and the requests say of a story; a done request is one effect, under its own key."""
    done = [request for request in requests if request.state == "done"]
    keys = [effect.key for effect in effects]
    if keys != [request.id for request in done] or any(
        r.action != ACTIONS[same_as(story.kind)] for r in done
    ):
        yield "effects"
    if not late and [request.state for request in requests] != [ENDS[story.kind]]:
        yield "effects"
    if any(request.state in OPEN for request in requests):
        yield "left open"
    if any(not request.told for request in requests):
        yield "not told"


async def _of_messages(store: Store, story: Story, *, late: bool) -> list[Wrong]:
    messages = await store.messages(story.conversation)
    said = Counter(message.id for message in messages if message.role == "customer")
    replies = [message.id for message in messages if message.role == "bot"]
    turns = [turn.trigger for turn in await store.turns(story.conversation)]
    events = await store.events(story.conversation, 0, limit=100_000)
    told = Counter(
        event.payload["message"]["id"]  # type: ignore[index]
        for event in events
        if event.type == "message.done"
    )
    wrong: list[Wrong] = []
    if not set(story.acknowledged) <= set(said):
        wrong.append("message lost")
    if len(said) > 1 or max(told.values(), default=0) > 1:
        wrong.append("message twice" if len(said) > 1 else "reply twice")
    if [trigger for trigger in turns if trigger in said] != list(said) or await store.to_do(
        story.conversation
    ):
        wrong.append("not answered")
    if len(replies) < replies_of(story.kind) or set(replies) - set(told):
        wrong.append("reply missing")
    if not late and len(replies) > replies_of(story.kind):
        wrong.append("reply twice")
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        wrong.append("numbers")
    if [(e.seq, e.kind, e.payload) for e in story.shown] != [
        (e.seq, e.type, e.payload) for e in events[: len(story.shown)]
    ]:
        wrong.append("shown otherwise")
    if story.seconds is None:
        wrong.append("never ended")
    return wrong
