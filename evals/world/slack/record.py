"""What the double saw, to assert on, and how to wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from evals.world.slack.state import (
    Ack,
    Call,
    Channel,
    Delivery,
    Json,
    Message,
    Session,
    State,
    Stream,
    User,
    View,
    Violation,
)

if TYPE_CHECKING:
    from evals.world.slack.send import Sender

T = TypeVar("T")


class Record:
    """The reading half of `FakeSlack`."""

    state: State
    sender: Sender

    @property
    def users(self) -> dict[str, User]:
        return self.state.users

    @property
    def channels(self) -> dict[str, Channel]:
        return self.state.channels

    @property
    def calls(self) -> list[Call]:
        return self.state.calls

    def calls_of(self, method: str) -> list[Call]:
        return [call for call in self.state.calls if call.method == method]

    @property
    def unfurling(self) -> list[Call]:
        """Posts that did not switch both previews off: links in them are fetched by Slack."""
        return [
            call
            for call in self.calls_of("chat.postMessage")
            if not (call.arguments.get("unfurl_links") is call.arguments.get("unfurl_media") is False)
        ]

    @property
    def violations(self) -> list[Violation]:
        return self.state.violations

    @property
    def deliveries(self) -> list[Delivery]:
        return self.state.deliveries

    @property
    def failed(self) -> list[Delivery]:
        return [delivery for delivery in self.state.deliveries if not delivery.ok]

    @property
    def acks(self) -> list[Ack]:
        """How long each delivery waited; one that was never acknowledged counts with its three seconds."""
        reached = [one for one in self.state.deliveries if one.reason != "connection_failed"]
        return [Ack(kind=one.kind, seconds=one.seconds) for one in reached]

    def p99(self) -> float:
        """Seconds within which 99 of 100 deliveries were acknowledged, by the nearest rank."""
        seconds = sorted(ack.seconds for ack in self.acks)
        return seconds[max(0, -(-99 * len(seconds) // 100) - 1)] if seconds else 0.0

    def messages(
        self, channel: str, thread: str | None = None, *, user: str | None = None
    ) -> tuple[Message, ...]:
        return self.state.messages(channel, thread, user)

    def thread_of(self, message: Message) -> tuple[Message, ...]:
        return self.state.messages(message.channel, message.root)

    def message(self, channel: str, ts: str) -> Message | None:
        return self.state.find(channel, ts)

    def ephemerals(self, user: str) -> tuple[Message, ...]:
        return tuple(m for m in self.state.kept.values() if m.ephemeral_to == user and not m.deleted)

    @property
    def streams(self) -> dict[tuple[str, str], Stream]:
        """By channel and ts of the message."""
        return self.state.streams

    @property
    def sessions(self) -> dict[tuple[str, str], Session]:
        """By channel and thread."""
        return self.state.sessions

    @property
    def prompts(self) -> dict[str, Json]:
        """By channel: `title` and `prompts`."""
        return self.state.prompts

    @property
    def statuses(self) -> dict[tuple[str, str], str]:
        """The line of `assistant.threads.setStatus`, by channel and thread."""
        return self.state.statuses

    @property
    def views(self) -> dict[str, View]:
        return self.state.views

    def open_views(self, user: str) -> list[View]:
        return [v for v in self.state.views.values() if v.user == user and v.open and not v.home]

    def home(self, user: str) -> View | None:
        return next((v for v in self.state.views.values() if v.user == user and v.home), None)

    async def until(self, predicate: Callable[[], T], timeout: float = 10) -> T:  # noqa: ASYNC109
        """Waits until the predicate holds; what it gave then."""
        end = time.monotonic() + timeout
        while not (found := predicate()):
            left = end - time.monotonic()
            if left <= 0:
                last = [f"{c.method} -> {c.response.get('error', 'ok')}" for c in self.calls[-5:]]
                said = [m.said[:80] for m in sorted(self.state.kept.values(), key=lambda m: m.ts)[-3:]]
                raise TimeoutError(f"not within {timeout} s; last calls {last}, last messages {said}")
            changed = self.state.changed
            try:
                async with asyncio.timeout(min(left, 0.25)):  # a predicate may watch other things too
                    await changed.wait()
            except TimeoutError:
                continue
        return found

    async def settle(self, still: float = 0.3, timeout: float = 10) -> None:  # noqa: ASYNC109
        """Waits until no delivery is under way and nothing happened for `still` seconds."""
        end = time.monotonic() + timeout
        seen, since = self.state.version, time.monotonic()
        while self.sender.busy or time.monotonic() - since < still:
            if time.monotonic() > end:
                raise TimeoutError(f"something still happens after {timeout} s; last {self.calls[-3:]}")
            await asyncio.sleep(0.02)
            if self.state.version != seen:
                seen, since = self.state.version, time.monotonic()
