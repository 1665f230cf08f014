"""A local Chatwoot: its API, its webhooks to an agent bot, and a page that looks like its dashboard.

async with FakeChatwoot.serve(webhook_url="http://127.0.0.1:8080/chatwoot/SECRET") as desk:   # in tests
    ana = desk.visitor("Ana")
    message = await desk.write(ana, "hello")
    await desk.settle()
with FakeChatwoot.thread(app_url="http://127.0.0.1:8080/assist") as desk:                     # demo, browsers
    desk.run(desk.write(ana, "hello"))
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from evals.world.chatwoot.api import VERSION, Call, Violation, routes, source_of
from evals.world.chatwoot.rules import MESSAGES_A_MINUTE, Json, identifier_hash, signature
from evals.world.chatwoot.state import Conversation, Inbox, Message, State, Status, User, Visitor

T = TypeVar("T")
TRIES = 3
"""app/jobs/agent_bots/webhook_job.rb: three attempts after 429 and 500, three seconds apart."""
BROWSER = {
    "browser": {"browser_name": "Firefox", "browser_version": "133.0", "platform_name": "Windows"},
    "browser_language": "en",
    "referer": "https://shop.example/settings",
}


@dataclass(frozen=True)
class Fault:
    """An answer instead of the work (`status`), or the work without an answer (no status)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """One attempt to tell the bot of an event."""

    event: str
    payload: Json
    id: str
    attempt: int
    status: int | None
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status is not None and self.status < 300


class FakeChatwoot:
    """What people in Chatwoot do, as methods; what was called and told, as public lists."""

    def __init__(
        self,
        *,
        webhook_url: str | None = None,
        app_url: str | None = None,
        retry_seconds: float = 0.05,
        timeout_seconds: float = 5.0,
        messages_a_minute: int = MESSAGES_A_MINUTE,
        version: str = VERSION,
    ) -> None:
        self.webhook_url, self.app_url = webhook_url, app_url
        self.retry_seconds, self.timeout_seconds = retry_seconds, timeout_seconds
        self.messages_a_minute, self.version = messages_a_minute, version
        self.state = State(self._emit)
        self.calls: list[Call] = []
        self.violations: list[Violation] = []
        self.deliveries: list[Delivery] = []
        self.url = ""
        self._faults: dict[str, list[Fault]] = {}
        self._held: list[tuple[str, Json]] | None = None
        self._twice = 0
        self._loop: asyncio.AbstractEventLoop
        self._http: httpx.AsyncClient
        self._queue: asyncio.Queue[tuple[str, Json, str]]
        self._under_way = 0

    # --- who and what there is ---

    @property
    def account(self) -> int:
        return 1

    @property
    def bot_token(self) -> str:
        return self.state.bot.token

    @property
    def agent_token(self) -> str:
        """Of the agent that reads for us."""
        return self.state.users[2].token

    @property
    def kim(self) -> User:
        return self.state.users[0]

    @property
    def lea(self) -> User:
        return self.state.users[1]

    @property
    def website(self) -> Inbox:
        return self.state.inboxes[0]

    @property
    def unproven(self) -> Inbox:
        """An inbox that does not enforce identity validation."""
        return self.state.inboxes[1]

    @property
    def whatsapp(self) -> Inbox:
        return self.state.inboxes[2]

    def conversation(self, id: int) -> Conversation:
        return self.state.conversations[id]

    def said(self, conversation: int, *, private: bool = False) -> list[str]:
        """What the bot said in public, or in private notes."""
        return [
            m.content or ""
            for m in self.conversation(conversation).messages
            if m.sender is self.state.bot and m.private is private
        ]

    def calls_of(self, action: str) -> list[Call]:
        return [call for call in self.calls if call.action == action]

    # --- what customers do ---

    def visitor(self, name: str = "quiet-field-820", inbox: Inbox | None = None) -> Visitor:
        """Somebody opens the widget; Chatwoot gives them a name."""
        return self.state.new_visitor(inbox or self.website, name)

    def identify(self, visitor: Visitor, identifier: str, *, signed: bool = True) -> bool:
        """The host site calls `setUser`, with the hash that its server made, or without."""
        given = identifier_hash(visitor.inbox.hmac_token, identifier) if signed else None
        return self.state.identify(visitor, identifier, given)

    async def write(
        self, visitor: Visitor, content: str, *, files: Mapping[str, bytes] | None = None, new: bool = False
    ) -> Message:
        listed = [self._keep_file(name, data) for name, data in (files or {}).items()]
        return self.state.write(visitor, content, listed, dict(BROWSER), new=new)

    async def choose(self, message: Message, value: str) -> None:
        self.state.choose(message, value)

    def _keep_file(self, name: str, data: bytes) -> Json:
        key = secrets.token_hex(8)
        image = name.endswith((".png", ".jpg"))
        self.state.files[key] = ("image/png" if image else "application/octet-stream", data)
        address = f"{self.url}/rails/active_storage/blobs/{key}/{name}"
        kind = "image" if image else "file"
        return {"id": len(self.state.files), "file_type": kind, "data_url": address, "file_size": len(data)}

    # --- what agents do ---

    async def reply(self, agent: User, conversation: int, content: str, *, private: bool = False) -> Message:
        found = self.conversation(conversation)
        message = self.state.add(found, content, "outgoing", agent, private=private)
        self.state.announce(message)
        return message

    async def set_status(self, agent: User, conversation: int, status: Status) -> None:
        found = self.conversation(conversation)
        self.state.set_status(found, status, activity=f"Conversation was marked {status} by {agent.name}")
        if status == "open":
            self.state.assign(found, agent)

    async def assign(self, agent: User, conversation: int) -> None:
        """An open conversation gets an assignee."""
        self.state.assign(self.conversation(conversation), agent)

    async def open_by_assignment(self, agent: User, conversation: int) -> None:
        """#9277: it is opened and assigned in one, and only `conversation_updated` is told."""
        self.state.assign(self.conversation(conversation), agent, opens=True)

    # --- faults ---

    def fail_next(self, action: str, status: int = 500, n: int = 1, **headers: str) -> None:
        """The next n calls of an action, e.g. `messages.create`, answer so and do nothing."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._faults.setdefault(action, []).extend([Fault(status, named)] * n)

    def drop_next(self, action: str, n: int = 1) -> None:
        """The next n calls are done, and the connection is cut before the answer."""
        self._faults.setdefault(action, []).extend([Fault(0)] * n)

    def take_fault(self, action: str) -> Fault | None:
        waiting = self._faults.get(action)
        return waiting.pop(0) if waiting else None

    def hold(self) -> None:
        """Webhooks wait until `release`."""
        self._held = []

    def release(self, *, backwards: bool = False) -> None:
        held, self._held = self._held or [], None
        for event, payload in reversed(held) if backwards else held:
            self._emit(event, payload)

    def tell_twice(self, n: int = 1) -> None:
        """The next n events are told twice, as after a lost acknowledgement."""
        self._twice += n

    async def send_again(self, delivery: Delivery, times: int = 1) -> list[int | None]:
        return [await self._post(delivery.event, delivery.payload, delivery.id, 1) for _ in range(times)]

    async def forge(self, payload: Json, *, url: str | None = None) -> int | None:
        """Somebody who is not Chatwoot posts to the bot."""
        return await self._post(str(payload.get("event")), payload, str(uuid.uuid4()), 1, url=url)

    # --- what was done ---

    def record(self, action: str, who: str, arguments: Json, status: int, answer: Any) -> None:
        self.calls.append(Call(action, who, arguments, status, answer, time.time()))

    def violate(self, rule: str, action: str, detail: str) -> None:
        self.violations.append(Violation(rule, source_of(rule), action, detail))

    async def until(self, true: Callable[[], Any], seconds: float = 10) -> None:
        """Waits until something is true. `TimeoutError` otherwise."""
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110  what is waited for has no event of its own
                await asyncio.sleep(0.01)

    async def settle(self, still: float = 0.3, seconds: float = 15) -> None:
        """Waits until no webhook is under way and no call came for a while."""
        async with asyncio.timeout(seconds):
            seen, since = -1, time.monotonic()
            while True:
                now = len(self.calls) + len(self.deliveries)
                if now != seen or self._under_way:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since >= still:
                    return
                await asyncio.sleep(0.02)

    # --- webhooks ---

    def _emit(self, event: str, payload: Json) -> None:
        if self._held is not None:
            self._held.append((event, payload))
            return
        if self.webhook_url is None:
            return
        again = 1 if self._twice else 0
        self._twice -= again
        frozen = json.loads(json.dumps(payload))  # as it is now: what is told is a picture
        id = str(uuid.uuid4())
        for _ in range(1 + again):
            self._under_way += 1
            self._queue.put_nowait((event, frozen, id))

    async def _send(self) -> None:
        while True:
            event, payload, id = await self._queue.get()
            try:
                await self._deliver(event, payload, id)
            finally:
                self._under_way -= 1

    async def _deliver(self, event: str, payload: Json, id: str) -> None:
        for attempt in range(1, TRIES + 1):
            status = await self._post(event, payload, id, attempt)
            if status is not None and status < 300:
                return
            if status not in (429, 500):
                break
            await asyncio.sleep(self.retry_seconds)
        if event in ("message_created", "message_updated"):
            self._bot_failed(payload)

    def _bot_failed(self, payload: Json) -> None:
        """lib/webhooks/trigger.rb: what the bot does not take is opened for people."""
        conversation = self.conversation(payload["conversation"]["id"])
        if conversation.status == "pending":
            why = "Conversation was marked open by system due to an error with the agent bot."
            self.state.set_status(conversation, "open", activity=why)

    async def _post(
        self, event: str, payload: Json, id: str, attempt: int, *, url: str | None = None
    ) -> int | None:
        address = url or self.webhook_url
        if address is None:
            return None
        body = json.dumps(payload).encode()
        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "x-chatwoot-delivery": id,
            "x-chatwoot-timestamp": stamp,
            "x-chatwoot-signature": signature(self.state.bot.secret, stamp, body),
        }
        started = time.perf_counter()
        status: int | None = None
        try:
            answer = await self._http.post(address, content=body, headers=headers)
            status = answer.status_code
        except httpx.HTTPError:
            pass
        seconds = time.perf_counter() - started
        if seconds >= self.timeout_seconds:
            self.violate("late_answer", event, f"no answer after {seconds:.1f} s")
        elif status is None or status >= 300:
            self.violate("webhook_refused", event, f"the bot answered {status}")
        self.deliveries.append(Delivery(event, payload, id, attempt, status, seconds))
        return status

    # --- running ---

    @classmethod
    @asynccontextmanager
    async def serve(cls, *, port: int = 0, **options: Any) -> AsyncIterator[FakeChatwoot]:
        """In the running loop."""
        from evals.world.chatwoot.pages import pages
        from evals.world.chatwoot.running import running

        double = cls(**options)
        double._queue, double._loop = asyncio.Queue(), asyncio.get_running_loop()
        async with running([routes(double), pages(double)], port) as url:
            double.url = url
            async with httpx.AsyncClient(trust_env=False, timeout=double.timeout_seconds) as double._http:
                sender = asyncio.create_task(double._send(), name="webhooks")
                try:
                    yield double
                finally:
                    sender.cancel()
                    await asyncio.gather(sender, return_exceptions=True)

    @classmethod
    @contextmanager
    def thread(cls, **options: Any) -> Iterator[FakeChatwoot]:
        """In a thread and loop of its own; `run` does things there."""
        ready: list[FakeChatwoot] = []
        started, stop = threading.Event(), asyncio.Event()

        async def main() -> None:
            async with cls.serve(**options) as double:
                ready.append(double)
                started.set()
                await stop.wait()

        thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        thread.start()
        if not started.wait(15):
            raise RuntimeError("the local Chatwoot did not start: is the port free?")
        try:
            yield ready[0]
        finally:
            ready[0]._loop.call_soon_threadsafe(stop.set)
            thread.join(10)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(15)
