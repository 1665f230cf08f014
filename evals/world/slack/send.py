"""Signed deliveries to the app over HTTP or its sockets, with the retries of Slack."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from evals.world.slack.state import Delivery, Json

if TYPE_CHECKING:
    import httpx

    from evals.world.slack.slack import FakeSlack

RETRY_AFTER = (0.0, 60.0, 300.0)
"""Seconds before each of the three retries: docs.slack.dev/apis/events-api/#retries."""

AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
FORGERIES = (
    "wrong_secret",
    "old_timestamp",
    "text_timestamp",
    "empty_timestamp",
    "non_utf8",
    "non_ascii_signature",
    "altered_body",
    "no_signature",
    "wrong_team",
    "not_json",
)


def signed(secret: str, body: bytes, timestamp: str) -> dict[str, str]:
    """docs.slack.dev/authentication/verifying-requests-from-slack"""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": "v0=" + digest.hexdigest()}


def encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    """Events come as JSON, interactions as a form with one JSON field, commands as a form."""
    form = "application/x-www-form-urlencoded"
    if payload.get("type") in ("event_callback", "url_verification"):
        return json.dumps(payload, ensure_ascii=False).encode(), "application/json"
    if kind == "command":
        return urlencode(payload).encode(), form
    return urlencode({"payload": json.dumps(payload)}).encode(), form


class Sender:
    """Delivers one payload after another, each in a task of its own, as unordered as Slack."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack
        self.tasks: set[asyncio.Task[Any]] = set()
        self.busy = 0
        """Attempts under way; a retry that waits for its minute is not counted."""
        self.held = 0
        self._client: httpx.AsyncClient | None = None

    def spawn(self, kind: str, payload: Json) -> None:
        self.busy += 1  # counted from here on, so that nobody sees a gap between task and attempt
        task = asyncio.create_task(self._until_acked(kind, payload))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _until_acked(self, kind: str, payload: Json) -> None:
        delivery = await self.attempt(kind, payload, counted=True)
        for number, wait in enumerate(RETRY_AFTER, 1):
            if delivery.ok or delivery.reason == "no_retry":
                return
            await asyncio.sleep(wait * self.slack.options.retry_scale)
            delivery = await self.attempt(kind, payload, number, delivery.reason)

    async def attempt(
        self, kind: str, payload: Json, number: int = 0, reason: str | None = None, *, counted: bool = False
    ) -> Delivery:
        """One delivery: `ok` when it was acknowledged with 2xx in time."""
        self.busy += 0 if counted else 1
        started = time.perf_counter()
        try:
            if self.slack.options.socket_mode:
                outcome = await self.slack.sockets.send(kind, payload, number, reason)
            else:
                outcome = await self._post(kind, payload, number, reason)
        finally:
            self.busy -= 1
        status, body, failure = outcome
        if failure is None and self.held > 0 and payload.get("type") == "event_callback":
            self.held -= 1
            failure = "http_timeout"
        delivery = Delivery(
            kind=kind,
            payload=payload,
            attempt=number,
            status=status,
            seconds=time.perf_counter() - started,
            ok=failure is None,
            reason=failure,
            body=body,
        )
        self.slack.state.deliveries.append(delivery)
        self.slack.state.touch()
        return delivery

    async def _post(
        self, kind: str, payload: Json, number: int, reason: str | None
    ) -> tuple[int | None, str, str | None]:
        body, content_type = encoded(kind, payload)
        headers = {"Content-Type": content_type, "User-Agent": AGENT}
        headers |= signed(self.slack.options.signing_secret, body, str(int(time.time())))
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason or "unknown_error"}
        return await self.raw(body, headers)

    async def raw(
        self, body: bytes, headers: dict[str, str] | dict[bytes, bytes]
    ) -> tuple[int | None, str, str | None]:
        """Status, body and the reason for a retry, in the words of `X-Slack-Retry-Reason`."""
        import httpx

        url = self.slack.request_url
        if url is None:
            return None, "", "connection_failed"
        if self._client is None:
            return None, "", "connection_failed"
        try:
            async with asyncio.timeout(self.slack.options.ack_seconds):
                response = await self._client.post(url, content=body, headers=headers, timeout=None)
        except TimeoutError:
            return None, "", "http_timeout"
        except httpx.HTTPError:
            return None, "", "connection_failed"
        if response.is_success:
            return response.status_code, response.text, None
        final = response.headers.get("X-Slack-No-Retry") == "1"
        return response.status_code, response.text, "no_retry" if final else "http_error"

    async def forge(self, kind: str, event: Json) -> int | None:
        """What docs.slack.dev/authentication/verifying-requests-from-slack is there to stop."""
        secret, now = self.slack.options.signing_secret, str(int(time.time()))
        body = json.dumps(event).encode()
        headers: dict[str, str] = signed(secret, body, now)
        raw: dict[bytes, bytes] = {}
        if kind == "wrong_secret":
            headers = signed("not-" + secret, body, now)
        elif kind == "old_timestamp":
            headers = signed(secret, body, str(int(now) - 400))
        elif kind == "text_timestamp":
            headers = signed(secret, body, "abc")
        elif kind == "empty_timestamp":
            headers = signed(secret, body, "")
        elif kind == "non_utf8":
            body = body[:-1] + b', "x": "\xff\xfe"}'
            headers = signed(secret, body, now)
        elif kind == "non_ascii_signature":
            raw = {b"X-Slack-Signature": "v0=ção".encode()}
        elif kind == "altered_body":
            body = body.replace(b'"text"', b'"Text"')
        elif kind == "no_signature":
            headers = {}
        elif kind == "not_json":
            body = b"{not json"
            headers = signed(secret, body, now)
        elif kind != "wrong_team":
            raise ValueError(f"no forgery {kind!r}; choose one of {', '.join(FORGERIES)}")
        all_raw = {key.encode(): value.encode() for key, value in headers.items()} | raw
        all_raw |= {b"Content-Type": b"application/json", b"User-Agent": AGENT.encode()}
        status, _, _ = await self.raw(body, all_raw)
        return status

    def open(self) -> None:
        """Before the first delivery, so that making the client is not taken for the app's time."""
        import httpx

        self._client = httpx.AsyncClient(trust_env=False, verify=False)  # noqa: S501 - loopback, plain

    async def close(self) -> None:
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self._client:
            await self._client.aclose()
