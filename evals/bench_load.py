"""What the service carries: messages accepted, idle streams, and five times more than it can read.

The service is a process of its own on loopback, without a model; the load is made in this one.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import resource
import shutil
import socket
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from app.adapters.sql import FILE
from app.demo import demo_settings
from app.identity import sign
from app.main import utc_now
from evals.bench import Row, Tell, quantile, spread
from evals.crash.child import Child

if TYPE_CHECKING:
    from app.settings import Settings
    from evals.world.world import World

QUESTIONS = (
    "How long does an invitation for a new colleague stay valid?",
    "Where do I find the suppression list?",
    "How many addresses can I import at once on the growth plan?",
    "Como exporto meus contatos?",
    "¿Puedo cambiar el nombre de un espacio de trabajo?",
)
HELLO = "Hello!"
TIMES = 5
"""So many times more is sent than it can read."""
A_PARTY_MAY = 15
"""Messages of one sender: below what a party may send in a minute."""
ANSWERED_WITHIN_S = 300


@dataclass(frozen=True)
class Load:
    """How much of it; the defaults take about four minutes on two idle cores."""

    senders: int = 20
    seconds: float = 10.0
    streams: int = 2_000
    conversations: int = 100
    """That the streams follow."""
    capacity: int = 60
    """Messages by which it is measured how many are read in a second."""
    overload_s: float = 60.0
    most_waiting: int = 200
    """As is set by default: so many wait to be read, and the next are refused."""


def load_rows(encoder_folder: Path, tell: Tell, *, sizes: Load | None = None) -> list[Row]:
    from evals.bench_messages import world

    with tempfile.TemporaryDirectory(prefix="stepfour-load-") as name:
        folder = Path(name)
        shutil.copytree(encoder_folder, folder / "data")
        with world(folder / "world") as there:
            return asyncio.run(_measured(folder, there, sizes or Load(), tell))


async def _measured(folder: Path, there: World, sizes: Load, tell: Tell) -> list[Row]:
    rows = []
    tell("messages accepted and stored")
    async with _running(folder, there, most_waiting=1_000_000) as site:
        rows += await accepting(site, sizes)
    async with _running(folder, there) as site:
        tell(f"{sizes.streams:,} idle streams")
        await site.all_read()  # what was left of the step before would be in the way
        rows += await idle_streams(site, sizes)
    async with _running(folder, there, most_waiting=sizes.most_waiting) as site:
        tell(f"{TIMES} times more than it can read, for {sizes.overload_s:.0f} s")
        await site.all_read()
        rows += await overload(site, sizes)
    return rows


# --- the site and its customers -----------------------------------------------------------------


@dataclass
class Site:
    settings: Settings
    child: Child
    client: httpx.AsyncClient
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def token(self) -> dict[str, str]:
        """Of another customer each time."""
        who = f"load{next(self._numbers)}-{self.child.pid}"
        signed = sign(self.settings, sub=who, account=who, agent=False, minutes=60, now=utc_now())
        return {"Authorization": f"Bearer {signed}"}

    async def opened(self, token: dict[str, str]) -> str:
        answer = await let_in(lambda: self.client.post("/v1/conversations", json={}, headers=token))
        return str(answer.json()["id"])

    async def post(self, token: dict[str, str], conversation: str, id: str, text: str) -> httpx.Response:
        body = {"client_message_id": id, "text": text}
        path = f"/v1/conversations/{conversation}/messages"
        return await self.client.post(path, json=body, headers=token)

    def counted(self, where: str) -> int:
        """Rows of messages, read beside the running service."""
        with closing(sqlite3.connect(f"file:{self.settings.data_dir / FILE}?mode=ro", uri=True)) as db:
            query = f"SELECT count(*) FROM message WHERE role = 'customer' AND {where}"  # noqa: S608
            return int(db.execute(query).fetchone()[0])

    async def all_read(self) -> float:
        """Seconds until every message has its turn."""
        began = time.perf_counter()
        while self.counted("turn IS NULL"):
            if time.perf_counter() - began > ANSWERED_WITHIN_S:
                raise RuntimeError(f"{self.counted('turn IS NULL')} messages were never read")
            await asyncio.sleep(0.1)
        return time.perf_counter() - began

    async def warm(self) -> None:
        """It takes messages before it has loaded what reading needs; the first is read when it has."""
        token = self.token()
        (await self.post(token, await self.opened(token), "1", HELLO)).raise_for_status()
        await self.all_read()

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.child.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


async def let_in(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Sends as a widget does: again, where there was no room just now."""
    while (answer := await send()).status_code == httpx.codes.SERVICE_UNAVAILABLE:  # noqa: ASYNC110  they say when
        await asyncio.sleep(float(answer.headers["retry-after"]))
    return answer.raise_for_status()


@asynccontextmanager
async def _running(folder: Path, there: World, **changes: Any) -> AsyncIterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = demo_settings(there.addresses, folder / "data", port).model_copy(update=changes)
    child = Child(settings, there.addresses, folder / "service.log", dies=False)
    child.start()
    try:
        if await child.ready() is None:
            raise RuntimeError(f"the service did not start: {child.last_words()}")
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
        async with httpx.AsyncClient(
            base_url=child.url, trust_env=False, timeout=60, limits=limits
        ) as client:
            site = Site(settings, child, client)
            await site.warm()
            yield site
    finally:
        child.terminate()
        child.kill()


# --- accepted and stored ------------------------------------------------------------------------


async def accepting(site: Site, sizes: Load) -> list[Row]:
    """So many senders, each sending its next message when the last was acknowledged."""
    before = site.counted("1")
    took: list[float] = []
    began = time.perf_counter()
    ends = began + sizes.seconds

    async def sender() -> None:
        while time.perf_counter() < ends:
            token = site.token()
            conversation = await site.opened(token)
            for number in range(A_PARTY_MAY):
                sent = time.perf_counter()
                await let_in(partial(site.post, token, conversation, str(number), HELLO))
                took.append(time.perf_counter() - sent)
                if sent > ends:
                    return

    await asyncio.gather(*(sender() for _ in range(sizes.senders)))
    seconds = time.perf_counter() - began
    stored = site.counted("1") - before
    if stored != len(took):
        raise RuntimeError(f"{len(took)} messages were acknowledged, and {stored} are stored")
    note = (
        f"{sizes.senders} senders, one conversation of {A_PARTY_MAY} messages after the other; all are "
        "stored; what follows from them is worked on meanwhile"
    )
    return [
        Row(figure="accepted and stored", value=stored / seconds, unit="messages/s", n=stored, note=note),
        spread("accepted and stored, until acknowledged", took),
    ]


# --- idle streams -------------------------------------------------------------------------------


async def idle_streams(site: Site, sizes: Load) -> list[Row]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < sizes.streams + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, sizes.streams + 500), hard))
    talks = [(token := site.token(), await site.opened(token)) for _ in range(sizes.conversations)]
    before = site.memory_mb()
    opened, heard = asyncio.Semaphore(0), asyncio.Semaphore(0)
    followers = [
        asyncio.create_task(_follow(site, *talks[number % len(talks)], opened, heard))
        for number in range(sizes.streams)
    ]
    try:
        for _ in followers:
            await asyncio.wait_for(opened.acquire(), 120)
        after = site.memory_mb()
        began = time.perf_counter()
        for token, conversation in talks:
            (await site.post(token, conversation, "1", HELLO)).raise_for_status()
        for _ in followers:
            await asyncio.wait_for(heard.acquire(), 120)
        seconds = time.perf_counter() - began
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
    return [
        Row(
            figure=f"{sizes.streams:,} idle streams, memory",
            value=after,
            unit="MB",
            beside=None,
            note=f"{before:.0f} MB before they were opened; resident memory of the service",
        ),
        Row(
            figure="idle streams, each",
            value=(after - before) * 1024 / sizes.streams,
            unit="KB",
            n=sizes.streams,
        ),
        Row(
            figure="idle streams, until all were told",
            value=seconds,
            unit="s",
            n=sizes.streams,
            note=f"a message in each of {len(talks)} conversations, and every stream of it hears of it",
        ),
    ]


async def _follow(
    site: Site,
    token: dict[str, str],
    conversation: str,
    opened: asyncio.Semaphore,
    heard: asyncio.Semaphore,
) -> None:
    path = f"/v1/conversations/{conversation}/events"
    told = False
    async with site.client.stream("GET", path, headers=token, timeout=None) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("retry:"):
                opened.release()
            elif line.startswith("event: message.done") and not told:
                told = True
                heard.release()


# --- more than it can read ----------------------------------------------------------------------


@dataclass
class Sent:
    """What came of the messages of an overload."""

    opened: list[float] = field(default_factory=list)
    """The conversations that they were sent in."""
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    without_hint: int = 0
    """Refusals that did not say when to come back."""
    failed: int = 0
    """Neither: an error, or no answer."""


async def overload(site: Site, sizes: Load) -> list[Row]:
    rate, calm = await _capacity(site, sizes.capacity)
    sent, most = Sent(), site.memory_mb()
    chance = random.Random(1)
    began = time.perf_counter()
    posts: set[asyncio.Task[None]] = set()
    number = 0
    while (now := time.perf_counter() - began) < sizes.overload_s:
        while number < now * rate * TIMES:
            post = asyncio.create_task(_one(site, sent, chance.choice(QUESTIONS)))
            posts.add(post)
            post.add_done_callback(posts.discard)
            number += 1
        most = max(most, site.memory_mb())
        await asyncio.sleep(0.05)
    await asyncio.gather(*posts)
    recovery = await _recovered(site, quantile(calm, 0.95))
    drained = await site.all_read()
    return [
        Row(figure="read at the most", value=rate, unit="messages/s", n=sizes.capacity),
        spread("accepted, calm", calm),
        spread(
            f"accepted, {TIMES} times overload",
            sent.accepted,
            note=f"{number} messages in {sizes.overload_s:.0f} s; every one that was acknowledged was read",
        ),
        *([spread("opened for it, until acknowledged", sent.opened)] if sent.opened else []),
        *([spread("refused, until told so", sent.refused)] if sent.refused else []),
        Row(
            figure="refused with 503 or 429",
            value=100 * len(sent.refused) / number,
            unit="%",
            n=len(sent.refused),
            note=f"{sent.without_hint} of them without Retry-After; {sent.failed} failed in another way",
        ),
        Row(figure="overload, most memory", value=most, unit="MB"),
        Row(
            figure="overload, recovery",
            value=recovery,
            unit="s",
            note="after the last message, until one is accepted as fast as when it was calm (twice its p95)",
        ),
        Row(figure="overload, all read", value=recovery + drained, unit="s", note="after the last message"),
    ]


async def _capacity(site: Site, count: int) -> tuple[float, Sequence[float]]:
    """Messages that are read in a second, and how long the acknowledgement of a lone one takes."""
    talks = [(token := site.token(), await site.opened(token)) for _ in range(count)]
    began, took = time.perf_counter(), []
    for number, (token, conversation) in enumerate(talks):
        sent = time.perf_counter()
        text = QUESTIONS[number % len(QUESTIONS)]
        (await site.post(token, conversation, "1", text)).raise_for_status()
        took.append(time.perf_counter() - sent)
    await site.all_read()
    return count / (time.perf_counter() - began), took


async def _one(site: Site, sent: Sent, text: str) -> None:
    """A new customer with one message."""
    token = site.token()
    try:
        began = time.perf_counter()
        answer = await site.client.post("/v1/conversations", json={}, headers=token)
        if answer.is_success:  # else it is refused already here
            sent.opened.append(time.perf_counter() - began)
            conversation, began = str(answer.json()["id"]), time.perf_counter()
            answer = await site.post(token, conversation, "1", text)
    except httpx.HTTPError:
        sent.failed += 1
        return
    seconds = time.perf_counter() - began
    if answer.status_code == httpx.codes.ACCEPTED:
        sent.accepted.append(seconds)
    elif answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        sent.refused.append(seconds)
        sent.without_hint += "retry-after" not in answer.headers
    else:
        sent.failed += 1


async def _recovered(site: Site, calm: float) -> float:
    began = time.perf_counter()
    while time.perf_counter() - began < ANSWERED_WITHIN_S:
        sent = Sent()
        await _one(site, sent, HELLO)
        if sent.accepted and sent.accepted[0] <= 2 * calm:
            return time.perf_counter() - began
        await asyncio.sleep(0.1)
    raise RuntimeError("it did not recover")
