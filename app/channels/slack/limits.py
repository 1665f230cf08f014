"""Calls to Slack's API at the pace it allows: a bucket a method, Retry-After obeyed, links never unfurled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.delivery import TryLater
from app.errors import OutcomeUnknown

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

PER_MINUTE: Mapping[str, int] = {
    "chat_startStream": 20,
    "chat_stopStream": 20,
    "chat_appendStream": 100,
    "chat_update": 50,
    "chat_postEphemeral": 100,
    "agents_sessions_setStatus": 50,
    "conversations_replies": 50,
    "users_info": 100,
    "views_open": 100,
    "views_update": 100,
}
"""Tiers of docs.slack.dev/apis/web-api/rate-limits; a minute's worth may go out in one burst."""
POSTS_PER_MINUTE = 60
"""`chat.postMessage`: one a second in each channel, short bursts go through."""
PATIENCE_S = 20.0
"""A longer wait is handed to whoever asked: its events are told again later."""

Sleep = Callable[[float], Awaitable[None]]


class Bucket:
    """So many calls a minute, a quarter of them at once."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._rate = per_minute / 60
        self._most = max(1.0, per_minute / 4)
        self._level, self._at = self._most, now

    def take(self, now: float) -> float:
        """Seconds to wait before the call that takes this turn."""
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now
        self._level -= 1
        return 0.0 if self._level >= 0 else -self._level / self._rate

    def put_back(self) -> None:
        """A turn that was not used after all."""
        self._level += 1


class Api:
    """One workspace's API.

    Raises `SlackApiError` for a "no", `TryLater` where it wants to be left alone, and `OutcomeUnknown` where
    no answer came back.
    """

    def __init__(self, client: AsyncWebClient, *, sleep: Sleep = asyncio.sleep) -> None:
        self.client = client
        self._sleep = sleep
        self._buckets: dict[str, Bucket] = {}
        self._closed: dict[str, float] = {}
        """Until when a method is not to be called: it said so itself."""

    async def call(
        self, method: str, *, patience_s: float = PATIENCE_S, **arguments: Any
    ) -> Mapping[str, Any]:
        from aiohttp import ClientError
        from slack_sdk.errors import SlackApiError

        key = method
        if method == "chat_postMessage":
            key = f"{method} {arguments.get('channel')}"
            arguments |= {"unfurl_links": False, "unfurl_media": False}
        waited = 0.0
        while True:
            wait = self._turn(key, method)
            if waited + wait > patience_s:
                self._give_turn_back(key)
                raise TryLater(wait)
            if wait:
                await self._sleep(wait)
                waited += wait
            try:
                response = await getattr(self.client, method)(**arguments)
            except SlackApiError as error:
                left_alone = retry_after(error)
                if left_alone is None:
                    raise
                self._closed[key] = time.monotonic() + left_alone
            except (ClientError, OSError) as error:  # a time-out is an OSError, too
                raise OutcomeUnknown(f"Slack did not answer {method}; look whether it happened") from error
            else:
                data = response.data
                return data if isinstance(data, Mapping) else {}

    def _turn(self, key: str, method: str) -> float:
        now = time.monotonic()
        closed = self._closed.get(key, 0.0) - now
        if closed > 0:
            return closed
        per_minute = POSTS_PER_MINUTE if method == "chat_postMessage" else PER_MINUTE.get(method, 50)
        return self._buckets.setdefault(key, Bucket(per_minute, now)).take(now)

    def _give_turn_back(self, key: str) -> None:
        if key in self._buckets:
            self._buckets[key].put_back()


def retry_after(error: SlackApiError) -> float | None:
    """Seconds that a refusal for haste asks for; None for any other refusal."""
    response = error.response
    if getattr(response, "status_code", None) != 429:
        return None
    headers = {str(name).lower(): value for name, value in response.headers.items()}
    value = headers.get("retry-after", "1")
    value = value[0] if isinstance(value, list) else value
    try:
        return max(0.0, float(value))
    except ValueError:
        return 1.0


def refused(error: Exception) -> str:
    """What Slack calls its "no"."""
    response = getattr(error, "response", None)
    return str(response.get("error", "")) if response is not None else ""
