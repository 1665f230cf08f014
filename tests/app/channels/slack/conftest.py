"""Our Slack channel on real tables beside the local Slack; what a message leads to is played by the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from app import events as e
from app import shown
from app.adapters.store import Store
from app.channels.slack import SlackChannel, slack_channel
from app.conversation import party_lock
from app.delivery import follow
from app.ids import id_of, new_id
from app.models.case import Case
from app.models.conversation import Message
from app.models.decision import Answer, Decision, StaySilent
from app.models.dossier import Dossier
from app.models.facts import Facts
from app.models.people import Principal
from app.models.reading import Reading
from app.models.record import Record, Suggestion, Turn
from app.models.request import ActionRequest
from app.models.steps import Finding
from app.ports import Services
from app.service import Service
from app.settings import Settings
from evals.world.slack import FakeSlack

ANA = Principal(kind="customer", id="ana", account="kalahari-viagens")
KNOWN = {"ana@kalahari.example": ANA}
REPLY = "Your links use **https** now."

Play = Callable[["Played", Message], Awaitable[None]]


class NoAccounts:
    """An account system that knows one address."""

    async def person_by_email(self, email: str) -> Principal | None:
        return KNOWN.get(email)


class NoLibrary:
    async def procedure(self, id: str, lang: str) -> None:
        return None

    async def addresses(self) -> Mapping[str, object]:
        return {}


class Played(Service):
    """The service on its real tables: what it says to a message is the test's."""

    play: Play
    performs: bool = True

    async def _handle(self, message_id: str) -> None:
        message = await self.store.message(message_id)
        assert message is not None
        conversation = await self.store.conversation(message.conversation)
        assert conversation is not None
        async with party_lock(self.services, conversation):
            fresh = await self.store.conversation(conversation.id)
            if await self.store.turn_of(message_id) is not None:
                return
            silent = fresh is None or fresh.person_active or not message.addressed
            if silent or fresh is None or fresh.caution != "auto":
                await self.read(message)
                return
            await self.play(self, message)

    async def _finish(self, request_id: str) -> None:
        request = await self.store.request(request_id)
        assert request is not None
        if self.performs and request.state == "approved":
            done = await self.store.move(request, "done")
            assert done is not None
            notice = shown.to_agents(shown.request_notice(done))
            said = Message(
                id=f"{done.id}-reply",
                conversation=done.conversation,
                role="bot",
                text="HTTPS is on.",
                at=self.clock(),
            )
            await self.store.record(
                Record(
                    conversation=done.conversation,
                    events=(shown.request_event(done), shown.message_event(said, None)),
                    replies=(said,),
                    elsewhere=notice,
                )
            )

    # --- what a test lets it say ---

    async def show(self, conversation: str, *payloads: e.Payload) -> None:
        events = tuple((e.event_type(payload), e.as_json(payload)) for payload in payloads)
        await self.store.record(Record(conversation=conversation, events=events))

    async def working(self, message: Message, *steps: str) -> None:
        turn = id_of("t", message.id)
        await self.show(message.conversation, e.ConversationStatus(status="bot_working"))
        if steps:
            tasks = [e.Task(turn=turn, task=step, title=step, state="in_progress") for step in steps]
            await self.show(message.conversation, *tasks)

    async def read(self, message: Message) -> Turn:
        """The turn that has read a message and says nothing."""
        return await self._record(message, "", StaySilent(because="played"), ())

    async def say(self, message: Message, text: str, *, steps: e.Steps | None = None, **more: Any) -> Turn:
        """What a turn records at its end."""
        decision: Decision = more.pop("decision", None) or Answer(because="played", citations=())
        before = ((e.event_type(steps), e.as_json(steps)),) if steps else ()
        return await self._record(message, text, decision, before, **more)

    async def _record(
        self,
        message: Message,
        text: str,
        decision: Decision,
        before: tuple[Any, ...],
        *,
        after: tuple[e.Payload, ...] = (),
        request: ActionRequest | None = None,
        suggestion: Suggestion | None = None,
        dossier: Dossier | None = None,
        case: Case | None = None,
        elsewhere: tuple[e.Payload, ...] = (),
        citations: tuple[Any, ...] = (),
    ) -> Turn:
        reading = Reading()
        now = self.clock()
        turn = Turn(
            id=id_of("t", message.id),
            trigger=message.id,
            conversation=message.conversation,
            case=case.id if case else None,
            channel="slack",
            mode="auto",
            reading=reading,
            facts=Facts(reading=reading),
            decision=decision,
            reply=text,
            dossier=dossier,
            at=now,
        )
        reply = Message(
            id=f"{turn.id}-reply", conversation=message.conversation, role="bot", text=text, at=now
        )
        said = (shown.message_event(reply, decision, citations),) if text else ()
        late = [(e.event_type(payload), e.as_json(payload)) for payload in after]
        if text and not any(isinstance(payload, e.ConversationStatus) for payload in after):
            late.append(("conversation.status", e.as_json(e.ConversationStatus(status="awaiting_customer"))))
        await self.store.record(
            Record(
                conversation=message.conversation,
                turn=turn,
                covers=(message.id,),
                case=case,
                replies=(reply,) if text else (),
                events=(*before, *said, *late),
                request=request,
                suggestion=suggestion,
                dossier=dossier,
                status="awaiting_customer" if text else None,
                elsewhere=shown.to_agents(*elsewhere),
            )
        )
        return turn


async def plain_answer(service: Played, message: Message) -> None:
    await service.working(message)
    await service.say(message, REPLY)


def checklist(*done: bool, checkable: bool = True) -> e.Steps:
    now = datetime.now(UTC)
    names = ("Link tracking", "Branded link", "Certificate", "Switch")
    return e.Steps(
        procedure="https",
        title="HTTPS for tracking links",
        steps=tuple(
            e.ShownStep(
                id=f"s{n}",
                title=names[n],
                word="verified" if holds else "missing",
                holds=holds,
                checkable=checkable,
                seen="`links.example` looks right." if holds else "`links.example` is not there.",
                at=now,
            )
            for n, holds in enumerate(done)
        ),
    )


def a_request(message: Message, principal: Principal, **changes: Any) -> ActionRequest:
    now = datetime.now(UTC)
    finding = Finding(
        check="certificate_presented", met=True, code="any_met", subject="links.example", at=now, until=now
    )
    fields: dict[str, Any] = {
        "id": new_id("a"),
        "case": "k1",
        "conversation": message.conversation,
        "action": "enable_https",
        "inputs": (("domain", "links.example"),),
        "principal": principal,
        "evidence": (finding,),
        "digest": "9f2c" * 16,
        "approval": "customer",
        "state": "proposed",
        "created_at": now,
        "expires_at": now + timedelta(hours=1),
    }
    return ActionRequest(**fields | changes)


def a_case(conversation: str, party: str, **changes: Any) -> Case:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": "k1",
        "party": party,
        "conversation": conversation,
        "procedure": "https",
        "opened_at": now,
        "updated_at": now,
    }
    return Case(**fields | changes)


class House:
    """Our side, while it runs: the service, the channel, its work and its deliveries."""

    def __init__(self, slack: FakeSlack, folder: Path, **settings: Any) -> None:
        self.slack = slack
        self.folder = folder
        self.play: Play = plain_answer
        self.works = True
        """False: what comes in is stored and acknowledged, and nobody works it off."""
        self.service: Played
        self.channel: SlackChannel
        self._more = settings
        self._stack = AsyncExitStack()

    @property
    def store(self) -> Store:
        return self.service.store

    def settings(self) -> Settings:
        fields: dict[str, Any] = {
            "data_dir": self.folder,
            "pause_seconds": 0,
            "public_url": "https://stepfour.example",
            "modes": {"slack": "auto", "enable_https": "auto"},
            "slack_bot_token": SecretStr(self.slack.bot_token),
            "slack_signing_secret": SecretStr(self.slack.signing_secret),
            "slack_api_url": self.slack.api_url,
            "slack_team": "T0HERON",
            "slack_agents": ("U0SUPPORT", "U0LEAD", "U0GUEST", "U0STRANGER"),
            "slack_agents_channel": "C0AGENTS",
        }
        return Settings(_env_file=None, **fields | self._more)

    async def start(self) -> None:
        settings = self.settings()
        stack = self._stack = AsyncExitStack()
        store = await Store.open(self.folder, lambda: datetime.now(UTC))
        stack.push_async_callback(store.close)
        played: Any = None  # what only a real reading would ask for
        library: Any = NoLibrary()
        accounts: Any = NoAccounts()
        self.service = Played(
            Services(
                settings=settings,
                clock=lambda: datetime.now(UTC),
                store=store,
                library=library,
                read=played,
                accounts=accounts,
                looks={},
                actions={},
            )
        )
        self.service.play = self._play
        await self.service.start()
        stack.push_async_callback(self.service.close)
        self.channel = await stack.enter_async_context(slack_channel(self.service, settings))
        if self.channel.router is not None:
            self.slack.request_url = await stack.enter_async_context(serving(self.channel))
        tasks = [asyncio.create_task(follow(store, self.channel.outlets))]
        tasks += [asyncio.create_task(self.channel.work())] if self.works else []
        stack.push_async_callback(ended, tasks)

    async def _play(self, service: Played, message: Message) -> None:
        await self.play(service, message)  # whatever the test has set by now

    async def stop(self) -> None:
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    # --- what tests wait for ---

    async def answered(self, thread: Any, times: int = 1) -> tuple[Any, ...]:
        """Our messages in a thread, once there are so many and nothing moves."""
        await self.slack.until(lambda: len(self.ours(thread)) >= times)
        await self.quiet()
        return self.ours(thread)

    def ours(self, thread: Any) -> tuple[Any, ...]:
        found = self.slack.messages(thread.channel, thread.root)
        return tuple(m for m in found if m.bot_id == self.slack.bot_id and m.streaming != "in_progress")

    async def quiet(self) -> None:
        for _ in range(2):
            await self.slack.settle()
            while await self.store.received_to_do("slack"):  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.05)
            await self.service.idle()

    def in_agents(self) -> tuple[Any, ...]:
        return tuple(m for m in self.slack.messages("C0AGENTS") if m.thread_ts is None)

    async def conversation(self, message: Any, user: str | None = None) -> str:
        ids: list[str] = await self.store.ids_under(f"slack-T0HERON-{message.channel}-{message.root}")
        return ids[0] if user is None else next(id for id in ids if id.endswith(user))


@asynccontextmanager
async def serving(channel: SlackChannel) -> AsyncIterator[str]:
    app = FastAPI()
    assert channel.router is not None
    app.include_router(channel.router)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110  uvicorn tells by a flag
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/slack/events"
    finally:
        server.should_exit = True
        await running
        listening.close()


async def ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack.serve(commands=("/stepfour",), retry_scale=0.01) as slack:
        yield slack
        assert slack.violations == []


@pytest.fixture
async def house(slack: FakeSlack, tmp_path: Path) -> AsyncIterator[House]:
    house = House(slack, tmp_path / "data")
    await house.start()
    try:
        yield house
    finally:
        await house.stop()


class Kit:
    """What tests of this folder make."""

    ana = ANA
    reply = REPLY
    house = House
    checklist = staticmethod(checklist)
    a_request = staticmethod(a_request)
    a_case = staticmethod(a_case)


@pytest.fixture
def kit() -> type[Kit]:
    return Kit
