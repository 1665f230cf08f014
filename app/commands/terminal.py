"""`stepfour chat`: a conversation with a running Stepfour in the terminal, over its HTTP API."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

from app.errors import BadInput, Unavailable

if TYPE_CHECKING:
    import httpx

QUIET_S = 60
ENDS = frozenset(
    {"awaiting_customer", "awaiting_approval", "watching", "with_agents", "human_active", "resolved"}
)


async def talk(url: str, token: str | None) -> None:
    """Reads lines from standard input, prints what comes back; news of a watch is printed as it arrives."""
    import httpx

    async with httpx.AsyncClient(
        base_url=url, trust_env=False, timeout=httpx.Timeout(30, read=None)
    ) as client:
        try:
            if token is None:
                token = (await _post(client, "/v1/visitors", {}))["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            path = f"/v1/conversations/{(await _post(client, '/v1/conversations', {}))['id']}"
            print("Write a message; an empty line or Ctrl-D ends.", file=sys.stderr)
            rest = asyncio.Event()
            listening = asyncio.create_task(_listen(client, path, rest))
            while text := (await asyncio.to_thread(_line)).strip():
                rest.clear()
                await _post(client, f"{path}/messages", {"client_message_id": uuid.uuid4().hex, "text": text})
                try:
                    await asyncio.wait_for(rest.wait(), QUIET_S)
                except TimeoutError:
                    print("(no answer yet; it comes here when there is one)", file=sys.stderr)
            listening.cancel()
        except httpx.TransportError as error:
            raise Unavailable(f"no Stepfour answers at {url}: {error}. Start it with: stepfour up") from error


def _line() -> str:
    return sys.stdin.readline()


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(path, json=body)
    if response.is_error:
        error = response.json().get("error", {})
        raise BadInput(f"{error.get('message', response.text)} {error.get('fix', '')}".strip())
    answer: dict[str, Any] = response.json()
    return answer


async def _listen(client: httpx.AsyncClient, path: str, rest: asyncio.Event) -> None:
    kind = ""
    async with client.stream("GET", f"{path}/events") as response:
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                kind = value
            elif field == "data":
                _show(kind, json.loads(value), rest)


def _show(kind: str, payload: dict[str, Any], rest: asyncio.Event) -> None:
    if kind == "message.done" and payload["message"]["role"] != "customer":
        print(f"\n{payload['message']['text']}\n", flush=True)
        for cited in payload["message"]["citations"]:
            print(f"  [{cited['n']}] {cited['title']} ({cited['path']})", flush=True)
    elif kind == "conversation.status" and payload["status"] in ENDS:
        rest.set()
