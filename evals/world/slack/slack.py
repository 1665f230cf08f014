"""`FakeSlack`: a strict Slack on 127.0.0.1 for tests and the demo, in the running loop or in a thread."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from evals.world.slack import people, wire
from evals.world.slack.record import Record
from evals.world.slack.rules import DEFAULT_EVENTS, DEFAULT_SCOPES, Broken
from evals.world.slack.send import Sender
from evals.world.slack.socket import Sockets
from evals.world.slack.state import (
    BOT_ID,
    BOT_USER,
    Answer,
    Channel,
    Delivery,
    File,
    Json,
    Message,
    State,
    User,
    Value,
    View,
    Violation,
)

T = TypeVar("T")


class Options(Value):
    request_url: str | None = None
    socket_mode: bool = False
    port: int = 0
    signing_secret: str = "0f3c9a51b7e24d68"  # noqa: S105 - of a double on loopback
    bot_token: str = "xoxb-double"  # noqa: S105
    app_token: str = "xapp-double"  # noqa: S105
    scopes: frozenset[str] = DEFAULT_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    commands: tuple[str, ...] = ("/triage",)
    shortcuts: tuple[str, ...] = ("triage_thread",)
    ack_seconds: float = 3.0
    """docs.slack.dev/apis/events-api/#responding: within three seconds."""
    retry_scale: float = 1.0
    rate_scale: float | None = 20.0
    stream_seconds: float = 300.0
    """Streams end by themselves after some five minutes; measured by others (unconfirmed)."""
    trigger_seconds: float = 3.0


class FakeSlack(Record):
    """Start it with `serve` (running loop) or `thread`; the controls are what people do."""

    bot_user, bot_id, mention = BOT_USER, BOT_ID, f"<@{BOT_USER}>"

    def __init__(self, **options: Any) -> None:
        from evals.world.slack.api import Limits

        self.options = Options(**options)
        self.state = State()
        self.sender = Sender(self)
        self.sockets = Sockets(self)
        self.limits = Limits()
        self.base_url = ""
        self.serving = False
        self.installed = True
        self._failures: dict[str, list[tuple[str, int]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- starting -----------------------------------------------------------------------------

    @classmethod
    @asynccontextmanager
    async def serve(cls, **options: Any) -> AsyncIterator[FakeSlack]:
        """Serves it in the running loop until the block ends."""
        import uvicorn

        from evals.world.serving import Droppable
        from evals.world.slack.api import build_api
        from evals.world.slack.blocks import warm
        from evals.world.slack.rules import METHODS, signature_of
        from evals.world.slack.shown import add_page

        slack = cls(**options)
        slack.sender.open()
        warm()
        for method in METHODS:
            signature_of(method)
        app = build_api(slack)
        add_page(slack, app)
        listening = socket.create_server(("127.0.0.1", slack.options.port))
        slack.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        slack._loop = asyncio.get_running_loop()
        slack.serving = True
        config = uvicorn.Config(
            app, http=Droppable, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        # uvicorn would take over SIGINT of whoever starts us
        server.capture_signals = contextmanager(lambda: iter([None]))  # type: ignore[method-assign]
        running = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag
            await asyncio.sleep(0.005)
        try:
            yield slack
        finally:
            slack.serving = False
            await slack.sender.close()
            await slack.sockets.disconnect("refresh_requested")
            server.should_exit = True
            slack.state.touch()
            await running
            listening.close()

    @classmethod
    @contextmanager
    def thread(cls, **options: Any) -> Iterator[FakeSlack]:
        """Serves it in a thread of its own; `slack.run(slack.post(...))` from outside."""
        ready, done = threading.Event(), threading.Event()
        held: list[FakeSlack | BaseException] = []

        async def main() -> None:
            async with cls.serve(**options) as slack:
                held.append(slack)
                ready.set()
                await asyncio.to_thread(done.wait)

        def body() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                held.append(error)
                ready.set()

        worker = threading.Thread(target=body, name="slack-double", daemon=True)
        worker.start()
        ready.wait()
        slack = held[0]
        if isinstance(slack, BaseException):
            raise slack
        try:
            yield slack
        finally:
            done.set()
            worker.join(10)

    def run(self, control: Coroutine[Any, Any, T], timeout: float = 30) -> T:
        """Runs a control from a thread that is not the double's own."""
        assert self._loop is not None, "start it first: with FakeSlack.thread() as slack"
        return asyncio.run_coroutine_threadsafe(control, self._loop).result(timeout)

    # --- addresses and settings ---------------------------------------------------------------

    @property
    def api_url(self) -> str:
        return self.base_url + "/api/"

    @property
    def page_url(self) -> str:
        return self.base_url + "/"

    @property
    def bot_token(self) -> str:
        return self.options.bot_token

    @property
    def app_token(self) -> str:
        return self.options.app_token

    @property
    def signing_secret(self) -> str:
        return self.options.signing_secret

    @property
    def request_url(self) -> str | None:
        return self.options.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.set(request_url=url)

    @property
    def socket_mode(self) -> bool:
        return self.options.socket_mode

    @socket_mode.setter
    def socket_mode(self, on: bool) -> None:
        self.set(socket_mode=on)

    def set(self, **options: Any) -> None:
        """Changes options while it runs."""
        self.options = Options(**(self.options.model_dump() | options))

    def add_user(self, user: User) -> None:
        self.state.users[user.id] = user
        members = frozenset({user.id, BOT_USER})
        self.add_channel(Channel(id=f"D{user.id[1:]}", name=user.name, kind="im", members=members))

    def add_channel(self, channel: Channel) -> None:
        self.state.put_channel(channel)

    # --- what people do -----------------------------------------------------------------------

    async def post(
        self,
        user: str,
        channel: str,
        text: str,
        thread: str | None = None,
        *,
        files: tuple[File, ...] = (),
        broadcast: bool = False,
    ) -> Message:
        return people.write(self, user, channel, text, thread, files=files, broadcast=broadcast)

    async def edit(self, user: str, message: Message, text: str) -> Message:
        return people.rewrite(self, user, message, text)

    async def delete(self, user: str, message: Message) -> None:
        if message.user != user:
            raise people.Refused(f"{user} can delete own messages only")
        people.drop(self, message)

    async def press(
        self,
        user: str,
        message: Message,
        action_id: str,
        *,
        block_id: str | None = None,
        option: Any = None,
    ) -> Delivery:
        payload = people.pressed(self, user, message, action_id, block_id=block_id, option=option)
        return await self.sender.attempt("block_actions", payload)

    async def press_view(self, user: str, view: View, action_id: str, *, option: Any = None) -> Delivery:
        payload = people.pressed_in_view(self, user, view, action_id, option)
        return await self.sender.attempt("block_actions", payload)

    async def submit(self, user: str, view: View, values: Json | None = None) -> Answer:
        import json

        from evals.world.slack.views import after_submission

        payload = people.submitted(self, user, view, values or {})
        delivery = await self.sender.attempt("view_submission", payload)
        if not delivery.ok:
            return Answer(delivery=delivery)
        answer = json.loads(delivery.body) if delivery.body.strip() else None
        errors = after_submission(self, self.state.views[view.id], answer)
        return Answer(delivery=delivery, errors=errors, closed=not self.state.views[view.id].open)

    async def close(self, user: str, view: View) -> Delivery | None:
        """Closes a modal; delivered as `view_closed` if the view asked for it."""
        self.state.put_view(view.model_copy(update={"open": False}))
        if not view.content.get("notify_on_close"):
            return None
        person = self.users[user]
        payload = wire.interaction(self.state, "view_closed", person, "")
        payload |= {"view": wire.view_json(view), "is_cleared": False}
        return await self.sender.attempt("view_closed", payload)

    async def shortcut(self, user: str, message: Message, callback_id: str = "triage_thread") -> Delivery:
        payload = people.message_action(self, user, message, callback_id)
        return await self.sender.attempt("message_action", payload)

    async def command(self, user: str, channel: str, text: str, command: str = "/triage") -> Answer:
        payload = people.slash(self, user, channel, text, command)
        return people.command_answer(self, await self.sender.attempt("command", payload))

    async def open_home(self, user: str, tab: str = "home") -> None:
        people.home_opened(self, user, tab)

    async def stop_session(self, user: str, channel: str, thread: str) -> None:
        people.stopped(self, user, channel, thread)

    async def upload(
        self,
        user: str,
        channel: str,
        name: str,
        data: bytes,
        mimetype: str = "image/png",
        *,
        comment: str = "",
        thread: str | None = None,
    ) -> Message:
        people.member(self, user, channel)
        file_id = self.state.next_id("F")
        url = f"{self.base_url}/files-pri/{file_id}/{name}"
        file = File(id=file_id, name=name, mimetype=mimetype, data=data, user=user, url=url)
        self.state.files[file_id] = file
        return people.write(self, user, channel, comment, thread, files=(file,))

    async def join(self, user: str, channel: str) -> None:
        place = self.channels[channel]
        self.state.put_channel(place.model_copy(update={"members": place.members | {user}}))

    async def leave(self, user: str, channel: str) -> None:
        place = self.channels[channel]
        self.state.put_channel(place.model_copy(update={"members": place.members - {user}}))

    # --- a Slack that misbehaves --------------------------------------------------------------

    async def send_again(
        self, given: Delivery | Json, times: int = 1, *, concurrently: bool = False
    ) -> list[Delivery]:
        """The same event once more, or more often: same ids, counted as retries."""
        payload = given.payload if isinstance(given, Delivery) else given
        kind = given.kind if isinstance(given, Delivery) else str(payload["event"]["type"])
        sending = [
            self.sender.attempt(kind, payload, number, "http_timeout") for number in range(1, times + 1)
        ]
        if concurrently:
            return list(await asyncio.gather(*sending))
        return [await one for one in sending]

    async def forge(self, kind: str, **event: Any) -> int | None:
        """A hostile delivery of one of `send.FORGERIES`; the HTTP status that the app answers."""
        if kind == "wrong_team":
            event = {"team_id": "T0EVIL"} | event
        return await self.sender.forge(kind, people.hostile_event(self, dict(event)))

    async def uninstall(self) -> None:
        """docs.slack.dev/reference/events/app_uninstalled: a dead token, then two events."""
        self.installed = False
        now = self.state.next_ts()
        revoked: Json = {"type": "tokens_revoked", "tokens": {"bot": [BOT_USER]}, "event_ts": now}
        people.emit(self, revoked, subscription="tokens_revoked", channel=None)
        gone: Json = {"type": "app_uninstalled", "event_ts": now}
        people.emit(self, gone, subscription="app_uninstalled", channel=None)

    async def verify_url(self) -> bool:
        """docs.slack.dev/reference/events/url_verification"""
        challenge = secrets.token_urlsafe(16)
        payload = {"type": "url_verification", "challenge": challenge, "token": "deprecated"}
        return challenge in (await self.sender.attempt("url_verification", payload)).body

    def limit_next(self, method: str, n: int = 1, retry_after: int = 1) -> None:
        self._failures.setdefault(method, []).extend([("ratelimited", retry_after)] * n)

    def fail_next(self, method: str, error: str, n: int = 1) -> None:
        self._failures.setdefault(method, []).extend([(error, 0)] * n)

    def take_failure(self, method: str) -> tuple[str, int] | None:
        waiting = self._failures.get(method)
        return waiting.pop(0) if waiting else None

    def hold_acks(self, n: int = 1) -> None:
        self.sender.held += n

    def expire_streams(self) -> None:
        from evals.world.slack.streams import end

        for stream in tuple(self.state.streams.values()):
            if stream.state == "open":
                end(self, stream, "expired")

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        await self.sockets.disconnect(reason)

    # --- what the API's methods call ----------------------------------------------------------

    def deliver(self, kind: str, payload: Json) -> None:
        self.sender.spawn(kind, payload)

    def emit_message(self, message: Message) -> None:
        people.emit_message(self, message)

    def emit_changed(self, message: Message, before: Message) -> None:
        people.emit_changed(self, message, before)

    def drop(self, message: Message) -> None:
        people.drop(self, message)

    def new_response_url(self, channel: str, user: str, message: str | None) -> str:
        from evals.world.slack.api import new_response_url

        return new_response_url(self, channel, user, message)

    def violate(self, broken: Broken, method: str, args: Json) -> None:
        found = Violation(
            rule=broken.error or "note", doc=broken.doc, method=method, detail=broken.detail, arguments=args
        )
        self.state.violations.append(found)
        self.state.touch()
