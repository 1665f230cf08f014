"""Calls that tests of the website channel have in common."""

from __future__ import annotations

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


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, whose shape is held here for every test."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "fix"}
    assert error["message"].endswith(".")
    assert error["fix"]
    return answer.status_code, error["code"]
