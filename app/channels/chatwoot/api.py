"""Chatwoot's API as we use it: reads with an agent's token, writes with the bot's.

A bot's token may write messages and change states, and may not read messages; so there are two.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from app.channels.chatwoot.theirs import Inbox, Status, TheirConversation, TheirMessage
from app.errors import BadInput, ConfigError, OutcomeUnknown, Unavailable

SECONDS = 10.0
PAGE = 100
"""Messages of one answer to `after=`."""
Shape = TypeVar("Shape", TheirConversation, Inbox)
_MESSAGES = TypeAdapter(list[TheirMessage])


class Api:
    """One account of one Chatwoot. Reads give None for what is not there.

    Every method raises `Unavailable` (nothing happened), `ConfigError` (our token is refused) and, where it
    writes, `OutcomeUnknown` or `BadInput`.
    """

    def __init__(self, http: httpx.AsyncClient, *, account: int, agent_token: str, bot_token: str) -> None:
        self._http, self._account = http, account
        self._agent, self._bot = agent_token, bot_token

    async def version(self) -> tuple[int, ...]:
        """Of Chatwoot; empty where it does not say."""
        found = await self._send("GET", "/api", token=None)
        text = str((found or {}).get("version", ""))
        parts = text.partition("-")[0].split(".")
        return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()

    async def conversation(self, id: int) -> TheirConversation | None:
        found = await self._read(f"/conversations/{id}")
        return None if found is None else _parsed(TheirConversation, found)

    async def inbox(self, id: int) -> Inbox | None:
        found = await self._read(f"/inboxes/{id}")
        return None if found is None else _parsed(Inbox, found)

    async def messages(self, conversation: int, after: int) -> list[TheirMessage]:
        """Every message after one, the oldest first; private notes too."""
        messages: list[TheirMessage] = []
        while True:
            page = await self._messages(conversation, after=after)
            messages += page
            if len(page) < PAGE:
                return sorted(messages, key=lambda message: message.id)
            after = max(message.id for message in page)

    async def message(self, conversation: int, id: int) -> TheirMessage | None:
        found = await self._messages(conversation, after=id, before=id + 1)
        return next((message for message in found if message.id == id), None)

    async def _messages(self, conversation: int, **between: int) -> list[TheirMessage]:
        found = await self._read(f"/conversations/{conversation}/messages", between)
        if found is None:
            return []
        try:
            return _MESSAGES.validate_python(found.get("payload"))
        except ValidationError as error:
            raise Unavailable(_UNREADABLE) from error

    async def write(self, conversation: int, body: dict[str, Any]) -> int | None:
        """A new message of the bot; its id, or None where the conversation is gone."""
        found = await self._write(f"/conversations/{conversation}/messages", body)
        return None if found is None else int(found["id"])

    async def set_status(self, conversation: int, status: Status) -> None:
        await self._write(f"/conversations/{conversation}/toggle_status", {"status": status})

    async def file(self, address: str, most: int) -> bytes | None:
        """A file of a message, from Chatwoot itself alone; None where it is elsewhere or too big."""
        base = self._http.base_url
        url = httpx.URL(address)
        if (url.scheme, url.host, url.port, url.userinfo) != (base.scheme, base.host, base.port, b""):
            return None
        try:
            async with self._http.stream("GET", url) as answer:
                if answer.status_code != 200:
                    return None
                content = b""
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > most:
                        return None
                return content
        except httpx.HTTPError:
            return None

    # --- one request ---

    async def _read(self, path: str, params: dict[str, int] | None = None) -> dict[str, Any] | None:
        return await self._send("GET", self._base + path, token=self._agent, params=params)

    async def _write(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        return await self._send("POST", self._base + path, token=self._bot, body=body)

    @property
    def _base(self) -> str:
        return f"/api/v1/accounts/{self._account}"

    async def _send(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        params: dict[str, int] | None = None,
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        headers = {"api_access_token": token} if token else {}
        try:
            answer = await self._http.request(method, path, headers=headers, params=params, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"Chatwoot cannot be reached ({error}). Look whether it runs.") from error
        except httpx.HTTPError as error:
            if method == "GET":
                raise Unavailable("Chatwoot does not answer. It is asked again.") from error
            raise OutcomeUnknown("Chatwoot's answer was lost. We look before writing again.") from error
        return _answer(answer, writes=method != "GET")


_UNREADABLE = "Chatwoot's answer cannot be read. Look whether STEPFOUR_CHATWOOT_URL leads to Chatwoot itself."


def _answer(answer: httpx.Response, *, writes: bool) -> dict[str, Any] | None:
    status = answer.status_code
    if status == 404:
        return None
    if status in (401, 403):
        name = "BOT_TOKEN" if writes else "TOKEN"
        raise ConfigError(
            f"Chatwoot refuses our token ({status}). Check STEPFOUR_CHATWOOT_{name} and "
            "STEPFOUR_CHATWOOT_ACCOUNT."
        )
    if status == 429:
        raise Unavailable("Chatwoot wants to be asked less often. It is asked again.")
    if status >= 500:
        if writes:
            raise OutcomeUnknown(f"Chatwoot failed ({status}). We look before writing again.")
        raise Unavailable(f"Chatwoot failed ({status}). It is asked again.")
    if status >= 400:
        raise BadInput(f"Chatwoot refuses it ({status}): {answer.text[:300]}")
    if status >= 300:
        raise ConfigError("Chatwoot sends us elsewhere. Set STEPFOUR_CHATWOOT_URL to its final address.")
    try:
        found = json.loads(answer.content)
    except ValueError as error:
        raise Unavailable(_UNREADABLE) from error
    return found if isinstance(found, dict) else {}


def _parsed(shape: type[Shape], found: dict[str, Any]) -> Shape:
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        raise Unavailable(_UNREADABLE) from error
