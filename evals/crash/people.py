"""Customers and an agent at the HTTP API of a service that dies: they send again until they are heard.

Each plays one story about an account of its own, and notes what was acknowledged and what was shown.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from app.demo import MESSAGES, domain_of
from app.identity import sign
from app.main import utc_now
from app.settings import Settings
from evals.world import scenarios
from evals.world.spec import Person as Proven
from evals.world.spec import Record, Spec
from evals.world.world import World

Kind = Literal["by itself", "customer approves", "agent approves", "agent rejects", "nobody decides"]
"""What becomes of the request."""
KINDS: tuple[Kind, ...] = (
    "by itself",
    "customer approves",
    "agent approves",
    "nobody decides",
    "agent rejects",
)

WISHES: Mapping[Kind, str] = {
    "by itself": MESSAGES["en"][0],
    "customer approves": "Our sending got paused after too many bounces from {domain}. I deleted all bounced "
    "addresses from the shop's list as well as here, and double opt-in is on. Could you let us send again?",
    "agent approves": "Please move the domain news.{domain} to the workspace campanhas. The heron-verify "
    "record is in DNS, the scheduled campaigns are all paused, and campanhas exists and is active.",
}
ACTIONS: Mapping[Kind, str] = {
    "by itself": "enable_https",
    "customer approves": "resume_sending",
    "agent approves": "move_domain",
}
REPLIES: Mapping[Kind, int] = {"by itself": 1}
"""Of us, from the wish to the end; of every other kind the card and then how it ended."""
AGAIN_S = 0.1
PATIENCE_S = 90.0
"""After the last kill a story has to end within this time, without a hand."""
_numbers = itertools.count(1)


def same_as(kind: Kind) -> Kind:
    """What is asked for: whoever rejects or is silent does so with what agents approve."""
    return kind if kind in WISHES else "agent approves"


async def at_the_latest(stories: Iterable[asyncio.Task[Story]]) -> None:
    """Waits for stories to end; what does not end is left as it is."""
    playing = tuple(stories)
    if playing:
        _, stuck = await asyncio.wait(playing, timeout=PATIENCE_S)
        for task in stuck:
            task.cancel()
        for outcome in await asyncio.gather(*playing, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


def replies_of(kind: Kind) -> int:
    return REPLIES.get(kind, 2)


@dataclass
class Stage:
    """Where stories are played."""

    world: World
    settings: Settings
    url: str

    def customer(self, kind: Kind) -> Spec:
        """Another account, with all steps of what is asked for done."""
        number = next(_numbers)
        names = {
            "account": f"crash-{number}",
            "domain": f"crash{number}.example",
            "label": f"{9000 + number}",
        }
        if kind == "customer approves":
            made = scenarios.sending_paused(**names)
        else:
            verified = Record(name=f"news.{names['domain']}", type="TXT", values=("heron-verify=1",))
            made = scenarios.with_records(scenarios.all_ready(**names), verified)
        self.world.load(made)
        if kind == "customer approves":
            self.world.change_account(made.account, settings={"double_opt_in": True})
        return made

    def token(self, who: Proven | str) -> str:
        """Of a customer, or of the agent of that name."""
        agent = isinstance(who, str)
        return sign(
            self.settings,
            sub=who if isinstance(who, str) else who.user,
            account=None if isinstance(who, str) else who.account,
            agent=agent,
            minutes=600,
            now=utc_now(),
        )


@dataclass
class Shown:
    """One event as it came over the wire."""

    seq: int
    kind: str
    payload: Any


@dataclass
class Story:
    """One customer from the wish to its end, whatever dies meanwhile."""

    stage: Stage
    kind: Kind
    spec: Spec
    conversation: str = ""
    acknowledged: list[str] = field(default_factory=list)
    """Ids of messages that were answered 202."""
    approved: list[str] = field(default_factory=list)
    """Ids of requests whose yes was answered 200."""
    shown: list[Shown] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    """From the wish to its end; None where it never came."""

    async def play(self) -> Story:
        async with self._client(self.spec.owner) as client:
            opened = await self._sent(client, "/v1/conversations", {})
            self.conversation = str(opened.json()["id"])
            path = f"/v1/conversations/{self.conversation}"
            listening = asyncio.create_task(self._listen(client, path))
            try:
                await self._say(client, path)
                await self._until(lambda: self.ended or self._card() is not None)
                await self._decide(client)
                await self._until(lambda: self.ended)
                self.seconds = time.monotonic() - self.began
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        return self

    @property
    def ended(self) -> bool:
        """The customer was told how it ended, and it is nobody's move of ours."""
        status = self.last("conversation.status")
        told = len(self.replies) >= replies_of(self.kind)
        return told and status in ("resolved", "with_agents", "awaiting_customer")

    @property
    def replies(self) -> list[str]:
        """Ids of what we said, as often as it was shown."""
        done = [event.payload["message"] for event in self.shown if event.kind == "message.done"]
        return [message["id"] for message in done if message["role"] == "bot"]

    def last(self, kind: str) -> str | None:
        found = [event.payload["status"] for event in self.shown if event.kind == kind]
        return found[-1] if found else None

    def _card(self) -> str | None:
        cards = [event.payload["request"] for event in self.shown if event.kind == "action.proposed"]
        return cards[-1] if cards else None

    async def _say(self, client: httpx.AsyncClient, path: str) -> None:
        text = WISHES[same_as(self.kind)].format(domain=domain_of(self.spec))
        sent = await self._sent(client, f"{path}/messages", {"client_message_id": "wish", "text": text})
        self.acknowledged.append(sent.json()["message"]["id"])

    async def _decide(self, client: httpx.AsyncClient) -> None:
        card = self._card()
        if card is None or self.kind == "nobody decides":
            return
        word = "reject" if self.kind == "agent rejects" else "approve"
        if self.kind == "customer approves":
            answer = await self._sent(client, f"/v1/requests/{card}/approve", {})
        else:
            async with self._client("rita") as agent:
                answer = await self._sent(agent, f"/v1/requests/{card}/{word}", {})
        if answer.status_code == httpx.codes.OK and word == "approve":
            self.approved.append(card)

    async def _sent(self, client: httpx.AsyncClient, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """Sent until an answer comes; what was decided already by the try before is an answer, too."""
        while True:
            with suppress(httpx.TransportError):
                answer = await client.post(path, json=body)
                if answer.status_code not in (429, 500, 502, 503, 504):
                    if answer.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
                        answer.raise_for_status()
                    return answer
            await asyncio.sleep(AGAIN_S)

    async def _listen(self, client: httpx.AsyncClient, path: str) -> None:
        """Follows the log by its numbers, and comes back by them."""
        while True:
            after = {"Last-Event-ID": str(self.shown[-1].seq)} if self.shown else {}
            with suppress(httpx.HTTPError):
                async with client.stream("GET", f"{path}/events", headers=after) as stream:
                    seq, kind = 0, ""
                    async for line in stream.aiter_lines():
                        name, _, value = line.partition(": ")
                        if name == "id":
                            seq = int(value)
                        elif name == "event":
                            kind = value
                        elif name == "data":
                            self.shown.append(Shown(seq, kind, json.loads(value)))
            await asyncio.sleep(AGAIN_S)

    async def _until(self, so: Callable[[], bool]) -> None:
        while not so():  # noqa: ASYNC110  what is waited for comes over a stream that may break
            await asyncio.sleep(0.02)

    def _client(self, who: Proven | str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.stage.token(who)}"}
        times = httpx.Timeout(10, read=30)  # a stream has a heartbeat
        return httpx.AsyncClient(base_url=self.stage.url, headers=headers, trust_env=False, timeout=times)
