"""Calls that tests of the website channel have in common."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def visitor(web: httpx.AsyncClient) -> str:
    token: str = (await web.post("/v1/visitors", json={})).json()["token"]
    return token


async def opened(web: httpx.AsyncClient, token: str, **headers: str) -> str:
    answer = await web.post("/v1/conversations", json={}, headers=bearer(token) | headers)
    assert answer.status_code == 201
    id: str = answer.json()["id"]
    return id


async def send(
    web: httpx.AsyncClient, token: str, id: str, text: str, client_id: str = "one", **headers: str
) -> httpx.Response:
    body = {"client_message_id": client_id, "text": text}
    return await web.post(f"/v1/conversations/{id}/messages", json=body, headers=bearer(token) | headers)


async def asked_and_waiting(store: Any, asking: asyncio.Task[httpx.Response]) -> None:
    """Returns when a stream has told what there was and waits for news, or when it is answered."""
    waits, wait = asyncio.Event(), store.wait_for_events

    async def observed(*args: Any) -> None:
        waits.set()
        await wait(*args)

    store.wait_for_events = observed
    waiting = asyncio.ensure_future(waits.wait())
    await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    store.wait_for_events = wait


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, whose shape is held here for every test."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "fix"}
    assert error["message"].endswith(".")
    assert error["fix"]
    return answer.status_code, error["code"]
