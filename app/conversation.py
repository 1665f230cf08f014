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

from app import actions, endings, events, saying, shown
from app.echo import unworn
from app.errors import NotFound
from app.facts import under_way
from app.ids import id_of, new_id
from app.look import look, words_of
from app.models.case import Case, CaseState
from app.models.conversation import Conversation, Message
from app.models.decision import StaySilent
from app.models.event import NewEvent
from app.models.facts import Continued, Facts
from app.models.reading import Reading
from app.models.record import Record, Stage, Turn
from app.models.request import ActionRequest
from app.modes import mode_of
from app.passages import of_another_page
from app.policy import decide, rule_of, suggest
from app.ports import Progress, Services
from app.record import carry_out, write_down
from app.spending import asking

UNFINISHED: tuple[CaseState, ...] = ("open", "waiting", "handed_off", "asked")
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


async def look_again(services: Services, conversation_id: str, because: str) -> Turn | None:
    """Somebody wants it looked at now: a turn without a message about the matter at hand, watched or not.

    None where the conversation has no matter whose steps could be looked at.
    """
    conversation = await services.store.conversation(conversation_id)
    if conversation is None:
        raise NotFound(f"no conversation {conversation_id}")
    async with party_lock(services, conversation):
        known = await services.store.turn_of(because)
        conversation = await services.store.conversation(conversation_id) or conversation
        case = await matter_of(services, conversation)
        if known is not None or case is None:
            return known
        return await _turn(services, conversation, trigger=because, case=case)


async def matter_of(services: Services, conversation: Conversation) -> Case | None:
    """The newest case of a conversation that follows a procedure and is not closed."""
    cases = await services.store.cases_of(conversation.id)
    return next((case for case in cases if case.procedure and case.state != "closed"), None)


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
    asking.set(conversation.principal)
    stages = Stages()
    continued: Continued | None = None
    progress = _progress(services, conversation) if message is not None else None
    with stages("begin"):
        history = await _history(services, conversation)
        if progress is not None:
            status = events.ConversationStatus(status="bot_working")
            await progress(events.event_of(status))
    if message is not None:
        async with services.reading:  # processors are few: more at once would only hold actions up
            with stages("retrieve"):
                candidates = await services.library.candidates(history)
            with stages("read"):
                reading = await services.read(history, candidates)
        case, continued = await _case_of(services, conversation, reading)
        for_documents = reading if under_way(case.said, None) else await of_another_page(services, reading)
        if for_documents is not reading:
            reading = for_documents
            case, continued = await _case_of(services, conversation, reading)
    assert case is not None, "a turn has a message or a case"
    reading = reading if message is not None else case.reading
    with stages("verify"):
        draft = await look(
            services,
            conversation,
            case,
            reading,
            history,
            message=message,
            turn=id_of("t", trigger),
            continued=continued,
            progress=progress,
        )
    with stages("decide"):
        draft = await unworn(services, draft, history)
        decision = decide(draft.facts)
        suggested = suggest(draft.facts, decision)
    with stages("carry out"):
        request = await carry_out(services, draft, suggested or decision, trigger)
    with stages("reply"):
        turn, record = await write_down(
            services,
            draft,
            decision,
            request,
            suggested=suggested,
            trigger=trigger,
            message=message,
            progress=progress,
        )
    turn = turn.model_copy(update={"stages": tuple(stages.done), "rule": rule_of(draft.facts)})
    await services.store.record(record.model_copy(update={"turn": turn}))
    if request is not None and request.state == "approved":
        await _finish(services, request, conversation)
    return turn


async def _read_with_the_next(
    services: Services,
    conversation: Conversation,
    message: Message,
    because: str = "read together with the next message",
) -> Turn:
    """Messages in quick succession are one turn: this one is read with the one after it."""
    silent = StaySilent(because=because)
    turn = Turn(
        id=id_of("t", message.id),
        trigger=message.id,
        conversation=conversation.id,
        case=None,
        channel=conversation.channel,
        mode=mode_of(services.settings, conversation),
        reading=Reading(),
        facts=Facts(reading=Reading()),
        decision=silent,
        at=services.clock(),
    )
    await services.store.record(Record(conversation=conversation.id, turn=turn, covers=(message.id,)))
    return turn


async def leave_unanswered(services: Services, message: Message, because: str, text: str = "") -> bool:
    """A message that nobody is to answer any more; `text` is said instead. False where it was read before."""
    conversation = await services.store.conversation(message.conversation)
    if conversation is None:
        raise NotFound(f"no conversation {message.conversation}")
    async with party_lock(services, conversation):
        if await services.store.turn_of(message.id) is not None:
            return False
        turn = await _read_with_the_next(services, conversation, message, because)
        status = events.ConversationStatus(status="awaiting_customer")
        reply = Message(
            id=f"{turn.id}-reply", conversation=conversation.id, role="bot", text=text, at=services.clock()
        )
        said = (shown.message_event(reply, None),) if text else ()
        await services.store.record(
            Record(
                conversation=conversation.id,
                replies=(reply,) if text else (),
                status=status.status if text else None,
                events=(*said, events.event_of(status)) if text else (),
            )
        )
    return True


async def _history(services: Services, conversation: Conversation) -> list[Message]:
    """The conversation, and all others in which a proven party's unfinished cases were spoken of."""
    own = await services.store.messages(conversation.id)
    if conversation.principal.kind == "anonymous":
        return [words_of(message) for message in own]
    others: dict[str, None] = {}
    for case in reversed(await services.store.open_cases(conversation.principal.party)):
        if case.procedure and case.state in UNFINISHED:
            others |= dict.fromkeys((*await services.store.spoken_in(case.id), case.conversation))
    others.pop(conversation.id, None)
    earlier = [message for id in others for message in await services.store.messages(id)]
    # What is asked now stands last, whatever else was said meanwhile in another place.
    return [words_of(message) for message in (*sorted(earlier, key=lambda each: each.at), *own)]


def _progress(services: Services, conversation: Conversation) -> Progress | None:
    """Shows at once what is under way; None where nothing of a turn may be shown."""
    if mode_of(services.settings, conversation) != "auto" or conversation.person_active:
        return None

    async def show(*news: NewEvent) -> None:
        working = any(type == "conversation.status" for type, _ in news)
        await services.store.record(
            Record(
                conversation=conversation.id, status="bot_working" if working else None, events=tuple(news)
            )
        )

    return show


async def _case_of(
    services: Services, conversation: Conversation, reading: Reading
) -> tuple[Case, Continued | None]:
    """The party's open case with that procedure, else the conversation's open case, else a new one.

    And where it was spoken of before, when that was in another place.
    """
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
    continued = await _continued(services, conversation, found)
    # What was said besides the matter is not what a watch goes on from.
    besides = reading.procedure is None and found.procedure is not None
    case = found.model_copy(
        update={
            "procedure": reading.procedure or found.procedure,
            "conversation": conversation.id,
            "reading": found.reading if besides else reading,
            "updated_at": now,
        }
    )
    return case, continued


async def _continued(services: Services, conversation: Conversation, case: Case) -> Continued | None:
    if case.conversation == conversation.id or case.state not in UNFINISHED:
        return None
    before = await services.store.conversation(case.conversation)
    return Continued(channel=before.channel, at=case.opened_at) if before is not None else None


# --- how an action ended ------------------------------------------------------------------------


async def _finish(services: Services, request: ActionRequest, conversation: Conversation) -> ActionRequest:
    current = await services.store.request(request.id)
    if current is None or current.told:
        return current or request
    if current.state in actions.HELD and await actions.paused(services):
        return await _hold(services, current, conversation)
    if current.state in ("approved", "executing", "verifying"):
        await _show_running(services, current, conversation)
        current = await actions.perform(services, current)
        if current.state in actions.HELD:
            return await _hold(services, current, conversation)
    case = await services.store.case(current.case)
    assert case is not None, "a request belongs to a case"
    told = current.model_copy(update={"told": True})
    if current.state == "refused":
        return await _refused(services, told, conversation, case)
    await services.store.record(await ending(services, told, conversation, case))
    return told


async def _hold(services: Services, request: ActionRequest, conversation: Conversation) -> ActionRequest:
    """People have switched actions off: what is approved waits, and the customer is told so once."""
    services.held.add(request.id)
    case = await services.store.case(request.case)
    if case is not None and case.conversation != conversation.id:
        conversation = await services.store.conversation(case.conversation) or conversation
    if mode_of(services.settings, conversation) == "auto":
        record = endings.held(request, conversation, services.clock())
        if await services.store.message(record.replies[0].id) is None:
            await services.store.record(record)
    return request


async def ending(
    services: Services, request: ActionRequest, conversation: Conversation, case: Case
) -> Record:
    """How it ended is told where the case is spoken of now."""
    if case.conversation != conversation.id:
        conversation = await services.store.conversation(case.conversation) or conversation
    handover = None
    if request.state not in ("done", "sent", "expired"):
        handover = await saying.handover_for(services, "action_failed")
    places = await services.store.spoken_in(case.id)
    return endings.ending(services, request, conversation, case, handover=handover, places=sorted(places))


async def _refused(
    services: Services, request: ActionRequest, conversation: Conversation, case: Case
) -> ActionRequest:
    """Refused at the last moment: the world has changed, so what is left is decided anew, and then told."""
    if len(await services.store.requests("refused", case=case.id)) > MOST_REFUSALS:
        await services.store.record(await ending(services, request, conversation, case))
        return request
    trigger = f"refused:{request.id}"
    if await services.store.turn_of(trigger) is None:
        await _turn(services, conversation, trigger=trigger, case=case)
    await services.store.record(
        Record(conversation=conversation.id, request=request, events=(shown.request_event(request),))
    )
    return request


async def _show_running(services: Services, request: ActionRequest, conversation: Conversation) -> None:
    if mode_of(services.settings, conversation) == "auto":
        running = request.model_copy(update={"state": "executing"})
        await services.store.record(
            Record(conversation=request.conversation, events=(shown.request_event(running),))
        )
