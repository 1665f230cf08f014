"""The same customers against any bot over HTTP, in a world that is reached by its own control API.

What a bot and a world must offer is described in docs/simulation.md.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import ValidationError

from app.errors import BadInput, Unavailable
from app.identity import sign
from evals.simulate.heard import from_events
from evals.simulate.machine import Heard
from evals.simulate.phrases import Phrases
from evals.simulate.play import play
from evals.simulate.remote_world import HttpWorld, compressed
from evals.simulate.score import Row, verdict
from evals.world.spec import Addresses
from knowledge.model import Procedure

if TYPE_CHECKING:
    from app.settings import Settings
    from evals.simulate.customer import Customer
    from evals.simulate.run import Task

AT_ONCE = 4
ANSWER_S = 45
"""How long a bot may take to come to rest after a message."""
QUIET_S = 3
"""A bot that tells no status has said all when it was silent for so long after a message."""
TOO_LATE = frozenset(("expired", "decided"))
"""The code of a button that came too late: they see that, and ask again."""
REST = frozenset(
    {"awaiting_customer", "awaiting_approval", "watching", "with_agents", "human_active", "resolved"}
)
Event = tuple[str, Mapping[str, Any]]


def addresses_of(file: Path) -> Addresses:
    """Where the world is, from the line that it prints at its start. Raises `BadInput`."""
    try:
        return Addresses.model_validate_json(file.read_text(encoding="utf-8").strip().splitlines()[-1])
    except (OSError, IndexError, ValidationError, UnicodeDecodeError) as error:
        raise BadInput(
            f"--world {file}: {str(error).splitlines()[0]}. Give the file with the line that "
            "`python -m evals.world --state-dir DIR` prints."
        ) from error


async def converse(
    url: str,
    addresses: Addresses,
    settings: Settings,
    todo: Sequence[Task],
    *,
    procedures: Mapping[str, Mapping[str, Procedure]],
    phrases: Phrases,
    told: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """A row a task. Every run is a customer of its own account: no run sees what another one did."""
    turn = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(task: Task) -> Row:
        nonlocal done
        async with turn:
            row = await _conversation(url, addresses, settings, task, procedures=procedures, phrases=phrases)
        done += 1
        if told:
            told(done, len(todo))
        return row

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(one(task)) for task in todo]
    except* httpx.HTTPError as errors:
        raise Unavailable(
            f"{url} or its world did not answer as they should: {errors.exceptions[0]}. "
            "See docs/simulation.md for what a bot must offer."
        ) from errors
    except* BadInput as errors:
        raise BadInput(str(errors.exceptions[0])) from errors
    return [task.result() for task in running]


async def _conversation(
    url: str,
    addresses: Addresses,
    settings: Settings,
    task: Task,
    *,
    procedures: Mapping[str, Mapping[str, Procedure]],
    phrases: Phrases,
) -> Row:
    pages = procedures[task.customer.procedure]
    # Other numbers every time: a bot may remember whom it has talked to before.
    stamp = f"{task.customer.id}-{task.plan.run}-{time.time_ns() % 10**9}"
    customer = task.customer
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(
            HttpWorld(addresses, customer, pages[customer.lang], account=f"sim-{stamp}")
        )
        bot = await stack.enter_async_context(
            HttpBot(url, settings, world, customer, pages[customer.lang], agent_s=task.plan.agent_s)
        )
        played = await play(
            world.customer, task.plan, bot, world, phrases=phrases, pages=pages, clock=utc_now
        )
    row = verdict(played, pages[customer.lang])
    return row.model_copy(update={"customer": customer.id})


def utc_now() -> datetime:
    return datetime.now(UTC)


class HttpBot:
    """A bot behind the documented HTTP contract: conversations, messages, numbered events."""

    def __init__(
        self,
        url: str,
        settings: Settings,
        world: HttpWorld,
        customer: Customer,
        procedure: Procedure,
        *,
        agent_s: int,
    ) -> None:
        self.name = url
        self._settings, self._world, self._procedure = settings, world, procedure
        self._customer = customer
        self._agent_s = agent_s
        self._client = httpx.AsyncClient(
            base_url=url, trust_env=False, timeout=httpx.Timeout(30, read=ANSWER_S)
        )
        self._path = ""
        self._seq = 0
        self._said = 0
        self._approvals: list[tuple[float, str]] = []

    async def __aenter__(self) -> HttpBot:
        token = await self._token()
        self._client.headers["Authorization"] = f"Bearer {token}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def _token(self) -> str:
        if self._customer.role == "anonymous":
            return str((await self._post("/v1/visitors", {}))["token"])
        return self._signed(self._world.user, self._world.account, agent=False)

    def _signed(self, sub: str, account: str | None, *, agent: bool) -> str:
        return sign(self._settings, sub=sub, account=account, agent=agent, minutes=120, now=utc_now())

    async def open(self, channel: str) -> None:
        """There is one channel over HTTP: coming back is a new conversation of the same customer."""
        self._path = f"/v1/conversations/{(await self._post('/v1/conversations', {}))['id']}"
        self._seq = 0

    async def say(self, text: str) -> Heard:
        self._said += 1
        sent = await self._post(
            f"{self._path}/messages", {"client_message_id": f"m{self._said}", "text": text}
        )
        self._seq = max(self._seq, int(sent.get("seq", 0)))
        return self._heard(await self._follow(ANSWER_S, answered=True)) or Heard(kind="nothing")

    async def press(self, request: str) -> Heard:
        pressed = await self._client.post(f"/v1/requests/{request}/approve", json={})
        if pressed.is_error and _code(pressed) not in TOO_LATE:
            raise self._refused(f"/v1/requests/{request}/approve", pressed)
        return self._heard(await self._follow(ANSWER_S, answered=True)) or Heard(kind="nothing")

    async def until(self, at: datetime) -> Heard | None:
        """Real time, compressed: hours are seconds."""
        ends = time.monotonic() + compressed((at - utc_now()).total_seconds())
        while (left := ends - time.monotonic()) > 0:
            await self._approve_due()
            news = await self._follow(min(left, 0.5), answered=False)
            if news and (heard := self._heard(news)) is not None:
                return heard
        return None

    async def _approve_due(self) -> None:
        """An agent approves what waits for one, after their time."""
        for due, request in list(self._approvals):
            if due <= time.monotonic():
                self._approvals.remove((due, request))
                token = self._signed("agent-of-the-simulation", None, agent=True)
                headers = {"Authorization": f"Bearer {token}"}
                await self._client.post(f"/v1/requests/{request}/approve", json={}, headers=headers)

    def _heard(self, events: Sequence[Event]) -> Heard | None:
        for kind, payload in events:
            if kind == "action.proposed" and payload.get("approval") == "agent":
                due = time.monotonic() + compressed(self._agent_s)
                self._approvals.append((due, str(payload["request"])))
        return from_events(events, self._procedure)

    async def _follow(self, seconds: float, *, answered: bool) -> list[Event]:
        """Events from where we stopped: until the bot is at rest, or for so long.

        `answered`: a message was sent, so it must have begun to work, or said something, first.
        """
        found: list[Event] = []
        ends = time.monotonic() + seconds
        try:
            async with (
                asyncio.timeout(None) as limit,
                self._client.stream("GET", f"{self._path}/events", params={"after": self._seq}) as stream,
            ):
                stream.raise_for_status()
                limit.reschedule(_deadline(ends, found, answered))
                kind, number = "", self._seq
                async for line in stream.aiter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        number = int(value)
                    elif field == "event":
                        kind = value
                    elif field == "data":
                        self._seq = max(self._seq, number)
                        found.append((kind, json.loads(value)))
                        if _at_rest(found, answered):
                            break
                        limit.reschedule(_deadline(ends, found, answered))
        except TimeoutError:
            pass
        return found

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._client.post(path, json=dict(body))
        if response.is_error:
            raise self._refused(path, response)
        answer: dict[str, Any] = response.json()
        return answer

    def _refused(self, path: str, response: httpx.Response) -> BadInput:
        return BadInput(
            f"{self.name}{path} answered {response.status_code}: {response.text[:300]}. "
            "See docs/simulation.md for what a bot must offer."
        )


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return ""


def _spoke(events: Sequence[Event]) -> bool:
    return any(kind == "message.done" and p["message"].get("role") == "bot" for kind, p in events)


def _at_rest(events: Sequence[Event], answered: bool) -> bool:
    """The newest status says so, after it has worked."""
    statuses = [payload["status"] for kind, payload in events if kind == "conversation.status"]
    if not statuses or statuses[-1] not in REST or events[-1][0] != "conversation.status":
        return False
    return "bot_working" in statuses or _spoke(events) or not answered


def _deadline(ends: float, events: Sequence[Event], answered: bool) -> float:
    """On the clock of the loop: sooner once something was said and no status tells that more comes."""
    loop = asyncio.get_running_loop()
    left = max(0.05, ends - time.monotonic())
    told = any(kind == "conversation.status" for kind, _ in events)
    if _spoke(events) and (not told or not answered):
        left = min(left, QUIET_S if not told else 1.0)
    return loop.time() + left
