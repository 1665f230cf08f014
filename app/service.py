"""The running service: starts durable work where a message arrives, and goes on with it after a crash.

The tables are the truth. Work is started directly as a task and named by the id of its row; whatever a
crash left unfinished is found in the tables at start and done again from its row, which changes nothing
that was done before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from app import announcing, saying, sending, shown
from app.actions import paused
from app.afterwards import Afterwards
from app.citing import as_of_now
from app.conversation import ending, finish, handle, leave_unanswered, party_lock, resume
from app.errors import BadInput, NotFound, OwnRequest, StepfourError
from app.links import Places
from app.models.event import Event
from app.models.people import Principal
from app.models.record import Record
from app.models.request import ActionRequest, RequestState
from app.moves import Moves
from app.ports import Clock, Services
from app.proofs import Proofs
from app.proposing import is_requester, may_decide
from app.spending import over
from app.switches import Off
from app.texts import language
from knowledge.model import Cited, Fate

if TYPE_CHECKING:
    from datetime import datetime

    from app.adapters.store import Store
    from app.settings import Settings

log = logging.getLogger(__name__)

TICK_S = 0.5
"""How often we look whether a watch is due: far below the shortest wait."""

GRACE_S = 5
"""How long running work may take to end when the service stops."""

COME_BACK_S = 5
"""When to send again what we were too busy to take."""

BEHIND = timedelta(seconds=0.5)
"""What is still not stored after so long holds up all that came after it: no more is let in behind it."""

LOOK = "look at the time"
TRIED_AGAIN_S = (5, 60, 600)
"""Work that broke is done again after so long, and then every so often as the last of them says."""


class Service(Afterwards, Moves, Proofs):
    """Durable work on one set of tables. `start` once, `close` once."""

    def __init__(self, services: Services, warm_up: Callable[[], Awaitable[object]] | None = None) -> None:
        """`warm_up` loads what reading needs; messages are taken before, and read after it."""
        self.services = services
        self._load = warm_up
        self._warm = asyncio.Event()
        if warm_up is None:
            self._warm.set()
        self._warming: asyncio.Task[None] | None = None
        self._cold: str | None = None
        """Why it could not be warmed up."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._broken: dict[str, int] = {}
        """How often the work of an id broke, where it has not succeeded since."""
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._waiting: set[str] = set()
        """Messages that were accepted and have no turn yet."""
        self._coming: dict[object, datetime] = {}
        """What is being stored just now, messages and conversations opened for one, and since when."""
        self._ticking: asyncio.Task[None] | None = None

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def clock(self) -> Clock:
        return self.services.clock

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        """Of cited pages, those that are not any more as they were."""
        return await self.services.library.became(cited)

    async def as_of_now(self, events: Sequence[Event]) -> list[Event]:
        """Events as they are shown now: old ones say what became of the pages that they cite."""
        return await as_of_now(events, self.services.library, await self.places())

    async def places(self) -> Places:
        """Where pages are read by now."""
        return await saying.places_of(self.services)

    async def start(self) -> int:
        """Goes on with everything that was left unfinished; returns how much that was."""
        messages = await self.store.to_do()
        requests = await self.store.requests("approved", "executing", "verifying")
        requests += [
            request
            for request in await self.store.requests("done", "sent", "undone", "needs_person", "refused")
            if not request.told
        ]
        for message in messages:
            await self.start_message(message.id)
        for request in requests:
            self._start(request.id, partial(self._finish, request.id))
        self._ticking = asyncio.create_task(self._tick(), name="tick")
        return len(messages) + len(requests)

    def warm_up(self) -> None:
        """Loads what reading needs, beside all else. Not before messages are taken: it would hold them up."""
        if self._load is not None and self._warming is None:
            self._warming = asyncio.create_task(self._warmed_up(self._load), name="warm up")

    async def _warmed_up(self, load: Callable[[], Awaitable[object]]) -> None:
        try:
            await load()
        except Exception as error:  # what needs nothing of it goes on; the rest says what it lacks
            log.exception("what reading needs could not be loaded")
            self._cold = f"what reading needs could not be loaded ({error})"
        self._warm.set()

    async def close(self) -> None:
        """Gives running work a moment to end; what does not end is done after the next start."""
        beside = [task for task in (self._ticking, self._warming) if task is not None]
        for task in beside:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=GRACE_S)
        left = [*self._tasks.values(), *beside]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for timer in self._later.values():
            timer.cancel()

    async def idle(self) -> None:
        """Returns when no work is running."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    def busy(self) -> int:
        """0 where there is room for one more message, or the seconds after which to send it again."""
        full = len(self._waiting) + len(self._coming) >= self.settings.most_waiting
        first = next(iter(self._coming.values()), None)
        behind = first is not None and self.clock() - first > BEHIND
        return COME_BACK_S if full or behind else 0

    @contextmanager
    def taking_in(self) -> Iterator[int]:
        """Room for one more message while it or its conversation is stored; else what `busy` says."""
        if seconds := self.busy():
            yield seconds
            return
        one = object()
        self._coming[one] = self.clock()
        try:
            yield 0
        finally:
            del self._coming[one]

    async def start_message(self, message_id: str) -> None:
        self._waiting.add(message_id)
        self._start(message_id, partial(self._read, message_id))

    def _start(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        """One task per id: a second start of the same work changes nothing."""
        if id in self._tasks:
            return
        task = asyncio.create_task(self._told(id, work), name=id)
        self._tasks[id] = task
        task.add_done_callback(lambda _: self._over(id))

    def _over(self, id: str) -> None:
        self._tasks.pop(id, None)
        self._waiting.discard(id)

    async def _told(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        """The edge of the path: what goes wrong is logged, stays in the tables, and is done again."""
        try:
            await work()
            self._broken.pop(id, None)
            self._later.pop(id, None)
            return
        except StepfourError as error:
            log.error("%s stopped: %s", id, error)
        except Exception:  # the one broad handler: a bug in one conversation must not stop the others
            log.exception("%s failed; it stays unfinished", id)
        times = self._broken[id] = self._broken.get(id, 0) + 1
        wait = TRIED_AGAIN_S[min(times, len(TRIED_AGAIN_S)) - 1]
        self._later[id] = asyncio.get_running_loop().call_later(wait, self._start, id, work)
        if times == 1:
            await self._say_failed(id)

    async def _say_failed(self, id: str) -> None:
        message = await self.store.message(id)
        if message is not None:
            await self.store.record(sending.failure(message))

    async def _read(self, message_id: str) -> None:
        self._waiting.add(message_id)  # it may be a second try
        await self._handle(message_id)

    async def _handle(self, message_id: str) -> None:
        await asyncio.sleep(self.settings.pause_seconds)
        await self._warm.wait()
        await handle(self.services, message_id)

    async def _finish(self, request_id: str) -> None:
        await finish(self.services, request_id)

    # --- time ---

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if LOOK not in self._broken:  # what broke has a time of its own
                self._start(LOOK, self._look_at_the_time)

    async def _look_at_the_time(self) -> None:
        now = self.clock()
        await self._let_go()
        for watch in await self.store.watches(due=now):
            occasion = f"watch:{watch.case}:{watch.next_at.isoformat()}"
            if occasion not in self._broken:
                self._start(occasion, partial(self._resume, watch.case, occasion))
        for due in await self.store.follow_ups(now):
            occasion = f"after:{due.request}:{due.next_at.isoformat()}"
            if occasion not in self._broken:
                self._start(occasion, partial(self.follow_up, due))
        for request in await self.store.requests("proposed"):
            if request.expires_at <= now:
                await self._end(request, "expired", "nobody approved it in time")
        await self.close_silent()

    async def _let_go(self) -> None:
        """What waited while actions were switched off is gone on with when they are on again."""
        if self.services.held and not await paused(self.services):
            for request in sorted(self.services.held):
                self._start(request, partial(self._finish, request))
            self.services.held.clear()

    async def _resume(self, case: str, occasion: str) -> None:
        await self._warm.wait()
        await resume(self.services, case, occasion)

    async def _end(
        self, request: ActionRequest, state: RequestState, detail: str, by: Principal | None = None
    ) -> ActionRequest | None:
        """Ends a request that nobody performs, and tells so; None where it was moved meanwhile."""
        conversation = await self.store.conversation(request.conversation)
        if conversation is None:
            raise NotFound(f"no conversation {request.conversation} for request {request.id}")
        async with party_lock(self.services, conversation):
            case = await self.store.case(request.case)

            if case is None:
                told = request.model_copy(update={"state": state})
                record = Record(conversation=conversation.id, events=(shown.request_event(told),))
            else:
                told = request.model_copy(update={"state": state, "detail": detail, "told": True})
                record = await ending(self.services, told, conversation, case)
            return await self.store.move(
                request, state, by=by, detail=detail, told=True, telling=lambda _: record
            )

    # --- what people decide ---

    async def decide_request(
        self,
        request_id: str,
        decision: Literal["approve", "reject"],
        by: Principal,
        *,
        also: Sequence[Principal] = (),
        addresses: Sequence[str] = (),
    ) -> ActionRequest:
        """A person's yes or no to one request, used once. `also`, `addresses`: what else is proven of them.

        Raises `NotFound`, `BadInput`, and `Unavailable` where it cannot be told whether they asked for it.
        """
        request = await self.store.request(request_id)
        if request is None or not may_decide(request, by):
            raise NotFound(f"no action request {request_id} for you to decide")
        if request.state != "proposed":
            told = f"this request is {request.state} already. Each is decided once."
            raise BadInput(told, code="expired" if request.state == "expired" else "decided")
        if request.expires_at <= self.clock():
            await self._end(request, "expired", "nobody approved it in time")
            told = "this request has expired. Ask again, and what holds then is looked at anew."
            raise BadInput(told, code="expired")
        if decision == "approve" and await paused(self.services):
            raise BadInput(
                "actions are switched off at the moment. Nothing was approved; ask again when they are back.",
                code="actions_off",
            )
        if decision == "approve" and await is_requester(
            request, by, also, addresses, accounts=self.services.accounts
        ):
            raise OwnRequest
        if decision == "reject":
            moved = await self._end(request, "refused", f"rejected by {by.id}", by)
        else:
            moved = await self.store.move(request, "approved", by=by, approved_by=by.id)
        if moved is None:
            told = "this request was decided a moment ago. Look at its state again."
            raise BadInput(told, code="decided")
        if decision == "approve":
            await self.store.record(await self._approved(moved))
            self._start(moved.id, partial(self._finish, moved.id))
        return moved

    async def _approved(self, request: ActionRequest) -> Record:
        """Every card of it says at once that it was decided."""
        case = await self.store.case(request.case)
        places = {request.conversation, case.conversation} if case else {request.conversation}
        return Record(
            conversation=request.conversation,
            events=(shown.request_event(request),),
            elsewhere=(
                *((place, shown.request_event(request)) for place in places - {request.conversation}),
                *shown.to_agents(shown.request_notice(request)),
            ),
        )

    async def stop(self, conversation_id: str) -> bool:
        """The customer wants us to stop: what they asked is not answered any more, and we say so.

        False where nothing was under way. What an action has begun is never cut off in the middle.
        """
        waiting = await self.store.to_do(conversation_id)
        running = [task for message in waiting if (task := self._tasks.get(message.id)) is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        stopped = False
        for message in waiting:
            self._later.pop(message.id, None)
            lang = language(dict(message.context).get("language", "en"))
            said = announcing.stopped(lang) if message is waiting[-1] else ""
            stopped |= await leave_unanswered(self.services, message, "the customer stopped us", said)
        return stopped

    async def off(self) -> tuple[Off, ...]:
        """What is switched off, and whether today's budget of the models is used up."""
        off: list[Off] = [switch.name for switch in await self.store.switches()]
        spent, tokens, money = (
            await self.store.spent_today(),
            self.settings.llm_tokens,
            self.settings.llm_money,
        )
        asked = self.settings.llm_base_url is not None
        if asked and over({"day": spent}, None, tokens=tokens, money=money) is not None:
            off.append("budget")
        return tuple(off)

    async def not_ready(self) -> str | None:
        if self._ticking is None or self._ticking.done():
            return "the service has not started its work"
        return self._cold
