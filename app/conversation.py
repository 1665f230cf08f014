"""The one path: handle(message) and resume(case, because).

begin -> retrieve -> read -> verify -> decide -> carry out -> record -> reply. Everything a turn says and
writes goes out in one transaction at its end, so a crash before it leaves the message to do again and a
crash after it leaves nothing to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from app import actions, events, shown
from app.errors import NotFound
from app.ids import new_id
from app.look import look
from app.models import (
    ActionRequest,
    Case,
    Conversation,
    Facts,
    Message,
    Reading,
    Record,
    Stage,
    StaySilent,
    Turn,
)
from app.policy import decide
from app.ports import Services
from app.record import carry_out, write_down

MOST_REFUSALS = 2  # a world that flickers: after that a person looks


async def handle(services: Services, message_id: str) -> Turn:
    """Reads one stored message and makes the one move that is left; again it returns the same turn.

    Raises `NotFound` for an id that is not stored.
    """
    message = await services.store.message(message_id)
    conversation = await services.store.conversation(message.conversation) if message else None
    if message is None or conversation is None:
        raise NotFound(f"no message {message_id} is stored")
    async with party_lock(services, conversation):
        known = await services.store.turn_of(message_id)
        if known is not None:
            return known
        waiting = await services.store.to_do(conversation.id)
        if waiting and waiting[-1].id != message_id:
            return await _read_with_the_next(services, conversation, message)
        for earlier in waiting[:-1]:
            await _read_with_the_next(services, conversation, earlier)
        fresh = await services.store.conversation(conversation.id)
        return await _turn(services, fresh or conversation, trigger=message_id, message=message)


async def resume(services: Services, case_id: str, because: str) -> Turn | None:
    """Goes on with a watched case without a message: it is looked at again.

    `because` names the occasion; the same occasion twice leads to one turn. None where nothing is watched
    any more: the customer wrote meanwhile, and that turn went on by itself.
    """
    found = await _case_and_conversation(services, case_id)
    if found is None:
        return None
    async with party_lock(services, found[1]):
        known = await services.store.turn_of(because)
        found = await _case_and_conversation(services, case_id)
        if known is not None or found is None:
            return known
        case, conversation = found
        if case.state == "closed" or await services.store.watching(case_id) is None:
            return None
        return await _turn(services, conversation, trigger=because, case=case)


async def _case_and_conversation(services: Services, case_id: str) -> tuple[Case, Conversation] | None:
    case = await services.store.case(case_id)
    conversation = await services.store.conversation(case.conversation) if case else None
    return (case, conversation) if case and conversation else None


async def finish(services: Services, request_id: str) -> ActionRequest:
    """Performs an approved request and tells how it ended; safe to call again after a crash."""
    request = await services.store.request(request_id)
    conversation = await services.store.conversation(request.conversation) if request else None
    if request is None or conversation is None:
        raise NotFound(f"no action request {request_id}")
    async with party_lock(services, conversation):
        fresh = await services.store.conversation(conversation.id)
        return await _finish(services, request, fresh or conversation)


@asynccontextmanager
async def party_lock(services: Services, conversation: Conversation) -> AsyncIterator[None]:
    lock = services.locks.setdefault(conversation.principal.party, asyncio.Lock())
    async with lock:
        yield


# --- one turn -----------------------------------------------------------------------------------


class Stages:
    """Seconds per stage of a turn."""

    def __init__(self) -> None:
        self.done: list[Stage] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.done.append(Stage(name=name, seconds=time.perf_counter() - started))


async def _turn(
    services: Services,
    conversation: Conversation,
    *,
    trigger: str,
    message: Message | None = None,
    case: Case | None = None,
) -> Turn:
    stages = Stages()
    with stages("begin"):
        history = await _history(services, conversation)
        mode = services.settings.mode(conversation.channel)
        if message is not None and mode == "auto" and not conversation.person_active:
            await _show_working(services, conversation)
    if message is not None:
        with stages("retrieve"):
            candidates = await services.library.candidates(history)
        with stages("read"):
            reading = await services.read(history, candidates)
        case = await _case_of(services, conversation, reading)
    assert case is not None, "a turn has a message or a case"
    reading = reading if message is not None else case.reading
    with stages("verify"):
        draft = await look(services, conversation, case, reading, history, resumed=message is None)
    with stages("decide"):
        decision = decide(draft.facts)
    with stages("carry out"):
        request = await carry_out(services, draft, decision)
    with stages("reply"):
        turn, record = await write_down(services, draft, decision, request, trigger=trigger, message=message)
    turn = turn.model_copy(update={"stages": tuple(stages.done)})
    await services.store.record(record.model_copy(update={"turn": turn}))
    if request is not None and request.state == "approved":
        await _finish(services, request, conversation)
    return turn


async def _read_with_the_next(services: Services, conversation: Conversation, message: Message) -> Turn:
    """Messages in quick succession are one turn: this one is read with the one after it."""
    silent = StaySilent(because="read together with the next message")
    turn = Turn(
        id=new_id("t"),
        trigger=message.id,
        conversation=conversation.id,
        case=None,
        channel=conversation.channel,
        mode=services.settings.mode(conversation.channel),
        reading=Reading(),
        facts=Facts(reading=Reading()),
        decision=silent,
        at=services.clock(),
    )
    await services.store.record(Record(conversation=conversation.id, turn=turn, covers=(message.id,)))
    return turn


async def _history(services: Services, conversation: Conversation) -> list[Message]:
    """The conversation, after those in which a proven party's open cases were spoken of before."""
    own = await services.store.messages(conversation.id)
    if conversation.principal.kind == "anonymous":
        return own
    cases = await services.store.open_cases(conversation.principal.party)
    others = dict.fromkeys(
        case.conversation
        for case in reversed(cases)
        if case.procedure and case.state in ("open", "waiting") and case.conversation != conversation.id
    )
    earlier = [await services.store.messages(id) for id in others]
    return [message for messages in earlier for message in messages] + own


async def _show_working(services: Services, conversation: Conversation) -> None:
    status = events.ConversationStatus(status="bot_working")
    await services.store.record(
        Record(
            conversation=conversation.id,
            status="bot_working",
            events=(("conversation.status", events.as_json(status)),),
        )
    )


async def _case_of(services: Services, conversation: Conversation, reading: Reading) -> Case:
    """The party's open case with that procedure, else the conversation's open case, else a new one."""
    cases = await services.store.open_cases(conversation.principal.party)
    same = [case for case in cases if case.procedure == reading.procedure and reading.procedure]
    here = [case for case in cases if case.conversation == conversation.id]
    if reading.procedure is None:
        found = next(iter(here), None)
    else:
        found = next(iter(same), None) or next((case for case in here if case.procedure is None), None)
    now = services.clock()
    if found is None:
        found = Case(
            id=new_id("k"),
            party=conversation.principal.party,
            conversation=conversation.id,
            opened_at=now,
            updated_at=now,
        )
    # What was said besides the matter is not what a watch goes on from.
    besides = reading.procedure is None and found.procedure is not None
    return found.model_copy(
        update={
            "procedure": reading.procedure or found.procedure,
            "conversation": conversation.id,
            "reading": found.reading if besides else reading,
            "updated_at": now,
        }
    )


# --- how an action ended ------------------------------------------------------------------------


async def _finish(services: Services, request: ActionRequest, conversation: Conversation) -> ActionRequest:
    current = await services.store.request(request.id)
    if current is None or current.told:
        return current or request
    if current.state in ("approved", "executing", "verifying"):
        await _show_running(services, current, conversation)
        current = await actions.perform(services, current)
    case = await services.store.case(current.case)
    assert case is not None, "a request belongs to a case"
    told = current.model_copy(update={"told": True})
    if current.state == "refused":
        return await _refused(services, told, conversation, case)
    await services.store.record(shown.ending(services, told, conversation, case))
    return told


async def _refused(
    services: Services, request: ActionRequest, conversation: Conversation, case: Case
) -> ActionRequest:
    """Refused at the last moment: the world has changed, so what is left is decided anew, and then told."""
    if len(await services.store.requests("refused", case=case.id)) > MOST_REFUSALS:
        await services.store.record(shown.ending(services, request, conversation, case))
        return request
    trigger = f"refused:{request.id}"
    if await services.store.turn_of(trigger) is None:
        await _turn(services, conversation, trigger=trigger, case=case)
    await services.store.record(
        Record(conversation=conversation.id, request=request, events=(shown.request_event(request),))
    )
    return request


async def _show_running(services: Services, request: ActionRequest, conversation: Conversation) -> None:
    if services.settings.mode(conversation.channel) == "auto":
        running = request.model_copy(update={"state": "executing"})
        await services.store.record(
            Record(conversation=request.conversation, events=(shown.request_event(running),))
        )
